"""The incidents of the demo capture's day. Each is one that factories have told of in public: the
office that could reach the most important system, the camera and the phone nobody knew of, the old
PC that came to the network for a printer's sake, the setpoint raised a hundredfold over remote desktop.
"""

from __future__ import annotations

import struct
from random import Random

from otmon.lab import food_factory, messages, modbus
from otmon.lab.dialogues import lease, look_up, ping, remote_desktop, resolve_gateway, tls_session
from otmon.lab.frames import (
    ACK,
    BROADCAST,
    MILLISECOND_NS,
    MINUTE_NS,
    RST,
    SECOND_NS,
    SYN,
    Host,
    Packet,
    Say,
    Segment,
    arp,
    connection,
    ethernet,
    ip_packet,
    ipv4,
    tcp,
    udp,
    unanswered_syn,
)
from otmon.lab.plant import shipped_plant
from otmon.lab.sessions import MODBUS_PORT, UNIT, Session, at_once

PLANT = shipped_plant("food-factory")
CAMERA = PLANT.host("camera")
CAMERA_CLOUD = PLANT.host("camera-cloud")
EWS = PLANT.host("ews")
HMI = PLANT.host("hmi")
JUMP_HOST = PLANT.host("maintenance-host")
LABEL_PC = PLANT.host("label-pc")
OFFICE_PC_77 = PLANT.host("office-pc-77")
OFFICE_PCS = PLANT.named("office-pc-21", "office-pc-34", "office-pc-58")
PHONE = PLANT.host("phone")
PHONE_SERVICE = PLANT.host("phone-service")
PLC_CONVEYOR = PLANT.host("plc-conveyor")
PLC_MIXING = PLANT.host("plc-mixing")
PLC_PACKING = PLANT.host("plc-packing")
PRINTER = PLANT.host("office-printer")
REMOTE_OPERATOR = PLANT.host("remote-operator")
SCANNER = PLANT.host("it-inventory")
SMB_SILENT = PLANT.named("smb-silent-1", "smb-silent-2")
SMB_STRANGER = PLANT.host("smb-stranger")
STRANGER = PLANT.host("stranger")
TIME_AND_NAMES = PLANT.host("dns-ntp")
WIRE = PLANT.wire

HOUR_NS = 60 * MINUTE_NS
HUNDREDFOLD = 10_000
"""The dosing setpoint starts the day at 100."""


def sessions(midnight_ns: int) -> list[Session]:
    """Whatever of the incidents a controller answers as well-formed Modbus."""
    office_ns = midnight_ns + 9 * HOUR_NS + 12 * MINUTE_NS
    reads = at_once(*(modbus.read(modbus.READ_HOLDING, address, 10) for address in (0, 10, 20, 30)))
    changes = (
        (4 * SECOND_NS, modbus.read(modbus.READ_COILS, 0, 16)),
        (9 * SECOND_NS, modbus.write_coil(food_factory.RUN_COIL, False)),
        (25 * SECOND_NS, modbus.write_registers(food_factory.SPEED_SETPOINT, [40, 24])),
        (6 * SECOND_NS, modbus.write_coil(food_factory.RUN_COIL, True)),
    )
    restored = (
        (SECOND_NS, modbus.read(modbus.READ_HOLDING, 0, 24)),
        (8 * SECOND_NS, modbus.write_register(food_factory.SPEED_SETPOINT, 420)),
    )
    remote_ns = midnight_ns + 14 * HOUR_NS + 31 * MINUTE_NS
    hundredfold = (
        (SECOND_NS, modbus.read(modbus.READ_HOLDING, 20, 4)),
        (42 * SECOND_NS, modbus.write_register(food_factory.DOSING_SETPOINT, HUNDREDFOLD)),
        (5 * SECOND_NS, modbus.read(modbus.READ_HOLDING, 0, 24)),
    )
    noticed = (
        (SECOND_NS, modbus.read(modbus.READ_HOLDING, 0, 24)),
        (SECOND_NS, modbus.read(modbus.READ_HOLDING, 0, 24)),
        (6 * SECOND_NS, modbus.write_register(food_factory.DOSING_SETPOINT, 100)),
        (SECOND_NS, modbus.read(modbus.READ_HOLDING, 0, 24)),
    )
    return [
        Session(office_ns, OFFICE_PC_77, PLC_CONVEYOR, "office-writes", (*reads, *changes)),
        Session(office_ns + 7 * MINUTE_NS, HMI, PLC_CONVEYOR, "office-writes", restored),
        Session(remote_ns, EWS, PLC_MIXING, "remote-session", hundredfold),
        Session(remote_ns + 9 * MINUTE_NS, HMI, PLC_MIXING, "remote-session", noticed),
        *_scan(midnight_ns + 15 * HOUR_NS + 40 * MINUTE_NS),
    ]


