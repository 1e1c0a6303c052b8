"""Addresses that several MAC addresses claim, and those that only moved."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from otmon.detect.rules.load import shipped_rules
from otmon.findings.judge import judge
from otmon.lab.frames import SECOND_NS, Host, Packet, arp, mac_bytes
from otmon.lab.modbus import READ_HOLDING, read
from tests.detect import captures, plant
from tests.detect.captures import HMI, LAPTOP, START_NS, plc
from tests.detect.modbus_polls import poll
from tests.detect.plant import keys, ledger_of
from tests.zones.facts import asset, model

RULE = "disputed-address"
CLAIMS = shipped_rules()[RULE].number("claims")
GATEWAY = Host("gateway", "10.1.0.1", "00:00:cd:10:00:01")


def says(later: int, host: Host, address: str, operation: int = 2) -> Packet:
    """The host claims an address by ARP."""
    who = replace(host, address=address)
    return Packet(START_NS + later * SECOND_NS, arp(operation, who, "10.1.0.9", "02:00:00:00:00:09"), "arp")


def test_who_claims_the_gateway_and_a_host_is_one_finding(tmp_path: Path) -> None:
    packets = [
        packet
        for later in (0, 10, 20)
        for packet in (
            says(later, GATEWAY, GATEWAY.address),
            says(later, HMI, HMI.address),
            says(later + 1, LAPTOP, GATEWAY.address),
            says(later + 1, LAPTOP, HMI.address),
        )
    ]
    (one,) = captures.found("", packets, tmp_path)
    assert (one.rule, one.key, one.severity) == (RULE, ("mac", LAPTOP.mac, ""), "high")
    said = {message.key: dict(message.params) for message in one.why}
    assert said["claimed"]["items"] == "10.1.0.1, 10.1.0.5"
    assert said["claimed-by"]["items"] == ", ".join(sorted([GATEWAY.mac, HMI.mac, LAPTOP.mac]))
    assert len(captures.found("", packets, tmp_path, None)) == 1


@pytest.mark.parametrize("operation", [1, 2], ids=["request", "reply"])
def test_two_devices_with_one_address(operation: int, tmp_path: Path) -> None:
    packets = [says(later + n, plc(n), "10.2.0.50", operation) for later in (0, 10) for n in (1, 2)]
    (one,) = captures.found(RULE, packets, tmp_path)
    assert (one.key, keys([one])[0]) == (("address", "10.2.0.50", ""), "disputed")


def test_a_device_that_was_replaced_disputes_nothing(tmp_path: Path) -> None:
    packets = [says(later, plc(1 if later < 20 else 2), "10.2.0.50") for later in (0, 10, 20, 30)]
    assert captures.found(RULE, packets, tmp_path) == []


def test_the_address_of_a_redundant_router_is_no_dispute(tmp_path: Path) -> None:
    virtual = replace(GATEWAY, mac="00:00:5e:00:01:07")
    packets = [
        says(later + n, host, GATEWAY.address)
        for later in (0, 10)
        for n, host in enumerate((GATEWAY, virtual))
    ]
    assert captures.found(RULE, packets, tmp_path) == []


def test_routed_packets_other_vlans_and_usual_disputes_are_none() -> None:
    def two(**more: object) -> list[object]:
        return [asset(f"02:00:00:00:00:0{n}", plant.HMI, arp=n, **more) for n in (1, 2)]

    disputed = two()
    assert len(plant.found(RULE, *disputed)) == 1  # type: ignore[arg-type]
    ledger = ledger_of(*disputed)  # type: ignore[arg-type]
    assert [one for one in judge(ledger, None, ledger) if one.rule == RULE] == []
    forwarded = [replace(disputed[0], arp=0), disputed[1]]  # type: ignore[type-var]
    assert plant.found(RULE, *forwarded) == []  # type: ignore[arg-type]
    elsewhere = [replace(disputed[0], vlan="10"), disputed[1]]  # type: ignore[type-var]
    assert plant.found(RULE, *elsewhere) == []  # type: ignore[arg-type]


POLL = [read(READ_HOLDING, 0, 4)] * 40


def polled(later: int, way: tuple[Host, Host]) -> list[Packet]:
    """A minute of polls as they pass one link, between these MAC addresses, and no ARP."""
    packets = poll(START_NS + later * SECOND_NS, (HMI, plc(1)), POLL, wait_ns=SECOND_NS)
    client, server = (mac_bytes(host.mac) for host in way)
    requests = bytes((10, 1, 0, 5))
    return [
        replace(
            one, data=(server + client if one.data[26:30] == requests else client + server) + one.data[12:]
        )
        for one in packets
    ]


def claims(*addresses: str) -> list[Packet]:
    return [says(10 + n, LAPTOP, address) for n in range(20) for address in addresses]


@pytest.mark.parametrize("relayed", [False, True])
def test_who_claims_what_others_use_without_a_word_of_arp(relayed: bool, tmp_path: Path) -> None:
    packets = [*polled(0, (HMI, plc(1))), *claims(HMI.address, plc(1).address)]
    if relayed:
        # Each frame twice: from its sender to the one between, and from that one on.
        packets += [*polled(60, (HMI, LAPTOP)), *polled(120, (LAPTOP, plc(1)))]
    (one,) = captures.found(RULE, packets, tmp_path)
    assert (one.key, one.severity) == (("mac", LAPTOP.mac, ""), "high")
    said = {message.key: dict(message.params) for message in one.why}
    assert keys([one])[0] == "takes-used"
    assert said["claimed"]["items"] == "10.1.0.5, 10.2.0.1"
    assert said["claimed-by"]["items"] == LAPTOP.mac
    assert said["used-by"]["items"] == ", ".join(sorted([HMI.mac, plc(1).mac]))


def test_one_address_is_enough_for_who_has_another_one(tmp_path: Path) -> None:
    packets = [*polled(0, (HMI, plc(1))), *claims(plc(1).address)[: CLAIMS - 1]]
    assert captures.found(RULE, packets, tmp_path) == []
    (one,) = captures.found(RULE, [*packets, says(9, LAPTOP, LAPTOP.address)], tmp_path)
    assert (one.key, keys([one])[0]) == (("address", "10.2.0.1", ""), "claims-used")
    assert dict(one.what.params)["mac"] == LAPTOP.mac


def test_so_are_claims_in_numbers_of_who_sends_nothing_else(tmp_path: Path) -> None:
    packets = [*polled(0, (HMI, plc(1))), *claims(plc(1).address)[:CLAIMS]]
    (one,) = captures.found(RULE, packets, tmp_path)
    assert (one.key, keys([one])[0]) == (("address", "10.2.0.1", ""), "claims-used")
    # The owner, of which a router's packets are there too, and a router of the Internet's as well.
    for more in ([], [asset(GATEWAY.mac, "198.51.100.9")]):
        owner = asset(HMI.mac, HMI.address, arp=CLAIMS, packets=CLAIMS + (not more))
        assert plant.found(RULE, owner, asset(GATEWAY.mac, HMI.address), *more) == []
    assert len(plant.found(RULE, replace(owner, packets=CLAIMS), asset(GATEWAY.mac, HMI.address))) == 1


def test_routers_and_failover_are_quiet(tmp_path: Path) -> None:
    both_sides = [
        *polled(0, (HMI, GATEWAY)), *polled(0, (GATEWAY, plc(1))),
        *(says(n, host, host.address) for n in (1, 30) for host in (HMI, plc(1), GATEWAY)),
    ]  # fmt: skip
    assert captures.found(RULE, both_sides, tmp_path) == []
    partner = replace(LAPTOP, address=plc(1).address)
    after = [*polled(0, (HMI, plc(1))), says(9, LAPTOP, LAPTOP.address)]
    assert captures.found(RULE, [*after, says(200, partner, partner.address)], tmp_path) == []
    virtual = replace(LAPTOP, mac="00:00:5e:00:01:07")
    claimed = [says(10 + n, virtual, address) for n in range(9) for address in (HMI.address, plc(1).address)]
    assert captures.found(RULE, [*polled(0, (HMI, plc(1))), *claimed], tmp_path) == []


def test_a_router_of_the_inventory_may_answer_for_others(tmp_path: Path) -> None:
    packets = [*polled(0, (HMI, plc(1))), *claims(HMI.address, plc(1).address)]
    for role, found in (("router", 0), ("hmi", 1)):
        known = model(f"""
            version: 1
            assets: [{{id: between, mac: "{LAPTOP.mac}", role: {role}, zone: control}}]
            zones: [{{id: control, importance: high, members: 10.0.0.0/8}}]
        """)
        assert len(captures.found(RULE, packets, tmp_path, known)) == found


def test_a_mac_address_of_routers_claims_no_address_of_another_asset() -> None:
    claims = [asset("00:00:5e:00:01:63", "10.2.0.17", arp=3), asset("00:80:f4:30:02:11", "10.2.0.17", arp=3)]
    for role, count in (("plc", 1), ("", 1), ("router", 0)):
        known = model(f"""
            version: 1
            assets: [{{id: one, address: 10.2.0.17{f", role: {role}" if role else ""}}}]
            zones: [{{id: cell, importance: high, members: 10.2.0.0/24}}]
        """)
        assert len(plant.found(RULE, *claims, plant=known)) == count
    assert plant.found(RULE, *claims, plant=None) == []
