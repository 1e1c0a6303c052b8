"""A draft model from sheets of rules, for people to go through.

Guaranteed: `otmon.zones.files.load` reads the draft without errors, it allows nothing that no row allows, and
every row is in it: as permissions, or as a comment with the reason why not. Zones are those that the sheet
names, else one for each prefix that addresses fall into; what nobody said (importance, owners) is a TODO.

Two ends in one zone need no permission, as everything may happen inside a zone; only where the sheet names
the same zone on both sides does the zone list what may happen in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from otmon.protocols.registry import IDS
from otmon.sentence import Complaint, Sentence, Speak, sentence, verbatim
from otmon.zones.address import IPV4_BITS, MAC_BITS, Address, Network, reach, within
from otmon.zones.exchange.cell import MemberText, plain, words
from otmon.zones.exchange.drafted import DraftBorder, DraftZone, written
from otmon.zones.exchange.heading import Head, find_head
from otmon.zones.exchange.rulerow import RuleRow, Side, Told, read_row, row_text
from otmon.zones.files.document import MAX_FILE_BYTES
from otmon.zones.files.draftfile import Block, free_id, text_of
from otmon.zones.files.load import ModelError, read_model
from otmon.zones.files.schema import ExceptionForm, PermissionForm
from otmon.zones.files.text import read_id
from otmon.zones.files.workbook import Grid, SheetError, column_letters
from otmon.zones.model import INTERNET, UNKNOWN_ZONE

PREFIX_IPV4: Final = 24
PREFIX_IPV6: Final = 64
WIDEST: Final = {IPV4_BITS: 8, 128: 16}
"""Length of the shortest prefix that a row may name: wider is not meant as one zone."""
MAX_PAIRS: Final = 200
"""Pairs of zones that one row may stand for."""
MAX_ZONES: Final = 1000
PASSES: Final = 50
"""How often rows are taken out until the rest is a model: each time all that its reader refuses."""


@dataclass(frozen=True, slots=True)
class Draft:
    text: str
    zones: int
    boundaries: int
    permissions: int
    kept: int
    """Rows that are comments in the draft."""
    told: tuple[Told, ...]


@dataclass(frozen=True, slots=True)
class _Row:
    """A row that is understood, and its text."""

    rule: RuleRow
    text: str


class _Unfit(Complaint):
    """A row that cannot be in the model; the text says why."""


def draft(
    source: str,
    grids: Iterable[Grid],
    prefix: int = PREFIX_IPV4,
    timezone: str = "",
    speak: Speak = str,
) -> Draft:
    """The draft from the sheets of the file `source`, with comments as `speak` says them. IPv4 addresses that
    no zone of the sheet holds are put into zones of `prefix` bits; hours and last days of rows that name no
    time zone are those of `timezone`. Raises `SheetError`."""
    told: list[Told] = []
    rows: list[_Row] = []
    kept: list[tuple[Told, str]] = []
    heads = 0
    for grid in grids:
        head = find_head(grid.rows)
        if head is None:
            said = sentence("no row of headings with a source and a destination: the sheet is left out")
            told.append(Told(grid.name, 1, 0, "", said))
            continue
        heads += 1
        for column, heading in head.others.items():
            first = head.seconds.get(column)
            said = sentence("a heading that is not known: kept as a comment")
            if first:
                said = sentence(
                    "means the same as column {column}: kept as a comment", column=column_letters(first)
                )
            told.append(Told(grid.name, head.row, column, heading, said))
        told += _unseen(grid, head)
        _read(grid, head, rows, kept, told)
    if not heads:
        what = sentence(
            "no row of headings such as 送信元, 宛先, ポート or source, destination, port in any sheet"
        )
        raise SheetError(what)
    return _settled(source, rows, kept, told, prefix, timezone, speak)


def _unseen(grid: Grid, head: Head) -> Iterator[Told]:
    """What somebody does not see who opens the workbook, and is read all the same."""
    if grid.hidden.sheet:
        what = sentence(
            "the sheet is hidden, and its rows are read like others: see whether they are in force"
        )
        yield Told(grid.name, head.row, 0, "", what)
    for column in sorted(grid.hidden.columns & set(head.texts)):
        what = sentence("the column is hidden, and is read like others")
        yield Told(grid.name, head.row, column, " ".join(head.texts[column].split()), what)
    run: list[int] = []
    for number in [*grid.rows, 0]:
        if number > head.row and number in grid.hidden.rows and not _is_empty(grid, head, number):
            run.append(number)
        elif run:
            what = sentence(
                "the row is hidden, by hand or by a filter, and is read like others: "
                "see whether it is in force"
            )
            if len(run) > 1:
                what = sentence(
                    "{count} rows from here to row {last} are hidden, by hand or by a filter, and are read "
                    "like others: see whether they are in force",
                    count=len(run), last=run[-1],
                )  # fmt: skip
            yield Told(grid.name, run[0], 0, "", what)
            run = []


def _is_empty(grid: Grid, head: Head, row: int) -> bool:
    """Forms are numbered further than they are filled in."""
    said = {head.keys.get(column, "other") for column, cell in enumerate(grid.rows[row], 1) if cell}
    return said == {"number"}


def _read(grid: Grid, head: Head, rows: list[_Row], kept: list[tuple[Told, str]], told: list[Told]) -> None:
    for number, cells in grid.rows.items():
        if number <= head.row or _is_empty(grid, head, number):
            continue
        text = row_text(head, cells)
        found = read_row(grid, head, number)
        if isinstance(found, RuleRow):
            rows.append(_Row(found, text))
        else:
            told += found
            kept += [(one, text) for one in found[:1]]


def _settled(
    source: str,
    rows: list[_Row],
    kept: list[tuple[Told, str]],
    told: list[Told],
    prefix: int,
    timezone: str,
    speak: Speak,
) -> Draft:
    """Take rows out until the rest is a model that loads."""
    out: dict[int, Sentence] = {}
    for _ in range(PASSES):
        plan = _Plan(rows, out, prefix, timezone)
        later = [
            (Told(rows[number].rule.sheet, rows[number].rule.row, 0, "", why), rows[number].text)
            for number, why in sorted(out.items())
        ]
        comments = sorted([*kept, *later], key=lambda one: (one[0].sheet, one[0].row))
        block = written(source, plan.zones.values(), plan.borders.values(), plan.timezone, comments, speak)
        wrong = _wrong(block)
        if not wrong:
            counts = len(plan.zones), len(plan.borders), plan.permissions
            everything = tuple(dict.fromkeys([*told, *(one for one, _ in later)]))
            return Draft(block.text(), *counts, len(kept) + len(later), everything)
        out |= wrong
    raise SheetError(sentence("too many rows do not fit each other; mend what is told, or split the sheet"))


def _wrong(block: Block) -> dict[int, Sentence]:
    """Rows that the model's reader refuses, and why."""
    size = len(block.text().encode())
    if size > MAX_FILE_BYTES:
        what = sentence(
            "a draft of {size} bytes, and a model has at most {most}; split the sheet",
            size=size, most=MAX_FILE_BYTES,
        )  # fmt: skip
        raise SheetError(what)
    try:
        read_model([("draft", block.text().encode())], frozenset(IDS))
    except ModelError as error:
        found: dict[int, Sentence] = {}
        for problem in error.problems:
            row = block.row_of(problem.line)
            if row is not None:
                found.setdefault(row, problem.what)
        if not found:
            what = sentence("no draft can be made of it: {why}", why=error.problems[0].what)
            raise SheetError(what) from error
        return found
    return {}


