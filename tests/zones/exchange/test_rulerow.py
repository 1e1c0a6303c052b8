"""A row of a sheet: understood as a whole, or told with its place."""

from __future__ import annotations

import pytest

from otmon.zones.exchange.cell import Hosts
from otmon.zones.exchange.heading import find_head
from otmon.zones.exchange.rulerow import RuleRow, Told, read_row, row_text
from otmon.zones.files.workbook import Grid

HEAD = (
    "送信元ゾーン",
    "送信元",
    "宛先ゾーン",
    "宛先",
    "プロトコル",
    "ポート",
    "方向",
    "動作",
    "送信元ポート",
    "備考",
    "特記",
)


def read(
    *cells: str,
    odd: dict[tuple[int, int], str] | None = None,
    struck: dict[tuple[int, int], str] | None = None,
) -> RuleRow | list[Told]:
    grid = Grid("FW", {3: HEAD, 4: cells}, odd or {}, {}, struck or {})
    head = find_head(grid.rows)
    assert head is not None
    return read_row(grid, head, 4)


def whys(found: RuleRow | list[Told]) -> list[str]:
    assert isinstance(found, list)
    return [str(told) for told in found]


def test_a_row_is_a_rule() -> None:
    row = read(
        "事務所 (10.0.0.0/24)",
        "10.0.0.5",
        "ライン",
        "any",
        "Modbus/TCP",
        "502/tcp",
        "双方向",
        "許可",
        "any",
        "監視",
        "3月",
    )
    assert isinstance(row, RuleRow)
    assert [zone.name for zone in (*row.source.zones, *row.target.zones)] == ["事務所", "ライン"]
    assert str(row.source.zones[0].members[0].network) == "10.0.0.0/24"
    assert row.source.hosts is not None and str(row.source.hosts.networks[0]) == "10.0.0.5"
    assert row.target.hosts is None
    assert (row.protocols, row.ports, row.direction) == (("modbus",), (("tcp", (502, 502)),), "both")
    assert (row.reason, row.notes) == ("監視", ("特記: 3月",))


def test_everything_wrong_in_a_row_is_told_with_its_place() -> None:
    assert whys(read("", "plc7", "", "", "foo", "99999", "x", "拒否", "1024", "")) == [
        "sheet 'FW', row 4, column H (動作): it denies: a model lists only what is allowed, so see that no "
        "other row allows the same",
        "sheet 'FW', row 4, column I (送信元ポート): a port of the client, which a model does not limit",
        "sheet 'FW', row 4, column B (送信元): 'plc7' is no address, prefix or range of addresses",
        "sheet 'FW', row 4, column D (宛先): empty, expected an address, a zone, or any",
        "sheet 'FW', row 4, column E (プロトコル): 'foo' is no protocol, transport or port that otmon knows",
        "sheet 'FW', row 4, column F (ポート): '99999' is no port or range of ports from 0 to 65535",
        "sheet 'FW', row 4, column G (方向): 'x' is no direction, expected → or 双方向, for instance",
    ]


def test_a_cell_without_a_known_text_is_not_taken_for_an_empty_one() -> None:
    odd = {(4, 6): "a formula without a saved value", (4, 10): "the error #REF!", (9, 6): "elsewhere"}
    assert whys(read("", "10.0.0.1", "", "10.0.1.1", odd=odd)) == [
        "sheet 'FW', row 4, column F (ポート): a formula without a saved value, expected a text or number"
    ]


def test_a_row_that_is_struck_out_is_no_rule() -> None:
    cells = "", "10.0.0.1", "", "10.0.1.1", "", "502", "", "", "", "監視"
    why = "of it is struck out, and nobody but a person knows what is in force"
    assert whys(read(*cells, struck={(4, column): "all" for column in range(1, 12)})) == [
        f"sheet 'FW', row 4, column A (送信元ゾーン): all {why}"
    ]
    assert whys(read(*cells, struck={(4, 4): "a part", (3, 1): "all"})) == [
        f"sheet 'FW', row 4, column D (宛先): a part {why}"
    ]
    # A reason that was corrected, and another row.
    assert isinstance(read(*cells, struck={(4, 10): "a part", (5, 2): "all"}), RuleRow)


@pytest.mark.parametrize(
    ("zone", "address", "why"),
    [
        ("a, b", "10.0.0.1", "beside several zones"),
        ("a", "internet", "the Internet beside a zone"),
        ("", "", "empty"),
    ],
)
def test_ends_that_contradict_themselves(zone: str, address: str, why: str) -> None:
    assert any(why in one for one in whys(read(zone, address, "", "any")))


def test_any_zone_is_everybody() -> None:
    row = read("すべて", "", "", "any")
    assert isinstance(row, RuleRow)
    assert row.source.hosts == row.target.hosts == Hosts(True, False, ())


def test_a_row_that_is_kept_is_kept_whole() -> None:
    grid = Grid("FW", {3: HEAD})
    head = find_head(grid.rows)
    assert head is not None
    assert row_text(head, ("", "a\nb", "", "", "", "", "", "", "", "", "", "", "z")) == "送信元: a b; ?: z"
