"""Where the sensor may still write: beneath folders that it names itself (landlock(7), Linux 5.13 and later).

Rights of files are those of its user, and more than it needs: it could write into the folder of the compiled
packet path what its next start runs before any right is given up, or as root nearly everywhere. Where Linux
has no Landlock, the rights of files alone hold.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

_CREATE, _ADD, _RESTRICT = 444, 445, 446
"""Numbers of system calls, the same on all machines."""
_VERSION: Final = 1
_BENEATH: Final = 1
_WRITES: Final = 1 << 1 | sum(1 << bit for bit in range(4, 13))
"""To write to a file; to remove and to make one of any kind (linux/landlock.h)."""
_TRUNCATE: Final = 1 << 14


def version() -> int:
    """What this Linux knows of it, 0 for nothing."""
    return max(int(_libc().syscall(_CREATE, None, ctypes.c_size_t(0), _VERSION)), 0)


def write_only_beneath(folders: Iterable[Path]) -> None:
    """From now on this thread, and those that it starts, write, make and remove files beneath these folders
    alone, or beneath the next one above that is there. Call it where no new privileges can come. Raises
    OSError."""
    known = version()
    if not known:
        return
    writes = _WRITES | (_TRUNCATE if known >= 3 else 0)
    libc = _libc()
    attributes = ctypes.create_string_buffer(struct.pack("=Q", writes), 8)
    rules = _checked(libc.syscall(_CREATE, attributes, ctypes.c_size_t(8), 0))
    try:
        for folder in folders:
            place = os.open(_there(folder), os.O_PATH | os.O_CLOEXEC)
            try:
                beneath = ctypes.create_string_buffer(struct.pack("=Qi", writes, place), 12)
                _checked(libc.syscall(_ADD, rules, _BENEATH, beneath, 0))
            finally:
                os.close(place)
        _checked(libc.syscall(_RESTRICT, rules, 0))
    finally:
        os.close(rules)


def _there(folder: Path) -> Path:
    folder = folder.resolve()
    for one in (folder, *folder.parents):
        # What cannot be reached is said where it is to be written.
        with suppress(PermissionError):
            if one.is_dir():
                return one
    return Path("/")


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _checked(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
