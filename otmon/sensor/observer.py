"""One interface: a thread that reads its ring into tables, and hands out rows when it is asked.

The thread does nothing but run kernels, which leave the GIL to others, and copy rows; facts are made of
the copies elsewhere. Rows that ended wait here. Where too many wait, because nobody took them for too
long, they are given up and counted, so that memory stays bounded and no packet is missed.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import Final, Protocol

import numpy as np

from otmon.capture.batch import Batch
from otmon.capture.ring import BLOCK_MS, Ring, RingCounts, walk_block
from otmon.decode.flows import F_KEY, F_PROTOCOL, F_STATE, FLOWS
from otmon.ledger.endings import end_idle
from otmon.ledger.facts import Source
from otmon.ledger.harvest import source_of
from otmon.ledger.observe import observe
from otmon.ledger.rows import Rows, amounts_of, ended_rows, rows_in_use
from otmon.ledger.tables import (
    A_TIMES,
    CHANGE_COLUMNS,
    E_COLUMNS,
    E_RANK,
    FILL_ANOMALIES,
    FILL_MESSAGES,
    LAST_TIME,
    O_TIMES,
    W_CHANGES,
    W_EXTREMES,
    W_TIMES,
    X_PACKETS,
    Tables,
    new_tables,
)
from otmon.protocols.registry import PROTOCOLS, code_of
from otmon.protocols.signature import SignatureTables, compile_signatures
from otmon.sensor.memory import keep_sparse
from otmon.sensor.recent import Proving, Recent

CLOSED_NS: Final = 30_000_000_000
IDLE_NS: Final = 3_600_000_000_000
"""A flow ends this long after its last packet, a closed one sooner."""
IDLE_CHECK_NS: Final = 10_000_000_000
BEAT_S: Final = 10.0
"""A thread that did not come by for this long has stopped."""
WAITING: Final = 8
"""Copies of the tables of ended rows that wait at most, 20 MB each."""


@dataclass(frozen=True, slots=True)
class Part:
    """What one interface has told so far. `ended` is new since the part before, the rest stands for all."""

    ended: tuple[Rows, ...]
    in_use: Rows
    shed: tuple[tuple[str, int], ...]
    """As `Ledger.overflow`, since the part before: what waited and was given up."""
    source: Source


@dataclass(frozen=True, slots=True)
class State:
    """How a reader fares, asked for several times a second."""

    is_up: bool
    fill: float
    """Share of the ring that waits to be read, 0 to 1."""
    counts: RingCounts
    """What the kernel counted."""
    source: Source
    """What was read; while it is read, the last packets may be missing in it."""
    stamped: int
    """Packets with the card's time."""
    novelty: int
    """Changes when there is something new to judge, and hardly ever else."""
    restarts: int
    """How often reading ended and began anew."""


class Reader(Protocol):
    """One that reads packets of an interface: a thread of this process, or another process."""

    name: str
    """Of the source, in facts and evidence."""
    interface: str

    @property
    def recent(self) -> Proving:
        """Who has the packets of the last moments."""

    def start(self) -> None:
        """Begin."""

    def stop(self) -> None:
        """End; what was seen can still be asked for."""

    def part(self) -> Part:
        """What was seen up to now. Raises what ended the reading for good."""

    def state(self) -> State:
        """How it fares."""

    def failure(self) -> str:
        """Why reading has stopped for good, "" where it goes on."""

    def incidents(self) -> list[str]:
        """What went wrong with it and was mended since this was asked last."""


@cache
def signatures() -> SignatureTables:
    """The signatures of all protocols, compiled once."""
    return compile_signatures(PROTOCOLS)


