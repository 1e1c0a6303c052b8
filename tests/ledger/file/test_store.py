from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otmon.ledger.facts import Change, Evidence, Extreme, Operation, Peak, Source, WrittenValue
from otmon.ledger.file.digest import seal
from otmon.ledger.file.ledger_error import LedgerError
from otmon.ledger.file.store import (
    SCHEMA_VERSION,
    load,
    load_stored,
    save,
)
from otmon.ledger.ledger import EMPTY, Ledger
from otmon.ledger.merge import collect
from tests.zones.facts import asset


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_what_is_saved_is_loaded(
    ledgers: Any, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("ledger") / "plant.db"
    ledger = data.draw(ledgers)
    save(ledger, path)
    assert load(path) == ledger


@pytest.fixture
def some(an_operation: Operation) -> Ledger:
    return collect(operations=[an_operation], sources=[Source("a.pcap", 1, 60, 100, 100, (("layer.ip", 1),))])


def test_a_ledger_is_replaced_and_leaves_nothing_beside(tmp_path: Path, some: Ledger) -> None:
    path = tmp_path / "plant.db"
    save(EMPTY, path)
    save(some, path)
    assert load(path) == some
    assert list(tmp_path.iterdir()) == [path]


def test_notes_stand_beside_the_facts_of_the_save_alone(tmp_path: Path, some: Ledger) -> None:
    path = tmp_path / "plant.db"
    save(some, path, {"b": "2", "a": ""})
    assert load(path) == some and load_stored(path).notes == {"a": "", "b": "2"}
    save(some, path)
    assert load(path) == some and load_stored(path).notes == {}


@pytest.mark.parametrize("content", [b"", b"not a ledger", b"SQLite format 3\x00" + bytes(200)])
def test_a_file_of_another_kind_is_not_overwritten(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    with pytest.raises(LedgerError, match="not overwritten"):
        save(EMPTY, path)
    assert path.read_bytes() == content
    with pytest.raises(LedgerError, match=r"not a ledger|damaged"):
        load(path)
    assert list(tmp_path.iterdir()) == [path]


def test_another_program_s_database_is_not_a_ledger(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE t (a)")
    with pytest.raises(LedgerError, match="of another program"):
        load(path)
    with pytest.raises(LedgerError, match="not overwritten"):
        save(EMPTY, path)


def test_a_ledger_in_use_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "plant.db"
    save(EMPTY, path)
    (tmp_path / "plant.db-wal").touch()
    with pytest.raises(LedgerError, match="another program has this file open"):
        save(EMPTY, path)


def test_missing_and_unwritable_places_are_told(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match=r"gone\.db: cannot be read: No such file"):
        load(tmp_path / "gone.db")
    with pytest.raises(LedgerError, match="not written"):
        save(EMPTY, tmp_path / "no folder" / "plant.db")
    with pytest.raises(LedgerError, match="not a file"):
        save(EMPTY, tmp_path)


def test_a_newer_ledger_is_told(tmp_path: Path) -> None:
    path = tmp_path / "plant.db"
    save(EMPTY, path)
    with closing(sqlite3.connect(path)) as stored:
        stored.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    with pytest.raises(LedgerError, match="use a newer otmon"):
        load(path)


@pytest.mark.parametrize("cut", [99, 100, 2000, 4096, 9000])
def test_a_cut_ledger_is_damaged(tmp_path: Path, some: Ledger, cut: int) -> None:
    path = tmp_path / "plant.db"
    save(some, path)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(LedgerError, match=r"damaged|another program"):
        load(path)


def test_no_single_wrong_byte_gives_anything_but_a_ledger_or_its_error(tmp_path: Path, some: Ledger) -> None:
    path = tmp_path / "plant.db"
    save(some, path)
    whole = path.read_bytes()
    for at in range(0, len(whole), 499):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        with suppress(LedgerError):
            assert isinstance(load(path), Ledger)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("UPDATE operation SET times = 'many'", "'many' for an integer"),
        ("UPDATE operation SET client = 5.5", "altered|for a text|damaged"),
        ("UPDATE operation SET access = 'everything'", "'everything' for one of"),
        ("ALTER TABLE operation ADD COLUMN note TEXT", "tables were altered: operation"),
        ("DROP TABLE overflow", "tables were altered: overflow"),
        ("DROP VIEW talks", "tables were altered: talks"),
        ("DROP INDEX claim_address", "tables were altered: claim_address"),
    ],
)
def test_altered_ledgers_are_told(tmp_path: Path, some: Ledger, change: str, message: str) -> None:
    path = tmp_path / "plant.db"
    save(some, path)
    with closing(sqlite3.connect(path)) as stored:
        stored.execute(change)
        if change.startswith("UPDATE"):
            seal(stored)
        stored.commit()
    if "5.5" in change:
        assert load(path).operations[0].client == "5.5"
    else:
        with pytest.raises(LedgerError, match=message):
            load(path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[0]",
        "[[1,2,3,4,5,6]]",
        '[[-1,0,1,"a",1,1],[-1,0,1,"a",1,1]]',
        '[[1,2,3,"a",5,6],1,1,1]',
        "[" * 100_000,
    ],
)
@pytest.mark.parametrize("column", ["extremes", "steps", "changes"])
def test_extremes_that_are_none_are_an_error(column: str, text: str, tmp_path: Path) -> None:
    seen = Evidence(1, "a.pcap", 1, 24)
    link = "10.0.0.1", "10.0.0.2", "tcp", 502, "modbus", ""
    fact = WrittenValue(
        *link, 1, "coils", 7, 1, 1, 0, 1, 1, (Extreme(1, 0, seen),) * 4, (Extreme(1, 0, seen),) * 2,
        (Change(1, 0, seen, seen),) * 2, seen,
    )  # fmt: skip
    save(collect(written=[fact]), path := tmp_path / "plant.db")
    assert load(path).written == (fact,)
    with closing(sqlite3.connect(path)) as stored:
        stored.execute(f"UPDATE written_value SET {column} = ?", (text,))
        seal(stored)
        stored.commit()
    with pytest.raises(LedgerError, match="extremes"):
        load(path)


