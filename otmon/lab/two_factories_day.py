"""A day of two factories: `python -m otmon.lab.two_factories_day --seed 1 --output FILE.pcapng`.

From 07:00 to 18:00 of 12 May 2026 in Japan, as the mirrors of the switches of head office, data centre and
both factories see it, where each packet comes in first. Controllers are polled in short sessions.
"""

from __future__ import annotations

from random import Random

from otmon.lab import food_factory, modbus, two_factories_incidents
from otmon.lab.day import Site, Story, command
from otmon.lab.dialogues import ask_time, lease, look_up, resolve_gateway, tls_session
from otmon.lab.events import Event
from otmon.lab.frames import MILLISECOND_NS, MINUTE_NS, SECOND_NS, Host, Packet, Say, connection
from otmon.lab.plant import shipped_plant
from otmon.lab.process import process_of
from otmon.lab.sessions import Session, at_once

PLANT = shipped_plant("two-factories")
A_CONVEYOR = PLANT.host("a-conveyor")
A_HMI = PLANT.host("a-hmi")
A_MIXING = PLANT.host("a-mixing")
A_PRINTER = PLANT.host("a-label-printer")
A_SCADA = PLANT.host("a-scada")
A_TERMINALS = PLANT.named("a-terminal-1", "a-terminal-2")
ACCOUNTING = PLANT.host("accounting")
B_HMI = PLANT.host("b-hmi")
B_MIXING = PLANT.host("b-mixing")
B_PACKING = PLANT.host("b-packing")
B_SCADA = PLANT.host("b-scada")
DIRECTORY = PLANT.host("directory")
HOSTS = PLANT.everybody()
LABEL_PC = PLANT.host("a-label-pc")
MAIL = PLANT.host("mail")
OFFICE_PC_58 = PLANT.host("office-pc-58")
OFFICE_PCS = PLANT.named("office-pc-21", "office-pc-34")
ORDER_SITE = PLANT.host("order-site")
PERSONNEL = PLANT.host("personnel")
PRODUCTION = PLANT.host("production-control")
WIRE = PLANT.wire

MIDNIGHT_NS = PLANT.midnight_ns
"""Midnight of 12 May 2026 in Japan."""

FIRST_HOUR, LAST_HOUR = 7, 18

_FACTORIES = (
    ("control-a", A_SCADA, A_HMI, (A_MIXING, A_CONVEYOR)),
    ("control-b", B_SCADA, B_HMI, (B_MIXING, B_PACKING)),
)
_SETPOINTS = (
    (8 * 60 + 50, A_CONVEYOR, food_factory.SPEED_SETPOINT, 420),
    (13 * 60 + 5, A_MIXING, food_factory.TEMPERATURE_SETPOINT, 640),
    (11 * 60 + 35, B_MIXING, food_factory.DOSING_SETPOINT, 105),
    (15 * 60 + 20, B_PACKING, food_factory.BATCH_SIZE, 30),
)
"""Minute of the day, controller, register, value."""


def routine_sessions(midnight_ns: int) -> list[Session]:
    found: list[Session] = []
    for event, scada, hmi, plcs in _FACTORIES:
        for half in range(2 * FIRST_HOUR, 2 * LAST_HOUR):
            for number, plc in enumerate(plcs):
                sweep = at_once(
                    modbus.read(modbus.READ_HOLDING, 0, 12),
                    modbus.read(modbus.READ_HOLDING, 20, 4),
                    modbus.read(modbus.READ_COILS, 0, 16),
                )
                start_ns = midnight_ns + half * 30 * MINUTE_NS + (5 + number) * SECOND_NS
                found.append(Session(start_ns, scada, plc, event, sweep))
        for hour in range(FIRST_HOUR, LAST_HOUR):
            look = (SECOND_NS, modbus.read(modbus.READ_HOLDING, 0, 24))
            start_ns = midnight_ns + (hour * 60 + 17) * MINUTE_NS
            found.append(Session(start_ns, hmi, plcs[hour % 2], event, (look,) * 4))
        for minute, plc, register, value in _SETPOINTS:
            if plc in plcs:
                requests = (
                    (SECOND_NS, modbus.read(modbus.READ_HOLDING, 0, 24)),
                    (7 * SECOND_NS, modbus.write_register(register, value)),
                    (SECOND_NS, modbus.read(modbus.READ_HOLDING, 0, 24)),
                )
                found.append(Session(midnight_ns + minute * MINUTE_NS, hmi, plc, event, requests))
    return found


def services(midnight_ns: int, random: Random) -> list[Packet]:
    """Addresses, names and time. What controls has no need of names."""
    packets: list[Packet] = []
    event = "services"
    for number, terminal in enumerate(A_TERMINALS):
        time_ns = midnight_ns + (FIRST_HOUR * 60 + 1 + number) * MINUTE_NS
        packets += lease(WIRE, time_ns, terminal, random, event, terminal.name)
    offices = (*OFFICE_PCS, OFFICE_PC_58)
    controls = (A_HMI, A_SCADA, B_HMI, B_SCADA)
    for hour in range(FIRST_HOUR, LAST_HOUR):
        for host in (*offices, *A_TERMINALS, PRODUCTION, ACCOUNTING, PERSONNEL, *controls):
            time_ns = midnight_ns + hour * 60 * MINUTE_NS + random.randrange(60 * 60) * SECOND_NS
            packets += resolve_gateway(WIRE, time_ns, host, event)
            packets += ask_time(WIRE, time_ns + 2 * SECOND_NS, (host, DIRECTORY), random, event)
            if host in offices:
                server = (MAIL, PRODUCTION, ACCOUNTING)[random.randrange(3)]
                name, pair = f"{server.name}.company.example", (host, DIRECTORY)
                packets += look_up(WIRE, time_ns + 3 * SECOND_NS, pair, name, server.address, random, event)
    return packets


