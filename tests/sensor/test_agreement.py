"""What was agreed last is kept as it was, and nothing else is taken for it."""

from __future__ import annotations

import base64
import json
import shutil
import stat
from pathlib import Path
from typing import Any

import pytest

from otmon.detect.rules.load import RuleError
from otmon.sensor.agreement import agreed, copied_in, keep, kept
from otmon.zones.files.load import ModelError, load_model
from tests.command import ROOT

RULE = ROOT / "rules" / "telnet.yml"

SHEET = "water-works-devices.csv"


@pytest.fixture(name="plant")
def plant_fixture(tmp_path: Path) -> Path:
    """A model that names a sheet."""
    folder = tmp_path / "zones"
    folder.mkdir()
    for file in (ROOT / "zones").glob("water-works*"):
        shutil.copy(file, folder)
    return folder


def _rule(folder: Path) -> Path:
    given = folder / "rules"
    given.mkdir()
    shutil.copy(next(iter(sorted((ROOT / "rules").glob("*.yml")))), given)
    return given


def test_what_is_kept_is_what_was_read(tmp_path: Path, plant: Path) -> None:
    rules, ledger = _rule(tmp_path), tmp_path / "plant.db"
    found = agreed(str(plant), [str(rules)])
    assert found.model == load_model(str(plant))
    assert found.sheets and found.given and len(found.rules.replaced) == 1
    keep(ledger, found, 1_790_000_000.7)
    place = copied_in(ledger)
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    # All of it is there, wherever the files are by now.
    shutil.rmtree(plant)
    shutil.rmtree(rules)
    assert kept(ledger) == (found, 1_790_000_000)


def test_the_same_is_not_written_again(tmp_path: Path, plant: Path) -> None:
    ledger = tmp_path / "plant.db"
    keep(ledger, agreed(str(plant), None), 1)
    before = copied_in(ledger).stat().st_ino
    keep(ledger, agreed(str(plant), None), 2)
    assert copied_in(ledger).stat().st_ino == before and (kept(ledger) or ((), 0))[1] == 1
    with (plant / SHEET).open("a", encoding="utf-8") as sheet:
        sheet.write("\n")
    keep(ledger, agreed(str(plant), None), 3)
    copy = kept(ledger)
    assert copy is not None and copy[1] == 3 and copy[0].model == load_model(str(plant))


def test_without_a_model_the_rules_are_kept(tmp_path: Path) -> None:
    ledger, rules = tmp_path / "plant.db", _rule(tmp_path)
    keep(ledger, found := agreed(None, [str(rules)]), 5)
    assert found.model is None and kept(ledger) == (found, 5)


def test_errors_are_those_of_the_files(tmp_path: Path, plant: Path) -> None:
    with pytest.raises(ModelError, match=r"gone: .*cannot be read"):
        agreed(str(tmp_path / "gone"), None)
    with pytest.raises(RuleError, match=r"gone: .*cannot be read"):
        agreed(str(plant), [str(tmp_path / "gone")])
    (plant / SHEET).unlink()
    with pytest.raises(ModelError, match=SHEET):
        agreed(str(plant), None)


def test_a_copy_that_cannot_be_used_is_none(tmp_path: Path, plant: Path) -> None:
    ledger = tmp_path / "plant.db"
    assert kept(ledger) is None
    keep(ledger, agreed(str(plant), None), 5)
    place = copied_in(ledger)
    whole = place.read_bytes()
    said: dict[str, Any] = json.loads(whole)
    # A text that is another one, of which nothing else would tell.
    name, text = said["zones"][0]
    other = base64.b64encode(base64.b64decode(text).replace(b"172.16.", b"172.17.")).decode()
    assert other != text
    wrong: list[object] = [said | {"zones": [[name, other], *said["zones"][1:]]}]
    wrong += [said | {key: None} for key in said]
    wrong += [{key: said[key] for key in said if key != one} for one in said]
    wrong += [said | {"read": True}, [], 5, None, "text"]
    for one in (*(json.dumps(each).encode() for each in wrong), whole[:-9], b"", b"\xff", b"[" * 100_000):
        place.write_bytes(one)
        assert kept(ledger) is None, one[:80]
    for at in range(0, len(whole), 997):
        place.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        copy = kept(ledger)
        assert copy is None or copy[0] == agreed(str(plant), None)
    place.unlink()
    place.mkdir()
    assert kept(ledger) is None


def test_what_a_newer_program_does_not_take_is_not_used(
    tmp_path: Path, plant: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = tmp_path / "plant.db"
    keep(ledger, agreed(str(plant), None), 5)
    monkeypatch.setattr("otmon.sensor.agreement.known_protocols", frozenset)
    assert kept(ledger) is None


def test_a_place_that_cannot_be_written_is_an_error(tmp_path: Path, plant: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        keep(tmp_path / "gone" / "plant.db", agreed(str(plant), None), 5)
