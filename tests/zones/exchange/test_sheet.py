"""The table of a model, and that what is read back from it allows the same."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otmon.protocols.registry import IDS
from otmon.zones.decide import decide, index
from otmon.zones.exchange.cell import limits as cell_limits
from otmon.zones.exchange.draft import draft
from otmon.zones.exchange.sheet import COLUMNS, Language, Sheet, sheet
from otmon.zones.files.load import load_model, read_model
from otmon.zones.files.workbook import column_letters, read_sheets, write_csv, write_xlsx
from otmon.zones.model import Model
from otmon.zones.review.diff import compare
from tests.zones import plants
from tests.zones.facts import conversation, operation

FACTORY = load_model(str(Path(__file__).parents[3] / "zones" / "factory.yaml"))
OTHER = """
version: 1
zones:
  - id: a
    importance: 大
    inside: listed
    members: [10.1.0.0/16, 'fd00:1::/64', {address: 10.1.0.9, mac: '00:80:f4:00:00:09'}]
    allow: [{id: in, from: 10.1.0.9, protocol: any, transport: tcp, port: 22, reason: =1+1}]
  - {id: b.c, importance: 中, members: [10.1.7.0/24, {prefix: 10.9.0.0/24, vlan: 7}, {vlan: 8}]}
boundaries:
  - id: ab
    between: [a, b.c]
    device: -2+3
    device_owner: '@SUM(A1)'
    allow:
      - {from: a, to: 10.1.7.0/25, protocol: [dns, unknown], port: [53, 5000-5010]}
      - {from: b.c, to: ['fd00:1::5', '00:80:f4:00:00:09'], protocol: any, transport: [udp, icmpv6, ip-47]}
      - {id: m, from: a, to: b.c, protocol: modbus, functions: [6, 43/14], units: [1, 5-9],
         holding_registers: [0-5, 9], coils: 3}
  - id: far
    between: [internet, b.c]
    allow: [{from: 203.0.113.0/24, to: 10.1.7.7, protocol: tls, transport: tcp, port: 443}]
