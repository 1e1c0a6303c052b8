"""Lines are broken where Japanese may be, and lose nothing but blanks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otmon.outputs.lines import broken, columns, wrapped


@pytest.mark.parametrize(
    ("text", "columns", "lines"),
    [
        ("", 10, []),
        ("あいうえお", 10, ["あいうえお"]),
        ("あいうえおか", 10, ["あいうえお", "か"]),
        ("あいうえお。", 10, ["あいうえ", "お。"]),
        ("あいうえ(おか)", 10, ["あいうえ", "(おか)"]),
        ("ab cd ef", 5, ["ab cd", "ef"]),
        ("otmon を使う", 8, ["otmon を", "使う"]),
        ("longer-than-all", 5, ["longe", "r-tha", "n-all"]),
        ("あlonger。", 5, ["あ", "longe", "r。"]),
        ("- 経路を閉じる", 6, ["- 経路", "を閉じ", "る"]),
    ],
)
def test_lines_are_broken_where_japanese_may_be(text: str, columns: int, lines: list[str]) -> None:
    assert wrapped(text, columns) == lines


@given(st.text(alphabet="aあ。(「 -10,ア", max_size=40), st.integers(2, 20))
def test_no_sign_is_lost_and_no_line_too_long(text: str, width: int) -> None:
    lines = broken(text, width)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(columns(line) <= width for line in lines)
    at = 0
    for line in lines:
        at = text.index(line, at) + len(line)
