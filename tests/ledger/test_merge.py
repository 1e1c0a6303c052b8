from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from otmon.ledger.facts import (
    NEVER,
    UNKNOWN,
    AssetClaim,
    Conversation,
    Evidence,
    Operation,
)
from otmon.ledger.ledger import EMPTY, LIMITS, Limits, asset_key, operation_key, service_key
from otmon.ledger.merge import collect, grown, merge, merge_all
from tests.zones.facts import asset

examples = settings(max_examples=80, deadline=None)


@examples
@given(st.data())
def test_merge_is_commutative(ledgers: Any, small: Limits, data: st.DataObject) -> None:
    a, b = data.draw(ledgers), data.draw(ledgers)
    assert merge(a, b, small) == merge(b, a, small)


@examples
@given(st.data())
def test_merge_is_associative(ledgers: Any, small: Limits, data: st.DataObject) -> None:
    a, b, c = data.draw(ledgers), data.draw(ledgers), data.draw(ledgers)
    left = merge(merge(a, b, small), c, small)
    assert left == merge(a, merge(b, c, small), small)
    assert left == merge_all([a, b, c], small)


@examples
@given(st.data())
def test_the_empty_ledger_changes_nothing(ledgers: Any, small: Limits, data: st.DataObject) -> None:
    a = data.draw(ledgers)
    assert merge(a, EMPTY, small) == a == merge(EMPTY, a, small)


@examples
@given(st.data())
def test_a_ledger_grows_as_all_at_once_are_merged(ledgers: Any, data: st.DataObject) -> None:
    """Also by itself: what comes twice counts twice."""
    a, b = data.draw(ledgers), data.draw(ledgers)
    merged = merge(a, EMPTY)
    assert grown(merged, [b, b]) == merge_all([a, b, b])
    for kind in ("assets", "operations", "claims"):
        one = collect(**{kind: getattr(b, kind)})
        assert grown(merged, [one]) == merge(a, one)
    sender = asset("00:00:00:00:00:01", "10.0.0.1")
    (twice,) = collect(assets=[sender, sender]).assets
    assert twice.packets == 2 * sender.packets > 0


@examples
@given(st.data())
def test_nothing_is_lost_uncounted(ledgers: Any, small: Limits, data: st.DataObject) -> None:
    def amounts(ledger: Any) -> dict[str, int]:
        lost = dict(ledger.overflow)
        return {
            "assets": lost.get("assets", 0) + sum(fact.packets for fact in ledger.assets),
            "operations": lost.get("operations", 0) + sum(fact.times for fact in ledger.operations),
            "anomalies": lost.get("anomalies", 0) + sum(fact.times for fact in ledger.anomalies),
            "credentials": lost.get("credentials", 0) + sum(fact.times for fact in ledger.credentials),
            "claims": lost.get("claims", 0) + sum(fact.times for fact in ledger.claims),
            "names": lost.get("names", 0) + sum(fact.times for fact in ledger.names),
            "damage": lost.get("damage", 0) + sum(fact.count for fact in ledger.damage),
            "conversations": lost.get("conversations", 0)
            + sum(fact.packets_to_server + fact.packets_to_client for fact in ledger.conversations),
        }

    a, b = data.draw(ledgers), data.draw(ledgers)
    there, added = amounts(merge(a, b, small)), amounts(b)
    assert there == {kind: amount + added[kind] for kind, amount in amounts(a).items()}


@examples
@given(st.data())
def test_ledgers_are_canonical(ledgers: Any, small: Limits, data: st.DataObject) -> None:
    ledger = merge(data.draw(ledgers), data.draw(ledgers), small)
    keys = [operation_key(fact) for fact in ledger.operations]
    assert keys == sorted(set(keys))
    services: dict[Any, list[Operation]] = {}
    for operation in ledger.operations:
        services.setdefault(service_key(operation), []).append(operation)
    for group in services.values():
        swept = {operation.swept for operation in group}
        assert len(swept) == 1
        if swept == {False}:
            assert len(group) <= small.ranges
        else:
            ranges = [(one.address, one.address + one.count) for one in group if one.address != UNKNOWN]
            assert all(before[1] < after[0] for before, after in pairwise(ranges))


@examples
@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(1, 4)), min_size=1, max_size=40), st.integers(0, 40)
)
def test_a_sweep_names_exactly_the_elements_asked_for(
    an_operation: Operation, pairs: list[tuple[int, int]], cut: int
) -> None:
    facts = [replace(an_operation, address=address, count=count) for address, count in pairs]
    limits = Limits(ranges=4)
    ledger = merge(
        collect(operations=facts[:cut], limits=limits), collect(operations=facts[cut:], limits=limits), limits
    )
    told = {
        element for fact in ledger.operations for element in range(fact.address, fact.address + fact.count)
    }
    assert told == {element for address, count in pairs for element in range(address, address + count)}
    assert sum(fact.times for fact in ledger.operations) == len(pairs)
    assert all(fact.swept for fact in ledger.operations) == (len(set(pairs)) > 4)


def test_a_sweep_of_all_registers_is_one_operation(an_operation: Operation) -> None:
    facts = [replace(an_operation, address=address, count=1, first_ns=address) for address in range(65_536)]
    (swept,) = collect(operations=facts).operations
    assert (swept.address, swept.count, swept.swept, swept.times) == (0, 65_536, True, 65_536)
    assert (swept.first_ns, swept.response_ns_sum, swept.answered) == (0, 5 * 65_536, 65_536)


