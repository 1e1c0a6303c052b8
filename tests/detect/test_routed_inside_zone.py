from __future__ import annotations

import pytest

from otmon.zones.model import Model
from tests.detect.plant import Fact, found, keys
from tests.zones.facts import asset, conversation, model

RULE = "routed-inside-zone"
ROUTER, HMI_MAC = "02:00:00:00:00:fe", "02:00:00:00:00:01"
HMI, PLC, OTHER, GATEWAY = "10.2.0.10", "10.2.0.21", "10.2.0.22", "10.2.0.254"


def plant(flat: str = "true") -> Model:
    return model(f"""
        version: 1
        zones:
        - {{id: line, importance: high, members: 10.2.0.0/24, flat: {flat}}}
        - {{id: office, importance: low, members: 10.3.0.0/24, flat: {flat}}}
        boundaries:
        - {{id: b, between: [line, office], allow: [{{id: all, from: office, to: line, protocol: any}}]}}
    """)


HOSTS = asset(HMI_MAC, HMI), asset(ROUTER, PLC), asset(ROUTER, OTHER)
WEB = "10.3.0.9"
TALK = conversation(HMI, PLC)


def told(*facts: Fact, flat: str = "true") -> list[tuple[str, ...]]:
    return [one.key for one in found(RULE, *facts, plant=plant(flat))]


def test_hosts_behind_one_mac_address_are_found_with_who_reaches_them() -> None:
    (one,) = found(RULE, *HOSTS, TALK, conversation(HMI, OTHER), plant=plant())
    assert (one.key, one.severity, one.place.from_zone) == (("line", ROUTER), "medium", "line")
    assert keys([one]) == ["routed-inside", "behind-router", "reached-from"]
    assert [dict(why.params)["items"] for why in one.why] == [f"{PLC}, {OTHER}", HMI]
    assert dict(one.what.params)["count"] == 2


def test_a_zone_that_nobody_calls_flat_may_be_routed() -> None:
    assert told(*HOSTS, TALK, flat="false") == []


@pytest.mark.parametrize(
    "facts",
    [
        # Its own address: it speaks ARP for it.
        (asset(HMI_MAC, HMI), asset(ROUTER, GATEWAY, arp=3), asset(ROUTER, WEB), conversation(HMI, GATEWAY)),
        # One address of the zone under the MAC address of a router is that router's.
        (asset(HMI_MAC, HMI), asset(ROUTER, GATEWAY), asset(ROUTER, WEB), conversation(HMI, GATEWAY)),
        # The same address is seen with its own MAC address, too.
        (*HOSTS, asset("02:00:00:00:00:03", PLC), TALK),
        # Nobody of the zone talks with them.
        (*HOSTS, conversation("10.3.0.5", PLC)),
    ],
)  # fmt: skip
def test_what_is_no_router_inside_the_zone(facts: tuple[Fact, ...]) -> None:
    assert told(*facts) == []


def test_the_router_s_own_address_is_told_apart_from_those_behind_it() -> None:
    facts = asset(HMI_MAC, HMI), asset(ROUTER, GATEWAY, arp=1), asset(ROUTER, PLC)
    assert told(*facts, conversation(HMI, GATEWAY)) == []
    (one,) = found(RULE, *facts, TALK, conversation(HMI, GATEWAY), plant=plant())
    assert dict(one.why[0].params)["items"] == PLC
