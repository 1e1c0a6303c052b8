"""What a device probably is, and how sure that is."""

from __future__ import annotations

from itertools import permutations

import pytest

from otmon.assets.classify import classify, population
from otmon.assets.makers import COMPUTER, KIND_OF, DeviceClass
from otmon.assets.signals import Signal, Source
from otmon.identity.claim import ClaimKind
from otmon.ledger.facts import AssetClaim
from otmon.ledger.merge import collect
from tests.zones.facts import EVIDENCE, asset, conversation, model


def signal(
    source: Source, supports: tuple[DeviceClass, ...], excludes: tuple[DeviceClass, ...] = (), key: str = "x"
) -> Signal:
    return Signal(key, (), source, supports, excludes, EVIDENCE)


PRINTS, MADE = signal("serves", ("printer",)), signal("vendor", ("printer", "camera"))
ANNOUNCED = signal("announces", ("printer",))


@pytest.mark.parametrize(
    ("shown", "sureness", "classes"),
    [
        ((), "unknown", ()),
        ((PRINTS,), "unknown", ()),
        # Two of one source are one.
        ((PRINTS, signal("serves", ("printer",))), "unknown", ()),
        ((PRINTS, MADE), "likely", ("printer",)),
        ((PRINTS, MADE, ANNOUNCED), "sure", ("printer",)),
        ((signal("serves", ("camera", "printer")), MADE), "possible", ("camera", "printer")),
        ((PRINTS, MADE, signal("mac", (), ("printer",))), "contradicted", ("printer",)),
        ((PRINTS, MADE, ANNOUNCED, signal("mac", (), ("printer",))), "contradicted", ("printer",)),
        # One that is excluded leaves the way to the other.
        (
            (signal("serves", ("camera", "printer")), MADE, signal("mac", (), ("printer",))),
            "likely",
            ("camera",),
        ),
        # What it does against what it does; a vendor's name alone is nothing to contradict.
        (
            (signal("serves", ("controller",)), signal("mac", ("phone",), ("controller",))),
            "contradicted",
            ("controller",),
        ),
        ((MADE, signal("fieldbus", ("controller",), ("camera", "printer"))), "unknown", ()),
    ],
)
def test_two_independent_signals_are_needed_and_one_against_is_enough(
    shown: tuple[Signal, ...], sureness: str, classes: tuple[str, ...]
) -> None:
    for order in permutations(shown):
        found = classify(order)
        assert (found.sureness, found.classes) == (sureness, classes)
        assert bool(found.against) == (sureness == "contradicted")


def test_a_station_is_one_by_what_it_asks_of_controllers() -> None:
    computer, windows = signal("vendor", COMPUTER), signal("announces", COMPUTER)
    assert classify([computer, windows]).classes == ("server", "pc")
    asks = signal("asks", ("hmi", "engineering-station"))
    assert classify([computer, windows, asks]).classes == ("hmi", "engineering-station")


NAMED, COMPUTES = signal("says", ("laptop",)), signal("announces", COMPUTER)
MAKES_ALL = signal("vendor", ("switch", "router", "access-point"))


@pytest.mark.parametrize(
    ("shown", "sureness", "classes"),
    [
        # What speaks for PCs does not make a laptop; once something names it, it is one.
        ((COMPUTES, signal("asks", ("phone", "iot-device", "pc"))), "likely", ("pc",)),
        ((NAMED,), "unknown", ()),
        ((NAMED, COMPUTES), "likely", ("laptop",)),
        ((NAMED, COMPUTES, signal("serves", COMPUTER)), "sure", ("laptop",)),
        ((NAMED, signal("forwards", ("router",))), "unknown", ()),
        # A maker of all of them names none of them.
        ((MAKES_ALL, signal("announces", ("switch", "router"))), "possible", ("router", "switch")),
        ((MAKES_ALL, signal("announces", ("access-point",))), "likely", ("access-point",)),
        ((MAKES_ALL, signal("forwards", ("router",))), "likely", ("router",)),
        ((signal("vendor", ("laptop",)), signal("asks", ("pc",))), "likely", ("laptop",)),
        # What excludes all that it is a kind of excludes it; an access point is one of two.
        ((NAMED, COMPUTES, signal("mac", (), ("pc", "server"))), "contradicted", ("laptop", "pc")),
        ((MAKES_ALL, signal("announces", ("access-point",), ("router",))), "likely", ("access-point",)),
        ((MAKES_ALL, signal("announces", ("access-point",)), signal("x", (), ("router", "switch"))),
         "contradicted", ("router", "switch", "access-point")),
        # A maker whose only product a claim excludes.
        ((signal("vendor", ("laptop",)), signal("says", ("camera",), ("pc",), key="claim")),
         "contradicted", ("laptop",)),
    ],
)  # fmt: skip
def test_a_kind_of_a_class_needs_a_signal_of_its_own(
    shown: tuple[Signal, ...], sureness: str, classes: tuple[str, ...]
) -> None:
    for order in permutations(shown):
        found = classify(order)
        assert (found.sureness, set(found.classes)) == (sureness, set(classes))
        assert bool(found.against) == (sureness == "contradicted")


def test_kinds_are_one_level_deep() -> None:
    for kind, others in KIND_OF.items():
        assert others and kind not in others and KIND_OF.keys().isdisjoint(others)


SONOS, PI, ELSE = "00:0e:58:00:00:01", "b8:27:eb:00:00:01", "70:b3:d5:ff:ff:01"
CISCO, MOBILE, RANDOM = "00:1b:0c:00:00:01", "00:1e:42:00:00:01", "f6:1d:92:c4:08:3b"
BOARD: DeviceClass = "single-board-computer"


