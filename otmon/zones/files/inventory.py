"""The inventory of devices as a sheet: a CSV file or workbook becomes the `assets` of a model file.

Each row is one asset. Its cells become the tree that the same asset in YAML would be, so that both are
checked by the same rules; a place is the row, as Excel counts it, and the column. Encodings, dividers
and bounds are those of `otmon.zones.files.workbook`.

Sheets are written for people: there are other sheets beside, headings between rows, dashes where nothing
is, rows that are struck out or hidden. Who signs a sheet agrees to what he sees: a row that somebody hid
authorises nothing, nor does one that is struck out; what a filter hides was only folded away. All of this is
told (`Document.remarks`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from otmon.sentence import Part, Sentence, sentence, some_of
from otmon.zones.address import parse_address, parse_network
from otmon.zones.files.document import Document, ListNode, MapNode, Position, Problem, TextNode, quoted
from otmon.zones.files.text import read_id
from otmon.zones.files.workbook import Grid, SheetError, read_sheets

HEADINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "id": ("id", "資産ID", "資産番号", "管理番号", "機器ID", "asset id"),
    "ja": ("name_ja", "名称", "機器名", "資産名", "名前", "機器名称", "名称(日本語)"),
    "en": ("name_en", "英語名", "名称(英語)", "name", "asset name"),
    "address": ("address", "addresses", "IPアドレス", "IP", "IP address"),
    "mac": ("mac", "MACアドレス", "MAC address"),
    "vendor": ("vendor", "メーカー", "メーカ", "ベンダー", "製造元", "manufacturer"),
    "model": ("model", "型式", "型番", "機種"),
    "role": ("role", "roles", "役割", "用途"),
    "tag": ("tag", "tags", "タグ"),
    "zone": ("zone", "ゾーン"),
}
"""What a column says -> its headings; each also in other widths, cases and spacings."""


def _plain(heading: str) -> str:
    """Letters and digits of any script, in their usual width and case."""
    text = unicodedata.normalize("NFKC", heading).casefold()
    return "".join(sign for sign in text if sign.isalnum() or sign == "ー")


_KEYS: Final = {_plain(name): key for key, names in HEADINGS.items() for name in names}
_NUMBERS: Final = frozenset(map(_plain, ("No.", "番号", "項番", "連番")))
"""Headings of the column that is the id where no other one is."""
_NOTHING: Final = frozenset((
    "-", "--", "---", "ー", "‐", "–", "—", "―", "−", "/", "n/a", "none", "dhcp", "auto", "なし",
    "無し", "無", "未定", "不明", "未使用", "自動",
))  # fmt: skip
"""What people write into a cell of these columns where there is nothing to write, or nothing that stays."""
_DASHES: Final = str.maketrans(dict.fromkeys("‐‑–—―−ー", "-"))
_LISTS: Final = ("address", "role", "tag")
"""Columns of which a cell may hold several values."""
_NAMES: Final = ("ja", "en")
_AS_WRITTEN: Final = ("ja", "en", "vendor", "model")
"""Columns for people; the others are taken in their usual width."""
_ALONE: Final = ("id", "address", "mac")
"""What no second column may say: which devices these are must be plain."""
NAMED: Final = 8
"""Assets that are named where something is said of many."""
HEAD_ROWS: Final = 50
"""Rows with text in which the head is looked for: a title and notes may stand above it."""


Why = Literal["hidden", "struck", "nowhere", "folded"]


def _said(why: Why, count: int, assets: Part) -> Sentence:
    match why:
        case "hidden":
            return sentence(
                "{count} hidden rows are left out ({assets}): show those whose devices are authorised, and "
                "delete the others",
                count=count, assets=assets,
            )  # fmt: skip
        case "struck":
            return sentence(
                "{count} rows are left out whose id, address or MAC address is struck out, wholly or in "
                "part ({assets})",
                count=count, assets=assets,
            )  # fmt: skip
        case "nowhere":
            return sentence(
                "{count} rows are left out that have neither an address nor a MAC address ({assets})",
                count=count, assets=assets,
            )  # fmt: skip
        case "folded":
            return sentence(
                "{count} rows that a filter or a closed outline hides count like others ({assets})",
                count=count, assets=assets,
            )  # fmt: skip


@dataclass(slots=True)
class _Read:
    """Devices that were made of a sheet."""

    file: str
    assets: list[MapNode] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    remarks: list[Problem] = field(default_factory=list)
    groups: dict[Why, list[tuple[int, str]]] = field(default_factory=dict)
    """Rows of which something is said, and what their assets are called."""

    def remark(self, row: int, column: int, what: Sentence) -> None:
        self.remarks.append(Problem(self.file, row, column, what))

    def note(self, why: Why, row: int, name: str) -> None:
        self.groups.setdefault(why, []).append((row, name))

    def close(self) -> None:
        """Of many rows it is said once, at the first of them."""
        for why, rows in self.groups.items():
            names = some_of([f"{row}: {name}" for row, name in rows], NAMED)
            self.remark(rows[0][0], 1, _said(why, len(rows), names))


def inventory_document(file: str, data: bytes) -> Document:
    """The assets of a sheet as a document; any bytes give one, with what is wrong in its problems."""
    try:
        grids = read_sheets(data)
    except SheetError as error:
        what = sentence("cannot be read as an inventory: {why}", why=error.why)
        return Document(file, None, (Problem(file, 0, 0, what),))
    found: list[_Read] = []
    headless: list[Problem] = []
    aside: list[Problem] = []
    for grid in grids:
        head = _head(grid)
        if head is None:
            headless.append(Problem(file, 0, 0, _without_head(grid)))
            if grid.rows:
                what = sentence("the sheet {name} has no head, and is left out", name=quoted(grid.name))
                aside.append(Problem(file, 0, 0, what))
        elif grid.hidden.sheet:
            what = sentence(
                "the sheet {name} is hidden, and is left out: show it if its devices are authorised",
                name=quoted(grid.name),
            )
            aside.append(Problem(file, 0, 0, what))
        else:
            found.append(_read(file, grid, *head))
    problems = [one for each in found for one in each.problems] if found else headless
    remarks = [*aside, *(one for each in found for one in each.remarks)] if found else []
    assets = ListNode((1, 1), [one for each in found for one in each.assets])
    root = MapNode((1, 1), {"assets": ((1, 1), assets)})
    return Document(file, None if problems else root, tuple(problems), tuple(remarks))


def _without_head(grid: Grid) -> Sentence:
    what = sentence(
        "no head, expected a row with the columns id (資産ID) and address (IPアドレス) or mac (MACアドレス)"
    )
    return sentence("sheet {name}: {what}", name=quoted(grid.name), what=what) if grid.name else what


def _read(file: str, grid: Grid, at: int, columns: dict[int, str]) -> _Read:
    """The rows below the head."""
    made = _Read(file)
    columns = _once(made, grid, at, columns)
    for number in columns:
        if number in grid.hidden.columns:
            what = sentence(
                "the column {column} is hidden, and counts", column=quoted(grid.rows[at][number - 1])
            )
            made.remark(at, number, what)
    for row, cells in grid.rows.items():
        if row <= at or _is_no_asset(cells, columns, grid.rows[at]):
            continue
        asset = _asset(row, cells, columns)
        name = _called(asset)
        keys = [number for number, key in columns.items() if key in _ALONE]
        if any((row, number) in grid.struck for number in keys):
            made.note("struck", row, name)
        elif row in grid.hidden.rows - grid.hidden.folded:
            made.note("hidden", row, name)
        elif any((row, number) in grid.odd for number in columns):
            made.problems += _odd(file, grid, row, columns)
        elif not asset.entries.keys() & {"address", "mac"}:
            made.note("nowhere", row, name)
        else:
            made.assets.append(asset)
            if row in grid.hidden.rows:
                made.note("folded", row, name)
    made.close()
    return made


def _is_no_asset(cells: tuple[str, ...], columns: Mapping[int, str], head: tuple[str, ...]) -> bool:
    """A row without anything in these columns; a heading over several of them; the head once more, as for
    another page."""
    said = [(number, cells[number - 1]) for number in columns if number <= len(cells) and cells[number - 1]]
    if len(said) > 2 and len({text for _, text in said}) == 1:
        heading = unicodedata.normalize("NFKC", said[0][1])
        return read_id(heading) is None and parse_address(heading) is None
    return all(_plain(text) == _plain(head[number - 1]) for number, text in said)


def _called(asset: MapNode) -> str:
    for key in ("id", "name", "address", "mac"):
        for node in _leaves(asset.entries[key][1] if key in asset.entries else None):
            return node
    return "?"


def _leaves(node: object) -> Iterator[str]:
    if isinstance(node, TextNode):
        yield node.text or ""
    elif isinstance(node, ListNode):
        for one in node.items:
            yield from _leaves(one)
    elif isinstance(node, MapNode):
        for _, one in node.entries.values():
            yield from _leaves(one)


def _head(grid: Grid) -> tuple[int, dict[int, str]] | None:
    """The row of the head, and what its columns say, from 1; other columns are left out."""
    for row in list(grid.rows)[:HEAD_ROWS]:
        texts = list(enumerate(grid.rows[row], 1))
        columns = {number: key for number, text in texts if (key := _key(text))}
        if "id" not in columns.values():
            columns |= {number: "id" for number, text in texts[::-1] if _plain(text) in _NUMBERS}
        found = set(columns.values())
        if "id" in found and found & {"address", "mac"}:
            return row, dict(sorted(columns.items()))
    return None


def _key(heading: str) -> str:
    return _KEYS.get(_plain(heading), "")


def _once(made: _Read, grid: Grid, row: int, columns: Mapping[int, str]) -> dict[int, str]:
    """The columns without those that say what an earlier one says."""
    first: dict[str, int] = {}
    for number, key in columns.items():
        if first.setdefault(key, number) == number:
            continue
        text, other = quoted(grid.rows[row][number - 1]), quoted(grid.rows[row][first[key] - 1])
        if key in _ALONE:
            what = sentence(
                "column {column} says the same as {first}, expected one of them", column=text, first=other
            )
            made.problems.append(Problem(made.file, row, number, what))
        else:
            what = sentence(
                "column {column} says the same as {first}, which counts", column=text, first=other
            )
            made.remark(row, number, what)
    return {number: key for key, number in first.items()}


def _odd(file: str, grid: Grid, row: int, columns: Mapping[int, str]) -> list[Problem]:
    """Cells of a workbook whose text nobody can know."""
    return [
        Problem(file, row, number, sentence("{found}, expected a text", found=grid.odd[row, number]))
        for number in columns
        if (row, number) in grid.odd
    ]


def _asset(row: int, cells: tuple[str, ...], columns: Mapping[int, str]) -> MapNode:
    found = MapNode((row, 1))
    names: dict[str, tuple[Position, TextNode]] = {}
    for number, key in columns.items():
        cell = cells[number - 1] if number <= len(cells) else ""
        texts = _texts(cell, key)
        at = (row, number)
        nodes = [TextNode(at, text) for text in texts]
        if nodes and key in _NAMES:
            names[key] = at, nodes[0]
        elif nodes:
            found.entries[key] = at, ListNode(at, list(nodes)) if key in _LISTS else nodes[0]
    if names:
        # One name serves for both languages.
        at, one = next(iter(names.values()))
        found.entries["name"] = at, MapNode(at, {key: names.get(key, (at, one)) for key in _NAMES})
    return found


def _texts(cell: str, key: str) -> list[str]:
    """The values of a cell; none for an empty one."""
    if key in _AS_WRITTEN:
        return [cell] if cell else []
    text = unicodedata.normalize("NFKC", cell).strip()
    parts = re.split(r"[,;、|\s]+", text) if key in _LISTS else [text]
    parts = [part for part in parts if part and (key == "id" or part.casefold() not in _NOTHING)]
    return [_USUAL.get(key, str)(part) for part in parts]


def _usual_mac(text: str) -> str:
    """As most write it: `0080.f430.0131`, `0080F4300131` and other dashes are of switches, and of Excel."""
    digits = re.sub(r"[-:.]", "", text.translate(_DASHES))
    if re.fullmatch(r"[0-9A-Fa-f]{12}", digits, re.ASCII):
        return ":".join(digits[at : at + 2] for at in range(0, 12, 2))
    return text


def _usual_address(text: str) -> str:
    """Without the length of the network that a host is in: `10.1.0.5/24` is no network."""
    host, slash, length = text.partition("/")
    if slash and length.isdecimal() and parse_network(text) is None and parse_address(host) is not None:
        return host
    return text


_USUAL: Final = {"mac": _usual_mac, "address": _usual_address}
