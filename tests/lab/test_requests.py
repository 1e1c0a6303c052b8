"""Requests as files write them are those of the protocol."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otmon.lab import modbus
from otmon.lab.requests import paced, read_request


@pytest.mark.parametrize(
    ("text", "pdu"),
    [
        ("read holding 0-9", modbus.read(modbus.READ_HOLDING, 0, 10)),
        ("read coils 3", modbus.read(modbus.READ_COILS, 3, 1)),
        ("read discrete 0-1999", modbus.read(modbus.READ_DISCRETE, 0, 2000)),
        ("read input 65535", modbus.read(modbus.READ_INPUT, 65_535, 1)),
        ("write register 20 = 40", modbus.write_register(20, 40)),
        ("write registers 0 = 1, 2,3", modbus.write_registers(0, [1, 2, 3])),
        ("write float 2 = 0.65", modbus.write_registers(2, modbus.float32(0.65))),
        ("write float 2 = -4", modbus.write_registers(2, modbus.float32(-4))),
        ("write coil 0 = off", modbus.write_coil(0, False)),
        ("write coil 7 = on", modbus.write_coil(7, True)),
        ("identify", modbus.read_identification()),
    ],
)
def test_a_text_is_a_request(text: str, pdu: bytes) -> None:
    assert read_request(text) == (0, pdu)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "read",
        "read holding",
        "read holding 9-2",
        "read holding 0-125",
        "read coils 0-2000",
        "read input 65535-65536",
        "read other 1",
        "write register 0 = 65536",
        "write register 0 = 1, 2",
        "write registers 0 = 1,,2",
        "write registers 65536 = 1",
        "write float 0 = nan",
        "write float 0 = 1e9",
        "write coil 0 = 1",
        "wait",
        "wait 5",
        "identify 1",
    ],
)
def test_what_is_none_is_none(text: str) -> None:
    assert read_request(text) is None


@given(st.text(alphabet="read write coilhgnptsfuv0123456789-=., onwma", max_size=40))
def test_no_text_makes_it_fail(text: str) -> None:
    found = read_request(text)
    assert found is None or (found[0] >= 0 and len(found[1]) <= 253)


def test_a_wait_comes_before_what_follows_it() -> None:
    texts = ("identify", "wait 30s", "wait 1s", "read coils 0", "wait 5s")
    requests = [request for text in texts if (request := read_request(text)) is not None]
    assert [wait_ns for wait_ns, _ in paced(requests, 10**9)] == [10**9, 32 * 10**9]
