"""Two models compared: what was written anew, and what that allows and denies.

The two are different questions. Lines may change and mean the same: a permission taken away that
another one covers denies nothing, and a member moved to another zone changes what may be done though
no permission was touched. So `changes` compares the models entry by entry and field by field, and
`effects` (`otmon.zones.review.effect`) what they allow, whatever the reason. With a ledger, `judged` says
which facts are judged otherwise.

Order, comments and notation are no difference.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from typing import Any, Literal

from otmon.ledger.facts import Conversation, Operation
from otmon.ledger.ledger import Ledger
from otmon.zones.address import Address, host, within
from otmon.zones.decide import Verdict, decide
from otmon.zones.model import Boundary, Line, Member, Model, Permission, Zone
from otmon.zones.place import Index, index
from otmon.zones.review.address_class import Hosts, Partition, lists, partition
from otmon.zones.review.effect import (
    SILENT,
    Covered,
    Effect,
    Grant,
    change_of,
    content_of,
    effects_of,
    grants_of,
    outside_of,
    talking_of,
)
from otmon.zones.review.notation import written
from otmon.zones.times import Schedule

Subject = Literal["zone", "member", "boundary", "permission"]
How = Literal["added", "removed", "changed", "widened", "narrowed", "moved"]


@dataclass(frozen=True, slots=True)
class Change:
    """One entry that is written otherwise."""

    subject: Subject
    how: How
    id: str
    """Of the zone, boundary or permission; a member as it is written."""
    owner: str
    """Zone of a member, boundary or zone of a permission; else ""."""
    old: Line | None
    new: Line | None
    fields: tuple[tuple[str, Any, Any], ...] = ()
    """(field, value in the old model, value in the new one)."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A fact whose verdict changes."""

    fact: Conversation | Operation
    old: Verdict
    new: Verdict


@dataclass(frozen=True, slots=True)
class Diff:
    changes: tuple[Change, ...]
    effects: tuple[Effect, ...]
    covered: tuple[tuple[Covered, ...], tuple[Covered, ...]]
    """Changed permissions of the old model that the new one allows otherwise, and the reverse."""
    hosts: Partition
    """What the sets of hosts mean: model 0 is the old one, model 1 the new one."""
    judged: tuple[Judged, ...]
    """Conversations first, then operations, in the order of the ledger."""


def compare(old: Model, new: Model, ledger: Ledger | None = None, baseline: Ledger | None = None) -> Diff:
    """What changes from one model to the other; facts are judged with `baseline` as that of both."""
    assets = ledger.assets if ledger is not None else ()
    indexes = (index(old, assets, baseline), index(new, assets, baseline))
    hosts = partition(indexes)
    if ledger is not None:
        # What switch ports say is about single hosts, not about sets of them.
        indexes = (
            index(old, assets, baseline, ledger.claims), index(new, assets, baseline, ledger.claims)
        )  # fmt: skip
    grants = (grants_of(old, hosts, 0), grants_of(new, hosts, 1))
    changed = (*_zone_changes(old, new), *_boundary_changes(old, new))
    talking = talking_of(hosts)
    changed += tuple(_permission_changes(old, new, grants, talking))
    lost, kept = effects_of(grants[0], grants[1], talking, outside_of(hosts, 1))
    gained, known = effects_of(grants[1], grants[0], talking, None)
    touched = {line for one in changed if one.subject == "permission" for line in (one.old, one.new)}
    return Diff(
        changed,
        (*gained, *lost),
        (
            tuple(one for one in kept if one.grant.line in touched),
            tuple(one for one in known if one.grant.line in touched),
        ),
        hosts,
        () if ledger is None else tuple(_judged(indexes, ledger)),
    )


def _judged(indexes: tuple[Index, Index], ledger: Ledger) -> Iterator[Judged]:
    facts: tuple[Conversation | Operation, ...] = (*ledger.conversations, *ledger.operations)
    for fact in facts:
        old, new = decide(indexes[0], fact), decide(indexes[1], fact)
        if old.outcome != new.outcome:
            yield Judged(fact, old, new)


