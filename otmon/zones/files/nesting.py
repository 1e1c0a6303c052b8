"""Zones within zones: what the inner one has from the outer one, written out when a model is read.

- An address that both list in the same way is the inner one's (`otmon.zones.place`); for the rest the
  longest prefix decides, as everywhere.
- The inner zone has the owner, site and production line of the outer one, as far as it names none.
- A boundary of the outer zone is one of the inner zone too, unless a boundary is written between the
  inner zone and the same other zone, which then takes its place as a whole. If several boundaries could be
  had, that of the nearest outer zones is; two equally near ones are an error.
- Inner and outer zone are two zones: between them, as between two zones within one, there is no boundary
  but a written one. What may happen inside is told for each zone by itself.

So everything behind this module sees plain zones and boundaries. A boundary that was inherited has the id
of the written one, "@" and the zone, and so have its permissions, which keep their lines; an end that is
the outer zone becomes the inner one, and an end by address stays if the inner zone may hold it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from otmon.sentence import Sentence, both, sentence
from otmon.zones.address import within
from otmon.zones.model import Boundary, Endpoint, Line, Permission, Zone

if TYPE_CHECKING:
    # Who only asks where a zone lies does not wait for pydantic and the parser that knows lines.
    from otmon.zones.files.document import Problem
    from otmon.zones.files.entry import Entry
    from otmon.zones.files.schema import ZoneForm

MARK: Final = "@"
"""Joins the id of what is inherited with the zone that inherits it; no id of a file holds it."""
MAX_INHERITED: Final = 50_000
"""Boundaries and permissions that may be inherited: a bound on what a few lines can ask for."""


def written_id(id: str) -> str:
    """The id of a boundary or permission as its file has it."""
    return id.partition(MARK)[0]


def outer_zones(zones: Iterable[Zone]) -> dict[str, tuple[str, ...]]:
    """The zones around each zone, the nearest first. The zones must have been checked by `nested`."""
    parent = {zone.id: zone.within for zone in zones}
    found: dict[str, tuple[str, ...]] = {}
    for id in parent:
        chain: list[str] = []
        while at := parent.get(chain[-1] if chain else id, ""):
            chain.append(at)
        found[id] = tuple(chain)
    return found


def nested(
    zones: tuple[Zone, ...],
    boundaries: tuple[Boundary, ...],
    entries: Iterable[Entry[ZoneForm]],
    problems: list[Problem],
) -> tuple[tuple[Zone, ...], tuple[Boundary, ...]]:
    """Zones and boundaries with all that is inherited; unchanged where `within` is wrong."""
    if not any(zone.within for zone in zones) or not _sound(zones, entries, problems):
        return zones, boundaries
    around = outer_zones(zones)
    by_id = {zone.id: zone for zone in zones}
    whole = tuple(_completed(zone, [by_id[outer] for outer in around[zone.id]]) for zone in zones)
    return whole, (*boundaries, *_inherited(by_id, around, boundaries, problems))


def _sound(zones: tuple[Zone, ...], entries: Iterable[Entry[ZoneForm]], problems: list[Problem]) -> bool:
    """Whether every outer zone exists and no zone is within itself."""
    from otmon.zones.files.entry import absent

    parent = {zone.id: zone.within for zone in zones}
    known = {entry.id: entry for entry in entries}
    before = len(problems)
    safe: set[str] = {""}
    for zone in zones:
        if zone.within and zone.within not in known:
            problems.append(known[zone.id].problem(("within",), absent("zone", zone.within, parent)))
    for zone in zones:
        chain: dict[str, None] = {}
        at = zone.id
        while at not in safe and at not in chain:
            chain[at] = None
            at = parent.get(at, "")
        if at in chain and at == zone.id:
            what = sentence("zone {id} is within itself, expected a zone that is not within {id}", id=zone.id)
            problems.append(known[zone.id].problem(("within",), what))
        elif at not in chain:
            safe.update(chain)
    # A zone that is wrong in itself is no value, and has been told.
    return len(problems) == before and all(zone.within in parent for zone in zones if zone.within)


def _completed(zone: Zone, outer: Sequence[Zone]) -> Zone:
    owners = next((one.owners for one in (zone, *outer) if one.owners), ())
    place = next((one for one in (zone, *outer) if one.site or one.production_line), zone)
    return replace(zone, owners=owners, site=place.site, production_line=place.production_line)


def _inherited(
    zones: dict[str, Zone],
    around: dict[str, tuple[str, ...]],
    boundaries: tuple[Boundary, ...],
    problems: list[Problem],
) -> list[Boundary]:
    """What pairs of zones have from the nearest boundary around them, sorted by their ids."""
    inner: dict[str, list[str]] = {}
    for id, outer in around.items():
        for one in (id, *outer):
            inner.setdefault(one, []).append(id)
    taken = {_pair(*boundary.between) for boundary in boundaries}
    nearest_of: dict[tuple[str, str], tuple[int, list[tuple[Boundary, tuple[str, str]]]]] = {}
    room = MAX_INHERITED
    for boundary in boundaries:
        a, b = boundary.between
        sides = _apart(inner.get(a, [a]), inner.get(b, [b]), a, b, around)
        room -= (len(sides[0]) * len(sides[1]) - 1) * (1 + len(boundary.permissions))
        if room < 0:
            what = sentence(
                "boundary {id} is inherited by too many zones, expected at most {most} boundaries and "
                "permissions that are inherited",
                id=boundary.id, most=MAX_INHERITED,
            )  # fmt: skip
            problems.append(_problem(boundary.line, what))
            return []
        for one in sides[0]:
            for other in sides[1]:
                pair = _pair(one, other)
                if pair in taken:
                    continue
                far = _steps(one, a, around) + _steps(other, b, around)
                known = nearest_of.get(pair)
                if known is None or far < known[0]:
                    nearest_of[pair] = far, [(boundary, (one, other))]
                elif far == known[0]:
                    known[1].append((boundary, (one, other)))
    found = []
    for pair, (_, candidates) in sorted(nearest_of.items()):
        boundary, ends = candidates[0]
        if len(candidates) > 1:
            what = sentence(
                "boundaries {ids} are equally near to zones {one} and {other} within theirs, expected a "
                "boundary of their own between these",
                ids=both([border.id for border, _ in candidates]), one=pair[0], other=pair[1],
            )  # fmt: skip
            problems.append(_problem(candidates[-1][0].line, what))
        found.append(_copy(boundary, ends, zones))
    return found


def _problem(line: Line, what: Sentence) -> Problem:
    from otmon.zones.files.document import Problem

    return Problem(line.file, line.number, 1, what)


def _pair(one: str, other: str) -> tuple[str, str]:
    return (one, other) if one < other else (other, one)


def _apart(
    first: list[str], second: list[str], a: str, b: str, around: dict[str, tuple[str, ...]]
) -> tuple[list[str], list[str]]:
    """The zones within both ends; where one end is within the other, they are on its side only."""
    if a in around.get(b, ()):
        return [one for one in first if one != b and b not in around[one]], second
    if b in around.get(a, ()):
        return first, [one for one in second if one != a and a not in around[one]]
    return first, second


def _steps(zone: str, outer: str, around: dict[str, tuple[str, ...]]) -> int:
    return 0 if zone == outer else around[zone].index(outer) + 1


def _copy(boundary: Boundary, ends: tuple[str, str], zones: dict[str, Zone]) -> Boundary:
    """A boundary as that of the zones `ends`, in the order of its own."""
    moved = {old: new for old, new in zip(boundary.between, ends, strict=True) if old != new}
    mark = "".join(MARK + zone for zone in moved.values())
    permissions = []
    for permission in boundary.permissions:
        clients, servers = (_ends(side, moved, zones) for side in (permission.clients, permission.servers))
        if clients and servers:
            permissions.append(_permission(permission, mark, clients, servers))
    return replace(
        boundary, id=boundary.id + mark, between=ends, permissions=tuple(permissions), inherited=boundary.id
    )


def _permission(
    permission: Permission, mark: str, clients: tuple[Endpoint, ...], servers: tuple[Endpoint, ...]
) -> Permission:
    return replace(permission, id=permission.id + mark, clients=clients, servers=servers)


def _ends(ends: tuple[Endpoint, ...], moved: dict[str, str], zones: dict[str, Zone]) -> tuple[Endpoint, ...]:
    found = []
    for end in ends:
        zone = moved.get(end.zone)
        if zone is None:
            found.append(end)
        elif end.network is None or _may_hold(zones[zone], end):
            found.append(Endpoint(zone, end.network))
    return tuple(found)


def _may_hold(zone: Zone, end: Endpoint) -> bool:
    """Whether an address of the end can be in the zone; a member without addresses may have any."""
    assert end.network is not None
    for member in zone.members:
        listed = [one for one in (member.network, member.macs) if one is not None]
        if member.network is None or any(
            within(one, end.network) or within(end.network, one) for one in listed
        ):
            return True
    return False
