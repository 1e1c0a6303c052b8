"""Rows of written values become facts, one for each element."""

from __future__ import annotations

from otmon.ledger.facts import NO_STEP, UNKNOWN, WAYS
from otmon.ledger.harvest.rows import rows_in_use
from otmon.ledger.harvest.written_values import written_values
from tests.ledger.modbus.test_written import writes
from tests.ledger.seen import Seen
from tests.truth.capture import packets
from tests.truth.messages import write_single
from tests.truth.talk import Talk, whole


def test_each_element_is_a_fact_with_its_extremes_and_steps() -> None:
    talk = Talk("x")
    talk.poll(write_single(5, 9, 0xFF00))
    talk.poll(writes(20, 0x7F80, 0x0000))
    talk.poll(writes(20, 0x3F80, 0x0000))
    seen = Seen().packets(packets(talk, whole(talk)))
    found = {(one.table, one.address): one for one in written_values(rows_in_use(seen.t).written, "cap")}
    coil, pair, second = (
        found[key] for key in (("coils", 9), ("holding_registers", 20), ("holding_registers", 21))
    )
    assert (coil.words, coil.extremes[0].value, coil.extremes[0].before, coil.steps) == (1, 1, UNKNOWN, ())
    assert (pair.words, pair.times, len(pair.extremes), len(pair.steps)) == (2, 2, 8, len(WAYS))
    # From infinity there is no step as a floating point number.
    assert pair.steps[WAYS.index("float")] == NO_STEP
    assert (pair.steps[0].value, pair.steps[0].before) == (0x3F800000, 0x7F800000)
    assert (second.words, len(second.steps)) == (1, 2)
    assert {one.evidence.source for one in found.values()} == {"cap"}


def test_what_one_packet_showed_of_many_elements_is_one_value() -> None:
    talk = Talk("x")
    for value in (1, 2, 3):
        talk.poll(writes(20, *[value] * 8))
    seen = Seen().packets(packets(talk, whole(talk)))
    found = list(written_values(rows_in_use(seen.t).written, "cap"))
    shown = [one.evidence for one in found]
    shown += [move.evidence for one in found for move in (*one.extremes, *one.steps)]
    shown += [seen for one in found for change in one.changes for seen in (change.since, change.evidence)]
    assert len({id(one) for one in shown}) == len(set(shown)) <= 4
    assert len(shown) > 100
