"""Who is there all of a sudden: phones, laptops, cameras and routers that somebody brought.

RFC 826 (ARP), RFC 2131 and 2132 (DHCP), RFC 5227 (address conflicts).
"""

from __future__ import annotations

from typing import Annotated

from otmon.lab import messages
from otmon.lab.dialogues import gateway_of, lease, look_up, resolve_gateway, tls_session
from otmon.lab.form import Domain, Duration, Form, Id, Truth, whole
from otmon.lab.frames import BROADCAST, MILLISECOND_NS, SECOND_NS, Host, Packet, arp, ethernet, ipv4, udp
from otmon.lab.scene import Act, Deed, Trouble, step_kind
from otmon.sentence import sentence
from otmon.zones.files.leaf import Leaf

ANDROID = bytes((1, 3, 6, 15, 26, 28, 51, 58, 59, 43, 114, 108))
WINDOWS = bytes((1, 3, 6, 15, 31, 33, 43, 44, 46, 47, 119, 121, 249, 252))
LINUX = bytes((1, 28, 2, 3, 15, 6, 119, 12, 44, 47, 26, 121, 42))
_ASKS_FOR = {"phone": ANDROID, "windows": WINDOWS, "windows-xp": WINDOWS}
"""What such machines write into a DHCP request, by their system."""


Short = Annotated[str, Leaf(sentence("1 to 60 letters of ASCII"), lambda text: text if _fits(text) else None)]


def _fits(text: str) -> bool:
    """Whether a DHCP option holds it."""
    return 1 <= len(text) <= 60 and text.isascii() and text.isprintable()


def _always(form: Form) -> bool:
    return True


class JoinForm(Form):
    leased: Truth = True
    """Whether it asks for an address over DHCP; else somebody set one."""
    name: Short | None = None
    vendor_class: Short | None = None
    """What it tells of itself in the request."""


def _join(act: Act, form: JoinForm) -> Deed:
    """A machine comes to the network: it gets an address or announces its own, and asks for its router."""
    packets, start_ns = list[Packet](), act.start_ns
    for actor in act.actors:
        if form.leased:
            asks_for = _ASKS_FOR.get(actor.system, LINUX)
            packets += lease(
                act.wire, start_ns, actor.host, act.random, act.event, form.name or "", asks_for,
                form.vendor_class or "",
            )  # fmt: skip
        packets += [
            Packet(start_ns + SECOND_NS + n * SECOND_NS, arp(1, actor.host, actor.address), act.event)
            for n in range(2)
        ]
        packets += resolve_gateway(act.wire, start_ns + 4 * SECOND_NS, actor.host, act.event)
        start_ns += 10 * SECOND_NS
    return Deed(packets)


class VisitForm(Form):
    name: Domain
    names: Id
    """Which host answers questions for names."""
    times: Annotated[int, whole(1, 100)] = 3
    every: Duration = 60 * SECOND_NS
    asks: Annotated[int, whole(20, 5_000)] = 320
    gets: Annotated[int, whole(20, 5_000)] = 1_300
    turns: Annotated[int, whole(1, 50)] = 2


def _visit(act: Act, form: VisitForm) -> Deed:
    """Asks for a name and then talks HTTPS with it, as apps and devices do with their clouds."""
    packets = []
    for number in range(form.times):
        start_ns = act.start_ns + number * form.every
        pair = (act.by, act.hosts[form.names].host)
        packets += look_up(act.wire, start_ns, pair, form.name, act.to.address, act.random, act.event)
        sizes = (form.asks, form.gets) * form.turns
        packets += tls_session(
            act.wire, start_ns + SECOND_NS, (act.by, act.to), form.name, sizes, act.random, act.event
        )
    return Deed(packets)


class TakeAddressForm(Form):
    claims: Annotated[int, whole(1, 1_000)] = 5
    every: Duration = 2 * SECOND_NS
    lasts: Duration = 300 * SECOND_NS
    """How long the rightful owner is cut off."""


def _take_address(act: Act, form: TakeAddressForm) -> Deed:
    """Claims the address of another host as its own; that one defends it once (RFC 5227, 2.4), and loses."""
    mine = Host(act.by.name, act.to.address, act.by.mac)
    packets = []
    for number in range(form.claims):
        time_ns = act.start_ns + number * form.every
        packets.append(Packet(time_ns, arp(1, mine, act.to.address), act.event))
        if number == 0:
            packets.append(Packet(time_ns + 2 * MILLISECOND_NS, arp(1, act.to, act.to.address), act.event))
    packets += resolve_gateway(act.wire, act.start_ns + 500 * MILLISECOND_NS, mine, act.event)
    end_ns = act.start_ns + form.lasts
    return Deed(packets, troubles=[Trouble("absent", act.targets[0].name, act.event, act.start_ns, end_ns)])


class RivalForm(Form):
    name: Short | None = None
    """Of the client, as it tells it."""


def _rival(act: Act, form: RivalForm) -> Deed:
    """A second DHCP server answers clients before the rightful one, and becomes their router."""
    packets, start_ns = list[Packet](), act.start_ns
    for target in act.targets:
        client, rightful = target.host, gateway_of(act.wire, target.host)
        transaction = act.random.getrandbits(32)
        said = (
            (0, client, 1, rightful),
            (4 * MILLISECOND_NS, act.by, 2, act.by),
            (30 * MILLISECOND_NS, rightful, 2, rightful),
            (60 * MILLISECOND_NS, client, 3, act.by),
            (64 * MILLISECOND_NS, act.by, 5, act.by),
        )
        for later_ns, sender, kind, server in said:
            message = messages.dhcp(kind, transaction, client, form.name or "", server.address)
            source, ports = ("0.0.0.0", (68, 67)) if kind in (1, 3) else (sender.address, (67, 68))
            datagram = udp(source, "255.255.255.255", *ports, message)
            packet = ipv4(source, "255.255.255.255", 17, datagram, act.random.getrandbits(15), 64)
            frame = ethernet(BROADCAST, sender.mac, 0x0800, packet)
            packets.append(Packet(start_ns + later_ns, frame, act.event))
        asked = arp(1, client, act.by.address)
        packets.append(Packet(start_ns + SECOND_NS, asked, act.event))
        answer = arp(2, act.by, client.address, client.mac)
        packets.append(Packet(start_ns + SECOND_NS + 300_000, answer, act.event))
        start_ns += 20 * SECOND_NS
    return Deed(packets)


JOIN = step_kind("join", JoinForm, "by", local=_always)(_join)
VISIT = step_kind("visit", VisitForm)(_visit)
TAKE_ADDRESS = step_kind("take-address", TakeAddressForm, local=_always)(_take_address)
RIVAL = step_kind("rival-dhcp", RivalForm, local=_always)(_rival)
