"""Whose a claim is, and what a device is called."""

from __future__ import annotations

from typing import Any

from otmon.assets.claims import MAX_NAMES, claims_of_devices, names_of
from otmon.assets.classify import classify, population
from otmon.assets.grouping import seen_devices
from otmon.ledger.facts import Asset, AssetClaim
from otmon.ledger.ledger import Ledger
from otmon.ledger.merge import collect
from tests.zones.facts import asset, conversation

PLC, PHONE, ROUTER = "28:63:36:05:30:11", "f6:1d:92:c4:08:3b", "00:09:0f:00:00:fe"


def says(kind: str, value: str, protocol: str = "dhcp", mac: str = PLC, address: str = "") -> AssetClaim:
    seen = asset(mac, "10.1.0.1").evidence
    return AssetClaim(mac, address, "", kind, value, protocol, 1, 1, 1, seen)  # type: ignore[arg-type]


def facts(*given: Any) -> Ledger:
    return collect(
        assets=[one for one in given if isinstance(one, Asset)],
        claims=[one for one in given if isinstance(one, AssetClaim)],
        conversations=[one for one in given if hasattr(one, "flows")],
    )


def test_a_claim_is_that_of_the_address_and_dhcp_names_the_interface() -> None:
    behind = [asset(ROUTER, f"10.{n}.0.1") for n in range(2, 14)]
    ledger = facts(
        asset(PLC, "10.1.0.1"), asset(PHONE, "0.0.0.0"), *behind,
        says("name", "plc", "snmp", PLC, "10.1.0.1"),
        says("software", "GoAhead", "http", ROUTER, "10.2.0.1"),
        says("software", "nginx", "http", ROUTER, "198.51.100.1"),
        says("name", "iPhone", "dhcp", PHONE, "10.9.9.9"),
        says("name", "sw", "lldp", ROUTER),
    )  # fmt: skip
    said = claims_of_devices(ledger, seen_devices(ledger))
    assert {id: [one.value for one in claims] for id, claims in said.items()} == {
        PLC: ["plc"], PHONE: ["iPhone"], ROUTER: ["sw"], "10.2.0.1": ["GoAhead"],
    }  # fmt: skip


def test_names_stand_once_the_best_known_first() -> None:
    told = [
        says("name", "HMI-7", "nbns"), says("name", "hmi-7.plant.local", "smb"),
        says("name", "line1", "lldp"), says("name", "x", "smtp"), says("model", "y", "lldp"),
    ]  # fmt: skip
    assert names_of(told) == ("line1", "HMI-7")
    assert len(names_of([says("name", f"n{number}") for number in range(9)])) == MAX_NAMES
    assert names_of([]) == ()


def test_claims_are_signals_and_need_a_second_source() -> None:
    order = says("model", "6ES7 315-2EH14-0AB0", "s7comm", "70:b3:d5:ff:ff:01", "10.1.0.7")
    sender = asset("70:b3:d5:ff:ff:01", "10.1.0.7")
    (one,) = population(facts(sender, order)).devices
    assert one.probable.sureness != "likely" and "controller" not in one.probable.classes
    siemens = facts(asset(PLC, "10.1.0.7"), says("model", "6ES7 315-2EH14-0AB0", "s7comm", PLC, "10.1.0.7"))
    (two,) = population(siemens).devices
    assert (two.probable.classes, two.probable.sureness) == (("controller",), "likely")
    signal = next(one for one in two.probable.signals if one.key == "claim")
    assert signal.source == "serves" and dict(signal.params)["fingerprint"] == "s7-order"
    assert signal.evidence == two.claims[0].evidence


def test_a_controller_s_interface_in_a_phone_is_a_contradiction_whatever_else_it_does() -> None:
    outside = [conversation("10.1.0.9", f"198.51.100.{n}", 443, "tls") for n in (1, 2)]
    ledger = facts(asset(PLC, "10.1.0.9"), says("dhcp-class", "android-dhcp-13"), *outside)
    (one,) = (one for one in population(ledger).devices if PLC in one.seen.macs)
    assert one.probable.sureness == "contradicted" and "controller" in one.probable.classes
    assert [against.key for against in one.probable.against] == ["claim"]
    assert classify(one.probable.signals) == one.probable
    # The maker of phones in a phone is none.
    apple = facts(
        asset("f0:18:98:00:00:01", "10.1.0.9"), says("name", "iPhone", mac="f0:18:98:00:00:01"), *outside
    )
    (two,) = (one for one in population(apple).devices if one.seen.macs)
    assert (two.probable.classes, two.probable.sureness) == (("phone",), "sure")
