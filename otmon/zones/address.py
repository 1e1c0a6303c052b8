"""Addresses as numbers: parsing, networks, how far an address reaches, longest-prefix tables.

An address has 32 bits (IPv4), 128 (IPv6) or 48 (MAC); the width tells the kinds apart, so that one
table holds them all. Parsing is total: a text that is no address gives None.

What reaches how far is kept here and not taken from the standard library, whose table of private
ranges differs between Python releases: a verdict must not depend on the interpreter.
"""

from __future__ import annotations

import ipaddress
import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Generic, Literal, NamedTuple, TypeVar

IPV4_BITS, MAC_BITS, IPV6_BITS = 32, 48, 128

OUI_LENGTHS = (24, 28, 36)
"""Bits of a MAC address that tell its vendor: IEEE's blocks MA-L (the OUI proper), MA-M and MA-S."""

_OCTETS = {str(number): number for number in range(256)}
_MAC = re.compile(r"(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}|(?:[0-9A-Fa-f]{2}-){5}[0-9A-Fa-f]{2}", re.ASCII)
_OUI = re.compile(
    r"[0-9A-Fa-f]{2}([:-])[0-9A-Fa-f]{2}\1[0-9A-Fa-f]{2}(?:\1[0-9A-Fa-f]{2})?(?:\1[0-9A-Fa-f])?", re.ASCII
)

REMEMBERED = 1 << 14
"""Addresses whose parsing is kept, and half as many whose reach is, as MAC addresses have none: the same few
come with every fact, and those of five thousand assets find room."""

Reach = Literal["internet", "site", "link"]
"""How far an address can talk, told by the address alone.

- `internet`: an ordinary address that no plant can own for itself;
- `site`: any other address of one host: private, shared, loopback, reserved;
- `link`: an address which does not say in which network its owner is: link-local ones, which no
  router forwards; "this host" as a sender; a group (multicast, broadcast); every MAC address.
"""


class Address(NamedTuple):
    """A tuple, as addresses are looked up more often than anything else."""

    bits: int
    value: int


@dataclass(frozen=True, slots=True, order=True)
class Network:
    """All addresses of `bits` bits whose first `length` bits are `prefix` (already shifted down)."""

    bits: int
    length: int
    prefix: int

    def __contains__(self, address: Address) -> bool:
        return address.bits == self.bits and address.value >> (self.bits - self.length) == self.prefix

    def __str__(self) -> str:
        first = self.prefix << (self.bits - self.length)
        if self.bits == MAC_BITS:
            if self.length in OUI_LENGTHS:
                # As vendors' numbers are written: the digits that they fix.
                digits = f"{self.prefix:0{self.length // 4}x}"
                return ":".join(digits[at : at + 2] for at in range(0, len(digits), 2))
            text = ":".join(f"{byte:02x}" for byte in first.to_bytes(6, "big"))
            return text if self.length == MAC_BITS else f"{text}/{self.length}"
        text = str(ipaddress.IPv4Address(first) if self.bits == IPV4_BITS else ipaddress.IPv6Address(first))
        return text if self.length == self.bits else f"{text}/{self.length}"


@lru_cache(maxsize=REMEMBERED)
def parse_address(text: str) -> Address | None:
    """An IPv4, IPv6 or MAC address, or None."""
    return read_address(text)


def read_address(text: str) -> Address | None:
    """`parse_address` for those who keep what they have asked themselves."""
    parts = text.split(".")
    if len(parts) == 4:
        # What `ipaddress` takes, in a tenth of its time: four numbers without leading zeros.
        a, b, c, d = parts
        try:
            value = _OCTETS[a] << 24 | _OCTETS[b] << 16 | _OCTETS[c] << 8 | _OCTETS[d]
        except KeyError:
            pass
        else:
            # As the class makes it, in a third of the time.
            return tuple.__new__(Address, (IPV4_BITS, value))
    if _MAC.fullmatch(text):
        return Address(MAC_BITS, int(text.replace(":", "").replace("-", ""), 16))
    if "%" in text:
        return None
    try:
        parsed = ipaddress.ip_address(text)
    except ValueError:
        return None
    return Address(parsed.max_prefixlen, int(parsed))


def host(address: Address) -> Network:
    """The network of that address only."""
    return Network(address.bits, address.bits, address.value)


def parse_network(text: str) -> Network | None:
    """`address/length` without host bits set, or None. A bare address is not a network."""
    if "/" not in text or "%" in text or not text.rpartition("/")[2].isdecimal():
        return None
    try:
        parsed = ipaddress.ip_network(text)
    except ValueError:
        return None
    shift = parsed.max_prefixlen - parsed.prefixlen
    return Network(parsed.max_prefixlen, parsed.prefixlen, int(parsed.network_address) >> shift)


