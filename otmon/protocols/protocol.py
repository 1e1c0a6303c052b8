"""What a protocol file declares, so that its packets are recognised and its conversations named.

Each file in this folder holds one `PROTOCOL`. Recognition by signature is data: a `Signature` is a
list of checks on the first bytes of a TCP segment or UDP datagram, all of which must hold. A port
is a hint only: it decides which signatures are tried first, and lets a weak signature (`hinted`)
count only on its usual port.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

Transport = Literal["tcp", "udp"]
Sender = Literal["client", "server", "either"]
Kind = Literal["industrial", "it"]
AccessClass = Literal["read", "write", "control", "program", "configure", "diagnose", "identify", "unknown"]
"""What a service lets a client do; "unknown" where its number has no public meaning."""


@dataclass(frozen=True, slots=True)
class Service:
    """What a function of a protocol is called, and what it lets a client do."""

    name: str
    access: AccessClass


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
    confirmed: bool = True
    """Of a command: whether it is answered."""


ElementKind = Literal["bit", "word", "real"]


class Run(NamedTuple):
    """Elements that lie behind each other, and what was written to them."""

    table: str
    """As the vendor names the area, in the protocol's own words: "D", "DB10"."""
    address: int
    """Of the first element."""
    values: tuple[int, ...]
    """Of each element: 0 or 1; a word of 16 bits; the bits of a number as IEEE 754 binary32."""
    kind: ElementKind
    """Two words behind each other may be a number of 32 bits."""
    stride: int = 1
    """How far the addresses of two neighbours are apart."""
    mask: int = 0xFFFF
    """Which bits of a word were written; 0 where a number was taken back, and nobody knows what counts
    then."""
    unit: int = -1
    """The station behind the server, -1 where there is one only."""


class Written(NamedTuple):
    """What a command writes, as far as it can be read."""

    runs: tuple[Run, ...]
    whole: bool = True
    """Nothing was left out that may have been an element: a message that was cut off, an area that nobody
    knows."""


NOTHING_WRITTEN: Final = Written(())
UNREAD_WRITTEN: Final = Written((), whole=False)
MOST_WRITTEN: Final = 4_096
"""Elements of one command that are read: no message that is copied names more, but by filling."""


def real_bits(number: float) -> int:
    """The bits of a number as IEEE 754 binary32, of one that is too large those of infinity."""
    try:
        return int.from_bytes(struct.pack(">f", number), "big")
    except OverflowError:
        return 0xFF800000 if number < 0 else 0x7F800000


@dataclass(frozen=True, slots=True)
class Number:
    """An unsigned integer in the payload must lie in a range: ``low <= (value & mask) <= high``."""

    at: int
    """Offset from the first payload byte; negative counts from the payload's end."""
    size: Literal[1, 2, 3, 4, 6]
    low: int
    high: int
    mask: int = -1
    little: bool = False


@dataclass(frozen=True, slots=True)
class Text:
    """These bytes must stand at this offset."""

    at: int
    text: bytes
    ignore_case: bool = False


@dataclass(frozen=True, slots=True)
class Length:
    """A length field must fit the payload: ``value * unit + add`` equals the payload's length, or
    is at most / at least that (`relation`): "equal" for a datagram, "at most" where several
    messages may share a segment."""

    at: int
    size: Literal[1, 2, 4]
    add: int
    relation: Literal["equal", "at most", "at least"] = "equal"
    unit: int = 1
    mask: int = -1
    little: bool = False


@dataclass(frozen=True, slots=True)
class Crc16:
    """The little-endian CRC at `at` must fit the payload's bytes from `begin` to before `end`."""

    at: int
    begin: int
    end: int
    polynomial: int
    """Reflected: the coefficient of x ** 15 is bit 0. The register starts with 0."""
    inverted: bool = False
    """All bits of the result are turned over before it is sent."""

    @property
    def size(self) -> int:
        """Bytes of the CRC."""
        return 2


Check = Number | Text | Length | Crc16


@dataclass(frozen=True, slots=True)
class Signature:
    """All `checks` hold on a payload of at least `minimum` bytes, and at most `maximum`."""

    transport: Transport
    checks: tuple[Check, ...]
    minimum: int
    maximum: int | None = None
    sender: Sender = "either"
    """Who sends such a message: it tells client from server where no handshake was seen."""
    hinted: bool = False
    """Too weak to stand alone: counts only when one of the ports is the protocol's usual one."""
    provisional: bool = False
    """Names the flow until a later message shows a more precise protocol (TPKT before S7 or MMS)."""


@dataclass(frozen=True, slots=True)
class Protocol:
    """One protocol. `id` is the file's name and what facts, zone models and metrics say."""

    id: str
    name: str
    kind: Kind
    tcp_ports: tuple[int, ...] = ()
    """Usual server ports, first the registered one."""
    udp_ports: tuple[int, ...] = ()
    ethertypes: tuple[int, ...] = ()
    ip_protocols: tuple[int, ...] = ()
    """Numbers of protocols of IP that it is."""
    llc: tuple[bytes, ...] = ()
    """Beginnings of the header of LLC in frames that have a length for an EtherType (IEEE 802.2, 3.2)."""
    signatures: tuple[Signature, ...] = ()
    commanded: tuple[Transport, ...] = ()
    """Where controllers are stopped, started or loaded with it: on its usual ports there it is looked for
    as long as something else, or nothing, was recognised."""
    references: tuple[str, ...] = field(default=())
    """Standard and section of each fact in the file."""
