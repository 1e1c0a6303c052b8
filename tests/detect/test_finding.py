from __future__ import annotations

from dataclasses import replace

from otmon.detect.finding import EVIDENCE, SEVERITIES, first, link_of, lowered, of_rule, say, say_some, spans
from otmon.detect.rules.load import shipped_rules
from otmon.detect.rules.rule import Text
from otmon.findings.judge import judge
from otmon.findings.wording import catalogue
from otmon.ledger.merge import collect
from tests.detect.plant import HMI, PC, PLANT, PLC, at
from tests.zones.facts import conversation


def test_a_finding_is_told_with_the_title_and_references_of_its_rule() -> None:
    rule = shipped_rules()["unlisted-traffic"]
    (finding,) = judge(collect(conversations=[conversation(PC, PLC)]), PLANT)
    assert (finding.title, finding.references) == (rule.title, rule.references)
    bare = replace(finding, title=Text("", ""), references=())
    assert of_rule(bare, rule) == finding


def test_every_severity_has_a_name() -> None:
    assert {f"severity.{one}" for one in SEVERITIES} <= set(catalogue())


def test_messages_have_their_parameters_in_order() -> None:
    assert say("key", b=1, a="x").params == (("a", "x"), ("b", 1))
    assert say_some("key", ["a", "b"], 2) == say("key", items="a, b")
    assert say_some("key", ["a", "b", "c"], 2) == say("key-more", items="a, b", more=1)


def test_evidence_is_the_earliest_and_little() -> None:
    assert first(at(9), at(2), at(2), at(5), at(7)) == (at(2), at(5), at(7))
    assert len(first(*map(at, range(20)))) == EVIDENCE


def test_a_link_is_that_of_the_fact() -> None:
    assert link_of(conversation(HMI, PLC, vlan="7")).vlan == "7"


def test_a_severity_is_lowered_by_steps() -> None:
    assert (lowered("critical"), lowered("high", 2), lowered("low", 4)) == ("high", "low", "info")


def test_numbers_are_said_as_ranges() -> None:
    assert spans([7, 3, 1, 2, 7]) == ["1-3", "7"]
    assert spans([2, 1, 9], hex) == ["0x1-0x2", "0x9"]
    assert spans([]) == []
