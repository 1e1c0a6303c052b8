"""A digest of the facts, by which the sensor sees whether there is something new to judge: which facts there
are, and how high their peaks, but not how often each was seen.

A plant that polls changes its counts all the time; and at each moment there are requests that wait for their
answers, and connections in which nothing was said yet, as there were before. None of that is in the digest:
what only counts can tell is judged from time to time (`otmon.sensor.schedule`).
"""

from __future__ import annotations

from itertools import chain
from typing import Final

import numpy as np
import numpy.typing as npt

from otmon.ledger.facts import OPEN_AT_END
from otmon.ledger.ledger import (
    Ledger,
    anomaly_key,
    asset_key,
    claim_key,
    conversation_key,
    credential_key,
    names_key,
    operation_key,
    written_key,
)

Outline = npt.NDArray[np.int64]
"""Numbers of facts, in order, each once."""
TIMES: Final = 2
"""How many numbers of facts are remembered: this many times as many as there are facts,"""
SAID: Final = 1 << 15
"""and so many more. Also how many claims, log-ins and operations that were heard are remembered at most."""


class Known:
    """Which facts were judged before, and what hosts said before. What comes and goes is new once, within
    bounds."""

    def __init__(self) -> None:
        self._judged: Outline = np.zeros(0, np.int64)
        """Of all facts that were judged since it grew too large last."""
        self._heard = set[int]()

    def holds(self, outlined: Outline) -> bool:
        """Whether all facts with these numbers were judged."""
        return not len(np.setdiff1d(outlined, self._judged, assume_unique=True))

    def add(self, outlined: Outline) -> None:
        """The facts with these numbers were judged."""
        is_large = len(self._judged) > TIMES * len(outlined) + SAID
        self._judged = outlined if is_large else np.union1d(self._judged, outlined)

    def hears_new(self, told: Ledger) -> bool:
        """Whether hosts said in `told` what this did not hear before."""
        keys = {hash(claim_key(one)) for one in told.claims}
        keys |= {hash(credential_key(one)) for one in told.credentials}
        keys |= {hash(operation_key(one)) for one in told.operations}
        if keys <= self._heard:
            return False
        if len(self._heard) > SAID:
            self._heard = set()
        self._heard |= keys
        return True


def outline(ledger: Ledger) -> Outline:
    """A number for each fact, another one where it has changed in more than counts. Peaks, resets and what
    names carried count by their power of two, the busiest minutes of conversations by that of four: they grow
    seldom, and a flood lets them grow at once."""
    asked = {operation_key(one)[:-1] for one in ledger.operations if one.status != OPEN_AT_END}
    return np.unique(np.fromiter(chain(
        (hash((asset_key(one), one.arp_asked, *((p.kind, p.packets.bit_length()) for p in one.peaks)))
          for one in ledger.assets),
        (hash((conversation_key(one), one.answered, one.role, one.expected, one.tunnel,
                one.resets.bit_length(), (one.busiest.count.bit_length() + 1) >> 1))
          for one in ledger.conversations),
        (hash((operation_key(one), one.swept)) for one in ledger.operations
          if one.status != OPEN_AT_END or operation_key(one)[:-1] not in asked),
        (hash((written_key(one), *(e.value for e in one.extremes), *(e.value for e in one.steps),
                *(e.value for e in one.changes)))
          for one in ledger.written),
        (hash(anomaly_key(one)) for one in ledger.anomalies),
        (hash(credential_key(one)) for one in ledger.credentials),
        (hash(claim_key(one)) for one in ledger.claims),
        (hash((names_key(one), one.carried_bits.bit_length(), one.free.bit_length()))
          for one in ledger.names),
        (hash(kind) for kind, _ in ledger.overflow),
    ), np.int64))  # fmt: skip
