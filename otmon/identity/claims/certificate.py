"""What an X.509 certificate says of who shows it: its names, and who issued it.

Reference: RFC 5280, 4.1 (the fields), 4.1.2.4 (names), 4.2.1.6 (alternative names); ITU-T X.690, 8 (DER).
Nothing is verified: whoever sends can show any certificate.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from ipaddress import ip_address
from typing import Final

from otmon.identity.claim import ClaimKind, line
from otmon.identity.claims.wire import number, part

_SEQUENCE, _OID, _OCTETS, _BMP = 0x30, 0x06, 0x04, 0x1E
_VERSION, _EXTENSIONS, _DNS = 0xA0, 0xA3, 0x82
_ATTRIBUTES: Final = {b"\x55\x04\x03": "CN", b"\x55\x04\x0a": "O"}
"""commonName and organizationName (RFC 5280, appendix A.1)."""
_ALTERNATIVE_NAMES: Final = b"\x55\x1d\x11"
_HOST: Final = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?")
MAX_ITEMS: Final = 64
"""Parts of one value that are read; a certificate of a device has some ten."""

Item = tuple[int, bytes, bool]
"""Tag, value, and whether all of the value is there."""


def told_in(data: bytes) -> Iterator[tuple[ClaimKind, str]]:
    """What a certificate says, which may be cut off: the names of hosts, and whose it is by whom."""
    outer = _items(data)
    body = _items(outer[0][1]) if outer and outer[0][0] == _SEQUENCE else []
    fields = _items(body[0][1]) if body and body[0][0] == _SEQUENCE else []
    if fields and fields[0][0] == _VERSION:
        fields = fields[1:]
    if len(fields) < 5 or any(fields[place][0] != _SEQUENCE or not fields[place][2] for place in (2, 4)):
        return
    issuer, subject = _named(fields[2][1]), _named(fields[4][1])
    common = subject.get("CN", "")
    if is_host(common):
        yield "name", common
    for name in _alternatives(fields[5:]):
        if is_host(name):
            yield "name", name
    if subject:
        by = "itself" if fields[2][1] == fields[4][1] else _shown(issuer)
        yield "certificate", line(f"{_shown(subject)}, issued by {by}")


@lru_cache(maxsize=1 << 10)
def is_host(text: str) -> bool:
    """Whether it can be a host's name: no address, no pattern, no sentence."""
    if _HOST.fullmatch(text) is None:
        return False
    try:
        ip_address(text)
    except ValueError:
        return True
    return False


def _items(data: bytes) -> list[Item]:
    """The values one behind the other; what is no DER ends them."""
    found: list[Item] = []
    at = 0
    while at < len(data) and len(found) < MAX_ITEMS:
        tag, size = number(data, at, 1), number(data, at + 1, 1)
        at += 2
        if size > 0x80:
            octets = size & 0x7F
            size = number(data, at, octets) if octets <= 4 else -1
            at += octets
        elif size == 0x80:
            size = -1
        if size < 0:
            break
        found.append((tag, data[at : at + size], at + size <= len(data)))
        at += size
    return found


def _named(name: bytes) -> dict[str, str]:
    """The attributes of a name that are known, by their short names; of several the first one."""
    found: dict[str, str] = {}
    for _, group, _ in _items(name):
        for _, pair, _ in _items(group):
            parts = _items(pair)
            if len(parts) == 2 and parts[0][0] == _OID and parts[0][1] in _ATTRIBUTES:
                tag, value, _ = parts[1]
                text = line(value.decode("utf-16-be", "replace") if tag == _BMP else value)
                if text:
                    found.setdefault(_ATTRIBUTES[parts[0][1]], text)
    return found


def _shown(name: dict[str, str]) -> str:
    return ", ".join(f"{key}={name[key]}" for key in ("CN", "O") if key in name) or "nobody"


def _alternatives(fields: list[Item]) -> Iterator[str]:
    """The names of DNS in the extension for alternative names."""
    for tag, value, _ in fields:
        every = _items(value) if tag == _EXTENSIONS else []
        for _, extension, _ in _items(every[0][1]) if every else ():
            parts = _items(extension)
            if len(parts) < 2 or parts[0][1] != _ALTERNATIVE_NAMES or parts[-1][0] != _OCTETS:
                continue
            names = _items(parts[-1][1])
            for kind, name, whole in _items(names[0][1]) if names else ():
                if kind == _DNS and whole:
                    yield line(name)


def first_of(message: bytes) -> bytes:
    """The first certificate of a Certificate message of TLS up to 1.2 (RFC 5246, 7.4.2), perhaps cut off;
    b"" where there is none."""
    size = number(message, 3, 3)
    return part(message, 6, size) or message[6:] if size > 0 else b""
