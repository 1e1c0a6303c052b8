"""Times of packets where the machine's clock is wrong for a while, as at a start without a battery.

Linux stamps packets by a clock that can be set. Beside it runs one that nobody sets and that goes on while
the machine sleeps (CLOCK_BOOTTIME): by it a jump is seen. Times of packets go on as before a jump until the
clock has kept to the new one for `HOLD_S`, so a clock that is wrong for a minute spoils nothing. One that
says what cannot be is not believed at all: times then go on from the latest one that is known, until it is
set. Steps of less than `JUMP_S` are followed.

A clock that is set by more than a day was wrong since the start, or since it was set before. The times that
it gave are told (`Clock.look`), so that what was seen then is left out: a first time of years ago, or a last
one of years to come, would stay in a ledger for ever. Where that lasted for more than a day, leaving it out
would be worse.
"""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final, Literal, NamedTuple, get_args

import numpy as np

from otmon import RELEASED
from otmon.capture.batch import Batch
from otmon.kernel import Ints
from otmon.ledger.aging import Span
from otmon.ledger.facts import DAY_NS
from otmon.outputs.instant import clock_name, short_text
from otmon.sentence import Sentence, placed, sentence

SECOND_NS: Final = 1_000_000_000
JUMP_S: Final = 60.0
"""By more than this a clock that differs from what has passed jumps."""
HOLD_S: Final = 300.0
"""So long a clock must keep to what it jumped to."""
EARLIEST_NS: Final = int(datetime.fromisoformat(RELEASED).replace(tzinfo=UTC).timestamp()) * SECOND_NS
"""No packet is heard by a program that was not made yet."""
LATEST_NS: Final = EARLIEST_NS + 30 * 365 * DAY_NS
"""Clocks without a battery say years such as 2099 as well."""
_JUMP_NS: Final = int(JUMP_S) * SECOND_NS

What = Literal["packets", "absurd", "held", "over", "set", "left out"]
"""What happened to times: those of packets jumped (by a network card's clock); the clock says what cannot be;
it jumped; it jumped back; it was set; the same, and what it gave times to goes."""


class Jump(NamedTuple):
    """By how many seconds times jumped, and to which time, in nanoseconds; both 0 of none."""

    seconds: int
    time_ns: int
    what: What = "packets"


NO_JUMP: Final = Jump(0, 0)
WHATS: Final[frozenset[str]] = frozenset(get_args(What))


def jumped(name: str, jump: Jump, zone: str) -> Sentence:
    """What happened to times, by the clocks of a time zone."""
    seconds, when, clock = f"{jump.seconds:+,}", short_text(jump.time_ns, zone), clock_name(zone)
    if jump.what == "packets":
        what = sentence(
            "the times of packets jumped by {seconds} seconds, to {time} {clock}: is the clock right? "
            "No fact is forgotten for it",
            seconds=seconds, time=when, clock=clock,
        )  # fmt: skip
    elif jump.what == "absurd":
        what = sentence(
            "the machine's clock cannot be right, it says {wrong} {clock}: until it is set, the times of "
            "packets go on from {time}, the latest that is known",
            wrong=short_text(max(jump.time_ns - jump.seconds * SECOND_NS, 0), zone), time=when, clock=clock,
        )  # fmt: skip
    elif jump.what == "held":
        what = sentence(
            "the machine's clock jumped by {seconds} seconds, to {time} {clock}: packets keep the time of "
            "before, until it has stayed so for {minutes} minutes",
            seconds=seconds, time=when, clock=clock, minutes=int(HOLD_S) // 60,
        )  # fmt: skip
    elif jump.what == "over":
        what = sentence(
            "over: the machine's clock is again as it was before it jumped; no packet got a wrong time"
        )
    elif jump.what == "set":
        what = sentence(
            "the machine's clock was set by {seconds} seconds: from {time} {clock} on packets have its time",
            seconds=seconds, time=when, clock=clock,
        )  # fmt: skip
    else:
        what = sentence(
            "the machine's clock was set by {seconds} seconds: from {time} {clock} on packets have its time. "
            "What was seen before by the wrong clock is left out of the ledger; findings that were told stay "
            "told",
            seconds=seconds, time=when, clock=clock,
        )  # fmt: skip
    return placed(name, what)


def is_absurd(time_ns: int) -> bool:
    """Whether no clock that is right can say so."""
    return not EARLIEST_NS <= time_ns < LATEST_NS


