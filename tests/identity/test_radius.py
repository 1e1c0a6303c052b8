from __future__ import annotations

import hashlib

from otmon.identity.ntlm import nt_hash
from otmon.identity.radius import log_ins as parse
from tests.identity.talk import TRANSCRIPTS, Turn, chap, eap, eap_md5, pieces, proof, radius

REQUEST, ACCEPT = TRANSCRIPTS["radius"]
REJECT: Turn = ("s", radius(3, 7))


def microsoft(kind: int, value: bytes) -> tuple[int, bytes]:
    """RFC 2548, 2."""
    return 26, (311).to_bytes(4, "big") + bytes((kind, 2 + len(value))) + value


def test_a_response_to_a_challenge() -> None:
    for answer, outcome in ((ACCEPT, "accepted"), (REJECT, "refused"), (("s", radius(11, 7)), "unknown")):
        (one,) = parse(pieces(REQUEST, answer))
        assert (one.account, one.method, one.outcome) == (b"switch", "chap", outcome)
        assert proof(one)(b"hunter2") and not proof(one)(b"hunter")
    for answer in (("s", radius(2, 8)), ("c", radius(2, 7)), ("s", radius(5, 7))):
        assert [one.outcome for one in parse(pieces(REQUEST, answer))] == ["attempted"]


def test_the_challenge_may_be_the_authenticator() -> None:
    authenticator = bytes(range(200, 216))
    answer = b"\x05" + chap(5, b"admin", authenticator)
    request: Turn = ("c", radius(1, 7, (1, b"admin"), (3, answer), authenticator=authenticator))
    (one,) = parse(pieces(request, ACCEPT))
    assert proof(one)(b"admin")


def test_a_request_that_is_sent_again_is_one_and_a_number_that_is_used_again_is_not() -> None:
    (one,) = parse(pieces(REQUEST, REQUEST, ACCEPT, ACCEPT))
    assert (one.outcome, one.seen.packet) == ("accepted", 1)
    answer = b"\x17" + chap(23, b"hunter2")
    again: Turn = ("c", radius(1, 7, (1, b"other"), (3, answer), authenticator=bytes(15) + b"\1"))
    found = [(one.account, one.outcome) for one in parse(pieces(REQUEST, again, REJECT))]
    assert found == [(b"switch", "attempted"), (b"other", "refused")]


def test_microsofts_responses() -> None:
    """The first with the vectors of RFC 2433, B.2, the second with those of RFC 2759, 9.2."""
    first = b"\1\1" + bytes(24) + bytes.fromhex("4e9d3c8f9cfd385d5bf4d3246791956ca4c351ab409a3d61")
    request: Turn = (
        "c",
        radius(1, 7, (1, b"User"), microsoft(11, bytes.fromhex("102db5df085d3041")), microsoft(1, first)),
    )
    (one,) = parse(pieces(request, ACCEPT))
    assert one.method == "mschap" and proof(one)(b"MyPw") and not proof(one)(b"My")
    second = bytes.fromhex("0100 21402324255e262a28295f2b3a337c7e") + bytes(8)
    second += bytes.fromhex("82309ecd8d708b5ea08faa3981cd83544233114a3d85d6df")
    challenge = bytes.fromhex("5b5d7c7d7b3f2f3e3c2c602132262628")
    request = "c", radius(1, 7, (1, b"User"), microsoft(11, challenge), microsoft(25, second))
    (one,) = parse(pieces(request, ACCEPT))
    assert one.method == "mschapv2" and proof(one)(b"clientPass") and not proof(one)(b"client")
    assert nt_hash(b"clientPass") == bytes.fromhex("44ebba8d5312b8d611474411f56989ae")


def test_eap_whose_requests_are_joined_by_state() -> None:
    """RFC 3579, 3.1: a message that is longer than an attribute is cut; two stations at a time."""
    turns: list[Turn] = [
        ("c", radius(1, 1, (1, b"phone-7"), (79, eap(2, 1, 1, b"phone-7")))),
        ("c", radius(1, 2, (1, b"phone-8"), (79, eap(2, 1, 1, b"phone-8")))),
        ("s", radius(11, 1, (24, b"one"), (79, eap_md5(b"hunter2")[0]))),
        ("s", radius(11, 2, (24, b"two"), (79, eap_md5(b"other", challenge=bytes(16))[0]))),
        ("c", radius(1, 4, (1, b"phone-8"), (24, b"two"), (79, eap_md5(b"other", challenge=bytes(16))[1]))),
        (
            "c",
            radius(1, 3, (1, b"phone-7"), (24, b"one"), *((79, bytes((n,))) for n in eap_md5(b"hunter2")[1])),
        ),
    ]
    ends: list[Turn] = [("s", radius(2, 3, (79, eap(3, 23)))), ("s", radius(3, 4, (79, eap(4, 23))))]
    seven, eight = parse(pieces(*turns, *ends))
    assert (seven.account, seven.method, seven.outcome) == (b"phone-7", "chap", "accepted")
    assert (eight.account, eight.outcome) == (b"phone-8", "refused")
    assert proof(seven)(b"hunter2") and not proof(seven)(b"other") and proof(eight)(b"other")
    assert sorted(one.outcome for one in parse(pieces(*turns))) == ["attempted", "attempted"]
    # Asked by nobody, in another exchange, or of a type that is encrypted.
    assert list(parse(pieces(turns[5]))) == []
    other: Turn = ("c", radius(1, 3, (1, b"phone-7"), (24, b"none"), (79, eap_md5(b"hunter2")[1])))
    assert list(parse(pieces(*turns[:4], other, ends[0]))) == []
    tls: Turn = ("c", radius(1, 3, (1, b"phone-7"), (24, b"one"), (79, eap(2, 23, 25, b"\0\x16\3"))))
    assert list(parse(pieces(*turns[:4], tls, ends[0]))) == []


def test_hidden_passwords_and_broken_packets_are_nothing() -> None:
    hidden: Turn = ("c", radius(1, 7, (1, b"switch"), (2, hashlib.md5(b"x").digest())))
    nobody: Turn = ("c", radius(1, 7, (3, b"\x17" + chap(23, b"hunter2"))))
    short: Turn = ("c", radius(1, 7, (1, b"switch"), (3, chap(23, b"hunter2"))))
    for turn in (hidden, nobody, short):
        assert list(parse(pieces(turn, ACCEPT))) == []
    whole = REQUEST[1]
    for size in range(len(whole)):
        assert list(parse(pieces(("c", whole[:size])))) == []
    for length in (0, 19, len(whole) + 1):
        assert list(parse(pieces(("c", whole[:2] + length.to_bytes(2, "big") + whole[4:])))) == []
    endless: Turn = ("c", radius(1, 7)[:2] + (26).to_bytes(2, "big") + bytes(16) + b"\1\0\1\1\1\2")
    assert list(parse(pieces(endless, ACCEPT))) == []
