"""A sheet of devices as the assets of a model."""

from __future__ import annotations

import datetime
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from openpyxl.styles import Font

from otmon.zones.address import host
from otmon.zones.files.inventory import HEADINGS, inventory_document
from otmon.zones.files.load import ModelError, load_model, read_model
from otmon.zones.files.workbook import write_xlsx
from otmon.zones.model import Model, Name
from tests.zones.facts import PROTOCOLS

PLANT = b"""\
zones:
- {id: cell, importance: low, members: 10.1.0.0/24}
- {id: hall, importance: low, members: {tag: clean}}
inventory: devices.csv
boundaries:
- {id: b, between: [cell, hall], allow: [{from: 'role:hmi', to: hall, protocol: modbus}]}
"""
ENGLISH = """\
id,name_ja,name_en,address,mac,vendor,model,roles,tags,zone,location
hmi-1,\u64cd\u4f5c\u76e4,Panel,10.1.0.5; 10.1.0.6,,ACME,P-7,hmi scada,,,room 3
plc-1,,Press,10.2.0.1,00-80-F4-00-00-01,,,plc,clean,,
cam-1,,,,00:80:f4:00:00:02,,,,,cell,
"""
JAPANESE = """\
\u8a2d\u5099\u53f0\u5e33\r
\r
\u8cc7\u7523\u756a\u53f7,\u6a5f\u5668\u540d,\uff29\uff30\u30a2\u30c9\u30ec\u30b9,\uff2d\uff21\uff23\u30a2\u30c9\u30ec\u30b9,\u30e1\u30fc\u30ab\u30fc,\u578b\u5f0f,\u5f79\u5272,\u30bf\u30b0,\u30be\u30fc\u30f3\r
hmi-1,\u64cd\u4f5c\u76e4,"\uff11\uff10.1.0.5
10.1.0.6",,ACME,P-7,hmi\u3001scada,,\r
plc-1,Press,10.2.0.1,00-80-F4-00-00-01,,,plc,clean,\r
cam-1,,,00:80:f4:00:00:02,,,,,cell\r
"""


def read(sheet: bytes, plant: bytes = PLANT, name: str = "devices.csv") -> Model:
    def beside(file: str, asked: str) -> bytes:
        assert (file, asked) == ("m.yaml", name)
        return sheet

    return read_model([("m.yaml", plant)], PROTOCOLS, beside)


def wrong(sheet: bytes, plant: bytes = PLANT) -> list[str]:
    with pytest.raises(ModelError) as caught:
        read(sheet, plant)
    return str(caught.value).splitlines()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932", "utf-16"])
@pytest.mark.parametrize("text", [ENGLISH, JAPANESE], ids=["en", "ja"])
def test_what_excel_saves_is_the_inventory(text: str, encoding: str) -> None:
    model = read(text.encode(encoding))
    hmi, plc, camera = model.devices
    assert (hmi.id, hmi.name.ja, [str(one) for one in hmi.networks]) == (
        "hmi-1", "操作盤", ["10.1.0.5", "10.1.0.6"],
    )  # fmt: skip
    assert (hmi.vendor, hmi.model, hmi.roles, hmi.mac) == ("ACME", "P-7", ("hmi", "scada"), None)
    assert (plc.name, plc.tags) == (Name("Press", "Press"), ("clean",))
    assert plc.mac is not None and plc.mac.value == 0x0080F4000001
    assert (camera.name, camera.networks, camera.zone) == (Name("cam-1", "cam-1"), (), "cell")
    assert str(camera.line) == ("devices.csv:4" if text is ENGLISH else "devices.csv:6")
    assert hmi.name.en == ("Panel" if text is ENGLISH else "操作盤")
    assert model.files == ("m.yaml", "devices.csv")


