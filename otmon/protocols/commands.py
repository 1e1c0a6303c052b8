"""Commands that change what a controller does or which program it runs, and their answers, in protocols whose
reading and writing of values is not decoded: S7comm, FINS, SLMP, EtherNet/IP with the PCCC inside
(`pccc.py`), DNP3, BACnet and IEC 104.

References for S7comm: Wireshark packet-s7comm.c and Snap7 s7_types.h (functions, PI services, groups and
subfunctions of user data), as Siemens publishes no specification; RFC 1006, 6 (TPKT); ITU-T X.224, 13.7 (data
unit). For FINS: Omron W227, "FINS Commands Reference Manual", and W342, 5-3; W421 for its header in TCP and
for RESET of an Ethernet unit. For SLMP: Mitsubishi SH-080956ENG, "SLMP Reference Manual", 4.2 (frames 3E and
4E in binary and ASCII code) and chapter 5 (commands; remote control is 10xx, files are 18xx); for the older
frame 1E "FX3U-ENET User's Manual", 9.1.2 (its form) and 9.4.2 (remote RUN and STOP). For EtherNet/IP: The CIP
Networks Library, volume 1, appendix A (common services), 3-5.5 (Unconnected_Send), and volume 2, 2-6 (common
packet format). For DNP3: IEEE 1815-2012, 4.2.2 (application header, function codes) and 9.2 (link frame). For
BACnet: ANSI/ASHRAE 135-2020, 16.1 (DeviceCommunicationControl), 16.4 (ReinitializeDevice), 20.1 (APDUs), 20.2
(tags). For IEC 104: IEC 60870-5-101:2003, 7.2 (types, causes), 7.3.4.6 (reset process).

Contract: a message begins where the kernel of `otmon.ledger.commands` found that it does, and is one message.
Who of the two asks is said by the message, as both may: FINS has peers, and a controller that opens the
connection is commanded by who accepts it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from otmon.protocols.pccc import EXECUTE, TO_OBJECT, pccc_commands, pccc_status
from otmon.protocols.protocol import Service

_COTP_DATA: Final = b"\x02\xf0"
_S7: Final = 0x32
_JOB: Final = 1
_ANSWERS: Final = (2, 3)
_USER_DATA: Final = 7
_INVOCATION: Final = 0x28
S7_FUNCTIONS: Final[dict[int, Service]] = {
    0x1A: Service("Request Download", "program"),
    0x1D: Service("Start Upload", "program"),
    _INVOCATION: Service("Program Invocation", "control"),
    0x29: Service("PLC Stop", "control"),
}
"""Of a down- or upload the job that begins it: its parts are many, and say nothing else."""
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
_SLMP_BINARY: Final = {b"\x50\x00": 2, b"\x54\x00": 6, b"\xd0\x00": 2, b"\xd4\x00": 6}
_SLMP_ASCII: Final = {b"5000": 4, b"5400": 12, b"D000": 4, b"D400": 12}
"""Subheader, and where the route behind it begins: 4E has a serial number between."""
_DIGITS: Final = b"0123456789ABCDEFabcdef"
_OLD_ASKS: Final = (0x13, 0x14)
"""Remote RUN and STOP of frames 1E, whose answers have 80 more."""
_OLD_REFUSED: Final = 0x5B
"""Behind it another code tells why."""
_SLMP_ASKS: Final = b"\x50\x54" + b"5"

CIP_COMMANDS: Final[dict[int, Service]] = {
    5: Service("Reset", "control"),
    6: Service("Start", "control"),
    7: Service("Stop", "control"),
}
"""Common services, whatever the class."""
PACKED_SERVICES: Final = 32
"""Services of a CIP packet that are looked at for what a device is: a controller's tags come in twenties."""
LOOKED_SERVICES: Final = 4_096
"""Services that are looked at where packets are in packets."""
_CIP_REPLY: Final = 0x80
_CIP_ROUTED, _CIP_PACKED = 0x52, 0x0A
_TO_MANAGER: Final = (b"\x20\6", b"\x21\0", b"\x22\0")
"""How a path to the Connection Manager may begin: its class in 8, 16 or 32 bits."""
_CONNECTED: Final = 0x00B1

