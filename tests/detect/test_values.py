from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from otmon.detect.values import values_of, values_written
from otmon.findings.judge import case_of, judge
from tests.detect.plant import ledger_of
from tests.detect.test_captures import HMI, PLC, Tap
from tests.truth.messages import write_single
from tests.zones.facts import conversation, model, operation, written


def test_values_of_what_is_allowed_are_no_evidence_of_what_is_not(tmp_path: Path) -> None:
    tap = Tap(tmp_path)
    tap.talk(HMI, PLC, (write_single(6, 10, 60_000), 1), (write_single(6, 30, 5), 1))
    plant = model("""
        version: 1
        zones:
        - {id: control, importance: high, members: 10.1.0.0/24}
        - {id: cell, importance: high, members: 10.2.0.0/24}
        boundaries:
        - between: [control, cell]
          id: control-cell
          allow: [{to: cell, protocol: modbus, holding_registers: 0-19}]
    """)
    (one,) = judge(tap.ledger("both"), plant)
    assert one.rule == "forbidden-operation"
    (wrote,) = [dict(message.params)["items"] for message in one.why if message.key == "wrote"]
    assert wrote == "holding_registers 1:30 ? → 5"


def test_only_what_writes_of_the_element_is_told() -> None:
    facts = [written(HMI, PLC, 30, value=5), written(HMI, PLC, 31, value=7), written(HMI, PLC, 40, value=9)]
    case = case_of(ledger_of(conversation(HMI, PLC), *facts), None)
    for asked, told in (
        (operation(HMI, PLC, 16, 30, 2), ["holding_registers 1:31 ? → 7, holding_registers 1:30 ? → 5"]),
        (operation(HMI, PLC, 3, 30, 2), []),
        (operation(HMI, PLC, 5, 30, 1), []),
        (operation(HMI, PLC, 6, 30, 1, unit=2), []),
        (operation(HMI, PLC, 6), []),
    ):
        assert [dict(one.params)["items"] for one in values_written(case, [asked])] == told
    assert [dict(one.params)["items"] for one in values_of(facts[:1])] == ["holding_registers 1:30 ? → 5"]


def test_of_many_elements_those_that_changed_most_are_named() -> None:
    """Of equal changes the first element; of one element the largest change, in whichever fact it is."""
    facts = [
        written(HMI, PLC, address, value=value) for address, value in ((9, 5), (3, 7), (8, 5), (4, 6), (7, 9))
    ]
    facts.append(written(HMI, PLC, 9, value=8))
    (many,) = values_of(facts)
    assert (many.key, dict(many.params)) == ("wrote-more", {
        "items": "holding_registers 1:7 ? → 9, holding_registers 1:9 ? → 8, holding_registers 1:3 ? → 7, "
                 "holding_registers 1:4 ? → 6",
        "more": 1,
    })  # fmt: skip
    (all_of,) = values_of(facts[1:-1])
    assert all_of.key == "wrote"


def test_values_of_other_protocols_are_told_by_the_name_of_the_element() -> None:
    link = {"protocol": "slmp", "table": "D", "unit": -1}
    number = written(HMI, PLC, 4001, 2, 0x42C80000, protocol="iec104", table="IOA", unit=3)
    unread = replace(written(HMI, PLC, -1, **(link | {"table": ""})), words=0, extremes=())
    facts = (
        written(HMI, PLC, 100, value=7, **link),
        written(HMI, PLC, 102, 2, 9 << 16, **link),
        number,
        unread,
    )
    (message,) = values_of(facts)
    assert dict(message.params)["items"] == "IOA 4001 (3) ? → 100, D102 ? → 9, D100 ? → 7"
