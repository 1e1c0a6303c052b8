"""CSV and workbooks: what Excel gets, and whatever else may be handed in."""

from __future__ import annotations

import csv
import datetime
import io
import re
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from openpyxl.styles import Font

from otmon.zones.files import workbook
from otmon.zones.files.workbook import (
    MAX_COLUMNS,
    Grid,
    Hidden,
    SheetError,
    column_letters,
    read_sheets,
    write_csv,
    write_xlsx,
)

FORMULAS = ("=1+1", "+81-3", "-2", "@SUM(A1)", "\tx", "=HYPERLINK('http://x')")


SHEET = "xl/worksheets/sheet1.xml"


def book(fill: Callable[[Any], None]) -> bytes:
    made = Workbook()
    fill(made.active)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def changed(data: bytes, part: str, change: Callable[[bytes], bytes]) -> bytes:
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as source,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for name in source.namelist():
            content = source.read(name)
            target.writestr(name, change(content) if name == part else content)
    return out.getvalue()


def test_csv_is_for_excel() -> None:
    data = write_csv([("境界", "a,b"), *((one, 'say "x"') for one in FORMULAS)])
    assert data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    assert rows[0] == ["境界", "a,b"]
    assert [row[0] for row in rows[1:]] == [f"'{one}" for one in FORMULAS]


def test_a_workbook_holds_texts_only_and_is_easy_to_read() -> None:
    data = write_xlsx("境界", [("a", "b"), *((one, "502") for one in FORMULAS)], [20, 10])
    page: Any = load_workbook(io.BytesIO(data)).active
    assert page.title == "境界" and page.freeze_panes == "A2" and page.auto_filter.ref == "A1:B7"
    assert page.column_dimensions["A"].width == 20
    for row in page.iter_rows(min_row=2):
        assert [cell.data_type for cell in row] == ["s", "s"]
        assert row[0].quotePrefix