DNP3_COMMANDS: Final[dict[int, Service]] = {
    13: Service("Cold Restart", "control"),
    14: Service("Warm Restart", "control"),
    15: Service("Initialize Data", "configure"),
    16: Service("Initialize Application", "control"),
    17: Service("Start Application", "control"),
    18: Service("Stop Application", "control"),
    19: Service("Save Configuration", "configure"),
    27: Service("Delete File", "program"),
    31: Service("Activate Configuration", "program"),
}
_DNP3_BEGINS, _DNP3_ENDS = 0x40, 0x80
"""Bits of the transport header: the first and the last frame of a fragment."""
_DNP3_WHOLE: Final = 8
"""The least length in the header of a first frame that has the function."""
_DNP3_RESPONSE: Final = 129
_DNP3_REFUSED: Final = 0x07
"""Second octet of the internal indications: no such function, no such object, wrong parameter."""

_RESTARTS: Final = (0, 1)
_REINITIALIZE, _COMMUNICATION = 20, 17
BACNET_COMMANDS: Final[dict[int, Service]] = {
    _REINITIALIZE: Service("Reinitialize Device", "control"),
    _COMMUNICATION: Service("Disable Communication", "control"),
}
BACKUP: Final = Service("Backup or Restore", "program")
ENABLE: Final = Service("Enable Communication", "control")

RESET_PROCESS: Final = Service("Reset Process", "control")
_C_RP_NA: Final = 105
_ACTIVATION, _CONFIRMATION = 6, 7
_NEGATIVE: Final = 0x40

PROTOCOLS: Final = ("bacnet", "dnp3", "ethernet_ip", "fins", "iec104", "s7comm", "slmp")


class Said(NamedTuple):
    """A command, or the answer to one."""

    reference: int
    """What a command and its answer have in common."""
    function: int
    """0 where an answer does not say to what."""
    service: Service | None
    """Of a command; None of an answer."""
    status: int = 0
    """Of an answer: 0 for done, else the protocol's error code."""


def said_in(protocol: str, message: bytes) -> tuple[Said, ...]:
    """The command, or the answer, that a message of one of `PROTOCOLS` is, none for another one; several
    where it packs services that differ."""
    if protocol == "ethernet_ip":
        return tuple(_ethernet_ip(message))
    said = _READERS[protocol](message)
    return () if said is None else (said,)


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
        return Said(reference, about, None, int.from_bytes(head[10:12], "big")) if len(head) == 12 else None
    parameter = message[begin + 10 : begin + 10 + size]
    if kind == _JOB and head[10] in S7_FUNCTIONS:
        return Said(reference, head[10], _s7_service(head[10], parameter))
    return _user_data(reference, parameter) if kind == _USER_DATA else None


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
    if len(data) < 12 or command not in FINS_COMMANDS:
        return None
    reference = data[9] << 16 | command
    if not data[0] & _FINS_ANSWER:
        return Said(reference, command, FINS_COMMANDS[command])
    if len(data) < 14:
        return None
    return Said(reference, command, None, int.from_bytes(data[12:14], "big") & _FINS_NO_ERROR)


def _slmp(message: bytes) -> Said | None:
    old = _undone(message[:8]) if message[:1] in (b"1", b"9") else message[:4]
    if len(old) >= 2 and old[0] & 0x7F in _OLD_ASKS:
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
    return Said(reference, command, SLMP_COMMANDS[command]) if command in SLMP_COMMANDS else None


def _undone(text: bytes) -> bytes:
    """The bytes that hexadecimal digits say, as far as they are some."""
    found = b""
    for at in range(0, len(text) - 1, 2):
        if not all(byte in _DIGITS for byte in text[at : at + 2]):
            break
        found += bytes((int(text[at : at + 2], 16),))
    return found


