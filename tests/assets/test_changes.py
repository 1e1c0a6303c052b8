"""New, gone, moved and changed devices."""

from __future__ import annotations

import pytest

from otmon.assets.changes import since, since_inventory
from otmon.assets.classify import population
from otmon.ledger.facts import Asset
from otmon.zones.place import index
from tests.assets.population import HMI, PHONE, PLANT, PLC, SENDERS, facts, here
from tests.zones.facts import asset

OTHER = "3c:d9:2b:01:00:09"
Told = list[tuple[str, str, str]]


def against(*senders: Asset) -> Told:
    return [(one.kind, one.id, one.how) for one in since_inventory(*here(*senders))]


def between(before: tuple[Asset, ...], now: tuple[Asset, ...], zones: bool = True) -> Told:
    ledgers = facts(*before), facts(*now)
    place = index(PLANT, ledgers[1].assets) if zones else None
    return [
        (one.kind, one.id, one.how) for one in since(population(ledgers[0]), population(ledgers[1]), place)
    ]


def test_what_is_as_listed_is_no_change() -> None:
    assert against(*SENDERS[:2]) == []
    assert against(*SENDERS[:2], asset(PLC, ""), asset(HMI, "fe80::2")) == []


@pytest.mark.parametrize(
    ("senders", "changes"),
    [
        (SENDERS, [("new", PHONE, "new")]),
        (SENDERS[:1], [("gone", "hmi-1", "gone")]),
        ((asset(PLC, "10.1.0.7"), SENDERS[1]), [("moved", "plc-1", "address")]),
        ((asset(PLC, "10.3.0.1"), SENDERS[1]), [("moved", "plc-1", "address"), ("moved", "plc-1", "zone")]),
        ((asset(OTHER, "10.1.0.1"), SENDERS[1]), [("new", OTHER, "new"), ("changed", "plc-1", "taken")]),
        ((asset(PHONE, "10.1.0.2"), SENDERS[0]), [("changed", "hmi-1", "against")]),
    ],
)
def test_what_differs_from_the_inventory(senders: tuple[Asset, ...], changes: Told) -> None:
    assert against(*senders) == changes


def test_an_earlier_ledger_and_this_one() -> None:
    assert between(SENDERS, SENDERS) == []
    assert between(SENDERS[:2], SENDERS) == [("new", PHONE, "new")]
    assert between(SENDERS, SENDERS[:2]) == [("gone", PHONE, "gone")]
    moved = (*SENDERS[:2], asset(PHONE, "10.3.0.9"))
    assert between(SENDERS, moved) == [("moved", PHONE, "address"), ("moved", PHONE, "zone")]
    assert between(SENDERS, moved, zones=False) == [("moved", PHONE, "address")]


def test_another_mac_address_under_an_address_is_a_changed_device() -> None:
    exchanged = (asset(OTHER, "10.1.0.1"), *SENDERS[1:])
    changes = between(SENDERS, exchanged)
    assert ("changed", OTHER, "mac") in changes and ("new", OTHER, "new") not in changes
    # Who went on under another address is not the one that took it.
    swapped = (asset(OTHER, "10.1.0.1"), asset(PLC, "10.1.0.8"), *SENDERS[1:])
    assert {one[:2] for one in between(SENDERS, swapped)} == {("new", OTHER), ("moved", PLC)}


def test_the_other_way_round_new_is_gone() -> None:
    assert sorted(kind for kind, _, _ in between(SENDERS[:1], SENDERS[1:])) == ["gone", "new", "new"]
