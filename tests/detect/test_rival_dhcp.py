"""Second DHCP servers, and networks that have one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random
from textwrap import dedent

import pytest

from otmon.detect.finding import say
from otmon.findings.judge import judge
from otmon.lab.dialogues import lease
from otmon.lab.frames import SECOND_NS, Packet, Wire
from otmon.zones.files.load import read_model
from tests.detect import captures, plant
from tests.detect.captures import LAPTOP, START_NS, WIRE
from tests.detect.plant import keys
from tests.zones.facts import conversation
from tests.zones.facts import model as made

RULE = "rival-dhcp"
TRAVEL = Wire(core="02:aa:00:00:00:01", firewall="02:aa:00:00:00:02")


def leases(*ways: tuple[Wire, str]) -> list[Packet]:
    """A device asks once for each server; the server's address is that of the network's router."""
    return [
        packet
        for n, (wire, address) in enumerate(ways)
        for packet in lease(
            wire, START_NS + n * SECOND_NS, replace(LAPTOP, address=address), Random(n), "lease", "laptop"
        )
    ]


def test_two_servers_are_found(tmp_path: Path) -> None:
    packets = leases((WIRE, "10.3.0.77"), (TRAVEL, "192.168.8.20"))
    for model in (captures.PLANT, None):
        (one,) = captures.found(RULE, packets, tmp_path, model)
        assert dict(one.why[0].params)["items"] == "10.3.0.1, 192.168.8.1"
        assert keys([one]) == ["rivals-untagged", "dhcp-servers"]
    ledger = captures.replayed(packets, tmp_path)
    tagged = replace(ledger, conversations=tuple(replace(one, vlan="30") for one in ledger.conversations))
    (one,) = [one for one in judge(tagged, None) if one.rule == RULE]
    assert one.what == say("rivals", servers=2, vlan="30")
    usual = captures.replayed(packets, tmp_path)
    assert captures.found(RULE, packets, tmp_path, None, usual) == []
    fewer = captures.replayed(leases((WIRE, "10.3.0.77")), tmp_path)
    assert len(captures.found(RULE, packets, tmp_path, None, fewer)) == 1


def test_one_server_and_one_router_of_two_networks_are_none(tmp_path: Path) -> None:
    assert captures.found(RULE, leases((WIRE, "10.3.0.77"), (WIRE, "10.3.0.78")), tmp_path) == []
    assert captures.found(RULE, leases((WIRE, "10.3.0.77"), (WIRE, "10.4.0.78")), tmp_path) == []


def test_servers_of_two_vlans_and_servers_that_do_not_answer_are_none() -> None:
    def server(address: str, **more: object) -> object:
        return conversation("10.3.0.77", address, 67, "dhcp", transport="udp", **more)

    assert len(plant.found(RULE, server("10.3.0.1"), server("10.3.0.2"))) == 1  # type: ignore[arg-type]
    assert plant.found(RULE, server("10.3.0.1"), server("10.3.0.2", vlan="7")) == []  # type: ignore[arg-type]
    asked = server("10.3.0.2", packets_to_client=0)
    assert plant.found(RULE, server("10.3.0.1"), asked) == []  # type: ignore[arg-type]


def test_the_severity_is_that_of_the_gravest_zone_with_a_server_or_a_client() -> None:
    def severity(client: str) -> str:
        servers = [conversation(client, f"10.3.0.{n}", 67, "dhcp", transport="udp", vlan="7") for n in (1, 2)]
        (one,) = plant.found(RULE, *servers)
        return one.severity

    assert (severity("10.3.0.77"), severity(plant.HMI)) == ("medium", "high")


PAIR = """
    version: 1
    assets: {assets}
    zones:
    - {{id: office, importance: low, members: 10.3.0.0/24, inside: listed, allow: {allow}}}
"""


@pytest.mark.parametrize(
    ("assets", "allow", "fires"),
    [
        ("[]", "[]", True),
        ("[{id: a, address: 10.3.0.1, role: dhcp-server}]", "[]", True),
        ("[{id: a, address: [10.3.0.1, 10.3.0.2], role: DHCP_server}]", "[]", False),
        ("[{id: a, address: 10.3.0.1, role: router}, {id: b, address: 10.3.0.2, role: router}]", "[]", True),
        ("[]", "[{from: office, to: [10.3.0.1, 10.3.0.2], protocol: dns}]", True),
    ],
)
def test_servers_of_the_inventory_are_known(assets: str, allow: str, fires: bool) -> None:
    servers = [conversation("10.3.0.77", f"10.3.0.{n}", 67, "dhcp", transport="udp") for n in (1, 2)]
    plant_model = made(PAIR.format(assets=assets, allow=allow))
    assert bool(plant.found(RULE, *servers, plant=plant_model)) == fires


def test_servers_that_a_permission_names_are_known() -> None:
    allow = "[{from: office, to: [10.3.0.1, 10.3.0.2], protocol: dhcp}]"
    text = dedent(PAIR.format(assets="[]", allow=allow)).lstrip("\n")
    one = read_model([("m.yaml", text.encode())], frozenset({"dhcp"}))
    servers = [conversation("10.3.0.77", f"10.3.0.{n}", 67, "dhcp", transport="udp") for n in (1, 2, 3)]
    assert plant.found(RULE, *servers[:2], plant=one) == []
    assert len(plant.found(RULE, *servers, plant=one)) == 1
    wide = read_model(
        [("m.yaml", text.replace("[10.3.0.1, 10.3.0.2]", "office").encode())], frozenset({"dhcp"})
    )
    assert len(plant.found(RULE, *servers[:2], plant=wide)) == 1
