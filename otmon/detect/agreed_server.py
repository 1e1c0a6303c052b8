"""Servers of a service that hands out addresses, as far as the model knows them."""

from __future__ import annotations

from otmon.detect.detector import Case, registered
from otmon.zones.address import host, parse_address
from otmon.zones.role import one_name

ROLE = "dhcp-server"


def is_agreed(case: Case, server: str, protocol: str) -> bool:
    """Whether the inventory has a server in the role `ROLE`, or a permission names its very address for the
    protocol."""
    if case.index is None:
        return False
    if any(one_name(role) == ROLE for device in registered(case, server) for role in device.roles):
        return True
    address = parse_address(server)
    model = case.index.model
    permissions = [one for owner in model.zones for one in owner.permissions]
    permissions += [one for owner in model.boundaries for one in owner.permissions]
    return address is not None and any(
        end.network == host(address)
        for permission in permissions
        if protocol in permission.protocols
        for end in permission.servers
    )