def _scan(start_ns: int) -> list[Session]:
    """Every eighth register of every table up to 56, then the functions that tell something."""
    tables = (modbus.READ_COILS, modbus.READ_DISCRETE, modbus.READ_HOLDING, modbus.READ_INPUT)
    registers = [modbus.read(table, address, 8) for table in tables for address in range(0, 64, 8)]
    functions = [
        modbus.read_identification(),
        bytes((17,)),
        bytes((7,)),
        struct.pack(">BHH", 8, 0, 0x1234),
        bytes((100,)),
    ]
    questions = at_once(*registers, *functions)
    plcs = (PLC_MIXING, PLC_CONVEYOR, PLC_PACKING)
    return [
        Session(start_ns + n * 20 * SECOND_NS, STRANGER, plc, "scan", questions) for n, plc in enumerate(plcs)
    ]


def office_reaches_hmi(midnight_ns: int, random: Random) -> list[Packet]:
    packets: list[Packet] = []
    page = "<html><title>Line 1</title><h1>Line 1</h1><p>Mixing: running. Conveyor: running.</p></html>"
    for number, pc in enumerate(OFFICE_PCS):
        start_ns = midnight_ns + 8 * HOUR_NS + (20 + 71 * number) * MINUTE_NS
        packets += ping(WIRE, start_ns, (pc, HMI), 2, random, "office-reaches-hmi")
        says = [
            Say(
                "client",
                messages.http_request("GET", "/line1", HMI.address, "Mozilla/5.0"),
                2 * MILLISECOND_NS,
            ),
            Say("server", messages.http_response("200 OK", page), 14 * MILLISECOND_NS),
        ]
        ports = (random.randrange(49_152, 65_536), 80)
        packets += connection(
            WIRE, start_ns + 5 * SECOND_NS, (pc, HMI), ports, says, random, "office-reaches-hmi"
        )
    return packets


def camera(midnight_ns: int, random: Random) -> list[Packet]:
    """It announces its address, asks for its cloud by name, and reports there each hour."""
    start_ns = midnight_ns + 10 * HOUR_NS + 5 * MINUTE_NS
    packets = [Packet(start_ns + n * SECOND_NS, arp(1, CAMERA, CAMERA.address), "camera") for n in range(2)]
    packets += resolve_gateway(WIRE, start_ns + 3 * SECOND_NS, CAMERA, "camera")
    for hour in range(8):
        time_ns = start_ns + 4 * SECOND_NS + hour * HOUR_NS
        name = "report.camera-cloud.example"
        packets += look_up(
            WIRE, time_ns, (CAMERA, TIME_AND_NAMES), name, CAMERA_CLOUD.address, random, "camera"
        )
        sizes = (600 + random.randrange(300), 90)
        packets += tls_session(
            WIRE, time_ns + SECOND_NS, (CAMERA, CAMERA_CLOUD), name, sizes, random, "camera"
        )
    return packets


def malformed(midnight_ns: int, random: Random) -> list[Packet]:
    """Write Multiple Registers of two registers and four bytes, whose byte count says 127."""
    pdu = struct.pack(">BHHBHH", modbus.WRITE_REGISTERS, food_factory.BATCH_SIZE, 2, 127, 24, 6)
    refusal = modbus.exception(modbus.WRITE_REGISTERS, modbus.ILLEGAL_VALUE)
    says = [
        Say("client", modbus.adu(1, UNIT, pdu), SECOND_NS),
        Say("server", modbus.adu(1, UNIT, refusal), 6 * MILLISECOND_NS),
    ]
    start_ns = midnight_ns + 11 * HOUR_NS + 22 * MINUTE_NS
    ports = (random.randrange(49_152, 65_536), MODBUS_PORT)
    return connection(WIRE, start_ns, (HMI, PLC_PACKING), ports, says, random, "malformed")


def phone(midnight_ns: int, random: Random) -> list[Packet]:
    start_ns = midnight_ns + 12 * HOUR_NS + 7 * MINUTE_NS
    packets = lease(WIRE, start_ns, PHONE, random, "phone", "android-7f3c91")
    packets += resolve_gateway(WIRE, start_ns + SECOND_NS, PHONE, "phone")
    name = "cdn.phone-service.example"
    packets += look_up(
        WIRE, start_ns + 2 * SECOND_NS, (PHONE, TIME_AND_NAMES), name, PHONE_SERVICE.address, random, "phone"
    )
    for number in range(3):
        time_ns = start_ns + (3 + 70 * number) * SECOND_NS
        packets += tls_session(
            WIRE, time_ns, (PHONE, PHONE_SERVICE), name, (320, 1300, 200, 900), random, "phone"
        )
    return packets


