"""A ledger as one SQLite file: written whole or not at all, read by otmon and by any SQL tool.

`save` writes a new file beside the target, flushes it and renames it over the target, so a reader
finds the old ledger or the new one and never half of one. A file that nobody writes to again
gains nothing from a write-ahead log, which would add two files beside it and keep it from being
read on a read-only medium: the journal mode is the plain one.

The file says what it is: `application_id` marks a ledger, `user_version` is the schema's version. Digests of
what it holds stand in it (`otmon.ledger.file.digest`), and are taken again when it is read.
An older version is brought up to date in memory (`otmon.ledger.file.schema`); the file is left alone.
"""

from __future__ import annotations

import dataclasses
import os
import re
import secrets
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from itertools import chain
from operator import attrgetter, itemgetter
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from otmon import private
from otmon.ledger.facts import ORDERS, WAYS, Conversation, Evidence, Operation, Source, WrittenValue
from otmon.ledger.file.column import (
    AS_TEXT,
    SETS,
    busiest_of,
    changes_of,
    course_of,
    extremes_of,
    peaks_of,
    response_counts_of,
)
from otmon.ledger.file.digest import PREFIX, seal, verified
from otmon.ledger.file.ledger_error import altered, unreadable, wrong
from otmon.ledger.file.schema import (
    FACTS,
    MIGRATIONS,
    SCHEMA_VERSION,
    columns_of,
    migrate,
    objects,
    schema,
    tables,
)
from otmon.ledger.ledger import KINDS, Ledger
from otmon.ledger.merge import collect
from otmon.sentence import sentence

APPLICATION_ID = 0x4F544D4E
"""SQLite header bytes 68 to 71: "OTMN"."""
PAGE_BYTES = 1 << 13
"""A row that does not fit into a quarter of a page is spread over others, and that of a written value takes
up to 2 kB: with pages of 4 kB, SQLite's default, files are larger and take longer to write."""

_HEADER = b"SQLite format 3\x00"
_HEX = re.compile(r"[0-9a-f]*", re.ASCII)
_MEASURED = {0: (0, 0), 1: (2, 2), 2: (len(ORDERS), len(WAYS))}
"""By the words of a written value: orders of its extremes, and ways of its steps and changes."""


@dataclasses.dataclass(frozen=True, slots=True)
class Stored:
    """What a ledger file holds."""

    ledger: Ledger
    notes: dict[str, str]
    digest: str
    """SHA-256 of its content, hexadecimal; "" where an older otmon wrote none."""


def save(ledger: Ledger, path: Path, notes: Mapping[str, str] | None = None) -> None:
    """Write `ledger` to `path`, and `notes`, which are no facts (`otmon.sensor.notes`). An existing file is
    replaced only if it is a ledger of otmon. Raises LedgerError; then `path` is as it was."""
    target = path.resolve()
    _may_replace(target)
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        private.make(part)
        with closing(sqlite3.connect(part, isolation_level=None)) as connection:
            _write(connection, ledger, notes or {})
        _flush(part)
        private.put(part, target)
        _flush(target.parent)
    except (OSError, sqlite3.Error) as error:
        what = sentence(
            "the ledger was not written: {why}", why=getattr(error, "strerror", None) or str(error)
        )
        raise wrong(path, what) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def load(path: Path) -> Ledger:
    """The ledger that was saved to `path`. Raises LedgerError."""
    return load_stored(path).ledger


def load_stored(path: Path) -> Stored:
    """All that was saved to `path`. Raises LedgerError, also where it is not what was saved."""
    try:
        with path.open("rb") as file:
            header = file.read(len(_HEADER))
        if header != _HEADER:
            raise wrong(path, sentence("not a ledger of otmon (not an SQLite file)"))
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as stored:
            version = _version(stored, path)
            stored.execute("PRAGMA trusted_schema = OFF")
            stored.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
            if version == SCHEMA_VERSION:
                _hold_to(stored, path, objects())
                return _read(stored, path, verified(stored, path))
            # They are of what was written, not of what it becomes.
            digest = verified(stored, path)
            with closing(sqlite3.connect(":memory:")) as copy:
                stored.backup(copy)
                copy.text_factory = stored.text_factory
                migrate(copy, version, SCHEMA_VERSION, MIGRATIONS)
                _hold_to(copy, path, tables())
                return _read(copy, path, digest)
    except OSError as error:
        raise unreadable(path, error) from error
    except (sqlite3.Error, UnicodeDecodeError) as error:
        what = sentence("the ledger is damaged ({why})", why=str(error))
        raise wrong(path, what) from error


