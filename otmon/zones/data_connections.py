"""Conversations that carry the data of another one: FTP (RFC 959, 3.2), TFTP (RFC 1350, 4) and RTSP agree in
one conversation on a port at which one of the two waits for the other.

Only that other one is awaited, at no port below 1024 (RFC 2577, 3), only while that was said not long ago,
and by TCP as often as it was said. What speaks a protocol that is known is no data.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final, NamedTuple

from otmon.ledger.facts import AssetClaim, Conversation

EARLY_NS: Final = 1_000_000_000
"""Clocks of two captures may differ so far."""
LATE_NS: Final = 120_000_000_000
"""Who waits longer has given up: a firewall forgets it after some minutes as well."""
LOWEST_PORT: Final = 1_024

Ends = tuple[str, str, str, int]
"""Who comes, who waits, transport and port."""


class Announcement(NamedTuple):
    """What one of two said about where it waits for the other."""

    parent: tuple[str, str, str, int, str, str]
    """Client, server, transport, port, protocol and VLAN of the conversation in which it was said."""
    times: int
    first_ns: int
    last_ns: int


Announced = Mapping[Ends, tuple[Announcement, ...]]


def announced_in(claims: Iterable[AssetClaim]) -> dict[Ends, tuple[Announcement, ...]]:
    """What was announced, from claims of the kind "expects" (`otmon.ledger.dialogues.claims`)."""
    found: dict[Ends, tuple[Announcement, ...]] = {}
    for claim in claims:
        if claim.kind != "expects":
            continue
        parts = claim.value.split(" ")
        if len(parts) != 4 or not claim.address:
            continue
        transport, _, port = parts[0].partition("/")
        service, _, service_port = parts[2].partition("/")
        if not (port.isdecimal() and service_port.isdecimal()) or int(port) < LOWEST_PORT:
            continue
        ends = (claim.address, parts[1])
        client, server = ends if parts[3] == "client" else ends[::-1]
        parent = client, server, service, int(service_port), claim.protocol, claim.vlan
        one = Announcement(parent, claim.times, claim.first_ns, claim.last_ns)
        key = parts[1], claim.address, transport, int(port)
        found[key] = (*found.get(key, ()), one)
    return found


def parent_of(announced: Announced, fact: Conversation) -> Conversation | None:
    """The conversation, as far as a model is asked about it, in which this one was agreed on; None for one
    that nobody awaited."""
    if fact.protocol not in ("unknown", "none"):
        return None
    for one in announced.get((fact.client, fact.server, fact.transport, fact.port), ()):
        is_in_time = one.first_ns - EARLY_NS <= fact.first_ns <= one.last_ns + LATE_NS
        if is_in_time and (fact.transport != "tcp" or fact.flows <= one.times):
            client, server, transport, port, protocol, vlan = one.parent
            return replace(
                fact, client=client, server=server, transport=transport, port=port, protocol=protocol,
                vlan=vlan, expected="", role="handshake",
            )  # fmt: skip
    return None
