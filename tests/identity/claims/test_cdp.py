"""Frames of CDP, and what only begins like one."""

from __future__ import annotations

from tests.identity.claims.messages import cdp, cdp_value, said


def test_only_cisco_s_frames_are_read_and_only_to_the_first_lie() -> None:
    assert said("cdp", ("c", cdp(cdp_value(1, b"sw"), b"\0\5\0\3", cdp_value(6, b"x")))) == [("name", "sw")]
    other = bytes.fromhex("aaaa0300000c2004") + b"\2\0\0\0" + cdp_value(1, b"sw")
    assert said("cdp", ("c", other)) == []
    assert said("cdp", ("c", cdp(cdp_value(4, b"\0\0\0\1"), cdp_value(2, b"\0\0\0\0")))) == [
        ("capability", "router")
    ]
