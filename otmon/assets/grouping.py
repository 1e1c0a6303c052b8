"""Which senders are one device.

A sender (`otmon.ledger.facts.Asset`) is one MAC address with one network address in one VLAN. Senders
are joined to devices by these rules, the first that fits:

1. *The inventory*: a sender whose address it lists is that asset, unless the asset has another MAC
   address there and no router explains the difference; a sender whose MAC address it lists is that asset,
   whatever address it uses; so is one whose MAC address sends from addresses of that asset alone. So
   people join what looks like several devices, and part what looks like one.
2. *Forwarded addresses are not the forwarder's*: a MAC address that sends for several networks or for the
   Internet (`otmon.zones.learning.hosts`), or from more addresses than a host has, is a router. Its own are
   the addresses that it claims by ARP. Another address is the device's that sends from it under its own MAC
   address, else a device of its own, seen only behind that router. Addresses of the Internet are no devices.
3. An address that one MAC address claims by ARP is not that of another one that only sends from it; that
   one forwards, too, or pretends. Who claims more addresses of one network than a host has answers there for
   others (proxy ARP, RFC 1027; translation of each address to another one): which are its own nobody knows.
4. What is left is one device for each MAC address.

`0.0.0.0` and IPv4 link-local addresses say nothing of a device but that its MAC address is there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from otmon.ledger.facts import Asset, Evidence
from otmon.ledger.ledger import Ledger, asset_key
from otmon.zones.address import IPV4_BITS, MAC_BITS, Address, Network, host, is_group, parse_address, reach
from otmon.zones.learning.hosts import HostKey, Hosts, hosts, industrial_ids
from otmon.zones.model import Device
from otmon.zones.place import ADDRESSES_OF_A_HOST

MAX_FORWARDED: Final = 64
"""Addresses kept of those that a device sent for and that are not its own; all are counted."""


@dataclass(frozen=True, slots=True)
class SeenAddress:
    """An address of a device, as long as it was seen with it."""

    address: str
    vlan: str
    mac: str
    """It was sent from with: of a device behind a router the router's."""
    packets: int
    claimed: bool
    """The device said by ARP that the address is its own."""
    first_ns: int
    last_ns: int
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class SeenDevice:
    """What is taken for one device."""

    id: str
    """Of the asset in the inventory; else the MAC address; else the address, with "@vlan" where the VLAN
    tells it from others."""
    listed: Device | None
    """The asset of the inventory that it is."""
    macs: tuple[str, ...]
    """Its own, sorted; none of a device behind a router."""
    addresses: tuple[SeenAddress, ...]
    """Its own, in the order of addresses, VLANs and MAC addresses; also what a sender had below IP, with
    "" for the address."""
    routers: tuple[str, ...]
    """MAC addresses of the routers behind which it was seen, sorted."""
    forwarded: int
    """Addresses that it sent for and that are not its own."""
    forwards: tuple[str, ...]
    """The first of them, in order, at most `MAX_FORWARDED`."""
    answers: tuple[SeenAddress, ...]
    """Those of them for which it answered by ARP, the first ones: it stands where these belong."""
    packets: int
    bytes: int
    first_ns: int
    last_ns: int
    evidence: Evidence
    """Of its first packet."""

    @property
    def vlans(self) -> tuple[str, ...]:
        """Sorted VLANs; "" is untagged."""
        return tuple(sorted({one.vlan for one in self.addresses}))

    @property
    def texts(self) -> tuple[str, ...]:
        """Its network addresses, each once, in order; none that says nothing of the device."""
        return tuple(dict.fromkeys(one.address for one in self.addresses if is_name(one.address)))


@dataclass(frozen=True, slots=True)
class SeenDevices:
    """All devices of a ledger, and whose an address is."""

    devices: tuple[SeenDevice, ...]
    """Those of the inventory by id, then the others by address and MAC address."""
    hosts: Hosts
    """What these devices do, by address."""
    of_host: dict[HostKey, str]
    of_mac: dict[str, str]

    def owner(self, text: str, vlan: str) -> str:
        """The id of the device behind an address or MAC address; "" for nobody's."""
        address = parse_address(text)
        if address is None:
            return ""
        if address.bits == MAC_BITS:
            return self.of_mac.get(text, "")
        return self.of_host.get(self.hosts.key(address, vlan), "")


