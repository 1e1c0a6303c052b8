"""When the sensor judges and saves: soon enough to tell what is new, and seldom enough to cost little.

All times are seconds of one monotonic clock, and what a judgement or a save took is processor time of the
thread that did it: what others make it wait for does not count.
"""

from __future__ import annotations

from typing import Final

from otmon.sensor.diary import DAY_S

JUDGE_S: Final = 1.0
"""Between two judgements at least, where something is new."""
WINDOW_S: Final = 30.0
"""Between two judgements at most: what only counts tell waits so long."""
LOST_S: Final = 10.0
"""What a power failure can cost of what is new."""
SAVE_S: Final = 9.0
"""Between the facts of two saves, which take their time as well, where something is new."""
COUNTS_S: Final = 300.0
"""The same where what is known was only seen again: what a power failure can cost of counts and times."""
DAY_BYTES: Final = 4 << 30
"""Written in a day at most, as flash wears by it: a save writes the whole ledger."""
CREDIT_BYTES: Final = 1 << 30
"""So much of that can be had beforehand."""
SHARE: Final = 5
"""A judgement needs this many times its duration without one."""
WINDOW_SHARE: Final = 40
"""The same for one of which nothing new is expected."""
SAVE_SHARE: Final = 4
"""The same for a save: a full ledger on a slow disk may take longer than seconds."""
HURRY_S: Final = 5.0
"""Between two looks at what was answered at least, where a judgement of all must wait."""
CREDIT_S: Final = 60.0
"""So much time without a judgement can be had beforehand."""


class Schedule:
    """What is due; told of all that is done."""

    def __init__(self) -> None:
        self._next_judgement = self._next_window = self._next_save = self._next_hurry = 0.0
        self._spent = 0.0
        self._paid = 0.0
        """Up to when the judgements so far need time without one."""
        self._next_count = 0.0
        self._written = 0.0
        """Up to when what was written so far is a day's share."""

    def may_judge(self, now: float) -> bool:
        """Whether what is new may be judged."""
        return now >= self._next_judgement

    def must_judge(self, now: float, saving: bool) -> bool:
        """Whether all is judged, new or not. What is saved (`saving`) is judged where no other save comes
        before that is due: facts are made once for both."""
        return self.may_judge(now) and now >= self._next_window - (SAVE_S if saving else 0)

    @property
    def is_slow(self) -> bool:
        """Whether a judgement of all facts takes so long that nothing else should wait for it."""
        return self._spent > JUDGE_S

    def may_hurry(self, now: float) -> bool:
        """Whether what was answered may be judged alone, as all must wait for longer than that is worth, or
        takes long itself."""
        must_wait = now < self._next_judgement - JUDGE_S
        return now >= self._next_hurry and (must_wait or self.is_slow)

    def hurried(self, begun: float, spent: float) -> None:
        """What was answered was judged: it has a share of its own, as much as all."""
        self._next_hurry = begun + max(HURRY_S, SHARE * spent)

    def must_save(self, now: float, is_new: bool) -> bool:
        """Whether a save is due, of something new or of what only counts."""
        return now >= (self._next_save if is_new else self._next_count)

    def may_yield(self, begun: float, spent: float, now: float) -> bool:
        """Whether a judgement that began at `begun` and took `spent` so far can be given up, as another may
        follow at once."""
        return self._paid_after(begun, spent) <= now

    def yielded(self, begun: float, spent: float) -> None:
        """A judgement was given up for another."""
        self._paid = self._next_judgement = self._paid_after(begun, spent)

    def looked(self, begun: float, spent: float, judged: bool) -> None:
        """All facts were made; `judged`: and not found to be as they were."""
        self._paid = self._paid_after(begun, spent)
        self._next_judgement = max(begun + JUDGE_S, self._paid)
        if judged:
            self._spent = spent
            self._next_window = max(begun + WINDOW_S, begun + WINDOW_SHARE * spent, self._paid)

    def saved(self, asked: float, spent: float, octets: int) -> None:
        """Facts that were asked for at `asked` were saved, or could not be, as a file of so many bytes."""
        a_byte = DAY_S / DAY_BYTES
        self._written = max(self._written, asked - CREDIT_BYTES * a_byte) + octets * a_byte
        self._next_save = max(asked + SAVE_S, asked + SAVE_SHARE * spent, self._written)
        self._next_count = max(asked + COUNTS_S, self._next_save)

    def judge_soon(self) -> None:
        """All is judged next, as the model is another one."""
        self._next_judgement = self._next_window = 0.0

    def _paid_after(self, begun: float, spent: float) -> float:
        return max(self._paid, begun - CREDIT_S) + SHARE * spent
