"""Who made a network interface, by its MAC address.

IEEE assigns blocks of MAC addresses to vendors: 24 bits long (MA-L), 28 (MA-M) or 36 (MA-S); the longest
that fits tells. `vendors.txt.xz` holds them all, written by ``make vendors``; it is read when the first
name is asked for. An address whose second-lowest bit of the first octet is set was not assigned by IEEE
but chosen by the device or its operator (IEEE 802-2014, 8.4): phones and laptops choose such an address
at random for each Wi-Fi, and hypervisors and redundant routers use known ones.
"""

from __future__ import annotations

import lzma
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, Literal

from otmon.zones.address import MAC_BITS, OUI_LENGTHS, is_group, parse_address

FILE: Final = Path(__file__).with_name("vendors.txt.xz")
MAX_BYTES: Final = 16 << 20
"""Of the file when it is unpacked: ten times what it was in 2026."""

MacKind = Literal["universal", "local", "virtual", "group"]
"""- `universal`: assigned by IEEE to a vendor;
- `local`: chosen by the device or its operator, mostly at random;
- `virtual`: chosen by a known kind of software (`VIRTUAL`);
- `group`: multicast or broadcast, nobody's own.
"""

VIRTUAL: Final[Mapping[str, str]] = {
    "00:00:5e:00:01:": "VRRP",
    "00:00:5e:00:02:": "VRRP",
    "00:00:0c:07:ac:": "HSRP",
    "00:00:0c:9f:f": "HSRP",
    "00:07:b4:00:": "GLBP",
    "52:54:00:": "QEMU/KVM",
    "02:42:": "Docker",
    "02:00:4c:4f:4f:": "Microsoft Loopback",
}
"""Beginnings of MAC addresses that software uses -> its name: RFC 9568 section 7.3 (VRRP; CARP uses them as
well), Cisco's HSRP 1 and 2 and GLBP, and what QEMU, Docker and Windows give to interfaces that are none."""
REDUNDANT_ROUTERS: Final = ("VRRP", "HSRP", "GLBP")
"""Those of `VIRTUAL` that several routers share."""
_SHARED = tuple(beginning for beginning, name in VIRTUAL.items() if name in REDUNDANT_ROUTERS)


@dataclass(frozen=True, slots=True)
class Vendor:
    """What a MAC address tells by itself."""

    kind: MacKind
    name: str
    """Of the vendor, for `virtual` of the software; "" where nobody is registered."""


def vendor_of(mac: str) -> Vendor | None:
    """Who made the interface of that MAC address; None for a text that is none."""
    address = parse_address(mac)
    if address is None or address.bits != MAC_BITS:
        return None
    if is_group(address):
        return Vendor("group", "")
    text = mac.lower().replace("-", ":")
    for beginning, name in VIRTUAL.items():
        if text.startswith(beginning):
            return Vendor("virtual", name)
    for length in sorted(OUI_LENGTHS, reverse=True):
        name = _registry()[length].get(address.value >> MAC_BITS - length, "")
        if name:
            return Vendor("universal", name)
    return Vendor("local" if address.value >> 41 & 1 else "universal", "")


def is_shared(mac: str) -> bool:
    """Whether it is an address that several routers share, of a MAC address as facts hold it."""
    return mac.startswith(_SHARED)


def is_random(mac: str) -> bool:
    """Whether nobody but the device itself chose the address, as far as it tells."""
    found = vendor_of(mac)
    return found is not None and found.kind == "local"


def read_vendors(text: str) -> dict[int, dict[int, str]]:
    """Length of a block in bits -> its prefix -> name, of the file's text: lines `name TAB blocks`, blocks
    as hexadecimal digits divided by spaces; `#` begins a remark. Raises ValueError with the line that is
    none."""
    found: dict[int, dict[int, str]] = {length: {} for length in OUI_LENGTHS}
    for number, line in enumerate(text.splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        name, tab, blocks = line.partition("\t")
        if not tab or not name:
            raise ValueError(f"line {number}: expected a name, a tab and blocks of MAC addresses")
        for block in blocks.split(" "):
            length = 4 * len(block)
            if length not in found:
                raise ValueError(f"line {number}: {block!r} is no block of 24, 28 or 36 bits")
            found[length][int(block, 16)] = name
    return found


@cache
def _registry() -> dict[int, dict[int, str]]:
    with lzma.open(FILE) as stream:
        return read_vendors(stream.read(MAX_BYTES).decode())
