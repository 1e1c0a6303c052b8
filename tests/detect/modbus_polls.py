"""Modbus connections of the lab in which a test says what is answered."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random

from otmon.lab.frames import MILLISECOND_NS, Host, Packet, Say, connection
from otmon.lab.modbus import Identity, Memory, adu, answer
from tests.detect.captures import WIRE

MEMORY = Memory(Identity("Vendor", "Model", "1.0"), range(100), range(100), [0] * 100, [0] * 100)
"""A controller of a hundred elements a table."""


def healthy(pdu: bytes) -> bytes | None:
    """What a controller answers to a request."""
    return answer(MEMORY, pdu)


def poll(
    start_ns: int,
    hosts: tuple[Host, Host],
    requests: Iterable[bytes | tuple[int, bytes]],
    answers: Callable[[bytes], bytes | None] = healthy,
    *,
    wait_ns: int = 2 * MILLISECOND_NS,
    took_ns: int = 5 * MILLISECOND_NS,
    port: int = 49_152,
) -> list[Packet]:
    """One connection with these requests, each (unit, PDU) or a PDU to unit 1, `wait_ns` after what
    was said before; `answers` gives the response, None for none, `took_ns` after the request."""
    says: list[Say] = []
    for number, request in enumerate(requests, start=1):
        unit, pdu = request if isinstance(request, tuple) else (1, request)
        says.append(Say("client", adu(number & 0xFFFF, unit, pdu), wait_ns))
        response = answers(pdu)
        if response is not None:
            says.append(Say("server", adu(number & 0xFFFF, unit, response), took_ns))
    return connection(WIRE, start_ns, hosts, (port, 502), says, Random(port), "poll")
