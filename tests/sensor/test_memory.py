"""Large blocks go back to the system, and sparse tables take what they use."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from otmon.sensor.memory import give_large_blocks_back

GIVEN_BACK = """
import numpy as np
from otmon.sensor.memory import give_large_blocks_back
def held():
    return int(open("/proc/self/statm").read().split()[1]) * 4096
assert give_large_blocks_back()
# Freed, they would raise the threshold; those behind them hold the heap's end.
np.ones(3_000_000).sum()
before = held()
large, small = [], []
for _ in range(200):
    large.append(np.ones(50_000))
    small.append(np.ones(10_000))
grown = held() - before
large.clear()
print(grown - (held() - before))
"""
TRIMMED = """
import sys
from functools import lru_cache
import numpy as np
from otmon.sensor.memory import LARGE_CACHE, Leavings, give_large_blocks_back
def held():
    return int(open("/proc/self/statm").read().split()[1]) * 4096
@lru_cache(maxsize=4 * LARGE_CACHE)
def text(number):
    return number
assert give_large_blocks_back()
leavings = Leavings()
for number in range(LARGE_CACHE if sys.argv[1] == "large" else 1):
    text(number)
arrays = [np.ones(8_000) for _ in range(1_000)]
# One in twenty stays, and with it the heap's end.
arrays = arrays[::20] + arrays[-1:]
before = held()
leavings.clear()
print(before - held(), 1_000 * 64_000)
"""
SPREAD = """
import sys
import numpy as np
from otmon.ledger.tables import new_tables
from otmon.protocols.registry import code_of
from otmon.sensor.memory import SPARSE, keep_sparse
def held():
    return int(open("/proc/self/statm").read().split()[1]) * 4096
t = new_tables(code_of("modbus"), False)
if sys.argv[1] == "sparse":
    keep_sparse(t)
before = held()
for name in SPARSE:
    table = t[name].reshape(-1).view(np.uint8)
    table[:: 1 << 20] = 1
print(held() - before, sum(t[name].nbytes for name in SPARSE))
"""


def run(program: str, *words: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", program, *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.skipif(not give_large_blocks_back(), reason="not glibc")
def test_freed_blocks_are_the_systems_though_others_lie_behind_them() -> None:
    (back,) = map(int, run(GIVEN_BACK))
    assert back > 0.9 * 200 * 400_000


def test_a_few_rows_of_a_sparse_table_do_not_make_all_of_it_resident() -> None:
    resident, size = map(int, run(SPREAD, "sparse"))
    assert resident < size / 20
    modes = Path("/sys/kernel/mm/transparent_hugepage/enabled")
    if modes.exists() and "[never]" not in modes.read_text():
        # What numpy asks for is what is spared.
        assert int(run(SPREAD, "huge")[0]) > size / 2


@pytest.mark.skipif(not give_large_blocks_back(), reason="not glibc")
def test_behind_a_flood_the_middle_of_the_heap_is_given_back() -> None:
    back, freed = map(int, run(TRIMMED, "large"))
    assert back > 0.7 * freed
    kept, _ = map(int, run(TRIMMED, "quiet"))
    assert kept < 0.1 * freed
