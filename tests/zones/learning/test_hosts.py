"""Hosts and their roles, from what they do."""

from __future__ import annotations

import pytest

from otmon.ledger.facts import Conversation
from otmon.ledger.ledger import Ledger
from otmon.ledger.merge import collect
from otmon.zones.learning.hosts import SCAN, Hosts, hosts, industrial_ids, scanners, single_macs, to_group
from tests.zones.facts import asset, conversation, operation

PLC, HMI, PC, SERVER = "10.1.0.1", "10.1.0.2", "10.1.0.3", "10.1.0.4"
INDUSTRIAL = frozenset({"modbus"})


def ledger(
    *talks: Conversation, assets: tuple[tuple[str, ...], ...] = (), asked: tuple[int, ...] = ()
) -> Ledger:
    return collect(
        conversations=talks,
        assets=[asset(*one) for one in assets],
        operations=[operation(HMI, PLC, function, 0, 1) for function in asked],
    )


def roles(found: Hosts) -> dict[str, str]:
    from otmon.zones.address import host

    return {str(host(key[0])): one.role for key, one in found.by_key.items()}


def test_who_answers_industrial_protocols_is_a_controller_and_who_asks_is_control() -> None:
    facts = ledger(
        conversation(HMI, PLC), conversation(PC, SERVER, 80, "http"), conversation(PC, PLC, 80, "http"),
        conversation(PC, "10.1.0.9", answered=False, packets_to_client=0), asked=(6,),
    )  # fmt: skip
    found = hosts(facts, INDUSTRIAL)
    assert roles(found) == {PLC: "controller", HMI: "control", PC: "it", SERVER: "it"}
    assert [one.writes for one in found.by_key.values()] == [False, True, False, False]
    # Who never sent anything is a host only where everything counts.
    assert set(roles(hosts(facts, INDUSTRIAL, everything=True))) == {PLC, HMI, PC, SERVER, "10.1.0.9"}


def test_a_station_that_serves_others_is_control_if_it_asks_more() -> None:
    facts = ledger(conversation(HMI, PLC), conversation(HMI, "10.1.0.8"), conversation(PC, HMI))
    assert roles(hosts(facts, INDUSTRIAL))[HMI] == "control"
    facts = ledger(conversation(PLC, "10.1.0.8"), conversation(HMI, PLC))
    assert roles(hosts(facts, INDUSTRIAL))[PLC] == "controller"


def test_a_refused_command_makes_no_writer() -> None:
    facts = collect(
        conversations=[conversation(HMI, PLC)], operations=[operation(HMI, PLC, 6, 0, 1, status=2)]
    )
    assert not any(one.writes for one in hosts(facts, INDUSTRIAL).by_key.values())


def test_scanners_are_those_who_try_in_vain() -> None:
    vain = [conversation(PC, f"10.2.0.{n}", answered=False) for n in range(SCAN)]
    heard = [conversation(PC, f"10.3.0.{n}") for n in range(SCAN)]
    groups = [conversation(HMI, f"224.0.0.{n}", transport="udp", answered=False) for n in range(SCAN)]
    assert scanners(vain[1:]) == frozenset()
    assert scanners([*vain, *groups]) == {PC}
    assert scanners([*vain, *heard]) == frozenset()
    silent = [conversation(HMI, f"10.2.0.{n}", protocol="none") for n in range(SCAN)]
    assert scanners(silent) == {HMI}
    # What a scanner reaches makes neither of them anything.
    assert roles(hosts(ledger(*vain, conversation(PC, PLC)), INDUSTRIAL))[PLC] == "it"


