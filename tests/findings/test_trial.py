"""The test cases of the rules: those of otmon all go as they say, and one that does not is told."""

from __future__ import annotations

import pytest

from otmon.detect.rules.load import read_rules, shipped_rules
from otmon.findings.trial import trials
from tests.detect.rules.test_load import SOUND


@pytest.mark.parametrize("name", shipped_rules())
def test_a_rule_fires_where_it_says_and_nowhere_else(name: str) -> None:
    gone = list(trials(shipped_rules()[name]))
    assert [one for one in gone if one.fired != one.expected] == []
    assert {one.expected for one in gone} == {True, False}


def test_a_case_that_goes_otherwise_is_told() -> None:
    (rule,) = read_rules([("telnet-anywhere.yml", SOUND.replace("fires: true", "fires: false").encode())])
    (one,) = trials(rule)
    assert (one.rule, one.name, one.expected, one.fired) == ("telnet-anywhere", "it is", False, True)


def test_a_baseline_is_given_to_the_rule() -> None:
    text = SOUND + "    baseline:\n      - conversation: {client: 10.0.0.1, server: 10.0.0.2}\n"
    (rule,) = read_rules([("telnet-anywhere.yml", text.encode())])
    assert [one.fired for one in trials(rule)] == [True]
