"""The fact of one operation that was asked for once, in a protocol whose messages Python reads."""

from __future__ import annotations

from otmon.identity.login import Seen
from otmon.ledger.course import Window
from otmon.ledger.facts import HOUR_NS, HOURS, MONDAY, UNKNOWN, Busiest, Evidence, Operation
from otmon.ledger.harvest.rows import counts_of_one
from otmon.protocols.protocol import AccessClass

Talk = tuple[str, str, str, int, str, str]
"""client, server, transport, port, protocol, vlan."""


def single_operation(
    talk: Talk,
    function: int,
    subfunction: int,
    service: str,
    access: AccessClass,
    status: int,
    response_ns: int,
    source: str,
    seen: Seen,
) -> Operation:
    """The operation whose request was `seen` in a source; `response_ns` is below 0 where nobody answered."""
    client, server, transport, port, protocol, vlan = talk
    evidence = Evidence(seen.time_ns, source, seen.packet, seen.offset)
    answered, response_ns = int(response_ns >= 0), max(response_ns, 0)
    return Operation(
        client=client,
        server=server,
        transport=transport,
        port=port,
        protocol=protocol,
        vlan=vlan,
        unit=UNKNOWN,
        function=function,
        subfunction=subfunction,
        service=service,
        access=access,
        address=UNKNOWN,
        count=UNKNOWN,
        status=status,
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