@dataclass(slots=True)
class _Pile:
    """The senders of one device while they are gathered."""

    listed: Device | None = None
    own: list[Asset] = field(default_factory=list)
    macs: set[str] = field(default_factory=set)
    routers: set[str] = field(default_factory=set)
    forwards: dict[Address, str] = field(default_factory=dict)
    carried: list[Asset] = field(default_factory=list)
    """What it forwarded: it was there, though the address is another one's."""


def seen_devices(ledger: Ledger, inventory: Sequence[Device] = ()) -> SeenDevices:
    """The devices of a ledger, those of the inventory under its ids."""
    found = hosts(ledger, industrial_ids())
    listed = _Listed(inventory)
    senders = [(one, address) for one in ledger.assets if (address := _sender(one)) is not None]
    answering = _crowded((pair for pair in senders if pair[0].arp), found, listed)
    claims: dict[HostKey, set[str]] = {}
    for asset, address in senders:
        if asset.arp and asset.address and (asset.mac, found.network(address)) not in answering:
            claims.setdefault(found.key(address, asset.vlan), set()).add(asset.mac)
    unclaimed = (
        (asset, address)
        for asset, address in senders
        if asset.mac not in claims.get(found.key(address, asset.vlan), ())
    )
    crowded = answering | _crowded(unclaimed, found, listed)
    routers = found.gateways.union(mac for mac, _ in crowded)
    direct: dict[HostKey, set[str]] = {}
    for asset, address in senders:
        if asset.mac not in routers:
            direct.setdefault(found.key(address, asset.vlan), set()).add(asset.mac)
            if is_name(asset.address):
                listed.see(address, asset.mac)
    piles: dict[str, _Pile] = {}
    of_host: dict[HostKey, str] = {}
    for asset, address in senders:
        key = found.key(address, asset.vlan)
        names = is_name(asset.address)
        routes = asset.mac in routers
        claimed = claims.get(key, set())
        # Who claims the address does not forward for the asset that has it.
        named = listed.named(address, asset.mac, routes and asset.mac not in claimed) if names else None
        forwarded = bool(asset.mac) and asset.mac not in claimed and (routes or bool(claimed))
        # No router passes link-local addresses on; and the inventory knows better than traffic tells.
        forwarded = forwarded and names and reach(address) != "link"
        forwarded = forwarded and (named is None or named.mac != _mac(asset.mac))
        carrier = named if named is not None and not forwarded else listed.interface(asset.mac)
        device = carrier.id if carrier is not None else asset.mac or _name(key)
        if forwarded:
            pile = piles.setdefault(device, _Pile(carrier))
            pile.macs.add(asset.mac)
            pile.forwards[address] = asset.address
            pile.carried.append(asset)
            # Proxy ARP answers for an address whether anybody has it or not.
            if asset.packets <= asset.arp:
                continue
            if named is None and (direct.get(key) or claimed or reach(address) == "internet"):
                continue
            device = named.id if named is not None else _name(key)
            carrier = named
        pile = piles.setdefault(device, _Pile(carrier))
        pile.own.append(asset)
        if asset.mac:
            (pile.routers if forwarded else pile.macs).add(asset.mac)
        if names:
            of_host.setdefault(key, device)
    made = [_device(id, pile) for id, pile in piles.items()]
    of_mac = {mac: one.id for one in made for mac in one.macs}
    return SeenDevices(tuple(sorted(made, key=_order)), found, of_host, of_mac)


def _crowded(
    senders: Iterable[tuple[Asset, Address]], found: Hosts, listed: _Listed
) -> set[tuple[str, Network]]:
    """MAC addresses with more IPv4 addresses of one network than a host has, unless all are of one asset.
    IPv6 hosts change their addresses from day to day, and so have many."""
    carried: dict[tuple[str, Network], set[Address]] = {}
    for asset, address in senders:
        if asset.mac and address.bits == IPV4_BITS and is_name(asset.address):
            carried.setdefault((asset.mac, found.network(address)), set()).add(address)
    return {
        one
        for one, some in carried.items()
        if len(some) > ADDRESSES_OF_A_HOST and not listed.are_of_one(some)
    }


