"""Digests of what the tables of a ledger file hold, so that one that was altered or has rotted is told.

Of each table the SHA-256 of its rows in the order of their keys, each as a JSON array and a line feed, and of
these digests one that names the ledger: of their lines, a table, a blank, its digest in hexadecimal, and a
line feed. They are notes (`PREFIX`, and the table), and no part of what they are taken of. Anybody can take
them again: they tell accidents, and not who alters a ledger and takes them anew.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from otmon.ledger.file.ledger_error import wrong
from otmon.ledger.file.schema import tables
from otmon.sentence import sentence

PREFIX: Final = "sha256"
"""Of the names of notes that are digests; the note of this name is the ledger's."""
_KEPT: Final = f"substr(name, 1, {len(PREFIX)}) = '{PREFIX}'"


def seal(connection: sqlite3.Connection) -> None:
    """Note the digests of all that the tables hold now."""
    connection.execute(f"DELETE FROM note WHERE {_KEPT}")
    connection.executemany("INSERT INTO note VALUES (?, ?)", _notes(_digests(connection, tables())).items())


def verified(connection: sqlite3.Connection, path: Path) -> str:
    """The digest of the ledger, "" of one without digests, as those of an older otmon are. Raises LedgerError
    for a table that holds something else than what was written."""
    of_file = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if "note" not in of_file:
        return ""
    noted = dict(connection.execute(f"SELECT name, value FROM note WHERE {_KEPT}"))
    if not noted:
        return ""
    # Those that were there when it was written: an older otmon had others.
    found = _digests(connection, sorted(of_file & {name.removeprefix(f"{PREFIX} ") for name in noted}))
    wanted = _notes(found)
    if noted == wanted:
        return wanted[PREFIX]
    of_tables = {name: noted.get(f"{PREFIX} {name}", "") for name in found}
    # Where the digests do not agree among themselves, they are what is wrong.
    others: tuple[str, ...] = ("note",)
    if noted == _notes(of_tables):
        others = tuple(name for name, digest in found.items() if of_tables[name] != digest)
    raise wrong(
        path,
        sentence(
            "the ledger was altered or has rotted: what these tables hold is not what was written: {names}",
            names=others,
        ),
    )


def _notes(found: Mapping[str, str]) -> dict[str, str]:
    lines = "".join(f"{name} {digest}\n" for name, digest in sorted(found.items()))
    whole = {PREFIX: hashlib.sha256(lines.encode("utf-8", "surrogateescape")).hexdigest()}
    return whole | {f"{PREFIX} {name}": digest for name, digest in found.items()}


def _digests(connection: sqlite3.Connection, names: Iterable[str]) -> dict[str, str]:
    queries = {name: _rows_of(connection, name) for name in names}
    factory, connection.text_factory = connection.text_factory, bytes
    try:
        return {name: _digest(connection.execute(query)) for name, query in queries.items()}
    finally:
        connection.text_factory = factory


def _digest(rows: Iterable[tuple[bytes]]) -> str:
    taken = hashlib.sha256()
    for (row,) in rows:
        taken.update(row + b"\n")
    return taken.hexdigest()


def _rows_of(connection: sqlite3.Connection, table: str) -> str:
    columns = connection.execute(f"PRAGMA table_info({table})").fetchall()
    # Names of files that are not Unicode are bytes, which JSON has no type for.
    values = [
        f'iif(typeof("{name}") = \'blob\', hex("{name}"), "{name}")' if kind == "TEXT" else f'"{name}"'
        for _, name, kind, *_ in columns
    ]
    key = ", ".join(f'"{name}"' for _, name, *_, place in sorted(columns, key=lambda one: one[5]) if place)
    which = f" WHERE NOT {_KEPT}" if table == "note" else ""
    return f"SELECT json_array({', '.join(values)}) FROM {table}{which} ORDER BY {key}"
