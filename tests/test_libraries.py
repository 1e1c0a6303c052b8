"""The pages of libraries go while what they made still runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from otmon.libraries import _unwritten

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
DROPPED = """
import numpy as np
from otmon.decode.flows import mix
from otmon.libraries import drop_libraries
def resident():
    text = open("/proc/self/status").read()
    return int(text.partition("RssFile:")[2].split()[0])
first = mix(1, 2)
before = resident()
dropped = drop_libraries()
after = resident()
# It is read again where it is needed: another kernel is loaded or compiled.
import otmon.capture.byte_search as needles
none = np.zeros(1, np.int64)
needles.latest(np.zeros(4, np.uint8), none, none, [b"1"], 1, 1)
print(before, dropped // 1024, after, first == mix(1, 2))
"""


def test_only_what_nobody_wrote_to_is_dropped(tmp_path: Path) -> None:
    place = tmp_path / "smaps"
    place.write_text(SMAPS)
    assert list(_unwritten(place)) == [
        (0x1000, 0x2000), (0x2000, 0x9000), (0xB000, 0xC000), (0xD000, 0xE000),
    ]  # fmt: skip
    assert list(_unwritten(tmp_path / "none")) == []


def test_the_pages_of_libraries_go_and_compiled_code_still_runs() -> None:
    done = subprocess.run([sys.executable, "-c", DROPPED], capture_output=True, text=True, check=True)
    before, dropped, after, same = done.stdout.split()
    assert same == "True"
    assert int(before) > 50_000 and int(dropped) > 100_000
    assert int(after) < int(before) / 4
