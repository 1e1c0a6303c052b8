"""From the pieces of a flow to the facts of what they say about their senders."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from otmon.identity.claim import ClaimKind
from otmon.identity.login import Piece, Seen
from otmon.identity.registry import CLAIM_IDS, teller_of
from otmon.ledger.facts import AssetClaim, Evidence

ClaimKey = tuple[str, str, str, ClaimKind, str, str]
"""mac, address, vlan, kind, value, protocol: as `otmon.ledger.ledger.claim_key`."""
Told = tuple[ClaimKey, Seen]
"""What was said once, and in which packet."""
Side = tuple[str, str]
"""MAC address and address of one end of a flow, as facts name it."""
_IDS: Final = frozenset(CLAIM_IDS)


def told_by(
    protocol: str,
    pieces: Sequence[Piece],
    client: Side,
    server: Side,
    vlan: str,
    service: tuple[str, int, int] = ("", 0, 0),
) -> list[Told]:
    """What one flow says; nothing for a protocol whose claims nobody reads. What one message repeats is
    said once, and what the flow repeats is said again by each message. `service` is the transport, and the
    ports of the server and of the client."""
    if protocol not in _IDS:
        return []
    found: list[Told] = []
    for kind, value, seen, from_client, mac, address in teller_of(protocol)(pieces):
        if value:
            if not mac:
                mac, address = client if from_client else server
            if kind == "expects":
                other = (server if from_client else client)[1]
                for agreed in _agreed(value, address, other, service, from_client):
                    found.append(((mac, address, vlan, *agreed, protocol), seen))
                continue
            found.append(((mac, address, vlan, kind, value, protocol), seen))
    return found


def _agreed(
    value: str, own: str, other: str, service: tuple[str, int, int], from_client: bool
) -> Iterator[tuple[ClaimKind, str]]:
    """Where a side waits for data ("expects": port, from whom, the service in which it was agreed, which side
    of that waits), or that it sends the data to somebody else ("directs": the same, that address behind the
    port). A client that names another host waits for nothing; a server may have another address inside, and
    its clients go on with the one they know (RFC 2577, 3)."""
    port, _, named = value.partition(" ")
    transport, server_port, client_port = service
    if "/" not in port:
        port = f"{port}/{client_port if from_client else server_port}"
    behind = f"{other} {transport}/{server_port} {'client' if from_client else 'server'}"
    if named and named != own:
        yield "directs", f"{port} {named} {behind}"
        if from_client:
            return
    yield "expects", f"{port} {behind}"


def claims_of(told: Iterable[Told], source: str) -> Iterator[AssetClaim]:
    """The facts of what was said in a source. Hosts say the same in thousands of connections: it is counted,
    and made one fact at the end."""
    found: dict[ClaimKey, tuple[int, Seen, int]] = {}
    for key, seen in told:
        known = found.get(key)
        if known is None:
            found[key] = 1, seen, seen.time_ns
        else:
            times, first, last_ns = known
            found[key] = times + 1, min(first, seen), max(last_ns, seen.time_ns)
    for key, (times, first, last_ns) in found.items():
        time_ns, packet, offset = first
        yield AssetClaim(*key, times, time_ns, last_ns, Evidence(time_ns, source, packet, offset))
