"""Members that stand for several: what a tag means, and what is no member."""

from __future__ import annotations

import pytest

from otmon.zones.files.load import ModelError
from otmon.zones.place import names_interfaces
from tests.zones.facts import model

TAGGED = """
    assets:
    - {id: p, address: [10.1.0.1, 10.1.0.2], mac: '00:80:f4:00:00:01', tag: [clean-room, line-2]}
    - {id: q, mac: '00:80:f4:00:00:02', tag: clean-room}
    - {id: r, address: 10.1.0.3}
    zones:
    - {id: a, importance: low, members: [10.2.0.0/24, {tag: clean-room, vlan: 7}]}
    """


def test_a_tag_stands_for_every_address_of_its_assets() -> None:
    (zone,) = model(TAGGED).zones
    assert [(str(m.network), str(m.macs), m.vlan, m.line.number) for m in zone.members] == [
        ("10.2.0.0/24", "None", None, 6),
        ("10.1.0.1", "00:80:f4:00:00:01", "7", 6),
        ("10.1.0.2", "00:80:f4:00:00:01", "7", 6),
        ("None", "00:80:f4:00:00:02", "7", 6),
    ]
    assert model(TAGGED).devices[0].tags == ("clean-room", "line-2")


@pytest.mark.parametrize(
    ("member", "told"),
    [
        ("{tag: clean-rom}", "m.yaml:6:57: no asset has the tag 'clean-rom', expected clean-room"),
        ("{tag: clean-room, mac: '00:80:f4:00:00:02'}", "tag beside mac, expected it alone or with vlan"),
        (
            "{switch_port: 'erspan:10.0.0.2/3/12', vlan: 5}",
            "switch_port beside another key, expected it alone",
        ),
        ("{switch_port: 'erspan:10.0.0.2/1024'}", "'erspan:10.0.0.2/1024' does not fit here"),
        ("{switch_port: 'erspan:10.0.0.2/3/4294967296'}", "does not fit here, expected a switch port"),
        ("{switch_port: 'erspan:10.0.0/3'}", "does not fit here, expected a switch port"),
        ("{switch_port: 'dhcp:sw1'}", "does not fit here, expected a switch port"),
        ("{switch_port: 'interface:'}", "does not fit here, expected a switch port"),
        ("{switch_port: 'interface: eth1'}", "does not fit here, expected a switch port"),
        ('{switch_port: "interface:eth\\t1"}', "does not fit here, expected a switch port"),
        ("{switch_port: 'interface:" + "x" * 151 + "'}", "does not fit here, expected a switch port"),
        ("{switch_port: Gi1/12}", "does not fit here, expected a switch port"),
        ("{oui: '00:1b:1b', prefix: 10.0.0.0/8}", "oui beside prefix, expected it alone or with vlan"),
        ("{oui: '00:1b:1b', tag: clean-room}", "oui beside tag, expected it alone or with vlan"),
        (
            "{oui: '00:1b:1b:aa'}",
            "'00:1b:1b:aa' does not fit here, expected a vendor's part of a MAC address",
        ),
        ("{oui: '01:00:5e'}", "'01:00:5e' does not fit here, expected a vendor's part of a MAC address"),
    ],
)
def test_a_member_that_is_no_vendor_and_no_tag(member: str, told: str) -> None:
    with pytest.raises(ModelError) as caught:
        model(TAGGED.replace("{tag: clean-room, vlan: 7}", member))
    assert told in str(caught.value), str(caught.value)


def test_a_tag_where_no_asset_has_any() -> None:
    with pytest.raises(ModelError, match="no asset has the tag 'x', expected a tag of an asset"):
        model("zones: [{id: a, importance: low, members: {tag: x}}]")


def test_an_interface_is_named_as_the_capture_does() -> None:
    said = (
        'zones: [{id: a, importance: low, members: [{switch_port: "interface:eth1"}, {switch_port: "%s"}]}]'
    )
    (zone,) = model(said % "interface:Ethernet 2").zones
    assert [member.port for member in zone.members] == ["interface:eth1", "interface:45746865726e65742032"]
    (again,) = model(said % zone.members[1].port).zones
    assert again.members == zone.members
    assert names_interfaces(model(said % "interface:x")) and not names_interfaces(model(TAGGED))