def test_the_same_cells_are_the_same_bytes_whatever_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    first = write_xlsx("a", [("a", "b")], [1, 1])

    class Later(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> datetime.datetime:
            return datetime.datetime(2031, 5, 4, tzinfo=tz)

    monkeypatch.setattr("openpyxl.writer.excel.datetime.datetime", Later)
    assert write_xlsx("a", [("a", "b")], [1, 1]) == first


def test_text_that_is_struck_out_is_noted() -> None:
    def fill(page: Any) -> None:
        page.append(["whole", "in force", None, "a merged one", None])
        page["A1"].font = page["D1"].font = Font(strike=True)
        page["B1"].font = Font(strike=False)
        page["C1"] = CellRichText("10.1.0.5", TextBlock(InlineFont(strike=True), "10.1.0.4"))
        page["A2"] = CellRichText("10.1.0.6", TextBlock(InlineFont(b=True), "new"))
        page["B2"] = "last"
        page["E2"] = "end"
        page.merge_cells("D1:E1")

    (grid,) = read_sheets(book(fill))
    assert grid.struck == {(1, 1): "all", (1, 3): "a part", (1, 4): "all", (1, 5): "all"}
    assert grid.rows[1][:3] == ("whole", "in force", "10.1.0.510.1.0.4")
    (quiet,) = read_sheets(write_xlsx("a", [("a", "b"), ("c", "d")], [1, 1]))
    assert quiet.struck == {}


def test_what_nobody_sees_is_noted() -> None:
    def fill(page: Any) -> None:
        for number in range(1, 9):
            page.append([f"a{number}", "b", "c", "d"])
        page.row_dimensions[3].hidden = True
        page.row_dimensions[6].height = 30
        page.column_dimensions["B"].hidden = True
        page.column_dimensions["D"].width = 77
        page.auto_filter.ref = "A1:D8"
        page.auto_filter.add_filter_column(0, ["a1"])
        page.row_dimensions[8].hidden = True
        page.parent.create_sheet("old").append(["x"])
        page.parent["old"].sheet_state = "hidden"
        page.parent.create_sheet("older").append(["x"])
        page.parent["older"].sheet_state = "veryHidden"

    # Excel also hides what is drawn to no height or width.
    drawn = changed(book(fill), SHEET, lambda xml: xml.replace(b'<row r="5"', b'<row r="5" ht="0"'))
    drawn = changed(drawn, SHEET, lambda xml: xml.replace(b'width="77"', b'width="0"'))
    shown, *others = read_sheets(drawn)
    assert shown.hidden == Hidden(False, frozenset({3, 5, 8}), frozenset({2, 4}), frozenset({3, 5, 8}))
    assert shown.rows[3] == ("a3", "b", "c", "d")
    assert [(one.name, one.hidden) for one in others] == [("old", Hidden(True)), ("older", Hidden(True))]
    assert read_sheets(b"a,b")[0].hidden == Hidden()


def test_rows_that_a_filter_or_an_outline_hides_are_told_from_those_that_somebody_hid() -> None:
    from openpyxl.worksheet.filters import AutoFilter, FilterColumn, Filters
    from openpyxl.worksheet.table import Table

    def fill(page: Any) -> None:
        page.append(["id", "name"])
        for number in range(2, 13):
            page.append([f"a{number}", "b"])
        for number in (2, 5, 8, 11):
            page.row_dimensions[number].hidden = True
        page.row_dimensions[5].outlineLevel = 1
        chosen = FilterColumn(colId=0, filters=Filters(filter=["a7"]))
        page.add_table(
            Table(
                id=1, displayName="t", ref="A7:B9", autoFilter=AutoFilter(ref="A7:B9", filterColumn=[chosen])
            )
        )
        # A filter that is off, as every list has one.
        page.auto_filter.ref = "A1:B12"

    (grid,) = read_sheets(book(fill))
    assert (grid.hidden.rows, grid.hidden.folded) == ({2, 5, 8, 11}, {5, 8})


def test_a_lie_about_what_is_hidden_is_bounded() -> None:
    lies = b'<cols><col min="1" max="99999999999" hidden="1"/><col min="7" max="3" hidden="true"/></cols>'
    data = changed(
        book(lambda page: page.append(["x"])),
        SHEET,
        lambda xml: xml.replace(b"<sheetData>", lies + b'<sheetData><row r="20000" hidden="1"/>'),
    )
    (grid,) = read_sheets(data)
    assert grid.hidden.columns == frozenset(range(1, MAX_COLUMNS + 1)) and grid.hidden.rows == {20_000}


@pytest.mark.parametrize(
    ("strike", "struck"),
    [("<strike/>", {(1, 1): "a part", (1, 3): "a part"}), ('<strike val="0"/>', {}), ("<b/>", {})],
)
def test_a_part_that_is_struck_out_is_noted_in_a_text_that_cells_share(
    strike: str, struck: dict[tuple[int, int], str]
) -> None:
    """Excel keeps texts in a table of their own, openpyxl in the cells."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    run = f"<r><t>10.1.0.5 </t></r><r><rPr>{strike}</rPr><t>10.1.0.6</t></r>"
    table = f'<sst xmlns="{main}"><si><t>y</t></si><si>{run}</si></sst>'
    kind = b"application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    entry = b'<Override PartName="/xl/sharedStrings.xml" ContentType="' + kind + b'"/></Types>'
    data = book(lambda page: page.append(["x", "y", "x"]))
    for said, at in ((b"x", b"1"), (b"y", b"0")):
        inline = rb't="inlineStr"><is><t>' + said + rb"</t></is>"
        data = changed(data, SHEET, lambda xml, a=inline, b=at: xml.replace(a, b't="s"><v>' + b + b"</v>"))  # type: ignore[misc]
    data = changed(data, "[Content_Types].xml", lambda xml: xml.replace(b"</Types>", entry))
    made = io.BytesIO(data)
    with zipfile.ZipFile(made, "a") as archive:
        archive.writestr("xl/sharedStrings.xml", table)
    (grid,) = read_sheets(made.getvalue())
    assert (grid.struck, grid.rows) == (struck, {1: ("10.1.0.5 10.1.0.6", "y", "10.1.0.5 10.1.0.6")})


texts = st.text(st.characters(exclude_categories=["C"]), max_size=8)


@example([[";", ";"]])
@given(st.lists(st.lists(texts, min_size=2, max_size=3), min_size=1, max_size=4))
def test_what_is_written_is_read_back(rows: list[list[str]]) -> None:
    wanted = {
        number: [cell.strip() for cell in row]
        for number, row in enumerate(rows, 1)
        if any(map(str.strip, row))
    }
    (grid,) = read_sheets(write_csv(rows))
    found = {number: list(row) for number, row in grid.rows.items()}
    assert list(found) == list(wanted)
    for number, row in wanted.items():
        # An apostrophe before a formula's sign is ours, or taken for ours.
        assert [one.lstrip("'").strip() for one in found[number]] == [one.lstrip("'").strip() for one in row]


@pytest.mark.parametrize("sign", "=+-@＝＋－＠")
def test_no_cell_of_a_csv_file_is_a_formula(sign: str) -> None:
    cell = f"{sign}cmd|' /C calc'!A1"
    data = write_csv([["name", cell]])
    assert f"'{cell}".encode() in data and f",{sign}".encode() not in data
    (grid,) = read_sheets(data)
    assert grid.rows[1] == ("name", cell)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_encodings_and_delimiters(encoding: str, delimiter: str) -> None:
    text = f"送信元{delimiter}宛先\r\n10.0.0.1{delimiter}表示ソ\r\n"
    (grid,) = read_sheets(text.encode(encoding))
    assert grid == Grid("", {1: ("送信元", "宛先"), 2: ("10.0.0.1", "表示ソ")})


def test_numbers_dates_errors_and_formulas() -> None:
    def fill(page: Any) -> None:
        page.append(["port", 502, 502.0, 1.5, True, datetime.date(2024, 5, 10), "#REF!", "=1+1", None, " x "])
        page["G1"].data_type = "e"

    (grid,) = read_sheets(book(fill))
    assert grid.rows == {1: ("port", "502", "502", "1.5", "true", "", "", "", "", "x")}
    assert {place: why.split(" (")[0] for place, why in grid.odd.items()} == {
        (1, 6): "a date or time", (1, 7): "the error #REF!", (1, 8): "a formula without a saved value",
    }  # fmt: skip


def test_a_saved_value_of_a_formula_counts() -> None:
    data = book(lambda page: page.append(["a", "=1+1"]))
    saved = changed(data, SHEET, lambda xml: re.sub(rb"<v ?/>|<v></v>", b"<v>2</v>", xml))
    assert read_sheets(saved)[0].rows == {1: ("a", "2")}


def test_merged_cells_say_the_same_in_every_place() -> None:
    def fill(page: Any) -> None:
        page.append(["送信元", None, "宛先"])
        for n in range(3):
            page.append(["10.0.0.1" if n == 0 else None, "x", n])
        page.merge_cells("A1:B1")
        page.merge_cells("A2:A4")

    (grid,) = read_sheets(book(fill))
    assert [row[0] for row in grid.rows.values()] == ["送信元", "10.0.0.1", "10.0.0.1", "10.0.0.1"]
    assert grid.rows[1][1] == "送信元"


def huge_merge(xml: bytes) -> bytes:
    return xml.replace(
        b"</sheetData>", b'</sheetData><mergeCells><mergeCell ref="A1:XFD1048576"/></mergeCells>'
    )


def test_a_merged_range_of_everything_is_filled_as_far_as_there_are_cells() -> None:
    data = book(lambda page: [page.append(["a", None]), page.append([None, "b"])])
    (grid,) = read_sheets(changed(data, "xl/worksheets/sheet1.xml", huge_merge))
    assert grid.rows == {1: ("a", "a"), 2: ("a", "b")}


def many_merges(xml: bytes) -> bytes:
    merges = b'<mergeCell ref="A1:A2"/>' * (workbook.MAX_MERGED + 1)
    return xml.replace(b"</sheetData>", b"</sheetData><mergeCells>" + merges + b"</mergeCells>")


def bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b" " * (workbook.MAX_UNPACKED_BYTES + 1))
    return out.getvalue()


def styles(xml: bytes) -> bytes:
    return xml + b"<!--" + b"x" * workbook.MAX_OTHER_BYTES + b"-->"


def many_cells(xml: bytes) -> bytes:
    rows = b"".join(
        b'<row r="%d">%s</row>' % (row, b"<c><v>1</v></c>" * 100)
        for row in range(2, workbook.MAX_CELLS // 100 + 3)
    )
    return xml.replace(b"</sheetData>", rows + b"</sheetData>")


def lying_bomb() -> bytes:
    """The directory says that the part is small."""
    data = bytearray(bomb())
    at = data.index(b"PK\x01\x02")
    data[at + 24 : at + 28] = (10).to_bytes(4, "little")
    return bytes(data)


SMALL = book(lambda page: page.append(["a"]))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"x" * (workbook.MAX_FILE_BYTES + 1), "more than 16777216 bytes"),
        (bomb(), "expected at most"),
        (lying_bomb(), "no workbook that can be read"),
        (SMALL[: len(SMALL) // 2], "no workbook that can be read"),
        (b"PK\x03\x04" + bytes(100), "no workbook that can be read"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100), "an old Excel file"),
        (bytes(range(256)), "neither text"),
        (b"a,b\0c", "neither text"),
        (b"a," * 200, "more than 100 columns"),
        (b"a\n" * (workbook.MAX_ROWS + 1), "more than 20000 rows"),
        (b'"' + b"x" * (workbook.MAX_CELL + 1) + b'"', "is no CSV"),
        (changed(SMALL, SHEET, many_merges), "merged ranges"),
        (changed(SMALL, SHEET, lambda x: x.replace(b'r="1"', b'r="99999999999"')), "more than 20000 rows"),
        (changed(SMALL, SHEET, lambda x: x.replace(b'r="A1"', b'r="XFD1"')), "more than 100 columns"),
        (changed(SMALL, SHEET, many_cells), "more than 200000 cells"),
        (changed(SMALL, "xl/styles.xml", styles), "xl/styles.xml has"),
        (changed(SMALL, SHEET, lambda x: x[:-20]), "no workbook that can be read"),
        (changed(SMALL, "xl/workbook.xml", lambda x: b"<!DOCTYPE x []>" + x[:50]), "no workbook"),
    ],
)  # fmt: skip
def test_hostile_files_give_a_clear_error(data: bytes, why: str) -> None:
    with pytest.raises(SheetError, match=why):
        read_sheets(data)


def test_empty_files_are_empty_sheets() -> None:
    assert read_sheets(b"") == [Grid("", {})]
    assert read_sheets(book(lambda page: None)) == [Grid("Sheet", {})]


@given(st.binary(max_size=400), st.integers(0, len(SMALL)))
def test_any_bytes_give_grids_or_an_error_of_ours(noise: bytes, at: int) -> None:
    for data in (noise, SMALL[:at] + noise + SMALL[at + len(noise) :]):
        try:
            grids = read_sheets(data)
        except SheetError:
            continue
        assert all(isinstance(grid, Grid) for grid in grids)


def test_columns_are_called_by_letters() -> None:
    assert column_letters(100) == "CV"
