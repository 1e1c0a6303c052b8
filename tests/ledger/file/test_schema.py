from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from otmon.ledger.facts import Operation, Source
from otmon.ledger.file.schema import SCHEMA_VERSION, migrate, schema
from otmon.ledger.file.store import APPLICATION_ID, Stored, load, load_stored, save
from otmon.ledger.merge import collect


def test_the_schema_is_that_of_its_version(golden: Path) -> None:
    """A changed schema needs a new SCHEMA_VERSION, a migration, and a new file here."""
    assert schema() == (golden / f"ledger-{SCHEMA_VERSION}.sql").read_text()


@pytest.fixture
def golden() -> Path:
    return Path(__file__).parents[2] / "golden"


@pytest.mark.parametrize("version", range(1, SCHEMA_VERSION))
def test_a_ledger_of_an_older_version_is_read(
    version: int, golden: Path, tmp_path: Path, an_operation: Operation
) -> None:
    """Its tables, with what it could hold, become those of today."""
    some = collect(operations=[an_operation], sources=[Source("a.pcap", 1, 60, 100, 100, (("layer.ip", 1),))])
    save(some, new := tmp_path / "new.db")
    old = tmp_path / "old.db"
    with closing(sqlite3.connect(old)) as target, closing(sqlite3.connect(new)) as source:
        target.executescript((golden / f"ledger-{version}.sql").read_text())
        source.execute("DELETE FROM note")
        names = [name for (name,) in target.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for name in names:
            columns = [row[1] for row in target.execute(f"PRAGMA table_info({name})")]
            quoted = ", ".join(f'"{column}"' for column in columns)
            for row in source.execute(f"SELECT {quoted} FROM {name}").fetchall():
                target.execute(f"INSERT INTO {name} VALUES ({', '.join('?' * len(row))})", row)
        target.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        target.execute(f"PRAGMA user_version = {version}")
        target.commit()
    assert load_stored(old) == Stored(some, {}, "")


def test_what_older_versions_did_not_keep_is_nothing(golden: Path, tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    row = "'02:00:00:00:00:01', '10.0.0.1', '', 7, 420, 1, 9, 1, 'a', 1, 24"
    with closing(sqlite3.connect(path)) as old:
        old.executescript((golden / "ledger-3.sql").read_text())
        old.execute(f"INSERT INTO asset VALUES ({row})")
        old.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        old.execute("PRAGMA user_version = 3")
        old.commit()
    (one,) = load(path).assets
    assert (one.packets, one.last_ns, one.arp, one.arp_asked, one.peaks) == (7, 9, 0, 0, ())


def test_migrations_run_in_order() -> None:
    steps = {
        1: lambda connection: connection.execute("CREATE TABLE second (a)"),
        2: lambda connection: connection.execute("ALTER TABLE second RENAME TO third"),
    }
    with closing(sqlite3.connect(":memory:")) as connection:
        migrate(connection, 1, 3, steps)  # type: ignore[arg-type]
        assert connection.execute("PRAGMA user_version").fetchone() == (3,)
        assert connection.execute("SELECT count(*) FROM third").fetchone() == (0,)
        with pytest.raises(sqlite3.DatabaseError, match="from schema version 3 to 4"):
            migrate(connection, 3, 4, steps)  # type: ignore[arg-type]
