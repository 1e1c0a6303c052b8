"""Files that tell of a plant: only who made them may read them, unless somebody said otherwise.

A file that is there keeps its rights, also where a new one takes its place: `chmod` once is enough. A new one
is its owner's, and the group's where the process was started so that others get nothing and the group does
(`umask 027`, as the service is).
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final

_OTHERS: Final = 0o007
_GROUP: Final = 0o040
FOLDER: Final = 0o700
"""Of a folder that is made, as far as the process's mask lets it."""


@cache
def rights() -> int:
    """The rights of a new file."""
    # It cannot be asked for without being set.
    mask = os.umask(0o077)
    os.umask(mask)
    return 0o640 if mask & _OTHERS == _OTHERS and not mask & _GROUP else 0o600


def opener(path: str, flags: int) -> int:
    """For `open`: a file that is made is private."""
    return os.open(path, flags, rights())


def make(path: Path) -> None:
    """Make an empty file that is private, where nothing is. Raises OSError."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, rights()))


def put(part: Path, target: Path) -> None:
    """Let a whole file take the place of another, with that one's rights. Raises OSError."""
    with suppress(FileNotFoundError):
        there = os.stat(target)
        if stat.S_ISREG(there.st_mode):
            descriptor = os.open(part, os.O_RDONLY)
            try:
                # A group that the user is not of cannot be given, and then gets no rights.
                mode = stat.S_IMODE(there.st_mode) & 0o777
                if os.fstat(descriptor).st_gid != there.st_gid:
                    try:
                        os.fchown(descriptor, -1, there.st_gid)
                    except OSError:
                        mode &= ~0o070
                os.fchmod(descriptor, mode)
            finally:
                os.close(descriptor)
    part.replace(target)


def write(path: Path, data: bytes) -> None:
    """Write a file that appears when it is whole. Raises OSError."""
    part = path.with_name(f".{path.name.removeprefix('.')}.part")
    try:
        # Whatever an earlier run left, or somebody laid there as a link to another file.
        part.unlink(missing_ok=True)
        with open(part, "xb", opener=opener) as file:
            file.write(data)
        put(part, path)
    except OSError:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise
