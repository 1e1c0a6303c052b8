"""What two hosts say to each other comes to one reader, and readers share the pairs."""

from __future__ import annotations

import struct
import time
from collections import defaultdict
from collections.abc import Sequence

import pytest

from otmon.capture.fanout import fanout_program
from otmon.capture.ring import BLOCK_BYTES, Ring
from tests.namespaces import inside, missing, wire

needs_a_wire = pytest.mark.skipif(bool(missing()), reason=f"a wire to listen on: {missing()}")
READERS = 3
HOSTS = 60
PROTOCOLS = ("four", "six", "tagged", "twice tagged", "options", "below IP", "fragment")
SERVER = 502
PLAIN_MAC = bytes.fromhex("020000000001020000000002")


def frame(kind: str, one: int, other: int, port: int) -> bytes:
    """From host `one` to host `other`."""
    udp = struct.pack(">HHHH", port, 700, 8, 0)
    if kind == "below IP":
        return (
            bytes(4) + struct.pack(">H", other) + bytes(4) + struct.pack(">H", one) + b"\x88\x92" + bytes(46)
        )
    if kind == "six":
        ends = struct.pack(">14xH14xH", one, other)
        return PLAIN_MAC + b"\x86\xdd\x60\0\0\0\0\x08\x11\x40" + ends + udp
    flags = 0x2001 if kind == "fragment" else 0
    four = struct.pack(">BBHHHBBHBBHBBH", 0x45, 0, 28, 7, flags, 64, 17, 0, 10, 1, one, 10, 2, other)
    if kind == "options":
        four = b"\x46" + four[1:] + bytes(4)
    tags = {"tagged": b"\x81\0\0\x0a", "twice tagged": b"\x88\xa8\0\xc8\x81\0\0\x0a"}.get(kind, b"")
    return PLAIN_MAC + tags + b"\x08\0" + four + udp


def both_ways(kind: str) -> list[tuple[frozenset[int], bytes]]:
    # The networks differ by direction: an answer comes from where the question went.
    made = []
    for host in range(HOSTS):
        for port in (1000, 2000):
            asked = frame(kind, host, host * 7 + 1, port)
            if kind == "below IP":
                answered = frame(kind, host * 7 + 1, host, port)
            elif kind == "six":
                answered = asked[:22] + asked[38:54] + asked[22:38] + asked[54:]
            else:
                at = asked.index(b"\x08\0\x46" if kind == "options" else b"\x08\0\x45") + 2
                answered = (
                    asked[: at + 12] + asked[at + 16 : at + 20] + asked[at + 12 : at + 16] + asked[at + 20 :]
                )
            made += [(frozenset((host, host * 7 + 1)), asked), (frozenset((host, host * 7 + 1)), answered)]
    return made


def readers_of(sent: Sequence[tuple[frozenset[int], bytes]]) -> dict[frozenset[int], set[int]]:
    """Which readers heard the frames of each group."""
    with wire() as wired, inside(wired.namespace):
        share = 7, fanout_program(SERVER)
        rings = [
            Ring(wired.far, ring_bytes=16 * BLOCK_BYTES, block_ms=10, share=share) for _ in range(READERS)
        ]
        readers: dict[frozenset[int], set[int]] = defaultdict(set)
        groups = {data: group for group, data in sent}
        heard = underway = 0
        end = time.monotonic() + 60
        while heard < len(sent) and time.monotonic() < end:
            if heard == underway:
                # Linux queues a thousand packets of a wire, and drops what comes on top.
                wired.send([data for _, data in sent[underway : underway + 200]])
                underway = min(underway + 200, len(sent))
            for number, ring in enumerate(rings):
                batch = ring.next(20)
                if batch is not None:
                    heard += len(batch.start)
                    for at, size in zip(batch.start, batch.caplen, strict=True):
                        readers[groups[bytes(batch.buf[at : at + size])]].add(number)
        for ring in rings:
            ring.close()
    assert heard == len(sent)
    return readers


def hold_together(readers: dict[frozenset[int], set[int]]) -> None:
    assert {len(numbers) for numbers in readers.values()} == {1}
    shares = [sum(numbers == {k} for numbers in readers.values()) for k in range(READERS)]
    assert min(shares) >= len(readers) // READERS // 3, shares


@needs_a_wire
@pytest.mark.parametrize("kind", PROTOCOLS)
def test_two_hosts_have_one_reader_and_readers_share_the_hosts(kind: str) -> None:
    hold_together(readers_of(both_ways(kind)))


@needs_a_wire
@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("proto", [6, 17])
def test_all_clients_of_a_server_come_to_one_reader(family: int, proto: int) -> None:
    sent = []
    for server in range(HOSTS):
        for client in range(1000, 1010):
            for one, other, source, target in (
                (client, server, 4000, SERVER),
                (server, client, SERVER, 4000),
            ):
                ports = struct.pack(">HHHH", source, target, 8, 0) + bytes(12)
                if family == 4:
                    head = struct.pack(">BBHHHBBHHHHH", 0x45, 0, 40, 7, 0, 64, proto, 0, 9, one, 9, other)
                    sent.append((frozenset((server,)), PLAIN_MAC + b"\x08\0" + head + ports))
                else:
                    head = struct.pack(">IHBB14xH14xH", 6 << 28, 20, proto, 64, one, other)
                    sent.append((frozenset((server,)), PLAIN_MAC + b"\x86\xdd" + head + ports))
    hold_together(readers_of(sent))


@needs_a_wire
def test_where_both_ports_are_a_servers_the_two_hosts_have_one_reader() -> None:
    sent = []
    for host in range(HOSTS):
        for one, other in ((host, host + 500), (host + 500, host)):
            head = struct.pack(">BBHHHBBHHHHH", 0x45, 0, 28, 7, 0, 64, 17, 0, 9, one, 9, other)
            data = PLAIN_MAC + b"\x08\0" + head + struct.pack(">HHHH", SERVER, SERVER, 8, 0)
            sent.append((frozenset((host,)), data))
    hold_together(readers_of(sent))


def test_the_program_is_whole() -> None:
    program = fanout_program(SERVER)
    steps = [struct.unpack_from("=HBBI", program, at) for at in range(0, len(program), 8)]
    assert len(program) % 8 == 0 and len(steps) < 4096
    assert steps[-1][0] == 0x16
    assert all(
        at + 1 + max(yes, no) < len(steps) for at, (code, yes, no, _) in enumerate(steps) if code == 0x15
    )