@pytest.mark.parametrize(
    ("mac", "claims", "facts", "classes", "sureness"),
    [
        (PI, [("ssh", "software", "OpenSSH_7.9p1 Raspbian-10+deb10u2")], [], BOARD, "likely"),
        (PI, [("dhcp", "name", "raspberrypi")], ["outside"], BOARD, "sure"),
        (ELSE, [("dhcp", "name", "raspberrypi")], ["outside"], BOARD, "likely"),
        # One name is one thing, by however many protocols it is told.
        (ELSE, [("dhcp", "name", "raspberrypi"), ("mdns", "name", "raspberrypi")], [], None, "unknown"),
        (PI, [], [], None, "unknown"),
        (PI, [], ["modbus"], None, "unknown"),
        (CISCO, [("lldp", "capability", "bridge, wlan-access-point")], [], "access-point", "likely"),
        (CISCO, [("dhcp", "dhcp-class", "Cisco AP c1830")], [], "access-point", "likely"),
        (CISCO, [("lldp", "capability", "bridge")], [], "switch", "likely"),
        (ELSE, [("dhcp", "name", "LAPTOP-QO1XB2")], ["names"], "laptop", "likely"),
        (ELSE, [("dhcp", "name", "DESKTOP-1"), ("dhcp", "dhcp-class", "MSFT 5.0")], ["names"], "pc", None),
        (RANDOM, [("mdns", "model", "MacBookPro15,2")], ["outside"], "laptop", "likely"),
        (ELSE, [("http", "capability", "proxy")], ["web"], "server", "likely"),
        (SONOS, [("ssdp", "capability", "ZonePlayer")], [], "smart-speaker", "likely"),
        (ELSE, [("mdns", "model", "Google Home Mini")], ["outside"], "smart-speaker", "likely"),
        (ELSE, [("mdns", "model", "Chromecast Ultra")], ["outside"], None, "unknown"),
        (MOBILE, [], ["routes"], "mobile-router", "likely"),
        (ELSE, [("snmp", "description", "Digi TransPort WR11")], ["routes"], "mobile-router", "likely"),
        (ELSE, [("ssdp", "capability", "InternetGatewayDevice")], ["routes"], "router", "likely"),
    ],
)  # fmt: skip
def test_devices_that_somebody_brought_are_told_by_two_signals(
    mac: str,
    claims: list[tuple[str, ClaimKind, str]],
    facts: list[str],
    classes: str | None,
    sureness: str | None,
) -> None:
    talks = {
        "outside": [conversation("10.1.0.9", f"198.51.100.{n}", 443, "tls") for n in (1, 2)],
        "names": [conversation("10.1.0.9", "224.0.0.252", 5355, "llmnr", transport="udp", answered=False)],
        "modbus": [conversation("10.1.0.2", "10.1.0.9")],
        "web": [conversation(f"10.1.1.{n}", "10.1.0.9", 8080, "http") for n in (1, 2, 3)],
    }
    senders = [asset(mac, "10.1.0.9", arp=1), asset("00:01:fc:0b:01:10", "10.1.0.2")]
    senders += [asset(mac, f"198.51.{n}.1") for n in range(3)] if "routes" in facts else []
    found = collect(
        assets=senders,
        conversations=[one for name in facts for one in talks.get(name, [])],
        claims=[
            AssetClaim(mac, "10.1.0.9", "", kind, value, protocol, 1, 5, 5, EVIDENCE)
            for protocol, kind, value in claims
        ],
    )
    probable = population(found).by_id[mac].probable
    if classes is None:
        assert (probable.classes, probable.sureness) == ((), "unknown")
    else:
        assert classes in probable.classes and (sureness is None or probable.sureness == sureness)
        assert sureness is None or probable.classes == (classes,)


def test_the_inventory_says_what_a_device_is_and_a_contradiction_is_told() -> None:
    role, against = signal("inventory", ("printer",)), signal("mac", ("phone",), ("printer",))
    assert classify([role]).sureness == "inventory"
    found = classify([role, against])
    assert (found.classes, found.sureness, found.against) == (("printer",), "inventory", (against,))


def test_everybody_on_the_network_with_and_without_an_inventory() -> None:
    phone, plc, hmi = "f6:1d:92:c4:08:3b", "28:63:36:05:30:11", "00:01:fc:0b:01:10"
    facts = collect(
        assets=[asset(phone, "10.1.0.9"), asset(plc, "10.1.0.1"), asset(hmi, "10.1.0.2")],
        conversations=[
            conversation("10.1.0.2", "10.1.0.1"), conversation("10.1.0.9", "198.51.100.1", 443, "tls"),
            conversation("10.1.0.9", "198.51.100.2", 443, "tls"),
        ],
    )  # fmt: skip
    found = {one.seen.id: one.probable for one in population(facts).devices}
    assert {id: (one.classes, one.sureness) for id, one in found.items()} == {
        phone: (("phone",), "likely"),
        plc: (("controller",), "likely"),
        hmi: (("hmi",), "likely"),
    }
    zones = "zones: [{id: a, importance: low, members: 10.0.0.0/8}]"
    listed = population(facts, model(f"{zones}\nassets: [{{id: plc-1, mac: '{plc}', role: plc}}]"))
    assert listed.by_id["plc-1"].probable.sureness == "inventory"
    assert listed.devices[0].seen.id == "plc-1" and listed.grouped.owner("10.1.0.1", "") == "plc-1"
