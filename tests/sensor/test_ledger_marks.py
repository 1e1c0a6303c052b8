from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from otmon.sensor.ledger_marks import InUse, begin, end, keep_told, told

BEGIN = "import pathlib, sys; from otmon.sensor.ledger_marks import begin; begin(pathlib.Path(sys.argv[1]))"


def test_two_sensors_do_not_write_one_ledger(tmp_path: Path) -> None:
    ledger = tmp_path / "plant.db"
    assert not begin(ledger)
    half = tmp_path / ".plant.db.0a1b2c3d.part"
    half.write_bytes(b"half")
    second = subprocess.run([sys.executable, "-c", BEGIN, ledger], check=False, capture_output=True)
    assert second.returncode == 1 and b"another sensor writes this ledger" in second.stderr
    with pytest.raises(InUse):
        begin(ledger)
    assert half.exists() and (tmp_path / ".plant.db.open").exists()
    end(ledger)
    assert not begin(ledger)
    end(ledger)


def test_a_run_that_did_not_end_is_noticed_and_cleaned_up_after(tmp_path: Path) -> None:
    ledger = tmp_path / "plant.db"
    killed = subprocess.run([sys.executable, "-c", BEGIN, ledger], check=False, capture_output=True)
    assert killed.returncode == 0, killed.stderr
    (tmp_path / ".plant.db.0a1b2c3d.part").write_bytes(b"half")
    (tmp_path / ".other.db.0a1b2c3d.part").write_bytes(b"half")
    ledger.write_bytes(b"whole")
    assert begin(ledger)
    end(ledger)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".other.db.0a1b2c3d.part", "plant.db"]
    assert not begin(ledger)
    end(ledger)


def test_a_folder_that_is_not_there_is_not_its_matter(tmp_path: Path) -> None:
    ledger = tmp_path / "no" / "plant.db"
    assert not begin(ledger)
    end(ledger)
    assert not ledger.parent.exists()


def test_what_was_told_is_read_again(tmp_path: Path) -> None:
    ledger = tmp_path / "plant.db"
    assert told(ledger) is None
    keep_told(ledger, {"0a1b": 2, "ffff": 0})
    assert told(ledger) == {"0a1b": 2, "ffff": 0}
    keep_told(ledger, {})
    assert told(ledger) == {}
    assert [path.name for path in tmp_path.iterdir()] == [".plant.db.told"]


@pytest.mark.parametrize(
    "text",
    [b"", b"[]", b'{"a":', b'{"a":5}', b'{"a":-1}', b'{"a":true}', b'{"a":"x"}', b"\xff", b"[" * 9_999],
)
def test_what_was_not_written_here_is_nothing(tmp_path: Path, text: bytes) -> None:
    (tmp_path / ".plant.db.told").write_bytes(text)
    assert told(tmp_path / "plant.db") is None


def test_what_was_told_cannot_be_kept_in_a_folder_that_is_not_there(tmp_path: Path) -> None:
    keep_told(tmp_path / "no" / "plant.db", {"a": 1})
    assert not (tmp_path / "no").exists()
