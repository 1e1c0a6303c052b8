"""Names that are a host's own, and groups."""

from __future__ import annotations

from tests.identity.claims.messages import node_status, registration, said


def test_queries_and_responses_to_registrations_say_nothing_of_their_sender() -> None:
    asked = bytearray(registration("PLC", 0))
    asked[2:4] = b"\1\x10"
    assert said("nbns", ("c", bytes(asked))) == []
    asked[2:4] = b"\xad\x80"
    assert said("nbns", ("s", bytes(asked))) == []


def test_a_count_of_names_that_lies() -> None:
    message = bytearray(node_status(("SRV", 0, 0)))
    message[message.index(b"SRV") - 1] = 255
    assert said("nbns", ("s", bytes(message)))[0] == ("name", "SRV")
