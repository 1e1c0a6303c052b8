"""How an operation went over time: its requests and answers in a few windows of equal width.

Windows last `SHORTEST_NS` times a power of two, and begin at multiples of their width since 1970, so that
two narrow ones make a wide one, and windows of up to a minute lie within one minute of the clock. The width
is the smallest with which `WINDOWS` windows hold all from the first request to the last. So it follows from
these two times alone, every request counts in the window in which it was sent, and courses that are joined
are the course of all their requests, in whatever order: exactly, but for gaps across what was counted apart.

A course is at least half as fine as `WINDOWS` tells, however long it is: of a capture of a day, each window
is an hour or two.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

WINDOWS: Final = 16
"""The most windows of a course."""
SHORTEST_NS: Final = 60_000_000_000 >> 2
"""Width of the narrowest window: doubled twice it is a minute. A narrower one would begin more often, which
costs time on the packet path."""


class Window(NamedTuple):
    """What was asked in one window."""

    times: int
    """Requests that were sent in it."""
    answered: int
    """How many of them were answered."""
    response_ns_sum: int
    """How long the answers to these took, together."""
    gap_ns: int
    """The longest time from the request before to one of these, 0 where none is known."""


_MINUTE: Final = 2
"""How often the narrowest window is doubled to be a minute."""
NOTHING: Final = Window(0, 0, 0, 0)
Part = tuple[int, int, tuple[Window, ...]]
"""First and last time in nanoseconds since 1970, and the course between them."""


def width(first_ns: int, last_ns: int) -> int:
    """How often `SHORTEST_NS` is doubled for windows from the first time to the last."""
    low, high = first_ns // SHORTEST_NS, last_ns // SHORTEST_NS
    doubled = max(0, (high - low).bit_length() - WINDOWS.bit_length())
    while (high >> doubled) - (low >> doubled) >= WINDOWS:
        doubled += 1
    return doubled


def length(first_ns: int, last_ns: int) -> int:
    """How many windows a course has."""
    doubled = width(first_ns, last_ns)
    return (last_ns // SHORTEST_NS >> doubled) - (first_ns // SHORTEST_NS >> doubled) + 1


def joined(parts: Iterable[Part]) -> tuple[Window, ...]:
    """The course of all parts; none where that of a part is not known."""
    every = list(parts)
    if not all(course for _, _, course in every):
        return ()
    if len(every) == 1:
        return every[0][2]
    first_ns = min(first for first, _, _ in every)
    last_ns = max(last for _, last, _ in every)
    doubled = width(first_ns, last_ns)
    begin = first_ns // SHORTEST_NS >> doubled
    found = [NOTHING] * length(first_ns, last_ns)
    for first, last, course in every:
        narrow = width(first, last)
        start = first // SHORTEST_NS >> narrow
        for number, window in enumerate(course):
            if window.times:
                at = (start + number >> doubled - narrow) - begin
                found[at] = window if found[at] is NOTHING else _sum(found[at], window)
    return tuple(found)


def spans(first_ns: int, last_ns: int, course: tuple[Window, ...]) -> Iterator[tuple[int, int, Window]]:
    """Begin, end (excluded) and content of each window of a course, in nanoseconds since 1970."""
    doubled = width(first_ns, last_ns)
    width_ns = SHORTEST_NS << doubled
    begin_ns = (first_ns // SHORTEST_NS >> doubled) * width_ns
    for number, window in enumerate(course):
        yield begin_ns + number * width_ns, begin_ns + (number + 1) * width_ns, window


def most_in_a_minute(parts: Iterable[Part]) -> tuple[int, int]:
    """How many requests of all parts together were sent in one minute of the clock at least, and when that
    minute, or the window in which it lies, begins; (0, 0) where nothing is known.

    Exact where windows are a minute or less. A wider one has at least one minute with as many as its mean.
    """
    levels: dict[int, dict[int, int]] = {}
    for first_ns, last_ns, course in parts:
        level = max(width(first_ns, last_ns), _MINUTE)
        found = levels.setdefault(level, {})
        for begin_ns, _, window in spans(first_ns, last_ns, course):
            at = begin_ns // SHORTEST_NS >> level
            found[at] = found.get(at, 0) + window.times
    sums: dict[int, int] = {}
    before = most = when_ns = 0
    for level, found in sorted(levels.items()):
        narrow, sums = sums, dict(found)
        for at, times in narrow.items():
            sums[at >> level - before] = sums.get(at >> level - before, 0) + times
        before = level
        for at, times in sorted(sums.items()):
            mean = -(-times >> level - _MINUTE)
            if mean > most:
                most, when_ns = mean, (at << level) * SHORTEST_NS
    return most, when_ns


def _sum(a: Window, b: Window) -> Window:
    return Window(
        a.times + b.times,
        a.answered + b.answered,
        a.response_ns_sum + b.response_ns_sum,
        max(a.gap_ns, b.gap_ns),
    )
