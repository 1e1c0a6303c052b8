"""Only the greeting of the server counts."""

from __future__ import annotations

from tests.identity.claims.messages import said


def test_only_the_first_line_of_the_server() -> None:
    assert said("ftp", ("s", b"530 no\r\n220 x\r\n")) == said("ftp", ("c", b"220 x\r\n")) == []
    assert said("ftp", ("s", b"220-Welcome\r\n220 ready\r\n")) == [("software", "Welcome")]
