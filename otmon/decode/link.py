"""Link layers: from the frame's first byte to an EtherType.

Sources: IEEE 802.3 clause 3 (frame, length or type), IEEE 802.1Q-2022 clause 9 (tags), IEEE 802.2
(LLC) and 802 clause 9 (SNAP), RFC 2516 (PPPoE), RFC 1661 (PPP), RFC 3032 (MPLS), RFC 4385 (control
word), IEC 62439-3 (HSR), and the link-type list of the tcpdump group (LINKTYPE_LINUX_SLL, _SLL2, _NULL,
_LOOP, _RAW).

Each kernel takes the row with `AT` at its layer's first byte, checks the length first, and returns
the kind of the next layer.
"""

from __future__ import annotations

from typing import Final

from otmon.decode.fields import (
    AT,
    C_BAD_HEADER,
    C_CUT,
    C_LINK_UNSUPPORTED,
    DST_HI,
    DST_LO,
    DST_MAC,
    END,
    FAMILY,
    HEADER,
    L_ARP,
    L_COOKED,
    L_COOKED2,
    L_ETHERNET,
    L_HSR,
    L_LLC,
    L_MPLS,
    L_NULL,
    L_PPP,
    L_PPPOE,
    L_PPPOE_DISCOVERY,
    L_QINQ,
    L_RAW,
    L_VLAN,
    NEXT,
    PROTO,
    SENDER_IP,
    SRC_HI,
    SRC_LO,
    SRC_MAC,
    TARGET_IP,
    V4_MAPPED,
    VLAN,
    WIRE_END,
)
from otmon.kernel import Bytes, Ints, kernel, u8, u16be, u32be, u32le, u48be

DONE: Final = 0
ETHERNET: Final = 1
ETHERTYPE: Final = 2
LLC: Final = 3
PPP: Final = 4
MPLS: Final = 5
IPV4: Final = 6
IPV6: Final = 7
TRANSPORT: Final = 8
BARE: Final = 10
"""A packet whose first nibble says IPv4 or IPv6."""

LINKTYPE_NULL: Final = 0
LINKTYPE_ETHERNET: Final = 1
LINKTYPE_PPP: Final = 9
LINKTYPE_RAW: Final = 101
LINKTYPE_LOOP: Final = 108
LINKTYPE_SLL: Final = 113
LINKTYPE_IPV4: Final = 228
LINKTYPE_IPV6: Final = 229
LINKTYPE_SLL2: Final = 276
DLT_RAW_BSD: Final = 12
DLT_RAW_OPENBSD: Final = 14

PPPOE_SESSION: Final = 0x8864
HSR: Final = 0x892F
"""The tag of frames in a ring without seams (IEC 62439-3, 5.7)."""
MAX_FRAME_LENGTH_FIELD: Final = 1500
"""Up to here the field after the addresses is a length (IEEE 802.3 clause 3.2.6)."""


@kernel
def first_layer(buf: Bytes, row: Ints, linktype: int, counters: Ints) -> int:
    """Decode the header that the link type says, up to its EtherType."""
    if linktype == LINKTYPE_ETHERNET:
        return ETHERNET
    if linktype in (LINKTYPE_RAW, DLT_RAW_BSD, DLT_RAW_OPENBSD, LINKTYPE_IPV4, LINKTYPE_IPV6):
        counters[L_RAW] += 1
        return BARE
    if linktype in (LINKTYPE_SLL, LINKTYPE_SLL2):
        return cooked(buf, row, linktype, counters)
    if linktype in (LINKTYPE_NULL, LINKTYPE_LOOP):
        return loopback(buf, row, counters)
    if linktype == LINKTYPE_PPP:
        p = row[AT]
        if row[END] - p >= 2 and u8(buf, p) == 0xFF and u8(buf, p + 1) == 0x03:
            row[AT] = p + 2
        return PPP
    counters[C_LINK_UNSUPPORTED] += 1
    return DONE


