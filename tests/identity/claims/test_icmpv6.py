"""Routers of IPv6 advertise themselves."""

from __future__ import annotations

from tests.identity.claims.messages import said

HEAD = bytes.fromhex("8600000040000708") + bytes(8)


def test_a_lifetime_of_nothing_is_no_router_but_may_give_addresses() -> None:
    assert said("icmpv6", ("c", HEAD)) == [("capability", "IPv6 router")]
    assert said("icmpv6", ("s", HEAD[:6] + bytes(10))) == [("capability", "IPv6 prefixes")]


def test_other_messages_and_what_is_cut_say_nothing() -> None:
    for other in (HEAD[:15], b"\x85" + HEAD[1:], b"\x86\1" + HEAD[2:], b""):
        assert said("icmpv6", ("c", other)) == []
