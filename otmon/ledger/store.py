"""A ledger as one SQLite file: written whole or not at all, read by otmon and by any SQL tool.

`save` writes a new file beside the target, flushes it and renames it over the target, so a reader
finds the old ledger or the new one and never half of one. A file that nobody writes to again
gains nothing from a write-ahead log, which would add two files beside it and keep it from being
read on a read-only medium: the journal mode is the plain one.

The file says what it is: `application_id` marks a ledger, `user_version` is the schema's version.
An older version is brought up to date in memory by `MIGRATIONS`; the file is left alone.
"""

from __future__ import annotations

import dataclasses
import os
import re
import secrets
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from functools import cache
from itertools import chain
from operator import attrgetter, itemgetter
from pathlib import Path
from typing import Any, get_args, get_type_hints

from otmon.identity.claim import ClaimKind
from otmon.ledger.column import (
    AS_TEXT,
    SETS,
    busiest_of,
    changes_of,
    course_of,
    extremes_of,
    peaks_of,
    response_counts_of,
)
from otmon.ledger.facts import (
    WAYS,
    Anomaly,
    Asset,
    AssetClaim,
    Conversation,
    CredentialKind,
    CredentialSeen,
    Damage,
    Evidence,
    NamesAsked,
    Operation,
    Outcome,
    Role,
    Source,
    WrittenValue,
    hours_between,
)
from otmon.ledger.ledger import KINDS, Ledger
from otmon.ledger.ledger_error import altered, unreadable, wrong
from otmon.ledger.merge import collect
from otmon.protocols.protocol import AccessClass
from otmon.sentence import sentence

APPLICATION_ID = 0x4F544D4E
"""SQLite header bytes 68 to 71: "OTMN"."""
SCHEMA_VERSION = 12
PAGE_BYTES = 1 << 13
"""A row that does not fit into a quarter of a page is spread over others, and that of a written value takes
up to 2 kB: with pages of 4 kB, SQLite's default, files are larger and take longer to write."""

Migration = Callable[[sqlite3.Connection], object]

_HEADER = b"SQLite format 3\x00"
_TABLES: tuple[tuple[str, type[Any]], ...] = (
    ("source", Source),
    ("damage", Damage),
    ("asset", Asset),
    ("conversation", Conversation),
    ("operation", Operation),
    ("written_value", WrittenValue),
    ("anomaly", Anomaly),
    ("credential", CredentialSeen),
    ("claim", AssetClaim),
    ("names_asked", NamesAsked),
)
"""In the order of `KINDS`."""
_LINK = "client, server, transport, port, protocol, vlan"
_KEYS = {
    "source": "name",
    "damage": "source, kind, offset",
    "asset": "mac, address, vlan",
    "conversation": _LINK,
    "operation": f"{_LINK}, unit, function, subfunction, service, access, address, count, status",
    "written_value": f'{_LINK}, unit, "table", address, words',
    "anomaly": f"{_LINK}, from_client, reason, field, function",
    "credential": f"{_LINK}, account, method, entry, kind, outcome",
    "claim": "mac, address, vlan, kind, value, protocol",
    "names_asked": f"{_LINK}, domain, day",
}
_HEX = re.compile(r"[0-9a-f]*", re.ASCII)
TABLES = frozenset({"coils", "holding_registers"})
_SIDE_TABLES = {
    "counter": "CREATE TABLE counter (source TEXT NOT NULL, name TEXT NOT NULL, count INTEGER NOT NULL,"
    " PRIMARY KEY (source, name)) WITHOUT ROWID",
    "overflow": "CREATE TABLE overflow "
    "(kind TEXT NOT NULL PRIMARY KEY, amount INTEGER NOT NULL) WITHOUT ROWID",
    "note": "CREATE TABLE note (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
}
_FOR_PEOPLE = """
CREATE INDEX asset_address ON asset (address);
CREATE INDEX conversation_server ON conversation (server, protocol, client);
CREATE INDEX operation_server ON operation (server, protocol, access, client);
CREATE INDEX anomaly_server ON anomaly (server, protocol, client);
CREATE INDEX credential_server ON credential (server, protocol, kind);
CREATE INDEX claim_address ON claim (address);
CREATE INDEX names_asked_domain ON names_asked (domain);
CREATE VIEW talks AS
  SELECT client, server, protocol, transport, port, vlan,
         packets_to_server + packets_to_client AS packets, bytes_to_server + bytes_to_client AS bytes,
         strftime('%Y-%m-%d %H:%M:%S', first_ns / 1000000000, 'unixepoch') AS first_utc,
         strftime('%Y-%m-%d %H:%M:%S', last_ns / 1000000000, 'unixepoch') AS last_utc
  FROM conversation;
CREATE VIEW changes AS
  SELECT client, server, unit, service, access, address, count, status, times,
         strftime('%Y-%m-%d %H:%M:%S', first_ns / 1000000000, 'unixepoch') AS first_utc,
         evidence_source, evidence_packet
  FROM operation WHERE access IN ('write', 'control', 'program', 'configure');
"""


