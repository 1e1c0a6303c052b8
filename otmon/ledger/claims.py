"""From the pieces of a flow to the facts of what they say about their senders."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from otmon.identity.login import Piece
from otmon.identity.registry import CLAIM_IDS, teller_of
from otmon.ledger.facts import AssetClaim, Evidence


class Side(NamedTuple):
    """One end of a flow as facts name it. A tuple, as very many are made."""

    mac: str
    address: str


def claims_of(
    protocol: str, pieces: Sequence[Piece], client: Side, server: Side, vlan: str, source: str
) -> Iterator[AssetClaim]:
    """The facts of one flow; nothing for a protocol whose claims nobody reads. What one message repeats is
    one fact, and what the flow repeats is made again by each message."""
    if protocol not in CLAIM_IDS:
        return
    for kind, value, (time_ns, packet, offset), from_client, its_mac, its_address in teller_of(protocol)(
        pieces
    ):
        if not value:
            continue
        mac, address = (its_mac, its_address) if its_mac else client if from_client else server
        evidence = Evidence(time_ns, source, packet, offset)
        yield AssetClaim(mac, address, vlan, kind, value, protocol, 1, time_ns, time_ns, evidence)
