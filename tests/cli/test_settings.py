"""Options of the sensor from a file and from the environment, and which of them counts."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer

from otmon.cli import app
from otmon.cli.settings import options
from tests.command import ROOT, otmon

COMMAND: Any = typer.main.get_command(app).commands["sensor"]  # type: ignore[attr-defined]


@pytest.fixture(name="file")
def file_fixture(tmp_path: Path) -> Path:
    path = tmp_path / "otmon.toml"
    path.write_text('[sensor]\ninterface = ["in-the-file"]\nring-mb = 3\n', encoding="utf-8")
    return path


def said(*words: str | Path) -> str:
    """What a sensor says whose options are wrong."""
    status, _, error = otmon("sensor", *words)
    assert status == 2
    return error


def test_the_command_line_counts_more_than_the_environment_and_that_more_than_the_file(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "otmon: in-the-file: there is no such interface" in said("--config", file)
    monkeypatch.setenv("OTMON_SENSOR_INTERFACE", "in-the-world another")
    assert "otmon: in-the-world: there is no such interface" in said("--config", file)
    assert "otmon: said: there is no such interface" in said("--config", file, "--interface", "said")
    monkeypatch.setenv("OTMON_SENSOR_RING_MB", "1")
    assert "--ring-mb" in said("--config", file)
    assert "otmon: said: there is no such interface" in said("--interface", "said", "--ring-mb", "2")


def test_the_environment_names_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTMON_SENSOR_CONFIG", str(file))
    assert "otmon: in-the-file: there is no such interface" in said()


def test_every_fault_of_a_file_is_told_with_its_line(file: Path) -> None:
    file.write_text(
        '[sensor]\ninterface = "eth1"\nring-mb = 1\nworkers = "2"\nkeep-days = true\nsilence = 1\n'
        'card-time = 1\nlang = "de"\nring_mb = 4\nconfig = "x"\nzones = 7\nrules = ["a", 1]\n[lab]\n',
        encoding="utf-8",
    )
    _, _, error = otmon("sensor", "--config", file)
    faults = re.findall(rf"^{re.escape(str(file))}:(\d+): ([\w-]+): ", error, re.M)
    assert faults == [
        ("2", "interface"), ("3", "ring-mb"), ("4", "workers"), ("5", "keep-days"), ("7", "card-time"),
        ("8", "lang"), ("9", "ring_mb"), ("10", "config"), ("11", "zones"), ("12", "rules"), ("13", "lab"),
    ]  # fmt: skip
    assert error.endswith(f"otmon: {file}: the file has 11 error(s)\n")


@pytest.mark.parametrize("text", [b"[sensor", b"\xff", b"sensor = 1", b"a = " + b"[" * 100_000])
def test_what_is_no_such_file_is_refused(text: bytes, file: Path) -> None:
    file.write_bytes(text)
    assert str(file) in said("--config", file)


def test_a_file_that_is_not_there() -> None:
    assert said("--config", "no-such.toml") == "otmon: no-such.toml: No such file or directory\n"


def test_the_shipped_file_holds_every_option_and_all_of_them_are_taken(file: Path) -> None:
    shipped = (ROOT / "deploy" / "otmon.toml").read_text(encoding="utf-8")
    whole = re.sub(r"^# (?=[\w-]+ = )", "", shipped, flags=re.M)
    assert set(tomllib.loads(whole)["sensor"]) == set(options(COMMAND))
    names = [one.opts[0].removeprefix("--") for one in COMMAND.params]
    assert sorted([*options(COMMAND), "config"]) == sorted(names)
    file.write_text(whole, encoding="utf-8")
    # Past the options, the first thing that does not fit is told, in the language that the file sets.
    assert "otmon: 証明書は --web-config のファイルに書く" in said("--config", file)
