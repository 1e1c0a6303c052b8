"""What should not happen in the company, as its packets say it."""

from __future__ import annotations

from random import Random

import pytest
from scapy.layers.dhcp import DHCP
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether

from otmon.lab import camera, modbus
from otmon.lab import two_factories_incidents as incidents
from otmon.lab.plant import shipped_plant
from otmon.lab.two_factories_day import EVENTS

PLANT = shipped_plant("two-factories")
CRAWLER = PLANT.host("crawler")
LABEL_PC = PLANT.host("a-label-pc")
PHONE = PLANT.host("phone")

MIDNIGHT = 1_778_511_600_000_000_000


@pytest.mark.parametrize(
    ("part", "event"),
    [
        (incidents.office_reaches_control, "office-reaches-control"),
        (incidents.label_pc, "label-pc"),
        (incidents.phone, "phone"),
        (incidents.iot_camera, "camera"),
    ],
)
def test_each_incident_is_an_event_of_the_truth(part, event: str) -> None:  # type: ignore[no-untyped-def]
    packets = part(MIDNIGHT, Random(1))
    assert packets == part(MIDNIGHT, Random(1))
    assert {packet.event for packet in packets} == {event}
    assert next(one for one in EVENTS if one.id == event).incident


def options(packets: list) -> dict[str, object]:  # type: ignore[type-arg]
    """Of the first DHCP message."""
    first = next(Ether(packet.data)[DHCP] for packet in packets if DHCP in Ether(packet.data))
    return dict(option for option in first.options if isinstance(option, tuple))


def test_the_label_pc_is_an_xp_by_all_that_it_sends() -> None:
    packets = incidents.label_pc(MIDNIGHT, Random(1))
    frames = [Ether(packet.data) for packet in packets]
    mine = [frame for frame in frames if IP in frame and frame[IP].src == LABEL_PC.address]
    assert {frame[IP].ttl for frame in mine} == {128}
    syn = next(frame[TCP] for frame in mine if TCP in frame and frame[TCP].flags == "S")
    assert syn.window == 65_535
    assert [name for name, _ in syn.options] == ["MSS", "NOP", "NOP", "SAckOK"]
    said = b"".join(bytes(frame[TCP].payload) for frame in mine if TCP in frame)
    assert b"Windows NT 5.1" in said and b"NT LM 0.12" in said
    assert "Windows 2002 Service Pack 3 2600".encode("utf-16-le") in said
    assert "Windows 2000 LAN Manager".encode("utf-16-le") in said
    asked = options(packets)
    assert asked["vendor_class_id"] == b"MSFT 5.0" and asked["param_req_list"] == list(incidents.XP_ASKS_FOR)
    visitors = {frame[IP].src for frame in frames if IP in frame and frame[IP].dst == LABEL_PC.address}
    assert CRAWLER.address in visitors


def test_the_phone_hides_its_name_and_address_but_not_its_kind() -> None:
    packets = incidents.phone(MIDNIGHT, Random(1))
    assert int(PHONE.mac[:2], 16) & 3 == 2
    asked = options(packets)
    assert asked["vendor_class_id"] == b"android-dhcp-14" and "hostname" not in asked


def test_the_password_of_the_camera_is_on_the_wire() -> None:
    said = b"".join(packet.data for packet in incidents.iot_camera(MIDNIGHT, Random(1)))
    assert said.count(camera.login().encode()) == 4


def test_the_office_pc_only_looks() -> None:
    pdus = [pdu for session in incidents.sessions(MIDNIGHT) for _, pdu in session.requests]
    assert {pdu[0] for pdu in pdus} == {modbus.READ_HOLDING}
