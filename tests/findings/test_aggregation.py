"""What is too much to be read one by one is told as one that counts the others, in any order the same."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otmon.detect.finding import Finding, Link, Message, Place, Risk
from otmon.detect.rules.load import shipped_rules
from otmon.findings import aggregation
from otmon.findings.aggregation import NAMED, Aggregation, kind_of
from otmon.findings.judge import case_of, found_in, id_of
from otmon.ledger.facts import Evidence
from otmon.outputs.jsonlines import by_boundary, finding_line
from otmon.outputs.metrics import judged_metrics
from tests.detect.plant import PLANT, PLC, ledger_of
from tests.zones.facts import conversation, operation

RULE = shipped_rules()["unknown-address"]
LOW = Risk("D", 1, 2, 2)


def made(number: int) -> Finding:
    """A stranger's finding; each number is seen a second after the one before."""
    seen = Evidence(number * 10**9, "far0", number + 1, 60 * number)
    return Finding(
        rule=RULE.name, key=(f"10.9.0.{number}",), severity="medium", link=Link(client=f"10.9.0.{number}"),
        place=Place(from_zone="unknown", to_zone="plc"),
        what=Message("stranger", (("address", f"10.9.0.{number}"),)), why=(), count=number + 1,
        unit="packets", first_ns=seen.time_ns, last_ns=seen.time_ns + 5, evidence=(seen,),
    )  # fmt: skip


def told(numbers: list[int], each: int) -> list[Finding]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(aggregation, "EACH", each)
        one = Aggregation(RULE)
        for number in numbers:
            one.add(made(number), LOW)
        return list(one.findings())


def test_the_earliest_are_kept_and_the_others_are_counted_in_one() -> None:
    *each, others = told(list(range(20)), 4)
    assert [one.key for one in each] == [made(number).key for number in range(4)]
    assert all((one.alike, one.risk, one.title) == (1, LOW, RULE.title) for one in each)
    assert (others.alike, others.count, others.unit) == (16, sum(range(5, 21)), "packets")
    assert (others.first_ns, others.last_ns) == (made(4).first_ns, made(19).last_ns)
    assert others.evidence == tuple(made(number).evidence[0] for number in (4, 5, 6))
    assert (others.rule, others.severity, others.place, others.risk) == (
        RULE.name, "medium", made(0).place, LOW,
    )  # fmt: skip
    assert (others.title, others.references, others.link) == (RULE.title, RULE.references, Link())
    named = dict(others.why[0].params)["named"]
    assert named == tuple(made(number).what for number in range(4, 4 + NAMED))
    assert dict(others.what.params) == {"count": 16}


def test_up_to_the_limit_and_one_beyond_it_all_are_told_as_they_are() -> None:
    for size in (0, 1, 4, 5):
        found = told(list(range(size)), 4)
        assert [(one.key, one.alike) for one in found] == [(made(n).key, 1) for n in range(size)]
    assert [one.alike for one in told(list(range(6)), 4)] == [1, 1, 1, 1, 2]


@given(st.sets(st.integers(0, 250), max_size=60), st.integers(1, 9), st.integers(0, 2**32))
def test_the_order_in_which_they_come_changes_nothing(numbers: set[int], each: int, seed: int) -> None:
    shuffled = sorted(numbers)
    Random(seed).shuffle(shuffled)
    found = told(shuffled, each)
    assert found == told(sorted(numbers), each)
    assert sum(one.alike for one in found) == len(numbers)
    assert sum(one.count for one in found) == sum(number + 1 for number in numbers)


def test_no_more_are_held_than_twice_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aggregation, "EACH", 3)
    one = Aggregation(RULE)
    for number in range(200):
        one.add(made(number), LOW)
        assert len(one._each) < 6 and len(one._others) <= NAMED


def test_those_of_higher_risk_are_kept_first() -> None:
    one = Aggregation(RULE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(aggregation, "EACH", 2)
        for number in range(8):
            one.add(made(number), replace(LOW, value="A") if number in (5, 7) else LOW)
        found = list(one.findings())
    assert [each.key for each in found[:2]] == [made(5).key, made(7).key]
    assert found[2].risk == LOW and found[2].alike == 6


def test_those_that_were_answered_are_kept_before_all_others() -> None:
    one = Aggregation(RULE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(aggregation, "EACH", 3)
        for number in range(20):
            risk = replace(LOW, value="A") if number < 9 else LOW
            one.add(made(number), risk, {17: 0, 13: 1, 15: 0}.get(number, 2))
        found = list(one.findings())
    assert [each.key for each in found[:3]] == [made(number).key for number in (15, 17, 13)]
    assert found[3].alike == 17 and dict(found[3].why[0].params)["named"][0] == made(0).what


def test_forged_senders_do_not_hide_whom_the_controller_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aggregation, "EACH", 5)
    forged = [
        fact
        for n in range(40)
        for fact in (
            conversation(f"192.168.0.{n}", PLC, transport="udp", answered=False, packets_to_client=0),
            operation(f"192.168.0.{n}", PLC, 6, 21, 1, transport="udp", status=-2),
        )
    ]
    true = conversation("192.168.77.77", PLC, first_ns=9), operation("192.168.77.77", PLC, 6, 21, 1)
    found = found_in(case_of(ledger_of(*forged, *true), PLANT))
    told = [one for one in found if one.link.client == "192.168.77.77" and one.rule == RULE.name]
    assert [one.severity for one in told] == ["critical"]
    assert [one.alike for one in found if one.rule == RULE.name and one.alike > 1] == [36]


def test_a_flood_is_judged_to_few_findings_whose_totals_are_those_of_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    flood = case_of(ledger_of(*(conversation(f"10.77.0.{n}", PLC) for n in range(40))), PLANT)
    every = found_in(flood)
    monkeypatch.setattr(aggregation, "EACH", 5)
    few = found_in(flood)
    assert len(every) >= 40 and len(few) < len(every)
    assert len({id_of(one) for one in few}) == len(few)
    assert {kind_of(one) for one in few} == {kind_of(one) for one in every}
    assert by_boundary(few) == by_boundary(every)
    assert judged_metrics(flood, few, (), ()).findings == judged_metrics(flood, every, (), ()).findings
    for one in few:
        line = finding_line(one)
        assert line.get("alike", 1) == one.alike
        assert ("alike" in line) == (one.alike > 1)
