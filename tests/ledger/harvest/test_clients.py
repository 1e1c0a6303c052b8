"""Who the client of a flow is: what is surest decides."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
from scapy.layers.inet import ICMP, IP
from scapy.layers.inet import UDP as Datagram
from scapy.layers.inet6 import ICMPv6EchoReply, ICMPv6EchoRequest, ICMPv6PacketTooBig, IPv6
from scapy.layers.l2 import Ether

from otmon.decode.flows import (
    CLIENT_B,
    F_A_LO,
    F_B_LO,
    F_COLUMNS,
    F_KEY,
    F_STATE,
    FIRST_B,
    ROLE_FIRST,
    ROLE_HANDSHAKE,
    ROLE_PORT,
    ROLE_SHIFT,
)
from otmon.ledger.facts import Conversation
from otmon.ledger.harvest.clients import clients_of
from tests.ledger.seen import Seen

TCP, UDP = 6, 17
GROUP = 0xE00000FB
SEARCH, FOUND = bytes.fromhex("5a000001"), bytes.fromhex("da0000011400c0a80365c0a80365")
"""MELSOFT: to all, and from a controller to all."""


def flow(
    port_a: int, port_b: int, state: int = 0, proto: int = TCP, a: int = 1, b: int = 2
) -> tuple[int, int]:
    """Whether B is the client, and why, for an IPv4 flow."""
    row = np.zeros((1, F_COLUMNS), np.int64)
    row[0, F_KEY] = proto | port_a << 16 | port_b << 32 | 4 << 48
    row[0, F_STATE], row[0, F_A_LO], row[0, F_B_LO] = state, a, b
    client, role = clients_of(row)
    return int(client[0]), int(role[0])


@pytest.mark.parametrize(
    ("ports", "state", "expected"),
    [
        ((50_000, 502), 0, (0, ROLE_PORT)),
        ((502, 50_000), 0, (1, ROLE_PORT)),
        ((50_000, 50_001), 0, (0, ROLE_FIRST)),
        ((50_000, 50_001), FIRST_B, (1, ROLE_FIRST)),
        ((900, 50_000), 0, (1, ROLE_PORT)),
        ((50_000, 502), CLIENT_B | ROLE_HANDSHAKE << ROLE_SHIFT, (1, ROLE_HANDSHAKE)),
    ],
)
def test_the_surest_sign_decides(ports: tuple[int, int], state: int, expected: tuple[int, int]) -> None:
    assert flow(*ports, state) == expected


def test_who_takes_traps_is_their_server() -> None:
    assert flow(161, 162, 0, UDP) == flow(161, 162, FIRST_B, UDP) == (0, ROLE_PORT)
    assert flow(162, 161, 0, UDP) == flow(162, 161, FIRST_B, UDP) == (1, ROLE_PORT)
    assert flow(50_000, 162, 0, UDP) == (0, ROLE_PORT)
    assert flow(161, 50_000, 0, UDP) == (1, ROLE_PORT)


def test_a_group_is_no_client() -> None:
    assert flow(5353, 5353, FIRST_B, UDP, a=1, b=GROUP) == (0, ROLE_FIRST)
    assert flow(5353, 5353, 0, UDP, a=1, b=GROUP)[0] == 0


@pytest.mark.parametrize(
    ("frame", "port"),
    [
        (("10.0.0.9", "255.255.255.255", 62_657, 5560, SEARCH), 5560),
        (("10.0.0.1", "255.255.255.255", 5560, 62_657, FOUND), 5560),
        (("10.0.0.1", "239.1.2.3", 5560, 62_657, FOUND), 5560),
        (("fd00::1", "ff02::1", 5560, 62_657, FOUND), 5560),
        (("10.0.0.1", "255.255.255.255", 5560, 62_657, b"of nobody"), 62_657),
        (("10.0.0.1", "10.0.0.9", 40_000, 62_657, FOUND), 62_657),
    ],
)
def test_what_answers_to_all_goes_by_its_own_port(frame: tuple[str, str, int, int, bytes], port: int) -> None:
    source, target, source_port, target_port, payload = frame
    version = IPv6 if ":" in source else IP
    datagram = version(src=source, dst=target) / Datagram(sport=source_port, dport=target_port) / payload
    one = conversation_of([bytes(Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / datagram)])
    assert (one.client, one.server, one.port) == (source, target, port)


def test_each_answer_to_all_is_one_conversation() -> None:
    frames = [
        bytes(Ether() / IP(src=PINGED, dst="255.255.255.255") / Datagram(sport=5560, dport=port) / FOUND)
        for port in range(62_000, 62_050)
    ]
    assert conversation_of(frames).packets_to_server == 50


PINGER, PINGED = "10.0.0.9", "10.0.0.1"


def icmp(client: str, server: str, message: Any) -> bytes:
    version = IPv6 if ":" in client else IP
    frame = (
        Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / version(src=client, dst=server) / message
    )
    return bytes(frame)


def conversation_of(frames: Iterable[bytes]) -> Conversation:
    (one,) = Seen().frames(list(enumerate(frames))).finish().ledger().conversations
    return one


@pytest.mark.parametrize(
    ("messages", "client", "role"),
    [
        ([(PINGED, PINGER, ICMP(type=0)), (PINGER, PINGED, ICMP(type=8))], PINGER, "protocol"),
        ([(PINGED, PINGER, ICMP(type=14))], PINGER, "protocol"),
        ([(PINGED, PINGER, ICMP(type=17))], PINGED, "protocol"),
        ([(PINGED, PINGER, ICMP(type=3)), (PINGER, PINGED, ICMP(type=8))], PINGER, "protocol"),
        # Both ask: who did so first.
        ([(PINGED, PINGER, ICMP(type=8)), (PINGER, PINGED, ICMP(type=8))], PINGED, "protocol"),
        ([(PINGED, PINGER, ICMP(type=3))], PINGED, "first packet"),
        ([("fd00::1", "fd00::9", ICMPv6EchoReply())], "fd00::9", "protocol"),
        ([("fd00::1", "fd00::9", ICMPv6EchoRequest())], "fd00::1", "protocol"),
        ([("fd00::1", "fd00::9", ICMPv6PacketTooBig())], "fd00::1", "first packet"),
    ],
)
def test_the_type_of_an_icmp_message_says_who_asks(
    messages: list[tuple[str, str, Any]], client: str, role: str
) -> None:
    one = conversation_of(icmp(*each) for each in messages)
    assert (one.client, one.role) == (client, role)


def test_a_cut_icmp_message_says_nothing() -> None:
    frame = bytes(Ether() / IP(src=PINGED, dst=PINGER, proto=1, len=20))
    one = conversation_of([frame])
    assert (one.client, one.role) == (PINGED, "first packet")
