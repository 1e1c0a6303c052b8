"""Reading a message field by field, however short it is."""

from __future__ import annotations


class Cursor:
    """Reads from `at` on; `short` says that something that was read is not there."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0
        self.short = False

    def take(self, size: int) -> bytes:
        """The next bytes, or as many of them as there are."""
        found = self.data[self.at : self.at + size]
        self.short = self.short or len(found) < size
        self.at += size
        return found
