"""The routine of the two factories' day."""

from __future__ import annotations

from random import Random

import pytest
from scapy.layers.l2 import Ether

from otmon.lab import modbus
from otmon.lab.day import day_of
from otmon.lab.food_factory import CONTROLLERS
from otmon.lab.plant import shipped_plant
from otmon.lab.two_factories_day import (
    MIDNIGHT_NS,
    SITE,
    business,
    ordering,
    printing,
    production,
    routine_sessions,
    services,
)

PLANT = shipped_plant("two-factories")
A_HMI = PLANT.host("a-hmi")
OFFICE_PCS = PLANT.named("office-pc-21", "office-pc-34")
WIRE = PLANT.wire


@pytest.mark.parametrize("part", [services, production, business, ordering, printing])
def test_every_part_comes_from_its_seed(part) -> None:  # type: ignore[no-untyped-def]
    assert part(MIDNIGHT_NS, Random(1)) == part(MIDNIGHT_NS, Random(1)) != part(MIDNIGHT_NS, Random(2))


def test_each_controller_gets_one_setpoint() -> None:
    sessions = routine_sessions(MIDNIGHT_NS)
    written = [s.server.name for s in sessions for _, pdu in s.requests if modbus.changes(pdu, 0)]
    assert sorted(written) == sorted(CONTROLLERS["two-factories"])


def test_what_leaves_a_site_goes_to_its_own_router() -> None:
    assert WIRE.gateway(A_HMI) != WIRE.gateway(OFFICE_PCS[0]) != WIRE.core
    macs = {Ether(packet.data).dst for packet in ordering(MIDNIGHT_NS, Random(1))}
    assert macs == {WIRE.gateway(OFFICE_PCS[0]), WIRE.core}


def test_no_request_is_refused() -> None:
    assert {one.exception for one in day_of(SITE, 1).transactions} == {0}
