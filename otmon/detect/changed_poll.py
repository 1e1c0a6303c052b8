"""A steady poll that goes on at another rhythm.

What it means, when it is wrong and how to respond: `rules/changed-poll.yml`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from otmon.detect.detector import Case, Finding, Link, first, graded, placed, say
from otmon.detect.stopped_poll import Poll, polls_of
from otmon.ledger.course import Window, spans
from otmon.ledger.facts import Operation
from otmon.ledger.ledger import ConversationKey
from otmon.zones.times import shown_instant

RULE: Final = "changed-poll"


class _Limits(NamedTuple):
    """The rule's parameters, which every poll is held against."""

    windows: int
    times: int
    spread: int
    pause: int
    factor: int


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
    limits = _Limits._make(map(case.rules[RULE].number, _Limits._fields))
    for key, polls in sorted(polls_of(case).items()):
        changes = [change for poll in polls if (change := _change(limits, poll)) is not None]
        if changes:
            yield _finding(case, key, changes)


def _change(limits: _Limits, poll: Poll) -> _Change | None:
    least = limits.windows
    # The first and the last window are not whole.
    whole = poll.course[1:-1]
    if len(whole) < 2 * least:
        return None
    start_ns, begin_ns, _ = next(spans(poll.first_ns, poll.last_ns, poll.course))
    width_ns = begin_ns - start_ns
    before = _steady(limits, whole, width_ns)
    # All in one rhythm, as most polls are.
    if before < least or (before == len(whole) and limits.spread < 100 * limits.factor):
        return None
    after = len(whole) - _steady(limits, whole[::-1], width_ns)
    for cut in range(least, min(before, len(whole) - least) + 1):
        # The window between may be either.
        for start in (cut, cut + 1):
            if start < after or len(whole) - start < least:
                continue
            before_ns, after_ns = _period(whole[:cut], width_ns), _period(whole[start:], width_ns)
            if max(before_ns, after_ns) >= limits.factor * min(before_ns, after_ns):
                since_ns = begin_ns + cut * width_ns
                times = sum(one.times for one in poll.operations)
                return _Change(poll.operations, since_ns, before_ns, after_ns, times)
    return None


def _steady(limits: _Limits, windows: tuple[Window, ...], width_ns: int) -> int:
    """In how many windows, from the first one on, about as much was asked, and nowhere with a pause."""
    low = high = windows[0].times
    for number, (times, _, _, gap_ns) in enumerate(windows):
        low, high = min(low, times), max(high, times)
        uneven = low < limits.times or 100 * high > limits.spread * low
        if uneven or 10 * gap_ns * times > limits.pause * width_ns:
            return number
    return len(windows)


def _period(windows: tuple[Window, ...], width_ns: int) -> int:
    return len(windows) * width_ns // sum(window.times for window in windows)


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
            since=shown_instant(best.since_ns, case.timezone),
            before=f"{best.before_ns / 1e9:.2f}", after=f"{best.after_ns / 1e9:.2f}",
        ),
        why=(say("poll-changed-of", service=best.poll[0].service, times=best.times, polls=len(changes)),),
        count=sum(change.times for change in changes),
        unit="transactions",
        first_ns=best.since_ns,
        last_ns=max(one.last_ns for one in operations),
        evidence=first(*(one.evidence for one in operations)),
        extent=len(operations),
    )  # fmt: skip
