"""How much of a command, or of an answer to one, tells what it is, and holds no value and no password: what
may be written down where payloads may not.

A message is one that `otmon.protocols.commands` reads, from its beginning. That is looked at once more here,
as other bytes must not pass. Behind the part that is told stand the values that are written, and passwords of
SLMP (remote password), FINS (protection of the program area), BACnet (ReinitializeDevice) and DNP3 (file
authentication). References are those of `commands`, `stations` and `cip`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from otmon.protocols.cip import cip_head
from otmon.protocols.commands import said_in
from otmon.protocols.stations import bacnet_apdu

_S7_HEADER, _S7_ANSWER = 10, 12
_S7_PARAMETER: Final = 256
"""Twenty items of Write Var, as many as a controller takes, have 242 bytes."""
_USER_DATA, _USER_PARAMETER = 7, 8
_TPKT, _COTP, _BVLC, _IEC104_START = b"\3\0", b"\x02\xf0", b"\x81", b"\x68"
_SENDS_DATA: Final = (b"\x6f\0", b"\x70\0")
"""SendRRData and SendUnitData."""
_FINS_TCP, _FINS_COMMAND, _FINS_END_CODE, _FINS_ANSWER = 16, 12, 14, 0x40
_SLMP_FRAMES: Final = {b"\x50\x00": (2, 2), b"\x54\x00": (6, 2), b"5000": (4, 4), b"5400": (12, 4)}
"""Requests of frames 3E and 4E, binary and in ASCII code: where the route begins, and octets of a number."""
_SLMP_ANSWERS: Final = {b"\xd0\x00": (2, 2), b"\xd4\x00": (6, 2), b"D000": (4, 4), b"D400": (12, 4)}
_BACNET_APDU: Final = 4
"""Type, sizes, invoke identifier, choice of the service."""
_DNP3_FUNCTION, _DNP3_INDICATIONS, _DNP3_RESPONSE = 13, 15, 0x81
_IEC104_OBJECT: Final = 15
"""Length of a frame up to the address of its first object."""


def head_of(protocol: str, message: bytes) -> int:
    """How many bytes from the beginning of a message may be shown; 0 where it is neither a command nor an
    answer of this protocol, or one whose parts nobody can tell apart (SLMP's frame 1E)."""
    known = _HEADS.get(protocol)
    if known is None or not said_in(protocol, message):
        return 0
    return min(known(message), len(message))


def _s7comm(message: bytes) -> int:
    begin = 0 if message[:1] == b"\x32" else 3 if message[:2] == _COTP else 7
    if begin == 7 and (message[:2] != _TPKT or message[4:6] != _COTP):
        return 0
    kind = message[begin + 1]
    if kind == _USER_DATA:
        return begin + _S7_HEADER + _USER_PARAMETER
    size = int.from_bytes(message[begin + 6 : begin + 8], "big")
    return begin + (_S7_HEADER if kind == 1 else _S7_ANSWER) + min(size, _S7_PARAMETER)


def _fins(message: bytes) -> int:
    begin = _FINS_TCP if message[:4] == b"FINS" else 0
    return begin + (_FINS_END_CODE if message[begin] & _FINS_ANSWER else _FINS_COMMAND)


def _slmp(message: bytes) -> int:
    for frames, numbers in ((_SLMP_FRAMES, 4), (_SLMP_ANSWERS, 2)):
        begin, width = frames.get(message[:2]) or frames.get(message[:4]) or (0, 0)
        if begin:
            # The route; then the length, and the end code, or a timer, the command and the subcommand.
            return begin + 5 * width // 2 + numbers * width
    return 0


def _bacnet(message: bytes) -> int:
    return 0 if message[:1] != _BVLC else bacnet_apdu(message) + _BACNET_APDU


def _dnp3(message: bytes) -> int:
    return _DNP3_INDICATIONS if message[12] == _DNP3_RESPONSE else _DNP3_FUNCTION


def _iec104(message: bytes) -> int:
    carries = message[:1] == _IEC104_START and not message[2] & 1
    return _IEC104_OBJECT if carries else 0


def _ethernet_ip(message: bytes) -> int:
    return cip_head(message) if message[:2] in _SENDS_DATA else 0


_HEADS: Final[dict[str, Callable[[bytes], int]]] = {
    "bacnet": _bacnet,
    "dnp3": _dnp3,
    "ethernet_ip": _ethernet_ip,
    "fins": _fins,
    "iec104": _iec104,
    "s7comm": _s7comm,
    "slmp": _slmp,
}
