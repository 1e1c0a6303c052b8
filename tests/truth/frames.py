"""From a payload to the bytes on the wire, in everything that may be wrapped around it.

Sources: RFC 791, 8200, 4302 (IP), 9293 (TCP), 768 (UDP), 1071 (checksum), 2784 and 2890 (GRE),
draft-foschiano-erspan-03 (ERSPAN), 7348 (VXLAN), 3032, 4385, 4448 (MPLS), 2516 and 1661 (PPPoE, PPP);
IEEE 802.1Q-2022 clause 9, 802.2, 802 clause 9 (LLC, SNAP); tcpdump.org's list of link types;
Wikipedia's *TZSP* for the field numbers that Wireshark reads.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from zlib import crc32

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
TCP, UDP = 6, 17
SHORTEST_FRAME = 60

MACS = (bytes.fromhex("a41111000001"), bytes.fromhex("a42222000002"))
"""Of client and server; their first nibble is neither a version of IP nor a control word."""
ROUTER_MACS = (bytes.fromhex("a43333000003"), bytes.fromhex("a44444000004"))
MIRROR = ("10.200.0.1", "10.200.0.2")
"""A mirroring switch and the collector that it sends to."""

NULL, ETHERNET, RAW, LOOP, SLL, IPV4, IPV6, SLL2 = 0, 1, 101, 108, 113, 228, 229, 276
"""Link types."""

Wrap = Callable[[bytes, int], bytes]
"""From a datagram or frame, and who sends (0 client, 1 server), to the frame around it."""


def checksum(data: bytes) -> int:
    """RFC 1071."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def pseudo_header(source: str, destination: str, protocol: int, length: int) -> bytes:
    addresses = ip_address(source).packed + ip_address(destination).packed
    if len(addresses) == 8:
        return addresses + struct.pack(">HH", protocol, length)
    return addresses + struct.pack(">II", length, protocol)


def udp(source: str, destination: str, ports: tuple[int, int], payload: bytes) -> bytes:
    head = struct.pack(">HHH", *ports, 8 + len(payload))
    pseudo = pseudo_header(source, destination, UDP, 8 + len(payload))
    return head + struct.pack(">H", checksum(pseudo + head + b"\0\0" + payload) or 0xFFFF) + payload


