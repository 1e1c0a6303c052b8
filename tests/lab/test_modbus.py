"""Controllers answer as the standard says; pymodbus is the second reader."""

from __future__ import annotations

import pytest
from pymodbus.pdu import DecodePDU

from otmon.lab import food_factory, modbus

NOON, T = 720, 1_776_100_000_000_000_000
ANSWERS = DecodePDU(False)
REQUESTS = DecodePDU(True)


def answer(pdu: bytes, writes: modbus.Writes = (), time_ns: int = T) -> bytes:
    return modbus.answer(food_factory.memory(food_factory.MIXING, NOON, writes, time_ns), pdu)


@pytest.mark.parametrize("function", [1, 2, 3, 4])
def test_reads_give_as_much_as_was_asked_for(function: int) -> None:
    request = modbus.read(function, 1, 10)
    asked, answered = REQUESTS.decode(request), ANSWERS.decode(answer(request))
    assert asked is not None and answered is not None
    assert (asked.address, asked.count) == (1, 10)
    assert len(answered.registers if function > 2 else answered.bits[:10]) == 10
    assert answered.function_code == function


@pytest.mark.parametrize(
    ("pdu", "code"),
    [
        (modbus.read(3, 0, 126), modbus.ILLEGAL_VALUE),
        (modbus.read(3, 0, 0), modbus.ILLEGAL_VALUE),
        (modbus.read(3, 39, 2), modbus.ILLEGAL_ADDRESS),
        (modbus.read(1, 31, 2), modbus.ILLEGAL_ADDRESS),
        (modbus.read(1, 0, 2001), modbus.ILLEGAL_VALUE),
        (modbus.write_register(40, 1), modbus.ILLEGAL_ADDRESS),
        (modbus.write_registers(39, [1, 2]), modbus.ILLEGAL_ADDRESS),
        (bytes((7,)), modbus.ILLEGAL_FUNCTION),
    ],
)
def test_what_is_not_there_is_refused(pdu: bytes, code: int) -> None:
    assert answer(pdu) == modbus.exception(pdu[0], code)


def test_a_write_is_echoed() -> None:
    for request in (modbus.write_register(21, 2500), modbus.write_coil(0, False)):
        assert answer(request) == request
    assert answer(modbus.write_registers(20, [5, 6])) == modbus.write_registers(20, [5, 6])[:5]


def test_a_controller_tells_who_it_is() -> None:
    told = ANSWERS.decode(answer(modbus.read_identification()))
    assert told is not None
    assert told.information[0] == food_factory.MIXING.identity.vendor.encode()


def test_a_message_counts_its_bytes() -> None:
    assert modbus.adu(7, 1, b"\x03abc") == b"\0\x07\0\0\0\x05\x01\x03abc"
    assert modbus.changes(modbus.read(3, 0, 1), T) == ()
    high, low = modbus.float32(0.75)
    assert (high, low) == (0x3F40, 0)
