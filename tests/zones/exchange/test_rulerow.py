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


TWICE = ("送信元", "宛先", "プロトコル", "アプリケーション", "時間帯", "利用時間", "送信元IP", "備考", "目的")


def read_twice(*cells: str, odd: dict[tuple[int, int], str] | None = None) -> RuleRow | list[Told]:
    grid = Grid("FW", {1: TWICE, 2: cells}, odd or {})
    head = find_head(grid.rows)
    assert head is not None
    return read_row(grid, head, 2)


def test_columns_of_protocols_are_read_together() -> None:
    row = read_twice("10.0.0.1", "10.0.1.1", "TCP", "HTTPS", "", "", "", "監視", "画面")
    assert isinstance(row, RuleRow)
    assert (row.protocols, row.transports, row.ports) == (("tls",), ("tcp",), (("tcp", (443, 443)),))
    assert (row.reason, row.notes) == ("監視", ("目的: 画面",))
    assert whys(read_twice("10.0.0.1", "10.0.1.1", "TCP", "foo")) == [
        "sheet 'FW', row 2, column D (アプリケーション): 'foo' is no protocol, transport or port that otmon "
        "knows"
    ]


def test_of_two_columns_that_limit_in_two_ways_no_rule_is_made() -> None:
    ends = "10.0.0.1", "10.0.1.1", "modbus", ""
    weekly = "mon-fri 08:00-18:00"
    assert isinstance(read_twice(*ends, weekly, "MON-FRI 08:00-18:00"), RuleRow)
    assert isinstance(read_twice(*ends, weekly, ""), RuleRow)
    for hours in ("", "daily 08:00-18:00"):
        assert whys(read_twice(*ends, hours, weekly)) == [
            "sheet 'FW', row 2, column F (利用時間): means the same as column E, and says something else"
        ]
    # Of an address there may be a name, but no other address.
    assert isinstance(read_twice(*ends, "", "", "操作端末1"), RuleRow)
    assert whys(read_twice(*ends, "", "", "10.0.0.2")) == [
        "sheet 'FW', row 2, column G (送信元IP): means the same as column A, and says something else"
    ]
    odd = {(2, 6): "the error #REF!", (2, 9): "the error #REF!"}
    assert whys(read_twice(*ends, odd=odd)) == [
        "sheet 'FW', row 2, column F (利用時間): the error #REF!, expected a text or number"
    ]


@pytest.mark.parametrize(
    ("moment", "why"),
    [("2026-12-31", ""), ("2026-12-31 17:00:00", "a date or time"), ("17:00:00", "a date or time")],
)
def test_a_last_day_may_be_a_date_of_the_workbook(moment: str, why: str) -> None:
    head = "送信元", "宛先", "期限", "ポート"
    place = (2, 3)
    grid = Grid("FW", {1: head, 2: ("10.0.0.1", "10.0.1.1")}, {place: "a date or time"}, {place: moment})
    found = find_head(grid.rows)
    assert found is not None
    row = read_row(grid, found, 2)
    if why:
        assert why in whys(row)[0]
    else:
        assert isinstance(row, RuleRow) and row.expires == "2026-12-31"


def test_a_date_in_the_column_of_ports_is_no_port() -> None:
    head = "送信元", "宛先", "期限", "ポート"
    place = (2, 4)
    grid = Grid(
        "FW", {1: head, 2: ("10.0.0.1", "10.0.1.1")}, {place: "a date or time"}, {place: "2026-12-31"}
    )
    found = find_head(grid.rows)
    assert found is not None and "column D (ポート): a date or time" in whys(read_row(grid, found, 2))[0]
