"""The ring gives the packets that were on the wire, as a file would."""

from __future__ import annotations

import time

import numpy as np
import pytest

from otmon.capture.ring import BLOCK_BYTES, Ring, RingError, card_stamps, linktype_of, walk_block
from tests.namespaces import Wire, inside, missing, wire

pytestmark = pytest.mark.skipif(bool(missing()), reason=f"a wire to listen on: {missing()}")

PLAIN = bytes.fromhex("0200000000010200000000020800") + bytes(range(46))
TAGGED = bytes.fromhex("020000000001020000000002") + bytes.fromhex("8100600a0800") + bytes(range(50))
SERVICE = bytes.fromhex("020000000001020000000002") + bytes.fromhex("88a800c88100000a0800") + bytes(range(50))


@pytest.fixture(name="wired")
def wired_fixture() -> object:
    with wire() as made:
        yield made


def heard(ring: Ring, count: int) -> list[tuple[bytes, int, int]]:
    """Bytes, length on the wire and time of the next `count` packets."""
    found: list[tuple[bytes, int, int]] = []
    end = time.monotonic() + 10
    while len(found) < count and time.monotonic() < end:
        batch = ring.next(100)
        if batch is not None:
            assert batch.first_number == len(found) + 1
            for at, size, wire_size, now in zip(
                batch.start, batch.caplen, batch.wirelen, batch.time_ns, strict=True
            ):
                found.append((bytes(batch.buf[at : at + size]), int(wire_size), int(now)))
    return found


def test_frames_come_as_they_were_sent(wired: Wire) -> None:
    frames = [PLAIN, PLAIN[:40] + bytes(1460), PLAIN[:14] + bytes(8000), PLAIN]
    with inside(wired.namespace), Ring(wired.far, ring_bytes=4 * BLOCK_BYTES) as ring:
        before = time.time_ns()
        wired.send(frames)
        found = heard(ring, len(frames))
        assert [frame for frame, _, _ in found] == frames
        assert [size for _, size, _ in found] == [len(frame) for frame in frames]
        times = [now for _, _, now in found]
        assert times == sorted(times) and before <= times[0] <= times[-1] <= time.time_ns()
        assert ring.linktype == 1 and linked(ring, True)
        assert (ring.counts().received, ring.counts().dropped) == (len(frames), 0)


def test_packets_wait_for_others_as_long_as_they_are_told_to(wired: Wire) -> None:
    """A block is handed over when its time is over: with longer times the same packets come in fewer."""
    batches: dict[int, int] = {}
    for block_ms in (5, 1000):
        with inside(wired.namespace), Ring(wired.far, block_ms=block_ms) as ring:
            for _ in range(40):
                wired.send([PLAIN])
                time.sleep(0.02)
            found = [one for one in iter(lambda: ring.next(1500), None) if one is not None]
        assert sum(len(one.start) for one in found) == 40
        batches[block_ms] = len(found)
    assert batches[1000] < 10 < 20 < batches[5]


def test_tags_that_linux_takes_out_are_put_back(wired: Wire) -> None:
    frames = [TAGGED, PLAIN, SERVICE, TAGGED]
    with inside(wired.namespace), Ring(wired.far, ring_bytes=4 * BLOCK_BYTES) as ring:
        wired.send(frames)
        assert [frame for frame, _, _ in heard(ring, len(frames))] == frames


def test_more_blocks_than_the_ring_has_come_one_after_the_other(wired: Wire) -> None:
    frames = [PLAIN[:14] + number.to_bytes(4, "big") + bytes(8000) for number in range(1_400)]
    # A slow machine hands over a block in the middle of a send: there is room for several.
    with inside(wired.namespace), Ring(wired.far, ring_bytes=6 * BLOCK_BYTES, block_ms=10) as ring:
        found: list[bytes] = []
        for first in range(0, len(frames), 100):
            ring.release()
            wired.send(frames[first : first + 100])
            end = time.monotonic() + 10
            while len(found) < first + 100 and time.monotonic() < end:
                batch = ring.next(50)
                if batch is not None:
                    found += [
                        bytes(batch.buf[at : at + n]) for at, n in zip(batch.start, batch.caplen, strict=True)
                    ]
        assert ring.counts().dropped == 0
        assert found == frames


def test_what_the_ring_has_no_room_for_is_counted(wired: Wire) -> None:
    frames = [PLAIN[:14] + bytes(8000)] * 1_000
    with inside(wired.namespace), Ring(wired.far, ring_bytes=2 * BLOCK_BYTES) as ring:
        wired.send(frames)
        # The kernel hands a block over when it is full, or some time later.
        end = time.monotonic() + 10
        while ring.fill() < 1.0 and time.monotonic() < end:
            time.sleep(0.02)
        counts = ring.counts()
        assert ring.fill() == 1.0
        kept = len(heard(ring, len(frames) - counts.dropped))
        assert counts.received == len(frames)
        assert counts.dropped > 0 and counts.freezes > 0
        assert kept + counts.dropped == len(frames)


def test_nothing_is_heard_of_what_this_machine_sends_there(wired: Wire) -> None:
    with inside(wired.namespace), Ring(wired.near, ring_bytes=2 * BLOCK_BYTES) as ring:
        wired.send([PLAIN] * 5)
        assert ring.next(300) is None and ring.counts().received == 0


