from __future__ import annotations

import pytest

from tests.identity.talk import TRANSCRIPTS, Turn, log_ins, told
from tests.secrets import turned

SET: Turn = TRANSCRIPTS["s7comm"][0]
ANSWER: Turn = TRANSCRIPTS["s7comm"][1]


def setting(password: bytes) -> Turn:
    return "c", SET[1][:-8] + turned(password)


def test_a_password_is_turned_back() -> None:
    assert told(log_ins("s7comm", SET, ANSWER)) == [(b"", "plain", "accepted", b"1234")]
    for password in (b"", b"a", b"12345678", b"pass wd"):
        assert log_ins("s7comm", setting(password))[0].secret == password


@pytest.mark.parametrize(
    ("code", "outcome"), [(b"\xd6\x02", "refused"), (b"\xd6\x05", "unknown"), (b"\0\0", "accepted")]
)
def test_the_answer_tells(code: bytes, outcome: str) -> None:
    changed = ANSWER[1][:27] + code + ANSWER[1][29:]
    assert [one.outcome for one in log_ins("s7comm", SET, ("s", changed))] == [outcome]


def test_taking_the_password_away_and_other_services_are_nothing() -> None:
    clear = SET[1][:23] + b"\2" + SET[1][24:]
    reading = SET[1][:22] + b"\x44" + SET[1][23:]
    assert log_ins("s7comm", ("c", clear), ANSWER) == log_ins("s7comm", ("c", reading), ANSWER) == []
    for size in range(len(SET[1])):
        assert log_ins("s7comm", ("c", SET[1][:size])) == []