def says_ledger(path: Path) -> bool:
    """Whether the file's first bytes say that it is a ledger, of whatever version and however damaged. Raises
    OSError."""
    with path.open("rb") as file:
        header = file.read(100)
    return header[:16] == _HEADER and int.from_bytes(header[68:72], "big") == APPLICATION_ID


def _may_replace(target: Path) -> None:
    for suffix in ("-journal", "-wal"):
        if target.with_name(target.name + suffix).exists():
            name = f"{target.name}{suffix}"
            what = sentence("another program has this file open for writing ({name})", name=name)
            raise wrong(target, what)
    if not target.exists():
        return
    if not target.is_file():
        raise wrong(target, sentence("not a file; name another place for the ledger"))
    try:
        is_ledger = says_ledger(target)
    except OSError as error:
        raise unreadable(target, error) from error
    if not is_ledger:
        what = sentence("exists and is not a ledger of otmon; it is not overwritten")
        raise wrong(target, what)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write(connection: sqlite3.Connection, ledger: Ledger, notes: Mapping[str, str]) -> None:
    connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
    connection.execute("PRAGMA journal_mode = OFF")
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    connection.executescript(schema())
    connection.execute("BEGIN")
    for (name, fact), kind in zip(FACTS.items(), KINDS, strict=True):
        _insert(connection, name, _rows(fact, getattr(ledger, kind)))
    counters = ((source.name, *counter) for source in ledger.sources for counter in source.counters)
    _insert(connection, "counter", counters)
    _insert(connection, "overflow", iter(ledger.overflow))
    _insert(connection, "note", iter(sorted(notes.items())))
    seal(connection)
    connection.execute("COMMIT")


def _insert(connection: sqlite3.Connection, table: str, rows: Iterator[Sequence[Any]]) -> None:
    first = next(rows, None)
    if first is not None:
        places = ", ".join("?" * len(first))
        connection.executemany(f"INSERT INTO {table} VALUES ({places})", _storable(first, rows))


def _storable(first: Sequence[Any], rows: Iterator[Sequence[Any]]) -> Iterator[Sequence[Any]]:
    """File names need not be Unicode: bytes that are not come as lone surrogates, stored as bytes."""
    # Every table has texts, and each column values of one type.
    texts_of = itemgetter(*(at for at, value in enumerate(first) if type(value) is str))
    for row in chain((first,), rows):
        if "".join(texts_of(row)).isascii():
            yield row
        else:
            yield [_encoded(value) if isinstance(value, str) else value for value in row]


def _encoded(text: str) -> str | bytes:
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogateescape")
    return text


def _rows(fact: type[Any], facts: Iterable[Any]) -> Iterator[list[Any]]:
    names = [field.name for field in dataclasses.fields(fact) if field.name != "counters"]
    texts = [(at, AS_TEXT[name]) for at, name in enumerate(names) if name in AS_TEXT]
    witnessed = names[-1] == "evidence"
    values_of = attrgetter(*names)
    for one in facts:
        row = list(values_of(one))
        for at, as_text in texts:
            row[at] = as_text(row[at])
        if witnessed:
            row[-1:] = row[-1]
        yield row


def _version(stored: sqlite3.Connection, path: Path) -> int:
    if stored.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        raise wrong(path, sentence("not a ledger of otmon (an SQLite file of another program)"))
    version = int(stored.execute("PRAGMA user_version").fetchone()[0])
    if not 1 <= version <= SCHEMA_VERSION:
        what = sentence(
            "ledger of schema version {version}; this otmon knows 1 to {newest}: use a newer otmon",
            version=version, newest=SCHEMA_VERSION,
        )  # fmt: skip
        raise wrong(path, what)
    return version


def _hold_to(stored: sqlite3.Connection, path: Path, wanted: Mapping[str, str]) -> None:
    """Raises LedgerError unless all is there of `wanted`, SQL by name."""
    found = dict(stored.execute("SELECT name, sql FROM sqlite_master"))
    others = sorted(name for name, sql in wanted.items() if found.get(name) != sql)
    if others:
        raise wrong(path, sentence("the ledger's tables were altered: {names}", names=tuple(others)))


