"""What is told of two models, in both languages."""

from __future__ import annotations

from otmon.ledger.merge import collect
from otmon.outputs.zone_diff import diff_lines
from otmon.zones.diff import compare
from tests.zones.facts import conversation, model, operation
from tests.zones.test_diff import NARROW, PLANT, WIDE, changed


def lines(*pairs: tuple[str, str], language: str = "en") -> list[str]:
    return list(diff_lines(changed(*pairs), language, False))  # type: ignore[arg-type]


def test_nothing_is_said_in_one_line() -> None:
    assert lines() == ["the models mean the same"]


def test_a_covered_permission_says_by_which_line() -> None:
    assert lines((NARROW, ""))[:3] == [
        "Written otherwise: 1",
        "  removed: permission narrow (a-b), old.yaml:12",
        "      denies nothing: in the new model all of it is still allowed by wide (new.yaml:11)",
    ]
    assert lines((NARROW, ""))[4:6] == ["Becomes allowed: nothing", ""]


def test_an_effect_says_from_whom_to_whom_and_what() -> None:
    assert "      a (any host) -> b (any host): port 503; protocol modbus" in lines(("[502, 503]", "502"))
    told = "\n".join(lines((WIDE, "")))
    assert "a (any host but 10.1.0.5) -> b (any host): protocol modbus; port 502-503" in told
    assert "a (10.1.0.5) -> b (any host but 10.2.0.1): protocol modbus; port 502-503" in told
    assert (
        "a (10.1.0.5) -> b (10.2.0.1): port 502; protocol modbus; operations: write, diagnose, control"
        in told
    )
    every = "\n".join(lines(("protocol: ntp", "protocol: any")))
    assert "protocol any but ntp" in every or "protocol any but modbus, ntp" in every


def test_elements_and_units_are_named() -> None:
    limited = "access: read, units: 1, holding_registers: 0-9}"
    old = model(PLANT.replace("access: read}", limited).replace(WIDE, ""), "old.yaml")
    new = model(PLANT.replace("access: read}", limited.replace("0-9", "0-19")).replace(WIDE, ""), "new.yaml")
    told = "\n".join(diff_lines(compare(old, new), "en", False))
    assert "Read Holding Registers (read) units 1 holding_registers 10-19" in told
    assert "elements: holding_registers 0-9 -> holding_registers 0-19" in told


def test_facts_are_told_with_both_verdicts_and_lines() -> None:
    facts = collect(
        conversations=[conversation("10.1.0.9", "10.2.0.1", 503)],
        operations=[operation("10.1.0.9", "10.2.0.1", 3, 0, 5, port=503)],
    )
    diff = compare(model(PLANT, "old.yaml"), model(PLANT.replace("[502, 503]", "502"), "new.yaml"), facts)
    told = list(diff_lines(diff, "en", True))[-3:]
    assert told == [
        "Verdicts that change in the ledger: 2",
        "  10.1.0.9 -> 10.2.0.1: modbus tcp/503: allowed (wide old.yaml:11) -> denied (new.yaml:7)",
        "  10.1.0.9 -> 10.2.0.1: Read Holding Registers (read) 0-4, modbus tcp/503: "
        "allowed (wide old.yaml:11) -> denied (new.yaml:7)",
    ]


def test_japanese() -> None:
    told = lines((NARROW, ""), language="ja")
    assert told[:2] == ["記述の変更: 1 件", "  削除: 許可 narrow (a-b), old.yaml:12"]
