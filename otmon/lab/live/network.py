"""The wires of a range: a namespace for each host, a switch, a router, and a mirror port.

    host ── eth0 ══ p1 ─ bridge of the VLAN ─ r1 ══ r1 ── router (forward chain: the zone model's rules)
                     └── tc mirred ──► mirror ══ mirror0 (where a sensor listens)

Every VLAN is a bridge of its own: a switch whose ports all belong to one VLAN does the same, and it works
where the kernel filters no VLANs (CONFIG_BRIDGE_VLAN_FILTERING). The mirror shows what the switch receives
from hosts, as captures of the lab do: what is routed is seen once, before the router, with the sender's MAC
address, and what the router throws away is seen too. Where the kernel can do it (`vlan_tag`), the copies
carry the tag of their port's VLAN, as a switch mirrors to a trunk.

A host of the Internet has a segment of its own, on which the way to the Internet has the firewall's MAC
address.
"""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from ipaddress import IPv4Network

from otmon.lab.live.namespace import (
    NAME,
    LiveError,
    alone_at,
    asked_inside,
    delete,
    end_processes,
    full_name,
    missing,
    namespaces_of,
    needs_root,
    playing,
    received,
    run,
    setting,
    without_offloads,
)
from otmon.lab.live.vlan_tag import copy_tagged
from otmon.sentence import placed, sentence

SWITCH, ROUTER, MIRROR = "switch", "router", "mirror"
MIRROR_INTERFACE = "mirror0"
LINKS_S = 10.0
"""How long links may take to come up."""
_PARTS = (SWITCH, ROUTER, MIRROR)
_LENGTH = 24
"""Of a host's network, as everywhere in the lab."""
_OF_SCENARIO = re.compile(r"p[0-9]+|v?[ri][0-9]+", re.ASCII)
"""What a switch's links are called that a guest brings: its port, its segment's bridge, the router's leg."""
_WIRE = "gso_max_size 1500 gso_max_segs 1"
_TO_INTERNET = "169.254.255.1"
"""The router, as Internet hosts know it; it is in their tables, and never asked for on the wire."""


@dataclass(frozen=True, slots=True)
class Station:
    """A host and its place on the wire."""

    name: str
    address: str
    """IPv4, or empty for one that has none."""
    mac: str
    segment: str
    """Stations of one name share a wire; only a station of the Internet is alone on its own."""
    gateway_mac: str
    ttl: int = 64
    internet: bool = False
    vlan: int = 0
    """Of its port, 1 to 4094; 0 for a port whose frames the mirror shows without a tag."""

    @property
    def network(self) -> IPv4Network:
        return IPv4Network(f"{self.address}/{_LENGTH}", strict=False)

    @property
    def gateway(self) -> str:
        return str(self.network[1])


def build(range_name: str, stations: Sequence[Station], rules: str | None) -> None:
    """Make the range's namespaces and join them.

    `rules` are the forward chain's, as `otmon zones export --format nftables` writes them; None forwards
    everything. What comes from the Internet's side is forwarded in any case: the way past the rules that a
    plant's router for remote maintenance is. Raises LiveError, and leaves nothing then.
    """
    reason = missing()
    if reason:
        raise LiveError(reason)
    _check(range_name, stations)
    if namespaces_of(range_name):
        what = sentence("the range {name} is there already: otmon lab down {name}", name=range_name)
        raise LiveError(what)
    try:
        with alone_at(range_name):
            for part in (*_PARTS, *(station.name for station in stations)):
                _add(full_name(range_name, part))
            _wire(range_name, stations)
            for station in stations:
                _connect(range_name, station)
            _route(range_name, stations, rules)
            _mirror(range_name, stations)
    except BaseException:
        tear_down(range_name)
        raise


def _check(range_name: str, stations: Sequence[Station], guests: Sequence[Station] = ()) -> None:
    """Raises LiveError where they cannot be in one range. A guest may have taken somebody's address."""
    if not NAME.fullmatch(range_name):
        what = sentence("a range's name has small letters, digits and hyphens, at most 40")
        raise LiveError(placed(repr(range_name), what))
    names = [station.name for station in (*stations, *guests)]
    addresses = [station.address for station in stations if station.address]
    for one in names:
        if not NAME.fullmatch(one) or one in _PARTS:
            raise LiveError(sentence("{name} cannot be the name of a host of a range", name=repr(one)))
    for values in (names, addresses):
        for one in values:
            if values.count(one) > 1:
                raise LiveError(sentence("{name} is there twice", name=one))
    for segment in {station.segment for station in (*stations, *guests)}:
        there = [station for station in (*stations, *guests) if station.segment == segment]
        if len(there) > 1 and any(station.internet for station in there):
            what = sentence("a host of the Internet is alone on its segment")
            raise LiveError(placed(there[0].name, what))


