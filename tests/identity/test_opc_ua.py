from __future__ import annotations

import pytest

from tests.identity.talk import (
    TRANSCRIPTS,
    Turn,
    log_ins,
    opc_ua_activate,
    opc_ua_result,
    opc_ua_text,
    told,
)

ASK: Turn = TRANSCRIPTS["opc_ua"][0]
NULL = b"\xff" * 4


def named(user: bytes, password: bytes, algorithm: bytes = NULL) -> Turn:
    return "c", opc_ua_activate(
        324, opc_ua_text(b"p") + opc_ua_text(user) + opc_ua_text(password) + algorithm
    )


def test_a_name_and_a_password_in_clear() -> None:
    assert told(log_ins("opc_ua", *TRANSCRIPTS["opc_ua"])) == [(b"operator", "plain", "accepted", b"hunter2")]


@pytest.mark.parametrize(
    ("code", "kind", "outcome"),
    [
        (0x801F0000, 470, "refused"),
        (0x80210000, 397, "refused"),
        (0x80250000, 397, "unknown"),
        (0, 470, "accepted"),
    ],
)
def test_the_answer_tells(code: int, kind: int, outcome: str) -> None:
    assert [one.outcome for one in log_ins("opc_ua", ASK, ("s", opc_ua_result(code, kind)))] == [outcome]
    assert [one.outcome for one in log_ins("opc_ua", ASK, ("s", opc_ua_result(code, kind, 4)))] == [
        "attempted"
    ]


def test_nobody() -> None:
    turn: Turn = ("c", opc_ua_activate(321, opc_ua_text(b"anonymous")))
    assert told(log_ins("opc_ua", turn, ("s", opc_ua_result(0)))) == [(b"", "anonymous", "accepted", b"")]


def test_an_encrypted_password_a_certificate_and_broken_messages_are_nothing() -> None:
    secret = named(b"operator", b"\x80" * 256, opc_ua_text(b"http://www.w3.org/2001/04/xmlenc#rsa-oaep"))
    certificate: Turn = ("c", opc_ua_activate(327, opc_ua_text(b"p") + opc_ua_text(b"\x30\x82")))
    assert log_ins("opc_ua", secret, ("s", opc_ua_result(0))) == []
    for kind in (17545, 17546):
        inside = b"\1\0" + kind.to_bytes(2, "little") + b"\1" + opc_ua_text(bytes(200))
        assert log_ins("opc_ua", named(b"operator", inside), ("s", opc_ua_result(0))) == []
    assert log_ins("opc_ua", certificate) == []
    for size in range(len(ASK[1])):
        assert log_ins("opc_ua", ("c", ASK[1][:size])) == []
    for place in range(24, len(ASK[1])):
        log_ins("opc_ua", ("c", ASK[1][:place] + b"\xff\xff\xff\x7f" + ASK[1][place + 4 :]))
