"""A day of an automotive body line: `python -m otmon.lab.body_line_day --seed 1 --output FILE.pcapng`.

From 05:50 to 22:00 of 9 June 2026 in Japan, as mirrors of the plant's core switch and of the line's and the
safety cell's switches see it; these two are mirrored for a few tenths of a second now and then.
"""

from __future__ import annotations

from random import Random

from otmon.lab import body_line, ethernet_ip, modbus, profinet, s7
from otmon.lab.connection_sharing import shared
from otmon.lab.day import Site, Story, command
from otmon.lab.dialogues import ask_time, remote_desktop, resolve_gateway, tls_session
from otmon.lab.events import Event
from otmon.lab.frames import (
    MILLISECOND_NS,
    MINUTE_NS,
    SECOND_NS,
    Host,
    Packet,
    Say,
    arp,
    connection,
    udp_packet,
)
from otmon.lab.plant import shipped_plant
from otmon.lab.process import process_of
from otmon.lab.sessions import Session, at_once

PLANT = shipped_plant("body-line")
AGV = PLANT.host("agv-control")
CONVEYOR = PLANT.host("conveyor")
COOLING_UNIT = PLANT.host("cooling-unit")
DIAGNOSIS_PC = PLANT.host("robot-diagnosis")
EWS = PLANT.host("line-ews")
GATEWAY = PLANT.host("data-gateway")
HOSTS = PLANT.everybody()
JUMP_HOST = PLANT.host("jump-host")
LAPTOP = PLANT.host("laptop-maintenance-side")
LAPTOP_AT_LINE = PLANT.host("laptop-line-side")
LINE_HMI = PLANT.host("line-hmi")
LINE_PLC = PLANT.host("line-plc")
MES = PLANT.host("mes")
NIGHT_CALLER = PLANT.host("night-caller")
OFFICE_PCS = PLANT.named("planning-pc-1", "planning-pc-2")
ROBOTS = PLANT.named("robot-1", "robot-2")
SAFETY_IO = PLANT.host("safety-io")
SAFETY_PLC = PLANT.host("safety-plc")
TIME = PLANT.host("time-server")
VENDOR = PLANT.host("robot-vendor")
WIRE = PLANT.wire

MIDNIGHT_NS = PLANT.midnight_ns
"""Midnight of 9 June 2026 in Japan."""

FIRST_HOUR, LAST_HOUR = 6, 22
LAPTOP_HOUR, NIGHT_HOUR = 15, 21
PRODUCTION_BLOCK, ORDER_BLOCK, WELDING_BLOCK, GUARDING_BLOCK = 10, 20, 30, 50
REMOTE_PAUSE_NS = 60 * SECOND_NS


def _at(hour: int, minute: int, second: int = 0) -> int:
    return (hour * 60 + minute) * MINUTE_NS + second * SECOND_NS


def routine_sessions(midnight_ns: int) -> list[Session]:
    found: list[Session] = []
    screen = at_once(modbus.read(modbus.READ_INPUT, 0, 4), modbus.read(modbus.READ_HOLDING, 0, 2))
    for half in range(2 * FIRST_HOUR, 2 * LAST_HOUR):
        start_ns = midnight_ns + half * 30 * MINUTE_NS + 9 * SECOND_NS
        found.append(Session(start_ns, LINE_HMI, COOLING_UNIT, "control", screen))
    cooler = (
        (2 * SECOND_NS, modbus.read(modbus.READ_HOLDING, 0, 2)),
        (8 * SECOND_NS, modbus.write_register(body_line.TEMPERATURE_SETPOINT, 210)),
        (2 * SECOND_NS, modbus.read(modbus.READ_INPUT, 0, 4)),
    )
    found.append(Session(midnight_ns + _at(11, 16), LINE_HMI, COOLING_UNIT, "control", cooler))
    for hour in range(FIRST_HOUR, LAST_HOUR):
        boxes = [1 + (hour + station) % 4 for station in range(4)]
        calls = at_once(modbus.read(modbus.READ_INPUT, 0, 3), modbus.write_registers(body_line.CALLS, boxes))
        found.append(Session(midnight_ns + _at(hour, 21), LINE_PLC, AGV, "control", calls))
    return found


