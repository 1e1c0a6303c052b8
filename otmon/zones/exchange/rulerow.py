"""One row of a sheet of rules, understood: who, to whom, over what, and what else it says.

A row is understood as a whole or not at all; what is wrong with it is told with sheet, row and column. So
is what it says that a model cannot: such a row is in the draft only where the model is not wider for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar, cast

from otmon.sentence import Sentence, sentence
from otmon.zones.exchange import cell
from otmon.zones.exchange.cell import Direction, Hosts, MemberText, NotUnderstood
from otmon.zones.exchange.heading import TOGETHER, Head
from otmon.zones.files.workbook import Grid, column_letters
from otmon.zones.model import Range
from otmon.zones.times import read_date

_Value = TypeVar("_Value")
_INSIDE: Final = ("inside:listed", "inside:baseline")
"""What may happen inside a zone, as our own sheets write it behind its members."""
_OF_BOUNDARY: Final = ("boundary", "device", "device_owner", "settings_owner")
_NOTES: Final = (*_OF_BOUNDARY, "id", "name_ja", "name_en", "approver", "reason", "line", "number")
"""What limits nothing: a second column of it is kept as a comment."""
_NAMED_BESIDE: Final[dict[str, Callable[[str], object]]] = {
    "from_address": cell.hosts,
    "to_address": cell.hosts,
    "action": cell.allows,
}
"""What often stands beside a column of words that means nothing to a model."""


@dataclass(frozen=True, slots=True)
class Told:
    """Something about a sheet that a person must know."""

    sheet: str
    row: int
    column: int
    """0 for the row as a whole."""
    heading: str
    text: Sentence

    def __str__(self) -> str:
        return str(self.whole)

    @property
    def whole(self) -> Sentence:
        """With the place at which it is."""
        place = sentence("row {row}", row=self.row)
        if self.column:
            place = sentence(
                "row {row}, column {column} ({heading})",
                row=self.row, column=column_letters(self.column), heading=self.heading,
            )  # fmt: skip
        if self.sheet:
            place = sentence("sheet {sheet}, {place}", sheet=repr(self.sheet), place=place)
        return sentence("{place}: {text}", place=place, text=self.text)


@dataclass(frozen=True, slots=True)
class ZoneText:
    """What a row says of a zone: its name, and what our own sheets write behind it."""

    name: str
    members: tuple[MemberText, ...]
    inside: str = ""
    """What may happen inside, "" where it does not say."""


@dataclass(frozen=True, slots=True)
class Side:
    """One end of a row: at least one of both is there."""

    zones: tuple[ZoneText, ...]
    hosts: Hosts | None
    """None where the whole zone is meant."""


@dataclass(frozen=True, slots=True)
class RuleRow:
    sheet: str
    row: int
    source: Side
    target: Side
    direction: Direction
    protocols: tuple[str, ...]
    """Empty is any."""
    transports: tuple[str, ...]
    ports: tuple[tuple[str, Range], ...]
    """(transport or "", range); empty is any."""
    limits: tuple[tuple[str, tuple[str, ...]], ...]
    """Keys of a permission that are texts already: access, functions, units and elements."""
    id: str
    reason: str
    boundary: tuple[tuple[str, str], ...]
    """What the row says of the boundary: id, device, device_owner, settings_owner."""
    notes: tuple[str, ...]
    """What columns say that are not known, to be kept as comments."""
    entry: str = "permission"
    """"permission", "exception", or "zone" or "boundary" for what is told of these themselves."""
    name: tuple[str, str] = ("", "")
    """In Japanese and English."""
    values: tuple[tuple[tuple[str, Any], ...], ...] = ()
    """Limits on written values, each as keys and texts."""
    hours: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """"hours" and "during", as texts."""
    expires: str = ""
    timezone: str = ""
    approver: str = ""
    importance: str = ""
    """Of a zone, as is `attributes`, which are other keys of it as texts."""
    attributes: tuple[tuple[str, tuple[str, ...]], ...] = ()
    hidden: bool = False
    """Nobody sees it who opens the workbook."""


def read_row(grid: Grid, head: Head, row: int) -> RuleRow | list[Told]:
    """The rule in a row below its head, or everything that is wrong with it."""
    return _Reader(grid, head, row).read()


def row_text(head: Head, cells: Sequence[str]) -> str:
    """All of a row, to be kept where it is not understood."""
    said = [f"{head.texts.get(number, '?')}: {text}" for number, text in enumerate(cells, 1) if text]
    return "; ".join(" ".join(one.split()) for one in said)


class _Reader:
    def __init__(self, grid: Grid, head: Head, row: int) -> None:
        self._grid, self._head, self._row = grid, head, row
        # A cell that Excel keeps as a date; a time of day would be lost in it.
        self._days = {
            column: moment
            for column, key in head.keys.items()
            if key == "expires" and read_date(moment := grid.moments.get((row, column), "")) is not None
        }
        self._text: Mapping[str, str] = {key: self._cell(column) for column, key in head.keys.items()}
        self._columns = {key: column for column, key in head.keys.items()}
        self._told: list[Told] = []

    def read(self) -> RuleRow | list[Told]:
        columns = range(1, max(len(self._grid.rows[self._row]), *self._head.texts) + 1)
        if self._is_struck_out(columns):
            return self._told
        self._tell_odd(columns)
        if not self._take("action", cell.allows, True):
            what = sentence(
                "it denies: a model lists only what is allowed, so see that no other row allows the same"
            )
            self._say("action", what)
        if not cell.is_any(self._text.get("source_port", "")):
            self._say("source_port", sentence("a port of the client, which a model does not limit"))
        self._agree()
        source, target = self._side("from"), self._side("to")
        nothing = cell.Spoken((), (), (), ())
        heard = [
            self._taken(column, self._cell(column), cell.spoken, nothing)
            for column, key in self._head.keys.items()
            if key in TOGETHER
        ]
        limits = self._limits()
        entry = self._take("entry", cell.entry, "permission")
        no_limits: tuple[tuple[tuple[str, Any], ...], ...] = ()
        no_hours: tuple[tuple[str, tuple[str, ...]], ...] = ()
        values = self._take("limits", cell.limits, no_limits)
        hours, last = self._take("hours", cell.hours, no_hours), self._take("expires", cell.expires, "")
        timezone = self._take("timezone", cell.timezone, "")
        importance = self._take("importance", cell.importance, "")
        none: tuple[tuple[str, tuple[str, ...]], ...] = ()
        attributes = self._take("attributes", cell.attributes, none)
        if self._text.get("beyond"):
            what = sentence("a limit that a sheet cannot say: without it more would be allowed")
            self._say("beyond", what)
        direction: Direction = cast(Direction, self._take("direction", cell.direction, "forward"))
        if self._told or source is None or target is None:
            return self._told
        ports = dict.fromkeys(port for one in heard for port in one.ports)
        meant = dict.fromkeys(port for one in heard for port in one.meant)
        cells = self._grid.rows[self._row]
        return RuleRow(
            self._grid.name, self._row, source, target, direction,
            tuple(dict.fromkeys(name for one in heard for name in one.protocols)),
            tuple(dict.fromkeys(name for one in heard for name in one.transports)),
            tuple(ports or meant), limits, self._text.get("id", ""), self._text.get("reason", ""),
            tuple((key, self._text.get(key, "")) for key in _OF_BOUNDARY),
            tuple(
                f"{' '.join(heading.split())}: {' '.join(cells[column - 1].split())}"
                for column, heading in self._head.others.items()
                if column <= len(cells) and cells[column - 1]
            ),
            entry, (self._text.get("name_ja", ""), self._text.get("name_en", "")), values, hours, last,
            timezone, self._text.get("approver", ""),
            importance, attributes,
            self._grid.hidden.sheet or self._row in self._grid.hidden.rows,
        )  # fmt: skip

    def _is_struck_out(self, columns: range) -> bool:
        """Whether a part of the row is, which is told then."""
        for column in columns:
            part = self._grid.struck.get((self._row, column))
            if part and self._head.keys.get(column) not in ("line", "reason"):
                what = sentence(
                    "{part} of it is struck out, and nobody but a person knows what is in force", part=part
                )
                self._tell(column, what)
                return True
        return False

    def _tell_odd(self, columns: range) -> None:
        """Cells that hold neither text nor a number."""
        for column in columns:
            wrong = None if column in self._days else self._grid.odd.get((self._row, column))
            key = self._head.keys.get(column, "number")
            second = self._head.keys.get(self._head.seconds.get(column, 0), "number")
            # A number of the row or a note may be a formula or a date.
            if wrong and (key not in ("number", "line", "reason") or second not in _NOTES):
                self._tell(column, sentence("{found}, expected a text or number", found=wrong))

    def _limits(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Keys that limit what may be asked for, as texts of a model."""
        found: list[tuple[str, tuple[str, ...]]] = [("access", self._take("access", cell.access, ()))]
        for key in ("functions", "units"):
            said = self._text.get(key, "")
            found.append((key, () if cell.is_any(said) else tuple(cell.pieces(said))))
        found += self._take("registers", cell.registers, ())
        return tuple((key, texts) for key, texts in found if texts)

    def _side(self, end: str) -> Side | None:
        zone, address = self._text.get(f"{end}_zone", ""), self._text.get(f"{end}_address", "")
        anywhere: tuple[ZoneText, ...] = ()
        zones = self._take(f"{end}_zone", _zones, anywhere)
        if not address and not zone:
            key = f"{end}_address" if f"{end}_address" in self._columns else f"{end}_zone"
            self._say(key, sentence("empty, expected an address, a zone, or any"))
            return None
        nobody = Hosts(False, False, ())
        hosts: Hosts | None = self._take(f"{end}_address", cell.hosts, nobody)
        if zones and hosts is not None and hosts.internet:
            self._say(f"{end}_address", sentence("the Internet beside a zone, expected one of them"))
        if zones and hosts is not None and (hosts == nobody or hosts.everybody):
            hosts = None
        if len(zones) > 1 and hosts is not None:
            what = sentence("addresses beside several zones, expected one row for each zone")
            self._say(f"{end}_address", what)
        return Side(zones, Hosts(True, False, ()) if not zones and not address else hosts)

    def _agree(self) -> None:
        """Whether columns of one meaning say the same: else nobody knows which of them limits."""
        for column, first in self._head.seconds.items():
            key, said = self._head.keys[first], self._cell(column)
            reads = _NAMED_BESIDE.get(key)
            if key in _NOTES or not said or cell.plain(said) == cell.plain(self._cell(first)):
                continue
            try:
                if reads is not None:
                    reads(said)
            except NotUnderstood:
                # A name beside the address, or a remark beside the decision.
                continue
            what = sentence(
                "means the same as column {column}, and says something else", column=column_letters(first)
            )
            self._tell(column, what)

    def _cell(self, column: int) -> str:
        cells = self._grid.rows[self._row]
        if column in self._days:
            return self._days[column]
        return cells[column - 1] if column <= len(cells) else ""

    def _take(self, key: str, read: Callable[[str], _Value], otherwise: _Value) -> _Value:
        return self._taken(self._columns.get(key, 0), self._text.get(key, ""), read, otherwise)

    def _taken(self, column: int, text: str, read: Callable[[str], _Value], otherwise: _Value) -> _Value:
        if not text:
            return otherwise
        try:
            return read(text)
        except NotUnderstood as error:
            self._tell(column, error.why)
            return otherwise

    def _say(self, key: str, text: Sentence) -> None:
        self._tell(self._columns.get(key, 0), text)

    def _tell(self, column: int, text: Sentence) -> None:
        heading = " ".join(self._head.texts.get(column, "").split())
        self._told.append(Told(self._grid.name, self._row, column, heading, text))


def _zones(text: str) -> tuple[ZoneText, ...]:
    """One zone with its members in brackets, or several names; none where any zone is meant."""
    text = text.replace("\uff08", "(").replace("\uff09", ")")
    if cell.is_any(text):
        return ()
    before, bracket, inside = text.partition("(")
    if bracket and inside.rstrip().endswith(")"):
        listed = [piece.strip() for piece in inside.rstrip()[:-1].split(",")]
        policy = [piece for piece in listed if piece in _INSIDE]
        members = ", ".join(piece for piece in listed if piece not in _INSIDE)
        try:
            said = "".join(policy[:1]).removeprefix("inside:")
            return (ZoneText(before.strip(), tuple(cell.members(members)), said),)
        except NotUnderstood:
            # Then it is part of the name: "Line 3 (packing)".
            return (ZoneText(" ".join(text.split()), ()),)
    names = [name.strip() for name in text.replace("\u3001", ",").replace("\n", ",").split(",")]
    return tuple(ZoneText(name, ()) for name in names if name)
