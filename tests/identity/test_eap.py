"""Proofs of a password by EAP: MD5-Challenge, Microsoft's EAP CHAP, and an answer in clear."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otmon.identity.chap import MICROSOFT_BYTES
from otmon.identity.eap import MAX_CHALLENGES, Station, packet
from otmon.identity.login import LogIn, Seen
from otmon.identity.ntlm import nt_hash
from tests.identity.talk import CHAP_CHALLENGE, Turn, eap, eap_md5, proof

ASKS, ANSWERS = eap_md5(b"hunter2")
NAMED: Turn = ("c", eap(2, 1, 1, b"phone-7"))
SEEN = Seen(1, 1, 0)


def talk(*turns: Turn) -> list[LogIn]:
    station = Station()
    found = []
    for who, data in turns:
        one = packet(data)
        if one is not None:
            found += station.says(one, SEEN) if who == "c" else station.hears(one)
    return found + list(station.ends("attempted"))


def test_a_challenge_of_md5() -> None:
    for end, outcome in ((3, "accepted"), (4, "refused")):
        for number in (23, 24):
            (one,) = talk(NAMED, ("s", ASKS), ("c", ANSWERS), ("s", eap(end, number)))
            assert (one.account, one.method, one.outcome) == (b"phone-7", "chap", outcome)
            assert proof(one)(b"hunter2") and not proof(one)(b"hunter")
    # Of another exchange, before it, or none at all.
    for turns in (("s", eap(3, 22)), ("s", eap(3, 25)), ("c", eap(3, 23))), (("c", ANSWERS),), ():
        assert [one.outcome for one in talk(NAMED, ("s", ASKS), ("c", ANSWERS), *turns)] == ["attempted"]


def test_what_comes_again_is_one_log_in_and_another_proof_is_another() -> None:
    again = talk(
        NAMED, ("s", ASKS), ("s", ASKS), ("c", ANSWERS), ("c", ANSWERS), ("s", eap(3, 23)), ("s", eap(4, 23))
    )
    assert [one.outcome for one in again] == ["accepted"]
    asks, answers = eap_md5(b"other", 40)
    found = talk(NAMED, ("s", ASKS), ("c", ANSWERS), ("s", asks), ("c", answers), ("s", eap(4, 40)))
    assert [one.outcome for one in found] == ["attempted", "refused"]
    assert proof(found[1])(b"other")


def test_of_challenges_that_all_hear_the_right_one_counts() -> None:
    others = [eap_md5(b"x", 23, bytes((n,)) * 16)[0] for n in range(MAX_CHALLENGES - 1)]
    heard: list[Turn] = [("s", one) for one in (ASKS, *others)]
    (one,) = talk(NAMED, *heard, ("c", ANSWERS))
    assert proof(one)(b"hunter2") and not proof(one)(b"x")
    assert one.cost is not None and one.cost(b"x") >= MAX_CHALLENGES
    (one,) = talk(NAMED, *heard, ("s", others[0]), ("c", ANSWERS))
    assert not proof(one)(b"hunter2")


def test_microsofts_chap_with_the_vectors_of_rfc_2759() -> None:
    challenge = bytes.fromhex("5b5d7c7d7b3f2f3e3c2c602132262628")
    response = bytes.fromhex("21402324255e262a28295f2b3a337c7e") + bytes(8)
    response += bytes.fromhex("82309ecd8d708b5ea08faa3981cd83544233114a3d85d6df") + b"\0"
    assert len(response) == MICROSOFT_BYTES
    asks: Turn = ("s", eap(1, 7, 26, b"\1\7\0\x1e\x10" + challenge + b"radius"))
    answers: Turn = ("c", eap(2, 7, 26, b"\2\7\0\x3a\x31" + response + b"User"))
    for operation, outcome in ((b"\3", "accepted"), (b"\4", "refused")):
        end: Turn = ("s", eap(1, 8, 26, operation + b"\7\0\x2eS=40 digits"))
        (one,) = talk(("c", eap(2, 1, 1, b"outer")), asks, answers, end, ("c", eap(2, 8, 26, operation)))
        assert (one.account, one.method, one.outcome) == (b"User", "mschapv2", outcome)
        assert proof(one)(b"clientPass") and not proof(one)(b"client")
    assert nt_hash(b"clientPass") is not None


def test_a_token_card_says_its_password() -> None:
    turns: list[Turn] = [
        ("s", eap(1, 9, 6, b"Password: ")),
        ("c", eap(2, 9, 6, b"hunter2")),
        ("s", eap(3, 9)),
    ]
    (one,) = talk(NAMED, *turns)
    assert (one.account, one.method, one.outcome, one.secret) == (b"phone-7", "plain", "accepted", b"hunter2")
    assert "hunter2" not in repr(one)
    assert talk(*turns) == []


@pytest.mark.parametrize(
    "turns",
    [
        [("c", ANSWERS), ("s", eap(3, 23))],
        [("s", eap_md5(b"x", 24)[0]), ("c", ANSWERS)],
        [("s", ASKS), ("c", ASKS), ("s", ANSWERS)],
        [("s", ASKS), ("c", eap(2, 23, 3, b"\x19"))],
        [("s", ASKS), ("c", eap(2, 23, 4, b"\x11" + hashlib.md5().digest()))],
        [("s", ASKS), ("c", eap(2, 23, 4, b"\x0f" + bytes(15)))],
        [("s", eap(1, 23, 4)), ("s", eap(1, 23, 4, b"\0")), ("c", ANSWERS)],
        [("s", eap(1, 7, 26, b"\1\7\0\5\x10")), ("c", eap(2, 7, 26, b"\2\7\0\5\x31"))],
        [("s", eap(1, 7, 26)), ("c", eap(2, 7, 26)), ("s", eap(1, 8, 26, b"\3"))],
    ],
)
def test_other_packets_are_no_log_in(turns: list[Turn]) -> None:
    assert talk(NAMED, *turns) == []


@given(st.lists(st.tuples(st.sampled_from("cs"), st.binary(max_size=80) | st.builds(
    eap, st.integers(0, 5), st.integers(20, 25), st.sampled_from([0, 1, 4, 6, 26]), st.binary(max_size=60)
)), max_size=12))  # fmt: skip
def test_whatever_comes_is_read(turns: list[Turn]) -> None:
    for one in talk(*turns):
        assert one.outcome in ("accepted", "refused", "attempted")
    assert packet(eap(3, 1)[:3]) is None and packet(b"\1\1\0\4") is None and CHAP_CHALLENGE
