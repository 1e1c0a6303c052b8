"""The inventory of devices as a sheet: a CSV file or workbook becomes the `assets` of a model file.

Each row is one asset. Its cells become the tree that the same asset in YAML would be, so that both are
checked by the same rules; a place is the row, as Excel counts it, and the column. Encodings, dividers
and bounds are those of `otmon.zones.files.workbook`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Final

from otmon.sentence import sentence
from otmon.zones.files.document import Document, ListNode, MapNode, Position, Problem, TextNode, quoted
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
_LISTS: Final = ("address", "role", "tag")
"""Columns of which a cell may hold several values."""
_NAMES: Final = ("ja", "en")
_AS_WRITTEN: Final = ("ja", "en", "vendor", "model")
"""Columns for people; the others are taken in their usual width."""
HEAD_ROWS: Final = 50
"""Rows with text in which the head is looked for: a title and notes may stand above it."""


def inventory_document(file: str, data: bytes) -> Document:
    """The assets of a sheet as a document; any bytes give one, with what is wrong in its problems."""
    try:
        grids = read_sheets(data)
    except SheetError as error:
        what = sentence("cannot be read as an inventory: {why}", why=error.why)
        return Document(file, None, (Problem(file, 0, 0, what),))
    problems: list[Problem] = []
    assets = ListNode((1, 1))
    for grid in grids:
        head = _head(grid)
        if head is None:
            what = sentence(
                "no head, expected a row with the columns id (資産ID) and address (IPアドレス) or "
                "mac (MACアドレス)"
            )
            if grid.name:
                what = sentence("sheet {name}: {what}", name=quoted(grid.name), what=what)
            problems.append(Problem(file, 0, 0, what))
            continue
        at, columns = head
        problems += _twice(file, grid, at)
        for row, cells in grid.rows.items():
            if row > at:
                problems += _odd(file, grid, row, columns)
                assets.items.append(_asset(row, cells, columns))
    root = MapNode((1, 1), {"assets": ((1, 1), assets)})
    return Document(file, None if problems else root, tuple(problems))


def _head(grid: Grid) -> tuple[int, dict[int, str]] | None:
    """The row of the head, and what its columns say, from 1; other columns are left out."""
    for row in list(grid.rows)[:HEAD_ROWS]:
        columns = {number: key for number, text in enumerate(grid.rows[row], 1) if (key := _key(text))}
        found = set(columns.values())
        if "id" in found and found & {"address", "mac"}:
            return row, columns
    return None


def _key(heading: str) -> str:
    return _KEYS.get(_plain(heading), "")


def _twice(file: str, grid: Grid, row: int) -> list[Problem]:
    first: dict[str, str] = {}
    problems = []
    for number, text in enumerate(grid.rows[row], 1):
        key = _key(text)
        if key in first:
            what = sentence(
                "column {column} says the same as {first}, expected one of them",
                column=quoted(text), first=quoted(first[key]),
            )  # fmt: skip
            problems.append(Problem(file, row, number, what))
        elif key:
            first[key] = text
    return problems


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
    if key in _LISTS:
        return [part for part in re.split(r"[,;、|\s]+", text) if part]
    return [text] if text else []
