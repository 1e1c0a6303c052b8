"""The file of a learnt draft: zones, boundaries and permissions with what they rest on as comments.

Guaranteed: `otmon.zones.files.load` reads it to what it was written from, whatever texts a ledger holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Literal

from otmon.ledger.facts import UNKNOWN, Conversation, Operation, WrittenValue
from otmon.ledger.ledger import ConversationKey, Ledger, conversation_key
from otmon.sentence import Sentence, Speak, both, sentence, some_of, verbatim
from otmon.zones.elements import kind_of, shown_element
from otmon.zones.files.draftfile import Block, listing, member_text, scalar
from otmon.zones.files.permission import ANY, NOT_RECOGNISED
from otmon.zones.functions import MODBUS_FUNCTIONS
from otmon.zones.learning.grant import Grant, permission
from otmon.zones.learning.layout import Layout
from otmon.zones.model import INTERNET, Boundary, FunctionRef, Permission, Ranges, Zone, spans
from otmon.zones.quantity import quantity, shown_quantity
from otmon.zones.times import local_time

Why = Literal[
    "no-zone", "scan", "unanswered", "silent", "foreign", "no-request", "refused", "no-answer", "open",
]  # fmt: skip
WHY: Final[dict[Why, Sentence]] = {
    "no-zone": sentence("an end is in no zone"),
    "scan": sentence("a scan: most of what this client tried was in vain"),
    "unanswered": sentence("nobody answered"),
    "silent": sentence("nothing was said on the connection"),
    "foreign": sentence("another protocol than the industrial one of the port"),
    "no-request": sentence("no request in it is proposed"),
    "refused": sentence("the device refused"),
    "no-answer": sentence("the request was not answered"),
    "open": sentence("the answer is not in the capture"),
}
"""Why something that was seen is not proposed."""
LINES: Final = 200
"""Comments on what is not proposed: the rest is counted."""
ONE_BY_ONE: Final = 4
"""Facts of one client that are not proposed for one reason and are told each."""
LIMITS_SHOWN: Final = 12
PEERS_SHOWN: Final = 6
_NAMES: Final = {numbers: name for name, numbers in MODBUS_FUNCTIONS.items()}


@dataclass(frozen=True, slots=True)
class Clock:
    """How times are told: as the clocks of a time zone show them, "" for UTC."""

    zone: str

    def period(self, times: Iterable[int]) -> Sentence:
        """The first and the last time of them."""
        every = list(times)
        if not every:
            return sentence("at no time")
        first, last = self._moment(min(every)), self._moment(max(every))
        return sentence("{first} to {last} {clock}", first=first, last=last, clock=self.zone or "UTC")

    def _moment(self, time_ns: int) -> str:
        if time_ns >= 0:
            with suppress(OverflowError, ValueError, OSError):
                return f"{local_time(time_ns, self.zone or 'UTC'):%Y-%m-%d %H:%M}"
        # No calendar has it.
        return f"{time_ns} ns"


@dataclass(frozen=True, slots=True)
class Border:
    """A boundary of the draft."""

    id: str
    ends: tuple[str, str]
    known: Boundary | None
    """The boundary that people have already written."""
    grants: tuple[Grant, ...]
    asked: tuple[Grant, ...]
    """Permissions that are comments."""


@dataclass(frozen=True, slots=True)
class Unproposed:
    fact: Conversation | Operation
    why: Why


def written(
    ledger: Ledger,
    layout: Layout,
    borders: Sequence[Border],
    inside: dict[str, list[Grant]],
    unproposed: Sequence[Unproposed],
    told: Sequence[Sentence],
    added: bool,
    speak: Speak = str,
    timezone: str = "",
) -> str:
    """The file, with comments as `speak` says them and times by the clocks of `timezone`, "" for UTC; `added`
    where its zones are somebody's model, and its permissions what that model lacks."""
    block, clock = Block(speak), Clock(timezone)
    values = _values(ledger)
    block.say(
        sentence(
            "Drafted by `otmon zones learn`: permissions that the model lacks for the traffic seen, to copy "
            "from."
        )
        if added
        else sentence("Drafted by `otmon zones learn` from traffic. Go through every TODO before use.")
    )
    seen = (_count(len(ledger.conversations), "conversation"), clock.period(_times(ledger)))
    block.say(sentence("Seen: {facts}", facts=seen))
    for one in told:
        block.say(sentence("TODO: {what}", what=one))
    for kind, amount in ledger.overflow:
        full = sentence(
            "The ledger was full: {amount} of {kind} are not in it, and so not in this draft",
            amount=amount, kind=kind,
        )  # fmt: skip
        block.say(full)
    block.line("version: 1")
    if timezone:
        block.line(f"timezone: {scalar(timezone)}")
    elif not added:
        block.line_and_say(
            "# timezone: Asia/Tokyo",
            sentence("TODO: the plant's time zone; without it times are told in UTC"),
        )
    block.line("")
    block.line("zones:" if layout.zones else "zones: []")
    for zone in layout.zones:
        _write_zone(block, ledger, clock, values, layout, zone, inside.get(zone.id, []), added)
    block.line("")
    block.line("boundaries:" if borders else "boundaries: []")
    for border in borders:
        _write_border(block, ledger, clock, values, border)
    _write_unproposed(block, ledger, clock, unproposed)
    return block.text()


