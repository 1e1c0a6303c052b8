"""The hosts of a plant as their traffic shows them: who answers industrial protocols, and who asks.

A host is a site address (`otmon.zones.address.Reach`) that sent something; with `everything` also one that
somebody only tried to reach. Addresses of the Internet and those that do not say where their owner is
are none. The same address under two MAC addresses in two VLANs is two hosts: such networks are told apart
by VLAN (`Hosts.tagged`), all others by prefix alone, as behind a router a VLAN is not the sender's.

Roles, from answered traffic only: who answers an industrial protocol is a *controller*, unless it asks
more hosts than ask it; who asks is *control*; a MAC address that sends for several networks is a
*gateway*; everybody else is *it*.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final, Literal

from otmon.ledger.facts import Conversation
from otmon.ledger.ledger import Ledger
from otmon.zones.address import IPV4_BITS, MAC_BITS, Address, Network, is_group, parse_address, reach
from otmon.zones.files.text import read_vlan

Role = Literal["controller", "control", "it", "gateway"]
Scope = str | None
"""The VLAN of a host in a network that is told by VLAN, else None."""
HostKey = tuple[Address, Scope]
_Site = Callable[[str], Address | None]

PREFIX: Final = {IPV4_BITS: 24, 128: 64}
"""Length of the prefixes that hosts are taken to share where nothing tells a better one."""
FLATTEST: Final = 16
"""Length of the shortest IPv4 prefix that a broadcast address can tell."""
_NETBIOS: Final = (137, 138)
"""UDP ports on which hosts send to their network's broadcast address all day (RFC 1001)."""
SCAN: Final = 16
"""Vain attempts of one client that make it a scanner, where they are most of what it does."""
CHANGING: Final = frozenset({"write", "control", "program", "configure"})


CHOSEN: Final[dict[tuple[str, str], tuple[tuple[int, int], ...]]] = {
    ("dce_rpc", "tcp"): ((1025, 5000), (49152, 65535)),
    ("profinet", "udp"): ((1024, 34961), (34965, 65535)),
}
"""Ports that servers choose anew when they start, by protocol and transport: of Windows until XP, and since
(Microsoft, "Service overview and network port requirements"); of PROFINET, where a request goes to port 34964
and the answer comes from whatever port the station has chosen for the connection."""

_NONE: Final[frozenset[HostKey]] = frozenset()
"""Shared, as a flood brings tens of thousands of hosts that ask nobody and answer nobody."""


@dataclass(slots=True)
class Host:
    """What was seen of one host."""

    address: Address
    scope: Scope
    role: Role = "it"
    sent: bool = False
    writes: bool = False
    """It asked a controller to change something, and was not refused."""
    macs: tuple[str, ...] = ()
    """In order."""
    packets: int = 0
    conversations: int = 0
    first_ns: int = 0
    last_ns: int = 0
    asks: AbstractSet[HostKey] = _NONE
    """Hosts that it asked by an industrial protocol, and which answered."""
    asked_by: AbstractSet[HostKey] = _NONE
    serves: AbstractSet[HostKey] = _NONE
    """Hosts that it answered by whatever protocol."""

    def add(self, packets: int, first_ns: int, last_ns: int) -> None:
        """Count what was seen from `first_ns` to `last_ns`."""
        if first_ns < self.first_ns or not (self.packets or self.conversations):
            self.first_ns = first_ns
        if last_ns > self.last_ns:
            self.last_ns = last_ns
        self.packets += packets


def _with(members: AbstractSet[HostKey], one: HostKey) -> AbstractSet[HostKey]:
    """With one more; the same set, once it is one of its own."""
    own = members if isinstance(members, set) else set(members)
    own.add(one)
    return own


@dataclass(frozen=True, slots=True)
class Hosts:
    by_key: dict[HostKey, Host]
    """In the order of addresses."""
    flat: tuple[Network, ...]
    """Networks that are wider than `PREFIX`, as their broadcast address tells, sorted."""
    tagged: frozenset[Network]
    """Networks in which the VLAN tells hosts apart."""
    scanners: frozenset[str]
    gateways: frozenset[str] = frozenset()
    """MAC addresses that send for addresses of several networks, or of the Internet."""

    def network(self, address: Address) -> Network:
        """The network that an address lies in, as far as traffic tells."""
        return _network(address, self.flat)

    def at(self, key: HostKey) -> Host:
        """The host of this key, which is there from now on."""
        one = self.by_key.get(key)
        if one is None:
            one = self.by_key[key] = Host(*key)
        return one

    def key(self, address: Address, vlan: str) -> HostKey:
        """The host behind an address that was seen in a VLAN. A VLAN that a model cannot say (0 and 4095 are
        none) tells nothing, nor does that of a MAC address, which lies in no network."""
        told = bool(self.tagged) and address.bits in PREFIX and self.network(address) in self.tagged
        return address, vlan if told and read_vlan(vlan or "untagged") == vlan else None


