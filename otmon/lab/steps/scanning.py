"""Looking for what is there: addresses, ports, and who the devices are."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Network
from typing import Annotated, Literal

from pydantic import Field, model_validator

from otmon.lab import ethernet_ip, messages, modbus, s7, s7_program
from otmon.lab.form import Duration, Form, Port, Truth, choice
from otmon.lab.frames import (
    ACK,
    MILLISECOND_NS,
    RST,
    SECOND_NS,
    SYN,
    Host,
    Packet,
    Say,
    Segment,
    arp,
    icmp_echo,
    ip_packet,
    tcp,
    udp_packet,
)
from otmon.lab.plant import PlantHost
from otmon.lab.scene import Act, Deed, step_kind
from otmon.lab.sessions import Session
from otmon.sentence import sentence
from otmon.zones.files.leaf import Leaf, OneOrMore, wrong

LARGEST_SCAN = 1_024
"""Addresses of one scan."""
MOST_PORTS = 70_000
"""Of one host."""
LATE_NS = 700_000
AGENT = "Mozilla/5.0 (compatible; Nmap Scripting Engine; https://nmap.org/book/nse.html)"


def _read_network(text: str) -> IPv4Network | None:
    try:
        network = IPv4Network(text)
    except ValueError:
        return None
    return network if network.num_addresses <= LARGEST_SCAN else None


def _read_ports(text: str) -> tuple[int, ...] | None:
    first, dash, last = text.partition("-")
    if not (first.isascii() and first.isdigit() and len(first) <= 5):
        return None
    if dash and not (last.isascii() and last.isdigit() and len(last) <= 5):
        return None
    low, high = int(first), int(last or first)
    return tuple(range(low, high + 1)) if 1 <= low <= high <= 65_535 else None


class AddressesForm(Form):
    network: Annotated[
        IPv4Network,
        Leaf(
            sentence("a network of at most {most} addresses such as 10.1.2.0/24", most=LARGEST_SCAN),
            _read_network,
        ),
    ]
    how: Annotated[Literal["arp", "ping", "tcp"], choice(("arp", "ping", "tcp"))] = "ping"
    port: Port = 502
    """Of TCP."""
    each: Duration = 20 * MILLISECOND_NS
    repeats: Truth = False
    """Whether what is not answered is sent twice more, as an operating system does and a scanner does not."""


def _local(form: AddressesForm) -> bool:
    return form.how == "arp"


def _answering(act: Act) -> Mapping[str, PlantHost]:
    """Who is there, by address: everybody of the plant, and the guests among the targets."""
    mine = {one.name for one in act.targets}
    there = (one for one in act.hosts.values() if "stranger" not in one.roles or one.name in mine)
    return {one.address: one for one in there if one.mac}


def _addresses(act: Act, form: AddressesForm) -> Deed:
    """Tries every address of a network over ARP, ping or TCP; who is there answers."""
    there, packets = _answering(act), list[Packet]()
    for number, address in enumerate(form.network.hosts()):
        if str(address) == act.by.address:
            continue
        time_ns = act.start_ns + number * form.each
        host = there.get(str(address))
        if form.how == "arp":
            packets.append(Packet(time_ns, arp(1, act.by, str(address)), act.event))
            if host is not None:
                answer = arp(2, host.host, act.by.address, act.by.mac)
                packets.append(Packet(time_ns + LATE_NS, answer, act.event))
        elif form.how == "ping":
            packets += _pinged(act, time_ns, number, address, host)
        else:
            packets += _knocked(act, time_ns, address, host, form.port, form.repeats)
    return Deed(packets)


def _pinged(
    act: Act, time_ns: int, number: int, address: IPv4Address, host: PlantHost | None
) -> list[Packet]:
    target = host.host if host is not None else Host("nobody", str(address), "")
    ident, sequence = act.random.getrandbits(15), number & 0xFFFF
    asked = icmp_echo(8, 7, sequence)
    packets = [ip_packet(act.wire, time_ns, (act.by, target), 1, asked, ident, act.event)]
    if host is not None:
        answer = icmp_echo(0, 7, sequence)
        packets.append(ip_packet(act.wire, time_ns + LATE_NS, (target, act.by), 1, answer, 0, act.event))
    return packets


def _knocked(
    act: Act, time_ns: int, address: IPv4Address, host: PlantHost | None, port: int, repeats: bool
) -> list[Packet]:
    """A SYN: a reset answers a closed port, and resets what an open one answers."""
    target = host.host if host is not None else Host("nobody", str(address), "")
    ports, sequence = act.ports(port), act.random.getrandbits(32)
    packets: list[Packet] = []

    def add(later_ns: int, pair: tuple[Host, Host], way: tuple[int, int], segment: Segment) -> None:
        data = tcp(*pair, way, segment)
        ident = act.random.getrandbits(15)
        packets.append(ip_packet(act.wire, time_ns + later_ns, pair, 6, data, ident, act.event))

    there, back, answered = (act.by, target), (target, act.by), (ports[1], ports[0])
    syn = Segment(sequence, 0, SYN, options=act.by.syn_options)
    add(0, there, ports, syn)
    if host is None:
        for later_ns in (3 * SECOND_NS, 9 * SECOND_NS) if repeats else ():
            add(later_ns, there, ports, syn)
    elif any(one.port == port and one.transport == "tcp" for one in host.services):
        mine = act.random.getrandbits(32)
        add(LATE_NS, back, answered, Segment(mine, sequence + 1, SYN | ACK, options=target.syn_options))
        add(LATE_NS + 90_000, there, ports, Segment(sequence + 1, 0, RST))
    else:
        add(LATE_NS, back, answered, Segment(0, sequence + 1, RST | ACK))
    return packets


class PortsForm(Form):
    ports: Annotated[
        tuple[
            Annotated[tuple[int, ...], Leaf(sentence("a port or a range such as 1-1024"), _read_ports)], ...
        ],
        OneOrMore(),
        Field(max_length=200),
    ]
    each: Duration = 5 * MILLISECOND_NS

    @model_validator(mode="after")
    def _bounded(self) -> PortsForm:
        count = sum(map(len, self.ports))
        if count > MOST_PORTS:
            raise wrong(sentence("{count} ports, expected at most {most}", count=count, most=MOST_PORTS))
        return self


def _ports(act: Act, form: PortsForm) -> Deed:
    """Tries ports of hosts with a SYN each, and resets what opens."""
    packets, number = list[Packet](), 0
    for target in act.targets:
        for ports in form.ports:
            for port in ports:
                time_ns = act.start_ns + number * form.each
                address = IPv4Address(target.address)
                packets += _knocked(act, time_ns, address, target, port, False)
                number += 1
    return Deed(packets)


class IdentifyForm(Form):
    each: Duration = 3 * SECOND_NS
    """From one device to the next."""


def _identify(act: Act, form: IdentifyForm) -> Deed:
    """Asks every device who it is, in each protocol that it serves: make, model, firmware."""
    deed = Deed()
    for number, target in enumerate(act.targets):
        later_ns = number * form.each
        for service in target.services:
            if service.protocol == "modbus":
                asks = ((3 * MILLISECOND_NS, modbus.read_identification()),)
                start_ns = act.start_ns + later_ns
                deed.sessions.append(Session(start_ns, act.by, target.host, act.event, asks))
            elif service.protocol == "ethernet_ip":
                deed.packets += _listed(act, later_ns, target.host)
            elif service.protocol == "s7comm":
                says = s7.session(s7_program.identification(2))
                deed.packets += act.talk(later_ns, (act.by, target.host), s7.PORT, says)
            elif service.protocol == "http":
                says = [
                    Say(
                        "client",
                        messages.http_request("GET", "/", target.address, AGENT),
                        2 * MILLISECOND_NS,
                    ),
                    Say(
                        "server",
                        messages.http_response("401 Unauthorized", "", "Server: LabWeb/1.0"),
                        12 * MILLISECOND_NS,
                    ),
                ]
                deed.packets += act.talk(later_ns + SECOND_NS, (act.by, target.host), service.port, says)
    return deed


def _listed(act: Act, later_ns: int, server: Host) -> list[Packet]:
    found = ethernet_ip.identity(server.address, 1, 166, 0x00C0FFEE, "LAB-CONVEYOR/A")
    port = act.random.randrange(49_152, 65_536)
    time_ns, ident = act.start_ns + later_ns, act.random.getrandbits(15)
    there, back = (port, ethernet_ip.PORT), (ethernet_ip.PORT, port)
    return [
        udp_packet(act.wire, time_ns, (act.by, server), there, ethernet_ip.list_identity(), ident, act.event),
        udp_packet(
            act.wire, time_ns + 3 * MILLISECOND_NS, (server, act.by), back, found, ident + 1, act.event
        ),
    ]


ADDRESSES = step_kind("address-scan", AddressesForm, "by", local=_local)(_addresses)
PORTS = step_kind("port-scan", PortsForm)(_ports)
IDENTIFY = step_kind("identify-sweep", IdentifyForm)(_identify)
