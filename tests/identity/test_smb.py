from __future__ import annotations

import pytest

from tests.identity.talk import (
    NTLM_CHALLENGE,
    NTLM_V2,
    TRANSCRIPTS,
    Turn,
    log_ins,
    ntlm_challenge,
    ntlm_response,
    proof,
    smb2,
)

ASKED: tuple[Turn, ...] = TRANSCRIPTS["smb"][:3]


def test_a_session_is_set_up() -> None:
    (one,) = log_ins("smb", *TRANSCRIPTS["smb"])
    assert (one.account, one.method, one.outcome) == (b"User", "ntlmv2", "accepted")
    assert proof(one)(b"Password") and not proof(one)(b"password")


@pytest.mark.parametrize(
    ("status", "flags", "outcome"),
    [
        (0xC000006D, 0, "refused"),
        (0xC0000234, 0, "refused"),
        (0xC000009A, 0, "unknown"),
        (0, 1, "unknown"),
        (0, 2, "unknown"),
        (0, 4, "accepted"),
    ],
)
def test_the_answer_tells(status: int, flags: int, outcome: str) -> None:
    assert log_ins("smb", *ASKED, ("s", smb2(status, b"", flags=flags)))[0].outcome == outcome
    assert log_ins("smb", *ASKED)[0].outcome == "attempted"


def old(status: int, blob: bytes, action: int = 0) -> bytes:
    """Version 1 ([MS-SMB] 2.2.4.6)."""
    head = (b"\xffSMB\x73" + status.to_bytes(4, "little")).ljust(32, b"\0")
    body = b"\x04\xff\0\0\0" + action.to_bytes(2, "little") + bytes(4) + blob
    return b"\0" + (len(head) + len(body)).to_bytes(3, "big") + head + body


@pytest.mark.parametrize(("action", "outcome"), [(0, "accepted"), (1, "unknown")])
def test_version_1(action: int, outcome: str) -> None:
    turns: tuple[Turn, ...] = (
        ("s", old(0xC0000016, ntlm_challenge(NTLM_CHALLENGE))),
        ("c", old(0, ntlm_response(bytes(24), NTLM_V2, "Domain", "User"))),
        ("s", old(0, b"", action)),
    )
    (one,) = log_ins("smb", *turns)
    assert one.outcome == outcome and proof(one)(b"Password")


def test_without_a_challenge_there_is_nothing() -> None:
    assert log_ins("smb", ASKED[0], ASKED[2]) == []
    whole = ASKED[2][1]
    for size in range(0, len(whole), 7):
        assert log_ins("smb", *ASKED[:2], ("c", whole[:size])) == []
