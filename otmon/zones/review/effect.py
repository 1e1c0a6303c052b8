"""What a model allows (`otmon.zones.review.region`) and another one does not, from host to host
(`otmon.zones.review.address_class`), whatever the reason.

A permission that was taken away denies only what no other one covers, alone or together with others. Effects
are about addresses of single hosts: a group (multicast, broadcast) and an IPv6 link-local address are where
their sender is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from typing import Any, Final, Literal

from otmon.zones.model import INTERNET, UNKNOWN_ZONE, Line, Model, Permission
from otmon.zones.review.address_class import ELSEWHERE, Hosts, Partition, lists
from otmon.zones.review.region import Box, Vocabulary, box, left, meets, opaque, vocabulary

Reach = Literal["changed", "narrowed", "widened"]
Outcome = Literal["allowed", "denied", "not covered"]

SILENT: Final = frozenset({"id", "line", "name", "reason"})
"""Fields of a permission that say nothing about what it allows."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What one line of a model allows: a permission, or everything inside a zone."""

    id: str
    owner: str
    """Boundary or zone."""
    line: Line
    permission: Permission | None
    zones: tuple[str, str]
    clients: Hosts
    servers: Hosts
    seen: bool = False
    """Only what the baseline of the zone holds: nobody can tell from the model how much that is."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What of a grant of one model the other does not allow."""

    outcome: Outcome
    """What becomes of it: allowed, denied, or "not covered" where no end is in a zone any more."""
    grant: Grant
    words: Vocabulary
    whole: Box
    boxes: tuple[Box, ...]
    exact: bool
    """Nothing of this is allowed by the other model; else some of it may be."""


@dataclass(frozen=True, slots=True)
class Covered:
    """A changed permission of one model of which the other allows everything."""

    grant: Grant
    by: tuple[Grant, ...]
    """What allows it there; empty where it concerns nobody."""


def content_of(permission: Permission, without: Iterable[str]) -> tuple[Any, ...]:
    """What a permission says, but for some of its fields; the order of a list says nothing."""
    values = (getattr(permission, field.name) for field in fields(permission) if field.name not in without)
    return tuple(frozenset(value) if isinstance(value, tuple) else value for value in values)


def grants_of(model: Model, hosts: Partition, number: int) -> list[Grant]:
    """Everything that a model allows; `number` is which of the models of `hosts` it is."""
    found = []
    for owner, permission in lists(model):
        zones = (permission.clients[0].zone, permission.servers[0].zone)
        ends = hosts.of(permission.clients, number), hosts.of(permission.servers, number)
        found.append(Grant(permission.id, owner.id, permission.line, permission, zones, *ends))
    for zone in model.zones:
        if zone.inside != "listed":
            everybody = hosts.zones[number].get(zone.id, 0)
            ends, seen = (everybody, everybody), zone.inside == "baseline"
            found.append(Grant(zone.id, zone.id, zone.line, None, (zone.id, zone.id), *ends, seen))
    return found


def change_of(one: Grant, other: Grant, talking: tuple[Hosts, ...]) -> Reach:
    """Whether a permission by itself allows more or less than it did, or some of both."""
    less, more = _loses(one, other, talking), _loses(other, one, talking)
    return "changed" if less == more else "narrowed" if less else "widened"


def _loses(one: Grant, other: Grant, talking: tuple[Hosts, ...]) -> bool:
    words = vocabulary([grant.permission for grant in (one, other) if grant.permission is not None])
    return any(_rest(one, [other], words, context)[0] for context in talking)


def talking_of(hosts: Partition) -> tuple[Hosts, ...]:
    """Sets of hosts that can talk with each other: addresses of one kind in one VLAN."""
    vlans = {one.vlan for one in hosts.classes} | {ELSEWHERE}
    widths = sorted({one.bits for one in hosts.classes})
    return tuple(hosts.in_vlan(vlan) & hosts.of_width(bits) for vlan in sorted(vlans) for bits in widths)


