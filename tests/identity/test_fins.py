from __future__ import annotations

import pytest

from otmon.identity.fins import log_ins
from tests.identity.talk import TRANSCRIPTS, Told, Turn, pieces, told

CLEAR: Turn = TRANSCRIPTS["fins"][0]
DONE: Turn = TRANSCRIPTS["fins"][1]


def said(*turns: Turn) -> list[Told]:
    """Messages are chosen whole, also from a connection."""
    return told(list(log_ins(pieces(*turns))))


def answered(code: int, turn: Turn = DONE) -> Turn:
    return ("s", turn[1][:12] + code.to_bytes(2, "big"))


@pytest.mark.parametrize(
    ("code", "outcome"),
    [(0, "accepted"), (0x0040, "accepted"), (0x8000, "accepted"), (0x2602, "refused"), (0x2601, "unknown")],
)
def test_a_password_that_protects_a_program(code: int, outcome: str) -> None:
    assert said(CLEAR, answered(code)) == [(b"", "plain", outcome, b"1234")]


def test_to_set_one_sends_it_as_well() -> None:
    turns: list[Turn] = [(side, data[:11] + b"\x04" + data[12:]) for side, data in (CLEAR, DONE)]
    assert said(*turns) == [(b"", "plain", "accepted", b"1234")]


def test_what_is_not_answered_or_answered_to_somebody_else_is_an_attempt() -> None:
    other: Turn = ("s", DONE[1][:9] + b"\x08" + DONE[1][10:])
    attempted = (b"", "plain", "attempted", b"1234")
    assert said(CLEAR, other) == [attempted]
    assert said(CLEAR, CLEAR, DONE) == [attempted, (b"", "plain", "accepted", b"1234")]
    assert said(DONE) == []


def test_the_same_over_tcp() -> None:
    turns: list[Turn] = [
        (side, b"FINS" + (len(data) + 8).to_bytes(4, "big") + bytes((0, 0, 0, 2, 0, 0, 0, 0)) + data)
        for side, data in (CLEAR, DONE)
    ]
    assert said(*turns) == [(b"", "plain", "accepted", b"1234")]


def test_other_commands_and_lengths_are_nothing() -> None:
    data = CLEAR[1]
    for size in range(len(data)):
        assert said(("c", data[:size])) == []
    assert said(("c", data + b"\0")) == []
    assert said(("c", data[:11] + b"\x06" + data[12:]), DONE) == []
    assert said(("c", b"\xc0" + data[1:])) == []
