"""The contract of detectors, held by all of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from otmon.detect.detector import (
    EVIDENCE,
    SEVERITIES,
    Case,
    changes,
    detectors,
    first,
    importance,
    link_of,
    of_rule,
    place_of,
    placed,
    reasons,
    say,
    say_some,
)  # fmt: skip
from otmon.detect.rules.load import shipped_rules
from otmon.detect.rules.rule import Text
from otmon.findings.judge import judge
from otmon.findings.wording import catalogue
from otmon.ledger.ledger import conversation_key
from otmon.ledger.merge import collect
from otmon.protocols.registry import PROTOCOLS
from otmon.zones.decide import decide, index
from tests.detect.plant import EWS, HMI, PC, PLANT, PLC, at
from tests.zones.facts import conversation, operation


def case_of(*facts: object) -> Case:
    ready = index(PLANT)
    return Case(
        collect(conversations=facts),  # type: ignore[arg-type]
        {one.id: one for one in PROTOCOLS},
        ready,
        tuple((fact, decide(ready, fact)) for fact in facts),  # type: ignore[misc, arg-type]
        (),
    )


def test_every_detector_has_a_rule_and_every_rule_its_detector() -> None:
    named = {rule.detector for rule in shipped_rules().values() if rule.detector}
    assert set(detectors()) == named
    assert len(named) >= 9


def test_a_finding_is_told_with_the_title_and_references_of_its_rule() -> None:
    rule = shipped_rules()["unlisted-traffic"]
    (finding,) = judge(collect(conversations=[conversation(PC, PLC)]), PLANT)
    assert (finding.title, finding.references) == (rule.title, rule.references)
    bare = replace(finding, title=Text("", ""), references=())
    assert of_rule(bare, rule) == finding


def test_every_severity_has_a_name() -> None:
    assert {f"severity.{one}" for one in SEVERITIES} <= set(catalogue())


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


def test_messages_have_their_parameters_in_order() -> None:
    assert say("key", b=1, a="x").params == (("a", "x"), ("b", 1))
    assert say_some("key", ["a", "b"], 2) == say("key", items="a, b")
    assert say_some("key", ["a", "b", "c"], 2) == say("key-more", items="a, b", more=1)


def test_evidence_is_the_earliest_and_little() -> None:
    assert first(at(9), at(2), at(2), at(5), at(7)) == (at(2), at(5), at(7))
    assert len(first(*map(at, range(20)))) == EVIDENCE


def test_a_link_is_that_of_the_fact() -> None:
    assert link_of(conversation(HMI, PLC, vlan="7")).vlan == "7"
