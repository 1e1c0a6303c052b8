"""A write that many devices carry out at once.

What it finds
    A request that changes something and goes to all devices behind a serial gateway (Modbus unit 0,
    which no device answers), to a multicast or broadcast address, or to the same element of many units
    in one burst. One finding for each client, server and way.

Why it matters
    One message stops or changes every drive on a line. Nobody confirms a broadcast, so the sender
    does not know which devices took it, and a fault looks like many devices that fail together.

What it looks like
    A PC writes coil 0 of unit 0 through a gateway; nothing answers, and 12 drives halt.

When it is wrong
    Over TCP unit 0 often means the device itself and not all devices, and then it answers: such a write
    is found only where the server does not answer it, and answers for another unit. In the public
    captures that we know unit 0 is always a device's own number. A recipe that is sent to all machines at
    the start of a shift is a burst: agree on it in a permission that lists the function, and it is
    for information. A subnet's own broadcast address (10.1.0.255) looks like a host's: it is found
    where it ends in 255, is written to over UDP, and never sends. What the model denies is told by
    the rules for that, and not here.

References
    ATT&CK for ICS T0855 (T1692.001 from v19), T0806; IEC 62443-3-3 SR 2.1, SR 3.5; MODBUS over Serial
    Line V1.02, section 2.2; MODBUS Messaging on TCP/IP Implementation Guide V1.0b (unit identifier).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Literal

from otmon.detect.detector import (
    CHANGING,
    Case,
    Finding,
    Message,
    Place,
    Rule,
    attack,
    first,
    graded,
    link_of,
    lowered,
    names_function,
    permission_of,
    place_of,
    reasons,
    requirement,
    say,
    say_some,
    values_written,
)
from otmon.ledger.facts import UNANSWERED, UNKNOWN, Operation
from otmon.ledger.ledger import conversation_key
from otmon.zones.decide import Verdict
from otmon.zones.hosts import to_group

RULE = Rule(
    "broadcast-write",
    (
        *attack("T0855", "Unauthorized Command Message", "T1692.001"),
        *attack("T0806", "Brute Force I/O"),
        requirement("SR 2.1", "Authorization enforcement"),
        requirement("SR 3.5", "Input validation"),
    ),
)

ALL_UNITS: Final = {"modbus": 0}
"""The unit by which a protocol means every device."""
OWN_UNITS: Final = frozenset({0, 255})
"""Units by which a Modbus server over TCP means itself: they say nothing of devices behind it."""
UNITS_AT_ONCE: Final = 4
"""Units in which one element is written before it is a burst: fewer are a pair of pumps or an axis."""
BURST_S: Final = 10
"""All writes of a client to the element lie within this time, in seconds. Who writes in turn, again and
again, as a master does, takes longer."""
LONGER: Final = 6
"""The facts span so many bursts, or nobody can tell a burst from a master's turn."""
SHOWN: Final = 6
"""Services and units that are named in one finding."""

Way = Literal["group", "unit", "burst"]
Asked = list[tuple[Operation, Verdict | None]]


def broadcast_write(case: Case) -> Iterator[Finding]:
    groups: dict[tuple[str, str, str], Asked] = {}
    for fact, verdict in case.undenied_operations:
        if fact.access in CHANGING and fact.status <= 0:
            groups.setdefault((fact.client, fact.server, fact.protocol), []).append((fact, verdict))
    answered = _answered(case.ledger.operations)
    long = _long(case.ledger.operations)
    for key, group in groups.items():
        if _is_group(case, group[0][0]):
            yield _finding(case, "group", key, group)
            continue
        units = answered.get(key[1:], frozenset())
        everybody = [pair for pair in group if _to_everybody(pair[0], units)]
        if everybody:
            yield _finding(case, "unit", key, everybody)
        burst = _burst(group) if long else []
        if burst:
            yield _finding(case, "burst", key, burst)


def _is_group(case: Case, fact: Operation) -> bool:
    """Whether the server's address is of many hosts: it says so, or it could be a subnet's own broadcast
    address, was written to in datagrams and never sent anything."""
    ends = fact.server.endswith(".255") and fact.transport == "udp" and fact.status == UNANSWERED
    return to_group(fact.server) or (ends and fact.server not in case.macs)


def _answered(operations: Sequence[Operation]) -> dict[tuple[str, str], frozenset[int]]:
    """Server and protocol -> the units behind it that answered something."""
    found: dict[tuple[str, str], set[int]] = {}
    for one in operations:
        if one.answered and one.unit not in OWN_UNITS:
            found.setdefault((one.server, one.protocol), set()).add(one.unit)
    return {key: frozenset(units) for key, units in found.items()}


def _to_everybody(fact: Operation, units: frozenset[int]) -> bool:
    return ALL_UNITS.get(fact.protocol) == fact.unit and fact.status == UNANSWERED and bool(units)


def _long(operations: Sequence[Operation]) -> bool:
    """Whether requests were seen for long enough to know who writes once."""
    if not operations:
        return False
    span_ns = max(one.last_ns for one in operations) - min(one.first_ns for one in operations)
    return span_ns >= LONGER * BURST_S * 1_000_000_000


def _burst(group: Asked) -> Asked:
    """Writes to one element of many units, all of them within `BURST_S`."""
    elements: dict[tuple[str, int, int], Asked] = {}
    for fact, verdict in group:
        if fact.address != UNKNOWN and fact.unit not in OWN_UNITS:
            elements.setdefault((fact.service, fact.address, fact.count), []).append((fact, verdict))
    found: Asked = []
    for _, written in sorted(elements.items()):
        span_ns = max(one.last_ns for one, _ in written) - min(one.first_ns for one, _ in written)
        units = {one.unit for one, _ in written}
        if len(units) >= UNITS_AT_ONCE and span_ns <= BURST_S * 1_000_000_000:
            found += written
    return found


def _finding(case: Case, way: Way, key: tuple[str, ...], group: Asked) -> Finding:
    fact, verdict = group[0]
    operations = [one for one, _ in group]
    units = sorted({one.unit for one in operations})
    times = sum(one.times for one in operations)
    # A group has no place of its own: it is where its sender is.
    severity = graded(case, verdict.to_zone if verdict else "", "high")
    permissions = [permission_of(case, verdict) for _, verdict in group]
    if all(permissions):
        named = all(names_function(one, fact) for one, (fact, _) in zip(permissions, group, strict=True))
        severity = "info" if named else lowered(severity)
    return Finding(
        rule=RULE.id,
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
        references=RULE.references,
    )


def _why(
    case: Case, operations: list[Operation], units: list[int], verdict: Verdict | None
) -> Iterator[Message]:
    yield say_some("asked-for", sorted({one.service for one in operations}), SHOWN)
    yield say_some("units", [str(unit) for unit in units], SHOWN)
    yield from values_written(case, sorted({conversation_key(one) for one in operations}))
    if verdict is not None:
        yield from reasons(verdict)[:1]