def linked(ring: Ring, wanted: bool) -> bool:
    """Whether the interface has a link, or none, as wanted: Linux looks at most once a second."""
    end = time.monotonic() + 30
    while ring.is_up() != wanted and time.monotonic() < end:
        time.sleep(0.02)
    return ring.is_up() == wanted


def test_a_cable_that_is_out_is_no_link(wired: Wire) -> None:
    with inside(wired.namespace), Ring(wired.far, ring_bytes=2 * BLOCK_BYTES) as ring:
        assert linked(ring, True)
        wired.run("ip", "link", "set", wired.near, "down")
        assert linked(ring, False)
        wired.run("ip", "link", "set", wired.near, "up")
        assert linked(ring, True)


def test_an_interface_may_go_down_and_come_back(wired: Wire) -> None:
    with inside(wired.namespace), Ring(wired.far, ring_bytes=2 * BLOCK_BYTES) as ring:
        wired.run("ip", "link", "set", wired.far, "down")
        assert ring.next(50) is None and not ring.is_up()
        assert ring.next(50) is None
        wired.run("ip", "link", "set", wired.far, "up")
        wired.send([PLAIN])
        assert [frame for frame, _, _ in heard(ring, 1)] == [PLAIN]
        assert linked(ring, True)


def test_an_interface_that_was_taken_away_is_not_another_one_of_its_name(wired: Wire) -> None:
    with inside(wired.namespace), Ring(wired.far, ring_bytes=2 * BLOCK_BYTES) as ring:
        assert not ring.is_replaced()
        wired.run("ip", "link", "delete", wired.far)
        assert not ring.is_up() and not ring.is_replaced()
        wired.run("ip", "link", "add", wired.near, "type", "veth", "peer", "name", wired.far)
        for name in (wired.near, wired.far):
            wired.run("ip", "link", "set", name, "up")
        assert linked(ring, True) and ring.is_replaced()
        wired.send([PLAIN])
        assert ring.next(300) is None


def test_a_filter_lets_pass_what_it_says(wired: Wire) -> None:
    """ldh [12]; jeq 0x0800, pass, drop (with the tag taken out, as Linux's filters see it)."""
    program = bytes.fromhex("28000000 0c000000 15000001 00080000 06000000 ffffff7f 06000000 00000000")
    with inside(wired.namespace), Ring(wired.far, ring_bytes=2 * BLOCK_BYTES, program=program) as ring:
        other = PLAIN[:12] + b"\x88\xb5" + PLAIN[14:]
        wired.send([other, PLAIN, other])
        assert [frame for frame, _, _ in heard(ring, 1)] == [PLAIN]
        assert ring.counts().received == 1


@pytest.mark.parametrize("name", ["nothere0", "", "a" * 40, "../lo", "a\0b"])
def test_an_interface_that_is_not_there(name: str) -> None:
    with pytest.raises(RingError, match="no such interface"):
        linktype_of(name)


def test_a_ring_is_read_on_by_another_reader(wired: Wire) -> None:
    frames = [PLAIN[:14] + number.to_bytes(4, "big") + bytes(8000) for number in range(300)]
    with inside(wired.namespace), Ring(wired.far, ring_bytes=6 * BLOCK_BYTES, block_ms=10) as ring:
        wired.send(frames)
        first = ring.next(200)
        assert first is not None
        count = len(first.start)
        assert 0 < count < len(frames)
        ring.release()
        # Another reader knows nothing of where the first one was.
        ring._next = 5
        ring.resume(count)
        rest: list[bytes] = []
        while (batch := ring.next(200)) is not None:
            assert batch.first_number == count + len(rest) + 1
            rest += [bytes(batch.buf[at : at + n]) for at, n in zip(batch.start, batch.caplen, strict=True)]
        assert rest == frames[count:]
        # And again where all was read: the block that Linux fills now comes next.
        ring._next = 0
        ring.resume(len(frames))
        wired.send(frames[:3])
        assert [frame for frame, _, _ in heard_on(ring, 3)] == frames[:3]


def heard_on(ring: Ring, count: int) -> list[tuple[bytes, int, int]]:
    """As `heard`, whatever the number of the first packet."""
    ring._number = 1
    return heard(ring, count)


def test_times_of_the_card_are_counted_and_a_wire_has_none(wired: Wire) -> None:
    with inside(wired.namespace), Ring(wired.far, ring_bytes=2 * BLOCK_BYTES, card_time=True) as ring:
        before = time.time_ns()
        wired.send([PLAIN, PLAIN])
        found = heard(ring, 2)
        assert ring.stamped == 0 and before <= found[0][2] <= time.time_ns()
        assert not card_stamps(wired.far)
        assert not card_stamps("nothere0")
        words = np.frombuffer(ring._memory, np.uint32, BLOCK_BYTES // 4)
        block = words.copy()
        first = int(block[4]) // 4
        block[first + 5] |= 1 << 31
        columns = np.zeros((5, 16), np.int64)
        assert walk_block(block.view(np.uint8), block, columns) == (2, 1)
