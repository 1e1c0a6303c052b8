"""Endpoints of a server, and answers that hold none."""

from __future__ import annotations

from tests.identity.claims.messages import claims, endpoints, said


def test_refusals_and_other_sides_say_nothing() -> None:
    assert said("opc_ua", ("s", endpoints(b"x", b"y", result=0x80000000))) == []
    assert said("opc_ua", ("c", endpoints(b"x", b"y"))) == []
    encrypted = b"MSGF" + (60).to_bytes(4, "little") + bytes(52)
    assert said("opc_ua", ("s", encrypted + endpoints(b"x", b"y"))) == [("software", "x"), ("model", "y")]


def test_a_length_that_leads_backwards_or_away_ends_the_reading() -> None:
    whole = endpoints(b"x", b"y")
    assert said("opc_ua", ("s", b"MSGF\0\0\0\0" + whole)) == []
    assert said("opc_ua", ("s", b"MSGF\xff\xff\xff\xff" + whole)) == []
    assert claims("opc_ua", ("s", whole.replace(b"\1\0\0\0y", b"\xfe\xff\xff\x7fy"))) == []
