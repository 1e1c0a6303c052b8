from __future__ import annotations

import hmac

import pytest

from otmon.identity.proof_budget import CHEAP
from otmon.identity.snmp import log_ins
from otmon.identity.usm import localised, message_of
from tests.identity.talk import Turn, pieces, told

ENGINE = bytes.fromhex("000000000000000000000002")
KEYS = {
    "md5": "526f5eed9fcce26f8964c2930787d82b",
    "sha1": "6695febc9288e36282235fc7151f128497b38f3f",
}
"""RFC 3414, A.3: maplesyrup at that engine."""
SIZES = {"md5": 12, "sha1": 12, "sha224": 16, "sha256": 24, "sha384": 32, "sha512": 48}


def tlv(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    size = bytes((len(body),)) if len(body) < 128 else b"\x81" + bytes((len(body),))
    return bytes((tag,)) + size + body


def message(
    password: bytes, name: str = "md5", kind: int = 0xA0, user: bytes = b"admin", body: bytes = b""
) -> bytes:
    """A message of version 3 with a digest, or without one where there is no password."""
    size = SIZES[name] if password else 0
    security = tlv(
        0x30, tlv(4, ENGINE), tlv(2, b"\1"), tlv(2, b"\2"), tlv(4, user), tlv(4, bytes(size)), tlv(4)
    )
    header = tlv(
        0x30, tlv(2, b"\x4d"), tlv(2, b"\5\xdc"), tlv(4, b"\5" if password else b"\4"), tlv(2, b"\3")
    )
    scoped = tlv(
        0x30, tlv(4, ENGINE), tlv(4), tlv(kind, tlv(2, b"\1"), tlv(2, b"\0"), tlv(2, b"\0"), tlv(0x30, body))
    )
    whole = tlv(0x30, tlv(2, b"\3"), header, tlv(4, security), scoped)
    if not password:
        return whole
    digest = hmac.digest(localised(name, password, ENGINE), whole, name)[:size]
    blank = tlv(4, bytes(size))
    assert whole.count(blank) == 1
    return whole.replace(blank, tlv(4, digest))


@pytest.mark.parametrize("name", KEYS)
def test_the_keys_of_its_specification(name: str) -> None:
    assert localised(name, b"maplesyrup", ENGINE).hex() == KEYS[name]


@pytest.mark.parametrize("name", SIZES)
def test_a_digest_is_recomputed(name: str) -> None:
    (one,) = log_ins_of(("c", message(b"maplesyrup", name)), ("s", message(b"maplesyrup", name, 0xA2)))
    assert (one[0], one[1], one[2]) == (b"admin", "usm", "accepted")
    found = message_of(message(b"maplesyrup", name))
    assert found is not None and found[1] is not None
    assert found[1].proves(b"maplesyrup") and not found[1].proves(b"maplesyrun") and not found[1].proves(b"")


def log_ins_of(*turns: Turn) -> list[tuple[bytes, str, str, bytes | None]]:
    return told(list(log_ins(pieces(*turns))))


def test_a_report_without_a_digest_is_a_refusal_where_it_says_so() -> None:
    ask: Turn = ("c", message(b"private"))
    refused = tlv(0x30, bytes.fromhex("060a2b060106030f01010500"), tlv(0x41, b"\1"))
    unknown = tlv(0x30, bytes.fromhex("060a2b060106030f01010400"), tlv(0x41, b"\1"))
    assert [one[2] for one in log_ins_of(ask, ("s", message(b"", kind=0xA8, body=refused)))] == ["refused"]
    assert [one[2] for one in log_ins_of(ask, ("s", message(b"", kind=0xA8, body=unknown)))] == ["unknown"]
    assert [one[2] for one in log_ins_of(ask)] == ["attempted"]


def test_without_a_digest_nobody_logs_in() -> None:
    assert log_ins_of(("c", message(b"")), ("s", message(b"", kind=0xA8))) == []


def test_a_password_is_hashed_once() -> None:
    found = message_of(message(b"x"))
    assert found is not None and found[1] is not None
    password = b"not seen before"
    assert found[1].cost(password) > 100 * CHEAP
    assert not found[1].proves(password)
    assert found[1].cost(password) == CHEAP


def test_broken_messages_are_nothing() -> None:
    whole = message(b"maplesyrup")
    for size in range(len(whole)):
        assert message_of(whole[:size]) is None
    for place in range(len(whole)):
        for byte in (0, 0x7F, 0x80, 0xFF):
            found = message_of(whole[:place] + bytes((byte,)) + whole[place + 1 :])
            if found is not None and found[1] is not None:
                assert found[1].proves(b"maplesyrup") in (True, False)