def hosts(ledger: Ledger, industrial: frozenset[str], everything: bool = False) -> Hosts:
    """The hosts of a ledger. `industrial` are the ids of industrial protocols."""
    parsed: dict[str, Address | None] = {}

    def site(text: str) -> Address | None:
        if text not in parsed:
            address = parse_address(text)
            parsed[text] = address if address is not None and reach(address) == "site" else None
        return parsed[text]

    flat = _flat(ledger.conversations, site)
    gateways = _gateways(ledger, site, flat)
    scanning = scanners(ledger.conversations)
    found = Hosts({}, flat, _tagged(ledger, site, flat, gateways), scanning, gateways)
    for asset in ledger.assets:
        address = site(asset.address)
        if address is not None:
            one = found.at(found.key(address, asset.vlan))
            one.add(asset.packets, asset.first_ns, asset.last_ns)
            one.sent = True
            # The assets of a ledger are in the order of their MAC addresses.
            if one.macs[-1:] != (asset.mac,):
                one.macs = (*one.macs, asset.mac)
    _add_conversations(found, ledger.conversations, site, industrial, everything)
    for operation in ledger.operations:
        client = site(operation.client)
        if client is not None and operation.access in CHANGING and not operation.refused:
            known = found.by_key.get(found.key(client, operation.vlan))
            if known is not None:
                known.writes |= bool(known.asks)
    for one in found.by_key.values():
        one.role = _role(one, gateways)
    return Hosts(
        dict(sorted(found.by_key.items(), key=lambda item: (item[0][0], item[0][1] or ""))),
        found.flat, found.tagged, found.scanners, found.gateways,
    )  # fmt: skip


def _add_conversations(
    found: Hosts,
    conversations: Iterable[Conversation],
    site: _Site,
    industrial: frozenset[str],
    everything: bool,
) -> None:
    """What conversations tell of both ends: that they were there, and who asked whom."""

    @cache
    def end(text: str, vlan: str) -> HostKey | None:
        address = site(text)
        return None if address is None else found.key(address, vlan)

    ends: tuple[str, str, str] | None = None
    for talk in conversations:
        # Those of the same ends follow one another: their hosts are looked up once.
        if ends != (talk.client, talk.server, talk.vlan):
            ends = talk.client, talk.server, talk.vlan
            caller, called = end(talk.client, talk.vlan), end(talk.server, talk.vlan)
            asking = None if caller is None else found.at(caller)
            asked: Host | None = None
            scans, serves = talk.client in found.scanners, False
        if asking is not None:
            asking.add(0, talk.first_ns, talk.last_ns)
            asking.conversations += 1
            asking.sent = True
        answers = talk.packets_to_client > 0
        if called is not None and (answers or everything):
            asked = asked or found.at(called)
            asked.add(0, talk.first_ns, talk.last_ns)
            asked.conversations += 1
            asked.sent |= answers
        if talk.answered and not scans and caller is not None and asking is not None and called is not None:
            asked = asked or found.at(called)
            if not serves:
                serves = True
                asked.serves = _with(asked.serves, caller)
            if talk.protocol in industrial:
                asking.asks = _with(asking.asks, called)
                asked.asked_by = _with(asked.asked_by, caller)


def scanners(conversations: Iterable[Conversation]) -> frozenset[str]:
    """Clients most of whose attempts, at least `SCAN`, got no answer or said nothing."""
    counts: dict[str, list[int]] = {}
    for talk in conversations:
        if talk.transport in ("tcp", "udp", "sctp", "icmp", "icmpv6") and not to_group(talk.server):
            count = counts.setdefault(talk.client, [0, 0])
            count[0] += 1
            count[1] += not talk.answered or (talk.transport == "tcp" and talk.protocol == "none")
    return frozenset(client for client, (all_, vain) in counts.items() if vain >= SCAN and 2 * vain > all_)


@lru_cache(maxsize=1 << 13)
def to_group(text: str) -> bool:
    """Whether an address is one of many hosts, as far as it says so itself."""
    address = parse_address(text)
    return address is not None and is_group(address)


