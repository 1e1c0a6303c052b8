"""The contract of detectors, held by all of them."""

from __future__ import annotations

import pytest

from otmon.detect.detector import (
    Case,
    by_server,
    changes,
    detectors,
    graded,
    importance,
    names_function,
    permission_of,
    place_of,
    placed,
    reasons,
    registered,
)  # fmt: skip
from otmon.detect.rules.load import shipped_rules
from otmon.findings.judge import case_of as judged_case
from otmon.ledger.ledger import conversation_key
from otmon.ledger.merge import collect
from otmon.protocols.registry import PROTOCOLS
from otmon.zones.decide import UNJUDGED, decide, decide_all, index
from tests.detect.plant import EWS, HMI, PC, PLANT, PLC
from tests.zones.facts import asset, conversation, model, operation


def case_of(*facts: object) -> Case:
    ready = index(PLANT)
    return Case(
        collect(conversations=facts),  # type: ignore[arg-type]
        {one.id: one for one in PROTOCOLS},
        ready,
        decide_all(ready, facts),  # type: ignore[type-var]
        UNJUDGED,
    )


def test_every_detector_has_a_rule_and_every_rule_its_detector() -> None:
    named = {rule.detector for rule in shipped_rules().values() if rule.detector}
    assert set(detectors()) == named
    assert len(named) >= 9


def test_a_place_is_that_of_the_boundary_whichever_way_the_traffic_goes() -> None:
    there, back = conversation(EWS, PLC), conversation(PLC, EWS)
    case = case_of(there, back)
    assert {placed(case, conversation_key(fact)).boundary for fact in (there, back)} == {"control-plc"}
    assert placed(case, conversation_key(there)).device_owner == "IT"
    assert place_of(case_of(), decide(index(PLANT), conversation(PC, PLC))).boundary == ""


def test_importance_is_the_models_and_low_for_what_it_does_not_hold() -> None:
    assert [importance(case_of(), zone) for zone in ("plc", "office", "internet", "")] == [
        "high",
        "low",
        "low",
        "low",
    ]


@pytest.mark.parametrize(
    ("function", "status", "changed"),
    [(3, 0, False), (6, 0, True), (6, 2, False), (6, -1, True), (43, 0, True)],
)
def test_what_a_device_refused_changed_nothing(function: int, status: int, changed: bool) -> None:
    assert changes([operation(HMI, PLC, function, 0, 1, status=status)]) == changed


def test_reasons_name_the_line_and_what_nearly_fitted() -> None:
    said = reasons(decide(index(PLANT), conversation(EWS, PLC)))
    assert [one.key for one in said] == ["reason.not-listed", "nearest"]
    (lack,) = dict(said[1].params)["lacks"]  # type: ignore[misc]
    assert lack.key == "lack.client"


def test_what_is_denied_is_left_to_the_rules_for_it() -> None:
    allowed, refused = conversation(HMI, PLC), conversation(PC, PLC)
    facts = operation(HMI, PLC, 3, 0, 1), operation(HMI, PLC, 6, 0, 1), operation(PC, PLC, 3, 0, 1)
    case = judged_case(collect(conversations=(allowed, refused), operations=facts), PLANT)
    assert [fact for fact, _ in case.undenied_conversations] == [allowed]
    assert [fact for fact, _ in case.undenied_operations] == [facts[0]]
    bare = judged_case(case.ledger, None)
    assert {fact for fact, _ in bare.undenied_operations} == set(facts)
    assert bare.undenied_conversations == ((allowed, None), (refused, None))


def test_a_severity_is_lowered_by_importance() -> None:
    assert [graded(case_of(), zone, "high") for zone in ("plc", "office", "internet", "")] == [
        "high",
        "low",
        "high",
        "high",
    ]


@pytest.mark.parametrize(
    ("functions", "function", "subfunction", "named"),
    [
        ("read-coils", 1, -1, True), ("read-coils", 3, -1, False), ("8/4", 8, 4, True), ("8", 8, 4, False),
        ("8/4", 8, 1, False), ("[6, 8/4]", 6, -1, True),
    ],
)  # fmt: skip
def test_a_permission_names_a_function_by_its_number_and_no_other(
    functions: str, function: int, subfunction: int, named: bool
) -> None:
    plant = model(f"""
        version: 1
        zones:
        - {{id: a, importance: low, members: 10.0.0.0/24, inside: listed,
           allow: [{{id: p, protocol: modbus, functions: {functions}}}]}}
    """)
    fact = operation("10.0.0.1", "10.0.0.2", function, subfunction=subfunction)
    (permission,) = plant.zones[0].permissions
    assert names_function(permission, fact) == named
    assert not names_function(None, fact)


def test_the_permission_of_a_verdict_is_the_one_that_allowed_it() -> None:
    allowed = permission_of(decide(index(PLANT), conversation(HMI, PLC)))
    assert allowed is not None and allowed.id == "reads"
    assert permission_of(decide(index(PLANT), conversation(PC, PLC))) is None
    assert permission_of(None) is None


def test_an_asset_is_found_by_its_address_or_by_the_mac_address_that_alone_sends_it() -> None:
    plant = model("""
        version: 1
        assets:
        - {id: one, address: 10.0.0.1, mac: '02:00:00:00:00:01'}
        - {id: two, mac: '02:00:00:00:00:02'}
        zones: [{id: a, importance: low, members: 10.0.0.0/24}]
    """)
    seen = asset("02:00:00:00:00:02", "10.0.0.2"), asset("02:00:00:00:00:01", "10.0.0.9")
    case = judged_case(collect(assets=seen), plant)
    names = {
        text: [one.id for one in registered(case, text)] for text in ("10.0.0.1", "10.0.0.2", "10.0.0.9")
    }
    assert names == {"10.0.0.1": ["one"], "10.0.0.2": ["two"], "10.0.0.9": []}
    assert [one.id for one in registered(case, "02:00:00:00:00:02")] == ["two"]
    assert registered(case, "no address") == ()
    shared = judged_case(collect(assets=(*seen, asset("02:00:00:00:00:03", "10.0.0.2"))), plant)
    assert registered(shared, "10.0.0.2") == ()


def test_what_a_client_does_with_very_many_servers_is_one_group() -> None:
    spread = 3
    few = {(HMI, f"10.2.0.{n:02}", "x"): [n] for n in range(spread)}
    assert [(key, name) for key, name, _ in by_server(few, spread)] == [(key, key[1]) for key in few]
    many = {**few, (HMI, "10.2.0.99", "x"): [99], (HMI, "10.2.0.99", "y"): [1], (PC, "10.2.0.99", "x"): [2]}
    assert list(by_server(many, spread)) == [
        ((HMI, "many", "x"), f"10.2.0.00 (+{spread})", [*range(spread), 99]),
        ((HMI, "10.2.0.99", "y"), "10.2.0.99", [1]),
        ((PC, "10.2.0.99", "x"), "10.2.0.99", [2]),
    ]