def test_what_could_not_be_read_and_numbers_of_other_protocols_come_back(tmp_path: Path) -> None:
    seen = Evidence(1, "a.pcap", 1, 24)
    link = "10.0.0.1", "10.0.0.2", "tcp", 44818, "ethernet_ip", ""
    unread = WrittenValue(*link, -1, "", -1, 0, 3, 0, 1, 1, (), (), (), seen)
    number = WrittenValue(
        *link, -1, "LINE[4].SPEED", 0, 2, 1, 0, 1, 1, (Extreme(0x7F800000, -1, seen),) * 8, (), (), seen
    )
    save(collect(written=[unread, number]), path := tmp_path / "plant.db")
    assert load(path).written == (unread, number)
    with closing(sqlite3.connect(path)) as stored:
        stored.execute("UPDATE written_value SET words = 3 WHERE words = 2")
        seal(stored)
        stored.commit()
    with pytest.raises(LedgerError, match="extremes"):
        load(path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[1]",
        '[["ARP packets",1]]',
        '[["heat",1,1]]',
        '[["ARP packets",1,1],["ARP packets",2,1]]',
        '[["datagrams",1,1],["ARP packets",2,1]]',
        "[" * 100_000,
    ],
)
def test_peaks_that_are_none_are_an_error(text: str, tmp_path: Path) -> None:
    fact = asset("02:00:00:00:00:01", "10.0.0.1", peaks=(Peak("ARP packets", 3, 1_000_000_000),))
    save(collect(assets=[fact]), path := tmp_path / "plant.db")
    assert load(path).assets == (fact,)
    with closing(sqlite3.connect(path)) as stored:
        stored.execute("UPDATE asset SET peaks = ?", (text,))
        seal(stored)
        stored.commit()
    with pytest.raises(LedgerError, match="peaks"):
        load(path)


@pytest.mark.parametrize("text", ["", "0" * 63, "0" * 65, "G" * 64, "-" + "0" * 63])
def test_addresses_asked_for_that_are_none_are_an_error(text: str, tmp_path: Path) -> None:
    fact = asset("02:00:00:00:00:01", "10.0.0.1", arp=2, arp_asked=1 << 255 | 1)
    save(collect(assets=[fact]), path := tmp_path / "plant.db")
    assert load(path).assets == (fact,)
    with closing(sqlite3.connect(path)) as stored:
        stored.execute("UPDATE asset SET arp_asked = ?", (text,))
        seal(stored)
        stored.commit()
    with pytest.raises(LedgerError, match="arp_asked"):
        load(path)


@pytest.mark.parametrize(
    "text",
    ["", "{}", "3", "[0]", "[1,0]", "[true]", "[1.0]", "[-1,1]", "[4]", f"[{'0,' * 13}1]", "[" * 100_000],
)
def test_response_times_that_are_none_are_an_error(
    text: str, tmp_path: Path, an_operation: Operation
) -> None:
    fact = replace(an_operation, times=4, answered=3, response_counts=(0, 2, 1))
    save(collect(operations=[fact]), path := tmp_path / "plant.db")
    assert load(path).operations == (fact,)
    with closing(sqlite3.connect(path)) as stored:
        stored.execute("UPDATE operation SET response_counts = ?", (text,))
        seal(stored)
        stored.commit()
    with pytest.raises(LedgerError, match="response times"):
        load(path)


def test_people_can_query_it(tmp_path: Path, an_operation: Operation) -> None:
    path = tmp_path / "plant.db"
    write = replace(an_operation, function=16, service="Write Multiple Registers", access="write")
    save(collect(operations=[an_operation, write]), path)
    with closing(sqlite3.connect(path)) as stored:
        assert stored.execute("SELECT service, count, evidence_packet FROM changes").fetchall() == [
            ("Write Multiple Registers", 10, 1)
        ]
        plan = str(stored.execute("EXPLAIN QUERY PLAN SELECT * FROM operation WHERE server = ''").fetchall())
        assert "operation_server" in plan
