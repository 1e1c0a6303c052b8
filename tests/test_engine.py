"""The engine as a whole: one file or many, one process or several, to the end or interrupted."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from otmon.capture.sources import NotACapture, expand
from otmon.engine import replay
from otmon.ledger.ledger import EMPTY, Ledger, claim_key, credential_key
from otmon.ledger.merge import merge_all

ROOT = Path(__file__).resolve().parent.parent
DAY = ROOT / "pcaps" / "factory-day.pcapng"
TRUTH = json.loads(DAY.with_suffix(".truth.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three copies of the demo capture under names of their own."""
    folder = tmp_path_factory.mktemp("captures")
    for name in ("a.pcapng", "b.pcapng"):
        shutil.copy(DAY, folder / name)
    (folder / "c.pcapng.gz").write_bytes(gzip.compress(DAY.read_bytes(), 1))
    return folder


def test_every_transaction_of_the_truth_is_there(tmp_path: Path) -> None:
    result = replay([str(DAY)], transactions=str(tmp_path / "t.parquet"))
    rows = pq.read_table(tmp_path / "t.parquet").to_pylist()
    name = {host["address"]: host["name"] for host in TRUTH["hosts"]}
    found = Counter(
        (name[row["client"]], name[row["server"]], row["function"], row["exception"]) for row in rows
    )
    modbus = TRUTH["modbus"]
    expected = Counter(
        {
            (one["client"], one["server"], one["function"], one["exception"]): one["times"]
            for one in modbus["by"]
        }
    )
    # The malformed request is answered too, and counted apart in the truth.
    assert not expected - found
    assert (found - expected).total() == modbus["malformed"]
    operations = result.ledger.operations
    assert sum(operation.times for operation in operations) == modbus["transactions"] + modbus["malformed"]
    (source,) = result.ledger.sources
    assert source.packets == TRUTH["packets"]
    assert not result.interrupted
    assert not result.ledger.damage


def test_files_are_independent_and_merge_to_one_ledger(day: Path) -> None:
    paths = [str(day / name) for name in ("a.pcapng", "b.pcapng")]
    both = replay(paths).ledger
    assert both == merge_all(replay([path]).ledger for path in paths)
    assert both == replay(paths[::-1]).ledger


def test_processes_give_the_same_ledger_and_the_same_rows(day: Path, tmp_path: Path) -> None:
    paths = expand([str(day)])
    assert len(paths) == 3
    one = replay(paths, transactions=str(tmp_path / "one.parquet"))
    several = replay(paths, transactions=str(tmp_path / "several.parquet"), jobs=2)
    assert several == one
    tables = [pq.read_table(tmp_path / f"{name}.parquet") for name in ("one", "several")]
    assert tables[0].to_pylist() == tables[1].to_pylist()
    assert not list(tmp_path.glob(".otmon-*"))


def test_no_files_are_no_facts() -> None:
    assert replay([]).ledger == EMPTY


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_file_that_is_no_capture_is_an_error(tmp_path: Path, jobs: int) -> None:
    (tmp_path / "x.pcap").write_bytes(b"not a capture")
    with pytest.raises(NotACapture, match=r"x\.pcap"):
        replay([str(DAY), str(tmp_path / "x.pcap")], jobs=jobs)


def test_damage_is_a_fact_and_the_rest_is_read(tmp_path: Path) -> None:
    cut = tmp_path / "cut.pcapng"
    cut.write_bytes(DAY.read_bytes()[:-100])
    ledger = replay([str(cut)]).ledger
    assert [damage.kind for damage in ledger.damage] == ["cut-record"]
    assert ledger.sources[0].packets >= TRUTH["packets"] - 2


def test_progress_reaches_the_size_of_the_file(day: Path) -> None:
    path = day / "c.pcapng.gz"
    told: list[tuple[int, int, int]] = []
    replay([str(path)], progress=lambda *state: told.append(state))
    assert {(index, size) for index, _, size in told} == {(0, path.stat().st_size)}
    assert told[-1][1] <= path.stat().st_size


INTERRUPTED = """
import sys
from otmon.engine import replay
result = replay(["-"], progress=lambda *_: print("reading", flush=True))
print(result.interrupted, result.ledger.sources[0].packets, flush=True)
"""


def test_an_interrupt_keeps_what_was_found() -> None:
    replay([str(DAY)])
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=False,
        cwd=ROOT,
    )  # fmt: skip
    assert process.stdin is not None and process.stdout is not None
    # More than one read of the window, and no end: the program waits for more when it is interrupted.
    data = DAY.read_bytes()
    for _ in range(4):
        process.stdin.write(data)
    process.stdin.flush()
    # At the third read the first two, of more than the whole day, are in the tables.
    for _ in range(3):
        assert process.stdout.readline() == b"reading\n"
    os.kill(process.pid, signal.SIGINT)
    said = process.stdout.read().decode().replace("reading\n", "")
    process.stdin.close()
    assert process.wait(timeout=60) == 0
    assert said.startswith("True ")
    assert int(said.split()[1]) >= TRUTH["packets"]


@pytest.mark.parametrize("every_s", [1, 60, 3600])
def test_facts_are_looked_at_after_each_span_with_packets(every_s: int) -> None:
    looked: list[tuple[int, int]] = []
    heard: list[int] = []

    def look(time_ns: int, facts: Callable[[], Ledger]) -> None:
        seen = facts()
        looked.append((time_ns, seen.sources[0].last_ns))
        heard.append(len({*map(claim_key, seen.claims), *map(credential_key, seen.credentials)}))

    result = replay([str(DAY)], look=look, look_every_ns=every_s * 1_000_000_000)
    times = [time_ns for time_ns, _ in looked]
    assert times == sorted(set(times)) and all(at % (every_s * 1_000_000_000) == 0 for at in times)
    # All that a span has is there at its end, and nothing of the next one.
    assert all(at - every_s * 1_000_000_000 <= last < at for at, last in looked)
    assert result.ledger == replay([str(DAY)]).ledger
    # What hosts say is heard when they have said it, and not at the end.
    said = *result.ledger.claims, *result.ledger.credentials
    for at, count in zip(times, heard, strict=True):
        assert count >= sum(one.last_ns < at for one in said)
