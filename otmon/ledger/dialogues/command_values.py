"""Values that commands write to elements of controllers, in protocols of which no kernel reads them
(`otmon.protocols.writes`): facts as those of Modbus (`otmon.ledger.modbus.written`).

Every write that was copied is looked at. What an element held before is what was last written to it, by
whomever, unless the device refused that; what is read from it is not followed. A word of which single bits
were written has a value where the rest of it is known. For the largest change within a minute one value of
each `SLOT_NS` is remembered, as for Modbus (`otmon.ledger.modbus.value_changes`).

A message may name a thousand elements: those that are looked at in one second are bounded, for all flows and
for each, and what is beyond that is told as what could not be read. So is a part of a word of which nobody
knows the rest.
"""

from __future__ import annotations

import math
import struct
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from otmon.identity.login import Seen
from otmon.ledger.dialogues.single_operation import Talk
from otmon.ledger.facts import (
    MINUTE_NS,
    NO_CHANGE,
    NO_STEP,
    ORDERS,
    UNKNOWN,
    Change,
    Evidence,
    Extreme,
    WrittenValue,
)
from otmon.protocols.protocol import Run, Written

SECOND_NS: Final = 1_000_000_000
SLOT_NS: Final = MINUTE_NS // 12
SECOND_VALUES: Final = 2_048
"""Elements that are looked at in one second, which takes a tenth of it."""
TALK_VALUES: Final = 1_024
"""Of one client and server: more than one message names."""
UNDOABLE: Final = 16_384
"""Elements of writes that wait for an answer; those of the first one are forgotten."""
HELD: Final = 8_192
"""Elements of which it is remembered what they hold; the one that was not written for longest gives way."""
_FLOAT: Final = struct.Struct(">f")

_Element = tuple[tuple[object, ...], int, int]
"""Server and area, address, words."""
_Numbers = tuple[float, ...]
"""A value in each of `otmon.ledger.facts.WAYS`, NaN where it is no number there; of one word the first
two."""


class _Point(NamedTuple):
    """What an element held until a write, and in the same slot of time at first."""

    evidence: Evidence
    bits: int
    numbers: _Numbers


@dataclass(slots=True)
class _Held:
    """What is known of an element."""

    bits: int = UNKNOWN
    write: int = 0
    """Which write made it that."""
    points: list[_Point] = field(default_factory=list)


class _Undo(NamedTuple):
    """What an element held before a write, should the device refuse that."""

    element: _Element
    bits: int


@dataclass(slots=True)
class _Row:
    """What was written to one element since facts were last asked for; as `WrittenValue`."""

    evidence: Evidence
    last_ns: int
    times: int = 0
    repeated: int = 0
    bits: int = UNKNOWN
    """What was written last."""
    extremes: list[Extreme] = field(default_factory=list)
    ranks: list[float] = field(default_factory=list)
    steps: list[Extreme] = field(default_factory=list)
    sizes: list[float] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    far: list[float] = field(default_factory=list)


