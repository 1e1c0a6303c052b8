"""Commands that change what a controller does or which program it runs, and their answers, in protocols whose
messages no kernel reads otherwise: S7comm, FINS and SLMP here, EtherNet/IP in `cip.py`, DNP3, BACnet and IEC
104 in `stations.py`. What writes values is told, and not which; what reads them is not.

References for S7comm: Wireshark packet-s7comm.c and Snap7 s7_types.h (functions, return codes of items, PI
services, groups and subfunctions of user data), as Siemens publishes no specification; RFC 1006, 6 (TPKT);
ITU-T X.224, 13.7 (data unit). For FINS: Omron W227, "FINS Commands Reference Manual", and W342, 5-3; W421 for
its header in TCP and for RESET of an Ethernet unit. For SLMP: Mitsubishi SH-080956ENG, "SLMP Reference
Manual", 4.2 (frames 3E and 4E in binary and ASCII code) and chapter 5 (commands; remote control is 10xx,
files are 18xx); for the older frame 1E "FX3U-ENET User's Manual", 9.1.2 (its form), 9.3 (writes) and
9.4.2 (remote RUN and STOP).

Contract: a message begins where the kernel of `otmon.ledger.copying.commands` found that it does, and is one
message. Who of the two asks is said by the message, as both may: FINS has peers, and a controller that opens
the connection is commanded by who accepts it.
"""

from __future__ import annotations

from typing import Final

from otmon.protocols.cip import CIP_SERVICES, cip_said
from otmon.protocols.protocol import Said, Service
from otmon.protocols.stations import (
    BACNET_SERVICES,
    DNP3_SERVICES,
    IEC104_SERVICES,
    bacnet_said,
    dnp3_said,
    iec104_said,
)

_COTP_DATA: Final = b"\x02\xf0"
_S7: Final = 0x32
_JOB: Final = 1
_ANSWERS: Final = (2, 3)
_USER_DATA: Final = 7
_INVOCATION: Final = 0x28
_WRITE: Final = 5
S7_FUNCTIONS: Final[dict[int, Service]] = {
    _WRITE: Service("Write Var", "write"),
    0x1A: Service("Request Download", "program"),
    0x1D: Service("Start Upload", "program"),
    _INVOCATION: Service("Program Invocation", "control"),
    0x29: Service("PLC Stop", "control"),
}
"""Of a down- or upload the job that begins it: its parts are many, and say nothing else."""
_WRITTEN: Final = 0xFF
_COLD: Final = b"C "
S7_SERVICES: Final[dict[bytes, Service]] = {
    b"P_PROGRAM": Service("PLC Start", "control"),
    b"_INSE": Service("Insert Block", "program"),
    b"_INS2": Service("Insert Block", "program"),
    b"_DELE": Service("Delete Block", "program"),
    b"_GARB": Service("Compress Memory", "program"),
    b"_MODU": Service("Copy RAM to ROM", "program"),
}
"""Program invocation services by their name in the job."""
COLD_START: Final = Service("PLC Cold Start", "control")
S7_USER_DATA: Final[dict[int, Service]] = {
    0x0108: Service("Modify Variable", "write"),
    0x0109: Service("Force", "control"),
    0x010A: Service("Breakpoint", "control"),
    0x010B: Service("Exit HOLD", "control"),
    0x010C: Service("Memory Reset", "program"),
    0x0702: Service("Set Clock", "configure"),
    0x0704: Service("Set Clock", "configure"),
    0x0F01: Service("NC Request Download", "program"),
    0x0F06: Service("NC Start Upload", "program"),
}
"""By function group (1 programmer commands, 7 time functions, 15 NC programming) and subfunction."""
_USER_HEAD: Final = b"\0\1\x12"
_ASKS: Final = (4, 7)
_TELLS: Final = (8, 0x0B)
"""Kinds of user data: requests and responses, of a controller and of a numerical control."""

