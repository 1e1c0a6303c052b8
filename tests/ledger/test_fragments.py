"""Fragments whose datagram never comes to its end, or seems not to: who talks with whom is told; and those
that contradict each other: whatever a receiver may have read is read.
"""

from __future__ import annotations

from typing import Any

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP, fragment
from scapy.layers.inet6 import IPv6, IPv6ExtHdrFragment, fragment6
from scapy.layers.l2 import GRE, Ether
from scapy.layers.vxlan import VXLAN
from scapy.packet import Raw

from otmon.decode.fields import L_FRAME
from otmon.decode.ip import SLOTS
from otmon.ledger.facts import Conversation
from tests.ledger.seen import Seen
from tests.protocols.test_commands import SLMP_READ, SLMP_STOP

ASKS = IP(src="10.1.0.5", dst="10.2.0.9", id=77) / UDP(sport=50_000, dport=9600) / Raw(bytes(100))
PARTS = fragment(ASKS, 64)


def talks(*packets: Any) -> list[Conversation]:
    frames = [bytes(Ether(src="02:00:00:00:00:05", dst="02:00:00:00:00:01") / one) for one in packets]
    found = Seen().frames((10_000_000 * n, one) for n, one in enumerate(frames, 1))
    return [one for one in found.finish().ledger().conversations if one.server == "10.2.0.9"]


def told(one: Conversation) -> tuple[str, str, int, int, int]:
    return one.client, one.transport, one.port, one.packets_to_server, one.bytes_to_server


def test_a_datagram_whose_rest_does_not_come_is_a_conversation() -> None:
    (one,) = talks(PARTS[0])
    assert told(one) == ("10.1.0.5", "udp", 9600, 1, len(PARTS[0]) + 14)
    assert talks(PARTS[1]) == []


@pytest.mark.parametrize("order", [(0, 1), (1, 0), (0, 0, 1)])
def test_one_that_is_put_together_is_counted_once(order: tuple[int, ...]) -> None:
    (one,) = talks(*[PARTS[n] for n in order])
    assert told(one)[:3] == ("10.1.0.5", "udp", 9600)
    assert one.packets_to_server == len(order)
    assert one.bytes_to_server == sum(len(PARTS[n]) + 14 for n in order)


def test_an_end_that_the_receiver_does_not_take_hides_nobody() -> None:
    end = IP(src="10.1.0.5", dst="10.2.0.9", id=77, proto=17, frag=4000, ttl=1) / Raw(b"far away")
    (one,) = talks(end, *PARTS)
    assert told(one)[:4] == ("10.1.0.5", "udp", 9600, 3)


def test_nor_do_more_datagrams_than_are_put_together_at_a_time() -> None:
    others = [fragment(IP(src="10.1.0.5", dst="10.3.0.9", id=n) / UDP() / Raw(bytes(100)), 64)[0]
              for n in range(1, 2 * SLOTS)]  # fmt: skip
    (one,) = talks(PARTS[0], *others, PARTS[1])
    assert told(one)[:4] == ("10.1.0.5", "udp", 9600, 1)


@pytest.mark.parametrize(
    ("packet", "transport", "port"),
    [
        (IP(src="10.1.0.5", dst="10.2.0.9") / TCP(sport=50_000, dport=502) / Raw(bytes(100)), "tcp", 502),
        (IP(src="10.1.0.5", dst="10.2.0.9") / ICMP(type=8) / Raw(bytes(100)), "icmp", 0),
    ],
)
def test_of_other_transports(packet: Any, transport: str, port: int) -> None:
    (one,) = talks(fragment(packet, 64)[0])
    assert (one.transport, one.port) == (transport, port)


def test_one_that_was_not_captured_whole() -> None:
    data = bytes(Ether(src="02:00:00:00:00:05", dst="02:00:00:00:00:01") / PARTS[0])
    found = Seen()
    for size in range(len(data)):
        found.frames([(size * 10_000_000, data[:size])])
    (one,) = [one for one in found.finish().ledger().conversations if one.transport == "udp"]
    assert told(one)[:3] == ("10.1.0.5", "udp", 9600)


def test_of_ipv6() -> None:
    whole = IPv6(src="fd00::5", dst="fd00::9") / IPv6ExtHdrFragment() / UDP(sport=50_000, dport=9600)
    first = fragment6(whole / Raw(bytes(3_000)), 1_280)[0]
    frame = bytes(Ether(src="02:00:00:00:00:05", dst="02:00:00:00:00:01") / first)
    (one,) = Seen().frames([(1, frame)]).finish().ledger().conversations
    assert (one.client, one.transport, one.port) == ("fd00::5", "udp", 9600)


