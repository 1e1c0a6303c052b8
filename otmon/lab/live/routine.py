"""What goes on in a range when nobody attacks: taken from the clean day that the lab makes of the plant.

Who reads what of which controller, and who visits which server, is as on that day; how often follows from
what the client is there for, since the day's capture is thinned out to stay small.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address
from random import Random

from otmon.lab import body_line_day, factory_day, modbus, two_factories_day, water_works_day
from otmon.lab.day import Site
from otmon.lab.frames import ACK, SYN, Packet
from otmon.lab.live.clients import QUESTIONS, VISITS, Errand, Poll
from otmon.lab.plant import Plant, Service
from otmon.lab.sessions import Session

EVERY_S = {"scada": 1.0, "hmi": 2.0, "gateway": 2.0, "historian": 10.0, "engineering": 60.0}
"""How often a client of that role reads."""
OTHERWISE_S = 5.0
VISIT_S = 45.0
"""About how often each visit is made."""
MOST_REQUESTS = 16
"""Of one poll."""
_READS = (
    modbus.READ_COILS,
    modbus.READ_DISCRETE,
    modbus.READ_HOLDING,
    modbus.READ_INPUT,
    modbus.DEVICE_IDENTIFICATION,
)


@dataclass(frozen=True, slots=True)
class Routine:
    polls: tuple[Poll, ...]
    errands: tuple[Errand, ...]

    def of(self, client: str) -> tuple[tuple[Poll, ...], tuple[Errand, ...]]:
        polls = tuple(one for one in self.polls if one.client == client)
        return polls, tuple(one for one in self.errands if one.client == client)


def routine_of(plant: Plant, sessions: Iterable[Session], packets: Iterable[Packet]) -> Routine:
    """The routine of a plant, from the sessions with its controllers and the other packets of a clean day."""
    return Routine(_polls(plant, sessions), _errands(plant, packets))


SITES: dict[str, Site] = {
    "body-line": body_line_day.SITE,
    "food-factory": factory_day.SITE,
    "two-factories": two_factories_day.SITE,
    "water-works": water_works_day.SITE,
}
"""The days of the plants."""


def shipped_routine(plant: Plant) -> Routine:
    """The routine of a plant that comes with the program."""
    site = SITES[plant.id]
    packets = (
        packet
        for name, part in site.routine.parts
        for packet in part(site.midnight_ns, Random(f"live {name}"))
    )
    return routine_of(plant, site.routine.sessions(site.midnight_ns), packets)


def _polls(plant: Plant, sessions: Iterable[Session]) -> tuple[Poll, ...]:
    asked: dict[tuple[str, str], dict[bytes, None]] = {}
    for session in sessions:
        reads = asked.setdefault((session.client.name, session.server.name), {})
        for _, pdu in session.requests:
            if pdu[0] in _READS and len(reads) < MOST_REQUESTS:
                reads[pdu] = None
    found = []
    for (client, server), reads in sorted(asked.items()):
        if client not in plant.by_name or server not in plant.by_name or not reads:
            continue
        service = plant.by_name[server].serves("modbus")
        if service is not None:
            roles = plant.by_name[client].roles
            every_s = min((EVERY_S.get(role, OTHERWISE_S) for role in roles), default=OTHERWISE_S)
            address = plant.by_name[server].address
            found.append(Poll(client, server, address, service.port, service.unit, tuple(reads), every_s))
    return tuple(found)


def _errands(plant: Plant, packets: Iterable[Packet]) -> tuple[Errand, ...]:
    hosts = {one.address: one for one in plant.hosts if one.address}
    served: dict[tuple[str, str, int], Service] = {
        (one.address, service.transport, service.port): service
        for one in plant.hosts
        for service in one.services
    }
    found: dict[tuple[str, str, str], Errand] = {}
    for packet in packets:
        opening = _opening(packet.data)
        if opening is None:
            continue
        source, destination, transport, port, payload = opening
        service, client = served.get((destination, transport, port)), hosts.get(source)
        if service is None or client is None or service.protocol not in {**VISITS, **QUESTIONS}:
            continue
        server = hosts[destination].name
        name = _asked_for(payload) if service.protocol == "dns" else ""
        errand = Errand(client.name, server, destination, port, service.protocol, VISIT_S, name)
        found.setdefault((client.name, server, service.protocol), errand)
    return tuple(found[key] for key in sorted(found))


def _opening(frame: bytes) -> tuple[str, str, str, int, bytes] | None:
    """Source, destination, transport, port and payload of a frame of the lab that opens a connection over
    TCP, or of one over UDP; None for any other."""
    if len(frame) < 42 or frame[12:15] != b"\x08\x00\x45":
        return None
    source, destination = str(IPv4Address(frame[26:30])), str(IPv4Address(frame[30:34]))
    _, port = struct.unpack(">HH", frame[34:38])
    if frame[23] == 17:
        return source, destination, "udp", port, frame[42:]
    if frame[23] == 6 and len(frame) > 47 and frame[47] & (SYN | ACK) == SYN:
        return source, destination, "tcp", port, b""
    return None


def _asked_for(question: bytes) -> str:
    """The name in a query of the lab."""
    labels, at = [], 12
    while at < len(question) and question[at]:
        labels.append(question[at + 1 : at + 1 + question[at]].decode("latin-1"))
        at += 1 + question[at]
    return ".".join(labels)
