"""The loop over packets: flows, assets, copies, tunnels, and connections on the same ports."""

from __future__ import annotations

from random import Random

import numpy as np
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.packet import Raw

from otmon.decode.streams import STREAMS
from otmon.ledger.facts import HOUR_NS
from otmon.ledger.packets.endings import finish_source
from otmon.ledger.packets.observe import observe
from otmon.ledger.tables import ENDED_FLOWS, FILL_FLOWS
from tests.ledger.seen import SIGNATURES, Seen
from tests.protocols.test_commands import READ, STOP
from tests.truth.capture import mirrored, packets
from tests.truth.frames import LINKS
from tests.truth.messages import read_registers
from tests.truth.segmentation import polling
from tests.truth.talk import MICROSECOND, Talk, whole

A, B = (
    Ether(src="00:80:f4:00:00:01", dst="00:80:f4:00:00:02"),
    Ether(src="00:80:f4:00:00:02", dst="00:80:f4:00:00:01"),
)


def frame(packet: Ether) -> bytes:
    return bytes(packet)


def test_both_directions_are_one_conversation_with_a_client() -> None:
    there = A / IP(src="10.0.0.1", dst="10.0.0.2") / UDP(sport=40_000, dport=9) / Raw(b"x" * 30)
    back = B / IP(src="10.0.0.2", dst="10.0.0.1") / UDP(sport=9, dport=40_000) / Raw(b"y" * 10)
    (fact,) = (
        Seen()
        .frames([(1, frame(there)), (2 * 10**9, frame(there)), (3 * 10**9, frame(back))])
        .ledger()
        .conversations
    )
    assert (fact.client, fact.server, fact.port, fact.transport) == ("10.0.0.1", "10.0.0.2", 9, "udp")
    assert (fact.packets_to_server, fact.packets_to_client) == (2, 1)
    assert (fact.bytes_to_server, fact.bytes_to_client) == (2 * len(there), len(back))
    assert fact.answered


def test_assets_are_addresses_with_their_mac_and_tag() -> None:
    frames = [
        frame(A / IP(src="10.0.0.1", dst="10.0.0.2") / ICMP()),
        frame(A / Dot1Q(vlan=7) / IP(src="10.0.0.1", dst="10.0.0.2") / ICMP()),
        frame(A / ARP(psrc="10.0.0.5", hwsrc="00:80:f4:00:00:01")),
        frame(A / Raw(bytes(60))),
    ]
    facts = Seen().frames((10**9 * n, data) for n, data in enumerate(frames)).ledger().assets
    assert {(one.address, one.vlan) for one in facts} >= {
        ("10.0.0.1", ""),
        ("10.0.0.1", "7"),
        ("10.0.0.5", ""),
    }
    assert {one.mac for one in facts} == {"00:80:f4:00:00:01"}


def test_a_mirrors_copies_are_counted_and_left_out() -> None:
    talk = polling("x", 0, 5)
    once = packets(talk, whole(talk))
    seen = Seen().packets(mirrored(once, 2 * MICROSECOND, lambda packet: packet)).finish()
    assert seen.counted["duplicate frames"] == len(once)
    assert seen.counted["transactions"] == 5
    assert sum(one.packets_to_server + one.packets_to_client for one in seen.ledger().conversations) == len(
        once
    )


def test_a_tunnel_is_a_conversation_of_its_own() -> None:
    talk = polling("x", 0, 3)
    erspan = next(link for link in LINKS if link.name == "ERSPAN II")
    facts = Seen().packets(packets(talk, whole(talk), erspan)).finish().ledger().conversations
    assert {(one.protocol, one.tunnel) for one in facts} == {("modbus", "erspan"), ("erspan", "")}


def test_ports_that_are_used_again_are_a_flow_anew() -> None:
    seen = Seen()
    for number in range(3):
        talk = polling("x", 0, 3)
        talk.isn = (1000 * (number + 1), 5)
        made = packets(talk, whole(talk))
        for packet in made:
            seen.frames([(packet.time_ns + number * 10**9, packet.frame)])
    seen.finish()
    assert seen.counted["transactions"] == 9
    (fact,) = seen.ledger().conversations
    assert fact.flows == 3


