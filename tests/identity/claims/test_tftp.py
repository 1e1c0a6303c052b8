"""A client of TFTP waits at the port from which it asks."""

from __future__ import annotations

from tests.identity.claims.messages import said


def test_tftp_waits_where_it_asks_from() -> None:
    assert said("tftp", ("c", b"\0\1fw.bin\0octet\0")) == [("expects", "udp")]
    assert said("tftp", ("c", b"\0\2fw.bin\0octet\0")) == [("expects", "udp")]
    assert said("tftp", ("c", b"\0\4\0\1"), ("s", b"\0\1fw.bin\0octet\0")) == []
