"""What is said before an interface is opened; tests/sensor listens."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest
import typer

from otmon.cli.listening import RELOADED, Options
from otmon.cli.sensor import sensor
from tests.command import otmon

LO = ("sensor", "--interface", "lo", "--lang", "en")


def test_every_option_is_handed_on_by_its_name() -> None:
    command = typer.main.get_command(sensor)
    options = {one.name for one in command.params} - {"help"}
    assert {one.name for one in fields(Options)} == options
    assert {name.replace("-", "_") for name in RELOADED} < options


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--metrics", "9877"), "an address and a port are wanted"),
        (("--metrics", "[::1]:0"), "an address and a port are wanted"),
        (("--certificate", "a.pem"), "--certificate and --key belong together"),
        (
            ("--web-config", "w.yml", "--certificate", "a.pem", "--key", "a.key"),
            "--web-config names the certificate itself",
        ),
        (("--web-config", "gone.yml"), "gone.yml"),
        (("--baseline", "gone.db"), "gone.db: cannot be read"),
    ],
)
def test_what_does_not_fit_is_said_before_anything_is_opened(
    more: tuple[str, ...], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    status, told, wrong = otmon(*LO, *more)
    # The first one may say that it compiles, and a narrow terminal breaks lines.
    assert (status, told) == (2, "") and said in " ".join(wrong.split())