def _visits(
    midnight_ns: int,
    random: Random,
    event: str,
    hours: tuple[int, ...],
    pairs: tuple[tuple[Host, Host], ...],
) -> list[Packet]:
    """One HTTPS session of each pair in each of the hours."""
    packets: list[Packet] = []
    for hour in hours:
        for pair in pairs:
            time_ns = midnight_ns + hour * 60 * MINUTE_NS + random.randrange(55 * 60) * SECOND_NS
            sizes = (random.randrange(180, 420), random.randrange(300, 1100))
            name = f"{pair[1].name}.company.example" if pair[1].mac else "orders.parts-maker.example"
            packets += tls_session(WIRE, time_ns, pair, name, sizes, random, event)
    return packets


def production(midnight_ns: int, random: Random) -> list[Packet]:
    clients = (A_SCADA, B_SCADA, *A_TERMINALS)
    pairs = tuple((client, PRODUCTION) for client in clients)
    return _visits(midnight_ns, random, "production", (7, 9, 11, 14, 16), pairs)


def business(midnight_ns: int, random: Random) -> list[Packet]:
    clients, servers = (*OFFICE_PCS, OFFICE_PC_58), (MAIL, ACCOUNTING, PERSONNEL, PRODUCTION)
    pairs = tuple((client, server) for client in clients for server in servers)
    return _visits(midnight_ns, random, "business", (8, 13), pairs)


def ordering(midnight_ns: int, random: Random) -> list[Packet]:
    pairs = tuple((client, ORDER_SITE) for client in OFFICE_PCS)
    return _visits(midnight_ns, random, "ordering", (10, 15), pairs)


def printing(midnight_ns: int, random: Random) -> list[Packet]:
    """Labels as a raw print job (PJL, then the printer's own language)."""
    packets: list[Packet] = []
    for hour in (8, 11, 14, 17):
        job = f'\x1b%-12345X@PJL JOB NAME="LABEL {hour}"\r\n@PJL ENTER LANGUAGE=ZPL\r\n'
        labels = "".join(f"^XA^FO50,50^FDLOT {hour:02}{number:03}^FS^XZ\r\n" for number in range(6))
        says = [Say("client", (job + labels + "\x1b%-12345X").encode(), 3 * MILLISECOND_NS)]
        time_ns = midnight_ns + (hour * 60 + 6) * MINUTE_NS
        hosts, ports = (LABEL_PC, A_PRINTER), (1025 + hour, 9100)
        packets += connection(WIRE, time_ns, hosts, ports, says, random, "printing")
    return packets


EVENTS = (
    Event(
        "control-a",
        False,
        "factory A: SCADA reads its controllers each half hour; the operator looks at the HMI's screens and "
        "changes a setpoint of each",
        ("a-scada", "a-hmi", "a-mixing", "a-conveyor"),
    ),
    Event(
        "control-b",
        False,
        "factory B: likewise",
        ("b-scada", "b-hmi", "b-mixing", "b-packing"),
    ),
    Event(
        "production",
        False,
        "both factories' SCADA and factory A's terminals talk with the production control in the data centre",
        ("a-scada", "b-scada", "a-terminal-1", "a-terminal-2", "production-control"),
    ),
    Event(
        "business",
        False,
        "head office uses mail, accounting, personnel and production control",
        ("mail", "accounting", "personnel", "production-control"),
    ),
    Event("ordering", False, "head office orders parts at the supplier's site", ("order-site",)),
    Event("printing", False, "factory A's label PC prints, as agreed", ("a-label-pc", "a-label-printer")),
    Event("services", False, "ARP, DHCP, names and time", ("directory",)),
    Event(
        "office-reaches-control",
        True,
        "an office PC, which has nothing to do with it, opens the page of factory A's SCADA and reads a "
        "controller behind it: what separates them lets everything through",
        ("office-pc-58", "a-scada", "a-mixing"),
    ),
    Event(
        "label-pc",
        True,
        "the label PC runs Windows XP and was put on the LAN only to print; it looks at the Internet, visits "
        "the copier of head office, and is visited from the Internet",
        ("a-label-pc", "news-site", "copier", "crawler"),
    ),
    Event(
        "phone",
        True,
        "somebody's private phone takes part in factory A's Wi-Fi",
        ("phone", "phone-service"),
    ),
    Event(
        "camera",
        True,
        "a camera that production of factory B connected without telling IT: its factory password goes over "
        "the wire in clear, somebody looks through it, and it reports to a cloud each hour",
        ("camera", "b-foreman-pc", "camera-cloud"),
    ),
)

SITE = Site(
    application="otmon.lab.two_factories_day",
    place="receiving side of the switches of head office, data centre, factory A and factory B",
    midnight_ns=MIDNIGHT_NS,
    wire=WIRE,
    hosts=HOSTS,
    process=process_of(PLANT),
    routine=Story(
        routine_sessions,
        (
            ("services", services),
            ("production", production),
            ("business", business),
            ("ordering", ordering),
            ("printing", printing),
        ),
    ),
    incidents=Story(two_factories_incidents.sessions, two_factories_incidents.PARTS),
    events=EVENTS,
)

if __name__ == "__main__":
    command(SITE)
