"""Errors of ICMP that answer a conversation are of it, and nobody talks by them."""

from __future__ import annotations

from typing import Any

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import (
    ICMPv6DestUnreach,
    ICMPv6EchoRequest,
    ICMPv6PacketTooBig,
    ICMPv6TimeExceeded,
    IPv6,
)
from scapy.layers.l2 import Ether
from scapy.packet import Raw

from otmon.ledger.facts import Conversation
from tests.ledger.seen import Seen

CLIENT, SERVER, ROUTER, STRANGER = "10.1.0.5", "10.2.0.9", "10.1.0.1", "10.1.0.66"
CLIENT6, SERVER6, ROUTER6 = "fd00:1::5", "fd00:2::9", "fd00:1::1"
MACS = {CLIENT: "02:00:00:00:00:05", STRANGER: "02:00:00:00:00:66", CLIENT6: "02:00:00:00:00:05"}
ELSEWHERE = "02:00:00:00:00:01"
"""Of the router, from which comes what is from other networks."""


def frame(packet: Any) -> bytes:
    ends = [MACS.get(one, ELSEWHERE) for one in (packet.src, packet.dst)]
    return bytes(Ether(src=ends[0], dst=ends[1]) / packet)


def talks(*packets: Any) -> list[Conversation]:
    found = Seen().frames((10_000_000 * n, frame(one)) for n, one in enumerate(packets, 1))
    return sorted(found.finish().ledger().conversations, key=lambda one: one.transport)


ASKS = IP(src=CLIENT, dst=SERVER) / UDP(sport=50_000, dport=161) / Raw(b"x" * 40)
ANSWERS = IP(src=SERVER, dst=CLIENT) / UDP(sport=161, dport=50_000) / Raw(b"x" * 40)
OPENS = IP(src=CLIENT, dst=SERVER) / TCP(sport=50_000, dport=502, flags="S", seq=7)
PINGS = IP(src=CLIENT, dst=SERVER) / ICMP(type=8, id=1, seq=1) / Raw(b"x" * 40)
ASKS6 = IPv6(src=CLIENT6, dst=SERVER6) / UDP(sport=50_000, dport=161) / Raw(b"x" * 40)
ANSWERS6 = IPv6(src=SERVER6, dst=CLIENT6) / UDP(sport=161, dport=50_000) / Raw(b"x" * 40)
PINGS6 = IPv6(src=CLIENT6, dst=SERVER6) / ICMPv6EchoRequest(id=1, data=b"x" * 40)


def error(asked: Any, kind: int = 3, sender: str = SERVER, more: bytes = b"", quoted: int = 28) -> IP:
    return IP(src=sender, dst=CLIENT) / ICMP(type=kind, code=1) / Raw(bytes(asked)[:quoted] + more)


@pytest.mark.parametrize(
    ("packets", "transport"),
    [
        ([ASKS, error(ASKS)], "udp"),
        ([ASKS, error(ASKS, quoted=68)], "udp"),
        ([ASKS, error(ASKS, 11)], "udp"),
        ([ASKS, error(ASKS, 12)], "udp"),
        ([OPENS, error(OPENS)], "tcp"),
        ([PINGS, error(PINGS)], "icmp"),
        ([ASKS, ANSWERS, ASKS, error(ASKS, 11, ROUTER)], "udp"),
        ([ASKS6, IPv6(src=SERVER6, dst=CLIENT6) / ICMPv6DestUnreach() / ASKS6], "udp"),
        ([PINGS6, IPv6(src=SERVER6, dst=CLIENT6) / ICMPv6TimeExceeded() / PINGS6], "icmpv6"),
        ([ASKS6, ANSWERS6, IPv6(src=ROUTER6, dst=CLIENT6) / ICMPv6PacketTooBig() / ASKS6], "udp"),
    ],
)
def test_an_error_is_of_the_conversation_that_it_answers(packets: list[Any], transport: str) -> None:
    (one,) = talks(*packets)
    assert (one.transport, one.client) == (transport, packets[0].src)
    assert one.packets_to_server + one.packets_to_client == len(packets)
    assert one.packets_to_client >= 1
    assert one.answered == (ANSWERS in packets or ANSWERS6 in packets)


@pytest.mark.parametrize(
    "other",
    [
        # Nobody asked.
        error(IP(src=CLIENT, dst=SERVER) / UDP(sport=50_001, dport=161) / Raw(b"x" * 40)),
        error(IP(src=CLIENT, dst=STRANGER) / UDP(sport=50_000, dport=161) / Raw(b"x" * 40)),
        # It goes to somebody else than who asked, or comes from one who has nothing to do with it.
        error(ANSWERS),
        error(ASKS, sender=STRANGER),
        # It is none, or more than one.
        error(ASKS, 5),
        error(ASKS, 8),
        error(ASKS, quoted=27),
        error(ASKS, more=bytes(530)),
        error(b"\x45" + bytes(5) + b"\0\1" + bytes(ASKS)[8:]),
        error(b"\x41" + bytes(ASKS)[1:]),
        error(b"\x65" + bytes(ASKS)[1:]),
        error(bytes(ASKS)[:9] + b"\x2f" + bytes(ASKS)[10:]),
    ],
)
def test_another_one_is_a_conversation_of_its_own(other: Any) -> None:
    assert [one.transport for one in talks(ASKS, ANSWERS, other)] == ["icmp", "udp"]


def test_a_router_that_is_not_known_to_be_one_is_none() -> None:
    # Nothing came from there that could tell.
    assert [one.transport for one in talks(ASKS, error(ASKS, 11, ROUTER))] == ["icmp", "udp"]


def test_nobody_talks_by_errors() -> None:
    errors = [error(ASKS, more=bytes([n])) for n in range(20)]
    icmp, udp = talks(ASKS, ASKS, ASKS, *errors)
    assert (udp.packets_to_server, udp.packets_to_client) == (3, 3)
    assert icmp.packets_to_client + icmp.packets_to_server == 17


def test_it_may_be_cut_anywhere() -> None:
    whole = frame(error(ASKS, quoted=68))
    for size in range(len(whole)):
        Seen().frames([(1, frame(ASKS)), (2, whole[:size])])
