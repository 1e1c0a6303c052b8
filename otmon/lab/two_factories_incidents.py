"""The incidents of the two factories' day."""

from __future__ import annotations

from random import Random

from otmon.lab import camera, messages, modbus, smb
from otmon.lab.dialogues import lease, look_up, ping, resolve_gateway, tls_session
from otmon.lab.frames import (
    MILLISECOND_NS,
    MINUTE_NS,
    SECOND_NS,
    Packet,
    Say,
    arp,
    connection,
)
from otmon.lab.plant import shipped_plant
from otmon.lab.sessions import Session, at_once

PLANT = shipped_plant("two-factories")
A_MIXING = PLANT.host("a-mixing")
A_SCADA = PLANT.host("a-scada")
B_FOREMAN = PLANT.host("b-foreman-pc")
CAMERA = PLANT.host("camera")
CAMERA_CLOUD = PLANT.host("camera-cloud")
COPIER = PLANT.host("copier")
CRAWLER = PLANT.host("crawler")
DIRECTORY = PLANT.host("directory")
LABEL_PC = PLANT.host("a-label-pc")
NEWS_SITE = PLANT.host("news-site")
OFFICE_PC_58 = PLANT.host("office-pc-58")
PHONE = PLANT.host("phone")
PHONE_SERVICE = PLANT.host("phone-service")
WIRE = PLANT.wire

OFFICE_MINUTE, CAMERA_MINUTE, PHONE_MINUTE, LABEL_MINUTE = (
    9 * 60 + 40,
    10 * 60 + 15,
    12 * 60 + 10,
    13 * 60 + 25,
)

PHONE_ASKS_FOR = bytes((1, 3, 6, 15, 26, 28, 51, 58, 59, 43, 114, 108))
PHONE_VENDOR = "android-dhcp-14"
XP_ASKS_FOR = bytes((1, 15, 3, 6, 44, 46, 47, 31, 33, 249, 43))
XP_VENDOR = "MSFT 5.0"
"""What Android and Windows XP write into a DHCP request; a phone of today does not say its name."""
XP_BROWSER = "Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 5.1; Trident/4.0)"
BROWSER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/136.0.0.0 Safari/537.36"


def _ports(random: Random, server: int) -> tuple[int, int]:
    return random.randrange(49_152, 65_536), server


def _page(path: str, host: str, agent: str, title: str) -> list[Say]:
    asked = messages.http_request("GET", path, host, agent)
    given = messages.http_response("200 OK", f"<html><title>{title}</title><h1>{title}</h1></html>")
    return [Say("client", asked, 2 * MILLISECOND_NS), Say("server", given, 14 * MILLISECOND_NS)]


def sessions(midnight_ns: int) -> list[Session]:
    """The office PC reads a controller of factory A, and writes nothing."""
    reads = at_once(*(modbus.read(modbus.READ_HOLDING, address, 10) for address in (0, 10, 20)))
    start_ns = midnight_ns + (OFFICE_MINUTE + 3) * MINUTE_NS
    return [Session(start_ns, OFFICE_PC_58, A_MIXING, "office-reaches-control", reads)]


def office_reaches_control(midnight_ns: int, random: Random) -> list[Packet]:
    start_ns, event = midnight_ns + OFFICE_MINUTE * MINUTE_NS, "office-reaches-control"
    hosts = (OFFICE_PC_58, A_SCADA)
    packets = ping(WIRE, start_ns, hosts, 2, random, event)
    for number, path in enumerate(("/", "/overview")):
        says = _page(path, A_SCADA.address, BROWSER, "Factory A: overview")
        time_ns = start_ns + (5 + 20 * number) * SECOND_NS
        packets += connection(WIRE, time_ns, hosts, _ports(random, 80), says, random, event)
    return packets


