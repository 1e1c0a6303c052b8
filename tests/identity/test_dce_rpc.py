from __future__ import annotations

import pytest

from tests.identity.talk import TRANSCRIPTS, Turn, dce_rpc, log_ins, proof

ASKED: tuple[Turn, ...] = TRANSCRIPTS["dce_rpc"][:4]
DENIED = b"\x05\0\0\0"


def test_the_first_call_tells() -> None:
    (one,) = log_ins("dce_rpc", *TRANSCRIPTS["dce_rpc"])
    assert (one.account, one.method, one.outcome) == (b"User", "ntlmv2", "accepted")
    assert proof(one)(b"Password") and not proof(one)(b"password")


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (dce_rpc(3, DENIED), "refused"),
        (dce_rpc(3, b"\x0b\0\1\x1c"), "refused"),
        (dce_rpc(3, b"\x1c\0\0\x1c"), "unknown"),
        (dce_rpc(3, b""), "unknown"),
        (dce_rpc(13, bytes(4)), "refused"),
        (dce_rpc(15, bytes(4)) + dce_rpc(2, bytes(4)), "accepted"),
        (dce_rpc(15, bytes(4)), "attempted"),
        (b"", "attempted"),
    ],
)
def test_so_do_refusals(answer: bytes, outcome: str) -> None:
    assert [one.outcome for one in log_ins("dce_rpc", *ASKED, ("s", answer))] == [outcome]


def test_a_second_log_in_ends_the_first_one() -> None:
    found = log_ins("dce_rpc", *ASKED, *TRANSCRIPTS["dce_rpc"])
    assert [one.outcome for one in found] == ["attempted", "accepted"]


def test_without_a_challenge_and_in_broken_messages_there_is_nothing() -> None:
    assert log_ins("dce_rpc", ASKED[0], *ASKED[2:]) == []
    whole = ASKED[2][1]
    for size in range(0, len(whole), 7):
        assert log_ins("dce_rpc", *ASKED[:2], ("c", whole[:size])) == []
    assert log_ins("dce_rpc", *ASKED[:2], ("c", b"\4" + whole[1:])) == []
