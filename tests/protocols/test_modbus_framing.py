"""MBAP headers and serial frames: their size, their sums, and what is none of Modbus."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.framer import FramerRTU

from otmon.protocols.modbus import M_COLUMNS
from otmon.protocols.modbus_framing import (
    MBAP,
    MORE,
    NO,
    RTU,
    crc16,
    plausible,
    recognise,
    rtu_frame,
    rtu_plausible,
    rtu_size,
)  # fmt: skip
from tests.truth.messages import Message, mbap, public, rtu

PDU = np.zeros(M_COLUMNS, np.int64)
EACH = pytest.mark.parametrize("message", public(), ids=lambda message: message.name)
SERIAL = [message for message in public() if message.function not in (8, 43, 90)]


def within(data: bytes, filling: int = 0xEE) -> tuple[np.ndarray, int, int]:
    buf = np.full(len(data) + 8, filling, np.uint8)
    buf[4 : 4 + len(data)] = np.frombuffer(data, np.uint8)
    return buf, 4, 4 + len(data)


@given(st.binary(max_size=260))
def test_the_sum_of_a_serial_frame_is_pymodbus_s(data: bytes) -> None:
    expected = FramerRTU.compute_CRC(data)
    assert crc16(*within(data)) in (expected, (expected >> 8) | ((expected & 0xFF) << 8))
    frame = rtu(7, data[:250])
    assert int.from_bytes(frame[-2:], "little") == crc16(*within(frame[:-2]))


@EACH
def test_a_header_tells_what_a_message_can_be(message: Message) -> None:
    asked = plausible(*within(mbap(9, 1, message.request)), PDU)
    answered = plausible(*within(mbap(9, 1, message.response)), PDU)
    assert asked & 1 and answered & 2
    assert plausible(*within(mbap(9, 1, message.refusal(2))), PDU) == 2


@EACH
def test_a_message_is_recognised_on_any_port_whole_and_unknown_ones_on_its_own(message: Message) -> None:
    for usual in (False, True):
        assert recognise(*within(mbap(9, 1, message.request)), usual, PDU) == MBAP
    assert recognise(*within(mbap(9, 1, b"\x4f\x01\x02")), True, PDU) == MBAP
    assert recognise(*within(mbap(9, 1, b"\x4f\x01\x02")), False, PDU) == NO


@pytest.mark.parametrize(
    "data",
    [b"GET / HTTP/1.1\r\n\r\n", b"SSH-2.0-OpenSSH_9.2\r\n", mbap(1, 1, b"\x03\0\0\0\1", 0x1234), bytes(64),
     mbap(1, 1, b"\x03\0\0\0\1", 0, 0x4000), bytes.fromhex("0300001611e00000000100c1020100c2020102c0010a")],
)  # fmt: skip
def test_what_is_none_of_modbus_is_not_recognised(data: bytes) -> None:
    for usual in (False, True):
        assert recognise(*within(data), usual, PDU) in (NO, MORE)
        assert recognise(*within(data), False, PDU) == NO


@pytest.mark.parametrize("message", SERIAL, ids=lambda message: message.name)
def test_the_size_of_a_serial_frame_is_told_by_its_first_bytes(message: Message) -> None:
    for pdu, request in ((message.request, True), (message.response, False)):
        frame = rtu(17, pdu)
        for size in range(len(frame) + 1):
            told = rtu_size(*within(frame[:size] if size < len(frame) else frame + b"\xaa" * 9), request)
            assert told in (0, len(frame))
        assert told == len(frame)
        assert rtu_frame(*within(frame))
        assert not rtu_frame(*within(frame[:-1] + bytes((frame[-1] ^ 1,))))
        assert rtu_plausible(*within(frame), PDU) & (1 if request else 2)
        assert recognise(*within(frame), False, PDU) == RTU


def test_a_refusal_is_a_frame_of_five_bytes() -> None:
    for request in (False, True):
        assert rtu_size(*within(rtu(1, b"\x83\x02")), request) == 5


def test_a_broadcast_beyond_the_last_address_is_no_frame() -> None:
    assert rtu_plausible(*within(rtu(248, b"\x03\0\0\0\1")), PDU) == 0
    assert rtu_plausible(*within(rtu(247, b"\x03\0\0\0\1")), PDU) == 1


@given(st.binary(max_size=270), st.booleans())
def test_any_bytes_are_judged_without_those_around_them(data: bytes, usual: bool) -> None:
    answers = []
    for filling in (0x00, 0x03, 0xFF):
        buf, p, end = within(data, filling)
        answers.append(
            (recognise(buf, p, end, usual, PDU), plausible(buf, p, end, PDU), rtu_size(buf, p, end, True),
             rtu_size(buf, p, end, False))
        )  # fmt: skip
    assert answers[0] == answers[1] == answers[2]