"""


COLUMN = {column.key: number for number, column in enumerate(COLUMNS)}


def table(model: Model) -> Sheet:
    return sheet(model, model.boundaries, model.zones, "en")


def other() -> Model:
    return read_model([("o.yaml", OTHER.encode())], frozenset(IDS))


def column(made: Sheet, key: str) -> list[str]:
    place = [c.key for c in COLUMNS].index(key)
    return [row[place] for row in made.rows]


def test_a_row_says_who_owns_what_and_who_may_what() -> None:
    made = sheet(FACTORY, FACTORY.boundaries, (), "ja")
    listed = [row for row in made.rows if row[COLUMN["entry"]] == "許可"]
    row = dict(zip(made.head, listed[2], strict=True))
    assert row == {
        "境界": "line-plc", "境界の機器": "コアスイッチ (ACL)", "機器の責任者": "情報システム部",
        "設定の責任者": "製造部 制御課", "許可の名前": "hmi-setpoints",
        "送信元ゾーン": "line-control (10.30.1.0/24)", "送信元IPアドレス": "10.30.1.10",
        "宛先ゾーン": "plc (10.30.2.0/24, 10.30.2.2 00:90:e8:31:02:02, 10.30.2.12 00:80:f4:30:02:12, "
        "10.30.2.21 00:a0:45:30:02:21)",
        "宛先IPアドレス": "すべて", "方向": "送信元→宛先", "プロトコル": "modbus", "ポート番号": "502",
        "トランスポート": "tcp", "操作の種類": "",
        "ファンクション": "write-single-register, write-multiple-registers",
        "ユニット": "1", "レジスタ": "holding_registers 20-39",
            "日本語名": "", "英語名": "", "時間帯": "",
            "書込み値の範囲": listed[2][COLUMN["limits"]],
            "期限": "", "タイムゾーン": "", "行の種類": "許可", "ゾーンの重要度": "", "ゾーンの属性": "",
            "承認者": "", "ほかの制限": "",
        "理由": "作業者による設定値の変更 / the operator changes setpoints",
        "ファイルと行": str(FACTORY.boundaries[0].permissions[2].line),
    }  # fmt: skip
    assert row["書込み値の範囲"].startswith("holding_register ")
    assert len(listed) == sum(len(border.permissions) for border in FACTORY.boundaries)


def test_headings_are_in_both_languages_and_rows_of_zones_follow() -> None:
    english, japanese = (sheet(other(), other().boundaries, other().zones, lang) for lang in ("en", "ja"))
    assert english.head[0] == "Boundary" and japanese.head[0] == "境界"
    assert column(english, "boundary") == ["ab", "ab", "ab", "ab", "far", "far", "", "", ""]
    kinds = ["boundary", *["permission"] * 3, "boundary", *["permission"] * 2, "zone", "zone"]
    assert column(english, "entry") == kinds
    assert column(japanese, "entry")[4:] == ["境界", "許可", "許可", "ゾーン", "ゾーン"]
    assert column(english, "direction")[1] == "from → to"
    assert english.told == ()


def test_a_cell_too_full_for_excel_is_cut_and_told() -> None:
    members = ", ".join(f"10.0.{n // 250}.{n % 250}" for n in range(4000))
    text = f"zones: [{{id: a, importance: 大, members: [{members}]}},"
    text += "{id: b, importance: 大, members: 10.9.0.1}]\n"
    text += f"boundaries: [{{id: x, between: [a, b], allow: [{{from: [{members}], to: b, protocol: any}}]}}]"
    made = table(read_model([("m.yaml", text.encode())], frozenset(IDS)))
    assert all(len(cell) < 32_767 for row in made.rows for cell in row)
    assert len(made.told) == 2 and "left out" in made.told[0] and "cut" in made.told[1]


ENDS = (
    "10.10.0.7", "10.20.0.10", "10.20.0.30", "10.25.0.53", "10.30.1.10", "10.30.1.20", "10.30.2.11",
    "10.40.0.12", "10.10.0.9", "203.0.113.9", "10.1.0.9", "10.1.7.7", "10.1.7.200", "10.9.0.1", "fd00:1::5",
    "fd00:1::9", "192.168.1.1",
)  # fmt: skip
PORTS = (22, 53, 80, 123, 443, 502, 5005, 9100)
PROTOCOLS = ("modbus", "tls", "http", "dns", "ntp", "unknown", "ssh")


def verdicts(model: Model) -> dict[tuple[object, ...], bool]:
    """What a model allows of everything that may be said between a few hosts."""
    ready = index(model)
    found: dict[tuple[object, ...], bool] = {}
    for client, server in itertools.permutations(ENDS, 2):
        for port, protocol, transport in itertools.product(PORTS, PROTOCOLS, ("tcp", "udp")):
            fact = conversation(client, server, port, protocol, transport=transport)
            found[client, server, port, protocol, transport] = decide(ready, fact).outcome == "allowed"
        for function, address, unit in itertools.product((3, 6, 4), (0, 5, 25, 40), (1, 3)):
            asked = operation(client, server, function, address, 1, unit=unit)
            found[client, server, function, address, unit] = decide(ready, asked).outcome == "allowed"
    return found


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
@pytest.mark.parametrize("model", [FACTORY, other()], ids=["factory", "other"])
def test_what_is_read_back_allows_the_same(model: Model, kind: str) -> None:
    made = table(model)
    rows = (made.head, *made.rows)
    data = write_csv(rows) if kind == "csv" else write_xlsx("s", rows, [10] * len(made.head))
    back = draft(f"s.{kind}", read_sheets(data))
    assert back.kept == 0, back.text
    again = read_model([("draft.yaml", back.text.encode())], frozenset(IDS))
    before, after = verdicts(model), verdicts(again)
    assert sum(before.values()) > 20
    assert {key for key in before if before[key] != after[key]} == set()
    for old, new in zip(model.boundaries[:1], again.boundaries, strict=False):
        assert (old.id, old.device, old.device_owner) == (new.id, new.device, new.device_owner)


def test_columns_have_letters() -> None:
    assert [column_letters(n) for n in (1, 26, 27, 702, 703)] == ["A", "Z", "AA", "ZZ", "AAA"]


TIMES = (
    "",
    "",
    ", hours: ['mon-fri 08:00-18:00', '土 22:00-02:00']",
    ", hours: daily 06:00-07:00, during: 2026-04-18 22:00 to 2026-04-19 05:00",
    ", expires: 2020-01-01",
    ", name: {ja: 名, en: 'A name, (of it)'}, approver: '部長; x'",
)
VALUES = (
    "",
    "",
    ", limits: [{coil: 3, low: 0, high: 0}]",
    ", limits: [{holding_register: 9, type: int16, scale: 0.01, unit: '°C; x', low: -2.5, high: 7, step: 0.5,"
    " change: 2.5/minute, name: {ja: '温度, 上', en: Heat}}]",
)


@st.composite
def restricted(draw: Any) -> Model:
    """A model at random whose permissions hold at some times, for some values, or until a day."""
    lines = []
    for line in draw(plants.texts()).splitlines():
        temporary = "between" in line and draw(st.booleans())
        if temporary:
            line = line.replace(", allow: [", ", exceptions: [")
        parts = re.split(r"(?=\{id: p[0-9])", line)
        for number, part in enumerate(parts[1:], 1):
            extra = draw(st.sampled_from(TIMES))
            if "protocol: modbus" in part and not re.search(r"coils|registers", part):
                extra += draw(st.sampled_from(VALUES))
            if temporary:
                extra = re.sub(r", (expires: [-0-9]*|approver: '[^']*')", "", extra)
                extra += ", expires: 2030-01-01, reason: r, approver: b"
            # Behind the last bracket of the permission's own lists.
            end = part.index("}")
            parts[number] = part[:end] + extra + part[end:]
        line = "".join(parts)
        if line.startswith("- {id: a, "):
            line = line.replace("members: [", "members: [{vlan: 7}, '00:80:f4:00:00:09', ")
        lines.append(line)
    if draw(st.booleans()):
        lines = [line.replace("inside: listed, members", "inside: baseline, members") for line in lines]
    # A zone inside another one that no boundary joins to anything.
    own = "- {id: apart, importance: low, within: a, inside: listed, members: 10.0.0.128/25}"
    lines.insert(lines.index("boundaries:"), own)
    return plants.read("\n".join(["timezone: Asia/Tokyo", *lines]) + "\n")


@settings(max_examples=120)
@given(restricted(), st.sampled_from(["ja", "en"]))
def test_what_is_read_back_never_allows_more(model: Model, language: Language) -> None:
    made = sheet(model, model.boundaries, model.zones, language)
    back = draft("s.csv", read_sheets(write_csv((made.head, *made.rows))))
    again = read_model([("draft.yaml", back.text.encode())], frozenset(IDS))
    assert back.kept == 0, back.text
    assert [effect.outcome for effect in compare(model, again).effects] == [], back.text
    before, after = ([p for one in m.boundaries for p in one.permissions] for m in (model, again))
    said = [sorted((p.expires, p.exception, p.approver) for p in some) for some in (before, after)]
    assert said[0] == said[1]


def test_what_the_sheet_cannot_say_is_not_brought_back_as_a_permission() -> None:
    made = table(other())
    place = [c.key for c in COLUMNS].index("beyond")
    rows = [[*row] for row in made.rows]
    rows[1][place] = "something else"
    back = draft("s.csv", read_sheets(write_csv((made.head, *rows))))
    assert (back.kept, back.permissions) == (1, column(made, "entry").count("permission") - 1)
    assert "a limit that a sheet cannot say" in back.text


@pytest.mark.parametrize(
    ("head", "cell", "text"),
    [
        ("有効期限", "来年まで", "is no day"),
        ("時間帯", "ときどき", "are no hours"),
        ("有効期限", "2026-12-31", "without a time zone"),
        ("書込み値の範囲", "holding_register 3: 0 bis 5", "is no limit"),
        ("タイムゾーン", "Mars/Base", "is no time zone"),
        ("行の種類", "その他", "is no kind of row"),
        ("行の種類", "例外", "an exception without expires"),
    ],
)
def test_times_that_are_not_understood_make_no_permission(head: str, cell: str, text: str) -> None:
    rows = [("送信元", "宛先", "ポート", head), ("10.1.0.1", "10.2.0.1", "tcp/443", cell)]
    back = draft("s.csv", read_sheets(write_csv(rows)))
    assert (back.permissions, back.kept) == (0, 1)
    assert text in back.text


def test_a_last_day_of_anybodys_sheet_is_one_of_the_model() -> None:
    rows = [
        ("送信元", "宛先", "ポート", "有効期限", "時間帯"),
        ("10.1.0.1", "10.2.0.1", "tcp/443", "2026年4月1日", "平日"),
        ("10.1.0.1", "10.2.0.1", "tcp/443", "2026/4/1", "月-金 8:00〜18:00"),
        ("10.1.0.1", "10.2.0.1", "tcp/80", "無期限", "常時"),
    ]
    back = draft("s.csv", read_sheets(write_csv(rows)), timezone="Asia/Tokyo")
    model = read_model([("d.yaml", back.text.encode())], frozenset(IDS))
    (border,) = model.boundaries
    assert [(p.expires, p.schedule.texts()) for p in border.permissions] == [
        ("2026-04-01", ["月-金 8:00-18:00"]), ("", []),
    ]  # fmt: skip
    assert (back.kept, model.timezone) == (1, "Asia/Tokyo")


MODELS = Path(__file__).parents[3] / "zones"
BESIDE = {"site", "production_line", "works", "within"}
"""What a sheet has no column for."""


def again(model: Model, language: Language = "ja") -> Model:
    made = sheet(model, model.boundaries, model.zones, language)
    back = draft("s.xlsx", read_sheets(write_xlsx("s", [made.head, *made.rows], [9] * len(made.head))))
    assert back.kept == 0 and not back.told
    return read_model([("draft.yaml", back.text.encode())], frozenset(IDS))


@pytest.mark.parametrize("language", ["ja", "en"])
@pytest.mark.parametrize("name", sorted(path.name for path in MODELS.glob("*.yaml")))
def test_a_model_that_goes_out_comes_back(name: str, language: Language) -> None:
    model = load_model(str(MODELS / name))
    changes = compare(model, again(model, language)).changes
    told = {str(one) for one in table(model).told}
    assert [one for one in changes if one.how != "changed" or one.subject != "zone"] == []
    for change in changes:
        assert change.fields and {field for field, _, _ in change.fields} <= BESIDE
        assert any(f"zone {change.id}: " in one for one in told), change
    assert bool(model.devices) == any(
        "assets" in one and "of the model: not in the sheet" in one for one in told
    )


WHOLE = """
version: 1
zones:
  - id: a
    name: {ja: "事務所; 本館, 2階", en: "Office: '1' # x"}
    importance: low
    owner: ["製造部, 制御課", "=IT"]
    members: [10.1.0.0/24]
    kind: [control, wireless]
    level: 3.5
    sl_t: 2
    flat: true
  - {id: b, name: 制御, importance: high, members: [10.2.0.0/24], inside: baseline}
  - {id: c, importance: medium, members: [10.3.0.0/24]}