def test_a_row_that_names_a_zone_or_has_a_tag_is_a_member() -> None:
    cell, hall = read(ENGLISH.encode()).zones
    assert [(str(m.network), str(m.macs), str(m.line)) for m in cell.members] == [
        ("None", "00:80:f4:00:00:02", "devices.csv:4"),
        ("10.1.0.0/24", "None", "m.yaml:2"),
    ]
    assert [(str(m.network), str(m.macs)) for m in hall.members] == [("10.2.0.1", "00:80:f4:00:00:01")]
    (border,) = read(ENGLISH.encode()).boundaries
    assert [str(end.network) for end in border.permissions[0].clients] == ["10.1.0.5", "10.1.0.6"]


def test_a_workbook_is_read_as_well() -> None:
    rows = [line.split(",") for line in ENGLISH.splitlines()]
    plant = PLANT.replace(b"devices.csv", b"devices.xlsx")
    model = read(write_xlsx("devices", rows, [9] * 11), plant, "devices.xlsx")
    assert [device.id for device in model.devices] == ["hmi-1", "plc-1", "cam-1"]


def test_all_errors_are_told_at_once_with_row_and_column() -> None:
    sheet = (
        ENGLISH.replace("10.1.0.5;", "10.1.0.555;")
        .replace("00-80-F4-00-00-01", "zz")
        .replace("cam-1", "plc-1")
    )
    sheet += "x y,,,10.9.0.1,,,,,,cel,\n,,,10.9.0.2,,,,,,,\nempty,,,,,,,,,,\n"
    told = wrong(sheet.replace("hmi scada", "sensor").encode())
    assert told == [
        "devices.csv:2:4: '10.1.0.555' does not fit here, expected an IPv4 or IPv6 address",
        "devices.csv:3:5: 'zz' does not fit here, expected a MAC address such as 00:1b:1b:aa:bb:cc",
        "devices.csv:4:1: asset 'plc-1' a second time, expected an id of its own (first at devices.csv:3)",
        "devices.csv:5:1: 'x y' does not fit here, expected an id of up to 64 ASCII letters, digits, '.', "
        "'_' and '-' (and no address)",
        "devices.csv:6:1: id is missing, expected an id",
        # What else the wrong rows say is there: their tag is none that nobody has.
        "m.yaml:6:49: no asset has the role 'hmi', expected plc",
    ]


def workbook(fill: Callable[[Any], None], *, others: Callable[[Any], None] = lambda book: None) -> bytes:
    book = Workbook()
    page: Any = book.active
    page.title = "機器台帳"
    fill(page)
    others(book)
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


def as_people_have_it(page: Any) -> None:
    """A sheet as plants keep them: titles, notes, full width, half-width kana, dates, dashes."""
    day = datetime.date(2019, 5, 1)
    for row in (
        ["制御系ネットワーク　機器台帳"],
        ["作成：鈴木", None, None, None, None, None, None, datetime.date(2026, 4, 1)],
        ["No.", "管理番号", "機器名称", "ＩＰアドレス", "ＭＡＣｱﾄﾞﾚｽ", "用途", "役割", "導入年月日"],
        ["【Ａ棟】"] * 7,
        [1, "ＰＬＣ－０１", "調合", "１０．１．０．１１／２４", "0080.f430.0131", "シーケンサー", "x", day],
        [2, "HMI-01", "操作ﾊﾟﾈﾙ", "10.1.0.12", "－", "ﾀｯﾁﾊﾟﾈﾙ 監視", None, "令和2年"],
        [3, "PC-01", "監視", "DHCP", "0080F4300132", "なし", None, None],
        [4, "SW-01", "計器", "－", "ー", "", None, None],
        ["No.", "管理番号", "機器名称", "ＩＰアドレス", "ＭＡＣｱﾄﾞﾚｽ", "用途", "役割", "導入年月日"],
        ["※点検は4月"],
    ):  # fmt: skip
        page.append(row)
    page.merge_cells("A4:G4")


SHEETS = PLANT.replace(b"devices.csv", b"devices.xlsx").replace(
    b"- {id: hall, importance: low, members: {tag: clean}}\n",
    b"- {id: hall, importance: low, members: 10.2.0.0/24}\n",
)


def remarks(model: Model) -> list[str]:
    return [f"{place}: {what}" for place, what in model.remarks]