class _Plan:
    """Zones, boundaries and permissions of the rows that are not `out`, which grows."""

    def __init__(self, rows: Sequence[_Row], out: dict[int, Sentence], prefix: int, timezone: str) -> None:
        self.zones: dict[str, DraftZone] = {}
        self.borders: dict[tuple[str, str], DraftBorder] = {}
        self.permissions = 0
        self.timezone = ""
        """Of the times in the draft, "" while there are none."""
        self._timezone = timezone
        self._prefix = prefix
        self._names: dict[str, str] = {}
        self._ids: set[str] = set()
        self._listed: set[str] = set()
        """Zones whose members stand in brackets behind their names."""
        inside = [(number, row.rule) for number, row in enumerate(rows) if number not in out]
        for collect in (self._name_zones, self._place, self._allow):
            for number, rule in inside:
                if number in out:
                    continue
                try:
                    collect(number, rule)
                except _Unfit as error:
                    out[number] = error.why
        if not self.zones:
            self.zones["zone-1"] = DraftZone("zone-1", "", True)

    def _name_zones(self, number: int, rule: RuleRow) -> None:
        """The zones that a row names, with the members that it lists of them."""
        for side in (rule.source, rule.target):
            for said in side.zones:
                zone = self._zone(said.name)
                if zone is not None:
                    if said.members:
                        self._listed.add(zone.id)
                    for member in said.members:
                        zone.members.setdefault(member, number)
                    said_inside = (said.inside, zone.policy)
                    zone.policy = "listed" if "listed" in said_inside else said.inside or zone.policy
                    if rule.entry == "zone":
                        _describe(zone, number, rule)

    def _zone(self, name: str) -> DraftZone | None:
        """The zone of this name, made when it is new; None for the Internet."""
        key = plain(name)
        if key.replace(" ", "") in words()["internet"]:
            return None
        if key not in self._names:
            good = read_id(name) is not None and key != UNKNOWN_ZONE
            id = free_id(name if good else "zone-1", self.zones)
            self._names[key] = id
            self.zones[id] = DraftZone(id, "" if good else name, False)
            self._limit()
        return self.zones[self._names[key]]

    def _limit(self) -> None:
        if len(self.zones) > MAX_ZONES:
            what = sentence(
                "more than {most} zones, expected fewer; a shorter --prefix makes fewer", most=MAX_ZONES
            )
            raise SheetError(what)

    def _place(self, number: int, rule: RuleRow) -> None:
        """Zones for the addresses that are in none yet."""
        for side in (rule.source, rule.target):
            for network in side.hosts.networks if side.hosts else ():
                if network.bits != MAC_BITS and network.length < WIDEST[network.bits]:
                    what = sentence(
                        "{network} is too wide for a zone; write any, or narrower prefixes",
                        network=str(network),
                    )
                    raise _Unfit(what)
                zone = self._zone(side.zones[0].name) if side.zones else None
                if zone is not None:
                    if not any(_may_hold(member, network) for member in zone.members):
                        self._join(zone, side.zones[0].name, network, number)
                elif not side.zones and self._home(network) is None:
                    if network.bits == MAC_BITS:
                        what = sentence("{network} is in no zone of the sheet", network=str(network))
                        raise _Unfit(what)
                    self._draft_zone(network, number)

    def _join(self, zone: DraftZone, name: str, network: Network, number: int) -> None:
        """Make an address a member of the zone beside which it stands, unless the sheet lists the members of
        that zone, or lists the address elsewhere: it would be allowed all that the zone is."""
        home = self._home(network, listed=True)
        if home is not None:
            called = self.zones[home].name or home if home in self.zones else home
            what = sentence(
                "{network} is in {zone}, not in {name}", network=str(network), zone=called, name=name
            )
            raise _Unfit(what)
        if zone.id in self._listed:
            what = sentence(
                "{network} is none of the members that the sheet lists of {name}",
                network=str(network), name=name,
            )  # fmt: skip
            raise _Unfit(what)
        zone.members.setdefault(_member(network), number)

    def _draft_zone(self, network: Network, number: int) -> None:
        length = min(network.length, self._prefix if network.bits == IPV4_BITS else PREFIX_IPV6)
        wide = Network(network.bits, length, network.prefix >> (network.length - length))
        id = free_id("net-" + re.sub(r"[^0-9a-f]+", "-", str(wide)).strip("-"), self.zones)
        self.zones[id] = DraftZone(id, str(wide), True, {_member(wide): number})
        self._limit()

    def _home(self, network: Network, listed: bool = False) -> str | None:
        """The zone whose narrowest member holds the whole network, of those whose members are `listed` if
        only these count."""
        best: tuple[int, str] | None = None
        for zone in self.zones.values():
            if listed and zone.id not in self._listed:
                continue
            for member in zone.members:
                held = member.network
                if member.mac is not None and network.bits == MAC_BITS and member.mac.value == network.prefix:
                    held = network
                if held is not None and within(network, held) and (best is None or held.length > best[0]):
                    best = held.length, zone.id
        if best is not None or listed:
            return None if best is None else best[1]
        first = Address(network.bits, network.prefix << (network.bits - network.length))
        return INTERNET if network.bits != MAC_BITS and reach(first) == "internet" else None

    def _ends(self, side: Side) -> dict[str, list[str]]:
        """Zone -> addresses in it that are meant; none is all of it."""
        hosts = side.hosts
        if side.zones:
            ids = [zone.id if (zone := self._zone(said.name)) else INTERNET for said in side.zones]
            return {id: [] if hosts is None else [str(n) for n in hosts.networks] for id in ids}
        if hosts is None or hosts.everybody:
            return {id: [] for id in (*self.zones, INTERNET)}
        found: dict[str, list[str]] = {INTERNET: []} if hosts.internet else {}
        for network in hosts.networks:
            home = self._home(network)
            if home is not None and found.get(home) != []:
                found.setdefault(home, []).append(str(network))
            for zone in self.zones.values():
                inner = [m.network for m in zone.members if m.network and within(m.network, network)]
                if zone.id != home and inner:
                    found.setdefault(zone.id, []).extend(str(n) for n in inner)
        return found

    def _allow(self, number: int, rule: RuleRow) -> None:
        """The permissions that a row stands for."""
        if rule.entry == "zone":
            return
        if rule.entry == "boundary":
            self._border(rule)
            return
        self._in_time(rule)
        ways = {"forward": [(0, 1)], "back": [(1, 0)], "both": [(0, 1), (1, 0)]}[rule.direction]
        ends = self._ends(rule.source), self._ends(rule.target)
        named = bool(rule.source.zones and rule.target.zones)
        pairs = [
            (a, b, way)
            for way in ways
            for a in ends[way[0]]
            for b in ends[way[1]]
            if a != b or (named and a != INTERNET)
        ]
        if not pairs:
            raise _Unfit(sentence("both ends are in one zone, inside which everything may happen"))
        forms = list(_forms(rule))
        if len(pairs) * len(forms) > MAX_PAIRS:
            what = sentence(
                "it stands for {count} pairs of zones, expected at most {most}",
                count=len(pairs), most=MAX_PAIRS,
            )  # fmt: skip
            raise _Unfit(what)
        for a, b, way in pairs:
            for form in forms:
                said = {
                    "from": ends[way[0]][a] or [a],
                    "to": ends[way[1]][b] or [b],
                    **form,
                }
                self._add(number, rule, (a, b), self._identified(rule, said, len(pairs) * len(forms)))

    def _border(self, rule: RuleRow) -> None:
        """The boundary that a row tells of, also where nothing may cross it."""
        ends = [id for side in (rule.source, rule.target) for id in self._ends(side)]
        if len(ends) != 2 or ends[0] == ends[1]:
            raise _Unfit(sentence("no boundary of two zones"))
        border = self._bordered((ends[0], ends[1]), rule)
        border.names = _names(rule)

    def _bordered(self, ends: tuple[str, str], rule: RuleRow) -> DraftBorder:
        """The boundary between two zones, with what a row says of it."""
        border = self.borders.setdefault((min(ends), max(ends)), DraftBorder(ends))
        for key, text in rule.boundary:
            if text_of(text):
                border.said.setdefault(key, text_of(text))
        return border

    def _in_time(self, rule: RuleRow) -> None:
        """Whether the times of a row are those of the draft, which has one time zone."""
        if not (rule.hours or rule.expires):
            return
        wanted = rule.timezone or self._timezone
        if not wanted:
            what = sentence("hours or a last day without a time zone; give --timezone, such as Asia/Tokyo")
            raise _Unfit(what)
        self.timezone = self.timezone or wanted
        if wanted != self.timezone:
            what = sentence(
                "times of {name}, and the other rows have {other}", name=wanted, other=self.timezone
            )
            raise _Unfit(what)

    def _identified(self, rule: RuleRow, said: dict[str, Any], times: int) -> dict[str, Any]:
        if read_id(rule.id) is None:
            return said
        id = rule.id if times == 1 and rule.id not in self._ids else free_id(f"{rule.id}-1", self._ids)
        self._ids.add(id)
        return {"id": id, **said}

    def _add(self, number: int, rule: RuleRow, ends: tuple[str, str], said: dict[str, Any]) -> None:
        self.permissions += 1
        if ends[0] == ends[1]:
            if rule.entry == "exception":
                raise _Unfit(sentence("an exception inside a zone, expected one of a boundary"))
            self.zones[ends[0]].inside.append((number, said, rule))
            return
        border = self._bordered(ends, rule)
        kind = border.exceptions if rule.entry == "exception" else border.permissions
        kind.append((number, said, rule))


