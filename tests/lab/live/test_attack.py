"""Attacks are made with real sockets where somebody is there, and with frames where not."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from random import Random

import pytest

from otmon.lab.dialogues import look_up, ping
from otmon.lab.frames import (
    MILLISECOND_NS,
    SECOND_NS,
    Host,
    Packet,
    Say,
    Wire,
    arp,
    connection,
    unanswered_syn,
)
from otmon.lab.live.attack import Frame, Place, Played, Stage, answered_by_itself, play
from otmon.lab.live.dialogue import script_of
from otmon.lab.live.namespace import full_name, inside
from otmon.lab.live.network import MIRROR, Station, build, tear_down
from tests.lab.live.running import MISSING, fresh_name
from tests.lab.live.test_network import CORE

WIRE = Wire(CORE, "00:0d:02:00:00:fe")
A = Host("a", "10.1.1.10", "00:14:22:00:01:10")
B = Host("b", "10.1.1.11", "00:14:22:00:01:11")
C = Host("c", "10.1.2.10", "00:80:f4:00:02:10")
SEGMENTS = {"a": "one", "b": "one", "c": "two"}
live = pytest.mark.skipif(bool(MISSING), reason=MISSING)


def stations() -> list[Station]:
    return [Station(one.name, one.address, one.mac, SEGMENTS[one.name], CORE) for one in (A, B, C)]


@pytest.fixture(name="name", scope="module")
def name_fixture() -> Iterator[str]:
    name = fresh_name()
    build(name, stations(), None)
    yield name
    tear_down(name)


def places(name: str) -> dict[str, Place]:
    return {one.name: Place(full_name(name, one.name), one.address, one.mac) for one in (A, B, C)}


def played(
    name: str, packets: list[Packet], actor: str = "a", speed: float = 1.0
) -> tuple[Played, list[bytes]]:
    """What became of a step that is these packets, and the frames at the mirror meanwhile."""
    with inside(full_name(name, MIRROR)):
        ear = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        ear.bind(("mirror0", 0))
    heard: list[bytes] = []
    over = threading.Event()

    def listen() -> None:
        ear.settimeout(0.1)
        while True:
            try:
                heard.append(ear.recv(2048))
            except TimeoutError:
                if over.is_set():
                    return

    thread = threading.Thread(target=listen)
    thread.start()
    result = Played()
    script = script_of(packets, {one.address: one.mac for one in (A, B, C)})
    try:
        asyncio.run(play(Stage(name, places(name), packets[0].time_ns, speed), script, actor, result))
    finally:
        over.set()
        thread.join()
        ear.close()
    return result, heard


SAYS = [
    Say("client", b"who are you", 100 * MILLISECOND_NS),
    Say("server", b"I am c" + bytes(3_000), 5 * MILLISECOND_NS),
    Say("server", b"and more", 300 * MILLISECOND_NS),
    Say("client", b"good bye", 100 * MILLISECOND_NS),
]


@live
def test_where_nobody_serves_both_sides_are_played(name: str) -> None:
    packets = connection(WIRE, 0, (A, C), (50_000, 445), SAYS, Random(1), "x")
    result, heard = played(name, packets)
    assert (result.connections, result.answered, result.frames, result.told) == (1, 1, 0, [])
    assert 0 < result.first_ns < result.last_ns
    for word, source in ((b"who are you", A), (b"and more", C), (b"good bye", A)):
        assert [frame[6:12].hex(":") for frame in heard if frame.endswith(word)] == [source.mac]


@live
def test_where_somebody_serves_it_answers_itself(name: str) -> None:
    with inside(full_name(name, "c")):
        server = socket.create_server((C.address, 445))

    def serve() -> None:
        one, _ = server.accept()
        with one:
            one.recv(100)
            one.sendall(b"something else")
            time.sleep(0.2)
            assert one.recv(100) == b"good bye"

    thread = threading.Thread(target=serve)
    thread.start()
    with server:
        packets = connection(WIRE, 0, (A, C), (50_000, 445), SAYS, Random(1), "x")
        result, heard = played(name, packets, speed=4)
        thread.join(10)
    assert not thread.is_alive() and (result.connections, result.answered) == (1, 1)
    assert any(frame.endswith(b"something else") for frame in heard)
    assert not any(b"I am c" in frame for frame in heard)


@live
def test_a_closed_port_and_an_address_of_nobody_are_tries(name: str) -> None:
    nobody = Host("nobody", "10.1.2.77", "02:00:00:00:00:77")
    packets = unanswered_syn(WIRE, 0, (A, C), (50_000, 23), Random(1), "x")[:1]
    packets += unanswered_syn(WIRE, 1, (A, nobody), (50_001, 23), Random(1), "x")[:1]
    result, heard = played(name, packets)
    assert (result.connections, result.answered) == (2, 0)
    resets = [frame for frame in heard if frame[23:24] == b"\6" and frame[47] & 4]
    assert resets and all(frame[6:12].hex(":") == C.mac for frame in resets)


@live
def test_datagrams_are_asked_and_answered(name: str) -> None:
    packets = look_up(WIRE, 0, (A, C), "x.example", "10.9.9.9", Random(1), "x")
    result, heard = played(name, packets)
    assert (result.connections, result.answered) == (1, 1)
    assert sum(b"\1x\7example" in frame and frame[23] == 17 for frame in heard) == 2


@live
def test_frames_leave_by_the_port_of_their_sender(name: str) -> None:
    """An ARP answer in another's name really is believed."""
    false = Host("b", B.address, A.mac)
    unknown = Host("u", "10.1.1.99", "02:00:00:00:00:99")
    with inside(full_name(name, "c")), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"x", (A.address, 9))
    packets = [
        Packet(0, arp(2, false, "10.1.1.1", CORE), "x"),
        Packet(1, arp(1, unknown, A.address), "x"),
        *ping(WIRE, 2, (A, B), 1, Random(1), "x"),
    ]
    result, heard = played(name, packets, actor="b")
    assert result.frames == 3
    assert packets[0].data[:42] in [frame[:42] for frame in heard]
    assert sum(frame[6:12].hex(":") == unknown.mac for frame in heard) == 1
    # A machine answers a ping by itself, once.
    replies = [frame for frame in heard if frame[23:24] == b"\1" and frame[34] == 0]
    assert [frame[6:12].hex(":") for frame in replies] == [B.mac]


