"""The columns of a packet's row."""

from __future__ import annotations

import ast
from pathlib import Path

from otmon.decode import fields

COUNTS = {"NESTED_COLUMNS", "NESTED_TUNNELS"}
"""Which are no columns."""


def test_no_two_columns_are_one() -> None:
    source = ast.parse(Path(fields.__file__).read_text("utf-8"))
    names = [
        one.target.id
        for one in source.body
        if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name)
    ]
    columns = [name for name in names[: names.index("FIELDS")] if name not in COUNTS]
    taken: list[int] = []
    for name in columns:
        width = fields.NESTED_COLUMNS * fields.NESTED_TUNNELS if name == "NESTED" else 1
        taken += range(getattr(fields, name), getattr(fields, name) + width)
    assert taken == list(range(len(taken)))
    assert len(taken) <= fields.FIELDS and fields.FIELDS % 8 == 0
