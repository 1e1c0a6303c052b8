"""Commands and writes to outstations and controllers of buildings, and their answers: IEC 104, DNP3, BACnet.

References for IEC 104: IEC 60870-5-101:2003, 7.2 (types, causes of transmission), 7.3.2 and 7.3.4 (commands),
7.4 (which causes a command has). For DNP3: IEEE 1815-2012, 4.2.2 (application header, function codes), 9.2
(link frame), annex A (objects). For BACnet: ANSI/ASHRAE 135-2020, 13 to 16 (services), 20.1 (APDUs), 20.2
(tags).
"""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Said, Service

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
_WRITE: Final = 2
DNP3_WRITES: Final[dict[int, Service]] = {
    _WRITE: Service("Write", "write"),
    3: Service("Select", "write"),
    4: Service("Operate", "write"),
    5: Service("Direct Operate", "write"),
    6: Service("Direct Operate, No Response", "write"),
    7: Service("Immediate Freeze", "write"),
    8: Service("Immediate Freeze, No Response", "write"),
    9: Service("Freeze and Clear", "write"),
    10: Service("Freeze and Clear, No Response", "write"),
    11: Service("Freeze at Time", "write"),
    12: Service("Freeze at Time, No Response", "write"),
    20: Service("Enable Unsolicited Messages", "configure"),
    21: Service("Disable Unsolicited Messages", "configure"),
    22: Service("Assign Class", "configure"),
    24: Service("Record Current Time", "configure"),
    25: Service("Open File", "program"),
}
"""By function code."""
_UNCONFIRMED: Final = (6, 8, 10, 12)
_TIMES: Final = (b"\x32\1\7\1", b"\x32\3\7\1")
"""The one object of a write that sets the clock, to which 6 octets belong (A.23)."""
_RESTART_SEEN: Final = b"\x50\1\0\7\7\0"
"""The whole of a write by which a master says that it has seen the restart (A.33): each one does so."""
SET_TIME: Final = Service("Set Time", "configure")
CLEAR_RESTART: Final = Service("Clear Restart", "diagnose")
WRITE_FILE: Final = Service("Write File", "program")
_FILE: Final = 70
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
BACNET_WRITES: Final[dict[int, Service]] = {
    7: Service("Atomic Write File", "program"),
    8: Service("Add List Element", "write"),
    9: Service("Remove List Element", "write"),
    10: Service("Create Object", "configure"),
    11: Service("Delete Object", "configure"),
    15: Service("Write Property", "write"),
    16: Service("Write Property Multiple", "write"),
    27: Service("Life Safety Operation", "control"),
}
"""By the choice of a confirmed service."""
_WRITE_GROUP: Final = 10
_OF_UNCONFIRMED: Final = 0x100
"""Added to the choice of an unconfirmed service."""
WRITE_GROUP: Final = Service("Write Group", "write")
BACKUP: Final = Service("Backup", "program")
RESTORE: Final = Service("Restore", "program")
_BACKUPS: Final = (2, 3)
"""States for which a device is told to reinitialize itself: to begin and to end a backup."""
ENABLE: Final = Service("Enable Communication", "control")

_C_RP_NA, _C_CI_NA = 105, 101
_COMMANDED: Final = {
    0: "Single Command",
    1: "Double Command",
    2: "Regulating Step Command",
    3: "Set-point Command Normalized",
    4: "Set-point Command Scaled",
    5: "Set-point Command Float",
    6: "Bitstring Command",
}
IEC104_COMMANDS: Final[dict[int, Service]] = {
    **{45 + n: Service(name, "write") for n, name in _COMMANDED.items()},
    **{58 + n: Service(f"{name} with Time", "write") for n, name in _COMMANDED.items()},
    100: Service("Interrogation", "read"),
    _C_CI_NA: Service("Counter Interrogation", "read"),
    103: Service("Clock Synchronization", "configure"),
    104: Service("Test", "diagnose"),
    _C_RP_NA: Service("Reset Process", "control"),
    106: Service("Delay Acquisition", "diagnose"),
    107: Service("Test with Time", "diagnose"),
    110: Service("Parameter Normalized", "configure"),
    111: Service("Parameter Scaled", "configure"),
    112: Service("Parameter Float", "configure"),
    113: Service("Parameter Activation", "configure"),
}
"""By type, in control direction. Read commands (102) are none: what answers them does not say so."""
FREEZE: Final = Service("Counter Freeze or Reset", "write")
CANCELLED: Final[dict[int, Service]] = {
    kind: Service(f"Cancel {known.name}", known.access) for kind, known in IEC104_COMMANDS.items()
}
"""The same where the cause of transmission says that it shall be no more."""
_DEACTIVATION, _TERMINATION = 8, 10
_CONFIRMATIONS: Final = (7, 9, 44, 45, 46, 47)
"""Causes of what a controlled station says to a command: that it does it, does so no more, or knows no such
type, cause, station or object."""
_SPONTANEOUS: Final = 3
_TOLD: Final = (103, 106)
"""Types that a controlled station sends without being asked: its clock was set, the delay is known."""
_NEGATIVE: Final = 0x40

