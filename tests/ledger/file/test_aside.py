"""Which files are put aside, under which names, and that they do not become more and more."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from otmon.ledger.facts import Damage
from otmon.ledger.file.aside import (
    MOST,
    RECORD_LOST,
    begun_after,
    is_sensors,
    of_captures,
    put_aside,
    put_aside_ns,
    stand_aside,
)
from otmon.ledger.file.store import load, save
from otmon.ledger.ledger import EMPTY
from otmon.ledger.merge import collect

NOON_S = 1_767_268_800.9
"""2026-01-01 12:00:00.9 UTC."""


@pytest.fixture(name="ledger")
def ledger_fixture(tmp_path: Path) -> Path:
    path = tmp_path / "plant.db"
    save(EMPTY, path)
    return path


def test_only_what_a_sensor_wrote_is_put_aside(tmp_path: Path, ledger: Path) -> None:
    told, other = tmp_path / ".plant.db.told", tmp_path / "notes.txt"
    assert is_sensors(ledger, told)
    with ledger.open("r+b") as file:
        file.truncate(100)
    assert is_sensors(ledger, told), "it says what it is"
    ledger.write_bytes(b"")
    assert is_sensors(ledger, told)
    ledger.write_bytes(bytes(5000))
    assert not is_sensors(ledger, told)
    told.write_bytes(b"{}")
    assert is_sensors(ledger, told)
    other.write_bytes(b"what somebody wrote down")
    assert not is_sensors(other, tmp_path / ".notes.txt.told")
    with closing(sqlite3.connect(tmp_path / "other.db")) as stored:
        stored.execute("CREATE TABLE t (a)")
    assert not is_sensors(tmp_path / "other.db", tmp_path / ".other.db.told")
    assert not is_sensors(tmp_path, told) and not is_sensors(Path("/dev/null"), told)
    assert not is_sensors(tmp_path / "no" / "plant.db", told)


def test_it_stands_beside_with_the_time_in_its_name(tmp_path: Path, ledger: Path) -> None:
    data = ledger.read_bytes()
    aside = put_aside(ledger, NOON_S)
    assert aside == tmp_path / "plant.db.aside-20260101T120000Z"
    assert aside.read_bytes() == data and not ledger.exists()
    # A clock that stands still at the start names all of them alike.
    save(EMPTY, ledger)
    again = put_aside(ledger, NOON_S)
    assert again.name == "plant.db.aside-20260101T120000Z-2"
    (tmp_path / "other.db.aside-20260101T120000Z").touch()
    (tmp_path / "plant.db.aside-yesterday").touch()
    assert stand_aside(ledger) == [aside, again]
    assert stand_aside(tmp_path / "no" / "plant.db") == []


def test_a_link_stays_where_it_is(tmp_path: Path, ledger: Path) -> None:
    (tmp_path / "here").mkdir()
    link = tmp_path / "here" / "linked.db"
    link.symlink_to(ledger)
    aside = put_aside(link, NOON_S)
    assert aside.parent == tmp_path and link.is_symlink() and not link.exists()
    assert stand_aside(link) == stand_aside(ledger) == [aside]


def test_of_many_the_first_and_the_last_stay(tmp_path: Path, ledger: Path) -> None:
    names = []
    for number in range(MOST + 3):
        ledger.write_bytes(b"%d" % number)
        names.append(put_aside(ledger, NOON_S + number).name)
    # Those of one tick of the file system's clock are in the order of their names.
    assert [one.name for one in stand_aside(ledger)] == [*names[: MOST - 1], names[-1]]


def test_that_it_was_put_aside_is_a_fact_and_no_damage_of_a_capture(tmp_path: Path, ledger: Path) -> None:
    begun = begun_after(put_aside(ledger, NOON_S), "file is not a database")
    save(begun, ledger)
    assert load(ledger) == begun and of_captures(begun) == ()
    (fact,) = begun.damage
    assert fact.kind == RECORD_LOST and put_aside_ns(fact) == int(NOON_S) * 10**9
    cut = Damage("a.pcap", "cut-record", 99, 1, "")
    assert of_captures(collect(damage=[cut, fact])) == (cut,)


@pytest.mark.parametrize("name", ["a.pcap", "plant.db.aside-20261399T120000Z", "plant.db.aside-2"])
def test_a_name_without_a_time_has_none(name: str) -> None:
    assert put_aside_ns(Damage(name, RECORD_LOST, -1, 1, "")) == 0


def test_what_cannot_be_renamed_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        put_aside(tmp_path / "plant.db", NOON_S)
    assert os.listdir(tmp_path) == []
