from __future__ import annotations

import hashlib

import pytest

from tests.identity.talk import TRANSCRIPTS, Turn, log_ins, proof, tagged, told
from tests.identity.test_scram import SHA_256

START: Turn = TRANSCRIPTS["postgresql"][2]
ACCEPTED: Turn = ("s", tagged(b"R", bytes(4)))


def error(code: bytes) -> Turn:
    return "s", tagged(b"E", b"SFATAL\0C" + code + b"\0Mno\0\0")


def test_a_password_in_clear() -> None:
    assert told(log_ins("postgresql", *TRANSCRIPTS["postgresql"])) == [
        (b"operator", "plain", "accepted", b"hunter2")
    ]


def test_md5_with_a_salt() -> None:
    inner = hashlib.md5(b"hunter2operator").hexdigest().encode()
    answer = b"md5" + hashlib.md5(inner + b"salt").hexdigest().encode()
    turns: tuple[Turn, ...] = (
        START, ("s", tagged(b"R", b"\0\0\0\5salt")), ("c", tagged(b"p", answer + b"\0")),
    )  # fmt: skip
    (one,) = log_ins("postgresql", *turns, error(b"28P01"))
    assert (one.account, one.method, one.outcome) == (b"operator", "md5", "refused")
    assert proof(one)(b"hunter2") and not proof(one)(b"hunter")
    assert log_ins("postgresql", *turns)[0].outcome == "attempted"
    assert log_ins("postgresql", *turns, error(b"53300"))[0].outcome == "unknown"


def test_scram() -> None:
    first, challenge, final = SHA_256
    turns: tuple[Turn, ...] = (
        START,
        ("s", tagged(b"R", b"\0\0\0\x0aSCRAM-SHA-256\0\0")),
        ("c", tagged(b"p", b"SCRAM-SHA-256\0" + len(first).to_bytes(4, "big") + first)),
        ("s", tagged(b"R", b"\0\0\0\x0b" + challenge)),
        ("c", tagged(b"p", final)),
        ("s", tagged(b"R", b"\0\0\0\x0cv=x") + tagged(b"R", bytes(4))),
    )
    (one,) = log_ins("postgresql", *turns)
    assert (one.account, one.method, one.outcome) == (b"operator", "scram", "accepted")
    assert proof(one)(b"pencil") and not proof(one)(b"pen") and one.cost is not None


def test_who_needs_no_password_and_what_is_encrypted_are_nothing() -> None:
    assert log_ins("postgresql", START, ACCEPTED) == []
    encrypted: tuple[Turn, ...] = (TRANSCRIPTS["postgresql"][0], ("s", b"S"), *TRANSCRIPTS["postgresql"][2:])
    assert log_ins("postgresql", *encrypted) == []


@pytest.mark.parametrize("place", range(4, 17))
def test_another_beginning_never_raises(place: int) -> None:
    changed = START[1][:place] + b"\0" + START[1][place + 1 :]
    log_ins("postgresql", ("c", changed), *TRANSCRIPTS["postgresql"][3:])
    assert log_ins("postgresql", ("c", START[1][:place]), *TRANSCRIPTS["postgresql"][3:]) == []


def test_a_password_that_came_before_it_was_asked_for() -> None:
    turns: tuple[Turn, ...] = (
        START,
        ("c", tagged(b"p", b"hunter2\0")),
        ("s", tagged(b"R", b"\0\0\0\3")),
        ACCEPTED,
    )
    assert told(log_ins("postgresql", *turns)) == [(b"operator", "plain", "accepted", b"hunter2")]
