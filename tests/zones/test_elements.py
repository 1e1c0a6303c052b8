"""Elements by the names of the vendors' tools."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otmon.protocols.writes import FUNCTIONS
from otmon.zones.elements import EXAMPLES, kind_of, parse_element, shown_element


@pytest.mark.parametrize(
    ("protocol", "text", "table", "address", "shown"),
    [
        ("slmp", "D100", "D", 100, "D100"),
        ("slmp", "d00100", "D", 100, "D100"),
        ("slmp", "W1A0", "W", 0x1A0, "W1A0"),
        ("slmp", "ZR70000", "ZR", 70_000, "ZR70000"),
        ("slmp", "ZR7", "ZR", 7, "R7"),
        ("slmp", "R7", "ZR", 7, "R7"),
        ("slmp", "DY2F", "Y", 0x2F, "Y2F"),
        ("slmp", "SD200", "SD", 200, "SD200"),
        ("slmp", "STN7", "STN", 7, "STN7"),
        ("slmp", "M20", "M", 20, "M20"),
        ("slmp", "X1F", "X", 31, "X1F"),
        # A link relay, of which DF is the number.
        ("slmp", "BDF", "B", 0xDF, "BDF"),
        ("s7comm", "DB10.DBW4", "DB10", 4, "DB10.DBW4"),
        ("s7comm", "%db010.dbw4", "DB10", 4, "DB10.DBW4"),
        ("s7comm", "MW20", "M", 20, "MW20"),
        ("s7comm", "AW8", "Q", 8, "QW8"),
        ("iec104", "ioa 4001", "IOA", 4001, "IOA 4001"),
        ("dnp3", "AO3", "AO", 3, "AO 3"),
        ("bacnet", "MSV 12", "MSV", 12, "MSV 12"),
        ("ethernet_ip", "Dosing.Setpoint", "DOSING.SETPOINT", 0, "DOSING.SETPOINT"),
        ("ethernet_ip", "Recipe[3]", "RECIPE", 3, "RECIPE[3]"),
        ("ethernet_ip", "Grid[1,2]", "GRID[1]", 2, "GRID[1,2]"),
        ("ethernet_ip", "Line[4].Speed", "LINE[4].SPEED", 0, "LINE[4].SPEED"),
        ("ethernet_ip", "Program:Main.Level", "PROGRAM:MAIN.LEVEL", 0, "PROGRAM:MAIN.LEVEL"),
        ("ethernet_ip", "N7:10", "N7", 10, "N7:10"),
        ("fins", "D200", "D", 200, "D200"),
        ("fins", "DM 00200".replace(" ", ""), "D", 200, "D200"),
        ("fins", "W10", "W", 10, "W10"),
        ("fins", "HR5", "H", 5, "H5"),
        ("fins", "100", "CIO", 100, "CIO100"),
        ("fins", "CIO100", "CIO", 100, "CIO100"),
        ("fins", "E0_100", "E0_", 100, "E0_100"),
        ("fins", "EM18_7", "E18_", 7, "E18_7"),
        ("fins", "T5", "T", 5, "T5"),
    ],
)
def test_elements_are_named_as_in_the_engineering_tool(
    protocol: str, text: str, table: str, address: int, shown: str
) -> None:
    found = parse_element(protocol, text)
    assert found is not None and (found.table, found.address) == (table, address)
    assert shown_element(protocol, table, address) == shown
    assert parse_element(protocol, shown) == found


@pytest.mark.parametrize(
    ("protocol", "text"),
    [
        ("slmp", "D"), ("slmp", "DX"), ("slmp", "D-1"), ("slmp", "Q5"), ("slmp", "D10A"), ("slmp", "LTN0"),
        ("slmp", "D100.5"), ("slmp", "D123456789"), ("fins", "D70000"), ("fins", "E19_0"), ("fins", "X5"),
        ("ethernet_ip", "1st"), ("ethernet_ip", "Tag[03]"), ("ethernet_ip", "Tag.3"), ("ethernet_ip", "a..b"),
        ("ethernet_ip", "a" * 201), ("iec104", "4001"), ("dnp3", "BO 3"), ("bacnet", "AV"), ("fins",
        "W10.03"), ("s7comm", "DB10"), ("s7comm", "DB10.DBW5"), ("s7comm", "DB10.DBB4"), ("s7comm",
        "MW70000"), ("s7comm", "DB70000.DBW0"), ("fins", "D１"), ("slmp", "D１"),
    ],
)  # fmt: skip
def test_what_is_no_element(protocol: str, text: str) -> None:
    assert parse_element(protocol, text) is None


@given(st.sampled_from(sorted(EXAMPLES)), st.text(max_size=30))
def test_any_text_is_one_or_none(protocol: str, text: str) -> None:
    found = parse_element(protocol, text)
    if found is not None:
        assert kind_of(protocol, found.table) in ("bit", "word", "real")
        shown = shown_element(protocol, found.table, found.address, found.words or 1)
        assert parse_element(protocol, shown) == found


def test_each_protocol_with_elements_has_written_values() -> None:
    assert set(EXAMPLES) == set(FUNCTIONS)
    for protocol, examples in EXAMPLES.items():
        assert all(parse_element(protocol, name) is not None for name in examples)


def test_elements_of_modbus_are_as_before() -> None:
    assert shown_element("modbus", "holding_registers", 21) == "holding_registers 21"
    assert (kind_of("modbus", "coils"), kind_of("modbus", "holding_registers")) == ("bit", "word")


def test_a_number_of_32_bits_of_a_data_block() -> None:
    found = parse_element("s7comm", "DB10.DBD8")
    assert found is not None and (found.table, found.address, found.words) == ("DB10", 8, 2)
    assert shown_element("s7comm", "DB10", 8, 2) == "DB10.DBD8"


def test_a_station_behind_the_server_is_told() -> None:
    assert shown_element("iec104", "IOA", 4001, unit=3) == "IOA 4001 (3)"
    assert shown_element("bacnet", "AV", 7, unit=3 << 8 | 0x6C) == "AV 7 (3:108)"
    assert kind_of("dnp3", "AO") == "real"