def test_a_sheet_as_people_have_it_is_an_inventory() -> None:
    model = read(workbook(as_people_have_it), SHEETS, "devices.xlsx")
    found = {
        one.id: ([str(at) for at in one.networks], str(one.mac and host(one.mac)), one.roles)
        for one in model.devices
    }
    assert found == {
        "PLC-01": (["10.1.0.11"], "00:80:f4:30:01:31", ("シーケンサー",)),
        "HMI-01": (["10.1.0.12"], "None", ("タッチパネル", "監視")),
        "PC-01": ([], "00:80:f4:30:01:32", ()),
    }
    # `role:hmi` is whoever the sheet calls a touch panel.
    assert [str(end.network) for end in model.boundaries[0].permissions[0].clients] == ["10.1.0.12"]
    assert remarks(model) == [
        "devices.xlsx:3:7: column '役割' says the same as '用途', which counts",
        "devices.xlsx:8:1: 1 rows are left out that have neither an address nor a MAC address (8: SW-01)",
    ]


def test_who_signs_a_sheet_agrees_to_what_he_sees() -> None:
    """Who hides a row by hand takes it away; a filter that was left on, or a closed group, does not."""

    def fill(page: Any) -> None:
        page.append(["id", "address", "mac", "note"])
        for number in range(2, 10):
            page.append([f"d{number}", f"10.1.0.{number}", None, "x"])
        page["B3"].font = Font(strike=True)
        page["D4"].font = Font(strike=True)
        page.row_dimensions[5].hidden = page.row_dimensions[6].hidden = page.row_dimensions[7].hidden = True
        page.row_dimensions[7].outlineLevel = 1
        page["B6"] = datetime.date(2026, 1, 2)
        page.column_dimensions["C"].hidden = True
        page["A9"] = CellRichText("d9", TextBlock(InlineFont(strike=True), " d1"))

    def others(book: Any) -> None:
        book.create_sheet("改訂履歴").append(["版", "日付"])
        book.create_sheet("Sheet3")
        book.create_sheet("旧台帳").append(["id", "address"])
        book["旧台帳"].append(["gone", "10.1.0.99"])
        book["旧台帳"].sheet_state = "hidden"

    data = workbook(fill, others=others)
    model = read(data, SHEETS.replace(b"from: 'role:hmi'", b"from: 10.1.0.2"), "devices.xlsx")
    assert [one.id for one in model.devices] == ["d2", "d4", "d7", "d8"]
    assert remarks(model) == [
        "devices.xlsx: the sheet '改訂履歴' has no head, and is left out",
        "devices.xlsx: the sheet '旧台帳' is hidden, and is left out: show it if its devices are authorised",
        "devices.xlsx:1:3: the column 'mac' is hidden, and counts",
        "devices.xlsx:3:1: 2 rows are left out whose id, address or MAC address is struck out, wholly or in "
        "part (3: d3, 9: d9 d1)",
        "devices.xlsx:5:1: 2 hidden rows are left out (5: d5, 6: d6): show those whose devices are "
        "authorised, and delete the others",
        "devices.xlsx:7:1: 1 rows that a filter or a closed outline hides count like others (7: d7)",
    ]


def test_a_number_is_the_id_where_there_is_no_other() -> None:
    plant = PLANT.replace(b"{tag: clean}", b"10.2.0.0/24").replace(b"'role:hmi'", b"10.1.0.1")
    model = read("No.,機器名,IP\n1,PLC,10.1.0.1\n".encode(), plant)
    assert [(one.id, one.name.ja) for one in model.devices] == [("1", "PLC")]


def test_a_row_of_one_word_is_a_heading_only_where_it_is_no_id() -> None:
    sheet = ENGLISH + "Line 1,Line 1,Line 1,,,Line 1,,,,,\nspare,spare,spare,,,,,,,,\n"
    model = read(sheet.encode())
    assert len(model.devices) == 3
    assert remarks(model) == [
        "devices.csv:6:1: 1 rows are left out that have neither an address nor a MAC address (6: spare)"
    ]


