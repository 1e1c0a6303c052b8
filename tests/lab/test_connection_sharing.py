"""A machine that shares its connection sends each packet on, with one hop less to live."""

from __future__ import annotations

from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether

from otmon.lab.connection_sharing import SHARING_NS, shared
from otmon.lab.frames import Say
from otmon.lab.plant import shipped_plant

PLANT = shipped_plant("body-line")


def test_each_packet_is_there_on_both_sides() -> None:
    ends = PLANT.host("robot-diagnosis"), PLANT.host("line-plc")
    legs = PLANT.host("laptop-maintenance-side"), PLANT.host("laptop-line-side")
    says = [Say("client", b"asked", 1_000_000), Say("server", b"told", 1_000_000)]
    packets = shared(PLANT.wire, 0, ends, legs, 102, says, 7, "x")
    frames = [(packet.time_ns, Ether(packet.data)) for packet in packets]
    outer = [one for one in frames if ends[0].address in (one[1][IP].src, one[1][IP].dst)]
    inner = [one for one in frames if one not in outer]
    assert len(outer) == len(inner) == len(frames) // 2
    for (before, left), (after, right) in zip(outer, inner, strict=True):
        assert left[TCP].seq == right[TCP].seq and abs(before - after) == SHARING_NS
        assert {left.src, left.dst} == {ends[0].mac, legs[0].mac}
        assert {right.src, right.dst} == {legs[1].mac, ends[1].mac}
