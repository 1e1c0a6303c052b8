"""PCCC, which PLC-5, SLC 500 and MicroLogix speak inside CIP: the commands that change the mode, the program
or the configuration of a controller, or write values. Those that read values are none.

References: Rockwell 1770-6.5.16, "DF1 Protocol and Command Set Reference Manual", chapters 6 (CMD, STS, TNS,
FNC, EXT STS), 7 (commands) and 13 (addresses and types of files); Wireshark packet-cip.c (Execute PCCC of the
PCCC object, types of program and function files, 0x88, modes of 0x80).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from otmon.protocols.protocol import Service

EXECUTE: Final = 0x4B
"""Service of CIP by which the PCCC object is given a command."""
TO_OBJECT: Final = (b"\x20\x67", b"\x21\0\x67\0", b"\x22\0\x67\0\0\0")
"""How a path to the PCCC object may begin: its class in 8, 16 or 32 bits."""

_STOPS: Final = Service("Change Mode to Program", "control")
_TESTS: Final = Service("Change Mode to Test", "control")
_RUNS: Final = Service("Change Mode to Run", "control")
_SET_MODE, _CHANGE_MODE, _SEVERAL = 0x0F3A, 0x0F80, 0x0F88
_MODES: Final[dict[int, dict[int, Service]]] = {
    _SET_MODE: {0: _STOPS, 1: _TESTS, 2: _RUNS},
    _CHANGE_MODE: {1: _STOPS, 2: _RUNS, 6: _RUNS, 7: _TESTS, 8: _TESTS, 9: _TESTS},
}
"""By the command; of PLC-5 the lowest two bits count, of which both leave the mode as it is."""
PCCC_COMMANDS: Final[dict[int, Service]] = {
    0x0602: Service("Set Variables", "configure"),
    0x0607: Service("Reset Diagnostic Counters", "configure"),
    0x0608: Service("Set Data Table Size", "configure"),
    0x060A: Service("Set Link Parameters", "configure"),
    0x0700: Service("Disable Outputs", "control"),
    0x0701: Service("Enable Outputs", "control"),
    0x0703: Service("Enable Scanning", "control"),
    0x0704: Service("Enter Download Mode", "program"),
    0x0705: Service("Exit Download or Upload Mode", "program"),
    0x0706: Service("Enter Upload Mode", "program"),
    0x0F05: Service("Download Request", "program"),
    0x0F06: Service("Upload Request", "program"),
    0x0F07: Service("Shutdown", "control"),
    0x0F08: Service("Physical Write", "program"),
    0x0F09: Service("Physical Read", "program"),
    0x0F0A: Service("Restart Request", "control"),
    0x0F11: Service("Get Edit Resource", "program"),
    0x0F17: Service("Read Bytes Physical", "program"),
    0x0F18: Service("Write Bytes Physical", "program"),
    _SET_MODE: Service("Change Mode", "control"),
    0x0F41: Service("Disable Forces", "control"),
    0x0F50: Service("Download All Request", "program"),
    0x0F52: Service("Download Completed", "program"),
    0x0F53: Service("Upload All Request", "program"),
    0x0F55: Service("Upload Completed", "program"),
    0x0F57: Service("Initialize Memory", "program"),
    0x0F5E: Service("Modify PLC-2 Compatibility File", "configure"),
    _CHANGE_MODE: Service("Change Mode", "control"),
    0x0F81: Service("Open File", "program"),
    0x0F8F: Service("Apply Port Configuration", "configure"),
    0x0FA7: Service("Protected Typed File Read", "program"),
    0x0FAF: Service("Protected Typed File Write", "program"),
}
"""By command and function."""
_FILE_READS, _FILE_WRITES = (0x0FA1, 0x0FA2), (0x0FA9, 0x0FAA, 0x0FAB)
PROGRAM_WRITE: Final = Service("Program File Write", "program")
PROGRAM_READ: Final = Service("Program File Read", "program")
DATA_WRITE: Final = Service("Data File Write", "write")
FILE_WRITES: Final[dict[int, Service]] = {
    **dict.fromkeys(range(0x82, 0x94), DATA_WRITE),
    0x84: Service("Status File Write", "configure"),
    **dict.fromkeys((0x49, 0x4A, 0x6A, *range(0xE0, 0xF0)), Service("Function File Write", "configure")),
    **dict.fromkeys((0xA1, 0xA2), Service("Force File Write", "control")),
}
"""What writing a file of this type is. Of others it is the program."""
_DATA_WRITES: Final = (0x0F00, 0x0F02, 0x0F26, 0x0F67, 0x0F79)
"""Writes of words, of bits and of values with their type."""
_PLAIN_WRITES: Final = (0, 2, 5, 8)
"""Commands without a function that write words or bits, protected or not."""
PROGRAM_FILES: Final = (0x22, 0x65)
"""Types of files of which reading tells the program: ladder logic, and what is edited of it."""
PCCC_SERVICES: Final = (
    *PCCC_COMMANDS.values(),
    *(service for modes in _MODES.values() for service in modes.values()),
    *FILE_WRITES.values(),
    PROGRAM_WRITE,
    PROGRAM_READ,
)
"""Every name that a command may have."""
_KINDS: Final = 0x4F
"""Bits of CMD that tell the command, or that it is an answer; the others are its priority."""
_IS_EXTENDED: Final = 0xF0


def pccc_commands(data: bytes) -> Iterator[tuple[int, Service]]:
    """The commands that Execute PCCC gives, by number and name: of several that one packs each. `data` begins
    behind the path, with who asks."""
    for command, rest in pccc_parts(data):
        yield from _named(command, rest)


def pccc_parts(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The same commands, each by its number, with what stands behind that."""
    at = data[0] if data else 0
    if len(data) - at < 5:
        return
    command = (data[at] & _KINDS) << 8 | data[at + 4]
    if command != _SEVERAL:
        yield command, data[at + 5 :]
        return
    at += 6
    for _ in range(data[at - 1] if at <= len(data) else 0):
        part = data[at + 1 : at + 1 + data[at]] if at < len(data) else b""
        if not part:
            return
        yield 0x0F00 | part[0], part[1:]
        at += 1 + data[at]


def _named(command: int, rest: bytes) -> Iterator[tuple[int, Service]]:
    service = PCCC_COMMANDS.get(command)
    if command in _DATA_WRITES or command >> 8 in _PLAIN_WRITES:
        service = DATA_WRITE
    elif command in _MODES:
        mode = int.from_bytes(rest[:1], "big") & (3 if command == _SET_MODE else 0xFF)
        service = _MODES[command].get(mode, service) if rest else None
    elif command in _FILE_READS + _FILE_WRITES:
        kind = _file_type(rest)
        if command in _FILE_WRITES:
            service = FILE_WRITES.get(kind, PROGRAM_WRITE) if kind >= 0 else None
        elif kind in PROGRAM_FILES:
            service = PROGRAM_READ
    if service is not None:
        yield command, service


def _file_type(rest: bytes) -> int:
    """The type of the file in a logical address behind the size; -1 where it is cut off."""
    at = 4 if rest[1:2] == b"\xff" else 2
    return rest[at] if len(rest) > at else -1


def pccc_status(reply: bytes) -> int:
    """What an answer to Execute PCCC says, which begins behind CIP's own status: 0 for done, else STS, or
    what extends it."""
    at = reply[0] if reply else 0
    status = reply[at + 1] if len(reply) > at + 1 else 0
    return status << 8 | reply[at + 4] if status == _IS_EXTENDED and len(reply) > at + 4 else status
