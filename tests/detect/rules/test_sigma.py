"""Conditions of Sigma against facts: every operator, and what nobody may leave silently unasked."""

from __future__ import annotations

import time
from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otmon.detect.rules.field import FIELDS, Ground, Seen
from otmon.detect.rules.sigma import MAX_CONDITION, MAX_VALUES, SigmaWrong, compiled
from otmon.zones.address import Address, host, parse_address
from otmon.zones.decide import decide, index
from otmon.zones.model import Device, Line, Name
from tests.detect.plant import HMI, PC, PLANT, PLC
from tests.zones.facts import conversation, operation

TALK = conversation(PC, PLC, 23, "telnet", tunnel="gre", packets_to_server=7)


def matches(
    selection: Any, fact: Any = TALK, category: str = "conversation", *, condition: str = "s"
) -> bool:
    ready = index(PLANT)
    seen = Seen(fact, decide(ready, fact), Ground(ready))
    return compiled(category, {"s": selection, "condition": "s"})(seen)


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ({"protocol": "telnet"}, True),
        ({"protocol": "TELNET"}, True),
        ({"protocol|cased": "TELNET"}, False),
        ({"protocol|cased": "telnet"}, True),
        ({"protocol": "tel*"}, True),
        ({"protocol": "te?net"}, True),
        ({"protocol": "te?ne"}, False),
        ({"protocol": "tel\\*"}, False),
        ({"protocol": ["ssh", "telnet"]}, True),
        ({"protocol": "telnet", "port": "24"}, False),
        ([{"port": "24"}, {"port": "23"}], True),
        ({"protocol|contains": "ELN"}, True),
        ({"protocol|contains|all": ["tel", "net"]}, True),
        ({"protocol|contains|all": ["tel", "ssh"]}, False),
        ({"protocol|startswith": "tel"}, True),
        ({"protocol|startswith": "net"}, False),
        ({"protocol|endswith": "net"}, True),
        ({"protocol|endswith": "tel"}, False),
        ({"protocol|re": "^te(l|x)n"}, True),
        ({"protocol|re": "^TEL"}, False),
        ({"protocol|re": "n.t$"}, True),
        ({"client|cidr": "10.3.0.0/24"}, True),
        ({"client|cidr": ["10.4.0.0/24", "10.3.0.0/16"]}, True),
        ({"client|cidr": "10.4.0.0/24"}, False),
        ({"client|cidr": "fd00::/8"}, False),
        ({"packets_to_server|gt": "6"}, True),
        ({"packets_to_server|gt": "7"}, False),
        ({"packets_to_server|gte": "7"}, True),
        ({"packets_to_server|lt": "7"}, False),
        ({"packets_to_server|lte": "7"}, True),
        ({"answered": "true"}, True),
        ({"answered": "false"}, False),
        ({"boundary": None}, True),
        ({"protocol": None}, False),
        ({"boundary|exists": "false"}, True),
        ({"protocol|exists": "true"}, True),
        ({"outcome": "denied", "from_zone": "office", "to_zone": "plc"}, True),
        ({"from_importance": "low", "to_importance": "high"}, True),
        ({"to_importance": "low"}, False),
    ],
)
def test_a_selection_asks_what_it_says(selection: Any, expected: bool) -> None:
    assert matches(selection) is expected


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ({"client_roles": "EWS"}, True),
        ({"client_roles": "engineering-station"}, True),
        ({"client_roles": "エンジニアリング端末"}, True),
        ({"client_roles|cased": "ews"}, True),
        ({"client_roles|cased": "engineering-station"}, False),
        ({"client_roles": "engineering-*"}, False),
        ({"client_roles": "line-boss"}, True),
        ({"client_roles": "hmi"}, False),
        ({"server_roles": "ews"}, False),
    ],
)
def test_a_role_matches_by_any_of_its_names(selection: Any, expected: bool) -> None:
    at = (host(parse_address(PC) or Address(32, 0)),)
    station = Device("ews-1", Line("m.yaml", 1), Name("", ""), at, None, "", "", ("ews", "Line-Boss"))
    ready = index(replace(PLANT, devices=(station,)))
    seen = Seen(TALK, decide(ready, TALK), Ground(ready))
    assert compiled("conversation", {"s": selection, "condition": "s"})(seen) is expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("yes", True),
        ("no", False),
        ("not no", True),
        ("yes and no", False),
        ("yes or no", True),
        ("yes and not (no or no_too)", True),
        ("1 of them", True),
        ("all of them", False),
        ("1 of no*", False),
        ("all of yes*", True),
        ("not 1 of no*", True),
    ],
)
def test_a_condition_joins_selections(condition: str, expected: bool) -> None:
    detection = {
        "yes": {"port": "23"}, "yes_too": {"port|lt": "24"}, "no": {"port": "1"}, "no_too": {"port": "2"},
        "condition": condition,
    }  # fmt: skip
    asked, seen = compiled("conversation", detection), Seen(TALK, None, Ground(None))
    assert asked(seen) is expected
    assert not expected or all(one.taken(one.field.read(seen)) for one in asked.needs)