def test_a_tunnel_in_fragments_is_one_conversation() -> None:
    inner = Ether() / IP(src="10.5.0.1", dst="10.5.0.2") / UDP(sport=7, dport=502) / Raw(bytes(100))
    for packet, kind in (
        (IP(src="10.1.0.5", dst="10.2.0.9", id=5) / GRE(proto=0x6558) / inner, "gre"),
        (
            IP(src="10.1.0.5", dst="10.2.0.9", id=5) / UDP(sport=5, dport=4789) / VXLAN(flags=8) / inner,
            "vxlan",
        ),
    ):
        parts = fragment(packet, 64)
        (one,) = talks(*parts)
        assert (one.protocol, one.packets_to_server) == (kind, len(parts))


def test_fragments_in_a_tunnel_are_counted_once() -> None:
    outer = [
        IP(src="10.1.0.5", dst="10.2.0.9", id=n) / GRE(proto=0x0800) / one for n, one in enumerate(PARTS)
    ]
    found = sorted(talks(*outer), key=lambda one: one.protocol)
    assert [(one.protocol, one.packets_to_server) for one in found] == [("gre", 2), ("unknown", 2)]


STOPS = bytes(UDP(sport=50_000, dport=61_451, len=8 + len(SLMP_STOP), chksum=0)) + SLMP_STOP
CUT = ((0, 8), (8, 16), (16, len(STOPS)))
READS = STOPS[:8] + (SLMP_READ + bytes(8))[: len(SLMP_STOP)]


def piece(whole: bytes, begin: int, end: int, more: bool = True, ttl: int = 64) -> bytes:
    flags = "MF" if more and end < len(whole) else 0
    header = IP(src="10.1.0.5", dst="10.2.0.9", id=77, proto=17, frag=begin // 8, flags=flags, ttl=ttl)
    return bytes(Ether(src="02:00:00:00:00:05", dst="02:00:00:00:00:01") / header / Raw(whole[begin:end]))


TRUE = [piece(STOPS, *ends) for ends in CUT]
DECOYS = [piece(READS, *ends, ttl=1) for ends in CUT]
OTHER_PORT = piece(STOPS[:2] + b"\0\x35" + STOPS[4:], 0, 8, ttl=1)
FAR = piece(STOPS + bytes(4_000), 4_000, 4_008, more=False, ttl=1)
SHORT = piece(STOPS, 8, 16, more=False, ttl=1)[:-6]


def read(*frames: bytes) -> tuple[set[str], list[tuple[str, str, int]], int]:
    """Services, what is told of fragments, and packets of conversations."""
    seen = Seen().frames((10_000_000 * n, one) for n, one in enumerate(frames, 1)).finish()
    assert seen.t.counters[L_FRAME] == len(frames)
    found = seen.ledger()
    told = [(one.reason, one.protocol, one.times) for one in found.anomalies]
    counted = sum(one.packets_to_server for one in found.conversations)
    return {one.service for one in found.operations}, told, counted


@pytest.mark.parametrize("place", range(3))
def test_whichever_of_two_fragments_a_receiver_keeps_the_command_is_seen(place: int) -> None:
    a, b, c = TRUE
    decoy = DECOYS[place]
    rest = [one for n, one in enumerate(TRUE) if n != place]
    differs = decoy[34:] != TRUE[place][34:]
    for frames in (
        [decoy, *TRUE],
        [*TRUE[: place + 1], decoy, *TRUE[place + 1 :]],
        [decoy, *rest, TRUE[place]],
        [*TRUE, decoy],
        [*rest, decoy, TRUE[place]],
        [c, decoy, b, a],
        [decoy, c, b, a, *TRUE],
    ):
        services, told, counted = read(*frames)
        assert "Remote Stop" in services
        assert (told != []) == differs
        assert {one[:2] for one in told} <= {("overlapping-fragments", "slmp")}
        assert counted <= len(frames)


def test_a_port_that_nobody_read_hides_nothing() -> None:
    for frames in ([OTHER_PORT, *TRUE], [OTHER_PORT, *TRUE[1:], TRUE[0]], [TRUE[0], OTHER_PORT, *TRUE[1:]]):
        assert read(*frames)[0] == {"Remote Stop"}


@pytest.mark.parametrize("forged", [FAR, SHORT], ids=["far", "short"])
def test_a_forged_end_hides_nothing(forged: bytes) -> None:
    for place in range(4):
        assert read(*TRUE[:place], forged, *TRUE[place:])[0] == {"Remote Stop"}, place
        assert read(*TRUE[::-1][:place], forged, *TRUE[::-1][place:])[0] == {"Remote Stop"}, place


def test_fragments_that_come_twice_contradict_nothing() -> None:
    for frames in ([one for one in TRUE for _ in range(2)], [*TRUE, *TRUE]):
        services, told, _ = read(*frames)
        assert (services, told) == ({"Remote Stop"}, [])


def test_of_ever_more_contradictions_the_rest_is_read() -> None:
    others = [piece(READS[:8] + bytes((n,)) * 20, 8, 16) for n in range(200)]
    services, told, counted = read(TRUE[0], *others, *TRUE[1:], *others, TRUE[1])
    assert services == {"Remote Stop"} and told[0][2] > 200
    assert counted <= 404