def _add(namespace: str) -> None:
    run(["ip", "netns", "add", namespace])
    asked_inside(namespace, _prepare)


def _prepare() -> None:
    """No IPv6: the plants have none, and it would talk by itself. No host is a router, whatever this machine
    is: namespaces begin with its settings (ip-sysctl, devconf_inherit_init_net)."""
    for interface in ("all", "default"):
        setting(f"ipv6/conf/{interface}/disable_ipv6", 1)
    setting("ipv4/ip_forward", 0)
    run(["ip", "link", "set", "lo", "up"])


def _connect(range_name: str, station: Station) -> None:
    def ready() -> None:
        setting("ipv4/ip_default_ttl", station.ttl)
        # As the systems of the plants have it, which open connections without.
        setting("ipv4/tcp_timestamps", 0)
        without_offloads("eth0")

    namespace = full_name(range_name, station.name)
    asked_inside(namespace, ready)
    run(["ip", "-n", namespace, "-batch", "-"], _addressed(station))


def _segments(stations: Sequence[Station]) -> dict[str, str]:
    """The router's leg in each segment, which names its bridge too: `i...` on the Internet's side."""
    found: dict[str, str] = {}
    for one in stations:
        found.setdefault(one.segment, f"{'i' if one.internet else 'r'}{len(found) + 1}")
    return found


def _wire(range_name: str, stations: Sequence[Station]) -> None:
    """The switch: a bridge for each segment, with the hosts' cables and the router's."""
    segments = _segments(stations)
    lines = []
    for name, leg in segments.items():
        mac = next(one.gateway_mac for one in stations if one.segment == name)
        lines += _bridge(range_name, leg, mac)
    for number, one in enumerate(stations, start=1):
        lines += _cable(range_name, number, segments[one.segment], one)
    run(["ip", "-n", full_name(range_name, SWITCH), "-batch", "-"], lines)


def _bridge(range_name: str, leg: str, router_mac: str) -> list[str]:
    """A segment with the router's leg."""
    router = full_name(range_name, ROUTER)
    return [
        # No spanning tree, and a frame goes on at once.
        f"link add v{leg} type bridge forward_delay 0 mcast_snooping 0",
        f"link set v{leg} up",
        f"link add {leg} type veth peer name {leg} netns {router} address {router_mac}",
        f"link set {leg} master v{leg} {_WIRE} up",
    ]


def _cable(range_name: str, number: int, leg: str, one: Station) -> list[str]:
    there = full_name(range_name, one.name)
    return [
        f"link add p{number} type veth peer name eth0 netns {there} address {one.mac}",
        f"link set p{number} master v{leg} {_WIRE} up",
    ]


def _addressed(station: Station) -> list[str]:
    lines = [f"link set eth0 {_WIRE} up"]
    if station.internet:
        lines += [
            f"address add {station.address}/32 dev eth0",
            f"neighbour add {_TO_INTERNET} lladdr {station.gateway_mac} dev eth0 nud permanent",
            f"route add default via {_TO_INTERNET} dev eth0 onlink",
        ]
    elif station.address:
        lines += [
            f"address add {station.address}/{_LENGTH} broadcast + dev eth0",
            f"route add default via {station.gateway} dev eth0",
        ]
    return lines


def _route(range_name: str, stations: Sequence[Station], rules: str | None) -> None:
    """The router: a leg in each segment, the forward chain, and the way to the Internet's hosts."""
    router = full_name(range_name, ROUTER)
    segments = _segments(stations)
    run(["ip", "-n", router, "-batch", "-"], _legs(stations, segments))

    def forwarding() -> None:
        _without_offloads(segments.values())
        # An ARP request is answered for the leg that it came to, and nobody is told of another way.
        for name, value in (("arp_ignore", 1), ("send_redirects", 0), ("rp_filter", 0)):
            setting(f"ipv4/conf/all/{name}", value)
        setting("ipv4/ip_forward", 1)

    if rules is not None:
        run(["ip", "netns", "exec", router, "nft", "-f", "-"], rules.splitlines())
        chain = _forward_chain(router)
        for side in ("iifname", "oifname"):
            run(["ip", "netns", "exec", router, "nft", f'insert rule {chain} {side} "i*" accept'])
    asked_inside(router, forwarding)


