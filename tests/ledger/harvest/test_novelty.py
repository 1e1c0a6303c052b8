"""A sensor judges when `note_new` says so: it may not miss what makes facts others; repetition is nothing."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otmon.capture.batch import Batch
from otmon.capture.sources import read
from otmon.decode.flows import mix
from otmon.ledger.harvest.harvest import facts_of
from otmon.ledger.harvest.novelty import KNOWN, KNOWN_WAYS, is_unknown, note_new, power_of_two
from otmon.ledger.harvest.rows import ended_rows, rows_in_use
from otmon.ledger.ledger import Ledger
from otmon.ledger.merge import merge_all
from otmon.sensor.outline import outline
from tests.ledger.seen import Seen
from tests.sensor.traffic import ROOT
from tests.truth.capture import packets
from tests.truth.messages import read_registers
from tests.truth.talk import MILLISECOND, Talk, whole

READ = read_registers(3, 100, 4, Random(1))
OTHER = read_registers(3, 900, 4, Random(1))

SECRET = 0x1234_5678_9ABC_DEF
HOUR_NS = 3_600_000_000_000
DAYS = ("factory-day", "body-line-day", "two-factories-day", "water-works-day")


def frames_of(name: str) -> list[tuple[int, bytes]]:
    """All frames of a capture in pcaps/, with their times."""
    return [
        (int(now), bytes(item.buf[start : start + size]))
        for item in read(str(ROOT / "pcaps" / f"{name}.pcapng"), progress=None)
        if isinstance(item, Batch)
        for start, size, now in zip(item.start, item.caplen, item.time_ns, strict=True)
    ]


def facts(seen: Seen, ended: list[Ledger]) -> Ledger:
    """Those that are made of rows, without how many connections were reset, of which novelty says nothing."""
    ended.append(facts_of(ended_rows(seen.t), "x"))
    ledger = merge_all([*ended, facts_of(rows_in_use(seen.t), "x")])
    calm = tuple(replace(one, resets=min(one.resets, 1)) for one in ledger.conversations)
    return replace(ledger, conversations=calm)


@pytest.mark.parametrize("day", DAYS)
def test_what_makes_facts_others_is_new(day: str) -> None:
    frames = frames_of(day)
    seen, known = Seen(), np.zeros(KNOWN, np.int64)
    ended: list[Ledger] = []
    before: set[int] = set()
    changes = quiet = 0
    # The first packets change something each time; later ones hardly ever do.
    ends = [*range(50), *range(50, len(frames), 197), len(frames)]
    for begin, end in pairwise(ends):
        seen.frames(frames[begin:end])
        new = note_new(seen.t, known, SECRET)
        now = set(outline(facts(seen, ended)).tolist())
        assert new or now <= before, (begin, end)
        changes += not now <= before
        quiet += not new
        before |= now
    assert changes > 20 and quiet > 5


@pytest.mark.parametrize("day", DAYS)
def test_a_day_like_the_one_before_is_nothing_new(day: str) -> None:
    frames = frames_of(day)
    seen, known = Seen(), np.zeros(KNOWN, np.int64)
    first = note_new(seen.frames(frames).t, known, SECRET)
    assert note_new(seen.t, known, SECRET) == 0
    # Another run has other identities: nobody can say which of them are alike.
    assert note_new(seen.t, known.copy(), SECRET + 1) == first
    later = [(now + 24 * HOUR_NS, frame) for now, frame in frames]
    assert note_new(seen.frames(later).t, known, SECRET) < first / 20
    again = [(now + 48 * HOUR_NS, frame) for now, frame in frames]
    assert note_new(seen.frames(again).t, known, SECRET) == 0


def test_a_request_is_new_once_however_it_is_answered() -> None:
    """What nobody asked before must be told at once, without its answer; a poll that waits is none."""
    talk = Talk("x")
    # So often that no peak reaches a power of two by what follows.
    for _ in range(9):
        talk.poll(READ)
    polled_ns = talk.now
    talk.ask(READ)
    talk.now += MILLISECOND
    waiting_ns = talk.now
    talk.ask(OTHER)
    sent = packets(talk, whole(talk))
    seen, known = Seen(), np.zeros(KNOWN, np.int64)

    def new_until(begin_ns: int, end_ns: int) -> int:
        seen.packets(one for one in sent if begin_ns <= one.time_ns < end_ns)
        return note_new(seen.t, known, SECRET)

    assert new_until(0, polled_ns) > 0
    assert new_until(polled_ns, waiting_ns) == 0
    assert new_until(waiting_ns, waiting_ns + 1) == 1


@given(st.lists(st.integers(1, 40), max_size=200))
def test_what_is_known_is_new_once(numbers: list[int]) -> None:
    known = np.zeros(KNOWN, np.int64)
    distinct: set[int] = set()
    for number in numbers:
        assert is_unknown(known, mix(0, number) | 1) == (number not in distinct)
        distinct.add(number)


def test_a_full_set_forgets_the_oldest() -> None:
    known = np.zeros(KNOWN, np.int64)
    alike = [(n * KNOWN) << 8 | 1 for n in range(KNOWN_WAYS + 1)]
    assert [is_unknown(known, one) for one in alike] == [1] * len(alike)
    assert [is_unknown(known, one) for one in alike[1:]] == [0] * KNOWN_WAYS
    assert is_unknown(known, alike[0]) == 1


@pytest.mark.parametrize(("count", "bits"), [(0, 0), (1, 1), (2, 2), (3, 2), (4, 3), (1 << 40, 41)])
def test_peaks_count_by_powers_of_two(count: int, bits: int) -> None:
    assert power_of_two(count) == bits == count.bit_length()