boundaries:
  - {id: b-a, name: {ja: 中, en: mid}, between: [b, a], device: FW, settings_owner: 製造部}
  - id: out
    name: 外
    between: [internet, c]
    allow: [{id: p, name: {ja: 許可, en: allow}, to: c, protocol: tls, port: 443}]
"""


def test_names_importance_owners_and_what_allows_nothing_come_back() -> None:
    model = read_model([("m.yaml", WHOLE.encode())], frozenset(IDS))
    back = again(model)
    assert compare(model, back).changes == ()
    assert [(one.id, one.between) for one in back.boundaries] == [
        ("b-a", ("b", "a")),
        ("out", ("internet", "c")),
    ]
    assert table(model).told == ()


def test_one_boundary_brings_its_zones() -> None:
    model = read_model([("m.yaml", WHOLE.encode())], frozenset(IDS))
    made = sheet(model, model.boundaries[:1], (), "en")
    assert column(made, "entry") == ["boundary", "zone", "zone"]
    assert column(made, "name_en") == ["mid", "Office: '1' # x", "制御"]


@pytest.mark.parametrize(
    ("cell", "text", "told"),
    [
        ("importance", "とても", "no importance"),
        ("attributes", "colour red", "no attribute of a zone"),
        ("attributes", "level 9", "does not fit here, expected a level of the Purdue model"),
        ("attributes", "kind control; kind control", "duplicate key"),
        ("to_zone", "a", "no boundary of two zones"),
        ("entry", "境界線", "no kind of row"),
    ],
)
def test_a_row_of_a_zone_or_boundary_that_is_not_understood_is_kept(cell: str, text: str, told: str) -> None:
    model = read_model([("m.yaml", WHOLE.encode())], frozenset(IDS))
    made = table(model)
    rows = [[*row] for row in made.rows]
    number = 0 if cell in ("to_zone", "entry") else column(made, "entry").index("zone")
    rows[number][COLUMN[cell]] = text
    if cell == "to_zone":
        rows[number][COLUMN["from_zone"]] = text
    back = draft("s.csv", read_sheets(write_csv((made.head, *rows))))
    assert back.kept >= 1 and told in back.text
    read_model([("draft.yaml", back.text.encode())], frozenset(IDS))


def test_limits_of_other_protocols_come_and_go_by_the_name_of_the_element() -> None:
    text = OTHER.replace(
        "protocol: [dns, unknown], port: [53, 5000-5010]",
        "protocol: slmp, limits: [{element: w1a, type: int32, low: -5, high: 7}]",
    )
    model = read_model([("o.yaml", text.encode())], frozenset(IDS))
    (said,) = (one for one in column(table(model), "limits") if one)
    assert said == "element W1A: -5 to 7, type int32"
    assert cell_limits(said) == ((("element", "W1A"), ("low", "-5"), ("high", "7"), ("type", "int32")),)
