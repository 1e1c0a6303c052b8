"""The names for which clients ask a server by TLS: what asks for one that was told in this hour is not copied
again, as most connections of a browser ask for the same few.

References: RFC 8446, 4.1.2 and 5.1 (ClientHello in a record); RFC 6066, 3 (the extension that names a host).
"""

from __future__ import annotations

from typing import Final

from otmon.decode.flows import F_A_HI, F_A_LO, F_B_HI, F_B_LO, F_VLAN, hash_of, mix
from otmon.kernel import Bytes, kernel, u8, u16be
from otmon.ledger.facts import HOUR_NS
from otmon.ledger.tables import SERVER_NAMES, Tables

_SESSION: Final = 5 + 4 + 2 + 32
"""Where the session stands: behind the headers of record and message, version and random."""
_HELLO: Final = 0x16, 1
"""A record of the handshake, and the first message of a client in it."""


@kernel
def asked_name(t: Tables, f: int, d: int, src: Bytes, p: int, end: int) -> int:
    """Who is asked for what name by a payload of TLS in direction `d` of flow `f`, as a number above 0; -1
    where it is a ClientHello that names nobody as far as it goes, 0 where it is none."""
    if end - p < 6 or u8(src, p) != _HELLO[0] or u8(src, p + 5) != _HELLO[1]:
        return 0
    at = p + _SESSION
    if at >= end:
        return -1
    at += 1 + u8(src, at)
    if at + 2 > end:
        return -1
    at += 2 + u16be(src, at)
    if at + 1 > end:
        return -1
    at += 1 + u8(src, at) + 2
    while at + 4 <= end:
        kind, size = u16be(src, at), u16be(src, at + 2)
        at += 4
        if kind == 0:
            if size == 0 or at + size > end:
                return -1
            h = mix(hash_of(src, at, at + size), t.flows[f, F_VLAN])
            if d == 0:
                h = mix(mix(h, t.flows[f, F_B_HI]), t.flows[f, F_B_LO])
            else:
                h = mix(mix(h, t.flows[f, F_A_HI]), t.flows[f, F_A_LO])
            return max(h, 1)
        at += size
    return -1


@kernel
def is_told(t: Tables, asked: int, now: int) -> bool:
    """Whether what `asked_name` gave was kept in this hour."""
    place = asked % SERVER_NAMES
    return bool(
        asked > 0 and t.server_names[place, 0] == asked and t.server_names[place, 1] == now // HOUR_NS
    )


@kernel
def keep_name(t: Tables, asked: int, now: int) -> None:
    """It is told, if it is one. Another one may give way, which is told once more then."""
    if asked > 0:
        place = asked % SERVER_NAMES
        t.server_names[place, 0] = asked
        t.server_names[place, 1] = now // HOUR_NS