def _read(stored: sqlite3.Connection, path: Path, digest: str) -> Stored:
    if (trouble := stored.execute("PRAGMA integrity_check(1)").fetchone()[0]) != "ok":
        raise sqlite3.DatabaseError(trouble)
    names: dict[str, str] = {}
    counters: dict[str, list[tuple[str, int]]] = {}
    for source, name, count in _checked(stored, "counter", (str, str, int), path, names):
        counters.setdefault(source, []).append((name, count))
    facts = {
        name: _facts(stored, name, fact, path, names) for name, fact in FACTS.items() if fact is not Source
    }
    columns = tuple(kind for _, kind in columns_of(Source))
    ledger = collect(
        sources=(
            Source(name, packets, size, first_ns, last_ns, tuple(sorted(counters.get(name, ()))))
            for name, packets, size, first_ns, last_ns in _checked(stored, "source", columns, path, names)
        ),
        damage=facts["damage"],
        assets=facts["asset"],
        conversations=facts["conversation"],
        operations=facts["operation"],
        written=facts["written_value"],
        anomalies=facts["anomaly"],
        credentials=facts["credential"],
        claims=facts["claim"],
        names=facts["names_asked"],
        overflow=_checked(stored, "overflow", (str, int), path, names),
    )
    notes = dict(_checked(stored, "note", (str, str), path, names))
    return Stored(ledger, {name: notes[name] for name in notes if not name.startswith(PREFIX)}, digest)


def _facts(
    stored: sqlite3.Connection, name: str, fact: type[Any], path: Path, names: dict[str, str]
) -> Iterator[Any]:
    columns, kinds = zip(*columns_of(fact), strict=True)
    witnessed = "evidence" in fact.__slots__
    words = {
        column: frozenset(get_args(hint))
        for column, hint in get_type_hints(fact).items()
        if get_origin(hint) is Literal
    }
    checks = [(at, words[column]) for at, column in enumerate(columns) if column in words]
    sets = [(at, column) for at, column in enumerate(columns) if column in SETS]
    peaks = next((at for at, column in enumerate(columns) if column == "peaks"), None)
    for row in _checked(stored, name, kinds, path, names):
        for at, allowed in checks:
            if row[at] not in allowed:
                raise altered(path, name, f"{row[at]!r} for one of {sorted(allowed)}")
        for at, column in sets:
            if len(row[at]) != SETS[column] or not _HEX.fullmatch(row[at]):
                raise altered(path, name, column)
            row = (*row[:at], int(row[at], 16), *row[at + 1 :])
        if peaks is not None:
            try:
                row = (*row[:peaks], peaks_of(row[peaks]), *row[peaks + 1 :])
            except (ValueError, RecursionError) as error:
                raise altered(path, name, "peaks") from error
        if fact in (Conversation, Operation):
            row = _with_minutes(row, columns, path, name)
        if fact is WrittenValue:
            *rest, extremes, steps, changes = row[:-4]
            try:
                orders, ways = _MEASURED[rest[9]]
                row = (
                    *rest,
                    extremes_of(extremes, (2 * orders,)),
                    extremes_of(steps, (0, ways)),
                    changes_of(changes, (0, ways)),
                    *row[-4:],
                )
            except (KeyError, ValueError, RecursionError) as error:
                raise altered(path, name, "extremes") from error
        yield fact(*row[:-4], Evidence(*row[-4:])) if witnessed else fact(*row)


def _with_minutes(row: tuple[Any, ...], columns: tuple[str, ...], path: Path, name: str) -> tuple[Any, ...]:
    """The row with its busiest minute, its response times and its course read."""
    values = dict(zip(columns, row, strict=True))
    try:
        values["busiest"] = busiest_of(values["busiest"])
        if "course" in values:
            values["course"] = course_of(values["course"], values["first_ns"], values["last_ns"])
            values["response_counts"] = response_counts_of(values["response_counts"], values["answered"])
    except (ValueError, RecursionError) as error:
        raise altered(path, name, "minutes, response times or a course") from error
    return tuple(values.values())


def _checked(
    stored: sqlite3.Connection, table: str, kinds: tuple[type[Any], ...], path: Path, names: dict[str, str]
) -> Iterator[Any]:
    """Rows whose values have the types that their columns declare, each text held once."""
    for row in stored.execute(f"SELECT * FROM {table}"):
        values: list[Any] = []
        for value, kind in zip(row, kinds, strict=True):
            if kind is str:
                text = value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value
                if not isinstance(text, str):
                    raise altered(path, table, f"{value!r} for a text")
                values.append(names.setdefault(text, text))
            elif not isinstance(value, int):
                raise altered(path, table, f"{value!r} for an integer")
            else:
                values.append(bool(value) if kind is bool else value)
        yield tuple(values)
