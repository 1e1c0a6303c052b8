"""Addresses, tags and transports: from the numbers in tables to the text of facts, and back."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv6Address
from typing import Final

import numpy as np
import numpy.typing as npt

from otmon.decode.fields import (
    PORT_INDEXED,
    PORT_SESSION,
    PROTO_ICMP,
    PROTO_ICMPV6,
    PROTO_SCTP,
    PROTO_TCP,
    PROTO_UDP,
    V4_MAPPED,
)

_WORD: Final = (1 << 64) - 1
_SLICE: Final = 1 << 12


@lru_cache(maxsize=1 << 13)
def address_text(family: int, high: int, low: int) -> str:
    """An address as facts write it; `high` and `low` are signed words."""
    if family == 4:
        return f"{low >> 24 & 255}.{low >> 16 & 255}.{low >> 8 & 255}.{low & 255}"
    if family == 6:
        return str(IPv6Address((high & _WORD) << 64 | (low & _WORD)))
    return mac_text(low)


@lru_cache(maxsize=1 << 12)
def mac_text(mac: int) -> str:
    """A MAC address as facts write it, "" for none (-1)."""
    return "" if mac < 0 else mac.to_bytes(6, "big").hex(":")


def port_text(port: int, switch_hi: int, switch_lo: int) -> str:
    """A switch port of `otmon.decode.fields.PORT` as claims write it: `erspan:` and the address that mirrors,
    the session, and the port where there is one, such as `erspan:10.0.0.2/3/12`."""
    family = 4 if switch_hi == 0 and switch_lo >> 32 == V4_MAPPED >> 32 else 6
    index = f"/{port & 0xFFFFFFFF}" if port & PORT_INDEXED else ""
    switch = address_text(family, switch_hi, switch_lo)
    return f"erspan:{switch}/{port >> PORT_SESSION & 0x3FF}{index}"


@lru_cache(maxsize=1 << 10)
def vlan_text(vlan: int) -> str:
    """A stack of tags as facts write it."""
    outer, inner = vlan >> 12, vlan & 0xFFF
    if outer:
        return f"{outer}.{inner}" if inner else str(outer)
    return str(inner) if inner else ""


@lru_cache(maxsize=1 << 10)
def transport_text(family: int, proto: int) -> str:
    """What a conversation's transport is called."""
    if family == 2:
        return "ethernet"
    names = {PROTO_TCP: "tcp", PROTO_UDP: "udp", PROTO_SCTP: "sctp"}
    names[PROTO_ICMP if family == 4 else PROTO_ICMPV6] = "icmp" if family == 4 else "icmpv6"
    return names.get(proto, f"ip-{proto}")


@lru_cache(maxsize=1 << 13)
def words_of(address: str) -> tuple[int, int]:
    """The two words that stand for an IP or MAC address in a table; (0, 0) for none."""
    if "." in address and ":" not in address:
        # Ten times as fast as ipaddress, for what this program wrote itself.
        a, b, c, d = map(int, address.split("."))
        return 0, a << 24 | b << 16 | c << 8 | d
    if len(address) == 17 and address.count(":") == 5 and "::" not in address:
        return 0, int(address.replace(":", ""), 16)
    if ":" in address:
        return divmod(int(IPv6Address(address)), 1 << 64)
    return 0, 0


def words_of_all(addresses: Sequence[str]) -> npt.NDArray[np.uint64]:
    """`words_of` each, as rows: those of IPv4 and MAC addresses are read many at once, and not all, as what
    is between takes a hundred bytes and more for each."""
    words = np.zeros((len(addresses), 2), np.uint64)
    for begin in range(0, len(addresses), _SLICE):
        _read_words(addresses[begin : begin + _SLICE], words[begin : begin + _SLICE])
    return words


def _read_words(addresses: Sequence[str], words: npt.NDArray[np.uint64]) -> None:
    dotted = [at for at, one in enumerate(addresses) if "." in one and ":" not in one]
    if dotted:
        text = ".".join([addresses[at] for at in dotted]).replace(".", " ")
        octets = np.fromstring(text, np.int64, sep=" ").reshape(-1, 4)
        words[dotted, 1] = octets @ (1 << np.arange(24, -8, -8))
    others = np.ones(len(addresses), np.bool_)
    others[dotted] = False
    rest = np.flatnonzero(others).tolist()
    macs = [at for at in rest if len(addresses[at]) == 17 and addresses[at][2::3] == ":::::"]
    if macs:
        text = "".join([addresses[at] for at in macs]).replace(":", "")
        digits = np.frombuffer(bytes.fromhex(text), np.uint8).reshape(-1, 6)
        words[macs, 1] = digits @ (1 << np.arange(40, -8, -8))
    others[macs] = False
    for at in np.flatnonzero(others).tolist():
        words[at] = words_of(addresses[at])
