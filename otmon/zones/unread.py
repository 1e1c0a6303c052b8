"""Of which protocols `access` and `functions` of a permission are judged: by operations, which are not read
of all protocols, and of some only where they change something. What is not read passes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

from otmon.protocols.commands import PROTOCOLS
from otmon.zones.model import Permission

READ: Final = frozenset({"modbus"})
"""Protocols of which every request is read."""
CHANGES_READ: Final = frozenset(PROTOCOLS)
"""Protocols of which what changes something is read, and what loads a program out of a controller; not what
reads values, or asks who it is."""
CYCLIC: Final = frozenset({("ethernet_ip", "udp")})
"""Where values go round in datagrams of which nothing is read."""

Unread = Literal["", "reads", "all"]


def unread(permission: Permission, protocol: str, transport: str = "") -> Unread:
    """What passes of a protocol although the permission limits `access` or `functions`, as nobody reads it;
    "" where it limits neither, or leaves nothing of that to be judged."""
    if not (permission.access or permission.functions) or protocol in READ:
        return ""
    if not reads_unread(protocol, transport):
        return "all"
    return "" if "read" in permission.access and not permission.functions else "reads"


def reads_unread(protocol: str, transport: str = "") -> bool:
    """Whether of a protocol what changes something is read, and the rest is not."""
    return protocol in CHANGES_READ and (protocol, transport) not in CYCLIC


def let_pass(
    permissions: Iterable[Permission], permission: Permission, protocol: str, transport: str = ""
) -> bool:
    """Whether of a list of permissions another one, for the same hosts or more, means to let pass what nobody
    reads."""
    return any(
        set(permission.clients) <= set(other.clients)
        and set(permission.servers) <= set(other.servers)
        and (not other.protocols or protocol in other.protocols)
        and not unread(other, protocol, transport)
        for other in permissions
    )