def now() -> tuple[int, int]:
    """What the machine's clock says, in nanoseconds since 1970, and the one that nobody sets."""
    return time.time_ns(), time.clock_gettime_ns(time.CLOCK_BOOTTIME)


class Clock:
    """What is added to the times of packets; used by the thread that reads them."""

    def __init__(self, known_ns: int = 0) -> None:
        """`known_ns`: the latest time that an earlier run knew, 0 for none."""
        self._known_ns = known_ns + SECOND_NS if not is_absurd(known_ns) else EARLIEST_NS
        self._offset: int | None = None
        """The time of packets less that of the clock that nobody sets."""
        self._is_absurd = False
        self._held = self._held_since = 0
        """The offset of what the clock jumped to, and since when; 0 where it goes on as before."""
        self._began = 0
        """Since when the clock was not set, by the one that nobody sets."""
        self.added_ns = 0
        self._before_ns = self._changed = 0
        """What was added before it was changed, and when that was."""
        self.jump = NO_JUMP
        """What happened last."""

    def look(self, wall_ns: int, boot_ns: int) -> Span | None:
        """Take what both clocks say now (`now`). The first and last of the times that were given by a clock
        that was wrong, where this is found out now and they are to be left out."""
        offset, wrong = wall_ns - boot_ns, None
        if self._offset is None:
            self._began = boot_ns
            self._is_absurd = is_absurd(wall_ns)
            self._offset = self._known_ns - boot_ns if self._is_absurd else offset
            if self._is_absurd:
                self._say("absurd", self._offset - offset, boot_ns)
        elif self._is_absurd:
            if not is_absurd(wall_ns):
                self._is_absurd = False
                wrong = self._set(offset, boot_ns)
        elif abs(offset - self._offset) <= _JUMP_NS:
            if self._held:
                self._held = 0
                self._say("over", 0, boot_ns)
            self._offset = offset
        elif not self._held or abs(offset - self._held) > _JUMP_NS:
            self._held, self._held_since = offset, boot_ns
            self.jump = Jump((offset - self._offset) // SECOND_NS, wall_ns, "held")
        elif boot_ns - self._held_since >= HOLD_S * SECOND_NS and not is_absurd(wall_ns):
            self._held = 0
            wrong = self._set(offset, boot_ns)
        added = self._offset - offset
        if abs(added - self.added_ns) > _JUMP_NS:
            self._before_ns, self._changed = self.added_ns, boot_ns
        self.added_ns = added
        return wrong

    def _say(self, what: What, by_ns: int, boot_ns: int) -> None:
        assert self._offset is not None
        self.jump = Jump(by_ns // SECOND_NS, self._offset + boot_ns, what)

    def _set(self, offset: int, boot_ns: int) -> Span | None:
        """Times go by the clock from now on."""
        assert self._offset is not None
        by_ns, lasted_ns = offset - self._offset, boot_ns - self._began
        # What was read at the first look had waited in the ring.
        wrong = self._began + self._offset - _JUMP_NS, boot_ns + self._offset + _JUMP_NS
        goes = abs(by_ns) > DAY_NS >= lasted_ns
        self._offset, self._began = offset, boot_ns
        self._say("left out" if goes else "set", by_ns, boot_ns)
        return wrong if goes else None

    def times(self, times_ns: Ints, wall_ns: int, boot_ns: int) -> Ints:
        """The times of packets that were read just now: as they are, unless the clock jumped. Of packets
        that were stamped before and after a jump each has what brings it nearest to now."""
        is_settled = not self._changed or boot_ns - self._changed > _JUMP_NS
        if is_settled and abs(self.added_ns) <= _JUMP_NS:
            return times_ns
        now_ns = wall_ns + self.added_ns
        found = times_ns
        for added in (self._before_ns, self.added_ns):
            other = times_ns + added
            found = np.where(abs(other - now_ns) < abs(found - now_ns), other, found)
        return np.where(abs(found - now_ns) > _JUMP_NS, now_ns, found)

    def batch(self, batch: Batch, wall_ns: int, boot_ns: int) -> Batch:
        """The batch with the times of its packets (`times`)."""
        times_ns = self.times(batch.time_ns, wall_ns, boot_ns)
        return batch if times_ns is batch.time_ns else replace(batch, time_ns=times_ns)
