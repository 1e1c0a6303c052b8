"""Modbus sessions as data, and their packets: what a client asks, answered by the plant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from random import Random

from otmon.lab import plant
from otmon.lab.cast import PLC_CONVEYOR, PLC_MIXING, PLC_PACKING, WIRE
from otmon.lab.frames import MILLISECOND_NS, MINUTE_NS, Host, Packet, Say, connection

MODBUS_PORT = 502
UNIT = 1
_FIRST_EPHEMERAL_PORT = 49_152
_PREPARING_NS = 2 * MILLISECOND_NS

CONTROLLERS = {
    PLC_MIXING.name: plant.MIXING,
    PLC_CONVEYOR.name: plant.CONVEYOR,
    PLC_PACKING.name: plant.PACKING,
}


@dataclass(frozen=True, slots=True)
class Session:
    """One connection, with the requests' PDUs and how long the client waits before each of them."""

    start_ns: int
    client: Host
    server: Host
    event: str
    requests: tuple[tuple[int, bytes], ...]

    def planned(self) -> Iterator[tuple[int, bytes]]:
        """(time, PDU) of each request as the client plans it, response times left out."""
        time_ns = self.start_ns
        for wait_ns, pdu in self.requests:
            time_ns += wait_ns
            yield time_ns, pdu


@dataclass(frozen=True, slots=True)
class Transaction:
    """A request and its response."""

    client: str
    server: str
    function: int
    exception: int
    """0 for none."""


def at_once(*pdus: bytes) -> tuple[tuple[int, bytes], ...]:
    """Requests one after the other, as fast as a program asks."""
    return tuple((_PREPARING_NS, pdu) for pdu in pdus)


def play(
    sessions: Iterable[Session], midnight_ns: int, random: Random
) -> tuple[list[Packet], list[Transaction]]:
    """The packets and transactions of `sessions`, in which every write changes later answers."""
    in_order = sorted(
        sessions, key=lambda session: (session.start_ns, session.client.name, session.server.name)
    )
    written = {name: _writes(in_order, name) for name in CONTROLLERS}
    packets: list[Packet] = []
    transactions: list[Transaction] = []
    for number, session in enumerate(in_order):
        controller, writes = CONTROLLERS[session.server.name], written[session.server.name]
        says: list[Say] = []
        for transaction, (time_ns, pdu) in enumerate(session.planned(), start=1):
            minute = (time_ns - midnight_ns) // MINUTE_NS
            response = plant.answer(controller, pdu, minute, writes, time_ns)
            response_ns = random.randrange(3_000, 18_000) * 1000
            wait_ns = session.requests[transaction - 1][0]
            says.append(Say("client", plant.adu(transaction, UNIT, pdu), wait_ns))
            says.append(Say("server", plant.adu(transaction, UNIT, response), response_ns))
            code = response[1] if response[0] & 0x80 else 0
            transactions.append(Transaction(session.client.name, session.server.name, pdu[0], code))
        hosts, ports = (session.client, session.server), (_FIRST_EPHEMERAL_PORT + number, MODBUS_PORT)
        packets += connection(WIRE, session.start_ns, hosts, ports, says, random, session.event)
    return packets, transactions


def _writes(sessions: Iterable[Session], server: str) -> plant.Writes:
    writes: list[plant.Write] = []
    for session in sessions:
        if session.server.name == server:
            for time_ns, pdu in session.planned():
                writes += plant.changes(pdu, time_ns)
    return tuple(sorted(writes, key=lambda write: write.time_ns))