BACNET_SERVICES: Final = (
    *BACNET_COMMANDS.values(), *BACNET_WRITES.values(), WRITE_GROUP, BACKUP, RESTORE, ENABLE
)  # fmt: skip
DNP3_SERVICES: Final = (*DNP3_COMMANDS.values(), *DNP3_WRITES.values(), SET_TIME, CLEAR_RESTART, WRITE_FILE)
IEC104_SERVICES: Final = (*IEC104_COMMANDS.values(), *CANCELLED.values(), FREEZE)
"""Every name that a command may have."""
NEVER_ANSWERED: Final = frozenset(
    {WRITE_GROUP.name, *(DNP3_WRITES[function].name for function in _UNCONFIRMED)}
)
"""Names of commands that ask for no answer."""


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


def dnp3_said(message: bytes) -> Said | None:
    if not has_function(message) or not message[10] & _DNP3_BEGINS:
        return None
    to, sender = (int.from_bytes(message[at : at + 2], "little") for at in (4, 6))
    number, function = message[11] & 0x0F, message[12]
    reference = to << 20 | sender << 4 | number
    if function in DNP3_COMMANDS:
        return Said(reference, function, DNP3_COMMANDS[function])
    if function in DNP3_WRITES:
        service = _dnp3_written(message) if function == _WRITE else DNP3_WRITES[function]
        return Said(reference, function, service, confirmed=function not in _UNCONFIRMED)
    if function == _DNP3_RESPONSE and len(message) > 14:
        return Said(sender << 20 | to << 4 | number, 0, None, message[14] & _DNP3_REFUSED)
    return None


def _dnp3_written(frame: bytes) -> Service:
    """What a write does, whose objects begin in a first frame."""
    size, objects = frame[2] - 8, frame[13:]
    if objects[:4] in _TIMES and size == 10:
        return SET_TIME
    if objects[:6] == _RESTART_SEEN and size == 6:
        return CLEAR_RESTART
    return WRITE_FILE if objects[:1] == bytes((_FILE,)) else DNP3_WRITES[_WRITE]


def bacnet_said(message: bytes) -> Said | None:
    apdu = message[bacnet_apdu(message) :]
    if len(apdu) < 3:
        return None
    kind, reference = apdu[0] >> 4, apdu[2] if apdu[0] >> 4 == 0 else apdu[1]
    if kind == 1:
        if apdu[1] != _WRITE_GROUP:
            return None
        return Said(0, _OF_UNCONFIRMED | _WRITE_GROUP, WRITE_GROUP, confirmed=False)
    if kind:
        # An acknowledgement and an error say to what; a rejection and an abort do not.
        about = apdu[2] if kind in (2, 3, 5) else 0
        return Said(reference, about, None, 0 if kind in (2, 3) else kind)
    behind = 5 if apdu[0] & 0x08 else 3
    function = apdu[behind] if len(apdu) > behind else 0
    if function in BACNET_WRITES and not (apdu[0] & 0x08 and apdu[3]):
        return Said(reference, function, BACNET_WRITES[function])
    if function not in BACNET_COMMANDS:
        return None
    service = BACNET_COMMANDS[function]
    if function == _REINITIALIZE:
        state = _context(apdu, behind + 1, 0)
        restarts = state in (*_RESTARTS, -1)
        return Said(reference, function, service if restarts else BACKUP if state in _BACKUPS else RESTORE)
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


def iec104_said(message: bytes) -> Said | None:
    """The command, or the answer to one, in a frame of IEC 104."""
    if len(message) < 12 or message[6] not in IEC104_COMMANDS:
        return None
    kind, cause = message[6], message[8] & 0x3F
    # The station and, of commands of the process, the object.
    about = int.from_bytes(message[10:15], "little") << 8 | kind
    if cause in _CONFIRMATIONS:
        refused = cause > _TERMINATION or message[8] & _NEGATIVE
        return Said(about, kind, None, cause if cause > _TERMINATION else 1 if refused else 0)
    if cause == _TERMINATION or (cause == _SPONTANEOUS and kind in _TOLD):
        return None
    # Whatever else it is sent for: not every station looks at that.
    service = CANCELLED[kind] if cause == _DEACTIVATION else IEC104_COMMANDS[kind]
    if kind == _C_CI_NA and message[15:16] and message[15] >> 6:
        service = FREEZE
    return Said(about, kind, service)