def test_a_swept_service_takes_in_later_pairs(an_operation: Operation) -> None:
    sweep = collect(
        operations=[replace(an_operation, address=address, count=1) for address in range(0, 2000, 2)]
    )
    assert len(sweep.operations) == 1000
    gap = collect(operations=[replace(an_operation, address=1, count=1)])
    ledger = merge(gap, sweep)
    assert ledger.operations[0].address == 0
    assert ledger.operations[0].count == 3
    assert len(ledger.operations) == 999


def test_pairs_that_name_no_element_stay_apart_in_a_sweep(an_operation: Operation) -> None:
    facts = [replace(an_operation, address=address, count=1) for address in range(5)]
    facts += [replace(an_operation, address=UNKNOWN), replace(an_operation, address=40, count=0)]
    facts += [replace(an_operation, address=5, count=UNKNOWN)]
    ledger = collect(operations=facts, limits=Limits(ranges=4))
    assert [(fact.address, fact.count, fact.times) for fact in ledger.operations] == [
        (UNKNOWN, UNKNOWN, 2),
        (0, 6, 6),
    ]


def test_a_sweep_of_one_service_leaves_the_others(an_operation: Operation) -> None:
    facts = [replace(an_operation, address=address, count=1) for address in range(5)]
    write = replace(an_operation, function=16, access="write")
    refused = replace(an_operation, status=2)
    ledger = collect(operations=[*facts, write, refused], limits=Limits(ranges=4))
    assert [fact.swept for fact in ledger.operations if fact.function == 16 or fact.status == 2] == [
        False,
        False,
    ]


def test_a_flood_of_senders_is_bounded_and_told() -> None:
    senders = [
        asset(f"02:00:00:00:{n >> 8:02x}:{n & 255:02x}", "", packets=3, evidence=Evidence(n, "a.pcap", n, 0))
        for n in range(500)
    ]
    limits = Limits(assets=100)
    ledger = collect(assets=senders, limits=limits)
    assert len(ledger.assets) == 100
    assert ledger.overflow == (("assets", 1200),)
    halves = merge(
        collect(assets=senders[::2], limits=limits), collect(assets=senders[1::2], limits=limits), limits
    )
    assert halves == ledger
    kept = {asset_key(asset) for asset in ledger.assets}
    assert kept != {asset_key(asset) for asset in senders[:100]}, "low addresses must not push out the others"


def test_a_port_scan_does_not_push_out_known_protocols(an_operation: Operation) -> None:
    scan = [
        Conversation(
            "10.0.0.9", "10.0.0.2", "tcp", port, "unknown", "", "", "handshake", False,
            1, 0, 1, 1, 60, 60, "", NEVER, 1, 5, 5, Evidence(5, "a.pcap", port, 0),
        )
        for port in range(1, 400)
    ]  # fmt: skip
    real = replace(scan[0], client="10.0.0.99", port=502, protocol="modbus")
    ledger = collect(conversations=[*scan, real], limits=Limits(conversations=10))
    assert real in ledger.conversations
    reads = [replace(an_operation, unit=unit) for unit in range(200)]
    write = replace(an_operation, function=6, access="write")
    assert write in collect(operations=[*reads, write], limits=Limits(operations=10)).operations


def test_a_sender_has_few_values_of_a_kind() -> None:
    seen = Evidence(1, "a", 1, 24)

    def said(value: str, kind: Any = "name", mac: str = "00:00:00:00:00:01") -> AssetClaim:
        return AssetClaim(mac, "10.0.0.1", "", kind, value, "dhcp", 2, 1, 1, seen)

    flood = [said(f"host-{number:03}") for number in range(100)]
    others = [said("host", "model"), said("other", mac="00:00:00:00:00:02")]
    ledger = collect(claims=[*flood[::-1], *others, *others])
    assert [one.value for one in ledger.claims if one.kind == "name" and one.mac.endswith("1")] == [
        f"host-{number:03}" for number in range(LIMITS.values)
    ]
    assert [one.times for one in ledger.claims if one.value in ("host", "other")] == [4, 4]
    assert dict(ledger.overflow) == {"claims": 2 * (100 - LIMITS.values)}


def test_a_sender_reaches_more_domains_and_they_give_way_first() -> None:
    """By way of proxies a browser reaches hundreds: who a host is must not be lost for that."""
    evidence = Evidence(1, "a", 1, 0)
    reached = [
        AssetClaim("", "10.0.0.1", "", "reaches", f"d{n:03}.example", "http", 9, 1, 2, evidence)
        for n in range(LIMITS.domains + 7)
    ]
    named = AssetClaim("", "10.0.0.2", "", "name", "panel", "dhcp", 1, 1, 2, evidence)
    ledger = collect(claims=[*reached, named])
    assert sum(one.kind == "reaches" for one in ledger.claims) == LIMITS.domains
    assert dict(ledger.overflow) == {"claims": 7 * 9}
    few = collect(claims=[*reached, named], limits=replace(LIMITS, claims=3))
    assert named in few.claims and len(few.claims) == 3
