"""The tables of a ledger file, and how those of older versions become like them.

Each kind of fact has a table, with a column for each field of its class. So a changed field is a changed
schema: it needs the next `SCHEMA_VERSION`, and what makes it of the one before in `MIGRATIONS`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from functools import cache
from typing import Any, Final, get_type_hints

from otmon.ledger.facts import (
    Anomaly,
    Asset,
    AssetClaim,
    Conversation,
    CredentialSeen,
    Damage,
    Evidence,
    NamesAsked,
    Operation,
    Source,
    WrittenValue,
    hours_between,
)
from otmon.ledger.file.column import SETS

SCHEMA_VERSION: Final = 12

Migration = Callable[[sqlite3.Connection], object]

FACTS: Mapping[str, type[Any]] = {
    "source": Source,
    "damage": Damage,
    "asset": Asset,
    "conversation": Conversation,
    "operation": Operation,
    "written_value": WrittenValue,
    "anomaly": Anomaly,
    "credential": CredentialSeen,
    "claim": AssetClaim,
    "names_asked": NamesAsked,
}
"""What stands in which table, in the order of `KINDS`."""
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


def columns_of(fact: type[Any], prefix: str = "") -> Iterator[tuple[str, type[Any]]]:
    """The columns of a class of facts: each one's name, and its type (int, bool or str) when it is read."""
    for name, hint in get_type_hints(fact).items():
        if hint is Evidence:
            yield from columns_of(Evidence, "evidence_")
        elif name != "counters":
            yield prefix + name, hint if hint in (int, bool) and name not in SETS else str


def _quoted(column: str) -> str:
    """Columns have the names of fields, of which one is a word of SQL."""
    return f'"{column}"' if column == "table" else column


def _table(name: str, fact: type[Any]) -> str:
    columns = ", ".join(
        f"{_quoted(column)} {'TEXT' if kind is str else 'INTEGER'} NOT NULL"
        for column, kind in columns_of(fact)
    )
    return f"CREATE TABLE {name} ({columns}, PRIMARY KEY ({_KEYS[name]})) WITHOUT ROWID"


@cache
def tables() -> Mapping[str, str]:
    """The SQL that makes each table, by its name."""
    return {name: _table(name, fact) for name, fact in FACTS.items()} | _SIDE_TABLES


@cache
def schema() -> str:
    """The SQL that makes an empty ledger, as it stands in the file."""
    return "\n".join([*(f"{sql};" for sql in tables().values()), _FOR_PEOPLE.strip()]) + "\n"


@cache
def objects() -> Mapping[str, str]:
    """The SQL that makes each table, index and view, by its name, as SQLite keeps it."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(schema())
        return dict(connection.execute("SELECT name, sql FROM sqlite_master"))


def _new_table(name: str) -> Migration:
    def add(connection: sqlite3.Connection) -> None:
        connection.execute(tables()[name])

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
    connection.create_function("hours_between", 2, hours_between, deterministic=True)
    # Views keep the names that they were made with.
    connection.execute("PRAGMA legacy_alter_table = ON")
    for name, fact in FACTS.items():
        there = {row[1] for row in connection.execute(f"PRAGMA table_info({name})")}
        columns = [column for column, _ in columns_of(fact)]
        if there and not there.issuperset(columns):
            filled = [
                _quoted(column) if column in there else _ADDED.get((name, column), "NULL")
                for column in columns
            ]
            connection.execute(f"ALTER TABLE {name} RENAME TO old")
            connection.execute(tables()[name])
            connection.execute(f"INSERT INTO {name} SELECT {', '.join(filled)} FROM old")
            connection.execute("DROP TABLE old")


MIGRATIONS: Mapping[int, Migration] = {
    1: _new_table("written_value"),
    2: _add_columns,
    3: _add_columns,
    4: _new_table("credential"),
    5: _add_columns,
    6: _new_table("claim"),
    7: _add_columns,
    8: _add_columns,
    9: _new_table("names_asked"),
    10: _new_table("note"),
    11: _add_columns,
}
"""Version n: what makes version n + 1 of it."""


def migrate(connection: sqlite3.Connection, version: int, to: int, steps: Mapping[int, Migration]) -> None:
    """Bring an open ledger from `version` to version `to`, one step at a time."""
    while version < to:
        step = steps.get(version)
        if step is None:
            raise sqlite3.DatabaseError(f"no way from schema version {version} to {version + 1}")
        step(connection)
        version += 1
        connection.execute(f"PRAGMA user_version = {version}")