def _old_slmp(frame: bytes) -> Said:
    """A remote RUN or STOP in a frame 1E, or the answer to one."""
    command = frame[0] & 0x7F
    if frame[0] == command:
        return Said(0, command, SLMP_COMMANDS[0x1001 if command == _OLD_ASKS[0] else 0x1002])
    return Said(0, command, None, int.from_bytes(frame[1 : 3 if frame[1] == _OLD_REFUSED else 2], "big"))


def _word(message: bytes, at: int, width: int) -> int:
    """A number of SLMP: two bytes, the lower first, or four hexadecimal digits; -1 where it is none."""
    part = message[at : at + width]
    if len(part) < width:
        return -1
    if width == 2:
        return int.from_bytes(part, "little")
    return int(part, 16) if all(byte in _DIGITS for byte in part) else -1


def _ethernet_ip(message: bytes) -> Iterator[Said]:
    at = 36 + int.from_bytes(message[34:36], "little")
    connected = int.from_bytes(message[at : at + 2], "little") == _CONNECTED
    reference = int.from_bytes(message[at + 4 : at + 6] if connected else message[12:20], "little")
    data = message[at + 6 if connected else at + 4 :]
    if len(data) < 4:
        return
    if data[0] & _CIP_REPLY:
        about = data[0] & ~_CIP_REPLY
        status = data[2]
        if about == EXECUTE and not status:
            status = pccc_status(data[4 + 2 * data[3] :])
        yield Said(reference, about if about in CIP_COMMANDS else 0, None, status)
        return
    asked = {one for at in _services(data) for one in _asked_by(data, at)}
    for n, (function, service) in enumerate(sorted(asked, key=lambda one: (one[0], one[1].name))):
        # Of those of one packet the answer to the first is told.
        yield Said(reference | n << 64, function, service)


def _asked_by(data: bytes, at: int) -> Iterator[tuple[int, Service]]:
    """The commands of the service at `at`: more than one where PCCC packs them."""
    service = data[at]
    if service in CIP_COMMANDS:
        yield service, CIP_COMMANDS[service]
    elif service == EXECUTE and data[at + 2 : at + 8].startswith(TO_OBJECT):
        yield from pccc_commands(data[at + 2 + 2 * data[at + 1] :])


def _services(data: bytes) -> Iterable[int]:
    """Where the services begin that a CIP message has, however they are packed in each other: those of a
    packet before what is in them."""
    found = [0]
    known = {0}
    looked = 0
    for at in found:
        service, words = data[at], data[at + 1] if at + 1 < len(data) else 0
        inside: list[int] = []
        behind = at + 2 + 2 * words
        if service == _CIP_ROUTED and data[at + 2 : at + 4] in _TO_MANAGER:
            # Behind its path time-outs, and the length of what it carries.
            inside = [behind + 4]
        elif service == _CIP_PACKED:
            places = data[behind + 2 : behind + 2 + 2 * int.from_bytes(data[behind : behind + 2], "little")]
            inside = [
                behind + int.from_bytes(places[n : n + 2], "little") for n in range(0, len(places) - 1, 2)
            ]
        looked += len(inside)
        if looked > LOOKED_SERVICES:
            break
        for one in inside:
            if one < len(data) and one not in known:
                known.add(one)
                found.append(one)
    return found


def dnp3_joined(before: bytes, frame: bytes) -> bytes:
    """What a link frame and the beginning of its fragment `before` it are together, as one frame; b"" where
    the frame neither goes on with it nor begins one that goes on (IEEE 1815-2012, 8.2)."""
    user = min(frame[2] - 5, 16) if len(frame) > 10 else 0
    part = frame[10 : 10 + user]
    if user < 1 or dnp3_crc(part) != frame[10 + user : 12 + user]:
        return b""
    header, number = part[0], part[0] & 0x3F
    if header & _DNP3_BEGINS:
        return b"" if header & _DNP3_ENDS or frame[2] >= _DNP3_WHOLE else frame[:10] + part
    if not before or number != before[10] + 1 & 0x3F:
        return b""
    return before[:10] + bytes((header | _DNP3_BEGINS,)) + before[11:] + part[1:]


