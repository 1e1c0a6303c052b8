"""Answers and greetings say who sends them; requests do not."""

from __future__ import annotations

from tests.identity.claims.messages import dcp, said

NAME = (2, 2, b"plc-1")


def test_only_answers_and_hello() -> None:
    assert said("profinet", ("s", dcp(NAME, kind=0))) == said("profinet", ("s", dcp(NAME, kind=5))) == []
    assert said("profinet", ("s", dcp(NAME, service=4))) == []
    assert said("profinet", ("s", dcp(NAME, frame=0xFEFC, service=6, kind=0))) == [("name", "plc-1")]
    assert said("profinet", ("s", dcp(NAME, frame=0xFEFD, service=3))) == [("name", "plc-1")]
    assert said("profinet", ("s", dcp(NAME, frame=0x8000))) == []


def test_lengths_that_lie() -> None:
    whole = dcp(NAME, (2, 3, b"\0\x2a"), (2, 4, b""))
    assert said("profinet", ("s", whole)) == [("name", "plc-1")]
    assert said("profinet", ("s", whole[:10] + b"\0\3" + whole[12:])) == []
    assert said("profinet", ("s", dcp() + b"\2\2\0\1x")) == []
