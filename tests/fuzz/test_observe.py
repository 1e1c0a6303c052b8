"""The whole packet path on any bytes: interpreted it reads nothing out of range, and it gives what
the compiled kernels do.

Interpreted, an array has exact bounds: a frame lies in a buffer of its own length, and each read or
write outside any table raises.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from random import Random

from hypothesis import example, given
from hypothesis import strategies as st

from tests.ledger.seen import Seen
from tests.truth import dialogue, segmentation, wrapping
from tests.truth.capture import Capture

ROOT = Path(__file__).resolve().parents[2]
LINKTYPES = (0, 1, 9, 101, 108, 113, 228, 276)
CAPTURES = (
    dialogue.SCENARIOS[0](), wrapping.every_link_at_once(), wrapping.ip_fragments(), wrapping.ip_options(),
    segmentation.far_reordering(), segmentation.overlapping(), segmentation.ports_used_again(),
    segmentation.lost_in_bursts(), segmentation.keep_alives_and_windows(),
)  # fmt: skip


def frames_of(capture: Capture, most: int) -> list[tuple[int, int, bytes]]:
    return [(p.time_ns, p.link.linktype, p.frame) for p in capture.packets[:most]]


def broken(seed: int) -> list[tuple[int, int, bytes]]:
    """Frames of a capture with bytes changed, cut and repeated; the same for the same seed."""
    random = Random(seed)
    frames = frames_of(random.choice(CAPTURES), 300)
    start = random.randrange(len(frames))
    made = []
    for time_ns, linktype, frame in frames[start : start + 40]:
        data = bytearray(frame)
        for _ in range(random.choice((0, 0, 1, 3))):
            place = random.randrange(len(data))
            data[place] = random.choice((0, 1, 0x45, 0x7F, 0x80, 0xFF, random.randrange(256)))
        if random.random() < 0.15:
            del data[random.randrange(len(data)) :]
        made.append((time_ns + random.choice((0, 0, 10**9)), linktype, bytes(data)))
    return made


def told(frames: list[tuple[int, int, bytes]]) -> str:
    """Everything that the tables say after these frames."""
    seen = Seen()
    for time_ns, linktype, frame in frames:
        seen.frames([(time_ns, frame)], linktype)
    seen.finish()
    return repr((seen.counted, seen.transactions, seen.ledger()))


@given(st.lists(st.tuples(st.sampled_from(LINKTYPES), st.binary(max_size=200)), max_size=8))
def test_any_bytes_are_counted_and_raise_nothing(frames: list[tuple[int, bytes]]) -> None:
    seen = Seen()
    for number, (linktype, frame) in enumerate(frames):
        seen.frames([(number, frame)], linktype)
    assert seen.counted.get("packets", 0) == len(frames)


@given(st.integers(0, 2**40))
@example(177_202_007)  # an acknowledgement from far away made reading go round for ever
def test_broken_captures_raise_nothing(seed: int) -> None:
    assert told(broken(seed))


def test_compiled_and_interpreted_kernels_say_the_same() -> None:
    seeds = list(range(40))
    code = (
        "import json, sys\n"
        "from tests.fuzz.test_observe import CAPTURES, broken, frames_of, told\n"
        "said = [told(broken(seed)) for seed in json.load(sys.stdin)]\n"
        "print(json.dumps(said + [told(frames_of(one, 250)) for one in CAPTURES]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], input=json.dumps(seeds), capture_output=True, text=True, check=False,
        cwd=ROOT, env={**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    expected = [told(broken(seed)) for seed in seeds] + [told(frames_of(one, 250)) for one in CAPTURES]
    assert json.loads(done.stdout) == json.loads(json.dumps(expected))
