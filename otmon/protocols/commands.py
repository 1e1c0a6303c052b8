"""Commands that change what a controller does or which program it runs, and their answers, in protocols whose
reading and writing of values is not decoded: S7comm, FINS and SLMP.

References for S7comm: Wireshark packet-s7comm.c and Snap7 s7_types.h (functions, PI services), as Siemens
publishes no specification; RFC 1006, 6 (TPKT); ITU-T X.224, 13.7 (data unit). For FINS: Omron W227, "FINS
Commands Reference Manual"; W421 for its header in TCP. For SLMP: Mitsubishi SH-080956ENG, "SLMP Reference
Manual", 4.2 (frames 3E and 4E in binary code) and chapter 5 (commands; remote control is 10xx).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from otmon.protocols.protocol import Service

MAX_MESSAGES: Final = 16
"""Messages of one payload that are looked at."""
_COTP_DATA: Final = b"\x02\xf0"
_S7: Final = 0x32
_JOB: Final = 1
_ANSWERS: Final = (2, 3)
_INVOCATION: Final = 0x28
S7_FUNCTIONS: Final[dict[int, Service]] = {
    0x1A: Service("Request Download", "program"),
    0x1D: Service("Start Upload", "program"),
    _INVOCATION: Service("Program Invocation", "control"),
    0x29: Service("PLC Stop", "control"),
}
"""Of a down- or upload the job that begins it: its parts are many, and say nothing else."""
_COLD: Final = b"C "
_S7_SERVICES: Final[dict[bytes, Service]] = {
    b"P_PROGRAM": Service("PLC Start", "control"),
    b"_INSE": Service("Insert Block", "program"),
    b"_DELE": Service("Delete Block", "program"),
    b"_GARB": Service("Compress Memory", "program"),
    b"_MODU": Service("Copy RAM to ROM", "program"),
}
"""Program invocation services by their name in the job."""
_COLD_START: Final = Service("PLC Cold Start", "control")

FINS_COMMANDS: Final[dict[int, Service]] = {
    0x0202: Service("Parameter Area Write", "configure"),
    0x0203: Service("Parameter Area Clear", "configure"),
    0x0306: Service("Program Area Read", "program"),
    0x0307: Service("Program Area Write", "program"),
    0x0308: Service("Program Area Clear", "program"),
    0x0401: Service("Run", "control"),
    0x0402: Service("Stop", "control"),
    0x0702: Service("Clock Write", "configure"),
    0x2301: Service("Forced Set/Reset", "control"),
    0x2302: Service("Forced Set/Reset Cancel", "control"),
}
_FINS_TCP: Final = b"FINS"
_FINS_TCP_HEADER: Final = 16
_FINS_ANSWER: Final = 0x40
_FINS_NO_ERROR: Final = 0x7F3F
"""What is left of an end code without the bits of a relay and of warnings."""

SLMP_COMMANDS: Final[dict[int, Service]] = {
    0x1001: Service("Remote Run", "control"),
    0x1002: Service("Remote Stop", "control"),
    0x1003: Service("Remote Pause", "control"),
    0x1005: Service("Remote Latch Clear", "control"),
    0x1006: Service("Remote Reset", "control"),
}
_SLMP_ROUTES: Final = {b"\x50\x00": 2, b"\x54\x00": 6, b"\xd0\x00": 2, b"\xd4\x00": 6}
"""Subheader, and where the route behind it begins: 4E has a serial number between."""

PROTOCOLS: Final = ("fins", "s7comm", "slmp")


class Said(NamedTuple):
    """A command, or the answer to one."""

    reference: int
    """What a command and its answer have in common."""
    function: int
    service: Service | None
    """Of a command; None of an answer."""
    status: int = 0
    """Of an answer: 0 for done, else the protocol's error code."""


def said_in(protocol: str, payload: bytes, *, from_client: bool) -> Iterator[Said]:
    """The commands, or the answers, in a payload of one of `PROTOCOLS`."""
    if protocol == "s7comm":
        return _s7comm(payload, from_client)
    return (_fins if protocol == "fins" else _slmp)(payload, from_client)


def _s7comm(payload: bytes, from_client: bool) -> Iterator[Said]:
    # A segment may begin behind a TPKT header that came in one of its own.
    at = -4 if payload[:2] == _COTP_DATA else 0
    for _ in range(MAX_MESSAGES):
        head = payload[at + 7 : at + 19]
        if payload[at + 4 : at + 6] != _COTP_DATA or len(head) < 11 or head[0] != _S7:
            return
        reference = int.from_bytes(head[4:6], "big")
        if from_client and head[1] == _JOB:
            function = head[10]
            if function in S7_FUNCTIONS:
                size = int.from_bytes(head[6:8], "big")
                service = _s7_service(payload[at + 17 : at + 17 + size])
                yield Said(reference, function, service)
        elif not from_client and head[1] in _ANSWERS and len(head) == 12:
            function = payload[at + 19] if at + 19 < len(payload) else 0
            yield Said(reference, function, None, int.from_bytes(head[10:12], "big"))
        size = int.from_bytes(payload[at + 2 : at + 4], "big") if at >= 0 else 0
        if size < 7:
            return
        at += size


def _s7_service(parameter: bytes) -> Service:
    function = S7_FUNCTIONS[parameter[0]] if parameter else S7_FUNCTIONS[_INVOCATION]
    if parameter[:1] != bytes((_INVOCATION,)) or len(parameter) < 11:
        return function
    # Seven bytes of unknown meaning; the argument with its length; the service's name with its length.
    end = 10 + int.from_bytes(parameter[8:10], "big")
    name = parameter[end + 1 : end + 1 + parameter[end]] if end < len(parameter) else b""
    if name == b"P_PROGRAM" and parameter[10:end] == _COLD:
        return _COLD_START
    return _S7_SERVICES.get(name, function)


def _fins(payload: bytes, from_client: bool) -> Iterator[Said]:
    data = payload[_FINS_TCP_HEADER:] if payload[:4] == _FINS_TCP else payload
    if len(data) < 12 or bool(data[0] & _FINS_ANSWER) == from_client:
        return
    command = int.from_bytes(data[10:12], "big")
    if command not in FINS_COMMANDS:
        return
    reference = data[9] << 16 | command
    if from_client:
        yield Said(reference, command, FINS_COMMANDS[command])
    elif len(data) >= 14:
        yield Said(reference, command, None, int.from_bytes(data[12:14], "big") & _FINS_NO_ERROR)


def _slmp(payload: bytes, from_client: bool) -> Iterator[Said]:
    begin = _SLMP_ROUTES.get(payload[:2], 0)
    if not begin or (payload[0] >= 0xD0) == from_client:
        return
    reference = int.from_bytes(payload[2:4], "little") if begin > 2 else 0
    # Network, station, module and multidrop station; length; then a timer or the end code.
    told = payload[begin + 7 : begin + 11]
    if from_client and len(told) == 4:
        command = int.from_bytes(told[2:4], "little")
        if command in SLMP_COMMANDS:
            yield Said(reference, command, SLMP_COMMANDS[command])
    elif not from_client and len(told) >= 2:
        yield Said(reference, 0, None, int.from_bytes(told[:2], "little"))