def label_pc(midnight_ns: int, random: Random) -> list[Packet]:
    start_ns, event = midnight_ns + LABEL_MINUTE * MINUTE_NS, "label-pc"
    packets = lease(WIRE, start_ns, LABEL_PC, random, event, "LABEL-PC", XP_ASKS_FOR, XP_VENDOR)
    packets += resolve_gateway(WIRE, start_ns + SECOND_NS, LABEL_PC, event)
    name = "news.portal.example"
    hosts = (LABEL_PC, DIRECTORY)
    packets += look_up(WIRE, start_ns + 20 * SECOND_NS, hosts, name, NEWS_SITE.address, random, event)
    for number, path in enumerate(("/", "/weather")):
        says = _page(path, name, XP_BROWSER, "News")
        time_ns = start_ns + (21 + 30 * number) * SECOND_NS
        packets += connection(WIRE, time_ns, (LABEL_PC, NEWS_SITE), (1041 + number, 80), says, random, event)
    says = smb.logon("LABEL-PC", "COPIER", (smb.XP_CLIENT, smb.PRINTER), random)
    time_ns, ports = start_ns + 2 * MINUTE_NS, (1046, smb.PORT)
    packets += connection(WIRE, time_ns, (LABEL_PC, COPIER), ports, says, random, event)
    says = smb.logon("", "LABEL-PC", (smb.CRAWLER, smb.XP_SERVER), random)
    time_ns, ports = start_ns + 9 * MINUTE_NS, (40_213, smb.PORT)
    packets += connection(WIRE, time_ns, (CRAWLER, LABEL_PC), ports, says, random, event)
    return packets


def phone(midnight_ns: int, random: Random) -> list[Packet]:
    start_ns, event = midnight_ns + PHONE_MINUTE * MINUTE_NS, "phone"
    packets = lease(WIRE, start_ns, PHONE, random, event, "", PHONE_ASKS_FOR, PHONE_VENDOR)
    packets += resolve_gateway(WIRE, start_ns + SECOND_NS, PHONE, event)
    name = "sync.phone-service.example"
    hosts = (PHONE, DIRECTORY)
    packets += look_up(WIRE, start_ns + 2 * SECOND_NS, hosts, name, PHONE_SERVICE.address, random, event)
    for number in range(4):
        time_ns = start_ns + (3 + 90 * number) * SECOND_NS
        sizes = (320, 1300, 200, 900)
        packets += tls_session(WIRE, time_ns, (PHONE, PHONE_SERVICE), name, sizes, random, event)
    return packets


def iot_camera(midnight_ns: int, random: Random) -> list[Packet]:
    """It announces its address; the foreman sets it up and looks; it reports to its cloud each hour."""
    start_ns, event = midnight_ns + CAMERA_MINUTE * MINUTE_NS, "camera"
    packets = [Packet(start_ns + n * SECOND_NS, arp(1, CAMERA, CAMERA.address), event) for n in range(2)]
    packets += resolve_gateway(WIRE, start_ns + 3 * SECOND_NS, CAMERA, event)
    name = "report.camera-cloud.example"
    for hour in range(7):
        time_ns = start_ns + 10 * SECOND_NS + hour * 60 * MINUTE_NS
        hosts = (CAMERA, DIRECTORY)
        packets += look_up(WIRE, time_ns, hosts, name, CAMERA_CLOUD.address, random, event)
        sizes = (600 + random.randrange(300), 90)
        hosts = (CAMERA, CAMERA_CLOUD)
        packets += tls_session(WIRE, time_ns + SECOND_NS, hosts, name, sizes, random, event)
    says = camera.web_visit(CAMERA, BROWSER)
    ports, hosts = _ports(random, camera.WEB_PORT), (B_FOREMAN, CAMERA)
    packets += connection(WIRE, start_ns + 4 * MINUTE_NS, hosts, ports, says, random, event)
    says = camera.watching(CAMERA, 40, random)
    ports = _ports(random, camera.PICTURE_PORT)
    return packets + connection(WIRE, start_ns + 5 * MINUTE_NS, hosts, ports, says, random, event)


PARTS = (
    ("office-reaches-control", office_reaches_control),
    ("label-pc", label_pc),
    ("phone", phone),
    ("camera", iot_camera),
)
