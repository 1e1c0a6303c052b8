"""What a device shows of itself."""

from __future__ import annotations

from typing import Any

import pytest

from otmon.assets.grouping import seen_devices
from otmon.assets.signals import MANY_CLIENTS, Signal, signals
from otmon.ledger.facts import AssetClaim, Evidence
from otmon.ledger.merge import collect
from otmon.zones.learning.hosts import SCAN
from tests.zones.facts import asset, conversation, model, operation

MAC, RANDOM, ROUTER = "70:b3:d5:ff:ff:01", "f6:1d:92:c4:08:3b", "00:09:0f:00:00:01"
ME, PLC, OTHER, WEB = "10.1.0.5", "10.2.0.1", "10.2.0.2", "198.51.100.1"


def shown(*facts: Any, mac: str = MAC, address: str = ME, **told: Any) -> tuple[Signal, ...]:
    """The signals of one device beside two others."""
    found = collect(
        assets=[asset(mac, address), asset("", PLC), asset("", OTHER), *told.get("assets", ())],
        conversations=[one for one in facts if hasattr(one, "flows")],
        operations=[one for one in facts if hasattr(one, "unit")],
    )
    grouped = seen_devices(found, told.get("inventory", ()))
    return signals(found, grouped)[told.get("id") or grouped.owner(address, "") or mac]


def keys(some: tuple[Signal, ...]) -> list[str]:
    return [one.key for one in some]


@pytest.mark.parametrize(
    ("talk", "key"),
    [
        (conversation(PLC, ME), "serves-industrial"),
        (conversation(PLC, ME, 9100, "unknown"), "serves-printing"),
        (conversation(PLC, ME, 554, "rtsp"), "serves-video"),
        (conversation(PLC, ME, 53, "dns", transport="udp"), "serves-network"),
        (conversation(PLC, ME, 25, "smtp"), "serves-many"),
        (conversation(PLC, ME, 3389, "rdp"), "serves-desktop"),
        (conversation(ME, PLC), "asks-industrial"),
        (conversation(ME, "10.1.0.255", 137, "nbns", transport="udp", answered=False), None),
        (conversation(ME, "224.0.0.252", 5355, "llmnr", transport="udp", answered=False), "windows-names"),
    ],
)
def test_a_conversation_shows_what_a_device_is_there_for(talk: Any, key: str | None) -> None:
    assert keys(shown(talk)) == ([] if key is None else [key])


@pytest.mark.parametrize(
    "talk",
    [
        conversation(PLC, ME, answered=False),
        conversation(PLC, ME, 554, "rtsp", answered=False),
        conversation(PLC, ME, 80, "http"),
        conversation(ME, PLC, 443, "tls"),
    ],
)
def test_an_attempt_and_a_single_common_service_show_nothing(talk: Any) -> None:
    assert shown(talk) == ()


def test_many_clients_make_a_server() -> None:
    clients = [conversation(f"10.3.0.{n}", ME, 443, "tls") for n in range(1, MANY_CLIENTS + 1)]
    assert keys(shown(*clients)) == ["serves-many"]
    assert keys(shown(*clients[1:])) == []


def test_what_it_asks_of_controllers_tells_stations_apart() -> None:
    write, refused = operation(ME, PLC, 6, 0, 1), operation(ME, PLC, 6, 0, 1, status=2)
    program = operation(ME, PLC, 90, subfunction=0x31, access="program")
    assert keys(shown(conversation(ME, PLC), write)) == ["commands"]
    assert keys(shown(conversation(ME, PLC), refused)) == ["asks-industrial"]
    assert keys(shown(conversation(ME, PLC), write, program)) == ["programs"]
    served = conversation("10.3.0.1", ME, 443, "tls")
    assert keys(shown(conversation(ME, PLC), served)) == ["serves-what-it-asks", "asks-industrial"]
    asked = conversation("10.3.0.1", ME)
    assert keys(shown(conversation(ME, PLC), conversation(ME, OTHER), asked)) == [
        "serves-and-asks",
        "asks-industrial",
    ]
    assert keys(shown(conversation(ME, PLC), asked)) == ["serves-industrial", "asks-peers"]


def test_who_only_uses_services_is_told_where_they_are() -> None:
    inside = [conversation(ME, PLC, 53, "dns", transport="udp"), conversation(ME, OTHER, 443, "tls")]
    assert keys(shown(*inside)) == ["uses-services"]
    assert keys(shown(*inside, conversation(ME, WEB, 443, "tls"))) == ["uses-outside"]
    # Who serves as well is more than that.
    assert keys(shown(*inside, conversation(PLC, ME, 445, "smb"))) == ["serves-desktop"]


def test_a_scanner_shows_nothing_of_what_it_tries() -> None:
    vain = [conversation(ME, f"10.4.0.{n}", answered=False) for n in range(SCAN)]
    assert keys(shown(*vain, conversation(ME, PLC), operation(ME, PLC, 6, 0, 1))) == []


