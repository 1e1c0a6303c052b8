"""A draft model from the facts of a ledger: zones for its hosts, and permissions for what they did.

What is proposed is as narrow as it was seen: each permission lists the hosts, ports, functions, units and
elements that it rests on (`otmon.zones.learning.grant`). Only where that would take more than `MAX_GRANTS`
for a pair of zones, or longer lists than `MAX_LIST`, permissions are made wider, which is told; and never so
wide that something of the ledger passes that is not proposed.

Not proposed is what says nothing of what a plant needs: attempts that nobody answered, scans, connections on
which nothing was said, requests that were refused or broken, another protocol on the port of an industrial
one. `everything` proposes all of it. What goes to the Internet and was answered is proposed with the mark
that somebody has to agree on it; so is what comes from there by encrypted remote access (`REMOTE`), and
whatever else comes from there as a comment only: it is found until somebody agrees.

Guaranteed: `otmon.zones.files.load` reads the draft without errors; with `everything` and without a model of
one's own the draft denies nothing in the ledger but what has no address. The same ledger gives the same
bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from otmon.garbage_collection import without_garbage_collection
from otmon.ledger.facts import UNKNOWN, Conversation, Operation
from otmon.ledger.ledger import ConversationKey, Ledger, conversation_key
from otmon.protocols.protocol import AccessClass
from otmon.protocols.registry import IDS
from otmon.sentence import Sentence, Speak, sentence
from otmon.zones.address import host, parse_address
from otmon.zones.data_connections import announced_in, parent_of
from otmon.zones.decide import decide
from otmon.zones.files.document import MAX_FILE_BYTES, MAX_NODES
from otmon.zones.files.draftfile import free_id
from otmon.zones.files.permission import NOT_RECOGNISED, Sides, endpoint
from otmon.zones.files.text import TRANSPORTS
from otmon.zones.functions import MODBUS_OBJECTS, normal
from otmon.zones.learning.grant import (
    LEVELS,
    Grant,
    Seen,
    coarse,
    condensed,
    exact,
    longest,
    permission,
    trimmed,
)
from otmon.zones.learning.hosts import CHOSEN, industrial_ids, scanners
from otmon.zones.learning.layout import Layout, lay_out
from otmon.zones.learning.learntfile import Border, Unproposed, Why, written
from otmon.zones.learning.left_out import LeftOut
from otmon.zones.model import (
    INTERNET,
    UNKNOWN_ZONE,
    Boundary,
    Endpoint,
    FunctionRef,
    Line,
    Model,
    Name,
    Ranges,
    merged,
    spans,
)
from otmon.zones.place import Index, index
from otmon.zones.unread import READ, reads_unread

MAX_GRANTS: Final = 64
"""Permissions from one zone to another: more are not gone through by anybody."""
MAX_ALL: Final = 3000
"""Permissions of a draft: with all that a list may hold a model file still has room for them."""
MAX_LIST: Final = 64
"""Entries of one list in a permission."""
TOLD: Final = 20
"""Pairs of zones that are told one by one."""
REMOTE: Final = frozenset({"tls", "quic", "ssh", "openvpn", "wireguard"})
"""Protocols by which those who maintain a plant usually come in from outside, and desktops, files and
controllers do not."""
_READING: Final[frozenset[AccessClass]] = frozenset({"read"})
_UNKNOWN: Final[frozenset[AccessClass]] = frozenset({"unknown"})
_CONNECTED: Final = frozenset({"tcp", "sctp"})
_WITH_PORTS: Final = frozenset({"tcp", "udp", "sctp", "ethernet"})
_TRANSPORT: Final = re.compile(r"ip-[0-9]{1,3}", re.ASCII)

Way = tuple[str, str]
"""Zone of the client, zone of the server."""


@dataclass(frozen=True, slots=True)
class Learnt:
    text: str
    zones: int
    boundaries: int
    permissions: int
    asked: int
    """Permissions for the Internet that are comments."""
    unproposed: int
    """Conversations and operations that are not proposed."""
    told: tuple[Sentence, ...]
    """What was made wider or left out, as sentences."""


@dataclass(slots=True)
class _Wanted:
    """What traffic needs, way by way."""

    agreed: bool
    """People have written a model, and this is what it denies."""
    cells: dict[Way, list[Grant]] = field(default_factory=dict)
    asked: dict[Way, list[Grant]] = field(default_factory=dict)
    left: list[tuple[Conversation | Operation, Why, Way]] = field(default_factory=list)
    talks: set[tuple[str, str, str, int, str]] = field(default_factory=set)
    """Client, server, transport, port and protocol that are proposed."""
    elements: dict[tuple[object, ...], list[tuple[int, int]]] = field(default_factory=dict)
    """Elements that are proposed, by all that an operation is told by besides."""
    ranges: dict[tuple[object, ...], Ranges] = field(default_factory=dict)
    """The same, merged."""
    sides: dict[Way, Sides] = field(default_factory=dict)
    ends: dict[tuple[str, str, Way], Endpoint] = field(default_factory=dict)
    """Addresses as ends of permissions, by zone and way."""


@without_garbage_collection()
def learn(ledger: Ledger, everything: bool = False, speak: Speak = str, timezone: str = "") -> Learnt:
    """A draft of zones, boundaries and permissions for a ledger, with comments as `speak` says them.
    `timezone` is that of the plant, "" where it is not known."""
    industrial = industrial_ids()
    layout = lay_out(ledger, industrial, everything)
    return _drafted(ledger, None, layout, industrial, everything, speak, timezone)


@without_garbage_collection()
def learn_missing(ledger: Ledger, model: Model, everything: bool = False, speak: Speak = str) -> Learnt:
    """The permissions that a model lacks for the traffic of a ledger, with the model's zones: a model that
    loads on its own, to copy from. Zones and boundaries are as in `model`, but for their permissions."""
    layout = Layout(model.zones, {}, {}, (), scanners(ledger.conversations))
    return _drafted(ledger, model, layout, industrial_ids(), everything, speak, model.timezone)


def _drafted(
    ledger: Ledger,
    model: Model | None,
    layout: Layout,
    industrial: frozenset[str],
    everything: bool,
    speak: Speak,
    timezone: str,
) -> Learnt:
    plant = model or Model(layout.zones, (), ())
    ready = index(plant, ledger.assets, claims=ledger.claims)
    wanted = _wanted(ledger, ready, layout, industrial, everything, agreed=model is not None)
    every = {way: exact(cells) for way, cells in sorted(wanted.cells.items())}
    asked = {way: exact(cells) for way, cells in sorted(wanted.asked.items())}
    left = [(fact, why, way) for fact, why, way in wanted.left if not _covered(fact, wanted)]
    ways = len({*every, *asked})
    for share in (1, 4, 16, 64):
        room = Room(max(1, min(MAX_GRANTS, MAX_ALL // max(ways, 1)) // share), max(1, MAX_LIST // share))
        told = list(layout.told)
        grants = _narrowed(ledger, plant, ready, every, left, room, told)
        offered = {way: _fitted(some, _sides(ready, way), room)[0] for way, some in asked.items()}
        borders = _borders(plant, ready, grants, offered)
        inside = {way[0]: some for way, some in grants.items() if way[0] == way[1]}
        unproposed = [Unproposed(fact, why) for fact, why, _ in left]
        text = written(ledger, layout, borders, inside, unproposed, told, model is not None, speak, timezone)
        if len(text.encode()) <= MAX_FILE_BYTES and 2 * text.count("\n") + text.count(",") <= MAX_NODES:
            break
    return Learnt(
        text,
        len(layout.zones),
        len(borders),
        sum(map(len, grants.values())),
        sum(map(len, offered.values())),
        len(left),
        tuple(told),
    )


def _wanted(
    ledger: Ledger,
    ready: Index,
    layout: Layout,
    industrial: frozenset[str],
    everything: bool,
    agreed: bool,
) -> _Wanted:
    """Each fact that the model denies, as the grant that it needs or as one that is left out."""
    wanted = _Wanted(agreed)
    numbers = {conversation_key(talk): number for number, talk in enumerate(ledger.conversations)}
    announced = announced_in(ledger.claims)
    # Data are judged as the conversation in which they were agreed on.
    talks = [parent_of(announced, talk) or talk for talk in ledger.conversations]
    left_out = LeftOut(talks, layout.scanners, industrial)
    answered: set[ConversationKey] = set()
    for operation in ledger.operations:
        key = conversation_key(operation)
        talk = ledger.conversations[numbers[key]] if key in numbers else None
        why: Why | None = None if everything else left_out.request(operation, talk)
        if why is None:
            answered.add(key)
        seen = Seen(
            frozenset((numbers[key],)) if talk else frozenset(),
            operation.times, operation.first_ns, operation.last_ns,
        )  # fmt: skip
        _add(wanted, ready, operation, why, seen, everything)
    for number, talk in enumerate(talks):
        key = conversation_key(talk)
        why = None if everything else left_out.conversation(talk)
        if why is None and key in answered and not reads_unread(talk.protocol, talk.transport):
            # Its operations are proposed, and with them the conversation.
            wanted.talks.add(_talk(talk))
            continue
        if why is None and not everything and talk.protocol in READ:
            why = "no-request"
        seen = Seen(frozenset((number,)), 0, talk.first_ns, talk.last_ns)
        _add(wanted, ready, talk, why, seen, everything)
    wanted.ranges = {about: merged(ranges) for about, ranges in wanted.elements.items()}
    return wanted


def _add(
    wanted: _Wanted,
    ready: Index,
    fact: Conversation | Operation,
    why: Why | None,
    seen: Seen,
    everything: bool,
) -> None:
    verdict = decide(ready, fact)
    way = verdict.from_zone, verdict.to_zone
    if verdict.outcome != "denied":
        return
    if UNKNOWN_ZONE in way:
        why = why or "no-zone"
    if why is not None:
        wanted.left.append((fact, why, way))
        return
    ends = _end(wanted, ready, fact.client, way[0], way), _end(wanted, ready, fact.server, way[1], way)
    cell = _cell(fact, ends, seen)
    comes_in = way[0] == INTERNET and fact.protocol not in REMOTE
    if (comes_in or (wanted.agreed and INTERNET in way)) and not everything:
        # Nobody is let in from outside because somebody came in, or out against what people agreed on.
        wanted.asked.setdefault(way, []).append(cell)
        return
    wanted.cells.setdefault(way, []).append(cell)
    wanted.talks.add(_talk(fact))
    if isinstance(fact, Operation):
        wanted.elements.setdefault(_asked(fact), []).append(_span(fact))


def _sides(ready: Index, way: Way) -> Sides:
    zones = (way[0],) if way[0] == way[1] else (min(way), max(way))
    return Sides(zones, {id: ready.zones[id].members if id in ready.zones else () for id in zones})


def _talk(fact: Conversation | Operation) -> tuple[str, str, str, int, str]:
    return fact.client, fact.server, fact.transport, fact.port, fact.protocol


def _asked(fact: Operation) -> tuple[object, ...]:
    return (*_talk(fact), fact.unit, fact.function, fact.subfunction, fact.access)


def _span(fact: Operation) -> tuple[int, int]:
    return fact.address, fact.address + max(fact.count, 1) - 1


def _covered(fact: Conversation | Operation, wanted: _Wanted) -> bool:
    """Whether it is among what is proposed on account of other facts, such as an attempt that failed once."""
    if isinstance(fact, Conversation):
        return _talk(fact) in wanted.talks
    return spans(wanted.ranges.get(_asked(fact), ()), *_span(fact))


def _cell(fact: Conversation | Operation, ends: tuple[Endpoint, Endpoint], seen: Seen) -> Grant:
    """What one fact needs, as narrow as a model can say it."""
    named = fact.transport in TRANSPORTS or _TRANSPORT.fullmatch(fact.transport) is not None
    port = fact.port if 0 <= fact.port <= 65535 and (fact.port or fact.transport in _WITH_PORTS) else None
    protocols = frozenset((fact.protocol,)) if fact.protocol in (*IDS, NOT_RECOGNISED) else frozenset[str]()
    if fact.protocol == "none" and port is not None:
        # The port speaks for what was not said.
        protocols = frozenset((NOT_RECOGNISED,))
    grant = Grant(
        frozenset(ends[:1]),
        frozenset(ends[1:]),
        protocols,
        frozenset((fact.transport,)) if named else frozenset(),
        (_chosen(fact, port),) if port is not None else (),
        frozenset(), frozenset(), (), (), seen,
    )  # fmt: skip
    one = len(protocols) == 1
    reads = one and reads_unread(fact.protocol, fact.transport)
    # Without a word on what may be asked everything could be.
    if isinstance(fact, Conversation):
        operated = fact.protocol in READ
        return replace(grant, access=_READING if reads else _UNKNOWN) if reads or operated else grant
    if reads and fact.access == "read":
        # As what else reads, of which no operation tells.
        return replace(grant, access=_READING)
    modbus = fact.protocol == "modbus"
    function = FunctionRef(None, None, normal(fact.service))
    listed = one
    if modbus:
        function = FunctionRef(fact.function, None if fact.subfunction == UNKNOWN else fact.subfunction, "")
        listed = one and 1 <= fact.function <= 127 and -1 <= fact.subfunction < 10**9
    kind = MODBUS_OBJECTS.get(fact.function) if modbus else None
    low, high = _span(fact)
    ranges: Ranges = ((low, high),)
    return replace(
        grant,
        access=frozenset((fact.access,)),
        functions=frozenset((function,)) if listed else frozenset(),
        units=((fact.unit, fact.unit),) if one and 0 <= fact.unit <= 255 else (),
        objects=((kind, ranges),) if kind is not None and low >= 0 and high <= 65535 else (),
    )


def _chosen(fact: Conversation | Operation, port: int) -> tuple[int, int]:
    """The ports that the server may choose from next time; the one that it has where that stays."""
    ranges = CHOSEN.get((fact.protocol, fact.transport), ())
    return next(((low, high) for low, high in ranges if low <= port <= high), (port, port))


def _end(wanted: _Wanted, ready: Index, text: str, zone: str, way: Way) -> Endpoint:
    """The address as an end of a permission; the whole zone where a model cannot name it there."""
    known = wanted.ends.get((text, zone, way))
    if known is None:
        sides = wanted.sides.get(way) or wanted.sides.setdefault(way, _sides(ready, way))
        address = parse_address(text)
        # A link-local address that no zone lists goes by one of its device's.
        others = ready.carriers.get(address, ()) if address is not None else ()
        ends = [endpoint(one, sides) for one in (text, *(str(host(other)) for other in others))]
        there = (end for end in ends if isinstance(end, Endpoint) and end.zone == zone)
        known = next(there, Endpoint(zone, None))
        wanted.ends[text, zone, way] = known
    return known


@dataclass(frozen=True, slots=True)
class Room:
    """How much a draft may say of one way."""

    grants: int
    entries: int
    """Of one list in a permission."""


def _fitted(found: list[Grant], sides: Sides, room: Room) -> tuple[list[Grant], int]:
    """The grants of one way as far as there is room, and the level of what was joined: 0 for nothing."""
    narrow = [condensed(grant, sides) for grant in found] if len(found) <= room.grants else []
    if narrow and all(longest(grant) <= room.entries for grant in narrow):
        return narrow, 0
    if narrow:
        return [trimmed(grant, room.entries) for grant in narrow], LEVELS[0]
    for level in LEVELS:
        wider = coarse(found, level)
        if len(wider) <= room.grants:
            break
    return [trimmed(condensed(grant, sides), room.entries) for grant in wider], level


def _narrowed(
    ledger: Ledger,
    plant: Model,
    ready: Index,
    every: dict[Way, list[Grant]],
    left: list[tuple[Conversation | Operation, Why, Way]],
    room: Room,
    told: list[Sentence],
) -> dict[Way, list[Grant]]:
    """What fits, less what had to be so wide that something passes which is not proposed."""
    fitted = {way: _fitted(some, _sides(ready, way), room) for way, some in every.items()}
    grants = {way: some for way, (some, _) in fitted.items()}
    wide = {way for way, (_, level) in fitted.items() if level}
    doubtful = [(fact, way) for fact, _, way in left if way in wide]
    trial = index(_with(plant, {way: grants[way] for way in wide}), ledger.assets) if doubtful else ready
    passing = {way for fact, way in doubtful if decide(trial, fact).outcome != "denied"}
    said = []
    for way in sorted(wide):
        if way not in passing:
            wider = sentence(
                "{one} to {other}: more than {grants} permissions or {entries} entries in a list would be "
                "needed: they are wider than what was seen",
                one=way[0], other=way[1], grants=room.grants, entries=room.entries,
            )  # fmt: skip
            said.append(wider)
            continue
        most_seen = sorted(every[way], key=lambda one: (-len(one.seen.conversations), -one.seen.requests))
        some = [condensed(grant, _sides(ready, way)) for grant in most_seen[: room.grants]]
        grants[way] = [grant for grant in some if longest(grant) <= room.entries]
        fewer = sentence(
            "{one} to {other}: {count} of {all} permissions are left out: they are too many, and wider ones "
            "would allow what is not proposed",
            one=way[0], other=way[1], count=len(every[way]) - len(grants[way]), all=len(every[way]),
        )  # fmt: skip
        said.append(fewer)
    told += said[:TOLD]
    if len(said) > TOLD:
        more = len(said) - TOLD
        told.append(
            sentence("{count} more pairs of zones whose permissions are wider or left out", count=more)
        )
    return grants


def _with(plant: Model, grants: dict[Way, list[Grant]]) -> Model:
    """The zones with these permissions and no others."""
    zones = tuple(
        replace(
            zone,
            inside="listed",
            permissions=tuple(permission(grant, "") for grant in grants.get((zone.id, zone.id), ())),
        )
        for zone in plant.zones
    )  # fmt: skip
    pairs = sorted({(min(way), max(way)) for way in grants if way[0] != way[1]})
    borders = tuple(
        Boundary(
            f"{a}-{b}", Line("draft", 0), Name("", ""), (a, b), "", "", "",
            tuple(permission(g, "") for way in ((a, b), (b, a)) for g in grants.get(way, ())),
        )
        for a, b in pairs
    )  # fmt: skip
    return Model(zones, borders, ())


def _borders(
    plant: Model, ready: Index, grants: dict[Way, list[Grant]], asked: dict[Way, list[Grant]]
) -> tuple[Border, ...]:
    """Boundaries in the order of their zones, the Internet last."""
    places = {zone.id: number for number, zone in enumerate(plant.zones)} | {INTERNET: len(plant.zones)}
    pairs = sorted(
        {tuple(sorted(way, key=places.__getitem__)) for way in (*grants, *asked) if way[0] != way[1]},
        key=lambda pair: [places[id] for id in pair],
    )
    ids = {border.id for border in plant.boundaries}
    found = []
    for a, b in pairs:
        known = ready.boundaries.get((min(a, b), max(a, b)))
        id = free_id(f"{a}-{b}", ids) if known is None or known.inherited else known.id
        ids.add(id)
        found.append(Border(id, (a, b), known, tuple(_both(grants, a, b)), tuple(_both(asked, a, b))))
    return tuple(found)


def _both(grants: dict[Way, list[Grant]], a: str, b: str) -> Iterator[Grant]:
    some: Iterable[Way] = ((a, b), (b, a))
    for way in some:
        yield from grants.get(way, ())
