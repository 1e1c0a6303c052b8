"""Flows and streams that end early leave the same facts as those that end with the source."""

from __future__ import annotations

import numpy as np
import pytest

from otmon.decode.flows import F_KEY, F_LAST, FLOWS
from otmon.ledger.ledger import Ledger
from otmon.ledger.merge import merge_all
from otmon.ledger.packets.endings import end_idle
from otmon.ledger.tables import ENDED_FLOWS, FILL_FLOWS
from tests.ledger.seen import Seen
from tests.truth.capture import packets
from tests.truth.messages import write_single
from tests.truth.talk import MILLISECOND, Talk, whole


def talked(seen: Seen, times: int = 3) -> Seen:
    talk = Talk("x")
    for value in range(times):
        talk.poll(write_single(6, 7, value))
        talk.now += MILLISECOND
    return seen.packets(packets(talk, whole(talk)))


def flows(seen: Seen) -> int:
    return int(np.count_nonzero(seen.t.flows[:, F_KEY]))


def without_source(ledger: Ledger) -> tuple[object, ...]:
    return ledger.conversations, ledger.operations, ledger.written, ledger.assets


def test_a_flow_ends_once_it_was_silent_and_not_before() -> None:
    seen = talked(Seen())
    last = int(seen.t.flows[:, F_LAST].max())
    assert end_idle(seen.t, 0, 0, last) == FLOWS
    assert flows(seen) == 1
    assert end_idle(seen.t, 0, 0, last + 1) == FLOWS
    assert (flows(seen), int(seen.t.used[FILL_FLOWS])) == (0, 1)


def test_facts_are_the_same_whenever_a_flow_ends() -> None:
    early = talked(Seen())
    end_idle(early.t, 0, 0, int(early.t.flows[:, F_LAST].max()) + 1)
    found = merge_all([early.harvested(), early.finish().ledger()])
    assert without_source(found) == without_source(talked(Seen()).finish().ledger())


@pytest.mark.parametrize(("seen_of_it", "left"), [(5, 1), (99, 0)])
def test_a_connection_that_was_closed_ends_sooner(seen_of_it: int, left: int) -> None:
    seen = Seen()
    talk = Talk("x")
    talk.poll(write_single(6, 7, 1))
    seen.packets(packets(talk, whole(talk))[:seen_of_it])
    last = int(seen.t.flows[:, F_LAST].max())
    assert end_idle(seen.t, 0, last + 1, 0) == FLOWS
    assert flows(seen) == left


@pytest.mark.parametrize("begin", [0, FLOWS])
def test_it_stops_where_there_is_no_room_for_ended_rows(begin: int) -> None:
    seen = talked(Seen())
    row = int(np.flatnonzero(seen.t.flows[:, F_KEY])[0])
    seen.t.used[FILL_FLOWS] = ENDED_FLOWS
    assert end_idle(seen.t, begin, 0, 1 << 62) == (row if begin == 0 else FLOWS)
    assert flows(seen) == 1
