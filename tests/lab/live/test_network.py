"""Wires of a range: what reaches whom, what the mirror shows, and that nothing stays."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from otmon.lab.live.namespace import LiveError, alone_at, asked_inside, full_name, inside, namespaces_of, run
from otmon.lab.live.network import MIRROR, Station, build, mirrored, plugged, tear_down, unplug
from tests.lab.live.running import MISSING, fresh_name

ROOT = Path(__file__).resolve().parents[3]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=MISSING)

CORE, FIREWALL = "00:00:cd:00:00:01", "00:0d:02:00:00:fe"
A = Station("a", "10.1.1.10", "00:14:22:00:01:10", "one", CORE, ttl=128)
B = Station("b", "10.1.1.11", "00:14:22:00:01:11", "one", CORE)
C = Station("c", "10.1.2.10", "00:80:f4:00:02:10", "two", CORE)
OUTSIDE = Station("outside", "203.0.113.9", FIREWALL, "outside", CORE, ttl=50, internet=True)
STATIONS = (A, B, C, OUTSIDE)
BRIEFLY_S = 1.0
"""Whoever is not reached in this time is taken for one who cannot be."""
NOTHING_PASSES = """
table ip filtering_policies {
    chain root0 {
        comment "of the test"
        type filter hook forward priority 0; policy drop;
        ct state established,related accept
    }
}
"""


@pytest.fixture(name="name", scope="module", params=[None, NOTHING_PASSES], ids=["open", "closed"])
def name_fixture(request: pytest.FixtureRequest) -> Iterator[tuple[str, bool]]:
    name = fresh_name()
    build(name, STATIONS, request.param)
    yield name, request.param is None
    tear_down(name)


def answers(name: str, client: Station, server: Station, patience_s: float = 10.0) -> bool:
    """Whether a word gets there and back within this time; the server's side sees the client's address."""
    with inside(full_name(name, server.name)):
        listener = socket.create_server((server.address, 0))
    with inside(full_name(name, client.name)):
        caller = socket.socket()
    with listener, caller:
        caller.settimeout(patience_s)
        try:
            caller.connect(listener.getsockname())
        except TimeoutError:
            return False
        there, (address, _) = listener.accept()
        with there:
            assert address == client.address
            there.sendall(b"x")
            return caller.recv(1) == b"x"


def test_who_reaches_whom(name: tuple[str, bool]) -> None:
    range_name, open_to_all = name
    assert answers(range_name, A, B)
    patience_s = 10.0 if open_to_all else BRIEFLY_S
    assert answers(range_name, A, C, patience_s) == open_to_all
    assert answers(range_name, C, A, patience_s) == open_to_all
    assert answers(range_name, OUTSIDE, C) and answers(range_name, A, OUTSIDE)


def test_the_mirror_shows_each_packet_once_as_its_sender_sent_it(name: tuple[str, bool]) -> None:
    range_name, _ = name
    earlier = mirrored(range_name)
    with inside(full_name(range_name, MIRROR)):
        ear = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        ear.bind(("mirror0", 0))
    before = mirrored(range_name)
    with ear:
        ear.settimeout(0.5)
        with (
            inside(full_name(range_name, OUTSIDE.name)),
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
        ):
            sender.sendto(b"from afar", (A.address, 99))
        frames = []
        with pytest.raises(TimeoutError):
            while True:
                frames.append(ear.recv(2048))
        after = mirrored(range_name)
        ear.setblocking(False)
        with suppress(BlockingIOError):
            while True:
                frames.append(ear.recv(2048))
    later = mirrored(range_name)
    mine = [frame for frame in frames if frame.endswith(b"from afar") and frame[23] == 17]
    assert len(mine) == 1
    assert mine[0][:12] == bytes.fromhex((CORE + FIREWALL).replace(":", ""))
    assert mine[0][22] == OUTSIDE.ttl
    assert len(mine[0]) == 42 + len(b"from afar")
    # A machine may ask for another's address at any moment, also between two looks.
    assert after[0] - before[0] <= len(frames) <= later[0] - earlier[0] and after[1] > before[1]


def test_frames_are_as_large_as_on_a_wire_and_their_checksums_whole(name: tuple[str, bool]) -> None:
    range_name, _ = name
    with inside(full_name(range_name, MIRROR)):
        ear = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        ear.bind(("mirror0", 0))
    with inside(full_name(range_name, B.name)):
        listener = socket.create_server((B.address, 0))
    with inside(full_name(range_name, A.name)):
        caller = socket.socket()
    frames = []
    with ear, listener, caller:
        caller.connect(listener.getsockname())
        there, _ = listener.accept()
        with there:
            caller.sendall(bytes(40_000))
            left = 40_000
            while left:
                left -= len(there.recv(65_536))
        ear.settimeout(0.3)
        with pytest.raises(TimeoutError):
            while True:
                frames.append(ear.recv(65_536))
    assert len(frames) > 27 and max(map(len, frames)) == 1514
    segments = [frame for frame in frames if frame[12:14] == b"\x08\x00" and frame[23] == 6]
    assert segments
    for frame in segments:
        size = int.from_bytes(frame[16:18], "big") - 20
        pseudo = frame[26:34] + b"\0\6" + size.to_bytes(2, "big") + frame[34 : 34 + size]
        pseudo += b"\0" * (len(pseudo) % 2)
        total = sum(int.from_bytes(pseudo[n : n + 2], "big") for n in range(0, len(pseudo), 2))
        assert total % 0xFFFF == 0


def links(name: str) -> list[str]:
    """Names of the switch's interfaces."""
    told = run(["ip", "-n", full_name(name, "switch"), "-br", "link"])
    return [line.split()[0].partition("@")[0] for line in told.splitlines()]


