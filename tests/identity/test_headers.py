from __future__ import annotations

import pytest

from otmon.identity.headers import MAX_BODY, authorised, basic, challenges, exchanges, messages, outcome_of
from otmon.identity.login import Piece, Seen
from tests.identity.talk import TRANSCRIPTS, Turn, one_by_one, pieces, told

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
    whole = pieces(*turns)  # type: ignore[arg-type]
    lost = [*whole[:2], whole[2]._replace(at=100)]
    for said, told_of in ((whole, (200, None)), (lost, (None, 200))):
        found = [(one.words[1], two and two.status) for one, two in exchanges(said)]
        assert found == list(zip((b"/1", b"/2"), told_of, strict=True))
    late = list(exchanges(pieces(
        ("c", b"PLAY rtsp://a RTSP/1.0\r\nCSeq: 1\r\n\r\nPLAY rtsp://b RTSP/1.0\r\nCSeq: 2\r\n\r\n"),
        ("s", b"RTSP/1.0 200 OK\r\nCSeq: 2\r\n\r\nRTSP/1.0 404 x\r\nCSeq: 1\r\n\r\n"),
    )))  # fmt: skip
    assert [(one.words[1], two and two.status) for one, two in late] == [
        (b"rtsp://b", 200),
        (b"rtsp://a", 404),
    ]


def test_a_whole_request_behind_what_was_lost_is_read() -> None:
    asked = ASK % 1
    for begin, data, found in (
        (500, asked, [b"/1"]),
        (500, b"x" + asked, []),
        (500, asked + asked, [b"/1", b"/1"]),
    ):
        said = [Piece(True, 0, b"GET /0 HTTP", SEEN), Piece(True, begin, data, SEEN)]
        assert [one.words[1] for one in messages(said)] == found


def test_a_length_that_the_server_takes_no_notice_of_hides_no_request() -> None:
    answer: Turn = ("s", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    for method in (b"GET", b"POST"):
        for size in (8_000, 10**6):
            lie: Turn = ("c", method + b" /0 HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % size)
            found = [one.words[1] for one in messages(pieces(lie, answer, ("c", ASK % 1))) if one.from_client]
            assert found == [b"/0", b"/1"]
    asked: Turn = ("c", b"HEAD / HTTP/1.1\r\n\r\n")
    headed: Turn = ("s", b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n")
    assert [one.status for one in messages(pieces(asked, headed, ("c", ASK % 1), answer))] == [0, 200, 0, 200]


@pytest.mark.parametrize("size", [1, 5, 200])
def test_chunks_of_a_request_are_put_together(size: int) -> None:
    body = b"a=1&password=2"
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    chunked = b"".join(b"%x;x=y\r\n%s\r\n" % (len(one), one) for one in parts) + b"0\r\nX: y\r\n\r\n"
    head = b"POST /0 HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n"
    for turns in (pieces(("c", head + chunked + ASK % 1)), one_by_one(("c", head + chunked + ASK % 1))):
        assert [(one.words[1], one.body) for one in messages(turns)] == [(b"/0", body), (b"/1", b"")]
    (one,) = messages(pieces(("c", head + chunked[:-9])))
    assert one.body == b""


def test_a_field_may_go_on_in_the_next_line_and_come_twice() -> None:
    head = b"GET / HTTP/1.1\r\nX:\r\n\ta\r\n b\r\nY: 1\r\ny : 2\r\n\r\n"
    (one,) = messages(pieces(("c", head)))
    assert one.fields == {b"x": b"a b", b"y": b"1"} and one.again == ((b"y", b"2"),)


def test_pictures_between_the_messages_are_passed_over() -> None:
    picture = b"$\x00\x00\x14" + b"RTSP/1.0 404 x\r\n\r\n.."
    found = list(messages(pieces(("s", picture + b"RTSP/1.0 200 OK\r\n\r\n"))))
    assert [one.status for one in found] == [200]


def test_credentials_and_outcomes() -> None:
    assert basic(b"YTpi") == (b"a", b"b") and basic(b"YTo=") == (b"a", b"")
    assert basic(b"YTpi Yw") == (b"a", b"bc") and basic(b"YT.o") == (b"a", b"")
    assert basic(b"YWI=") is None and basic(b"\xff") is None
    request, response = next(exchanges(pieces(*TRANSCRIPTS["http"][2:])))
    assert outcome_of(response) == "accepted" and outcome_of(None) == "attempted"
    assert [one.outcome for one in authorised(request, "accepted", True)] == ["accepted"]
    assert [one.outcome for one in authorised(request, "accepted", False)] == ["unknown"]
    assert told(list(challenges(pieces(*TRANSCRIPTS["http"])))) == [(b"admin", "basic", "accepted", b"moxa")]


def test_values_do_not_show_what_they_hold() -> None:
    for one in messages(pieces(*TRANSCRIPTS["http"])):
        assert "YWRtaW46bW94YQ" not in repr(one)
