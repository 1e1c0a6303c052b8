"""Headers that are read some packets ahead."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from otmon.capture.batch import Batch
from otmon.capture.sources import read
from otmon.decode.fields import AT, END, FAMILY, PLACE, PRINT, SPORT, SRC_LO, TAG
from otmon.decode.flows import WAYS, set_of_tag
from otmon.kernel import kernel
from otmon.ledger.packets.lookahead import look_ahead, read_headers
from otmon.ledger.packets.observe import observe
from otmon.ledger.tables import LOOKAHEAD, ROW, Tables, new_tables
from otmon.protocols.registry import code_of
from tests.ledger.seen import SIGNATURES, at_end
from tests.truth import wrapping
from tests.truth.capture import write

ROOT = Path(__file__).resolve().parents[3]
COMPARED = "counters", "recent", "tags"


@kernel
def ahead(buf, start, caplen, wirelen, linktype, begin, t):  # type: ignore[no-untyped-def]
    """What is put into its caller's body needs a caller."""
    look_ahead(buf, start, caplen, wirelen, linktype, begin, t)


def batch_of(path: Path) -> Batch:
    (batch,) = (item for item in read(str(path)) if isinstance(item, Batch))
    return batch


@pytest.fixture(scope="module")
def batches(tmp_path_factory: pytest.TempPathFactory) -> list[Batch]:
    """Usual packets, and all others: below IP, tagged, IPv6, in fragments, in tunnels."""
    folder = tmp_path_factory.mktemp("captures")
    captures = wrapping.every_link_at_once(), wrapping.ip_fragments(), wrapping.copied()
    paths = [write(one, folder / f"{number}.pcap") for number, one in enumerate(captures)]
    return [batch_of(path) for path in (ROOT / "pcaps" / "factory-day.pcapng", *paths)]


def observed(batch: Batch, at_once: int) -> Tables:
    """The tables after a batch that was given some packets at a time."""
    t = new_tables(code_of("modbus"), False)
    arrays = batch.start, batch.caplen, batch.wirelen, batch.time_ns, batch.linktype
    for begin, end in pairwise([*range(0, len(batch.start), at_once), len(batch.start)]):
        part = [array[begin:end] for array in arrays]
        number = batch.first_number + begin
        assert observe(batch.buf, *part, number, batch.base, 0, t, SIGNATURES) == end - begin
    return t


def test_how_many_are_read_ahead_changes_nothing(batches: list[Batch]) -> None:
    for batch in batches:
        alone = observed(batch, 1)
        for at_once in (LOOKAHEAD - 1, LOOKAHEAD, len(batch.start)):
            t = observed(batch, at_once)
            assert all(np.array_equal(getattr(t, name), getattr(alone, name)) for name in COMPARED)
            assert at_end(t) == at_end(alone)


def test_a_row_is_the_same_ahead_and_in_its_turn(batches: list[Batch]) -> None:
    taken = left = 0
    for batch in batches:
        t = new_tables(code_of("modbus"), False)
        t.used[ROW] = LOOKAHEAD
        arrays = batch.start, batch.caplen, batch.wirelen, batch.linktype
        for begin in range(0, len(batch.start), LOOKAHEAD):
            ahead(batch.buf, *arrays, begin, t)
            for row, *packet in zip(t.rows[:LOOKAHEAD], *(each[begin:] for each in arrays), strict=False):
                if row[PRINT] == 0:
                    left += 1
                    continue
                taken += 1
                read_headers(t, batch.buf, *map(int, packet), 0, t.counters)
                # Where its flow may be is only looked up ahead.
                assert 0 <= row[PLACE] - set_of_tag(int(row[TAG])) < WAYS
                row[PLACE] = 0
                assert row.tolist() == t.rows[LOOKAHEAD].tolist()
                assert row[PRINT] and row[TAG] and row[FAMILY] == 4 and row[AT] <= row[END]
    assert min(taken, left) > 100


def test_a_short_batch_leaves_the_other_rows(batches: list[Batch]) -> None:
    t = new_tables(code_of("modbus"), False)
    t.rows[2, SRC_LO] = t.rows[2, SPORT] = 7
    batch = batches[0]
    ahead(batch.buf, batch.start[:2], batch.caplen[:2], batch.wirelen[:2], batch.linktype[:2], 0, t)
    assert (t.rows[2, SRC_LO], t.rows[2, SPORT]) == (7, 7)
