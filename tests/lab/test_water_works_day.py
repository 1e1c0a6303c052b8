"""The story of the water works' day, as its sessions and packets tell it."""

from __future__ import annotations

from random import Random

import pytest

from otmon.lab import modbus
from otmon.lab.day import day_of
from otmon.lab.plant import shipped_plant
from otmon.lab.water_works_day import (
    MIDNIGHT_NS,
    RAISED_PPM,
    SITE,
    USUAL_PPM,
    incident_sessions,
    remote_desktops,
    reports,
    routine_sessions,
    services,
)

PLANT = shipped_plant("water-works")
HMI = PLANT.host("hmi")
PLC_DOSING = PLANT.host("plc-dosing")
REMOTE_OPERATOR = PLANT.host("remote-operator")


def test_the_setpoint_is_raised_while_somebody_is_at_the_hmi_and_set_back_soon() -> None:
    (session,) = incident_sessions(MIDNIGHT_NS)
    assert (session.client, session.server) == (HMI, PLC_DOSING)
    writes = [(time_ns, pdu) for time_ns, pdu in session.planned() if pdu[0] == modbus.WRITE_REGISTER]
    (raised_ns, raised), (back_ns, back) = writes
    assert [int.from_bytes(pdu[3:5], "big") for pdu in (raised, back)] == [RAISED_PPM, USUAL_PPM]
    assert 60 * 10**9 < back_ns - raised_ns < 600 * 10**9
    remote = [packet.time_ns for packet in remote_desktops(MIDNIGHT_NS, Random(1))]
    assert min(time_ns for time_ns in remote if time_ns > MIDNIGHT_NS + 12 * 3600 * 10**9) < raised_ns
    assert raised_ns < remote[-1]


def test_the_routine_writes_four_setpoints() -> None:
    pdus = [pdu for session in routine_sessions(MIDNIGHT_NS) for _, pdu in session.requests]
    assert sum(bool(modbus.changes(pdu, 0)) for pdu in pdus) == 4


@pytest.mark.parametrize("part", [services, reports, remote_desktops])
def test_every_part_comes_from_its_seed(part) -> None:  # type: ignore[no-untyped-def]
    assert part(MIDNIGHT_NS, Random(1)) == part(MIDNIGHT_NS, Random(1)) != part(MIDNIGHT_NS, Random(2))


def test_no_request_is_refused() -> None:
    assert {one.exception for one in day_of(SITE, 1).transactions} == {0}
    assert REMOTE_OPERATOR in SITE.hosts
