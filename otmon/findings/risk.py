"""The risk value of a finding, as IPA's guide to the risk analysis of control systems forms it.

Three levels of 1 to 3 give a value of A to E by a table, which is data: `rules/tables/risk.yml` names its
source and says what in it is ours. Ours is also how the levels follow from what was seen:

- threat: that of the rule (2 unless its file says another), one more if the Internet or a host in no
  zone takes part, one more if a command that changes a device was not refused, one less if nobody
  answered;
- vulnerability: 3, one less for each thing that protects what is hit: a boundary with an owner for its
  device and its settings lies between (and did not let through what it denies), the protocol tells
  who asks, the zone needs SL-T 3 or 4;
- importance: that of the zone that is hit (the server's; the other one where that is outside the
  model), or of the device by its role, whichever is higher.

Levels stay within 1 and 3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby, repeat
from operator import attrgetter
from typing import Any, Final

import yaml

from otmon.detect.detector import CHANGING, Case
from otmon.detect.finding import Finding, Link, Risk
from otmon.detect.rules.field import Ground, was_answered
from otmon.detect.rules.load import FOLDER
from otmon.ledger.facts import Conversation, Operation
from otmon.zones.model import INTERNET, UNKNOWN_ZONE
from otmon.zones.role import one_name

LEVELS: Final = (1, 2, 3)
OUTSIDE: Final = frozenset({INTERNET, UNKNOWN_ZONE})
_IMPORTANCE: Final = {"high": 3, "medium": 2, "low": 1}
_BUILT_FOR: Final = 3
"""The SL-T from which on a zone is taken to be built against deliberate attacks."""


@dataclass(frozen=True, slots=True)
class Table:
    """What `rules/tables/risk.yml` says."""

    source: str
    values: Mapping[tuple[int, int, int], str]
    """(threat, vulnerability, importance) -> value."""
    roles: Mapping[str, int]
    """By the `one_name` of each."""
    importance: int
    """Where nothing says it."""
    authenticated: frozenset[str]


@cache
def table() -> Table:
    """The table that comes with the program."""
    path = FOLDER / "tables" / "risk.yml"
    content: dict[str, Any] = yaml.load(path.read_bytes(), yaml.CSafeLoader)
    return Table(
        content["source"],
        {
            (threat, vulnerability, importance): value
            for importance, threats in content["table"].items()
            for threat, row in threats.items()
            for vulnerability, value in zip(LEVELS, row, strict=True)
        },
        {one_name(role): level for role, level in content["roles"].items()},
        content["importance"],
        frozenset(content["authenticated"]),
    )


class Talks:
    """Conversations without their VLAN, and the addresses at both of their ends. Of very many facts a few are
    asked for: those of a client are made ready when somebody asks for one of them."""

    def __init__(self, facts: Sequence[Conversation | Operation]) -> None:
        """Those of one client stand behind each other, as in a ledger."""
        self._facts: dict[str, list[Conversation | Operation]] = {}
        for client, some in groupby(facts, attrgetter("client")):
            self._facts.setdefault(client, []).extend(some)
        self._ends = self._facts.keys() | {one.server for one in facts}
        self._talks: dict[str, frozenset[_Talk]] = {}

    def __contains__(self, about: _Talk | str) -> bool:
        if isinstance(about, str):
            return about in self._ends
        client = about[0]
        if client not in self._talks:
            self._talks[client] = frozenset(map(_talk, self._facts.get(client, ())))
        return about in self._talks[client]


_Talk = tuple[str, str, str, int, str]
_talk: Final[Callable[[Conversation | Operation | Link], _Talk]] = attrgetter(
    "client", "server", "transport", "port", "protocol"
)


@dataclass(frozen=True, slots=True)
class Scales:
    """A case made ready, so that each finding is looked up and not searched for."""

    ground: Ground
    answered: Talks
    """What was answered."""
    replies: Talks
    """Of that, where the answer was seen."""
    changed: Talks
    """Where a command that changes a device was not refused."""
    passed: Talks
    """Where the model denies what was answered."""


def scales(case: Case) -> Scales:
    """What the facts of a case tell of each conversation and address."""
    ledger = case.ledger
    judged = case.conversations or zip(ledger.conversations, repeat(None))
    answered = [pair for pair in judged if was_answered(pair[0])]
    # What was answered although the model denies it.
    passed = [one for one, verdict in answered if verdict is not None and verdict.outcome == "denied"]
    asked = [one for one, verdict in case.operations if one.status == 0 and verdict.outcome == "denied"]
    return Scales(
        Ground(case.index),
        Talks([one for one, _ in answered]),
        Talks([one for one, _ in answered if one.answered]),
        Talks([one for one in ledger.operations if one.access in CHANGING and not one.refused]),
        Talks([*passed, *asked]),
    )


def risk_of(finding: Finding, threat: int, ready: Scales) -> Risk:
    """The risk of a finding whose rule has this threat level."""
    known = table()
    levels = _threat(finding, threat, ready), _vulnerability(finding, ready), _importance(finding, ready)
    return Risk(known.values[levels], *levels)


def silence_of(finding: Finding, ready: Scales) -> int:
    """0 where what a finding is about was answered, 1 where it must have been, and 2 where nobody did."""
    about = _about(finding)
    if not finding.link.client or about in ready.replies:
        return 0
    return 1 if about in ready.answered else 2


def _threat(finding: Finding, base: int, ready: Scales) -> int:
    about = _about(finding)
    said = dict(finding.what.params)
    # A finding about one command is as grave as that command, whatever else was asked beside it.
    changed = said["access"] in CHANGING if "access" in said else about in ready.changed
    strange = bool(OUTSIDE & {finding.place.from_zone, finding.place.to_zone})
    silent = bool(finding.link.client) and about not in ready.answered and finding.unit == "packets"
    return _level(base + strange + changed - silent)


def _about(finding: Finding) -> _Talk | str:
    """The conversation, or the one address, as `Talks` has it."""
    link = finding.link
    return _talk(link) if link.server else link.client


def _vulnerability(finding: Finding, ready: Scales) -> int:
    place, link = finding.place, finding.link
    owned = bool(place.boundary and place.device_owner and place.settings_owner)
    # What it denies and lets through, it does not protect from.
    holds = owned and _about(finding) not in ready.passed
    telling = link.protocol in table().authenticated
    index = ready.ground.index
    zone = index.zones.get(_hit(finding)[0]) if index is not None else None
    built = zone is not None and zone.target_level >= _BUILT_FOR
    return _level(3 - holds - telling - built)


def _importance(finding: Finding, ready: Scales) -> int:
    known = table()
    zone, address = _hit(finding)
    said = ready.ground.importance(zone)
    roles = [known.roles[one] for one in map(one_name, ready.ground.roles(address)) if one in known.roles]
    levels = [*roles, *([_IMPORTANCE[said]] if said is not None else [])]
    return _level(max(levels, default=known.importance))


def _hit(finding: Finding) -> tuple[str, str]:
    """Zone and address of what is at stake: the server's, or the plant's own where that is outside."""
    place, link = finding.place, finding.link
    if place.to_zone and place.to_zone not in OUTSIDE:
        return place.to_zone, link.server
    if place.from_zone in OUTSIDE or not place.from_zone:
        return place.to_zone, link.server or link.client
    return place.from_zone, link.client


def _level(value: int) -> int:
    return max(LEVELS[0], min(LEVELS[-1], value))
