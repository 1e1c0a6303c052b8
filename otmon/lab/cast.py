"""Who is in the factory of the demo capture: the company of `zones/factory.yaml`, its way out, and
those who have no business there. The first three octets of each MAC address are the vendor's in the
IEEE registry; Internet addresses are those kept for documentation (RFC 5737)."""

from __future__ import annotations

from otmon.lab.frames import Host, Wire

_CONTROLLER_OPTIONS = bytes.fromhex("020405b4")
_XP_OPTIONS = bytes.fromhex("020405b401010402")


def _windows(name: str, address: str, mac: str) -> Host:
    return Host(name, address, mac, ttl=128)


def _controller(name: str, address: str, mac: str) -> Host:
    return Host(name, address, mac, window=8192, syn_options=_CONTROLLER_OPTIONS)


def _internet(name: str, address: str) -> Host:
    """Reached through the firewall, whose MAC address its packets carry; eleven routers away."""
    return Host(name, address, "", ttl=53)


WIRE = Wire(core="00:00:cd:10:00:01", firewall="00:09:0f:20:00:01")
SWITCH = Host("line-switch", "10.30.2.2", "00:90:e8:31:02:02")

OFFICE_PCS = (
    _windows("office-pc-21", "10.10.0.21", "00:14:22:0a:10:21"),
    _windows("office-pc-34", "10.10.0.34", "00:14:22:0a:10:34"),
    _windows("office-pc-58", "10.10.0.58", "3c:d9:2b:0a:10:58"),
)
OFFICE_PC_77 = _windows("office-pc-77", "10.10.0.77", "3c:d9:2b:0a:10:77")
PRINTER = Host("office-printer", "10.10.0.9", "3c:d9:2b:0a:10:09")
SCANNER = Host("it-inventory", "10.10.0.5", "00:14:22:0a:10:05")

MES = Host("mes", "10.20.0.10", "3c:d9:2b:14:00:10")
HISTORIAN = _windows("historian", "10.20.0.30", "3c:d9:2b:14:00:30")
TIME_AND_NAMES = Host("dns-ntp", "10.25.0.53", "3c:d9:2b:19:00:53")

HMI = _windows("hmi", "10.30.1.10", "00:01:fc:30:01:10")
SCADA = _windows("scada", "10.30.1.20", "3c:d9:2b:1e:01:20")
EWS = _windows("ews", "10.30.1.50", "00:14:22:1e:01:50")
PLC_MIXING = _controller("plc-mixing", "10.30.2.11", "00:80:f4:30:02:11")
PLC_CONVEYOR = _controller("plc-conveyor", "10.30.2.12", "00:80:f4:30:02:12")
PLC_PACKING = _controller("plc-packing", "10.30.2.13", "00:80:f4:30:02:13")
REMOTE_IO = Host("conveyor-io", "10.30.2.21", "00:a0:45:30:02:21")

CRANE = Host("crane", "10.40.0.12", "28:63:36:28:00:12")
LABEL_PC = Host(
    "label-pc", "10.40.0.35", "00:0b:5d:28:00:35", ttl=128, window=65_535, syn_options=_XP_OPTIONS
)
JUMP_HOST = _windows("maintenance-host", "10.50.0.20", "00:14:22:32:00:20")

CAMERA = Host("camera", "10.30.2.200", "24:0a:c4:9e:11:c8", window=5744, syn_options=_CONTROLLER_OPTIONS)
PHONE = Host("phone", "10.40.0.150", "da:5f:3c:7e:91:06", window=65_535)
"""Its MAC address is locally administered and random, as phones choose it for each network."""
STRANGER = Host("stranger", "10.60.0.5", "00:10:c6:77:05:05")

CAMERA_CLOUD = _internet("camera-cloud", "203.0.113.80")
PHONE_SERVICE = _internet("phone-service", "198.51.100.25")
SMB_STRANGER = _internet("smb-stranger", "198.51.100.66")
SMB_SILENT = (_internet("smb-silent-1", "198.51.100.140"), _internet("smb-silent-2", "203.0.113.201"))
REMOTE_OPERATOR = _internet("remote-operator", "203.0.113.45")

HOSTS = (
    SWITCH,
    *OFFICE_PCS,
    OFFICE_PC_77,
    PRINTER,
    SCANNER,
    MES,
    HISTORIAN,
    TIME_AND_NAMES,
    HMI,
    SCADA,
    EWS,
    PLC_MIXING,
    PLC_CONVEYOR,
    PLC_PACKING,
    REMOTE_IO,
    CRANE,
    LABEL_PC,
    JUMP_HOST,
    CAMERA,
    PHONE,
    STRANGER,
    CAMERA_CLOUD,
    PHONE_SERVICE,
    SMB_STRANGER,
    *SMB_SILENT,
    REMOTE_OPERATOR,
)
