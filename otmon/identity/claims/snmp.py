"""What agents answer to who asks what they are, in SNMP 1 and 2c.

References: RFC 3416, 3 (Response); RFC 3418, 2 (sysDescr, sysName); RFC 6933, 3 (entPhysicalTable of
ENTITY-MIB, whose first entry is mostly the device itself).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from otmon.identity.ber import element
from otmon.identity.claim import Claim, ClaimKind
from otmon.identity.claims.wire import said
from otmon.identity.login import Piece

_SEQUENCE, _INTEGER, _OCTETS, _OBJECT, _RESPONSE = 0x30, 0x02, 0x04, 0x06, 0xA2
_SYSTEM: Final = bytes.fromhex("2b0601020101")
"""1.3.6.1.2.1.1"""
_ENTITY: Final = bytes.fromhex("2b060102012f01010101")
"""1.3.6.1.2.1.47.1.1.1.1"""
KINDS: Final[dict[bytes, ClaimKind]] = {
    _SYSTEM + b"\x01\x00": "description",
    _SYSTEM + b"\x05\x00": "name",
    _ENTITY + b"\x09\x01": "firmware",
    _ENTITY + b"\x0b\x01": "serial",
    _ENTITY + b"\x0c\x01": "vendor",
    _ENTITY + b"\x0d\x01": "model",
}
"""Object identifiers in BER -> what their value is."""
MAX_VARIABLES: Final = 128
"""Variables of one response that are read."""


def claims(pieces: Sequence[Piece]) -> Iterator[Claim]:
    """The claims of each response."""
    for piece in pieces:
        for name, value in _variables(piece.data):
            if name in KINDS:
                yield from said(KINDS[name], value, piece)


def _variables(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Names of a response's variables and their values, where these are texts."""
    message = element(data, 0)
    version = element(data, message[1]) if message is not None and message[0] == _SEQUENCE else None
    if version is None or version[0] != _INTEGER or data[version[1] : version[2]] not in (b"\0", b"\1"):
        return
    community = element(data, version[2])
    pdu = element(data, community[2]) if community is not None and community[0] == _OCTETS else None
    if pdu is None or pdu[0] != _RESPONSE:
        return
    at = pdu[1]
    for _ in range(3):
        skipped = element(data, at)
        if skipped is None or skipped[0] != _INTEGER:
            return
        at = skipped[2]
    listed = element(data, at)
    if listed is None or listed[0] != _SEQUENCE:
        return
    at = listed[1]
    for _ in range(MAX_VARIABLES):
        pair = element(data, at) if at < listed[2] else None
        name = element(data, pair[1]) if pair is not None and pair[0] == _SEQUENCE else None
        value = element(data, name[2]) if name is not None and name[0] == _OBJECT else None
        if pair is None or name is None or value is None:
            return
        if value[0] == _OCTETS:
            yield data[name[1] : name[2]], data[value[1] : value[2]]
        at = pair[2]
