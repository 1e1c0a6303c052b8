"""Tables as files: CSV and Excel workbooks, written for people and read from anybody.

Written: a cell that begins like a formula is text; CSV is UTF-8 with a byte order mark, without which
Excel does not read Japanese; a workbook of the same cells is the same bytes.

Read: any bytes give grids of texts or a `SheetError`. Sizes are bounded before anything is unpacked. A
cell whose text cannot be known (a formula that was never computed, an error, a date that Excel made of a
range) keeps what is wrong with it in `Grid.odd`. Text that is struck out is read, and noted in `Grid.struck`;
so is what nobody sees who opens the workbook (`Grid.hidden`).
"""

from __future__ import annotations

import csv
import datetime
import io
import re
import zipfile
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from xml.parsers import expat

from otmon.sentence import Complaint, Sentence, sentence

MAX_FILE_BYTES: Final = 16 * 1024 * 1024
MAX_UNPACKED_BYTES: Final = 32 * 1024 * 1024
"""Of a workbook, which is a ZIP file: a bound on what one of a few kilobytes can become."""
MAX_OTHER_BYTES: Final = 2 * 1024 * 1024
"""Of each part that is neither a sheet, nor its texts, nor a picture: openpyxl makes much of little there."""
MAX_PARTS: Final = 2000
MAX_SHEETS: Final = 50
MAX_ROWS: Final = 20_000
MAX_COLUMNS: Final = 100
MAX_CELLS: Final = 200_000
"""Of one sheet."""
MAX_CELL: Final = 32_767
MAX_MERGED: Final = 10_000
_LOOKED_AT: Final = 1_000_000
"""Characters in which the sign between cells is looked for."""
_QUOTED: Final = re.compile(r'"[^"]*"')
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
"""A Japanese Excel may take the wide signs for the narrow ones."""
_PINNED: Final = datetime.datetime(2000, 1, 1)
_ZIP_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_PLACE: Final = re.compile(r"([A-Z]{1,3})([0-9]{1,11})", re.ASCII)
_MERGED: Final = re.compile(r"([A-Z]{1,3})([0-9]{1,7}):([A-Z]{1,3})([0-9]{1,7})", re.ASCII)


class SheetError(Complaint):
    """The file cannot be read as a sheet; the text says why."""


@dataclass(frozen=True, slots=True)
class Hidden:
    """What is not shown of a sheet: by hand, by a filter, or by an outline that is closed."""

    sheet: bool = False
    rows: frozenset[int] = frozenset()
    columns: frozenset[int] = frozenset()
    folded: frozenset[int] = frozenset()
    """Those of the rows that a filter or a closed outline hides: it is seen that there are more."""


@dataclass(frozen=True, slots=True)
class Grid:
    """One sheet. Rows and columns count from 1."""

    name: str
    """"" for CSV."""
    rows: dict[int, tuple[str, ...]]
    """Those that have any text, ascending; texts are stripped."""
    odd: dict[tuple[int, int], Sentence] = field(default_factory=dict)
    """(row, column) -> what is wrong with the cell."""
    moments: dict[tuple[int, int], str] = field(default_factory=dict)
    """(row, column) -> what a date (`2026-04-14`), a time (`09:12:30`) or both are, divided by a space, of
    those that are odd because a text was expected."""
    struck: dict[tuple[int, int], Sentence] = field(default_factory=dict)
    """(row, column) -> which part of the cell's text is struck out (Japanese: 取消線)."""
    hidden: Hidden = field(default_factory=Hidden)


