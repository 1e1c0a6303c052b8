"""Zones for the hosts of a ledger, for people to go through: by subnet, and where that tells nothing by role.

A zone is a network as far as traffic tells it (`otmon.zones.learning.hosts`). Where controllers share a
network with hosts that speak no industrial protocol, it is split: controllers and those who ask them get
zones of addresses, by communities of who talks to whom where these are clear, else by role; the largest
part keeps the prefix. Devices that do not use IP are placed by MAC address where their peers are;
industrial ones without such peers are a zone of their own in each VLAN.

Guaranteed: every host is in one zone, there are at most `MAX_ZONES`, and pairs of zones that talk are at most
`MAX_PAIRS`, for which prefixes are made shorter. The same ledger gives the same zones.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from otmon.ledger.facts import Conversation, Operation
from otmon.ledger.ledger import Ledger
from otmon.sentence import Sentence, sentence, some_of
from otmon.zones.address import (
    IPV4_BITS,
    IPV6_BITS,
    MAC_BITS,
    NOT_INTERNET,
    Address,
    Network,
    host,
    is_group,
    parse_address,
    reach,
    within,
)
from otmon.zones.extent import collapsed
from otmon.zones.files.draftfile import free_id, text_of
from otmon.zones.learning.hosts import Host, HostKey, Hosts, Scope, hosts, single_macs
from otmon.zones.model import Importance, Line, Member, Model, Name, Zone
from otmon.zones.place import index, locate_ends

MAX_ZONES: Final = 200
MAX_PARTS: Final = 180
"""The zones of hosts among them; some room is left for devices without IP."""
MAX_PAIRS: Final = 1000
"""Pairs of zones that may talk before prefixes are made shorter."""
MAX_MEMBERS: Final = 256
"""Networks that one zone lists: a network that would need more of them is not split."""
MAX_VLANS: Final = 16
"""VLANs in which devices without IP are a zone each; in more of them they are one."""
_WIDER: Final = ((24, 64), (20, 56), (16, 48), (12, 32), (8, 8), (8, 4))
"""Lengths of IPv4 and IPv6 prefixes, tried in this order."""
MAX_DEVICES: Final = 1000
"""Devices without IP that are listed one by one."""
CELL: Final = 3
"""Hosts of the smallest community that is a zone of its own."""
CLEAR: Final = 0.3
"""Modularity from which on communities are taken for parts of the plant: what is taken for structure at least
in the literature (Clauset, Newman, Moore: Finding community structure in very large networks, 2004)."""
MAX_COMMUNITY: Final = 1000
"""Hosts among which communities are looked for."""
SHOWN: Final = 12

_KINDS: Final[dict[str, tuple[str, str, Importance]]] = {
    "controllers": ("制御機器", "Controllers", "high"),
    "cell": ("制御機器と操作端末", "Controllers and their stations", "high"),
    "control": ("監視制御", "Control", "high"),
    "operations": ("生産管理", "Operations", "medium"),
    "servers": ("共用サーバ", "Shared servers", "medium"),
    "office": ("事務所", "Office", "low"),
    "others": ("制御機器と同居するその他の機器", "Other hosts among controllers", "low"),
    "devices": ("IPを使わない機器", "Devices without IP", "high"),
    "silent": ("応答のない宛先", "Addresses that did not answer", "low"),
    "empty": ("未定", "Nobody yet", "low"),
    "strays": ("所属の分からないアドレス", "Addresses that belong to no network", "low"),
}
"""Kind of zone: its name in Japanese and English, and its importance."""
CALLED: Final[dict[str, Sentence]] = {
    "controllers": sentence("controllers"),
    "cell": sentence("controllers and their stations"),
    "control": sentence("control"),
    "operations": sentence("operations"),
    "servers": sentence("shared servers"),
    "office": sentence("office"),
    "others": sentence("other hosts among controllers"),
    "devices": sentence("devices without ip"),
    "silent": sentence("addresses that did not answer"),
    "empty": sentence("nobody yet"),
    "strays": sentence("addresses that belong to no network"),
}
"""Kind of zone: what it is called in a sentence."""
WHY: Final[dict[str, Sentence]] = {
    "controllers": sentence("its hosts answer industrial protocols"),
    "cell": sentence("some of its hosts answer industrial protocols, others ask them"),
    "control": sentence("most of its hosts ask controllers"),
    "operations": sentence("some of its hosts ask controllers, most speak no industrial protocol"),
    "servers": sentence("no industrial protocol; most of its hosts answer several networks"),
    "office": sentence("its hosts speak no industrial protocol"),
    "others": sentence("its hosts speak no industrial protocol, in a network of controllers"),
    "devices": sentence("they speak industrial protocols below IP"),
    "silent": sentence("nobody there sent anything"),
    "empty": sentence("no host was seen"),
    "strays": sentence("an address like these has no place in a plant's network"),
}
"""Kind of zone: why it was taken for one."""


@dataclass(slots=True)
class Part:
    """A zone in the making: its hosts and networks."""

    kind: str
    network: Network | None
    scope: Scope
    hosts: list[Host]
    whole: bool = True
    """It has the network's prefix, and not only the addresses of its hosts."""
    number: int = 0
    """Of several parts of one kind in a network."""
    macs: list[str] = field(default_factory=list)
    notes: list[Sentence] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Layout:
    zones: tuple[Zone, ...]
    notes: dict[str, tuple[Sentence, ...]]
    """By zone: what was seen there, for comments."""
    hosts: dict[str, tuple[Host, ...]]
    """By zone."""
    told: tuple[Sentence, ...]
    """What the whole model's reader must know."""
    scanners: frozenset[str]


