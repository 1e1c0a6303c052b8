"""What hosts of any site say to each other: addresses, names, time, leases, HTTPS, remote desktop.

Each function gives the packets of one dialogue, in order of time.
"""

from __future__ import annotations

from random import Random

from otmon.lab import messages
from otmon.lab.frames import (
    BROADCAST,
    MILLISECOND_NS,
    SECOND_NS,
    Host,
    Packet,
    Say,
    Speaker,
    Wire,
    arp,
    connection,
    ethernet,
    icmp_echo,
    ip_packet,
    ipv4,
    udp,
    udp_packet,
)


def gateway_of(wire: Wire, host: Host) -> Host:
    """The router of the host's network."""
    return Host("gateway", host.address.rpartition(".")[0] + ".1", wire.gateway(host))


def resolve_gateway(wire: Wire, time_ns: int, host: Host, event: str) -> list[Packet]:
    """The host X."""
    gateway = gateway_of(wire, host)
    answer = arp(2, gateway, host.address, host.mac)
    return [Packet(time_ns, arp(1, host, gateway.address), event), Packet(time_ns + 400_000, answer, event)]


def look_up(
    wire: Wire,
    time_ns: int,
    hosts: tuple[Host, Host],
    name: str,
    address: str | None,
    random: Random,
    event: str,
) -> list[Packet]:
    """A name that the first host asks of the second, whose answer is `address`."""
    ident, port = random.getrandbits(16), random.randrange(49_152, 65_536)
    question = messages.dns_query(ident, name)
    answer = messages.dns_answer(ident, name, address)
    there, back = hosts, (hosts[1], hosts[0])
    return [
        udp_packet(wire, time_ns, there, (port, 53), question, random.getrandbits(15), event),
        udp_packet(wire, time_ns + 900_000, back, (53, port), answer, random.getrandbits(15), event),
    ]


def ask_time(wire: Wire, time_ns: int, hosts: tuple[Host, Host], random: Random, event: str) -> list[Packet]:
    """The time that the first host asks of the second."""
    there, back = hosts, (hosts[1], hosts[0])
    question, answer = messages.ntp(3, time_ns), messages.ntp(4, time_ns + 600_000)
    return [
        udp_packet(wire, time_ns, there, (123, 123), question, random.getrandbits(15), event),
        udp_packet(wire, time_ns + 700_000, back, (123, 123), answer, random.getrandbits(15), event),
    ]


def tls_session(
    wire: Wire,
    start_ns: int,
    hosts: tuple[Host, Host],
    name: str,
    sizes: tuple[int, ...],
    random: Random,
    event: str,
    pause_ns: int = 3 * MILLISECOND_NS,
) -> list[Packet]:
    """HTTPS: the handshake, then records of `sizes` bytes, first from the client, in turns; the client
    pauses before each of its own."""
    says = [
        Say("client", messages.client_hello(name, random), MILLISECOND_NS),
        Say("server", messages.server_hello(random), 9 * MILLISECOND_NS),
        Say(
            "client",
            messages.tls_record(messages.TLS_CHANGE_CIPHER, b"\x01") + messages.tls_data(random, 69),
            4 * MILLISECOND_NS,
        ),
    ]
    for number, size in enumerate(sizes):
        speaker: Speaker = "server" if number % 2 else "client"
        wait_ns = 20 * MILLISECOND_NS if number % 2 else pause_ns
        says.append(Say(speaker, messages.tls_data(random, size), wait_ns))
    port = random.randrange(49_152, 65_536)
    return connection(wire, start_ns, hosts, (port, 443), says, random, event)


def ping(
    wire: Wire, start_ns: int, hosts: tuple[Host, Host], times: int, random: Random, event: str
) -> list[Packet]:
    """Echo requests of the first host, one each second, and the second's replies."""
    packets: list[Packet] = []
    for number in range(times):
        ident = random.getrandbits(15)
        for later, (pair, kind) in enumerate(((hosts, 8), ((hosts[1], hosts[0]), 0))):
            time_ns = start_ns + number * SECOND_NS + later * 800_000
            echo = icmp_echo(kind, 1, number + 1)
            packets.append(ip_packet(wire, time_ns, pair, 1, echo, ident + later, event))
    return packets


def lease(
    wire: Wire,
    start_ns: int,
    host: Host,
    random: Random,
    event: str,
    name: str,
    asks_for: bytes = messages.DHCP_PARAMETERS,
    vendor_class: str = "",
) -> list[Packet]:
    """Discover, offer, request and acknowledgment; the router of the network gives the addresses."""
    gateway, transaction = gateway_of(wire, host), random.getrandbits(32)
    packets: list[Packet] = []
    for number, kind in enumerate((1, 2, 3, 5)):
        message = messages.dhcp(kind, transaction, host, name, gateway.address, asks_for, vendor_class)
        asks = kind in (1, 3)
        source, ports = ("0.0.0.0", (68, 67)) if asks else (gateway.address, (67, 68))
        datagram = udp(source, "255.255.255.255", *ports, message)
        packet = ipv4(source, "255.255.255.255", 17, datagram, random.getrandbits(15), 64)
        frame = ethernet(BROADCAST, (host if asks else gateway).mac, 0x0800, packet)
        packets.append(Packet(start_ns + number * 30 * MILLISECOND_NS, frame, event))
    return packets


def remote_desktop(
    wire: Wire,
    start_ns: int,
    hosts: tuple[Host, Host],
    user: str,
    turns: int,
    random: Random,
    event: str,
) -> list[Packet]:
    """RDP over TLS: connection, then `turns` of input and screen, one each 19 seconds."""
    says = [
        Say("client", messages.rdp_request(user), MILLISECOND_NS),
        Say("server", messages.rdp_confirm(), 3 * MILLISECOND_NS),
        Say("client", messages.client_hello(hosts[1].name, random), 5 * MILLISECOND_NS),
        Say("server", messages.server_hello(random), 9 * MILLISECOND_NS),
    ]
    for _ in range(turns):
        says.append(Say("client", messages.tls_data(random, 60 + random.randrange(40)), 19 * SECOND_NS))
        says.append(
            Say("server", messages.tls_data(random, 300 + random.randrange(600)), 60 * MILLISECOND_NS)
        )
    ports = (random.randrange(49_152, 65_536), 3389)
    return connection(wire, start_ns, hosts, ports, says, random, event)
