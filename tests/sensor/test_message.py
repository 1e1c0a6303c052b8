"""What one process says the other understands, and nonsense is told as such, whatever it is."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import suppress
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otmon.capture.ring import RingCounts
from otmon.ledger.facts import Source
from otmon.ledger.harvest.rows import Rows, no_rows
from otmon.ledger.rank import Bars
from otmon.sensor.clock import Jump
from otmon.sensor.message import (
    BODY_BYTES,
    Ended,
    Gone,
    bars_in,
    bars_message,
    kept_message,
    kept_of,
    part_message,
    part_of,
    receive,
    send,
    state_message,
    state_of,
)
from otmon.sensor.observer import Part, State
from otmon.sensor.recent_packets import Kept

SOURCE = Source("", 5, 600, 10, 20, (("layer.ip", 5), ("packets", 5)))
STATE = State(True, 0.25, RingCounts(9, 2, 1), SOURCE, 4, -77, 3, 0, Jump(-3_600, 1 << 60, "held"), -3_600)
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
)


def rows(seed: int) -> Rows:
    """Some rows in each table."""
    numbers = np.random.default_rng(seed)
    none = no_rows()
    filled = [
        numbers.integers(-9, 9, (seed + index, field.shape[1]))
        for index, field in enumerate(getattr(none, one.name) for one in fields(none)[:-1])
    ]
    return Rows(*filled, np.arange(seed, dtype=np.uint8))


def same(one: Rows, other: Rows) -> bool:
    return all(np.array_equal(getattr(one, f.name), getattr(other, f.name)) for f in fields(one))


def over(
    head: dict[str, object], body: list[np.ndarray] | None = None
) -> tuple[dict[str, object], bytearray]:
    """Through a real pair of sockets."""
    near, far = socket.socketpair()
    with near, far:
        sender = threading.Thread(target=send, args=(near, head, body or []))
        sender.start()
        got = receive(far)
        sender.join()
    return got


def test_a_part_comes_as_it_was() -> None:
    beyond = (("assets", 3, 1 << 40),)
    spans = ((3, 9), (1 << 60, 1 << 61))
    part = Part((rows(3), rows(4)), rows(50), (("assets", 7),), SOURCE, beyond, spans, 8, (5, 1 << 62))
    got = part_of(*over(*part_message(part)))
    assert (got.shed, got.source, len(got.ended)) == (part.shed, part.source, 2)
    assert (got.spans, got.now_ns, got.beyond) == (part.spans, part.now_ns, beyond)
    assert got.wrong == part.wrong
    assert all(same(a, b) for a, b in zip((*part.ended, part.in_use), (*got.ended, got.in_use), strict=True))


def test_bars_come_as_they_were() -> None:
    bars = Bars((3, 2**64 - 1), None, (0, 0), (1, 5), None, 2**64 - 2)
    assert bars_in(over({"bars": bars_message(bars)})[0]["bars"]) == bars
    for wrong in ([], None, [None] * 5, [None] * 7, [None] * 5 + [2**64], [[0, -1], *[None] * 4, 1], [5] * 6):
        with pytest.raises(Gone):
            bars_in(wrong)


def test_a_state_and_packets_come_as_they_were() -> None:
    assert state_of(over(state_message(STATE))[0]) == STATE
    packets = [Kept(1, 10, b"abc", 60), Kept(7, 11, b"", 61), Kept(8, 12, b"\0\xff", 1500)]
    assert kept_of(*over(*kept_message(packets))) == packets
    assert kept_of(*over(*kept_message([]))) == []


@given(ANY, st.binary(max_size=40))
def test_whatever_is_said_is_understood_or_refused(said: object, body: bytes) -> None:
    head = said if isinstance(said, dict) else {"rows": said, "packets": said, "counts": said, "shed": []}
    for understood in (part_of, kept_of, lambda one, _: state_of(one)):
        with suppress(Gone):
            understood(head, bytearray(body))


def test_rows_that_lie_about_their_number_are_refused() -> None:
    head, arrays = part_message(Part((), rows(2), (), SOURCE))
    body = b"".join(one.tobytes() for one in arrays)
    numbers = json.loads(json.dumps(head))
    for change in (1, -1, 1 << 40):
        lying = json.loads(json.dumps(numbers))
        lying["rows"][0][2] += change
        with pytest.raises(Gone):
            part_of(lying, bytearray(body))


@pytest.mark.parametrize("spans", [[[1]], [[-1, 2]], [["a", "b"]], [[n, n] for n in range(17)], 5])
def test_spans_that_are_none_are_refused(spans: object) -> None:
    head, arrays = part_message(Part((), rows(2), (), SOURCE))
    with pytest.raises(Gone):
        part_of(head | {"spans": spans}, bytearray(b"".join(one.tobytes() for one in arrays)))


@pytest.mark.parametrize("wrong", [[1], [1, 2, 3], [-1, 2], [1, "b"], 5, [True, 2], {}])
def test_a_wrong_clock_that_is_none_is_refused(wrong: object) -> None:
    head, arrays = part_message(Part((), rows(2), (), SOURCE))
    with pytest.raises(Gone):
        part_of(head | {"wrong": wrong}, bytearray(b"".join(one.tobytes() for one in arrays)))


@pytest.mark.parametrize("jump", [[1, 2], [1, 2, "x"], [1, 2, []], [1 << 63, 2, "set"], [1, -1, "set"], None])
def test_a_jump_that_is_none_is_refused(jump: object) -> None:
    with pytest.raises(Gone):
        state_of(state_message(STATE) | {"jump": jump})


def test_the_end_and_silence_are_told_apart_and_sizes_are_bounded() -> None:
    near, far = socket.socketpair()
    with near, far:
        far.settimeout(0.05)
        with pytest.raises(Gone) as silent:
            receive(far)
        assert not isinstance(silent.value, Ended)
        near.sendall((4).to_bytes(4, "little") + (BODY_BYTES + 1).to_bytes(8, "little"))
        with pytest.raises(Gone, match="bytes"):
            receive(far)
    near, far = socket.socketpair()
    with far:
        near.sendall(b"\1\0")
        near.close()
        with pytest.raises(Ended):
            receive(far)
        with pytest.raises(Ended):
            send(far, {})
            send(far, {})
