"""The routine of the demo capture's day."""

from __future__ import annotations

from random import Random

from otmon.lab import food_factory, modbus, profinet
from otmon.lab.dialogues import ask_time, look_up, resolve_gateway, tls_session
from otmon.lab.frames import (
    MILLISECOND_NS,
    MINUTE_NS,
    SECOND_NS,
    Host,
    Packet,
)
from otmon.lab.plant import shipped_plant
from otmon.lab.sessions import Session, at_once

PLANT = shipped_plant("food-factory")
CRANE = PLANT.host("crane")
EWS = PLANT.host("ews")
HISTORIAN = PLANT.host("historian")
HMI = PLANT.host("hmi")
MES = PLANT.host("mes")
OFFICE_PC_77 = PLANT.host("office-pc-77")
OFFICE_PCS = PLANT.named("office-pc-21", "office-pc-34", "office-pc-58")
PLC_CONVEYOR = PLANT.host("plc-conveyor")
PLC_MIXING = PLANT.host("plc-mixing")
PLC_PACKING = PLANT.host("plc-packing")
REMOTE_IO = PLANT.host("conveyor-io")
SCADA = PLANT.host("scada")
SWITCH = PLANT.host("line-switch")
TIME_AND_NAMES = PLANT.host("dns-ntp")
WIRE = PLANT.wire

SHIFT_START, SHIFT_END = 7 * 60, 18 * 60
"""Minutes of the day."""

_PLCS = (PLC_MIXING, PLC_CONVEYOR, PLC_PACKING)
_NAMES = {
    "mes.plant.example": MES.address,
    "historian.plant.example": HISTORIAN.address,
    "time.plant.example": TIME_AND_NAMES.address,
}


def sessions(midnight_ns: int) -> list[Session]:
    """What SCADA, HMI, historian and engineering station ask of the controllers."""
    found: list[Session] = []
    for minute in range(SHIFT_START, SHIFT_END + 1, 30):
        start_ns = midnight_ns + minute * MINUTE_NS
        for number, plc in enumerate(_PLCS):
            sweep = at_once(
                modbus.read(modbus.READ_HOLDING, 0, 12),
                modbus.read(modbus.READ_HOLDING, 20, 4),
                modbus.read(modbus.READ_COILS, 0, 16),
            )
            found.append(Session(start_ns + (5 + number) * SECOND_NS, SCADA, plc, "control", sweep))
            measured = at_once(modbus.read(modbus.READ_INPUT, 0, 12))
            found.append(Session(start_ns + (31 + number) * SECOND_NS, HISTORIAN, plc, "history", measured))
    for number, hour in enumerate(range(7, 18)):
        start_ns = midnight_ns + (hour * 60 + 17) * MINUTE_NS
        look = (SECOND_NS, modbus.read(modbus.READ_HOLDING, 0, 24))
        found.append(Session(start_ns, HMI, _PLCS[number % 3], "control", (look,) * 8))
    found.append(
        _setpoint(midnight_ns + (8 * 60 + 40) * MINUTE_NS, PLC_CONVEYOR, food_factory.SPEED_SETPOINT, 420)
    )
    found.append(
        _setpoint(midnight_ns + (13 * 60 + 5) * MINUTE_NS, PLC_MIXING, food_factory.TEMPERATURE_SETPOINT, 640)
    )
    for number, plc in enumerate(_PLCS):
        start_ns = midnight_ns + (7 * 60 + 24) * MINUTE_NS + number * 20 * SECOND_NS
        questions = at_once(modbus.read_identification(), modbus.read(modbus.READ_HOLDING, 20, 8))
        found.append(Session(start_ns, EWS, plc, "engineering", questions))
    return found


def _setpoint(start_ns: int, plc: Host, address: int, value: int) -> Session:
    requests = (
        (SECOND_NS, modbus.read(modbus.READ_HOLDING, 0, 24)),
        (7 * SECOND_NS, modbus.write_register(address, value)),
        (SECOND_NS, modbus.read(modbus.READ_HOLDING, 0, 24)),
    )
    return Session(start_ns, HMI, plc, "control", requests)


def line(midnight_ns: int, random: Random) -> list[Packet]:
    """Short looks at the line: station search and LLDP before the shift, cyclic data at 8 ms."""
    start_ns = midnight_ns + (6 * 60 + 45) * MINUTE_NS
    packets = profinet.search(start_ns, PLC_CONVEYOR, REMOTE_IO, random, "line")
    neighbours = (
        (SWITCH, "port-001", "Line switch, 8 ports"),
        (PLC_CONVEYOR, "port-001", "CV-110 1.7"),
        (REMOTE_IO, "port-001", "Remote I/O, 16 DI 16 DO"),
    )
    for look in range(4):
        for number, (host, port, description) in enumerate(neighbours):
            time_ns = start_ns + look * 30 * SECOND_NS + number * 700 * MILLISECOND_NS
            packets.append(profinet.neighbour(time_ns, host, port, description, "line"))
    first_count = random.getrandbits(16)
    for minute in (6 * 60 + 50, 9 * 60 + 30, 13 * 60, 17 * 60 + 10):
        for number in range(20):
            time_ns = midnight_ns + minute * MINUTE_NS + number * profinet.CYCLE_NS
            count = first_count + (time_ns - midnight_ns) // profinet.COUNTER_NS
            outputs, inputs = bytes((0x80, number % 4, 0x80)), bytes((0x80, 0x80, 1 << number % 8, 0x3F))
            pair, identifiers = (PLC_CONVEYOR, REMOTE_IO), (0x8001, 0x8002)
            packets += profinet.cycle(time_ns, pair, identifiers, (outputs, inputs), count, "line")
    return packets


def services(midnight_ns: int, random: Random) -> list[Packet]:
    """Address resolution, names and time."""
    packets: list[Packet] = []
    askers = (*OFFICE_PCS, OFFICE_PC_77, MES, HISTORIAN, HMI, SCADA, EWS, CRANE)
    names = sorted(_NAMES)
    for hour in range(7, 18):
        for number, host in enumerate(askers):
            time_ns = midnight_ns + hour * 60 * MINUTE_NS + random.randrange(60 * 60) * SECOND_NS
            packets += resolve_gateway(WIRE, time_ns, host, "services")
            packets += ask_time(WIRE, time_ns + 2 * SECOND_NS, (host, TIME_AND_NAMES), random, "services")
            if number < 5:
                name = names[random.randrange(len(names))]
                packets += look_up(
                    WIRE,
                    time_ns + 3 * SECOND_NS,
                    (host, TIME_AND_NAMES),
                    name,
                    _NAMES[name],
                    random,
                    "services",
                )
    for plc in _PLCS:
        packets += resolve_gateway(WIRE, midnight_ns + (6 * 60 + 48) * MINUTE_NS, plc, "services")
    return packets


def business(midnight_ns: int, random: Random) -> list[Packet]:
    """Orders and reports to and from the MES."""
    packets: list[Packet] = []
    clients = (*OFFICE_PCS, OFFICE_PC_77, CRANE, SCADA)
    for hour in (8, 10, 13, 16):
        for client in clients:
            time_ns = midnight_ns + hour * 60 * MINUTE_NS + random.randrange(50 * 60) * SECOND_NS
            sizes = (random.randrange(180, 420), random.randrange(300, 1200))
            packets += tls_session(
                WIRE, time_ns, (client, MES), "mes.plant.example", sizes, random, "business"
            )
    return packets


PARTS = (("line", line), ("services", services), ("business", business))
