"""The contract between a place where packets come from and the kernels that decode them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Batch:
    """Packets of one source, in the order of the source. The arrays may be views of buffers that
    the reader uses again: they hold until the next Batch is asked for.

    All per-packet arrays have length k. Guaranteed: ``0 <= start[i]``, ``0 <= caplen[i]`` and
    ``start[i] + caplen[i] <= len(buf)``.
    """

    buf: npt.NDArray[np.uint8]
    start: npt.NDArray[np.int64]
    """Index in `buf` of each packet's first byte."""
    caplen: npt.NDArray[np.int64]
    """Captured bytes."""
    wirelen: npt.NDArray[np.int64]
    """Bytes that the packet had on the wire."""
    time_ns: npt.NDArray[np.int64]
    """Nanoseconds since 1970 UTC."""
    linktype: npt.NDArray[np.int64]
    """LINKTYPE_ number of each packet (a pcapng has one per interface)."""
    source: str
    base: int
    """Offset of ``buf[0]`` in the uncompressed source, so packet i lies at ``base + start[i]``."""
    first_number: int
    """Number of packet 0 in its source; numbers start at 1."""
    interface: npt.NDArray[np.int64] | None = None
    """By which of `interfaces` each packet came in; -1 where nobody says, or it went out there. None where
    that is so for all of them."""
    interfaces: Sequence[bytes] = ()
    """What interfaces are called. More may follow behind these."""


@dataclass(frozen=True, slots=True)
class InputDamage:
    """Something in a source that could not be read; reading went on where the format allows it."""

    source: str
    kind: str
    """A stable id such as "cut-record"; `otmon.capture` lists them."""
    offset: int
    """Bytes from the start of the uncompressed source; -1 where there is no one place."""
    count: int
    detail: str
    """For a person, in English: what was there and what was needed."""
