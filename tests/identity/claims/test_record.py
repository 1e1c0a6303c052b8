"""Names and records, also those that lie about their lengths."""

from __future__ import annotations

from otmon.identity.claims.record import flags_of, name_at, netbios, questions_end, records
from tests.identity.claims.messages import dns, dns_name, encoded


def test_names_follow_pointers_and_not_for_ever() -> None:
    message = bytes(12) + dns_name("a.local") + b"\1b\xc0\x0e" + b"\xc0\x18"
    assert name_at(message, 12) == ((b"a", b"local"), 21)
    assert name_at(message, 21) == ((b"b", b"local"), 25)
    assert name_at(b"\xc0\x00", 0) is None and name_at(b"\x05abc", 0) is None
    assert name_at(b"\x41" + bytes(100), 0) is None and name_at(b"\1a" * 100, 0) is None


def test_names_of_netbios() -> None:
    assert netbios(encoded("HMI-XP", 0x20)[1:33]) == ("HMI-XP", 0x20)
    assert netbios(b"A" * 31) is None and netbios(b"Z" * 32) is None


def test_records_of_a_message_and_the_end_of_its_questions() -> None:
    message = dns(0x8000, (0, "a", 1, b"abcd"), (2, "b", 16, b"\1x"))
    assert [(one.name, one.kind, one.data, one.section) for one in records(message)] == [
        ((b"a",), 1, b"abcd", 0), ((b"b",), 16, b"\1x", 2),
    ]  # fmt: skip
    assert all(message[one.at : one.at + len(one.data)] == one.data for one in records(message))
    assert flags_of(message) == 0x8000 and flags_of(b"\0" * 11) == questions_end(b"\0" * 11) == -1
    lie = message[:6] + b"\xff\xff" + message[8:]
    assert len(list(records(lie))) == 2
    asks = message[:4] + b"\xff\xff" + message[6:]
    assert list(records(asks)) == [] and questions_end(asks) == -1
    assert questions_end(bytes(4) + b"\0\1" + bytes(6) + dns_name("a") + b"\0\1\0\1") == 19
