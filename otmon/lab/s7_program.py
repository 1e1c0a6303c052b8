"""What an engineering tool says to an S7 CPU besides reading and writing: who are you, stop, take this
program, start.

Layouts as in `otmon.lab.s7`: Wireshark's packet-s7comm.c and Snap7's s7_types.h. In a download the CPU asks
for each part: from there on it sends the jobs, and the tool answers.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from random import Random

from otmon.lab.frames import MILLISECOND_NS, SECOND_NS, Say
from otmon.lab.s7 import ACKNOWLEDGED, JOB, Exchange, message

USERDATA = 7
REQUEST_DOWNLOAD, DOWNLOAD_BLOCK, DOWNLOAD_ENDED = 0x1A, 0x1B, 0x1C
START_UPLOAD, UPLOAD, END_UPLOAD = 0x1D, 0x1E, 0x1F
PROGRAM_INVOCATION, STOP = 0x28, 0x29
PART = 200
"""Bytes of a block in one message: what a PDU of 240 leaves."""
MODULE_IDENTIFICATION = 0x0011
"""System status list: order number and version of module, hardware and firmware."""


def stop(number: int) -> bytes:
    return message(JOB, number, bytes((STOP, 0, 0, 0, 0, 0, 9)) + b"P_PROGRAM")


def stopped(number: int) -> bytes:
    return message(ACKNOWLEDGED, number, bytes((STOP,)))


def _invocation(number: int, argument: bytes, service: bytes) -> bytes:
    head = bytes((PROGRAM_INVOCATION, 0, 0, 0, 0, 0, 0, 0xFD)) + struct.pack(">H", len(argument))
    return message(JOB, number, head + argument + bytes((len(service),)) + service)


def start(number: int, *, cold: bool = False) -> bytes:
    """Run: a warm restart, or a cold one that forgets what the program kept."""
    return _invocation(number, b"C " if cold else b"", b"P_PROGRAM")


def insert(number: int, block: int) -> bytes:
    """A block that was downloaded becomes part of the program."""
    return _invocation(number, b"\x01\x00" + b"08" + f"{block:05}".encode() + b"P", b"_INSE")


def invoked(number: int) -> bytes:
    return message(ACKNOWLEDGED, number, bytes((PROGRAM_INVOCATION,)))


def _named(function: int, block: int) -> bytes:
    """The parameters that name an organisation block (08) in the passive file system."""
    name = b"_08" + f"{block:05}".encode() + b"P"
    return bytes((function, 0, 0, 0, 0, 0, 0, 0, len(name))) + name


def download(first: int, block: int, code: bytes) -> list[Say]:
    """A block of code into the CPU, in messages numbered from `first`."""
    lengths = b"\x0d1" + f"{len(code):06}{len(code) - 36 if len(code) > 36 else 0:06}".encode()
    says = [
        Say("client", message(JOB, first, _named(REQUEST_DOWNLOAD, block) + lengths), 20 * MILLISECOND_NS),
        Say("server", message(ACKNOWLEDGED, first, bytes((REQUEST_DOWNLOAD,))), 12 * MILLISECOND_NS),
    ]
    asked = 0x8000 | first
    for start_at in range(0, len(code), PART):
        part = code[start_at : start_at + PART]
        more = start_at + PART < len(code)
        data = struct.pack(">HH", len(part), 0x00FB) + part
        answer = message(ACKNOWLEDGED, asked, bytes((DOWNLOAD_BLOCK, more)), data)
        says.append(Say("server", message(JOB, asked, _named(DOWNLOAD_BLOCK, block)), 8 * MILLISECOND_NS))
        says.append(Say("client", answer, 6 * MILLISECOND_NS))
        asked += 1
    says.append(Say("server", message(JOB, asked, _named(DOWNLOAD_ENDED, block)), 8 * MILLISECOND_NS))
    says.append(Say("client", message(ACKNOWLEDGED, asked, bytes((DOWNLOAD_ENDED,))), 4 * MILLISECOND_NS))
    says.append(Say("client", insert(first + 1, block), 30 * MILLISECOND_NS))
    says.append(Say("server", invoked(first + 1), 25 * MILLISECOND_NS))
    return says


def upload(first: int, block: int, code: bytes) -> list[Say]:
    """A block of code out of the CPU."""
    handle = struct.pack(">I", 7)
    length = f"{len(code):07}".encode()
    begun = bytes((START_UPLOAD, 0, 1, 0)) + handle + bytes((len(length),)) + length
    says = [
        Say("client", message(JOB, first, _named(START_UPLOAD, block)), 20 * MILLISECOND_NS),
        Say("server", message(ACKNOWLEDGED, first, begun), 12 * MILLISECOND_NS),
    ]
    number = first
    for start_at in range(0, len(code), PART):
        part, number = code[start_at : start_at + PART], number + 1
        more = start_at + PART < len(code)
        asked = bytes((UPLOAD, 0, 0, 0)) + handle
        data = struct.pack(">HH", len(part), 0x00FB) + part
        says.append(Say("client", message(JOB, number, asked), 6 * MILLISECOND_NS))
        answer = message(ACKNOWLEDGED, number, bytes((UPLOAD, more)), data)
        says.append(Say("server", answer, 9 * MILLISECOND_NS))
    ended = bytes((END_UPLOAD, 0, 0, 0)) + handle
    says.append(Say("client", message(JOB, number + 1, ended), 6 * MILLISECOND_NS))
    says.append(Say("server", message(ACKNOWLEDGED, number + 1, bytes((END_UPLOAD,))), 6 * MILLISECOND_NS))
    return says


def code_of(size: int, random: Random) -> bytes:
    """A block as the CPU keeps it: header ("pp", version, language, kind, number, length), code, footer."""
    head = b"pp" + bytes((1, 1, 1, 8)) + struct.pack(">HI", 1, size + 36)
    return head.ljust(36, b"\0") + random.randbytes(size)


def identification(first: int) -> list[Exchange]:
    """The CPU is asked for its system status list 0x0011."""
    asked = bytes((0, 1, 0x12, 4, 0x11, 0x44, 1, 0))
    wanted = b"\xff\x09" + struct.pack(">HHH", 4, MODULE_IDENTIFICATION, 0)
    told = bytes((0, 1, 0x12, 8, 0x12, 0x84, 1, 1, 0, 0, 0, 0))
    entries: Sequence[tuple[int, bytes, int]] = (
        (1, b"6ES7 000-0LA00-0XX0 ", 0x0002),
        (6, b"6ES7 000-0LA00-0XX0 ", 0x0002),
        (7, b"                    ", 0x5602),
    )
    rows = b"".join(
        struct.pack(">H", index) + order + struct.pack(">HHH", 0xC0, version, 0x0800)
        for index, order, version in entries
    )
    status = struct.pack(">HHHH", MODULE_IDENTIFICATION, 0, 28, len(entries)) + rows
    answer = b"\xff\x09" + struct.pack(">H", len(status)) + status
    return [
        (
            SECOND_NS,
            message(USERDATA, first, asked, wanted),
            message(USERDATA, first, told, answer),
        )
    ]
