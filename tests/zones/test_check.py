from __future__ import annotations

from pathlib import Path

from otmon.zones.check import CAUTIONS, Contested, cautions, check, in_no_zone, in_two_zones
from otmon.zones.load import load_model
from otmon.zones.place import index
from tests.zones.facts import PROTOCOLS, asset, model

ROOT = Path(__file__).resolve().parent.parent.parent

DOUBTFUL = model("""
    zones:
    - {id: a, importance: 大, owner: x, members: [10.1.0.0/16, '00:00:00:00:00:01', prefix: 10.5.0.0/16]}
    - id: b
      importance: low
      owner: x
      members:
      - 10.1.0.0/16
      - 10.1.2.0/24
      - '00:00:00:00:00:01'
      - {prefix: 10.5.0.0/16, vlan: 2}
      - 10.5.0.0/16
    - {id: c, importance: low}
    - {id: d, importance: low, owner: x, members: {vlan: 7}}
    - {id: e, importance: low, owner: x, members: {vlan: 7}}
    - {id: f, importance: low, owner: x, members: '00:00:00:00:00:02'}
    boundaries:
    - {id: a-b, between: [a, b], device_owner: x}
    - {id: a-web, between: [a, internet], settings_owner: x, allow: [{id: p, from: internet, protocol: any}]}
    - {id: d-e, between: [d, e], device_owner: x, settings_owner: x, allow: [{to: e, protocol: any, port: 9}]}
    - {id: d-f, between: [d, f], device_owner: x, settings_owner: x, allow: [{to: f, protocol: dns}]}
""")

SAID = """\
m.yaml:7: 10.1.0.0/16 is in zone b and in zone a (m.yaml:2); a decides
m.yaml:8: 10.1.2.0/24 of zone b is taken out of 10.1.0.0/16 of a (m.yaml:2)
m.yaml:9: 00:00:00:00:00:01 is in zone b and in zone a (m.yaml:2); a decides
m.yaml:11: 10.5.0.0/16 is in zone b and in zone a (m.yaml:2); a decides
m.yaml:12: no boundary joins zone c to anything, so nothing may leave or reach it
m.yaml:12: zone c has no members, so nothing is ever in it
m.yaml:12: zone c has no owner
m.yaml:13: zone d is told by VLAN only: addresses of other networks that are routed into the VLAN and in no \
prefix of the model count as its own
m.yaml:14: VLAN 7 is in zone e and in zone d (m.yaml:13); d decides
m.yaml:14: zone e is told by VLAN only: addresses of other networks that are routed into the VLAN and in no \
prefix of the model count as its own
m.yaml:15: zone f is told by MAC address only: behind a router its addresses are not known
m.yaml:17: boundary a-b allows nothing
m.yaml:17: boundary a-b does not say who owns its settings
m.yaml:18: boundary a-web does not say who owns its device
m.yaml:18: permission p lets the Internet into zone a of high importance
m.yaml:18: permission p allows every protocol on every port"""


def test_every_caution_points_at_its_line() -> None:
    assert "\n".join(map(str, cautions(DOUBTFUL))) == SAID


def test_the_cautions_above_are_all_there_are() -> None:
    assert {caution.key for caution in cautions(DOUBTFUL)} == set(CAUTIONS)


def test_counts() -> None:
    checked = check(DOUBTFUL)
    assert (checked.files, checked.zones, checked.members) == (("m.yaml",), 6, 11)
    assert (checked.boundaries, checked.permissions) == (4, 3)
    assert checked.cautions == cautions(DOUBTFUL)


def test_the_example_has_nothing_doubtful_but_its_two_closed_boundaries() -> None:
    ids = PROTOCOLS | {"lldp"}
    found = cautions(load_model(str(ROOT / "zones" / "factory.yaml"), ids))
    assert [(c.key, dict(c.params)["boundary"]) for c in found] == [
        ("boundary-closed", "maintenance-line"),
        ("boundary-closed", "maintenance-internet"),
    ]


def test_assets_in_no_zone() -> None:
    mac = "00:00:00:00:00:99"
    strangers = [asset(mac, "10.9.0.1"), asset(mac, "fd00::1")]
    others = [asset(mac, "10.1.0.1"), asset(mac, "198.51.100.1"), asset(mac, "fe80::1"), asset(mac, ""),
              asset(mac, "169.254.0.1"), asset(mac, "0.0.0.0"), asset(mac, "172.16.0.1", "7")]  # fmt: skip
    assert in_no_zone(index(DOUBTFUL), [*strangers, *others]) == tuple(strangers)


def test_assets_in_two_zones() -> None:
    both = asset("00:00:00:00:00:99", "10.1.0.1")
    below_ip = asset("00:00:00:00:00:01", "")
    one = asset("00:00:00:00:00:99", "10.1.2.1")
    assert in_two_zones(index(DOUBTFUL), [both, one, below_ip]) == (
        Contested(both, ("a", "b")),
        Contested(below_ip, ("a", "b")),
    )
