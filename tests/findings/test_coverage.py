"""What a capture can say of a boundary: kept, violated, or neither."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from otmon.detect.finding import say
from otmon.findings.coverage import (
    TELLING,
    UNANSWERED_PACKETS,
    Coverage,
    ZoneCoverage,
    coverage,
    is_one_way,
    ways_seen,
    zones_seen,
)
from otmon.findings.judge import case_of
from otmon.ledger.facts import HOUR_NS, Anomaly, Damage, Source
from otmon.ledger.ledger import Ledger
from otmon.ledger.merge import collect, merge
from tests.detect.plant import EWS, HMI, PC, PLANT, PLC, WEB, at, ledger_of
from tests.zones.facts import asset, conversation, model, operation, written

MAC = "00:00:00:00:00:01"
HOSTS = asset(MAC, HMI), asset(MAC, PLC), asset(MAC, PC)
TALK = conversation(HMI, PLC)
WITHIN = tuple(conversation(one, one.rpartition(".")[0] + ".250") for one in (HMI, PLC, PC))
"""Something of each zone that is for one host."""


LIMITED = """
    version: 1
    zones:
    - {id: plc, importance: high, members: [10.2.0.0/24]}
    - {id: control, importance: high, members: [10.1.0.0/24]}
    boundaries:
    - id: control-plc
      between: [control, plc]
      allow:
      - id: setpoint
        from: control
        to: plc
        protocol: modbus
        access: [read, write]
        limits: [{holding_register: 7, low: 0, high: 9}]
"""


def lost(client: str = HMI, server: str = PLC) -> Anomaly:
    link = client, server, "tcp", 502, "modbus", ""
    return Anomaly(*link, True, "lost-bytes", "stream", -1, 10, 0, 3, 1, 2, at(5))


def of(*facts: Any, ledger: Ledger | None = None) -> dict[str, Coverage]:
    made = merge(ledger_of(*HOSTS, *WITHIN, *facts), ledger or collect())
    return {one.boundary: one for one in coverage(case_of(made, PLANT))}


def doubts(one: Coverage) -> list[str]:
    return [message.key.removeprefix("coverage.") for message in one.why]


def test_a_boundary_that_only_agreed_traffic_crossed_was_kept() -> None:
    one = of(TALK, operation(HMI, PLC, 3, 0, 9))["control-plc"]
    assert (one.state, one.hosts, one.conversations, one.why) == ("kept", (1, 1), 1, ())


def test_nothing_crossing_between_zones_that_were_seen_is_as_agreed() -> None:
    assert of()["control-plc"].state == "kept"


@pytest.mark.parametrize("denied", [conversation(EWS, PLC), operation(HMI, PLC, 6, 1, 1)])
def test_what_is_denied_is_a_violation(denied: Any) -> None:
    assert of(TALK, denied)["control-plc"].state == "violated"


def test_a_zone_of_which_nothing_was_seen() -> None:
    found = {one.boundary: one for one in coverage(case_of(ledger_of(asset(MAC, HMI), *WITHIN[:1]), PLANT))}
    one = found["control-plc"]
    assert (one.state, doubts(one), one.hosts) == ("unobservable", ["zone-unseen"], (1, 0))
    assert dict(one.why[0].params) == {"zone": "plc"}


@pytest.mark.parametrize(
    ("to_server", "to_client", "doubt"),
    [(0, 9, True), (UNANSWERED_PACKETS + 1, 0, True), (UNANSWERED_PACKETS, 0, False), (9, 9, False)],
)
def test_connections_of_which_one_direction_was_seen(to_server: int, to_client: int, doubt: bool) -> None:
    talk = replace(TALK, packets_to_server=to_server, packets_to_client=to_client)
    assert (doubts(of(talk)["control-plc"]) == ["one-sided"]) == doubt


def test_a_mirror_of_one_direction_is_noticed_in_what_is_new() -> None:
    def seen(*packets: tuple[int, int], first_ns: int = HOUR_NS) -> tuple[int, int]:
        talks = [
            replace(TALK, port=number, packets_to_server=there, packets_to_client=back, first_ns=first_ns)
            for number, (there, back) in enumerate(packets, 1)
        ]
        source = Source("far0", 9, 900, 0, 2 * HOUR_NS, ())
        return ways_seen(collect(sources=[source], conversations=talks))

    half, whole, tried = (0, 9), (9, 9), (3, 0)
    assert seen(*[half] * 7, (20, 0), *[whole] * 3) == (8, 3)
    assert seen(*[tried] * 900) == (0, 0), "nobody answers a scan"
    assert seen(*[half] * 20, first_ns=HOUR_NS - 1) == (0, 0)
    assert ways_seen(collect()) == (0, 0)


@pytest.mark.parametrize(
    ("ways", "told"),
    [
        ((TELLING, 0), True), ((TELLING, TELLING - 1), True), ((TELLING, TELLING), False),
        ((0, TELLING), False), ((TELLING - 1, TELLING - 1), None), ((0, 0), None),
    ],
)  # fmt: skip
def test_few_connections_tell_nothing_of_the_mirror(ways: tuple[int, int], told: bool | None) -> None:
    assert is_one_way(ways) is told


def test_lost_bytes_are_a_doubt_of_their_boundary_only() -> None:
    web = conversation(PC, WEB, 443, "tls")
    found = of(TALK, web, lost())
    assert (doubts(found["control-plc"]), doubts(found["office-web"])) == (["lost"], [])
    assert found["office-web"].hosts == (1, 1)


def test_damage_and_limits_are_a_doubt_of_every_boundary() -> None:
    damaged = collect(damage=[Damage("a.pcap", "cut-record", 99, 1, "")], overflow=[("conversations", 5)])
    found = of(TALK, ledger=damaged)
    assert {tuple(doubts(one)) for one in found.values()} == {("damaged", "overflow")}
    assert {one.state for one in found.values()} == {"unobservable"}
    only_assets = of(TALK, ledger=collect(overflow=[("assets", 5)]))
    assert only_assets["control-plc"].state == "kept"


READ_ONLY = """
    version: 1
    zones:
    - {id: plc, importance: high, members: [10.2.0.0/24]}
    - {id: control, importance: high, members: [10.1.0.0/24]}
    boundaries:
    - id: control-plc
      between: [control, plc]
      allow: [{from: control, to: plc, protocol: PROTOCOL, LIMIT}]