FINS_COMMANDS: Final[dict[int, Service]] = {
    0x0202: Service("Parameter Area Write", "configure"),
    0x0203: Service("Parameter Area Clear", "configure"),
    0x0221: Service("Data Link Table Write", "configure"),
    0x0304: Service("Program Area Protect", "configure"),
    0x0305: Service("Program Area Protect Clear", "configure"),
    0x0306: Service("Program Area Read", "program"),
    0x0307: Service("Program Area Write", "program"),
    0x0308: Service("Program Area Clear", "program"),
    0x0401: Service("Run", "control"),
    0x0402: Service("Stop", "control"),
    0x0403: Service("Reset", "control"),
    0x0702: Service("Clock Write", "configure"),
    0x2103: Service("Error Log Clear", "configure"),
    0x2203: Service("Single File Write", "program"),
    0x2204: Service("Memory Card Format", "program"),
    0x2205: Service("File Delete", "program"),
    0x220B: Service("Parameter Area File Transfer", "configure"),
    0x220C: Service("Program Area File Transfer", "program"),
    0x2301: Service("Forced Set/Reset", "control"),
    0x2302: Service("Forced Set/Reset Cancel", "control"),
}
FINS_WRITES: Final[dict[int, Service]] = {
    0x0102: Service("Memory Area Write", "write"),
    0x0103: Service("Memory Area Fill", "write"),
    0x0105: Service("Memory Area Transfer", "write"),
}
_FINS: Final = FINS_COMMANDS | FINS_WRITES
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
    0x1820: Service("New File", "program"),
    0x1822: Service("Delete File", "program"),
    0x1824: Service("Copy File", "program"),
    0x1828: Service("Read File", "program"),
    0x1829: Service("Write File", "program"),
}
SLMP_WRITES: Final[dict[int, Service]] = {
    0x1401: Service("Device Write", "write"),
    0x1402: Service("Device Write Random", "write"),
    0x1406: Service("Device Write Block", "write"),
    0x141A: Service("Label Write Array", "write"),
    0x141B: Service("Label Write Random", "write"),
    0x1601: Service("Module Write", "write"),
    0x1613: Service("Memory Write", "write"),
}
_SLMP: Final = SLMP_COMMANDS | SLMP_WRITES
_SLMP_BINARY: Final = {b"\x50\x00": 2, b"\x54\x00": 6, b"\xd0\x00": 2, b"\xd4\x00": 6}
_SLMP_ASCII: Final = {b"5000": 4, b"5400": 12, b"D000": 4, b"D400": 12}
"""Subheader, and where the route behind it begins: 4E has a serial number between."""
_DIGITS: Final = b"0123456789ABCDEFabcdef"
_OLD: Final[dict[int, Service]] = {
    **dict.fromkeys((2, 3), SLMP_WRITES[0x1401]),
    **dict.fromkeys((4, 5), SLMP_WRITES[0x1402]),
    0x0F: SLMP_WRITES[0x1601],
    0x13: SLMP_COMMANDS[0x1001],
    0x14: SLMP_COMMANDS[0x1002],
}
"""By the first byte of frames 1E, which have 80 more in answers: writes of bits and words, in a row and here
and there, of a module's memory, remote RUN and STOP."""
_OLD_REFUSED: Final = 0x5B
"""Behind it another code tells why."""
_SLMP_ASKS: Final = b"\x50\x54" + b"5"

SERVICES: Final[dict[str, tuple[Service, ...]]] = {
    "bacnet": BACNET_SERVICES,
    "dnp3": DNP3_SERVICES,
    "ethernet_ip": CIP_SERVICES,
    "fins": tuple(_FINS.values()),
    "iec104": IEC104_SERVICES,
    "s7comm": (
        *S7_FUNCTIONS.values(), *S7_SERVICES.values(), *S7_USER_DATA.values(), COLD_START
    ),
    "slmp": tuple(_SLMP.values()),
}  # fmt: skip
"""Every service that a command of a protocol may be."""
PROTOCOLS: Final = tuple(SERVICES)


def said_in(protocol: str, message: bytes) -> tuple[Said, ...]:
    """The command, or the answer, that a message of one of `PROTOCOLS` is, none for another one; several
    where it packs services that differ."""
    if protocol == "ethernet_ip":
        return tuple(cip_said(message))
    said = _READERS[protocol](message)
    return () if said is None else (said,)


def is_write_begun(unit: bytes) -> bool:
    """Whether a data unit of COTP begins a write of S7comm: what goes on with it says nothing else."""
    return unit[7:9] == bytes((_S7, _JOB)) and unit[17:18] == bytes((_WRITE,))


def unit_ends(unit: bytes) -> bool:
    """Whether a data unit of COTP ends a message (X.224, 13.7.3)."""
    return bool(unit[6:7] and unit[6] & 0x80)


