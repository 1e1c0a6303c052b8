"""Zones for hosts: by network, by role where a network is shared, and never too many."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import product

from otmon.ledger.facts import Conversation
from otmon.ledger.ledger import Ledger
from otmon.ledger.merge import collect
from otmon.zones.learning.layout import MAX_MEMBERS, MAX_PAIRS, MAX_ZONES, Layout, lay_out, mac_has_place
from tests.zones.facts import asset, conversation

INDUSTRIAL = frozenset({"modbus", "profinet"})


def ledger(*talks: Conversation, assets: tuple[tuple[str, ...], ...] = ()) -> Ledger:
    return collect(conversations=talks, assets=[asset(*one) for one in assets])


def members(layout: Layout) -> dict[str, list[str]]:
    found = {}
    for zone in layout.zones:
        found[zone.id] = [
            " ".join(
                str(part)
                for part in (member.network, member.mac and f"{member.mac.value:x}", member.vlan)
                if part
            )
            for member in zone.members
        ]
    return found


def http(client: str, server: str) -> Conversation:
    return conversation(client, server, 80, "http")


def test_a_network_is_a_zone_of_the_role_of_its_hosts() -> None:
    layout = lay_out(
        ledger(
            *(conversation(f"10.1.0.{n}", f"10.2.0.{m}") for n, m in product((1, 2), (1, 2))),
            conversation("10.3.0.1", "10.2.0.1"), http("10.3.0.2", "10.3.0.3"), http("10.3.0.4", "10.3.0.3"),
            *(http(f"10.{n}.0.7", "10.5.0.1") for n in (3, 4)),
            conversation("10.6.0.1", "10.6.0.2"),
        ),
        INDUSTRIAL,
    )  # fmt: skip
    assert {zone.id: zone.importance for zone in layout.zones} == {
        "control-10-1-0": "high", "controllers-10-2-0": "high", "operations-10-3-0": "medium",
        "office-10-4-0": "low", "servers-10-5-0": "medium", "cell-10-6-0": "high",
    }  # fmt: skip
    assert layout.zones[1].name.ja == "制御機器 10.2.0.0/24"
    assert any("ask controllers: 10.3.0.1" in note for note in layout.notes["operations-10-3-0"])
    assert all(zone.inside == "listed" for zone in layout.zones)


FLAT = [
    # Two lines: each with a station and four controllers, an engineering station for both of them.
    *(conversation(f"10.1.{line}.1", f"10.1.{line}.{n}") for line in (1, 2) for n in range(10, 14)),
    conversation("10.1.1.1", "10.1.2.10"),
    *(http(f"10.1.{n % 7}.{n + 50}", "10.1.3.9") for n in range(40)),
    conversation("10.1.0.50", "10.1.255.255", 137, "nbns", transport="udp", packets_to_client=0,
                 answered=False),
]  # fmt: skip


def test_a_flat_network_is_split_into_lines_and_office() -> None:
    layout = lay_out(ledger(*FLAT), INDUSTRIAL)
    assert members(layout) == {
        "cell-10-1-1": ["10.1.1.1", "10.1.1.10/31", "10.1.1.12/31"],
        "cell-10-1-2": ["10.1.2.1", "10.1.2.10/31", "10.1.2.12/31"],
        "office-10-1": ["10.1.0.0/16"],
    }
    assert [zone.importance for zone in layout.zones] == ["high", "high", "low"]


def test_where_everybody_asks_everybody_roles_split_a_flat_network() -> None:
    talks = [conversation(f"10.1.0.{n}", f"10.1.0.{m}") for n, m in product((1, 2), (10, 11, 12, 13))]
    layout = lay_out(ledger(*talks, *(http(f"10.1.0.{n}", "10.1.0.9") for n in range(20, 40))), INDUSTRIAL)
    assert members(layout) == {
        "controllers-10-1-0": ["10.1.0.10/31", "10.1.0.12/31"],
        "control-10-1-0": ["10.1.0.1", "10.1.0.2"],
        "office-10-1-0": ["10.1.0.0/24"],
    }
    # One camera among controllers takes nothing from them.
    layout = lay_out(ledger(*talks[:4], http("10.1.0.99", "8.8.8.8")), INDUSTRIAL)
    assert members(layout) == {
        "controllers-10-1-0": ["10.1.0.0/24"], "control-10-1-0": ["10.1.0.1"], "others-10-1-0": ["10.1.0.99"],
    }  # fmt: skip


def test_devices_without_ip_are_with_their_peers_or_by_themselves() -> None:
    def below(client: str, server: str, vlan: str = "", protocol: str = "profinet") -> Conversation:
        return conversation(
            f"00:00:00:00:00:0{client}",
            f"00:00:00:00:00:0{server}",
            0x8892,
            protocol,
            transport="ethernet",
            vlan=vlan,
        )

    layout = lay_out(
        ledger(
            conversation("10.1.0.1", "10.2.0.1"), below("1", "2"), below("3", "4", "30"),
            below("5", "6", "", "lldp"),
            assets=(("00:00:00:00:00:01", "10.2.0.1"), ("00:00:00:00:00:02", "")),
        ),
        INDUSTRIAL,
    )  # fmt: skip
    assert members(layout) == {
        "control-10-1-0": ["10.1.0.0/24"], "controllers-10-2-0": ["10.2.0.0/24", "10.2.0.1 1", "2"],
        "devices-vlan-30": ["3", "4"],
    }  # fmt: skip


def test_an_address_plan_that_repeats_itself_is_told_apart_by_vlan() -> None:
    there = tuple((f"00:00:00:00:00:{vlan}", "10.1.0.1", vlan) for vlan in ("10", "20"))
    talks = [conversation("10.1.0.2", "10.1.0.1", vlan=vlan) for vlan in ("10", "20")]
    assert members(lay_out(ledger(*talks, assets=there), INDUSTRIAL)) == {
        "cell-10-1-0-vlan-10": ["10.1.0.0/24 10"], "cell-10-1-0-vlan-20": ["10.1.0.0/24 20"],
    }  # fmt: skip


def test_everything_has_a_place_if_it_must() -> None:
    facts = ledger(
        http("169.254.7.7", "10.1.0.1"), http("10.1.0.1", "10.9.0.1"), http("224.0.0.1", "10.1.0.1")
    )
    assert list(members(lay_out(facts, INDUSTRIAL))) == ["office-10-1-0", "office-10-9-0"]
    assert members(lay_out(facts, INDUSTRIAL, everything=True))["strays"] == ["224.0.0.0/4", "169.254.0.0/16"]


def test_no_host_is_one_zone_without_members() -> None:
    layout = lay_out(ledger(), INDUSTRIAL)
    assert members(layout) == {"empty": []} and layout.told


def test_a_flood_gets_shorter_prefixes_and_no_other_than_the_plants_own() -> None:
    talks = [
        http(f"{first}.{n % 256}.{n // 256 % 256}.1", f"fd{n % 256:02x}::{n:x}")
        for n in range(3000)
        for first in ("10", "172.16", "192.168", "198.18")
        if first == "10" or n < 256
    ]
    talks = [one for one in talks if one.client.count(".") == 3]
    talks += [http(f"192.168.{n % 256}.1", f"198.18.{n % 256}.1") for n in range(256)]
    layout = lay_out(ledger(*talks), INDUSTRIAL)
    assert len(layout.zones) <= MAX_ZONES and "shorter" not in layout.told[0]
    assert "prefixes of at most" in layout.told[0]
    for zone in layout.zones:
        for member in zone.members:
            assert member.network is not None
            if member.network.bits == 32:
                own = {"10.": 8, "192.168.": 16, "198.18.": 15}
                assert any(
                    str(member.network).startswith(start) and member.network.length >= least
                    for start, least in own.items()
                )


def test_real_plants_with_many_networks_keep_them() -> None:
    talks = [conversation(f"10.{n}.0.1", f"10.{n}.1.{m}") for n in range(60) for m in range(3)]
    layout = lay_out(ledger(*talks), INDUSTRIAL)
    assert len(layout.zones) == 120 and not layout.told
    assert MAX_PAIRS >= 60


def test_a_network_is_not_split_into_long_lists() -> None:
    plcs = [conversation("10.1.0.1", f"10.1.{n // 200}.{n % 200 + 2}") for n in range(0, 4 * MAX_MEMBERS, 2)]
    broadcast = FLAT[-1]
    layout = lay_out(
        ledger(*plcs, *(http(f"10.1.9.{n}", "10.1.9.1") for n in range(2, 9)), broadcast), INDUSTRIAL
    )
    assert members(layout) == {"cell-10-1": ["10.1.0.0/16"]}


def test_addresses_with_a_place() -> None:
    assert mac_has_place("10.0.0.1") and not mac_has_place("fe80::1") and not mac_has_place("")


def test_communities_do_not_depend_on_the_order_of_sets() -> None:
    program = (
        "from tests.zones.learning.test_layout import *\n"
        "print(members(lay_out(ledger(*FLAT), INDUSTRIAL)))\n"
        "from otmon.zones.learning.learn import learn\n"
        "print(learn(ledger(*FLAT), True).text)\n"
    )
    said = [
        subprocess.run(
            [sys.executable, "-c", program], capture_output=True, check=True,
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": "."},
        ).stdout
        for seed in ("1", "2", "3")
    ]  # fmt: skip
    assert said[0] and said[0] == said[1] == said[2]