"""


@pytest.mark.parametrize(
    ("protocol", "limit", "told"),
    [
        ("s7comm", "access: read", []),
        ("s7comm", "access: write", ["reads-not-read"]),
        ("s7comm", "functions: start-upload}, {from: control, to: plc, protocol: s7comm, access: read", []),
        ("s7comm", "reason: x", []),
        ("http", "access: read", ["not-read"]),
        ("http", "reason: x", []),
    ],
)
def test_what_a_permission_limits_and_nobody_reads_is_not_observable(
    protocol: str, limit: str, told: list[str]
) -> None:
    made = ledger_of(*HOSTS, *WITHIN, conversation(HMI, PLC, 102, protocol))
    (one,) = coverage(case_of(made, model(READ_ONLY.replace("LIMIT", limit).replace("PROTOCOL", protocol))))
    assert (one.state, doubts(one)) == ("unobservable" if told else "kept", told)


def test_commands_that_were_left_out_are_a_doubt_where_they_are_limited() -> None:
    shed = Source("a.pcap", 9, 900, 1, 2, (("commands behind the budget of a second", 3),))
    for protocol, limit, told in (
        ("s7comm", "access: read", ["overflow"]),
        ("s7comm", "reason: x", []),
        ("dns", "access: read", []),
    ):
        facts = ledger_of(*HOSTS, *WITHIN, conversation(HMI, PLC, 102, protocol))
        plant = model(READ_ONLY.replace("LIMIT", limit).replace("PROTOCOL", protocol))
        (one,) = coverage(case_of(merge(facts, collect(sources=[shed])), plant))
        assert [doubt for doubt in doubts(one) if doubt == "overflow"] == told


def test_written_values_that_found_no_place_are_a_doubt() -> None:
    source = Source("a.pcap", 9, 900, 1, 2, (("packets", 9), ("written values lost", 3)))
    made = merge(ledger_of(*HOSTS, *WITHIN, TALK), collect(sources=[source]))
    limited = model(LIMITED)
    (one,) = coverage(case_of(made, limited))
    assert (one.state, doubts(one)) == ("unobservable", ["overflow"])
    assert one.why[0] == say("coverage.overflow", kinds=(say("fact-kind.written"),))
    # Where no value is limited none is missed.
    assert of(TALK, ledger=collect(sources=[source]))["control-plc"].state == "kept"


def test_a_zone_of_which_only_what_everybody_gets_was_seen() -> None:
    to_all = conversation(PLC, "10.2.0.255", 137, "nbns", transport="udp", packets_to_client=0)
    made = ledger_of(*HOSTS, WITHIN[0], to_all)
    one = {one.boundary: one for one in coverage(case_of(made, PLANT))}["control-plc"]
    assert (one.state, doubts(one)) == ("unobservable", ["unicast"])
    assert dict(one.why[0].params) == {"zone": "plc"}


@pytest.mark.parametrize(("protocol", "doubt"), [("modbus", ["one-sided"]), ("syslog", [])])
def test_requests_over_udp_of_which_no_answer_was_seen(protocol: str, doubt: list[str]) -> None:
    talk = conversation(HMI, PLC, 502, protocol, transport="udp", packets_to_server=30, packets_to_client=0)
    assert [one for one in doubts(of(talk)["control-plc"]) if one == "one-sided"] == doubt


def test_assets_that_were_not_seen_are_told_beside_the_boundary() -> None:
    inventory = replace(PLANT, devices=INVENTORY.devices)
    made = ledger_of(*HOSTS, *WITHIN, TALK)
    one = {one.boundary: one for one in coverage(case_of(made, inventory))}["control-plc"]
    assert one.state == "kept" and "assets-unseen" in doubts(one)


def test_a_violation_stays_one_where_bytes_were_lost() -> None:
    one = of(conversation(EWS, PLC), lost(EWS))["control-plc"]
    assert (one.state, doubts(one)) == ("violated", ["lost"])


def test_without_a_model_there_is_nothing_to_cover() -> None:
    assert coverage(case_of(ledger_of(TALK), None)) == ()


INVENTORY = model("""
    version: 1
    assets:
    - {id: plc-1, address: 10.2.0.1}
    - {id: plc-2, address: 10.2.0.2}
    - {id: hmi, mac: '00:00:00:00:00:0a'}
    - {id: plc-3, address: 10.2.0.3}
    - {id: nowhere, address: 192.168.9.9}
    zones:
    - {id: plc, importance: high, members: [10.2.0.0/24]}
    - {id: control, importance: high, members: [10.1.0.0/24, {mac: '00:00:00:00:00:0a'}]}
    - {id: office, importance: low, members: 10.3.0.0/24}