def lay_out(ledger: Ledger, industrial: frozenset[str], everything: bool = False) -> Layout:
    """Zones for a ledger. With `everything` also for addresses that never sent anything."""
    found = hosts(ledger, industrial, everything)
    parts, told = _laid(ledger, found, everything)
    parts += _devices(ledger, found, parts, industrial, told)
    zones = _zones(parts)
    if everything:
        strays = _strays(ledger, [zone for _, zone in zones])
        if strays:
            part = Part("strays", None, None, [])
            named = _zones([part], [zone.id for _, zone in zones])[0][1]
            zones.append((part, Zone(*_fields(named)[:5], strays, "listed", ())))
    if not zones:
        # A model has at least one.
        told.append(sentence("no address of a plant's own network is in the ledger"))
        zones = _zones([Part("empty", None, None, [])])
    return Layout(
        tuple(zone for _, zone in zones),
        {zone.id: tuple(_notes(part)) for part, zone in zones},
        {zone.id: tuple(part.hosts) for part, zone in zones},
        tuple(told),
        found.scanners,
    )


def _fields(zone: Zone) -> tuple[str, Line, Name, Importance, tuple[str, ...]]:
    return zone.id, zone.line, zone.name, zone.importance, zone.owners


def _laid(ledger: Ledger, found: Hosts, everything: bool) -> tuple[list[Part], list[Sentence]]:
    """Parts for the hosts, with the longest prefixes that keep them and their pairs few enough."""
    members = {key: one for key, one in found.by_key.items() if one.sent or everything}
    talks = [
        (found.key(a, talk.vlan), found.key(b, talk.vlan))
        for talk in ledger.conversations
        for a, b in [(parse_address(talk.client), parse_address(talk.server))]
        if a is not None and b is not None and MAC_BITS not in (a.bits, b.bits)
    ]
    for number, lengths in enumerate(_WIDER):
        groups: dict[tuple[Network, Scope], list[Host]] = {}
        for one in members.values():
            own = found.network(one.address)
            home = (own, one.scope) if number == 0 else (_wider(own, lengths), None)
            groups.setdefault(home, []).append(one)
        ordered = sorted(groups.items(), key=lambda item: (item[0][0], item[0][1] or ""))
        for split in (True, False):
            parts = [part for home, some in ordered for part in _parts(*home, some, split)]
            if len(parts) <= MAX_PARTS and _pairs(parts, talks) <= MAX_PAIRS:
                return parts, _shortened(number, lengths, split)
    return parts, _shortened(number, lengths, split)


def _pairs(parts: Sequence[Part], talks: Iterable[tuple[HostKey, HostKey]]) -> int:
    """How many pairs of parts, or of a part and what is in none, talk."""
    at = {(one.address, one.scope): number for number, part in enumerate(parts) for one in part.hosts}
    ends = ((at.get(a, -1), at.get(b, -1)) for a, b in talks)
    return len({(min(pair), max(pair)) for pair in ends if pair[0] != pair[1]})


def _shortened(number: int, lengths: tuple[int, int], split: bool) -> list[Sentence]:
    told: list[Sentence] = []
    if number:
        what = sentence(
            "too many networks for one zone each (a flood of forged addresses?): zones are prefixes of at "
            "most {bits} bits (IPv6: {bits6})",
            bits=lengths[0], bits6=lengths[1],
        )  # fmt: skip
        told.append(what)
    if not split:
        told.append(sentence("too many zones: no network is split by what its hosts do"))
    return told


def _wider(network: Network, lengths: tuple[int, int]) -> Network:
    """The network of at most these bits around it, but not beyond what a plant can own for itself."""
    length = min(network.length, lengths[0] if network.bits == IPV4_BITS else lengths[1])
    for own in NOT_INTERNET:
        if within(network, own):
            length = max(length, own.length)
    return Network(network.bits, length, network.prefix >> (network.length - length))