@kernel
def ethernet(buf: Bytes, row: Ints, counters: Ints) -> int:
    """Addresses and EtherType, or length and LLC."""
    p = row[AT]
    if row[END] - p < 14:
        counters[C_CUT] += 1
        return DONE
    counters[L_ETHERNET] += 1
    destination = u48be(buf, p)
    source = u48be(buf, p + 6)
    row[DST_MAC] = destination
    row[SRC_MAC] = source
    row[FAMILY] = 2
    row[SRC_HI] = 0
    row[DST_HI] = 0
    row[SRC_LO] = source
    row[DST_LO] = destination
    row[VLAN] = 0
    row[NEXT] = u16be(buf, p + 12)
    row[AT] = p + 14
    return ETHERTYPE


@kernel
def cooked(buf: Bytes, row: Ints, linktype: int, counters: Ints) -> int:
    """Linux cooked capture, version 1 (16 bytes) or 2 (20 bytes). Only the sender's address is there."""
    p = row[AT]
    size = 16 if linktype == LINKTYPE_SLL else 20
    if row[END] - p < size:
        counters[C_CUT] += 1
        return DONE
    if linktype == LINKTYPE_SLL:
        counters[L_COOKED] += 1
        length = u16be(buf, p + 4)
        address = p + 6
        protocol = u16be(buf, p + 14)
    else:
        counters[L_COOKED2] += 1
        length = u8(buf, p + 11)
        address = p + 12
        protocol = u16be(buf, p)
    if length == 6:
        row[SRC_MAC] = u48be(buf, address)
        row[SRC_LO] = row[SRC_MAC]
        row[FAMILY] = 2
    row[AT] = p + size
    row[NEXT] = protocol
    if protocol == 4:
        return LLC
    return ETHERTYPE if protocol > MAX_FRAME_LENGTH_FIELD else DONE


@kernel
def loopback(buf: Bytes, row: Ints, counters: Ints) -> int:
    """BSD loopback: an address family in the byte order of the machine that captured."""
    p = row[AT]
    if row[END] - p < 4:
        counters[C_CUT] += 1
        return DONE
    counters[L_NULL] += 1
    family = u32le(buf, p)
    if family > 0xFFFF:
        family = u32be(buf, p)
    row[AT] = p + 4
    if family == 2:
        return IPV4
    # AF_INET6 of NetBSD/OpenBSD, FreeBSD, macOS and Linux.
    if family in (24, 28, 30, 10):
        return IPV6
    return DONE


@kernel
def bare(buf: Bytes, row: Ints, counters: Ints) -> int:
    """IPv4 or IPv6 by its version nibble."""
    p = row[AT]
    if row[END] - p < 1:
        counters[C_CUT] += 1
        return DONE
    version = u8(buf, p) >> 4
    if version == 4:
        return IPV4
    if version == 6:
        return IPV6
    counters[C_BAD_HEADER] += 1
    return DONE


@kernel
def ethertype(buf: Bytes, row: Ints, counters: Ints) -> int:
    """Follow tags and the EtherType in `NEXT`; what is not IP stays a packet below IP."""
    kind = row[NEXT]
    p = row[AT]
    if kind == 0x0800:
        return IPV4
    if kind == 0x86DD:
        return IPV6
    if kind in (0x8100, 0x88A8, 0x9100, 0x9200):
        if row[END] - p < 4:
            counters[C_CUT] += 1
            return DONE
        counters[L_QINQ if kind == 0x88A8 else L_VLAN] += 1
        tag = u16be(buf, p) & 0x0FFF
        row[VLAN] = ((row[VLAN] & 0xFFF) << 12) | tag
        row[NEXT] = u16be(buf, p + 2)
        row[AT] = p + 4
        return ETHERTYPE
    if kind <= MAX_FRAME_LENGTH_FIELD:
        row[WIRE_END] = min(row[WIRE_END], p + kind)
        row[END] = min(row[END], row[WIRE_END])
        return LLC
    if kind in (0x8847, 0x8848):
        return MPLS
    if kind == HSR:
        # Path and size, a sequence number, and what is in it. The copy that comes the other way round is one
        # as of a mirror.
        if row[END] - p < 6:
            counters[C_CUT] += 1
            return DONE
        counters[L_HSR] += 1
        row[NEXT] = u16be(buf, p + 4)
        row[AT] = p + 6
        return ETHERTYPE
    if kind == PPPOE_SESSION:
        return pppoe(buf, row, counters)
    row[HEADER] = p
    row[PROTO] = kind
    if kind == 0x8863:
        counters[L_PPPOE_DISCOVERY] += 1
    elif kind == 0x0806:
        counters[L_ARP] += 1
        # RFC 826: Ethernet and IPv4 addresses; the sender's IPv4 address is at 14, the target's at 24.
        if row[END] - p >= 28 and u32be(buf, p) == 0x00010800 and u16be(buf, p + 4) == 0x0604:
            address = u32be(buf, p + 14)
            row[SENDER_IP] = (V4_MAPPED | address) if address else 0
            target = u32be(buf, p + 24)
            if u16be(buf, p + 6) == 1 and target != address:
                row[TARGET_IP] = V4_MAPPED | target
    return DONE


