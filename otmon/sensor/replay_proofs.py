"""Proofs of what a replay found: its captures are read once more, for the packets of findings alone.

As a sensor's (`otmon.sensor.recent_packets`): packets that may hold a password without their payload. Those
that the evidence names, and what the same addresses say from the first of them on.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from otmon.capture.batch import Batch
from otmon.capture.byte_search import latest
from otmon.capture.sources import STDIN, read
from otmon.detect.finding import Finding
from otmon.sensor.proof import ProofFolder
from otmon.sensor.recent_packets import ADDRESSES_WITHIN, PACKETS, Block, Cut, Kept, wanted_for

FOLLOWING: Final = 2_000
"""Packets behind a finding's first one among which those of its addresses are looked for."""
_NO_BUDGET: Final = 1 << 62


class _Found:
    """The packets of one finding in one capture; what `ProofFolder.prove` asks."""

    def __init__(self, linktype: int) -> None:
        self.linktype = linktype
        self.packets: dict[int, Kept] = {}

    def around(self, finding: Finding, source: str) -> list[Kept]:
        return [self.packets[number] for number in sorted(self.packets)]


def prove_again(findings: Iterable[Finding], folder: Path) -> list[str]:
    """Write a capture for each finding and each of its sources; the sources that cannot be read again
    (standard input, a pipe, a file that is gone). Raises OSError where something cannot be written."""
    proofs = ProofFolder(folder, _NO_BUDGET)
    by_source: dict[str, list[Finding]] = {}
    for finding in findings:
        for source in dict.fromkeys(one.source for one in finding.evidence):
            by_source.setdefault(source, []).append(finding)
    called, lost = _names(by_source), []
    for source, about in by_source.items():
        if source == STDIN or not Path(source).is_file():
            lost.append(source)
            continue
        for finding, found in zip(about, _found(source, about), strict=True):
            proofs.prove(finding, found, source, called[source])
    if proofs.failed:
        # `prove` goes on at what cannot be written, as a sensor must: here somebody waits for all.
        raise OSError(None, "", str(folder))
    return lost


def _names(sources: Iterable[str]) -> dict[str, str]:
    """What proofs of a capture are called: as it is, with a number where several have the same name."""
    used: dict[str, int] = {}
    names = {}
    for source in sources:
        name = Path(source).name.partition(".pcap")[0] or "capture"
        used[name] = used.get(name, 0) + 1
        names[source] = name if used[name] == 1 else f"{name}-{used[name]}"
    return names


def _found(source: str, about: Sequence[Finding]) -> list[_Found]:
    """What a capture holds of each of the findings."""
    found = [_Found(1) for _ in about]
    asked = sorted((number, at) for at, one in enumerate(about) for number in wanted_for(one, source)[0])
    begin = 0
    for item in read(source):
        if not isinstance(item, Batch) or not len(item.start):
            continue
        end = bisect_left(asked, (item.first_number + len(item.start), 0))
        for number, at in asked[begin:end]:
            _take(item, number - item.first_number, found[at], about[at], source)
        begin = end
        if begin == len(asked):
            break
    return found


def _take(batch: Batch, index: int, found: _Found, finding: Finding, source: str) -> None:
    """A packet that the evidence names, and behind the first one those of the same addresses."""
    needles = wanted_for(finding, source)[1]
    chosen = [index]
    if not found.packets:
        found.linktype = int(batch.linktype[index])
        start, caplen = (part[index : index + FOLLOWING] for part in (batch.start, batch.caplen))
        here = latest(batch.buf, start, caplen, needles, ADDRESSES_WITHIN, FOLLOWING)[: PACKETS - 3]
        chosen += [index + one for one in here]
    block = Block(
        batch.buf, batch.start.astype(np.int32), batch.caplen.astype(np.int32),
        batch.wirelen.astype(np.int32), batch.time_ns, batch.first_number,
    )  # fmt: skip
    cut = Cut(found.linktype, finding.link)
    for one in chosen:
        # A file of proofs has packets of one kind of link.
        if int(batch.linktype[one]) == found.linktype:
            found.packets[batch.first_number + one] = cut.kept(block, one)
