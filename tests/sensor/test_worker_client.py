"""Several processes that read an interface tell what one would, and one that ends is replaced."""

from __future__ import annotations

import os
import re
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from otmon.capture.ring import Ring, RingCounts
from otmon.ledger.course import SHORTEST_NS
from otmon.ledger.facts import Source
from otmon.ledger.file.store import load
from otmon.ledger.ledger import Ledger
from otmon.sensor.clock import Jump
from otmon.sensor.message import receive, send, state_message
from otmon.sensor.observer import State
from otmon.sensor.worker import post
from otmon.sensor.worker_client import Worker
from tests.namespaces import Wire, inside, missing, wire
from tests.sensor.running import Sensor, sensor
from tests.sensor.test_observer import placeless
from tests.sensor.test_service import CAPTURE, SETPOINT, options, rules_of
from tests.sensor.traffic import frames_of

pytestmark = pytest.mark.skipif(bool(missing()), reason=f"a wire to listen on: {missing()}")
PACKETS = 'otmon_capture_packets_total{interface="far0"}'
RESTARTS = 'otmon_capture_restarts_total{interface="far0"}'


@pytest.fixture(name="wired")
def wired_fixture() -> Iterator[Wire]:
    with wire() as made:
        yield made


def children(process: int) -> list[int]:
    return [
        int(one)
        for task in Path(f"/proc/{process}/task").iterdir()
        for one in (task / "children").read_text(encoding="ascii").split()
    ]


def lives(process: int) -> bool:
    try:
        text = Path(f"/proc/{process}/stat").read_text(encoding="ascii")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return text.rpartition(") ")[2][0] != "Z"


def in_conversations(running: Sensor) -> float:
    return sum(value for name, value in running.metrics().items() if name.startswith("otmon_zone_packets"))


def readers(running: Sensor) -> list[int]:
    """The processes that read: the children of the keeper."""
    (keeper,) = children(running.process.pid)
    return children(keeper)


def ledger_by(workers: int, wired: Wire, folder: Path, frames: list[bytes]) -> Ledger:
    """What a sensor saves that has heard the frames."""
    words = ["--ledger", str(folder / f"{workers}.db"), "--workers", str(workers)]
    with sensor(wired, *words) as running:
        within_a_window()
        wired.send(frames)
        running.wait_for(lambda: running.metrics()[PACKETS] == len(frames))
        running.end()
    return load(folder / f"{workers}.db")


def within_a_window() -> None:
    """Wait where one of the clock's windows, by which requests are counted, is about to end."""
    left = 1 - time.time_ns() % SHORTEST_NS / SHORTEST_NS
    if left < 1 / 3:
        time.sleep(left * SHORTEST_NS / 1e9)


def timeless(value: object) -> str:
    """Facts without what is never twice the same: times, and which packet showed them first."""
    text = repr(value)
    times = r"\b((?:first|last|time|gap)_ns|response_ns_(?:sum|min|max)|hours|packet)=-?\d+"
    return re.sub(r"response_counts=\([\d, ]*\)", "response_counts=()", re.sub(times, r"\1=0", text))


def facts(ledger: Ledger) -> list[list[str]]:
    # A rate of one second is counted by each process for itself.
    assets = [replace(one, peaks=()) for one in ledger.assets]
    kinds = (assets, ledger.conversations, ledger.operations, ledger.written, ledger.anomalies)
    return [[timeless(placeless(one)) for one in kind] for kind in (*kinds, ledger.credentials)]


@pytest.mark.parametrize("capture", [CAPTURE, "factory-day.pcapng", "two-factories-day.pcapng"])
def test_two_processes_find_the_facts_that_one_finds(wired: Wire, tmp_path: Path, capture: str) -> None:
    # Whether a frame that comes twice was mirrored twice depends on the time between, and here there is none.
    frames = list(dict.fromkeys(frames_of(capture)))
    one, two = (ledger_by(number, wired, tmp_path, frames) for number in (1, 2))
    assert facts(one) == facts(two)
    assert [source.name for source in one.sources] == ["far0"]
    assert [source.name for source in two.sources] == ["far0#1", "far0#2"]
    assert all(source.packets for source in two.sources)
    counted = [sum(source.packets for source in ledger.sources) for ledger in (one, two)]
    assert counted == [len(frames)] * 2
    assert layers(one) == layers(two)


def layers(ledger: Ledger) -> dict[str, int]:
    def of(source: Source) -> dict[str, int]:
        return {name: count for name, count in source.counters if name.startswith("layer.")}

    total: dict[str, int] = {}
    for source in ledger.sources:
        for name, count in of(source).items():
            total[name] = total.get(name, 0) + count
    return total


