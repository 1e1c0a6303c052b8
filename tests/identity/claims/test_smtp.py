"""Greetings of both sides."""

from __future__ import annotations

from tests.identity.claims.messages import said


def test_a_name_in_brackets_is_an_address_and_no_name() -> None:
    assert said("smtp", ("c", b"EHLO [10.0.0.1]\r\n")) == said("smtp", ("c", b"MAIL FROM:<a>\r\n")) == []
    assert said("smtp", ("c", b"helo ups\r\n")) == [("name", "ups")]