def tcp(
    source: str, destination: str, ports: tuple[int, int], numbers: tuple[int, int], flags: int,
    window: int, payload: bytes, options: bytes = b"",
) -> bytes:  # fmt: skip
    """A segment; `numbers` are sequence and acknowledgment, modulo 2**32."""
    head = struct.pack(
        ">HHIIBBH",
        *ports,
        numbers[0] % 2**32,
        numbers[1] % 2**32,
        (5 + len(options) // 4) << 4,
        flags,
        window,
    )
    tail = b"\0\0" + options + payload
    pseudo = pseudo_header(source, destination, TCP, len(head) + 2 + len(tail))
    return head + struct.pack(">H", checksum(pseudo + head + b"\0\0" + tail)) + tail


def ipv4(
    source: str, destination: str, protocol: int, payload: bytes, ident: int, *, ttl: int = 64,
    options: bytes = b"", position: int = 0,
) -> bytes:  # fmt: skip
    """A datagram; `position` is the field of flags and fragment offset."""
    words = 5 + len(options) // 4
    head = (
        struct.pack(
            ">BBHHHBBH4s4s",
            0x40 | words,
            0,
            words * 4 + len(payload),
            ident & 0xFFFF,
            position,
            ttl,
            protocol,
            0,
            ip_address(source).packed,
            ip_address(destination).packed,
        )
        + options
    )
    return head[:10] + struct.pack(">H", checksum(head)) + head[12:] + payload


Extension = tuple[int, bytes]
"""An IPv6 extension header: its number, and itself with a first byte that is overwritten."""

HOP_BY_HOP: Extension = (0, bytes.fromhex("00 00 05 02 0000 0100"))
DESTINATION: Extension = (60, bytes.fromhex("00 01 01 0c 000000000000000000000000"))
ROUTING: Extension = (43, bytes.fromhex("00 02 04 00 00 00 0000 20010db8000200000000000000000017"))
"""A segment routing header (RFC 8754) at its last segment."""
ATOMIC_FRAGMENT: Extension = (44, bytes.fromhex("00 00 0000 00001234"))
AUTHENTICATION: Extension = (51, bytes.fromhex("00 04 0000 00000100 00000001 aabbccddeeff001122334455"))
FRAGMENT = 44


def ipv6(
    source: str, destination: str, protocol: int, payload: bytes, extensions: tuple[Extension, ...] = ()
) -> bytes:
    kinds = [number for number, _ in extensions] + [protocol]
    chain = b"".join(bytes((kinds[i + 1],)) + body[1:] for i, (_, body) in enumerate(extensions))
    head = struct.pack(">IHBB", 6 << 28, len(chain) + len(payload), kinds[0], 64)
    return head + ip_address(source).packed + ip_address(destination).packed + chain + payload


def fragments(datagram: bytes, size: int) -> list[tuple[bytes, int, int]]:
    """The datagram in pieces of at most `size` bytes (whole units of 8), each with the place of
    its first and behind its last byte in what was cut."""
    if datagram[0] >> 4 == 4:
        head = (datagram[0] & 15) * 4
        body, pieces = datagram[head:], []
        for start in range(0, len(body), size):
            part = body[start : start + size]
            more = 0x2000 if start + len(part) < len(body) else 0
            bare = datagram[:2] + struct.pack(">H", head + len(part)) + datagram[4:6]
            bare += struct.pack(">H", more | start // 8) + datagram[8:10] + b"\0\0" + datagram[12:head]
            piece = bare[:10] + struct.pack(">H", checksum(bare)) + bare[12:] + part
            pieces.append((piece, start, start + len(part)))
        return pieces
    body, pieces = datagram[40:], []
    ident = crc32(datagram)
    for start in range(0, len(body), size):
        part = body[start : start + size]
        more = 1 if start + len(part) < len(body) else 0
        extension = struct.pack(">BBHI", datagram[6], 0, start | more, ident)
        piece = datagram[:4] + struct.pack(">HB", 8 + len(part), FRAGMENT) + datagram[7:40] + extension + part
        pieces.append((piece, start, start + len(part)))
    return pieces


def routed(datagram: bytes) -> bytes:
    """The datagram behind a router: a hop less to live."""
    if datagram[0] >> 4 == 6:
        return datagram[:7] + bytes((datagram[7] - 1,)) + datagram[8:]
    head = (datagram[0] & 15) * 4
    bare = datagram[:8] + bytes((datagram[8] - 1,)) + datagram[9:10] + b"\0\0" + datagram[12:head]
    return bare[:10] + struct.pack(">H", checksum(bare)) + bare[12:] + datagram[head:]


def _kind(datagram: bytes) -> bytes:
    """The EtherType of an IP datagram."""
    return b"\x08\x00" if datagram[0] >> 4 == 4 else b"\x86\xdd"


def ethernet(tags: tuple[tuple[int, int], ...] = (), macs: tuple[bytes, bytes] = MACS) -> Wrap:
    """Ethernet with `tags` (EtherType, tag control information), outermost first."""
    stack = b"".join(struct.pack(">HH", *tag) for tag in tags)

    def wrap(datagram: bytes, sender: int) -> bytes:
        frame = macs[1 - sender] + macs[sender] + stack + _kind(datagram) + datagram
        return frame.ljust(SHORTEST_FRAME, b"\0")

    return wrap


def snap(datagram: bytes, sender: int) -> bytes:
    """IEEE 802.3 with a length, LLC and SNAP."""
    body = bytes.fromhex("aaaa03000000") + _kind(datagram) + datagram
    frame = MACS[1 - sender] + MACS[sender] + struct.pack(">H", len(body)) + body
    return frame.ljust(SHORTEST_FRAME, b"\0")


def ring(datagram: bytes, sender: int) -> bytes:
    """HSR: path 0, the size from the tag's second byte on, a sequence number."""
    tag = struct.pack(">HHH", 0x892F, min(len(datagram) + 6, 0xFFF), 7)
    return (MACS[1 - sender] + MACS[sender] + tag + _kind(datagram) + datagram).ljust(SHORTEST_FRAME, b"\0")


def pppoe(datagram: bytes, sender: int) -> bytes:
    ppp = (b"\x00\x21" if datagram[0] >> 4 == 4 else b"\x00\x57") + datagram
    head = MACS[1 - sender] + MACS[sender] + struct.pack(">HBBHH", 0x8864, 0x11, 0, 7, len(ppp))
    return (head + ppp).ljust(SHORTEST_FRAME, b"\0")


def mpls(labels: int, inner: Wrap | None = None, control_word: bytes = b"") -> Wrap:
    """A stack of `labels`, around IP or around a frame (a pseudo-wire)."""
    stack = b"".join(
        struct.pack(">I", (16 + i) << 12 | (1 if i == labels - 1 else 0) << 8 | 64) for i in range(labels)
    )

    def wrap(datagram: bytes, sender: int) -> bytes:
        body = datagram if inner is None else control_word + inner(datagram, sender)
        frame = ROUTER_MACS[1 - sender] + ROUTER_MACS[sender] + b"\x88\x47" + stack + body
        return frame.ljust(SHORTEST_FRAME, b"\0")

    return wrap


def _typed(datagram: bytes, _: int) -> bytes:
    """The datagram behind its EtherType."""
    return _kind(datagram) + datagram


def over_ip(protocol: int, header: bytes, inner: Wrap, addresses: tuple[str, str] = MIRROR) -> Wrap:
    """`header` and the inner frame in an IP packet of the mirror."""

    def wrap(datagram: bytes, sender: int) -> bytes:
        body = header + inner(datagram, sender)
        if ":" in addresses[0]:
            outer = ipv6(*addresses, protocol, body)
        else:
            outer = ipv4(*addresses, protocol, body, 0, position=0x4000)
        return ethernet(macs=ROUTER_MACS)(outer, 0)

    return wrap


def over_udp(port: int, header: bytes, inner: Wrap) -> Wrap:
    def wrap(datagram: bytes, sender: int) -> bytes:
        body = udp(*MIRROR, (61_000, port), header + inner(datagram, sender))
        return ethernet(macs=ROUTER_MACS)(ipv4(*MIRROR, UDP, body, 0, position=0x4000), 0)

    return wrap


def cooked(datagram: bytes, sender: int) -> bytes:
    return struct.pack(">HHH8s", 0, 1, 6, MACS[sender] + b"\0\0") + _kind(datagram) + datagram


def cooked_tagged(datagram: bytes, sender: int) -> bytes:
    head = struct.pack(">HHH8sHH", 0, 1, 6, MACS[sender] + b"\0\0", 0x8100, 30)
    return head + _kind(datagram) + datagram


def cooked2(datagram: bytes, sender: int) -> bytes:
    return _kind(datagram) + struct.pack(">HIHBB8s", 0, 3, 1, 0, 6, MACS[sender] + b"\0\0") + datagram


def loopback(order: str, family6: int) -> Wrap:
    """BSD's address family in front, in the byte order `order` of `struct`."""

    def wrap(datagram: bytes, _: int) -> bytes:
        return struct.pack(order + "I", 2 if datagram[0] >> 4 == 4 else family6) + datagram

    return wrap


def bare(datagram: bytes, _: int) -> bytes:
    return datagram


@dataclass(frozen=True, slots=True)
class Link:
    """One way of wrapping."""

    name: str
    linktype: int
    wrap: Wrap
    vlan: int | None = None
    """The innermost VLAN, where there is one."""


PLAIN = Link("Ethernet", ETHERNET, ethernet())
_GRE_KEY = struct.pack(">HHI", 0x2000, 0x6558, 77)
_ERSPAN2 = struct.pack(">HHIHHI", 0x1000, 0x88BE, 1, 0x1000 | 30, 5, 0)
_ERSPAN3 = struct.pack(">HHIHHIHH", 0x1000, 0x22EB, 1, 0x2000 | 30, 5, 1000, 0, 0)
_ERSPAN3_LONG = _ERSPAN3[:-1] + b"\x01" + struct.pack(">II", 0x0400_0000, 7)
_VXLAN = struct.pack(">II", 0x0800_0000, 42 << 8)
_TZSP = bytes.fromhex("01 00 0001 0a01c5 00 01")
_TAGGED = ethernet(((0x8100, 30),))

LINKS = (
    PLAIN,
    Link("802.1Q", ETHERNET, _TAGGED, 30),
    Link("802.1Q with priority", ETHERNET, ethernet(((0x8100, 5 << 13 | 4094),)), 4094),
    Link("priority tag of VLAN 0", ETHERNET, ethernet(((0x8100, 5 << 13),))),
    Link("802.1ad", ETHERNET, ethernet(((0x88A8, 200), (0x8100, 30))), 30),
    Link("802.1ad alone", ETHERNET, ethernet(((0x88A8, 200),)), 200),
    Link("QinQ 0x9100", ETHERNET, ethernet(((0x9100, 200), (0x8100, 31))), 31),
    Link("QinQ 0x8100 twice", ETHERNET, ethernet(((0x8100, 200), (0x8100, 32))), 32),
    Link("three tags", ETHERNET, ethernet(((0x88A8, 200), (0x8100, 201), (0x8100, 33))), 33),
    Link("LLC and SNAP", ETHERNET, snap),
    Link("HSR", ETHERNET, ring),
    Link("PPPoE", ETHERNET, pppoe),
    Link("MPLS, one label", ETHERNET, mpls(1)),
    Link("MPLS, five labels", ETHERNET, mpls(5)),
    Link("MPLS pseudo-wire", ETHERNET, mpls(2, ethernet())),
    Link("MPLS pseudo-wire with control word", ETHERNET, mpls(2, _TAGGED, bytes(4)), 30),
    Link("GRE around IP", ETHERNET, over_ip(47, b"\0\0", _typed)),
    Link("GRE with key around Ethernet", ETHERNET, over_ip(47, _GRE_KEY, ethernet())),
    Link("ERSPAN I", ETHERNET, over_ip(47, b"\0\0\x88\xbe", ethernet())),
    Link("ERSPAN II", ETHERNET, over_ip(47, _ERSPAN2, ethernet())),
    Link("ERSPAN III", ETHERNET, over_ip(47, _ERSPAN3, ethernet())),
    Link("ERSPAN III with its platform's part", ETHERNET, over_ip(47, _ERSPAN3_LONG, ethernet())),
    Link("ERSPAN I around 802.1Q", ETHERNET, over_ip(47, b"\0\0\x88\xbe", _TAGGED), 30),
    Link("ERSPAN II around 802.1Q", ETHERNET, over_ip(47, _ERSPAN2, _TAGGED), 30),
    Link("ERSPAN III around 802.1Q", ETHERNET, over_ip(47, _ERSPAN3, _TAGGED), 30),
    Link("ERSPAN II over IPv6", ETHERNET, over_ip(47, _ERSPAN2, _TAGGED, ("fd00::1", "fd00::2")), 30),
    Link("VXLAN", ETHERNET, over_udp(4789, _VXLAN, ethernet())),
    Link("VXLAN around 802.1Q", ETHERNET, over_udp(4789, _VXLAN, _TAGGED), 30),
    Link("TZSP", ETHERNET, over_udp(37008, _TZSP, ethernet())),
    Link("TZSP around 802.1Q", ETHERNET, over_udp(37008, _TZSP, _TAGGED), 30),
    Link("Linux cooked", SLL, cooked),
    Link("Linux cooked around 802.1Q", SLL, cooked_tagged, 30),
    Link("Linux cooked v2", SLL2, cooked2),
    Link("raw IP", RAW, bare),
    Link("BSD loopback, little endian", NULL, loopback("<", 30)),
    Link("BSD loopback, big endian", NULL, loopback(">", 24)),
    Link("BSD loopback, FreeBSD", NULL, loopback("<", 28)),
    Link("OpenBSD loopback", LOOP, loopback(">", 24)),
)
ROUTER_SIDE = Link("behind the router", ETHERNET, ethernet(((0x8100, 40),), ROUTER_MACS), 40)

RECORD_ROUTE = b"\x07\x0b\x08" + bytes(8) + b"\0"
TIMESTAMP_AND_ALERT = bytes.fromhex("940400004408050000000000")
IP_OPTIONS = (b"\x01\x01\x01\x00", RECORD_ROUTE, TIMESTAMP_AND_ALERT, b"\x01" * 40)