def _new_table(name: str, fact: type[Any]) -> Migration:
    def add(connection: sqlite3.Connection) -> None:
        connection.execute(_table(name, fact))

    return add


_ADDED = {
    ("conversation", "hours"): "hours_between(first_ns, last_ns)",
    ("operation", "hours"): "hours_between(first_ns, last_ns)",
    ("conversation", "resets"): "0",
    ("operation", "gap_ns"): "0",
    ("asset", "arp"): "0",
    ("asset", "arp_asked"): f"'{0:064x}'",
    ("asset", "peaks"): "'[]'",
    ("written_value", "repeated"): "0",
    ("written_value", "steps"): "'[]'",
    ("written_value", "changes"): "'[]'",
    ("conversation", "busiest"): """'[0,0,"",0,0]'""",
    ("operation", "busiest"): """'[0,0,"",0,0]'""",
    ("operation", "course"): "'[]'",
    ("operation", "response_counts"): "'[]'",
}
"""What stands in a column where nobody kept it. Of hours, those from the first packet to the last."""


def _add_columns(connection: sqlite3.Connection) -> None:
    """Make every table that lacks columns anew, whatever version added them."""
    # Views keep the names that they were made with.
    connection.execute("PRAGMA legacy_alter_table = ON")
    for name, fact in _TABLES:
        there = {row[1] for row in connection.execute(f"PRAGMA table_info({name})")}
        columns = [column for column, _ in _columns(fact)]
        if there and not there.issuperset(columns):
            filled = [
                _quoted(column) if column in there else _ADDED.get((name, column), "NULL")
                for column in columns
            ]
            connection.execute(f"ALTER TABLE {name} RENAME TO old")
            connection.execute(_table(name, fact))
            connection.execute(f"INSERT INTO {name} SELECT {', '.join(filled)} FROM old")
            connection.execute("DROP TABLE old")


MIGRATIONS: Mapping[int, Migration] = {
    1: _new_table("written_value", WrittenValue),
    2: _add_columns,
    3: _add_columns,
    4: _new_table("credential", CredentialSeen),
    5: _add_columns,
    6: _new_table("claim", AssetClaim),
    7: _add_columns,
    8: _add_columns,
    9: _new_table("names_asked", NamesAsked),
    10: lambda connection: connection.execute(_SIDE_TABLES["note"]),
    11: _add_columns,
}
"""Version n: what makes version n + 1 of it."""


def save(ledger: Ledger, path: Path, notes: Mapping[str, str] | None = None) -> None:
    """Write `ledger` to `path`, and `notes`, which are no facts (`otmon.sensor.notes`). An existing file is
    replaced only if it is a ledger of otmon. Raises LedgerError; then `path` is as it was."""
    target = path.resolve()
    _may_replace(target)
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
        with closing(sqlite3.connect(part, isolation_level=None)) as connection:
            _write(connection, ledger, notes or {})
        _flush(part)
        part.replace(target)
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
    return load_with_notes(path)[0]


def load_with_notes(path: Path) -> tuple[Ledger, dict[str, str]]:
    """The ledger and the notes that were saved to `path`. Raises LedgerError."""
    try:
        with path.open("rb") as file:
            header = file.read(len(_HEADER))
        if header != _HEADER:
            raise wrong(path, sentence("not a ledger of otmon (not an SQLite file)"))
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as stored:
            version = _version(stored, path)
            if version == SCHEMA_VERSION:
                return _read(stored, path)
            with closing(sqlite3.connect(":memory:")) as copy:
                stored.backup(copy)
                copy.create_function("hours_between", 2, hours_between, deterministic=True)
                migrate(copy, version, SCHEMA_VERSION, MIGRATIONS)
                return _read(copy, path)
    except OSError as error:
        raise unreadable(path, error) from error
    except (sqlite3.Error, UnicodeDecodeError) as error:
        what = sentence("the ledger is damaged ({why}); make it again with otmon replay", why=str(error))
        raise wrong(path, what) from error


