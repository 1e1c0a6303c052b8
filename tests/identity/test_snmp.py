from __future__ import annotations

from otmon.identity.snmp import log_ins as parse
from tests.identity.talk import TRANSCRIPTS, Turn, pieces, told

ASK, ANSWER = TRANSCRIPTS["snmp"][0], TRANSCRIPTS["snmp"][1]


def test_a_response_is_a_yes_and_silence_is_no_no() -> None:
    assert told(list(parse(pieces(ASK, ANSWER)))) == [(b"", "community", "accepted", b"public")]
    assert told(list(parse(pieces(ASK)))) == [(b"", "community", "attempted", b"public")]
    other: Turn = ("s", ANSWER[1].replace(b"public", b"privat"))
    assert told(list(parse(pieces(ASK, other)))) == [
        (b"", "community", "accepted", b"privat"),
        (b"", "community", "attempted", b"public"),
    ]


def test_an_answer_repeats_what_nobody_saw_asked() -> None:
    assert told(list(parse(pieces(ANSWER)))) == [(b"", "community", "accepted", b"public")]


def test_a_version_may_be_written_longer_than_it_must() -> None:
    longer = ASK[1].replace(b"\x02\x01\x01\x04", b"\x02\x03\0\0\x01\x04")
    longer = longer[:1] + bytes((longer[1] + 2,)) + longer[2:]
    assert [one[3] for one in told(list(parse(pieces(("c", longer)))))] == [b"public"]


def test_each_request_counts_once() -> None:
    assert [one[2] for one in told(list(parse(pieces(ASK, ASK, ANSWER, ANSWER, ANSWER))))] == ["accepted"] * 2


def test_other_versions_and_broken_messages_are_nothing() -> None:
    version_3: Turn = ("c", ASK[1].replace(b"\x02\x01\x01\x04", b"\x02\x01\x03\x04"))
    trap: Turn = ("c", ASK[1].replace(b"\xa0\x19", b"\xa7\x19"))
    assert list(parse(pieces(version_3, trap))) == []
    for size in range(len(ASK[1])):
        assert list(parse(pieces(("c", ASK[1][:size])))) == []
