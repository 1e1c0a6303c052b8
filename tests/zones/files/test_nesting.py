"""What an inner zone has from the zones around it."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otmon.cli.exchange import _chosen
from otmon.findings.judge import judge
from otmon.ledger.facts import Source
from otmon.ledger.merge import collect
from otmon.zones.decide import decide, index, locate
from otmon.zones.extent import zone_extent
from otmon.zones.files import nesting
from otmon.zones.files.load import ModelError
from otmon.zones.files.nesting import outer_zones, written_id
from otmon.zones.model import Boundary, Model
from otmon.zones.review.check import cautions
from otmon.zones.review.diff import compare
from otmon.zones.review.paths import find_paths
from otmon.zones.review.usage import usage
from tests.detect.plant import ledger_of
from tests.zones.facts import conversation, model

HMI, OFFICE_PC, PLC, ROBOT, GRIPPER = "10.1.0.5", "10.3.0.1", "10.2.0.1", "10.2.7.1", "10.2.7.129"

NESTED = """
    timezone: UTC
    sites: [{id: n}]
    zones:
    - {id: control, importance: high, members: 10.1.0.0/24}
    - {id: office, importance: low, members: 10.3.0.0/24}
    - {id: hall, importance: medium, owner: production, site: n, members: 10.2.0.0/16}
    - {id: robots, importance: high, within: hall, members: 10.2.7.0/24}
    - {id: grippers, importance: high, within: robots, owner: robotics, members: 10.2.7.128/25}
    - {id: press, importance: high, within: hall, members: [10.2.9.0/24, 10.2.0.0/16]}
    boundaries:
    - id: control-hall
      between: [control, hall]
      device_owner: IT
      allow:
      - {id: reads, from: control, to: hall, protocol: modbus, access: read}
      - {id: writes, from: 10.1.0.5, to: [10.2.0.1, 10.2.7.1], protocol: modbus, port: 502}
      - {id: old, from: hall, to: control, protocol: ssh, expires: 2026-01-31}
    - {id: office-hall, between: [hall, office], allow: [{id: web, from: office, to: hall, protocol: tls}]}
    - {id: office-robots, between: [office, robots]}
    - {id: hall-robots, between: [hall, robots], allow: [{id: feed, to: robots, protocol: modbus}]}
    """


@pytest.fixture(scope="module")
def plant() -> Model:
    return model(NESTED)


def test_boundaries_are_inherited_where_the_inner_zone_has_none_of_its_own(plant: Model) -> None:
    assert [(one.id, one.between, one.inherited) for one in plant.boundaries[4:]] == [
        ("control-hall@grippers", ("control", "grippers"), "control-hall"),
        ("control-hall@press", ("control", "press"), "control-hall"),
        ("control-hall@robots", ("control", "robots"), "control-hall"),
        # the hall's own is farther from the grippers than that of the robots
        ("hall-robots@grippers", ("hall", "grippers"), "hall-robots"),
        ("office-robots@grippers", ("office", "grippers"), "office-robots"),
        ("hall-robots@press@grippers", ("press", "grippers"), "hall-robots"),
        ("office-hall@press", ("press", "office"), "office-hall"),
        ("hall-robots@press", ("press", "robots"), "hall-robots"),
    ]
    robots = next(one for one in plant.boundaries if one.id == "control-hall@robots")
    assert (robots.device_owner, str(robots.line)) == ("IT", "m.yaml:11")
    assert [(p.id, str(p.line)) for p in robots.permissions] == [
        ("reads@robots", "m.yaml:15"), ("writes@robots", "m.yaml:16"), ("old@robots", "m.yaml:17"),
    ]  # fmt: skip
    press = next(one for one in plant.boundaries if one.id == "control-hall@press")
    assert [p.id for p in press.permissions] == ["reads@press", "writes@press", "old@press"]


@pytest.mark.parametrize(
    ("client", "server", "port", "protocol", "outcome", "boundary"),
    [
        (HMI, ROBOT, 502, "modbus", "allowed", "control-hall@robots"),
        (HMI, GRIPPER, 502, "modbus", "allowed", "control-hall@grippers"),
        (ROBOT, HMI, 502, "modbus", "denied", "control-hall@robots"),
        (OFFICE_PC, PLC, 443, "tls", "allowed", "office-hall"),
        # its own boundary takes the place of what it would have had
        (OFFICE_PC, ROBOT, 443, "tls", "denied", "office-robots"),
        (OFFICE_PC, GRIPPER, 443, "tls", "denied", "office-robots@grippers"),
        # between inner and outer zone there is what is written, and no more
        ("10.2.0.1", ROBOT, 502, "modbus", "allowed", "hall-robots@press"),
        (ROBOT, GRIPPER, 502, "modbus", "denied", ""),
    ],
)
def test_verdicts(
    plant: Model, client: str, server: str, port: int, protocol: str, outcome: str, boundary: str
) -> None:
    verdict = decide(index(plant), conversation(client, server, port, protocol))
    if boundary == "office-hall":
        assert verdict.boundary == "office-hall@press"
    else:
        assert (verdict.outcome, verdict.boundary) == (outcome, boundary)
    assert verdict.outcome == outcome


def test_equal_claims_are_the_inner_zones_and_contested_by_nobody(plant: Model) -> None:
    ready = index(plant)
    assert locate(ready, "10.2.0.1", "") == locate(ready, "10.2.200.1", "")
    assert (locate(ready, "10.2.0.1", "").zone, locate(ready, "10.2.0.1", "").also) == ("press", ())
    assert [str(one) for one in zone_extent(ready, "hall")] == []
    assert "10.2.7.128/25" in [str(one) for one in zone_extent(ready, "grippers")]
    told = [dict(one.params) for one in cautions(plant) if one.key.startswith("member-")]
    assert {(one["zone"], one["other"]) for one in told} == {("robots", "press"), ("grippers", "press")}


def test_owner_and_site_come_from_the_zone_around(plant: Model) -> None:
    zones = {zone.id: zone for zone in plant.zones}
    assert (zones["robots"].owners, zones["robots"].site) == (("production",), "n")
    assert (zones["grippers"].owners, zones["grippers"].site) == (("robotics",), "n")
    assert outer_zones(plant.zones)["grippers"] == ("robots", "hall")


def test_what_is_inherited_is_told_once(plant: Model) -> None:
    told = [str(caution) for caution in cautions(plant) if "control-hall" in str(caution)]
    assert told == ["m.yaml:11: boundary control-hall does not say who owns its settings"]
    facts = ledger_of(conversation(HMI, ROBOT), conversation(HMI, GRIPPER))
    used = {one.permission.id: one.conversations for one in usage(index(plant), facts)}
    assert used == {"reads": 2, "writes": 0, "old": 0, "web": 0, "feed": 0}


def test_a_permission_that_ran_out_is_one_finding(plant: Model) -> None:
    february = 1_770_000_000_000_000_000
    ledger = collect(sources=[Source("a.pcap", 1, 60, february, february, ())])
    (one,) = judge(ledger, plant)
    assert (one.rule, dict(one.what.params)["permission"]) == ("lapsed-permission", "old")


def test_a_member_outside_the_zone_around_is_doubtful() -> None:
    text = NESTED.replace("members: 10.2.7.0/24", "members: [10.2.7.0/24, 10.9.0.0/24]")
    (one,) = [one for one in cautions(model(text)) if one.key == "member-outside-outer-zone"]
    assert dict(one.params) == {
        "member": "10.9.0.0/24", "zone": "robots", "outer": "hall", "outer_line": "m.yaml:6",
    }  # fmt: skip


def test_a_boundary_is_chosen_with_all_that_is_inherited_from_it(plant: Model) -> None:
    assert [one.id for one in _chosen(plant, ["office-hall"])] == ["office-hall", "office-hall@press"]
    assert _chosen(plant, []) == list(plant.boundaries)


def test_paths_go_over_what_is_inherited(plant: Model) -> None:
    (chain,) = find_paths(plant, "control", "grippers", 9).chains[:1]
    assert [(hop.id, hop.boundary) for hop in chain.hops] == [("reads@grippers", "control-hall@grippers")]


def test_a_changed_permission_is_one_change_with_all_its_effects(plant: Model) -> None:
    new = model(NESTED.replace("{id: web, from: office, to: hall, protocol: tls}", ""), "new.yaml")
    diff = compare(plant, new)
    assert [(one.subject, one.how, one.id) for one in diff.changes] == [("permission", "removed", "web")]
    assert sorted((one.outcome, one.grant.id) for one in diff.effects) == [("denied", "web@press")]
    assert compare(plant, model(NESTED)).changes == ()


WRONG = [
    ("robots, importance: high, within: hall", "robots, importance: high, within: hal",
     "m.yaml:7:42: no zone 'hal', expected hall"),
    ("members: 10.2.0.0/16}", "members: 10.2.0.0/16, within: grippers}",
     "zone hall is within itself, expected a zone that is not within hall"),
    ("robots, importance: high, within: hall", "robots, importance: high, within: robots", "within itself"),
    ("within: hall, members: 10.2.7.0/24", "within: internet, members: 10.2.7.0/24", "no zone 'internet'"),
    ("- {id: hall-robots, between: [hall, robots], allow: [{id: feed, to: robots, protocol: modbus}]}",
     "- {id: press-robots, between: [press, robots]}\n    - {id: hall-grippers, between: [hall, grippers]}",
     "boundaries press-robots and hall-grippers are equally near to zones grippers and press within theirs"),
]  # fmt: skip


@pytest.mark.parametrize(("right", "wrong", "told"), WRONG)
def test_what_is_wrong_is_told(right: str, wrong: str, told: str) -> None:
    assert right in NESTED
    with pytest.raises(ModelError) as caught:
        model(NESTED.replace(right, wrong, 1))
    assert told in str(caught.value), str(caught.value)


def test_a_wrong_outer_zone_is_told_once() -> None:
    with pytest.raises(ModelError) as caught:
        model("zones: [{id: a, importance: lwo}, {id: b, importance: low, within: a}]")
    assert len(caught.value.problems) == 1


def test_what_may_be_inherited_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nesting, "MAX_INHERITED", 20)
    with pytest.raises(ModelError, match="is inherited by too many zones, expected at most 20"):
        model(NESTED)


NAMES = ("a", "b", "c", "d", "e")


@given(
    st.lists(st.integers(-1, 3), min_size=5, max_size=5),
    st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)), max_size=4),
)
def test_the_nearest_boundary_applies(parents: list[int], pairs: list[tuple[str, str]]) -> None:
    """Against walking outwards from both ends, step by step."""
    around = {
        name: NAMES[at] if 0 <= at < n else ""
        for n, (name, at) in enumerate(zip(NAMES, parents, strict=True))
    }
    written = {frozenset(pair): pair for pair in pairs if len(set(pair)) == 2}
    text = "zones:\n" + "".join(
        f"- {{id: {name}, importance: low, members: 10.{n}.0.0/16"
        f"{f', within: {around[name]}' if around[name] else ''}}}\n"
        for n, name in enumerate(NAMES)
    )
    text += "boundaries:\n" + "".join(
        f"- {{id: {one}-{other}, between: [{one}, {other}], "
        f"allow: [{{from: {one}, to: {other}, protocol: any}}]}}\n"
        for one, other in written.values()
    )

    def chain(name: str) -> list[str]:
        return [name, *chain(around[name])] if name else []

    wanted: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for one, other in product(NAMES, NAMES):
        near: dict[int, set[tuple[str, str]]] = {}
        for (m, x), (n, y) in product(enumerate(chain(one)), enumerate(chain(other))):
            # What lies on both sides of the boundary is on the inner one.
            crossed = (y in chain(one) and chain(one).index(y) < m) or (
                x in chain(other) and chain(other).index(x) < n
            )
            if {x, y} != {x} and frozenset((x, y)) in written and not crossed and one != other:
                forward = written[frozenset((x, y))] == (x, y)
                near.setdefault(m + n, set()).add((x, y) if forward else (y, x))
        wanted[one, other] = near[min(near)] if near else set()
    if any(len(found) > 1 for found in wanted.values()):
        with pytest.raises(ModelError, match="equally near"):
            model(text if written else text.replace("boundaries:\n", ""))
        return
    plant = model(text if written else text.replace("boundaries:\n", ""))
    governing: dict[frozenset[str], Boundary] = {frozenset(one.between): one for one in plant.boundaries}
    assert len(governing) == len(plant.boundaries)
    for (one, other), found in wanted.items():
        boundary = governing.get(frozenset((one, other)))
        told = set() if boundary is None else {tuple(written_id(boundary.id).split("-"))}
        assert told == found
        talk = conversation(f"10.{NAMES.index(one)}.0.1", f"10.{NAMES.index(other)}.0.1")
        forward = bool(found) and next(iter(found))[0] in chain(one) and next(iter(found))[1] in chain(other)
        if one != other:
            assert (decide(index(plant), talk).outcome == "allowed") == forward
