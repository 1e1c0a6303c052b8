"""The simulated controllers answer as the standard says; pymodbus is the second reader."""

from __future__ import annotations

import pytest
from pymodbus.pdu import DecodePDU

from otmon.lab import plant

NOON, T = 720, 1_776_100_000_000_000_000
ANSWERS = DecodePDU(False)
REQUESTS = DecodePDU(True)


def answer(pdu: bytes, writes: plant.Writes = (), time_ns: int = T) -> bytes:
    return plant.answer(plant.MIXING, pdu, NOON, writes, time_ns)


@pytest.mark.parametrize("function", [1, 2, 3, 4])
def test_reads_give_as_much_as_was_asked_for(function: int) -> None:
    request = plant.read(function, 1, 10)
    asked, answered = REQUESTS.decode(request), ANSWERS.decode(answer(request))
    assert asked is not None and answered is not None
    assert (asked.address, asked.count) == (1, 10)
    assert len(answered.registers if function > 2 else answered.bits[:10]) == 10
    assert answered.function_code == function


@pytest.mark.parametrize(
    ("pdu", "code"),
    [
        (plant.read(3, 0, 126), plant.ILLEGAL_VALUE),
        (plant.read(3, 0, 0), plant.ILLEGAL_VALUE),
        (plant.read(3, 39, 2), plant.ILLEGAL_ADDRESS),
        (plant.read(1, 31, 2), plant.ILLEGAL_ADDRESS),
        (plant.read(1, 0, 2001), plant.ILLEGAL_VALUE),
        (plant.write_register(40, 1), plant.ILLEGAL_ADDRESS),
        (plant.write_registers(39, [1, 2]), plant.ILLEGAL_ADDRESS),
        (bytes((7,)), plant.ILLEGAL_FUNCTION),
    ],
)
def test_what_is_not_there_is_refused(pdu: bytes, code: int) -> None:
    assert answer(pdu) == plant.exception(pdu[0], code)


def test_a_write_is_echoed_and_read_back_from_then_on() -> None:
    request = plant.write_register(21, 2500)
    assert answer(request) == request
    writes = plant.changes(request, T)
    before, after = (plant.holding(plant.MIXING, NOON, writes, T + way) for way in (-1, 1))
    assert (before[21] != 2500, after[21]) == (True, 2500)
    both = plant.changes(plant.write_registers(20, [5, 6]), T)
    assert plant.holding(plant.MIXING, NOON, both, T + 1)[20:22] == [5, 6]
    assert answer(plant.write_registers(20, [5, 6])) == plant.write_registers(20, [5, 6])[:5]


def test_a_coil_switches() -> None:
    request = plant.write_coil(plant.RUN_COIL, False)
    assert answer(request) == request
    assert plant.coils(NOON, (), T)[plant.RUN_COIL] == 1
    assert plant.coils(NOON, plant.changes(request, T), T + 1)[plant.RUN_COIL] == 0


def test_a_controller_tells_who_it_is() -> None:
    told = ANSWERS.decode(answer(plant.read_identification()))
    assert told is not None
    assert told.information[0] == plant.MIXING.vendor.encode()


def test_a_message_counts_its_bytes() -> None:
    assert plant.adu(7, 1, b"\x03abc") == b"\0\x07\0\0\0\x05\x01\x03abc"
    assert plant.changes(plant.read(3, 0, 1), T) == ()