@pytest.mark.parametrize(
    ("condition", "needs"),
    [
        ("one", ["protocol"]),
        ("two", ["port", "protocol"]),
        ("one and not other", ["protocol", "transport"]),
        ("not other and two", ["transport", "port", "protocol"]),
        # Of two questions nobody knows which one must be answered with no.
        ("not two", []),
        ("one or other", []),
        ("one and (other or two)", ["protocol"]),
        ("not (not other)", ["transport"]),
    ],
)
def test_what_a_condition_needs_is_asked_without_all_of_it(condition: str, needs: list[str]) -> None:
    detection = {
        "one": {"protocol": "telnet"}, "two": {"protocol": "telnet", "port": "23"},
        "other": {"transport": "udp"}, "condition": condition,
    }  # fmt: skip
    asked = compiled("conversation", detection)
    assert [one.field.name for one in asked.needs] == needs
    for protocol, port, transport in product(("telnet", "ssh"), (23, 24), ("tcp", "udp")):
        seen = Seen(conversation(PC, PLC, port, protocol, transport=transport), None, Ground(None))
        assert not asked(seen) or all(one.taken(one.field.read(seen)) for one in asked.needs)


def test_what_a_fact_lacks_is_null_and_equals_nothing() -> None:
    fact = operation(HMI, PLC, 90)
    for selection, expected in (
        ({"subfunction": None}, True),
        ({"subfunction": "-1"}, False),
        ({"subfunction|lt": "5"}, False),
        ({"boundary": "control-plc"}, True),
    ):
        assert matches(selection, fact, "operation") is expected
    bare = compiled("operation", {"s": {"to_importance": "high"}, "condition": "s"})
    assert not bare(Seen(fact, None, Ground(None)))


