"""What stands beside the ledger: a mark while a sensor writes it, and which findings it has told.

Where the mark is found at a start, the run before did not end in order, and what it saw after its last save
is missing. A finding of the ledger's facts that is not among those told is told then: the end came before it
was judged.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

from otmon import private
from otmon.detect.finding import SEVERITIES
from otmon.sentence import Complaint, placed, sentence

TOLD_BYTES: Final = 16 << 20
"""A file that is larger was not written here: a ledger with every limit reached has some 60,000 findings."""


_HELD: Final[dict[Path, IO[bytes]]] = {}
"""Marks of this process, which are locked: the lock goes with the process, however that ends."""


class InUse(Complaint):
    """Another sensor that is alive writes the ledger."""


def begin(ledger: Path) -> bool:
    """Set the mark; whether one was there. What a killed run left of a file that it was writing goes. A
    folder that cannot be written is told of by the first save. Raises InUse."""
    mark = _mark(ledger)
    was_there = mark.exists()
    with suppress(OSError):
        held = open(mark, "ab", opener=private.opener)  # noqa: SIM115
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            held.close()
            what = sentence(
                "another sensor writes this ledger; end it first, or give this one a ledger of its own"
            )
            raise InUse(placed(ledger, what)) from None
        _HELD[mark] = held
        for part in sorted(ledger.parent.glob(f".{ledger.name}.*.part*")):
            part.unlink(missing_ok=True)
    return was_there


def end(ledger: Path) -> None:
    """Remove the mark: everything was saved."""
    mark = _mark(ledger)
    with suppress(OSError):
        mark.unlink(missing_ok=True)
    if held := _HELD.pop(mark, None):
        held.close()


def told(ledger: Path) -> dict[str, int] | None:
    """What `keep_told` has written; None where it has not, or the file is damaged."""
    place = told_in(ledger)
    try:
        if place.stat().st_size > TOLD_BYTES:
            return None
        known = json.loads(place.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(known, dict):
        return None
    places = range(len(SEVERITIES))
    return known if all(type(rank) is int and rank in places for rank in known.values()) else None


def keep_told(ledger: Path, known: Mapping[str, int]) -> None:
    """Write which findings were told (`otmon.findings.news.News.known`)."""
    place = told_in(ledger)
    text = json.dumps(known, separators=(",", ":"), sort_keys=True).encode()
    with suppress(OSError):
        if not place.exists() or place.read_bytes() != text:
            private.write(place, text)


def told_in(ledger: Path) -> Path:
    """The file of what was told."""
    return ledger.with_name(f".{ledger.name}.told")


def _mark(ledger: Path) -> Path:
    return ledger.with_name(f".{ledger.name}.open")