def _forms(rule: RuleRow) -> Iterator[dict[str, Any]]:
    """The keys of a permission beside its ends: one for each set of transports with ports of their own."""
    groups: dict[str, list[str]] = {}
    for transport, (low, high) in rule.ports:
        groups.setdefault(transport, []).append(str(low) if low == high else f"{low}-{high}")
    for transport, ports in (groups or {"": []}).items():
        transports = [transport] if transport else list(rule.transports)
        said: dict[str, Any] = {"protocol": list(rule.protocols) or ["any"]}
        said |= {"transport": transports} if transports else {}
        said |= {"port": ports} if ports else {}
        said |= {key: list(texts) for key, texts in rule.limits}
        said |= {"limits": [dict(one) for one in rule.values]} if rule.values else {}
        said |= {key: list(texts) for key, texts in rule.hours}
        texts = {"expires": rule.expires, "approver": rule.approver, "reason": rule.reason}
        said |= {key: text_of(text) for key, text in texts.items() if text_of(text)}
        said |= {"name": names} if (names := _names(rule)) else {}
        form = ExceptionForm if rule.entry == "exception" else PermissionForm
        try:
            form.model_validate({"from": "a", **said})
        except ValidationError as error:
            first = error.errors()[0]
            what = first.get("ctx", {}).get("what") or verbatim(first["msg"])
            place = ".".join(str(step) for step in first["loc"])
            raise _Unfit(sentence("{place}: {text}", place=place, text=what)) from error
        yield said


def _names(rule: RuleRow) -> dict[str, str]:
    """What a row calls its permission, zone or boundary, in both languages; none for no name."""
    ja, en = map(text_of, rule.name)
    return {"ja": ja or en, "en": en or ja} if ja or en else {}


def _describe(zone: DraftZone, number: int, rule: RuleRow) -> None:
    """Take over what the row of a zone, of this number, says of it."""
    zone.row = number
    zone.names = _names(rule)
    zone.importance = rule.importance
    owners = dict(rule.boundary).get("settings_owner", "").split(";")
    zone.owners = tuple(text_of(one) for one in owners if text_of(one))
    zone.attributes = rule.attributes


def _member(network: Network) -> MemberText:
    if network.bits == MAC_BITS:
        return MemberText(None, Address(MAC_BITS, network.prefix), None)
    return MemberText(network, None, None)


def _may_hold(member: MemberText, network: Network) -> bool:
    """Whether a member holds an address, or may: one that tells no address may have any."""
    if member.network is None and network.bits != MAC_BITS:
        return True
    macs = member.oui if member.mac is None else Network(MAC_BITS, MAC_BITS, member.mac.value)
    return any(outer is not None and within(network, outer) for outer in (member.network, macs))