def test_below_ip_fieldbus_and_neighbours_are_apart() -> None:
    below = conversation(MAC, "01:80:c2:00:00:0e", 0x88CC, "lldp", transport="ethernet", answered=False)
    bus = conversation(MAC, "70:b3:d5:ff:ff:02", 0x8892, "profinet", transport="ethernet")
    assert keys(shown(below, bus)) == ["fieldbus", "link-names"]


def test_its_interface_tells_the_vendor_or_that_none_gave_the_address() -> None:
    assert keys(shown(mac="28:63:36:05:30:11")) == ["vendor"]
    assert keys(shown(mac=RANDOM)) == ["random-mac"]
    assert keys(shown(mac="00:00:5e:00:01:01")) == ["virtual-mac"]
    (virtual,) = shown(mac="02:42:ac:11:00:02")
    assert "server" in virtual.supports and "router" not in virtual.supports


def test_a_router_sends_for_others_or_has_several_networks() -> None:
    far = [asset(ROUTER, WEB), asset(ROUTER, "10.1.0.254", arp=1)]
    assert keys(shown(assets=far, id=ROUTER)) == ["vendor", "forwards"]
    own = [asset(ROUTER, "10.1.0.254", arp=1), asset(ROUTER, "10.2.0.254", arp=1)]
    assert keys(shown(assets=own, id=ROUTER)) == ["vendor", "several-networks"]


@pytest.mark.parametrize(
    ("role", "classes"),
    [("plc", ("controller",)), ("camera", ("camera",)), ("scada", ("hmi",)), ("something", None)],
)
def test_a_role_of_the_inventory_is_a_signal(role: str, classes: tuple[str, ...] | None) -> None:
    listed = f"assets: [{{id: it, address: {ME}, role: {role}}}]"
    found = shown(
        inventory=model(f"zones: [{{id: a, importance: low, members: 10.0.0.0/8}}]\n{listed}").devices
    )
    assert [one.supports for one in found if one.source == "inventory"] == (
        [] if classes is None else [classes]
    )


def test_a_signal_names_the_first_packet_that_shows_it() -> None:
    early, late = Evidence(1, "a", 1, 0), Evidence(9, "a", 9, 0)
    talks = [conversation(PLC, ME, evidence=late), conversation(OTHER, ME, evidence=early)]
    (one,) = shown(*talks)
    assert one.evidence == early and dict(one.params) == {"protocols": "modbus"}


def _opens(*values: str, mac: str = MAC, address: str = ME) -> list[AssetClaim]:
    return [
        AssetClaim(mac, address, "", "tcp-opening", one, "tcp", 1, 5, 5, Evidence(5, "a", number, 0))
        for number, one in enumerate(values, 1)
    ]


LINUX, WINDOWS = "mss*44,7:mss,sok,ts,nop,ws:df", "mss*44,8:mss,nop,ws,nop,nop,sok:df"


@pytest.mark.parametrize(
    ("claims", "hops"),
    [
        (_opens(f"64:{LINUX}", f"63:{LINUX}"), "63, 64"),
        (_opens(f"64:{LINUX}", f"127:{WINDOWS}"), "64, 127"),
        (_opens(f"255:{LINUX}", f"62:{LINUX}", f"125:{WINDOWS}"), "62, 125, 255"),
        # One host; two that are routed here on ways of two lengths; no spread of few routers; others' claims.
        (_opens(f"64:{LINUX}", f"64:{WINDOWS}"), ""),
        (_opens(f"128:{WINDOWS}", f"64:{LINUX}"), ""),
        (_opens(f"126:{WINDOWS}", f"127:{WINDOWS}"), ""),
        (_opens(f"64:{LINUX}", f"50:{LINUX}"), ""),
        # A scanner that chooses at random, as in a capture of an EtherNet/IP plant.
        (_opens(f"128:{WINDOWS}", "47:1024,0:mss:", "59:1024,0:mss:"), ""),
        (_opens(f"64:{LINUX}") + _opens(f"63:{LINUX}", mac=ROUTER), ""),
        (_opens(f"64:{LINUX}", f"63:{LINUX}", mac=""), ""),
        (_opens("64", "x:1", "-1:2"), ""),
    ],
)
def test_who_translates_the_addresses_of_others_opens_connections_as_they_do(
    claims: list[AssetClaim], hops: str
) -> None:
    found = collect(assets=[asset(MAC, ME), asset("", PLC)])
    grouped = seen_devices(found)
    told = signals(found, grouped, {grouped.owner(ME, ""): tuple(claims)})[grouped.owner(ME, "")]
    found_hops = [dict(one.params)["hops"] for one in told if one.key == "translates"]
    assert found_hops == ([hops] if hops else [])


def test_a_router_is_none_that_translates() -> None:
    far = [asset(ROUTER, f"10.{one}.0.1") for one in range(2, 12)]
    found = collect(assets=[asset(ROUTER, ME), *far])
    grouped = seen_devices(found)
    claims = tuple(_opens(f"64:{LINUX}", f"63:{LINUX}", mac=ROUTER))
    told = signals(found, grouped, {one.id: claims for one in grouped.devices})
    assert all(one.key != "translates" for some in told.values() for one in some)
