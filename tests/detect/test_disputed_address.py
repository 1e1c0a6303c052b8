"""Addresses that several MAC addresses claim, and those that only moved."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from otmon.findings.judge import judge
from otmon.lab.frames import SECOND_NS, Host, Packet, arp
from tests.detect import captures, plant
from tests.detect.captures import HMI, LAPTOP, START_NS, plc
from tests.detect.plant import keys, ledger_of
from tests.zones.facts import asset

RULE = "disputed-address"
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
