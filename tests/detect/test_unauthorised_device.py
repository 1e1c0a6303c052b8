from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from otmon.assets.classify import population
from otmon.detect.unauthorised_device import (
    SPREAD,
    acted,
    divided,
    ends_of,
    impersonates,
    lets_in,
    off_hours,
    plain_zones,
    strangers,
    talks_of,
    what_it_is,
)
from otmon.findings.judge import case_of
from otmon.ledger.facts import HOUR_NS, AssetClaim, Source
from otmon.ledger.merge import collect
from tests.detect.plant import at, found, keys, ledger_of
from tests.zones.facts import asset, conversation, model, operation

RULE = "unauthorised-device"
PLC, HMI, CAMERA, CAMERA_MAC = "10.2.0.1", "10.2.0.2", "10.2.0.200", "24:0a:c4:7b:90:15"
PLC_MAC, HMI_MAC, PHONE_MAC = "00:80:f4:00:00:01", "00:01:fc:00:00:02", "f6:1d:92:c4:08:3b"
SEEN = asset(CAMERA_MAC, CAMERA)
PLANT = model(f"""
    version: 1
    assets:
    - {{id: plc, address: {PLC}, mac: '{PLC_MAC}', role: plc}}
    - {{id: hmi, address: {HMI}, role: hmi}}
    - {{id: desk, address: 10.3.0.1}}
    - {{id: gateway, address: 10.3.0.254, role: router}}
    zones:
    - {{id: cell, importance: high, members: 10.2.0.0/24}}
    - {{id: office, importance: low, members: 10.3.0.0/24}}
    - {{id: yard, importance: high, members: 10.4.0.0/24}}
""")


def told(*facts: Any, **more: Any) -> Any:
    return found(RULE, *facts, plant=PLANT, **more)


@pytest.mark.parametrize(
    ("protocol", "kind", "values", "severity"),
    [
        ("lldp", "capability", ["bridge, wlan-access-point"], "high"),
        (
            "tcp",
            "tcp-opening",
            ["64:1024,0:mss:df", "63:1024,0:mss:df"],
            "high",
        ),
        ("lldp", "capability", ["bridge"], "medium"),
    ],
)
def test_what_lets_others_in_is_graver(protocol: str, kind: Any, values: list[str], severity: str) -> None:
    mac = "00:1b:0c:00:00:01"
    seen = asset(mac, CAMERA)
    claims = [AssetClaim(mac, CAMERA, "", kind, one, protocol, 1, 5, 5, seen.evidence) for one in values]
    (one,) = told(seen, *claims)
    assert one.severity == severity
    (device,) = population(ledger_of(seen, *claims), PLANT).devices
    assert lets_in(device) == (severity == "high")


def test_who_answers_for_many_by_arp_stands_where_their_addresses_belong() -> None:
    """Nobody knows which of them is its own: it must not get out of sight by claiming more."""
    mac = "00:1b:0c:00:00:01"
    for count in (3, 12):
        claimed = [asset(mac, f"10.2.0.{100 + n}", packets=9, arp=2) for n in range(count)]
        (one, *behind) = told(*claimed)
        assert one.place.from_zone == "cell" and one.rule == RULE
        assert mac in str([message.params for message in one.why])
        # Those whom it lets in are strangers, too.
        assert bool(behind) == (count == 12)


def test_a_device_that_nobody_listed_is_told_with_what_it_is() -> None:
    (one,) = told(SEEN, conversation(HMI, CAMERA, 554, "rtsp"))
    assert (one.key, one.severity, one.place.from_zone) == (("one", CAMERA_MAC), "high", "cell")
    assert keys([one]) == [
        *("unlisted-device", "seen-with", "probably", "signal.vendor", "signal.serves-video", "talks-with")
    ]


