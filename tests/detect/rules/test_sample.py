"""Facts in few words: what they are when nothing more is said, and what is told when they are wrong."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otmon.detect.rules.sample import KINDS, SampleWrong, ledger_of

ENDS = {"client": "10.0.0.1", "server": "10.0.0.2"}


def test_an_operation_has_the_name_and_class_of_its_function_and_brings_its_conversation() -> None:
    ledger = ledger_of([{"operation": ENDS | {"function": "90", "subfunction": "0x41"}}])
    (operation,), (talk,) = ledger.operations, ledger.conversations
    assert (operation.service, operation.access) == ("UMAS Stop PLC", "control")
    assert (talk.client, talk.port, talk.answered) == ("10.0.0.1", 502, True)
    named = ledger_of([{"operation": ENDS | {"protocol": "s7comm", "service": "Stop", "access": "control"}}])
    assert named.operations[0].service == "Stop"


def test_a_conversation_that_is_listed_is_not_made_again() -> None:
    ledger = ledger_of([{"conversation": ENDS | {"answered": "false"}}, {"operation": dict(ENDS)}])
    assert [one.answered for one in ledger.conversations] == [False]


def test_times_are_kept_as_hours_of_the_week_too() -> None:
    said = ENDS | {"first": "2026-01-05 09:10", "last": "2026-01-05 11:00"}
    (talk,) = ledger_of([{"conversation": said}]).conversations
    assert talk.last_ns - talk.first_ns == 110 * 60 * 1_000_000_000
    assert talk.hours == 0b111 << 9
    ended = ledger_of([{"conversation": said}]).sources[0].last_ns
    assert ended == talk.last_ns


def test_a_written_value_has_every_extreme() -> None:
    said = ENDS | {"address": "7", "value": "300", "before": "100"}
    for words, orders in (("1", 2), ("2", 4)):
        (fact,) = ledger_of([{"written-value": said | {"words": words}}]).written
        assert {(one.value, one.before) for one in fact.extremes} == {(300, 100)}
        assert len(fact.extremes) == 2 * orders


@pytest.mark.parametrize(
    ("fact", "path", "says"),
    [
        ({}, (0,), "expected one of conversation"),
        ({"talk": {}}, (0,), "expected one of conversation"),
        ({"conversation": "x"}, (0, "conversation"), "expected a mapping"),
        ({"conversation": {"client": "a"}}, (0, "conversation"), "server is missing"),
        ({"conversation": ENDS | {"port": "x"}}, (0, "conversation", "port"), "expected a whole number"),
        ({"conversation": ENDS | {"port": ["1"]}}, (0, "conversation", "port"), "this value does not fit"),
        ({"conversation": ENDS | {"answered": "yes"}}, (0, "conversation", "answered"), "true or false"),
        ({"conversation": ENDS | {"first": "soon"}}, (0, "conversation", "first"), "expected a time"),
        ({"conversation": ENDS | {"unit": "1"}}, (0, "conversation", "unit"), "unknown key 'unit'"),
        ({"conversation": ENDS | {"evidence": "1"}}, (0, "conversation", "evidence"), "unknown key"),
        ({"operation": ENDS | {"access": "steal"}}, (0, "operation", "access"), "expected read, write"),
        ({"operation": ENDS | {"function": "0xzz"}}, (0, "operation", "function"), "whole number"),
        ({"asset": {"vlan": "7"}}, (0, "asset"), "mac or address is missing"),
    ],
)
def test_what_is_wrong_is_told_with_its_path(fact: Any, path: tuple[Any, ...], says: str) -> None:
    with pytest.raises(SampleWrong) as caught:
        ledger_of([fact])
    ((where, what, _),) = caught.value.problems
    assert where == path and says in what


@given(
    st.sampled_from(list(KINDS)),
    st.dictionaries(
        st.sampled_from(["client", "server", "port", "first", "last", "words", "function", "address", "x"]),
        st.none() | st.text(max_size=12) | st.integers().map(str) | st.lists(st.text(max_size=2), max_size=2),
    ),
)  # fmt: skip
def test_any_fact_is_read_or_told(kind: str, said: dict[str, Any]) -> None:
    try:
        assert ledger_of([{kind: said}]).sources
    except SampleWrong as error:
        assert error.problems
