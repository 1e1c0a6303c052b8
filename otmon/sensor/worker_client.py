"""The one who asks a worker: to the rest of the sensor it is a reader like a thread of its own.

When a worker ends, or does not answer, what it had told last becomes what ended, so that it stays; what it
read since is lost, which is said and counted. The next worker goes on with what waits in the ring.
"""

from __future__ import annotations

import os
import signal
import socket
from collections import Counter
from dataclasses import replace
from typing import Final

from otmon.capture.ring import RingCounts
from otmon.detect.finding import Finding
from otmon.ledger.facts import Source
from otmon.ledger.harvest.rows import no_rows
from otmon.ledger.merge import collect
from otmon.ledger.rank import NO_BARS, Bars
from otmon.sensor.clock import NO_JUMP, jumped
from otmon.sensor.message import Ended, Gone, Head, bars_message, kept_of, part_of, receive, send, state_of
from otmon.sensor.observer import Part, State
from otmon.sensor.recent_packets import Kept, Proving, wanted_for
from otmon.sensor.worker import Post
from otmon.sentence import Sentence, placed, sentence

ANSWER_S: Final = 10.0
"""A worker that does not answer within this time has stopped."""
_NOTHING: Final = Source("", 0, 0, 0, 0, ())


class Worker:
    """A reader in another process (`otmon.sensor.observer.Reader`)."""

    def __init__(self, post: Post, packets_before: int = 0, known_ns: int = 0) -> None:
        """`packets_before`: packet numbers go on behind those of an earlier run, and `known_ns` is the latest
        time that it knew."""
        self.name = post.name
        self.interface = post.ring.interface
        self.linktype = post.ring.linktype
        self._ends: list[socket.socket] = [ours for ours, _ in post.pairs]
        self._numbers = packets_before
        self._known_ns = known_ns
        self._process = 0
        self._restarts = 0
        self._incidents: list[Sentence] = []
        self._told_jump = NO_JUMP
        self._past = replace(_NOTHING, name=self.name)
        """The source as far as ended workers told it."""
        self._past_counts = RingCounts(0, 0, 0)
        self._past_stamped = 0
        self._left: list[Part] = []
        """The last parts of ended workers, which nobody has merged yet."""
        self._part: Part | None = None
        self._state = State(True, 0.0, RingCounts(0, 0, 0), _NOTHING, 0, 0, 0, 0)
        self._stopped = False

    @property
    def recent(self) -> Proving:
        """The reader itself: it asks the worker for packets."""
        return self

    def start(self) -> None:
        """Begin to read."""
        self._begin()

    def stop(self) -> None:
        """End the reading."""
        self._stopped = True
        self._asked({"what": "stop"})

    def part(self, bars: Bars = NO_BARS) -> Part:
        """What was seen up to now, without rows behind `bars`."""
        told = self._told({"what": "part", "bars": bars_message(bars)})
        ended = tuple(rows for part in self._left for rows in (*part.ended, part.in_use))
        # What the ended ones had behind the bars is no row of anybody any more.
        shed = Counter[str]()
        for part in self._left:
            shed.update({kind: amount for kind, _, amount in part.beyond})
        self._left = []
        if told is None:
            return Part(ended, no_rows(), tuple(sorted(shed.items())), self._past)
        self._part = Part((), told.in_use, (), told.source, told.beyond)
        shed.update(dict(told.shed))
        return replace(
            told,
            ended=(*ended, *told.ended),
            shed=tuple(sorted(shed.items())),
            source=self._whole(told.source),
        )

    def messages(self) -> Part:
        """Of what was seen up to now the copied payloads alone, unless those of an ended worker wait to be
        told before them."""
        told = None if self._left else self._told({"what": "messages"})
        return Part(told.ended if told is not None else (), no_rows(), (), self._past)

    def _told(self, question: Head) -> Part | None:
        """A part that the worker tells; None from one that ended."""
        answer = self._asked(question)
        if answer is None:
            return None
        try:
            return part_of(*answer)
        except Gone as gone:
            self._next(gone)
            return None

    def state(self) -> State:
        """How it fares; as it did when it answered last, where it does not."""
        answer = self._asked({"what": "state"})
        if answer is not None:
            try:
                self._state = state_of(answer[0])
            except Gone as gone:
                self._next(gone)
        counts, past = self._state.counts, self._past_counts
        return replace(
            self._state,
            source=self._whole(self._state.source),
            counts=RingCounts(
                past.received + counts.received, past.dropped + counts.dropped, past.freezes + counts.freezes
            ),
            stamped=self._past_stamped + self._state.stamped,
            restarts=self._restarts,
        )

    def around(self, finding: Finding, source: str) -> list[Kept]:
        """The packets of the finding's addresses that the worker still has."""
        numbers, needles = wanted_for(finding, source)
        question = {
            "what": "around", "numbers": sorted(numbers), "needles": [one.hex() for one in needles],
            "port": finding.link.port, "protocol": finding.link.protocol,
        }  # fmt: skip
        answer = self._asked(question)
        try:
            return [] if answer is None else kept_of(*answer)
        except Gone as gone:
            self._next(gone)
            return []

    def failure(self) -> str:
        """Why nobody reads any more, "" where somebody does."""
        if self._ends:
            return ""
        return sentence("the process that reads ended {times} times", times=self._restarts)

    def incidents(self, zone: str = "") -> list[Sentence]:
        """Workers that ended since this was asked last, and that times of packets jumped."""
        told, self._incidents = self._incidents, []
        jump = self._state.jump
        if jump not in (NO_JUMP, self._told_jump):
            self._told_jump = jump
            told.append(jumped(self.name, jump, zone))
        return told

    def _whole(self, source: Source) -> Source:
        (joined,) = collect(sources=[self._past, replace(source, name=self.name)]).sources
        return joined

    def _asked(self, question: Head) -> tuple[Head, bytearray] | None:
        """The answer; None from a worker that ended, whose successor has begun by then."""
        if not self._ends:
            return None
        try:
            send(self._ends[0], question)
            return receive(self._ends[0])
        except Gone as gone:
            self._next(gone)
            return None

    def _begin(self) -> None:
        """Tell the worker to read. One that ends at once gives way to the next."""
        while self._ends:
            self._ends[0].settimeout(ANSWER_S)
            try:
                number = self._numbers + self._past.packets
                begin = {"before": number, "again": self._restarts > 0, "known": self._known_ns}
                send(self._ends[0], begin)
                self._process = int(receive(self._ends[0])[0]["process"])
                return
            except (Gone, KeyError, TypeError, ValueError) as gone:
                self._lost(str(gone))

    def _next(self, gone: Gone) -> None:
        if self._process and not isinstance(gone, Ended):
            # One that hangs keeps its ring from the next.
            try:
                os.kill(self._process, signal.SIGKILL)
            except OSError:
                self._process = 0
        self._lost(str(gone))
        if not self._stopped:
            self._begin()

    def _lost(self, why: str) -> None:
        self._process = 0
        self._ends.pop(0).close()
        self._restarts += 1
        known = self._part.source.packets if self._part is not None else 0
        read = self._state.source.packets
        self._incidents.append(
            placed(
                self.name,
                sentence(
                    "the process that read it has stopped ({why}) and is started anew; of what it read, at "
                    "least {packets} packets are in no fact",
                    why=why,
                    packets=f"{max(read - known, 0):,}",
                ),
            )
        )
        if self._part is not None:
            self._left.append(self._part)
            self._past = self._whole(self._part.source)
        counts, past = self._state.counts, self._past_counts
        self._past_counts = RingCounts(
            past.received + counts.received, past.dropped + counts.dropped, past.freezes + counts.freezes
        )
        self._past_stamped += self._state.stamped
        self._part = None
        self._state = replace(
            self._state,
            counts=RingCounts(0, 0, 0),
            source=_NOTHING,
            stamped=0,
            novelty=self._restarts,
            messages=0,
            jump=NO_JUMP,
            added_ns=0,
        )
