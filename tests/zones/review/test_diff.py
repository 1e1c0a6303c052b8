from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otmon.ledger.merge import collect
from otmon.zones.review.diff import Diff, compare
from tests.zones import plants
from tests.zones.facts import conversation, model, operation
from tests.zones.review.test_effect import holds


@given(plants.texts(), st.randoms(use_true_random=False))
def test_order_and_comments_are_no_difference(text: str, random: Any) -> None:
    head, zones, boundaries = split(text)
    random.shuffle(zones)
    random.shuffle(boundaries)
    other = "\n".join(["# a comment", *head, *zones, "boundaries:  # another", *boundaries]) + "\n"
    for new in (plants.read(text), plants.read(other)):
        diff = compare(plants.read(text), new)
        assert (diff.changes, diff.effects, diff.judged) == ((), (), ())


def split(text: str) -> tuple[list[str], list[str], list[str]]:
    lines = text.splitlines()
    at = lines.index("boundaries:")
    return lines[:2], lines[2:at], lines[at + 1 :]


PLANT = """
    version: 1
    zones:
    - {id: a, importance: low, owner: [x, y], members: [10.1.0.0/24, 10.1.1.0/24]}
    - {id: b, importance: high, inside: listed, members: 10.2.0.0/24}
    - {id: c, importance: low, members: 10.3.0.0/24}
    boundaries:
    - id: a-b
      between: [a, b]
      device: fw
      allow:
      - {id: wide, from: a, to: b, protocol: modbus, port: [502, 503]}
      - {id: narrow, from: 10.1.0.5, to: 10.2.0.1, protocol: modbus, port: 502, access: read}
      - {from: 10.1.0.6, to: 10.2.0.1, protocol: dns}
      - {from: 10.1.0.7, to: 10.2.0.1, protocol: ntp}
    - {id: b-c, between: [b, c]}
    """


def changed(*pairs: tuple[str, str]) -> Diff:
    text = PLANT
    for one, other in pairs:
        assert one in text
        text = text.replace(one, other)
    return compare(model(PLANT, "old.yaml"), model(text, "new.yaml"))


NARROW = "      - {id: narrow, from: 10.1.0.5, to: 10.2.0.1, protocol: modbus, port: 502, access: read}\n"
WIDE = "      - {id: wide, from: a, to: b, protocol: modbus, port: [502, 503]}\n"


def told(diff: Diff) -> list[tuple[str, str, str]]:
    return [(change.subject, change.how, change.id) for change in diff.changes]


def test_a_removed_permission_that_another_covers_denies_nothing() -> None:
    diff = changed((NARROW, ""))
    assert told(diff) == [("permission", "removed", "narrow")]
    assert diff.effects == ()
    ((kept,), ()) = diff.covered
    assert kept.grant.id == "narrow" and [one.id for one in kept.by] == ["wide"]


def test_two_permissions_cover_one_together() -> None:
    halves = WIDE.replace("wide", "lower").replace(", 503]", "]") + WIDE.replace("wide", "upper").replace(
        "[502, ", "["
    )
    diff = changed((WIDE, halves))
    assert diff.effects == ()
    assert [one.id for one in diff.covered[0][0].by] == ["lower", "upper", "narrow"]


def test_what_is_left_of_a_removed_permission_is_denied() -> None:
    diff = changed((WIDE, ""))
    (effect,) = diff.effects
    assert (effect.outcome, effect.grant.id, str(effect.grant.line)) == ("denied", "wide", "old.yaml:11")
    assert holds(effect, diff, operation("10.1.0.5", "10.2.0.1", 6, 1, 1))
    assert not holds(effect, diff, operation("10.1.0.5", "10.2.0.1", 3, 1, 1))
    assert holds(effect, diff, operation("10.1.0.6", "10.2.0.1", 3, 1, 1))


