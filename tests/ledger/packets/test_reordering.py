"""Segments in another order than they were sent: a command is seen in any, and once."""

from __future__ import annotations

from itertools import permutations
from random import Random

import numpy as np
import pytest

from otmon.decode.streams import H_STREAM, HELD, HELD_PER_STREAM, S_HELD
from otmon.lab.frames import Say, connection
from otmon.ledger.copying.commands import RESENT_NS
from tests.ledger.copying.test_command_messages import READS, Line, cut, each, functions
from tests.ledger.copying.test_messages import CLIENT, SERVER, START_NS, WIRE
from tests.ledger.seen import Seen
from tests.protocols.test_commands import READ, STOP


def disordered(line: Line, begin: int, parts: list[bytes], order: list[int] | tuple[int, ...]) -> Line:
    """The parts of a stream from sequence number `begin` on, in this order."""
    places = [begin + sum(map(len, parts[:n])) for n in range(len(parts))]
    for n in order:
        line.resends(places[n], parts[n])
    line.following = begin + sum(map(len, parts))
    return line


@each
@pytest.mark.parametrize("named", [True, False])
def test_a_command_in_segments_of_any_order_is_seen_once(
    protocol: str, payload: bytes, name: str, named: bool
) -> None:
    whole = functions(Line(protocol).says(payload))
    random = Random(name)
    for sequence in (5_000, (1 << 32) - 30):
        for _ in range(20):
            stream = payload + READS[protocol]
            places = random.sample(range(1, len(payload)), min(random.randrange(1, 5), len(payload) - 1))
            parts = cut(stream, *sorted(places))
            order = random.sample(range(len(parts)), len(parts))
            line = Line(protocol, sequence=sequence).says(READS[protocol])
            if not named:
                line.packets.clear()
                # Who connected is known from the handshake, or the first segment could come before.
                order.sort()
                order[1:] = random.sample(order[1:], len(order) - 1)
            disordered(line, line.following, parts, order).says(READS[protocol])
            assert functions(line) == whole, (parts, order)


@each
def test_a_connection_that_begins_out_of_order(protocol: str, payload: bytes, name: str) -> None:
    whole = functions(Line(protocol).says(payload))
    port = Line(protocol).port
    parts = cut(payload, 2, min(5, len(payload) - 1))
    for order in permutations(range(3)):
        says = [Say("client", part, 1_000_000) for part in parts]
        packets = connection(WIRE, START_NS, (CLIENT, SERVER), (50_000, port), says, Random(1), "x")
        sent = [n for n, one in enumerate(packets) if one.data[47] & 8]
        assert len(sent) == len(parts)
        moved = [one.data for one in packets]
        for place, n in zip(sent, order, strict=True):
            moved[place] = packets[sent[n]].data
        frames = zip((one.time_ns for one in packets), moved, strict=True)
        found = Seen().frames(frames).ledger()
        assert sorted((one.function, one.times) for one in found.operations) == whole, order


def test_every_byte_in_a_segment_of_its_own_backwards() -> None:
    line = Line("s7comm").says(READ)
    parts = [STOP[at : at + 1] for at in range(len(STOP))]
    assert functions(disordered(line, line.following, parts, range(len(parts))[::-1])) == [(0x29, 1)]


def test_the_message_behind_goes_on_as_segments_come() -> None:
    line = Line("s7comm").says(READ)
    stream = READ + STOP
    parts = cut(stream, 3, len(READ) + 3)
    assert functions(disordered(line, line.following, parts[:2], (1, 0)).says(parts[2])) == [(0x29, 1)]


def test_what_is_missing_for_long_comes_none_the_less() -> None:
    for wait_ns, found in ((RESENT_NS - 10_000_000, [(0x29, 1)]), (RESENT_NS + 10_000_000, [])):
        line = Line("s7comm").says(READ)
        begin = line.following
        line.resends(begin + 5, STOP[5:]).resends(begin, STOP[:5], wait_ns)
        assert functions(line) == found


def test_lost_bytes_cost_no_command_that_is_cut_behind_them() -> None:
    line = Line("s7comm").says(READ)
    line.following += 700
    line.says(*cut(STOP, 4)).says(*cut(STOP, 9, 12))
    assert sum(one.times for one in line.operations()) == 2


@pytest.mark.parametrize("place", [1, 3, 5, 12])
def test_a_segment_that_nobody_took_hides_no_command_that_is_cut(place: int) -> None:
    for decoy in (READ[:9], READ[:-1], bytes(3), READ + READ[:3]):
        line = Line("s7comm").says(READ)
        begin = line.following
        disordered(line.resends(begin, decoy), begin, cut(STOP, place), (0, 1))
        assert functions(line) == [(0x29, 1)], decoy


def test_what_is_held_has_its_room_and_is_free_again() -> None:
    found = Seen()
    for source in range(1_024, 1_024 + HELD // 16):
        line = Line("s7comm", source=source).says(READ)
        begin = line.following
        for n in range(2 * HELD_PER_STREAM):
            line.resends(begin + 5 + 40 * n, STOP)
        found.frames((one.time_ns, one.data) for one in line.packets)
    assert (
        np.count_nonzero(found.t.early[:, H_STREAM])
        == found.t.command_streams[:, S_HELD : S_HELD + 2].sum()
        == HELD
    )
    # Who has waited for long gives way.
    line = Line("s7comm", source=1_024).says(READ, wait_ns=1)
    begin = line.following
    line.resends(begin + 10**9, READ)
    found.frames((one.time_ns + RESENT_NS, one.data) for one in line.packets)
    assert found.t.command_streams[:, S_HELD : S_HELD + 2].sum() <= HELD - HELD_PER_STREAM
