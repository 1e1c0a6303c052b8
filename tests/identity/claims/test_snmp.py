"""Only answers of version 1 and 2c say something, and only texts."""

from __future__ import annotations

from tests.identity.claims.messages import ber, said, snmp

DESCRIPTION = "2b06010201010100"


def test_requests_traps_and_other_versions_say_nothing() -> None:
    for kind in (0xA0, 0xA1, 0xA3, 0xA7):
        assert said("snmp", ("s", snmp((DESCRIPTION, 4, b"x"), kind=kind))) == []
    assert said("snmp", ("s", snmp((DESCRIPTION, 4, b"x"), version=b"\3"))) == []
    assert said("snmp", ("s", snmp((DESCRIPTION, 4, b"x"), version=b"\0"))) == [("description", "x")]


def test_what_is_no_text_or_another_object_is_passed_over() -> None:
    pairs = (DESCRIPTION, 2, b"\1"), ("2b06010201010400", 4, b"me"), ("2b06010201010500", 4, b"sw")
    assert said("snmp", ("s", snmp(*pairs))) == [("name", "sw")]
    assert said("snmp", ("s", ber(0x30, ber(2, b"\1"), ber(4, b"public"), ber(0xA2, ber(4, b"x"))))) == []
