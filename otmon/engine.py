"""Captures in, a ledger out: the engine behind `otmon replay`.

Each file is read by itself, with tables of its own, and the ledgers are merged in the order of the
files; so one process and many give the same ledger. A connection that goes on in the next file is
followed anew there.
"""

from __future__ import annotations

import multiprocessing
import signal
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from otmon.capture.batch import Batch, InputDamage
from otmon.capture.sources import read
from otmon.decode.streams import STREAMS
from otmon.garbage_collection import without_garbage_collection
from otmon.ledger.dialogues.dialogues import Dialogues
from otmon.ledger.facts import Damage
from otmon.ledger.harvest.arrivals import Arrivals
from otmon.ledger.harvest.harvest import facts_of, source_of
from otmon.ledger.harvest.intake import Intake
from otmon.ledger.harvest.rows import (
    Rows,
    ended_rows,
    rows_in_the_way,
    rows_in_use,
    slices_in_use,
)
from otmon.ledger.ledger import Ledger
from otmon.ledger.merge import collect, merge_all
from otmon.ledger.packets.endings import finish_source
from otmon.ledger.packets.observe import observe
from otmon.ledger.running import RunningLedger
from otmon.ledger.tables import FILL_TRANSACTIONS, LAST_TIME, Tables, new_tables
from otmon.libraries import drop_libraries
from otmon.protocols.registry import PROTOCOLS, code_of
from otmon.protocols.signature import SignatureTables, compile_signatures

if TYPE_CHECKING:
    from otmon.outputs.transactions import TransactionsFile

Progress = Callable[[int, int, int], None]
"""Called with the file's index, the position in it and its size in bytes (0 for unknown)."""
Look = Callable[[int, Callable[[], Ledger]], None]
"""Called when a minute, or what was asked for, of the packets' time is over, with its end in nanoseconds
since 1970 and a way to get all facts so far."""

MINUTE_NS: Final = 60_000_000_000


@dataclass(frozen=True, slots=True)
class Result:
    """What a replay found. `interrupted`: it was stopped before the end of its input."""

    ledger: Ledger
    interrupted: bool


@without_garbage_collection()
def replay(
    paths: Sequence[str],
    *,
    transactions: str | None = None,
    jobs: int = 1,
    arrivals: bool = False,
    progress: Progress | None = None,
    look: Look | None = None,
    look_every_ns: int = MINUTE_NS,
) -> Result:
    """Read captures (`otmon.capture.sources.expand` gives `paths`) into one ledger.

    `transactions` names a Parquet file for every transaction. `arrivals`: tell by which interface each sender
    came in, where the captures name them. `jobs` is the number of processes; with
    `look` there is one, since it looks at the facts in the order of the packets, after every `look_every_ns`
    of their time.
    An interrupt (Ctrl-C) ends the reading, and what was found so far is the result. Raises
    NotACapture for a file that is none, OSError where a file cannot be read or written.
    """
    if jobs > 1 and len(paths) > 1 and look is None:
        return _replay_in_processes(paths, transactions, min(jobs, len(paths)), arrivals, progress)
    merged = RunningLedger()
    interrupted = False
    spans = None if look is None else _Spans(look, merged, look_every_ns)
    with _rows(transactions) as rows:
        for index, path in enumerate(paths):
            ledger, interrupted = _replay_file(path, rows, arrivals, _for_file(progress, index), spans=spans)
            merged.add_merged(ledger)
            if interrupted:
                break
    if spans is not None:
        spans.end()
    return Result(merged.ledger(), interrupted)


class _Spans:
    """Cuts batches where a span of the packets' time ends, and has the facts looked at there."""

    def __init__(self, look: Look, before: RunningLedger, length_ns: int) -> None:
        """`before` holds the facts of the files that were read."""
        self._look = look
        self._before = before
        self._length_ns = length_ns
        self._span: int | None = None

    def parts(self, batch: Batch, facts: Callable[[], Ledger]) -> Iterator[Batch]:
        """The batch, cut. `facts` gives those of this file so far."""
        numbers = batch.time_ns // self._length_ns
        cuts = (np.flatnonzero(np.diff(numbers)) + 1).tolist()
        for begin, end in pairwise([0, *cuts, len(numbers)]):
            if begin < end and self._span != int(numbers[begin]):
                self._over(lambda: merge_all((self._before.ledger(), facts())))
                self._span = int(numbers[begin])
            yield replace(
                batch,
                start=batch.start[begin:end],
                caplen=batch.caplen[begin:end],
                wirelen=batch.wirelen[begin:end],
                time_ns=batch.time_ns[begin:end],
                linktype=batch.linktype[begin:end],
                interface=None if batch.interface is None else batch.interface[begin:end],
                first_number=batch.first_number + begin,
            )

    def end(self) -> None:
        """After the last file."""
        self._over(self._before.ledger)

    def _over(self, facts: Callable[[], Ledger]) -> None:
        if self._span is not None:
            self._look((self._span + 1) * self._length_ns, facts)


def _rows(path: str | None) -> AbstractContextManager[TransactionsFile | None]:
    """Where transactions go, if anywhere: only then is what writes Parquet loaded."""
    if path is None:
        return nullcontext()
    from otmon.outputs.transactions import TransactionsFile

    return TransactionsFile.open(path)


def _for_file(progress: Progress | None, index: int) -> Callable[[int, int], None] | None:
    return None if progress is None else lambda position, size: progress(index, position, size)


@cache
def _signatures() -> SignatureTables:
    return compile_signatures(PROTOCOLS)


