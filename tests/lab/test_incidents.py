"""What should not happen, as the events say it."""

from __future__ import annotations

from random import Random

import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether

from otmon.lab import incidents
from otmon.lab.events import EVENTS
from otmon.lab.plant import shipped_plant

PLANT = shipped_plant("food-factory")
PLC_MIXING = PLANT.host("plc-mixing")

MIDNIGHT = 1_776_092_400_000_000_000


def ends(packets: list) -> set[tuple[str, str]]:  # type: ignore[type-arg]
    found = set()
    for packet in packets:
        frame = Ether(packet.data)
        if IP in frame:
            found.add((frame[IP].src, frame[IP].dst))
    return found


@pytest.mark.parametrize(
    ("part", "event"),
    [
        (incidents.office_reaches_hmi, "office-reaches-hmi"),
        (incidents.camera, "camera"),
        (incidents.malformed, "malformed"),
        (incidents.phone, "phone"),
        (incidents.label_pc, "label-pc"),
        (incidents.remote_session, "remote-session"),
        (incidents.scan, "scan"),
        (incidents.http_on_502, "http-on-502"),
    ],
)
def test_each_incident_is_an_event_of_the_truth(part, event: str) -> None:  # type: ignore[no-untyped-def]
    packets = part(MIDNIGHT, Random(1))
    assert packets == part(MIDNIGHT, Random(1))
    assert {packet.event for packet in packets} == {event}
    assert next(one for one in EVENTS if one.id == event).incident


def test_the_setpoint_is_raised_a_hundredfold_and_set_back() -> None:
    writes = [
        int.from_bytes(pdu[3:5], "big")
        for session in incidents.sessions(MIDNIGHT)
        if session.server is PLC_MIXING and session.event == "remote-session"
        for _, pdu in session.requests
        if pdu[0] == 6
    ]
    assert len(writes) >= 1
    assert max(writes) >= 100 * 11


def test_the_malformed_write_lies_about_its_bytes() -> None:
    payloads = [
        bytes(Ether(p.data)[TCP].payload)
        for p in incidents.malformed(MIDNIGHT, Random(1))
        if TCP in Ether(p.data)
    ]
    assert any(
        data[7:8] == b"\x10" and data[12] == 127 and len(data) < 127 for data in payloads if len(data) > 12
    )


def test_the_camera_talks_with_the_internet() -> None:
    assert any(
        not end.startswith("10.") for pair in ends(incidents.camera(MIDNIGHT, Random(1))) for end in pair
    )
