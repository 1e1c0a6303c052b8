from __future__ import annotations

import pytest

from otmon.identity.des import encrypted
from tests.identity.talk import TRANSCRIPTS, Turn, log_ins, proof, told

CHALLENGE = bytes(range(16))


def answered(password: bytes, challenge: bytes = CHALLENGE) -> bytes:
    key = bytes(int(f"{byte:08b}"[::-1], 2) for byte in password[:8].ljust(8, b"\0"))
    return encrypted(key, challenge[:8]) + encrypted(key, challenge[8:])


def test_nobody_is_asked() -> None:
    assert told(log_ins("vnc", *TRANSCRIPTS["vnc"])) == [(b"", "anonymous", "accepted", b"")]
    old: tuple[Turn, ...] = (
        ("s", b"RFB 003.003\n"),
        ("c", b"RFB 003.003\n"),
        ("s", b"\0\0\0\x01"),
        ("c", b"\x01"),
    )
    assert told(log_ins("vnc", *old)) == [(b"", "anonymous", "accepted", b"")]


@pytest.mark.parametrize(
    ("result", "outcome"), [(b"\0\0\0\0", "accepted"), (b"\0\0\0\1", "refused"), (b"", "attempted")]
)
def test_a_challenge_is_recomputed(result: bytes, outcome: str) -> None:
    turns: tuple[Turn, ...] = (
        ("s", b"RFB 003.889\n"),
        ("c", b"RFB 003.008\n"),
        ("s", b"\x02\x01\x02"),
        ("c", b"\x02"),
        ("s", CHALLENGE),
        ("c", answered(b"beijer")),
        ("s", result),
    )
    (one,) = log_ins("vnc", *turns)
    assert (one.method, one.outcome) == ("vnc", outcome)
    assert proof(one)(b"beijer") and not proof(one)(b"beijes") and not proof(one)(b"")


def test_eight_characters_count() -> None:
    turns: tuple[Turn, ...] = (
        ("s", b"RFB 003.003\n"), ("c", b"RFB 003.003\n"), ("s", b"\0\0\0\x02" + CHALLENGE),
        ("c", answered(b"12345678")), ("s", b"\0\0\0\0"),
    )  # fmt: skip
    (one,) = log_ins("vnc", *turns)
    assert proof(one)(b"123456789")


def test_an_incomplete_challenge_is_nothing() -> None:
    assert (
        log_ins("vnc", ("s", b"RFB 003.008\n"), ("c", b"RFB 003.008\n"), ("s", b"\x01\x02"), ("c", b"\x02"))
        == []
    )
    assert log_ins("vnc", ("s", b"RFB 003.008\n")) == []
