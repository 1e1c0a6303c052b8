"""Values are one line of visible text, whatever was sent."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from otmon.identity.claim import MAX_VALUE, line, wide_line


def test_values_are_one_line_of_bounded_visible_text() -> None:
    assert line(b"PLC-1") == "PLC-1" and line("第1ライン".encode()) == "第1ライン"
    assert line(b"  6ES7 315-2EH14-0AB0 \r\n\t V 3.2 ") == "6ES7 315-2EH14-0AB0 V 3.2"
    assert line(b"name\0rest") == line("name\0rest") == "name"
    assert line(b"\xb5-PLC") == "\N{MICRO SIGN}-PLC"
    assert line(b"a\x1b[2Jb") == "a�[2Jb"
    assert line(b"") == line(b"\0x") == line(b" \r\n") == line(b"\x01\x02\x7f") == ""
    assert len(line(b"x" * 5_000)) == MAX_VALUE and line(b"x" * 5_000).endswith("…")
    assert line("工".encode() * 900) == "工" * (MAX_VALUE - 1) + "…"


def test_wide_text_of_any_length() -> None:
    assert wide_line("XP-現場".encode("utf-16-le")) == "XP-現場"
    assert wide_line("AB".encode("utf-16-le")[:3]) == "A"
    assert wide_line(b"\x00\xd8") == "" and wide_line(b"") == ""


@given(st.binary(max_size=3000))
def test_any_bytes_give_a_line(data: bytes) -> None:
    for text in (line(data), wide_line(data)):
        assert len(text) <= MAX_VALUE and (text.isprintable() and text == text.strip())
        assert text == "" or text.strip("� ")
        text.encode()
