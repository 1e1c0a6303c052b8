"""One interface: a thread that reads its ring into tables, and hands out rows when it is asked.

The thread does nothing but run kernels, which leave the GIL to others, and copy rows; facts are made of
the copies elsewhere. Rows that ended wait here. In a flood more of them end than anybody takes: those stay
that a full ledger would keep (`otmon.ledger.harvest.waiting_rows`), and where these are too many as well the
oldest are given up. All others are counted, so that memory stays bounded and no packet is missed.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from secrets import randbits
from typing import Final, Protocol

import numpy as np

from otmon.capture.batch import Batch
from otmon.capture.ring import BLOCK_MS, Ring, RingCounts, walk_block
from otmon.decode.flows import FLOWS
from otmon.kernel import Ints
from otmon.ledger.aging import Span, joined_spans, spans_of
from otmon.ledger.facts import Source
from otmon.ledger.harvest.harvest import source_of
from otmon.ledger.harvest.novelty import KNOWN, note_new
from otmon.ledger.harvest.row_ranks import Beyond, rows_within
from otmon.ledger.harvest.rows import (
    FIELDS,
    Rows,
    amounts_of,
    chosen,
    ended_rows,
    messages_alone,
    no_rows,
)
from otmon.ledger.harvest.waiting_rows import WaitingRows
from otmon.ledger.joining import join_sources
from otmon.ledger.ledger import LIMITS
from otmon.ledger.packets.endings import end_idle
from otmon.ledger.packets.observe import observe
from otmon.ledger.rank import NO_BARS, Bars
from otmon.ledger.tables import FILL_ANOMALIES, FILL_MESSAGES, FILL_WRITTEN, LAST_TIME, Tables, new_tables
from otmon.protocols.registry import PROTOCOLS, code_of
from otmon.protocols.signature import SignatureTables, compile_signatures
from otmon.sensor.clock import JUMP_S, NO_JUMP, Clock, Jump, jumped, now
from otmon.sensor.memory import keep_sparse
from otmon.sensor.recent_packets import Proving, RecentPackets
from otmon.sentence import Sentence, sentence

CLOSED_NS: Final = 30_000_000_000
IDLE_NS: Final = 3_600_000_000_000
"""A flow ends this long after its last packet, a closed one sooner."""
IDLE_CHECK_NS: Final = 10_000_000_000
BEAT_S: Final = 10.0
"""A thread that did not come by for this long has stopped."""
LOOK_S: Final = 0.3
"""Between two looks for what is new, while packets come."""
ANSWER_S: Final = 5.0
SPANS: Final = 16
"""Of times of packets that wait to be told, at most."""
WAITING: Final = 8
"""Copies of the tables of copied payloads that wait at most."""
FRESH: Final = 1
"""Copies of the tables of ended rows that wait until they are thinned together, 10 MB each: for each look at
them this thread waits for the GIL."""
SWITCH_S: Final = 0.0002
"""So long another thread may keep the GIL from one that waits for it. In a flood this one comes back from its
kernels hundreds of times a second, while another judges without a pause: with Python's 5 ms it reads half as
many packets."""
KEPT: Final = 0.5
"""Share of the rows of a kind that stay where too many of few hosts wait."""


@dataclass(frozen=True, slots=True)
class Part:
    """What one interface has told so far. `ended` is new since the part before, the rest stands for all."""

    ended: tuple[Rows, ...]
    in_use: Rows
    shed: tuple[tuple[str, int], ...]
    """As `Ledger.overflow`, since the part before: what waited and was given up."""
    source: Source
    beyond: tuple[Beyond, ...] = ()
    """Of all rows in use those that are not in `in_use`."""
    spans: tuple[Span, ...] = ()
    """The times of the packets that came since the part before."""
    now_ns: int = 0
    """Time of the packet that came last, 0 for none: of the source the latest time is told, which one packet
    of a wrong time can set for long."""
    wrong: Span | None = None
    """Since the part before the clock was set: what was told with these times is to be left out. Here it is
    (`otmon.sensor.clock`)."""

    @property
    def entries(self) -> dict[str, int]:
        """As `Rows.entries`, of all rows in use."""
        entries = Counter(self.in_use.entries)
        for kind, count, _ in self.beyond:
            entries["flows" if kind == "conversations" else kind] += count
        return entries


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
    """Changes when there is something new to judge."""
    messages: int
    """Copied payloads that wait to be told."""
    restarts: int
    """How often reading ended and began anew."""
    jump: Jump = NO_JUMP
    """The last one of the packets' times, or of the clock."""
    added_ns: int = 0
    """What is added to the times of packets, as the clock is wrong."""


class Reader(Protocol):
    """One that reads packets of an interface: a thread of this process, or another process."""

    name: str
    """Of the source, in facts and evidence."""
    interface: str

    @property
    def recent(self) -> Proving:
        """Who has the packets of the last moments."""

    def start(self) -> None:
        """Begin to read."""

    def stop(self) -> None:
        """End; what was seen can still be asked for."""

    def part(self, bars: Bars = NO_BARS) -> Part:
        """What was seen up to now; it may leave out rows behind `bars`. Raises what ended the reading for
        good."""

    def messages(self) -> Part:
        """Of what was seen up to now the copied payloads alone; it raises as `part` does."""

    def state(self) -> State:
        """How the reader fares."""

    def failure(self) -> str:
        """Why reading has stopped for good, "" where it goes on."""

    def incidents(self, zone: str = "") -> list[Sentence]:
        """What went wrong with it and was mended since this was asked last; times by the clocks of a zone."""