def test_more_connections_than_streams_give_way_and_come_back() -> None:
    seen = Seen(transactions=False)
    talks = [Talk(f"{n}", 1024 + n % 60_000, f"10.1.{n >> 8 & 255}.{n & 255}") for n in range(STREAMS + 600)]
    for talk in talks:
        talk.poll(read_registers(3, 0, 1, Random(1)))
        talk.poll(read_registers(3, 5, 1, Random(1)))
    made = [packets(talk, whole(talk)) for talk in talks]
    for half in (slice(0, 5), slice(5, None)):
        for one in made:
            seen.packets(one[half])
    seen.finish()
    assert seen.counted["streams evicted"] > 0
    assert seen.counted["transactions"] == 2 * len(talks)


def test_when_the_ended_rows_are_full_it_stops_until_they_are_read() -> None:
    seen = Seen()
    seen.t.used[FILL_FLOWS] = ENDED_FLOWS - 2
    talk = polling("x", 0, 1)
    packet = packets(talk, whole(talk))[0]
    try:
        seen.packets([packet])
    except AssertionError:
        pass
    else:
        raise AssertionError("a packet was taken without room")
    assert "packets" not in seen.counted
    assert finish_source(seen.t, 0) == 0


def test_resets_alone_are_no_answer() -> None:
    syn = A / IP(src="10.0.0.1", dst="10.0.0.2") / TCP(sport=40_000, dport=502, flags="S", seq=5)
    reset = B / IP(src="10.0.0.2", dst="10.0.0.1") / TCP(sport=502, dport=40_000, flags="RA", ack=6)
    (fact,) = Seen().frames([(1, frame(syn)), (2, frame(reset))]).ledger().conversations
    assert (fact.answered, fact.protocol, fact.expected, fact.role) == (False, "none", "modbus", "handshake")


def test_the_hours_of_the_week_are_kept() -> None:
    """1 January 1970 was a Thursday: hours count from Monday, in UTC."""
    talk = Talk("x")
    begin = 7 * 24 * HOUR_NS  # Thursday 00:00
    seen = Seen()
    for hour, number in ((0, 1), (5, 2), (4 * 24, 3)):
        talk.now = begin + hour * HOUR_NS
        talk.poll(read_registers(3, number, 1, Random(number)))
    ledger = seen.packets(packets(talk, whole(talk))).finish().ledger()
    thursday = 3 * 24
    (conversation,) = ledger.conversations
    assert conversation.hours & (1 << thursday + 5 | 1 << 0) == 1 << thursday + 5 | 1 << 0
    assert [one.hours for one in ledger.operations] == [1 << thursday, 1 << thursday + 5, 1]


WRITE = bytes.fromhex("00020000000601060005ffff")


def asked(found: Seen) -> list[tuple[int, int]]:
    return sorted((one.function, one.times) for one in found.finish().ledger().operations)


def test_a_request_in_the_packet_that_opens_a_connection_is_read() -> None:
    for begin in (1_000, (1 << 32) - 1, (1 << 32) - 2):
        opens = TCP(sport=40_000, dport=502, flags="S", seq=begin) / Raw(WRITE)
        behind = TCP(sport=40_000, dport=502, flags="PA", seq=(begin + 13) % (1 << 32)) / Raw(WRITE)
        sent = [frame(A / IP(src="10.0.0.1", dst="10.0.0.2") / one) for one in (opens, behind)]
        found = Seen().frames((10**9 * n, data) for n, data in enumerate(sent))
        assert asked(found) == [(6, 2)]
        assert "gaps in tcp streams" not in found.counted


def test_a_frame_with_the_checksum_of_another_one_is_no_copy_of_it() -> None:
    """A decoy to a MAC address that nobody has, at once what it should hide, and a mirror's copy of that."""
    elsewhere = Ether(src="00:80:f4:00:00:01", dst="00:80:f4:00:00:99")
    decoy = READ + bytes(len(STOP) - len(READ))
    frames = [
        frame(
            ends
            / IP(src="10.0.0.1", dst="10.0.0.2", id=7)
            / TCP(sport=40_000, dport=102, chksum=9)
            / Raw(data)
        )
        for ends, data in ((elsewhere, decoy), (A, STOP), (A, STOP))
    ]
    found = Seen()
    buf = np.frombuffer(b"".join(frames), np.uint8).copy()
    sizes = np.array([len(one) for one in frames], np.int64)
    starts = np.cumsum(sizes) - sizes
    times = np.arange(len(frames), dtype=np.int64) * 1_000
    links = np.ones(len(frames), np.int64)
    assert observe(buf, starts, sizes, sizes, times, links, 1, 0, 0, found.t, SIGNATURES) == len(frames)
    found.number += len(frames)
    assert found.counted["duplicate frames"] == 1
    assert asked(found) == [(0x29, 1)]
