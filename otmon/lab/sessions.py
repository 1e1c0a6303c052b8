"""Modbus sessions as data, and their packets: what a client asks, answered by the process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from random import Random

from otmon.lab import modbus
from otmon.lab.frames import MILLISECOND_NS, Host, Packet, Say, Wire, connection
from otmon.lab.modbus import Memory, Writes

MODBUS_PORT = 502
UNIT = 1
_FIRST_EPHEMERAL_PORT = 49_152
_PREPARING_NS = 2 * MILLISECOND_NS

Recall = Callable[[str, int], Memory]
"""What the controller of a host's name holds at a time, in nanoseconds since 1970 UTC."""

Process = Callable[[Mapping[str, Writes]], Recall]
"""A plant: given what is written to each controller, by its host's name and in order of time."""


@dataclass(frozen=True, slots=True)
class Session:
    """One connection, with the requests' PDUs and how long the client waits before each of them."""

    start_ns: int
    client: Host
    server: Host
    event: str
    requests: tuple[tuple[int, bytes], ...]
    unit: int = UNIT
    """Who is asked. A controller answers for `UNIT`; for others it says, as gateways do, that they are not
    there."""

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
    sessions: Iterable[Session], wire: Wire, process: Process, random: Random
) -> tuple[list[Packet], list[Transaction]]:
    """The packets and transactions of `sessions`, in which every write changes later answers."""
    in_order = sorted(
        sessions, key=lambda session: (session.start_ns, session.client.name, session.server.name)
    )
    recall = process(written(in_order))
    packets: list[Packet] = []
    transactions: list[Transaction] = []
    for number, session in enumerate(in_order):
        says: list[Say] = []
        for transaction, (time_ns, pdu) in enumerate(session.planned(), start=1):
            response = modbus.exception(pdu[0], modbus.NO_SUCH_UNIT)
            if session.unit == UNIT:
                response = modbus.answer(recall(session.server.name, time_ns), pdu)
            response_ns = random.randrange(3_000, 18_000) * 1000
            wait_ns = session.requests[transaction - 1][0]
            says.append(Say("client", modbus.adu(transaction, session.unit, pdu), wait_ns))
            says.append(Say("server", modbus.adu(transaction, session.unit, response), response_ns))
            code = response[1] if response[0] & 0x80 else 0
            transactions.append(Transaction(session.client.name, session.server.name, pdu[0], code))
        hosts, ports = (session.client, session.server), (_FIRST_EPHEMERAL_PORT + number, MODBUS_PORT)
        packets += connection(wire, session.start_ns, hosts, ports, says, random, session.event)
    return packets, transactions


def written(sessions: Iterable[Session]) -> dict[str, Writes]:
    """What is written to the controller of each server's name, in order of time."""
    found: dict[str, list[modbus.Write]] = {}
    for session in sessions:
        writes = found.setdefault(session.server.name, [])
        for time_ns, pdu in session.planned():
            writes += modbus.changes(pdu, time_ns) if session.unit == UNIT else ()
    return {name: tuple(sorted(writes, key=lambda write: write.time_ns)) for name, writes in found.items()}
