"""What a live interface gives is what a replay of the same packets gives."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from otmon.capture.batch import Batch
from otmon.capture.ring import BLOCK_BYTES, Ring
from otmon.engine import replay
from otmon.ledger.dialogues.dialogues import Dialogues
from otmon.ledger.facts import Evidence, Source
from otmon.ledger.harvest.harvest import facts_of
from otmon.ledger.harvest.rows import no_rows
from otmon.ledger.harvest.waiting_rows import TIMES
from otmon.ledger.ledger import EMPTY, LIMITS, Ledger
from otmon.ledger.merge import collect, merge_all
from otmon.ledger.rank import NO_BARS, bars_of
from otmon.ledger.tables import FILL_MESSAGES, X_COLUMNS, X_FIRST, X_PACKETS
from otmon.outputs.pcapng import pcapng
from otmon.sensor.observer import CLOSED_NS, FRESH, LOOK_S, SWITCH_S, Observer, Part
from otmon.sensor.recent_packets import RecentPackets
from tests.namespaces import Wire, inside, missing, wire
from tests.sensor.traffic import frames_of

pytestmark = pytest.mark.skipif(bool(missing()), reason=f"a wire to listen on: {missing()}")


@pytest.fixture(name="wired")
def wired_fixture() -> Iterator[Wire]:
    with wire() as made:
        yield made


def batches(ring: Ring, packets: int) -> Iterator[Batch]:
    """The next so many packets. A slow machine hands over many blocks in the middle of a send: only a large
    ring has room for all of them."""
    count, end = 0, time.monotonic() + 60
    while count < packets:
        batch = ring.next(200)
        assert batch is not None or time.monotonic() < end, f"{count} of {packets} packets came"
        if batch is not None:
            count += len(batch.start)
            yield batch
    ring.release()


def heard(observer: Observer, packets: int) -> Part:
    """What the observer tells once it has read so many packets."""
    end = time.monotonic() + 60
    while observer.source().packets < packets and time.monotonic() < end:
        time.sleep(0.02)
    part = observer.part()
    assert part.source.packets == packets
    return part


def ledger_of(part: Part) -> Ledger:
    name = part.source.name
    dialogues = Dialogues(name)
    log_ins = [dialogues.take(rows.messages, rows.octets) for rows in part.ended]
    facts = [facts_of(rows, name) for rows in (*part.ended, part.in_use)]
    return merge_all([*facts, *log_ins, dialogues.going_on(), collect(sources=[part.source])])


class Witness(RecentPackets):
    """Keeps every packet."""

    def __init__(self, linktype: int, memory_bytes: int) -> None:
        super().__init__(linktype, memory_bytes)
        self.packets: list[tuple[int, bytes]] = []

    def add(self, batch: Batch, packets_before: int) -> None:
        self.packets += [
            (int(now), bytes(batch.buf[at : at + size]))
            for at, size, now in zip(batch.start, batch.caplen, batch.time_ns, strict=True)
        ]


def placeless(value: Any) -> Any:
    """Facts without the name of their source and the offsets in it, which a file and a wire differ in."""
    if isinstance(value, Evidence):
        return value._replace(source="", offset=0)
    if isinstance(value, Source):
        kept = [(name, count) for name, count in value.counters if name != "requests open at the end"]
        return replace(value, name="", counters=tuple(kept))
    if isinstance(value, tuple):
        parts = map(placeless, value)
        return value._make(parts) if hasattr(value, "_make") else tuple(parts)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{one.name: placeless(getattr(value, one.name)) for one in fields(value)})
    return value


@pytest.mark.parametrize(
    "capture", ["factory-day.pcapng", "body-line-day.pcapng", "two-factories-day.pcapng"]
)
def test_live_and_replayed_facts_are_the_same(wired: Wire, tmp_path: Path, capture: str) -> None:
    frames = frames_of(capture)
    witness = Witness(1, 0)
    with inside(wired.namespace), Ring(wired.far) as ring:
        observer = Observer(ring, witness)
        observer.start()
        wired.send(frames)
        part = heard(observer, len(frames))
        observer.stop()
    path = tmp_path / "seen.pcapng"
    path.write_bytes(pcapng(witness.packets, "test", "far0", "a wire"))
    live, replayed = ledger_of(part), replay([str(path)]).ledger
    # Requests that wait for an answer are no facts yet on a wire, and open at the end of a file.
    settled = tuple(one for one in replayed.operations if one.status != -2)
    assert placeless(live) == placeless(replace(replayed, operations=settled))
    assert live.conversations and live.operations
    assert bool(live.credentials) == (capture == "two-factories-day.pcapng")


def test_flows_that_ended_are_told_once(wired: Wire) -> None:
    frames = frames_of("factory-day.pcapng")
    with inside(wired.namespace), Ring(wired.far) as ring:
        observer = Observer(ring, RecentPackets(1, 0))
        observer.start()
        wired.send(frames)
        before = ledger_of(heard(observer, len(frames)))
        observer.stop()
        # The next packets come after the closed connections were given up; one alone may have a wrong time.
        for _ in range(2):
            assert not observer._ended
            observer._take(_moved(wired, ring, frames[:1], CLOSED_NS * 2))
        part = observer.part()
        assert sum(len(rows.flows) for rows in part.ended) > 10
        after = ledger_of(part)
        again = observer.part()
        assert not again.ended and len(again.in_use.flows) == len(part.in_use.flows)
    total = sum(one.packets_to_server + one.packets_to_client for one in before.conversations)
    grown = sum(one.packets_to_server + one.packets_to_client for one in after.conversations)
    assert total <= grown <= total + 2
    assert {one.server for one in after.conversations} == {one.server for one in before.conversations}


def _moved(wired: Wire, ring: Ring, frames: list[bytes], by_ns: int) -> Batch:
    wired.send(frames)
    batch = next(batches(ring, len(frames)))
    return replace(batch, time_ns=batch.time_ns + by_ns)


def test_new_things_are_noticed_and_repetitions_are_not(wired: Wire) -> None:
    frames = frames_of("factory-day.pcapng")
    with inside(wired.namespace), Ring(wired.far) as ring:
        observer = Observer(ring, RecentPackets(1, 0))
        observer.start()

        def novelty(packets: int) -> int:
            heard(observer, packets)
            end = time.monotonic() + 60
            while not observer._looked:
                assert time.monotonic() < end, "nobody looks at what is new"
                time.sleep(LOOK_S / 10)
            return observer.novelty()

        assert observer.novelty() == 0
        wired.send(frames[:500])
        found = [novelty(500)]
        assert found[0] > 0
        # Peaks count by their powers of two, which so few packets seldom reach.
        for n in range(1, 7):
            wired.send(frames[:1])
            found.append(novelty(500 + n))
        assert sum(one == two for one, two in pairwise(found)) >= 3
        wired.send(frames[500:])
        assert novelty(len(frames) + 6) > found[-1]
        observer.stop()


def test_payloads_are_told_without_the_rows(wired: Wire) -> None:
    frames = frames_of("two-factories-day.pcapng")
    with inside(wired.namespace), Ring(wired.far) as ring:
        whole, by_parts = Observer(ring, RecentPackets(1, 0)), Observer(ring, RecentPackets(1, 0))
        told = []
        wired.send(frames)
        for batch in batches(ring, len(frames)):
            whole._take(batch)
            by_parts._take(batch)
            assert by_parts.state().messages == by_parts._tables.used[FILL_MESSAGES]
            told.append(by_parts.messages())
            assert by_parts.state().messages == 0
            assert not len(told[-1].in_use)
            assert all(len(rows) == len(rows.messages) for rows in told[-1].ended)
        assert sum(len(rows.messages) for part in told for rows in part.ended) > 50
        log_ins = Dialogues(by_parts.name)
        ended = [log_ins.take(rows.messages, rows.octets) for part in told for rows in part.ended]
        rows = by_parts.part()
        assert not sum(len(ended.messages) for ended in rows.ended)
        name = rows.source.name
        facts = [facts_of(one, name) for one in (*rows.ended, rows.in_use)]
        expected = ledger_of(whole.part())
        assert expected.credentials and expected.claims
        assert merge_all([*facts, *ended, log_ins.going_on(), collect(sources=[rows.source])]) == expected


def test_packet_numbers_go_on_behind_an_earlier_run(wired: Wire) -> None:
    frames = frames_of("factory-day.pcapng")[:50]
    with inside(wired.namespace), Ring(wired.far) as ring:
        observer = Observer(ring, RecentPackets(1, 0), packets_before=1_000)
        observer.start()
        wired.send(frames)
        ledger = ledger_of(heard(observer, len(frames)))
        observer.stop()
    numbers = {one.evidence.packet for one in (*ledger.conversations, *ledger.assets)}
    assert min(numbers) == 1_001 and max(numbers) <= 1_050


def test_an_interface_that_was_taken_away_and_came_back_is_a_failure(wired: Wire) -> None:
    with inside(wired.namespace), Ring(wired.far, ring_bytes=2 * BLOCK_BYTES) as ring:
        observer = Observer(ring, RecentPackets(1, 0))
        wired.run("ip", "link", "delete", wired.far)
        assert not observer.failure()
        wired.run("ip", "link", "add", wired.near, "type", "veth", "peer", "name", wired.far)
        assert "taken away" in observer.failure()


def test_who_reads_does_not_wait_long_for_who_judges(wired: Wire) -> None:
    before = sys.getswitchinterval()
    try:
        with inside(wired.namespace), Ring(wired.far) as ring:
            observer = Observer(ring, RecentPackets(1, 0))
            observer.start()
            observer.part()
            assert sys.getswitchinterval() == pytest.approx(SWITCH_S)
            observer.stop()
    finally:
        sys.setswitchinterval(before)


def test_what_ends_the_thread_is_told_to_who_asks(wired: Wire) -> None:
    with inside(wired.namespace), Ring(wired.far, ring_bytes=2 * BLOCK_BYTES) as ring:
        observer = Observer(ring, RecentPackets(1, 0))
        observer.start()
        observer.part()
        ring.socket.close()
        with pytest.raises((OSError, ValueError)):
            for _ in range(100):
                observer.part()
                time.sleep(0.02)
        assert observer.failure()
        observer.stop()


def test_in_a_flood_rows_that_nobody_takes_are_those_that_a_ledger_keeps(wired: Wire) -> None:
    limits = replace(LIMITS, secret=0x8765432112345678)
    bars = bars_of(EMPTY, limits)
    with inside(wired.namespace), Ring(wired.far, ring_bytes=2 * BLOCK_BYTES) as ring:
        alone, asked = (
            Observer(ring, RecentPackets(1, 0)),
            Observer(ring, RecentPackets(1, 0), name=ring.interface),
        )
        alone.part(bars)
        parts = [asked.part(bars)]
        # Each sender is another one: rows end as fast as they come.
        start = np.arange(4096, dtype=np.int64) * 60
        length = np.full(4096, 60, np.int64)
        frames = np.zeros((4096, 60), np.uint8)
        frames[:, 12:14] = (0x88, 0xB5)
        sent = 0
        while sent < 160_000:
            numbers = np.arange(sent, sent + 4096, dtype=">u4").view(np.uint8).reshape(-1, 4)
            frames[:, 8:12] = numbers
            time_ns = np.arange(sent, sent + 4096, dtype=np.int64) * 1_000 + 10**18
            batch = Batch(
                frames.reshape(-1), start, length, length, time_ns, length * 0 + 1, "x", 0, sent + 1
            )
            for one in (alone, asked):
                one._take(batch)
            parts.append(asked.part(bars))
            sent += 4096
            assert len(alone._ended) <= TIMES * (LIMITS.assets + LIMITS.conversations)
            assert len(alone._fresh) <= FRESH
        late = alone.part(bars)
    assert dict(late.shed)["assets"] > 80_000 and not any(part.shed for part in parts)
    shed = collect(overflow=late.shed)
    told = merge_all([facts_of(rows, "x") for rows in (*late.ended, late.in_use)], limits)
    ended = [facts_of(rows, "x") for part in parts for rows in part.ended]
    whole = merge_all([*ended, facts_of(parts[-1].in_use, "x")], limits)
    assert merge_all([told, shed], limits) == whole and len(whole.assets) == LIMITS.assets


def test_of_too_many_rows_of_few_hosts_the_oldest_are_given_up_and_counted(
    wired: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("otmon.sensor.observer.LIMITS", replace(LIMITS, assets=8))
    with inside(wired.namespace), Ring(wired.far, ring_bytes=2 * BLOCK_BYTES) as ring:
        observer = Observer(ring, RecentPackets(1, 0))
        rows = np.zeros((100, X_COLUMNS), np.int64)
        rows[:, X_PACKETS], rows[:, X_FIRST] = 3, np.arange(100)
        for begin in range(0, 100, 5):
            observer._ended.take(replace(no_rows(), assets=rows[begin : begin + 5]), NO_BARS)
            assert len(observer._ended) <= TIMES * 8
        part = observer.part()
    (kept,) = part.ended
    assert kept.assets[:, X_FIRST].tolist() == list(range(100 - len(kept), 100)) and len(kept) >= 3
    assert dict(part.shed) == {"assets": 3 * (100 - len(kept))}
