"""Chains of permissions against trying every host, one permission at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations, permutations

import pytest
from hypothesis import given, settings

from otmon.ledger.merge import collect
from otmon.zones.decide import decide, index
from otmon.zones.model import Model
from otmon.zones.review.address_class import lists
from otmon.zones.review.paths import conversations_of, find_paths
from tests.zones import plants
from tests.zones.facts import asset, conversation, model, operation

Steps = dict[str, set[tuple[str, str]]]
"""For each permission, and each zone where everything may happen: who reaches whom by it alone."""

DMZ = """
    zones:
    - {id: office, importance: low, members: 10.1.0.0/24}
    - {id: dmz, importance: medium, inside: %s, members: 10.2.0.0/24}
    - {id: line, importance: high, members: 10.3.0.0/24}
    boundaries:
    - {id: office-dmz, between: [office, dmz], allow: [
        {id: up, from: office, to: %s, protocol: tls, port: 443}]}
    - {id: dmz-line, between: [dmz, line], allow: [
        {id: down, from: %s, to: 10.3.0.5, protocol: modbus, access: read}]}
    """


def without(plant: Model, permissions: frozenset[str]) -> Model:
    """The model without some permissions."""

    def kept(owner):  # type: ignore[no-untyped-def]
        return replace(owner, permissions=tuple(p for p in owner.permissions if p.id not in permissions))

    return replace(plant, zones=tuple(map(kept, plant.zones)), boundaries=tuple(map(kept, plant.boundaries)))


def steps(plant: Model) -> Steps:
    everything = frozenset(permission.id for _, permission in lists(plant))
    found: Steps = {}
    for one in sorted(everything):
        found[one] = pairs(without(plant, everything - {one}), "allowed")
    inside = pairs(plant, "inside")
    for zone in plant.zones:
        if zone.inside == "everything":
            found[zone.id] = {pair for pair in inside if place(plant, pair[0]) == zone.id}
    return {key: pairs_ for key, pairs_ in found.items() if pairs_}


def pairs(plant: Model, outcome: str) -> set[tuple[str, str]]:
    ready = index(plant)
    return {
        (one, two)
        for one in plants.HOSTS
        for two in plants.HOSTS
        if decide(ready, conversation(one, two)).outcome == outcome
    }


def place(plant: Model, address: str) -> str:
    return decide(index(plant), conversation(address, "10.9.9.9")).from_zone


def shortest(found: Steps, begin: set[str], end: set[str]) -> int:
    """Hops of the shortest way, 0 where there is none: a walk from host to host."""
    reached, count = set(begin), 0
    while not reached & end:
        count += 1
        more = {two for pairs_ in found.values() for one, two in pairs_ if one in reached} - reached
        if not more:
            return 0
        reached |= more
    return count


def chains(found: Steps, begin: set[str], end: set[str]) -> Iterator[tuple[str, ...]]:
    """Every sequence of hops of which none can be left out."""
    clients = {key: {one for one, _ in pairs_} for key, pairs_ in found.items()}
    servers = {key: {two for _, two in pairs_} for key, pairs_ in found.items()}
    for length in range(1, len(found) + 1):
        for chain in permutations(sorted(found), length):
            joined = [
                (before, after)
                for before in range(-1, length)
                for after in range(length + 1)
                if before != after
                and (begin if before < 0 else servers[chain[before]])
                & (end if after == length else clients[chain[after]])
            ]
            forward = [pair for pair in joined if pair[0] < pair[1]]
            if forward == [(place, place + 1) for place in range(-1, length)]:
                yield chain


@given(plants.models())
@settings(max_examples=60)
def test_chains_are_those_that_trying_every_host_finds(plant: Model) -> None:
    found = steps(plant)
    begin = {host for host in plants.HOSTS if place(plant, host) == "a"}
    end = {host for host in plants.HOSTS if place(plant, host) == "d"}
    told = find_paths(plant, "a", "d", 1000)
    assert not told.more
    ids = [tuple(hop.id for hop in chain.hops) for chain in told.chains]
    assert [len(chain) for chain in ids] == sorted(map(len, ids))
    assert min(map(len, ids), default=0) == shortest(found, begin, end)
    if len(found) <= 6:
        assert sorted(ids) == sorted(chains(found, begin, end))


@given(plants.models())
@settings(max_examples=60)
def test_the_cut_ends_all_chains_and_nothing_smaller_does(plant: Model) -> None:
    told = find_paths(plant, "a", "d", 1000)
    ids = sorted(permission.id for _, permission in lists(plant))

    def ended(taken: tuple[str, ...]) -> bool:
        return not find_paths(without(plant, frozenset(taken)), "a", "d", 1).chains

    cut = told.cut.permissions
    assert cut is not None
    assert ended(tuple(hop.id for hop in cut))
    assert not any(ended(taken) for n in range(len(cut)) for taken in combinations(ids, n))
    names = [boundary.id for boundary in plant.boundaries]
    closing = {
        boundary.id: tuple(permission.id for permission in boundary.permissions)
        for boundary in plant.boundaries
    }

    def closed(taken: tuple[str, ...]) -> bool:
        return ended(tuple(id for name in taken for id in closing[name]))

    boundaries = told.cut.boundaries
    assert boundaries is not None and told.cut.fewest
    assert closed(tuple(boundary.id for boundary in boundaries))
    assert not any(closed(taken) for n in range(len(boundaries)) for taken in combinations(names, n))


@pytest.mark.parametrize(
    ("inside", "server", "client", "through"),
    [
        ("listed", "10.2.0.1", "10.2.0.1", [("10.2.0.1",)]),
        ("listed", "10.2.0.1", "10.2.0.2", None),
        ("listed", "10.2.0.0/28", "10.2.0.1", [("10.2.0.1",)]),
        ("listed", "dmz", "10.2.0.1", [("10.2.0.1",)]),
        ("listed", "dmz", "dmz", [()]),
        ("everything", "10.2.0.1", "10.2.0.2", [("10.2.0.1",), ("10.2.0.2",)]),
        ("everything", "10.2.0.1", "10.2.0.1", [("10.2.0.1",)]),
    ],
)
def test_a_chain_goes_through_hosts(
    inside: str, server: str, client: str, through: list[tuple[str, ...]] | None
) -> None:
    told = find_paths(model("version: 1\n" + dedented(DMZ % (inside, server, client))), "office", "line", 20)
    if through is None:
        assert not told.chains and told.cut.permissions == ()
        return
    (chain,) = told.chains
    assert [stop.through.hosts for stop in chain.stops[1:-1]] == through
    assert chain.stops[0].through.hosts == () and chain.stops[-1].through.hosts == ("10.3.0.5",)
    assert [hop.kind for hop in chain.hops] == ["permission", *["inside"] * (len(through) - 1), "permission"]
    assert str(chain.hops[0].line) == "m.yaml:8"


def dedented(text: str) -> str:
    return "\n".join(line.removeprefix("    ") for line in text.strip("\n").splitlines())


def test_the_other_way_round_is_another_question() -> None:
    plant = model("version: 1\n" + dedented(DMZ % ("everything", "dmz", "dmz")))
    assert find_paths(plant, "office", "line", 20).chains
    assert not find_paths(plant, "line", "office", 20).chains


def test_an_address_that_another_zone_takes_out_is_no_bridge() -> None:
    text = dedented(DMZ % ("listed", "10.2.0.0/30", "10.2.0.0/30"))
    apart = "- {id: apart, importance: low, members: [10.2.0.0/31, 10.2.0.2, 10.2.0.3]}"
    whole = model("version: 1\n" + text)
    taken = model("version: 1\n" + text.replace("boundaries:", f"{apart}\nboundaries:"))
    assert find_paths(whole, "office", "line", 20).chains
    assert not find_paths(taken, "office", "line", 20).chains


def test_a_device_with_two_feet_needs_no_permission_and_no_cut_helps() -> None:
    plant = model("version: 1\n" + dedented(DMZ % ("listed", "10.2.0.1", "10.2.0.2")))
    ledger = collect(assets=[asset("02:00:00:00:00:01", "10.1.0.7"), asset("02:00:00:00:00:01", "10.3.0.7")])
    told = find_paths(plant, "office", "line", 20, ledger)
    (chain,) = told.chains
    assert [(hop.kind, hop.id) for hop in chain.hops] == [("device", "02:00:00:00:00:01")]
    assert [stop.through.hosts for stop in chain.stops] == [("10.1.0.7",), ("10.3.0.7",)]
    assert told.cut.permissions is None and told.cut.boundaries is None


def test_a_device_bridges_two_permissions() -> None:
    plant = model("version: 1\n" + dedented(DMZ % ("listed", "10.2.0.1", "10.2.0.2")))
    ledger = collect(assets=[asset("02:00:00:00:00:01", "10.2.0.1"), asset("02:00:00:00:00:01", "10.2.0.2")])
    (chain,) = find_paths(plant, "office", "line", 20, ledger).chains
    assert [hop.id for hop in chain.hops] == ["up", "02:00:00:00:00:01", "down"]


def test_a_member_with_address_and_mac_is_one_device() -> None:
    plant = model(
        """
        version: 1
        zones:
        - {id: a, importance: low, members: 10.1.0.0/24}
        - {id: b, importance: low, inside: listed, members: [{address: 10.2.0.1, mac: "02:00:00:00:00:09"}]}
        - {id: c, importance: low, members: [{mac: "02:00:00:00:00:0c"}]}
        boundaries:
        - {id: a-b, between: [a, b], allow: [{id: p, from: a, to: 10.2.0.1, protocol: any}]}
        - {id: b-c, between: [b, c], allow: [{id: q, from: "02:00:00:00:00:09", to: c, protocol: any}]}
        """
    )
    (chain,) = find_paths(plant, "a", "c", 20).chains
    assert [hop.id for hop in chain.hops] == ["p", "02:00:00:00:00:09", "q"]
    assert str(chain.hops[1].line) == "m.yaml:4"


def test_hops_that_were_used_are_counted() -> None:
    plant = model("version: 1\n" + dedented(DMZ % ("listed", "10.2.0.1", "10.2.0.1")))
    facts = collect(
        conversations=[
            conversation("10.1.0.5", "10.2.0.1", 443, "tls"),
            conversation("10.1.0.6", "10.2.0.1", 443, "tls"),
            conversation("10.1.0.6", "10.2.0.9", 443, "tls"),
            conversation("10.2.0.1", "10.3.0.5"),
        ],
        operations=[operation("10.2.0.1", "10.3.0.5", 6, 1, 1)],
    )
    told = find_paths(plant, "office", "line", 20, facts)
    hops = [hop for chain in told.chains for hop in chain.hops]
    # The conversation to the line only wrote, and the permission is for reading.
    assert conversations_of(index(plant), hops, facts) == {
        ("permission", "up"): 2,
        ("permission", "down"): 0,
    }


def test_a_permission_counts_by_itself_where_another_one_allows_more() -> None:
    text = dedented(DMZ % ("everything", "dmz", "dmz")).replace(
        "allow: [", "allow: [\n    {id: wide, from: office, to: dmz, protocol: any},", 1
    )
    plant = model("version: 1\n" + text)
    facts = collect(conversations=[conversation("10.1.0.1", "10.2.0.1", 22, "ssh")])
    hops = [hop for chain in find_paths(plant, "office", "line", 20).chains for hop in chain.hops]
    used = conversations_of(index(plant), hops, facts)
    assert (used["permission", "wide"], used["permission", "up"]) == (1, 0)


def test_where_a_baseline_decides_any_host_may_reach_any_other() -> None:
    plant = model("version: 1\n" + dedented(DMZ % ("baseline", "10.2.0.1", "10.2.0.2")))
    facts = collect(conversations=[conversation("10.2.0.1", "10.2.0.2", 22, "ssh")])
    (chain,) = find_paths(plant, "office", "line", 20, facts).chains
    assert [hop.kind for hop in chain.hops] == ["permission", "baseline", "permission"]
    assert conversations_of(index(plant), chain.hops, facts)["baseline", "dmz"] == 1


def test_vlans_and_macs_place_hosts_too() -> None:
    plant = model(
        """
        version: 1
        zones:
        - {id: a, importance: low, members: [{vlan: "10"}]}
        - {id: b, importance: low, members: [{vlan: "20"}]}
        - {id: c, importance: low, members: [{mac: "02:00:00:00:00:0c"}]}
        boundaries:
        - {id: a-b, between: [a, b], allow: [{id: p, from: a, to: b, protocol: any}]}
        - {id: b-c, between: [b, c], allow: [{id: q, from: b, to: c, protocol: any}]}
        """
    )
    (chain,) = find_paths(plant, "a", "c", 20).chains
    assert [hop.id for hop in chain.hops] == ["p", "q"]


def test_the_limit_is_kept_and_told() -> None:
    plant = model(
        "version: 1\n"
        + dedented(DMZ % ("listed", "dmz", "dmz")).replace(
            "{id: up,", "{id: other, from: office, to: 10.2.0.1, protocol: ntp},\n    {id: up,"
        )
    )
    both, one = find_paths(plant, "office", "line", 2), find_paths(plant, "office", "line", 1)
    assert [[hop.id for hop in chain.hops] for chain in both.chains] == [["other", "down"], ["up", "down"]]
    assert not both.more
    assert one.chains == both.chains[:1] and one.more and one.cut == both.cut


def test_a_large_model_is_answered_in_bounded_time() -> None:
    zones = "\n".join(f"- {{id: z{n}, importance: low, members: 10.{n}.0.0/16}}" for n in range(100))
    allowed: dict[tuple[int, int], list[str]] = {}
    for number in range(2000):
        one = number * 7919 % 100
        two = (one + 1 + number * 104729 % 99) % 100
        server = f"10.{two}.0.{number % 30}"
        allowed.setdefault((min(one, two), max(one, two)), []).append(
            f"{{id: p{number}, from: z{one}, to: {server}, protocol: any}}"
        )
    boundaries = "\n".join(
        f"- {{id: b{one}-{two}, between: [z{one}, z{two}], allow: [{', '.join(texts)}]}}"
        for (one, two), texts in sorted(allowed.items())
    )
    plant = model(f"version: 1\nzones:\n{zones}\nboundaries:\n{boundaries}\n")
    told = find_paths(plant, "z3", "z90", 20)
    assert len(told.chains) == 20 and told.more
    assert told.cut.permissions and told.cut.boundaries