def _role(host: Host, gateways: frozenset[str]) -> Role:
    if host.asked_by and len(host.asks) <= len(host.asked_by):
        return "controller"
    if host.asks:
        return "control"
    return "gateway" if host.macs and gateways.issuperset(host.macs) else "it"


def _network(address: Address, flat: Iterable[Network]) -> Network:
    for wide in flat:
        if address in wide:
            return wide
    length = PREFIX[address.bits]
    return Network(address.bits, length, address.value >> (address.bits - length))


def _flat(conversations: Iterable[Conversation], site: _Site) -> tuple[Network, ...]:
    """IPv4 networks wider than a /24, told by the address that their hosts send broadcasts to: the shortest
    prefix that such an address and its senders share, if the address has only ones behind it."""
    senders: dict[Address, set[Address]] = {}
    usual: set[Address] = set()
    for talk in conversations:
        if talk.transport == "udp" and talk.server.endswith(".255") and not talk.packets_to_client:
            client, server = site(talk.client), site(talk.server)
            if client is not None and server is not None and client.bits == server.bits == IPV4_BITS:
                senders.setdefault(server, set()).add(client)
                if talk.port in _NETBIOS:
                    usual.add(server)
    found = set()
    for server, clients in senders.items():
        if server not in usual and len(clients) < 2:
            continue
        length = min(IPV4_BITS - (server.value ^ client.value).bit_length() for client in clients)
        ones = (~server.value & (server.value + 1)).bit_length() - 1
        if FLATTEST <= length < PREFIX[IPV4_BITS] and length >= IPV4_BITS - ones:
            found.add(Network(IPV4_BITS, length, server.value >> (IPV4_BITS - length)))
    wide: list[Network] = []
    for network in sorted(found):
        first = Address(IPV4_BITS, network.prefix << (IPV4_BITS - network.length))
        if not any(first in other for other in wide):
            wide.append(network)
    return tuple(wide)


def _gateways(ledger: Ledger, site: _Site, flat: tuple[Network, ...]) -> frozenset[str]:
    """MAC addresses that send for addresses of several networks, or of the Internet. A host may have an
    address of one network of each kind: of IPv4, of IPv6 within the site, and of IPv6 for the Internet."""
    networks: dict[tuple[str, str], set[Network | None]] = {}
    for asset in ledger.assets:
        address = site(asset.address)
        if address is not None:
            kind = "IPv4" if address.bits == IPV4_BITS else "IPv6"
            networks.setdefault((asset.mac, kind), set()).add(_network(address, flat))
        elif (far := parse_address(asset.address)) is not None and reach(far) == "internet":
            if far.bits == IPV4_BITS:
                networks.setdefault((asset.mac, "IPv4"), set()).update((None, _network(far, ())))
            else:
                networks.setdefault((asset.mac, "IPv6 Internet"), set()).add(_network(far, ()))
    return frozenset(mac for (mac, _), seen in networks.items() if len(seen) > 1 and mac)


def _tagged(
    ledger: Ledger, site: _Site, flat: tuple[Network, ...], gateways: frozenset[str]
) -> frozenset[Network]:
    """Networks with an address that is another device in another VLAN."""
    owners: dict[Address, dict[str, set[str]]] = {}
    for asset in ledger.assets:
        address = site(asset.address)
        if address is not None and asset.mac and asset.mac not in gateways:
            owners.setdefault(address, {}).setdefault(asset.vlan, set()).add(asset.mac)
    return frozenset(
        _network(address, flat)
        for address, vlans in owners.items()
        if len(vlans) > 1 and not set.intersection(*vlans.values())
    )


def industrial_ids() -> frozenset[str]:
    """Ids of the industrial protocols."""
    from otmon.protocols.registry import PROTOCOLS

    return frozenset(protocol.id for protocol in PROTOCOLS if protocol.kind == "industrial")


def single_macs(ledger: Ledger, found: Hosts) -> dict[str, HostKey]:
    """MAC addresses that send for one host alone."""
    owners: dict[str, set[HostKey]] = {}
    others: set[str] = set()
    for asset in ledger.assets:
        address = parse_address(asset.address)
        if address is not None and address.bits != MAC_BITS:
            key = found.key(address, asset.vlan) if reach(address) == "site" else None
            if key in found.by_key:
                owners.setdefault(asset.mac, set()).add(key)
            elif reach(address) == "internet":
                others.add(asset.mac)
    return {mac: next(iter(keys)) for mac, keys in owners.items() if len(keys) == 1 and mac not in others}