def test_a_guest_comes_and_goes(name: tuple[str, bool]) -> None:
    range_name, open_to_all = name
    guest = Station("guest", "10.1.1.200", "24:0a:c4:00:01:c8", "one", CORE)
    afar = Station("afar", "198.51.100.7", FIREWALL, "afar", CORE, internet=True)
    branch = Station("branch", "10.1.9.5", "00:a0:de:00:09:05", "nine", CORE)
    before = links(range_name)
    for _ in range(2):
        with plugged(range_name, STATIONS, (guest, afar, branch)):
            assert answers(range_name, guest, A) and answers(range_name, afar, guest)
            assert answers(range_name, branch, A, 10.0 if open_to_all else BRIEFLY_S) == open_to_all
            with (
                pytest.raises(LiveError, match="another scenario is played in the range"),
                plugged(range_name, STATIONS, (guest,)),
            ):
                pass
        assert not {full_name(range_name, one) for one in ("guest", "afar")} & set(namespaces_of(range_name))
        assert links(range_name) == before


KILLED = """
import sys
from otmon.lab.live.network import plugged, unplug
from tests.lab.live.test_network import A, CORE, FIREWALL, STATIONS, Station
guest = Station("guest", "10.1.1.200", "24:0a:c4:00:01:c8", "one", CORE)
afar = Station("afar", "198.51.100.7", FIREWALL, "afar", CORE, internet=True)
with plugged(sys.argv[1], STATIONS, (guest, afar)):
    unplug(sys.argv[1], STATIONS, "b", out=True)
    print("on", flush=True)
    sys.stdin.read()
"""


def test_what_a_killed_scenario_left_goes_with_the_next(name: tuple[str, bool]) -> None:
    range_name, _ = name
    before = links(range_name), namespaces_of(range_name)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", KILLED, range_name], cwd=ROOT, text=True, **pipes) as one:  # type: ignore[call-overload]
        assert one.stdout.readline() == "on\n"
        with pytest.raises(LiveError, match="another scenario"), plugged(range_name, STATIONS, ()):
            pass
        one.kill()
    assert links(range_name) != before[0] and not answers(range_name, A, B, BRIEFLY_S)
    guest = Station("guest", "10.1.1.201", "24:0a:c4:00:01:c9", "one", CORE)
    with plugged(range_name, STATIONS, (guest,)):
        assert answers(range_name, guest, A) and answers(range_name, A, B)
    assert (links(range_name), namespaces_of(range_name)) == before