def _write_zone(
    block: Block,
    ledger: Ledger,
    clock: Clock,
    values: Values,
    layout: Layout,
    zone: Zone,
    grants: Sequence[Grant],
    added: bool,
) -> None:
    block.line(f"  - id: {scalar(zone.id)}")
    block.line(f"    name: {{ja: {scalar(zone.name.ja)}, en: {scalar(zone.name.en)}}}")
    for note in layout.notes.get(zone.id, ()):
        block.say(note, 4)
    hosts = layout.hosts.get(zone.id, ())
    if hosts:
        packets, talks = sum(one.packets for one in hosts), sum(one.conversations for one in hosts)
        period = clock.period([time for one in hosts for time in (one.first_ns, one.last_ns)])
        sent = sentence("{packets} sent", packets=_count(packets, "packet"))
        facts = (_count(len(hosts), "host"), sent, _count(talks, "conversation"), period)
        block.say(sentence("seen: {facts}", facts=facts), 4)
    importance = {"high": "大", "medium": "中", "low": "小"}[zone.importance]
    if added:
        block.line(f"    importance: {importance}")
    else:
        block.line_and_say(f"    importance: {importance}", sentence("TODO: proposed from what its hosts do"))
    if zone.owners:
        block.line(f"    owner: {listing(zone.owners)}")
    elif not added:
        block.say(sentence("TODO: {keys}", keys="owner"), 4)
    if zone.members:
        block.line("    members:")
        for member in zone.members:
            vlan = "untagged" if member.vlan == "" else member.vlan
            block.line(f"      - {member_text(member.network, member.mac, vlan, member.oui, member.port)}")
    block.line(f"    inside: {zone.inside}")
    if not added:
        what = sentence(
            "TODO: `inside: everything` without allow, if its hosts may do anything with each other"
        )
        block.say(what, 4)
    if grants:
        block.line("    allow:")
        for grant in grants:
            _write_grant(block, ledger, clock, values, grant)


def _write_border(block: Block, ledger: Ledger, clock: Clock, values: Values, border: Border) -> None:
    known = border.known
    block.line(f"  - id: {scalar(border.id)}")
    if known is not None:
        block.line(f"    name: {{ja: {scalar(known.name.ja)}, en: {scalar(known.name.en)}}}")
    block.line(f"    between: {listing(border.ends if known is None else known.between)}")
    for key in ("device", "device_owner", "settings_owner"):
        if known is not None and getattr(known, key):
            block.line(f"    {key}: {scalar(getattr(known, key))}")
    if known is not None and known.inherited:
        what = sentence(
            "TODO: {zones} have boundary {id} from the zones around them; one of their own takes its place: "
            "copy what that allows, too",
            zones=both(border.ends), id=known.inherited,
        )  # fmt: skip
        block.say(what, 4)
    if known is None:
        block.say(sentence("TODO: {keys}", keys=both(("device", "device_owner", "settings_owner"))), 4)
    if border.grants:
        block.line("    allow:")
        for grant in border.grants:
            _write_grant(block, ledger, clock, values, grant)
            if INTERNET in border.ends:
                block.say(sentence("TODO: with the Internet: agree on it, or take it out"), 8)
    if border.asked:
        what = sentence("TODO: seen with the Internet; not allowed unless somebody takes the signs away:")
        block.say(what, 4)
        if not border.grants:
            block.comment("allow:", 4)
        for grant in border.asked:
            for number, text in enumerate(_keys(permission(grant, ""))):
                block.comment(f"  {'- ' if number == 0 else '  '}{text}", 4)
            for note in _evidence(ledger, clock, grant):
                block.say(sentence("    # {note}", note=note), 4)


def _write_grant(block: Block, ledger: Ledger, clock: Clock, values: Values, grant: Grant) -> None:
    for number, text in enumerate(_keys(permission(grant, ""))):
        block.line(f"      {'- ' if number == 0 else '  '}{text}")
    for note in _evidence(ledger, clock, grant):
        block.say(note, 8)
    for note in _limits(ledger, values, grant):
        block.say(note, 8)


