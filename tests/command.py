"""The installed command, run as people and scripts run it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMMAND = str(Path(sys.executable).with_name("otmon"))
DAY = ROOT / "pcaps" / "factory-day.pcapng"
MODEL = ROOT / "zones" / "factory.yaml"


def otmon(*arguments: str | Path, given: bytes = b"", cwd: Path = ROOT) -> tuple[int, str, str]:
    """Exit status, standard output and standard error."""
    done = subprocess.run(
        [COMMAND, *map(str, arguments)], input=given, capture_output=True, check=False, cwd=cwd
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def one_line(text: str) -> str:
    assert text.count("\n") == 1 and text.startswith("otmon: "), text
    return text