@pytest.mark.parametrize(
    ("one", "other", "how", "outcomes"),
    [
        ("port: [502, 503]", "port: 502", "narrowed", {"denied"}),
        ("port: [502, 503]", "port: 502-600", "widened", {"allowed"}),
        ("port: [502, 503]", "port: [503, 504]", "changed", {"allowed", "denied"}),
        ("port: [502, 503]", "port: 502-503", None, set()),
        ("{id: wide, from: a", "{id: wide, from: 10.1.0.0/24", "narrowed", {"denied"}),
        ("access: read}", "access: [read, write]}", "widened", set()),
        ("access: read}", "access: read, reason: r}", "changed", set()),
    ],
)
def test_a_permission_is_widened_or_narrowed(
    one: str, other: str, how: str | None, outcomes: set[str]
) -> None:
    diff = changed((one, other))
    assert [change.how for change in diff.changes] == ([how] if how else [])
    assert {effect.outcome for effect in diff.effects} == outcomes


def test_permissions_without_an_id_are_known_by_what_they_say() -> None:
    diff = changed(("      - {from: 10.1.0.6, to: 10.2.0.1, protocol: dns}\n", ""))
    assert told(diff) == [("permission", "removed", "a-b/3")]
    assert [(effect.outcome, effect.grant.id) for effect in diff.effects] == [("denied", "a-b/3")]


def test_a_permission_that_moves_to_another_boundary() -> None:
    moved = "- {id: b-c, between: [b, c], allow: [{id: narrow, from: b, to: c, protocol: any}]}"
    diff = changed((NARROW, ""), ("- {id: b-c, between: [b, c]}", moved))
    assert told(diff) == [("permission", "moved", "narrow")]
    assert {effect.outcome for effect in diff.effects} == {"allowed"}


def test_a_member_that_moves_changes_what_it_may_do() -> None:
    diff = changed(
        ("[10.1.0.0/24, 10.1.1.0/24]", "10.1.0.0/24"),
        ("members: 10.3.0.0/24", "members: [10.3.0.0/24, 10.1.1.0/24]"),
    )
    assert told(diff) == [("member", "moved", "10.1.1.0/24")]
    assert [str(line) for line in (diff.changes[0].old, diff.changes[0].new)] == ["old.yaml:3", "new.yaml:5"]
    outcomes = {(effect.outcome, effect.grant.id) for effect in diff.effects}
    assert outcomes == {("allowed", "c"), ("denied", "wide"), ("denied", "a")}


def test_a_member_that_shrinks_leaves_hosts_in_no_zone() -> None:
    diff = changed(("10.1.1.0/24", "10.1.1.0/25"))
    assert told(diff) == [("member", "narrowed", "10.1.1.0/25")]
    outcomes = {(effect.outcome, effect.grant.id) for effect in diff.effects}
    assert outcomes == {("denied", "wide"), ("denied", "a"), ("not covered", "a")}


def test_zones_and_boundaries_are_compared_field_by_field() -> None:
    diff = changed(
        ("owner: [x, y]", "owner: [y, x]"), ("importance: high", "importance: medium"),
        ("device: fw", "device: other"), ("inside: listed", "inside: everything"),
        ("- {id: b-c, between: [b, c]}", "- {id: c-a, between: [c, a]}"),
    )  # fmt: skip
    assert told(diff) == [
        ("zone", "changed", "b"),
        ("boundary", "changed", "a-b"),
        ("boundary", "added", "c-a"),
        ("boundary", "removed", "b-c"),
    ]
    assert diff.changes[0].fields == (("importance", "high", "medium"), ("inside", "listed", "everything"))
    assert [(effect.outcome, effect.grant.id) for effect in diff.effects] == [("allowed", "b")]


def test_a_fact_whose_verdict_changes_is_named_with_both_verdicts() -> None:
    facts = collect(
        conversations=[conversation("10.1.0.9", "10.2.0.1", 503), conversation("10.1.0.9", "10.2.0.1")],
        operations=[operation("10.1.0.9", "10.2.0.1", 3, 0, 1, port=503)],
    )
    narrower = model(PLANT.replace("[502, 503]", "502"), "new.yaml")
    judged = compare(model(PLANT, "old.yaml"), narrower, facts).judged
    assert [(one.fact.port, one.old.outcome, one.new.outcome) for one in judged] == [
        (503, "allowed", "denied"),
        (503, "allowed", "denied"),
    ]
    assert judged[0].old.line == "old.yaml:11" and judged[0].new.line == "new.yaml:7"