def _rest(grant: Grant, others: Iterable[Grant], words: Vocabulary, context: Hosts) -> tuple[list[Box], bool]:
    """What of a grant the others do not allow among the hosts of a context, and whether that is exact."""
    here = (grant.clients & context, grant.servers & context)
    whole = box(grant.permission, here, words)
    limits = dict(_opaque(grant))
    away = []
    exact = True
    for other in others:
        there = box(other.permission, (other.clients & context, other.servers & context), words)
        if all(limits.get(name) == value for name, value in _opaque(other)):
            away.append(there)
        elif meets(whole, there):
            exact = False
    boxes, all_told = left(whole, away)
    return boxes, exact and all_told


def _opaque(grant: Grant) -> tuple[tuple[str, Any], ...]:
    return (("seen", True),) if grant.seen else opaque(grant.permission)


def _granted(grant: Grant) -> tuple[Any, ...]:
    if grant.permission is None:
        return (grant.seen,)
    return content_of(grant.permission, (*SILENT, "clients", "servers"))


def outside_of(hosts: Partition, number: int) -> Hosts:
    """The hosts that are in no zone of a model."""
    return hosts.zones[number].get(INTERNET, 0) | hosts.zones[number].get(UNKNOWN_ZONE, 0)


def effects_of(
    grants: list[Grant], others: list[Grant], talking: tuple[Hosts, ...], outside: Hosts | None
) -> tuple[list[Effect], list[Covered]]:
    """What the grants of one model allow and those of the other one do not. `outside` are the hosts in
    no zone of the other one if that is the new model; None if it is the old one."""
    same: dict[tuple[Any, ...], Grant] = {}
    for other in others:
        same.setdefault((other.clients, other.servers, _granted(other)), other)
    effects: list[Effect] = []
    covered = []
    for grant in grants:
        equal = same.get((grant.clients, grant.servers, _granted(grant)))
        if equal is not None:
            covered.append(Covered(grant, (equal,)))
            continue
        near = [one for one in others if one.clients & grant.clients and one.servers & grant.servers]
        words = vocabulary([one.permission for one in (grant, *near) if one.permission is not None])
        whole = box(grant.permission, (grant.clients, grant.servers), words)
        boxes, exact = _lost(grant, near, words, talking)
        lost: dict[Outcome, list[Box]] = {}
        for one in boxes:
            for outcome, piece in _outcomes(one, outside):
                lost.setdefault(outcome, []).append(piece)
        effects += [Effect(how, grant, words, whole, tuple(lost[how]), exact) for how in sorted(lost)]
        if not lost:
            covered.append(Covered(grant, _covering(near, words, whole)))
    return effects, covered


def _lost(
    grant: Grant, near: list[Grant], words: Vocabulary, talking: tuple[Hosts, ...]
) -> tuple[list[Box], bool]:
    """What is left of a grant among all that can talk, and whether that is exact. What is left for all
    hosts alike is one box."""
    boxes: list[Box] = []
    exact, everybody = True, set[tuple[int, ...]]()
    contexts = [context for context in talking if grant.clients & context and grant.servers & context]
    for number, context in enumerate(contexts):
        rest, told = _rest(grant, near, words, context)
        exact = exact and told
        here = (grant.clients & context, grant.servers & context)
        alike = {tuple(one[2:]) for one in rest if one[:2] == here}
        everybody = alike if number == 0 else everybody & alike
        boxes += [one for one in rest if one not in boxes]
    merged = [(grant.clients, grant.servers, *limits) for limits in sorted(everybody)]
    return [*merged, *(one for one in boxes if one[2:] not in everybody)], exact  # type: ignore[list-item]


def _outcomes(one: Box, outside: Hosts | None) -> Iterator[tuple[Outcome, Box]]:
    if outside is None:
        yield "allowed", one
        return
    clients, servers, *more = one
    strangers: Box = (clients & outside, servers & outside, *more)  # type: ignore[assignment]
    if all(strangers):
        yield "not covered", strangers
    yield from (("denied", piece) for piece in left(one, [strangers])[0])


def _covering(near: list[Grant], words: Vocabulary, whole: Box) -> tuple[Grant, ...]:
    """One grant that covers it alone, or all that have a part in it."""
    boxes = [(one, box(one.permission, (one.clients, one.servers), words)) for one in near]
    alone = [one for one, there in boxes if not one.seen and not left(whole, [there])[0]]
    return tuple(alone[:1] or [one for one, there in boxes if meets(whole, there)])