def has_function(frame: bytes) -> bool:
    """Whether a link frame of DNP3 that begins a fragment has its function."""
    return len(frame) > 12


def dnp3_crc(block: bytes) -> bytes:
    """The CRC of a block of a link frame of DNP3, as it stands behind it (9.2.4.3)."""
    crc = 0
    for octet in block:
        crc ^= octet
        for _ in range(8):
            crc = crc >> 1 ^ (0xA6BC if crc & 1 else 0)
    return (crc ^ 0xFFFF).to_bytes(2, "little")


def _dnp3(message: bytes) -> Said | None:
    if not has_function(message) or not message[10] & _DNP3_BEGINS:
        return None
    to, sender = (int.from_bytes(message[at : at + 2], "little") for at in (4, 6))
    number, function = message[11] & 0x0F, message[12]
    if function in DNP3_COMMANDS:
        return Said(to << 20 | sender << 4 | number, function, DNP3_COMMANDS[function])
    if function == _DNP3_RESPONSE and len(message) > 14:
        return Said(sender << 20 | to << 4 | number, 0, None, message[14] & _DNP3_REFUSED)
    return None


def _bacnet(message: bytes) -> Said | None:
    apdu = message[bacnet_apdu(message) :]
    if len(apdu) < 3:
        return None
    kind, reference = apdu[0] >> 4, apdu[2] if apdu[0] >> 4 == 0 else apdu[1]
    if kind:
        # A simple acknowledgement and an error say to what; a rejection and an abort do not.
        about = apdu[2] if kind in (2, 5) else 0
        return Said(reference, about, None, 0 if kind == 2 else kind)
    behind = 5 if apdu[0] & 0x08 else 3
    function = apdu[behind] if len(apdu) > behind else 0
    if function not in BACNET_COMMANDS:
        return None
    service = BACNET_COMMANDS[function]
    if function == _REINITIALIZE:
        state = _context(apdu, behind + 1, 0)
        return Said(reference, function, service if state in (*_RESTARTS, -1) else BACKUP)
    return Said(reference, function, ENABLE if _context(apdu, behind + 1, 1) == 0 else service)


def bacnet_apdu(data: bytes) -> int:
    """Where the APDU of a BACnet/IP message begins (J.2, 6.2); the message's end where there is none."""
    at = 10 if data[1:2] == b"\4" else 4
    control = data[at + 1] if len(data) > at + 1 else 0x80
    at += 2
    for bit in (0x20, 0x08):
        if control & bit:
            at += 3 + (data[at + 2] if len(data) > at + 2 else len(data))
    return len(data) if control & 0x80 else at + (1 if control & 0x20 else 0)


def _context(data: bytes, at: int, wanted: int) -> int:
    """The number in a primitive element with this context tag, which one may precede; -1 for none."""
    for _ in range(2):
        head = data[at] if at < len(data) else 0
        size = head & 0x07
        if not head & 0x08 or size > 4 or at + 1 + size > len(data):
            return -1
        if head >> 4 == wanted:
            return int.from_bytes(data[at + 1 : at + 1 + size], "big")
        at += 1 + size
    return -1


def _iec104(message: bytes) -> Said | None:
    if len(message) < 12 or message[6] != _C_RP_NA:
        return None
    cause, about = message[8] & 0x3F, int.from_bytes(message[10:12], "little")
    if cause == _ACTIVATION:
        return Said(about, _C_RP_NA, RESET_PROCESS)
    if cause == _CONFIRMATION or message[8] & _NEGATIVE:
        return Said(about, _C_RP_NA, None, 1 if message[8] & _NEGATIVE else 0)
    return None


_READERS: Final = {
    "bacnet": _bacnet,
    "dnp3": _dnp3,
    "fins": _fins,
    "iec104": _iec104,
    "s7comm": _s7comm,
    "slmp": _slmp,
}
