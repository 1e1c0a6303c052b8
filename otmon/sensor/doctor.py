"""Whether an interface is fit to listen on: silent, and handing over packets as they were on the wire.

Each check says what is there, and the command that makes it right; nothing is changed here.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from otmon.capture.ring import linktype_of

# linux/sockios.h, linux/if.h, linux/ethtool.h
_GET_FLAGS: Final = 0x8913
_GET_ADDRESS: Final = 0x8915
_ETHTOOL: Final = 0x8946
_UP, _LOOPBACK, _RUNNING, _NO_ARP = 0x1, 0x8, 0x40, 0x80
_GET_TSO, _GET_GSO, _GET_FEATURES, _GET_GRO = 0x1E, 0x23, 0x25, 0x2B
_LRO_BIT: Final = 1 << 15


@dataclass(frozen=True, slots=True)
class Check:
    """One property of the interface."""

    key: str
    """Of the catalogue: what is asked."""
    holds: bool
    found: str
    """What is there, where that says more."""
    command: str
    """What makes it right."""


def check_interface(interface: str) -> Iterator[Check]:
    """All checks, in the order in which to mend them. Raises RingError for what cannot be listened on."""
    linktype_of(interface)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        flags = _flags(asking, interface)
        yield Check("doctor.up", bool(flags & _UP), "", f"ip link set dev {interface} up")
        if flags & _UP:
            yield Check("doctor.link", bool(flags & _RUNNING), "", f"ip -brief link show dev {interface}")
        address = _address(asking, interface)
        yield Check("doctor.no-address", not address, address, f"ip addr flush dev {interface}")
        six = _addresses_6(interface)
        yield Check(
            "doctor.no-ipv6",
            not six and _ipv6_is_off(interface),
            ", ".join(six),
            f"sysctl -w net.ipv6.conf.{interface}.disable_ipv6=1",
        )
        silent = bool(flags & (_NO_ARP | _LOOPBACK))
        yield Check("doctor.no-arp", silent, "", f"ip link set dev {interface} arp off")
        for name, on in (
            ("gro", _ethtool(asking, interface, _GET_GRO)),
            ("lro", _ethtool(asking, interface, _GET_FEATURES) & _LRO_BIT),
            ("tso", _ethtool(asking, interface, _GET_TSO)),
            ("gso", _ethtool(asking, interface, _GET_GSO)),
        ):
            yield Check(f"doctor.{name}", not on, "", f"ethtool -K {interface} {name} off")


def _request(interface: str) -> bytes:
    return struct.pack("16s24x", os.fsencode(interface))


def _flags(asking: socket.socket, interface: str) -> int:
    answer = fcntl.ioctl(asking.fileno(), _GET_FLAGS, _request(interface))
    return int(struct.unpack_from("=H", answer, 16)[0])


def _address(asking: socket.socket, interface: str) -> str:
    """The first IPv4 address, "" for none."""
    try:
        answer = fcntl.ioctl(asking.fileno(), _GET_ADDRESS, _request(interface))
    except OSError:
        return ""
    return socket.inet_ntop(socket.AF_INET, answer[20:24])


def _addresses_6(interface: str) -> list[str]:
    """All IPv6 addresses (proc(5), if_inet6)."""
    try:
        rows = Path("/proc/thread-self/net/if_inet6").read_text(encoding="ascii").splitlines()
    except OSError:
        return []
    fields = [row.split() for row in rows]
    return [
        socket.inet_ntop(socket.AF_INET6, bytes.fromhex(row[0])) for row in fields if row[-1] == interface
    ]


def _ipv6_is_off(interface: str) -> bool:
    """Without an address there is still a host that asks for one, as long as IPv6 is on."""
    try:
        text = Path(f"/proc/sys/net/ipv6/conf/{interface}/disable_ipv6").read_text(encoding="ascii")
    except OSError:
        return True
    return text.strip() == "1"


def _ethtool(asking: socket.socket, interface: str, what: int) -> int:
    """A number that the driver gives, 0 where it knows no such thing."""
    value = ctypes.create_string_buffer(struct.pack("=II", what, 0), 8)
    request = struct.pack("16sP16x", os.fsencode(interface), ctypes.addressof(value))
    try:
        fcntl.ioctl(asking.fileno(), _ETHTOOL, request)
    except OSError:
        return 0
    return int(struct.unpack("=II", value.raw)[1])
