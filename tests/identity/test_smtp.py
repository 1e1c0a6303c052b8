from __future__ import annotations

from base64 import b64encode

from tests.identity.talk import (
    NTLM_CHALLENGE,
    NTLM_V2,
    TRANSCRIPTS,
    Turn,
    log_ins,
    ntlm_challenge,
    ntlm_response,
    proof,
    told,
)


def test_login() -> None:
    assert told(log_ins("smtp", *TRANSCRIPTS["smtp"])) == [(b"admin", "plain", "accepted", b"1234")]


def test_plain_in_one_line() -> None:
    for reply, outcome in ((b"235 yes", "accepted"), (b"535-no\r\n535 no", "refused"), (b"250 x", "unknown")):
        turns: tuple[Turn, ...] = (("c", b"AUTH plain AGJvYgAxMjM0\r\n"), ("s", reply + b"\r\n"))
        assert told(log_ins("smtp", *turns)) == [(b"bob", "plain", outcome, b"1234")]
    assert told(log_ins("smtp", ("c", b"AUTH PLAIN AGJvYgAxMjM0\r\n")))[0][2] == "attempted"


def test_ntlm() -> None:
    first, challenge, response = (
        b64encode(one)
        for one in (
            b"NTLMSSP\0\1\0\0\0" + bytes(20),
            ntlm_challenge(NTLM_CHALLENGE),
            ntlm_response(bytes(24), NTLM_V2, "Domain", "User"),
        )
    )
    turns: tuple[Turn, ...] = (
        ("c", b"AUTH NTLM " + first + b"\r\n"),
        ("s", b"334 " + challenge + b"\r\n"),
        ("c", response + b"\r\n"),
    )
    (one,) = log_ins("smtp", *turns, ("s", b"235 yes\r\n"))
    assert (one.account, one.method, one.outcome) == (b"User", "ntlmv2", "accepted")
    assert proof(one)(b"Password") and not proof(one)(b"password")
    (one,) = log_ins("smtp", *turns, ("s", b"535 no\r\n"))
    assert one.outcome == "refused"
    # Without the first message in the command's line, as clients do that wait for leave.
    asked: tuple[Turn, ...] = (
        ("c", b"AUTH NTLM\r\n"),
        ("s", b"334 \r\n"),
        ("c", first + b"\r\n"),
        *turns[1:],
    )
    assert [one.account for one in log_ins("smtp", *asked, ("s", b"235 yes\r\n"))] == [b"User"]
    assert log_ins("smtp", turns[0], turns[2]) == []


def test_an_ended_exchange_takes_no_more() -> None:
    turns: tuple[Turn, ...] = (("c", b"AUTH PLAIN\r\n"), ("s", b"504 no\r\n"), ("c", b"AGJvYgAxMjM0\r\n"))
    assert log_ins("smtp", *turns) == []
