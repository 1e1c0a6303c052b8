"""Names are those of hosts on the link, not of services or other domains."""

from __future__ import annotations

from tests.identity.claims.messages import dns, said


def test_only_names_of_hosts_are_names() -> None:
    foreign = (
        (0, "a.example", 1, bytes(4)),
        (0, "local", 1, bytes(4)),
        (0, "x._http._tcp.local", 33, bytes(8)),
    )
    assert said("mdns", ("c", dns(0x8400, *foreign))) == []


def test_texts_that_lie_about_their_length() -> None:
    record = (0, "x._device-info._tcp.local", 16, b"\x0cmodel=Mac14,\xffmodel=x")
    assert said("mdns", ("c", dns(0x8400, record))) == [("model", "Mac14,")]
