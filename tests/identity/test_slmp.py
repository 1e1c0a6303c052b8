from __future__ import annotations

import pytest

from tests.identity.talk import TRANSCRIPTS, Turn, log_ins, told

UNLOCK: Turn = TRANSCRIPTS["slmp"][0]
DONE: Turn = TRANSCRIPTS["slmp"][1]
WRONG: Turn = ("s", DONE[1][:7] + b"\x0b\0\x10\xc8" + bytes(9))


def test_a_remote_password() -> None:
    assert told(log_ins("slmp", UNLOCK, DONE)) == [(b"", "plain", "accepted", b"1234")]
    assert told(log_ins("slmp", UNLOCK, WRONG, UNLOCK)) == [
        (b"", "plain", "refused", b"1234"),
        (b"", "plain", "attempted", b"1234"),
    ]


def test_a_frame_with_a_serial_number() -> None:
    asked = b"\x54\0\x01\0\0\0" + UNLOCK[1][2:]
    answered = b"\xd4\0\x01\0\0\0" + DONE[1][2:]
    assert told(log_ins("slmp", ("c", asked), ("s", answered))) == [(b"", "plain", "accepted", b"1234")]


@pytest.mark.parametrize("place", [11, 12, 15, 16])
def test_other_commands_and_lengths_are_nothing(place: int) -> None:
    data = UNLOCK[1]
    changed = data[:place] + bytes((data[place] ^ 1,)) + data[place + 1 :]
    assert log_ins("slmp", ("c", changed), DONE) == []
    for size in range(len(data)):
        assert log_ins("slmp", ("c", data[:size])) == []
