"""The mirror shows the VLAN of each port, and what goes on to the plant is untouched."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from otmon.lab.live import network
from otmon.lab.live.namespace import asked_inside, full_name, inside
from otmon.lab.live.network import MIRROR, Station, build, plugged, tags, tear_down
from otmon.lab.live.vlan_tag import copy_tagged
from tests.lab.live.running import MISSING, fresh_name

pytestmark = pytest.mark.skipif(bool(MISSING), reason=MISSING)

CORE = "00:00:cd:00:00:01"
A = Station("a", "10.1.1.10", "00:14:22:00:01:10", "one", CORE, vlan=10)
B = Station("b", "10.1.1.11", "00:14:22:00:01:11", "one", CORE, vlan=10)
C = Station("c", "10.1.2.10", "00:80:f4:00:02:10", "two", CORE, vlan=4094)
AFAR = Station("afar", "203.0.113.9", "00:0d:02:00:00:fe", "afar", CORE, internet=True)
STATIONS = (A, B, C, AFAR)
GUEST = Station("guest", "10.1.2.77", "00:80:f4:00:02:77", "two", CORE, vlan=4094)

_SOL_PACKET, _AUXDATA = 263, 8
_VALID = 1 << 4
"""TP_STATUS_VLAN_VALID: the kernel takes a tag out of a frame and tells it beside it (packet(7))."""


@contextmanager
def listening(name: str, part: str, interface: str) -> Iterator[socket.socket]:
    with inside(full_name(name, part)):
        ear = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        ear.bind((interface, 0))
    with ear:
        ear.setsockopt(_SOL_PACKET, _AUXDATA, 1)
        ear.settimeout(0.5)
        yield ear


def heard(ear: socket.socket, word: bytes) -> list[tuple[int, bytes]]:
    """VLAN (0 for none) and frame of every datagram that ends with a word."""
    found = []
    while True:
        try:
            frame, notes, _, _ = ear.recvmsg(2048, 100)
        except TimeoutError:
            return found
        told = next(data for level, kind, data in notes if (level, kind) == (_SOL_PACKET, _AUXDATA))
        status, vlan = struct.unpack_from("=I", told)[0], struct.unpack_from("=H", told, 16)[0]
        # Not the ICMP error that quotes it.
        if frame.endswith(word) and frame[23] == socket.IPPROTO_UDP:
            found.append((vlan if status & _VALID else 0, frame))


def say(name: str, speaker: Station, to: Station, word: bytes) -> None:
    with inside(full_name(name, speaker.name)), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.sendto(word, (to.address, 99))


@pytest.fixture(name="name")
def name_fixture() -> Iterator[str]:
    name = fresh_name()
    build(name, STATIONS, None)
    yield name
    tear_down(name)


def test_each_port_s_frames_carry_its_vlan_at_the_mirror_alone(name: str) -> None:
    if not tags(name, STATIONS):
        pytest.skip("this kernel runs no programs at tc (CONFIG_NET_CLS_BPF)")
    for speaker, to in ((A, B), (B, C), (C, A), (AFAR, C)):
        word = f"{speaker.name} to {to.name}".encode()
        with listening(name, MIRROR, "mirror0") as ear, listening(name, to.name, "eth0") as there:
            say(name, speaker, to, word)
            copies, arrived = heard(ear, word), heard(there, word)
        assert [vlan for vlan, _ in copies] == [speaker.vlan]
        assert [vlan for vlan, _ in arrived] == [0]
        assert copies[0][1][6:12].hex(":") == speaker.mac
        assert copies[0][1][14:].endswith(arrived[0][1][34:])


def test_a_guest_s_port_is_tagged_too(name: str) -> None:
    if not tags(name, STATIONS):
        pytest.skip("this kernel runs no programs at tc (CONFIG_NET_CLS_BPF)")
    with plugged(name, STATIONS, (GUEST,)):
        assert tags(name, (*STATIONS, GUEST))
        with listening(name, MIRROR, "mirror0") as ear:
            say(name, GUEST, C, b"from a guest")
            assert [vlan for vlan, _ in heard(ear, b"from a guest")] == [4094]


def test_where_the_kernel_cannot_frames_are_shown_without_tags(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(port: str, mirror: str, vlan: int) -> None:
        raise OSError(38, "bpf")

    monkeypatch.setattr(network, "copy_tagged", refused)
    name = fresh_name()
    build(name, STATIONS, None)
    try:
        assert not tags(name, STATIONS)
        with listening(name, MIRROR, "mirror0") as ear:
            say(name, A, B, b"plain")
            assert [vlan for vlan, _ in heard(ear, b"plain")] == [0]
    finally:
        tear_down(name)


def test_what_the_kernel_refuses_is_an_error(name: str) -> None:
    switch = full_name(name, "switch")
    with pytest.raises(OSError, match="rtnetlink"):
        asked_inside(switch, lambda: copy_tagged("mirror", "mirror", 1))
    with pytest.raises(OSError):
        asked_inside(switch, lambda: copy_tagged("p99", "mirror", 1))
