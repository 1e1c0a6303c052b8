"""What a device probably is, and how sure that is."""

from __future__ import annotations

from itertools import permutations

import pytest

from otmon.assets.classify import classify, population
from otmon.assets.makers import COMPUTER, DeviceClass
from otmon.assets.signals import Signal, Source
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
