"""A sensor's ledger that cannot be read is put aside, and another one begun: what it holds may be mended, and
a sensor that does not start records nothing at all.

Only a file that is a sensor's own is moved: an empty one, one that says that it is a ledger of otmon, or one
beside which stands what a sensor has told. That one was put aside is a fact of the ledger that was begun.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from otmon.ledger.facts import Damage
from otmon.ledger.file.store import says_ledger
from otmon.ledger.ledger import Ledger

RECORD_LOST: Final = "record-lost"
"""Kind of a `Damage` that is none of a capture: the ledger before was put aside."""
MOST: Final = 10
"""Ledgers that stand aside; of more the latest but one goes, as it holds least."""
_STAMP: Final = "%Y%m%dT%H%M%SZ"
_ASIDE: Final = re.compile(r"(.+)\.aside-([0-9]{8}T[0-9]{6}Z)(?:-[0-9]+)?", re.ASCII)


def is_sensors(ledger: Path, told: Path) -> bool:
    """Whether a sensor wrote the file, whatever it holds by now; `told` is where it writes beside it what it
    has told (`otmon.sensor.ledger_marks`)."""
    try:
        if not ledger.is_file():
            return False
        return told.is_file() or not ledger.stat().st_size or says_ledger(ledger)
    except OSError:
        return False


def put_aside(ledger: Path, now_s: float) -> Path:
    """Rename the file, at a time in seconds since 1970; its name now. Where the ledger is a link, what it
    leads to is renamed. Raises OSError."""
    there = ledger.resolve()
    stamp = datetime.fromtimestamp(now_s, UTC).strftime(_STAMP)
    place, number = there.with_name(f"{there.name}.aside-{stamp}"), 1
    # A clock that was not set says the same time at each start.
    while place.exists():
        number += 1
        place = there.with_name(f"{there.name}.aside-{stamp}-{number}")
    there.rename(place)
    for one in stand_aside(ledger)[MOST - 1 : -1]:
        with suppress(OSError):
            one.unlink()
    return place


def stand_aside(ledger: Path) -> list[Path]:
    """The ledgers that were put aside, the first one first. What cannot be listed is none."""
    there = ledger.resolve()
    found = []
    with suppress(OSError), os.scandir(there.parent) as entries:
        for one in entries:
            match = _ASIDE.fullmatch(one.name)
            if match and match[1] == there.name and one.is_file(follow_symlinks=False):
                changed_ns = one.stat(follow_symlinks=False).st_ctime_ns
                found.append((changed_ns, Path(one.path)))
    return [path for _, path in sorted(found)]


def begun_after(aside: Path, why: str) -> Ledger:
    """A ledger that holds nothing but that the one before was put aside, and why that was."""
    return Ledger(damage=(Damage(aside.name, RECORD_LOST, -1, 1, why),))


def put_aside_ns(fact: Damage) -> int:
    """When the ledger was put aside, nanoseconds since 1970; 0 where its name does not say."""
    match = _ASIDE.fullmatch(fact.source)
    with suppress(ValueError):
        if match:
            # What strptime loads when it is called first, a sensor's user may not reach.
            return int(datetime.fromisoformat(match[2]).timestamp()) * 1_000_000_000
    return 0


def of_captures(ledger: Ledger) -> tuple[Damage, ...]:
    """The damage of what was read, without that ledgers were put aside."""
    return tuple([one for one in ledger.damage if one.kind != RECORD_LOST])
