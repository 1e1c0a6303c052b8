"""Who is at the body line of `zones/body-line.yaml`, and what happens there on its day. The first three
octets of each MAC address are the vendor's in the IEEE registry; Internet addresses are those kept for
documentation (RFC 5737)."""

from __future__ import annotations

from otmon.lab.body_line import COOLING, VEHICLES
from otmon.lab.events import Event
from otmon.lab.frames import Host, Wire

_CONTROLLER_OPTIONS = bytes.fromhex("020405b4")


def _windows(name: str, address: str, mac: str) -> Host:
    return Host(name, address, mac, ttl=128)


def _controller(name: str, address: str, mac: str) -> Host:
    return Host(name, address, mac, window=8192, syn_options=_CONTROLLER_OPTIONS)


WIRE = Wire(core="00:00:cd:50:00:01", firewall="00:09:0f:50:00:01")

OFFICE_PCS = (
    _windows("planning-pc-1", "10.5.10.21", "00:14:22:05:10:21"),
    _windows("planning-pc-2", "10.5.10.22", "3c:d9:2b:05:10:22"),
)
MES = Host("mes", "10.5.20.10", "3c:d9:2b:05:20:10")
GATEWAY = Host("data-gateway", "10.5.25.10", "3c:d9:2b:05:25:10")
TIME = Host("time-server", "10.5.25.53", "3c:d9:2b:05:25:53")

LINE_PLC = _controller("line-plc", "10.5.30.11", "28:63:36:05:30:11")
ROBOTS = (
    _controller("robot-1", "10.5.30.21", "00:a0:45:05:30:21"),
    _controller("robot-2", "10.5.30.22", "00:a0:45:05:30:22"),
)
CONVEYOR = _controller("conveyor", "10.5.30.31", "00:00:bc:05:30:31")
COOLING_UNIT = _controller(COOLING, "10.5.30.41", "00:80:f4:05:30:41")
LINE_HMI = _windows("line-hmi", "10.5.30.60", "00:01:fc:05:30:60")
EWS = _windows("line-ews", "10.5.30.70", "00:14:22:05:30:70")

SAFETY_PLC = _controller("safety-plc", "10.5.35.11", "28:63:36:05:35:11")
SAFETY_IO = _controller("safety-io", "10.5.35.21", "28:63:36:05:35:21")

AGV = _controller(VEHICLES, "10.5.40.12", "00:80:f4:05:40:12")

JUMP_HOST = _windows("jump-host", "10.5.50.20", "00:14:22:05:50:20")
DIAGNOSIS_PC = _windows("robot-diagnosis", "10.5.50.40", "3c:d9:2b:05:50:40")
LAPTOP = _windows("laptop-maintenance-side", "10.5.50.30", "00:10:c6:05:50:30")
LAPTOP_AT_LINE = Host("laptop-line-side", "10.5.30.177", "00:0e:c6:05:30:77", ttl=127)
"""The same laptop's USB adapter: it shares its connection, and so translates addresses and sends on what
others sent."""

VENDOR = Host("robot-vendor", "198.51.100.20", "", ttl=54)
NIGHT_CALLER = Host("night-caller", "203.0.113.150", "", ttl=109)

HOSTS = (
    *OFFICE_PCS,
    MES,
    GATEWAY,
    TIME,
    LINE_PLC,
    *ROBOTS,
    CONVEYOR,
    COOLING_UNIT,
    LINE_HMI,
    EWS,
    SAFETY_PLC,
    SAFETY_IO,
    AGV,
    JUMP_HOST,
    DIAGNOSIS_PC,
    LAPTOP,
    LAPTOP_AT_LINE,
    VENDOR,
    NIGHT_CALLER,
)

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