def test_findings_come_once_with_their_packets(wired: Wire, tmp_path: Path) -> None:
    found = tmp_path / "findings.jsonl"
    with sensor(wired, *options(tmp_path), "--workers", "2") as running:
        wired.send(frames_of(CAPTURE))
        running.wait_for(lambda: SETPOINT in rules_of(found))
        running.wait_for(lambda: running.metrics()[PACKETS] == len(frames_of(CAPTURE)))
        running.wait_for(lambda: list((tmp_path / "evidence").glob("*.pcapng")))
        processes = [*readers(running), *children(running.process.pid)]
        status, took = running.end()
        assert (status, took < 15) == (1, True)
    lines = found.read_text(encoding="utf-8").splitlines()
    assert sum(f'"rule":"{SETPOINT}"' in line for line in lines) == 1
    proofs = {path.name.partition("-")[2] for path in (tmp_path / "evidence").glob("*.pcapng")}
    assert proofs <= {"far0#1.pcapng", "far0#2.pcapng"}
    until_gone(processes)


def until_gone(processes: list[int]) -> None:
    end = time.monotonic() + 30
    while any(map(lives, processes)):
        assert time.monotonic() < end, "a process outlives the sensor"
        time.sleep(0.05)


def test_a_killed_process_is_replaced_and_said_and_nothing_that_was_told_is_lost(
    wired: Wire, tmp_path: Path
) -> None:
    # Frames that are the same may come so close together that one is taken for a copy.
    frames = list(dict.fromkeys(frames_of("factory-day.pcapng")))
    with sensor(wired, *options(tmp_path), "--workers", "2") as running:
        wired.send(frames)
        running.wait_until_judged(PACKETS, len(frames))
        told = in_conversations(running)
        first = readers(running)
        assert len(first) == 2 and running.metrics()[RESTARTS] == 0
        os.kill(first[0], signal.SIGKILL)
        running.wait_for(lambda: running.metrics()[RESTARTS] == 1)
        running.wait_for(lambda: running.says(f"process {first[0]}, which read it, was ended by signal 9"))
        running.wait_for(lambda: running.says("is started anew"))
        second = readers(running)
        assert len(second) == 2 and first[0] not in second and first[1] in second
        wired.send(frames)
        running.wait_for(lambda: running.metrics()[PACKETS] == 2 * len(frames))
        running.end()
    ledger = load(tmp_path / "plant.db")
    assert sum(one.packets for one in ledger.sources) == 2 * len(frames)
    talked = sum(one.packets_to_server + one.packets_to_client for one in ledger.conversations)
    assert talked == 2 * told > 0


def test_packets_wait_while_nobody_reads(wired: Wire, tmp_path: Path) -> None:
    frames = frames_of("factory-day.pcapng")
    with sensor(wired, "--workers", "2") as running:
        running.wait_for(lambda: len(readers(running)) == 2)
        for process in readers(running):
            os.kill(process, signal.SIGSTOP)
        wired.send(frames)
        for process in readers(running):
            os.kill(process, signal.SIGKILL)
        running.wait_for(lambda: running.metrics()[PACKETS] == len(frames))
        assert running.metrics()[RESTARTS] == 2
        # What hangs is ended as well, once it did not answer for long enough.
        hanging = readers(running)[0]
        os.kill(hanging, signal.SIGSTOP)
        running.wait_for(lambda: running.metrics()[RESTARTS] == 3, 60)
        assert hanging not in readers(running)


def test_without_the_keeper_the_sensor_ends(wired: Wire, tmp_path: Path) -> None:
    with sensor(wired, "--workers", "2") as running:
        processes = readers(running)
        os.kill(children(running.process.pid)[0], signal.SIGKILL)
        assert running.ended() == 2
        assert running.says("reading has stopped")
        until_gone(processes)


def test_a_jump_of_the_clock_that_a_process_saw_is_told_once_by_the_plants_clocks(wired: Wire) -> None:
    jump = Jump(-3_600, 1_767_268_800 * 10**9)
    state = State(True, 0.0, RingCounts(0, 0, 0), Source("", 0, 0, 0, 0, ()), 0, 0, 0, 0, jump)
    with inside(wired.namespace), Ring(wired.far) as ring:
        one = post("far0#1", ring, 0)

        def answer() -> None:
            theirs = one.pairs[0][1]
            for reply in ({"process": 0}, state_message(state), state_message(state)):
                receive(theirs)
                send(theirs, reply)

        answering = threading.Thread(target=answer)
        answering.start()
        worker = Worker(one)
        worker.start()
        assert worker.incidents("Asia/Tokyo") == []
        worker.state()
        (said,) = worker.incidents("Asia/Tokyo")
        assert said.startswith(
            "far0#1: the times of packets jumped by -3,600 seconds, to 2026-01-01 21:00:00.000"
        )
        assert "Asia/Tokyo" in said
        worker.state()
        assert worker.incidents("Asia/Tokyo") == []
        answering.join()
        for pair in one.pairs:
            for end in pair:
                end.close()
