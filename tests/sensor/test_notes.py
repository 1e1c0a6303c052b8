from __future__ import annotations

import pytest

from otmon.ledger.ledger import EMPTY
from otmon.sensor.diary import Diary
from otmon.sensor.notes import SECRET, notes_of, read_notes


@pytest.mark.parametrize("secret", [0, 7, 2**64 - 1])
def test_what_is_noted_is_read(secret: int) -> None:
    diary = Diary()
    diary.note([(5, 9)], 0.0)
    again, known = read_notes(notes_of(diary, secret), EMPTY)
    assert (again.text(), known) == (diary.text(), secret)


@pytest.mark.parametrize("text", ["", "0x1", "1" * 17, "g" * 16, "-" + "1" * 15, "1" * 15, " " + "1" * 16])
def test_a_damaged_secret_gives_way_to_a_new_one(text: str) -> None:
    found = {read_notes({SECRET: text}, EMPTY)[1] for _ in range(3)}
    assert len(found) == 3 and all(0 <= secret < 2**64 for secret in found)
