"""Modbus as the lab speaks it: requests, what they write, and what a controller answers.

A controller is its memory at one moment: `answer` is a function of memory and request alone. Message
layouts: MODBUS Application Protocol Specification V1.1b3, section 6, and MODBUS Messaging on TCP/IP
Implementation Guide V1.0b, section 3.1.3 (the MBAP header).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

READ_COILS, READ_DISCRETE, READ_HOLDING, READ_INPUT = 1, 2, 3, 4
WRITE_COIL, WRITE_REGISTER, WRITE_REGISTERS, DEVICE_IDENTIFICATION = 5, 6, 16, 43
FUNCTIONS = (
    READ_COILS,
    READ_DISCRETE,
    READ_HOLDING,
    READ_INPUT,
    WRITE_COIL,
    WRITE_REGISTER,
    WRITE_REGISTERS,
    DEVICE_IDENTIFICATION,
)
ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE = 1, 2, 3
NO_SUCH_UNIT = 11
"""Gateway target device failed to respond."""

MOST_REGISTERS, MOST_BITS = 125, 2000


@dataclass(frozen=True, slots=True)
class Identity:
    """What Read Device Identification tells."""

    vendor: str
    model: str
    revision: str


@dataclass(frozen=True, slots=True)
class Memory:
    """A controller at one moment: its four tables from address 0, registers as 0 to 65535, bits as 0 or 1."""

    identity: Identity
    holding: Sequence[int]
    inputs: Sequence[int]
    coils: Sequence[int]
    discrete: Sequence[int]


@dataclass(frozen=True, slots=True)
class Write:
    """A register (or coil, as 0 or 1) that got a value."""

    time_ns: int
    coil: bool
    address: int
    value: int


Writes = tuple[Write, ...]


def adu(transaction: int, unit: int, pdu: bytes) -> bytes:
    return struct.pack(">HHHB", transaction, 0, len(pdu) + 1, unit) + pdu


def float32(value: float) -> tuple[int, int]:
    """A number as two registers, the higher word first."""
    high, low = struct.unpack(">HH", struct.pack(">f", value))
    return high, low


def read(function: int, address: int, count: int) -> bytes:
    return struct.pack(">BHH", function, address, count)


def write_register(address: int, value: int) -> bytes:
    return struct.pack(">BHH", WRITE_REGISTER, address, value)


def write_coil(address: int, on: bool) -> bytes:
    return struct.pack(">BHH", WRITE_COIL, address, 0xFF00 if on else 0)


def write_registers(address: int, values: Sequence[int]) -> bytes:
    count = len(values)
    return struct.pack(f">BHHB{count}H", WRITE_REGISTERS, address, count, 2 * count, *values)


def read_identification() -> bytes:
    """Read Device Identification (43/14), basic category, from object 0."""
    return bytes((DEVICE_IDENTIFICATION, 14, 1, 0))


def exception(function: int, code: int) -> bytes:
    return bytes((function | 0x80, code))


def changes(pdu: bytes, time_ns: int) -> Writes:
    """What a request writes if it is carried out."""
    function = pdu[0]
    if function == WRITE_REGISTER:
        return (Write(time_ns, False, *struct.unpack(">HH", pdu[1:5])),)
    if function == WRITE_COIL:
        address, value = struct.unpack(">HH", pdu[1:5])
        return (Write(time_ns, True, address, 1 if value else 0),)
    if function == WRITE_REGISTERS:
        address, count = struct.unpack(">HH", pdu[1:5])
        values = struct.unpack(f">{count}H", pdu[6 : 6 + 2 * count])
        return tuple(Write(time_ns, False, address + n, value) for n, value in enumerate(values))
    return ()


def answer(memory: Memory, pdu: bytes) -> bytes:
    """The response to a well-formed request of the functions above; other functions are refused."""
    function = pdu[0]
    if function == DEVICE_IDENTIFICATION:
        return _identification(memory.identity)
    if function not in FUNCTIONS:
        return exception(function, ILLEGAL_FUNCTION)
    address, count = struct.unpack(">HH", pdu[1:5])
    if function in (READ_HOLDING, READ_INPUT):
        registers = memory.holding if function == READ_HOLDING else memory.inputs
        if not 1 <= count <= MOST_REGISTERS:
            return exception(function, ILLEGAL_VALUE)
        if address + count > len(registers):
            return exception(function, ILLEGAL_ADDRESS)
        part = registers[address : address + count]
        return struct.pack(f">BB{count}H", function, 2 * count, *part)
    if function in (READ_COILS, READ_DISCRETE):
        table = memory.coils if function == READ_COILS else memory.discrete
        if not 1 <= count <= MOST_BITS:
            return exception(function, ILLEGAL_VALUE)
        if address + count > len(table):
            return exception(function, ILLEGAL_ADDRESS)
        bits = table[address : address + count]
        octets = [sum(bit << n for n, bit in enumerate(bits[i : i + 8])) for i in range(0, count, 8)]
        return bytes((function, len(octets), *octets))
    size = len(memory.coils) if function == WRITE_COIL else len(memory.holding)
    if address + (count if function == WRITE_REGISTERS else 1) > size:
        return exception(function, ILLEGAL_ADDRESS)
    return pdu[:5]


def _identification(identity: Identity) -> bytes:
    """Vendor, product code and revision, conformity level 1, nothing more to come (6.21)."""
    objects = [text.encode() for text in (identity.vendor, identity.model, identity.revision)]
    body = b"".join(bytes((number, len(text))) + text for number, text in enumerate(objects))
    return bytes((DEVICE_IDENTIFICATION, 14, 1, 1, 0, 0, len(objects))) + body
