"""The pages of loaded libraries, given back to the system once the program is ready.

Libraries are needed in part by then, that of the compiler hardly at all. Their pages hold what their files
hold: madvise(2) drops them, and whatever is needed after all is read from there again.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_DONTNEED: Final = 4
"""madvise(2): MADV_DONTNEED (asm-generic/mman-common.h)."""
_LIBRARY: Final = re.compile(r".+\.so(\.[0-9.]+)?")
_HEAD: Final = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (\S{4}) \S+ \S+ \d+ *(.*)")


def drop_libraries() -> int:
    """Drop the pages of loaded libraries that are as their files have them; how many bytes of addresses these
    are. What was written to, and what may be, is left alone."""
    libc = ctypes.CDLL(None, use_errno=True)
    dropped = 0
    for begin, end in _unwritten(Path("/proc/self/smaps")):
        if libc.madvise(ctypes.c_void_p(begin), ctypes.c_size_t(end - begin), _DONTNEED) == 0:
            dropped += end - begin
    return dropped


def _unwritten(smaps: Path) -> Iterator[tuple[int, int]]:
    """The ranges of addresses of libraries that cannot be written to and hold no page of this process alone,
    as relocations leave them (proc_pid_smaps(5))."""
    try:
        text = smaps.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return
    place: tuple[int, int] | None = None
    for line in text.splitlines():
        head = _HEAD.fullmatch(line)
        if head is not None:
            begin, end, rights, path = head.groups()
            is_read = "w" not in rights and _LIBRARY.fullmatch(path) is not None
            place = (int(begin, 16), int(end, 16)) if is_read else None
        elif place is not None and line.split() == ["Anonymous:", "0", "kB"]:
            yield place
