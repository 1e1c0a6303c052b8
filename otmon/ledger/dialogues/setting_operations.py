"""From what somebody set in a station to the facts of operations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from otmon.identity.dcp import SET, settings
from otmon.identity.login import Piece
from otmon.ledger.dialogues.single_operation import single_operation
from otmon.ledger.facts import UNANSWERED, Operation

PORT: Final = 0x8892
REFUSED: Final = 0x100
"""Added to an error of DCP: as a status some of its numbers are no refusals (`otmon.ledger.facts`)."""


def operations_of(
    pieces: Sequence[Piece], client: str, server: str, vlan: str, source: str
) -> Iterator[Operation]:
    """What the client of a flow set in a PROFINET station, each as one operation whose subfunction is the
    option and suboption of DCP."""
    talk = client, server, "ethernet", PORT, "profinet", vlan
    for one in settings(pieces):
        status = UNANSWERED if one.error < 0 else one.error and REFUSED + one.error
        yield single_operation(
            talk,
            SET,
            one.option << 8 | one.suboption,
            one.service,
            one.access,
            status,
            one.response_ns,
            source,
            one.seen,
        )
