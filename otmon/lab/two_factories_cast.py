"""Who is in the company of `zones/two-factories.yaml`, and what happens there on its day. The first three
octets of each MAC address are the vendor's in the IEEE registry; Internet addresses are those kept for
documentation (RFC 5737)."""

from __future__ import annotations

from otmon.lab.events import Event
from otmon.lab.frames import Host, Wire

_CONTROLLER_OPTIONS = bytes.fromhex("020405b4")
_XP_OPTIONS = bytes.fromhex("020405b401010402")


def _windows(name: str, address: str, mac: str) -> Host:
    return Host(name, address, mac, ttl=128)


def _controller(name: str, address: str, mac: str) -> Host:
    return Host(name, address, mac, window=8192, syn_options=_CONTROLLER_OPTIONS)


def _internet(name: str, address: str, ttl: int = 53) -> Host:
    """Reached through the data centre's firewall, whose MAC address its packets carry."""
    return Host(name, address, "", ttl=ttl)


WIRE = Wire(
    core="00:00:cd:02:00:01",
    firewall="00:09:0f:02:00:01",
    gateways=(
        ("10.1.", "00:a0:de:01:00:01"),
        ("10.11.", "00:a0:de:11:00:01"),
        ("10.12.", "00:a0:de:12:00:01"),
    ),
)
"""Head office and both factories have a router of their own on the VPN; the Internet is behind the data
centre."""

OFFICE_PCS = (
    _windows("office-pc-21", "10.1.0.21", "00:14:22:01:00:21"),
    _windows("office-pc-34", "10.1.0.34", "00:14:22:01:00:34"),
)
OFFICE_PC_58 = _windows("office-pc-58", "10.1.0.58", "3c:d9:2b:01:00:58")
COPIER = Host("copier", "10.1.0.9", "3c:d9:2b:01:00:09")

MAIL = Host("mail", "10.2.1.25", "3c:d9:2b:02:01:25")
DIRECTORY = Host("directory", "10.2.1.53", "3c:d9:2b:02:01:53")
PRODUCTION = Host("production-control", "10.2.2.10", "3c:d9:2b:02:02:10")
ACCOUNTING = Host("accounting", "10.2.2.20", "3c:d9:2b:02:02:20")
PERSONNEL = Host("personnel", "10.2.2.30", "3c:d9:2b:02:02:30")

A_HMI = _windows("a-hmi", "10.11.1.10", "00:01:fc:0b:01:10")
A_SCADA = _windows("a-scada", "10.11.1.20", "3c:d9:2b:0b:01:20")
A_MIXING = _controller("a-mixing", "10.11.2.11", "00:80:f4:0b:02:11")
A_CONVEYOR = _controller("a-conveyor", "10.11.2.12", "00:80:f4:0b:02:12")
A_TERMINALS = (
    Host("a-terminal-1", "10.11.8.21", "00:a0:f8:0b:08:21"),
    Host("a-terminal-2", "10.11.8.22", "00:a0:f8:0b:08:22"),
)
A_PRINTER = Host("a-label-printer", "10.11.8.9", "00:07:4d:0b:08:09")
LABEL_PC = Host(
    "a-label-pc", "10.11.8.35", "00:0b:5d:0b:08:35", ttl=128, window=65_535, syn_options=_XP_OPTIONS
)
"""Windows XP."""

B_HMI = _windows("b-hmi", "10.12.1.10", "00:01:fc:0c:01:10")
B_SCADA = _windows("b-scada", "10.12.1.20", "3c:d9:2b:0c:01:20")
B_FOREMAN = _windows("b-foreman-pc", "10.12.1.60", "00:14:22:0c:01:60")
B_MIXING = _controller("b-mixing", "10.12.2.11", "00:80:f4:0c:02:11")
B_PACKING = _controller("b-packing", "10.12.2.12", "00:80:f4:0c:02:12")

PHONE = Host("phone", "10.11.8.150", "f6:1d:92:c4:08:3b", window=65_535)
"""Its MAC address is locally administered and random, as phones choose it for each network."""
CAMERA = Host("camera", "10.12.2.200", "24:0a:c4:7b:90:15", window=5744, syn_options=_CONTROLLER_OPTIONS)

ORDER_SITE = _internet("order-site", "198.51.100.40")
PHONE_SERVICE = _internet("phone-service", "198.51.100.25")
CAMERA_CLOUD = _internet("camera-cloud", "203.0.113.80")
NEWS_SITE = _internet("news-site", "198.51.100.90")
CRAWLER = _internet("crawler", "203.0.113.99", ttl=112)

HOSTS = (
    *OFFICE_PCS,
    OFFICE_PC_58,
    COPIER,
    MAIL,
    DIRECTORY,
    PRODUCTION,
    ACCOUNTING,
    PERSONNEL,
    A_HMI,
    A_SCADA,
    A_MIXING,
    A_CONVEYOR,
    *A_TERMINALS,
    A_PRINTER,
    LABEL_PC,
    B_HMI,
    B_SCADA,
    B_FOREMAN,
    B_MIXING,
    B_PACKING,
    PHONE,
    CAMERA,
    ORDER_SITE,
    PHONE_SERVICE,
    CAMERA_CLOUD,
    NEWS_SITE,
    CRAWLER,
)

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
