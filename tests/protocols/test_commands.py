"""Commands and answers by their bytes, as tshark names the same ones in captures of snap7's client."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otmon.ledger.commands import has_s7_command, is_fins_command
from otmon.protocols.commands import PROTOCOLS, Said, said_in


def s7(kind: int, reference: int, parameter: bytes, error: bytes = b"") -> bytes:
    """An S7 message in COTP and TPKT; answers have an error class and code."""
    size = len(parameter).to_bytes(2, "big")
    head = bytes((0x32, kind, 0, 0)) + reference.to_bytes(2, "big") + size + b"\0\0" + error
    whole = b"\x02\xf0\x80" + head + parameter
    return b"\x03\0" + (4 + len(whole)).to_bytes(2, "big") + whole


def invoked(name: bytes, argument: bytes = b"") -> bytes:
    size = len(argument).to_bytes(2, "big")
    return b"\x28\0\0\0\0\0\0\xfd" + size + argument + bytes((len(name),)) + name


STOP = s7(1, 0x3B, b"\x29\0\0\0\0\0\x09P_PROGRAM")
COLD_START = s7(1, 0x3F, invoked(b"P_PROGRAM", b"C "))
START = s7(1, 0x40, invoked(b"P_PROGRAM"))
COMPRESS = s7(1, 0x41, invoked(b"_GARB"))
UPLOAD = s7(1, 8, b"\x1d\0\0\0\0\0\0\0\x09_0800001A")
DOWNLOAD = s7(1, 9, b"\x1a\0\1\0\0\0\0\0\x09_0800001P\x0d1000540000018")
ANSWERED = s7(3, 8, b"\x1d\0\1\0\0\0\0\x07\x07000021", b"\0\0")
DONE = s7(3, 0x3B, b"\x29", b"\0\0")
REFUSED = s7(2, 0x3B, b"", b"\xd2\x04")
READ = s7(1, 14, b"\4\1\x12\x0a\x10\2\0\4\0\x0a\x84\0\0\0")

FINS_STOP = bytes.fromhex("800002000100000a0007" + "0402")
FINS_STOPPED = bytes.fromhex("c00002000a000001000704020000")
FINS_READ = bytes.fromhex("800002000100000a000701018200640000" + "01")
FINS_TCP = b"FINS" + bytes.fromhex("0000001a0000000200000000")
SLMP_STOP = bytes.fromhex("500000ffff030008001000021000000100")
SLMP_STOP_4E = bytes.fromhex("540034120000" + "00ffff030008001000021000000100")
SLMP_DONE = bytes.fromhex("d00000ffff030002000000")
SLMP_REFUSED = bytes.fromhex("d00000ffff03000b0059c000ffff030002100000")
SLMP_DONE_4E = bytes.fromhex("d40034120000" + "00ffff030002000000")
SLMP_READ = bytes.fromhex("500000ffff03000c00100001040000640000a80100")

COMMANDS = [
    ("s7comm", STOP, 0x3B, "PLC Stop", "control"),
    ("s7comm", COLD_START, 0x3F, "PLC Cold Start", "control"),
    ("s7comm", START, 0x40, "PLC Start", "control"),
    ("s7comm", COMPRESS, 0x41, "Compress Memory", "program"),
    ("s7comm", UPLOAD, 8, "Start Upload", "program"),
    ("s7comm", DOWNLOAD, 9, "Request Download", "program"),
    ("fins", FINS_STOP, 7 << 16 | 0x0402, "Stop", "control"),
    ("fins", FINS_TCP + FINS_STOP, 7 << 16 | 0x0402, "Stop", "control"),
    ("slmp", SLMP_STOP, 0, "Remote Stop", "control"),
    ("slmp", SLMP_STOP_4E, 0x1234, "Remote Stop", "control"),
]
ANSWERS = [
    ("s7comm", DONE, 0x3B, 0),
    ("s7comm", REFUSED, 0x3B, 0xD204),
    ("s7comm", ANSWERED, 8, 0),
    ("fins", FINS_STOPPED, 7 << 16 | 0x0402, 0),
    ("slmp", SLMP_DONE, 0, 0),
    ("slmp", SLMP_REFUSED, 0, 0xC059),
    ("slmp", SLMP_DONE_4E, 0x1234, 0),
]


def told(protocol: str, payload: bytes, *, from_client: bool = True) -> list[Said]:
    return list(said_in(protocol, payload, from_client=from_client))


@pytest.mark.parametrize(("protocol", "payload", "reference", "name", "access"), COMMANDS)
def test_a_command_has_a_name_and_an_access_class(
    protocol: str, payload: bytes, reference: int, name: str, access: str
) -> None:
    (one,) = told(protocol, payload)
    assert one.service is not None
    assert (one.reference, one.service.name, one.service.access) == (reference, name, access)
    assert told(protocol, payload, from_client=False) == []


@pytest.mark.parametrize(("protocol", "payload", "reference", "status"), ANSWERS)
def test_an_answer_says_whether_it_was_done(
    protocol: str, payload: bytes, reference: int, status: int
) -> None:
    (one,) = told(protocol, payload, from_client=False)
    assert (one.reference, one.service, one.status) == (reference, None, status)
    assert told(protocol, payload) == []


def test_reading_is_no_command() -> None:
    assert told("s7comm", READ) == told("fins", FINS_READ) == told("slmp", SLMP_READ) == []


def test_several_in_one_segment_and_one_behind_a_header_that_came_before() -> None:
    assert [one.reference for one in told("s7comm", READ + STOP + UPLOAD)] == [0x3B, 8]
    assert told("s7comm", STOP[4:]) == told("s7comm", STOP)
    assert told("s7comm", DONE[4:], from_client=False) == told("s7comm", DONE, from_client=False)


def test_an_invocation_of_another_name_is_one() -> None:
    (one,) = told("s7comm", s7(1, 5, invoked(b"_ELSE")))
    assert one.service is not None and one.service.name == "Program Invocation"


def test_tpkt_that_leads_nowhere_ends() -> None:
    for size in (0, 3, 6):
        assert len(told("s7comm", STOP[:2] + size.to_bytes(2, "big") + STOP[4:] + STOP)) == 1


@pytest.mark.parametrize(("protocol", "payload"), [case[:2] for case in COMMANDS])
def test_what_is_cut_is_nothing_or_the_same_function(protocol: str, payload: bytes) -> None:
    (whole,) = told(protocol, payload)
    for size in range(len(payload)):
        for one in told(protocol, payload[:size]):
            assert (one.reference, one.function) == (whole.reference, whole.function), size


@given(
    protocol=st.sampled_from(PROTOCOLS),
    which=st.integers(0, 30),
    changes=st.lists(st.tuples(st.integers(0, 80), st.integers(0, 255)), max_size=3),
    before=st.sampled_from([b"", READ, STOP, DONE]),
    from_client=st.booleans(),
)
def test_no_bytes_raise_and_what_is_read_was_chosen_by_the_kernel(
    protocol: str, which: int, changes: list[tuple[int, int]], before: bytes, from_client: bool
) -> None:
    known = [case[1] for case in (*COMMANDS, *ANSWERS) if case[0] == protocol]
    payload = bytearray(known[which % len(known)])
    for at, value in changes:
        payload[at % len(payload)] = value
    if protocol == "s7comm":
        payload[:0] = before
    found = told(protocol, bytes(payload), from_client=from_client)
    data = np.frombuffer(bytes(payload), np.uint8)
    if protocol == "s7comm" and any(one.service is not None for one in found):
        assert has_s7_command(data, 0, len(data))
    if protocol == "fins" and found:
        assert is_fins_command(data, 0, len(data))