class Observer(threading.Thread):
    """Reads one ring until `stop` is called. A failure ends the thread, and is told by `failure`."""

    def __init__(self, ring: Ring, recent: Recent, packets_before: int = 0, name: str = "") -> None:
        """`packets_before`: packet numbers go on behind those of an earlier run. `name` is that of the
        source, the interface's unless given."""
        super().__init__(name=name or ring.interface, daemon=True)
        self.ring = ring
        self.interface = ring.interface
        self._recent = recent
        self._failure: BaseException | None = None
        self._beat = time.monotonic()
        """When the thread last came by: it does ten times a second."""
        self._before = packets_before
        self._tables = new_tables(code_of("modbus"), False)
        keep_sparse(self._tables)
        self._octets = 0
        self._first_ns = 0
        self._ended: list[Rows] = []
        self._shed = Counter[str]()
        self._swept = 0
        self._halt = threading.Event()
        self._asked = threading.Event()
        self._answered = threading.Event()
        self._part: Part | None = None

    @property
    def recent(self) -> Recent:
        """The packets of the last moments."""
        return self._recent

    def run(self) -> None:
        try:
            while not self._halt.is_set():
                self._next()
                if self._asked.is_set():
                    self._answer()
                self._beat = time.monotonic()
            # What came before the end is in the ring, the last of it in a block that is not full.
            for _ in range(self.ring.blocks):
                if not self._next():
                    break
        except BaseException as error:
            # Told by `part`, in the thread that can end the program.
            self._failure = error
        finally:
            self._answered.set()

    def stop(self) -> None:
        """End the thread; the rows can still be asked for."""
        self._halt.set()
        if self.ident is not None:
            self.join(10)

    def part(self, timeout_s: float = 5.0) -> Part:
        """What was seen up to now. Raises what ended the thread."""
        if not self.is_alive() and self._failure is None:
            self._answer()
        else:
            self._answered.clear()
            self._asked.set()
            if not self._answered.wait(timeout_s) and self._failure is None:
                raise TimeoutError(f"{self.name}: reading has stopped")
        if self._failure is not None:
            raise self._failure
        # A copy of the tables takes tens of megabytes: whoever asked for it has it alone.
        part, self._part = self._part, None
        assert part is not None
        return part

    def failure(self) -> str:
        """Why reading has stopped, "" where it goes on."""
        if self._failure is not None:
            return str(self._failure) or type(self._failure).__name__
        hangs = self.is_alive() and time.monotonic() - self._beat > BEAT_S
        return "the thread hangs" if hangs else ""

    def incidents(self) -> list[str]:
        """None: a thread that fails is not mended."""
        return []

    def state(self) -> State:
        """How it fares."""
        ring = self.ring
        return State(ring.is_up(), ring.fill(), ring.counts(), self.source(), ring.stamped, self.novelty(), 0)

    def source(self) -> Source:
        """What was read up to now; while the thread runs, the last packets may be missing in it."""
        return source_of(self._tables, self.name, self._octets, self._first_ns)

    def last_packet_ns(self) -> int:
        """Time of the latest packet, 0 for none."""
        return int(self._tables.used[LAST_TIME])

    def novelty(self) -> int:
        """A number that changes when there is something new to judge, and hardly ever else: rows came,
        a flow's protocol or client became known, a value went beyond those before or moved farther."""
        t = self._tables
        extremes = t.written[:, W_EXTREMES + E_RANK : W_EXTREMES + 4 * E_COLUMNS : E_COLUMNS]
        changes = t.written[:, W_CHANGES + E_RANK : W_CHANGES + 2 * CHANGE_COLUMNS : CHANGE_COLUMNS]
        parts = (
            *t.used[: FILL_ANOMALIES + 1].tolist(),
            len(self._ended),
            np.count_nonzero(t.flows[:, F_KEY]),
            int(t.flows[:, F_PROTOCOL].sum()),
            int(t.flows[:, F_STATE].sum()),
            np.count_nonzero(t.assets[:, X_PACKETS]),
            np.count_nonzero(t.operations[:, O_TIMES]),
            np.count_nonzero(t.written[:, W_TIMES]),
            np.count_nonzero(t.anomalies[:, A_TIMES]),
            int(extremes.sum()),
            int(changes.sum()),
        )
        return hash(parts)

    def _next(self) -> bool:
        """Read a block; whether there was one."""
        batch = self.ring.next(2 * BLOCK_MS)
        if batch is not None:
            self._take(batch)
            self._recent.add(batch, self._before)
        self.ring.release()
        return batch is not None

    def _take(self, batch: Batch) -> None:
        self._octets += int(batch.wirelen.sum())
        if not self._first_ns and len(batch.start):
            self._first_ns = int(batch.time_ns.min())
        taken = 0
        while True:
            taken = _observed(batch, batch.first_number + self._before, taken, self._tables)
            if taken >= len(batch.start):
                break
            self._set_aside()
        now = self.last_packet_ns()
        if now - self._swept > IDLE_CHECK_NS:
            self._swept = now
            f = 0
            while f < FLOWS:
                f = end_idle(self._tables, f, now - CLOSED_NS, now - IDLE_NS)
                if f < FLOWS:
                    self._set_aside()

    def _set_aside(self) -> None:
        """Copy the ended rows; the oldest of those that wait give way."""
        self._ended.append(ended_rows(self._tables))
        if len(self._ended) > WAITING:
            self._shed.update(amounts_of(self._ended.pop(0)))

    def _answer(self) -> None:
        self._asked.clear()
        used = self._tables.used
        if any(used[: FILL_ANOMALIES + 1]) or used[FILL_MESSAGES]:
            self._set_aside()
        ended, self._ended = tuple(self._ended), []
        shed, self._shed = tuple(sorted(self._shed.items())), Counter()
        self._part = Part(ended, rows_in_use(self._tables), shed, self.source())
        self._answered.set()


def _observed(batch: Batch, first_number: int, taken: int, t: Tables) -> int:
    return observe(
        batch.buf,
        batch.start,
        batch.caplen,
        batch.wirelen,
        batch.time_ns,
        batch.linktype,
        first_number,
        batch.base,
        taken,
        t,
        signatures(),
    )


def compile_kernels() -> None:
    """Compile or load what the threads will run, before any packet waits for it."""
    t = new_tables(code_of("modbus"), False)
    block = np.zeros(4096, np.uint8)
    columns = np.zeros((5, 1), np.int64)
    walk_block(block, block.view(np.uint32), columns)
    empty = columns[0, :0]
    _observed(Batch(block, empty, empty, empty, empty, empty, "", 0, 1), 1, 0, t)
    end_idle(t, 0, 0, 0)