def _parts(network: Network, scope: Scope, members: list[Host], split: bool) -> list[Part]:
    """The zones of one network, of which it has several only if it may be `split`."""
    controllers = [one for one in members if one.role == "controller"]
    control = [one for one in members if one.role == "control"]
    others = [one for one in members if one.role == "it"]
    rest = [one for one in members if one.role == "gateway"]
    if not any(one.sent for one in members):
        return [Part("silent", network, scope, members)]
    if not controllers:
        if control:
            kind = "control" if len(control) > len(others) else "operations"
        else:
            kind = "servers" if 2 * sum(map(_serves_many, others)) > len(others) else "office"
        return [Part(kind, network, scope, members)]
    if not split or not [one for one in others if one.sent]:
        return [Part("cell" if control else "controllers", network, scope, members)]
    cells = _communities([*controllers, *control])
    if cells:
        parts = [Part("cell", network, scope, cell, False, n) for n, cell in enumerate(cells, 1)]
    else:
        kinds = (("controllers", controllers), ("control", control))
        parts = [Part(kind, network, scope, some, False) for kind, some in kinds if some]
    kind = "servers" if 2 * sum(map(_serves_many, others)) > len(others) else "office"
    parts.append(Part(kind, network, scope, others, False))
    if any(len(collapsed(host(one.address) for one in part.hosts)) > MAX_MEMBERS for part in parts):
        return _parts(network, scope, members, False)
    largest = max(reversed(parts), key=lambda part: len(part.hosts))
    if largest is not parts[-1]:
        parts[-1].kind = "others"
    largest.whole = True
    largest.hosts = [*largest.hosts, *rest]
    for part in parts:
        what = sentence(
            "{network} is split: controllers and hosts without industrial protocols share it",
            network=str(network),
        )
        part.notes.append(what)
    largest.notes.append(
        sentence("what is in {network} and in no other zone counts as this one", network=str(network))
    )
    return parts


def _serves_many(one: Host) -> bool:
    """It answers hosts of several networks beside its own."""
    shift = one.address.bits - (24 if one.address.bits == IPV4_BITS else 64)
    away = {(address.bits, address.value >> shift) for address, _ in one.serves}
    return len(away - {(one.address.bits, one.address.value >> shift)}) > 1


def _communities(members: Sequence[Host]) -> list[list[Host]]:
    """Parts of the plant among controllers and those who ask them; none where they are not clear."""
    if not 2 * CELL <= len(members) <= MAX_COMMUNITY:
        return []
    numbers = {(one.address, one.scope): number for number, one in enumerate(members)}
    edges = sorted(
        {
            (min(numbers[key], number), max(numbers[key], number))
            for number, one in enumerate(members)
            for key in one.asks
            if key in numbers
        }
    )
    if not edges:
        return []
    import networkx

    # Whole numbers as nodes: their order does not change from one run to the next.
    graph: networkx.Graph[int] = networkx.Graph()
    graph.add_nodes_from(range(len(members)))
    graph.add_edges_from(edges)
    found = networkx.community.greedy_modularity_communities(graph)
    clear = networkx.community.modularity(graph, found) >= CLEAR
    cells = sorted(sorted(community) for community in found)
    whole = all(
        len(cell) >= CELL and any(members[number].role == "controller" for number in cell) for cell in cells
    )
    if len(cells) < 2 or not clear or not whole:
        return []
    return [[members[number] for number in cell] for cell in cells]


def _devices(
    ledger: Ledger, found: Hosts, parts: list[Part], industrial: frozenset[str], told: list[Sentence]
) -> list[Part]:
    """Place MAC addresses that talk below IP: hosts in their zone, others with their peers. The rest of
    those that speak industrial protocols become parts of their own."""
    below = [talk for talk in ledger.conversations if talk.transport == "ethernet"]
    at: dict[HostKey, Part] = {(one.address, one.scope): part for part in parts for one in part.hosts}
    homes = {mac: at[key] for mac, key in single_macs(ledger, found).items() if key in at}
    with_ip = {asset.mac for asset in ledger.assets if asset.address and mac_has_place(asset.address)}
    ends = sorted({mac for talk in below for mac in (talk.client, talk.server) if _is_device(mac)})
    for mac in ends:
        if mac in homes:
            homes[mac].macs.append(mac)
    peers: dict[str, list[Part | None]] = {}
    for talk in below:
        for mac, other in ((talk.client, talk.server), (talk.server, talk.client)):
            if _is_device(mac) and mac not in homes and mac not in with_ip:
                known = peers.setdefault(mac, [])
                if other in homes and homes[other] not in known:
                    known.append(homes[other])
    lonely: dict[str, list[str]] = {}
    for mac in sorted(peers):
        if len(peers[mac]) == 1 and (part := peers[mac][0]) is not None:
            part.macs.append(mac)
        elif not peers[mac]:
            vlans = sorted(
                {t.vlan for t in below if mac in (t.client, t.server) and t.protocol in industrial}
                if len(peers) <= MAX_DEVICES
                else set()
            )
            for vlan in vlans[:1]:
                lonely.setdefault(vlan, []).append(mac)
    if len(peers) > MAX_DEVICES:
        what = sentence(
            "{count} devices without IP are too many to list: those without peers are left out",
            count=len(peers),
        )
        told.append(what)
    if len(lonely) > MAX_VLANS:
        return [Part("devices", None, None, [], macs=sorted(mac for macs in lonely.values() for mac in macs))]
    return [Part("devices", None, vlan, [], macs=macs) for vlan, macs in sorted(lonely.items())]


