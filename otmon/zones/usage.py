"""What a model is used for, as the facts of a ledger tell: permissions that nobody used, permissions
wider than what used them, and zones of which nothing was seen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from otmon.ledger.facts import Conversation, Operation
from otmon.ledger.ledger import Ledger
from otmon.zones.decide import decide
from otmon.zones.model import Boundary, Endpoint, Permission, Zone
from otmon.zones.nesting import written_id
from otmon.zones.place import Index, locate

FEW: Final = 4
"""So many hosts or fewer, on one side of a permission for a whole zone or network, could be listed."""


@dataclass(frozen=True, slots=True)
class Used:
    """Who used a permission."""

    permission: Permission
    conversations: int
    operations: int
    clients: tuple[str, ...]
    """Addresses, sorted."""
    servers: tuple[str, ...]

    @property
    def unused(self) -> bool:
        return not (self.conversations or self.operations)

    @property
    def wider(self) -> tuple[str, ...]:
        """The sides that allow more than the few hosts that used them: "from", "to"."""
        sides = (
            ("from", self.permission.clients, self.clients),
            ("to", self.permission.servers, self.servers),
        )
        return tuple(
            side for side, ends, hosts in sides if 0 < len(hosts) <= FEW and any(map(_is_wide, ends))
        )


def _is_wide(end: Endpoint) -> bool:
    return end.network is None or end.network.length < end.network.bits


def usage(index: Index, ledger: Ledger) -> tuple[Used, ...]:
    """How each permission of the model was used, in its order, also where it was inherited."""
    counts: dict[str, list[int]] = {}
    hosts: dict[str, tuple[set[str], set[str]]] = {}
    facts: Iterable[Conversation | Operation] = (*ledger.conversations, *ledger.operations)
    for fact in facts:
        verdict = decide(index, fact)
        if verdict.outcome != "allowed":
            continue
        id = written_id(dict(verdict.reason.params)["permission"])
        counts.setdefault(id, [0, 0])[isinstance(fact, Operation)] += 1
        clients, servers = hosts.setdefault(id, (set(), set()))
        clients.add(fact.client)
        servers.add(fact.server)
    found = []
    written = (border for border in index.model.boundaries if not border.inherited)
    owners: tuple[Zone | Boundary, ...] = (*index.model.zones, *written)
    for owner in owners:
        for permission in owner.permissions:
            conversations, operations = counts.get(permission.id, [0, 0])
            clients, servers = hosts.get(permission.id, (set(), set()))
            seen = tuple(sorted(clients)), tuple(sorted(servers))
            found.append(Used(permission, conversations, operations, *seen))
    return tuple(found)


def unseen_zones(index: Index, ledger: Ledger) -> tuple[str, ...]:
    """Zones of which no host sent anything, in the order of the model."""
    seen = {locate(index, asset.address or asset.mac, asset.vlan).zone for asset in ledger.assets}
    return tuple(zone.id for zone in index.model.zones if zone.id not in seen)
