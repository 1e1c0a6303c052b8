"""Whatever happens to a ledger file, what is read from it is what was written, or it is told."""

from __future__ import annotations

import hashlib
import random
import shutil
import sqlite3
import subprocess
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from otmon.ledger.facts import Operation, Source
from otmon.ledger.file import store
from otmon.ledger.file.digest import PREFIX, seal
from otmon.ledger.file.ledger_error import LedgerError
from otmon.ledger.file.store import load, load_stored, save
from otmon.ledger.ledger import Ledger
from otmon.ledger.merge import collect
from tests.zones.facts import asset

NOTES = {"listened": "[]", "secret": "00000000000000aa"}


@pytest.fixture(name="some")
def some_fixture(an_operation: Operation) -> Ledger:
    assets = [asset(f"02:00:00:00:00:{one:02x}", f"10.0.0.{one}") for one in range(40)]
    operations = [replace(an_operation, unit=unit) for unit in range(40)]
    return collect(assets=assets, operations=operations, sources=[Source("a.pcap", 1, 60, 100, 100, ())])


@pytest.fixture(name="path")
def path_fixture(tmp_path: Path, some: Ledger) -> Path:
    save(some, path := tmp_path / "plant.db", NOTES)
    return path


def _alter(path: Path, *changes: str) -> None:
    with closing(sqlite3.connect(path)) as stored:
        for change in changes:
            stored.execute(change)
        stored.commit()


def test_no_flipped_byte_changes_what_is_read(path: Path) -> None:
    """Of bytes that hold something each is told; most of a small file is room for more."""
    stored, whole = load_stored(path), path.read_bytes()
    chosen = random.Random(1)
    held = [at for at, octet in enumerate(whole) if octet]
    for at in (*chosen.sample(held, 300), *chosen.sample(range(len(whole)), 100)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << chosen.randrange(8)]) + whole[at + 1 :])
        try:
            assert load_stored(path) == stored and not whole[at], at
        except LedgerError:
            continue


@pytest.mark.parametrize(
    ("change", "table"),
    [
        ("UPDATE operation SET times = times + 1 WHERE unit = 7", "operation"),
        ("DELETE FROM asset WHERE address = '10.0.0.7'", "asset"),
        ("INSERT INTO counter VALUES ('a.pcap', 'layer.ip', 1)", "counter"),
        ("UPDATE asset SET mac = CAST(mac AS BLOB) WHERE address = '10.0.0.7'", "asset"),
        ("UPDATE note SET value = 'x' WHERE name = 'listened'", "note"),
        ("DELETE FROM note WHERE name = 'secret'", "note"),
        ("DELETE FROM note WHERE name = 'sha256'", "note"),
        ("UPDATE note SET name = 'sha257' WHERE name = 'sha256'", "note"),
        ("DELETE FROM note WHERE name = 'sha256 asset'", "note"),
        ("UPDATE note SET value = '' WHERE name = 'sha256 asset'", "note"),
        ("UPDATE note SET value = CAST(x'ff' AS TEXT) WHERE name = 'sha256 asset'", "note"),
    ],
)
def test_a_table_that_was_altered_is_named(path: Path, change: str, table: str) -> None:
    _alter(path, change)
    with pytest.raises(LedgerError, match=rf"not what was written: {table}$"):
        load(path)


def test_several_tables_are_named(path: Path) -> None:
    _alter(path, "DELETE FROM operation", "DELETE FROM asset")
    with pytest.raises(LedgerError, match=r"not what was written: asset, operation$"):
        load(path)


