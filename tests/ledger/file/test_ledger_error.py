"""What is wrong with a ledger file."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from otmon.ledger.file.ledger_error import altered, unreadable, wrong
from otmon.sentence import sentence


def test_each_names_the_file() -> None:
    path = Path("plant.db")
    refused = OSError(errno.EACCES, os.strerror(errno.EACCES))
    assert str(wrong(path, sentence("no address"))) == "plant.db: no address"
    assert str(unreadable(path, refused)) == "plant.db: cannot be read: Permission denied"
    assert str(unreadable(path, OSError("gone"))) == "plant.db: cannot be read: gone"
    assert str(altered(path, "asset", "'x'")) == "plant.db: table asset holds what is none: 'x'"