def _without_offloads(legs: Iterable[str]) -> None:
    for leg in legs:
        without_offloads(leg)


def _legs(stations: Sequence[Station], segments: Mapping[str, str]) -> list[str]:
    """What makes the router reach the stations of `segments`."""
    lines = [f"link set {leg} {_WIRE} up" for leg in segments.values()]
    homes: dict[str, str] = {}
    for one in stations:
        if not one.address:
            continue
        if not one.internet and homes.setdefault(one.gateway, one.segment) != one.segment:
            what = sentence("the network {network} is on two segments", network=str(one.network))
            raise LiveError(placed(one.name, what))
        leg = segments.get(one.segment)
        if leg is None:
            continue
        if one.internet:
            lines += [
                f"route add {one.address}/32 dev {leg}",
                f"neighbour add {one.address} lladdr {one.mac} dev {leg} nud permanent",
            ]
        else:
            lines.append(f"address replace {one.gateway}/{_LENGTH} broadcast + dev {leg}")
    return lines


def _forward_chain(router: str) -> str:
    """Family, table and chain of the rules' forward hook for IPv4."""
    table, chain = "", ""
    for line in run(["ip", "netns", "exec", router, "nft", "list", "ruleset"]).splitlines():
        words = line.split()
        if words[:1] == ["table"]:
            table = " ".join(words[1:3])
        elif words[:1] == ["chain"]:
            chain = words[1]
        elif line.strip().startswith("type filter hook forward") and table.startswith(("ip ", "inet ")):
            return f"{table} {chain}"
    raise LiveError(sentence("the rules have no chain for what is forwarded"))


def _mirror(range_name: str, stations: Sequence[Station]) -> None:
    """Copies of what comes into every host's port, to where a sensor listens."""
    switch, mirror = full_name(range_name, SWITCH), full_name(range_name, MIRROR)
    run(
        ["ip", "-n", switch, "-batch", "-"],
        [
            f"link add mirror type veth peer name {MIRROR_INTERFACE} netns {mirror}",
            f"link set mirror {_WIRE} arp off up",
        ],
    )
    run(["ip", "-n", mirror, "link", "set", MIRROR_INTERFACE, "arp", "off", "up"])
    _copy(range_name, stations, 1)


def _copy(range_name: str, stations: Sequence[Station], first: int) -> None:
    """Have the ports of stations, numbered from `first`, mirrored: with their VLANs' tags, or without any
    where the kernel cannot put them on."""
    switch = full_name(range_name, SWITCH)
    ports = {f"p{number}": one.vlan for number, one in enumerate(stations, start=first)}
    run(["tc", "-n", switch, "-batch", "-"], [f"qdisc add dev {port} clsact" for port in ports])
    plain = [port for port, vlan in ports.items() if not vlan]
    tagged = {port: vlan for port, vlan in ports.items() if vlan}

    def tag() -> None:
        while tagged:
            port = next(iter(tagged))
            copy_tagged(port, "mirror", tagged[port])
            del tagged[port]

    with suppress(OSError):
        asked_inside(switch, tag)
    run(["tc", "-n", switch, "-batch", "-"], [_copied(port) for port in (*plain, *tagged)])


def _copied(port: str) -> str:
    return f"filter add dev {port} ingress u32 match u32 0 0 action mirred egress mirror dev mirror"


def tags(range_name: str, stations: Sequence[Station]) -> bool:
    """Whether the mirror shows the VLANs of all stations that have one. Raises LiveError."""
    switch = full_name(range_name, SWITCH)
    ports = [f"p{number}" for number, one in enumerate(stations, start=1) if one.vlan]
    shown = (run(["tc", "-n", switch, "filter", "show", "dev", port, "ingress"]) for port in ports)
    return all(" bpf " in told for told in shown)


