from __future__ import annotations

from otmon.identity.pppoe import log_ins as parse
from tests.identity.talk import CHAP_CHALLENGE, TRANSCRIPTS, Turn, chap, pieces, ppp, proof, told

CHALLENGE, RESPONSE, SUCCESS = TRANSCRIPTS["pppoe"]
FAILURE: Turn = ("s", ppp("c223", 4, 23, b""))


def test_a_challenge_and_its_response() -> None:
    for end, outcome in ((SUCCESS, "accepted"), (FAILURE, "refused")):
        (one,) = parse(pieces(CHALLENGE, RESPONSE, end))
        assert (one.account, one.method, one.outcome) == (b"plant", "chap", outcome)
        assert proof(one)(b"hunter2") and not proof(one)(b"hunter3")
    assert [one.outcome for one in parse(pieces(CHALLENGE, RESPONSE, RESPONSE))] == ["attempted"]
    assert list(parse(pieces(RESPONSE, SUCCESS))) == []


def test_either_end_may_ask() -> None:
    other: Turn = ("c", ppp("c223", 1, 23, bytes((16,)) + CHAP_CHALLENGE[::-1] + b"plant"))
    answer: Turn = ("s", ppp("c223", 2, 23, bytes((16,)) + chap(23, b"back", CHAP_CHALLENGE[::-1]) + b"isp"))
    found = list(parse(pieces(CHALLENGE, other, RESPONSE, answer, SUCCESS, ("c", SUCCESS[1]))))
    assert [(one.account, one.outcome) for one in found] == [(b"plant", "accepted"), (b"isp", "accepted")]
    assert proof(found[1])(b"back") and not proof(found[1])(b"hunter2")


def test_what_is_sent_again_counts_from_its_first_packet() -> None:
    (one,) = parse(pieces(CHALLENGE, RESPONSE, RESPONSE, SUCCESS, SUCCESS))
    assert one.seen.packet == 2


def test_a_password_in_clear() -> None:
    asked: Turn = ("c", ppp("c023", 1, 5, b"\x05plant\x07hunter2"))
    for code, outcome in ((2, "accepted"), (3, "refused")):
        found = list(parse(pieces(asked, ("s", ppp("c023", code, 5, b"\0")))))
        assert told(found) == [(b"plant", "plain", outcome, b"hunter2")]
    assert told(list(parse(pieces(asked, ("s", ppp("c023", 2, 6, b"\0")))))) == [
        (b"plant", "plain", "attempted", b"hunter2")
    ]


def test_what_is_cut_or_wrong_is_nothing() -> None:
    asked = ppp("c023", 1, 5, b"\x05plant\x07hunter2")
    for size in range(len(asked)):
        assert list(parse(pieces(("c", asked[:size])))) == []
    for size in range(len(RESPONSE[1])):
        assert list(parse(pieces(CHALLENGE, ("c", RESPONSE[1][:size])))) == []
    for body in (b"", b"\x09plant", b"\x05plant", b"\x05plant\x08hunter2", b"\xffplant\x07hunter2"):
        assert list(parse(pieces(("c", ppp("c023", 1, 5, body))))) == []
    assert list(parse(pieces(("c", ppp("c021", 1, 5, b"\x05plant\x07hunter2"))))) == []
    padded: Turn = ("c", asked + bytes(20))
    assert len(list(parse(pieces(padded)))) == 1
