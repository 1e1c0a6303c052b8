"""Memory that the sensor gives back to the system, which the allocator would keep.

Facts are judged in copies of tables and in tens of thousands of small values that come and go at once. glibc
(mallopt(3)) lets its threshold for blocks of their own grow up to 32 MiB with each that is freed: later ones
are cut out of its heap, which cannot shrink below what lies behind them. With a fixed threshold each large
block is the system's again as soon as it is free.

Python's own allocator takes memory by the mebibyte, and gives back what holds no value any more: of what a
judgement leaves behind one value in each is enough to keep it. Caches that hold many addresses that passed
by, and Python's own lists of free tuples, hold such values, and are emptied behind it. Then glibc gives back
what is free in the middle of its heap as well (malloc_trim(3)), where thousands of small arrays have been.
"""

from __future__ import annotations

import ctypes
import gc
import resource
from functools import lru_cache
from typing import Any, Final

from otmon.ledger.tables import Tables

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Parameters of glibc's mallopt (malloc.h)."""
_NO_HUGE_PAGES = 15
"""madvise(2): MADV_NOHUGEPAGE (asm-generic/mman-common.h)."""
LARGE_BYTES: Final = 128 << 10
"""A block of this size or more is the system's again when it is freed."""
KEPT_BYTES: Final = 1 << 20
"""Free memory that stays at the heap's end."""
SPARSE: Final = (
    "courses", "written", "points", "ended_operations", "ended_courses", "ended_anomalies", "ended_written",
    "transactions", "read_values", "datagrams", "carry", "held_data", "message_data",
)  # fmt: skip
"""Tables of which most plants, and floods too, use a small part."""
LARGE_CACHE: Final = 1 << 10
"""Of so many values a cache holds addresses that passed by: of hosts that stay a plant has fewer."""


def give_large_blocks_back() -> bool:
    """Fix the allocator's thresholds; whether it has any: another libc than glibc needs none."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:
        return False
    return bool(mallopt(_MMAP_THRESHOLD, LARGE_BYTES)) and bool(mallopt(_TRIM_THRESHOLD, KEPT_BYTES))


class Leavings:
    """What is left behind where all facts were made. Everything that is there already is taken to stay."""

    def __init__(self) -> None:
        kind = type(lru_cache(lambda: None))
        known: list[Any] = [one for one in gc.get_objects() if isinstance(one, kind)]
        self._caches = [one for one in known if (one.cache_info().maxsize or 0) >= LARGE_CACHE]
        self._trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        # From now on a search for reference cycles leaves out the program itself.
        gc.collect()
        gc.freeze()

    def clear(self) -> None:
        """Empty large caches, search for reference cycles, which frees Python's lists of free values, and
        trim the heap. Where no cache is large a plant is quiet, and has nothing that is worth the search."""
        large = [one for one in self._caches if one.cache_info().currsize >= LARGE_CACHE]
        for one in large:
            one.cache_clear()
        if large:
            gc.collect()
            if self._trim is not None:
                self._trim(0)


def keep_sparse(tables: Tables) -> None:
    """Let `SPARSE` of new tables, which nobody wrote to yet, become resident row by row. A system without
    huge pages refuses, and needs none of it."""
    libc = ctypes.CDLL(None, use_errno=True)
    page = resource.getpagesize()
    for name in SPARSE:
        table = tables[name]
        begin = -(-table.ctypes.data // page) * page
        end = (table.ctypes.data + table.nbytes) // page * page
        libc.madvise(ctypes.c_void_p(begin), ctypes.c_size_t(max(end - begin, 0)), _NO_HUGE_PAGES)
