"""The first head of each side names its program."""

from __future__ import annotations

from tests.identity.claims.messages import said


def test_the_first_head_counts_and_bodies_do_not() -> None:
    first = b"GET / HTTP/1.1\r\nUser-Agent: one\r\n\r\n"
    assert said("http", ("c", first), ("c", first.replace(b"one", b"two"))) == [("software", "one")]
    assert said("http", ("c", b"GET / HTTP/1.1\r\n\r\nUser-Agent: one\r\n\r\n")) == []
