"""Which of several readers of an interface gets a packet: one and the same for two hosts and all that they
say to each other, in both directions.

A program for Linux's classic packet filter (PACKET_FANOUT_CBPF, packet(7)), whose result modulo the number
of readers is the reader. It joins the two IP addresses of a packet by a sum of products that is the same
for both directions, below up to two VLAN tags, and of other packets the two MAC addresses. Packets to or
from one port of servers, that of Modbus, go by the server's address alone: what a register held before a
client wrote it is known from what others read there.

Why not PACKET_FANOUT_HASH: it also looks at ports. Connections of one client to one server would come to
different readers, and the longest time between two requests, which is a fact about both hosts, could not
be told by either; and fragments, which have no ports, would be parted from the rest of their connection.

Sources: Documentation/networking/filter.rst of Linux, linux/filter.h, linux/bpf_common.h.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

_LOAD, _LOAD_INDEXED, _LOAD_HALF_INDEXED, _LOAD_BYTE_INDEXED = 0x20, 0x40, 0x48, 0x50
_TO_MEMORY, _X_TO_MEMORY, _FROM_MEMORY, _X_FROM_MEMORY, _X, _TO_X, _FROM_X = 2, 3, 0x60, 0x61, 1, 7, 0x87
_ADD, _ADD_X, _XOR_X, _TIMES, _AND, _LEFT, _RIGHT, _EQUAL, _RETURN = (
    0x04,
    0x0C,
    0xAC,
    0x24,
    0x54,
    0x64,
    0x74,
    0x15,
    0x16,
)

_NETWORK: Final = 0x1_0000_0000 - 0x10_0000
"""Offsets from here on are those from the network header (SKF_NET_OFF)."""
_LINK: Final = 0x1_0000_0000 - 0x20_0000
"""The same from the link header (SKF_LL_OFF)."""
_PROTOCOL: Final = 0x1_0000_0000 - 0x1000
"""The EtherType (SKF_AD_OFF + SKF_AD_PROTOCOL); a tag that the driver took out is not it."""
_IPV4, _IPV6 = 0x0800, 0x86DD
_TCP, _UDP = 6, 17
_TAGS: Final = (0x8100, 0x88A8)
_AT, _ONE, _OTHER = range(3)
"""Places in the program's memory: how far the network header lies behind where Linux sees it, addresses."""
_SPREAD: Final = 0x9E3779B1
"""An odd number that spreads what differs in a few low bits over all of them (2^32 by the golden ratio)."""


def fanout_program(port: int) -> bytes:
    """The program, 8 bytes an instruction (struct sock_filter). `port` is that of the servers, TCP or UDP,
    whose packets go by their address alone."""
    return b"".join(struct.pack("=HBBI", *one) for one in _resolved(list(_program(port))))


_Step = tuple[int, int | str, int | str, int]
"""An instruction; a jump names a label."""