def test_a_cable_is_pulled_and_put_in_again(name: tuple[str, bool]) -> None:
    range_name, _ = name
    unplug(range_name, STATIONS, "b", out=True)
    assert not answers(range_name, A, B, BRIEFLY_S)
    unplug(range_name, STATIONS, "b", out=False)
    assert answers(range_name, A, B)


def test_this_machine_s_own_network_is_left_alone(name: tuple[str, bool]) -> None:
    seen = subprocess.run(["ip", "-br", "link"], capture_output=True, text=True, check=True).stdout
    assert not {"p1", "r1", "i3", "mirror", "vr1"} & {
        line.split()[0].partition("@")[0] for line in seen.splitlines()
    }
    assert asked_inside(full_name(name[0], "router"), lambda: os.readlink("/proc/thread-self/ns/net")) != (
        os.readlink("/proc/self/ns/net")
    )


def test_a_range_that_cannot_be_made_leaves_nothing() -> None:
    name = fresh_name()
    for stations, words in (
        ((A, replace(B, name="a")), "a is there twice"),
        ((A, replace(B, address=A.address)), "10.1.1.10 is there twice"),
        ((replace(A, name="Not-A-Name"),), "cannot be the name of a host"),
        ((replace(A, name="router"),), "cannot be the name of a host"),
        ((A, replace(B, segment="other")), "10.1.1.0/24 is on two segments"),
        ((A, replace(OUTSIDE, segment="one")), "alone on its segment"),
        ((replace(A, mac="no mac"),), "ip -n"),
    ):
        with pytest.raises(LiveError, match=words):
            build(name, stations, None)
        assert namespaces_of(name) == []
    with pytest.raises(LiveError, match="nft"):
        build(name, STATIONS, "these are no rules")
    with pytest.raises(LiveError, match="no chain for what is forwarded"):
        build(name, STATIONS, "table ip empty {\n chain other {\n }\n}")
    assert namespaces_of(name) == []
    with pytest.raises(LiveError, match="small letters"):
        build("../etc", STATIONS, None)
    with pytest.raises(LiveError, match="no name of a range"):
        tear_down("a.b")


def test_a_name_is_taken_once() -> None:
    name = fresh_name()
    build(name, (A,), None)
    try:
        with pytest.raises(LiveError, match="is there already: otmon lab down"):
            build(name, (A,), None)
        assert len(namespaces_of(name)) == 4
    finally:
        assert tear_down(name) == (0, 4)
    assert tear_down(name) == (0, 0)


START = """
import sys, time
from otmon.lab.live.namespace import alone_at, full_name, run
with alone_at(sys.argv[1]):
    print("on", flush=True)
    run(["sh", "-c", 'sleep 1; exec ip netns add "$0"', full_name(sys.argv[1], "late")])
    time.sleep(60)
"""


def test_what_a_killed_start_still_makes_is_taken_away() -> None:
    name = fresh_name()
    starts = [
        subprocess.Popen([sys.executable, "-c", START, one], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for one in (name, f"{name}-x")
    ]
    try:
        for start in starts:
            assert start.stdout is not None and start.stdout.readline() == "on\n"
        time.sleep(0.3)
        starts[0].kill()
        starts[0].wait()
        assert namespaces_of(name) == []
        assert tear_down(name) == (0, 1)
        assert namespaces_of(name) == [] and starts[1].poll() is None, "of another range"
    finally:
        for start in starts:
            start.kill()
            start.communicate()
        assert tear_down(f"{name}-x")[1] <= 1


def test_a_range_that_somebody_works_on_is_not_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("otmon.lab.live.namespace.TERM_S", 0.1)
    name = fresh_name()
    with alone_at(name), pytest.raises(LiveError, match="another process is at work on the range"):
        tear_down(name)
    assert tear_down(name) == (0, 0)
