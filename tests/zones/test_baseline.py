"""What normal operation covers, and what it does not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otmon.ledger.facts import Conversation, Operation, WrittenValue
from otmon.zones.baseline import baseline_of, new_in
from tests.detect.plant import ledger_of
from tests.zones.facts import conversation, operation, written

A, B, C = "10.1.0.1", "10.1.0.2", "10.1.0.3"
NORMAL = baseline_of(
    ledger_of(
        conversation(A, B),
        conversation(A, C, 80, "none"),
        conversation(A, B, 161, "snmp", transport="udp", vlan="7"),
        operation(A, B, 3, 0, 10),
        operation(A, B, 3, 10, 10),
        operation(A, B, 3, 50, 5),
        operation(A, B, 3, 100, 1, status=2),
        operation(A, B, 6, 20, 1),
        operation(A, B, 5, 9, 1, status=2),
        operation(A, B, 16, 30, 4, vlan="7"),
        operation(A, B, 43, subfunction=14),
        operation(A, B, 4, unit=2),
    )
)

FACTS: list[tuple[Conversation | Operation | WrittenValue, str | None]] = [
    (conversation(A, B), None),
    (conversation(A, B, vlan="9", answered=False, hours=2, first_ns=5, last_ns=9), None),
    (conversation(B, A), "conversation"),
    (conversation(A, C), "conversation"),
    (conversation(A, B, 503), "conversation"),
    (conversation(A, B, transport="udp"), "conversation"),
    (conversation(A, B, protocol="http"), "conversation"),
    (conversation(A, B, 161, "snmp", transport="udp"), None),
    # nothing was said: what was said there before is enough, but not the other way round
    (conversation(A, B, protocol="none"), None),
    (conversation(A, C, 80, "none"), None),
    (conversation(A, C, 80, "http"), "conversation"),
    (conversation(A, C, 81, "none"), "conversation"),
    (operation(A, B, 3, 0, 10), None),
    (operation(A, B, 3, 5, 10), None),
    (operation(A, B, 3, 19, 2), "elements"),
    (operation(A, B, 3, 0, 60), "elements"),
    (operation(A, B, 3, 54), None),
    (operation(A, B, 3), None),
    (operation(A, B, 3, 0, 10, unit=2), "request"),
    (operation(A, B, 1, 0, 10), "request"),
    (operation(C, B, 3, 0, 10), "conversation"),
    # refused then: only refusals are as they were
    (operation(A, B, 3, 100, 1), "elements"),
    (operation(A, B, 3, 100, 1, status=2), None),
    (operation(A, B, 3, 100, 1, status=-1), "elements"),
    (operation(A, B, 3, 101, 1, status=2), "elements"),
    (operation(A, B, 5, 9, 1, status=1), None),
    (operation(A, B, 5, 9, 1), "request"),
    (operation(A, B, 43, subfunction=14), None),
    (operation(A, B, 43, subfunction=13), "request"),
    # a request that was not seen tells no elements, and covers none
    (operation(A, B, 4, unit=2), None),
    (operation(A, B, 4, 0, 1, unit=2), "elements"),
    (written(A, B, 20), None),
    (written(A, B, 20, vlan="3", value=60_000), None),
    (written(A, B, 21), "write"),
    (written(A, B, 30, words=2), None),
    (written(A, B, 33, words=2), "write"),
    (written(A, B, 9, table="coils"), None),
    (written(A, B, 20, table="coils"), "write"),
    (written(A, B, 20, unit=2), "write"),
    (written(C, B, 20), "conversation"),
    # of other protocols what writes is judged as an operation
    (written(A, B, 20, protocol="slmp", table="D"), "conversation"),
    # reading an element is not writing to it
    (written(A, B, 0), "write"),
]


@pytest.mark.parametrize(("fact", "new"), FACTS)
def test_what_is_new(fact: Conversation | Operation | WrittenValue, new: str | None) -> None:
    assert new_in(NORMAL, fact) == new


def test_nothing_is_covered_by_nothing() -> None:
    nothing = baseline_of(ledger_of())
    assert {new_in(nothing, fact) for fact, _ in FACTS} == {"conversation"}


requests: st.SearchStrategy[Any] = st.builds(
    operation,
    st.sampled_from((A, B)),
    st.sampled_from((B, C)),
    st.sampled_from((1, 3, 5, 6, 16)),
    st.integers(0, 40),
    st.integers(1, 9),
    unit=st.integers(1, 2),
    status=st.sampled_from((-2, -1, 0, 2)),
)


@given(st.lists(requests, max_size=12), requests)
def test_each_element_of_what_is_covered_was_asked_for(seen: list[Operation], asked: Operation) -> None:
    """Against a plain reading, element by element; and a baseline covers all of itself."""
    talks = {(one.client, one.server): conversation(one.client, one.server) for one in seen}
    ledger = ledger_of(*talks.values(), *seen)
    normal = baseline_of(ledger)
    assert not any(new_in(normal, fact) for fact in (*ledger.conversations, *ledger.operations))
    same = [
        one
        for one in seen
        if (one.client, one.server, one.unit, one.function)
        == (asked.client, asked.server, asked.unit, asked.function)
        and (asked.status > 0 or one.status <= 0)
    ]
    known = {element for one in same for element in range(one.address, one.address + one.count)}
    covered = set(range(asked.address, asked.address + asked.count)) <= known
    assert (new_in(normal, asked) is None) == covered
