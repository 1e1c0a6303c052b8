"""A steady poll that ended while the capture went on.

What it means, when it is wrong and how to respond: `rules/stopped-poll.yml`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from otmon.detect.capture_end import went_on_until
from otmon.detect.detector import (
    Case,
    Finding,
    first,
    importance,
    link_of,
    placed,
    say,
)
from otmon.detect.duration import lasting
from otmon.detect.once_per_case import once_per_case
from otmon.detect.rules.rule import Rule
from otmon.ledger.course import Window, joined, spans
from otmon.ledger.facts import Conversation, Operation
from otmon.ledger.ledger import ConversationKey, conversation_key

RULE: Final = "stopped-poll"


def stopped_poll(case: Case) -> Iterator[Finding]:
    rule = case.rules[RULE]
    least_ns = _silence_ns(rule)
    pause, times, lasted_s = rule.number("pause"), rule.number("times"), rule.number("lasted_s")
    end_ns = went_on_until(case)
    asked = case.asked
    talked = {conversation_key(fact): fact for fact in case.ledger.conversations} if asked else {}
    for key, operations in asked.items():
        silence_ns = end_ns - max([one.last_ns for one in operations])
        if silence_ns < least_ns:
            # So it is with nearly all.
            continue
        pauses = [(poll, _pause_ns(case, poll, times, lasted_s, pause)) for poll in polls_of(case)[key]]
        steady = [(poll, pause_ns) for poll, pause_ns in pauses if pause_ns is not None]
        conversation = talked.get(key)
        if not steady or conversation is None:
            continue
        gap_ns = max(pause_ns for _, pause_ns in steady)
        if silence_ns >= pause * gap_ns and not _tries_again(case, key, operations):
            polls = [one for poll, _ in steady for one in poll.operations]
            yield _finding(case, key, polls, conversation, gap_ns, silence_ns)


def _silence_ns(rule: Rule) -> int:
    return 1_000_000_000 * rule.number("silence_s")


class Poll(NamedTuple):
    """What a client asks for the same elements, however it ended."""

    operations: list[Operation]
    first_ns: int
    last_ns: int
    course: tuple[Window, ...]


@once_per_case
def polls_of(case: Case) -> dict[ConversationKey, list[Poll]]:
    """The polls of each conversation."""
    return {key: list(_polls(operations)) for key, operations in case.asked.items()}


def _polls(operations: list[Operation]) -> Iterator[Poll]:
    found: dict[tuple[int, ...], list[Operation]] = {}
    for one in operations:
        if not one.swept:
            about = one.unit, one.function, one.subfunction, one.address, one.count
            found.setdefault(about, []).append(one)
    for group in found.values():
        one = group[0]
        if len(group) == 1:
            yield Poll(group, one.first_ns, one.last_ns, one.course)
        else:
            first_ns, last_ns = min(one.first_ns for one in group), max(one.last_ns for one in group)
            course = joined((one.first_ns, one.last_ns, one.course) for one in group)
            yield Poll(group, first_ns, last_ns, course)


def _pause_ns(case: Case, poll: Poll, least: int, lasted_s: int, pause: int) -> int | None:
    """The longest pause of a poll that is steady, None of one that is not. A plant that stands still at a
    weekend and a sensor that is started anew make one that is no habit: a poll that went on steadily for
    longer than it had paused is steady, from there on."""

    def steady_ns(first_ns: int, times: int, gap_ns: int) -> int | None:
        lasted_ns = poll.last_ns - first_ns
        if times < least or lasted_ns < 1_000_000_000 * lasted_s or not gap_ns:
            return None
        longest_ns = _longest_ns(case, poll, first_ns, times, gap_ns)
        return longest_ns if longest_ns * (times - 1) <= pause * lasted_ns else None

    times = sum([one.times for one in poll.operations])
    if times < least:
        return None
    gap_ns = max(one.gap_ns for one in poll.operations)
    if (found := steady_ns(poll.first_ns, times, gap_ns)) is not None:
        return found
    paused_ns = _longest_ns(case, poll, poll.first_ns, times, gap_ns)
    windows = [one for one in spans(poll.first_ns, poll.last_ns, poll.course) if one[2].times]
    for place, (begin_ns, _, _) in enumerate(windows[1:], 1):
        if poll.last_ns - begin_ns < paused_ns:
            return None
        rest = [window for _, _, window in windows[place:]]
        # Where the sensor was started anew no window tells the pause before its first request.
        found = steady_ns(begin_ns, sum(one.times for one in rest), max(one.gap_ns for one in rest))
        if found is not None:
            return found
    return None


def _longest_ns(case: Case, poll: Poll, first_ns: int, times: int, gap_ns: int) -> int:
    """The longest pause there can have been since `first_ns`, in so many requests with no more than `gap_ns`
    between two of a capture: of several captures, no fact tells one between the last request of one and the
    first of the next. What requests that follow each other as in each capture cannot fill, while captures
    went on, is taken for one pause."""
    spare_ns = poll.last_ns - first_ns - gap_ns * (times - 1)
    if spare_ns > 0:
        spare_ns -= sum(
            max(0, min(end_ns, poll.last_ns) - max(begin_ns, first_ns))
            for begin_ns, end_ns in _unwatched(case)
        )
    return gap_ns + max(0, spare_ns)


@once_per_case
def _unwatched(case: Case) -> list[tuple[int, int]]:
    """Begin and end of each time between captures in which none was made."""
    found: list[tuple[int, int]] = []
    last_ns = 0
    for source in sorted(case.ledger.sources, key=lambda one: one.first_ns):
        if 0 < last_ns < source.first_ns:
            found.append((last_ns, source.first_ns))
        last_ns = max(last_ns, source.last_ns)
    return found


def _tries_again(case: Case, key: ConversationKey, operations: list[Operation]) -> bool:
    """Whether the client still tries to connect: then the server is at fault, not the poll."""
    last_ns = max(one.last_ns for one in operations)
    bare = (*key[:4], "none", key[5])
    return any(
        conversation_key(fact) == bare and fact.last_ns > last_ns for fact in case.ledger.conversations
    )


def _finding(
    case: Case,
    key: ConversationKey,
    polls: list[Operation],
    conversation: Conversation,
    gap_ns: int,
    silence_ns: int,
) -> Finding:
    place = placed(case, key)
    last_ns = max(one.last_ns for one in polls)
    times = sum(one.times for one in polls)
    until_ns = last_ns + _silence_ns(case.rules[RULE])
    there = any(one.address == key[0] and one.last_ns > until_ns for one in case.ledger.assets)
    return Finding(
        rule=RULE,
        key=tuple(map(str, key)),
        severity="medium" if importance(case, place.to_zone) == "high" else "low",
        link=link_of(conversation),
        place=place,
        what=say("poll-stopped", client=key[0], server=key[1], protocol=key[4]),
        why=(
            say("poll-was", times=times, pause=lasting(gap_ns)),
            say("poll-silence", silence=lasting(silence_ns)),
            say("client-there") if there else say("client-gone"),
        ),
        count=times,
        unit="transactions",
        first_ns=min(one.first_ns for one in polls),
        last_ns=last_ns,
        evidence=first(*(one.evidence for one in polls)),
        extent=len(polls),
    )