def mac_has_place(address: str) -> bool:
    """Whether an address says in which network its owner is."""
    parsed = parse_address(address)
    return parsed is not None and reach(parsed) != "link"


def _is_device(text: str) -> bool:
    parsed = parse_address(text)
    return parsed is not None and parsed.bits == MAC_BITS and not is_group(parsed) and parsed.value != 0


def _zones(parts: Iterable[Part], taken: Iterable[str] = ()) -> list[tuple[Part, Zone]]:
    used = set(taken)
    made = []
    for number, part in enumerate(parts, 1):
        ja, en, importance = _KINDS[part.kind]
        where = "" if part.network is None else str(part.network)
        vlan = "" if part.scope is None else f" VLAN {part.scope or 'untagged'}"
        short = where
        if part.network is not None and part.network.bits == IPV4_BITS and part.network.length % 8 == 0:
            short = ".".join(where.split(".")[: part.network.length // 8])
        id = re.sub(r"[^a-z0-9]+", "-", f"{part.kind} {short}{vlan}".lower()).strip("-")
        where = f"{where}{vlan}".strip()
        id = free_id(f"{id}-{part.number}" if part.number else id, used)
        used.add(id)
        count = f" {part.number}" if part.number else ""
        name = Name(text_of(f"{ja}{count} {where}"), text_of(f"{en}{count} {where}"))
        members = tuple(_members(part))
        made.append((part, Zone(id, Line("", number), name, importance, (), members, "listed", ())))
    return made


def _members(part: Part) -> Iterator[Member]:
    line = Line("", 0)
    if part.network is not None and part.whole:
        yield Member(part.network, None, part.scope, line)
    elif part.network is not None:
        for network in collapsed(host(one.address) for one in part.hosts):
            yield Member(network, None, part.scope, line)
    owners = {mac: one for one in part.hosts for mac in one.macs}
    for mac in part.macs:
        address = parse_address(mac)
        own = owners.get(mac)
        if address is not None:
            yield Member(host(own.address) if own else None, address, part.scope if own else None, line)


def _strays(ledger: Ledger, zones: Sequence[Zone]) -> tuple[Member, ...]:
    """Members for ends of conversations that are in no zone, although they are addresses."""
    found: dict[Network, Member] = {}
    while True:
        line = Line("", 0)
        stray = Zone("strays", line, Name("", ""), "low", (), tuple(found.values()), "listed", ())
        ready = index(Model((*zones, stray), (), ()), ledger.assets)
        before = len(found)
        facts: list[Conversation | Operation] = [*ledger.conversations, *ledger.operations]
        for fact in facts:
            for address, place in locate_ends(ready, fact.client, fact.server, fact.vlan, fact.transport):
                if address is not None and place.zone == "unknown":
                    if address.bits == MAC_BITS:
                        found[host(address)] = Member(None, address, None, line)
                    else:
                        wide = _stray_network(address)
                        found[wide] = Member(wide, None, None, line)
        if len(found) == before:
            return tuple(found[network] for network in sorted(found))


def _stray_network(address: Address) -> Network:
    """The narrowest block of special addresses around it (IPv4 and IPv6)."""
    for block in NOT_INTERNET:
        if address in block:
            return block
    length = 64 if address.bits == IPV6_BITS else 24
    return Network(address.bits, length, address.value >> (address.bits - length))


def _notes(part: Part) -> Iterator[Sentence]:
    """What was seen of a part, and why it is what it was taken for."""
    yield sentence(
        "TODO: taken for {kind}, as {why}: is it one zone?", kind=CALLED[part.kind], why=WHY[part.kind]
    )
    for role in ("controller", "control"):
        named = [
            sentence("{address} (writes)", address=_text(one))
            if one.writes and role == "control"
            else _text(one)
            for one in part.hosts
            if one.role == role
        ]
        if named and part.kind != "controllers":
            some = some_of(named, SHOWN)
            yield (
                sentence("controllers: {names}", names=some)
                if role == "controller"
                else sentence("ask controllers: {names}", names=some)
            )
    yield from part.notes


def _text(one: Host) -> str:
    return str(host(one.address))
