"""A server whose answers became much slower, and stayed so.

What it means, when it is wrong and how to respond: `rules/slower-answers.yml`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from otmon.detect.detector import Case, Finding, Link, first, graded, reached, say, say_some
from otmon.detect.stopped_poll import Poll, polls_of
from otmon.ledger.course import spans
from otmon.ledger.facts import Operation
from otmon.zones.times import shown_instant

RULE: Final = "slower-answers"

Server = tuple[str, str, int, str]
"""Address, transport, port, protocol."""
Mean = tuple[int, int, int, int]
"""Begin and end of a window, how much was answered in it, and how long that took on average, in ns."""


class _Limits(NamedTuple):
    """The rule's parameters, which every poll is held against."""

    windows: int
    answers: int
    factor: int
    milliseconds: int


@dataclass(frozen=True, slots=True)
class _Drift:
    """Answers to one request that became slower."""

    poll: list[Operation]
    since_ns: int
    """The end of the last window with quick answers."""
    before_ns: int
    after_ns: int
    """The mean response times."""
    answered: int


def slower_answers(case: Case) -> Iterator[Finding]:
    limits = _Limits._make(map(case.rules[RULE].number, _Limits._fields))
    least = 2 * limits.windows
    judged: dict[Server, int] = {}
    drifts: dict[Server, list[_Drift]] = {}
    for key, polls in polls_of(case).items():
        server = key[1], key[2], key[3], key[4]
        for poll in polls:
            if len(poll.course) < least:
                continue
            # Of the windows with enough answers to tell.
            enough = limits.answers
            means = [sum_ns // answered for _, answered, sum_ns, _ in poll.course if answered >= enough]
            if len(means) < least:
                continue
            judged[server] = judged.get(server, 0) + 1
            if _much_slower(limits, min(means), max(means)):
                drift = _drift(limits, poll)
                if drift is not None:
                    drifts.setdefault(server, []).append(drift)
    for server, found in sorted(drifts.items()):
        # One request among many tells of its own work, or of its client's way, and not of the server.
        if 2 * len(found) >= judged[server]:
            yield _finding(case, server, found, judged[server])


def _much_slower(limits: _Limits, before_ns: int, after_ns: int) -> bool:
    return after_ns >= limits.factor * before_ns and after_ns - before_ns >= 1_000_000 * limits.milliseconds


def _drift(limits: _Limits, poll: Poll) -> _Drift | None:
    """Where every window from one on is much slower than every one before; the one between may be either."""
    means: list[Mean] = [
        (begin_ns, end_ns, window.answered, window.response_ns_sum // window.answered)
        for begin_ns, end_ns, window in spans(*poll[1:])
        if window.answered >= limits.answers
    ]
    for cut in range(limits.windows, len(means) - limits.windows + 1):
        before = means[:cut]
        for after in (means[cut:], means[cut + 1 :]):
            if len(after) < limits.windows:
                continue
            slowest, quickest = max(one[3] for one in before), min(one[3] for one in after)
            if _much_slower(limits, slowest, quickest):
                answered = sum(one[2] for one in means)
                return _Drift(poll.operations, before[-1][1], _mean(before), _mean(after), answered)
    return None


def _mean(windows: list[Mean]) -> int:
    return sum(count * mean_ns for _, _, count, mean_ns in windows) // sum(one[2] for one in windows)


def _finding(case: Case, server: Server, drifts: list[_Drift], judged: int) -> Finding:
    address, transport, port, protocol = server
    # The one with most answers says it best.
    best = max(drifts, key=lambda one: (one.answered, -one.since_ns))
    operations = [one for drift in drifts for one in drift.poll]
    clients = sorted({one.client for one in operations})
    place = reached(case, operations)
    return Finding(
        rule=RULE,
        key=(address, transport, str(port), protocol),
        severity=graded(case, place.to_zone, "medium"),
        link=Link(clients[0] if len(clients) == 1 else "", address, transport, port, protocol),
        place=place,
        what=say(
            "slower", server=address, protocol=protocol, since=shown_instant(best.since_ns, case.timezone),
            factor=f"{best.after_ns / max(best.before_ns, 1):.1f}",
            before=f"{best.before_ns / 1e6:.1f}", after=f"{best.after_ns / 1e6:.1f}",
        ),
        why=(
            say("slower-of", service=best.poll[0].service, answered=best.answered),
            say("slower-share", slower=len(drifts), judged=judged),
            say_some("slower-for", clients, case.rules[RULE].number("shown")),
        ),
        count=sum(drift.answered for drift in drifts),
        unit="transactions",
        first_ns=best.since_ns,
        last_ns=max(one.last_ns for one in operations),
        evidence=first(*(one.evidence for one in operations)),
        extent=len(drifts),
    )  # fmt: skip
