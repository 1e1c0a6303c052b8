"""From what somebody set in a station to the facts of operations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from otmon.identity.dcp import SET, settings
from otmon.identity.login import Piece
from otmon.ledger.course import Window
from otmon.ledger.facts import HOUR_NS, HOURS, MONDAY, UNANSWERED, UNKNOWN, Busiest, Evidence, Operation
from otmon.ledger.harvest.rows import counts_of_one

PORT: Final = 0x8892
REFUSED: Final = 0x100
"""Added to an error of DCP: as a status some of its numbers are no refusals (`otmon.ledger.facts`)."""


def operations_of(
    pieces: Sequence[Piece], client: str, server: str, vlan: str, source: str
) -> Iterator[Operation]:
    """What the client of a flow set in a PROFINET station, each as one operation whose subfunction is the
    option and suboption of DCP."""
    for one in settings(pieces):
        seen = one.seen
        evidence = Evidence(seen.time_ns, source, seen.packet, seen.offset)
        answered, response_ns = int(one.response_ns >= 0), max(one.response_ns, 0)
        yield Operation(
            client=client,
            server=server,
            transport="ethernet",
            port=PORT,
            protocol="profinet",
            vlan=vlan,
            unit=UNKNOWN,
            function=SET,
            subfunction=one.option << 8 | one.suboption,
            service=one.service,
            access=one.access,
            address=UNKNOWN,
            count=UNKNOWN,
            status=UNANSWERED if one.error < 0 else one.error and REFUSED + one.error,
            swept=False,
            times=1,
            response_ns_sum=response_ns,
            response_ns_min=response_ns,
            response_ns_max=response_ns,
            answered=answered,
            response_counts=counts_of_one(response_ns) if answered else (),
            gap_ns=0,
            busiest=Busiest(1, evidence),
            course=(Window(1, answered, response_ns, 0),),
            hours=1 << (seen.time_ns // HOUR_NS + MONDAY) % HOURS,
            first_ns=seen.time_ns,
            last_ns=seen.time_ns,
            evidence=evidence,
        )
