from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

from otmon.ledger.facts import AssetClaim
from otmon.ledger.merge import collect
from otmon.zones.files.load import load_model
from otmon.zones.model import Model
from otmon.zones.place import index
from otmon.zones.review.check import CAUTIONS, Contested, cautions, check, in_no_zone, in_two_zones
from otmon.zones.review.covering import COMPARED
from tests.detect.plant import ledger_of
from tests.zones.facts import EVIDENCE, PROTOCOLS, asset, conversation, model

ROOT = Path(__file__).resolve().parent.parent.parent.parent

DOUBTFUL = model("""
    zones:
    - {id: a, importance: 大, owner: x, kind: [control, safety], sl_t: 2,
       members: [10.1.0.0/16, '00:00:00:00:00:01', prefix: 10.5.0.0/16]}
    - id: b
      importance: low
      owner: x
      members:
      - 10.1.0.0/16
      - 10.1.2.0/24
      - '00:00:00:00:00:01'
      - {prefix: 10.5.0.0/16, vlan: 2}
      - 10.5.0.0/16
    - {id: c, importance: low, sl_t: 3, works: [v, w]}
    - {id: d, importance: low, owner: x, members: {vlan: 7}}
    - {id: e, importance: low, owner: x, members: {vlan: 7}}
    - {id: f, importance: low, owner: x, members: '00:00:00:00:00:02', inside: baseline}
    boundaries:
    - {id: a-b, between: [a, b], device_owner: x}
    - {id: a-web, between: [a, internet], settings_owner: x, allow: [{id: p, from: internet, protocol: any}]}
    - {id: d-e, between: [d, e], device_owner: x, settings_owner: x, allow: [{to: e, protocol: any, port: 9}]}
    - {id: d-f, between: [d, f], device_owner: x, settings_owner: x, allow: [{to: f, protocol: dns}]}
    - id: e-f
      between: [e, f]
      device_owner: x
      settings_owner: x
      allow:
      - {id: wide, to: f, protocol: [dns, ntp]}
      - {id: unread, to: f, protocol: [modbus, s7comm, smb], access: write}
      - {id: narrow, to: f, protocol: dns, port: 53}
      - {id: day, name: {ja: 昼, en: Day}, to: f, protocol: ntp, port: 123-124, hours: daily 08:00-18:00}
      - {id: night, to: f, protocol: ntp, port: 122-123}
      exceptions:
      - {id: old, to: f, protocol: tls, expires: 2026-03-01, reason: r, approver: a}
      - {id: due, to: f, protocol: ssh, expires: 2026-04-20, reason: r, approver: a}
      - {id: later, to: f, protocol: http, expires: 2026-12-01, reason: r, approver: a}
      - {id: endless, to: f, protocol: unknown, port: 7, expires: 2099-12-31, reason: r, approver: a}
    timezone: Asia/Tokyo
    assets:
    - {id: lost, address: 172.31.0.1}
    - {id: lap, address: 10.1.0.77, role: [laptop, plcs]}
    works: [{id: w, importance: high}, {id: v, importance: low}, {id: idle, importance: low}]
    protected: [{id: data, importance: high, works: w}, {id: lost-data, importance: low, works: idle}]
""")
TODAY = date(2026, 4, 14)
SEEN = ledger_of(conversation("198.51.100.1", "10.1.0.5", 53, "dns"), asset("00:00:00:00:00:01", "10.1.0.5"))


def test_every_caution_points_at_its_line(golden: Callable[[str, str], None]) -> None:
    golden("zones-cautions.txt", "".join(f"{caution}\n" for caution in cautions(DOUBTFUL, TODAY)))


PLUGGED = model("""
    zones:
    - {id: a, importance: low, owner: x, members: {switch_port: "erspan:10.0.0.2/3/1"}}
    - {id: b, importance: low, owner: x, members: {switch_port: "erspan:10.0.0.2/3/2"}}
    - {id: c, importance: low, owner: x, members: [10.3.0.0/16, {switch_port: "erspan:10.0.0.2/3/2"}]}
    boundaries:
    - {id: a-b, between: [a, b], device_owner: x, settings_owner: x}
    - {id: a-c, between: [a, c], device_owner: x, settings_owner: x}
""")
AT_TWO_PORTS = [
    AssetClaim("", f"10.3.0.{n}", "", "switch-port", f"erspan:10.0.0.2/3/{port}", "erspan", 1, 1, 2, EVIDENCE)
    for n in (7, 8)
    for port in (1, 2)
]


