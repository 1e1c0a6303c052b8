"""A write that many devices carry out at once.

What it means, when it is wrong and how to respond: `rules/broadcast-write.yml`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Literal

from otmon.assets.place import NOWHERE, zone_of
from otmon.detect.detector import (
    CHANGING,
    SEVERITIES,
    Case,
    Finding,
    Message,
    Place,
    first,
    graded,
    link_of,
    lowered,
    names_function,
    permission_of,
    place_of,
    reasons,
    say,
    say_some,
)
from otmon.detect.once_per_case import once_per_case
from otmon.detect.values import values_written
from otmon.ledger.facts import UNANSWERED, UNKNOWN, Operation
from otmon.zones.decide import Verdict
from otmon.zones.learning.hosts import to_group

RULE: Final = "broadcast-write"

ALL_UNITS: Final = {"modbus": 0}
"""The unit by which a protocol means every device."""
OWN_UNITS: Final = frozenset({0, 255})
"""Units by which a Modbus server over TCP means itself: they say nothing of devices behind it."""

Way = Literal["group", "unit", "burst"]
Asked = list[tuple[Operation, Verdict | None]]


def broadcast_write(case: Case) -> Iterator[Finding]:
    groups: dict[tuple[str, str, str], Asked] = {}
    for fact, verdict in case.undenied_operations:
        if fact.access in CHANGING and not fact.refused:
            groups.setdefault((fact.client, fact.server, fact.protocol), []).append((fact, verdict))
    answered = _answered(case.ledger.operations)
    long = _long(case, case.ledger.operations)
    for key, group in groups.items():
        if _is_group(case, group[0][0]):
            yield _finding(case, "group", key, group)
            continue
        units = answered.get(key[1:], frozenset())
        everybody = [pair for pair in group if _to_everybody(pair[0], units)]
        if everybody:
            yield _finding(case, "unit", key, everybody)
        burst = _burst(case, group) if long else []
        if burst:
            yield _finding(case, "burst", key, burst)


def _is_group(case: Case, fact: Operation) -> bool:
    """Whether the server's address is of many hosts: it says so, or it could be a subnet's own broadcast
    address, was written to in datagrams and never sent anything."""
    ends = fact.server.endswith(".255") and fact.transport == "udp" and fact.status == UNANSWERED
    return to_group(fact.server) or (ends and fact.server not in case.macs)


def zone_reached(case: Case, fact: Operation, verdict: Verdict | None) -> str:
    """The zone by which a command is graded: of what is sent to a group the most important one of those who
    are on the link. A group has no place of its own: in the model it is where its sender is."""
    zone = verdict.to_zone if verdict else ""
    if case.index is None or not to_group(fact.server):
        return zone
    return _graver(case, _heard(case).get(fact.vlan, zone), zone)


@once_per_case
def _heard(case: Case) -> dict[str, str]:
    """VLAN -> the most important zone of hosts that sent there, not through a router."""
    found: dict[str, str] = {}
    if case.index is None:
        return found
    for device in case.population.devices:
        for one in device.seen.addresses:
            zone = zone_of(case.index, one)
            if zone not in NOWHERE and one.mac not in device.seen.routers:
                found[one.vlan] = _graver(case, found.get(one.vlan, zone), zone)
    return found


def _graver(case: Case, zone: str, other: str) -> str:
    return min(zone, other, key=lambda one: (SEVERITIES.index(graded(case, one, "critical")), one))


def _answered(operations: Sequence[Operation]) -> dict[tuple[str, str], frozenset[int]]:
    """Server and protocol -> the units behind it that answered something."""
    found: dict[tuple[str, str], set[int]] = {}
    for one in operations:
        if one.answered and one.unit not in OWN_UNITS:
            found.setdefault((one.server, one.protocol), set()).add(one.unit)
    return {key: frozenset(units) for key, units in found.items()}


def _to_everybody(fact: Operation, units: frozenset[int]) -> bool:
    return ALL_UNITS.get(fact.protocol) == fact.unit and fact.status == UNANSWERED and bool(units)


def _burst_ns(case: Case) -> int:
    """The longest time that a burst may take. Who writes in turn, again and again, takes longer."""
    return case.rules[RULE].number("burst_s") * 1_000_000_000


def _long(case: Case, operations: Sequence[Operation]) -> bool:
    """Whether requests were seen for long enough to tell a burst from a master's turn."""
    if not operations:
        return False
    span_ns = max(one.last_ns for one in operations) - min(one.first_ns for one in operations)
    return span_ns >= case.rules[RULE].number("longer") * _burst_ns(case)


def _burst(case: Case, group: Asked) -> Asked:
    """Writes to one element of many units, all of them within the time of a burst."""
    least = case.rules[RULE].number("units_at_once")
    elements: dict[tuple[str, int, int], Asked] = {}
    for fact, verdict in group:
        if fact.address != UNKNOWN and fact.unit not in OWN_UNITS:
            elements.setdefault((fact.service, fact.address, fact.count), []).append((fact, verdict))
    found: Asked = []
    for _, written in sorted(elements.items()):
        span_ns = max(one.last_ns for one, _ in written) - min(one.first_ns for one, _ in written)
        units = {one.unit for one, _ in written}
        if len(units) >= least and span_ns <= _burst_ns(case):
            found += written
    return found


def _finding(case: Case, way: Way, key: tuple[str, ...], group: Asked) -> Finding:
    fact, verdict = group[0]
    operations = [one for one, _ in group]
    units = sorted({one.unit for one in operations})
    times = sum(one.times for one in operations)
    severity = graded(case, zone_reached(case, fact, verdict), "high")
    permissions = [permission_of(verdict) for _, verdict in group]
    if all(permissions):
        named = all(names_function(one, fact) for one, (fact, _) in zip(permissions, group, strict=True))
        severity = "info" if named else lowered(severity)
    return Finding(
        rule=RULE,
        key=(way, *key),
        severity=severity,
        link=link_of(fact),
        place=Place() if verdict is None else place_of(case, verdict),
        what=say(f"broadcast.{way}", client=fact.client, server=fact.server, times=times, units=len(units)),
        why=tuple(_why(case, operations, units, verdict)),
        count=times,
        unit="transactions",
        first_ns=min(one.first_ns for one in operations),
        last_ns=max(one.last_ns for one in operations),
        evidence=first(*(one.evidence for one in operations)),
        extent=len(operations),
    )


def _why(
    case: Case, operations: list[Operation], units: list[int], verdict: Verdict | None
) -> Iterator[Message]:
    shown = case.rules[RULE].number("shown")
    yield say_some("asked-for", sorted({one.service for one in operations}), shown)
    yield say_some("units", [str(unit) for unit in units], shown)
    yield from values_written(case, operations)
    if verdict is not None:
        yield from reasons(verdict)[:1]
