"""The loop over layers: the short way for usual packets gives what the long way does."""

from __future__ import annotations

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from otmon.decode.fields import COUNTERS, FIELDS
from otmon.decode.packet import USUAL, count_usual, decode_usual
from otmon.kernel import kernel
from tests.decode.rows import MARGIN, Decoder
from tests.truth.frames import LINKS, Link, ethernet, ipv4, tcp, udp

ENDS = ("10.0.1.10", "10.0.2.17")


@kernel
def usual(buf, start, caplen, wirelen, row, counters):  # type: ignore[no-untyped-def]
    """What is put into its caller's body needs a caller."""
    if not decode_usual(buf, start, caplen, wirelen, row):
        return False
    count_usual(row, counters)
    return True


def both_ways(frame: bytes, wirelen: int) -> bool:
    """Hold the short way against the long one, if it takes the frame at all."""
    buf = np.full(len(frame) + 2 * MARGIN, 0x45, np.uint8)
    buf[MARGIN : MARGIN + len(frame)] = np.frombuffer(frame, np.uint8)
    row, counters = np.zeros(FIELDS, np.int64), np.zeros(COUNTERS, np.int64)
    for column, value in USUAL:
        row[column] = value
    before = row.copy()
    taken = bool(usual(buf, MARGIN, len(frame), wirelen, row, counters))
    decode = Decoder()
    expected = decode(frame, 1, wirelen)
    if taken:
        assert row.tolist() == expected.values.tolist()
        assert counters.tolist() == decode.counters.tolist()
    else:
        assert row.tolist() == before.tolist()
        assert not counters.any()
    return taken


def test_usual_packets_take_the_short_way() -> None:
    for data, proto in (
        (tcp(*ENDS, (49_152, 502), (1, 2), 24, 9, b"abc"), 6),
        (udp(*ENDS, (9, 53), b"abc"), 17),
    ):
        assert both_ways(ethernet()(ipv4(*ENDS, proto, data, 7), 0), 60)


@given(
    st.sampled_from((6, 17)), st.binary(max_size=80), st.integers(0, 90),
    st.lists(st.tuples(st.integers(0, 53), st.integers(0, 255)), max_size=3), st.integers(0, 70),
)  # fmt: skip
def test_both_ways_give_the_same(
    proto: int, payload: bytes, cut: int, changes: list[tuple[int, int]], more: int
) -> None:
    data = udp(*ENDS, (9, 53), payload)
    if proto == 6:
        data = tcp(*ENDS, (49_152, 502), (1, 2), 24, 9, payload)
    frame = bytearray(ethernet()(ipv4(*ENDS, proto, data, 7), 0))
    for place, value in changes:
        frame[place] = value
    short = bytes(frame[: max(len(frame) - cut, 0)] if cut > 20 else frame)
    both_ways(short, len(short) + more)


@given(st.sampled_from(LINKS), st.binary(max_size=40))
def test_other_packets_take_the_long_way(link: Link, payload: bytes) -> None:
    assume(link.linktype == 1)
    frame = link.wrap(ipv4(*ENDS, 6, tcp(*ENDS, (49_152, 502), (1, 2), 24, 9, payload), 7), 0)
    both_ways(frame, len(frame))


@given(st.binary(max_size=120), st.sampled_from((0, 1, 9, 101, 113, 276, 105)))
def test_any_bytes_give_a_row_within_them(data: bytes, linktype: int) -> None:
    rows = [Decoder()(data, linktype, len(data) + 5, filling=value) for value in (0x00, 0x45, 0x81)]
    assert len({tuple(row.values.tolist()) for row in rows}) == 1
    assert rows[0][0] <= rows[0][1] <= len(data) + MARGIN
