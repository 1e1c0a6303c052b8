from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from otmon.ledger.facts import (
    NEVER,
    UNKNOWN,
    Anomaly,
    Asset,
    AssetClaim,
    Conversation,
    Evidence,
    Operation,
    Peak,
    Source,
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


def test_conversations_join_to_the_surest() -> None:
    guessed = Conversation(
        "10.0.0.1", "10.0.0.2", "tcp", 502, "modbus", "", "", "first packet", False,
        1, 1, 2, 3, 4, 5, "erspan", NEVER, 4, 20, 30, Evidence(20, "b.pcap", 1, 24),
    )  # fmt: skip
    seen = replace(
        guessed,
        role="handshake",
        answered=True,
        tunnel="",
        hours=3,
        first_ns=10,
        last_ns=15,
        evidence=Evidence(10, "a.pcap", 9, 0),
    )
    (joined,) = merge(collect(conversations=[guessed]), collect(conversations=[seen])).conversations
    assert joined == replace(
        guessed, role="handshake", answered=True, flows=2, resets=2, packets_to_server=4, packets_to_client=6,
        bytes_to_server=8, bytes_to_client=10, hours=7, first_ns=10, last_ns=30, evidence=seen.evidence,
    )  # fmt: skip
    wrapped = replace(guessed, tunnel="gre")
    (joined,) = collect(conversations=[wrapped, guessed]).conversations
    assert joined.tunnel == "erspan+gre"


def test_an_anomaly_keeps_the_value_of_its_first_packet() -> None:
    late = Anomaly(
        "10.0.0.1", "10.0.0.2", "tcp", 502, "modbus", "", True, "protocol-id", "protocol id", UNKNOWN,
        7, 0, 1, 50, 50, Evidence(50, "a.pcap", 5, 0),
    )  # fmt: skip
    early = replace(late, value=9, times=2, first_ns=40, last_ns=60, evidence=Evidence(40, "a.pcap", 4, 0))
    (joined,) = collect(anomalies=[late, early]).anomalies
    assert joined == replace(early, times=3)


def test_a_source_without_packets_has_no_time() -> None:
    empty = Source("a.pcap", 0, 0, 0, 0, ())
    full = Source("a.pcap", 2, 90, 1000, 2000, (("layer.ip", 2),))
    assert collect(sources=[empty, full]).sources == (full,)


def test_response_times_of_unanswered_operations_do_not_count(an_operation: Operation) -> None:
    silent = replace(an_operation, answered=0, response_ns_sum=0, response_ns_min=0, response_ns_max=0)
    (joined,) = collect(operations=[silent, an_operation]).operations
    assert (joined.response_ns_min, joined.response_ns_max, joined.answered, joined.times) == (5, 5, 1, 2)


def test_response_times_add_by_their_bounds(an_operation: Operation) -> None:
    unknown = replace(an_operation, answered=3, response_counts=())
    quick = replace(an_operation, answered=5, response_counts=(5,))
    slow = replace(an_operation, answered=4, response_counts=(1, 0, 2))
    (joined,) = collect(operations=[unknown, quick, slow]).operations
    assert (joined.answered, joined.response_counts) == (12, (6, 0, 2))


def test_of_peaks_the_highest_stays_and_of_equal_ones_the_earlier() -> None:
    def sender(*peaks: Peak, **more: object) -> Asset:
        return asset("02:00:00:00:00:01", "10.0.0.1", peaks=peaks, **more)

    a = sender(Peak("ARP packets", 5, 20), Peak("broadcasts", 1, 90), arp=5, arp_asked=1 << 7)
    b = sender(Peak("ARP packets", 5, 10), Peak("datagrams", 9, 30), arp=6, arp_asked=1 << 255)
    for order in ((a, b), (b, a), (a, b, b)):
        (joined,) = collect(assets=order).assets
        assert joined.peaks == (
            Peak("ARP packets", 5, 10), Peak("broadcasts", 1, 90), Peak("datagrams", 9, 30)
        )  # fmt: skip
    (joined,) = collect(assets=(a, b)).assets
    assert (joined.arp, joined.arp_asked) == (11, 1 << 7 | 1 << 255)


def test_of_gaps_the_longest_stays(an_operation: Operation) -> None:
    for number in (1, 600):
        pairs = [replace(an_operation, address=20 * n, gap_ns=n) for n in range(number)]
        longest = max(one.gap_ns for one in collect(operations=[*pairs, *pairs]).operations)
        assert longest == number - 1


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
