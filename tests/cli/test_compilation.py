"""What is compiled beforehand is all that a replay needs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import sys
from otmon.cli.compilation import compile_here
from otmon.engine import replay

def compiled():
    return {
        f"{name}.{key}": len(value.signatures)
        for name, module in list(sys.modules.items()) if name.startswith("otmon.")
        for key, value in vars(module).items() if isinstance(getattr(value, "signatures", None), list)
    }

compile_here()
before = compiled()
assert before["otmon.ledger.packets.observe.observe"] == 1, before
replay(sys.argv[1:], transactions="/dev/null")
after = compiled()
print(sorted(name for name, count in after.items() if count != before.get(name)))
"""
CAPTURES = sorted(str(path) for path in (ROOT / "pcaps").glob("*.pcap*"))


@pytest.mark.skipif("NUMBA_DISABLE_JIT" in os.environ, reason="kernels are not compiled")
def test_a_replay_compiles_nothing_that_was_not_compiled_beforehand() -> None:
    command = [sys.executable, "-c", PROGRAM, *CAPTURES]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr


def test_what_is_compiled_already_is_not_announced(capfd: pytest.CaptureFixture[str]) -> None:
    from otmon.cli.compilation import be_compiled, compile_here

    compile_here()
    be_compiled()
    assert "compiling" not in "".join(capfd.readouterr()) or "NUMBA_DISABLE_JIT" in os.environ


@pytest.mark.skipif("NUMBA_DISABLE_JIT" in os.environ, reason="kernels are not compiled")
def test_a_first_replay_says_what_it_waits_for_before_anything_is_compiled(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "otmon.cli", "replay", CAPTURES[0]]
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as running:
        assert running.stderr is not None
        said = running.stderr.readline()
        compiled = list(tmp_path.rglob("*.nbc"))
        os.killpg(running.pid, signal.SIGKILL)
    assert "compiling the packet path" in said
    assert compiled == []
