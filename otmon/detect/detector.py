"""The contract of a detector, and the values that it gives.

`Finding` stands here and not in `otmon.findings`, because detectors give findings and imports point
one way; the next stage takes this type, as every stage takes the types of the one before it.

A finding is about one thing and names it in `key`: the same facts give the same key whatever else
the capture holds, so that a finding keeps its id from one replay to the next. Texts are `Message`
values, worded in one catalogue later; what comes from the network or from a model goes into their
parameters only.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from heapq import nsmallest
from operator import attrgetter
from types import ModuleType
from typing import Literal

import otmon.detect
from otmon.ledger.facts import UNKNOWN, Asset, Conversation, Evidence, Operation, WrittenValue
from otmon.ledger.ledger import ConversationKey, Ledger, conversation_key
from otmon.protocols.protocol import Protocol
from otmon.zones.address import parse_address, reach
from otmon.zones.decide import Index, Verdict
from otmon.zones.model import INTERNET
from otmon.zones.place import locate

Severity = Literal["critical", "high", "medium", "low", "info"]
SEVERITIES: tuple[Severity, ...] = ("critical", "high", "medium", "low", "info")
"""Gravest first.

- critical: a command reached a zone of high importance that its owner did not allow;
- high: a command or a way in that must be looked at today;
- medium: traffic that was not allowed and changed nothing as far as it was seen;
- low: the model or a device needs tidying;
- info: worth knowing.
"""

Unit = Literal["packets", "transactions", "messages"]
"""What a finding's count counts."""

CHANGING = frozenset({"write", "control", "program", "configure"})
"""Access classes that change a device or what it does."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A technique, requirement or step that a rule stands on."""

    scheme: str
    id: str
    title: str
    """In the language of the scheme; own wording where its text is protected."""
    edition: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A detector's identity. Its title in each language is the message `rule.<id>`."""

    id: str
    references: tuple[Reference, ...]


@dataclass(frozen=True, slots=True)
class Message:
    """A text to be worded in a person's language: key in the catalogue, sorted parameters."""

    key: str
    params: tuple[tuple[str, str | int | tuple[Message, ...]], ...] = ()
    """A parameter that is itself a list of messages is worded and joined."""


@dataclass(frozen=True, slots=True)
class Link:
    """Who talks to whom and how, as far as the finding says one; "" and 0 where it does not."""

    client: str = ""
    """The one address of a finding that is about one address."""
    server: str = ""
    transport: str = ""
    port: int = 0
    protocol: str = ""
    vlan: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the zone model: ids, all "" without a model."""

    from_zone: str = ""
    to_zone: str = ""
    boundary: str = ""
    """"" where no boundary joins the zones."""
    device_owner: str = ""
    settings_owner: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a person should look at."""

    rule: str
    key: tuple[str, ...]
    """What it is about; with `rule` the identity."""
    severity: Severity
    link: Link
    place: Place
    what: Message
    why: tuple[Message, ...]
    count: int
    unit: Unit
    first_ns: int
    last_ns: int
    evidence: tuple[Evidence, ...]
    """First packet of each fact that the finding rests on, earliest first, at most `EVIDENCE`."""
    references: tuple[Reference, ...]


EVIDENCE = 3
"""Packets named in a finding: enough to look at; the ledger holds the rest."""