def _same(one: Any, other: Any) -> bool:
    """Equal but for the order of a list; the time zone of no hours is no difference."""
    if isinstance(one, Schedule) and isinstance(other, Schedule) and not (one or other):
        return True
    if isinstance(one, tuple) and isinstance(other, tuple):
        return set(one) == set(other)
    return bool(one == other)


def _fields(old: Any, new: Any, without: Iterable[str]) -> tuple[tuple[str, Any, Any], ...]:
    pairs = ((f.name, getattr(old, f.name), getattr(new, f.name)) for f in fields(old))
    differing = [pair for pair in pairs if pair[0] not in without and not _same(pair[1], pair[2])]
    # A last day is told as the day that the file has; as an instant only where the time zone moved it.
    days = {name for name, _, _ in differing} & {"expires"}
    return tuple(pair for pair in differing if not (days and pair[0] == "expires_ns"))


def _zone_changes(old: Model, new: Model) -> Iterator[Change]:
    before, after = {zone.id: zone for zone in old.zones}, {zone.id: zone for zone in new.zones}
    for id in sorted({*before, *after}):
        one, other = before.get(id), after.get(id)
        if one is not None and other is not None:
            differing = _fields(one, other, ("line", "members", "permissions"))
            if differing:
                yield Change("zone", "changed", id, "", one.line, other.line, differing)
        else:
            yield _come_or_gone("zone", id, "", _line(one), _line(other))
    yield from _member_changes(old, new)


def _line(entry: Zone | Boundary | Permission | None) -> Line | None:
    return None if entry is None else entry.line


def _come_or_gone(subject: Subject, id: str, owner: str, old: Line | None, new: Line | None) -> Change:
    return Change(subject, "removed" if new is None else "added", id, owner, old, new)


def _member_changes(old: Model, new: Model) -> Iterator[Change]:
    before, after = _members(old), _members(new)
    gone: list[tuple[str, Member]] = []
    come: list[tuple[str, Member]] = []
    for key in sorted({*before, *after}):
        one, other = before.get(key, {}), after.get(key, {})
        leaving = [(zone, member) for zone, member in sorted(one.items()) if zone not in other]
        arriving = [(zone, member) for zone, member in sorted(other.items()) if zone not in one]
        if len(leaving) == len(arriving) == 1:
            ((zone, member),), ((to, there),) = leaving, arriving
            yield Change("member", "moved", key, to, member.line, there.line, (("zone", zone, to),))
        else:
            gone += leaving
            come += arriving
    for zone, member in gone:
        found = next((one for one in come if one[0] == zone and _resized(member, one[1])), None)
        if found is None:
            yield Change("member", "removed", _member(member), zone, member.line, None)
            continue
        come.remove(found)
        how = _resized(member, found[1])
        assert how is not None
        sizes = (("member", _member(member), _member(found[1])),)
        yield Change("member", how, _member(found[1]), zone, member.line, found[1].line, sizes)
    for zone, member in come:
        yield Change("member", "added", _member(member), zone, None, member.line)


def _resized(one: Member, other: Member) -> How | None:
    """Whether it is the same member with a wider or narrower network."""
    if _fields(one, other, ("line", "network")) or one.network is None or other.network is None:
        return None
    if within(one.network, other.network):
        return "widened"
    return "narrowed" if within(other.network, one.network) else None


def _members(model: Model) -> dict[str, dict[str, Member]]:
    """The text of each member -> its zones."""
    found: dict[str, dict[str, Member]] = {}
    for zone in model.zones:
        for member in zone.members:
            found.setdefault(_member(member), {}).setdefault(zone.id, member)
    return found


def _member(member: Member) -> str:
    """A member as text: all that it says but where."""
    parts = [
        "VLAN untagged" if field.name == "vlan" and value == "" else
        f"VLAN {value}" if field.name == "vlan" else
        str(value) if field.name == "network" else
        str(host(value)) if isinstance(value, Address) else
        f"{field.name} {written(value)}"
        for field in fields(member)
        if field.name != "line" and (value := getattr(member, field.name)) is not None and value != ()
    ]  # fmt: skip
    return " ".join(parts)


