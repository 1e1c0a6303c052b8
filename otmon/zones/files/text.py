"""What single texts of a model file mean: a reader gives a value, or None for a text that it cannot take."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Final, get_args

from otmon.protocols.protocol import AccessClass
from otmon.zones.address import MAC_BITS, Address, Network, host, parse_address, parse_oui
from otmon.zones.model import Importance, Range, ValueType

VALUE_TYPES: Final[tuple[ValueType, ...]] = get_args(ValueType)
ACCESS_CLASSES: Final[tuple[AccessClass, ...]] = get_args(AccessClass)
TRANSPORTS: Final = ("tcp", "udp", "sctp", "icmp", "icmpv6", "ethernet")
IMPORTANCE: Final[dict[str, Importance]] = {
    "大": "high", "中": "medium", "小": "low", "high": "high", "medium": "medium", "low": "low",
}  # fmt: skip
MAX_TEXT: Final = 500
"""Characters of a name or a reason: it is shown in tables."""

MAX_ROLE: Final = 64

_DIVIDES = re.compile(r"[\s,;、|:'\"]")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,9}|0[xX][0-9A-Fa-f]{1,7}", re.ASCII)
_QUANTITY = re.compile(r"[+-]?[0-9]{1,15}(?:\.[0-9]{1,15})?", re.ASCII)
_VLAN = re.compile(r"([0-9]{1,4})(?:\.([0-9]{1,4}))?", re.ASCII)
_IP_TRANSPORT = re.compile(r"ip-[0-9]{1,3}", re.ASCII)


def read_text(text: str) -> str | None:
    """A text on one line."""
    folded = " ".join(text.split())
    return folded if folded and folded.isprintable() and len(folded) <= MAX_TEXT else None


def read_importance(text: str) -> Importance | None:
    """How important something is."""
    return IMPORTANCE.get(text)


def read_id(text: str) -> str | None:
    """The text, if a model may use it as an id."""
    if parse_address(text) is not None:
        return None
    return text if _ID.fullmatch(text) else None


def read_role(text: str) -> str | None:
    """A role of a device, in any script: a word, as lists of them are divided by blanks and commas."""
    fits = 0 < len(text) <= MAX_ROLE and text.isprintable() and not _DIVIDES.search(text)
    return text if fits and parse_address(text) is None else None


def read_number(text: str) -> int | None:
    """A whole number, decimal or with 0x."""
    return int(text, 0 if text[:2] in ("0x", "0X") else 10) if _NUMBER.fullmatch(text) else None


def range_reader(highest: int) -> Callable[[str], Range | None]:
    """A reader of numbers and ranges up to `highest`."""

    def read(text: str) -> Range | None:
        first, dash, last = (part.strip() for part in text.partition("-"))
        low = read_number(first)
        high = read_number(last) if dash else low
        return (low, high) if low is not None and high is not None and low <= high <= highest else None

    return read


def read_vlan(text: str) -> str | None:
    """A VLAN as facts have it, "" for untagged; None for what is no VLAN of a network."""
    if text == "untagged":
        return ""
    parts = _VLAN.fullmatch(text)
    if parts is None:
        return None
    tags = [int(tag) for tag in parts.groups() if tag is not None]
    return ".".join(map(str, tags)) if all(1 <= tag <= 4094 for tag in tags) else None


def read_ip(text: str) -> Network | None:
    """An IP address, as the network that it alone is in."""
    address = parse_address(text)
    return host(address) if address is not None and address.bits != MAC_BITS else None


def read_mac(text: str) -> Address | None:
    """A MAC address."""
    address = parse_address(text)
    return address if address is not None and address.bits == MAC_BITS else None


def read_oui(text: str) -> Network | None:
    """A vendor's MAC addresses; a group is nobody's."""
    vendor = parse_oui(text)
    return vendor if vendor is not None and not vendor.prefix >> vendor.length - 8 & 1 else None


def read_transport(text: str) -> str | None:
    """A transport as facts have it."""
    return text if text in TRANSPORTS or _IP_TRANSPORT.fullmatch(text) else None


def read_function_number(text: str) -> tuple[int, int | None] | None:
    """A service by number: `6`, `0x06`, `43/14`; None for a name."""
    number, slash, rest = (part.strip() for part in text.partition("/"))
    function, subfunction = read_number(number), read_number(rest)
    if function is None or (slash and subfunction is None):
        return None
    return function, subfunction


def read_access(text: str) -> AccessClass | None:
    """An access class."""
    return next((access for access in ACCESS_CLASSES if access == text), None)


def read_element(text: str) -> int | None:
    """The number of a coil or register on the wire."""
    number = read_number(text)
    return number if number is not None and number <= 65535 else None


def read_quantity(text: str) -> Decimal | None:
    """A decimal number."""
    return Decimal(text) if _QUANTITY.fullmatch(text) else None


def read_scale(text: str) -> Decimal | None:
    """A number other than 0."""
    number = read_quantity(text)
    return number or None


def read_step(text: str) -> Decimal | None:
    """A number above 0."""
    number = read_quantity(text)
    return number if number is not None and number > 0 else None


def read_type(text: str) -> ValueType | None:
    """How the words of a register are read."""
    return next((type for type in VALUE_TYPES if type == text), None)