@dataclass(frozen=True)
class Case:
    """What detectors judge."""

    ledger: Ledger
    protocols: Mapping[str, Protocol]
    """By id."""
    index: Index | None
    """The zone model made ready, None without one."""
    conversations: tuple[tuple[Conversation, Verdict], ...]
    """Every conversation with its verdict; empty without a model."""
    operations: tuple[tuple[Operation, Verdict], ...]
    """Every operation with its verdict; empty without a model."""
    written: tuple[tuple[WrittenValue, Verdict], ...] = ()
    """Every written value with its verdict; empty without a model."""
    baseline: Ledger | None = None
    """The facts of normal operation, None where nobody gave any."""

    @cached_property
    def verdicts(self) -> dict[ConversationKey, Verdict]:
        """The verdict of each conversation; empty without a model."""
        return {conversation_key(fact): verdict for fact, verdict in self.conversations}

    @cached_property
    def usual(self) -> frozenset[ConversationKey]:
        """The conversations of the baseline; none without one."""
        facts = () if self.baseline is None else self.baseline.conversations
        return frozenset(map(conversation_key, facts))

    @cached_property
    def asked(self) -> dict[ConversationKey, list[Operation]]:
        """The operations of each conversation."""
        found: dict[ConversationKey, list[Operation]] = {}
        for operation in self.ledger.operations:
            found.setdefault(conversation_key(operation), []).append(operation)
        return found

    @cached_property
    def values(self) -> dict[ConversationKey, list[WrittenValue]]:
        """What was written in each conversation, one word at a time."""
        found: dict[ConversationKey, list[WrittenValue]] = {}
        for fact in self.ledger.written:
            found.setdefault(conversation_key(fact), []).append(fact)
        return found


Detector = Callable[[Case], Iterator[Finding]]


def detectors() -> tuple[tuple[Rule, Detector], ...]:
    """Every detector of this folder, by name. A file that cannot be imported stops the start."""
    found = []
    for name in sorted(module.name for module in pkgutil.iter_modules(otmon.detect.__path__)):
        if name != "detector":
            module: ModuleType = importlib.import_module(f"otmon.detect.{name}")
            found.append((module.RULE, getattr(module, name)))
    return tuple(found)


def place_of(case: Case, verdict: Verdict) -> Place:
    """Where in the model a verdict lies, and whose that place is."""
    boundary = None
    if case.index is not None:
        ends = verdict.from_zone, verdict.to_zone
        boundary = case.index.boundaries.get((min(ends), max(ends)))
    if boundary is None:
        return Place(verdict.from_zone, verdict.to_zone)
    return Place(
        verdict.from_zone,
        verdict.to_zone,
        boundary.id,
        boundary.device_owner,
        boundary.settings_owner,
    )


def placed(case: Case, key: ConversationKey) -> Place:
    """The place of a conversation; nowhere without a model."""
    verdict = case.verdicts.get(key)
    return Place() if verdict is None else place_of(case, verdict)


def reached(case: Case, facts: Iterable[Conversation | Operation]) -> Place:
    """The place of several facts; of zones and boundary what they have in common."""
    verdicts = [
        case.verdicts[key] for key in dict.fromkeys(map(conversation_key, facts)) if key in case.verdicts
    ]
    ends = sorted({(verdict.from_zone, verdict.to_zone) for verdict in verdicts})
    if len(ends) == 1:
        return place_of(case, verdicts[0])
    from_zones, to_zones = ({end[side] for end in ends} for side in (0, 1))
    return Place(
        from_zone=min(from_zones) if len(from_zones) == 1 else "",
        to_zone=min(to_zones) if len(to_zones) == 1 else "",
    )


def place_of_sender(case: Case, asset: Asset) -> Place:
    """The zone of an asset; nowhere without a model."""
    if case.index is None:
        return Place()
    return Place(from_zone=locate(case.index, asset.address or asset.mac, asset.vlan).zone)


def severity_of_reach(case: Case, facts: Iterable[Conversation | Operation], answered: bool) -> Severity:
    """Of what changed nothing: by the importance of the zones that were reached for, and by whether
    anything there answered. Without a model nobody can tell what matters."""
    if case.index is None:
        return "medium"
    keys = set(map(conversation_key, facts))
    high = any(importance(case, case.verdicts[key].to_zone) == "high" for key in keys if key in case.verdicts)
    if high and answered:
        return "high"
    return "medium" if high or answered else "low"


def is_internet(address: str, zone: str) -> bool:
    """Whether the address is in the Internet: by its zone, and where that is "" by the address."""
    parsed = None if zone else parse_address(address)
    return zone == INTERNET or (parsed is not None and reach(parsed) == "internet")


def link_of(fact: Conversation | Operation | WrittenValue) -> Link:
    """Who talks to whom, as a fact has it."""
    return Link(*conversation_key(fact))


def importance(case: Case, zone: str) -> str:
    """Of a zone in the model: "high", "medium" or "low"; "low" for what the model does not hold."""
    known = case.index.zones.get(zone) if case.index is not None else None
    return "low" if known is None else known.importance


