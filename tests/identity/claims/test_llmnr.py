"""Only answers name their sender."""

from __future__ import annotations

from tests.identity.claims.messages import dns, said


def test_questions_and_other_records_say_nothing() -> None:
    assert said("llmnr", ("c", dns(0, (0, "hmi", 1, bytes(4))))) == []
    assert said("llmnr", ("s", dns(0x8000, (0, "hmi", 12, bytes(4)), (2, "x", 1, bytes(4))))) == []
    twice = dns(0x8000, (0, "hmi", 1, bytes(4)), (0, "hmi", 28, bytes(16)))
    assert said("llmnr", ("s", twice)) == [("name", "hmi")]
