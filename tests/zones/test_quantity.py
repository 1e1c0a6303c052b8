"""What the bits of registers stand for, and which values lie beyond a limit."""

from __future__ import annotations

import math
import struct
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otmon.ledger.facts import NO_CHANGE, NO_STEP, UNKNOWN, WAYS, Change, Evidence, Extreme, Way, WrittenValue
from otmon.zones.model import Limit, Line, Name, ValueType
from otmon.zones.quantity import (
    addresses,
    excess,
    higher_word,
    quantity,
    shown_limit,
    shown_quantity,
    words_of,
)

SEEN = Evidence(1, "a.pcap", 1, 24)


def limit(
    type: ValueType = "uint16",
    low: str = "0",
    high: str = "2",
    scale: str = "1",
    unit: str = "",
    step: str = "",
    change: str = "",
) -> Limit:
    place = Line("m.yaml", 9), Name("", ""), "holding_registers", 21
    moves = (Decimal(one) if one else None for one in (step, change))
    numbers = Decimal(low), Decimal(high), *moves
    return Limit(*place, type, Decimal(scale), unit, *numbers)  # type: ignore[arg-type]


def fact(
    words: int,
    *values: int,
    before: int = UNKNOWN,
    steps: tuple[Extreme, ...] = (),
    changes: tuple[Change, ...] = (),
) -> WrittenValue:
    extremes = tuple(Extreme(value, before, SEEN) for value in values)
    link = "10.1.0.5", "10.2.0.1", "tcp", 502, "modbus", ""
    return WrittenValue(
        *link, 1, "holding_registers", 21, words, len(values), 0, 1, 1, extremes, steps, changes, SEEN
    )


@pytest.mark.parametrize(
    ("type", "bits", "number"),
    [
        ("uint16", 0xFFFE, 65534),
        ("int16", 0xFFFE, -2),
        ("uint32", 0x00010002, 65538),
        ("uint32-swapped", 0x00020001, 65538),
        ("int32", 0xFFFFFFFE, -2),
        ("int32-swapped", 0xFFFEFFFF, -2),
        ("float32", 0x3FC00000, 1.5),
        ("float32-swapped", 0x00003FC0, 1.5),
    ],
)
def test_bits_are_read_as_their_type_says(type: ValueType, bits: int, number: float) -> None:
    assert quantity(bits, type, Decimal(1)) == Decimal(number)
    assert quantity(bits, type, Decimal("0.5")) == Decimal(number) / 2
    assert words_of(type) == (1 if type.endswith("16") else 2)


@given(st.floats(width=32))
def test_every_float_is_read_as_it_is(number: float) -> None:
    (bits,) = struct.unpack(">I", struct.pack(">f", number))
    found = quantity(bits, "float32", Decimal(1))
    assert found.is_nan() if math.isnan(number) else found == +Decimal(number)


def test_the_farthest_value_beyond_the_limit_is_told() -> None:
    found = excess(limit(scale="0.01", unit="ml/l"), fact(1, 90, 11_100, 300, before=100))
    assert found is not None
    assert (found.written, found.before, found.distance) == (Decimal("111"), Decimal("1"), Decimal("109"))


@pytest.mark.parametrize(("value", "is_beyond"), [(0, False), (200, False), (201, True), (65_535, True)])
def test_limits_belong_to_what_is_allowed(value: int, is_beyond: bool) -> None:
    assert (excess(limit(scale="0.01"), fact(1, value)) is not None) == is_beyond


def test_a_single_register_is_the_first_of_a_pair() -> None:
    found = excess(limit(), fact(2, 0x0005_FFFF, before=0x0001_0000))
    assert found is not None and (found.written, found.before) == (5, 1)
    assert excess(limit(), fact(2, 0x0002_FFFF)) is None


def test_half_a_number_is_beyond_where_no_other_half_mends_it() -> None:
    found = excess(limit("float32"), fact(1, 0x45BB, before=0x3F80))
    assert found is not None and found.half
    assert (found.written, found.before, found.distance) == (5984, None, 5982)
    assert excess(limit("float32"), fact(1, 0x3FC0)) is None
    # With some other word it is within.
    assert excess(limit("uint32", high="70000"), fact(1, 1)) is None
    # Here the higher word is the next one.
    assert excess(limit("float32-swapped"), fact(1, 0x45BB)) is None