def test_macs_and_vlans_are_compared_in_their_own_worlds() -> None:
    text = """
        version: 1
        zones:
        - {id: a, importance: low, members: [{vlan: "10"}, {mac: "02:00:00:00:00:0a"}]}
        - {id: b, importance: low, members: [{prefix: 10.0.0.0/24, vlan: "20"}]}
        boundaries:
        - {id: a-b, between: [a, b], allow: [{id: p, from: a, to: b, protocol: any}]}
        """
    old = model(text)
    assert not compare(old, model(text)).effects
    moved = compare(old, model(text.replace('vlan: "10"', 'vlan: "11"')))
    assert {(one.outcome, one.grant.id) for one in moved.effects} >= {("allowed", "a"), ("not covered", "a")}


def test_a_large_model_is_compared_in_bounded_time() -> None:
    zones = "\n".join(f"- {{id: z{n}, importance: low, members: 10.{n}.0.0/16}}" for n in range(100))
    boundaries = "\n".join(
        f"- {{id: b{n}, between: [z{n}, z{n + 1}], allow: ["
        + ", ".join(
            f"{{id: p{n}-{k}, from: z{n}, to: 10.{n + 1}.0.{k}, protocol: modbus, holding_registers: 0-{k}}}"
            for k in range(1, 21)
        )
        + "]}"
        for n in range(99)
    )
    text = f"version: 1\nzones:\n{zones}\nboundaries:\n{boundaries}\n"
    old, new = model(text), model(text.replace("holding_registers: 0-7}", "holding_registers: 0-70}"))
    assert len(compare(old, new).effects) == 99


def test_what_a_baseline_holds_is_told_as_the_most_that_it_can_be() -> None:
    zone = "zones: [{id: z, importance: low, members: 10.1.0.0/24%s}]"
    everything, seen = model(zone % "", "old.yaml"), model(zone % ", inside: baseline", "new.yaml")
    told = [(one.outcome, one.grant.id, one.exact) for one in compare(everything, seen).effects]
    assert told == [("denied", "z", False)]
    assert compare(everything, seen).changes[0].fields == (("inside", "everything", "baseline"),)
    assert [(one.outcome, one.exact) for one in compare(seen, everything).effects] == [("allowed", False)]
    assert compare(seen, model(zone % ", inside: baseline")).effects == ()
    listed = model(zone % ", inside: listed, allow: [{protocol: any, from: z, to: z}]", "new.yaml")
    assert [(one.outcome, one.grant.id) for one in compare(seen, listed).effects] == [("allowed", "z/1")]


def test_verdicts_change_as_far_as_the_baseline_tells() -> None:
    zone = "zones: [{id: z, importance: low, members: 10.1.0.0/24%s}]"
    normal, odd = conversation("10.1.0.1", "10.1.0.2"), conversation("10.1.0.1", "10.1.0.3")
    facts, before = collect(conversations=[normal, odd]), collect(conversations=[normal])
    models = model(zone % ""), model(zone % ", inside: baseline")
    assert [(one.fact, one.new.outcome) for one in compare(*models, facts, before).judged] == [
        (odd, "denied")
    ]


def test_a_comment_above_a_limit_changes_nothing() -> None:
    text = """
        zones:
        - {id: a, importance: low, members: 10.1.0.0/24}
        - {id: b, importance: low, members: 10.2.0.0/24}
        boundaries:
        - {id: a-b, between: [a, b], allow: [{id: p, to: b, protocol: modbus, functions: 6,
           limits: [{holding_register: 1, low: 0, high: %s}]}]}
    """
    diff = compare(model(text % 5), model(text.replace("boundaries", "# moved\n        boundaries") % 5))
    assert (diff.changes, diff.effects) == ((), ())
    assert [one.id for one in compare(model(text % 5), model(text % 6)).changes] == ["p"]