def _replay_file(
    path: str,
    rows: TransactionsFile | None,
    arrivals: bool,
    progress: Callable[[int, int], None] | None,
    stop: Event | None = None,
    spans: _Spans | None = None,
) -> tuple[Ledger, bool]:
    """The ledger of one file, and whether reading it was interrupted."""
    t = new_tables(code_of("modbus"), rows is not None)
    signatures = _signatures()
    merged = RunningLedger()
    intake = Intake(path, merged)
    dialogues = Dialogues(path)
    arriving = Arrivals(path)
    damage: list[Damage] = []
    octets = 0
    begin = first_ns = 0
    interrupted = False
    items = read(path, progress=progress)

    def facts() -> Ledger:
        """What was seen so far, rows and dialogues that go on among it: as a sensor has it."""
        _merge(ended_rows(t), intake, merged, dialogues)
        intake.flush()
        in_use = facts_of(rows_in_use(t), path, merged.bars)
        source = source_of(t, path, octets, first_ns)
        told = collect(sources=[source], damage=damage)
        return merge_all((merged.ledger(), in_use, dialogues.going_on(), arriving.facts(), told))

    try:
        for item in items:
            if isinstance(item, InputDamage):
                damage.append(Damage(path, item.kind, item.offset, item.count, item.detail))
                continue
            for batch in (item,) if spans is None else spans.parts(item, facts):
                octets += int(batch.wirelen.sum())
                if len(batch.start):
                    earliest = int(batch.time_ns.min())
                    first_ns = min(first_ns, earliest) if first_ns else earliest
                _take(batch, t, signatures, rows, intake, merged, dialogues)
                if arrivals:
                    arriving.take(batch)
            if stop is not None and stop.is_set():
                interrupted = True
                break
    except KeyboardInterrupt:
        interrupted = True
    while (begin := finish_source(t, begin)) < STREAMS:
        _make_room(t, path, rows, intake, merged, dialogues)
    _write(t, path, rows)
    _merge(ended_rows(t), intake, merged, dialogues)
    for part in slices_in_use(t):
        intake.take(part)
    intake.flush()
    merged.add(dialogues.finish(int(t.used[LAST_TIME])))
    merged.add(arriving.facts())
    merged.add(collect(sources=[source_of(t, path, octets, first_ns)], damage=damage))
    return merged.ledger(), interrupted


def _take(
    batch: Batch,
    t: Tables,
    signatures: SignatureTables,
    rows: TransactionsFile | None,
    intake: Intake,
    merged: RunningLedger,
    dialogues: Dialogues,
) -> None:
    """Read a batch into the tables; the facts of ended rows are merged whenever these need room."""
    taken = 0
    while True:
        taken = observe(
            batch.buf,
            batch.start,
            batch.caplen,
            batch.wirelen,
            batch.time_ns,
            batch.linktype,
            batch.first_number,
            batch.base,
            taken,
            t,
            signatures,
        )
        if taken >= len(batch.start):
            return
        _make_room(t, batch.source, rows, intake, merged, dialogues)
        _give_libraries_back()


@cache
def _give_libraries_back() -> None:
    """Once: where tables are full for the first time there is much to come, and all is loaded by then."""
    drop_libraries()


def _make_room(
    t: Tables,
    source: str,
    rows: TransactionsFile | None,
    intake: Intake,
    merged: RunningLedger,
    dialogues: Dialogues,
) -> None:
    """Write the transactions that wait, and merge the facts of the rows that are in the way."""
    _write(t, source, rows)
    _merge(rows_in_the_way(t), intake, merged, dialogues)


def _write(t: Tables, source: str, rows: TransactionsFile | None) -> None:
    """Write the transactions that wait."""
    if rows is not None:
        rows.write(t.transactions[:, : t.used[FILL_TRANSACTIONS]].T, source)
        t.used[FILL_TRANSACTIONS] = 0


def _merge(rows: Rows, intake: Intake, merged: RunningLedger, dialogues: Dialogues) -> None:
    """Take in ended rows, and merge what was said in copied payloads."""
    intake.take(rows)
    merged.add(dialogues.take(rows.messages, rows.octets))


_stop: Event | None = None
"""Set in worker processes: tells them to end early."""


def _start_worker(stop: Event) -> None:
    """The parent hears Ctrl-C and tells the workers, so that each ends with what it found."""
    global _stop  # noqa: PLW0603
    _stop = stop
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@without_garbage_collection()
def _work(path: str, part: str | None, arrivals: bool) -> tuple[Ledger, bool]:
    with _rows(part) as rows:
        return _replay_file(path, rows, arrivals, None, _stop)


def _replay_in_processes(
    paths: Sequence[str], transactions: str | None, jobs: int, arrivals: bool, progress: Progress | None
) -> Result:
    """The same in worker processes, one file at a time each."""
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    merged = RunningLedger()
    interrupted = False
    folder = None if transactions is None else Path(transactions).resolve().parent
    with (
        tempfile.TemporaryDirectory(prefix=".otmon-", dir=folder) as parts,
        ProcessPoolExecutor(jobs, context, _start_worker, (stop,)) as pool,
    ):
        names = [None if transactions is None else f"{parts}/{i}.parquet" for i in range(len(paths))]
        waiting: list[Future[tuple[Ledger, bool]]] = [
            pool.submit(_work, path, name, arrivals) for path, name in zip(paths, names, strict=True)
        ]
        for index, future in enumerate(waiting):
            ledger, cut = _result(future, stop)
            merged.add_merged(ledger)
            interrupted = interrupted or cut or stop.is_set()
            if progress is not None:
                progress(index, 1, 1)
        if transactions is not None:
            from otmon.outputs.transactions import join_parts

            join_parts([name for name in names if name is not None], transactions)
    return Result(merged.ledger(), interrupted)


def _result(future: Future[tuple[Ledger, bool]], stop: Event) -> tuple[Ledger, bool]:
    while True:
        try:
            return future.result()
        except KeyboardInterrupt:
            stop.set()
