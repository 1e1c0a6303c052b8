"""Log-ins of Telnet: what stands behind the prompts for a name and a password (`prompts.py`), as Telnet knows
no log-in itself. Options are left out (`nvt.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from otmon.identity.login import LogIn, Piece
from otmon.identity.nvt import without_commands
from otmon.identity.prompts import typed_log_ins


def log_ins(pieces: Sequence[Piece]) -> Iterator[LogIn]:
    """The log-ins of a connection."""
    yield from typed_log_ins((one, one.data) for one in without_commands(pieces))
