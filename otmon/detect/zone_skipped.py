"""Allowed traffic that skips a level of the plant.

What it means, when it is wrong and how to respond: `rules/zone-skipped.yml`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from otmon.detect.detector import (
    Case,
    Finding,
    Link,
    Message,
    Severity,
    first,
    importance,
    link_of,
    permission_of,
    place_of,
    say,
    say_some,
)
from otmon.detect.rules.field import was_answered
from otmon.ledger.facts import Conversation
from otmon.zones.decide import Index, Verdict
from otmon.zones.model import INTERNET

RULE: Final = "zone-skipped"

OUTERMOST: Final = 5.0
"""The level of the Internet: the Purdue model's outermost."""

Passed = list[tuple[Conversation, Verdict]]


def zone_skipped(case: Case) -> Iterator[Finding]:
    if case.index is None:
        return
    # Between two levels that are so far apart a whole one is left out.
    apart = case.rules[RULE].number("levels_apart")
    groups: dict[tuple[str, str], Passed] = {}
    for fact, verdict in case.undenied_conversations:
        if verdict is not None and verdict.outcome == "allowed" and verdict.from_zone != verdict.to_zone:
            groups.setdefault((verdict.from_zone, verdict.to_zone), []).append((fact, verdict))
    for (from_zone, to_zone), group in groups.items():
        levels = _level(case.index, from_zone), _level(case.index, to_zone)
        if levels[0] is None or levels[1] is None:
            continue
        between = _between(case.index, (from_zone, to_zone), (levels[0], levels[1]))
        if between or abs(levels[0] - levels[1]) >= apart:
            yield _finding(case, group, (levels[0], levels[1]), between)


def _level(index: Index, zone: str) -> float | None:
    """The Purdue level of a zone; None where nobody says."""
    if zone == INTERNET:
        return OUTERMOST
    known = index.zones.get(zone)
    return float(known.level) if known is not None and known.level else None


def _between(index: Index, ends: tuple[str, str], levels: tuple[float, float]) -> list[str]:
    """The zones of a level between the two that have boundaries with both, sorted."""
    found = []
    for zone in sorted(index.zones.keys() - set(ends)):
        level = _level(index, zone)
        joined = all((min(zone, end), max(zone, end)) in index.boundaries for end in ends)
        if level is not None and min(levels) < level < max(levels) and joined:
            found.append(zone)
    return found


def _finding(case: Case, group: Passed, levels: tuple[float, float], between: list[str]) -> Finding:
    fact, verdict = group[0]
    pairs = {(one.client, one.server) for one, _ in group}
    return Finding(
        rule=RULE,
        key=(verdict.from_zone, verdict.to_zone),
        severity=_severity(case, group, levels),
        link=link_of(fact) if len(group) == 1 else Link(),
        place=place_of(case, verdict),
        what=say(
            "skips", from_zone=verdict.from_zone, to_zone=verdict.to_zone, hosts=len(pairs),
            from_level=f"{levels[0]:g}", to_level=f"{levels[1]:g}",
        ),
        why=tuple(_why(case, group, between)),
        count=sum(one.packets_to_server + one.packets_to_client for one, _ in group),
        unit="packets",
        first_ns=min(one.first_ns for one, _ in group),
        last_ns=max(one.last_ns for one, _ in group),
        evidence=first(*(one.evidence for one, _ in group)),
        extent=len(group),
    )  # fmt: skip


def _severity(case: Case, group: Passed, levels: tuple[float, float]) -> Severity:
    """By the deeper of the two zones, as that is the one whose shelter is lost."""
    if not any(was_answered(one) for one, _ in group):
        return "info"
    verdict = group[0][1]
    deeper = verdict.from_zone if levels[0] < levels[1] else verdict.to_zone
    return "medium" if importance(case, deeper) == "high" else "low"


def _why(case: Case, group: Passed, between: list[str]) -> Iterator[Message]:
    shown = case.rules[RULE].number("shown")
    if between:
        yield say_some("skip-between", between, shown)
    hosts = sorted({f"{one.client} → {one.server} ({one.protocol})" for one, _ in group})
    yield say_some("skip-hosts", hosts, shown)
    agreed = sorted(
        {(one.called(), str(one.line)) for _, verdict in group if (one := permission_of(verdict)) is not None}
    )
    for permission, line in agreed[:shown]:
        yield say("reason.permission", permission=permission, line=line)
