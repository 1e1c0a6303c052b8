"""Too much of everything: SYN, UDP and ARP until a host or a network can do nothing else.

RFC 4987 (SYN flooding): the backlog of half-open connections fills, and further SYNs get no answer.
"""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address
from typing import Annotated, Literal

from otmon.lab.form import Duration, Form, Port, Truth, choice, whole
from otmon.lab.frames import ACK, SECOND_NS, SYN, Host, Packet, Segment, arp, ip_packet, tcp, udp_packet
from otmon.lab.scene import Act, Deed, Trouble, step_kind

MOST = 200_000
"""Packets of one flood."""
BACKLOG = 8
"""Half-open connections of a small controller."""
KINDS = ("syn", "udp", "arp")


class FloodForm(Form):
    of: Annotated[Literal["syn", "udp", "arp"], choice(KINDS)]
    port: Port = 502
    per_second: Annotated[int, whole(1, 10_000)] = 500
    lasts: Duration = 30 * SECOND_NS
    size: Annotated[int, whole(1, 1_400)] = 512
    """Bytes of a UDP datagram."""
    starves: Truth = True
    """Whether the target answers nobody else meanwhile."""


def _flood(act: Act, form: FloodForm) -> Deed:
    """Floods a host with SYNs of many ports, with UDP, or its network with ARP requests."""
    count = min(form.per_second * form.lasts // SECOND_NS, MOST)
    step_ns, packets = SECOND_NS // form.per_second, list[Packet]()
    for number in range(count):
        time_ns = act.start_ns + number * step_ns
        if form.of == "syn":
            packets += _half_open(act, time_ns, number, form.port)
        elif form.of == "udp":
            ports, payload = act.ports(form.port), act.random.randbytes(form.size)
            ident = number & 0x7FFF
            packets.append(udp_packet(act.wire, time_ns, (act.by, act.to), ports, payload, ident, act.event))
        else:
            start = int(IPv4Address(act.to.address)) & 0xFFFFFF00
            asked = IPv4Address(start + 1 + number % 254)
            packets.append(Packet(time_ns, arp(1, act.by, str(asked)), act.event))
    troubles = []
    if form.starves:
        from_ns, end_ns = act.start_ns + SECOND_NS, act.start_ns + count * step_ns
        troubles = [Trouble("silent", one.name, act.event, from_ns, end_ns) for one in act.targets]
    return Deed(packets, troubles=troubles)


def _local(form: FloodForm) -> bool:
    return form.of == "arp"


def _half_open(act: Act, time_ns: int, number: int, port: int) -> list[Packet]:
    """A SYN, and its answer while the backlog is not full."""
    ports, sequence = act.ports(port), act.random.getrandbits(32)
    syn = tcp(act.by, act.to, ports, Segment(sequence, 0, SYN, options=act.by.syn_options))
    packets = [ip_packet(act.wire, time_ns, (act.by, act.to), 6, syn, number & 0x7FFF, act.event)]
    if number < BACKLOG:
        told = Segment(act.random.getrandbits(32), sequence + 1, SYN | ACK, options=act.to.syn_options)
        answer = tcp(act.to, act.by, (ports[1], ports[0]), told)
        packets.append(ip_packet(act.wire, time_ns + 600_000, (act.to, act.by), 6, answer, 0, act.event))
    return packets


class MacFloodForm(Form):
    per_second: Annotated[int, whole(1, 10_000)] = 300
    lasts: Duration = 20 * SECOND_NS


def _mac_flood(act: Act, form: MacFloodForm) -> Deed:
    """Sends frames from ever new MAC addresses, until a switch forgets whom it knew and sends everything
    everywhere."""
    packets = []
    count = min(form.per_second * form.lasts // SECOND_NS, MOST)
    for number in range(count):
        octets = act.random.randbytes(5)
        mac = ":".join(f"{octet:02x}" for octet in (0x02, *octets))
        address = f"{act.by.address.rpartition('.')[0]}.{1 + act.random.randrange(254)}"
        sender: Host = replace(act.by, mac=mac, address=address)
        time_ns = act.start_ns + number * (SECOND_NS // form.per_second)
        packets.append(Packet(time_ns, arp(1, sender, address), act.event))
    return Deed(packets)


FLOOD = step_kind("flood", FloodForm, local=_local)(_flood)
MAC_FLOOD = step_kind("mac-flood", MacFloodForm, "by", local=lambda form: True)(_mac_flood)
