"""Items of ListIdentity."""

from __future__ import annotations

from tests.identity.claims.messages import list_identity, said


def test_types_that_nobody_knows_errors_and_lengths_that_lie() -> None:
    told = dict(said("ethernet_ip", ("s", list_identity(b"X", kind=0x7B))))
    assert "capability" not in told and told["model"] == "X"
    whole = list_identity(b"X")
    assert said("ethernet_ip", ("s", whole[:8] + b"\1" + whole[9:])) == []
    assert said("ethernet_ip", ("s", b"\x65" + whole[1:])) == []
    assert said("ethernet_ip", ("s", whole[:28] + b"\xff\xff" + whole[30:])) == []