@contextmanager
def plugged(range_name: str, stations: Sequence[Station], guests: Sequence[Station]) -> Iterator[None]:
    """`guests` are connected to the range of `stations` while this lasts. Raises LiveError."""
    everybody = [*stations, *guests]
    _check(range_name, stations, guests)
    names = [full_name(range_name, guest.name) for guest in guests]
    before, after = _segments(stations), _segments(everybody)
    new = {name: leg for name, leg in after.items() if name not in before}
    switch, router = full_name(range_name, SWITCH), full_name(range_name, ROUTER)
    with playing(range_name):
        # What one left that was killed.
        _tidy(range_name, stations)
        try:
            with alone_at(range_name):
                for name in names:
                    _add(name)
            lines = []
            for name, leg in new.items():
                mac = next(one.gateway_mac for one in guests if one.segment == name)
                lines += _bridge(range_name, leg, mac)
            for number, guest in enumerate(guests, start=len(stations) + 1):
                lines += _cable(range_name, number, after[guest.segment], guest)
            run(["ip", "-n", switch, "-batch", "-"], lines)
            _copy(range_name, guests, len(stations) + 1)
            for guest in guests:
                _connect(range_name, guest)
            run(["ip", "-n", router, "-batch", "-"], _legs(everybody, new))
            asked_inside(router, lambda: _without_offloads(new.values()))
            ports = [f"p{number}" for number in range(len(stations) + 1, len(everybody) + 1)]
            legs = list(new.values())
            _await_links({switch: [*ports, *legs], router: legs, **dict.fromkeys(names, ("eth0",))})
            yield
        finally:
            _tidy(range_name, stations)


def _await_links(links: Mapping[str, Sequence[str]]) -> None:
    """Wait until the links of each namespace are up: the kernel takes up to a second to say so, and drops
    what is sent before. Raises LiveError."""
    end = time.monotonic() + LINKS_S
    for namespace, wanted in links.items():
        while True:
            told = run(["ip", "-n", namespace, "-br", "link"]).splitlines()
            states = {line.partition("@")[0].split()[0]: line.split()[1] for line in told}
            absent = [link for link in wanted if states.get(link) != "UP"]
            if not absent:
                break
            if time.monotonic() > end:
                what = sentence(
                    "namespace {name}: {interfaces} does not come up",
                    name=namespace,
                    interfaces=tuple(absent),
                )
                raise LiveError(what)
            time.sleep(0.02)


def _tidy(range_name: str, stations: Sequence[Station]) -> None:
    """Leave of the range what `stations` have: guests go, and pulled cables are in again."""
    switch = full_name(range_name, SWITCH)
    there = namespaces_of(range_name)
    if switch not in there:
        return
    known = {full_name(range_name, part) for part in (*_PARTS, *(one.name for one in stations))}
    guests = [name for name in there if name not in known]
    end_processes(guests)
    legs = set(_segments(stations).values())
    ports = [f"p{number}" for number in range(1, len(stations) + 1)]
    kept = {*legs, *(f"v{leg}" for leg in legs), *ports}
    told = run(["ip", "-n", switch, "-br", "link"]).splitlines()
    for link in (line.split()[0].partition("@")[0] for line in told):
        if _OF_SCENARIO.fullmatch(link) and link not in kept:
            subprocess.run(["ip", "-n", switch, "link", "delete", link], capture_output=True, check=False)
    for name in guests:
        delete(name)
    run(["ip", "-n", switch, "-batch", "-"], [f"link set {port} up" for port in ports])


def unplug(range_name: str, stations: Sequence[Station], name: str, out: bool) -> None:
    """Pull a station's cable out of the switch, or put it in again. Raises LiveError."""
    port = 1 + [station.name for station in stations].index(name)
    state = "down" if out else "up"
    run(["ip", "-n", full_name(range_name, SWITCH), "link", "set", f"p{port}", state])


def mirrored(range_name: str) -> tuple[int, int]:
    """Packets and bytes at the mirror port so far."""
    return asked_inside(full_name(range_name, MIRROR), lambda: received(MIRROR_INTERFACE))


def tear_down(range_name: str) -> tuple[int, int]:
    """End the range's processes and take its namespaces away: how many of each there were. That there is
    nothing of it is no error. Raises LiveError."""
    if not NAME.fullmatch(range_name):
        raise LiveError(sentence("{name} is no name of a range", name=repr(range_name)))
    with alone_at(range_name):
        there = namespaces_of(range_name)
        if there:
            needs_root()
        ended = end_processes(there)
        for name in there:
            delete(name)
    return ended, len(there)
