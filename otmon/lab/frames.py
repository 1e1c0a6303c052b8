"""Frames from plain bytes: Ethernet, ARP, IPv4, TCP, UDP, and whole TCP connections.

Checksums are those of RFC 1071; frames are padded to the 60 bytes that a receiver sees of the
shortest Ethernet frame (IEEE 802.3, 3.2.8; the check sequence is not captured). A packet is what a
mirror of the core switch's receiving side shows: the sender's own MAC address as source, and the
gateway's as destination when the two hosts are in different /24 networks.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import IPv4Address
from random import Random
from typing import Literal

MILLISECOND_NS = 1_000_000
SECOND_NS = 1_000_000_000
MINUTE_NS = 60 * SECOND_NS

SHORTEST_FRAME = 60
LARGEST_SEGMENT = 1460
DELAYED_ACK_NS = 40 * MILLISECOND_NS
"""Within the 500 ms that RFC 9293, 3.8.6.3 allows; the usual value of Linux."""

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
BROADCAST = "ff:ff:ff:ff:ff:ff"


@dataclass(frozen=True, slots=True)
class Host:
    """A machine as it looks on the wire."""

    name: str
    address: str
    mac: str
    ttl: int = 64
    window: int = 64240
    syn_options: bytes = bytes.fromhex("020405b40103030801010402")
    """Options of a SYN, in whole words: by default segment size, window scale and selective ACK."""


@dataclass(frozen=True, slots=True)
class Packet:
    time_ns: int
    data: bytes
    event: str
    """Id of the event that it belongs to."""


Speaker = Literal["client", "server"]


@dataclass(frozen=True, slots=True)
class Say:
    """One message in a TCP connection, `wait_ns` after the one before it."""

    speaker: Speaker
    payload: bytes
    wait_ns: int


@dataclass(frozen=True, slots=True)
class Wire:
    """Where the mirror is: the MAC addresses of the core switch and of the way to the Internet."""

    core: str
    firewall: str
    gateways: tuple[tuple[str, str], ...] = ()
    """(first octets of an address, as "10.11.", MAC address) of sites whose router is not the core."""

    def gateway(self, host: Host) -> str:
        """The MAC address of the router of the host's network."""
        return next((mac for start, mac in self.gateways if host.address.startswith(start)), self.core)

    def source_mac(self, host: Host) -> str:
        return host.mac or self.firewall

    def destination_mac(self, sender: Host, receiver: Host) -> str:
        same_network = sender.address.rpartition(".")[0] == receiver.address.rpartition(".")[0]
        return receiver.mac if same_network and receiver.mac else self.gateway(sender)


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071) of `data`."""
    if len(data) % 2:
        data += b"\0"
    total: int = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def mac_bytes(mac: str) -> bytes:
    return bytes.fromhex(mac.replace(":", ""))


def ethernet(destination: str, source: str, ethertype: int, payload: bytes, priority: int = -1) -> bytes:
    """A frame; with `priority` 0 to 7 it has a priority tag: 802.1Q with VLAN 0 (IEEE 802.1Q, 6.9)."""
    tag = struct.pack(">HH", 0x8100, priority << 13) if priority >= 0 else b""
    frame = mac_bytes(destination) + mac_bytes(source) + tag + struct.pack(">H", ethertype) + payload
    return frame.ljust(SHORTEST_FRAME, b"\0")


def ipv4(source: str, destination: str, protocol: int, payload: bytes, ident: int, ttl: int) -> bytes:
    """An IPv4 datagram (RFC 791, 3.1), not to be fragmented."""
    head = struct.pack(
        ">BBHHHBBH4s4s",
        0x45,
        0,
        20 + len(payload),
        ident & 0xFFFF,
        0x4000,
        ttl,
        protocol,
        0,
        IPv4Address(source).packed,
        IPv4Address(destination).packed,
    )
    return head[:10] + struct.pack(">H", checksum(head)) + head[12:] + payload


def _pseudo_header(source: str, destination: str, protocol: int, length: int) -> bytes:
    addresses = IPv4Address(source).packed + IPv4Address(destination).packed
    return addresses + struct.pack(">BBH", 0, protocol, length)


def udp(source: str, destination: str, source_port: int, port: int, payload: bytes) -> bytes:
    """A UDP datagram (RFC 768)."""
    length = 8 + len(payload)
    head = struct.pack(">HHH", source_port, port, length)
    pseudo = _pseudo_header(source, destination, 17, length)
    total = checksum(pseudo + head + b"\0\0" + payload) or 0xFFFF
    return head + struct.pack(">H", total) + payload


@dataclass(frozen=True, slots=True)
class Segment:
    """What a TCP segment (RFC 9293, 3.1) says besides its ports."""

    sequence: int
    acknowledgment: int
    flags: int
    payload: bytes = b""
    options: bytes = b""


def tcp(sender: Host, receiver: Host, ports: tuple[int, int], segment: Segment) -> bytes:
    words = 5 + len(segment.options) // 4
    head = struct.pack(
        ">HHIIBBH",
        *ports,
        segment.sequence & 0xFFFFFFFF,
        segment.acknowledgment & 0xFFFFFFFF,
        words << 4,
        segment.flags,
        sender.window,
    )
    tail = struct.pack(">H", 0) + segment.options + segment.payload
    pseudo = _pseudo_header(sender.address, receiver.address, 6, len(head) + 2 + len(tail))
    return head + struct.pack(">H", checksum(pseudo + head + b"\0\0" + tail)) + tail


def icmp_echo(kind: int, ident: int, sequence: int) -> bytes:
    """An echo request (`kind` 8) or reply (0), RFC 792, with the payload of a Windows ping."""
    body = struct.pack(">HH", ident, sequence) + b"abcdefghijklmnopqrstuvwabcdefghi"
    return struct.pack(">BBH", kind, 0, checksum(struct.pack(">BBH", kind, 0, 0) + body)) + body


def ip_packet(
    wire: Wire, time_ns: int, hosts: tuple[Host, Host], protocol: int, payload: bytes, ident: int, event: str
) -> Packet:
    """`payload` of IP protocol `protocol` from the first host to the second."""
    sender, receiver = hosts
    datagram = ipv4(sender.address, receiver.address, protocol, payload, ident, sender.ttl)
    macs = wire.destination_mac(sender, receiver), wire.source_mac(sender)
    return Packet(time_ns, ethernet(*macs, 0x0800, datagram), event)


def udp_packet(
    wire: Wire,
    time_ns: int,
    hosts: tuple[Host, Host],
    ports: tuple[int, int],
    payload: bytes,
    ident: int,
    event: str,
) -> Packet:
    sender, receiver = hosts
    datagram = udp(sender.address, receiver.address, *ports, payload)
    return ip_packet(wire, time_ns, hosts, 17, datagram, ident, event)


def arp(operation: int, sender: Host, target: str, target_mac: str = "00:00:00:00:00:00") -> bytes:
    """The frame of an ARP request (1) to all or a reply (2) to one (RFC 826)."""
    message = struct.pack(">HHBBH", 1, 0x0800, 6, 4, operation)
    message += mac_bytes(sender.mac) + IPv4Address(sender.address).packed
    message += mac_bytes(target_mac) + IPv4Address(target).packed
    return ethernet(BROADCAST if operation == 1 else target_mac, sender.mac, 0x0806, message)


Ending = Literal["fin", "reset by server", "left open"]


def connection(
    wire: Wire,
    start_ns: int,
    hosts: tuple[Host, Host],
    ports: tuple[int, int],
    says: list[Say],
    random: Random,
    event: str,
    ending: Ending = "fin",
) -> list[Packet]:
    """A TCP connection from `hosts[0]` to `hosts[1]`: handshake, messages with their
    acknowledgments (on the next segment, or delayed), ending. Round trip 1 ms."""
    packets: list[Packet] = []
    following = [random.getrandbits(32), random.getrandbits(32)]
    idents = [random.getrandbits(15), random.getrandbits(15)]
    owes_ack = [False, False]

    def send(time_ns: int, who: int, flags: int, payload: bytes = b"", options: bytes = b"") -> None:
        acknowledgment = following[1 - who] if flags & ACK else 0
        segment = Segment(following[who], acknowledgment, flags, payload, options)
        pair = (hosts[0], hosts[1]) if who == 0 else (hosts[1], hosts[0])
        way = ports if who == 0 else (ports[1], ports[0])
        data = tcp(*pair, way, segment)
        packets.append(ip_packet(wire, time_ns, pair, 6, data, idents[who], event))
        idents[who] += 1
        following[who] += len(payload) + (1 if flags & (SYN | FIN) else 0)
        owes_ack[who] = False
        owes_ack[1 - who] |= bool(payload)

    now = start_ns
    send(now, 0, SYN, options=hosts[0].syn_options)
    send(now + MILLISECOND_NS // 2, 1, SYN | ACK, options=hosts[1].syn_options)
    now += MILLISECOND_NS
    send(now, 0, ACK)
    for say in says:
        who = 0 if say.speaker == "client" else 1
        then = now + say.wait_ns
        for other in (0, 1):
            late = say.wait_ns > DELAYED_ACK_NS or who != other
            if owes_ack[other] and late:
                send(min(now + DELAYED_ACK_NS, then - 1000), other, ACK)
        for start in range(0, len(say.payload), LARGEST_SEGMENT):
            part = say.payload[start : start + LARGEST_SEGMENT]
            last = start + LARGEST_SEGMENT >= len(say.payload)
            send(then + 12_000 * (start // LARGEST_SEGMENT), who, ACK | (PSH if last else 0), part)
        now = then + 12_000 * (len(say.payload) // LARGEST_SEGMENT)
    for other in (0, 1):
        if owes_ack[other]:
            now += DELAYED_ACK_NS
            send(now, other, ACK)
    now += 2 * MILLISECOND_NS
    if ending == "reset by server":
        send(now, 1, RST | ACK)
    elif ending == "fin":
        send(now, 0, FIN | ACK)
        send(now + MILLISECOND_NS // 2, 1, FIN | ACK)
        send(now + MILLISECOND_NS, 0, ACK)
    return packets


def unanswered_syn(
    wire: Wire, start_ns: int, hosts: tuple[Host, Host], ports: tuple[int, int], random: Random, event: str
) -> list[Packet]:
    """A SYN that gets no answer, and its two repetitions after 3 and 9 seconds."""
    sequence, ident = random.getrandbits(32), random.getrandbits(15)
    segment = Segment(sequence, 0, SYN, options=hosts[0].syn_options)
    data = tcp(*hosts, ports, segment)
    waits = (0, 3 * SECOND_NS, 9 * SECOND_NS)
    return [
        ip_packet(wire, start_ns + wait, hosts, 6, data, ident + n, event) for n, wait in enumerate(waits)
    ]