def migrate(connection: sqlite3.Connection, version: int, to: int, steps: Mapping[int, Migration]) -> None:
    """Bring an open ledger from `version` to version `to`, one step at a time."""
    while version < to:
        step = steps.get(version)
        if step is None:
            raise sqlite3.DatabaseError(f"no way from schema version {version} to {version + 1}")
        step(connection)
        version += 1
        connection.execute(f"PRAGMA user_version = {version}")


@cache
def schema() -> str:
    """The SQL that makes an empty ledger, as it stands in the file."""
    tables = [_table(name, fact) for name, fact in _TABLES]
    return "\n".join([*(f"{sql};" for sql in (*tables, *_SIDE_TABLES.values())), _FOR_PEOPLE.strip()]) + "\n"


def _columns(fact: type[Any], prefix: str = "") -> Iterator[tuple[str, type[Any]]]:
    for name, hint in get_type_hints(fact).items():
        if hint is Evidence:
            yield from _columns(Evidence, "evidence_")
        elif name != "counters":
            yield prefix + name, hint if hint in (int, bool) and name not in SETS else str


def _quoted(column: str) -> str:
    """Columns have the names of fields, of which one is a word of SQL."""
    return f'"{column}"' if column == "table" else column


def _table(name: str, fact: type[Any]) -> str:
    columns = ", ".join(
        f"{_quoted(column)} {'TEXT' if kind is str else 'INTEGER'} NOT NULL"
        for column, kind in _columns(fact)
    )
    return f"CREATE TABLE {name} ({columns}, PRIMARY KEY ({_KEYS[name]})) WITHOUT ROWID"


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
        with target.open("rb") as file:
            header = file.read(100)
    except OSError as error:
        raise unreadable(target, error) from error
    if header[:16] != _HEADER or int.from_bytes(header[68:72], "big") != APPLICATION_ID:
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
    for (name, fact), kind in zip(_TABLES, KINDS, strict=True):
        _insert(connection, name, _rows(fact, getattr(ledger, kind)))
    counters = ((source.name, *counter) for source in ledger.sources for counter in source.counters)
    _insert(connection, "counter", counters)
    _insert(connection, "overflow", iter(ledger.overflow))
    _insert(connection, "note", iter(sorted(notes.items())))
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


def _read(stored: sqlite3.Connection, path: Path) -> tuple[Ledger, dict[str, str]]:
    stored.execute("PRAGMA trusted_schema = OFF")
    stored.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
    expected = {name: _table(name, fact) for name, fact in _TABLES} | _SIDE_TABLES
    found = dict(stored.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'"))
    others = sorted(name for name, sql in expected.items() if found.get(name) != sql)
    if others:
        raise wrong(path, sentence("the ledger's tables were altered: {names}", names=tuple(others)))
    if (trouble := stored.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
        raise sqlite3.DatabaseError(trouble)
    names: dict[str, str] = {}
    counters: dict[str, list[tuple[str, int]]] = {}
    for source, name, count in _checked(stored, "counter", (str, str, int), path, names):
        counters.setdefault(source, []).append((name, count))
    facts = {name: _facts(stored, name, fact, path, names) for name, fact in _TABLES if fact is not Source}
    columns = tuple(kind for _, kind in _columns(Source))
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
    return ledger, dict(_checked(stored, "note", (str, str), path, names))


def _facts(
    stored: sqlite3.Connection, name: str, fact: type[Any], path: Path, names: dict[str, str]
) -> Iterator[Any]:
    columns, kinds = zip(*_columns(fact), strict=True)
    witnessed = "evidence" in fact.__slots__
    words = {
        "role": frozenset(get_args(Role)),
        "access": frozenset(get_args(AccessClass)),
        "table": TABLES,
        "outcome": frozenset(get_args(Outcome)),
    }
    if fact is CredentialSeen:
        words["kind"] = frozenset(get_args(CredentialKind))
    elif fact is AssetClaim:
        words["kind"] = frozenset(get_args(ClaimKind))
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
            pair = rest[9] == 2
            try:
                row = (
                    *rest,
                    extremes_of(extremes, (8 if pair else 4,)),
                    extremes_of(steps, (0, len(WAYS) if pair else 2)),
                    changes_of(changes, (0, len(WAYS) if pair else 2)),
                    *row[-4:],
                )
            except (ValueError, RecursionError) as error:
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
