"""What goes on in a range is what the plants' files say."""

from __future__ import annotations

import pytest

from otmon.lab import modbus
from otmon.lab.live.clients import QUESTIONS, STAYS, VISITS
from otmon.lab.live.routine import LOOK_S, routine_of
from otmon.lab.live.servers import STREAMS
from otmon.lab.plant import shipped_plant, shipped_plants


@pytest.mark.parametrize("plant_id", shipped_plants())
def test_every_habit_that_a_machine_has_is_lived(plant_id: str) -> None:
    plant = shipped_plant(plant_id)
    routine = routine_of(plant)
    assert routine.polls and routine.errands
    for poll in routine.polls:
        server = plant.by_name[poll.server]
        service = server.serves("modbus")
        assert service is not None and (poll.address, poll.port) == (server.address, service.port)
        assert poll.client in plant.by_name and poll.pdus and poll.every_s > 0
        assert all(pdu[0] in (1, 2, 3, 4, modbus.DEVICE_IDENTIFICATION) for pdu in poll.pdus)
    for errand in routine.errands:
        assert errand.protocol in {**VISITS, **STAYS, **QUESTIONS}
        assert plant.by_name[errand.server].serves(errand.protocol) is not None
    for host in plant.hosts:
        polls, errands = routine.of(host.name)
        assert all(one.client == host.name for one in (*polls, *errands))
    assert sum(len(part) for host in plant.hosts for part in routine.of(host.name)) == len(
        routine.polls
    ) + len(routine.errands)


@pytest.mark.parametrize("plant_id", shipped_plants())
def test_every_service_of_a_plant_has_a_server(plant_id: str) -> None:
    for host in shipped_plant(plant_id).hosts:
        for service in host.services:
            known = {"modbus", *STAYS, *STREAMS} if service.transport == "tcp" else set(QUESTIONS)
            assert service.protocol in known, f"{host.name}: {service.protocol}"


def test_polls_screens_and_looks_come_as_often_as_the_file_says() -> None:
    polls = routine_of(shipped_plant("water-works")).polls
    by = {(one.client, one.server): one for one in polls if one.client != "hmi"}
    scada = by["scada", "plc-intake"]
    assert (scada.every_s, scada.open_s) == (1.0, 0.0)
    assert scada.pdus[0] == modbus.read(modbus.READ_INPUT, 0, 4)
    look = by["ews", "plc-intake"]
    assert (look.open_s, look.closed_s) == (1.0, LOOK_S) and modbus.read_identification() in look.pdus
    screen = next(one for one in polls if (one.client, one.server) == ("hmi", "plc-dosing"))
    assert (screen.every_s, screen.open_s, screen.closed_s) == (1.0, 120.0, 1_080.0)


def test_blocks_and_tags_are_read_whole() -> None:
    errands = routine_of(shipped_plant("body-line")).errands
    assert {one.name for one in errands if one.protocol == "s7comm"} >= {"10 10", "50 4"}
    assert {(one.name, one.writes) for one in errands if one.protocol == "opc_ua"} == {
        ("Line.Running Line.Bodies Line.Takt Line.Model", False),
        ("Order.Number", True),
    }
    assert {one.name for one in errands if one.protocol == "ethernet_ip"} == {"Station_Counts 4"}
