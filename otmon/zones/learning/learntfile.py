"""The file of a learnt draft: zones, boundaries and permissions with what they rest on as comments.

Guaranteed: `otmon.zones.files.load` reads it to what it was written from, whatever texts a ledger holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal

from otmon.ledger.facts import UNKNOWN, Conversation, Operation, WrittenValue
from otmon.ledger.ledger import ConversationKey, Ledger, conversation_key
from otmon.zones.files.draftfile import Block, listing, member_text, scalar
from otmon.zones.files.permission import ANY, NOT_RECOGNISED
from otmon.zones.functions import MODBUS_FUNCTIONS
from otmon.zones.learning.grant import Grant, permission
from otmon.zones.learning.layout import Layout
from otmon.zones.model import INTERNET, Boundary, FunctionRef, Permission, Ranges, Zone, spans

Why = Literal[
    "no-zone", "scan", "unanswered", "silent", "foreign", "no-request", "refused", "no-answer", "open",
]  # fmt: skip
WHY: Final[dict[Why, str]] = {
    "no-zone": "an end is in no zone",
    "scan": "a scan: most of what this client tried was in vain",
    "unanswered": "nobody answered",
    "silent": "nothing was said on the connection",
    "foreign": "another protocol than the industrial one of the port",
    "no-request": "no request in it is proposed",
    "refused": "the device refused",
    "no-answer": "the request was not answered",
    "open": "the answer is not in the capture",
}
"""Why something that was seen is not proposed."""
LINES: Final = 200
"""Comments on what is not proposed: the rest is counted."""
ONE_BY_ONE: Final = 4
"""Facts of one client that are not proposed for one reason and are told each."""
LIMITS_SHOWN: Final = 12
PEERS_SHOWN: Final = 6
_LAST_SECOND: Final = 253_402_300_799
"""Of the year 9999: what a calendar holds."""
_NAMES: Final = {numbers: name for name, numbers in MODBUS_FUNCTIONS.items()}


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
    told: Sequence[str],
    added: bool,
) -> str:
    """The file; `added` where its zones are somebody's model, and its permissions what that model lacks."""
    block = Block()
    values = _values(ledger)
    block.comment(
        "Drafted by `otmon zones learn`: permissions that the model lacks for the traffic seen, to copy from."
        if added
        else "Drafted by `otmon zones learn` from traffic. Go through every TODO before use."
    )
    if not added:
        block.comment("通信から作った下書きです。TODOを一つずつ確かめてから使ってください。")
    block.comment(f"Seen: {_count(len(ledger.conversations), 'conversation')}, {_period(_times(ledger))}")
    for sentence in told:
        block.comment(f"TODO: {sentence}")
    for kind, amount in ledger.overflow:
        block.comment(f"The ledger was full: {amount} of {kind} are not in it, and so not in this draft")
    block.line("version: 1")
    block.line("")
    block.line("zones:" if layout.zones else "zones: []")
    for zone in layout.zones:
        _write_zone(block, ledger, values, layout, zone, inside.get(zone.id, []), added)
    block.line("")
    block.line("boundaries:" if borders else "boundaries: []")
    for border in borders:
        _write_border(block, ledger, values, border)
    _write_unproposed(block, ledger, unproposed)
    return block.text()


def _write_zone(
    block: Block,
    ledger: Ledger,
    values: Values,
    layout: Layout,
    zone: Zone,
    grants: Sequence[Grant],
    added: bool,
) -> None:
    block.line(f"  - id: {scalar(zone.id)}")
    block.line(f"    name: {{ja: {scalar(zone.name.ja)}, en: {scalar(zone.name.en)}}}")
    for note in layout.notes.get(zone.id, ()):
        block.comment(note, 4)
    hosts = layout.hosts.get(zone.id, ())
    if hosts:
        packets, talks = sum(one.packets for one in hosts), sum(one.conversations for one in hosts)
        period = _period([time for one in hosts for time in (one.first_ns, one.last_ns)])
        block.comment(
            f"seen: {_count(len(hosts), 'host')}, {_count(packets, 'packet')} sent, "
            f"{_count(talks, 'conversation')}, {period}",
            4,
        )
    doubt = "" if added else "    # TODO: proposed from what its hosts do"
    importance = {"high": "大", "medium": "中", "low": "小"}[zone.importance]
    block.line(f"    importance: {importance}{doubt}")
    if zone.owners:
        block.line(f"    owner: {listing(zone.owners)}")
    elif not added:
        block.comment("TODO: owner", 4)
    if zone.members:
        block.line("    members:")
        for member in zone.members:
            vlan = "untagged" if member.vlan == "" else member.vlan
            block.line(f"      - {member_text(member.network, member.mac, vlan, member.oui, member.port)}")
    block.line(f"    inside: {zone.inside}")
    if not added:
        block.comment(
            "TODO: `inside: everything` without allow, if its hosts may do anything with each other", 4
        )
    if grants:
        block.line("    allow:")
        for grant in grants:
            _write_grant(block, ledger, values, grant)