def column_letters(number: int) -> str:
    """The letters of a column by its number: 1 is A, 27 is AA."""
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def write_csv(rows: Iterable[Sequence[str]]) -> bytes:
    """A CSV file (RFC 4180). An apostrophe keeps a cell from being a formula."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(
        [f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in row] for row in rows
    )
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def write_xlsx(title: str, rows: Sequence[Sequence[str]], widths: Sequence[int]) -> bytes:
    """A workbook of one sheet whose first row is the head: it stays in view, and filters the rest."""
    from openpyxl import Workbook
    from openpyxl.styles import Alignment, Font

    book = Workbook()
    page: Any = book.active
    page.title = title
    for number, row in enumerate(rows, 1):
        for place, text in enumerate(row, 1):
            cell = page.cell(number, place)
            cell.value = "".join(sign for sign in text if sign.isprintable() or sign == "\n")
            cell.data_type = "s"
            cell.quotePrefix = text.startswith(_FORMULA)
            cell.alignment = Alignment(wrap_text=True, vertical="top")
            cell.font = Font(bold=number == 1)
    for place, width in enumerate(widths, 1):
        page.column_dimensions[column_letters(place)].width = width
    page.freeze_panes = "A2"
    page.auto_filter.ref = f"A1:{column_letters(max(len(widths), 1))}{max(len(rows), 1)}"
    book.properties.creator = "otmon"
    book.properties.created = _PINNED
    made = io.BytesIO()
    book.save(made)
    return _repacked(made)


def _repacked(made: io.BytesIO) -> bytes:
    """The same archive without the time at which it was made."""
    out = io.BytesIO()
    with zipfile.ZipFile(made) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            data = source.read(name)
            if name == "docProps/core.xml":
                stamp = f"{_PINNED.isoformat()}Z".encode()
                data = re.sub(rb"(<dcterms:modified[^>]*>)[^<]*", rb"\g<1>" + stamp, data)
            entry = zipfile.ZipInfo(name, _ZIP_EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o600 << 16
            target.writestr(entry, data)
    return out.getvalue()


def read_sheets(data: bytes) -> list[Grid]:
    """The sheets of a CSV file or workbook, told apart by their bytes. Raises `SheetError`."""
    if len(data) > MAX_FILE_BYTES:
        raise SheetError(sentence("more than {most} bytes, expected a smaller sheet", most=MAX_FILE_BYTES))
    if data[:4] == b"PK\x03\x04":
        return _read_xlsx(data)
    if data[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        raise SheetError(sentence("an old Excel file (.xls) or one with a password, expected .xlsx or .csv"))
    return [_read_csv(_decoded(data))]


def _decoded(data: bytes) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encodings: tuple[str, ...] = ("utf-16",)
    else:
        encodings = ("utf-8-sig", "cp932")
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        return text
    raise SheetError(
        sentence("neither text (UTF-8, UTF-16 or Shift_JIS) nor a workbook, expected .csv or .xlsx")
    )


def _read_csv(text: str) -> Grid:
    # The sign that stands in most of the first lines divides the cells; in quotes none does.
    first = _QUOTED.sub("", text[:_LOOKED_AT]).splitlines()[:20]
    delimiter = max(",\t;", key=lambda sign: sum(sign in line for line in first))
    rows: dict[int, tuple[str, ...]] = {}
    before = csv.field_size_limit(MAX_CELL)
    try:
        for number, row in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), 1):
            _bounded(number, len(row), "")
            cells = tuple(_unquoted(cell.strip()) for cell in row)
            if any(cells):
                rows[number] = cells
    except csv.Error as error:
        what = sentence("row {row} or later is no CSV: {why}", row=len(rows) + 1, why=str(error))
        raise SheetError(what) from error
    finally:
        csv.field_size_limit(before)
    return Grid("", rows)


def _unquoted(cell: str) -> str:
    """Without the apostrophe that keeps a cell from being a formula."""
    return cell[1:].strip() if cell[:1] == "'" and cell[1:].startswith(_FORMULA) else cell


def _bounded(row: int, column: int, sheet: str) -> None:
    if row > MAX_ROWS:
        raise SheetError(_of(sheet, sentence("more than {most} rows, expected fewer", most=MAX_ROWS)))
    if column > MAX_COLUMNS:
        what = sentence("row {row} has more than {most} columns, expected fewer", row=row, most=MAX_COLUMNS)
        raise SheetError(_of(sheet, what))


def _of(sheet: str, what: Sentence) -> Sentence:
    return sentence("sheet {name}: {what}", name=repr(sheet), what=what) if sheet else what


def _read_xlsx(data: bytes) -> list[Grid]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
            # What an archive says of its sizes binds its reader, so it cannot lie.
            size = sum(part.file_size for part in parts)
            if len(parts) > MAX_PARTS or size > MAX_UNPACKED_BYTES:
                what = sentence(
                    "{parts} parts of {size} bytes unpacked, expected at most {most_parts} parts and "
                    "{most_bytes} bytes",
                    parts=len(parts), size=size, most_parts=MAX_PARTS, most_bytes=MAX_UNPACKED_BYTES,
                )  # fmt: skip
                raise SheetError(what)
            for part in parts:
                bulk = part.filename.startswith(("xl/worksheets/", "xl/sharedStrings.xml", "xl/media/"))
                if not bulk and part.file_size > MAX_OTHER_BYTES:
                    what = sentence(
                        "{part} has {size} bytes unpacked, expected at most {most}",
                        part=part.filename, size=part.file_size, most=MAX_OTHER_BYTES,
                    )  # fmt: skip
                    raise SheetError(what)
            return _read_book(data, archive)
    except SheetError:
        raise
    # openpyxl raises whatever its reading stumbles upon: nothing that comes from the file is ours.
    except Exception as error:
        what = sentence("no workbook that can be read ({why})", why=f"{type(error).__name__}: {error}")
        raise SheetError(what) from error


def _read_book(data: bytes, archive: zipfile.ZipFile) -> list[Grid]:
    from openpyxl import load_workbook

    values = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
    formulas = load_workbook(io.BytesIO(data), read_only=True, data_only=False, keep_links=False)
    names = [page.title for page in values.worksheets]
    if len(names) > MAX_SHEETS:
        what = sentence("{count} sheets, expected at most {most}", count=len(names), most=MAX_SHEETS)
        raise SheetError(what)
    grids = []
    struck_texts, struck_styles = _struck_texts(archive), _struck_styles(values)
    for page, source in zip(values.worksheets, formulas.worksheets, strict=True):
        merged, partly, hidden = _scan(archive, page, struck_texts)
        shown = {(cell.row, cell.column): cell for cell in _cells(page)}
        cells: dict[tuple[int, int], str] = {}
        odd: dict[tuple[int, int], Sentence] = {}
        moments: dict[tuple[int, int], str] = {}
        struck: dict[tuple[int, int], Sentence] = {}
        for cell in _cells(source):
            place = (int(cell.row), int(cell.column))
            text, wrong = _text(shown.get(place), cell.data_type == "f")
            if text:
                cells[place] = text
            if wrong:
                odd[place] = wrong
            moment = _moment(shown.get(place))
            if moment:
                moments[place] = moment
            if place in partly or cell._style_id in struck_styles:
                struck[place] = sentence("a part") if place in partly else sentence("all")
        for area in merged:
            _fill(area, cells, odd, moments, struck)
        grids.append(Grid(str(page.title), _rows(cells, odd), odd, moments, struck, hidden))
    return grids


def _struck_styles(book: Any) -> frozenset[int]:
    """Styles of cells whose text is struck out."""
    fonts = book._fonts
    return frozenset(
        number
        for number, style in enumerate(book._cell_styles)
        if style.fontId < len(fonts) and fonts[style.fontId].strike
    )


def _struck_texts(archive: zipfile.ZipFile) -> frozenset[int]:
    """Those of the texts that cells share of which a part is struck out (ECMA-376-1, 18.4.8 and 18.4.10)."""
    number = -1
    found: set[int] = set()

    def begin(tag: str, attributes: dict[str, str]) -> None:
        nonlocal number
        name = tag.rpartition(":")[2]
        number += name == "si"
        if name == "strike" and _is_on(attributes):
            found.add(number)

    for path in archive.namelist():
        if path.casefold() == "xl/sharedstrings.xml":
            _parse(archive, path, begin)
    return frozenset(found)


def _is_on(attributes: dict[str, str]) -> bool:
    return attributes.get("val", "1") not in ("0", "false")


def _cells(page: Any) -> Iterable[Any]:
    """Cells with something in them; `_scan` has seen that there are none beyond the limits."""
    for row in page.iter_rows(max_row=MAX_ROWS, max_col=MAX_COLUMNS):
        for cell in row:
            if cell.value is not None:
                yield cell


def _text(cell: Any, computed: bool) -> tuple[str, Sentence | None]:
    """A cell as text, and what is wrong with it."""
    if cell is None:
        return "", sentence("a formula without a saved value") if computed else None
    value = cell.value
    if cell.data_type == "e":
        return "", sentence("the error {name}", name=str(value))
    if isinstance(value, bool):
        return str(value).lower(), None
    if isinstance(value, datetime.date | datetime.time | datetime.timedelta):
        what = sentence("a date or time ({value}), perhaps made of a range by Excel", value=str(value))
        return "", what
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        value = int(value)
    return _unquoted(str(value)[:MAX_CELL].strip()), None


def _moment(cell: Any) -> str:
    """A date, a time or both as text; "" for another cell. A date has the time of midnight in Excel."""
    value = None if cell is None else cell.value
    if isinstance(value, datetime.datetime):
        midnight = value.time() == datetime.time()
        return value.date().isoformat() if midnight else value.isoformat(" ")
    return value.isoformat() if isinstance(value, datetime.date | datetime.time) else ""


def _rows(
    cells: dict[tuple[int, int], str], odd: dict[tuple[int, int], Sentence]
) -> dict[int, tuple[str, ...]]:
    widths: dict[int, int] = {}
    for row, column in sorted([*cells, *odd]):
        widths[row] = max(widths.get(row, 0), column)
    return {
        row: tuple(cells.get((row, column), "") for column in range(1, width + 1))
        for row, width in widths.items()
    }


def _scan(
    archive: zipfile.ZipFile, page: Any, struck_texts: Collection[int]
) -> tuple[list[re.Match[str]], set[tuple[int, int]], Hidden]:
    """Hold a sheet against the limits before its cells are read, and find its merged ranges, the cells of
    whose text a part is struck out, and what is hidden: openpyxl makes a row for every number that is left
    out, and tells none of these when it reads as it goes."""
    merged: list[re.Match[str]] = []
    struck: set[tuple[int, int]] = set()
    rows: set[int] = set()
    columns: set[int] = set()
    folded: set[int] = set()
    filtered = _Filtered()
    at = [0, 0]
    cells = 0
    shared = False
    read: list[str] | None = None

    def begin(tag: str, attributes: dict[str, str]) -> None:
        nonlocal cells, shared, read
        name = tag.rpartition(":")[2]
        filtered.begin(name, attributes)
        if name == "row":
            at[:] = [_number(attributes.get("r", ""), at[0] + 1), 0]
            if _is_hidden(attributes, "ht") and at[0] <= MAX_ROWS:
                rows.add(at[0])
                if attributes.get("outlineLevel", "0") != "0":
                    folded.add(at[0])
        elif name == "col" and _is_hidden(attributes, "width"):
            last = min(_number(attributes.get("max", ""), 0), MAX_COLUMNS)
            columns.update(range(max(_number(attributes.get("min", ""), 1), 1), last + 1))
        elif name == "c":
            match = _PLACE.fullmatch(attributes.get("r", ""))
            at[1] = _column_number(match[1]) if match else at[1] + 1
            # Two places of one cell: openpyxl believes now this, now that.
            at[0] = max(_number(match[2], at[0]), at[0]) if match else at[0]
            shared = attributes.get("t") == "s" and bool(struck_texts)
        elif name in ("v", "f", "is"):
            _bounded(at[0], at[1], str(page.title))
            cells += name != "f"
            read = [] if shared and name == "v" else None
            if cells > MAX_CELLS:
                what = sentence("more than {most} cells, expected fewer", most=MAX_CELLS)
                raise SheetError(_of(str(page.title), what))
        elif name == "strike" and _is_on(attributes):
            struck.add((at[0], at[1]))
        elif name == "mergeCell" and (match := _MERGED.fullmatch(attributes.get("ref", ""))):
            merged.append(match)
            if len(merged) > MAX_MERGED:
                what = sentence("more than {most} merged ranges", most=MAX_MERGED)
                raise SheetError(_of(str(page.title), what))

    def said(text: str) -> None:
        if read is not None:
            read.append(text)

    def end(tag: str) -> None:
        nonlocal read
        if read is not None and _number("".join(read), -1) in struck_texts:
            struck.add((at[0], at[1]))
        read = None

    _parse(archive, page._worksheet_path, begin, said, end)
    for table in _tables(archive, page._worksheet_path):
        _parse(archive, table, lambda tag, attributes: filtered.begin(tag.rpartition(":")[2], attributes))
    folded |= {row for row in rows if any(row in one for one in filtered.rows)}
    seen = page.sheet_state == "visible"
    return merged, struck, Hidden(not seen, frozenset(rows), frozenset(columns), frozenset(folded))


class _Filtered:
    """The rows that filters which are on choose from (ECMA-376-1, 18.3.2.7), of a sheet and its tables."""

    def __init__(self) -> None:
        self.rows: list[range] = []
        self._range = range(0)

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        if name == "autoFilter":
            area = _MERGED.fullmatch(attributes.get("ref", ""))
            self._range = range(int(area[2]) + 1, int(area[4]) + 1) if area else range(0)
        elif name == "filterColumn" and len(self.rows) < MAX_PARTS:
            self.rows.append(self._range)


def _tables(archive: zipfile.ZipFile, page: str) -> list[str]:
    """The parts of a sheet's tables."""
    folder, _, name = page.rpartition("/")
    links, found, there = f"{folder}/_rels/{name}.rels", list[str](), frozenset(archive.namelist())

    def begin(tag: str, attributes: dict[str, str]) -> None:
        if attributes.get("Type", "").endswith("/table"):
            part = f"xl/tables/{attributes.get('Target', '').rpartition('/')[2]}"
            found.extend([part] if part in there and len(found) < MAX_SHEETS else [])

    if links in there:
        _parse(archive, links, begin)
    return found