def _keys(value: Permission) -> Iterator[str]:
    """A permission as lines of a mapping."""
    for key, ends in (("from", value.clients), ("to", value.servers)):
        yield f"{key}: {listing(end.zone if end.network is None else str(end.network) for end in ends)}"
    yield f"protocol: {listing(value.protocols or (ANY,))}"
    lists: list[tuple[str, Sequence[str]]] = [
        ("transport", value.transports),
        ("port", _ranges(value.ports, "ethernet" in value.transports)),
        ("access", value.access),
        ("functions", [_function(one, value.protocols == ("modbus",)) for one in value.functions]),
        ("units", _ranges(value.units)),
        *((kind, _ranges(ranges)) for kind, ranges in value.objects),
    ]
    for key, texts in lists:
        if texts:
            yield f"{key}: {listing(texts)}"


def _ranges(ranges: Ranges, hexadecimal: bool = False) -> list[str]:
    def text(number: int) -> str:
        return f"0x{number:04x}" if hexadecimal else str(number)

    return [text(low) if low == high else f"{text(low)}-{text(high)}" for low, high in ranges]


def _function(function: FunctionRef, modbus: bool) -> str:
    if modbus and (function.number, function.subfunction) in _NAMES:
        return _NAMES[function.number or 0, function.subfunction]
    if function.number is None:
        return function.name
    return (
        f"{function.number}" if function.subfunction is None else f"{function.number}/{function.subfunction}"
    )


def _evidence(ledger: Ledger, clock: Clock, grant: Grant) -> Iterator[Sentence]:
    """What a permission rests on, and what a person should look at."""
    talks = [ledger.conversations[number] for number in sorted(grant.seen.conversations)]
    packets = sum(talk.packets_to_server + talk.packets_to_client for talk in talks)
    requests = [_count(grant.seen.requests, "request")] if grant.seen.requests else []
    period = clock.period((grant.seen.first_ns, grant.seen.last_ns))
    facts = (_count(len(talks), "conversation"), _count(packets, "packet"), *requests, period)
    yield sentence("seen: {facts}", facts=facts)
    if NOT_RECOGNISED in grant.protocols:
        yield sentence("TODO: the protocol was not recognised: what is it?")
    if grant.access == {"unknown"} and not grant.functions:
        yield sentence("TODO: no request was seen, so none of the known ones is allowed")
    if not grant.protocols and grant.transports & {"tcp", "udp", "sctp"}:
        yield sentence("TODO: any protocol")
    if any(talk.role == "first packet" and talk.transport == "tcp" for talk in talks):
        yield sentence("TODO: the opening of a connection was not seen: the client may be the server")
    groups = sorted({talk.server for talk in talks} if _whole(grant) else set())
    if groups:
        yield sentence("to the whole zone, for {names}", names=some_of(groups, PEERS_SHOWN))


def _whole(grant: Grant) -> bool:
    return any(end.network is None and end.zone != INTERNET for end in grant.servers)


Values = dict[ConversationKey, list[WrittenValue]]


def _values(ledger: Ledger) -> Values:
    """Values that were written, by conversation."""
    found: Values = {}
    for fact in ledger.written:
        found.setdefault(conversation_key(fact), []).append(fact)
    return found


def _limits(ledger: Ledger, values: Values, grant: Grant) -> Iterator[Sentence]:
    """The values that were written on a permission, as limits to take over."""
    if "write" not in grant.access:
        return
    found: dict[tuple[str, str, int], tuple[Decimal, Decimal, int]] = {}
    for number in sorted(grant.seen.conversations):
        for fact in values.get(conversation_key(ledger.conversations[number]), ()):
            if fact.words and _held(fact, grant):
                key = fact.protocol, fact.table, fact.address
                written = _quantities(fact)
                before = found.get(key, (written[0], written[0], 0))
                found[key] = (
                    min(*written, before[0]), max(*written, before[1]), before[2] + fact.times,
                )  # fmt: skip
    if found:
        yield sentence("TODO: limits, from the smallest and the largest value that was written:")
        yield verbatim("limits:")
    for (protocol, table, address), (low, high, times) in sorted(found.items())[:LIMITS_SHOWN]:
        element = f"{'coil' if table == 'coils' else 'holding_register'}: {address}"
        if protocol != "modbus":
            element = f"element: {scalar(shown_element(protocol, table, address))}"
        item = f"  - {{{element}, low: {shown_quantity(low)}, high: {shown_quantity(high)}}}"
        yield sentence("{item}    # written {times}", item=item, times=_count(times, "time"))
    if len(found) > LIMITS_SHOWN:
        yield sentence("  and {count} elements more", count=len(found) - LIMITS_SHOWN)


def _quantities(fact: WrittenValue) -> list[Decimal]:
    """The smallest and the largest value that was written, and others."""
    if kind_of(fact.protocol, fact.table) == "real":
        every = [quantity(one.value, "float32", Decimal(1)) for one in fact.extremes]
        return [one for one in every if one.is_finite()] or [Decimal(0)]
    # Of two registers the first one's word stands higher.
    return [Decimal(one.value >> 16 * (fact.words - 1)) for one in fact.extremes[:2]]


