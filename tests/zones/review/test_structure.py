from __future__ import annotations

import pytest

from otmon.zones.place import index
from otmon.zones.review.structure import REQUIREMENTS, Mixed, kinds_of, mixed_zones, placed_devices
from otmon.zones.role import ROLES
from tests.zones.facts import model


def mixed(zones: str, assets: str = "[]", boundaries: str = "[]") -> tuple[Mixed, ...]:
    return mixed_zones(index(model(f"zones: [{zones}]\nassets: {assets}\nboundaries: {boundaries}\n")))


@pytest.mark.parametrize("kind", ["safety", "temporary", "wireless", "external"])
def test_what_has_to_be_apart_is_told_beside_anything_else(kind: str) -> None:
    (one,) = mixed(f"{{id: a, importance: 大, members: 10.0.0.0/24, kind: [control, {kind}]}}")
    assert (one.kind, one.others, one.because) == (kind, ("control",), ())
    assert mixed(f"{{id: a, importance: 大, members: 10.0.0.0/24, kind: {kind}}}") == ()


def test_business_assets_must_be_apart_from_control_only() -> None:
    (one,) = mixed("{id: a, importance: 大, kind: [business, control]}")
    assert (one.kind, one.others) == ("business", ("control",))
    (one,) = mixed("{id: a, importance: 大, kind: [business, wireless]}")
    assert one.kind == "wireless"


def test_roles_of_assets_tell_kinds() -> None:
    zones = "{id: a, importance: 大, members: 10.0.0.0/24}, {id: b, importance: 小, members: 10.0.1.0/24}"
    assets = """[{id: p, address: 10.0.0.1, role: plc}, {id: s, address: 10.0.0.2, role: [safety-plc, odd]},
        {id: x, address: 10.0.1.1, role: printer}, {id: y, address: 10.9.0.1, role: laptop}]"""
    assert mixed(zones, assets) == (Mixed("a", "safety", ("control",), ("s",)),)


def test_controllers_beside_the_internet_are_connected_through_an_external_network() -> None:
    zones = "{id: a, importance: 大, members: 10.0.0.0/24, kind: control}"
    border = "[{id: b, between: [a, internet]}]"
    assert mixed(zones, boundaries=border) == (Mixed("a", "external", ("control",), ()),)
    office = "{id: a, importance: 小, members: 10.0.0.0/24, kind: business}"
    assert mixed(office, boundaries=border) == ()


def test_an_asset_is_where_its_addresses_are() -> None:
    found = model("""
        zones: [{id: a, importance: 大, members: [10.0.0.0/24, '00:80:f4:00:00:01']}]
        assets: [{id: p, mac: '00:80:f4:00:00:01', role: plc}, {id: q, address: 10.7.0.1}]
    """)
    assert [(device.id, zone) for device, zone in placed_devices(index(found))] == [("p", "a")]
    assert kinds_of(found.devices[0]) == {"control"}


def test_every_kind_but_control_has_a_requirement() -> None:
    assert {role.kind for role in ROLES if role.kind} - {"control"} == set(REQUIREMENTS)