""")


def zones_of(*facts: Any) -> dict[str, ZoneCoverage]:
    within = conversation("10.2.0.1", "10.2.0.77"), conversation("10.1.0.5", "10.1.0.250")
    return {one.zone: one for one in zones_seen(case_of(ledger_of(*facts, *within), INVENTORY))}


def test_a_zone_is_seen_where_nothing_that_is_known_is_missing() -> None:
    found = zones_of(*(asset(MAC, f"10.2.0.{n}") for n in (1, 2, 3, 77)))
    assert (found["plc"].sight, found["plc"].hosts, found["plc"].why) == ("seen", 4, ())
    assert found["office"].sight == "unseen" and found["office"].hosts == 0


def test_assets_of_the_inventory_that_sent_nothing_are_named() -> None:
    found = zones_of(asset(MAC, "10.2.0.1"), asset("00:00:00:00:00:0a", ""))
    assert found["control"].sight == "seen"
    (why,) = found["plc"].why
    assert (found["plc"].sight, why.key, dict(why.params)) == (
        "partly", "coverage.assets-unseen", {"items": "plc-2, plc-3"},
    )  # fmt: skip
    # An asset that has no address of its own is there under any.
    assert zones_of(asset("00:00:00:00:00:0a", "10.1.0.5"))["control"].sight == "seen"


def test_whose_packets_are_missing_in_a_connection_is_told_of_that_zone() -> None:
    there = [asset(MAC, f"10.2.0.{n}") for n in (1, 2, 3)], asset("00:00:00:00:00:0a", "10.1.0.5")
    talk = conversation("10.1.0.5", "10.2.0.1", packets_to_server=500, packets_to_client=0)
    found = zones_of(*there[0], there[1], talk)
    assert [message.key for message in found["plc"].why] == ["coverage.one-sided"]
    assert found["control"].sight == "seen"
    back = conversation("10.1.0.5", "10.2.0.1", packets_to_server=0, packets_to_client=5)
    assert zones_of(*there[0], there[1], back)["control"].sight == "partly"


def test_lost_bytes_make_both_zones_partly_seen() -> None:
    there = [asset(MAC, f"10.2.0.{n}") for n in (1, 2, 3)], asset("00:00:00:00:00:0a", "10.1.0.5")
    facts = conversation("10.1.0.5", "10.2.0.1"), lost("10.1.0.5", "10.2.0.1")
    found = zones_of(*there[0], there[1], *facts)
    assert {zone: one.sight for zone, one in found.items()} == {
        "plc": "partly", "control": "partly", "office": "unseen",
    }  # fmt: skip


def test_without_a_model_nothing_is_said_of_zones() -> None:
    assert zones_seen(case_of(ledger_of(TALK), None)) == ()


SLMP = {"protocol": "slmp", "port": 5007}
OF_ELEMENTS = LIMITED.replace("modbus", "slmp").replace("holding_register: 7", "element: D7, type: int32")


@pytest.mark.parametrize(
    ("unread", "told"),
    [
        ({"table": "", "address": -1}, ["values-unread"]),
        ({"table": "D", "address": 7}, ["values-unread"]),
        ({"table": "D", "address": 8}, ["values-unread"]),
        ({"table": "D", "address": 9}, []),
        ({"table": "W", "address": 7}, []),
        ({"table": "", "address": -1, "protocol": "fins", "port": 9600}, []),
    ],
)
def test_what_was_written_and_nobody_could_read_is_a_doubt_for_its_limits(
    unread: dict[str, Any], told: list[str]
) -> None:
    place = {"address": 7, "words": 0, "extremes": (), "unit": -1}
    fact = written(HMI, PLC, **(SLMP | place | unread))
    made = ledger_of(*HOSTS, *WITHIN, conversation(HMI, PLC, **SLMP), fact)
    (one,) = coverage(case_of(made, model(OF_ELEMENTS)))
    if fact.protocol == "fins":
        # Another protocol is denied, which is a violation.
        assert (one.state, doubts(one)) == ("violated", told)
        return
    assert (one.state, doubts(one)) == ("unobservable" if told else "kept", told)
    if told:
        assert dict(one.why[0].params) == {"items": "D7"}


def test_writes_that_were_left_out_are_a_doubt_where_their_values_are_limited() -> None:
    shed = Source("a.pcap", 9, 900, 1, 2, (("commands behind the budget of a second", 3),))
    for talk, limits, told in (
        (conversation(HMI, PLC, **SLMP), OF_ELEMENTS, ["overflow"]),
        (TALK, LIMITED, []),
    ):
        made = merge(ledger_of(*HOSTS, *WITHIN, talk), collect(sources=[shed]))
        (one,) = coverage(case_of(made, model(limits.replace("access: [read, write]", "reason: x"))))
        assert doubts(one) == told