def _held(fact: WrittenValue, grant: Grant) -> bool:
    held: dict[str, Ranges] = dict(grant.objects)
    there = spans(held.get(fact.table, ()), fact.address, fact.address) if held else True
    return there and (not grant.units or spans(grant.units, fact.unit, fact.unit))


def _write_unproposed(block: Block, ledger: Ledger, clock: Clock, unproposed: Sequence[Unproposed]) -> None:
    if not unproposed and not ledger.anomalies:
        return
    lines = [*_left(unproposed, clock), *_broken(ledger, clock)]
    block.line("")
    block.say(sentence("Seen, not proposed:"))
    for line in lines[:LINES]:
        block.say(sentence("  {line}", line=line))
    if len(lines) > LINES:
        block.say(sentence("  and {count} lines more", count=len(lines) - LINES))


def _left(unproposed: Sequence[Unproposed], clock: Clock) -> Iterator[Sentence]:
    """Facts by client and reason: a few are told each, many together."""
    groups: dict[tuple[Why, str], list[Unproposed]] = {}
    for one in unproposed:
        groups.setdefault((one.why, one.fact.client), []).append(one)
    order = list(WHY)
    for (why, client), group in sorted(
        groups.items(), key=lambda item: (order.index(item[0][0]), item[0][1])
    ):
        facts = [one.fact for one in group]
        if len(facts) <= ONE_BY_ONE and why != "scan":
            yield from (sentence("{fact}: {why}", fact=_fact(fact, clock), why=WHY[why]) for fact in facts)
            continue
        servers, ports = {fact.server for fact in facts}, {(fact.transport, fact.port) for fact in facts}
        period = clock.period([time for fact in facts for time in (fact.first_ns, fact.last_ns)])
        reached = (_count(len(servers), "host"), _count(len(ports), "port"))
        yield sentence(
            "{client} to {reached}, {count} conversations and operations, {period}: {why}",
            client=client, reached=reached, count=len(facts), period=period, why=WHY[why],
        )  # fmt: skip


def _fact(fact: Conversation | Operation, clock: Clock) -> Sentence:
    over = f"{fact.protocol} {fact.transport}/{fact.port}"
    period = clock.period((fact.first_ns, fact.last_ns))
    if isinstance(fact, Conversation):
        count = _count(fact.packets_to_server + fact.packets_to_client, "packet")
    else:
        elements = f" {fact.address}-{fact.address + max(fact.count, 1) - 1}" if fact.address >= 0 else ""
        unit = "" if fact.unit == UNKNOWN else f" unit {fact.unit}"
        over, count = f"{over}{unit} {fact.service}{elements}", _count(fact.times, "time")
    return _between(fact.client, fact.server, over, count, period)


def _between(one: str, other: str, over: str, count: Sentence, period: Sentence) -> Sentence:
    return sentence(
        "{one} to {other} {over}, {count}, {period}",
        one=one, other=other, over=over, count=count, period=period,
    )  # fmt: skip


def _broken(ledger: Ledger, clock: Clock) -> Iterator[Sentence]:
    """Messages that their protocol does not allow."""
    groups: dict[tuple[str, str, str, str], list[Any]] = {}
    for fact in ledger.anomalies:
        if fact.reason != "lost-bytes":
            sender, other = (fact.client, fact.server) if fact.from_client else (fact.server, fact.client)
            groups.setdefault((sender, other, fact.protocol, fact.reason), []).append(fact)
    for (sender, other, protocol, reason), facts in sorted(groups.items()):
        period = clock.period([time for fact in facts for time in (fact.first_ns, fact.last_ns)])
        times = sum(fact.times for fact in facts)
        told = _between(sender, other, protocol, _count(times, "time"), period)
        yield sentence("{fact}: {why}", fact=told, why=sentence("malformed ({reason})", reason=reason))


Noun = Literal["host", "conversation", "packet", "request", "time", "port"]


def _count(number: int, noun: Noun) -> Sentence:
    one, many = {
        "host": (sentence("1 host"), sentence("{count} hosts", count=number)),
        "conversation": (sentence("1 conversation"), sentence("{count} conversations", count=number)),
        "packet": (sentence("1 packet"), sentence("{count} packets", count=number)),
        "request": (sentence("1 request"), sentence("{count} requests", count=number)),
        "time": (sentence("1 time"), sentence("{count} times", count=number)),
        "port": (sentence("1 port"), sentence("{count} ports", count=number)),
    }[noun]
    return one if number == 1 else many


def _times(ledger: Ledger) -> list[int]:
    return [time for talk in ledger.conversations for time in (talk.first_ns, talk.last_ns)]
