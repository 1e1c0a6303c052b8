"""The greeting of an IMAP server."""

from __future__ import annotations

import pytest

from tests.identity.claims.messages import said


@pytest.mark.parametrize(
    ("greeting", "told"),
    [
        (b"* OK Microsoft Exchange IMAP4 service is ready\r\n", "Microsoft Exchange IMAP4 service is ready"),
        (b"* OK [CAPABILITY IMAP4rev1] Cyrus\r\n", "Cyrus"),
        (b"* BYE no\r\n", ""),
        (b"* OK", ""),
    ],
)
def test_it_names_the_program(greeting: bytes, told: str) -> None:
    assert said("imap", ("s", greeting)) == ([("software", told)] if told else [])
    assert said("imap", ("c", greeting)) == said("imap", ("s", b"x" + greeting)) == []
