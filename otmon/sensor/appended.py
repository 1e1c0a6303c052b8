"""Lines at the end of a file that others read and move away. A disk that is full holds them up: what waits is
written, whole, when there is room again."""

from __future__ import annotations

import os
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import Final

from otmon import private
from otmon.sentence import Sentence, placed, sentence

WAITING_BYTES: Final = 4 << 20
"""Of lines that wait for room; what comes behind them is lost, and counted."""


class Appended:
    """One file; used by one thread."""

    lost: int
    """Lines that found no place among those that wait, since there was room last."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = -1
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._written = 0
        """Bytes of the first line that are in the file."""
        self._trouble = ""
        self.lost = 0

    def open(self) -> None:
        """Open the file, anew where it was moved away. Raises OSError; then the one before stays open."""
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        fresh = private.opener(str(self._path), flags)
        if self._file >= 0:
            os.close(self._file)
        self._file, self._written = fresh, 0
        # What a power cut or a full disk left of a line is not the beginning of the next one.
        if not _ends_a_line(self._path):
            self._waiting.appendleft(b"\n")
            self._size += 1

    def add(self, lines: bytes) -> None:
        """Write whole lines, behind those that wait; what cannot be written waits for the next call."""
        for line in lines.splitlines(keepends=True):
            if self._size + len(line) > WAITING_BYTES:
                self.lost += 1
            else:
                self._waiting.append(line)
                self._size += len(line)
        self._write()

    def _write(self) -> None:
        try:
            while self._waiting:
                line = self._waiting[0]
                self._written += os.write(self._file, line[self._written :])
                if self._written == len(line):
                    self._waiting.popleft()
                    self._size -= len(line)
                    self._written = 0
        except OSError as error:
            self._trouble = error.strerror or str(error)
            return
        self._trouble, self.lost = "", 0

    @property
    def trouble(self) -> Sentence | None:
        """Why lines wait; None where none does."""
        if not self._waiting:
            return None
        what = sentence("findings cannot be written, and wait: {why}", why=self._trouble)
        if self.lost:
            what = sentence("{what}; those that find no place are in the ledger alone", what=what)
        return placed(self._path, what)


def _ends_a_line(path: Path) -> bool:
    """Whether what is added begins a line of its own; of what is no plain file nobody knows."""
    with suppress(OSError):
        if path.is_file() and path.stat().st_size:
            with path.open("rb") as file:
                file.seek(-1, os.SEEK_END)
                return file.read(1) == b"\n"
    return True