@pytest.mark.parametrize("bits", [0x7FC00000, 0x7F800000, 0xFF800000])
def test_what_is_no_number_or_infinite_is_beyond_every_limit(bits: int) -> None:
    found = excess(limit("float32", "-1e9".replace("e9", "000000000"), "1000000000"), fact(2, bits))
    assert found is not None and found.distance == Decimal("Infinity")
    assert shown_quantity(found.written) in ("NaN", "Infinity", "-Infinity")


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("0", "0"), ("0.50", "0.5"), ("100", "100"), ("-5", "-5"), ("1E+3", "1000"),
        ("0.100000001490116", "0.100000001"), ("123456789012", "123456789012"), ("1E-20", "1e-20"),
        ("3.4028234663852886E+38", "3.40282347e+38"),
    ],
)  # fmt: skip
def test_quantities_are_shown_short(number: str, text: str) -> None:
    assert shown_quantity(Decimal(number)) == text


def test_a_limit_is_shown_with_its_element_and_unit() -> None:
    assert shown_limit(limit(unit="ml/l")) == "holding_registers 21: 0 … 2 ml/l"
    assert shown_limit(limit(low="1", high="1")) == "holding_registers 21: 1"


def stepped(words: int, way: Way, value: int, before: int) -> WrittenValue:
    """Values within every limit, whose largest step is known in one way."""
    steps = [NO_STEP] * (2 if words == 1 else len(WAYS))
    steps[WAYS.index(way)] = Extreme(value, before, SEEN)
    return fact(words, 1 << 16 if words == 2 else 1, steps=tuple(steps))


@pytest.mark.parametrize(
    ("type", "words", "way", "value", "before", "went"),
    [
        ("uint16", 1, "unsigned", 50, 10, "40"),
        ("int16", 1, "signed", 0xFFFE, 10, "12"),
        ("uint16", 2, "first-unsigned", 50 << 16 | 7, 10 << 16, "40"),
        ("int16", 2, "first-signed", 0xFFFE << 16, 10 << 16, "12"),
        ("uint32", 2, "unsigned", 50, 10, "40"),
        ("int32", 2, "signed", 0xFFFFFFFE, 10, "12"),
        ("uint32-swapped", 2, "unsigned-swapped", 50 << 16, 10 << 16, "40"),
        ("int32-swapped", 2, "signed-swapped", 0xFFFEFFFF, 10 << 16, "12"),
        ("float32", 2, "float", 0x42200000, 0xC1200000, "50"),
        ("float32-swapped", 2, "float-swapped", 0x00004220, 0x0000C120, "50"),
    ],
)
def test_a_write_that_goes_too_far_is_beyond_the_limit(
    type: ValueType, words: int, way: Way, value: int, before: int, went: str
) -> None:
    wide = {"low": "-1e9", "high": "1e9"}
    found = excess(limit(type, **wide, step=str(Decimal(went) - 1)), stepped(words, way, value, before))
    assert found is not None and found.step == Decimal(went) and found.distance == 1
    assert found.extreme.evidence == SEEN
    assert excess(limit(type, **wide, step=went), stepped(words, way, value, before)) is None
    assert excess(limit(type, **wide), stepped(words, way, value, before)) is None
    # The same steps in other ways are not looked at.
    others = [one for one in WAYS[: 2 if words == 1 else None] if one != way]
    for other in others:
        assert excess(limit(type, **wide, step="0.001"), stepped(words, other, value, before)) is None