@pytest.mark.parametrize(
    "facts",
    [
        (asset(PLC_MAC, PLC), asset(HMI_MAC, HMI)),
        # No asset is listed there: nobody made an inventory of it.
        (asset(CAMERA_MAC, "10.4.0.9"),),
        # In no zone it is told as that.
        (asset(CAMERA_MAC, "10.9.0.9"),),
        # The asset's address: that is another finding.
        (asset(CAMERA_MAC, PLC),),
        # What two listed routers share.
        (asset("00:00:5e:00:01:01", "10.2.0.254"),),
        (asset(CAMERA_MAC, "fe80::1"), asset(CAMERA_MAC, "")),
    ],
)
def test_who_is_listed_or_elsewhere_is_not_told(facts: tuple[Any, ...]) -> None:
    assert told(*facts) == []


LAPTOP, OTHER, VIRTUAL = "00:1c:42:11:22:33", "fe80::21c:42ff:fe11:2233", "00:00:5e:00:01:63"


@pytest.mark.parametrize(
    "facts",
    [
        (asset(LAPTOP, OTHER), conversation(OTHER, "fe80::1")),
        (asset(LAPTOP, OTHER), conversation(OTHER, PLC, transport="icmpv6")),
        (asset(LAPTOP, ""), conversation(LAPTOP, "01:80:c2:00:00:0e", transport="ethernet")),
        (asset(LAPTOP, OTHER, "7"), conversation(OTHER, PLC)),
        (asset(LAPTOP, OTHER), conversation(OTHER, PLC, vlan="7")),
    ],
)
def test_who_has_no_place_of_its_own_is_where_it_talks(facts: tuple[Any, ...]) -> None:
    own = asset(PLC_MAC, PLC), asset(PLC_MAC, "fe80::280:f4ff:fe00:1")
    (one,) = told(*own, asset(LAPTOP, OTHER), conversation(OTHER, "fe80::280:f4ff:fe00:1"))
    assert (one.link.client, one.place.from_zone) == (OTHER, "cell")
    (one,) = told(*own, asset(LAPTOP, OTHER), conversation(OTHER, PLC))
    assert one.place.from_zone == "cell"
    assert told(*own, *facts) == []


def test_the_mac_address_of_routers_hides_no_host() -> None:
    """VRRP's may be anybody's: who asks others is a host, and where nobody listed a router so is all."""
    shared = asset(VIRTUAL, "10.2.0.77")
    unheard = {"transport": "ip", "answered": False, "packets_to_client": 0}
    assert told(shared, conversation("10.2.0.77", "224.0.0.18", 112, **unheard)) == []
    assert told(shared, conversation(PLC, "10.2.0.77")) == []
    for fact in (conversation("10.2.0.77", PLC), operation("10.2.0.77", PLC, function=6, access="write")):
        assert [one.link.client for one in told(shared, fact)] == ["10.2.0.77"]
    nobody = replace(PLANT, devices=tuple(one for one in PLANT.devices if one.id != "gateway"))
    assert len(found(RULE, shared, plant=nobody)) == 1


@pytest.mark.parametrize(
    ("facts", "severity"),
    [
        ((), "medium"),
        ((conversation(CAMERA, PLC, answered=False),), "medium"),
        ((conversation(CAMERA, PLC),), "high"),
        ((conversation(CAMERA, "198.51.100.1", 443, "tls", answered=False),), "high"),
        ((conversation(CAMERA, PLC), operation(CAMERA, PLC, 6, 0, 1, status=2)), "high"),
        ((conversation(CAMERA, PLC), operation(CAMERA, PLC, 6, 0, 1, evidence=at(7))), "critical"),
    ],
)
def test_it_weighs_what_the_device_did(facts: tuple[Any, ...], severity: str) -> None:
    (one,) = told(SEEN, *facts)
    assert one.severity == severity
    assert (at(7) in one.evidence) == (severity == "critical")


def test_in_a_zone_that_matters_less_it_is_less_grave() -> None:
    (one,) = told(asset(CAMERA_MAC, "10.3.0.9"), conversation("10.3.0.9", "198.51.100.1", 443, "tls"))
    assert one.severity == "low" and "reaches-outside" in keys([one])