class _Listed:
    """The inventory, by address and by MAC address; of several assets the first one counts."""

    def __init__(self, inventory: Iterable[Device]) -> None:
        self.by_address: dict[Address, Device] = {}
        self.by_mac: dict[Address, Device] = {}
        for device in inventory:
            for network in device.networks:
                if network.length == network.bits:
                    self.by_address.setdefault(Address(network.bits, network.prefix), device)
            if device.mac is not None:
                self.by_mac.setdefault(device.mac, device)
        self.seen: dict[Address, dict[str, Device]] = {}

    def see(self, address: Address, mac: str) -> None:
        """A MAC address sends from an address of the inventory: it is that asset's, too."""
        own, known = _mac(mac), self.named(address, mac, False)
        if own is not None and known is not None:
            self.seen.setdefault(own, {})[known.id] = known

    def named(self, address: Address, mac: str, routes: bool) -> Device | None:
        """The asset that has the address, unless it has another MAC address and no router explains that."""
        known = self.by_address.get(address)
        own = _mac(mac)
        if known is None or routes or known.mac is None or own is None or own == known.mac:
            return known
        return None

    def are_of_one(self, addresses: Iterable[Address]) -> bool:
        """Whether the addresses are all of one asset."""
        owners = {known.id if (known := self.by_address.get(one)) else "" for one in addresses}
        return len(owners) == 1 and "" not in owners

    def interface(self, mac: str) -> Device | None:
        """The asset that has the MAC address; else the only one whose addresses it sends from."""
        own = _mac(mac)
        if own is None:
            return None
        seen = self.seen.get(own, {})
        return self.by_mac.get(own) or (next(iter(seen.values())) if len(seen) == 1 else None)


def is_name(text: str) -> bool:
    """Whether a network address tells one device from others on its link."""
    address = parse_address(text)
    if address is None or address.bits == MAC_BITS or is_group(address):
        return False
    return address.bits != IPV4_BITS or reach(address) != "link"


def _mac(text: str) -> Address | None:
    address = parse_address(text)
    return address if address is not None and address.bits == MAC_BITS else None


def _sender(asset: Asset) -> Address | None:
    """What a sender is known by; None for what no device sends from."""
    address = parse_address(asset.address or asset.mac)
    return None if address is None or is_group(address) else address


def _name(key: HostKey) -> str:
    """The name of a device that only its address tells."""
    address, scope = key
    return f"{host(address)}@{scope}" if scope else str(host(address))


def _device(id: str, pile: _Pile) -> SeenDevice:
    seen = pile.own or pile.carried
    everything = [*pile.own, *pile.carried]
    addresses = [_seen(one, one.arp > 0 and one.mac not in pile.routers) for one in pile.own]
    answered = [one for one in pile.carried if one.arp]
    return SeenDevice(
        id=id,
        listed=pile.listed,
        macs=tuple(sorted(pile.macs)),
        addresses=tuple(sorted(addresses, key=lambda one: (_place(one.address), one.vlan, one.mac))),
        routers=tuple(sorted(pile.routers)),
        forwarded=len(pile.forwards),
        forwards=tuple(pile.forwards[one] for one in sorted(pile.forwards)[:MAX_FORWARDED]),
        answers=tuple(_seen(one, True) for one in sorted(answered, key=asset_key)[:MAX_FORWARDED]),
        packets=sum(one.packets for one in seen),
        bytes=sum(one.bytes for one in seen),
        first_ns=min(one.first_ns for one in everything),
        last_ns=max(one.last_ns for one in everything),
        evidence=min(one.evidence for one in everything),
    )


def _seen(one: Asset, claimed: bool) -> SeenAddress:
    return SeenAddress(
        one.address, one.vlan, one.mac, one.packets, claimed, one.first_ns, one.last_ns, one.evidence
    )


def _place(text: str) -> tuple[int, int]:
    """Orders addresses; what says nothing of the device comes last."""
    address = parse_address(text) if is_name(text) else None
    return (address.bits, address.value) if address is not None else (1 << 8, 0)


def _order(device: SeenDevice) -> tuple[bool, str, tuple[int, int], str]:
    first = _place(device.texts[0] if device.texts else "")
    return (device.listed is None, device.listed.id if device.listed is not None else "", first, device.id)
