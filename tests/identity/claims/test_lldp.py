"""Frames of LLDP end where they say, or where a length leads out of them."""

from __future__ import annotations

from tests.identity.claims import messages
from tests.identity.claims.messages import CHASSIS, Said, tlv


def said(values: bytes) -> list[Said]:
    return messages.said("lldp", ("c", CHASSIS + values))


def test_what_stands_behind_the_end_or_a_lie_is_not_read() -> None:
    assert said(tlv(0, b"") + tlv(5, b"x")) == []
    assert said(tlv(5, b"x") + b"\x0b\xff" + b"y") == [("name", "x")]
    assert said(tlv(7, b"\0\x14") + tlv(8, b"\5") + tlv(127, b"\0\x12\xbb\x08")) == []


def test_addresses_of_both_families_and_of_others() -> None:
    assert said(tlv(8, b"\x11\2" + bytes(15) + b"\1")) == [("management", "::1")]
    assert said(tlv(8, b"\7\6" + bytes(6))) == said(tlv(8, b"\0\1\1\2")) == []


def test_a_frame_that_does_not_begin_with_its_chassis_is_none() -> None:
    assert said(tlv(5, b"x")) == [("name", "x")]
    assert messages.said("lldp", ("c", tlv(5, b"x") + CHASSIS)) == messages.said("lldp", ("c", b"")) == []
