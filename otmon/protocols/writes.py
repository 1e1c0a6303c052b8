"""What commands that write values write to which elements, in protocols of which no kernel reads that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from otmon.protocols.commands import FINS_WRITES, SLMP_WRITES
from otmon.protocols.fins_writes import fins_written
from otmon.protocols.protocol import NOTHING_WRITTEN, Written
from otmon.protocols.s7_writes import s7_written
from otmon.protocols.slmp_writes import slmp_written

_READERS: Final[dict[str, Callable[[bytes, int], Written]]] = {
    "fins": fins_written,
    "s7comm": s7_written,
    "slmp": slmp_written,
}
FUNCTIONS: Final[dict[str, frozenset[int]]] = {
    "fins": frozenset(FINS_WRITES),
    "s7comm": frozenset((5, 0x0108)),
    "slmp": frozenset((*SLMP_WRITES, 2, 3, 4, 5)),
}
"""Numbers of the functions that may write to elements, of each protocol of which that is read here; those of
frames 1E of SLMP are small ones."""


def written_in(protocol: str, message: bytes, function: int) -> Written:
    """What a command writes, from the message and the number that `otmon.protocols.commands` gives it.
    Whatever the bytes, it gives what is there of values, and whether that is all."""
    read = _READERS.get(protocol)
    return NOTHING_WRITTEN if read is None else read(message, function)
