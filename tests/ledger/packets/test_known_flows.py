"""Packets of known flows: the short way comes to what the long way comes to."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otmon.decode.fields import PRINT
from otmon.kernel import kernel
from otmon.ledger.packets.known_flows import count_known
from otmon.ledger.packets.lookahead import look_ahead
from tests.ledger.seen import Seen, either_way
from tests.truth.frames import ACK, FIN, MACS, PSH, RST, SYN, ethernet, ipv4, tcp
from tests.truth.talk import MILLISECOND, SECOND, START_NS

HOSTS = "10.0.0.1", "10.0.0.2", "10.0.0.3"
OTHER_MACS = bytes.fromhex("020000000099"), MACS[1]
PAUSES = (0, 1_000, 3 * MILLISECOND, 10 * MILLISECOND, 61 * SECOND, 3700 * SECOND, -2 * SECOND)


@kernel
def known(t, now):  # type: ignore[no-untyped-def]
    """What is put into its caller's body needs a caller."""
    return count_known(t, t.rows[0], 2, now)


def segment(
    src: int,
    dst: int,
    ports: tuple[int, int],
    flags: int,
    payload: bytes,
    number: int,
    other_mac: bool = False,
) -> bytes:
    data = tcp(HOSTS[src], HOSTS[dst], ports, (number, 7), flags, 8192, payload)
    datagram = ipv4(HOSTS[src], HOSTS[dst], 6, data, number & 0xFFFF)
    return ethernet(macs=OTHER_MACS if other_mac else MACS)(datagram, int(src > dst))


ENDS = st.sampled_from([(0, 1), (1, 0), (0, 2), (2, 0), (1, 1)])
PORTS = st.sampled_from([(40_000, 4840), (4840, 40_000), (40_000, 40_000), (40_001, 4840)])
FLAGS = st.sampled_from([ACK] * 6 + [ACK | PSH, SYN, SYN | ACK, FIN | ACK, RST, RST | ACK, 0])
SEGMENTS = st.tuples(
    ENDS, PORTS, FLAGS, st.sampled_from([b"", b"", b"GET / HTTP/1.1\r\n\r\n", b"\1\2\3"]),
    st.integers(1, 5), st.sampled_from([False] * 8 + [True]),
).map(lambda one: segment(*one[0], *one[1:]))  # fmt: skip


@given(st.lists(st.tuples(st.sampled_from(PAUSES), st.booleans(), SEGMENTS), max_size=40))
def test_the_short_way_comes_to_what_the_long_one_does(steps: list[tuple[int, bool, bytes]]) -> None:
    frames: list[tuple[int, bytes]] = []
    now = START_NS
    for pause, again, frame in steps:
        now += pause
        # A mirror's copy, or a segment that is sent again.
        frames.append((now, frames[-1][1] if again and frames else frame))
    short, long = either_way(frames)
    assert short == long


def ahead(seen: Seen, frame: bytes) -> None:
    """Read the headers of a frame, as the next one, into the first row."""
    buf = np.frombuffer(frame, np.uint8).copy()
    look_ahead(buf, *(np.array([value]) for value in (0, len(frame), len(frame), 1)), 0, seen.t)
    assert seen.t.rows[0, PRINT] != 0


@pytest.mark.parametrize(
    ("change", "taken"),
    [
        ({}, True),
        ({"flags": FIN | ACK}, False),
        ({"flags": SYN}, False),
        ({"flags": RST}, False),
        ({"other_mac": True}, False),
        ({"ports": (40_001, 4840)}, False),
        ({"number": 1}, False),
    ],
)  # fmt: skip
def test_it_is_for_what_changes_counts_alone(change: dict[str, object], taken: bool) -> None:
    usual = {"src": 0, "dst": 1, "ports": (40_000, 4840), "flags": ACK, "payload": b"", "number": 1}
    seen = Seen().frames([(START_NS, segment(**usual))])  # type: ignore[arg-type]
    ahead(seen, segment(**{**usual, "number": 2, **change}))  # type: ignore[arg-type]
    assert (known(seen.t, START_NS + 1) >= 0) == taken


def test_a_minute_begins_the_long_way() -> None:
    seen = Seen().frames([(START_NS, segment(0, 1, (40_000, 4840), ACK, b"", 1))])
    seen.frames([(START_NS + 60 * SECOND, segment(0, 2, (40_000, 4840), ACK, b"", 1))])
    ahead(seen, segment(0, 1, (40_000, 4840), ACK, b"", 2))
    assert known(seen.t, START_NS + 60 * SECOND) == -1
