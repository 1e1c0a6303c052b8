"""Frames of the captures that otmon ships, to be sent over a wire."""

from __future__ import annotations

from pathlib import Path

from otmon.capture.batch import Batch
from otmon.capture.sources import read

ROOT = Path(__file__).resolve().parent.parent.parent


def frames_of(name: str) -> list[bytes]:
    """All frames of a capture in pcaps/."""
    return [
        bytes(item.buf[start : start + size])
        for item in read(str(ROOT / "pcaps" / name), progress=None)
        if isinstance(item, Batch)
        for start, size in zip(item.start, item.caplen, strict=True)
    ]
