"""The first line of each side."""

from __future__ import annotations

from tests.identity.claims.messages import said


def test_a_line_that_has_not_ended_or_comes_later_says_nothing() -> None:
    assert (
        said("ssh", ("s", b"SSH-2.0-dropbear")) == said("ssh", ("s", b"x\r\n"), ("s", b"SSH-2.0-x\r\n")) == []
    )
    assert said("ssh", ("s", b"SSH-1.99-Cisco-1.25\n")) == [("software", "Cisco-1.25")]