class CommandValues:
    """The written values of one source; used by one thread."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._rows: dict[tuple[Talk, int, str, int, int], _Row] = {}
        self._held: OrderedDict[_Element, _Held] = OrderedDict()
        self._writes = 0
        self._undo: OrderedDict[int, list[_Undo]] = OrderedDict()
        """By the number of a write that may be refused."""
        self._undoable = 0
        self._second, self._looked_at = -1, 0
        self._spent: dict[Talk, int] = {}

    def note(self, talk: Talk, written: Written, seen: Seen) -> int:
        """What a command wrote that was `seen`. Returns its number, by which it is told what became of it, 0
        for nothing that was written."""
        if not written.runs and written.whole:
            return 0
        self._writes += 1
        evidence = Evidence(seen.time_ns, self._source, seen.packet, seen.offset)
        whole, undo = written.whole, list[_Undo]()
        for run in written.runs:
            count = self._granted(talk, len(run.values), seen.time_ns)
            whole = whole and count == len(run.values)
            self._note_run(talk, run, count, evidence, undo)
        if not whole:
            self._row((talk, UNKNOWN, "", UNKNOWN, 0), evidence).times += 1
        if not undo:
            return 0
        self._undo[self._writes] = undo
        self._undoable += len(undo)
        while self._undoable > UNDOABLE:
            self._undoable -= len(self._undo.popitem(last=False)[1])
        return self._writes

    def answered(self, write: int, refused: bool) -> None:
        """A write was answered. Where the device refused it, its elements hold what they held before it,
        unless somebody wrote since."""
        undo = self._undo.pop(write, [])
        self._undoable -= len(undo)
        # An element that was written twice held first what it held before the first time.
        for element, bits in reversed(undo) if refused else ():
            held = self._held.get(element)
            if held is not None and held.write == write:
                held.bits = bits

    def take(self) -> Iterator[WrittenValue]:
        """The facts since this was last asked."""
        rows, self._rows = self._rows, {}
        for (talk, unit, table, address, words), row in rows.items():
            steps, changes = tuple(row.steps), tuple(row.changes)
            yield WrittenValue(
                *talk, unit, table, address, words, row.times, row.repeated, row.evidence.time_ns,
                row.last_ns, tuple(row.extremes), steps, () if changes.count(NO_CHANGE) == len(changes) else
                changes, row.evidence,
            )  # fmt: skip

    def _granted(self, talk: Talk, wanted: int, now_ns: int) -> int:
        """How many elements more may be looked at in this second."""
        if now_ns // SECOND_NS != self._second:
            self._second, self._looked_at = now_ns // SECOND_NS, 0
            self._spent.clear()
        spent = self._spent.get(talk, 0)
        granted = min(wanted, TALK_VALUES - spent, SECOND_VALUES - self._looked_at)
        self._spent[talk] = spent + granted
        self._looked_at += granted
        return granted

    def _note_run(self, talk: Talk, run: Run, count: int, evidence: Evidence, undo: list[_Undo]) -> None:
        """The first `count` elements of a run."""
        words = 2 if run.kind == "real" else 1
        area = (*talk[1:], run.unit, run.table)
        last, last_before = UNKNOWN, UNKNOWN
        for n in range(count):
            address, bits = run.address + n * run.stride, run.values[n]
            held = self._element((area, address, words))
            before = held.bits
            undo.append(_Undo((area, address, words), before))
            if run.kind == "word" and run.mask != 0xFFFF:
                bits = UNKNOWN if before == UNKNOWN else (before & ~run.mask) | (bits & run.mask)
            held.bits, held.write = bits, self._writes
            key = talk, run.unit, run.table, address
            if not run.mask:
                held.bits = UNKNOWN
            elif bits == UNKNOWN:
                # A part of it, and nobody knows the rest.
                self._row((*key, 0), evidence).times += 1
            else:
                self._note_value((*key, words), held, bits, before, evidence)
            if n and run.kind == "word" and UNKNOWN not in (bits, last):
                pair = self._element((area, address - run.stride, 2))
                known = UNKNOWN not in (before, last_before)
                self._note_value(
                    (talk, run.unit, run.table, address - run.stride, 2), pair,
                    last << 16 | bits, last_before << 16 | before if known else UNKNOWN, evidence,
                )  # fmt: skip
            last, last_before = bits, before

    def _element(self, element: _Element) -> _Held:
        held = self._held.get(element)
        if held is None:
            held = self._held[element] = _Held()
            if len(self._held) > HELD:
                self._held.popitem(last=False)
        else:
            self._held.move_to_end(element)
        return held

    def _row(self, key: tuple[Talk, int, str, int, int], evidence: Evidence) -> _Row:
        row = self._rows.get(key)
        if row is None:
            row = self._rows[key] = _Row(evidence, evidence.time_ns)
        row.evidence, row.last_ns = min(row.evidence, evidence), max(row.last_ns, evidence.time_ns)
        return row

    def _note_value(
        self, key: tuple[Talk, int, str, int, int], held: _Held, bits: int, before: int, evidence: Evidence
    ) -> None:
        """A value that an element got, which held `before` until then."""
        row = self._row(key, evidence)
        row.times += 1
        if bits == before:
            row.repeated += 1
        words = key[-1]
        now = evidence.time_ns
        known = row.sizes and min(row.sizes) >= 0
        if bits == before == row.bits and known and evidence.time_ns == row.last_ns:
            # Most writes say what the one before said.
            return
        row.bits = bits
        numbers = numbers_of(bits, words)
        _extend(row, bits, before, numbers, evidence, words)
        if before != UNKNOWN:
            old = numbers_of(before, words)
            _step(row, bits, before, numbers, old, evidence)
            recent = [one for one in held.points if 0 <= now - one.evidence.time_ns <= MINUTE_NS]
            if bits != before and not any(now - one.evidence.time_ns < SLOT_NS for one in recent):
                recent.append(_Point(evidence, before, old))
            held.points = recent
        if bits != before:
            _move(row, bits, numbers, held.points, evidence)


def numbers_of(bits: int, words: int) -> _Numbers:
    """A value in each of `otmon.ledger.facts.WAYS`, exactly; NaN where it is no number there."""
    if words == 1:
        return float(bits), float(bits - (bits >> 15 << 16))
    swapped, first = (bits & 0xFFFF) << 16 | bits >> 16, bits >> 16
    return (
        float(bits), float(_signed(bits)), float(swapped), float(_signed(swapped)), _real(bits),
        _real(swapped), float(first), float(first - (first >> 15 << 16)),
    )  # fmt: skip


def _signed(bits: int) -> int:
    return bits - (bits >> 31 << 32)


def _real(bits: int) -> float:
    number: float = _FLOAT.unpack(bits.to_bytes(4, "big"))[0]
    return number if math.isfinite(number) else math.nan


def _extend(row: _Row, bits: int, before: int, numbers: _Numbers, evidence: Evidence, words: int) -> None:
    """Keep the value where it is the smallest or largest one of its row."""
    orders = len(ORDERS) if words == 2 else 2
    one = Extreme(bits, before, evidence)
    if not row.extremes:
        row.extremes = [one] * (2 * orders)
        row.ranks = [numbers[n // 2] for n in range(2 * orders)]
        return
    for n in range(2 * orders):
        rank, known = numbers[n // 2], row.ranks[n]
        beyond = rank > known if n % 2 else rank < known
        # Of equal ones the earliest is told, as when two ledgers are merged.
        if beyond or (
            rank == known and (evidence, before) < (row.extremes[n].evidence, row.extremes[n].before)
        ):
            row.extremes[n], row.ranks[n] = one, rank


def _step(row: _Row, bits: int, before: int, numbers: _Numbers, old: _Numbers, evidence: Evidence) -> None:
    """Keep the step where it is the largest of its row in one of the ways."""
    if not row.steps:
        row.steps, row.sizes = [NO_STEP] * len(numbers), [-1.0] * len(numbers)
    for way, (number, other) in enumerate(zip(numbers, old, strict=True)):
        size = abs(number - other)
        known = row.sizes[way]
        if size > known or (size == known and evidence < row.steps[way].evidence):
            row.steps[way], row.sizes[way] = Extreme(bits, before, evidence), size


def _move(row: _Row, bits: int, numbers: _Numbers, points: Sequence[_Point], evidence: Evidence) -> None:
    """Keep the change from what the element held in the minute before, where it is the largest of its row."""
    if not row.changes:
        row.changes, row.far = [NO_CHANGE] * len(numbers), [0.0] * len(numbers)
    for point in points:
        if not 0 <= evidence.time_ns - point.evidence.time_ns <= MINUTE_NS or point.bits == bits:
            continue
        for way, (number, other) in enumerate(zip(numbers, point.numbers, strict=True)):
            size = abs(number - other)
            known = row.far[way]
            if size > known or (size == known > 0 and evidence < row.changes[way].evidence):
                row.changes[way], row.far[way] = Change(bits, point.bits, point.evidence, evidence), size
