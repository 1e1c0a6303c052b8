"""Twenty seconds of what `make soak` does for half an hour, and whether its own measures tell a leak."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.namespaces import missing, wire
from tests.sensor.soak import Outcome, most_mb, slope, soak

FINE = Outcome(1800, 100, 90, 10, {}, 300.0, 301.0, 320.0, 2.0, 90, 50, 2.5)


@pytest.mark.slow
@pytest.mark.skipif(bool(missing()), reason=f"a wire to listen on: {missing()}")
def test_nothing_grows_and_nothing_is_lost_unseen(tmp_path: Path) -> None:
    with wire() as wired:
        found = soak(wired, tmp_path, 20, say=False)
    assert found.trouble() == []
    assert found.hosts > 5_000 and found.read > 10_000


def test_a_leak_and_a_loss_are_told() -> None:
    assert FINE.trouble() == []
    assert len(replace(FINE, slope_mb_per_hour=50.0).trouble()) == 1
    assert len(replace(FINE, seconds=20, last_mb=460.0).trouble()) == 1
    assert len(replace(FINE, read=80, in_ledger=80).trouble()) == 1
    assert len(replace(FINE, in_ledger=80).trouble()) == 1
    assert len(replace(FINE, most_mb=501.0).trouble()) == 1
    assert len(replace(FINE, end_s=5.5).trouble()) == 1


def test_memory_is_that_of_all_processes() -> None:
    own = most_mb(os.getpid())
    with subprocess.Popen(
        [sys.executable, "-c", "import time; x = b'1' * 50_000_000; time.sleep(60)"]
    ) as one:
        end = time.monotonic() + 60
        while most_mb(one.pid) < 50:
            assert time.monotonic() < end
            time.sleep(0.05)
        assert most_mb(os.getpid()) >= own + 50
        one.kill()


def test_a_slope_is_not_moved_by_a_peak() -> None:
    flat = [(float(t), 300.0) for t in range(50)]
    assert slope(flat) == 0
    assert slope([*flat[:20], (20.0, 900.0), *flat[21:]]) == 0
    assert slope([(t, 300 + t / 3600) for t, _ in flat]) == pytest.approx(1)
