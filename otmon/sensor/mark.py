"""A mark beside the ledger while a sensor writes it: where it is found at a start, the run before did not end
in order, and what it saw after its last save is missing."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path


def begin(ledger: Path) -> bool:
    """Set the mark; whether one was there. What a killed run left of a file that it was writing goes. A
    folder that cannot be written is told of by the first save."""
    mark = _mark(ledger)
    was_there = mark.exists()
    with suppress(OSError):
        for part in sorted(ledger.parent.glob(f".{ledger.name}.*.part*")):
            part.unlink(missing_ok=True)
        mark.touch()
    return was_there


def end(ledger: Path) -> None:
    """Everything was saved."""
    with suppress(OSError):
        _mark(ledger).unlink(missing_ok=True)


def _mark(ledger: Path) -> Path:
    return ledger.with_name(f".{ledger.name}.open")