def changes(operations: Iterable[Operation]) -> bool:
    """Whether one of the operations changes a device or what it does, as far as the device did not
    refuse it."""
    return any(one.access in CHANGING and one.status <= 0 for one in operations)


def reasons(verdict: Verdict) -> tuple[Message, ...]:
    """Why a verdict is as it is: the line of the model or its absence, and what nearly fitted."""
    nearest = [
        say(
            "nearest",
            permission=near.permission,
            line=near.line,
            lacks=tuple(say(f"lack.{lack.key}", allowed=lack.allowed, seen=lack.seen) for lack in near.lacks),
        )
        for near in verdict.nearest
    ]
    return (say(f"reason.{verdict.reason.key}", **dict(verdict.reason.params)), *nearest)


def say(key: str, **params: str | int | tuple[Message, ...]) -> Message:
    """A message with its parameters in order."""
    return Message(key, tuple(sorted(params.items())))


def say_some(key: str, items: Sequence[str], shown: int) -> Message:
    """The message `key` with `items` in one parameter; `key` with "-more" where some are left out."""
    named = ", ".join(items[:shown])
    if len(items) <= shown:
        return say(key, items=named)
    return say(f"{key}-more", items=named, more=len(items) - shown)


def spans(numbers: Iterable[int], shown: Callable[[int], str] = str) -> list[str]:
    """The numbers as ranges "first-last", neighbours joined, lowest first."""
    found: list[list[int]] = []
    for number in sorted(set(numbers)):
        if found and found[-1][1] == number - 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return [shown(low) if low == high else f"{shown(low)}-{shown(high)}" for low, high in found]


VALUES_SHOWN = 4
"""Written values that are named in one finding."""


def values_written(case: Case, conversations: Iterable[ConversationKey]) -> Iterator[Message]:
    """What was written in the conversations, the largest change of each element, largest first."""
    changes: dict[tuple[int, str, int], tuple[int, str]] = {}
    for key in conversations:
        for fact in case.values.get(key, ()):
            for extreme in fact.extremes[:2]:
                shift = 16 * (fact.words - 1)
                value, before = extreme.value >> shift, extreme.before >> shift
                known = extreme.before != UNKNOWN
                size = abs(value - before) if known else value
                element = (fact.unit, fact.table, fact.address)
                text = f"{fact.table} {fact.unit}:{fact.address} {before if known else '?'} → {value}"
                if element not in changes or changes[element][0] < size:
                    changes[element] = size, text
    if changes:
        ordered = sorted(changes.items(), key=lambda item: (-item[1][0], item[0]))
        yield say_some("wrote", [text for _, (_, text) in ordered], VALUES_SHOWN)


def first(*evidence: Evidence) -> tuple[Evidence, ...]:
    """The earliest packets, at most `EVIDENCE`."""
    # Many times as fast as letting the values compare themselves.
    order = attrgetter("time_ns", "source", "packet", "offset")
    return tuple(nsmallest(EVIDENCE, set(evidence), key=order))


def attack(id: str, title: str, since_v19: str = "") -> tuple[Reference, ...]:
    """An ATT&CK for ICS technique: its id in v18.1, and in v19 where that revoked it for another."""
    known = Reference("ATT&CK for ICS", id, title, "v18.1")
    return (known, Reference("ATT&CK for ICS", since_v19, title, "v19")) if since_v19 else (known,)


def requirement(id: str, title: str) -> Reference:
    """A system requirement of IEC 62443-3-3, titled in our words."""
    return Reference("IEC 62443-3-3", id, title, "2013")


def guideline_step(id: str, title: str) -> Reference:
    """A step of METI's guideline for factory systems, in its own words."""
    return Reference("工場セキュリティガイドライン", id, title, "本編 (2022-11-16)")


def guideline_check(id: str, title: str) -> Reference:
    """An item of the guideline's appendix E, numbered as a public checklist made after it does:
    compare with the appendix before quoting the number."""
    return Reference("工場セキュリティガイドライン 付録E準拠チェックリスト", id, title, "")