def label_pc(midnight_ns: int, random: Random) -> list[Packet]:
    start_ns = midnight_ns + 13 * HOUR_NS + 33 * MINUTE_NS
    packets = resolve_gateway(WIRE, start_ns, LABEL_PC, "label-pc")
    query = udp(LABEL_PC.address, "10.40.0.255", 137, 137, messages.netbios_query(0x8001, "LABELS"))
    broadcast = ipv4(LABEL_PC.address, "10.40.0.255", 17, query, random.getrandbits(15), LABEL_PC.ttl)
    packets.append(
        Packet(start_ns + SECOND_NS, ethernet(BROADCAST, LABEL_PC.mac, 0x0800, broadcast), "label-pc")
    )
    says = [
        Say("client", messages.smb1_negotiate(), 2 * MILLISECOND_NS),
        Say("server", messages.smb1_negotiated(random), 3 * MILLISECOND_NS),
    ]
    for number, server in enumerate((PRINTER, HMI, SMB_STRANGER)):
        ports = (1030 + number, 445)
        time_ns = start_ns + (5 + 40 * number) * SECOND_NS
        packets += connection(WIRE, time_ns, (LABEL_PC, server), ports, says, random, "label-pc")
    for number, silent in enumerate(SMB_SILENT):
        time_ns = start_ns + (130 + number) * SECOND_NS
        packets += unanswered_syn(WIRE, time_ns, (LABEL_PC, silent), (1034 + number, 445), random, "label-pc")
    return packets


def remote_session(midnight_ns: int, random: Random) -> list[Packet]:
    """Remote desktop from the Internet to the maintenance host, and on to the engineering station."""
    start_ns = midnight_ns + 14 * HOUR_NS + 28 * MINUTE_NS
    packets: list[Packet] = []
    for number, hosts in enumerate(((REMOTE_OPERATOR, JUMP_HOST), (JUMP_HOST, EWS))):
        time_ns = start_ns + number * 75 * SECOND_NS
        packets += remote_desktop(WIRE, time_ns, hosts, "maint", 6, random, "remote-session")
    return packets


def scan(midnight_ns: int, random: Random) -> list[Packet]:
    """The stranger looks at addresses 10 to 13 of the plant first; nobody answers for the first, and
    the controllers refuse port 80. What they answer on port 502 is in `sessions`."""
    start_ns = midnight_ns + 15 * HOUR_NS + 39 * MINUTE_NS
    packets = resolve_gateway(WIRE, start_ns, STRANGER, "scan")
    nobody = Host("nobody", "10.30.2.10", "")
    packets += unanswered_syn(
        WIRE, start_ns + SECOND_NS, (STRANGER, nobody), (40_110, MODBUS_PORT), random, "scan"
    )
    for number, plc in enumerate((PLC_MIXING, PLC_CONVEYOR, PLC_PACKING)):
        time_ns, sequence = start_ns + (2 + number) * SECOND_NS, random.getrandbits(32)
        port = 40_111 + number
        syn = tcp(STRANGER, plc, (port, 80), Segment(sequence, 0, SYN, options=STRANGER.syn_options))
        refusal = tcp(plc, STRANGER, (80, port), Segment(0, sequence + 1, RST | ACK))
        ident = random.getrandbits(15)
        packets.append(ip_packet(WIRE, time_ns, (STRANGER, plc), 6, syn, ident, "scan"))
        packets.append(ip_packet(WIRE, time_ns + MILLISECOND_NS, (plc, STRANGER), 6, refusal, 0, "scan"))
    return packets


def http_on_502(midnight_ns: int, random: Random) -> list[Packet]:
    """The controller closes the connection, for it finds no Modbus in the request."""
    request = messages.http_request("GET", "/", PLC_MIXING.address, "inventory/2.1")
    says = [Say("client", request, 2 * MILLISECOND_NS)]
    start_ns = midnight_ns + 16 * HOUR_NS + 10 * MINUTE_NS
    ports = (random.randrange(49_152, 65_536), MODBUS_PORT)
    return connection(
        WIRE, start_ns, (SCANNER, PLC_MIXING), ports, says, random, "http-on-502", ending="reset by server"
    )


PARTS = (
    ("office-reaches-hmi", office_reaches_hmi),
    ("camera", camera),
    ("malformed", malformed),
    ("phone", phone),
    ("label-pc", label_pc),
    ("remote-session", remote_session),
    ("scan", scan),
    ("http-on-502", http_on_502),
)
