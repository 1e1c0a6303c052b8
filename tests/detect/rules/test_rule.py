from __future__ import annotations

import pytest

from otmon.detect.rules.load import shipped_rules
from otmon.detect.rules.rule import CATEGORIES, SEVERITIES, Parameter, Rule, Text, Texts

NONE = Text("", "")


def rule(**values: int | float | tuple[str, ...]) -> Rule:
    parameters = {name: Parameter(value, NONE) for name, value in values.items()}
    nothing = Texts((), ())
    told = (NONE, NONE, nothing, nothing, NONE)
    return Rule("r", "u", "stable", "low", *told, (), (), (), "r.yml:1", parameters=parameters)


def test_parameters_have_their_kind() -> None:
    one = rule(shown=6, share=0.5, names=("a", "b"))
    assert (one.number("shown"), one.texts("names")) == (6, ("a", "b"))
    for read, name in ((one.number, "share"), (one.texts, "shown"), (one.number, "names")):
        with pytest.raises(AssertionError, match=name):
            read(name)
    with pytest.raises(KeyError):
        one.number("other")


def test_a_value_is_said_as_it_stands_in_the_file() -> None:
    said = [one.said for one in rule(shown=6, share=0.5, names=("a", "b"), none=()).parameters.values()]
    assert said == ["6", "0.5", "a, b", ""]


def test_a_status_takes_a_rule_out() -> None:
    assert {one.runs for one in shipped_rules().values()} == {True}


def test_names_of_facts_and_severities_are_unique() -> None:
    assert len(set(CATEGORIES)) == 6 and len(set(SEVERITIES)) == 5
