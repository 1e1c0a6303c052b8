"""Facts in few words: what they are when nothing more is said, and what is told when they are wrong."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otmon.detect.rules.sample import KINDS, MAX_FACTS, SampleWrong, fact_schema, ledger_of
from otmon.ledger.facts import RATES, Peak

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


def test_values_are_written_one_after_the_other_from_the_first_time_to_the_last() -> None:
    said = ENDS | {"values": ["30", "20", "0x28"], "first": "2026-01-05 09:00", "last": "2026-01-05 09:10"}
    (fact,) = ledger_of([{"written-value": said}]).written
    minute_ns = 60_000_000_000
    ended_ns = fact.first_ns + 10 * minute_ns
    assert (fact.times, fact.last_ns) == (3, ended_ns)
    lowest, highest = fact.extremes[:2]
    assert (lowest.value, lowest.before, lowest.evidence.time_ns - fact.first_ns) == (20, 30, 5 * minute_ns)
    assert (highest.value, highest.before, highest.evidence.time_ns - fact.first_ns) == (
        40,
        20,
        10 * minute_ns,
    )
    assert (fact.steps[0].before, fact.steps[0].value) == (20, 40)
    held = ledger_of([{"written-value": said | {"before": "90"}}]).written[0].steps[0]
    assert (held.before, held.value) == (90, 30)


@pytest.mark.parametrize("values", ["7", [], ["x"], ["1", ["2"]]])
def test_values_that_are_no_list_of_numbers_are_told(values: Any) -> None:
    with pytest.raises(SampleWrong, match="does not fit here, expected a list of whole numbers"):
        ledger_of([{"written-value": ENDS | {"values": values}}])


def test_values_count_as_facts() -> None:
    with pytest.raises(SampleWrong, match=f"at most {MAX_FACTS}"):
        ledger_of([{"written-value": ENDS | {"address": "0-99", "values": ["1"] * 21}}])


def test_a_range_is_a_fact_for_each_of_its_values() -> None:
    said = {"client": "10.0.0.1", "server": "10.0.0.254-10.0.1.1", "port": "80-81", "protocol": "none"}
    talks = ledger_of([{"conversation": said}]).conversations
    assert {(one.server, one.port) for one in talks} == {
        (server, port) for server in ("10.0.0.254", "10.0.0.255", "10.0.1.0", "10.0.1.1") for port in (80, 81)
    }
    ranges = {"unit": "1-3", "function": "0x64-0x65", "address": "7-8"}
    asked = ledger_of([{"operation": ENDS | ranges}])
    assert [(one.unit, one.function, one.address) for one in asked.operations] == [
        (unit, function, address) for unit in (1, 2, 3) for function in (100, 101) for address in (7, 8)
    ]
    assert len(asked.conversations) == 1
    (below,) = ledger_of([{"conversation": ENDS | {"client": "02-00-00-00-00-01"}}]).conversations
    assert below.client == "02-00-00-00-00-01"
    six = ledger_of([{"asset": {"address": "fd00::9-fd00::b"}}]).assets
    assert [one.address for one in six] == ["fd00::9", "fd00::a", "fd00::b"]


def test_a_list_has_a_bound_and_no_range_is_made_beyond_it() -> None:
    whole = {"operation": ENDS | {"unit": "0-255", "function": "1-8"}}
    assert len(ledger_of([whole]).operations) == MAX_FACTS
    many = {"operation": ENDS | {"unit": "0-255", "function": "1-127", "address": "0-2047", "port": "0-2047"}}
    for listed in ([whole, {"conversation": ENDS}], [many]):
        with pytest.raises(SampleWrong) as caught:
            ledger_of(listed)
        ((where, what, _),) = caught.value.problems
        assert where[0] == len(listed) - 1 and f"at most {MAX_FACTS}" in what


def test_what_a_sender_did_and_how_long_a_poll_paused() -> None:
    said = {"mac": "02:00:00:00:00:01", "first": "2026-01-05 09:10"}
    peaks = {"datagrams": "7", "ARP packets": "300"}
    (one,) = ledger_of([{"asset": said | {"peaks": peaks, "arp_asked": "3"}}]).assets
    assert one.peaks == (Peak("ARP packets", 300, one.first_ns), Peak("datagrams", 7, one.first_ns))
    assert one.arp_asked == 0b1110
    for octets, bits in (
        (["0", "2-3"], 0b1101), (["250-255"], 0b111111 << 250), ([], 0), ("255", (1 << 256) - 2)
    ):  # fmt: skip
        (one,) = ledger_of([{"asset": said | {"arp_asked": octets}}]).assets
        assert one.arp_asked == bits
    (poll,) = ledger_of([{"operation": ENDS | {"gap": "1.5"}}]).operations
    assert poll.gap_ns == 1_500_000_000
    (talk,) = ledger_of([{"conversation": ENDS | {"flows": "3", "resets": "2"}}]).conversations
    assert (talk.flows, talk.resets) == (3, 2)


def test_the_schema_names_what_a_fact_may_say() -> None:
    kinds = fact_schema()["properties"]
    assert set(kinds) == set(KINDS)
    assert set(kinds["asset"]["properties"]["peaks"]["properties"]) == set(RATES)
    assert {"gap", "unit", "first"} <= set(kinds["operation"]["properties"])
    assert "gap_ns" not in kinds["operation"]["properties"]
    assert "resets" in kinds["conversation"]["properties"]


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
        ({"conversation": ENDS | {"port": "9-1"}}, (0, "conversation", "port"), "a range such as 1-40"),
        ({"conversation": ENDS | {"port": "0-9999"}}, (0, "conversation", "port"), f"at most {MAX_FACTS}"),
        ({"conversation": ENDS | {"port": "1-"}}, (0, "conversation", "port"), "whole number"),
        (
            {"conversation": ENDS | {"server": "10.0.0.9-10.0.0.1"}},
            (0, "conversation", "server"),
            "a range such as 10.2.0.1-10.2.0.40",
        ),
        (
            {"conversation": ENDS | {"server": "10.0.0.9-::a"}},
            (0, "conversation", "server"),
            "expected an address",
        ),
        (
            {"conversation": ENDS | {"server": "10.0.0.0-10.9.0.0"}},
            (0, "conversation", "server"),
            f"at most {MAX_FACTS}",
        ),
        ({"conversation": ENDS | {"expected": "1-2\n"}}, (0, "conversation", "expected"), "one line"),
        ({"operation": ENDS | {"gap": "-1"}}, (0, "operation", "gap"), "seconds such as"),
        ({"operation": ENDS | {"gap_ns": "1"}}, (0, "operation", "gap_ns"), "unknown key"),
        ({"asset": {"mac": "a", "arp_asked": "256"}}, (0, "asset", "arp_asked"), "up to 255"),
        ({"asset": {"mac": "a", "arp_asked": ["9-256"]}}, (0, "asset", "arp_asked"), "list of last octets"),
        ({"asset": {"mac": "a", "arp_asked": [["1"]]}}, (0, "asset", "arp_asked"), "list of last octets"),
        ({"asset": {"mac": "a", "arp_asked": None}}, (0, "asset", "arp_asked"), "up to 255"),
        ({"asset": {"mac": "a", "peaks": "7"}}, (0, "asset", "peaks"), "connection attempts"),
        ({"asset": {"mac": "a", "peaks": {"pings": "7"}}}, (0, "asset", "peaks"), "connection attempts"),
        ({"asset": {"mac": "a", "peaks": {"datagrams": "-7"}}}, (0, "asset", "peaks"), "datagrams"),
        ({"asset": {"mac": "a", "peaks": {"datagrams": ["7"]}}}, (0, "asset", "peaks"), "datagrams"),
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
        st.sampled_from(
            ["client", "server", "port", "first", "last", "words", "function", "address", "x", "mac", "gap",
             "arp_asked", "peaks"]
        ),
        st.none() | st.text(max_size=12) | st.integers().map(str) | st.lists(st.text(max_size=2), max_size=2)
        | st.from_regex(r"[0-9]{1,4}-[0-9]{1,4}", fullmatch=True)
        | st.from_regex(r"10\.0\.[0-9]\.[0-9]-10\.0\.[0-9]\.[0-9]", fullmatch=True)
        | st.dictionaries(st.sampled_from([*RATES, "x"]), st.text(max_size=3), max_size=2),
    ),
)  # fmt: skip
def test_any_fact_is_read_or_told(kind: str, said: dict[str, Any]) -> None:
    try:
        assert ledger_of([{kind: said}]).sources
    except SampleWrong as error:
        assert error.problems