def test_the_digest_is_that_of_the_facts_and_notes_alone(path: Path, some: Ledger, tmp_path: Path) -> None:
    digest = load_stored(path).digest
    save(some, again := tmp_path / "again.db", NOTES)
    assert again.read_bytes() == path.read_bytes()
    # Where a row stands in the file is nobody's business, and people may add views of their own.
    _alter(path, "CREATE VIEW hosts AS SELECT address FROM asset", "CREATE INDEX own ON asset (vlan)")
    with closing(sqlite3.connect(path)) as stored:
        stored.execute("PRAGMA page_size = 4096")
        stored.execute("VACUUM")
    assert load_stored(path).digest == digest and path.read_bytes() != again.read_bytes()
    save(some, path, {})
    assert load_stored(path).digest not in ("", digest)
    save(collect(assets=some.assets), path, NOTES)
    assert load_stored(path).digest not in ("", digest)


def test_who_takes_them_anew_is_not_found_out(path: Path) -> None:
    """As the documents say."""
    with closing(sqlite3.connect(path)) as stored:
        stored.execute("DELETE FROM asset")
        seal(stored)
        stored.commit()
    assert load(path).assets == ()


def test_a_ledger_without_digests_is_read_and_has_none(path: Path, some: Ledger) -> None:
    _alter(path, f"DELETE FROM note WHERE name LIKE '{PREFIX}%'")
    stored = load_stored(path)
    assert (stored.ledger, stored.notes, stored.digest) == (some, NOTES, "")
    _alter(path, "DELETE FROM asset")
    assert load(path).assets == ()


def test_names_that_are_not_unicode_have_digests(tmp_path: Path) -> None:
    name = b"caf\xe9.pcap".decode("utf-8", "surrogateescape")
    some = collect(sources=[Source(name, 1, 60, 100, 100, ((name, 3),))])
    save(some, path := tmp_path / "plant.db", {"a": "\x00\n\"'\\\u3042\x7f"})
    stored = load_stored(path)
    assert stored.ledger == some and stored.notes == {"a": "\x00\n\"'\\\u3042\x7f"}
    _alter(path, "UPDATE counter SET source = x'636166ea2e70636170'")
    with pytest.raises(LedgerError, match=r"not what was written: counter$"):
        load(path)


@pytest.mark.skipif(shutil.which("sqlite3") is None, reason="no sqlite3")
def test_an_auditor_takes_the_same_with_other_programs(path: Path) -> None:
    """Another build of SQLite, and SHA-256 of a pipe."""
    with closing(sqlite3.connect(path)) as stored:
        noted = dict(stored.execute(f"SELECT name, value FROM note WHERE name LIKE '{PREFIX} %'"))
        columns = {
            name: ", ".join(f'"{row[1]}"' for row in stored.execute(f"PRAGMA table_info({name})"))
            for name in (one.removeprefix(f"{PREFIX} ") for one in noted)
        }
    for name, listed in columns.items():
        which = "WHERE name NOT LIKE 'sha256%'" if name == "note" else ""
        query = f"SELECT json_array({listed}) FROM {name} {which}"
        rows = subprocess.run(["sqlite3", path, query], capture_output=True, check=True).stdout
        assert hashlib.sha256(rows).hexdigest() == noted[f"{PREFIX} {name}"], name
    lines = subprocess.run(
        ["sqlite3", path, "SELECT substr(name, 8) || ' ' || value FROM note WHERE name LIKE 'sha256 %'"],
        capture_output=True, check=True,
    ).stdout  # fmt: skip
    assert hashlib.sha256(lines).hexdigest() == load_stored(path).digest


def test_an_older_ledger_is_held_to_its_digests_before_it_is_brought_up_to_date(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = load_stored(path).digest
    newer = store.SCHEMA_VERSION + 1
    monkeypatch.setattr(store, "SCHEMA_VERSION", newer)
    monkeypatch.setattr(
        store, "MIGRATIONS", {newer - 1: lambda one: one.execute("UPDATE asset SET vlan = '9'")}
    )
    stored = load_stored(path)
    assert stored.digest == digest and {one.vlan for one in stored.ledger.assets} == {"9"}
    _alter(path, "UPDATE operation SET times = times + 1 WHERE unit = 7")
    with pytest.raises(LedgerError, match=r"not what was written: operation$"):
        load(path)