def _program(port: int) -> Iterator[_Step | str]:
    yield _LOAD, 0, 0, _PROTOCOL
    yield _X, 0, 0, 0
    # Tags that are left in the packet: the EtherType stands behind each.
    for tag in range(2):
        yield _EQUAL, f"tagged {tag}", 0, _TAGS[0]
        yield _EQUAL, f"tagged {tag}", "which", _TAGS[1]
        yield f"tagged {tag}"
        yield _LOAD_HALF_INDEXED, 0, 0, _NETWORK + 2
        yield _TO_MEMORY, 0, 0, 0
        yield _FROM_X, 0, 0, 0
        yield _ADD, 0, 0, 4
        yield _TO_X, 0, 0, 0
        yield _FROM_MEMORY, 0, 0, 0
    yield "which"
    yield _EQUAL, "four", 0, _IPV4
    yield _EQUAL, "six", "other", _IPV6
    yield "four"
    yield _X_TO_MEMORY, 0, 0, _AT
    yield _LOAD_BYTE_INDEXED, 0, 0, _NETWORK + 9
    yield _EQUAL, "four whole", 0, _TCP
    yield _EQUAL, "four whole", "four pair", _UDP
    yield "four whole"
    yield _LOAD_HALF_INDEXED, 0, 0, _NETWORK + 6
    yield _AND, 0, 0, 0x1FFF
    yield _EQUAL, 0, "four pair", 0
    yield _LOAD_BYTE_INDEXED, 0, 0, _NETWORK
    yield _AND, 0, 0, 0xF
    yield _LEFT, 0, 0, 2
    yield _ADD_X, 0, 0, 0
    yield _TO_X, 0, 0, 0
    yield from _by_port("four", port, _NETWORK)
    yield "four from"
    yield from _alone([_NETWORK + 12])
    yield "four to"
    yield from _alone([_NETWORK + 16])
    yield "four pair"
    yield from _joined([_NETWORK + 12], [_NETWORK + 16])
    yield "six"
    one, other = ([_NETWORK + first + 4 * k for k in range(4)] for first in (8, 24))
    yield _X_TO_MEMORY, 0, 0, _AT
    yield _LOAD_BYTE_INDEXED, 0, 0, _NETWORK + 6
    yield _EQUAL, "six whole", 0, _TCP
    yield _EQUAL, "six whole", "six pair", _UDP
    yield "six whole"
    yield from _by_port("six", port, _NETWORK + 40)
    yield "six from"
    yield from _alone(one)
    yield "six to"
    yield from _alone(other)
    yield "six pair"
    yield from _joined(one, other)
    yield "other"
    # The last four octets of each MAC address: makers number their devices there.
    yield _X, 0, 0, 0
    yield _X_TO_MEMORY, 0, 0, _AT
    yield from _joined([_LINK + 8], [_LINK + 2])


def _by_port(family: str, port: int, at: int) -> Iterator[_Step | str]:
    """Go on where the server is known by its port: one of the two, not both."""
    yield _LOAD_HALF_INDEXED, 0, 0, at
    yield _EQUAL, 0, f"{family} not from", port
    yield _LOAD_HALF_INDEXED, 0, 0, at + 2
    yield _EQUAL, f"{family} pair", f"{family} from", port
    yield f"{family} not from"
    yield _LOAD_HALF_INDEXED, 0, 0, at + 2
    yield _EQUAL, f"{family} to", f"{family} pair", port


def _alone(words: list[int]) -> Iterator[_Step]:
    """Return an address's number."""
    yield from _spread(words, _ONE)
    yield from _told()


def _joined(one: list[int], other: list[int]) -> Iterator[_Step]:
    """Return two addresses' number, the same in either order."""
    yield from _spread(one, _ONE)
    yield from _spread(other, _OTHER)
    yield _X_FROM_MEMORY, 0, 0, _ONE
    yield _ADD_X, 0, 0, 0
    yield from _told()


def _spread(words: list[int], place: int) -> Iterator[_Step]:
    """The exclusive or of an address's words, spread, to memory; it is in the accumulator as well."""
    for number, offset in enumerate(words):
        yield _X_FROM_MEMORY, 0, 0, _AT
        yield _LOAD_INDEXED, 0, 0, offset
        if number:
            yield _X_FROM_MEMORY, 0, 0, place
            yield _XOR_X, 0, 0, 0
        yield _TO_MEMORY, 0, 0, place
    yield _TIMES, 0, 0, _SPREAD
    yield _TO_MEMORY, 0, 0, place
    yield _RIGHT, 0, 0, 15
    yield _X_FROM_MEMORY, 0, 0, place
    yield _XOR_X, 0, 0, 0
    yield _TO_MEMORY, 0, 0, place


def _told() -> Iterator[_Step]:
    yield _TIMES, 0, 0, _SPREAD
    yield _RIGHT, 0, 0, 16
    yield _RETURN, 0, 0, 0


def _resolved(program: list[_Step | str]) -> Iterator[tuple[int, int, int, int]]:
    """Labels become distances, in instructions, from the one behind the jump."""
    places: dict[str, int] = {}
    steps: list[_Step] = []
    for one in program:
        if isinstance(one, str):
            places[one] = len(steps)
        else:
            steps.append(one)
    for at, (code, yes, no, value) in enumerate(steps):
        jumps = [places[one] - at - 1 if isinstance(one, str) else one for one in (yes, no)]
        yield code, jumps[0], jumps[1], value & 0xFFFF_FFFF
