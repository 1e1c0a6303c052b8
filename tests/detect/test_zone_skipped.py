from __future__ import annotations

import pytest

from otmon.zones.model import Model
from tests.detect.plant import at, found, keys
from tests.zones.facts import conversation, model

RULE = "zone-skipped"
LOW, HIGH, MIDDLE, WEB = "10.1.0.1", "10.4.0.1", "10.3.0.1", "198.51.100.1"


def plant(low: str, high: str, middle: str = "", joined: bool = False, importance: str = "high") -> Model:
    def level(text: str) -> str:
        return f", level: {text}" if text else ""

    return model(f"""
        version: 1
        zones:
        - {{id: low, importance: {importance}, members: 10.1.0.0/24{level(low)}}}
        - {{id: high, importance: low, members: 10.4.0.0/24{level(high)}}}
        - {{id: middle, importance: medium, members: 10.3.0.0/24{level(middle)}}}
        boundaries:
        - {{id: direct, between: [low, high], allow: [{{id: report, from: high, protocol: modbus}}]}}
        - {{id: upper, between: [high, middle]}}
        - {{id: lower, between: [middle, {"low" if joined else "internet"}]}}
        - {{id: out, between: [low, internet], allow: [{{id: cloud, to: internet, protocol: tls}}]}}
    """)


@pytest.mark.parametrize(
    ("low", "high", "middle", "joined", "count"),
    [
        ("1", "4", "", False, 1), ("2", "4", "", False, 1), ("2", "3", "", False, 0),
        ("2", "3.5", "", False, 0), ("3", "4", "3.5", True, 1), ("3", "4", "3.5", False, 0),
        ("3", "4", "", True, 0), ("3", "4", "4", True, 0), ("", "4", "", False, 0),
        ("1", "", "", False, 0), ("2", "2", "", True, 0),
    ],
)  # fmt: skip
def test_levels_that_are_far_apart_or_have_one_between_are_skipped(
    low: str, high: str, middle: str, joined: bool, count: int
) -> None:
    findings = found(RULE, conversation(HIGH, LOW), plant=plant(low, high, middle, joined))
    assert len(findings) == count


def test_the_finding_names_the_zone_between_and_the_permission() -> None:
    facts = [conversation(HIGH, LOW, evidence=at(2)), conversation("10.4.0.2", LOW, evidence=at(3))]
    (one,) = found(RULE, *facts, plant=plant("1", "4", "3.5", True))
    assert keys([one]) == ["skips", "skip-between", "skip-hosts", "reason.permission"]
    assert dict(one.why[0].params)["items"] == "middle"
    assert (one.key, one.severity, one.count, one.place.boundary) == (("high", "low"), "medium", 20, "direct")
    assert one.evidence == (at(2), at(3))


@pytest.mark.parametrize(
    ("importance", "answered", "severity"),
    [("high", True, "medium"), ("medium", True, "low"), ("high", False, "info")],
)
def test_the_deeper_zone_says_how_much_it_weighs(importance: str, answered: bool, severity: str) -> None:
    fact = conversation(HIGH, LOW, answered=answered)
    (one,) = found(RULE, fact, plant=plant("1", "4", importance=importance))
    assert one.severity == severity


@pytest.mark.parametrize(("level", "count"), [("2", 1), ("3", 1), ("3.5", 0), ("4", 0)])
def test_the_internet_is_the_outermost_level(level: str, count: int) -> None:
    findings = found(RULE, conversation(LOW, WEB, 443, "tls"), plant=plant(level, ""))
    assert [one.severity for one in findings] == ["medium"] * count


def test_what_is_denied_is_told_as_unlisted_traffic() -> None:
    fact = conversation(LOW, HIGH)
    assert found(RULE, fact, plant=plant("1", "4")) == []
    assert len(found("unlisted-traffic", fact, plant=plant("1", "4"))) == 1
    assert found(RULE, fact, plant=None) == []
