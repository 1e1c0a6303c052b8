"""From the pieces of a flow to the facts of what they say about their senders."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from otmon.identity.login import Piece
from otmon.identity.registry import CLAIM_IDS, teller_of
from otmon.ledger.facts import AssetClaim, Evidence


@dataclass(frozen=True, slots=True)
class Side:
    """One end of a flow as facts name it."""

    mac: str
    address: str


def claims_of(
    protocol: str, pieces: Sequence[Piece], client: Side, server: Side, vlan: str, source: str
) -> Iterator[AssetClaim]:
    """The facts of one flow; nothing for a protocol whose claims nobody reads. What one message repeats is
    one fact, and what the flow repeats is made again by each message."""
    if protocol not in CLAIM_IDS:
        return
    for one in teller_of(protocol)(pieces):
        if not one.value:
            continue
        side = client if one.from_client else server
        seen = one.seen
        yield AssetClaim(
            mac=one.mac or side.mac,
            address=one.address if one.mac else side.address,
            vlan=vlan,
            kind=one.kind,
            value=one.value,
            protocol=protocol,
            times=1,
            first_ns=seen.time_ns,
            last_ns=seen.time_ns,
            evidence=Evidence(seen.time_ns, source, seen.packet, seen.offset),
        )
