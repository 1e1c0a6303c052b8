"""Scans of addresses, and what only looks like one."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from otmon.detect.address_scan import is_meant, is_missed, may_be_probe, swept
from otmon.detect.rules.load import shipped_rules
from otmon.detect.silence import silence
from otmon.engine import replay
from otmon.findings.judge import case_of, judge
from otmon.lab.dialogues import ping
from otmon.lab.frames import MINUTE_NS, SECOND_NS, Packet, icmp_echo, ip_packet
from otmon.lab.modbus import READ_HOLDING, exception, read
from otmon.zones.model import Permission
from tests.detect import captures, plant
from tests.detect.captures import HMI, LAPTOP, START_NS, WIRE, knock, plc
from tests.detect.modbus_polls import poll
from tests.detect.plant import keys, ledger_of
from tests.zones.facts import asset, conversation, model

RULE = "address-scan"
MISSED = shipped_rules()[RULE].number("missed")
SCANS = {RULE, "port-scan", "modbus-scan"}


def sweep(alive: int, silent: int, gap_ns: int, port: int = 502) -> list[Packet]:
    """The laptop tries controllers 1 to alive + silent; the first `alive` of them have the port open."""
    random = Random(1)
    packets: list[Packet] = []
    for number in range(1, alive + silent + 1):
        answer = "open" if number <= alive else "nothing"
        ports = 40_000 + number, port
        packets += knock(START_NS + number * gap_ns, (LAPTOP, plc(number)), ports, answer, random)
    return packets


@pytest.mark.parametrize("gap_ns", [1_000_000, SECOND_NS, 20 * MINUTE_NS], ids=["fast", "nmap -T1", "slow"])
def test_a_scan_is_one_finding_however_slow(gap_ns: int, tmp_path: Path) -> None:
    packets = sweep(4, 60, gap_ns)
    findings = captures.found("", packets, tmp_path)
    (one,) = [finding for finding in findings if finding.rule == RULE]
    assert (one.key, one.severity, one.count) == ((LAPTOP.address, "tcp"), "high", len(packets))
    assert dict(one.what.params) == {
        "client": LAPTOP.address, "addresses": 64, "missed": 60, "transport": "tcp"
    }  # fmt: skip
    said = {message.key: dict(message.params) for message in one.why}
    assert said["ranges"]["items"] == "10.2.0.1-10.2.0.64"
    assert said["scan-ports"]["items"] == "tcp/502"
    assert said["answering"]["items"] == "10.2.0.1, 10.2.0.2, 10.2.0.3, 10.2.0.4"
    assert (one.first_ns, one.evidence[0].packet) == (START_NS + gap_ns, 1)
    # What answered is told by the rule for the boundary, and nothing else of the scan is.
    others = [finding for finding in findings if finding.rule != RULE]
    assert [finding.rule for finding in others] == ["unlisted-traffic"] * 4
    assert {finding.link.server for finding in others} == {f"10.2.0.{n}" for n in range(1, 5)}


def test_it_holds_without_a_model(tmp_path: Path) -> None:
    (one,) = captures.found("", sweep(0, MISSED, SECOND_NS), tmp_path, None)
    assert (one.rule, one.severity) == (RULE, "medium")
    assert keys([one])[-1] == "unanswered"


def test_a_few_hosts_that_are_switched_off_are_no_scan(tmp_path: Path) -> None:
    assert captures.found(RULE, sweep(0, MISSED - 1, SECOND_NS), tmp_path) == []


def test_a_master_that_polls_sixty_controllers_is_no_scan(tmp_path: Path) -> None:
    packets = [
        packet
        for number in range(1, 61)
        for packet in poll(START_NS + number * SECOND_NS, (LAPTOP, plc(number)), [read(READ_HOLDING, 0, 4)])
    ]
    packets += [
        packet
        for number in range(61, 61 + MISSED)
        for packet in knock(
            START_NS + number * SECOND_NS, (LAPTOP, plc(number)), (40_000, 502), "nothing", Random(2)
        )
    ]
    assert captures.found(RULE, packets, tmp_path) == []


def pinged(numbers: range, answer: bool) -> list[Packet]:
    random = Random(3)
    if answer:
        return [
            packet
            for number in numbers
            for packet in ping(WIRE, START_NS + number * SECOND_NS, (HMI, plc(number)), 4, random, "ping")
        ]
    echo = icmp_echo(8, 1, 1)
    return [
        ip_packet(WIRE, START_NS + number * SECOND_NS, (HMI, plc(number)), 1, echo, number, "ping")
        for number in numbers
    ]


def test_a_ping_sweep_is_found(tmp_path: Path) -> None:
    (one,) = captures.found(RULE, [*pinged(range(1, 10), True), *pinged(range(10, 100), False)], tmp_path)
    assert (one.what.key, one.key) == ("ping-sweep", (HMI.address, "icmp"))
    assert dict(one.what.params)["missed"] == 90
    assert "scan-ports" not in keys([one])


def test_a_management_system_that_pings_thirty_hosts_is_none(tmp_path: Path) -> None:
    packets = [*pinged(range(1, 31), True), *pinged(range(31, 40), False)]
    assert captures.found(RULE, packets, tmp_path) == []


@pytest.mark.parametrize("transport", ["udp", "icmp"])
def test_datagrams_to_hosts_that_are_there_and_silent_are_none(transport: str) -> None:
    facts = [
        conversation(plant.PC, f"10.2.0.{n}", 0 if transport == "icmp" else 161, "unknown", answered=False,
                     transport=transport, packets_to_client=0)
        for n in range(1, 40)
    ]  # fmt: skip
    seen_both_ways = conversation(plant.HMI, plant.PLC)
    assert len(plant.found(RULE, seen_both_ways, *facts)) == 1
    there = [asset("02:00:00:00:00:01", fact.server) for fact in facts]
    assert plant.found(RULE, seen_both_ways, *facts, *there) == []
    # A mirror of one direction shows no answers at all.
    assert plant.found(RULE, *facts) == []


def test_what_is_allowed_usual_or_in_the_internet_is_left_out() -> None:
    def missed(client: str, network: str) -> list[object]:
        return [
            conversation(client, f"{network}.{n}", protocol="none", answered=False, packets_to_client=0)
            for n in range(1, 30)
        ]

    scan = missed(plant.PC, "10.2.0")
    assert len(plant.found(RULE, *scan)) == 1  # type: ignore[arg-type]
    baseline = ledger_of(*scan)  # type: ignore[arg-type]
    assert not [one for one in judge(baseline, plant.PLANT, baseline) if one.rule == RULE]
    assert plant.found(RULE, *missed(plant.PC, "198.51.100")) == []  # type: ignore[arg-type]
    assert plant.found(RULE, *missed(plant.PC, "198.51.100"), plant=None) == []  # type: ignore[arg-type]
    case = case_of(ledger_of(*missed(plant.HMI, "10.2.0")), plant.PLANT)  # type: ignore[arg-type]
    assert {verdict.outcome for _, verdict in case.conversations} == {"allowed"}
    assert swept(case) == {}


def test_the_ends_of_old_connections_are_no_scan() -> None:
    facts = [
        conversation(plant.PC, f"10.2.0.{n}", 80, "none", answered=False, packets_to_client=0, role="port")
        for n in range(1, 30)
    ]
    assert plant.found(RULE, *facts) == []


def test_groups_and_broadcasts_are_asked_without_a_scan() -> None:
    case = case_of(ledger_of(), None)
    for server in ("224.0.0.251", "255.255.255.255", "10.2.0.255", "ff02::fb"):
        fact = conversation(plant.PC, server, 5353, "unknown", transport="udp", packets_to_client=0)
        assert not may_be_probe(case, fact)
    assert may_be_probe(case, conversation(plant.PC, "10.2.0.254", 161, "unknown", transport="udp"))


@pytest.mark.parametrize(
    ("more", "missed"),
    [
        ({"answered": False, "protocol": "none"}, True),
        # It sent data, so it was let in: the answers are not in the capture.
        ({"answered": False, "protocol": "modbus"}, False),
        ({"answered": True, "protocol": "none"}, False),
        ({"answered": False, "protocol": "unknown", "transport": "udp"}, True),
    ],
)
def test_who_sent_data_was_answered(more: dict[str, object], missed: bool) -> None:
    assert is_missed(conversation(plant.PC, plant.PLC, **more)) == missed  # type: ignore[arg-type]


def test_refusals_are_told() -> None:
    facts = [
        conversation(plant.PC, f"10.2.0.{n}", protocol="none", answered=False, packets_to_client=n % 2)
        for n in range(1, 21)
    ]
    (one,) = plant.found(RULE, *facts)
    assert {message.key: dict(message.params) for message in one.why}["refusing"] == {"count": 10}


def test_a_scan_does_not_make_strangers_of_the_addresses_it_looked_for() -> None:
    facts = [
        conversation(plant.PC, f"10.77.0.{n}", protocol="none", answered=False, packets_to_client=0)
        for n in range(1, 21)
    ]
    assert len(plant.found(RULE, *facts)) == 1
    assert plant.found("unknown-address", *facts) == []
    assert len(plant.found("unknown-address", *facts[: MISSED - 1])) == MISSED - 1


def test_real_captures_of_healthy_plants_have_none(corpus: Path) -> None:
    paths = sorted(corpus.glob("cisagov*/**/*.pcap*"))
    assert len(paths) > 20
    for path in paths:
        assert [one.what for one in judge(replay([str(path)]).ledger, None) if one.rule in SCANS] == []


def test_an_exception_is_an_answer(tmp_path: Path) -> None:
    refusal = exception(READ_HOLDING, 2)
    packets = [
        packet
        for number in range(1, 30)
        for packet in poll(
            START_NS + number * SECOND_NS,
            (LAPTOP, plc(number)),
            [read(READ_HOLDING, 0, 4)],
            lambda _: refusal,
        )
    ]
    assert captures.found(RULE, packets, tmp_path) == []


def test_a_worm_on_a_station_that_may_ask_every_controller(tmp_path: Path) -> None:
    """Ten times as fast as a person, and all of it allowed."""
    allowed = shipped_rules()[RULE].number("allowed")

    def tried(number: int) -> list[Packet]:
        return [
            packet
            for n in range(1, number + 1)
            for packet in knock(
                START_NS + n * SECOND_NS // 10, (HMI, plc(n)), (40_000 + n, 502), "nothing", Random(n)
            )
        ]

    (one,) = captures.found("", tried(allowed * MISSED), tmp_path)
    assert (one.rule, one.key, keys([one])[-1]) == (RULE, (HMI.address, "tcp"), "scan-allowed")
    assert captures.found("", tried(allowed * MISSED - 1), tmp_path) == []


def test_what_a_permission_means_is_no_probe() -> None:
    def permission(text: str) -> Permission:
        plan = model(f"""
            version: 1
            zones:
            - {{id: control, importance: high, members: 10.1.0.0/24}}
            - {{id: plc, importance: high, members: 10.2.0.0/24}}
            boundaries: [{{id: b, between: [control, plc], allow: [{{{text}}}]}}]
        """)
        return plan.boundaries[0].permissions[0]

    fact = conversation(plant.HMI, plant.PLC)
    meant = {
        "from: control, to: plc, protocol: any": False,
        "from: control, to: 10.2.0.1, protocol: modbus": True,
        "from: control, to: 10.2.0.0/31, protocol: modbus": False,
        "from: 10.1.0.5, to: plc, protocol: any": True,
        "from: 10.1.0.5, to: plc, protocol: any, port: 502": False,
        "from: 10.1.0.5, to: plc, protocol: modbus": False,
        "from: 10.1.0.6, to: plc, protocol: any": False,
    }
    assert {text: is_meant(permission(text), fact) for text in meant} == meant
    assert not is_meant(None, fact)


def test_a_reset_is_an_answer() -> None:
    nothing = conversation(plant.PC, plant.PLC, answered=False, packets_to_client=0)
    refused = conversation(plant.PC, plant.PLC, answered=False, packets_to_client=1)
    assert silence([nothing]).key == "unanswered"
    assert silence([nothing, refused]).key == "refuses-connections"
