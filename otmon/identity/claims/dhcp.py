"""What DHCP clients say of themselves, and the name under which a server knows one.

References: RFC 2131, 2 (message); RFC 2132, 3.14 (host name, 12), 9.3 (overload, 52), 9.8 (parameter request
list, 55), 9.13 (class, 60); RFC 4702, 2 (FQDN, 81); RFC 3396, 7 (options in parts); RFC 3046, 2.0, 3.1, 3.2
(relay agent information, 82: circuit and remote id, whose form is the relay's own; a server says them back,
2.2). A relay passes requests on, so the hardware address in the message tells who it is about.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from otmon.identity.claim import MAX_VALUE, Claim, ClaimKind, line, plain
from otmon.identity.claims.record import name_at
from otmon.identity.claims.wire import ipv4, part
from otmon.identity.login import Piece

_REQUEST, _REPLY, _ETHERNET = 1, 2, 1
_CIRCUIT, _REMOTE = 1, 2
_COOKIE: Final = b"\x63\x82\x53\x63"
_NAME, _OVERLOAD, _ASKED, _CLASS, _FQDN, _RELAY = 12, 52, 55, 60, 81, 82
_FILE, _SERVER_NAME = (108, 128), (44, 64)
"""Fields that hold options, too, where option 52 says so: place and size."""
_ENCODED: Final = 4
"""Flag of option 81: the name is in the form of RFC 1035."""


def claims(pieces: Sequence[Piece]) -> Iterator[Claim]:
    """The claims of each message. What else a server says is what the client is to use."""
    for piece in pieces:
        data = piece.data
        if len(data) < 241 or data[1:3] != bytes((_ETHERNET, 6)) or data[236:240] != _COOKIE:
            continue
        found = _options(data[240:])
        overload = found.get(_OVERLOAD, b"\0")[:1]
        for bit, (at, size) in ((1, _FILE), (2, _SERVER_NAME)):
            if overload and overload[0] & bit:
                for code, more in _options(data[at : at + size]).items():
                    found[code] = found.get(code, b"") + more
        told: list[tuple[ClaimKind, str]] = [("name", line(found.get(_NAME, b"")))]
        told.append(("switch-port", _switch_port(found.get(_RELAY, b""))))
        if data[0] == _REQUEST:
            told += [
                ("name", _full_name(found.get(_FQDN, b""))),
                ("dhcp-class", line(found.get(_CLASS, b""))),
                ("dhcp-options", line(",".join(map(str, found.get(_ASKED, b""))))),
            ]
        elif data[0] != _REPLY:
            continue
        mac, address = data[28:34].hex(":"), ipv4(part(data, 12 if data[0] == _REQUEST else 16, 4))
        for kind, value in dict.fromkeys(told):
            if value:
                yield Claim(kind, value, piece.seen, piece.from_client, mac, address)


def _switch_port(value: bytes) -> str:
    """Remote and circuit id of a relay, such as `dhcp:0006001b1b300001/0004000a010c`; "" where it gives no
    circuit, or more than a claim holds, as the beginning of an id is not the id."""
    parts = _options(value)
    if not parts.get(_CIRCUIT):
        return ""
    text = f"dhcp:{plain(parts.get(_REMOTE, b''))}/{plain(parts[_CIRCUIT])}"
    return text if len(text) <= MAX_VALUE else ""


def _options(data: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    at = 0
    while at < len(data) and data[at] != 255:
        if data[at] == 0:
            at += 1
            continue
        value = part(data, at + 2, data[at + 1]) if at + 1 < len(data) else None
        if value is None:
            break
        found[data[at]] = found.get(data[at], b"") + value
        at += 2 + len(value)
    return found


def _full_name(value: bytes) -> str:
    if len(value) < 4:
        return ""
    if not value[0] & _ENCODED:
        return line(value[3:]).rstrip(".")
    # A name that is not ended is the beginning of one.
    found = name_at(value[3:] + b"\0", 0)
    return "" if found is None else line(b".".join(found[0]))
