"""What waits is bounded, and what is pushed out is counted; that the ledger stays the same is seen in
`test_intake`."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np

from otmon.decode.flows import F_A_LO, F_PACKETS
from otmon.ledger.harvest.rows import Rows, no_rows, rows_in_use
from otmon.ledger.harvest.waiting_rows import TIMES, WaitingRows
from otmon.ledger.ledger import LIMITS
from otmon.ledger.rank import NO_BARS, Bars
from otmon.ledger.tables import X_COLUMNS, X_LO, X_MAC, X_PACKETS, X_PORT
from tests.ledger.harvest.test_novelty import frames_of
from tests.ledger.seen import Seen

FEW = replace(LIMITS, conversations=10, assets=10)


def nobody(kind: str, rows: Rows) -> None:
    raise AssertionError(f"{len(rows)} rows of {kind}")


def flows(count: int, hosts: int) -> Rows:
    one = rows_in_use(Seen().frames(frames_of("factory-day")[:50]).t).flows[:1]
    many = np.repeat(one, count, axis=0)
    many[:, F_A_LO] = 10 << 24 | np.arange(count) % hosts
    many[:, F_PACKETS], many[:, F_PACKETS + 1] = 2, 1
    return replace(no_rows(), flows=many)


def senders(count: int, port: int) -> Rows:
    many = np.zeros((count, X_COLUMNS), np.int64)
    many[:, X_MAC] = many[:, X_LO] = 1 + np.arange(count)
    many[:, X_PACKETS], many[:, X_PORT] = 1, port
    return replace(no_rows(), assets=many)


def test_of_many_hosts_as_many_leave_as_there_are_places() -> None:
    waiting = WaitingRows(FEW, nobody)
    for begin in range(0, 200, 4):
        waiting.take(replace(no_rows(), flows=flows(200, 200).flows[begin : begin + 4]), NO_BARS)
        assert len(waiting) <= TIMES * FEW.conversations
    left = waiting.leave("conversations")
    assert left is not None and len(left) == 10 and len(waiting) == 0
    assert waiting.lost == {"conversations": 3 * 190}
    assert waiting.leave("conversations") is None and waiting.leave("assets") is None


def test_of_few_hosts_somebody_else_has_all_of_them() -> None:
    told = []
    waiting = WaitingRows(FEW, lambda kind, rows: told.append((kind, len(rows))))
    waiting.take(flows(14, 2), NO_BARS)
    assert not told
    waiting.take(flows(7, 2), NO_BARS)
    assert told == [("conversations", 21)] and len(waiting) == 0 and not waiting.lost


def test_several_parts_are_taken_as_one_and_one_kind_after_the_other() -> None:
    some, several = flows(3, 3), flows(7, 7)
    parts = [replace(some, assets=senders(4, 0).assets), several]
    waiting, other = WaitingRows(LIMITS, nobody), WaitingRows(LIMITS, nobody)
    waiting.take_all(parts, NO_BARS)
    assert parts == [] and len(waiting) == 3 + 4 + 7
    for one in (replace(some, assets=senders(4, 0).assets), several):
        other.take(one, NO_BARS)
    for kind in ("conversations", "assets"):
        left, right = waiting.leave(kind), other.leave(kind)
        assert left is not None and right is not None
        assert np.array_equal(left.flows, right.flows) and np.array_equal(left.assets, right.assets)


def test_parts_are_not_held_twice_while_they_are_taken() -> None:
    tables = flows(2_000, 2_000).flows, senders(2_000, 0).assets
    waiting = WaitingRows(LIMITS, nobody)
    tracemalloc.start()
    parts = [replace(no_rows(), flows=tables[0].copy(), assets=tables[1].copy()) for _ in range(4)]
    size = sum(one.flows.nbytes + one.assets.nbytes for one in parts)
    tracemalloc.reset_peak()
    waiting.take_all(parts, NO_BARS)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size < most < 1.7 * size


def test_bars_hold_while_rows_wait_and_as_long_as_the_secret_is_one() -> None:
    waiting = WaitingRows(FEW, nobody)
    shut = Bars(conversations=(0, 0), secret=5)
    waiting.take(flows(1, 1), Bars(secret=5))
    waiting.take(flows(6, 6), shut)
    waiting.take(flows(6, 6), Bars(secret=5))
    assert waiting.lost == {"conversations": 36} and len(waiting) == 1
    waiting.take(flows(6, 6), Bars(secret=6))
    assert waiting.lost == {"conversations": 36} and len(waiting) == 7
    assert waiting.leave("conversations") is not None
    waiting.take(flows(6, 6), shut)
    waiting.take(flows(6, 6), Bars(secret=5))
    assert len(waiting) == 6, "nothing waited"


def test_senders_stay_for_their_claims_where_these_are_wanted() -> None:
    for for_claims, kept in ((True, 14), (False, 10)):
        waiting = WaitingRows(FEW, nobody, for_claims)
        waiting.take(senders(14, 7), NO_BARS)
        left = waiting.leave("assets")
        assert left is not None and len(left) == kept
        assert waiting.lost["assets"] == 14 - kept
