"""Services of CIP in EtherNet/IP that change what a device does or holds, with the PCCC inside (`pccc.py`).

References: The CIP Networks Library, volume 1, appendix A (common services), C-1.4
(paths), 3-5.5 (Unconnected_Send), and
volume 2, 2-6 (common packet
format) and 5-4 (TCP/IP interface). For tags: Rockwell 1756-PM020, "Logix 5000 Controllers Data Access".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from otmon.protocols.pccc import EXECUTE, PCCC_SERVICES, TO_OBJECT, pccc_commands, pccc_status
from otmon.protocols.protocol import Said, Service

_RESET, _SET_SINGLE = 5, 0x10
CIP_COMMANDS: Final[dict[int, Service]] = {
    _RESET: Service("Reset", "control"),
    6: Service("Start", "control"),
    7: Service("Stop", "control"),
}
"""Common services, whatever the class; of a Reset see `OBJECT_RESET`."""
OBJECT_RESET: Final = Service("Object Reset", "control")
"""Of another class than the identity: a drive forgets its fault, a meter begins at 0."""
CIP_WRITES: Final[dict[int, Service]] = {
    2: Service("Set Attributes All", "write"),
    4: Service("Set Attribute List", "write"),
    _SET_SINGLE: Service("Set Attribute Single", "write"),
}
"""Common services, whatever the class; of those of the network see `SET_NETWORK`."""
TAG_WRITES: Final[dict[int, Service]] = {
    0x4D: Service("Write Tag", "write"),
    0x4E: Service("Read Modify Write Tag", "write"),
    0x53: Service("Write Tag Fragmented", "write"),
}
"""Of tags alone: of another class the same numbers are other services."""
SET_NETWORK: Final = Service("Set Network Attribute", "configure")
SET_ADDRESS: Final = Service("Set IP Address", "configure")
_IDENTITY, _TCP_IP = 0x01, 0xF5
_NETWORK: Final = (0x43, 0x47, 0x48, 0xF4, _TCP_IP, 0xF6)
"""Classes: time synchronization, ring, quality of service, port, TCP/IP interface, Ethernet link."""
_INTERFACE: Final = 5
"""Attribute of the TCP/IP interface: address, mask, gateway and name server."""
_OF_TAGS: Final = (0x68, 0x6B)
"""Classes of Logix: a program, in which tags are, and tags by number."""
_SYMBOL: Final = 0x91
_CLASS, _ATTRIBUTE = 0x20, 0x30
_SIZES: Final = (2, 4, 6)
"""Bytes of a logical segment whose value has 8, 16 or 32 bits."""
CIP_SERVICES: Final = (
    *CIP_COMMANDS.values(), OBJECT_RESET, *CIP_WRITES.values(), *TAG_WRITES.values(), SET_NETWORK,
    SET_ADDRESS, *PCCC_SERVICES,
)  # fmt: skip
"""Every name that a command may have."""
PACKED_SERVICES: Final = 32
"""Services of a CIP packet that are looked at for what a device is: a controller's tags come in twenties."""
LOOKED_SERVICES: Final = 4_096
"""Services that are looked at where packets are in packets."""
_CIP_REPLY: Final = 0x80
_CIP_ROUTED, _CIP_PACKED = 0x52, 0x0A
_TO_MANAGER: Final = (b"\x20\6", b"\x21\0", b"\x22\0")
"""How a path to the Connection Manager may begin: its class in 8, 16 or 32 bits."""
_CONNECTED: Final = 0x00B1


def cip_said(message: bytes) -> Iterator[Said]:
    """The commands, or the answer to one, in a message of EtherNet/IP."""
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
        known = about in CIP_COMMANDS or about in CIP_WRITES or about in TAG_WRITES
        yield Said(reference, about if known else 0, None, status)
        return
    asked = {one for at in _services(data) for one in _asked_by(data, at)}
    for n, (function, service) in enumerate(sorted(asked, key=lambda one: (one[0], one[1].name))):
        # Those of one packet are answered together.
        yield Said(reference | n << 64, function, service)


def cip_services(message: bytes) -> tuple[bytes, Iterable[int]]:
    """The CIP message in one of EtherNet/IP, and where its services begin, those of a packet behind it."""
    at = 36 + int.from_bytes(message[34:36], "little")
    data = message[at + (6 if int.from_bytes(message[at : at + 2], "little") == _CONNECTED else 4) :]
    return data, _services(data) if data else ()


def cip_head(message: bytes) -> int:
    """How many bytes from the beginning of a message that `cip_said` reads tell what its first service is: up
    to the end of the service's path, as behind that may be anybody's data."""
    at = 36 + int.from_bytes(message[34:36], "little")
    begin = at + (6 if int.from_bytes(message[at : at + 2], "little") == _CONNECTED else 4)
    data = message[begin:]
    if not data or data[0] & _CIP_REPLY:
        return begin + 4
    inner = [one for one in _services(data) if data[one] not in (_CIP_ROUTED, _CIP_PACKED)]
    first = min(inner, default=0)
    words = data[first + 1] if first + 1 < len(data) else 0
    # Of PCCC the path alone: its functions have addresses and data behind each other.
    return begin + first + 2 + 2 * words


def _asked_by(data: bytes, at: int) -> Iterator[tuple[int, Service]]:
    """The commands of the service at `at`: more than one where PCCC packs them."""
    service = data[at]
    if service == EXECUTE and data[at + 2 : at + 8].startswith(TO_OBJECT):
        yield from pccc_commands(data[at + 2 + 2 * data[at + 1] :])
    elif service in CIP_COMMANDS or service in CIP_WRITES or service in TAG_WRITES:
        words = data[at + 1] if at + 1 < len(data) else 0
        path = data[at + 2 : at + 2 + 2 * words]
        about = _number(path, _CLASS)
        if service in CIP_COMMANDS:
            yield service, OBJECT_RESET if service == _RESET and about != _IDENTITY else CIP_COMMANDS[service]
        elif service in TAG_WRITES:
            if path[:1] == bytes((_SYMBOL,)) or about in _OF_TAGS:
                yield service, TAG_WRITES[service]
        elif about < 0:
            return
        elif about in _NETWORK:
            single = service == _SET_SINGLE and about == _TCP_IP
            yield service, SET_ADDRESS if single and _number(path, _ATTRIBUTE) == _INTERFACE else SET_NETWORK
        else:
            yield service, CIP_WRITES[service]


def _number(path: bytes, wanted: int) -> int:
    """The value of the first logical segment of this type in a path (volume 1, C-1.4.2); -1 where there is
    none, or something else before it."""
    at = 0
    while at < len(path) and 0x20 <= path[at] < 0x40 and path[at] & 3 < 3:
        size = _SIZES[path[at] & 3]
        if path[at] & ~3 == wanted:
            # Behind 8 bits nothing stands, before 16 and 32 a byte that is 0.
            value = path[at + min(size // 2, 2) : at + size]
            return int.from_bytes(value, "little") if at + size <= len(path) else -1
        at += size
    return -1


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
