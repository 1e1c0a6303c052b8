from __future__ import annotations

from dataclasses import replace

from otmon.ledger.facts import (
    NEVER,
    UNKNOWN,
    Anomaly,
    Asset,
    Conversation,
    Damage,
    Evidence,
    Operation,
    Peak,
    Source,
)
from otmon.ledger.joining import join_damage, sum_of
from otmon.ledger.merge import collect, merge
from tests.zones.facts import asset


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


def test_damage_of_one_place_is_counted_with_the_smaller_text() -> None:
    one, other = Damage("a.pcap", "cut", 24, 2, "b"), Damage("a.pcap", "cut", 24, 3, "a")
    assert join_damage(one, other) == join_damage(other, one) == Damage("a.pcap", "cut", 24, 5, "a")


def test_operations_of_one_service_are_one_of_a_range(an_operation: Operation) -> None:
    later = replace(an_operation, address=9, first_ns=an_operation.first_ns + 5, times=4)
    whole = sum_of((later, an_operation), 0, 10, True)
    assert (whole.address, whole.count, whole.swept) == (0, 10, True)
    assert (whole.times, whole.first_ns) == (an_operation.times + 4, an_operation.first_ns)
