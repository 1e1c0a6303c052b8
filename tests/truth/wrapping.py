"""What networks and mirrors wrap around a conversation, and what they do to its packets: each
function gives one capture, or one for each way of wrapping."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

from tests.truth.capture import Capture, Packet, capture, fragmented, mirrored, packets
from tests.truth.frames import (
    ATOMIC_FRAGMENT,
    AUTHENTICATION,
    DESTINATION,
    ETHERNET,
    HOP_BY_HOP,
    IP_OPTIONS,
    LINKS,
    ROUTER_SIDE,
    ROUTING,
    Link,
    ethernet,
    routed,
)
from tests.truth.segmentation import bursts, pipelining, polling, some_messages
from tests.truth.talk import CLIENT, MASTER_PORT, MICROSECOND, MILLISECOND, Talk, cut, whole

TCP_TIMESTAMPS = bytes.fromhex("0101080a0000000100000002")
SIX = ("2001:db8:1::10", "2001:db8:2::17")


def both_families(number: int, amount: int = 6) -> list[Talk]:
    """A conversation over IPv4 and one over IPv6."""
    talks = [
        Talk("IPv4", MASTER_PORT + number),
        Talk("IPv6", MASTER_PORT + number, *SIX),
        Talk("UDP", MASTER_PORT + number, transport="udp"),
    ]
    for talk in talks:
        for message in some_messages(amount, number):
            talk.poll(message)
        talk.poll(some_messages(1, number)[0], exception=2)
    return talks


def wrapped(link: Link) -> Capture:
    """Conversations over IPv4, IPv6 and UDP in `link`."""
    made = []
    for talk in both_families(0):
        segments = [p for s in talk.segments for p in (cut(s, [6]) if talk.transport == "tcp" else [s])]
        made.append(packets(talk, whole(talk, segments) if talk.transport == "tcp" else segments, link))
    return capture(link.name, *made)


def every_link_at_once() -> Capture:
    """One capture with an interface of each link type; every conversation in a link of its own."""
    made = []
    for number, link in enumerate(LINKS):
        talk = polling(link.name, number)
        made.append(packets(talk, whole(talk), link))
    return capture("every link at once", *made)


def vlans_differ_by_direction() -> Capture:
    """A mirror tags what comes in and what goes out in different ways."""
    made = []
    tagged = next(link for link in LINKS if link.name == "802.1Q")
    for number, links in enumerate(((tagged, ROUTER_SIDE), (tagged, LINKS[0]))):
        talk = polling(f"tags {number}", number)
        made.append([replace(p, link=links[p.sender]) for p in packets(talk, whole(talk))])
    return capture("tags differ by direction", *made)


def ip_options() -> Capture:
    """IPv4 options up to the largest header, IPv6 extension headers alone and together, TCP options."""
    made = []
    for number, options in enumerate(IP_OPTIONS):
        talk = polling(f"options {options.hex()}", number)
        made.append(packets(talk, whole(talk), options=options))
    chains = [
        *((one,) for one in (HOP_BY_HOP, DESTINATION, ROUTING, ATOMIC_FRAGMENT, AUTHENTICATION)),
        (HOP_BY_HOP, DESTINATION, ROUTING, ATOMIC_FRAGMENT, AUTHENTICATION, DESTINATION),
    ]
    for number, chain in enumerate(chains):
        talk = Talk(f"extension headers {[kind for kind, _ in chain]}", MASTER_PORT + number, *SIX)
        for message in some_messages(4, number):
            talk.poll(message)
        made.append(packets(talk, whole(talk), extensions=chain))
    talk = polling("TCP options", 40)
    made.append(packets(talk, whole(talk), tcp_options=TCP_TIMESTAMPS))
    return capture("IP options and extension headers", *made)


def _reversed(parts: list[Packet]) -> list[Packet]:
    return parts[::-1]


def _doubled(parts: list[Packet]) -> list[Packet]:
    return [part for part in parts for _ in range(2)]


def _shuffled(parts: list[Packet]) -> list[Packet]:
    return Random(len(parts)).sample(parts, len(parts))


ORDERS: tuple[tuple[str, Callable[[list[Packet]], list[Packet]]], ...] = (
    ("in order", list),
    ("reversed", _reversed),
    ("doubled", _doubled),
    ("shuffled", _shuffled),
)


def ip_fragments() -> Capture:
    """Datagrams in fragments of 8 bytes and more, in four orders, of both families and of UDP."""
    made = []
    number = 0
    for size in (8, 16, 24, 64):
        for name, order in ORDERS:
            for talk in both_families(number, 4):
                talk.name = f"{talk.name} in fragments of {size}, {name}"
                segments = talk.segments if talk.transport == "udp" else whole(talk)
                made.append(fragmented(packets(talk, segments), size, order))
            number += 1
    return capture("IP fragments", *made)


def fragments_of_two_datagrams() -> Capture:
    """The fragments of several datagrams come mixed with each other."""
    made = []
    for number in range(6):
        talk = pipelining(f"mixed fragments {number}", number)
        segments = [p for s in bursts(talk) for p in cut(s, range(50, s.end - s.start, 50))]
        made.append(fragmented(packets(talk, whole(talk, segments)), 24))
    return capture("fragments of several datagrams", *made)


def fragments_in_a_tunnel() -> Capture:
    """Fragments inside 802.1Q, ERSPAN and PPPoE."""
    made = []
    names = ("802.1Q", "ERSPAN II around 802.1Q", "PPPoE", "Linux cooked v2")
    for number, name in enumerate(names):
        talk = polling(f"fragments in {name}", number)
        link = next(link for link in LINKS if link.name == name)
        made.append(fragmented(packets(talk, whole(talk), link), 32))
    return capture("fragments in tunnels", *made)


def copied() -> Capture:
    """A mirror of both directions gives every frame twice, a few microseconds apart."""
    made = []
    for number, after in enumerate((MICROSECOND, 20 * MICROSECOND, 80 * MICROSECOND)):
        for talk in both_families(number):
            segments = talk.segments if talk.transport == "udp" else whole(talk)
            made.append(mirrored(packets(talk, segments), after, lambda packet: packet))
    return capture("every frame twice", *made, duplicates=sum(map(len, made)) // 2)


def copied_with_other_tag() -> Capture:
    """The copies come from another VLAN or from the other side of a router: other addresses of the
    link, another tag, a hop less to live."""
    made = []
    retagged = Link("VLAN 31", ETHERNET, ethernet(((0x8100, 31),)), 31)
    changes: tuple[Callable[[Packet], Packet], ...] = (
        lambda packet: replace(packet, link=retagged),
        lambda packet: replace(packet, link=ROUTER_SIDE, datagram=routed(packet.datagram)),
    )
    for number, change in enumerate(changes):
        talk = polling(f"copies changed {number}", number, 12)
        made.append(mirrored(packets(talk, whole(talk)), 30 * MICROSECOND, change))
    return capture("copies on the other side", *made, duplicates=sum(map(len, made)) // 2)


def repeated_but_no_copy() -> Capture:
    """The same poll over and over, with the same transaction id and the same answer, is no copy;
    neither is what a client sends again after its timer."""
    talk = Talk("the same poll again", transport="udp")
    message = some_messages(1, 1)[0]
    for _ in range(30):
        talk.poll(message, transaction=0)
    again = polling("sent again", 1, 10)
    late = [replace(s, time_ns=s.time_ns + 200 * MILLISECOND) for s in again.segments if s.sender == CLIENT]
    segments = sorted([*again.segments, *late], key=lambda s: s.time_ns)
    return capture(
        "repetitions that are no copies", packets(talk, talk.segments), packets(again, whole(again, segments))
    )


SCENARIOS = (
    every_link_at_once,
    vlans_differ_by_direction,
    ip_options,
    ip_fragments,
    fragments_of_two_datagrams,
    fragments_in_a_tunnel,
    copied,
    copied_with_other_tag,
    repeated_but_no_copy,
)
