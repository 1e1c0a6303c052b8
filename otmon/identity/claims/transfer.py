"""Where data is to go that is agreed on in another conversation: claims of the kind "expects".

A value is a transport and a port, "tcp/50000", or the transport alone where it is the port from which the
sender asks; behind them the address, where the message names one. `otmon.ledger.dialogues.claims` adds the
other end.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from typing import Final

from otmon.identity.claim import Claim
from otmon.identity.login import Seen

_PORTS: Final = range(1, 1 << 16)


def expected(transport: str, port: int, address: str, seen: Seen, from_client: bool) -> Iterator[Claim]:
    """That a side waits at a port, and at an address unless that is "" or means its own; nothing where it is
    no port or no address of a host."""
    if port not in _PORTS:
        return
    value = f"{transport}/{port}"
    if address:
        try:
            named = ip_address(address)
        except ValueError:
            return
        if named.is_multicast:
            return
        if not named.is_unspecified:
            value += f" {named.compressed}"
    yield Claim("expects", value, seen, from_client)