@pytest.mark.parametrize(
    ("type", "words", "way", "value", "before", "went"),
    [
        ("uint16", 1, "unsigned", 50, 10, "40"),
        ("int16", 1, "signed", 0xFFFE, 10, "12"),
        ("uint16", 2, "first-unsigned", 50 << 16 | 7, 10 << 16, "40"),
        ("int16", 2, "first-signed", 0xFFFE << 16, 10 << 16, "12"),
        ("uint32", 2, "unsigned", 50, 10, "40"),
        ("int32-swapped", 2, "signed-swapped", 0xFFFEFFFF, 10 << 16, "12"),
        ("float32", 2, "float", 0x42200000, 0xC1200000, "50"),
        ("float32-swapped", 2, "float-swapped", 0x00004220, 0x0000C120, "50"),
    ],
)
def test_writes_that_move_a_value_too_fast_are_beyond_the_limit(
    type: ValueType, words: int, way: Way, value: int, before: int, went: str
) -> None:
    wide = {"low": "-1e9", "high": "1e9"}
    began, ended = Evidence(1, "a.pcap", 1, 24), Evidence(9, "a.pcap", 3, 99)
    changes = [NO_CHANGE] * (2 if words == 1 else len(WAYS))
    changes[WAYS.index(way)] = Change(value, before, began, ended)
    moved = fact(words, *[value] * (4 * words), changes=tuple(changes))
    found = excess(limit(type, **wide, change=str(Decimal(went) - 1)), moved)
    assert found is not None and found.change is not None and found.distance == 1
    assert (found.change.since, found.extreme.evidence, found.step) == (began, ended, None)
    assert found.before is not None and abs(found.written - found.before) == Decimal(went)
    assert excess(limit(type, **wide, change=went), moved) is None
    assert excess(limit(type, **wide), moved) is None
    assert excess(limit(type, **wide, change="0.001"), fact(words, *[value] * (4 * words))) is None


def test_a_value_beyond_outweighs_a_step() -> None:
    far = replace(stepped(1, "unsigned", 50, 10), extremes=(Extreme(9, 8, SEEN),) * 4)
    found = excess(limit(high="2", step="1"), far)
    assert found is not None and (found.step, found.written) == (None, 9)


def test_nobody_knows_a_step_from_nowhere() -> None:
    assert excess(limit(high="99", step="1"), fact(1, 50)) is None
    assert excess(limit("float32", "-9", "9", step="0.1"), stepped(2, "unsigned", 5, 1)) is None
    assert shown_limit(limit(unit="ml/l", step="0.2")) == "holding_registers 21: 0 … 2 ml/l (±0.2 ml/l)"
    assert shown_limit(limit(change="0.2")) == "holding_registers 21: 0 … 2 (±0.2/min)"


@pytest.mark.parametrize(
    ("type", "bits", "number"),
    [
        ("uint32", 0x0002_0001, 65_538),
        ("int32", 0xFFFE_FFFF, -2),
        ("float32", 0x0000_3FC0, 1.5),
        ("float32-swapped", 0x3FC0_0000, 1.5),
        ("uint16", 0x0007_0000, 7),
    ],
)
@pytest.mark.parametrize("protocol", ["slmp", "fins"])
def test_controllers_that_hold_the_lower_word_first(
    protocol: str, type: ValueType, bits: int, number: float
) -> None:
    one = replace(limit(type, "-9999999", "-9999998"), protocol=protocol, table="D")
    found = excess(one, replace(fact(2, bits), table="D", protocol=protocol))
    assert found is not None and found.written == Decimal(number)
    higher = limit("uint32", high="65535")
    assert [higher_word(replace(higher, protocol=id)) for id in ("modbus", protocol)] == [21, 22]
    half = replace(fact(1, 1), table="D", protocol=protocol, address=22)
    found = excess(replace(higher, protocol=protocol, table="D"), half)
    assert found is not None and found.half and found.written == 65_536
    assert list(addresses(replace(one, type="int32"))) == [21, 22]
    assert list(addresses(replace(limit("float32"), protocol="iec104", table="IOA"))) == [21]
    assert list(addresses(replace(limit("float32"), protocol="s7comm", table="DB1", address=4))) == [4, 6]


def test_what_could_not_be_read_has_no_value_beyond_a_limit() -> None:
    assert excess(limit("float32"), replace(fact(1), words=0)) is None
