"""What a sensor notes in its ledger beside the facts, to go on with at the next start."""

from __future__ import annotations

import re
from collections.abc import Mapping
from secrets import randbits
from typing import Final

from otmon.ledger.ledger import Ledger
from otmon.sensor.diary import Diary

DIARY: Final = "listened"
SECRET: Final = "secret"
"""`Limits.secret`, as sixteen hexadecimal digits: one for a sensor's ledger."""


def read_notes(notes: Mapping[str, str], facts: Ledger) -> tuple[Diary, int]:
    """The diary of a ledger with these facts, and its secret: a new one where none is noted."""
    text = notes.get(SECRET, "")
    secret = int(text, 16) if re.fullmatch("[0-9a-f]{16}", text, re.ASCII) else randbits(64)
    return Diary(notes.get(DIARY, ""), facts), secret


def notes_of(diary: Diary, secret: int) -> dict[str, str]:
    """The notes that `read_notes` reads."""
    return {DIARY: diary.text(), SECRET: f"{secret:016x}"}
