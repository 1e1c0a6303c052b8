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


def test_a_relay_tells_the_switch_port() -> None:
    parts = b"\1\6\0\4\0\x0a\1\x0c" + b"\2\x08\0\6\x00\x1b\x1b\x30\0\1"
    told = ("switch-port", "dhcp:0006001b1b300001/0004000a010c")
    assert said("dhcp", ("c", dhcp((82, parts)))) == [told]
    assert said("dhcp", ("s", dhcp((82, parts), op=2))) == [told]
    assert said("dhcp", ("c", dhcp((82, b"\1\6Gi1/12\2\3sw1")))) == [("switch-port", "dhcp:sw1/Gi1/12")]
    assert said("dhcp", ("c", dhcp((82, b"\1\3a b")))) == [("switch-port", "dhcp:/612062")]


def test_half_a_switch_port_is_none() -> None:
    assert said("dhcp", ("c", dhcp((82, b"")))) == said("dhcp", ("c", dhcp((82, b"\2\3sw1")))) == []
    assert said("dhcp", ("c", dhcp((82, b"\1\x40Gi")))) == said("dhcp", ("c", dhcp((82, b"\1\0\2\0")))) == []
    assert said("dhcp", ("c", dhcp((82, b"\1\xa0" + bytes(160))))) == []
