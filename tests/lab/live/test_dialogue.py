"""What the lab's packets say is found back in them: word by word, and nothing is lost."""

from __future__ import annotations

from random import Random

from otmon.lab import modbus
from otmon.lab.dialogues import ask_time, look_up, ping, remote_desktop
from otmon.lab.frames import (
    MILLISECOND_NS,
    SECOND_NS,
    SYN,
    Host,
    Packet,
    Say,
    Segment,
    arp,
    connection,
    ip_packet,
    tcp,
    udp_packet,
    unanswered_syn,
)
from otmon.lab.live.dialogue import MOST_CONNECTIONS, Dialogue, Line, dialogue_of, script_of
from otmon.lab.plant import shipped_plant
from otmon.lab.sessions import Session

PLANT = shipped_plant("water-works")
WIRE = PLANT.wire
HMI, SCADA, DOSING, AFAR = PLANT.named("hmi", "scada", "plc-dosing", "remote-operator")
MACHINES = {one.address: one.mac or WIRE.firewall for one in PLANT.everybody()}
NOBODY = Host("nobody", "172.16.10.99", "02:00:00:00:00:99")


def test_a_connection_is_its_words_in_their_order() -> None:
    says = [
        Say("client", b"ask", SECOND_NS),
        Say("server", bytes(4_000), 5 * MILLISECOND_NS),
        Say("client", b"again", 2 * SECOND_NS),
        Say("client", b"and again", 3 * SECOND_NS),
    ]
    packets = connection(WIRE, 7_000, (HMI, DOSING), (50_000, 502), says, Random(1), "x")
    script = script_of(packets, MACHINES)
    (one,) = script.dialogues
    assert script.frames == ()
    assert (one.client, one.server, one.transport, one.port) == (HMI.address, DOSING.address, "tcp", 502)
    assert (one.start_ns, one.client_port, one.answered) == (7_000, 50_000, True)
    assert [(line.speaker, line.payload) for line in one.lines] == [
        (say.speaker, say.payload) for say in says
    ]
    waits = [line.after_ns for line in one.lines]
    assert waits == sorted(waits) and waits[0] == SECOND_NS + MILLISECOND_NS


def test_two_words_of_one_side_are_two_and_two_connections_too() -> None:
    first = remote_desktop(WIRE, 0, (AFAR, HMI), "operator", 2, Random(1), "x")
    second = remote_desktop(WIRE, SECOND_NS, (AFAR, HMI), "operator", 2, Random(2), "x")
    both = sorted(first + second, key=lambda packet: packet.time_ns)
    script = script_of(both, MACHINES)
    assert [len(one.lines) for one in script.dialogues] == [8, 8]
    assert [one.start_ns for one in script.dialogues] == [0, SECOND_NS]
    assert script.dialogues[0] == script_of(first, MACHINES).dialogues[0]


def test_a_knock_that_nobody_answers_is_one_try() -> None:
    packets = unanswered_syn(WIRE, 5, (HMI, DOSING), (50_000, 23), Random(1), "x")
    (one,) = script_of(packets, MACHINES).dialogues
    assert one == Dialogue(5, HMI.address, DOSING.address, "tcp", 23, 50_000, (), False)


def test_datagrams_belong_to_their_question() -> None:
    packets = look_up(WIRE, 0, (HMI, SCADA), "a.example", "10.0.0.1", Random(1), "x")
    packets += ask_time(WIRE, SECOND_NS, (HMI, SCADA), Random(1), "x")
    names, hour = script_of(packets, MACHINES).dialogues
    assert (names.port, hour.port, hour.client_port) == (53, 123, 123)
    for one in (names, hour):
        assert one.transport == "udp" and one.answered
        assert [line.speaker for line in one.lines] == ["client", "server"]


def test_what_no_socket_says_stays_a_frame() -> None:
    stray = tcp(HMI, DOSING, (50_000, 502), Segment(1, 0, 4))
    spoofed = tcp(Host("x", HMI.address, "02:00:00:00:00:01"), DOSING, (1, 502), Segment(1, 0, SYN))
    packets = [
        Packet(0, arp(1, HMI, SCADA.address), "x"),
        ip_packet(WIRE, 1, (HMI, DOSING), 6, stray, 1, "x"),
        ip_packet(WIRE, 2, (Host("x", HMI.address, "02:00:00:00:00:01"), DOSING), 6, spoofed, 1, "x"),
        udp_packet(WIRE, 3, (NOBODY, DOSING), (1, 2), b"x", 1, "x"),
        udp_packet(WIRE, 4, (HMI, Host("all", "172.16.10.255", "ff:ff:ff:ff:ff:ff")), (1, 2), b"x", 1, "x"),
        udp_packet(WIRE, 5, (HMI, Host("m", "239.1.2.3", "01:00:5e:01:02:03")), (1, 2), b"x", 1, "x"),
        *ping(WIRE, 6, (HMI, SCADA), 1, Random(1), "x"),
        Packet(SECOND_NS, bytes(10), "x"),
        Packet(SECOND_NS, b"", "x"),
    ]
    script = script_of(packets, MACHINES)
    assert script.dialogues == ()
    assert [frame.data for frame in script.frames] == [packet.data for packet in packets]
    assert script.frames[3].source_mac == NOBODY.mac


def test_a_flood_is_sent_as_frames_beyond_a_limit() -> None:
    packets: list[Packet] = []
    for number in range(MOST_CONNECTIONS + 50):
        packets += unanswered_syn(WIRE, number, (HMI, DOSING), (1_024 + number, 502), Random(number), "x")[:1]
        packets.append(udp_packet(WIRE, number, (HMI, DOSING), (1_024 + number, 9), b"x", 1, "x"))
    script = script_of(packets, MACHINES)
    assert len(script.dialogues) == 2 * MOST_CONNECTIONS
    assert len(script.frames) == 2 * 50
    assert [frame.time_ns for frame in script.frames] == sorted(frame.time_ns for frame in script.frames)


def test_a_session_asks_its_controller_and_takes_any_answer() -> None:
    read, write = modbus.read(modbus.READ_HOLDING, 0, 2), modbus.write_register(0, 7)
    session = Session(9, HMI, DOSING, "x", ((SECOND_NS, read), (SECOND_NS, b""), (SECOND_NS, write)), 3)
    assert dialogue_of(session) == Dialogue(
        9, HMI.address, DOSING.address, "tcp", 502, 0,
        (
            Line(SECOND_NS, "client", modbus.adu(1, 3, read)),
            Line(SECOND_NS, "server", b""),
            Line(3 * SECOND_NS, "client", modbus.adu(3, 3, write)),
            Line(3 * SECOND_NS, "server", b""),
        ),
    )  # fmt: skip
