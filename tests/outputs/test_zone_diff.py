"""What is told of two models, in both languages."""

from __future__ import annotations

from dataclasses import fields

from otmon.findings.wording import LANGUAGES, catalogue
from otmon.ledger.merge import collect
from otmon.outputs.zone_diff import diff_lines
from otmon.zones.model import Boundary, Permission, Zone
from otmon.zones.review.diff import compare
from tests.zones.facts import conversation, model, operation
from tests.zones.review.test_diff import NARROW, PLANT, WIDE, changed


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


def test_importance_is_told_as_a_model_says_it() -> None:
    other = model(PLANT.replace("importance: low", "importance: high"), "new.yaml")
    told = {
        lang: "\n".join(diff_lines(compare(model(PLANT, "old.yaml"), other), lang, False))
        for lang in LANGUAGES
    }
    assert "importance: low -> high" in told["en"] and "重要度: 小 -> 大" in told["ja"]


def test_every_field_that_may_differ_has_words_in_both_languages() -> None:
    told = {field.name for kind in (Zone, Boundary, Permission) for field in fields(kind)}
    told |= {"place", "zone", "member"}
    untold = {"line", "members", "permissions"}
    assert {name for name in told - untold if f"diff.field.{name}" not in catalogue()} == set()


def test_an_end_and_an_exception_are_told_in_words() -> None:
    head = (
        "timezone: Asia/Tokyo\nzones:\n- {id: a, importance: low, members: 10.1.0.0/24}\n"
        "- {id: b, importance: low, members: 10.2.0.0/24, flat: true}\n"
        "boundaries:\n- id: x\n  between: [a, b]\n"
    )
    exception = "  exceptions: [{id: p, from: a, protocol: dns, expires: 2026-01-31, reason: r, approver: s}]"
    old = model(head + exception)
    new = model(head.replace(", flat: true", "") + "  allow: [{id: p, from: a, protocol: dns, name: Names}]")
    english, japanese = ("\n".join(diff_lines(compare(old, new), lang, False)) for lang in ("en", "ja"))
    for line in (
        "one network segment: yes -> no", "exception: yes -> no", "last day: 2026-01-31 -> (nothing)",
        "name: (nothing) -> Names",
    ):  # fmt: skip
        assert f"      {line}\n" in english
    assert "例外: はい -> いいえ" in japanese and "期限: 2026-01-31 -> (なし)" in japanese
    assert "expires_ns" not in english + japanese and "True" not in english + japanese
    zoned = model(head.replace("Asia/Tokyo", "UTC") + exception)
    moved = "\n".join(diff_lines(compare(old, zoned), "en", False))
    assert "holds until: 2026-01-31 15:00 UTC -> 2026-02-01 00:00 UTC" in moved
