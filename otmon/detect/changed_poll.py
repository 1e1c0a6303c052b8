"""A steady poll that goes on at another rhythm.

What it means, when it is wrong and how to respond: `rules/changed-poll.yml`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from otmon.detect.detector import Case, Finding, Link, first, graded, placed, say
from otmon.detect.rules.rule import Rule
from otmon.detect.stopped_poll import polls_of
from otmon.ledger.course import Window, joined, spans
from otmon.ledger.facts import Operation
from otmon.ledger.ledger import ConversationKey
from otmon.zones.times import shown_instant

RULE: Final = "changed-poll"

Stretch = tuple[int, int, Window]
"""Begin and end of a window, and what was asked in it."""


@dataclass(frozen=True, slots=True)
class _Change:
    poll: list[Operation]
    since_ns: int
    """The end of the last window in the old rhythm."""
    before_ns: int
    after_ns: int
    """Mean times between two requests."""
    times: int


def changed_poll(case: Case) -> Iterator[Finding]:
    rule = case.rules[RULE]
    for key, operations in sorted(case.asked.items()):
        changes = [change for poll in polls_of(operations) if (change := _change(rule, poll)) is not None]
        if changes:
            yield _finding(case, key, changes)


def _change(rule: Rule, poll: list[Operation]) -> _Change | None:
    least, factor = rule.number("windows"), rule.number("factor")
    if sum(len(one.course) for one in poll) < 2 * least:
        return None
    course = joined((one.first_ns, one.last_ns, one.course) for one in poll)
    first_ns, last_ns = min(one.first_ns for one in poll), max(one.last_ns for one in poll)
    # The first and the last window are not whole.
    whole = list(spans(first_ns, last_ns, course))[1:-1]
    for cut in range(least, len(whole) - least + 1):
        if not _is_steady(rule, whole[:cut]):
            return None
        for after in (whole[cut:], whole[cut + 1 :]):
            if len(after) < least or not _is_steady(rule, after):
                continue
            before_ns, after_ns = _period(whole[:cut]), _period(after)
            if max(before_ns, after_ns) >= factor * min(before_ns, after_ns):
                return _Change(poll, whole[cut - 1][1], before_ns, after_ns, sum(one.times for one in poll))
    return None


def _is_steady(rule: Rule, windows: list[Stretch]) -> bool:
    """Whether about as much was asked in each window, and nowhere with a pause."""
    counts = [window.times for _, _, window in windows]
    if min(counts) < rule.number("times") or 100 * max(counts) > rule.number("spread") * min(counts):
        return False
    return all(
        10 * window.gap_ns * window.times <= rule.number("pause") * (end_ns - begin_ns)
        for begin_ns, end_ns, window in windows
    )


def _period(windows: list[Stretch]) -> int:
    return sum(end_ns - begin_ns for begin_ns, end_ns, _ in windows) // sum(
        window.times for _, _, window in windows
    )


def _finding(case: Case, key: ConversationKey, changes: list[_Change]) -> Finding:
    best = max(changes, key=lambda one: (one.times, -one.since_ns))
    operations = [one for change in changes for one in change.poll]
    place = placed(case, key)
    return Finding(
        rule=RULE,
        key=tuple(map(str, key)),
        severity=graded(case, place.to_zone, "medium"),
        link=Link(*key),
        place=place,
        what=say(
            "poll-changed", client=key[0], server=key[1], protocol=key[4],
            since=shown_instant(best.since_ns, ""),
            before=f"{best.before_ns / 1e9:.2f}", after=f"{best.after_ns / 1e9:.2f}",
        ),
        why=(say("poll-changed-of", service=best.poll[0].service, times=best.times, polls=len(changes)),),
        count=sum(change.times for change in changes),
        unit="transactions",
        first_ns=best.since_ns,
        last_ns=max(one.last_ns for one in operations),
        evidence=first(*(one.evidence for one in operations)),
    )  # fmt: skip
