"""Ways from one zone to another: chains of permissions, and what ends them.

Whoever holds a host may use it as a client of whatever that host may reach. So a chain is a sequence
of hops of which each begins at a host where the one before it may have ended. A hop is

- a permission, from one of its clients to one of its servers;
- `inside`: a zone where everything may happen, from any of its hosts to any other;
- `device`: a device that stands in several places (`otmon.zones.review.devices`, or a member with an address
  and a MAC address), which nobody has to allow.

A permission joins every client to every server, so what was passed before a hop changes nothing about
where it leads. A chain from which hops can be left out says nothing new: chains here are those in
which no hop but the next begins at a host where a hop ends, only the first begins in the zone of
departure, and only the last ends in the zone of arrival. Every way contains one of them.

What is asked of a server plays no part: who may read may be able to take over, too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import pairwise
from operator import or_
from typing import Final, Literal

from otmon.ledger.facts import Operation
from otmon.ledger.ledger import ConversationKey, Ledger, conversation_key
from otmon.zones.address import Address, host, parse_address
from otmon.zones.decide import decide
from otmon.zones.model import Boundary, Line, Model, Permission
from otmon.zones.permission_table import permission_table
from otmon.zones.place import Index, index
from otmon.zones.review.address_class import (
    Hosts,
    Partition,
    Shown,
    bits_of,
    class_of,
    lists,
    partition,
    shown,
)
from otmon.zones.review.devices import Device, Devices, devices

STEPS: Final = 1_000_000
"""Hops that are tried before the search for more chains ends: about two seconds. The shortest chains
come first and are never missed by it."""
TRIALS: Final = 500
"""Searches for the smallest set of boundaries before one that is merely sufficient must do."""

Kind = Literal["permission", "inside", "baseline", "device"]


@dataclass(frozen=True, slots=True)
class Hop:
    """One step from a client to a server."""

    kind: Kind
    id: str
    """Of the permission or zone; the MAC address of a device."""
    boundary: str
    """Id of the boundary, "" where none is crossed by agreement."""
    line: Line | None
    """Where it is written; None where only the traffic shows it."""
    clients: Hosts
    servers: Hosts
    zones: tuple[str, str]
    """Of the clients and the servers; of a device two of its zones."""
    permission: Permission | None = None
    device: Device | None = None


@dataclass(frozen=True, slots=True)
class Stop:
    """Where a chain begins, goes on or ends."""

    zone: str
    through: Shown


@dataclass(frozen=True, slots=True)
class Chain:
    hops: tuple[Hop, ...]
    stops: tuple[Stop, ...]
    """One more than hops: who may begin it, through whom it goes, where it ends."""


@dataclass(frozen=True, slots=True)
class Cut:
    """What to take away so that no chain is left."""

    permissions: tuple[Hop, ...] | None
    """The fewest permissions, by line; None where none would be enough."""
    boundaries: tuple[Boundary, ...] | None
    """The boundaries to close instead, in the order of the model; None where none would be enough."""
    fewest: bool
    """No smaller set of boundaries would do."""


@dataclass(frozen=True, slots=True)
class Paths:
    chains: tuple[Chain, ...]
    """Shortest first, then in the order of the model."""
    more: bool
    """There are or may be more."""
    cut: Cut
    routers: tuple[Device, ...]
    """Devices in several zones that were taken for routers."""


def find_paths(model: Model, start: str, goal: str, limit: int, ledger: Ledger | None = None) -> Paths:
    """The chains from zone `start` to zone `goal`, at most `limit` of them, and the smallest cut.

    Both are zones of the model, "internet" or "unknown", and differ. With a ledger also over devices
    that stand in several places.
    """
    found = (
        Devices((), ())
        if ledger is None
        else devices(index(model, ledger.assets, claims=ledger.claims), ledger.assets)
    )
    ready = index(model, ledger.assets if ledger is not None else ())
    listed = _listed_devices(model)
    feet = {parse_address(foot.address) for device in found.hosts for foot in device.feet}
    more = {address for address in feet if address is not None} | {
        address for _, pair in listed for address in pair
    }
    hosts = partition([ready], sorted(more))
    hops = _hops(ready, hosts, found.hosts, listed)
    begin, end = hosts.zones[0].get(start, 0), hosts.zones[0].get(goal, 0)
    useful = _useful(hops, begin, end)
    numbers, unfinished = _chains(useful, begin, end, limit)
    chains = tuple(_chain([useful[n] for n in chain], hosts, start, goal) for chain in numbers)
    cut = Cut((), (), True)
    if chains:
        cut = _cut(useful, begin, end, model)
    return Paths(chains, unfinished, cut, found.routers)


def conversations_of(ready: Index, hops: Iterable[Hop], ledger: Ledger) -> dict[tuple[Kind, str], int]:
    """How many conversations of the ledger each permission allowed and each inside saw, by kind and id.

    A permission counts by itself, also where another one allows the same. A conversation whose
    operations were read counts if the permission allows one of them.
    """
    wanted: dict[tuple[Kind, str], Hop] = {(hop.kind, hop.id): hop for hop in hops if hop.kind != "device"}
    operations: dict[ConversationKey, list[Operation]] = {}
    for operation in ledger.operations:
        operations.setdefault(conversation_key(operation), []).append(operation)
    alone = {key: _alone(ready, hop) for key, hop in wanted.items()}
    by_zones: dict[tuple[str, str], list[tuple[Kind, str]]] = {}
    for key, hop in wanted.items():
        by_zones.setdefault(hop.zones, []).append(key)
    used = dict.fromkeys(wanted, 0)
    for conversation in ledger.conversations:
        verdict = decide(ready, conversation)
        for key in by_zones.get((verdict.from_zone, verdict.to_zone), ()):
            if wanted[key].permission is None:
                used[key] += 1
                continue
            if decide(alone[key], conversation).outcome != "allowed":
                continue
            asked = operations.get(conversation_key(conversation), ())
            if not asked or any(decide(alone[key], one).outcome == "allowed" for one in asked):
                used[key] += 1
    return used


def _alone(ready: Index, hop: Hop) -> Index:
    """The model as if its zone or boundary had this permission only."""
    if hop.permission is None:
        return ready
    if hop.boundary:
        pair = (min(hop.zones), max(hop.zones))
        boundary = replace(ready.boundaries[pair], permissions=(hop.permission,))
        across = {**ready.across, pair: permission_table(boundary, ready.carriers)}
        return replace(ready, boundaries={**ready.boundaries, pair: boundary}, across=across)
    zone = replace(ready.zones[hop.zones[0]], permissions=(hop.permission,))
    inside = {**ready.inside, zone.id: permission_table(zone, ready.carriers)}
    return replace(ready, zones={**ready.zones, zone.id: zone}, inside=inside)


def _listed_devices(model: Model) -> tuple[tuple[Line, tuple[Address, Address]], ...]:
    """Members that are one device above and below IP, if a permission names its MAC address."""
    named = {
        end.network
        for _, permission in lists(model)
        for end in (*permission.clients, *permission.servers)
        if end.network is not None
    }
    found = []
    for zone in model.zones:
        for member in zone.members:
            network, mac = member.network, member.mac
            if network is None or mac is None or network.length != network.bits:
                continue
            if any(mac in one for one in named if one.bits == mac.bits):
                found.append((member.line, (Address(network.bits, network.prefix), mac)))
    return tuple(found)


def _hops(
    ready: Index,
    hosts: Partition,
    found: Sequence[Device],
    listed: Sequence[tuple[Line, tuple[Address, Address]]],
) -> list[Hop]:
    """Every hop that some host can make."""
    hops = []
    for owner, permission in lists(ready.model):
        zones = (permission.clients[0].zone, permission.servers[0].zone)
        boundary = owner.id if isinstance(owner, Boundary) else ""
        clients, servers = hosts.of(permission.clients), hosts.of(permission.servers)
        hops.append(
            Hop("permission", permission.id, boundary, permission.line, clients, servers, zones, permission)
        )
    for zone in ready.model.zones:
        if zone.inside != "listed":
            # A baseline may hold any conversation: a chain over one that it lacks is told rather than missed.
            kind: Kind = "inside" if zone.inside == "everything" else "baseline"
            everybody = hosts.zones[0].get(zone.id, 0)
            hops.append(Hop(kind, zone.id, "", zone.line, everybody, everybody, (zone.id, zone.id)))
    for line, pair in listed:
        both = [(zone, class_of(hosts, address, zone)) for address in pair for zone in hosts.zones[0]]
        zones_of = [zone for zone, one in both if one]
        mask = reduce(or_, (one for _, one in both), 0)
        if len(zones_of) > 1:
            hops.append(Hop("device", str(host(pair[1])), "", line, mask, mask, (zones_of[0], zones_of[-1])))
    for device in found:
        places = [(parse_address(foot.address), foot.zone) for foot in device.feet]
        mask = reduce(or_, (class_of(hosts, one, zone) for one, zone in places if one is not None), 0)
        ends = (device.feet[0].zone, device.feet[-1].zone)
        hops.append(Hop("device", device.mac, "", None, mask, mask, ends, device=device))
    return [hop for hop in hops if hop.clients and hop.servers]


def _useful(hops: Sequence[Hop], begin: Hosts, end: Hosts) -> list[Hop]:
    """The hops that lie on a way: reached from the beginning, and leading to the end."""
    reached = _closure([(hop.clients, hop.servers) for hop in hops], begin)
    leading = _closure([(hop.servers, hop.clients) for hop in hops], end)
    return [hop for hop in hops if hop.clients & reached and hop.servers & leading]


def _closure(arrows: list[tuple[Hosts, Hosts]], hosts: Hosts) -> Hosts:
    """Everything that arrows lead to, with where they begin."""
    waiting = arrows
    while True:
        later = [arrow for arrow in waiting if not arrow[0] & hosts]
        if len(later) == len(waiting):
            return hosts
        hosts = reduce(or_, (to for start, to in waiting if start & hosts), hosts)
        waiting = later


def _chains(hops: Sequence[Hop], begin: Hosts, end: Hosts, limit: int) -> tuple[list[tuple[int, ...]], bool]:
    """Numbers of the hops of each chain, and whether there are or may be more.

    Chains of n hops are looked for before those of n + 1, and a hop from which the end is too far is
    not taken. So all that is tried for the shortest chains leads to one.
    """
    far = _distances(hops, end)
    found: list[tuple[int, ...]] = []
    followers: dict[int, list[int]] = {}
    steps = STEPS
    length = min((far[n] for n, hop in enumerate(hops) if hop.clients & begin), default=0)
    longer = bool(length)
    while longer:
        longer = False
        first = [n for n, hop in enumerate(hops) if hop.clients & begin]
        stack: list[tuple[tuple[int, ...], Iterator[int]]] = [((), iter(first))]
        while stack:
            chain, candidates = stack[-1]
            number = next(candidates, None)
            if number is None:
                stack.pop()
                continue
            steps -= 1
            if steps < 0:
                return found, True
            if far[number] > length - len(chain):
                longer = True
                continue
            if not _goes_on(hops, chain, number, begin):
                continue
            if hops[number].servers & end:
                if len(chain) + 1 == length:
                    if len(found) == limit:
                        return found, True
                    found.append((*chain, number))
                continue
            if len(chain) + 1 < length:
                if number not in followers:
                    servers = hops[number].servers
                    followers[number] = [n for n, hop in enumerate(hops) if hop.clients & servers]
                    steps -= len(hops) // 64
                stack.append(((*chain, number), iter(followers[number])))
        length += 1
    return found, False


def _goes_on(hops: Sequence[Hop], chain: tuple[int, ...], number: int, begin: Hosts) -> bool:
    """Whether no hop could be left out if this one came next."""
    clients = hops[number].clients
    if chain and clients & begin:
        return False
    return number not in chain and not any(hops[before].servers & clients for before in chain[:-1])


def _distances(hops: Sequence[Hop], end: Hosts) -> list[int]:
    """How many hops there are at least from the beginning of each hop to the end."""
    far = [0] * len(hops)
    wanted, length = end, 0
    waiting = list(range(len(hops)))
    while waiting:
        length += 1
        now = [n for n in waiting if hops[n].servers & wanted]
        if not now:
            break
        for n in now:
            far[n] = length
        waiting = [n for n in waiting if not far[n]]
        wanted = reduce(or_, (hops[n].clients for n in now), 0)
    return far


def _chain(hops: Sequence[Hop], hosts: Partition, start: str, goal: str) -> Chain:
    begin, end = hosts.zones[0][start], hosts.zones[0][goal]
    stops = [Stop(start, shown(hosts, hops[0].clients & begin, start))]
    for hop, following in pairwise(hops):
        stops += [_stop(hosts, hop.servers & following.clients)]
    return Chain(tuple(hops), (*stops, Stop(goal, shown(hosts, hops[-1].servers & end, goal))))


def _stop(hosts: Partition, through: Hosts) -> Stop:
    """One zone is named: only a device can end in several, and then the first says enough."""
    zone = next(zone for zone in sorted(hosts.zones[0]) if hosts.zones[0][zone] & through)
    return Stop(zone, shown(hosts, through & hosts.zones[0][zone], zone))


def _cut(hops: Sequence[Hop], begin: Hosts, end: Hosts, model: Model) -> Cut:
    permissions = _fewest_permissions(hops, begin, end)
    if permissions is None:
        return Cut(None, None, True)
    ids, fewest = _fewest_boundaries(hops, begin, end, {hop.boundary for hop in permissions})
    boundaries = None if ids is None else tuple(one for one in model.boundaries if one.id in ids)
    return Cut(permissions, boundaries, fewest)


def _fewest_permissions(hops: Sequence[Hop], begin: Hosts, end: Hosts) -> tuple[Hop, ...] | None:
    """A minimum cut of the graph in which every permission is an edge of capacity 1, from a node for
    its clients to a node for its servers; None where it would have to cut what is no permission."""
    import networkx as nx
    from networkx.algorithms.flow import dinitz

    graph = nx.DiGraph()
    sets = {("from", hop.clients) for hop in hops} | {("to", hop.servers) for hop in hops}
    for side, members in sorted([*sets, ("to", begin), ("from", end)]):
        for number in bits_of(members):
            edge = (number, (side, members)) if side == "from" else ((side, members), number)
            graph.add_edge(*edge)
    for number, hop in enumerate(hops):
        graph.add_edge(("from", hop.clients), ("hop", number))
        if hop.kind == "permission":
            graph.add_edge(("hop", number), ("end", number), capacity=1)
        else:
            graph.add_edge(("hop", number), ("end", number))
        graph.add_edge(("end", number), ("to", hop.servers))
    try:
        _, (reached, _) = nx.minimum_cut(graph, ("to", begin), ("from", end), flow_func=dinitz)
    except nx.NetworkXUnbounded:
        return None
    cut = [n for n in range(len(hops)) if ("hop", n) in reached and ("end", n) not in reached]
    return tuple(sorted((hops[n] for n in cut), key=lambda hop: (str(hop.line), hop.id)))


def _fewest_boundaries(
    hops: Sequence[Hop], begin: Hosts, end: Hosts, known: Collection[str]
) -> tuple[frozenset[str] | None, bool]:
    """A smallest set of boundaries whose closing ends every chain, and whether none is smaller.

    A chain that is left goes over one of the boundaries to close, so each of its boundaries is tried.
    `known` are the boundaries of a cut of permissions, which is sufficient if "" is not among them.
    """
    trials = TRIALS

    def close(closed: frozenset[str], more: int) -> frozenset[str] | None:
        nonlocal trials
        trials -= 1
        chain = _shortest([hop for hop in hops if not hop.boundary or hop.boundary not in closed], begin, end)
        if chain is None:
            return closed
        crossed = sorted({hop.boundary for hop in chain if hop.boundary})
        for boundary in crossed if more and trials > 0 else ():
            found = close(closed | {boundary}, more - 1)
            if found is not None:
                return found
        return None

    everything = frozenset(hop.boundary for hop in hops if hop.boundary)
    if close(everything, 0) is None:
        return None, True
    sufficient = everything if "" in known else frozenset(known)
    for size in range(1, len(sufficient)):
        found = close(frozenset(), size)
        if found is not None:
            return found, True
        if trials <= 0:
            return sufficient, False
    return sufficient, True


def _shortest(hops: Sequence[Hop], begin: Hosts, end: Hosts) -> list[Hop] | None:
    """A shortest chain, or None."""
    far = _distances(hops, end)
    chain: list[Hop] = []
    at = begin
    while not at & end or not chain:
        nearest = [(far[n], n) for n, hop in enumerate(hops) if far[n] and hop.clients & at]
        if not nearest:
            return None
        chain.append(hops[min(nearest)[1]])
        at = chain[-1].servers
    return chain
