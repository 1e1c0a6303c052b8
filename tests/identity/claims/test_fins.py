"""Model and version, over UDP and TCP."""

from __future__ import annotations

from tests.identity.claims.messages import fins, said


def test_requests_refusals_and_the_header_of_tcp() -> None:
    whole = fins(b"CJ2M", b"1")
    assert (
        said("fins", ("s", b"\x80" + whole[1:])) == said("fins", ("s", fins(b"CJ2M", b"1", end=0x1101))) == []
    )
    assert said("fins", ("s", b"FINS" + bytes(12) + whole)) == [("model", "CJ2M"), ("firmware", "1")]
    assert said("fins", ("s", whole[:53])) == []