def test_a_network_is_no_address_of_a_device() -> None:
    sheet = ENGLISH.replace("10.2.0.1", "10.2.0.0/24").encode()
    assert wrong(sheet) == [
        "devices.csv:3:4: '10.2.0.0/24' does not fit here, expected an IPv4 or IPv6 address"
    ]


def test_a_zone_that_is_not_there() -> None:
    assert wrong(ENGLISH.replace(",cell,", ",cel,").encode()) == [
        "devices.csv:4:10: no zone 'cel', expected cell"
    ]


@pytest.mark.parametrize(
    ("sheet", "told"),
    [
        (b"", "devices.csv: no head, expected a row with the columns id"),
        (b"id,vendor\na,b\n", "devices.csv: no head, expected a row with the columns id"),
        (b"id,address,IP\na,10.0.0.1,10.0.0.2\n", "devices.csv:1:3: column 'IP' says the same as 'address'"),
        (b"\xff\x00\x80", "devices.csv: cannot be read as an inventory: neither text"),
        (b"id,address\n" + b"a,10.0.0.1\n" * 20_001, "more than 20000 rows"),
        (b"PK\x03\x04junk", "devices.csv: cannot be read as an inventory"),
    ],
)
def test_what_is_no_inventory(sheet: bytes, told: str) -> None:
    (one,) = wrong(sheet)
    assert told in one


@pytest.mark.parametrize(
    "name", ["../devices.csv", "/etc/passwd", "devices.txt", ".hidden.csv", "a\\\\b.csv", "c:d.csv", "[]"]
)
def test_a_model_names_sheets_beside_itself_only(name: str) -> None:
    plant = PLANT.replace(b"devices.csv", f'"{name}"'.encode() if name != "[]" else b"[]")
    with pytest.raises(ModelError) as caught:
        read(b"", plant)
    assert "m.yaml:4:" in str(caught.value) and ", expected " in str(caught.value)


def test_a_sheet_is_found_beside_the_file_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_bytes(PLANT)
    (tmp_path / "devices.csv").write_text(ENGLISH, encoding="cp932")
    (tmp_path / "other.csv").write_text("not,for,us\n")
    for path in (tmp_path, tmp_path / "m.yaml"):
        model = load_model(str(path), PROTOCOLS)
        assert [device.id for device in model.devices] == ["hmi-1", "plc-1", "cam-1"]
        assert model.files == (str(tmp_path / "m.yaml"), str(tmp_path / "devices.csv"))


def test_a_sheet_that_cannot_be_read_is_told_where_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_bytes(PLANT)
    with pytest.raises(ModelError, match=r"m\.yaml:4:12: 'devices\.csv' cannot be read \(no such file\)"):
        load_model(str(tmp_path), PROTOCOLS)
    os.mkfifo(tmp_path / "devices.csv")
    with pytest.raises(ModelError, match=r"cannot be read \(no plain file\)"):
        load_model(str(tmp_path), PROTOCOLS)
    with pytest.raises(ModelError, match="cannot be read"):
        read_model([("m.yaml", PLANT)], PROTOCOLS)


def test_a_sheet_that_two_files_name_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(PLANT)
    (tmp_path / "b.yaml").write_bytes(b"inventory: [devices.csv]\n")
    (tmp_path / "devices.csv").write_text(ENGLISH, encoding="utf-8")
    assert len(load_model(str(tmp_path), PROTOCOLS).devices) == 3


@given(
    st.one_of(
        st.binary(max_size=300), st.text(max_size=300).map(lambda text: text.encode("utf-8", "replace"))
    )
)
def test_any_bytes_are_an_inventory_or_said_to_be_none(data: bytes) -> None:
    document = inventory_document("d.csv", b"id,address,mac\n" + data)
    assert (document.root is None) == bool(document.problems)
    assert all((one.file == "d.csv" and ", expected " in one.what) or "cannot be read" in one.what
               for one in document.problems)  # fmt: skip


def test_the_document_lists_every_heading() -> None:
    page = (Path(__file__).resolve().parent.parent.parent.parent / "docs" / "zone-model.md").read_text(
        encoding="utf-8"
    )
    for names in HEADINGS.values():
        assert all(name in page for name in names), names
