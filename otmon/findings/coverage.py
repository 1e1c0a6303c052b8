"""What the capture can say of each boundary: that it was kept, that it was not, or neither; and how much
of each zone it shows.

"No violation" is claimed only where one would have been seen: hosts of both zones were, and more of them
than what every port of a switch gets, no bytes of what crossed were lost, conversations were seen in
both directions, what a permission limits is read (`otmon.zones.unread`) and so is what was written to
elements with limits, and nothing of the capture or of its facts is missing. A zone of which nothing was seen
is not in the mirror, or silent; nobody can tell which.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from otmon.decode.fields import C_COMMANDS_SHED, C_VALUES_LOST, COUNTER_NAMES
from otmon.detect.detector import Case, permission_of, registered
from otmon.detect.finding import Message, say, say_some
from otmon.detect.malformed_message import LOSS
from otmon.ledger.facts import HOUR_NS, UNKNOWN, Conversation
from otmon.ledger.file.aside import of_captures
from otmon.ledger.ledger import Ledger, conversation_key
from otmon.zones.lack import spoken
from otmon.zones.learning.hosts import industrial_ids, to_group
from otmon.zones.model import INTERNET, UNKNOWN_ZONE, Boundary
from otmon.zones.place import home_of, locate
from otmon.zones.quantity import addresses, shown_limited
from otmon.zones.unread import CHANGES_READ, let_pass, unread

_ANSWERED_ELSEWHERE: Final = frozenset({("profinet", "udp")})
"""Protocols whose answers come from another port than the request went to, as conversations of their own."""
State = Literal["kept", "violated", "unobservable"]
STATES: Final[tuple[State, ...]] = ("kept", "violated", "unobservable")
UNANSWERED_PACKETS: Final = 8
"""A host tries to connect with a SYN and six more at most (Linux's default), and may send a reset."""
VALUES_LOST: Final = COUNTER_NAMES[C_VALUES_LOST]
"""Values that were written and nobody could know."""
TELLING: Final = 6
"""So many connections that were seen in one direction, or in both, are no chance."""
COMMANDS_SHED: Final = COUNTER_NAMES[C_COMMANDS_SHED]

_Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Coverage:
    """One boundary of the model."""

    boundary: str
    between: _Pair
    state: State
    hosts: tuple[int, int]
    """How many hosts of each of the two zones sent something; for the Internet, how many addresses took
    part in what crossed."""
    conversations: int
    """How many crossed."""
    why: tuple[Message, ...]
    """What keeps "no violation" from being claimed; also told beside a violation. Beside both it is told
    which assets of the inventory were not seen: what they may have done is not claimed."""


Sight = Literal["seen", "partly", "unseen"]
SIGHTS: Final[tuple[Sight, ...]] = ("seen", "partly", "unseen")
MISSING_NAMED: Final = 4
"""Assets of a zone that are named where they were not seen."""
ELEMENTS_NAMED: Final = 4
"""Elements with limits that are named where what was written to them could not be read."""


@dataclass(frozen=True, slots=True)
class ZoneCoverage:
    """How much of one zone of the model the capture shows. Nobody can tell from packets whether hosts that
    no inventory lists are missing: "seen" says that nothing of what is known is."""

    zone: str
    sight: Sight
    hosts: int
    """How many addresses of the zone sent something."""
    why: tuple[Message, ...]
    """What was not seen."""


def zones_seen(case: Case) -> tuple[ZoneCoverage, ...]:
    """Every zone in the order of the model; nothing without one."""
    if case.index is None:
        return ()
    hosts, mirrored = _hosts(case), _mirrored(case)
    one_sided, lost = Counter[str](), Counter[str]()
    for fact, verdict in case.conversations:
        if _is_one_sided(fact):
            # Whose packets are missing.
            one_sided[verdict.from_zone if fact.packets_to_server == 0 else verdict.to_zone] += 1
    for anomaly in case.ledger.anomalies:
        verdict_of = case.verdicts.get(conversation_key(anomaly))
        if anomaly.reason in LOSS and verdict_of is not None:
            lost.update(dict.fromkeys((verdict_of.from_zone, verdict_of.to_zone), anomaly.times))
    missing = _missing(case)
    found = []
    for zone in case.index.model.zones:
        if not hosts[zone.id]:
            found.append(ZoneCoverage(zone.id, "unseen", 0, (say("coverage.no-host"),)))
            continue
        why = []
        if missing.get(zone.id):
            why.append(say_some("coverage.assets-unseen", missing[zone.id], MISSING_NAMED))
        if zone.id not in mirrored:
            why.append(say("coverage.unicast", zone=zone.id))
        if one_sided[zone.id]:
            why.append(say("coverage.one-sided", count=one_sided[zone.id]))
        if lost[zone.id]:
            why.append(say("coverage.lost", count=lost[zone.id]))
        found.append(ZoneCoverage(zone.id, "partly" if why else "seen", hosts[zone.id], tuple(why)))
    return tuple(found)


def _missing(case: Case) -> dict[str, list[str]]:
    """The assets of the inventory that sent nothing, by their zone."""
    assert case.index is not None
    if not case.index.model.devices:
        return {}
    names = {name for asset in case.ledger.assets for name in (asset.address, asset.mac) if name}
    there = {device.id for name in sorted(names) for device in registered(case, name)}
    found: dict[str, list[str]] = {}
    for device in case.index.model.devices:
        if device.id not in there:
            found.setdefault(home_of(case.index, device), []).append(device.id)
    return found


def coverage(case: Case) -> tuple[Coverage, ...]:
    """Every boundary in the order of the model; nothing without one."""
    if case.index is None:
        return ()
    hosts, mirrored, missing = _hosts(case), _mirrored(case), _missing(case)
    crossing: dict[_Pair, list[Conversation]] = {}
    denied: set[_Pair] = set()
    for fact, verdict in case.conversations:
        crossing.setdefault(_pair(verdict.from_zone, verdict.to_zone), []).append(fact)
    for verdicts in (case.conversations, case.operations, case.written):
        denied |= {_pair(v.from_zone, v.to_zone) for _, v in verdicts if v.outcome == "denied"}
    lost = Counter[_Pair]()
    for anomaly in case.ledger.anomalies:
        found_for = case.verdicts.get(conversation_key(anomaly)) if anomaly.reason in LOSS else None
        if found_for is not None:
            lost[_pair(found_for.from_zone, found_for.to_zone)] += anomaly.times
    values = _values_unread(case)
    found = []
    for boundary in case.index.model.boundaries:
        pair = _pair(*boundary.between)
        talks = crossing.get(pair, [])
        seen = tuple(
            len({address for talk in talks for address in _ends_in(case, talk, zone)})
            if zone == INTERNET
            else hosts[zone]
            for zone in boundary.between
        )
        why = list(_doubts(case, boundary, hosts, mirrored, talks, lost[pair]))
        if pair in values:
            why.append(say_some("coverage.values-unread", values[pair], ELEMENTS_NAMED))
        state: State = "violated" if pair in denied else "unobservable" if why else "kept"
        for zone in boundary.between:
            if hosts[zone] and missing.get(zone):
                why.append(say_some("coverage.assets-unseen", missing[zone], MISSING_NAMED))
        hosts_seen = seen[0], seen[1]
        found.append(Coverage(boundary.id, boundary.between, state, hosts_seen, len(talks), tuple(why)))
    return tuple(found)


def _pair(one: str, other: str) -> _Pair:
    return (one, other) if one <= other else (other, one)


def _hosts(case: Case) -> Counter[str]:
    """How many addresses of each zone sent something."""
    assert case.index is not None
    senders = {
        (asset.address or asset.mac, locate(case.index, asset.address or asset.mac, asset.vlan).zone)
        for asset in case.ledger.assets
    }
    return Counter(zone for _, zone in senders if zone not in ("", INTERNET, UNKNOWN_ZONE))


def _mirrored(case: Case) -> frozenset[str]:
    """Zones of which something was seen that was meant for one host. What is sent to many comes to every
    port of a switch, also to one that mirrors nothing."""
    found = set()
    for fact, verdict in case.conversations:
        # An address that ends in ones may be of all hosts of a network.
        to_all = to_group(fact.server) or (fact.server.endswith(".255") and not fact.packets_to_client)
        if not to_all and (fact.packets_to_server or fact.packets_to_client):
            found |= {verdict.from_zone, verdict.to_zone}
    return frozenset(found)


def _ends_in(case: Case, talk: Conversation, zone: str) -> Iterator[str]:
    verdict = case.verdicts[conversation_key(talk)]
    if verdict.from_zone == zone:
        yield talk.client
    if verdict.to_zone == zone:
        yield talk.server


def _doubts(
    case: Case,
    boundary: Boundary,
    hosts: Counter[str],
    mirrored: frozenset[str],
    talks: list[Conversation],
    lost: int,
) -> Iterator[Message]:
    for zone in boundary.between:
        # Nothing of the Internet is expected to be there.
        if zone != INTERNET and not hosts[zone]:
            yield say("coverage.zone-unseen", zone=zone)
        elif zone != INTERNET and zone not in mirrored:
            yield say("coverage.unicast", zone=zone)
    one_sided = sum(_is_one_sided(talk) for talk in talks)
    if one_sided:
        yield say("coverage.one-sided", count=one_sided)
    if lost:
        yield say("coverage.lost", count=lost)
    if damaged := of_captures(case.ledger):
        yield say("coverage.damaged", count=sum(damage.count for damage in damaged))
    missing = {kind for kind, _ in case.ledger.overflow} & {"conversations", "operations", "written"}
    limited = {limit.protocol for permission in boundary.permissions for limit in permission.limits}
    if "modbus" in limited and _counted(case, VALUES_LOST):
        missing.add("written")
    if _counted(case, COMMANDS_SHED) and any(talk.protocol in limited - {"modbus"} for talk in talks):
        missing.add("written")
    restricted = any(one.access or one.functions for one in boundary.permissions)
    if restricted and _counted(case, COMMANDS_SHED) and any(talk.protocol in CHANGES_READ for talk in talks):
        missing.add("operations")
    yield from _unread(case, boundary, talks)
    if missing:
        yield say("coverage.overflow", kinds=tuple(say(f"fact-kind.{kind}") for kind in sorted(missing)))


def _counted(case: Case, counter: str) -> bool:
    """Whether a capture has a counter of what was left out, such as commands that were too many in a
    second."""
    return any(name == counter for source in case.ledger.sources for name, _ in source.counters)


def _values_unread(case: Case) -> dict[_Pair, list[str]]:
    """By pair of zones the elements with limits to which something was written that nobody could read, in the
    order of the model."""
    unread: dict[_Pair, dict[tuple[str, str], set[tuple[str, int]]]] = {}
    for fact, verdict in case.written:
        permission = permission_of(verdict)
        if not fact.words and permission is not None and permission.limits:
            parts = unread.setdefault(_pair(verdict.from_zone, verdict.to_zone), {})
            parts.setdefault((permission.id, fact.protocol), set()).add((fact.table, fact.address))
    assert case.index is not None
    found: dict[_Pair, list[str]] = {}
    for boundary in case.index.model.boundaries:
        pair = _pair(*boundary.between)
        for permission in boundary.permissions if pair in unread else ():
            for limit in permission.limits:
                of_it = unread[pair].get((permission.id, limit.protocol), set())
                if not of_it.isdisjoint([("", UNKNOWN), *((limit.table, at) for at in addresses(limit))]):
                    found.setdefault(pair, []).append(shown_limited(limit))
    return found


def _unread(case: Case, boundary: Boundary, talks: list[Conversation]) -> Iterator[Message]:
    """What passed through permissions that limit it, as it is not read."""
    found: dict[str, set[str]] = {"all": set(), "reads": set()}
    for talk in talks:
        permission = permission_of(case.verdicts[conversation_key(talk)])
        if permission is None:
            continue
        link = spoken(talk), talk.transport
        what = unread(permission, *link)
        if what and not let_pass(boundary.permissions, permission, *link):
            found[what].add(spoken(talk))
    for what, key in (("all", "coverage.not-read"), ("reads", "coverage.reads-not-read")):
        if found[what]:
            yield say(key, protocols=", ".join(sorted(found[what])))


def ways_seen(ledger: Ledger) -> tuple[int, int]:
    """Of the conversations that began in the last hour, how many were seen in one direction only, though
    there must have been both, and how many in both."""
    begin_ns = max((one.last_ns for one in ledger.sources), default=0) - HOUR_NS
    fresh = [one for one in ledger.conversations if one.first_ns >= begin_ns]
    return (
        sum(map(_is_one_sided, fresh)),
        sum(one.packets_to_server > 0 and one.packets_to_client > 0 for one in fresh),
    )


def is_one_way(ways: tuple[int, int]) -> bool | None:
    """Whether that (`ways_seen`) tells of a mirror of one direction; None where it is too little to tell."""
    one_way, both = ways
    if max(one_way, both) < TELLING:
        return None
    return one_way > both


def _is_one_sided(talk: Conversation) -> bool:
    """Whether a TCP connection, or requests of an industrial protocol over UDP, were seen in one direction
    only. A client that nobody answers gives up after a few packets. Answers from another port are a
    conversation of their own."""
    answers = talk.transport == "udp" and talk.protocol in industrial_ids() and not to_group(talk.server)
    if (talk.transport != "tcp" and not answers) or (talk.protocol, talk.transport) in _ANSWERED_ELSEWHERE:
        return False
    return talk.packets_to_server == 0 or (
        talk.packets_to_client == 0 and talk.packets_to_server > UNANSWERED_PACKETS * talk.flows
    )
