"""What a detector gives: a finding, with its texts as messages that are worded later.

It stands here and not in `otmon.findings`, because detectors give findings and imports point one way; the
next stage takes this type, as every stage takes the types of the one before it.

A finding is about one thing and names it in `key`: the same facts give the same key whatever else the
capture holds, so that a finding keeps its id from one replay to the next. Texts are `Message` values, worded
in one catalogue; what comes from the network or from a model goes into their parameters only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from otmon.detect.rules.rule import SEVERITIES, Reference, Rule, Severity, Text, Texts
from otmon.ledger.facts import Conversation, CredentialSeen, Evidence, Operation, WrittenValue
from otmon.ledger.fast_init import fast_init
from otmon.ledger.ledger import conversation_key

ATTACK: Final = "ATT&CK for ICS"
"""Scheme of references whose techniques a finding may choose from."""

__all__ = ["SEVERITIES", "Severity"]

Unit = Literal["packets", "transactions", "messages", "log-ins"]
"""What a finding's count counts."""

EVIDENCE = 3
"""Packets named in a finding: enough to look at; the ledger holds the rest."""


@dataclass(frozen=True, slots=True)
class Message:
    """A text to be worded in a person's language: key in the catalogue, sorted parameters."""

    key: str
    params: tuple[tuple[str, str | int | tuple[Message, ...]], ...] = ()
    """A parameter that is itself a list of messages is worded and joined."""


@fast_init
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


@fast_init
@dataclass(frozen=True, slots=True)
class Place:
    """Where in the zone model: ids, all "" without a model."""

    from_zone: str = ""
    to_zone: str = ""
    boundary: str = ""
    """"" where no boundary joins the zones."""
    device_owner: str = ""
    settings_owner: str = ""
    from_owners: tuple[str, ...] = ()
    """Who answers for the zones: whoever judges adds them (`otmon.findings.judge`)."""
    to_owners: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Risk:
    """How much is at stake (`otmon.findings.risk`)."""

    value: str
    """"A", the gravest, to "E"; "" before it is judged."""
    threat: int
    """1 to 3, as the other two."""
    vulnerability: int
    importance: int


@fast_init
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
    references: tuple[Reference, ...] = ()
    """Of its rule, as the title: whoever runs the detectors adds both (`of_rule`)."""
    techniques: frozenset[str] = frozenset()
    """Which techniques of ATT&CK among the rule's references it is; empty for all of them."""
    risk: Risk = Risk("", 0, 0, 0)
    title: Text = Text("", "")  # noqa: RUF009 - a frozen value
    response: Texts = Texts((), ())  # noqa: RUF009 - a frozen value
    """What to do, step by step: of its rule."""
    names: tuple[tuple[str, Text], ...] = ()
    """Address and name of those of its link that the inventory lists: whoever judges adds them."""
    extent: int = 1
    """How far it reaches: how many facts it rests on that a person would look at one by one (addresses of a
    scan, accounts ...) and its key does not tell apart, or what its rule measures; 1 for what only repeats
    itself."""
    alike: int = 1
    """How many findings it stands for: more than one where they were many (`otmon.findings.aggregation`)."""


def of_rule(finding: Finding, rule: Rule, risk: Risk | None = None, place: Place | None = None) -> Finding:
    """The finding with what its rule says of all of them, and with its risk and place where given."""
    known = finding.risk if risk is None else risk
    place = finding.place if place is None else place
    references = rule.references
    if finding.techniques:
        references = tuple(one for one in references if one.scheme != ATTACK or one.id in finding.techniques)
    return replace(
        finding, title=rule.title, response=rule.response, references=references, risk=known, place=place
    )


def lowered(severity: Severity, steps: int = 1) -> Severity:
    """A severity some steps less grave; "info" stays."""
    return SEVERITIES[min(SEVERITIES.index(severity) + steps, len(SEVERITIES) - 1)]


def link_of(fact: Conversation | Operation | WrittenValue | CredentialSeen) -> Link:
    """Who talks to whom, as a fact has it."""
    return Link(*conversation_key(fact))


def say(key: str, **params: str | int | tuple[Message, ...]) -> Message:
    """A message with its parameters in order."""
    return Message(key, tuple(sorted(params.items())))


def say_some(key: str, items: Sequence[str], shown: int, count: int | None = None) -> Message:
    """The message `key` with `items` in one parameter; `key` with "-more" where some are left out. `count` is
    how many there are, where `items` are only those that are shown."""
    every = len(items) if count is None else count
    named = ", ".join(items[:shown])
    if every <= shown:
        return say(key, items=named)
    return say(f"{key}-more", items=named, more=every - shown)


def spans(numbers: Iterable[int], shown: Callable[[int], str] = str) -> list[str]:
    """The numbers as ranges "first-last", neighbours joined, lowest first."""
    found: list[list[int]] = []
    for number in sorted(set(numbers)):
        if found and found[-1][1] == number - 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return [shown(low) if low == high else f"{shown(low)}-{shown(high)}" for low, high in found]


def first(*evidence: Evidence) -> tuple[Evidence, ...]:
    """The earliest packets, at most `EVIDENCE`."""
    times = sorted({one.time_ns for one in evidence})[:EVIDENCE]
    return tuple(sorted({one for one in evidence if one.time_ns <= times[-1]})[:EVIDENCE])