def _write_border(block: Block, ledger: Ledger, values: Values, border: Border) -> None:
    known = border.known
    block.line(f"  - id: {scalar(border.id)}")
    if known is not None:
        block.line(f"    name: {{ja: {scalar(known.name.ja)}, en: {scalar(known.name.en)}}}")
    block.line(f"    between: {listing(border.ends if known is None else known.between)}")
    for key in ("device", "device_owner", "settings_owner"):
        if known is not None and getattr(known, key):
            block.line(f"    {key}: {scalar(getattr(known, key))}")
    if known is not None and known.inherited:
        block.comment(
            f"TODO: {' and '.join(border.ends)} have boundary {known.inherited} from the zones around them; "
            "one of their own takes its place: copy what that allows, too", 4,
        )  # fmt: skip
    if known is None:
        block.comment("TODO: device, device_owner and settings_owner", 4)
    if border.grants:
        block.line("    allow:")
        for grant in border.grants:
            _write_grant(block, ledger, values, grant)
            if INTERNET in border.ends:
                block.comment("TODO: with the Internet: agree on it, or take it out", 8)
    if border.asked:
        block.comment("TODO: seen with the Internet; not allowed unless somebody takes the signs away:", 4)
        if not border.grants:
            block.comment("allow:", 4)
        for grant in border.asked:
            for number, text in enumerate(_keys(permission(grant, ""))):
                block.comment(f"  {'- ' if number == 0 else '  '}{text}", 4)
            for note in _evidence(ledger, grant):
                block.comment(f"    # {note}", 4)


def _write_grant(block: Block, ledger: Ledger, values: Values, grant: Grant) -> None:
    for number, text in enumerate(_keys(permission(grant, ""))):
        block.line(f"      {'- ' if number == 0 else '  '}{text}")
    for note in _evidence(ledger, grant):
        block.comment(note, 8)
    for note in _limits(ledger, values, grant):
        block.comment(note, 8)


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


def _evidence(ledger: Ledger, grant: Grant) -> Iterator[str]:
    """What a permission rests on, and what a person should look at."""
    talks = [ledger.conversations[number] for number in sorted(grant.seen.conversations)]
    packets = sum(talk.packets_to_server + talk.packets_to_client for talk in talks)
    requests = f", {_count(grant.seen.requests, 'request')}" if grant.seen.requests else ""
    period = _period((grant.seen.first_ns, grant.seen.last_ns))
    yield f"seen: {_count(len(talks), 'conversation')}, {_count(packets, 'packet')}{requests}, {period}"
    if NOT_RECOGNISED in grant.protocols:
        yield "TODO: the protocol was not recognised: what is it?"
    if grant.access == {"unknown"} and not grant.functions:
        yield "TODO: no request was seen, so none of the known ones is allowed"
    if not grant.protocols and grant.transports & {"tcp", "udp", "sctp"}:
        yield "TODO: any protocol"
    if any(talk.role == "first packet" and talk.transport == "tcp" for talk in talks):
        yield "TODO: the opening of a connection was not seen: the client may be the server"
    groups = sorted({talk.server for talk in talks} if _whole(grant) else set())
    if groups:
        more = f" and {len(groups) - PEERS_SHOWN} more" if len(groups) > PEERS_SHOWN else ""
        yield f"to the whole zone, for {', '.join(groups[:PEERS_SHOWN])}{more}"


def _whole(grant: Grant) -> bool:
    return any(end.network is None and end.zone != INTERNET for end in grant.servers)


Values = dict[ConversationKey, list[WrittenValue]]


def _values(ledger: Ledger) -> Values:
    """Values that were written, by conversation."""
    found: Values = {}
    for fact in ledger.written:
        found.setdefault(conversation_key(fact), []).append(fact)
    return found


