"""Clients speak of themselves, by a relay too; servers name their clients."""

from __future__ import annotations

from tests.identity.claims.messages import claims, dhcp, said


def test_who_it_is_about_is_told_by_the_hardware_address() -> None:
    (one,) = claims("dhcp", ("c", dhcp((12, b"plc"), address=b"\x0a\0\0\5")))
    assert (one.mac, one.address, one.value) == ("00:1a:4b:f6:01:02", "10.0.0.5", "plc")
    assert said("dhcp", ("s", dhcp((12, b"plc"), (60, b"x"), (81, b"\0\0\0y"), op=2))) == [("name", "plc")]
    assert claims("dhcp", ("s", dhcp((12, b"plc"), op=3))) == []
    token = bytearray(dhcp((12, b"plc")))
    token[1] = 6
    assert claims("dhcp", ("c", bytes(token))) == []


def test_full_names_in_both_forms() -> None:
    assert said("dhcp", ("c", dhcp((81, b"\4\0\0\3plc\5plant\0")))) == [("name", "plc.plant")]
    assert said("dhcp", ("c", dhcp((81, b"\4\0\0\3plc")))) == [("name", "plc")]
    assert said("dhcp", ("c", dhcp((81, b"\0\0\0plc.")))) == [("name", "plc")]
    assert said("dhcp", ("c", dhcp((81, b"\4\0")))) == said("dhcp", ("c", dhcp((81, b"\4\0\0\x3fa")))) == []


def test_options_in_parts_and_in_other_fields() -> None:
    assert said("dhcp", ("c", dhcp((12, b"pl"), (12, b"c-1")))) == [("name", "plc-1")]
    assert said("dhcp", ("c", dhcp((52, b"\1"), file=b"\x0c\3plc\xff"))) == [("name", "plc")]
    assert said("dhcp", ("c", dhcp((52, b""), file=b"\x0c\3plc\xff"))) == []
    cut = dhcp((60, b"MSFT 5.0"), (12, b"plc"))[:-4]
    assert said("dhcp", ("c", cut)) == [("dhcp-class", "MSFT 5.0")]
