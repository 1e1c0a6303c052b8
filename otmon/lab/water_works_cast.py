"""Who is in the water works of `zones/water-works.yaml`, and what happens there on its day. The first
three octets of each MAC address are the vendor's in the IEEE registry; Internet addresses are those
kept for documentation (RFC 5737)."""

from __future__ import annotations

from otmon.lab.events import Event
from otmon.lab.frames import Host, Wire
from otmon.lab.water_works import BRANCH, DOSING, FILTERS, INTAKE, PUMPS

_CONTROLLER_OPTIONS = bytes.fromhex("020405b4")


def _windows(name: str, address: str, mac: str) -> Host:
    return Host(name, address, mac, ttl=128)


def _controller(name: str, address: str, mac: str, ttl: int = 64) -> Host:
    return Host(name, address, mac, ttl=ttl, window=8192, syn_options=_CONTROLLER_OPTIONS)


WIRE = Wire(core="00:00:cd:40:00:01", firewall="00:0d:02:40:00:fe")
"""What comes from the Internet comes through a broadband router that the installation left there."""

OFFICE_PCS = (
    _windows("office-pc-11", "172.16.90.11", "00:14:22:5a:00:11"),
    _windows("office-pc-12", "172.16.90.12", "3c:d9:2b:5a:00:12"),
)
REPORTS = Host("report-server", "172.16.50.10", "3c:d9:2b:32:00:10")
TIME = Host("time-server", "172.16.50.53", "3c:d9:2b:32:00:53")

HMI = _windows("hmi", "172.16.10.10", "00:01:fc:0a:00:10")
SCADA = _windows("scada", "172.16.10.20", "3c:d9:2b:0a:00:20")
EWS = _windows("ews", "172.16.10.50", "00:14:22:0a:00:50")

PLC_INTAKE = _controller(INTAKE, "172.16.21.11", "00:80:f4:15:00:11")
PLC_DOSING = _controller(DOSING, "172.16.22.11", "00:80:f4:16:00:11")
PLC_FILTERS = _controller(FILTERS, "172.16.23.11", "00:80:f4:17:00:11")
PLC_PUMPS = _controller(PUMPS, "172.16.23.12", "00:80:f4:17:00:12")
# Behind the carrier's line: its packets come with the line's router as their source.
RTU_BRANCH = _controller(BRANCH, "172.16.60.11", "00:a0:de:3c:00:01", ttl=62)

REMOTE_OPERATOR = Host("remote-operator", "203.0.113.77", "", ttl=113)

HOSTS = (
    *OFFICE_PCS,
    REPORTS,
    TIME,
    HMI,
    SCADA,
    EWS,
    PLC_INTAKE,
    PLC_DOSING,
    PLC_FILTERS,
    PLC_PUMPS,
    RTU_BRANCH,
    REMOTE_OPERATOR,
)

PLCS = (PLC_INTAKE, PLC_DOSING, PLC_FILTERS, PLC_PUMPS)
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