@pytest.mark.parametrize(("devices", "findings"), [(SPREAD, SPREAD), (SPREAD + 1, 1)])
def test_very_many_are_one_finding(devices: int, findings: int) -> None:
    facts = [asset(f"24:0a:c4:00:01:{n:02x}", f"10.2.0.{100 + n}") for n in range(devices)]
    some = told(*facts)
    assert len(some) == findings
    assert (some[0].key == ("many", "cell")) == (devices > SPREAD)


@pytest.mark.parametrize("rule", [RULE, "random-mac", "new-device"])
def test_forged_senders_hide_nobody_who_acts(rule: str) -> None:
    """Senders that somebody makes up get no answers."""
    net = "10.4.0" if rule == "random-mac" else "10.2.0"
    mac = "f6:1d:92:c4:00:{:02x}" if rule == "random-mac" else "24:0a:c4:00:01:{:02x}"
    forged = [asset(mac.format(n), f"{net}.{100 + n}") for n in range(SPREAD + 1)]
    intruder, asker, server = (f"{net}.{n}" for n in (77, 78, 79))
    seen = [asset(mac.format(n), f"{net}.{n}", first_ns=9) for n in (77, 78, 79)]
    acts = [
        *(
            conversation(intruder, PLC, answered=False, packets_to_client=9),
            operation(intruder, PLC, 6, 0, 1),
        ),
        *(conversation(asker, PLC), conversation(HMI, server, 80, "http")),
    ]
    before = () if rule != "new-device" else (asset(PLC_MAC, PLC), asset(HMI_MAC, HMI))
    plant = None if rule == "new-device" else PLANT
    some = found(rule, *forged, *seen, *acts, *before, plant=plant, baseline=before or None)
    (pool,) = [one for one in some if one.key[0] == "many"]
    assert len(some) == 4 and pool.count == len(forged) and "did-nothing" in keys([pool])
    assert {one.link.client for one in some} == {"", intruder, asker, server}
    # Whoever comes later is told, however many did nothing before.
    assert len({one.key for one in some}) == 4
    (wrote,) = [one for one in some if one.link.client == intruder]
    assert wrote.severity == ("critical" if rule == RULE else "high")


def test_one_device_is_one_finding() -> None:
    facts = (asset(PHONE_MAC, CAMERA), conversation(CAMERA, PLC, 80, "http"))
    before = (asset(PLC_MAC, PLC),)
    assert len(told(*facts, baseline=before)) == 1
    for other in ("new-device", "random-mac", "unknown-address", "address-taken-over", "moved-device"):
        assert found(other, *facts, plant=PLANT, baseline=before) == []


def test_a_router_that_nobody_listed_is_told_as_one() -> None:
    router = "00:a0:de:00:00:01"
    facts = asset(router, "10.2.0.250", arp=2), asset(router, "192.168.0.5"), asset(router, "198.51.100.1")
    (one,) = told(*facts)
    assert (one.key, one.link.client) == (("one", router), "10.2.0.250")
    assert keys([one])[2:5] == ["probably", "signal.vendor", "signal.forwards"]
    assert dict(one.why[3].params)["addresses"] == "192.168.0.5, 198.51.100.1"


def test_a_contradiction_is_said_and_not_a_class() -> None:
    facts = (asset(PHONE_MAC, CAMERA), conversation(HMI, CAMERA))
    assert "would-be" in keys(told(*facts)) and "probably" not in keys(told(*facts))


def test_strangers_and_who_they_pretend_to_be() -> None:
    case = case_of(ledger_of(SEEN, asset("3c:d9:2b:00:00:01", PLC), asset(HMI_MAC, HMI)), PLANT)
    by_id = case.population.by_id
    assert {id: zone for id, (_, zone) in strangers(case).items()} == {CAMERA_MAC: "cell"}
    assert {text: one.id for text, one in impersonates(case, by_id["3c:d9:2b:00:00:01"]).items()} == {
        PLC: "plc"
    }
    assert impersonates(case, by_id[CAMERA_MAC]) == impersonates(case, by_id["hmi"]) == {}
    assert plain_zones(case, by_id[CAMERA_MAC]) == ("cell",)
    assert [one.key for one in what_it_is(by_id[CAMERA_MAC])] == ["signal.vendor"]
    without = case_of(ledger_of(SEEN), None)
    assert strangers(without) == {} and plain_zones(without, by_id[CAMERA_MAC]) == ()


