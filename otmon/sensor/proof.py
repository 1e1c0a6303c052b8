"""Small captures that prove findings, one file each, in a folder that never grows beyond its budget.

Others may keep captures of their own there: only those count, and go, that have a name of this module's form
and say inside that they prove this finding.
"""

from __future__ import annotations

import os
import re
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from otmon import private
from otmon.detect.finding import Finding
from otmon.findings.judge import id_of
from otmon.outputs.pcapng import pcapng
from otmon.sensor.recent_packets import Proving

BUDGET_BYTES: Final = 256 << 20
_NAME: Final = re.compile(r"(\.?)([0-9a-f]{12})-.+\.pcapng(\.part)?")
_HEAD_BYTES: Final = 512
"""In which a capture says what it proves."""
WAITING: Final = 2_000
"""Findings that wait for their proofs at most; what comes behind them has none, and is counted."""


class ProofFolder:
    """The folder, how much is in it, and the findings that wait to be proved."""

    failed: int
    """Findings without a proof: too many waited, or the folder could not be written."""

    def __init__(self, folder: Path, budget_bytes: int = BUDGET_BYTES) -> None:
        """Raises OSError where the folder cannot be made."""
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=private.FOLDER, exist_ok=True)
        self._folder = folder
        self._budget = budget_bytes
        self.failed = 0
        self._waiting: deque[Finding] = deque()
        self._sizes = dict(_own(folder))

    def keep_within(self, budget_bytes: int) -> None:
        """Change the room; what is too much goes with the next capture."""
        self._budget = budget_bytes

    @property
    def files(self) -> int:
        """How many captures there are."""
        return len(self._sizes)

    def ask(self, finding: Finding) -> None:
        """Have the packets of a finding written by `prove_waiting`, or count it where too many wait."""
        if len(self._waiting) < WAITING:
            self._waiting.append(finding)
        else:
            self.failed += 1

    def prove_waiting(self, readers: Sequence[tuple[Proving, str]], within_s: float) -> None:
        """Write the packets of findings that each of the readers has seen, in the order in which they were
        asked for, for so long; the others wait."""
        end = time.monotonic() + within_s
        while self._waiting and time.monotonic() < end:
            finding = self._waiting.popleft()
            for recent, interface in readers:
                self.prove(finding, recent, interface)

    def prove(
        self, finding: Finding, recent: Proving, interface: str, called: str | None = None
    ) -> Path | None:
        """Write the packets of a finding that the reader `interface` has seen, which files are `called` by;
        nothing where there are none."""
        packets = recent.around(finding, interface)
        if not packets:
            return None
        numbers = {one.packet for one in finding.evidence if one.source == interface}
        data = pcapng(
            ((one.time_ns, one.data) for one in packets),
            "otmon",
            interface,
            f"{_proves(id_of(finding))}{finding.rule}",
            linktype=recent.linktype,
            wire_lengths={index: one.wire_length for index, one in enumerate(packets)},
            comments={
                index: f"evidence: packet {one.number}"
                for index, one in enumerate(packets)
                if one.number in numbers
            },
        )
        name = f"{id_of(finding)}-{called or interface}.pcapng"
        try:
            private.write(self._folder / name, data)
        except OSError:
            self.failed += 1
            return None
        self._sizes.pop(name, None)
        self._sizes[name] = len(data)
        self._keep_budget()
        return self._folder / name

    def _keep_budget(self) -> None:
        """The oldest files go first."""
        while sum(self._sizes.values()) > self._budget and len(self._sizes) > 1:
            name = next(iter(self._sizes))
            del self._sizes[name]
            (self._folder / name).unlink(missing_ok=True)


def _proves(finding: str) -> str:
    return f"finding {finding}: "


def _own(folder: Path) -> list[tuple[str, int]]:
    """Names and sizes of captures that were made here, the oldest first; what a killed run left half written
    goes. Raises OSError where the folder cannot be read."""
    found: list[tuple[int, str, int]] = []
    with os.scandir(folder) as entries:
        named = [(one, name) for one in entries if (name := _NAME.fullmatch(one.name))]
    for one, name in named:
        with suppress(OSError):
            if not one.is_file(follow_symlinks=False):
                continue
            if name[1] and name[3]:
                os.unlink(one.path)
            elif not name[1] and not name[3] and _says(one.path, _proves(name[2]).encode()):
                there = one.stat(follow_symlinks=False)
                found.append((there.st_mtime_ns, one.name, there.st_size))
    return [(name, size) for _, name, size in sorted(found)]


def _says(path: str, text: bytes) -> bool:
    with open(path, "rb") as file:
        return text in file.read(_HEAD_BYTES)