@cache
def signatures() -> SignatureTables:
    """The signatures of all protocols, compiled once."""
    return compile_signatures(PROTOCOLS)


class Observer(threading.Thread):
    """Reads one ring until `stop` is called. A failure ends the thread, and is told by `failure`."""

    def __init__(
        self, ring: Ring, recent: RecentPackets, packets_before: int = 0, name: str = "", known_ns: int = 0
    ) -> None:
        """`packets_before`: packet numbers go on behind those of an earlier run, and `known_ns` is the latest
        time that it knew. `name` is that of the source, the interface's unless given."""
        super().__init__(name=name or ring.interface, daemon=True)
        self.ring = ring
        self.interface = ring.interface
        self._recent = recent
        self._failure: BaseException | None = None
        self._beat = time.monotonic()
        """When the thread last came by: it does ten times a second."""
        self._before = packets_before
        self._clock = Clock(known_ns)
        self._past: Source | None = None
        """What was read before the clock was set."""
        self._wrong: Span | None = None
        self._shed = Counter[str]()
        self._begin()
        self._now_ns = 0
        self._taken_s = 0.0
        """When packets were taken last, by a clock that nobody sets; `_now_ns` is the last one's time."""
        self._jump = self._told_jump = NO_JUMP
        self._next_jump_s = 0.0
        self._secret = randbits(62)
        self._novelty = 0
        self._told_novelty = 0
        """As it was when everything was told last."""
        self._looked = True
        self._next_look = 0.0
        self._halt = threading.Event()
        self._question: Callable[[], Part] | None = None
        """What the thread is asked for."""
        self._answered = threading.Event()
        self._part: Part | None = None

    def _begin(self) -> None:
        self._tables = new_tables(code_of("modbus"), False)
        keep_sparse(self._tables)
        self._octets = 0
        self._first_ns = 0
        self._ended = WaitingRows(LIMITS, self._give_up, for_claims=True)
        self._fresh: list[Rows] = []
        self._bars = NO_BARS
        """Those of the ledger, as they were said last."""
        self._said: list[Rows] = []
        """Copied payloads that wait to be told, alone."""
        self._swept = 0
        self._spans: tuple[Span, ...] = ()
        self._known = np.zeros(KNOWN, np.int64)

    @property
    def recent(self) -> RecentPackets:
        """The packets of the last moments."""
        return self._recent

    def run(self) -> None:
        sys.setswitchinterval(SWITCH_S)
        try:
            while not self._halt.is_set():
                self._next()
                if self._question is not None:
                    self._answer(self._question)
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

    def part(self, bars: Bars = NO_BARS) -> Part:
        """What was seen up to now, without rows behind `bars`. Raises what ended the thread."""
        return self._asked(lambda: self._everything(bars))

    def messages(self) -> Part:
        """Of what was seen up to now the copied payloads alone; it raises as `part` does."""
        return self._asked(self._messages_alone)

    def _asked(self, question: Callable[[], Part]) -> Part:
        if not self.is_alive() and self._failure is None:
            self._answer(question)
        else:
            self._answered.clear()
            self._question = question
            if not self._answered.wait(ANSWER_S) and self._failure is None:
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
        if self.ring.is_replaced():
            return sentence("the interface was taken away, and another one has its name")
        hangs = self.is_alive() and time.monotonic() - self._beat > BEAT_S
        return sentence("the thread hangs") if hangs else ""

    def incidents(self, zone: str = "") -> list[Sentence]:
        """That times of packets jumped; a thread that fails is not mended."""
        jump = self._jump
        if jump == self._told_jump:
            return []
        self._told_jump = jump
        return [jumped(self.name, jump, zone)]

    def state(self) -> State:
        """How it fares."""
        ring = self.ring
        return State(
            ring.is_up(),
            ring.fill(),
            ring.counts(),
            self.source(),
            ring.stamped,
            self.novelty(),
            self._waiting_messages(),
            0,
            self._jump,
            self._clock.added_ns,
        )

    def _waiting_messages(self) -> int:
        return int(self._tables.used[FILL_MESSAGES]) + sum(map(len, tuple(self._said)))

    def source(self) -> Source:
        """What was read up to now; while the thread runs, the last packets may be missing in it."""
        now = source_of(self._tables, self.name, self._octets, self._first_ns)
        return now if self._past is None else join_sources(self._past, now)

    def last_packet_ns(self) -> int:
        """Time of the latest packet, 0 for none."""
        return int(self._tables.used[LAST_TIME])

    def novelty(self) -> int:
        """A number that grows when there is something new to judge (`otmon.ledger.harvest.novelty`), half a
        second later at most."""
        return self._novelty

    def _look_for_news(self) -> None:
        self._novelty += note_new(self._tables, self._known, self._secret)
        self._next_look = time.monotonic() + LOOK_S

    def _next(self) -> bool:
        """Read a block; whether there was one."""
        batch = self.ring.next(2 * BLOCK_MS)
        wall_ns, boot_ns = now()
        self._look_at_clock(wall_ns, boot_ns)
        if batch is not None:
            batch = self._clock.batch(batch, wall_ns, boot_ns)
            self._take(batch)
            self._recent.add(batch, self._before)
            self._looked = False
        self.ring.release()
        if not self._looked and time.monotonic() >= self._next_look:
            self._look_for_news()
            self._looked = True
        return batch is not None

    def _look_at_clock(self, wall_ns: int, boot_ns: int) -> None:
        before = self._clock.jump
        wrong = self._clock.look(wall_ns, boot_ns)
        if self._clock.jump is before:
            return
        self._jump = self._clock.jump
        if self._jump.what in ("set", "left out"):
            # Packets whose times follow that one did not jump.
            self._now_ns, self._taken_s = wall_ns, time.monotonic()
        if wrong is not None:
            self._past = replace(self.source(), first_ns=wall_ns, last_ns=wall_ns)
            self._begin()
            self._wrong = wrong

    def _take(self, batch: Batch) -> None:
        self._octets += int(batch.wirelen.sum())
        before_ns = self._now_ns
        if len(batch.start):
            self._note_times(batch.time_ns)
        taken = 0
        while True:
            taken = _observed(batch, batch.first_number + self._before, taken, self._tables)
            if taken >= len(batch.start):
                break
            self._set_aside()
        # Of two batches: one packet of a time to come ends no flow.
        now = min(before_ns, self._now_ns)
        if abs(now - self._swept) > IDLE_CHECK_NS:
            self._swept = now
            f = 0
            while f < FLOWS:
                f = end_idle(self._tables, f, now - CLOSED_NS, now - IDLE_NS)
                if f < FLOWS:
                    self._set_aside()

    def _note_times(self, times_ns: Ints) -> None:
        spans, now_s = spans_of(times_ns), time.monotonic()
        if not self._first_ns:
            self._first_ns = spans[0][0]
        self._spans = joined_spans((*self._spans, *spans), SPANS)
        due_ns = self._now_ns + int((now_s - self._taken_s) * 1e9)
        for time_ns in (spans[0][0], spans[-1][1]) if self._now_ns else ():
            ahead_s = (time_ns - due_ns) // 10**9
            if abs(ahead_s) > JUMP_S and now_s >= self._next_jump_s:
                self._next_jump_s = now_s + JUMP_S
                self._jump = Jump(ahead_s, time_ns)
        self._now_ns, self._taken_s = int(times_ns[-1]), now_s

    def _set_aside(self) -> None:
        """Copy the ended rows, as far as a ledger could have a use for them; the oldest of the payloads that
        wait give way."""
        # Where it is known that there is something new, it need not be known what.
        if self._novelty == self._told_novelty:
            self._look_for_news()
        rows, none = ended_rows(self._tables), no_rows()
        self._fresh.append(replace(rows, messages=none.messages, octets=none.octets))
        if len(self._fresh) > FRESH:
            self._thin()
        if len(rows.messages):
            self._said.append(replace(none, messages=rows.messages, octets=rows.octets))
        if len(self._said) > WAITING:
            self._shed.update(amounts_of(self._said.pop(0)))

    def _thin(self) -> None:
        if self._fresh:
            self._ended.take_all(self._fresh, self._bars)

    def _give_up(self, kind: str, rows: Rows) -> None:
        """Too many rows of a kind wait, none of which a ledger is sure to drop: the oldest of them go."""
        count = len(rows)
        late = np.arange(count) >= count - int(KEPT * count)
        self._shed.update(amounts_of(chosen(rows, kind, ~late)))
        self._ended.take(chosen(rows, kind, late), self._bars)

    def _answer(self, question: Callable[[], Part]) -> None:
        self._question = None
        self._part = question()
        self._answered.set()

    def _everything(self, bars: Bars) -> Part:
        used = self._tables.used
        self._bars = bars
        if any(used[: FILL_ANOMALIES + 1]) or used[FILL_WRITTEN] or used[FILL_MESSAGES]:
            self._set_aside()
        self._thin()
        waited = [rows for kind in FIELDS if (rows := self._ended.leave(kind)) is not None]
        ended, self._said = (*waited, *self._said), []
        shed, self._shed = tuple(sorted((self._shed + self._ended.lost).items())), Counter()
        self._ended.lost = Counter()
        in_use, beyond = rows_within(self._tables, bars)
        self._told_novelty = self._novelty
        spans, self._spans = self._spans, ()
        wrong, self._wrong = self._wrong, None
        return Part(ended, in_use, shed, self.source(), beyond, spans, self._now_ns, wrong)

    def _messages_alone(self) -> Part:
        said, self._said = self._said, []
        return Part((*said, messages_alone(self._tables)), no_rows(), (), self.source())


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
    note_new(t, np.zeros(KNOWN, np.int64), 0)
    end_idle(t, 0, 0, 0)
