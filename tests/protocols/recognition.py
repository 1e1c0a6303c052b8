"""Asking the recogniser in Python's terms."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from otmon.protocols.protocol import Protocol, Sender, Transport
from otmon.protocols.registry import PROTOCOLS, code_of, name_of
from otmon.protocols.signature import (
    PROVISIONAL,
    SENDER_SHIFT,
    SENDERS,
    TCP,
    UDP,
    SignatureTables,
    compile_signatures,
    recognise,
)

TABLES = compile_signatures(PROTOCOLS)
NUMBERS = {"tcp": TCP, "udp": UDP}
UNUSUAL = (40001, 40002)
"""Ports that no protocol claims."""
MARGIN = 64
"""Bytes before and after a payload, which must not matter."""


class Answer(NamedTuple):
    name: str
    sender: Sender
    provisional: bool


def protocol(protocol_id: str) -> Protocol:
    return PROTOCOLS[code_of(protocol_id) - 1]


def usual_ports(protocol_id: str, transport: Transport) -> tuple[int, ...]:
    found = protocol(protocol_id)
    return found.tcp_ports if transport == "tcp" else found.udp_ports


def number(
    payload: bytes,
    transport: Transport,
    ports: tuple[int, int],
    tables: SignatureTables = TABLES,
    around: int = 0,
) -> int:
    """What the kernel gives for a payload that lies between bytes of the value `around`."""
    margin = bytes([around]) * MARGIN
    buf = np.frombuffer(margin + payload + margin, np.uint8).copy()
    end = MARGIN + len(payload)
    return recognise(tables, buf, MARGIN, end, NUMBERS[transport], *ports)


def ask(payload: bytes, transport: Transport, ports: tuple[int, int] = UNUSUAL) -> Answer | None:
    found = number(payload, transport, ports)
    if found == 0:
        return None
    sender = SENDERS[found >> SENDER_SHIFT & 3]
    return Answer(name_of(found & 0xFFFF), sender, bool(found & PROVISIONAL))
