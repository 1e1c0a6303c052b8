"""The kernels that find packets in captures, on any bytes: they stay inside, go on and agree.

Interpreted (`make fuzz`, and a process of its own here), each read or write out of range raises, as
the arrays are no longer than the contract of the kernels says.
"""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import NamedTuple

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from otmon.capture import pcap, pcapng
from otmon.capture.window import JUMPS
from tests.capture.written import (
    ORDERS,
    SECOND,
    T0,
    enhanced,
    interface,
    obsolete,
    options,
    row,
    section,
    simple,
)
from tests.capture.written import pcap as pcap_file

SHORTEST = {"pcap": pcap.RECORD, "pcapng": pcapng.SMALLEST}
UNITS = [6, 9, 0, 3, 12, 19, 27, 28, 127, 128, 138, 160, 190, 191, 192, 255]
FARTHEST = 9_000_000_000 * SECOND


class Question(NamedTuple):
    """Bytes for the kernels of a format, and what their reader knows by then."""

    format: str
    data: bytes
    big: bool
    last_ns: int
    scale: int = 1000
    interfaces: tuple[tuple[int, int, int, int, int], ...] = ()


def answer(question: Question, margin: int = 0, filling: int = 0) -> list[list[int]]:
    """Every value that the kernels give when they are led through the bytes as the readers do; the
    bytes lie between margins that must not matter."""
    end = margin + len(question.data)
    buf = np.full(end + margin, filling, np.uint8)
    buf[margin:end] = np.frombuffer(question.data, np.uint8)
    columns = [np.zeros(len(question.data) // 16 + 1, np.int64) for _ in range(6)]
    start, caplen, wirelen, time_ns, linktype, came_by = columns
    jumps = np.zeros((JUMPS, 2), np.int64)
    state = np.zeros(pcap.Q_COLUMNS, np.int64)
    state[pcap.Q_TIME] = question.last_ns
    interfaces = np.array(question.interfaces, np.int64).reshape(-1, pcapng.I_COLUMNS)
    at, given = margin, []
    while True:
        if question.format == "pcap":
            count = pcap.walk(
                buf, at, end, question.big, question.scale, start, caplen, wirelen, time_ns, state, jumps
            )
        else:
            count = pcapng.walk(
                buf, at, end, question.big, interfaces, len(interfaces),
                start, caplen, wirelen, time_ns, linktype, came_by, state, jumps,
            )  # fmt: skip
        stopped, why = int(state[pcap.Q_AT]), int(state[pcap.Q_WHY])
        noted = min(int(state[pcap.Q_JUMPS]), JUMPS)
        assert at <= stopped <= end
        firsts, sizes = start[:count].tolist(), caplen[:count].tolist()
        # Packets are in order, do not overlap and lie between where the pass began and ended.
        edges = [at, *(edge for f, s in zip(firsts, sizes, strict=True) for edge in (f, f + s)), stopped]
        assert edges == sorted(edges)
        assert (wirelen[:count] >= caplen[:count]).all()
        assert (time_ns[:count] >= 0).all()
        given.append([stopped - margin, why, int(state[pcap.Q_TIME]), int(state[pcap.Q_JUMPS])])
        given.append([f - margin for f in firsts])
        given += [column[:count].tolist() for column in columns[1:]]
        given += [[a - margin, by] for a, by in jumps[:noted].tolist()]
        stop = end + 1 - SHORTEST[question.format]
        first = stopped + 1
        if question.format == "pcap":
            last_s = int(state[pcap.Q_TIME]) // SECOND
            for least in (pcap.CHAIN, 1):
                at = pcap.resume(buf, first, stop, end, question.big, question.scale, last_s, least)
                given.append([at - margin])
        else:
            at = pcapng.resume(buf, first, stop, end, question.big)
            given.append([at - margin])
        assert first <= at <= max(first, stop)
        if at >= stop:
            return given


def damaged(data: bytes, at: int, size: int, piece: bytes) -> bytes:
    at %= len(data) + 1
    return data[:at] + piece + data[at + size :]


def seeds() -> list[tuple[str, bytes, bool]]:
    """Format, bytes and whether they are big-endian."""
    out: list[tuple[str, bytes, bool]] = []
    for order in ORDERS:
        big = order == ">"
        out.append(("pcap", pcap_file(row(8), order)[pcap.HEADER :], big))
        head = section(order) + interface(order, tsresol=9) + interface(order)
        packets = [
            enhanced(b"enhanced", order=order, interface_id=1),
            simple(b"simple", order),
            obsolete(b"obsolete", T0 * 1_000_000 - 9_000_000, order),
            enhanced(b"", T0 * 1_000_000 + 1, order),
            enhanced(b"sent", order=order, more=options((1, b"abcde"), (2, b"\2\0\0\2"), order=order)),
        ]
        for blocks in (packets * 3, [*packets, head, *packets]):
            out.append(("pcapng", b"".join(blocks), big))
    return out


WORDS = [
    0, 1, 2, 3, 4, 5, 6, 10, 11, 12, 16, 20, 28, 32, 36, 40, 64, 999_999_999, 1_000_000_001, T0, T0 + 1,
    pcap.LONGEST, pcap.LONGEST + 1, pcapng.LARGEST, pcapng.LARGEST + 4, pcapng.SKIPPED, pcapng.CUSTOM,
    pcapng.SECTION, 0x1A2B3C4D, 0x4D3C2B1A, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFC, 0xFFFFFFFF,
]  # fmt: skip

whole = st.sampled_from(seeds())
questions = st.builds(
    lambda asked, last, scale, interfaces: Question(*asked, last, scale, tuple(interfaces)),
    st.one_of(
        st.tuples(st.sampled_from(sorted(SHORTEST)), st.binary(max_size=200), st.booleans()),
        st.builds(
            lambda name, words, order: (name, struct.pack(f"{order}{len(words)}I", *words), order == ">"),
            st.sampled_from(sorted(SHORTEST)),
            st.lists(st.sampled_from(WORDS), max_size=60),
            st.sampled_from(ORDERS),
        ),
        st.builds(
            lambda seed, at, size, piece: (seed[0], damaged(seed[1], at, size, piece), seed[2]),
            whole,
            st.integers(0, 800),
            st.integers(0, 8),
            st.binary(max_size=8),
        ),
    ),
    st.sampled_from([-1, 0, T0 * SECOND, FARTHEST]),
    st.sampled_from([1, 1000]),
    st.lists(
        st.tuples(
            st.integers(0, 0xFFFF),
            st.sampled_from([0, 7, 65535, 0xFFFFFFFF]),
            st.sampled_from(UNITS) | st.integers(0, 255),
            st.sampled_from([0, 3600 * SECOND, -3600 * SECOND, FARTHEST, -FARTHEST]),
            st.integers(-1, 3),
        ),
        max_size=3,
    ),
)


@given(question=questions)
def test_any_bytes_are_walked_to_their_end_and_nothing_around_them_matters(question: Question) -> None:
    found = answer(question)
    for filling in (0x00, 0x06, 0xFF):
        assert answer(question, 64, filling) == found


@given(question=questions)
def test_what_is_there_already_is_found_alike_when_more_follows(question: Question) -> None:
    """A pass over the first bytes gives the packets that a pass over all gives first."""
    firsts = answer(question)[1]
    for size in range(0, len(question.data), 7):
        cut = answer(question._replace(data=question.data[:size]))[1]
        assert cut == firsts[: len(cut)]


INTERPRETED = """
import json, sys
import numba
from tests.fuzz.test_capture import Question, answer
assert numba.config.DISABLE_JIT
answers = []
for name, data, big, last, scale, interfaces in json.load(sys.stdin):
    answers.append(answer(Question(name, bytes.fromhex(data), big, last, scale, interfaces)))
json.dump(answers, sys.stdout)
"""


def random_questions(count: int) -> list[Question]:
    random = Random(20260103)
    found = []
    for _ in range(count):
        name, data, big = random.choice(seeds())
        if random.random() < 0.3:
            data = struct.pack(">40I" if big else "<40I", *random.choices(WORDS, k=40))
        for _ in range(random.randrange(4)):
            data = damaged(
                data, random.randrange(800), random.randrange(6), random.randbytes(random.randrange(6))
            )
        interfaces = [(1, 0, 6, 0, 0), (1, 65535, 9, 0, 1)][: random.choice((0, 2, 2))]
        interfaces += [
            (
                random.randrange(300),
                random.choice((0, 7, 65535)),
                random.choice(UNITS),
                random.choice((0, 3600 * SECOND, -FARTHEST, FARTHEST)),
                random.randrange(-1, 4),
            )
            for _ in range(random.randrange(4))
        ]
        last = random.choice((-1, 0, T0 * SECOND))
        found.append(Question(name, data, big, last, random.choice((1, 1000)), tuple(interfaces)))
    return found


def test_interpreted_and_compiled_give_the_same_and_never_read_beyond_the_end() -> None:
    asked = random_questions(1500)
    result = subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", "-c", INTERPRETED],
        input=json.dumps([question._replace(data=question.data.hex()) for question in asked]),
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
    )
    assert result.returncode == 0, result.stderr
    answers = [answer(question) for question in asked]
    assert json.loads(result.stdout) == answers
    # The questions are not all answered by silence.
    for name in SHORTEST:
        packets = [len(one[1]) for one, q in zip(answers, asked, strict=True) if q.format == name]
        assert sum(count > 0 for count in packets) > len(packets) // 10
