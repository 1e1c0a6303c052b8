"""Switch ports as models write them, and as claims of the ledger have them (`otmon.zones.place`)."""

from __future__ import annotations

import re

from otmon.identity.claim import INTERFACE, MAX_VALUE, interface_port
from otmon.zones.address import MAC_BITS, host, parse_address

_ERSPAN = re.compile(r"([0-9A-Fa-f.:]{2,39})/([0-9]{1,4})(?:/([0-9]{1,10}))?", re.ASCII)
_RELAY = re.compile(r"[A-Za-z0-9_.:/-]*/[A-Za-z0-9_.:/-]+", re.ASCII)


def read_port(text: str) -> str | None:
    """A switch port as claims have it: `erspan:`, the address that mirrors, session and port; without a port
    the whole session. Or `dhcp:`, remote and circuit id of the relay; or `interface:` and its name."""
    kind, _, rest = text.partition(":")
    if kind == INTERFACE:
        return interface_port(rest.encode()) or None if rest.isprintable() and rest == rest.strip() else None
    if kind == "dhcp":
        return text if _RELAY.fullmatch(rest) and len(text) <= MAX_VALUE else None
    parts = _ERSPAN.fullmatch(rest) if kind == "erspan" else None
    switch = None if parts is None else parse_address(parts[1])
    if (
        parts is None
        or switch is None
        or switch.bits == MAC_BITS
        or int(parts[2]) > 1023
        or int(parts[3] or 0) >= 1 << 32
    ):
        return None
    index = f"/{int(parts[3])}" if parts[3] else ""
    return f"erspan:{host(switch)}/{int(parts[2])}{index}"
