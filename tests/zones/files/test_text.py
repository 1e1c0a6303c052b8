"""Single texts of model files."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otmon.zones.files import text as texts
from otmon.zones.files.text import range_reader, read_function_number, read_id, read_text, read_vlan


@pytest.mark.parametrize(
    ("text", "number"),
    [("6", (6, None)), (" 0x5a ", (90, None)), ("43/14", (43, 14)), ("43 / 0x0e", (43, 14)),
     ("read-coils", None), ("6/", None), ("/6", None), ("", None), ("-1", None), ("²", None)],
)  # fmt: skip
def test_function_numbers(text: str, number: tuple[int, int | None] | None) -> None:
    assert read_function_number(text) == number


@pytest.mark.parametrize(
    ("text", "vlan"),
    [("untagged", ""), ("10", "10"), ("200.10", "200.10"), ("010", "10"), ("0", None), ("4095", None),
     ("1.2.3", None), ("", None), ("１０", None)],
)  # fmt: skip
def test_vlans(text: str, vlan: str | None) -> None:
    assert read_vlan(text) == vlan


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("502", (502, 502)),
        ("20 - 30", (20, 30)),
        ("30-20", None),
        ("70000", None),
        ("1-", None),
        ("-1", None),
    ],
)
def test_ranges(text: str, found: tuple[int, int] | None) -> None:
    assert range_reader(65535)(text) == found


def test_ids_and_texts_are_bounded() -> None:
    assert read_id("plc-1") == "plc-1" and read_id("a" * 64) and read_id("a" * 65) is None
    assert read_id("10.1.0.1") is read_id("名") is read_id("") is None
    assert read_text("a  b") == "a b" and read_text("x" * 501) is read_text("\x1b") is None


def test_numbers_are_decimal() -> None:
    assert texts.read_quantity("-0.25") == Decimal("-0.25") and texts.read_quantity("1e5") is None
    assert texts.read_scale("0") is texts.read_step("-1") is None


@given(st.text(max_size=80))
def test_any_text_gives_a_value_or_none(text: str) -> None:
    for name in dir(texts):
        if name.startswith("read_"):
            getattr(texts, name)(text)
