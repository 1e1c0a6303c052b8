"""Scans of ports, and what only looks like one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from otmon.detect.port_scan import TRACEROUTE, scanned, tried
from otmon.detect.rules.load import shipped_rules
from otmon.findings.judge import case_of, judge
from otmon.lab.frames import MILLISECOND_NS, MINUTE_NS, Packet, udp_packet
from tests.detect import captures, plant
from tests.detect.captures import LAPTOP, START_NS, WIRE, knock, plc
from tests.detect.plant import keys, ledger_of
from tests.zones.facts import conversation, model

RULE = "port-scan"
MISSED = shipped_rules()[RULE].number("missed")
TRIED = shipped_rules()[RULE].number("packets")


def sweep(closed: int, opened: tuple[int, ...], gap_ns: int = MILLISECOND_NS) -> list[Packet]:
    """The laptop tries ports 1 to `closed`, which are refused, and the open ones."""
    random = Random(1)
    packets: list[Packet] = []
    for number, port in enumerate((*range(1, closed + 1), *opened)):
        answer = "open" if port in opened else "closed"
        ports = 40_000 + number, port
        packets += knock(START_NS + number * gap_ns, (LAPTOP, plc(1)), ports, answer, random)
    return packets


@pytest.mark.parametrize("gap_ns", [MILLISECOND_NS, 30 * MINUTE_NS], ids=["fast", "slow"])
def test_a_scan_is_one_finding_however_slow(gap_ns: int, tmp_path: Path) -> None:
    findings = captures.found("", sweep(60, (502, 8080), gap_ns), tmp_path)
    (one,) = [finding for finding in findings if finding.rule == RULE]
    assert (one.severity, one.link.server, one.place.to_zone) == ("high", "10.2.0.1", "plc")
    assert dict(one.what.params) == {
        "client": LAPTOP.address, "ports": 62, "hosts": 1, "transport": "tcp"
    }  # fmt: skip
    said = {message.key: dict(message.params) for message in one.why}
    assert said["scan-ports"]["items"] == "tcp/1-60, tcp/502, tcp/8080"
    assert said["open-ports"]["items"] == "tcp/502, tcp/8080"
    others = [finding for finding in findings if finding.rule != RULE]
    assert sorted((finding.rule, finding.link.port) for finding in others) == [
        ("unlisted-traffic", 502),
        ("unlisted-traffic", 8080),
    ]


def test_it_holds_without_a_model(tmp_path: Path) -> None:
    (one,) = captures.found("", sweep(MISSED, ()), tmp_path, None)
    assert (one.rule, one.severity, keys([one])[-1]) == (RULE, "medium", "no-open-port")


def test_a_few_services_that_are_gone_are_no_scan(tmp_path: Path) -> None:
    assert captures.found(RULE, sweep(MISSED - 1, ()), tmp_path) == []


def test_who_mostly_gets_in_does_not_scan(tmp_path: Path) -> None:
    assert captures.found(RULE, sweep(MISSED, tuple(range(2000, 2001 + MISSED))), tmp_path) == []


def test_all_hosts_whose_ports_were_tried_are_one_finding() -> None:
    facts = [
        conversation(plant.PC, server, port, "none", answered=False)
        for server in (plant.PLC, plant.OTHER_PLC)
        for port in range(20, 20 + MISSED)
    ]
    (one,) = plant.found(RULE, *facts)
    assert (one.link.server, dict(one.what.params)["hosts"]) == ("", 2)


def test_a_udp_scan_is_found_and_a_traceroute_is_none(tmp_path: Path) -> None:
    def datagrams(ports: range) -> list[Packet]:
        both_ways = knock(START_NS, (LAPTOP, plc(1)), (40_000, 502), "open", Random(1))
        return both_ways + [
            udp_packet(
                WIRE,
                START_NS + number * MILLISECOND_NS,
                (LAPTOP, plc(2)),
                (50_000, port),
                b"\0" * 8,
                7,
                "scan",
            )
            for number, port in enumerate(ports)
        ]

    assert len(captures.found(RULE, datagrams(range(1, 100)), tmp_path)) == 1
    trace = range(TRACEROUTE.start, TRACEROUTE.start + 90)
    assert captures.found(RULE, datagrams(trace), tmp_path) == []


@pytest.mark.parametrize(
    "more",
    [
        {"packets_to_server": TRIED + 1},
        {"packets_to_server": 0},
        {"protocol": "modbus"},
        {"server": "255.255.255.255", "transport": "udp"},
        {"transport": "sctp", "answered": True},
    ],
    ids=str,
)
def test_what_is_meant_or_answered_is_none(more: dict[str, object]) -> None:
    given = {"client": plant.PC, "server": plant.PLC, "protocol": "none", "answered": False} | more
    facts = [conversation(port=port, **given) for port in range(1, 3 * MISSED)]  # type: ignore[arg-type]
    assert plant.found(RULE, *facts) == []


def test_high_ports_need_a_handshake() -> None:
    def facts(role: str) -> list[object]:
        return [
            conversation(plant.PC, plant.PLC, port, "none", answered=False, role=role)
            for port in range(50_000, 50_000 + MISSED)
        ]

    assert plant.found(RULE, *facts("first packet")) == []  # type: ignore[arg-type]
    assert len(plant.found(RULE, *facts("handshake"))) == 1  # type: ignore[arg-type]


def test_only_what_was_missed_belongs_to_the_scan_alone() -> None:
    closed = [conversation(plant.PC, plant.PLC, port, "none", answered=False) for port in range(1, 40)]
    opened = conversation(plant.PC, plant.PLC, 502)
    case = case_of(ledger_of(opened, *closed), plant.PLANT)
    assert len(tried(case)[plant.PC, "tcp"][plant.PLC]) == 40
    assert {key[3] for key in scanned(case)} == set(range(1, 40))


@pytest.mark.parametrize("rule", [RULE, "address-scan"])
def test_what_a_scan_would_tell_is_told_elsewhere_where_nobody_looks_for_it(rule: str) -> None:
    last = range(1, 30)
    facts = [
        conversation(plant.PC, plant.PLC if rule == RULE else f"10.2.0.{n}", n if rule == RULE else 502,
                     "none", answered=False)
        for n in last
    ]  # fmt: skip
    rules = dict(shipped_rules())
    assert {one.rule for one in judge(ledger_of(*facts), plant.PLANT, rules=rules)} == {rule}
    for without in (
        rules | {rule: replace(rules[rule], status="deprecated")},
        {name: one for name, one in rules.items() if name != rule},
    ):
        found = judge(ledger_of(*facts), plant.PLANT, rules=without)
        assert [(one.rule, one.key[0]) for one in found] == [("unlisted-traffic", "many")]


def test_a_worm_on_a_station_that_may_use_every_port(tmp_path: Path) -> None:
    wide = model("""
        version: 1
        zones:
        - {id: office, importance: low, members: 10.3.0.0/24}
        - {id: plc, importance: high, members: 10.2.0.0/24}
        boundaries: [{id: b, between: [office, plc], allow: [{from: office, to: plc, protocol: any}]}]
    """)
    most = MISSED * shipped_rules()[RULE].number("allowed")
    (one,) = captures.found("", sweep(most, ()), tmp_path, wide)
    assert (one.rule, one.severity) == (RULE, "medium")
    assert keys([one])[-2:] == ["no-open-port", "scan-allowed"]
    assert captures.found("", sweep(most - 1, ()), tmp_path, wide) == []
