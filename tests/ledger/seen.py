"""Frames given to the loop over packets, one after the other, and what the tables say then."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np

from otmon.decode.fields import COUNTER_NAMES
from otmon.ledger.dialogues.dialogues import Dialogues
from otmon.ledger.harvest.harvest import facts_of
from otmon.ledger.harvest.rows import ended_rows, slices_in_use
from otmon.ledger.ledger import Ledger
from otmon.ledger.merge import merge_all
from otmon.ledger.packets.endings import finish_source
from otmon.ledger.packets.observe import observe
from otmon.ledger.rank import NO_BARS, Bars
from otmon.ledger.tables import FILL_TRANSACTIONS, Tables, new_tables
from otmon.protocols.registry import PROTOCOLS, code_of
from otmon.protocols.signature import compile_signatures
from tests.truth.capture import Packet

SIGNATURES = compile_signatures(PROTOCOLS)


class Seen:
    """Tables of one source. Packets are numbered from 1."""

    def __init__(self, transactions: bool = True) -> None:
        self.t: Tables = new_tables(code_of("modbus"), transactions)
        self.number = 1
        self.dialogues = Dialogues("x")

    def frames(self, frames: Iterable[tuple[int, bytes]], linktype: int = 1, snap: int = 1 << 18) -> Seen:
        """Give frames with their times in nanoseconds, of each its first `snap` bytes."""
        for time_ns, frame in frames:
            buf = np.frombuffer(frame[:snap], np.uint8).copy()
            one = [np.array([value], np.int64) for value in (0, len(buf), len(frame), time_ns, linktype)]
            assert observe(buf, *one, self.number, 0, 0, self.t, SIGNATURES) == 1
            self.number += 1
        return self

    def packets(self, packets: Iterable[Packet], snap: int = 1 << 18) -> Seen:
        for packet in packets:
            self.frames([(packet.time_ns, packet.frame)], packet.link.linktype, snap)
        return self

    def finish(self) -> Seen:
        finish_source(self.t, 0)
        return self

    @property
    def counted(self) -> dict[str, int]:
        return {name: int(n) for name, n in zip(COUNTER_NAMES, self.t.counters, strict=True) if n}

    @property
    def transactions(self) -> list[list[int]]:
        rows: list[list[int]] = self.t.transactions[:, : self.t.used[FILL_TRANSACTIONS]].T.tolist()
        return rows

    def harvested(self) -> Ledger:
        """The facts of ended rows, which are free again."""
        rows = ended_rows(self.t)
        return merge_all([facts_of(rows, "x"), self.dialogues.take(rows.messages, rows.octets)])

    def ledger(self) -> Ledger:
        return merge_all([self.harvested(), at_end(self.t), self.dialogues.going_on()])


def at_end(t: Tables, bars: Bars = NO_BARS) -> Ledger:
    """The facts of the rows that are in use at the end of a source, without those behind `bars`."""
    return merge_all(facts_of(rows, "x", bars) for rows in slices_in_use(t))


def either_way(frames: list[tuple[int, bytes]]) -> tuple[list[Any], list[Any]]:
    """All that the tables say of frames: as they are, which go short ways, and with the tag of a priority,
    which stands for no network and goes the long way. What the tag adds, bytes and its layer, is left out."""
    said = []
    for tag in (b"", bytes.fromhex("81000000")):
        seen = Seen().frames((time, frame[:12] + tag + frame[12:]) for time, frame in frames).finish()
        facts = re.sub(r"\bbytes\w*=\d+", "", repr(seen.ledger()))
        counted = {name: count for name, count in seen.counted.items() if name != "layer.802.1q"}
        said.append([facts, counted, seen.transactions])
    return said[0], said[1]


def counted(ledger: Ledger) -> dict[str, int]:
    """Of each kind what its facts and what found no place come to, as `Ledger.overflow` counts."""
    amounts = Counter(dict(ledger.overflow))
    amounts["conversations"] += sum(
        one.packets_to_server + one.packets_to_client for one in ledger.conversations
    )
    amounts["assets"] += sum(one.packets for one in ledger.assets)
    for kind in ("operations", "written", "anomalies"):
        amounts[kind] += sum(one.times for one in getattr(ledger, kind))
    return {kind: amount for kind, amount in amounts.items() if kind != "claims"}
