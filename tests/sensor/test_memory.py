"""Large blocks go back to the system, and the pages of libraries go while what they made still runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from otmon.sensor.memory import _unwritten, give_large_blocks_back

SMAPS = """\
1000-2000 r--p 00000000 00:1 7                          /x/libllvmlite.so
Rss:                   4 kB
Anonymous:             0 kB
2000-9000 r-xp 00001000 00:1 7                          /x/libllvmlite.so
Anonymous:             0 kB
9000-a000 r--p 00008000 00:1 7                          /x/libllvmlite.so
Anonymous:             4 kB
a000-b000 rw-p 00009000 00:1 7                          /x/libllvmlite.so
Anonymous:             0 kB
b000-c000 r-xp 00000000 00:1 8                          /x/libother.so.6
Anonymous:             0 kB
c000-c800 r--p 00000000 00:1 8                          /x/locale.sox
Anonymous:             0 kB
c800-d000 r-xp 00000000 00:0 0
Anonymous:             0 kB
d000-e000 r-xp 00000000 00:1 9                          /x y/libllvmlite.so
Anonymous:             0 kB
"""
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
DROPPED = """
import numpy as np
from otmon.decode.flows import mix
from otmon.sensor.memory import drop_libraries
def resident():
    text = open("/proc/self/status").read()
    return int(text.partition("RssFile:")[2].split()[0])
first = mix(1, 2)
before = resident()
dropped = drop_libraries()
after = resident()
# It is read again where it is needed: another kernel is loaded or compiled.
import otmon.capture.needles as needles
none = np.zeros(1, np.int64)
needles.latest(np.zeros(4, np.uint8), none, none, [b"1"], 1, 1)
print(before, dropped // 1024, after, first == mix(1, 2))
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


def test_only_what_nobody_wrote_to_is_dropped(tmp_path: Path) -> None:
    place = tmp_path / "smaps"
    place.write_text(SMAPS)
    assert list(_unwritten(place)) == [
        (0x1000, 0x2000), (0x2000, 0x9000), (0xB000, 0xC000), (0xD000, 0xE000),
    ]  # fmt: skip
    assert list(_unwritten(tmp_path / "none")) == []


@pytest.mark.skipif(not give_large_blocks_back(), reason="not glibc")
def test_freed_blocks_are_the_systems_though_others_lie_behind_them() -> None:
    (back,) = map(int, run(GIVEN_BACK))
    assert back > 0.9 * 200 * 400_000


def test_the_pages_of_libraries_go_and_compiled_code_still_runs() -> None:
    before, dropped, after, same = run(DROPPED)
    assert same == "True"
    assert int(before) > 50_000 and int(dropped) > 100_000
    assert int(after) < int(before) / 4


def test_a_few_rows_of_a_sparse_table_do_not_make_all_of_it_resident() -> None:
    resident, size = map(int, run(SPREAD, "sparse"))
    assert resident < size / 20
    modes = Path("/sys/kernel/mm/transparent_hugepage/enabled")
    if modes.exists() and "[never]" not in modes.read_text():
        # What numpy asks for is what is spared.
        assert int(run(SPREAD, "huge")[0]) > size / 2
