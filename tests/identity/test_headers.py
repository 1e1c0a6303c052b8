from __future__ import annotations

from otmon.identity.headers import MAX_BODY, authorised, basic, challenges, exchanges, messages, outcome_of
from otmon.identity.login import Piece, Seen
from tests.identity.talk import TRANSCRIPTS, pieces, told

SEEN = Seen(1, 1, 0)
ASK = b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n"


def test_a_body_is_passed_over_by_count_also_where_it_was_lost() -> None:
    first = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"
    there = b"HTTP/1.1 204 x\r\n\r\n"
    for cut in (0, 10, 99):
        lost = [
            Piece(False, 0, first + b"x" * cut, SEEN),
            Piece(False, len(first) + 100, there, SEEN),
        ]
        assert [one.status for one in messages(lost)] == [200, 204]
    # A part of the next message is missing too: its first line is not trusted.
    torn = [Piece(False, 0, first, SEEN), Piece(False, len(first) + 101, there[1:], SEEN)]
    assert [one.status for one in messages(torn)] == [200]


def test_start_lines_are_found_behind_a_body_of_no_known_length() -> None:
    page = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\nHTTP/1.1 401 x\r\n\r\n"
    )
    assert [one.status for one in messages(pieces(("s", page)))] == [200, 401]


def test_a_request_waits_for_its_body_and_not_for_ever() -> None:
    head = b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\n"
    (one,) = messages(pieces(("c", head), ("c", b"abc")))
    assert one.body == b"abc"
    found = list(messages(pieces(("c", head + b"ab"), ("s", b"HTTP/1.1 200 OK\r\n\r\n"))))
    assert [(one.from_client, one.body) for one in found] == [(True, b""), (False, b"")]
    long = b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (MAX_BODY + 1)
    (one,) = messages(pieces(("c", long + b"x" * 10)))
    assert one.body == b""


def test_exchanges_belong_together_by_number_or_turn() -> None:
    turns = [("c", ASK % 1), ("c", ASK % 2), ("s", b"HTTP/1.1 200 OK\r\n\r\n")]
    assert [(one.words[1], two and two.status) for one, two in exchanges(pieces(*turns))] == [  # type: ignore[arg-type]
        (b"/1", None),
        (b"/2", 200),
    ]
    late = list(exchanges(pieces(
        ("c", b"PLAY rtsp://a RTSP/1.0\r\nCSeq: 1\r\n\r\nPLAY rtsp://b RTSP/1.0\r\nCSeq: 2\r\n\r\n"),
        ("s", b"RTSP/1.0 200 OK\r\nCSeq: 2\r\n\r\nRTSP/1.0 404 x\r\nCSeq: 1\r\n\r\n"),
    )))  # fmt: skip
    assert [(one.words[1], two and two.status) for one, two in late] == [
        (b"rtsp://b", 200),
        (b"rtsp://a", 404),
    ]


def test_pictures_between_the_messages_are_passed_over() -> None:
    picture = b"$\x00\x00\x14" + b"RTSP/1.0 404 x\r\n\r\n.."
    found = list(messages(pieces(("s", picture + b"RTSP/1.0 200 OK\r\n\r\n"))))
    assert [one.status for one in found] == [200]


def test_credentials_and_outcomes() -> None:
    assert basic(b"YTpi") == (b"a", b"b") and basic(b"YTo=") == (b"a", b"")
    assert basic(b"YWI=") is None and basic(b"\xff") is None
    request, response = next(exchanges(pieces(*TRANSCRIPTS["http"][2:])))
    assert outcome_of(response) == "accepted" and outcome_of(None) == "attempted"
    assert [one.outcome for one in authorised(request, "accepted", True)] == ["accepted"]
    assert [one.outcome for one in authorised(request, "accepted", False)] == ["unknown"]
    assert told(list(challenges(pieces(*TRANSCRIPTS["http"])))) == [(b"admin", "basic", "accepted", b"moxa")]


def test_values_do_not_show_what_they_hold() -> None:
    for one in messages(pieces(*TRANSCRIPTS["http"])):
        assert "YWRtaW46bW94YQ" not in repr(one)