def test_what_a_machine_says_by_itself_is_known() -> None:
    machines = {one.mac: Place("", one.address, one.mac) for one in (A, B)}
    true, false = arp(2, A, B.address, B.mac), arp(2, Host("x", B.address, A.mac), B.address, B.mac)
    asked, answered = ping(WIRE, 0, (A, B), 1, Random(1), "x")
    said = {true: True, false: False, arp(1, A, B.address): False, asked.data: False, answered.data: True}
    assert {data: answered_by_itself(Frame(0, data), machines) for data in said} == said
    assert not answered_by_itself(Frame(0, true), {})
    for cut in (12, 14, 20, 30):
        assert answered_by_itself(Frame(0, true[:cut]), machines) is False


def test_a_stage_runs_faster_than_the_scenario() -> None:
    before = time.monotonic()
    stage = Stage("x", {}, SECOND_NS, 10)
    in_s = stage.in_s(11 * SECOND_NS)
    assert 1.0 - (time.monotonic() - before) <= in_s <= 1.0
    assert stage.lasts_s(5 * SECOND_NS) == 0.5
    asyncio.run(stage.until(2 * SECOND_NS))
    # However late a busy machine wakes it up: the tenth of a second is over.
    assert stage.in_s(2 * SECOND_NS) <= 0 and time.monotonic() - before >= 0.1
    # A minute of the scenario's is six seconds, and so is not over when two are.
    assert 5.9 - (time.monotonic() - before) <= stage.in_s(60 * SECOND_NS)
