from __future__ import annotations

from pathlib import Path

from otmon.sensor.mark import begin, end


def test_a_run_that_did_not_end_is_noticed_and_cleaned_up_after(tmp_path: Path) -> None:
    ledger = tmp_path / "plant.db"
    assert not begin(ledger)
    (tmp_path / ".plant.db.0a1b2c3d.part").write_bytes(b"half")
    (tmp_path / ".other.db.0a1b2c3d.part").write_bytes(b"half")
    ledger.write_bytes(b"whole")
    assert begin(ledger)
    end(ledger)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".other.db.0a1b2c3d.part", "plant.db"]
    assert not begin(ledger)


def test_a_folder_that_is_not_there_is_not_its_matter(tmp_path: Path) -> None:
    ledger = tmp_path / "no" / "plant.db"
    assert not begin(ledger)
    end(ledger)
    assert not ledger.parent.exists()