def parse_oui(text: str) -> Network | None:
    """The MAC addresses of a vendor: `00:1b:1b`, `70:b3:d5:8` or `70:b3:d5:8f:a`, with colons or dashes, or
    a whole MAC address and `/24`, `/28` or `/36` with nothing set behind; else None."""
    whole, slash, length = text.partition("/")
    if slash:
        address = parse_address(whole)
        if address is None or address.bits != MAC_BITS or length not in map(str, OUI_LENGTHS):
            return None
        rest = MAC_BITS - int(length)
        return (
            None if address.value & (1 << rest) - 1 else Network(MAC_BITS, int(length), address.value >> rest)
        )
    digits = text.replace(":", "").replace("-", "")
    if not _OUI.fullmatch(text) or 4 * len(digits) not in OUI_LENGTHS:
        return None
    return Network(MAC_BITS, 4 * len(digits), int(digits, 16))


def within(inner: Network, outer: Network) -> bool:
    """Every address of `inner` is in `outer`."""
    shift = inner.length - outer.length
    return inner.bits == outer.bits and shift >= 0 and inner.prefix >> shift == outer.prefix


def _networks(*texts: str) -> tuple[Network, ...]:
    return tuple(net for text in texts if (net := parse_network(text)) is not None)


# RFC 1122 section 3.2.1.3 (0/8), RFC 3927 (169.254/16), RFC 5771 (224/4), RFC 919 (broadcast);
# RFC 4291 sections 2.5.2 (::), 2.5.6 (fe80::/10) and 2.7 (ff00::/8).
_LINK = _networks(
    "0.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "255.255.255.255/32", "::/128", "fe80::/10", "ff00::/8"
)
# IANA IPv4 special-purpose registry (RFC 6890): not globally reachable. The documentation ranges
# (RFC 5737, RFC 3849) are left out on purpose: no plant owns them, and examples use them as Internet.
_SITE_IPV4 = _networks(
    "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.0.0.0/24", "192.168.0.0/16",
    "198.18.0.0/15", "240.0.0.0/4",
)  # fmt: skip
# RFC 4291 section 2.5.4 with the only global block assigned so far, and NAT64 (RFC 6052).
_INTERNET_IPV6 = _networks("2000::/3", "64:ff9b::/96")

INTERNET_WITHIN = (Network(IPV4_BITS, 0, 0), *_INTERNET_IPV6)
NOT_INTERNET = (*_LINK, *_SITE_IPV4)
"""The addresses whose `reach` is "internet" are those in the first and not in the second."""
REACH_CHANGES = _LINK + _SITE_IPV4 + _INTERNET_IPV6
"""Networks at whose edges alone `reach` gives another answer."""


def _reach(address: Address) -> Reach:
    if any(address in net for net in _LINK):
        return "link"
    if address.bits == IPV4_BITS:
        return "site" if any(address in net for net in _SITE_IPV4) else "internet"
    return "internet" if any(address in net for net in _INTERNET_IPV6) else "site"


def _steps(bits: int) -> tuple[list[int], list[Reach]]:
    """Where the reach of addresses changes, from 0 on, and what it is from there."""
    networks = [net for net in REACH_CHANGES if net.bits == bits]
    edges = {(net.prefix + behind) << (bits - net.length) for net in networks for behind in (0, 1)}
    begins = sorted({0, *edges} - {1 << bits})
    return begins, [_reach(Address(bits, begin)) for begin in begins]


_STEPS: Final = {bits: _steps(bits) for bits in (IPV4_BITS, IPV6_BITS)}


@lru_cache(maxsize=REMEMBERED // 2)
def reach(address: Address) -> Reach:
    """How far an address reaches (`Reach`)."""
    if address.bits == MAC_BITS:
        return "link"
    begins, reaches = _STEPS[address.bits]
    return reaches[bisect_right(begins, address.value) - 1]


def is_group(address: Address) -> bool:
    """Multicast or broadcast: an address of many, or of none."""
    if address.bits == MAC_BITS:
        return bool(address.value >> 40 & 1)
    if address.bits == IPV4_BITS:
        return address.value >> 28 == 0xE or address.value == 0xFFFFFFFF
    return address.value >> 120 == 0xFF


_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class PrefixTable(Generic[_Item]):
    """Items by network. Per width: (length, network prefix -> items), longest length first."""

    by_bits: dict[int, tuple[tuple[int, dict[int, tuple[_Item, ...]]], ...]]

    def covering(self, address: Address) -> list[tuple[int, tuple[_Item, ...]]]:
        """(length, items) of every network that holds the address, longest first."""
        found = []
        for length, items in self.by_bits.get(address.bits, ()):
            here = items.get(address.value >> (address.bits - length))
            if here is not None:
                found.append((length, here))
        return found


def prefix_table(entries: Iterable[tuple[Network, _Item]]) -> PrefixTable[_Item]:
    """Index `entries`; items of one network keep their order."""
    grouped: dict[int, dict[int, dict[int, list[_Item]]]] = {}
    for network, item in entries:
        lengths = grouped.setdefault(network.bits, {}).setdefault(network.length, {})
        lengths.setdefault(network.prefix, []).append(item)
    return PrefixTable(
        {
            bits: tuple(
                (length, {prefix: tuple(items) for prefix, items in lengths[length].items()})
                for length in sorted(lengths, reverse=True)
            )
            for bits, lengths in grouped.items()
        }
    )
