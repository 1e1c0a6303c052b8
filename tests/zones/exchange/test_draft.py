"""Drafts: somebody's rules as a model that loads, allows what they allow, and keeps the rest in sight."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from otmon.protocols.registry import IDS
from otmon.zones.decide import decide, index
from otmon.zones.exchange.draft import MAX_PAIRS, Draft, draft
from otmon.zones.files.load import read_model
from otmon.zones.files.workbook import Grid, Hidden, SheetError, read_sheets
from otmon.zones.model import Model
from tests.zones.facts import conversation


def drafted(text: str, encoding: str = "utf-8", prefix: int = 24) -> tuple[Draft, Model]:
    made = draft("rules.csv", read_sheets(text.encode(encoding)), prefix)
    return made, read_model([("draft.yaml", made.text.encode())], frozenset(IDS))


def allowed(
    built: Model, client: str, server: str, port: int, transport: str = "tcp", protocol: str = "unknown"
) -> bool:
    fact = conversation(client, server, port, protocol, transport=transport)
    return decide(index(built), fact).outcome == "allowed"


JAPANESE = """\
ファイアウォール設定一覧,,,,,,,
No,送信元IPアドレス,宛先IPアドレス,プロトコル,ポート番号,方向,許可/拒否,備考
1,10.1.0.5,10.2.0.0/24,TCP,502,→,許可,監視
2,10.1.0.5、10.1.0.6,10.2.0.9,TCP/UDP,53,双方向,○,名前
3,10.1.0.0/24,8.8.8.8,TCP,443,→,許可,更新
4,10.3.0.1,10.2.0.1,ＵＤＰ,５０００〜５０１０,→,許可,
5,10.3.0.1,10.2.0.1,TCP,any,→,拒否,古い端末
6,plc-7,10.2.0.1,TCP,22,→,許可,保守
7,10.2.0.1,10.2.0.2,TCP,22,→,許可,同じ所
8,10.1.0.5,10.2.0.7,HTTPS,,→,許可,画面
9,,,,,,,
"""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
def test_somebodys_own_sheet(encoding: str) -> None:
    made, built = drafted(JAPANESE, encoding)
    assert allowed(built, "10.1.0.5", "10.2.0.200", 502)
    assert not allowed(built, "10.1.0.6", "10.2.0.200", 502)
    assert not allowed(built, "10.1.0.5", "10.2.0.200", 502, "udp")
    assert all(
        allowed(built, *ends, 53, "udp") for ends in (("10.1.0.6", "10.2.0.9"), ("10.2.0.9", "10.1.0.6"))
    )
    assert allowed(built, "10.1.0.77", "8.8.8.8", 443) and not allowed(built, "10.1.0.77", "8.8.4.4", 443)
    assert allowed(built, "10.3.0.1", "10.2.0.1", 5010, "udp") and not allowed(
        built, "10.3.0.1", "10.2.0.1", 22
    )
    assert allowed(built, "10.1.0.5", "10.2.0.7", 443, protocol="tls")
    assert not allowed(built, "10.1.0.5", "10.2.0.7", 443, protocol="http")
    assert [zone.id for zone in built.zones] == ["net-10-1-0-0-24", "net-10-2-0-0-24", "net-10-3-0-0-24"]
    assert made.kept == 3
    assert [str(told) for told in made.told] == [
        "row 7, column G (許可/拒否): it denies: a model lists only what is allowed, so see that no other "
        "row allows the same",
        "row 8, column B (送信元IPアドレス): 'plc-7' is no address, prefix or range of addresses",
        "row 9: both ends are in one zone, inside which everything may happen",
    ]
    assert "# row 8, column B" in made.text and "plc-7" in made.text
    assert "TODO: drafted from addresses" in made.text
    assert "TODO: the sheet names no protocol" in made.text


def test_zones_of_the_sheet_are_taken_as_they_are_called() -> None:
    made, built = drafted(
        "from zone,source,to zone,destination,service,owner,from owner\n"
        "事務所,10.1.0.5,line-1,10.2.0.9,tcp/502,情シス,x\n"
        "インターネット,,line-1,any,tcp/443,製造部,y\n"
        "事務所,any,Line-1,any,udp/123,,\n"
    )
    assert [(zone.id, zone.name.ja) for zone in built.zones] == [("zone-1", "事務所"), ("line-1", "line-1")]
    assert [border.between for border in built.boundaries] == [("zone-1", "line-1"), ("internet", "line-1")]
    assert [border.settings_owner for border in built.boundaries] == ["情シス", "製造部"]
    assert allowed(built, "10.1.0.5", "10.2.0.9", 123, "udp") and allowed(built, "9.9.9.9", "10.2.0.9", 443)
    assert "# from owner: x" in made.text
    assert [told.heading for told in made.told] == ["from owner"]


def test_any_and_wide_prefixes_reach_every_zone_they_hold() -> None:
    _, built = drafted(
        "source,destination,port\n10.1.0.5,10.2.0.9,tcp/1\n10.0.0.0/8,172.16.0.9,tcp/2\nany,172.16.0.9,tcp/3\n"
    )
    for client, port, there in (
        ("10.1.0.5", 2, True), ("10.77.0.1", 2, True), ("9.9.9.9", 2, False), ("9.9.9.9", 3, True),
        ("10.2.0.200", 3, True), ("10.1.0.99", 2, True), ("10.1.0.5", 1, False),
    ):  # fmt: skip
        assert allowed(built, client, "172.16.0.9", port) == there, (client, port)


def test_the_prefix_of_drafted_zones_can_be_chosen() -> None:
    _, built = drafted("source,destination,port\n10.1.0.5,10.2.0.9,tcp/1\n", prefix=16)
    assert [str(zone.members[0].network) for zone in built.zones] == ["10.1.0.0/16", "10.2.0.0/16"]


def test_ports_of_several_transports_are_permissions_of_their_own() -> None:
    _, built = drafted("source;destination;port\n10.1.0.5;10.2.0.9;tcp/1, udp/2, tcp/3-4\n")
    found = [(p.transports, p.ports) for p in built.boundaries[0].permissions]
    assert found == [(("tcp",), ((1, 1), (3, 4))), (("udp",), ((2, 2),))]


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("0.0.0.0/1,10.2.0.9,any,any", "too wide"),
        ("00:11:22:33:44:55,10.2.0.9,any,any", "is in no zone of the sheet"),
        ("10.1.0.5,10.2.0.9,modbus,nonsense", "no Modbus function"),
        ("10.1.0.5,10.2.0.9,tls,5", "no"),
    ],
)
def test_a_row_that_does_not_fit_is_kept_as_a_comment(row: str, why: str) -> None:
    made, built = drafted(f"source,destination,protocol,functions\n{row}\n10.5.0.1,10.6.0.1,ntp,\n")
    if why == "no":
        assert made.kept == 0
        return
    assert made.kept == 1 and why in str(made.told[0])
    assert f"# {made.told[0]}" in made.text
    assert allowed(built, "10.5.0.1", "10.6.0.1", 123, "udp", "ntp")


def test_addresses_that_two_zones_claim_are_kept_and_told() -> None:
    made, _ = drafted(
        "from zone,source,to zone,destination,port\na,10.1.0.5,b,10.2.0.9,1\nb,10.1.0.5,a,10.2.0.9,2\n"
    )
    assert made.kept >= 1
    assert any("may be in" in str(told) for told in made.told)


def test_headings_that_count_for_nothing_are_told() -> None:
    made, _ = drafted("担当,送信元,宛先,設定の責任者,天気\n山田,10.1.0.1,10.2.0.1,製造部,晴\n")
    assert [str(told) for told in made.told] == [
        "row 1, column A (担当): means the same as column D: kept as a comment",
        "row 1, column E (天気): a heading that is not known: kept as a comment",
    ]
    assert "settings_owner: '製造部'" in made.text and "# 担当: 山田" in made.text


LISTED = (
    "from zone,source,to zone,destination,port\n"
    "line (10.30.1.0/24),10.30.1.5,plc (10.30.2.0/24),10.30.2.1,502\n"
    "office (10.10.0.0/24),10.10.0.21,line (10.30.1.0/24),10.30.1.5,443\n"
)


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("line (10.30.1.0/24),10.10.0.77,plc,10.30.2.1,503", "row 4: 10.10.0.77 is in office, not in line"),
        ("lab,10.10.0.77,plc,10.30.2.1,503", "row 4: 10.10.0.77 is in office, not in lab"),
        (
            "line (10.30.1.0/24),10.99.0.7,plc,10.30.2.1,503",
            "row 4: 10.99.0.7 is none of the members that the sheet lists of line",
        ),
        (
            "line,10.30.0.0/16,plc,10.30.2.1,503",
            "row 4: 10.30.0.0/16 is none of the members that the sheet lists of line",
        ),
    ],
)
def test_no_row_moves_an_address_into_another_zone(row: str, why: str) -> None:
    """It would be allowed all that hosts of that zone are."""
    made, built = drafted(f"{LISTED}{row}\n")
    assert [str(told) for told in made.told] == [why] and made.kept == 1
    assert f"# {why}" in made.text
    held = {zone.id: [str(member.network) for member in zone.members] for zone in built.zones}
    assert (held["line"], held["office"]) == (["10.30.1.0/24"], ["10.10.0.0/24"])
    assert allowed(built, "10.30.1.5", "10.30.2.1", 502)


def test_a_member_that_one_row_lists_is_there_for_all() -> None:
    row = '"line (10.30.1.0/24, 10.31.0.7)",10.31.0.7,plc,10.30.2.1,503'
    made, built = drafted(f"{LISTED}{row}\nline,10.31.0.7,plc,10.30.2.1,504\n")
    assert made.kept == 0
    assert allowed(built, "10.31.0.7", "10.30.2.1", 503) and allowed(built, "10.31.0.7", "10.30.2.1", 504)


def test_a_row_for_too_many_zones_is_kept() -> None:
    rows = "".join(f"10.0.{n}.1,192.168.0.1,{n + 1}\n" for n in range(30))
    made, _ = drafted(f"source,destination,port\n{rows}any,any,9999\n")
    assert made.kept == 1 and f"at most {MAX_PAIRS}" in str(made.told[-1])


def test_names_of_permissions_stay_unique() -> None:
    _, built = drafted(
        "name,source,destination,port,direction\nx,10.1.0.1,10.2.0.1,1,both\nx,10.1.0.2,10.2.0.1,2,\n"
    )
    assert sorted(p.id for p in built.boundaries[0].permissions) == ["x", "x-1", "x-2"]


def test_a_workbook_with_several_sheets_and_merged_cells() -> None:
    made = Workbook()
    page: Any = made.active
    page.title = "説明"
    page.append(["この表について"])
    page = made.create_sheet("FW1")
    for row in (
        ["送信元", "", "宛先", "", "ポート"],
        ["ゾーン", "IP", "ゾーン", "IP", ""],
        ["a", "10.1.0.1", "b", "10.2.0.1", 502],
        [None, "10.1.0.2", "b", "10.2.0.1", 503.0],
    ):
        page.append(row)
    page.merge_cells("A3:A4")
    out = io.BytesIO()
    made.save(out)
    result = draft("x.xlsx", read_sheets(out.getvalue()))
    built = read_model([("d", result.text.encode())], frozenset(IDS))
    assert allowed(built, "10.1.0.2", "10.2.0.1", 503)
    assert [str(told) for told in result.told] == [
        "sheet '説明', row 1: no row of headings with a source and a destination: the sheet is left out"
    ]


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "送信元,ポート\n"])
def test_no_headings_are_an_error(text: str) -> None:
    with pytest.raises(SheetError, match="no row of headings"):
        drafted(text)


def test_a_draft_that_no_model_can_be_is_an_error() -> None:
    rows = "".join(f"10.0.0.1,10.0.1.1,{n},{'x' * 400}\n" for n in range(5000))
    with pytest.raises(SheetError, match="split the sheet"):
        drafted(f"source,destination,port,reason\n{rows}")


def test_a_head_without_rows_is_an_empty_draft() -> None:
    made, built = drafted("source,destination\n")
    assert (made.permissions, made.kept, len(built.zones)) == (0, 0, 1)


COLUMNS = {
    "boundary": ["", "b1", "境界", "b1"],
    "device": ["", "fw", "x: y"],
    "name": ["", "x", "x", "10.0.0.1", "'"],
    "from zone": ["", "", "office", "plc (10.9.0.0/24)", "Line 3 (packing)", "any", "internet", "unknown"],
    "source": ["10.1.0.5", "10.2.0.0/24", "any", "10.1.0.1-9", "8.8.8.8", "fd00::1", "10.0.0.0/8", "", "plc"],
    "to zone": ["", "", "office", "plc", "事務所, plc", "インターネット", "- x", "unknown"],
    "destination": ["10.1.0.5", "10.3.0.7", "any", "10.9.0.0/25", "00:11:22:33:44:55", "internet", ""],
    "protocol": ["", "Modbus", "TCP", "http", "any", "unknown", "modbus, dns"],
    "port": ["", "502", "tcp/80", "1-5", "any", "99999"],
    "direction": ["", "→", "双方向", "←", "?"],
    "functions": ["", "", "read-coils", "43/14", "nonsense"],
    "registers": ["", "", "coils 0-5", "coils 99999"],
    "limits": ["", "", "coil 3: 0 to 1", "holding_register 99999: 5 to 1", "holding_register 1: --1 to .5"],
    "hours": ["", "", "daily 08:00-18:00", "2026-04-18 22:00 to 2026-04-19 05:00", "any, 土 1:00-2:00", "x"],
    "last day": ["", "", "2026-12-31", "9999-12-31", "0001/1/1"],
    "time zone": ["Asia/Tokyo", "UTC", "", "../x"],
    "entry": ["", "", "permission", "exception", "zone", "x"],
    "approver": ["", "a: b"],
    "reason": ["", "# x", "{a: b}", "line: 3", "\u2028", "'", "- x"],
}
ROWS = st.lists(
    st.tuples(*(st.one_of(*[st.sampled_from(said)] * 9, st.text(max_size=8)) for said in COLUMNS.values())),
    max_size=6,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ROWS)
def test_every_sheet_becomes_a_model_that_loads(rows: list[tuple[str, ...]]) -> None:
    grid = Grid("s", {n: row for n, row in enumerate([tuple(COLUMNS), *rows], 1) if any(row)})
    made = draft("s.csv", [grid])
    read_model([("d", made.text.encode())], frozenset(IDS))
    # A row of which nothing became a permission is in the draft as a comment.
    place = list(COLUMNS).index("entry")
    assert made.kept + made.permissions >= sum(1 for row in rows if any(row) and row[place].strip() != "zone")


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(*(st.sampled_from(said) for said in COLUMNS.values())), min_size=3, max_size=12))
def test_rows_that_are_mostly_sound_become_permissions_or_are_told(rows: list[tuple[str, ...]]) -> None:
    made = draft("s.csv", [Grid("s", dict(enumerate([tuple(COLUMNS), *rows], 1)))])
    read_model([("d", made.text.encode())], frozenset(IDS))
    assert made.text == draft("s.csv", [Grid("s", dict(enumerate([tuple(COLUMNS), *rows], 1)))]).text
    told = {one.row for one in made.told}
    assert len(told) >= made.kept


def test_rows_survive_quoting() -> None:
    out = io.StringIO()
    csv.writer(out).writerows(
        [["source", "destination", "port", "reason"], ["10.1.0.1", "10.2.0.1", "1", "a: 'b' #c\n- d"]]
    )
    _, built = drafted(out.getvalue())
    assert built.boundaries[0].permissions[0].reason == "a: 'b' #c - d"


HEAD = ("送信元", "宛先", "ポート", "備考")
RULE = ("10.1.0.5", "10.2.0.1", "502", "監視")


def test_rows_that_nobody_sees_are_read_and_told() -> None:
    rows = {1: HEAD, **{number: (*RULE[:2], str(number), "x") for number in range(2, 10)}}
    hidden = Hidden(False, frozenset({1, 3, 5, 6, 7, 10, 11}), frozenset({3, 9}))
    made = draft("r.xlsx", [Grid("一覧", rows, hidden=hidden)])
    assert [str(told) for told in made.told] == [
        "sheet '一覧', row 1, column C (ポート): the column is hidden, and is read like others",
        "sheet '一覧', row 3: the row is hidden, by hand or by a filter, and is read like others: "
        "see whether it is in force",
        "sheet '一覧', row 5: 3 rows from here to row 7 are hidden, by hand or by a filter, and are read "
        "like others: see whether they are in force",
    ]
    assert (made.permissions, made.kept) == (8, 0)
    lines = made.text.splitlines()
    for number in range(2, 10):
        at = lines.index(f"        # sheet 一覧, row {number}")
        doubt = "        # TODO: the row is hidden in the sheet: is it in force?"
        assert (doubt in lines[at : at + 3]) == (number in hidden.rows), number


def test_a_sheet_that_nobody_sees_is_read_and_told_once() -> None:
    shown, old = Grid("今", {1: HEAD, 2: RULE}), Grid("旧", {1: HEAD, 2: RULE, 3: RULE}, hidden=Hidden(True))
    made = draft("r.xlsx", [shown, old])
    assert [str(told) for told in made.told] == [
        "sheet '旧', row 1: the sheet is hidden, and its rows are read like others: "
        "see whether they are in force"
    ]
    assert made.permissions == 3 and made.text.count("TODO: the row is hidden in the sheet") == 2


def test_a_hidden_row_that_is_not_understood_is_told_for_both() -> None:
    grid = Grid("", {1: HEAD, 2: ("plc-7", *RULE[1:])}, hidden=Hidden(rows=frozenset({2})))
    made = draft("r.xlsx", [grid])
    assert [told.row for told in made.told] == [2, 2] and made.kept == 1
