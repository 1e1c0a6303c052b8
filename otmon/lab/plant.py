"""The process: a mixing tank, a conveyor and a packing cell, each behind one Modbus controller.

Values follow from the time of day by integer arithmetic alone, so that every machine simulates the
same plant to the last bit. A write changes what is read from then on; the dosing rate and the
conveyor's speed follow their setpoints, and the tank's concentration follows the dosing rate.
Message layouts: MODBUS Application Protocol Specification V1.1b3, section 6, and MODBUS Messaging
on TCP/IP Implementation Guide V1.0b, section 3.1.3 (the MBAP header).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from otmon.lab.frames import MINUTE_NS

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

HOLDING_COUNT, INPUT_COUNT, BIT_COUNT = 40, 16, 32
MOST_REGISTERS, MOST_BITS = 125, 2000

TANK_SETPOINT, DOSING_SETPOINT, TEMPERATURE_SETPOINT = 20, 21, 22
SPEED_SETPOINT, BATCH_SIZE = 20, 21
RUN_COIL = 0

FOLLOWING_MINUTES = 20
"""How long the tank takes to be exchanged, and so its concentration to follow the dosing rate."""


@dataclass(frozen=True, slots=True)
class Controller:
    """A controller's identity and the setpoints that it starts the day with (holding 20 onwards)."""

    name: str
    vendor: str
    model: str
    revision: str
    setpoints: tuple[int, ...]


MIXING = Controller("mixing", "Lab Controls", "MX-200", "2.14", (1500, 100, 650))
CONVEYOR = Controller("conveyor", "Lab Controls", "CV-110", "1.7", (400, 24))
PACKING = Controller("packing", "Lab Controls", "PK-300", "3.0", (12, 24, 6))


@dataclass(frozen=True, slots=True)
class Write:
    """A register (or coil, as 0 or 1) that got a value."""

    time_ns: int
    coil: bool
    address: int
    value: int


Writes = tuple[Write, ...]


def _triangle(position: int, period: int, low: int, high: int) -> int:
    """A value that climbs from `low` to `high` and back once in `period`."""
    phase = position % period
    half = period // 2
    return low + (high - low) * (phase if phase < half else period - phase) // half


def _written(writes: Writes, time_ns: int, coil: bool, address: int, value: int) -> tuple[int, int]:
    """The value at `address`, and what a quantity that follows it in equal steps over
    `FOLLOWING_MINUTES` has reached."""
    reached, since = value, 0
    for write in writes:
        if write.time_ns < time_ns and (write.coil, write.address) == (coil, address):
            reached = _followed(reached, value, write.time_ns - since)
            value, since = write.value, write.time_ns
    return value, _followed(reached, value, time_ns - since)


