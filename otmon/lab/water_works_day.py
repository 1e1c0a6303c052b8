"""A day of a water works: `python -m otmon.lab.water_works_day --seed 1 --output FILE.pcapng`.

From 06:00 to 18:00 of 7 July 2026 in Japan, as a mirror of the works' core switch sees it. Controllers
are polled in short sessions, so that the file stays small.
"""

from __future__ import annotations

from random import Random

from otmon.lab import modbus, water_works
from otmon.lab.day import Site, Story, command
from otmon.lab.dialogues import ask_time, remote_desktop, resolve_gateway, tls_session
from otmon.lab.events import Event
from otmon.lab.frames import MINUTE_NS, SECOND_NS, Host, Packet
from otmon.lab.plant import shipped_plant
from otmon.lab.process import process_of
from otmon.lab.sessions import Session, at_once

PLANT = shipped_plant("water-works")
EWS = PLANT.host("ews")
HMI = PLANT.host("hmi")
HOSTS = PLANT.everybody()
OFFICE_PCS = PLANT.named("office-pc-11", "office-pc-12")
PLC_DOSING = PLANT.host("plc-dosing")
PLC_FILTERS = PLANT.host("plc-filters")
PLC_INTAKE = PLANT.host("plc-intake")
PLC_PUMPS = PLANT.host("plc-pumps")
REMOTE_OPERATOR = PLANT.host("remote-operator")
REPORTS = PLANT.host("report-server")
RTU_BRANCH = PLANT.host("rtu-branch")
SCADA = PLANT.host("scada")
TIME = PLANT.host("time-server")
WIRE = PLANT.wire
PLCS = (PLC_INTAKE, PLC_DOSING, PLC_FILTERS, PLC_PUMPS)

MIDNIGHT_NS = PLANT.midnight_ns
"""Midnight of 7 July 2026 in Japan."""

FIRST_HOUR, LAST_HOUR = 6, 18
USUAL_PPM, RAISED_PPM = 100, 11_100

LOOK = {
    PLC_INTAKE: (modbus.read(modbus.READ_INPUT, 0, 4), modbus.read(modbus.READ_HOLDING, 0, 2)),
    PLC_DOSING: (modbus.read(modbus.READ_INPUT, 0, 6), modbus.read(modbus.READ_HOLDING, 0, 6)),
    PLC_FILTERS: (modbus.read(modbus.READ_INPUT, 0, 9), modbus.read(modbus.READ_DISCRETE, 0, 4)),
    PLC_PUMPS: (modbus.read(modbus.READ_INPUT, 0, 5), modbus.read(modbus.READ_HOLDING, 0, 4)),
    RTU_BRANCH: (modbus.read(modbus.READ_INPUT, 0, 3), modbus.read(modbus.READ_DISCRETE, 0, 2)),
}
"""What a screen of each controller shows."""


def _at(hour: int, minute: int, second: int = 0) -> int:
    return (hour * 60 + minute) * MINUTE_NS + second * SECOND_NS


def routine_sessions(midnight_ns: int) -> list[Session]:
    found: list[Session] = []
    for half in range(2 * FIRST_HOUR, 2 * LAST_HOUR):
        start_ns = midnight_ns + half * 30 * MINUTE_NS
        for number, plc in enumerate(PLCS):
            bits = modbus.read(modbus.READ_COILS, 0, water_works.COMMANDS[plc.name])
            polls = at_once(*LOOK[plc], bits)
            found.append(Session(start_ns + (4 + number) * SECOND_NS, SCADA, plc, "control", polls))
        polls = at_once(*LOOK[RTU_BRANCH], modbus.read(modbus.READ_HOLDING, 0, 2))
        found.append(Session(start_ns + 20 * SECOND_NS, SCADA, RTU_BRANCH, "telemetry", polls))
    for hour in range(FIRST_HOUR, LAST_HOUR):
        start_ns = midnight_ns + _at(hour, 12)
        for number, plc in enumerate(PLCS):
            looks = tuple((2 * SECOND_NS, pdu) for pdu in LOOK[plc] * 2)
            found.append(Session(start_ns + number * 15 * SECOND_NS, HMI, plc, "control", looks))
    for start_ns, client, server, write in (
        (_at(6, 40), HMI, PLC_INTAKE, modbus.write_register(water_works.FLOW_SETPOINT, 660)),
        (_at(9, 25), HMI, PLC_DOSING, _float(water_works.CHLORINE_SETPOINT, 0.65)),
        (_at(10, 50), SCADA, RTU_BRANCH, _float(water_works.RESERVOIR_SETPOINT, 3.2)),
        (_at(15, 35), HMI, PLC_PUMPS, _float(water_works.PRESSURE_SETPOINT, 365.0)),
    ):
        event = "telemetry" if server is RTU_BRANCH else "control"
        requests = tuple((6 * SECOND_NS, pdu) for pdu in (*LOOK[server], write, *LOOK[server]))
        found.append(Session(midnight_ns + start_ns, client, server, event, requests))
    for number, plc in enumerate(PLCS):
        start_ns = midnight_ns + _at(7, 5, 20 * number)
        questions = at_once(modbus.read_identification(), modbus.read(modbus.READ_HOLDING, 0, 2))
        found.append(Session(start_ns, EWS, plc, "engineering", questions))
    return found


