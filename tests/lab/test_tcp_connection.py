"""A connection that lasts has the frames of one that does not, and the oracle's sums."""

from __future__ import annotations

from random import Random

import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether

from otmon.lab.frames import ACK, Host, Packet, Segment, ip_packet, tcp
from otmon.lab.plant import shipped_plant
from otmon.lab.tcp_connection import CLIENT, FORWARDING_NS, SERVER, Talk

PLANT = shipped_plant("body-line")
HMI, COOLER = PLANT.host("line-hmi"), PLANT.host("cooling-unit")
MIDDLE = Host("middle", "10.5.30.99", "00:0c:29:05:30:99")


def talk(seed: int = 1) -> Talk:
    return Talk(PLANT.wire, (HMI, COOLER), (50_000, 502), Random(seed), "x")


def whole(packets: list[Packet]) -> list[Packet]:
    """The packets, after their sums were found to be right."""
    for packet in packets:
        frame = Ether(packet.data)
        told = frame[IP].chksum, frame[TCP].chksum
        del frame[IP].chksum, frame[TCP].chksum
        again = Ether(bytes(frame))
        assert (again[IP].chksum, again[TCP].chksum) == told
    return packets


@pytest.mark.parametrize("payload", [b"", b"a", b"\0\0", b"\xff" * 7, bytes(range(256)) * 5])
def test_a_frame_is_that_of_the_slow_way(payload: bytes) -> None:
    one = talk()
    (packet,) = one.send(7, CLIENT, ACK, payload)
    frame = Ether(packet.data)
    segment = Segment(frame[TCP].seq, frame[TCP].ack, ACK, payload)
    data = tcp(HMI, COOLER, (50_000, 502), segment)
    assert packet == ip_packet(PLANT.wire, 7, (HMI, COOLER), 6, data, frame[IP].id, "x")


def test_each_message_goes_on_where_the_last_one_ended() -> None:
    one = talk()
    packets = whole(
        [
            *one.say(0, CLIENT, b"question"),
            *one.say(5_000_000, SERVER, b"answer" * 400),
            *one.acknowledge(9_000_000, CLIENT),
        ]
    )
    frames = [Ether(packet.data)[TCP] for packet in packets]
    assert len(frames) == 4 and [packet.time_ns for packet in packets] == sorted(p.time_ns for p in packets)
    assert frames[1].ack == frames[0].seq + 8
    assert frames[2].seq == frames[1].seq + 1_460
    assert frames[3].ack == frames[1].seq + 2_400


def test_a_connection_begins_and_ends_as_tcp_says() -> None:
    one = talk()
    packets = whole([*one.open(0, 50_001), *one.close(10**9)])
    frames = [Ether(packet.data)[TCP] for packet in packets]
    assert [str(frame.flags) for frame in frames] == ["S", "SA", "A", "FA", "FA", "A"]
    assert {frame.sport for frame in frames} == {50_001, 502}
    assert frames[-1].seq == frames[0].seq + 2 and frames[-1].ack == frames[1].seq + 2


def test_who_gets_no_answer_repeats_itself() -> None:
    one = talk()
    asked = whole(list(one.unanswered(0, b"anybody")))
    assert len({packet.data[38:42] for packet in asked}) == 1 and len(asked) == 4
    knocked = whole(list(one.knock(10**9, 50_002)))
    assert [packet.time_ns - 10**9 for packet in knocked] == [0, 10**9, 3 * 10**9]
    assert {str(Ether(packet.data)[TCP].flags) for packet in knocked} == {"S"}
    assert str(Ether(next(iter(one.abort(2))).data)[TCP].flags) == "RA"


def test_what_goes_through_the_middle_is_there_twice_and_may_be_changed() -> None:
    one = talk()
    one.middle, one.patch = MIDDLE, lambda payload: b"lied"
    sent, on = whole(list(one.say(0, SERVER, b"true")))
    first, second = Ether(sent.data), Ether(on.data)
    assert (first.src, first.dst) == (COOLER.mac, MIDDLE.mac)
    assert (second.src, second.dst) == (MIDDLE.mac, HMI.mac)
    assert (first[IP].ttl, second[IP].ttl) == (COOLER.ttl, COOLER.ttl - 1)
    assert (bytes(first[TCP].payload)[:4], bytes(second[TCP].payload)[:4]) == (b"true", b"lied")
    assert on.time_ns - sent.time_ns == FORWARDING_NS
    asked, passed = whole(list(one.say(10**9, CLIENT, b"asks")))
    assert bytes(Ether(asked.data)[TCP].payload)[:4] == bytes(Ether(passed.data)[TCP].payload)[:4] == b"asks"
