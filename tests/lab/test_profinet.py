"""A line's exchanges below IP, read by scapy."""

from __future__ import annotations

from random import Random

from scapy.layers.l2 import Dot1Q, Ether

from otmon.lab import profinet
from otmon.lab.plant import shipped_plant

PLANT = shipped_plant("food-factory")
PLC_CONVEYOR = PLANT.host("plc-conveyor")
REMOTE_IO = PLANT.host("conveyor-io")


def test_a_search_is_for_all_and_its_answer_for_one() -> None:
    asked, answered = (Ether(p.data) for p in profinet.search(0, PLC_CONVEYOR, REMOTE_IO, Random(1), "x"))
    assert (asked.src, asked.dst, asked.type) == (PLC_CONVEYOR.mac, "01:0e:cf:00:00:00", 0x8892)
    assert (answered.src, answered.dst) == (REMOTE_IO.mac, PLC_CONVEYOR.mac)
    assert bytes(asked.payload)[4:8] == bytes(answered.payload)[4:8]
    assert REMOTE_IO.name.encode() in bytes(answered.payload)


def test_a_cycle_goes_out_and_comes_back() -> None:
    packets = profinet.cycle(5, (PLC_CONVEYOR, REMOTE_IO), (0x8001, 0x8002), (b"\x80ab", b"\x80cd"), 64, "x")
    frames = [Ether(packet.data) for packet in packets]
    assert [frame.src for frame in frames] == [PLC_CONVEYOR.mac, REMOTE_IO.mac]
    assert [bytes(frame[Dot1Q].payload)[:5] for frame in frames] == [b"\x80\x01\x80ab", b"\x80\x02\x80cd"]
    assert [frame[Dot1Q].prio for frame in frames] == [6, 6]
    assert packets[0].time_ns == 5 < packets[1].time_ns < 5 + profinet.CYCLE_NS


def test_a_neighbour_names_itself() -> None:
    frame = Ether(profinet.neighbour(0, REMOTE_IO, "port-001", "I/O", "x").data)
    assert (frame.type, frame.dst) == (0x88CC, "01:80:c2:00:00:0e")
    assert REMOTE_IO.name.encode() in bytes(frame.payload)
