"""What a copy of the loaded program does is what the installed program does from its first start on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.command import DAY, MODEL, ROOT, installed, otmon


@pytest.mark.parametrize(
    "words",
    [
        "--version",
        "",
        "replay {day} --zones {model} --ledger {ledger} --json -",
        "check --ledger {ledger} --zones {model}",
        "check --ledger {ledger} --zones {model} --draft 05c8cd2c17d8 --draft 0725a348e69e",
        "check --ledger absent.db",
        "zones check {model} --ledger {ledger}",
        "zones paths {model} --from office --to plc --lang ja",
        "zones diff {model} zones/water-works.yaml",
        "zones show {model} -o -",
        "zones export {model} --format srx",
        "zones learn {ledger}",
        "assets list {ledger} --zones {model} --unknown",
        "assets export {ledger} --format cyclonedx",
        "rules list --json",
        "rules show plc-stop",
        "lab list --lang ja",
        "lab show rogue-master",
        "lab status no-such-range",
        "lab score --truth pcaps/factory-day.truth.json --findings {findings}",
        "sensor doctor --interface nothere0",
    ],
)
def test_a_first_start_says_the_same(words: str, tmp_path: Path) -> None:
    ledger, findings = tmp_path / "day.db", tmp_path / "day.jsonl"
    if "{ledger}" in words or "{findings}" in words:
        otmon("replay", DAY, "--zones", MODEL, "--ledger", ledger, "--json", findings)
    filled = words.format(day=DAY, model=MODEL, ledger=ledger, findings=findings).split()
    found = otmon(*filled)
    assert found == installed(*filled)
    assert found[1] or found[2]


def test_a_copy_has_the_folder_the_environment_and_the_input_of_its_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = otmon("replay", DAY, "--json", "day.jsonl", cwd=tmp_path)
    assert here[0] == 1 and (tmp_path / "day.jsonl").is_file()
    empty = bytes.fromhex("d4c3b2a1020004000000000000000000ffff000001000000")
    assert otmon("replay", "-", given=empty)[0] == 0
    assert otmon("replay", "-")[0] == 2
    monkeypatch.setenv("COLUMNS", "50")
    narrow = otmon("replay", "--help")[1]
    monkeypatch.setenv("COLUMNS", "140")
    assert max(map(len, narrow.splitlines())) <= 50 < max(map(len, otmon("replay", "--help")[1].splitlines()))


def test_a_copy_leaves_no_open_file_behind() -> None:
    def open_here() -> int:
        return len(os.listdir("/proc/self/fd"))

    otmon("--version")
    before = open_here()
    for _ in range(5):
        assert otmon("replay", ROOT / "README.md")[0] == 2
    assert open_here() == before