def _limits(ledger: Ledger, values: Values, grant: Grant) -> Iterator[str]:
    """The values that were written on a permission, as limits to take over."""
    if "write" not in grant.access:
        return
    found: dict[tuple[str, int], tuple[int, int, int]] = {}
    for number in sorted(grant.seen.conversations):
        for fact in values.get(conversation_key(ledger.conversations[number]), ()):
            if _held(fact, grant):
                # Of two registers the first one's word stands higher.
                low, high = (extreme.value >> 16 * (fact.words - 1) for extreme in fact.extremes[:2])
                before = found.get((fact.table, fact.address), (low, high, 0))
                found[fact.table, fact.address] = (
                    min(low, before[0]), max(high, before[1]), before[2] + fact.times,
                )  # fmt: skip
    if found:
        yield "TODO: limits, from the smallest and the largest value that was written:"
        yield "limits:"
    for (table, address), (low, high, times) in sorted(found.items())[:LIMITS_SHOWN]:
        key = "coil" if table == "coils" else "holding_register"
        yield f"  - {{{key}: {address}, low: {low}, high: {high}}}    # written {_count(times, 'time')}"
    if len(found) > LIMITS_SHOWN:
        yield f"  and {len(found) - LIMITS_SHOWN} elements more"


def _held(fact: WrittenValue, grant: Grant) -> bool:
    held = dict(grant.objects)
    there = spans(held.get(fact.table, ()), fact.address, fact.address) if held else True
    return there and (not grant.units or spans(grant.units, fact.unit, fact.unit))


def _write_unproposed(block: Block, ledger: Ledger, unproposed: Sequence[Unproposed]) -> None:
    if not unproposed and not ledger.anomalies:
        return
    lines = [*_left(unproposed), *_broken(ledger)]
    block.line("")
    block.comment("Seen, not proposed / 見えたが許可の案にしていないもの:")
    for line in lines[:LINES]:
        block.comment(f"  {line}")
    if len(lines) > LINES:
        block.comment(f"  and {len(lines) - LINES} lines more")


def _left(unproposed: Sequence[Unproposed]) -> Iterator[str]:
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
            yield from (f"{_fact(fact)}: {WHY[why]}" for fact in facts)
            continue
        servers, ports = {fact.server for fact in facts}, {(fact.transport, fact.port) for fact in facts}
        period = _period([time for fact in facts for time in (fact.first_ns, fact.last_ns)])
        reached = f"{_count(len(servers), 'host')}, {_count(len(ports), 'port')}"
        yield f"{client} to {reached}, {len(facts)} conversations and operations, {period}: {WHY[why]}"


def _fact(fact: Conversation | Operation) -> str:
    ends = f"{fact.client} to {fact.server} {fact.protocol} {fact.transport}/{fact.port}"
    period = _period((fact.first_ns, fact.last_ns))
    if isinstance(fact, Conversation):
        return f"{ends}, {_count(fact.packets_to_server + fact.packets_to_client, 'packet')}, {period}"
    elements = f" {fact.address}-{fact.address + max(fact.count, 1) - 1}" if fact.address >= 0 else ""
    unit = "" if fact.unit == UNKNOWN else f" unit {fact.unit}"
    return f"{ends}{unit} {fact.service}{elements}, {_count(fact.times, 'time')}, {period}"


def _broken(ledger: Ledger) -> Iterator[str]:
    """Messages that their protocol does not allow."""
    groups: dict[tuple[str, str, str, str], list[Any]] = {}
    for fact in ledger.anomalies:
        if fact.reason != "lost-bytes":
            sender, other = (fact.client, fact.server) if fact.from_client else (fact.server, fact.client)
            groups.setdefault((sender, other, fact.protocol, fact.reason), []).append(fact)
    for (sender, other, protocol, reason), facts in sorted(groups.items()):
        period = _period([time for fact in facts for time in (fact.first_ns, fact.last_ns)])
        times = sum(fact.times for fact in facts)
        yield f"{sender} to {other} {protocol}, {_count(times, 'time')}, {period}: malformed ({reason})"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _times(ledger: Ledger) -> list[int]:
    return [time for talk in ledger.conversations for time in (talk.first_ns, talk.last_ns)]


def _period(times: Iterable[int]) -> str:
    every = list(times)
    return f"{_moment(min(every))} to {_moment(max(every))} UTC" if every else "at no time"


def _moment(time_ns: int) -> str:
    seconds = time_ns // 1_000_000_000
    if not 0 <= seconds <= _LAST_SECOND:
        return f"{time_ns} ns"
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M}"
