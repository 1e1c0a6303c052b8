"""Floods, and what is only busy."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from otmon.detect.flood import KINDS
from otmon.detect.rules.load import shipped_rules
from otmon.findings.judge import judge
from otmon.lab.frames import Host, Packet, arp, ethernet, mac_bytes, udp_packet
from otmon.lab.modbus import READ_HOLDING, read
from otmon.ledger.facts import RATES, Peak, Rate
from tests.detect import captures, plant
from tests.detect.captures import HMI, LAPTOP, START_NS, WIRE, knock, plc
from tests.detect.modbus_polls import poll
from tests.detect.plant import keys, ledger_of
from tests.zones.facts import asset, conversation

RULE = "flood"
MOST = {kind: shipped_rules()[RULE].number(name) for kind, (name, _) in KINDS.items()}
USUAL = shipped_rules()[RULE].number("usual")
ALL = "ff:ff:ff:ff:ff:ff"


def within_a_second(number: int, n: int) -> int:
    return START_NS + n * (999_000_000 // number)


def syns(number: int) -> list[Packet]:
    return [
        packet
        for n in range(number)
        for packet in knock(
            within_a_second(number, n), (LAPTOP, plc(1)), (1024 + n, 502), "closed", Random(n)
        )
    ]


def datagrams(number: int, answered: bool = False) -> list[Packet]:
    def sent(n: int, hosts: tuple[Host, Host], ports: tuple[int, int]) -> Packet:
        content = n.to_bytes(4, "big")
        return udp_packet(WIRE, within_a_second(number, n), hosts, ports, content, n, "flood")

    packets = [sent(n, (LAPTOP, plc(1)), (5000, 2222)) for n in range(number)]
    return packets + [sent(0, (plc(1), LAPTOP), (2222, 5000))] * answered


def broadcasts(number: int) -> list[Packet]:
    return [
        Packet(within_a_second(number, n), ethernet(ALL, LAPTOP.mac, 0x88B5, n.to_bytes(4, "big")), "storm")
        for n in range(number)
    ]


def arps(number: int) -> list[Packet]:
    return [
        Packet(within_a_second(number, n), arp(1, LAPTOP, f"10.3.0.{n % 4}"), "arp") for n in range(number)
    ]


def requests(number: int) -> list[Packet]:
    """More connections than one, as a request waits for its answer."""
    return [
        packet
        for n in range(20)
        for packet in poll(
            START_NS + n * 1000, (HMI, plc(1)), [read(READ_HOLDING, 0, 1)] * (number // 20), lambda _: None,
            wait_ns=900_000_000 // (number // 20), port=50_000 + n,
        )
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "packets"),
    [
        ("connection attempts", syns),
        ("datagrams", datagrams),
        ("broadcasts", broadcasts),
        ("ARP packets", arps),
        ("Modbus requests", requests),
    ],
)
@pytest.mark.parametrize("known", [True, False], ids=["model", "no model"])
def test_a_flood_is_one_finding(kind: str, packets: object, known: bool, tmp_path: Path) -> None:
    most = MOST[kind]  # type: ignore[index]
    given = packets(most)  # type: ignore[operator]
    (one,) = captures.found(RULE, given, tmp_path, captures.PLANT if known else None)
    sender = HMI if kind == "Modbus requests" else LAPTOP
    assert one.key[0] == sender.mac and one.key[3] == kind
    assert (one.count, one.first_ns) == (most, START_NS)
    fewer = packets(most - 20)  # type: ignore[operator]
    assert captures.found(RULE, fewer, tmp_path) == []


def alike(number: int, target: str = "") -> list[Packet]:
    """One datagram again and again, to a controller or to all."""
    (one,) = [udp_packet(WIRE, START_NS, (LAPTOP, plc(1)), (5000, 7777), bytes(40), 1, "loop")]
    data = mac_bytes(target) + one.data[6:] if target else one.data
    return [Packet(within_a_second(number, n), data, "loop") for n in range(number)]


@pytest.mark.parametrize(("kind", "target"), [("broadcasts", ALL), ("datagrams", "")])
def test_a_loop_that_repeats_one_frame_is_a_flood(kind: Rate, target: str, tmp_path: Path) -> None:
    many = alike(MOST[kind] + 200, target)
    (one,) = captures.found(RULE, many, tmp_path)
    assert one.key == (LAPTOP.mac, LAPTOP.address, "", kind)
    assert MOST[kind] <= one.count < MOST[kind] + 200


def test_a_mirror_that_gives_each_frame_twice_is_none(tmp_path: Path) -> None:
    """A mirror of both directions; each datagram has an IP id of its own."""
    once = [
        udp_packet(WIRE, within_a_second(3_000, n), (LAPTOP, plc(1)), (5000, 7777), bytes(40), n + 1, "busy")
        for n in range(3_000)
    ]
    twice = [packet for one in once for packet in (one, replace(one, time_ns=one.time_ns + 20_000))]
    assert captures.found(RULE, twice, tmp_path) == []


def test_every_kind_has_a_limit() -> None:
    assert set(MOST) == set(RATES)


def test_datagrams_that_are_answered_are_no_flood(tmp_path: Path) -> None:
    assert captures.found(RULE, datagrams(MOST["datagrams"], answered=True), tmp_path) == []


def test_the_severity_is_that_of_the_zone_that_is_flooded() -> None:
    busy = asset("02:00:00:00:00:01", plant.PC, peaks=(Peak("connection attempts", 5000, 7),))
    (one,) = plant.found(RULE, busy, conversation(plant.PC, plant.PLC, protocol="none"))
    assert (one.severity, one.link.server, one.first_ns) == ("high", plant.PLC, 7)
    assert one.extent == 5000
    (one,) = plant.found(RULE, busy, conversation(plant.PC, plant.PRINTER, protocol="none"))
    assert one.severity == "medium"
    assert keys([one]) == ["flood-connections", "flood-usual", "seen-with", "flooded"]


def test_what_the_baseline_shows_is_usual() -> None:
    busy = asset("02:00:00:00:00:01", plant.PC, peaks=(Peak("broadcasts", 10_000, 7),))
    for before, found in ((10_000 // USUAL, 0), (10_000 // USUAL - 1, 1)):
        usual = ledger_of(replace(busy, peaks=(Peak("broadcasts", before, 3),)))
        assert len([one for one in judge(ledger_of(busy), None, usual) if one.rule == RULE]) == found


def test_a_scan_is_told_as_a_scan(tmp_path: Path) -> None:
    many = range(1, MOST["connection attempts"] + 10)
    scan = [
        packet
        for n in many
        for packet in knock(START_NS + n * 1000, (LAPTOP, plc(n)), (40_000, 502), "nothing", Random(n))
    ]
    assert [one.rule for one in captures.found("", scan, tmp_path)] == ["address-scan"]
    asks = [Packet(START_NS + n * 1000, arp(1, LAPTOP, f"10.3.0.{n}"), "arp") for n in many]
    assert [one.rule for one in captures.found("", asks, tmp_path)] == ["arp-scan"]


@pytest.mark.parametrize(
    ("scan", "kind", "more"),
    [
        ("arp-scan", "ARP packets", {"arp": 300, "arp_asked": (1 << 200) - 1}),
        ("address-scan", "connection attempts", {}),
    ],
)
def test_a_scan_that_nobody_looks_for_is_a_flood(scan: str, kind: Rate, more: dict[str, int]) -> None:
    busy = asset("02:00:00:00:00:01", plant.PC, peaks=(Peak(kind, 300, 7),), **more)
    knocks = [
        conversation(plant.PC, f"10.2.0.{n}", protocol="none", answered=False)
        for n in range(1, 100 if scan == "address-scan" else 1)
    ]
    facts = ledger_of(busy, *knocks)
    rules = dict(shipped_rules())
    without = rules | {scan: replace(rules[scan], status="deprecated")}
    assert [one.rule for one in judge(facts, None, rules=rules)] == [scan]
    assert [one.rule for one in judge(facts, None, rules=without)] == [RULE]
