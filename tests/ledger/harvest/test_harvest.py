"""From rows to facts: texts, roles, and that nothing is counted twice or lost."""

from __future__ import annotations

from random import Random

import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import Raw

from otmon.ledger.facts import Conversation
from otmon.ledger.harvest.harvest import facts_of, source_of
from otmon.ledger.harvest.rows import ended_rows
from otmon.ledger.merge import merge_all
from otmon.ledger.tables import FILL_FLOWS
from tests.ledger.seen import Seen, at_end
from tests.truth.capture import packets
from tests.truth.messages import read_registers
from tests.truth.talk import Talk, whole


def talked(
    client: tuple[str, int], server: tuple[str, int], first: str = "client", proto: type = UDP
) -> Conversation:
    there = IP(src=client[0], dst=server[0]) / proto(sport=client[1], dport=server[1]) / Raw(b"\x80payload")
    back = IP(src=server[0], dst=client[0]) / proto(sport=server[1], dport=client[1]) / Raw(b"\x81payload")
    both = [there, back] if first == "client" else [back, there]
    (fact,) = Seen().frames((n, bytes(Ether() / one)) for n, one in enumerate(both, 1)).ledger().conversations
    return fact


@pytest.mark.parametrize("first", ["client", "server"])
@pytest.mark.parametrize(
    "ports", [(40_000, 53), (40_000, 502), (2000, 80), (60_000, 44_818), (47_809, 47_808)]
)
def test_the_usual_or_lower_port_is_the_servers(ports: tuple[int, int], first: str) -> None:
    fact = talked(("10.0.0.9", ports[0]), ("10.0.0.1", ports[1]), first)
    assert (fact.client, fact.server, fact.port) == ("10.0.0.9", "10.0.0.1", ports[1])
    assert fact.role == "port"


def test_where_ports_tell_nothing_the_first_packet_does() -> None:
    fact = talked(("10.0.0.9", 40_000), ("10.0.0.1", 41_000), "server")
    assert (fact.client, fact.role) == ("10.0.0.1", "first packet")


def test_nobody_asks_from_a_group_address() -> None:
    packet = (
        Ether() / IP(src="10.0.0.1", dst="239.255.255.250") / UDP(sport=1900, dport=50_000) / Raw(b"\x80x")
    )
    (fact,) = Seen().frames([(1, bytes(packet))]).ledger().conversations
    assert (fact.client, fact.server) == ("10.0.0.1", "239.255.255.250")


def test_a_mismatch_of_protocol_and_port_is_a_fact() -> None:
    web = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    packet = (
        Ether() / IP(src="10.0.0.9", dst="10.0.0.1") / TCP(sport=40_000, dport=502, flags="PA") / Raw(web)
    )
    (fact,) = Seen().frames([(1, bytes(packet))]).finish().ledger().conversations
    assert (fact.protocol, fact.expected) == ("http", "modbus")


def test_harvesting_in_parts_gives_what_harvesting_at_once_does() -> None:
    def observed(parts: bool):  # type: ignore[no-untyped-def]
        seen = Seen()
        ledgers = []
        for number in range(20):
            talk = Talk(f"{number}", 49_152 + number % 3, f"10.0.1.{number % 5}")
            talk.isn = (number * 1000, 5)
            for i in range(4):
                talk.poll(read_registers(3, 10 * i + number, 2, Random(i)))
            made = [(p.time_ns + number * 10**10, p.frame) for p in packets(talk, whole(talk))]
            seen.frames(made)
            if parts:
                ledgers.append(facts_of(ended_rows(seen.t), "x"))
                assert seen.t.used[FILL_FLOWS] == 0
        seen.finish()
        return merge_all([*ledgers, facts_of(ended_rows(seen.t), "x"), at_end(seen.t)])

    assert observed(True) == observed(False)


def test_a_source_names_every_counter_that_is_not_zero() -> None:
    talk = Talk("x")
    talk.poll(read_registers(3, 0, 1, Random(1)))
    seen = Seen().packets(packets(talk, whole(talk))).finish()
    source = source_of(seen.t, "a.pcap", 999, 5)
    assert (source.name, source.bytes, source.first_ns, source.packets) == ("a.pcap", 999, 5, seen.number - 1)
    assert dict(source.counters) == seen.counted
    assert source.last_ns == max(p.time_ns for p in packets(talk, whole(talk)))
