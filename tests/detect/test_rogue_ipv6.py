"""Routers and servers of IPv6."""

from __future__ import annotations

from pathlib import Path

import pytest

from otmon.lab.frames import Packet, ethernet
from otmon.ledger.facts import AssetClaim, Evidence
from tests.detect import captures
from tests.detect.plant import found
from tests.zones.facts import asset, conversation, model

RULE = "rogue-ipv6"
MAC, ADDRESS = "00:50:56:00:66:66", "fe80::6666"


def router(address: str = ADDRESS, mac: str = MAC) -> AssetClaim:
    seen = Evidence(5, "a.pcap", 3, 70)
    return AssetClaim(mac, address, "", "capability", "IPv6 router", "icmpv6", 2, 5, 9, seen)


SENDER = asset(MAC, ADDRESS)
SERVES = conversation("fe80::1", ADDRESS, 547, "dhcpv6", transport="udp")


def plant(text: str) -> object:
    return model(f"""
        version: 1
        assets: [{text}]
        zones: [{{id: control, importance: high, members: 10.1.0.0/24}}]
    """)


def test_a_router_that_nobody_listed() -> None:
    (one,) = found(RULE, router(), SENDER)
    assert (one.severity, one.link.client, one.what.key) == ("high", ADDRESS, "rogue-ipv6-router")
    assert [one.what.key for one in found(RULE, router(), SENDER, plant=None)] == ["rogue-ipv6-router"]
    assert found(RULE, router(), SENDER, baseline=[router()]) == []
    # No host takes that from another address.
    assert found(RULE, router("2001:db8::1"), SENDER) == []


@pytest.mark.parametrize(
    ("role", "routes", "serves"), [("router", 0, 1), ("dhcp-server", 1, 0), ("laptop", 1, 1)]
)
def test_the_inventory_says_who_it_is(role: str, routes: int, serves: int) -> None:
    listed = plant(f'{{id: one, mac: "{MAC}", role: {role}}}')
    assert len(found(RULE, router(), SENDER, plant=listed)) == routes  # type: ignore[arg-type]
    assert len(found(RULE, SERVES, SENDER, plant=listed)) == serves  # type: ignore[arg-type]


def test_the_only_one_that_sends_for_other_networks_is_the_router() -> None:
    others = [asset(MAC, f"203.0.113.{n}", packets=50) for n in range(40)]
    assert found(RULE, router(), SENDER, *others, plant=None) == []
    second = router("fe80::7777", "00:50:56:00:77:77")
    assert len(found(RULE, router(), SENDER, *others, second, plant=None)) == 2


def test_servers_that_answer() -> None:
    assert [one.what.key for one in found(RULE, SERVES, SENDER)] == ["rogue-ipv6-server"]
    asked = conversation("fe80::1", "ff02::1:2", 547, "dhcpv6", transport="udp", packets_to_client=0)
    assert found(RULE, asked, SENDER) == found(RULE, SERVES, SENDER, baseline=[SERVES]) == []


def test_from_packets_on(tmp_path: Path) -> None:
    message = bytes.fromhex("8600000040000708") + bytes(8)
    source, group = bytes.fromhex("fe80" + "0" * 24 + "6666"), bytes.fromhex("ff02" + "0" * 27 + "1")
    head = bytes.fromhex("60000000") + len(message).to_bytes(2, "big") + b"\x3a\xff" + source + group
    data = ethernet("33:33:00:00:00:01", MAC, 0x86DD, head + message)
    (one,) = captures.found(RULE, [Packet(captures.START_NS, data, "ra")], tmp_path)
    assert (one.link.client, one.severity) == (ADDRESS, "high")
    echo = data.replace(message, b"\x80" + message[1:])
    assert captures.found(RULE, [Packet(captures.START_NS, echo, "echo")], tmp_path) == []
