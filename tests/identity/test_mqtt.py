from __future__ import annotations

import pytest

from tests.identity.talk import TRANSCRIPTS, Turn, log_ins, told


def connect(flags: int, *fields: bytes, level: int = 4, properties: bytes = b"") -> Turn:
    body = b"\x00\x04MQTT" + bytes((level, flags)) + b"\x00\x3c" + properties
    body += b"".join(len(one).to_bytes(2, "big") + one for one in fields)
    return "c", b"\x10" + bytes((len(body),)) + body


def test_a_name_and_a_password() -> None:
    assert told(log_ins("mqtt", *TRANSCRIPTS["mqtt"])) == [(b"guest", "plain", "accepted", b"guest")]


def test_a_will_lies_before_them() -> None:
    turn = connect(0xC4, b"id", b"topic", b"gone", b"bob", b"1234")
    assert told(log_ins("mqtt", turn)) == [(b"bob", "plain", "attempted", b"1234")]


def test_version_5_has_properties() -> None:
    turn = connect(0xC0, b"id", b"bob", b"1234", level=5, properties=b"\x05\x11\0\0\0\x3c")
    refused: Turn = ("s", b"\x20\x03\x00\x86\x00")
    assert told(log_ins("mqtt", turn, refused)) == [(b"bob", "plain", "refused", b"1234")]


def test_nobody() -> None:
    assert told(log_ins("mqtt", connect(2, b"id"), ("s", b"\x20\x02\0\0"))) == [
        (b"", "anonymous", "accepted", b"")
    ]
    assert told(log_ins("mqtt", connect(2, b"id"), ("s", b"\x20\x02\0\5")))[0][2] == "refused"


def test_another_way_to_authenticate_is_not_nobody() -> None:
    turn = connect(2, b"id", level=5, properties=b"\x06\x15\0\3abc")
    assert log_ins("mqtt", turn, ("s", b"\x20\x03\0\0\0")) == []


@pytest.mark.parametrize("cut", range(27))
def test_what_is_cut_is_nothing(cut: int) -> None:
    (who, data) = TRANSCRIPTS["mqtt"][0]
    assert log_ins("mqtt", (who, data[:cut])) == []


def test_lengths_that_lie_are_nothing() -> None:
    for size in (b"\xff\xff\xff\xff\x7f", b"\x80\x80\x80\x80\x80"):
        assert log_ins("mqtt", ("c", b"\x10" + size + b"\x00\x04MQTT\x04\xc2")) == []
    turn = connect(0xC0, b"id", b"bob")
    assert log_ins("mqtt", turn) == []


def test_a_long_will_hides_no_name_and_a_length_no_packet() -> None:
    fields = b"id", b"topic", b"gone" * 5_000, b"bob", b"1234"
    body = b"\x00\x04MQTT\x04\xc4\x00\x3c" + b"".join(len(one).to_bytes(2, "big") + one for one in fields)
    size = bytes((len(body) & 0x7F | 0x80, len(body) >> 7 & 0x7F | 0x80, len(body) >> 14 | 0x80, 0))
    assert told(log_ins("mqtt", ("c", b"\x10" + size + body)))[0][3] == b"1234"
