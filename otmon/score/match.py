"""Which steps of the attack a claim found: the rules of the score.

**A finding, in a capture whose packets the truth numbers.** It found every step that a packet of its evidence
belongs to, from the time of the first such packet on. Evidence is the first packets of a fact, and a fact is
told once: so such a finding also found each later step in which it *goes on*. That is one which begins before
its last packet, and whose actor and target are its client and server, either way round; or whose actor is the
one host that it is about, if it was told during the step or at most `AFTERMATH_NS` behind its last packet.

Where no packet of a finding belongs to a step it rests on routine traffic, and is a false alarm, unless it
names a *consequence* of a step, which all of these make it:

- it was told (or else its first packet lies) behind the step's first packet, and at most `AFTERMATH_NS`
  behind its last one;
- a host that it names takes part in the step: of several steps it is the last one in which its server, or
  the one host that it is about, takes part, or else its client;
- the same finding does not come up in the same capture without the attack, where those findings are given.

**An answer, or a finding of a capture without numbers.** It found a step if its time lies between the
step's first and last packet, with `TOLERANCE_NS` on both sides; at least one of its hosts takes part in the
step; and no host that it names is another host of the truth. In an answer `from` must act and `to` be acted
on; a finding may name them the other way round, as client and server. It found one step alone: of several,
one whose technique it names, then the one that had begun last. A finding that fits no step so can still name
a consequence.

What found no step is a false alarm.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from otmon.score.claim import Claim, ClaimError, Claims
from otmon.score.truth import Event, Truth

AFTERMATH_NS: Final = 600_000_000_000
"""Ten minutes: how long what a step did goes on to show, such as a controller that stays silent."""
TOLERANCE_NS: Final = 60_000_000_000
"""A minute: people read clocks to the minute, and a live sensor's clock is not that of the range."""
ROUNDING_NS: Final = 1_000_000
"""A capture may have been written anew with times of milliseconds."""

How = Literal["evidence", "going-on", "time", "consequence"]


@dataclass(frozen=True, slots=True)
class Hit:
    """A claim found a step."""

    step: str
    claim: Claim
    how: How
    time_ns: int
    """When it was told, or else the first packet that shows it."""


def hits(truth: Truth, said: Claims, clean: Collection[str] = ()) -> tuple[Hit, ...]:
    """Every step that each claim found, in the order of the claims. `clean` has the ids of the findings in
    the capture without the attack. Raises ClaimError where the findings are those of another capture."""
    numbered = _are_numbered(truth, said)
    found: list[Hit] = []
    for claim in said.claims:
        shown = _by_evidence(truth, claim) if numbered else _by_time(truth, claim, said.is_sensor)
        if not shown and said.is_sensor and claim.id not in clean:
            shown = _by_consequence(truth, claim)
        found += shown
    return tuple(found)


def _are_numbered(truth: Truth, said: Claims) -> bool:
    """Whether a packet's number in a finding is its number in the truth."""
    if not truth.packets or said.packets is None:
        return False
    if said.packets != truth.packets:
        what = f"findings of {said.packets:,} packets, and the truth is about {truth.packets:,}"
        raise ClaimError(f"{said.name}: {what}: is it the same capture?")
    return True


def _by_evidence(truth: Truth, claim: Claim) -> list[Hit]:
    first: dict[str, int] = {}
    for packet, time_ns in zip(claim.packets, claim.times_ns, strict=False):
        event = truth.event_of(packet)
        if event is None:
            continue
        if not event.first_ns - ROUNDING_NS <= time_ns <= event.last_ns + ROUNDING_NS:
            what = f"packet {packet} has not the time of event {event.id!r}, to which it belongs in the truth"
            raise ClaimError(f"{claim.place}: {what}: is it the same capture?")
        if event.is_step:
            first[event.id] = min(time_ns, first.get(event.id, time_ns))
    if not first:
        return []
    shown = [Hit(step, claim, "evidence", _told(claim, at)) for step, at in sorted(first.items())]
    begun = max(first.values())
    for step in truth.steps:
        if step.id not in first and begun < step.first_ns <= claim.last_ns and _goes_on(truth, claim, step):
            shown.append(Hit(step.id, claim, "going-on", _told(claim, step.first_ns)))
    return shown


def _goes_on(truth: Truth, claim: Claim, step: Event) -> bool:
    """Whether what a finding is about is between those who act in a step and those who are acted on."""
    clients, servers = (
        {name for host in end for name in truth.hosts_of(host)} for end in (claim.clients, claim.servers)
    )
    if not claim.servers:
        told_ns = claim.told_ns or 0
        return bool(clients & step.actors) and step.first_ns <= told_ns <= step.last_ns + AFTERMATH_NS
    return bool(
        (clients & step.actors and servers & step.targets)
        or (servers & step.actors and clients & step.targets)
    )


def _by_time(truth: Truth, claim: Claim, is_sensor: bool) -> list[Hit]:
    fits: list[tuple[bool, int, str, int]] = []
    for step in truth.steps:
        times = [one for one in claim.times_ns if _is_in(one, claim.precision_ns, step)]
        if times and _hosts_fit(truth, claim, step, is_sensor):
            named = bool(set(claim.techniques) & set(step.techniques))
            begun = step.first_ns <= times[0] + claim.precision_ns
            fits.append((named, step.first_ns if begun else -step.first_ns, step.id, times[0]))
    if not fits:
        return []
    _, _, best, at = max(fits)
    return [Hit(best, claim, "time", _told(claim, at))]


def _is_in(time_ns: int, precision_ns: int, step: Event) -> bool:
    begins = step.first_ns - TOLERANCE_NS <= time_ns + precision_ns
    return begins and time_ns <= step.last_ns + TOLERANCE_NS


def _hosts_fit(truth: Truth, claim: Claim, step: Event, is_sensor: bool) -> bool:
    taking_part = False
    for said, others in ((claim.clients, step.actors), (claim.servers, step.targets)):
        # A finding names client and server of a connection, and an attack may turn these round.
        allowed = step.hosts if is_sensor else others
        for host in said:
            known = truth.hosts_of(host)
            if known and not known & allowed:
                return False
            taking_part = taking_part or bool(known)
    return taking_part


def _by_consequence(truth: Truth, claim: Claim) -> list[Hit]:
    # What stopped shows by the packets before it stopped: when it was told is the better time.
    at_ns = claim.first_ns if claim.told_ns is None else claim.told_ns
    near = [one for one in truth.steps if one.first_ns <= at_ns <= one.last_ns + AFTERMATH_NS]
    for end in (claim.servers, claim.clients):
        about = {name for host in end for name in truth.hosts_of(host)}
        for step in reversed(near):
            if about & step.hosts:
                return [Hit(step.id, claim, "consequence", at_ns)]
    return []


def _told(claim: Claim, shown_ns: int) -> int:
    return shown_ns if claim.told_ns is None else max(claim.told_ns, shown_ns)


def ids(said: Sequence[Claims]) -> frozenset[str]:
    """The ids of all claims."""
    return frozenset(claim.id for one in said for claim in one.claims)
