"""A laptop has another IPv6 address each day: it is one host, and is told once."""

from __future__ import annotations

import pytest

from otmon.detect.changing_address import first_addresses, had_addresses, known_networks
from otmon.findings.judge import case_of
from otmon.ledger.facts import Asset, Conversation
from tests.detect.plant import PLC, found, ledger_of
from tests.zones.facts import asset, conversation, model, operation

MAC, OTHER, ROUTER = "00:1b:21:00:00:50", "00:1b:21:00:00:51", "00:00:cd:10:00:01"
DAYS = 9


def day(number: int, mac: str = MAC, network: str = "fd00:1::") -> Asset:
    """What a host sends from on that day."""
    return asset(mac, f"{network}{number * 997 + 4096:x}:1", first_ns=number, last_ns=number + 1)


def test_the_first_of_a_host_and_a_network_stands_for_all() -> None:
    days = [day(number) for number in range(DAYS)]
    others = [day(number, OTHER, "fd00:2::") for number in range(3)]
    alone, local, four = asset("", "fd00:3::1"), asset(MAC, "fe80::1"), asset(MAC, "10.1.0.50")
    firsts = first_addresses(case_of(ledger_of(*days[::-1], *others, alone, local, four), None))
    assert {one: firsts[one.address] for one in days} == dict.fromkeys(days, days[0].address)
    assert {firsts[one.address] for one in others} == {others[0].address}
    assert firsts.keys() == {one.address for one in (*days, *others)}


def test_an_address_of_two_or_behind_a_router_is_none_of_a_host() -> None:
    shared = [day(1), day(2), asset(OTHER, day(1).address)]
    firsts = first_addresses(case_of(ledger_of(*shared), None))
    assert day(1).address not in firsts
    # Who sends for the Internet is a router.
    web = [asset(ROUTER, f"198.51.100.{n}") for n in range(1, 40)]
    passed = [day(number, ROUTER) for number in range(DAYS)]
    assert first_addresses(case_of(ledger_of(*web, *passed), None)) == {}


def test_what_the_baseline_knows_is_the_network_of_a_host() -> None:
    case = case_of(ledger_of(day(5)), None, ledger_of(day(1)))
    assert len(known_networks(case)) == 1
    assert had_addresses(case, [day(5), day(6)])
    for other in (day(5, OTHER), day(5, network="fd00:2::"), asset(MAC, "10.1.0.7"), asset(MAC, "")):
        assert not had_addresses(case, [day(5), other])
    assert not had_addresses(case, [])


@pytest.mark.parametrize("known", [True, False])
def test_each_day_is_no_new_device(known: bool) -> None:
    before = (day(0), asset(OTHER, PLC)) if known else (asset(OTHER, PLC),)
    seen: list[Asset] = []
    for number in range(1, DAYS):
        seen.append(day(number))
        (one,) = found("new-device", *seen, plant=None, baseline=before)
        assert (one.key, one.severity) == (("one", day(1).address), "info" if known else "low")
    talks = conversation(day(7).address, PLC), operation(day(7).address, PLC, 6, 0, 1)
    (one,) = found("new-device", *seen, *talks, plant=None, baseline=before)
    assert one.severity == "high"
    assert {"addresses-more", "seen-with", "talks-with", "asked-for"} <= {why.key for why in one.why}


def test_nor_is_it_a_stranger_each_day() -> None:
    plant = model("""
        version: 1
        zones: [{id: cell, importance: high, members: 10.2.0.0/24}]
    """)
    seen: list[Asset] = []
    for number in range(1, DAYS):
        seen.append(day(number))
        talks = [conversation(one.address, PLC) for one in seen]
        (one,) = [
            each for each in found("unknown-address", *seen, *talks, plant=plant) if each.link.client != PLC
        ]
        assert one.key == (day(1).address,)
        assert one.count == sum(talk.packets_to_server + talk.packets_to_client for talk in talks)
    two = [day(1), day(1, OTHER)]
    assert len(found("unknown-address", day(1), day(2, OTHER), plant=plant)) == len(two)


@pytest.mark.parametrize(
    ("rule", "server", "port", "protocol"),
    [("unlisted-traffic", PLC, 502, "modbus"), ("internet-contact", "2001:4860::8", 443, "tls")],
)
def test_nor_does_it_break_the_model_each_day(rule: str, server: str, port: int, protocol: str) -> None:
    plant = model("""
        version: 1
        zones:
        - {id: office, importance: medium, members: 'fd00:1::/64'}
        - {id: cell, importance: high, members: 10.2.0.0/24}
    """)
    seen: list[Asset] = []
    talks: list[Conversation] = []
    for number in range(1, DAYS):
        seen.append(day(number))
        talks.append(conversation(day(number).address, server, port, protocol, first_ns=number))
        (one,) = found(rule, *seen, *talks, plant=plant)
        assert day(1).address in one.key
        assert (one.link.client, one.count) == (day(1).address, 10 * number)
        assert any(why.key.startswith("addresses") for why in one.why) == (number > 1)
    other = day(1, OTHER, "fd00:1::1:")
    both = found(rule, *seen, *talks, other, conversation(other.address, server, port, protocol), plant=plant)
    assert len(both) == 2


def test_who_spreads_under_many_addresses_is_one_host() -> None:
    plant = model("""
        version: 1
        zones:
        - {id: office, importance: medium, members: 'fd00:1::/64'}
        - {id: cell, importance: high, members: 10.2.0.0/24}
    """)
    seen = [day(number) for number in range(40)]
    talks = [
        conversation(one.address, f"10.2.0.{number + 1}", first_ns=number) for number, one in enumerate(seen)
    ]
    (one,) = found("unlisted-traffic", *seen, *talks, plant=plant)
    assert one.key[:2] == ("many", day(0).address)
    assert {"addresses-more", "many-servers"} <= {why.key for why in one.why}
