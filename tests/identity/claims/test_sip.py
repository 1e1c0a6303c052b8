"""The first head of each side names its program."""

from __future__ import annotations

from tests.identity.claims.messages import said


def test_the_first_head_counts_and_bodies_do_not() -> None:
    first = b"OPTIONS sip:a SIP/2.0\r\nUser-Agent: one\r\n\r\n"
    assert said("sip", ("c", first), ("c", first.replace(b"one", b"two"))) == [("software", "one")]
    assert said("sip", ("c", b"OPTIONS sip:a SIP/2.0\r\n\r\nUser-Agent: one\r\n\r\n")) == []
