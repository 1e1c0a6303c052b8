"""Small captures that prove findings, one file each, in a folder that never grows beyond its budget."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from otmon.detect.detector import Finding
from otmon.findings.judge import id_of
from otmon.outputs.pcapng import pcapng
from otmon.sensor.recent import Proving

BUDGET_BYTES: Final = 256 << 20
NAME: Final = "*.pcapng"


class ProofFolder:
    """The folder and how much is in it. Where it cannot be written, `failed` counts."""

    def __init__(self, folder: Path, budget_bytes: int = BUDGET_BYTES) -> None:
        """Raises OSError where the folder cannot be made."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._budget = budget_bytes
        self.failed = 0
        self._sizes = {
            path.name: path.stat().st_size
            for path in sorted(folder.glob(NAME), key=lambda one: one.stat().st_mtime)
        }

    def keep_within(self, budget_bytes: int) -> None:
        """Change the room; what is too much goes with the next capture."""
        self._budget = budget_bytes

    @property
    def files(self) -> int:
        """How many captures there are."""
        return len(self._sizes)

    def prove(self, finding: Finding, recent: Proving, interface: str) -> Path | None:
        """Write the packets of a finding that the reader `interface` has seen; nothing where there are
        none."""
        packets = recent.around(finding, interface)
        if not packets:
            return None
        numbers = {one.packet for one in finding.evidence if one.source == interface}
        data = pcapng(
            ((one.time_ns, one.data) for one in packets),
            "otmon",
            interface,
            f"finding {id_of(finding)}: {finding.rule}",
            linktype=recent.linktype,
            wire_lengths={index: one.wire_length for index, one in enumerate(packets)},
            comments={
                index: f"evidence: packet {one.number}"
                for index, one in enumerate(packets)
                if one.number in numbers
            },
        )
        name = f"{id_of(finding)}-{interface}.pcapng"
        part = self._folder / f".{name}.part"
        try:
            part.write_bytes(data)
            os.replace(part, self._folder / name)
        except OSError:
            self.failed += 1
            part.unlink(missing_ok=True)
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
