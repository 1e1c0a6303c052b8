"""Findings in one order with names that stay, however the facts were put together."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from otmon.detect.finding import SEVERITIES
from otmon.detect.rules.rule import Text
from otmon.findings.judge import id_of, judge
from otmon.ledger.merge import merge_all
from tests.detect.plant import EWS, HMI, PC, PLANT, PLC, STRANGER, WEB, ledger_of
from tests.ledger.conftest import any_ledgers
from tests.zones.facts import asset, conversation, model, operation

FACTS = (
    conversation(PC, PLC), conversation(HMI, PLC), conversation(EWS, PLC), conversation(STRANGER, PLC),
    conversation(PLC, WEB, 443, "tls"), conversation(HMI, PLC, 5020, "http", expected="modbus"),
    operation(HMI, PLC, 6, 1, 1), operation(PC, PLC, 6, 1, 1), asset("00:11:22:33:44:55", "10.9.9.8"),
)  # fmt: skip


def test_the_gravest_come_first_then_the_earliest() -> None:
    findings = judge(ledger_of(*FACTS), PLANT)
    assert len(findings) >= 6
    order = [(SEVERITIES.index(one.severity), one.first_ns) for one in findings]
    assert order == sorted(order)


@given(st.integers(0, 2**32), st.integers(1, 5))
def test_any_way_of_merging_gives_the_same_findings(seed: int, parts: int) -> None:
    facts = list(FACTS)
    Random(seed).shuffle(facts)
    merged = merge_all(ledger_of(*facts[i::parts]) for i in range(parts))
    assert judge(merged, PLANT) == judge(ledger_of(*FACTS), PLANT)


def test_ids_are_different_for_different_things_and_stay_for_the_same() -> None:
    findings = judge(ledger_of(*FACTS), PLANT)
    ids = [id_of(one) for one in findings]
    assert len(set(ids)) == len(ids)
    twice = merge_all([ledger_of(*FACTS), ledger_of(*FACTS), ledger_of(conversation(PC, "10.2.0.9"))])
    assert set(ids) < {id_of(one) for one in judge(twice, PLANT)}


def test_a_finding_has_the_names_of_those_whom_the_inventory_lists() -> None:
    plant = model("""\
zones:
- {id: a, importance: high, members: [10.1.0.0/16]}
- {id: b, importance: high, members: [10.2.0.0/16]}
assets:
- {id: pc, name: {ja: 班長PC, en: foreman's PC}, address: 10.1.0.5}
- {id: pc-2, name: 予備, address: 10.1.0.5}
- {id: plc-7, mac: '00:11:22:33:44:55'}
""")
    facts = ledger_of(
        conversation("10.1.0.5", "10.2.0.9"),
        conversation("10.1.0.6", "10.2.0.9"),
        conversation("10.1.0.6", "10.2.0.8"),
        asset("00:11:22:33:44:55", "10.2.0.9"),
    )
    said = {
        (one.link.client, one.link.server): one.names
        for one in judge(facts, plant)
        if one.rule == "unlisted-traffic"
    }
    pc, plc = Text("foreman's PC, 予備", "班長PC, 予備"), Text("plc-7", "plc-7")
    assert said == {
        ("10.1.0.5", "10.2.0.9"): (("10.1.0.5", pc), ("10.2.0.9", plc)),
        ("10.1.0.6", "10.2.0.9"): (("10.2.0.9", plc),),
        ("10.1.0.6", "10.2.0.8"): (),
    }
    assert all(not one.names for one in judge(facts, None))


@given(any_ledgers())
def test_any_facts_are_judged_with_and_without_a_model(ledger) -> None:  # type: ignore[no-untyped-def]
    for plant in (PLANT, None):
        findings = judge(ledger, plant)
        assert len({id_of(one) for one in findings}) == len(findings)


@given(any_ledgers(), any_ledgers())
def test_any_facts_are_judged_against_any_baseline(ledger, before) -> None:  # type: ignore[no-untyped-def]
    for plant in (PLANT, None):
        findings = judge(ledger, plant, before)
        assert len({id_of(one) for one in findings}) == len(findings)
        # Nothing is new to itself, and what is usual may be told no more.
        alone = {id_of(one) for one in judge(ledger, plant)}
        assert {id_of(one) for one in judge(ledger, plant, ledger)} <= alone