def _is_hidden(attributes: dict[str, str], size: str) -> bool:
    """Whether a row or column (ECMA-376-1, 18.3.1.73 and 18.3.1.13) is hidden, or of no height or width."""
    return attributes.get("hidden", "0") in ("1", "true") or attributes.get(size, "") in ("0", "0.0")


def _parse(
    archive: zipfile.ZipFile,
    path: str,
    begin: Callable[[str, dict[str, str]], None],
    said: Callable[[str], None] | None = None,
    end: Callable[[str], None] | None = None,
) -> None:
    parser = expat.ParserCreate()
    parser.StartElementHandler = begin
    parser.CharacterDataHandler = said
    parser.EndElementHandler = end
    with archive.open(path) as part:
        while chunk := part.read(1 << 16):
            parser.Parse(chunk)
        parser.Parse(b"", True)


def _number(text: str, otherwise: int) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 12 else otherwise


def _fill(area: re.Match[str], *kinds: dict[tuple[int, int], Any]) -> None:
    """Every cell of a merged range says what its first one says, as far as the sheet has rows and columns:
    a range may name all cells there can be."""
    left, right = (_column_number(area[group]) for group in (1, 3))
    top, bottom = int(area[2]), int(area[4])
    if not any((top, left) in kind for kind in kinds):
        return
    last_row, last_column = (max(place[axis] for kind in kinds for place in kind) for axis in (0, 1))
    for kind in kinds:
        said = kind.get((top, left))
        if said is None:
            continue
        for row in range(top, min(bottom, last_row) + 1):
            for column in range(left, min(right, last_column) + 1):
                kind.setdefault((row, column), said)


def _column_number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number