def test_networks_are_24_bits_wide_unless_a_broadcast_tells_otherwise() -> None:
    broadcast = {
        "port": 137,
        "protocol": "nbns",
        "transport": "udp",
        "packets_to_client": 0,
        "answered": False,
    }
    flat = hosts(ledger(conversation("10.1.0.1", "10.1.255.255", **broadcast)), INDUSTRIAL)  # type: ignore[arg-type]
    (address,) = [key[0] for key in flat.by_key]
    assert [str(network) for network in flat.flat] == ["10.1.0.0/16"]
    assert str(flat.network(address)) == "10.1.0.0/16"
    for client, server, wide in (
        ("10.1.3.7", "10.1.3.255", []), ("10.1.0.7", "10.1.3.255", ["10.1.0.0/22"]),
        ("10.1.0.7", "10.2.0.255", []),
        ("10.200.0.7", "10.255.255.255", []), ("10.1.200.7", "10.1.255.255", ["10.1.192.0/18"]),
    ):  # fmt: skip
        facts = ledger(conversation(client, server, **broadcast))  # type: ignore[arg-type]
        assert [str(network) for network in hosts(facts, INDUSTRIAL).flat] == wide, server
    # One client on another port may be looking for a host.
    odd = broadcast | {"port": 9}
    facts = ledger(conversation("10.1.0.1", "10.1.255.255", **odd))  # type: ignore[arg-type]
    assert hosts(facts, INDUSTRIAL).flat == ()
    two = [conversation(f"10.1.{n}.1", "10.1.255.255", **odd) for n in (0, 9)]  # type: ignore[arg-type]
    assert len(hosts(ledger(*two), INDUSTRIAL).flat) == 1


def test_one_address_of_two_devices_in_two_vlans_is_two_hosts() -> None:
    there = (("00:00:00:00:00:01", PLC, "10"), ("00:00:00:00:00:02", PLC, "20"))
    found = hosts(ledger(conversation(HMI, PLC, vlan="10"), assets=there), INDUSTRIAL)
    assert [(str(network), len(found.by_key)) for network in found.tagged] == [("10.1.0.0/24", 3)]
    # A router's own address in two VLANs, and a frame seen on both sides of a router, are no such thing.
    same = (("00:00:00:00:00:01", PLC, "10"), ("00:00:00:00:00:01", PLC, "20"))
    routed = (*there[:1], ("00:00:00:00:00:02", PLC, "20"), ("00:00:00:00:00:02", "10.9.0.1", "20"))
    for assets in (same, routed):
        assert hosts(ledger(assets=assets), INDUSTRIAL).tagged == frozenset()
    strange = (*there, ("00:00:00:00:00:03", PLC, "4095"))
    scopes = {key[1] for key in hosts(ledger(assets=strange), INDUSTRIAL).by_key}
    assert scopes == {"10", "20", None}


def test_gateways_are_hosts_without_a_part_in_it() -> None:
    router = tuple(("00:00:00:00:00:09", address) for address in ("10.1.0.254", "10.2.0.254"))
    assert set(roles(hosts(ledger(assets=router), INDUSTRIAL)).values()) == {"gateway"}


def test_a_mac_address_of_one_host_tells_it() -> None:
    facts = ledger(
        assets=(
            ("00:00:00:00:00:01", PLC), ("00:00:00:00:00:09", HMI), ("00:00:00:00:00:09", PC),
            ("00:00:00:00:00:08", SERVER), ("00:00:00:00:00:08", "8.8.8.8"), ("00:00:00:00:00:07", ""),
        )
    )  # fmt: skip
    found = hosts(facts, INDUSTRIAL)
    assert single_macs(facts, found) == {"00:00:00:00:00:01": next(iter(found.by_key))}


@pytest.mark.parametrize(
    ("text", "group"), [("224.0.0.1", True), (PLC, False), ("", False), ("ff02::1", True)]
)
def test_groups(text: str, group: bool) -> None:
    assert to_group(text) is group


def test_industrial_protocols() -> None:
    assert {"modbus", "s7comm", "profinet"} <= industrial_ids() and "http" not in industrial_ids()


@pytest.mark.parametrize(
    ("addresses", "gateway"),
    [
        (("10.1.0.1", "fd00::1", "2001:db8::1", "2001:db8::2", "fe80::1"), False),
        (("10.1.0.1", "10.1.1.1"), True),
        (("fd00::1", "fd00:0:0:1::1"), True),
        (("2001:db8::1", "2001:db8:0:1::1"), True),
        (("198.51.100.1",), True),
    ],
)
def test_a_host_has_an_address_of_one_network_of_each_kind(addresses: tuple[str, ...], gateway: bool) -> None:
    facts = ledger(assets=tuple(("02:00:00:00:00:01", address) for address in addresses))
    assert hosts(facts, INDUSTRIAL).gateways == (frozenset({"02:00:00:00:00:01"}) if gateway else frozenset())