def line(midnight_ns: int, random: Random) -> list[Packet]:
    """Station search and LLDP before the shift, cyclic data at 8 ms."""
    start_ns = midnight_ns + _at(5, 50)
    told = (
        (LINE_PLC, "port-001", "S7 controller of the body line"),
        (ROBOTS[0], "port-001", "Robot controller, station 1"),
        (ROBOTS[1], "port-001", "Robot controller, station 2"),
        (SAFETY_PLC, "port-001", "Safety controller, cell 1"),
        (SAFETY_IO, "port-001", "Safety I/O, 8 DI 4 DO"),
    )
    packets: list[Packet] = []
    pairs = ((LINE_PLC, ROBOTS[0]), (LINE_PLC, ROBOTS[1]), (SAFETY_PLC, SAFETY_IO))
    for number, (controller, device) in enumerate(pairs):
        packets += profinet.search(start_ns + number * SECOND_NS, controller, device, random, "line")
    for look in range(3):
        for number, (host, port, description) in enumerate(told):
            time_ns = start_ns + (5 + look * 30) * SECOND_NS + number * 700 * MILLISECOND_NS
            packets.append(profinet.neighbour(time_ns, host, port, description, "line"))
    first_count = random.getrandbits(16)
    for minute in (6 * 60 + 5, 9 * 60 + 30, 15 * 60, 20 * 60):
        guard = body_line.guarding(minute)
        for number in range(12):
            time_ns = midnight_ns + minute * MINUTE_NS + number * profinet.CYCLE_NS
            count = first_count + (time_ns - midnight_ns) // profinet.COUNTER_NS
            for way, pair in enumerate(pairs):
                outputs = bytes((0x80, body_line.bodies(minute) % 256, way, number % 4))
                inputs = guard if pair[0] is SAFETY_PLC else bytes((0x80, 1 << number % 8, 0x3F))
                identifiers, octets = (0x8001 + 2 * way, 0x8002 + 2 * way), (outputs, inputs)
                packets += profinet.cycle(time_ns + way * 400_000, pair, identifiers, octets, count, "line")
    return packets


def services(midnight_ns: int, random: Random) -> list[Packet]:
    packets: list[Packet] = []
    for hour in range(FIRST_HOUR, LAST_HOUR):
        for host in (*OFFICE_PCS, MES, GATEWAY, LINE_HMI, EWS, AGV, JUMP_HOST):
            time_ns = midnight_ns + _at(hour, 0, random.randrange(60 * 60))
            packets += resolve_gateway(WIRE, time_ns, host, "services")
            packets += ask_time(WIRE, time_ns + SECOND_NS, (host, TIME), random, "services")
    return packets


def _talk(
    start_ns: int, hosts: tuple[Host, Host], port: int, says: list[Say], random: Random, event: str
) -> list[Packet]:
    ports = (random.randrange(49_152, 65_536), port)
    return connection(WIRE, start_ns, hosts, ports, says, random, event)


def _reading(number: int, block: int, value: bytes) -> s7.Exchange:
    return (
        2 * MILLISECOND_NS,
        s7.read(number, block, 0, len(value)),
        s7.answer_read(number, value),
    )


def guarding(midnight_ns: int, random: Random) -> list[Packet]:
    packets: list[Packet] = []
    for half in range(2 * FIRST_HOUR, 2 * LAST_HOUR):
        says = s7.session([_reading(2, GUARDING_BLOCK, body_line.guarding(half * 30))])
        start_ns = midnight_ns + half * 30 * MINUTE_NS + 2 * SECOND_NS
        packets += _talk(start_ns, (LINE_PLC, SAFETY_PLC), s7.PORT, says, random, "guarding")
    return packets


