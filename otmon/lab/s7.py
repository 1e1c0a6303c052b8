"""S7 communication as the lab speaks it: connection, reading and writing data blocks.

Siemens publishes no specification: the layouts are those of Wireshark's packet-s7comm.c and of Snap7,
inside TPKT (RFC 1006, 6) and COTP class 0 (ITU-T X.224, 13.3, 13.4, 13.7).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

from otmon.lab.frames import MILLISECOND_NS, Say

PORT = 102
PDU_LENGTH = 240
OPERATOR_PANEL = 0x02
"""First byte of the called TSAP: what kind of partner connects."""
JOB, ACKNOWLEDGED_ALONE, ACKNOWLEDGED = 1, 2, 3
SETUP, READ_VAR, WRITE_VAR = 0xF0, 0x04, 0x05
DATA_BLOCKS = 0x84
FOUND, WORDS = 0xFF, 0x04
"""Return code of an item; transport size of data in words, whose length is told in bits."""


def _tpkt(cotp: bytes) -> bytes:
    return struct.pack(">BBH", 3, 0, 4 + len(cotp)) + cotp


def _connection(kind: int, references: tuple[int, int], rack_and_slot: int) -> bytes:
    parameters = b"\xc0\x01\x0a" + b"\xc1\x02\x01\x00" + b"\xc2\x02" + bytes((OPERATOR_PANEL, rack_and_slot))
    body = struct.pack(">BHHB", kind, *references, 0) + parameters
    return _tpkt(bytes((len(body),)) + body)


def connect(reference: int, rack_and_slot: int = 2) -> bytes:
    """The COTP connection request of a client to the CPU in a rack (upper 3 bits) and slot (lower 5)."""
    return _connection(0xE0, (0, reference), rack_and_slot)


def connected(reference: int, rack_and_slot: int = 2) -> bytes:
    return _connection(0xD0, (reference, 1), rack_and_slot)


def refuses(stream: bytes) -> bool:
    """Whether one of the S7 messages in these bytes of a connection, which begin with one, says an error:
    an answer whose class of error is not 0."""
    while len(stream) >= 4 and stream[0] == 3:
        length = int.from_bytes(stream[2:4], "big")
        one = stream[7:length]
        if len(one) > 10 and one[0] == 0x32 and one[1] in (ACKNOWLEDGED_ALONE, ACKNOWLEDGED) and one[10]:
            return True
        if length < 7:
            break
        stream = stream[length:]
    return False


def message(kind: int, number: int, parameters: bytes, data: bytes = b"") -> bytes:
    """An S7 message of a kind (job, acknowledged with data, user data) in TPKT and COTP."""
    head = struct.pack(">BBHHHH", 0x32, kind, 0, number, len(parameters), len(data))
    errors = b"\0\0" if kind == ACKNOWLEDGED else b""
    return _tpkt(b"\x02\xf0\x80" + head + errors + parameters + data)


def setup(number: int) -> bytes:
    """Asks for one job at a time each way."""
    return message(JOB, number, struct.pack(">BBHHH", SETUP, 0, 1, 1, PDU_LENGTH))


def set_up(number: int) -> bytes:
    return message(ACKNOWLEDGED, number, struct.pack(">BBHHH", SETUP, 0, 1, 1, PDU_LENGTH))


def _item(block: int, byte: int, count: int) -> bytes:
    """`count` bytes of data block `block` from `byte`, as an S7ANY address."""
    return struct.pack(">BBBBHHB", 0x12, 10, 0x10, 0x02, count, block, DATA_BLOCKS) + (byte * 8).to_bytes(
        3, "big"
    )


def read(number: int, block: int, byte: int, count: int) -> bytes:
    return message(JOB, number, bytes((READ_VAR, 1)) + _item(block, byte, count))


def answer_read(number: int, value: bytes) -> bytes:
    data = struct.pack(">BBH", FOUND, WORDS, 8 * len(value)) + value
    return message(ACKNOWLEDGED, number, bytes((READ_VAR, 1)), data)


def write(number: int, block: int, byte: int, value: bytes) -> bytes:
    data = struct.pack(">BBH", 0, WORDS, 8 * len(value)) + value
    return message(JOB, number, bytes((WRITE_VAR, 1)) + _item(block, byte, len(value)), data)


def answer_write(number: int) -> bytes:
    return message(ACKNOWLEDGED, number, bytes((WRITE_VAR, 1)), bytes((FOUND,)))


Exchange = tuple[int, bytes, bytes]
"""How long the client waits, what it asks, and what it is answered."""


def session(exchanges: Iterable[Exchange]) -> list[Say]:
    """A connection with its setup, and then the exchanges."""
    opening = ((MILLISECOND_NS, connect(1), connected(1)), (2 * MILLISECOND_NS, setup(1), set_up(1)))
    says = []
    for wait_ns, asked, answered in (*opening, *exchanges):
        says += [Say("client", asked, wait_ns), Say("server", answered, 7 * MILLISECOND_NS)]
    return says
