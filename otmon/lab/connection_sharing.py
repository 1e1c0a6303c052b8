"""A machine with a leg in each of two networks that shares its connection: each packet is there twice."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from otmon.lab.frames import Host, Packet, Say, Wire, connection, mac_bytes

SHARING_NS = 100_000
"""How long it takes to send on what it was given."""


def shared(
    wire: Wire,
    start_ns: int,
    ends: tuple[Host, Host],
    legs: tuple[Host, Host],
    port: int,
    says: list[Say],
    seed: int,
    event: str,
) -> list[Packet]:
    """A TCP connection of the first of `ends` to the second. In the client's network the outer leg is its
    next hop; in the server's network the inner leg speaks for it, with its own address."""
    client, server = ends
    outer, inner = legs
    far = replace(server, ttl=server.ttl - 1)
    found = []
    for later_ns, hosts in ((0, (client, far)), (SHARING_NS, (inner, server))):
        random = Random(seed)
        ports = (random.randrange(49_152, 65_536), port)
        found.append(connection(wire, start_ns + later_ns, hosts, ports, says, random, event))
    before, after = found
    return [*(_by_way_of(packet, outer, client) for packet in before), *after]


def _by_way_of(packet: Packet, router: Host, host: Host) -> Packet:
    """The packet as it goes between `host` and `router`, whichever way."""
    macs = [mac_bytes(router.mac), mac_bytes(host.mac)]
    time_ns = packet.time_ns
    if packet.data[6:12] != macs[1]:
        macs.reverse()
        # It reaches the host after it has crossed the other network and the machine.
        time_ns += 2 * SHARING_NS
    return Packet(time_ns, b"".join(macs) + packet.data[12:], packet.event)