def test_what_changes_may_stand_beside_what_reads() -> None:
    def told(*allowed: str) -> list[str]:
        plant = model(f"""
            zones:
            - {{id: a, importance: low, owner: x, members: 10.1.0.0/24}}
            - {{id: b, importance: low, owner: x, members: 10.2.0.0/24}}
            boundaries:
            - id: a-b
              between: [a, b]
              device_owner: x
              settings_owner: x
              allow: [{", ".join(f"{{to: 10.2.0.1, protocol: s7comm, {one}}}" for one in allowed)}]
        """)
        return [caution.key for caution in cautions(plant)]

    writes = "access: write, functions: write-var"
    assert told(writes) == ["reads-not-read"]
    assert told("access: read", writes) == told(writes, "access: read") == []
    assert told("from: 10.1.0.9, access: read", writes) == ["reads-not-read"]


def test_switch_ports_of_two_zones_and_addresses_at_two_ports_are_told() -> None:
    told = [caution for caution in cautions(PLUGGED, None, collect(claims=AT_TWO_PORTS))]
    (twice,) = [one for one in told if one.key == "member-in-two-zones"]
    assert dict(twice.params)["member"] == "erspan:10.0.0.2/3/2"
    (forged,) = [one for one in told if one.key == "seen-at-ports-of-two-zones"]
    said = "10.3.0.7 (+1) came in at a switch port of zone b and at one of zone a (m.yaml:2)"
    assert said in str(forged)
    assert [one.line.number for one in told if one.key == "zone-of-ports"] == [2, 3]
    one_port = [one for one in AT_TWO_PORTS if one.value.endswith("/1")]
    alone = cautions(PLUGGED, None, collect(claims=one_port))
    assert "seen-at-ports-of-two-zones" not in {one.key for one in alone}


def test_these_cautions_are_all_there_are() -> None:
    outside = model("""
        zones:
        - {id: a, importance: low, members: 10.1.0.0/24}
        - {id: b, importance: low, members: 10.2.0.0/24, within: a}
    """)
    found = (*cautions(DOUBTFUL, TODAY, SEEN), *cautions(DOUBTFUL, TODAY, SEEN, SEEN), *cautions(outside))
    found += cautions(_repeated(COMPARED + 1))
    found += cautions(PLUGGED, None, collect(claims=AT_TWO_PORTS))
    assert {caution.key for caution in found} == set(CAUTIONS)


def _repeated(times: int) -> Model:
    """The model with the first permission of its last boundary so many times."""
    last = DOUBTFUL.boundaries[-1]
    return replace(DOUBTFUL, boundaries=(replace(last, permissions=last.permissions[:1] * times),))


def test_a_list_too_long_to_be_compared_is_told() -> None:
    assert not any(one.key == "permissions-not-compared" for one in cautions(DOUBTFUL))
    (told,) = [one for one in cautions(_repeated(COMPARED + 1)) if one.key == "permissions-not-compared"]
    assert f"{COMPARED + 1} permissions are in one list from here on: not all of them" in str(told)


def test_a_role_that_nothing_knows_is_told_with_the_one_that_was_meant() -> None:
    (told,) = [one for one in cautions(DOUBTFUL) if one.key == "role-unknown"]
    assert "role plcs (plc?) of lap is none that otmon knows" in str(told)


def test_a_zone_that_the_baseline_knows_needs_no_caution() -> None:
    inside = ledger_of(conversation("10.9.0.1", "10.9.0.2"))
    plant = model("zones: [{id: z, importance: low, owner: x, members: 10.9.0.0/24, inside: baseline}]")
    across = ledger_of(conversation("10.9.0.1", "10.8.0.2"))
    told = [[c.key for c in cautions(plant, None, None, one)] for one in (None, across, inside)]
    assert told == [
        ["zone-without-baseline", "zone-without-boundary"],
        ["baseline-empty", "zone-without-boundary"],
        ["zone-without-boundary"],
    ]


def test_counts() -> None:
    checked = check(DOUBTFUL)
    assert (checked.files, checked.zones, checked.members) == (("m.yaml",), 6, 11)
    assert (checked.boundaries, checked.permissions) == (5, 12)
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