def collecting(midnight_ns: int, random: Random) -> list[Packet]:
    packets: list[Packet] = []
    event = "collecting"
    found = ethernet_ip.identity(CONVEYOR.address, 1, 166, 0x00C0FFEE, "LAB-CONVEYOR/A")
    for way, (hosts, payload) in enumerate(
        (((GATEWAY, CONVEYOR), ethernet_ip.list_identity()), ((CONVEYOR, GATEWAY), found))
    ):
        ports = (51_880, ethernet_ip.PORT) if way == 0 else (ethernet_ip.PORT, 51_880)
        time_ns = midnight_ns + _at(5, 55) + way * 3 * MILLISECOND_NS
        packets.append(udp_packet(WIRE, time_ns, hosts, ports, payload, random.getrandbits(15), event))
    for half in range(2 * FIRST_HOUR, 2 * LAST_HOUR):
        minute, start_ns = half * 30, midnight_ns + half * 30 * MINUTE_NS
        exchanges = [_reading(2, PRODUCTION_BLOCK, body_line.production(minute))]
        if half % 4 == 0:
            order = (4_100 + half).to_bytes(2, "big") + bytes((0, body_line.MODELS[half // 4 % 5]))
            exchanges.append((SECOND_NS, s7.write(3, ORDER_BLOCK, 0, order), s7.answer_write(3)))
        says = s7.session(exchanges)
        packets += _talk(start_ns + 14 * SECOND_NS, (GATEWAY, LINE_PLC), s7.PORT, says, random, event)
        says = ethernet_ip.session(random.getrandbits(31), {"Station_Counts": body_line.counters(minute)})
        hosts = (GATEWAY, CONVEYOR)
        packets += _talk(start_ns + 17 * SECOND_NS, hosts, ethernet_ip.PORT, says, random, event)
        if half % 2 == 0:
            sizes = (260, random.randrange(500, 900))
            name = "gateway.plant.example"
            packets += tls_session(
                WIRE, start_ns + 25 * SECOND_NS, (MES, GATEWAY), name, sizes, random, event
            )
    return packets


def business(midnight_ns: int, random: Random) -> list[Packet]:
    packets: list[Packet] = []
    for hour in (7, 10, 13, 16, 19):
        for client in (*OFFICE_PCS, AGV):
            time_ns = midnight_ns + _at(hour, random.randrange(50), random.randrange(60))
            sizes = (random.randrange(180, 420), random.randrange(300, 1200))
            packets += tls_session(
                WIRE, time_ns, (client, MES), "mes.plant.example", sizes, random, "business"
            )
    return packets


def agreed_maintenance(midnight_ns: int, random: Random) -> list[Packet]:
    start_ns, event = midnight_ns + _at(13, 30), "agreed-maintenance"
    name, sizes = "remote.plant.example", (400, 900, 200, 1300, 250, 1100)
    packets = tls_session(WIRE, start_ns, (VENDOR, JUMP_HOST), name, sizes, random, event, REMOTE_PAUSE_NS)
    hosts = (JUMP_HOST, EWS)
    return packets + remote_desktop(WIRE, start_ns + 40 * SECOND_NS, hosts, "vendor", 6, random, event)


def bridging_laptop(midnight_ns: int, random: Random) -> list[Packet]:
    """Every packet of the diagnosis PC's connection is there twice: in the maintenance network, where the
    laptop is its next hop, and in the line, where the laptop speaks for it."""
    start_ns, event = midnight_ns + _at(LAPTOP_HOUR, 12), "bridging-laptop"
    packets: list[Packet] = []
    for number, leg in enumerate((LAPTOP, LAPTOP_AT_LINE)):
        time_ns = start_ns + number * 20 * SECOND_NS
        packets.append(Packet(time_ns, arp(1, leg, leg.address), event))
        packets += resolve_gateway(WIRE, time_ns + SECOND_NS, leg, event)
    asked_ns = start_ns + 50 * SECOND_NS
    packets.append(Packet(asked_ns, arp(1, DIAGNOSIS_PC, LAPTOP.address), event))
    answer = arp(2, LAPTOP, DIAGNOSIS_PC.address, DIAGNOSIS_PC.mac)
    packets.append(Packet(asked_ns + 400_000, answer, event))
    packets.append(Packet(asked_ns + MILLISECOND_NS, arp(1, LAPTOP_AT_LINE, LINE_PLC.address), event))
    answer = arp(2, LINE_PLC, LAPTOP_AT_LINE.address, LAPTOP_AT_LINE.mac)
    packets.append(Packet(asked_ns + 2 * MILLISECOND_NS, answer, event))
    production = body_line.production(LAPTOP_HOUR * 60 + 13)
    welding = bytes.fromhex("0280019000b4")
    reads = [(3 * SECOND_NS, *_reading(n, PRODUCTION_BLOCK, production)[1:]) for n in range(2, 10)]
    changed = (9 * SECOND_NS, s7.write(11, WELDING_BLOCK, 0, welding[:4]), s7.answer_write(11))
    says = s7.session([*reads, _reading(10, WELDING_BLOCK, welding), changed])
    seed = random.getrandbits(32)
    ends, legs, start_ns = (DIAGNOSIS_PC, LINE_PLC), (LAPTOP, LAPTOP_AT_LINE), asked_ns + 3 * MILLISECOND_NS
    return [*packets, *shared(WIRE, start_ns, ends, legs, s7.PORT, says, seed, event)]


def night_sessions(midnight_ns: int) -> list[Session]:
    """What the night caller asks of the cooling unit from the jump host."""
    requests = (
        (4 * SECOND_NS, modbus.read(modbus.READ_HOLDING, 0, 4)),
        (20 * SECOND_NS, modbus.write_register(body_line.TEMPERATURE_SETPOINT, 480)),
        (6 * SECOND_NS, modbus.read(modbus.READ_INPUT, 0, 4)),
    )
    return [Session(midnight_ns + _at(NIGHT_HOUR, 46), JUMP_HOST, COOLING_UNIT, "night-session", requests)]


def night_session(midnight_ns: int, random: Random) -> list[Packet]:
    start_ns, event = midnight_ns + _at(NIGHT_HOUR, 38), "night-session"
    name, sizes = "remote.plant.example", (380, 1200, 300, 1300, 260, 900)
    packets = tls_session(
        WIRE, start_ns, (NIGHT_CALLER, JUMP_HOST), name, sizes, random, event, 3 * REMOTE_PAUSE_NS
    )
    hosts = (JUMP_HOST, LINE_HMI)
    packets += remote_desktop(WIRE, start_ns + 50 * SECOND_NS, hosts, "operator", 5, random, event)
    guard = body_line.guarding(NIGHT_HOUR * 60 + 43)
    says = s7.session([(SECOND_NS, *_reading(number, GUARDING_BLOCK, guard)[1:]) for number in range(2, 6)])
    return packets + _talk(start_ns + 5 * MINUTE_NS, (JUMP_HOST, SAFETY_PLC), s7.PORT, says, random, event)


EVENTS = (
    Event(
        "line",
        False,
        "PROFINET between the line's controller and two robots and between the safety controller and its "
        "I/O, and LLDP; the switches of the line are mirrored for short times only",
        ("line-plc", "robot-1", "robot-2", "safety-plc", "safety-io"),
    ),
    Event(
        "control",
        False,
        "the HMI reads the cooling unit each half hour and sets its temperature once; the line's "
        "controller calls for parts each hour",
        ("line-hmi", "line-plc", "cooling-unit", "agv-control"),
    ),
    Event(
        "guarding",
        False,
        "the line's controller reads from the safety controller over S7 each half hour",
        ("line-plc", "safety-plc"),
    ),
    Event(
        "collecting",
        False,
        "the data gateway reads the line's controller over S7 and the conveyor's over EtherNet/IP each half "
        "hour, and writes the next order each two hours; the MES fetches from the gateway",
        ("data-gateway", "line-plc", "conveyor", "mes"),
    ),
    Event("business", False, "the office and the warehouse use the MES", ("mes", "agv-control")),
    Event("services", False, "ARP and time", ("time-server",)),
    Event(
        "agreed-maintenance",
        False,
        "the robots' vendor uses the agreed way: HTTPS to the jump host, and remote desktop from it to the "
        "engineering station",
        ("robot-vendor", "jump-host", "line-ews"),
    ),
    Event(
        "bridging-laptop",
        True,
        "a maintenance laptop stands with one leg in the maintenance network and with the other in the line, "
        "and shares the connection: the robots' diagnosis PC reads the line's controller through it, and "
        "writes to it",
        ("robot-diagnosis", "laptop-maintenance-side", "laptop-line-side", "line-plc"),
    ),
    Event(
        "night-session",
        True,
        "somebody who is not the agreed vendor comes to the jump host at night, goes on to the HMI and to "
        "the safety controller, and raises the temperature of the cooling water",
        ("night-caller", "jump-host", "line-hmi", "safety-plc", "cooling-unit"),
    ),
)

SITE = Site(
    application="otmon.lab.body_line_day",
    place="receiving side of the switches of plant, line and safety cell",
    midnight_ns=MIDNIGHT_NS,
    wire=WIRE,
    hosts=HOSTS,
    process=process_of(PLANT),
    routine=Story(
        routine_sessions,
        (
            ("line", line),
            ("services", services),
            ("guarding", guarding),
            ("collecting", collecting),
            ("business", business),
            ("agreed-maintenance", agreed_maintenance),
        ),
    ),
    incidents=Story(night_sessions, (("bridging-laptop", bridging_laptop), ("night-session", night_session))),
    events=EVENTS,
)

if __name__ == "__main__":
    command(SITE)
