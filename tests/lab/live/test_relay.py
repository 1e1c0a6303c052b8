"""One in the middle sends on what it is sent, changes what it shows, and nothing else."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otmon.lab import modbus
from otmon.lab.frames import Host, Say, Wire, connection
from otmon.lab.live.namespace import full_name, inside, run
from otmon.lab.live.network import Station, build, tear_down
from otmon.lab.live.relay import Between, checksum, relay, restore
from otmon.lab.polling import shown
from otmon.lab.scene import Trouble
from tests.lab.live.running import MISSING, fresh_name

CORE = "00:00:cd:00:00:01"
A = Host("a", "10.1.1.10", "00:14:22:00:01:10")
B = Host("b", "10.1.1.11", "00:80:f4:00:01:11")
M = Host("m", "10.1.1.99", "00:0c:29:00:01:99")
READ = modbus.adu(1, 1, modbus.read(modbus.READ_INPUT, 0, 2))
ANSWER = modbus.adu(1, 1, struct.pack(">BBHH", modbus.READ_INPUT, 4, 480, 99))
SHOWN = modbus.adu(1, 1, struct.pack(">BBHH", modbus.READ_INPUT, 4, 221, 99))
PATCH = shown(Trouble("diverted", "a", "x", 0, 1, "b", M, {(modbus.READ_INPUT, 0): 221}))
BETWEEN = Between(M.mac, {A.address: A.mac, B.address: B.mac}, B.address, 502, PATCH)


def diverted(port: int = 502) -> list[bytes]:
    """A connection as one in the middle gets it."""
    says = [Say("client", READ, 10), Say("server", ANSWER, 10)]
    wire = Wire(CORE, CORE)
    packets = connection(wire, 0, (A, B), (50_000, port), says, Random(1), "x")
    return [bytes.fromhex(M.mac.replace(":", "")) + packet.data[6:] for packet in packets]


def payload(frame: bytes) -> bytes:
    return frame[34 + (frame[46] >> 4) * 4 : 14 + int.from_bytes(frame[16:18], "big")]


def test_what_is_sent_on_is_whole_and_only_the_answer_changed() -> None:
    for frame in diverted():
        on = BETWEEN.sent_on(frame)
        assert on is not None and len(on) == len(frame)
        to = A if frame[26:30] == socket.inet_aton(B.address) else B
        assert (on[:6].hex(":"), on[6:12].hex(":"), on[22]) == (to.mac, M.mac, frame[22] - 1)
        assert on[34:46] == frame[34:46], "ports, sequence, acknowledgment"
        assert payload(on) == (SHOWN if payload(frame) == ANSWER else payload(frame))
        end = 14 + int.from_bytes(on[16:18], "big")
        pseudo = on[26:34] + struct.pack(">HH", 6, end - 34)
        assert checksum(on[14:34]) == checksum(pseudo + on[34:end]) == b"\0\0"


def test_what_is_not_for_it_stays() -> None:
    first = diverted()[0]
    assert BETWEEN.sent_on(first) is not None
    stranger, own = socket.inet_aton("10.1.1.50"), socket.inet_aton(M.address)
    for frame in (
        bytes.fromhex(B.mac.replace(":", "")) + first[6:],
        first[:26] + stranger + first[30:],
        first[:30] + own + first[34:],
        first[:22] + b"\1" + first[23:],
        first[:12] + b"\x08\6" + first[14:],
        first[:14] + b"\x46" + first[15:],
    ):
        assert BETWEEN.sent_on(frame) is None
    assert ANSWER in [payload(BETWEEN.sent_on(frame) or frame) for frame in diverted(1502)], "another port"


@given(st.binary(max_size=120), st.sampled_from(diverted()), st.data())
def test_any_bytes_are_sent_on_or_not(noise: bytes, frame: bytes, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(frame)))
    for one in (noise, frame[:cut] + noise, frame[:34] + noise, frame[:54] + noise):
        on = BETWEEN.sent_on(one)
        assert on is None or len(on) == len(one)
    assert len(PATCH(noise)) == len(noise)


def lied(other: Host) -> list[str]:
    return [other.address, "lladdr", M.mac, "dev", "eth0"]


@pytest.mark.skipif(bool(MISSING), reason=MISSING)
def test_a_connection_that_was_there_goes_on_by_way_of_it() -> None:
    name = fresh_name()
    build(name, [Station(one.name, one.address, one.mac, "one", CORE) for one in (A, B, M)], None)
    sent = 0

    def counted() -> None:
        nonlocal sent
        sent += 1

    try:
        with inside(full_name(name, "b")):
            listener = socket.create_server((B.address, 502))
        with inside(full_name(name, "a")):
            client = socket.create_connection((B.address, 502), 5)
        server, _ = listener.accept()
        with listener, client, server:

            def answer() -> None:
                while server.recv(100):
                    server.sendall(ANSWER)

            thread = threading.Thread(target=answer)
            thread.start()

            def asked() -> bytes:
                client.sendall(READ)
                return client.recv(100)

            async def between() -> list[bytes]:
                task = asyncio.ensure_future(relay(full_name(name, "m"), BETWEEN, counted))
                await asyncio.sleep(0.3)
                answers = [await asyncio.to_thread(asked) for _ in range(3)]
                task.cancel()
                await asyncio.wait([task])
                return answers

            client.settimeout(10)
            assert asked() == ANSWER
            for one, other in ((A, B), (B, A)):
                run(["ip", "-n", full_name(name, one.name), "neigh", "replace", *lied(other)])
            assert asyncio.run(between()) == [SHOWN] * 3
            assert sent >= 6
            for one, other in ((A, B), (B, A)):
                run(["ip", "-n", full_name(name, one.name), "neigh", "change", *lied(other), "nud", "stale"])
            asyncio.run(restore(full_name(name, "m"), BETWEEN, counted))
            for one, other in ((A, B), (B, A)):
                told = run(["ip", "-n", full_name(name, one.name), "neigh", "show", other.address])
                assert other.mac in told
            assert asked() == ANSWER
            client.shutdown(socket.SHUT_WR)
            thread.join(10)
            assert not thread.is_alive()
    finally:
        tear_down(name)
