"""The greeting of a POP3 server."""

from __future__ import annotations

import pytest

from tests.identity.claims.messages import said


@pytest.mark.parametrize(
    ("greeting", "told"),
    [
        (b"+OK Qpopper (version 4.0.5) at mail starting. <17.1@mail>\r\n",
         "Qpopper (version 4.0.5) at mail starting."),
        (b"+OK <17.1@mail>\r\n", ""),
        (b"-ERR no\r\n", ""),
        (b"+OK Dovecot", ""),
    ],
)  # fmt: skip
def test_it_names_the_program_without_its_stamp(greeting: bytes, told: str) -> None:
    assert said("pop3", ("s", greeting)) == ([("software", told)] if told else [])
    assert said("pop3", ("c", greeting)) == []
