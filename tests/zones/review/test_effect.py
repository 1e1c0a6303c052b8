"""What becomes allowed and denied, against the decision on every host and many facts."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from otmon.ledger.facts import Conversation, Operation
from otmon.zones.address import parse_address
from otmon.zones.decide import decide, index
from otmon.zones.review.address_class import class_of
from otmon.zones.review.diff import Diff, compare
from otmon.zones.review.effect import Effect
from otmon.zones.review.region import Vocabulary
from tests.zones import plants
from tests.zones.facts import conversation, operation

FACTS: tuple[Conversation | Operation, ...] = (
    conversation("", ""),
    conversation("", "", 80, "http"),
    conversation("", "", 123, "ntp", transport="udp"),
    operation("", "", 3, 4, 1),
    operation("", "", 3, 20, 1, unit=2),
    operation("", "", 1, 3, 1, unit=3),
    operation("", "", 6, 8, 1),
    operation("", "", 16, 5, 1),
    operation("", "", 43, subfunction=14),
)
OUTCOMES = {"allowed": "allowed", "inside": "allowed", "denied": "denied", "not covered": "not covered"}


def between(fact: Conversation | Operation, client: str, server: str) -> Any:
    if isinstance(fact, Operation):
        more = {"unit": fact.unit, "subfunction": fact.subfunction}
        return operation(client, server, fact.function, fact.address, fact.count, **more)
    return conversation(client, server, fact.port, fact.protocol, transport=fact.transport)


def holds(effect: Effect, diff: Diff, fact: Conversation | Operation) -> bool:
    """Whether an effect speaks of a fact."""
    marks = (*ends(diff, effect, fact), *limits(effect.words, fact))
    return any(all(side & mark for side, mark in zip(box, marks, strict=True)) for box in effect.boxes)


def ends(diff: Diff, effect: Effect, fact: Conversation | Operation) -> tuple[int, int]:
    number = 1 if effect.outcome == "allowed" else 0
    found = []
    for text in (fact.client, fact.server):
        address = parse_address(text)
        assert address is not None
        zones = diff.hosts.zones[number]
        found.append(sum(class_of(diff.hosts, address, zone, number) for zone in zones))
    return found[0], found[1]


def limits(words: Vocabulary, fact: Conversation | Operation) -> tuple[int, int, int, int]:
    def named(names: tuple[str, ...], name: str) -> int:
        return 1 << (names.index(name) if name in names else len(names) - 1)

    port = next(n for n, (low, high) in enumerate(words.ports) if low <= fact.port <= high)
    return (
        named(words.transports, fact.transport),
        1 << port,
        named(words.protocols, fact.protocol),
        1 << request(words, fact),
    )


def request(words: Vocabulary, fact: Conversation | Operation) -> int:
    if not isinstance(fact, Operation):
        return 0
    if len(words.requests) == 2:
        return 1
    last = fact.address + fact.count - 1
    fitting = [
        (0 if one.elements is None else one.elements[1] - one.elements[0], n)
        for n, one in enumerate(words.requests)
        if one.operation is not None
        and (one.operation.function, one.operation.subfunction) == (fact.function, fact.subfunction)
        and one.access == fact.access
        and one.units[0] <= fact.unit <= one.units[1]
        and (one.elements is None or one.elements[0] <= fact.address <= last <= one.elements[1])
    ]
    return min(fitting)[1]


@given(plants.texts(), plants.texts(), st.data())
@settings(max_examples=80)
def test_decide_agrees_with_what_diff_says(one: str, other: str, data: Any) -> None:
    old, new = plants.read(one), plants.read(other)
    diff = compare(old, new)
    before, after = index(old), index(new)
    assert all(effect.exact for effect in diff.effects)
    for client in plants.HOSTS:
        for server in data.draw(st.lists(st.sampled_from(plants.HOSTS), min_size=3, max_size=3)):
            for blank in FACTS:
                fact = between(blank, client, server)
                outcomes = [OUTCOMES[decide(ready, fact).outcome] for ready in (before, after)]
                said = {effect.outcome for effect in diff.effects if holds(effect, diff, fact)}
                expected = {outcomes[1]} if outcomes[0] != outcomes[1] and "allowed" in outcomes else set()
                assert said == expected, (fact, outcomes)