def _s7comm(message: bytes) -> Said | None:
    # TPKT, or it and the header of COTP, may have come in a segment of their own.
    begin = 0 if message[:1] == bytes((_S7,)) else 3 if message[:2] == _COTP_DATA else 7
    head = message[begin : begin + 12]
    if len(head) < 11 or head[0] != _S7:
        return None
    kind, reference = head[1], int.from_bytes(head[4:6], "big")
    size = int.from_bytes(head[6:8], "big")
    if kind in _ANSWERS:
        about = message[begin + 12] if size and begin + 12 < len(message) else 0
        if len(head) < 12:
            return None
        status = int.from_bytes(head[10:12], "big")
        if about == _WRITE and not status:
            # Each item has a code of its own.
            behind = begin + 12 + size
            status = next(
                (one for one in message[behind : behind + _items(message[begin + 13 :])] if one != _WRITTEN),
                0,
            )
        return Said(reference, about, None, status)
    parameter = message[begin + 10 : begin + 10 + size]
    if kind == _JOB and head[10] in S7_FUNCTIONS:
        return Said(reference, head[10], _s7_service(head[10], parameter))
    return _user_data(reference, parameter) if kind == _USER_DATA else None


def _items(count: bytes) -> int:
    return count[0] if count else 0


def _user_data(reference: int, parameter: bytes) -> Said | None:
    if len(parameter) < 8 or parameter[:3] != _USER_HEAD:
        return None
    function = (parameter[5] & 0x0F) << 8 | parameter[6]
    service = S7_USER_DATA.get(function)
    if service is None or parameter[5] >> 4 not in _ASKS + _TELLS:
        return None
    if parameter[5] >> 4 in _ASKS:
        return Said(reference, function, service)
    return Said(reference, function, None, int.from_bytes(parameter[10:12], "big"))


def _s7_service(function: int, parameter: bytes) -> Service:
    known = S7_FUNCTIONS[function]
    if function != _INVOCATION or len(parameter) < 11:
        return known
    # Seven bytes of unknown meaning; the argument with its length; the service's name with its length.
    end = 10 + int.from_bytes(parameter[8:10], "big")
    name = parameter[end + 1 : end + 1 + parameter[end]] if end < len(parameter) else b""
    if name == b"P_PROGRAM" and parameter[10:end] == _COLD:
        return COLD_START
    return S7_SERVICES.get(name, known)


def _fins(message: bytes) -> Said | None:
    data = message[_FINS_TCP_HEADER:] if message[:4] == _FINS_TCP else message
    command = int.from_bytes(data[10:12], "big")
    if len(data) < 12 or command not in _FINS:
        return None
    reference = data[9] << 16 | command
    if not data[0] & _FINS_ANSWER:
        return Said(reference, command, _FINS[command])
    if len(data) < 14:
        return None
    return Said(reference, command, None, int.from_bytes(data[12:14], "big") & _FINS_NO_ERROR)


def _slmp(message: bytes) -> Said | None:
    old = _undone(message[:8]) if message[:1] in (b"0", b"1", b"8", b"9") else message[:4]
    if len(old) >= 2 and old[0] & 0x7F in _OLD:
        return _old_slmp(old)
    begin, width = _SLMP_BINARY.get(message[:2], 0), 2
    if not begin:
        begin, width = _SLMP_ASCII.get(message[:4], 0), 4
    if not begin:
        return None
    reference = _word(message, width, width) if begin > width else 0
    # Network, station, module and multidrop station; length; then a timer or the end code.
    at = begin + 5 * width // 2 + width
    told = _word(message, at, width)
    if message[0] not in _SLMP_ASKS:
        return Said(reference, 0, None, told) if told >= 0 else None
    command = _word(message, at + width, width)
    return Said(reference, command, _SLMP[command]) if command in _SLMP else None


def _undone(text: bytes) -> bytes:
    """The bytes that hexadecimal digits say, as far as they are some."""
    found = b""
    for at in range(0, len(text) - 1, 2):
        if not all(byte in _DIGITS for byte in text[at : at + 2]):
            break
        found += bytes((int(text[at : at + 2], 16),))
    return found


def _old_slmp(frame: bytes) -> Said:
    """A command in a frame 1E, or the answer to one."""
    command = frame[0] & 0x7F
    if frame[0] == command:
        return Said(0, command, _OLD[command])
    return Said(0, command, None, int.from_bytes(frame[1 : 3 if frame[1] == _OLD_REFUSED else 2], "big"))


def _word(message: bytes, at: int, width: int) -> int:
    """A number of SLMP: two bytes, the lower first, or four hexadecimal digits; -1 where it is none."""
    part = message[at : at + width]
    if len(part) < width:
        return -1
    if width == 2:
        return int.from_bytes(part, "little")
    return int(part, 16) if all(byte in _DIGITS for byte in part) else -1


_READERS: Final = {
    "bacnet": bacnet_said,
    "dnp3": dnp3_said,
    "fins": _fins,
    "iec104": iec104_said,
    "s7comm": _s7comm,
    "slmp": _slmp,
}