@kernel
def llc(buf: Bytes, row: Ints, counters: Ints) -> int:
    """IEEE 802.2 header; SNAP with organisation 0 leads back to an EtherType."""
    p = row[AT]
    row[HEADER] = p
    row[PROTO] = 0
    if row[END] - p < 3:
        counters[C_CUT] += 1
        return DONE
    counters[L_LLC] += 1
    if u8(buf, p) == 0xAA and u8(buf, p + 1) == 0xAA and u8(buf, p + 2) == 3:
        if row[END] - p < 8:
            counters[C_CUT] += 1
            return DONE
        organisation = u32be(buf, p + 2) & 0xFFFFFF
        if organisation in (0, 0x0000F8):
            row[NEXT] = u16be(buf, p + 6)
            row[AT] = p + 8
            return ETHERTYPE if row[NEXT] > MAX_FRAME_LENGTH_FIELD else DONE
    return DONE


@kernel
def pppoe(buf: Bytes, row: Ints, counters: Ints) -> int:
    """RFC 2516 session stage: six bytes, then PPP."""
    p = row[AT]
    if row[END] - p < 6:
        counters[C_CUT] += 1
        return DONE
    counters[L_PPPOE] += 1
    if u8(buf, p) != 0x11 or u8(buf, p + 1) != 0:
        counters[C_BAD_HEADER] += 1
        return DONE
    row[WIRE_END] = min(row[WIRE_END], p + 6 + u16be(buf, p + 4))
    row[END] = min(row[END], row[WIRE_END])
    row[AT] = p + 6
    return PPP


@kernel
def ppp(buf: Bytes, row: Ints, counters: Ints) -> int:
    """RFC 1661 protocol field, of one byte when it is odd (compressed)."""
    p = row[AT]
    row[HEADER] = p
    if row[END] - p < 2:
        counters[C_CUT] += 1
        return DONE
    counters[L_PPP] += 1
    protocol = u8(buf, p)
    p += 1
    if protocol & 1 == 0:
        protocol = (protocol << 8) | u8(buf, p)
        p += 1
    row[AT] = p
    if protocol == 0x21:
        return IPV4
    if protocol == 0x57:
        return IPV6
    if protocol == 0x0281:
        return MPLS
    row[PROTO] = PPPOE_SESSION
    return DONE


@kernel
def mpls(buf: Bytes, row: Ints, counters: Ints) -> int:
    """A stack of labels (RFC 3032); what follows is told by its first nibble (RFC 4385 section 3)."""
    p = row[AT]
    row[HEADER] = p
    row[PROTO] = 0x8847
    counters[L_MPLS] += 1
    bottom = 0
    while bottom == 0:
        if row[END] - p < 4:
            counters[C_CUT] += 1
            return DONE
        bottom = u8(buf, p + 2) & 1
        p += 4
    row[AT] = p
    if row[END] - p < 1:
        counters[C_CUT] += 1
        return DONE
    nibble = u8(buf, p) >> 4
    if nibble == 4:
        return IPV4
    if nibble == 6:
        return IPV6
    if nibble == 0 and row[END] - p >= 4:
        row[AT] = p + 4
    return ETHERNET
