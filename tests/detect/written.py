"""Values that somebody wrote, as ledgers."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from otmon.detect.rules.sample import ledger_of
from otmon.ledger.ledger import Ledger

ENDS = {"client": "10.1.0.5", "server": "10.2.0.1"}
HOURS = {"first": "2026-01-05 09:00", "last": "2026-01-05 12:00"}


def real(value: float, swapped: bool = False) -> int:
    """A floating point number as the bits of two registers."""
    (bits,) = struct.unpack(">I", struct.pack(">f", value))
    return int((bits & 0xFFFF) << 16 | bits >> 16) if swapped else int(bits)


def facts(values: Sequence[int], words: int = 1, **more: str) -> Ledger:
    """Values that were written one after the other to a register, or to two; `more` is of the fact."""
    said = ENDS | HOURS | more
    return ledger_of([{"written-value": said | {"words": str(words), "values": list(map(str, values))}}])
