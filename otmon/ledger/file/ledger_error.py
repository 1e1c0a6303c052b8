"""What is wrong with a ledger file."""

from __future__ import annotations

from pathlib import Path

from otmon.sentence import Complaint, Sentence, placed, sentence


class LedgerError(Complaint):
    """A ledger file that cannot be read or written: which, why, and what to do."""


def wrong(path: Path, what: Sentence) -> LedgerError:
    return LedgerError(placed(path, what))


def unreadable(path: Path, error: OSError) -> LedgerError:
    return wrong(path, sentence("cannot be read: {why}", why=error.strerror or str(error)))


def altered(path: Path, table: str, what: str) -> LedgerError:
    """Somebody changed a table; `what` is a value that is none."""
    return wrong(path, sentence("table {name} holds what is none: {what}", name=table, what=what))