def _boundary_changes(old: Model, new: Model) -> Iterator[Change]:
    """Boundaries are told apart by the zones they join, of which a pair has one."""
    before = {tuple(sorted(one.between)): one for one in old.boundaries if not one.inherited}
    after = {tuple(sorted(one.between)): one for one in new.boundaries if not one.inherited}
    for pair in sorted({*before, *after}):
        one, other = before.get(pair), after.get(pair)
        if one is not None and other is not None:
            differing = _fields(one, other, ("line", "permissions"))
            if differing:
                yield Change("boundary", "changed", other.id, "", one.line, other.line, differing)
        else:
            known = one or other
            assert known is not None
            yield _come_or_gone("boundary", known.id, "", _line(one), _line(other))


def _named(permission: Permission) -> bool:
    """Whether its id was given, and not made of its place in the list."""
    return "/" not in permission.id


def _permission_changes(
    old: Model, new: Model, grants: tuple[list[Grant], list[Grant]], talking: tuple[Hosts, ...]
) -> Iterator[Change]:
    granted = (_by_identity(grants[0]), _by_identity(grants[1]))
    for one, other in _pairs(_written(old), _written(new)):
        if one is None or other is None:
            lines = (_line(one and one[1]), _line(other and other[1]))
            for owner, permission in filter(None, (one, other)):
                yield _come_or_gone("permission", permission.id, owner.id, *lines)
            continue
        moved = _place(one[0]) != _place(other[0])
        unnamed = not _named(one[1]) and not _named(other[1])
        differing = _fields(one[1], other[1], ("line", "id") if unnamed else ("line",))
        if moved:
            differing = (("place", one[0].id, other[0].id), *differing)
        if differing:
            how: How = "moved" if moved else "changed"
            if not moved and any(name not in SILENT for name, _, _ in differing):
                how = change_of(granted[0][id(one[1])], granted[1][id(other[1])], talking)
            yield Change("permission", how, other[1].id, other[0].id, one[1].line, other[1].line, differing)


def _written(model: Model) -> list[_Owned]:
    return [
        (owner, permission)
        for owner, permission in lists(model)
        if not (isinstance(owner, Boundary) and owner.inherited)
    ]


def _by_identity(grants: Iterable[Grant]) -> dict[int, Grant]:
    return {id(grant.permission): grant for grant in grants}


_Owned = tuple[Zone | Boundary, Permission]


def _place(owner: Zone | Boundary) -> tuple[str, ...]:
    return tuple(sorted(owner.between)) if isinstance(owner, Boundary) else (owner.id,)


def _pairs(old: list[_Owned], new: list[_Owned]) -> Iterator[tuple[_Owned | None, _Owned | None]]:
    """Permissions that are the same one in both models: by what surely tells so first."""
    pairs: list[tuple[_Owned, _Owned]] = []
    for key in (_key_whole, _key_id, _key_content, _key_ends):
        waiting: dict[Any, list[_Owned]] = {}
        for other in new:
            waiting.setdefault(key(other), []).append(other)
        rest = []
        for one in old:
            found = waiting.get(key(one), []) if key(one) is not None else []
            if found:
                other = found.pop(0)
                new = [candidate for candidate in new if candidate is not other]
                pairs.append((one, other))
            else:
                rest.append(one)
        old = rest
    yield from sorted(pairs, key=lambda pair: pair[1][1].line)
    yield from ((one, None) for one in old)
    yield from ((None, other) for other in new)


def _key_whole(owned: _Owned) -> Any:
    name = owned[1].id if _named(owned[1]) else ""
    return (_place(owned[0]), name, content_of(owned[1], ("id", "line")))


def _key_id(owned: _Owned) -> Any:
    return owned[1].id if _named(owned[1]) else None


def _key_content(owned: _Owned) -> Any:
    return (_place(owned[0]), content_of(owned[1], SILENT))


def _key_ends(owned: _Owned) -> Any:
    if _named(owned[1]):
        return None
    return (_place(owned[0]), frozenset(owned[1].clients), frozenset(owned[1].servers))
