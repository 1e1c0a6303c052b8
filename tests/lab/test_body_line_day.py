"""The story of the body line's day, as its packets tell it."""

from __future__ import annotations

from random import Random

import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether

from otmon.lab import body_line_day, modbus
from otmon.lab.body_line_day import (
    MIDNIGHT_NS,
    SITE,
    agreed_maintenance,
    bridging_laptop,
    business,
    collecting,
    guarding,
    line,
    night_session,
    night_sessions,
    routine_sessions,
    services,
)
from otmon.lab.day import day_of
from otmon.lab.plant import shipped_plant

PLANT = shipped_plant("body-line")
COOLING_UNIT = PLANT.host("cooling-unit")
DIAGNOSIS_PC = PLANT.host("robot-diagnosis")
JUMP_HOST = PLANT.host("jump-host")
LAPTOP = PLANT.host("laptop-maintenance-side")
LAPTOP_AT_LINE = PLANT.host("laptop-line-side")
LINE_PLC = PLANT.host("line-plc")
VENDOR = PLANT.host("robot-vendor")


def test_the_laptop_carries_each_packet_across_in_order_of_time() -> None:
    packets = sorted(bridging_laptop(MIDNIGHT_NS, Random(1)), key=lambda packet: packet.time_ns)
    outer: list[tuple[int, object]] = []
    inner: list[tuple[int, object]] = []
    for packet in packets:
        frame = Ether(packet.data)
        if TCP not in frame:
            continue
        ends = {frame[IP].src, frame[IP].dst}
        if DIAGNOSIS_PC.address in ends:
            assert {frame.src, frame.dst} == {DIAGNOSIS_PC.mac, LAPTOP.mac}
            assert frame.src == (DIAGNOSIS_PC.mac if frame[IP].src == DIAGNOSIS_PC.address else LAPTOP.mac)
        else:
            assert ends == {LAPTOP_AT_LINE.address, LINE_PLC.address}
            assert {frame.src, frame.dst} == {LAPTOP_AT_LINE.mac, LINE_PLC.mac}
        side = outer if DIAGNOSIS_PC.address in ends else inner
        said = (frame[IP].dst == LINE_PLC.address, frame[TCP].seq, int(frame[TCP].flags), frame[IP].len)
        side.append((packet.time_ns, said))
    assert [said for _, said in outer] == [said for _, said in inner]
    for (before, (asks, *_)), (after, _) in zip(outer, inner, strict=True):  # type: ignore[misc]
        assert before < after if asks else after < before


def test_what_is_forwarded_has_crossed_one_router_more() -> None:
    found: dict[str, set[int]] = {}
    for packet in bridging_laptop(MIDNIGHT_NS, Random(1)):
        frame = Ether(packet.data)
        if IP in frame:
            found.setdefault(f"{frame[IP].src} to {frame[IP].dst}", set()).add(frame[IP].ttl)
    assert found == {
        "10.5.50.40 to 10.5.30.11": {128},
        "10.5.30.177 to 10.5.30.11": {127},
        "10.5.30.11 to 10.5.30.177": {64},
        "10.5.30.11 to 10.5.50.40": {63},
    }


def test_the_night_caller_is_not_the_vendor_and_heats_the_water() -> None:
    (session,) = night_sessions(MIDNIGHT_NS)
    assert (session.client, session.server) == (JUMP_HOST, COOLING_UNIT)
    (write,) = [write for _, pdu in session.requests for write in modbus.changes(pdu, 0)]
    usual = [
        w.value for s in routine_sessions(MIDNIGHT_NS) for _, p in s.requests for w in modbus.changes(p, 0)
    ]
    assert write.value > 2 * max(usual) - 1
    sources = {Ether(packet.data)[IP].src for packet in night_session(MIDNIGHT_NS, Random(1))}
    assert VENDOR.address not in sources


@pytest.mark.parametrize(
    "part",
    [line, services, guarding, collecting, business, agreed_maintenance, bridging_laptop, night_session],
)
def test_every_part_comes_from_its_seed(part) -> None:  # type: ignore[no-untyped-def]
    assert part(MIDNIGHT_NS, Random(1)) == part(MIDNIGHT_NS, Random(1)) != part(MIDNIGHT_NS, Random(2))


def test_no_request_is_refused() -> None:
    assert {one.exception for one in day_of(SITE, 1).transactions} == {0}
    assert body_line_day.FIRST_HOUR < body_line_day.LAST_HOUR