def _followed(reached: int, target: int, passed_ns: int) -> int:
    return reached + (target - reached) * min(passed_ns // MINUTE_NS, FOLLOWING_MINUTES) // FOLLOWING_MINUTES


def holding(controller: Controller, minute: int, writes: Writes, time_ns: int) -> list[int]:
    """The 40 holding registers: 0-19 what is measured, 20-39 the setpoints."""
    registers = [0] * HOLDING_COUNT
    reached = [0] * HOLDING_COUNT
    for number, before in enumerate(controller.setpoints, start=20):
        registers[number], reached[number] = _written(writes, time_ns, False, number, before)
    running, _ = _written(writes, time_ns, True, RUN_COIL, 1)
    if controller is MIXING:
        registers[0] = _triangle(minute, 48, 620, registers[TANK_SETPOINT])  # level, mm
        registers[1] = registers[TEMPERATURE_SETPOINT] + _triangle(minute, 14, -6, 6)  # 0.1 degrees C
        registers[2] = 35 + minute % 7  # inlet valve, percent
        registers[3] = 118 + minute % 5 if running else 0  # flow, l/min
        registers[4] = registers[DOSING_SETPOINT] if running else 0  # dosing rate, 0.01 ml/l
        registers[5] = reached[DOSING_SETPOINT]  # concentration, 0.01 ml/l
        registers[10], registers[11] = divmod(40_318 + minute // 48, 65_536)  # batches
    elif controller is CONVEYOR:
        speed = registers[SPEED_SETPOINT] if running else 0
        registers[0] = speed + (minute % 3 - 1 if speed else 0)  # mm/s
        registers[1] = 21 + speed // 50 + minute % 4  # motor current, 0.1 A
        registers[2] = 380 + _triangle(minute, 90, 0, 60)  # bearing temperature, 0.1 degrees C
        registers[10], registers[11] = divmod(1_204_977 + minute * 11, 65_536)  # boxes
    else:
        registers[0] = minute % 24  # boxes on the pallet
        registers[1] = 3 + minute % 2  # robot program
        registers[10], registers[11] = divmod(50_207 + minute // 3, 65_536)  # pallets
    return registers


def coils(minute: int, writes: Writes, time_ns: int) -> list[int]:
    """The 32 coils: 0 run, 1 and 2 pumps, 3 heater, 4 to 7 lamps."""
    bits = [0] * BIT_COUNT
    bits[1], bits[2], bits[3], bits[4] = minute // 5 % 2, 1 - minute // 5 % 2, minute // 7 % 2, 1
    for number, before in enumerate([1, *bits[1:]]):
        bits[number], _ = _written(writes, time_ns, True, number, before)
    return bits


def adu(transaction: int, unit: int, pdu: bytes) -> bytes:
    return struct.pack(">HHHB", transaction, 0, len(pdu) + 1, unit) + pdu


def read(function: int, address: int, count: int) -> bytes:
    return struct.pack(">BHH", function, address, count)


def write_register(address: int, value: int) -> bytes:
    return struct.pack(">BHH", WRITE_REGISTER, address, value)


def write_coil(address: int, on: bool) -> bytes:
    return struct.pack(">BHH", WRITE_COIL, address, 0xFF00 if on else 0)


def write_registers(address: int, values: list[int]) -> bytes:
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


def answer(controller: Controller, pdu: bytes, minute: int, writes: Writes, time_ns: int) -> bytes:
    """The controller's response to a well-formed request of the functions above."""
    function = pdu[0]
    if function == DEVICE_IDENTIFICATION:
        return _identification(controller)
    if function not in FUNCTIONS:
        return exception(function, ILLEGAL_FUNCTION)
    address, count = struct.unpack(">HH", pdu[1:5])
    if function in (READ_HOLDING, READ_INPUT):
        registers = holding(controller, minute, writes, time_ns)
        if function == READ_INPUT:
            registers = registers[:INPUT_COUNT]
        if not 1 <= count <= MOST_REGISTERS:
            return exception(function, ILLEGAL_VALUE)
        if address + count > len(registers):
            return exception(function, ILLEGAL_ADDRESS)
        part = registers[address : address + count]
        return struct.pack(f">BB{count}H", function, 2 * count, *part)
    if function in (READ_COILS, READ_DISCRETE):
        if not 1 <= count <= MOST_BITS:
            return exception(function, ILLEGAL_VALUE)
        if address + count > BIT_COUNT:
            return exception(function, ILLEGAL_ADDRESS)
        bits = coils(minute, writes, time_ns)[address : address + count]
        octets = [sum(bit << n for n, bit in enumerate(bits[i : i + 8])) for i in range(0, count, 8)]
        return bytes((function, len(octets), *octets))
    size = BIT_COUNT if function == WRITE_COIL else HOLDING_COUNT
    if address + (count if function == WRITE_REGISTERS else 1) > size:
        return exception(function, ILLEGAL_ADDRESS)
    return pdu[:5]


def _identification(controller: Controller) -> bytes:
    """Vendor, product code and revision, conformity level 1, nothing more to come (6.21)."""
    objects = [text.encode() for text in (controller.vendor, controller.model, controller.revision)]
    body = b"".join(bytes((number, len(text))) + text for number, text in enumerate(objects))
    return bytes((DEVICE_IDENTIFICATION, 14, 1, 1, 0, 0, len(objects))) + body
