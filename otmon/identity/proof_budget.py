"""What recomputing proofs may cost.

Some proofs are made to be slow (PBKDF2 in SCRAM, a megabyte for each password in SNMP version 3), and who
sends many of them would stop everything else. So each second of packet time has a budget; what is over it
is left out, and counted. What was recomputed once is at hand for the next proof of the same key.
"""

from __future__ import annotations

from typing import Final

SECOND_NS: Final = 1_000_000_000
SECOND_UNITS: Final = 1_000_000
"""Of one second of packet time: about microseconds of one core."""
SECONDS: Final = 1_024
"""Seconds that are remembered; the one that was met first gives way."""
CHEAP: Final = 10
"""Units of a few hashes over some hundred bytes."""


class ProofBudget:
    """The budget of one source."""

    def __init__(self) -> None:
        self._spent: dict[int, int] = {}
        self._left_out = 0

    def spend(self, time_ns: int, units: int) -> bool:
        """Whether the second of this moment still has as much, which then is spent."""
        second = time_ns // SECOND_NS
        spent = self._spent.get(second, 0) + units
        if spent > SECOND_UNITS:
            return False
        self._spent[second] = spent
        if len(self._spent) > SECONDS:
            del self._spent[next(iter(self._spent))]
        return True

    def leave_out(self) -> None:
        """Count a log-in whose proof was not held against all passwords."""
        self._left_out += 1

    def take_left_out(self) -> int:
        """How many were left out since this was asked last."""
        count, self._left_out = self._left_out, 0
        return count