@pytest.mark.parametrize(
    ("hours", "said"),
    [
        # The plant is nine hours ahead of UTC and works from 6 to 21.
        (20.9, {"time": "05:54", "begins": 6, "ends": 21}),
        (21.0, None),
        (35.9, None),
        (36.0, {"time": "21:00", "begins": 6, "ends": 21}),
        # Within the first hour of the capture nobody knows whether it was there before.
        (12.5, None),
    ],
)
def test_an_arrival_outside_working_hours_is_said(hours: float, said: dict[str, Any] | None) -> None:
    start, first = 12 * HOUR_NS, int(hours * 10) * HOUR_NS // 10
    ledger = collect(sources=[Source("a.pcap", 1, 60, start, 99 * HOUR_NS, ())])
    messages = list(off_hours(case_of(ledger, PLANT), RULE, first))
    assert [dict(one.params) for one in messages] == ([] if said is None else [said])


@pytest.mark.parametrize(
    ("zone", "first", "said"),
    [
        # 2026-03-29 and 2026-03-28, 04:30 UTC: the clocks of Berlin are two hours and one hour ahead.
        ("Europe/Berlin", 1_774_758_600, None),
        ("Europe/Berlin", 1_774_672_200, "05:30"),
        ("Asia/Kolkata", 1_774_758_600, None),
        ("Asia/Kolkata", 1_774_754_940, None),
        ("Asia/Kolkata", 1_774_739_400, "04:40"),
    ],
)
def test_working_hours_are_those_of_the_plants_time_zone(zone: str, first: int, said: str | None) -> None:
    ledger = collect(sources=[Source("a.pcap", 1, 60, 1_774_600_000 * 10**9, 1_774_800_000 * 10**9, ())])
    plant = model(f"""
        version: 1
        timezone: {zone}
        zones: [{{id: cell, importance: high, members: 10.2.0.0/24}}]
    """)
    messages = list(off_hours(case_of(ledger, plant), RULE, first * 10**9))
    assert [dict(one.params)["time"] for one in messages] == ([] if said is None else [said])


def test_public_addresses_that_a_zone_lists_are_no_internet() -> None:
    plant = model(f"""
        version: 1
        assets: [{{id: plc, address: {PLC}}}]
        zones:
        - {{id: cell, importance: high, members: 10.2.0.0/24}}
        - {{id: office, importance: low, members: 130.69.7.0/24}}
    """)
    for peer, outside in (("130.69.7.9", False), ("130.69.8.9", True)):
        (one,) = found(RULE, SEEN, conversation(CAMERA, peer, 443, "tls"), plant=plant)
        assert ("reaches-outside" in keys([one])) == outside


def test_who_acted_is_told_one_by_one_and_only_the_idle_are_one() -> None:
    assert divided([1, 2, 3, 4], lambda n: n > 3, 2) == ([4], [1, 2, 3])
    assert divided([1, 2, 3, 4], lambda n: n > 2, 2) == ([1, 2, 3, 4], [])
    talk = conversation(CAMERA, PLC, answered=False, transport="udp")
    silent = case_of(ledger_of(SEEN, talk), PLANT)
    device = silent.population.by_id[CAMERA_MAC]
    talks = talks_of(silent, [device])[CAMERA_MAC]
    assert talks == [talk] and ends_of(device) == {CAMERA, CAMERA_MAC}
    assert not acted(silent, ends_of(device), talks)
    assert acted(silent, (), [conversation(CAMERA, PLC)])
    wrote = case_of(ledger_of(SEEN, talk, operation(CAMERA, PLC, 6, 0, 1, transport="udp")), PLANT)
    assert acted(wrote, {CAMERA}, talks) and not acted(wrote, {PLC}, talks)
