"""Processes on one core, and the best of several runs of each tool."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.bench.captures import first_packet
from tests.bench.tools import ROOT, Tool

LAUNCHER: Final = Path(__file__).with_name("launch.py")
CORE: Final = max(os.sched_getaffinity(0))
"""The last one: interrupts come to the first."""
START_MATTERS: Final = 0.8
"""Where the start is a larger share of the time than this, what is left of it says nothing."""


class Failed(Exception):
    """A tool ended with an error; its last words."""


@dataclass(frozen=True, slots=True)
class Run:
    """One process from its start to its end."""

    seconds: float
    cpu_seconds: float
    """With the processes that it started and waited for."""
    peak_bytes: int
    """Of the largest one of them."""
    output: str

    def told(self, name: str) -> str | None:
        """What it said of itself in a line of its own: ``name value``."""
        found = re.search(rf"^{name} (\S+)$", self.output, re.M)
        return found[1] if found else None


OKAY: Final = frozenset((0,))


def run(
    command: Sequence[str], fine: frozenset[int] = OKAY, environment: Mapping[str, str] | None = None
) -> Run:
    """Run a command from the project's root on one core."""
    with tempfile.TemporaryDirectory() as folder:
        output, errors = Path(folder, "output"), Path(folder, "errors")
        launched = subprocess.run(
            [sys.executable, "-I", "-S", str(LAUNCHER), str(CORE), str(output), str(errors), *command],
            check=True, capture_output=True, text=True, cwd=ROOT, env={**os.environ, **(environment or {})},
        )  # fmt: skip
        status, seconds, cpu_seconds, peak = launched.stdout.split()
        if int(status) not in fine:
            words = errors.read_text(errors="replace").strip().splitlines()
            raise Failed(words[-1] if words else f"exit status {status}")
        text = output.read_text(errors="replace")
    return Run(float(seconds), float(cpu_seconds), int(peak) * 1024, text)


@dataclass(slots=True)
class Result:
    """The best of a tool's runs over one capture."""

    packets: int
    seconds: float = float("inf")
    """The whole process."""
    reading_seconds: float = float("inf")
    """Without the start, where the tool tells that itself."""
    start_seconds: float = float("inf")
    """The whole process over one packet, for the others."""
    judging_seconds: float = float("inf")
    """What of the reading is otmon's judging of the facts, where it was told."""
    findings: int = 0
    cpu_seconds: float = float("inf")
    peak_bytes: int = 0
    """The largest of the runs."""

    def add(self, one: Run) -> None:
        self.seconds = min(self.seconds, one.seconds)
        self.reading_seconds = min(self.reading_seconds, float(one.told("seconds") or "inf"))
        self.judging_seconds = min(self.judging_seconds, float(one.told("judging") or "inf"))
        self.findings = int(one.told("findings") or 0)
        self.cpu_seconds = min(self.cpu_seconds, one.cpu_seconds)
        self.peak_bytes = max(self.peak_bytes, one.peak_bytes)

    @property
    def rate_whole(self) -> float:
        """Packets per second, start included."""
        return self.packets / self.seconds

    @property
    def rate(self) -> float | None:
        """Packets per second once it reads; None where the start hides it."""
        if self.reading_seconds < float("inf"):
            return self.packets / self.reading_seconds
        if self.start_seconds > START_MATTERS * self.seconds:
            return None
        return self.packets / (self.seconds - self.start_seconds)


def measure(
    tools: Sequence[Tool],
    path: Path,
    packets: int,
    times: int,
    check: Callable[[Tool, Run], None],
    say: Callable[[str], None],
) -> tuple[dict[str, Result], dict[str, str]]:
    """The results of the tools, which take turns, and the reasons of those that failed. `check` looks at
    what a run told."""
    results: dict[str, Result] = {}
    failed: dict[str, str] = {}
    one_packet = first_packet(path)
    for _ in range(times):
        for tool in tools:
            if tool.name in failed:
                continue
            limit = 0 if tool.part is None or tool.part >= packets else tool.part
            result = results.setdefault(tool.name, Result(limit or packets))
            try:
                one = run(tool.command(path, limit), tool.fine)
                if one.told("seconds") is None:
                    start = run(tool.command(one_packet, 0), tool.fine)
                    result.start_seconds = min(result.start_seconds, start.seconds)
            except Failed as failure:
                if tool.own:
                    raise
                failed[tool.name] = str(failure)
                del results[tool.name]
                continue
            check(tool, one)
            result.add(one)
            say(f"{tool.name}: {result.rate or result.rate_whole:,.0f} packets/s at best")
    return results, failed
