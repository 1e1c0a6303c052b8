"""The command starts fast: it loads what reads packets only where packets are read."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

import otmon

SLOW_TO_IMPORT = {
    "numba", "llvmlite", "numpy", "pyarrow", "networkx", "fastapi", "scapy", "pymodbus", "aerleon",
    "openpyxl",
}  # fmt: skip
COMMAND = Path(sys.executable).parent / "otmon"


def imported_by(*arguments: str) -> tuple[subprocess.CompletedProcess[str], set[str]]:
    """Run Python with these arguments; the top-level modules that it imported."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *arguments], capture_output=True, text=True, check=False
    )
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return done, {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}


@pytest.mark.parametrize(
    "words",
    [
        "",
        "replay",
        "check",
        "zones",
        "zones check",
        "zones export",
        "zones import",
        "zones learn",
        "zones paths",
        "zones diff",
        "assets",
        "assets list",
        "assets export",
        "rules",
        "rules list",
        "rules test",
        "lab",
        "lab record",
    ],
)
def test_help_imports_nothing_slow(words: str) -> None:
    done, modules = imported_by(str(COMMAND), *words.split(), "--help")
    assert done.returncode == 0, done.stderr
    assert "Usage" in done.stdout
    assert "typer" in modules
    assert not modules & SLOW_TO_IMPORT


def test_help_takes_less_than_0_3_seconds_of_processor_time() -> None:
    def processor_s() -> float:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    environment = os.environ | {"TERM": "dumb"}
    taken = []
    for _ in range(3):
        before = processor_s()
        subprocess.run([COMMAND, "--help"], check=True, stdout=subprocess.DEVNULL, env=environment)
        taken.append(processor_s() - before)
    assert min(taken) < 0.3, taken


def test_importing_the_package_imports_nothing_of_it() -> None:
    done, modules = imported_by("-c", "import otmon")
    assert done.returncode == 0, done.stderr
    assert not modules & (SLOW_TO_IMPORT | {"typer", "rich", "pydantic"})


def test_every_public_name_is_there() -> None:
    assert set(otmon.__all__) <= set(dir(otmon))
    for name in otmon.__all__:
        assert getattr(otmon, name).__doc__, name


def test_a_name_that_is_not_public_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'otmon' has no attribute 'absent'"):
        _ = otmon.absent