def _float(address: int, value: float) -> bytes:
    return modbus.write_registers(address, modbus.float32(value))


def incident_sessions(midnight_ns: int) -> list[Session]:
    """The dosing screen is open from before the second remote session until the pH falls again."""
    watch = tuple((10 * SECOND_NS, pdu) for pdu in LOOK[PLC_DOSING])
    requests = (
        *watch * 6,
        (9 * SECOND_NS, modbus.write_register(water_works.ALKALI_SETPOINT, RAISED_PPM)),
        *watch * 12,
        (7 * SECOND_NS, modbus.write_register(water_works.ALKALI_SETPOINT, USUAL_PPM)),
        *watch * 15,
    )
    return [Session(midnight_ns + _at(13, 29), HMI, PLC_DOSING, "hundredfold", requests)]


def services(midnight_ns: int, random: Random) -> list[Packet]:
    packets: list[Packet] = []
    for hour in range(FIRST_HOUR, LAST_HOUR):
        for host in (*OFFICE_PCS, REPORTS, HMI, SCADA, EWS):
            time_ns = midnight_ns + _at(hour, 0, random.randrange(60 * 60))
            packets += resolve_gateway(WIRE, time_ns, host, "services")
            packets += ask_time(WIRE, time_ns + SECOND_NS, (host, TIME), random, "services")
    return packets


def reports(midnight_ns: int, random: Random) -> list[Packet]:
    packets: list[Packet] = []

    def session(time_ns: int, client: Host, sizes: tuple[int, ...]) -> None:
        nonlocal packets
        name = "reports.water.example"
        packets += tls_session(WIRE, time_ns, (client, REPORTS), name, sizes, random, "reports")

    for hour in range(FIRST_HOUR, LAST_HOUR):
        session(midnight_ns + _at(hour, 58, random.randrange(60)), SCADA, (random.randrange(600, 900), 80))
    for hour in (8, 11, 13, 16):
        for client in OFFICE_PCS:
            time_ns = midnight_ns + _at(hour, random.randrange(50), random.randrange(60))
            session(time_ns, client, (random.randrange(200, 400), random.randrange(600, 1400)))
    return packets


def remote_desktops(midnight_ns: int, random: Random) -> list[Packet]:
    packets: list[Packet] = []
    for start_ns, turns in ((_at(8, 3), 3), (_at(13, 28), 11)):
        hosts = (REMOTE_OPERATOR, HMI)
        packets += remote_desktop(
            WIRE, midnight_ns + start_ns, hosts, "operator", turns, random, "remote-desktop"
        )
    return packets


_PLC_NAMES = tuple(plc.name for plc in PLCS)

EVENTS = (
    Event(
        "control",
        False,
        "SCADA reads every controller each half hour; the operator looks at the HMI's screens each hour, "
        "and changes the intake's flow, the chlorine and the pressure to the town once each",
        ("scada", "hmi", *_PLC_NAMES),
    ),
    Event(
        "telemetry",
        False,
        "SCADA reads the branch's reservoir each half hour over a carrier's line, and raises its level once",
        ("scada", "rtu-branch"),
    ),
    Event(
        "engineering",
        False,
        "the engineering station reads the identity and the setpoints of the controllers in the morning",
        ("ews", *_PLC_NAMES),
    ),
    Event("reports", False, "SCADA sends its reports, and the office looks at them", ("report-server",)),
    Event("services", False, "ARP and time", ("time-server",)),
    Event(
        "remote-desktop",
        True,
        "somebody on the Internet looks at the HMI over remote desktop in the morning, and comes back in "
        "the afternoon",
        ("remote-operator", "hmi"),
    ),
    Event(
        "hundredfold",
        True,
        "during the second session the HMI, which may change it, sets the sodium hydroxide from 100 to "
        "11,100 ppm; the dosing pump goes to full stroke and the pH rises until the operator sets it back "
        "four minutes later",
        ("hmi", "plc-dosing"),
    ),
)

SITE = Site(
    application="otmon.lab.water_works_day",
    place="receiving side of the water works' core switch",
    midnight_ns=MIDNIGHT_NS,
    wire=WIRE,
    hosts=HOSTS,
    process=process_of(PLANT),
    routine=Story(routine_sessions, (("services", services), ("reports", reports))),
    incidents=Story(incident_sessions, (("remote-desktop", remote_desktops),)),
    events=EVENTS,
)

if __name__ == "__main__":
    command(SITE)
