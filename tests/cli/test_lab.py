"""`otmon lab`: what there is, what happens in it, and captures of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from otmon.lab.plant import shipped_plants
from otmon.lab.scenario import FOLDER, shipped_scenarios
from tests.command import one_line, otmon


def test_plants_and_scenarios_are_listed_in_two_languages() -> None:
    status, out, err = otmon("lab", "list")
    assert (status, err) == (0, "")
    assert [line.split()[0] for line in out.splitlines() if line] == [*shipped_plants(), *shipped_scenarios()]
    assert "第2の親局" in otmon("lab", "list", "--lang", "ja")[1]


def test_a_scenario_is_told_step_by_step() -> None:
    status, out, err = otmon("lab", "show", "replayed-commands")
    assert (status, err) == (0, "")
    assert "15:42:00 pressure: sends the setpoint of the pressure again" in out
    assert "small-machine -> plc-pumps" in out and "T0855 Unauthorized Command Message" in out
    assert "no sensor sees it: who only listens sends no packet" in out
    assert "センサーには見えない" in otmon("lab", "show", "replayed-commands", "--lang", "ja")[1]


def test_a_scenario_of_ones_own_is_recorded_with_its_truth(tmp_path: Path) -> None:
    ours = tmp_path / "private-phone.yaml"
    text = (FOLDER / "private-phone.yaml").read_text(encoding="utf-8")
    ours.write_text(text.replace("lasts: 30min", "lasts: 8min"), encoding="utf-8")
    output = tmp_path / "phone.pcapng"
    status, out, err = otmon("lab", "record", ours, "--seed", "3", "--output", output)
    truth = json.loads((tmp_path / "phone.truth.json").read_text(encoding="utf-8"))
    assert (status, err) == (0, "")
    assert out == f"{output}: {truth['packets']} packets, 2 steps\n"
    assert (truth["seed"], truth["scenario"]) == (3, "private-phone")
    status, _, _ = otmon("lab", "record", ours, "--clean", "--output", output)
    clean = json.loads((tmp_path / "phone.truth.json").read_text(encoding="utf-8"))
    assert status == 0 and [event["id"] for event in clean["events"]] == ["routine"]
    assert clean["scenario"] is None


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("show", "rogue-mister"), "no such scenario, expected"),
        (("show", "absent.yaml"), "absent.yaml: cannot be read"),
        (("record", "--output", "x.pcapng"), "expected either a SCENARIO, or --plant PLANT and --day"),
        (("record", "rogue-master", "--plant", "body-line", "--day", "-o", "x"), "expected either"),
        (("record", "--plant", "body-line", "-o", "x"), "expected either"),
        (("record", "--plant", "body-line", "--day", "--clean", "-o", "x"), "--clean belongs to a SCENARIO"),
        (("record", "--plant", "brewery", "--day", "-o", "x"), "no such plant, expected body-line"),
        (("record", "rogue-master", "-o", "/nowhere/x.pcapng"), "/nowhere/x.pcapng: No such file"),
    ],
)
def test_what_cannot_be_done_is_told_with_status_2(words: tuple[str, ...], told: str) -> None:
    status, out, err = otmon("lab", *words)
    assert (status, out) == (2, "")
    assert told in one_line(err)


def test_errors_of_a_scenario_name_file_line_and_column(tmp_path: Path) -> None:
    ours = tmp_path / "rogue-master.yaml"
    text = (FOLDER / "rogue-master.yaml").read_text(encoding="utf-8")
    ours.write_text(text.replace("does: join", "does: joins"), encoding="utf-8")
    status, _, err = otmon("lab", "show", ours)
    line = text[: text.index("does: join")].count("\n") + 1
    assert status == 2 and f"{ours}:{line}:11: no kind of step 'joins', expected join" in err
