"""What the capture can say of each boundary: that it was kept, that it was not, or neither.

"No violation" is claimed only where one would have been seen: hosts of both zones were, no bytes of
what crossed were lost, conversations were seen in both directions, and nothing of the capture or of
its facts is missing. A zone of which nothing was seen is not in the mirror, or silent; nobody can
tell which.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from otmon.decode.fields import C_VALUES_LOST, COUNTER_NAMES
from otmon.detect.detector import Case, Message, say
from otmon.detect.malformed_message import LOSS
from otmon.ledger.facts import Conversation
from otmon.ledger.ledger import conversation_key
from otmon.zones.model import INTERNET, UNKNOWN_ZONE
from otmon.zones.place import locate

State = Literal["kept", "violated", "unobservable"]
STATES: Final[tuple[State, ...]] = ("kept", "violated", "unobservable")
UNANSWERED_PACKETS: Final = 8
"""A host tries to connect with a SYN and six more at most (Linux's default), and may send a reset."""
VALUES_LOST: Final = COUNTER_NAMES[C_VALUES_LOST]
"""Values that one packet wrote and nobody could look at."""

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
    """What keeps "no violation" from being claimed; also told beside a violation."""


def coverage(case: Case) -> tuple[Coverage, ...]:
    """Every boundary in the order of the model; nothing without one."""
    if case.index is None:
        return ()
    hosts = _hosts(case)
    crossing: dict[_Pair, list[Conversation]] = {}
    denied: set[_Pair] = set()
    pairs: dict[object, _Pair] = {}
    for fact, verdict in case.conversations:
        pair = _pair(verdict.from_zone, verdict.to_zone)
        crossing.setdefault(pair, []).append(fact)
        pairs[conversation_key(fact)] = pair
    for verdicts in (case.conversations, case.operations, case.written):
        denied |= {_pair(v.from_zone, v.to_zone) for _, v in verdicts if v.outcome == "denied"}
    lost = Counter[_Pair]()
    for anomaly in case.ledger.anomalies:
        if anomaly.reason in LOSS and conversation_key(anomaly) in pairs:
            lost[pairs[conversation_key(anomaly)]] += anomaly.times
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
        why = tuple(_doubts(case, boundary.between, hosts, talks, lost[pair]))
        state: State = "violated" if pair in denied else "unobservable" if why else "kept"
        found.append(Coverage(boundary.id, boundary.between, state, (seen[0], seen[1]), len(talks), why))
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


def _ends_in(case: Case, talk: Conversation, zone: str) -> Iterator[str]:
    verdict = case.verdicts[conversation_key(talk)]
    if verdict.from_zone == zone:
        yield talk.client
    if verdict.to_zone == zone:
        yield talk.server


def _doubts(
    case: Case, between: _Pair, hosts: Counter[str], talks: list[Conversation], lost: int
) -> Iterator[Message]:
    for zone in between:
        # Nothing of the Internet is expected to be there.
        if zone != INTERNET and not hosts[zone]:
            yield say("coverage.zone-unseen", zone=zone)
    one_sided = sum(_is_one_sided(talk) for talk in talks)
    if one_sided:
        yield say("coverage.one-sided", count=one_sided)
    if lost:
        yield say("coverage.lost", count=lost)
    if case.ledger.damage:
        yield say("coverage.damaged", count=sum(damage.count for damage in case.ledger.damage))
    missing = {kind for kind, _ in case.ledger.overflow} & {"conversations", "operations", "written"}
    if any(name == VALUES_LOST for source in case.ledger.sources for name, _ in source.counters):
        missing.add("written")
    if missing:
        yield say("coverage.overflow", kinds=", ".join(sorted(missing)))


def _is_one_sided(talk: Conversation) -> bool:
    """Whether a TCP connection was seen in one direction only. A client that nobody answers gives up after
    a few packets."""
    if talk.transport != "tcp":
        return False
    return talk.packets_to_server == 0 or (
        talk.packets_to_client == 0 and talk.packets_to_server > UNANSWERED_PACKETS * talk.flows
    )