@pytest.mark.parametrize(
    ("detection", "says"),
    [
        ({"s": {"protocol|base64": "x"}, "condition": "s"}, "modifier 'base64' is not supported"),
        ({"s": {"protocol|windash": "x"}, "condition": "s"}, "modifier 'windash' is not supported"),
        ({"s": {"protocol|fieldref": "client"}, "condition": "s"}, "modifier 'fieldref' is not supported"),
        ({"s": {"protocol|expand": "%x%"}, "condition": "s"}, "modifier 'expand' is not supported"),
        ({"s": {"protocol|neq": "x"}, "condition": "s"}, "modifier 'neq' is not supported"),
        ({"s": {"protocol|contains|contains": "x"}, "condition": "s"}, "stands twice"),
        ({"s": {"port|contains": "5"}, "condition": "s"}, "modifier 'contains' is not supported for port"),
        ({"s": {"answered|lt": "5"}, "condition": "s"}, "modifier 'lt' is not supported for answered"),
        ({"s": {"protocol|lt": "5"}, "condition": "s"}, "modifier 'lt' is not supported for protocol"),
        ({"s": {"protocol|contains": None}, "condition": "s"}, "null with a modifier"),
        ({"s": {"protocol": []}, "condition": "s"}, "an empty list"),
        ({"s": {"protocol": {"a": "b"}}, "condition": "s"}, "expected a single value"),
        ({"s": {"unit": "1"}, "condition": "s"}, "unknown field 'unit'"),
        ({"s": ["word"], "condition": "s"}, "facts have no free text"),
        ({"s": "word", "condition": "s"}, "facts have no free text"),
        ({"s": {}, "condition": "s"}, "facts have no free text"),
        ({"s": {"port": "1"}, "timeframe": "5m", "condition": "s"}, "`timeframe` is not supported"),
        ({"s": {"port": "1"}}, "condition is missing"),
        ({"s": {"port": "1"}, "condition": ["s"]}, "expected one condition"),
        ({"s": {"port": "1"}, "condition": "s | count() > 5"}, "pipe syntax"),
        ({"s": {"port": "1"}, "condition": "s and"}, "expected"),
        ({"s": {"port": "1"}, "condition": "1 of x*"}, "doesn't match any detection"),
        (
            {"s": {"port": "1"}, "condition": "(" * 21 + "s" + ")" * 21},
            "too deep",
        ),
        ({"s": {"port": "1"}, "condition": "not " * 21 + "s"}, "too deep"),
        ({"s": {"port": "1"}, "condition": "s or " * MAX_CONDITION + "s"}, "too long"),
        ({"s": {"port": ["1"] * (MAX_VALUES + 1)}, "condition": "s"}, "values, expected at most"),
        ({"s": {"port": "1" * 40}, "condition": "s"}, "expected a whole number"),
        ({"s": {"port": "１"}, "condition": "s"}, "expected a whole number"),
        ({"s": {"protocol": "x" * 501}, "condition": "s"}, "501 characters"),
        ({"s": {"protocol|re": "(a"}, "condition": "s"}, "cannot be used"),
        ({"s": {"protocol|re": r"(a)\1"}, "condition": "s"}, "cannot be used"),
        ({"s": {"protocol|re": "((a{900}){900}){900}"}, "condition": "s"}, "cannot be used"),
        ({"s": {"client|cidr": "10.0.0.0"}, "condition": "s"}, "expected a prefix"),
        ("s", "no detection"),
        (None, "no detection"),
    ],
)
def test_what_is_not_evaluated_is_an_error(detection: Any, says: str) -> None:
    with pytest.raises(SigmaWrong) as caught:
        compiled("conversation", detection)
    assert says in str(caught.value)


def test_every_problem_is_told_at_once_with_its_path() -> None:
    with pytest.raises(SigmaWrong) as caught:
        compiled("conversation", {"s": {"prot": "x", "port": ["1", "x"]}, "condition": "s"})
    assert [one.path for one in caught.value.problems] == [("s", "prot"), ("s", "port", 1)]
    assert [one.of_key for one in caught.value.problems] == [True, False]


def test_a_pattern_that_ruins_backtracking_engines_takes_no_time() -> None:
    condition = compiled("conversation", {"s": {"tunnel|re": "^(a+)+$"}, "condition": "s"})
    wild = compiled("conversation", {"s": {"tunnel": "*a" * 200}, "condition": "s"})
    seen = Seen(conversation(PC, PLC, tunnel="a" * 5_000 + "b"), None, Ground(None))
    begin = time.process_time()
    assert not condition(seen) and not wild(seen)
    assert time.process_time() - begin < 5


@given(st.text(max_size=60))
def test_any_condition_is_compiled_or_told(text: str) -> None:
    try:
        compiled("conversation", {"s": {"port": "1"}, "condition": text})
    except SigmaWrong as error:
        assert error.problems


@given(
    st.sampled_from(list(FIELDS["operation"])),
    st.lists(st.sampled_from(["re", "contains", "all", "cidr", "cased", "exists", "gt", "startswith", "x"])),
    st.none() | st.text(max_size=20) | st.lists(st.none() | st.text(max_size=9), max_size=3),
)
def test_any_item_is_compiled_and_answers_or_is_told(name: str, modifiers: list[str], value: Any) -> None:
    try:
        condition = compiled("operation", {"s": {"|".join([name, *modifiers]): value}, "condition": "s"})
    except SigmaWrong as error:
        assert error.problems
        return
    assert condition(Seen(operation(HMI, PLC, 3, 0, 1), None, Ground(None))) in (True, False)
