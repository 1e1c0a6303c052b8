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


def told_by(protocol: str, pieces: Sequence[Piece], client: Side, server: Side, vlan: str) -> list[Told]:
    """What one flow says; nothing for a protocol whose claims nobody reads. What one message repeats is
    said once, and what the flow repeats is said again by each message."""
    if protocol not in _IDS:
        return []
    found: list[Told] = []
    for kind, value, seen, from_client, mac, address in teller_of(protocol)(pieces):
        if value:
            if not mac:
                mac, address = client if from_client else server
            found.append(((mac, address, vlan, kind, value, protocol), seen))
    return found


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
