"""Requests and responses: which belongs to which, and who is the client."""

from __future__ import annotations

from random import Random

import pytest

from otmon.ledger.tables import PENDING, T_ADDRESS, T_EXCEPTION, T_ID, T_REQUEST, T_RESPONSE, T_RESPONSE_NS
from tests.ledger.seen import Seen
from tests.truth.capture import packets
from tests.truth.messages import Message, mbap, read_registers, write_single
from tests.truth.talk import SERVER, Talk, ending, handshake, whole

READ = read_registers(3, 100, 4, Random(1))
WRITE = write_single(6, 7, 99)


def rows(talk: Talk) -> tuple[Seen, list[dict[str, int]]]:
    seen = Seen().packets(packets(talk, whole(talk))).finish()
    names = {"id": T_ID, "address": T_ADDRESS, "exception": T_EXCEPTION, "request": T_REQUEST,
             "response": T_RESPONSE, "took": T_RESPONSE_NS}  # fmt: skip
    return seen, [{name: row[at] for name, at in names.items()} for row in seen.transactions]


def test_more_waiting_requests_than_are_kept_give_up_the_oldest() -> None:
    talk = Talk("x")
    for i in range(PENDING + 5):
        talk.ask(read_registers(3, i, 1, Random(i)))
        talk.now += 20
    seen, found = rows(talk)
    assert len(found) == PENDING + 5
    assert [row["address"] for row in found] == list(range(PENDING + 5))
    assert seen.counted["requests unanswered"] == PENDING + 5


def test_an_exception_keeps_what_was_asked() -> None:
    talk = Talk("x")
    talk.poll(READ, exception=2)
    _, (row,) = rows(talk)
    assert (row["address"], row["exception"]) == (100, 2)


def test_a_request_shortly_before_the_end_is_open_and_not_unanswered() -> None:
    talk = Talk("x")
    talk.poll(READ)
    talk.ask(WRITE)
    seen = Seen().packets(packets(talk, [*handshake(talk), *talk.segments])).finish()
    assert seen.counted["requests open at the end"] == 1
    closed = Talk("y")
    closed.poll(READ)
    closed.ask(WRITE)
    seen = Seen().packets(packets(closed, [*handshake(closed), *closed.segments, *ending(closed)])).finish()
    assert seen.counted["requests unanswered"] == 1


@pytest.mark.parametrize(
    ("ports", "opened"), [((49_152, 502), True), ((49_152, 502), False), ((40_000, 1502), False)]
)
def test_the_client_is_who_asks(ports: tuple[int, int], opened: bool) -> None:
    talk = Talk("x", ports[0], server_port=ports[1])
    for i in range(4):
        talk.poll(read_registers(3, i, 3, Random(i)))
    segments = whole(talk) if opened else talk.segments[1:]
    (fact,) = Seen().packets(packets(talk, segments)).finish().ledger().conversations
    assert (fact.client, fact.server, fact.port) == (talk.client, talk.server, ports[1])
    assert fact.role == ("handshake" if opened else "protocol")


def test_a_response_that_nobody_asked_for_is_told_once_the_handshake_was_seen() -> None:
    talk = Talk("x")
    talk.poll(READ)
    talk.say(SERVER, mbap(9, 1, READ.response))
    seen = Seen().packets(packets(talk, [*handshake(talk), *talk.segments])).finish()
    assert seen.counted["responses without request"] == 1
    assert [one.reason for one in seen.ledger().anomalies] == ["unmatched-response"]


def test_an_answer_to_something_else_is_told() -> None:
    talk = Talk("x")
    wrong = Message("x", READ.request, bytes((3, 4)) + bytes(4), 100, 4)
    talk.poll(wrong)
    seen, (row,) = rows(talk)
    assert row["response"] > 0
    (anomaly,) = seen.ledger().anomalies
    assert (anomaly.reason, anomaly.value, anomaly.needed) == ("response-mismatch", 4, 8)
