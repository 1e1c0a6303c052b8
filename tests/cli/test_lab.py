"""`otmon lab`: what there is, what happens in it, and captures of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
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
    assert "センサには見えない" in otmon("lab", "show", "replayed-commands", "--lang", "ja")[1]


def test_a_program_gets_what_people_see() -> None:
    told = json.loads(otmon("lab", "list", "--json")[1])
    assert [one["id"] for one in told["plants"]] == list(shipped_plants())
    assert [one["id"] for one in told["scenarios"]] == list(shipped_scenarios())
    one = json.loads(otmon("lab", "show", "replayed-commands", "--json")[1])
    assert one in told["scenarios"] and (one["plant"], one["starts"]) == ("water-works", "15:20:00")
    pressure = next(step for step in one["steps"] if step["id"] == "pressure")
    assert (pressure["at"], pressure["actors"]) == ("15:42:00", ["small-machine"])
    unseen = next(step for step in one["steps"] if not step["visible"])
    assert set(unseen["unseen_because"]) == {"en", "ja"}


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


@pytest.mark.slow
def test_a_day_is_recorded_within_five_minutes_and_in_no_more_memory_than_half_an_hour(
    tmp_path: Path,
) -> None:
    used = {}
    for name, words, lasts_s in (
        ("attack", ("rogue-master",), 1_800),
        ("day", ("--plant", "two-factories", "--day"), 11 * 3_600),
    ):
        command = [
            sys.executable,
            "-m",
            "otmon.cli",
            "lab",
            "record",
            *words,
            "-o",
            tmp_path / f"{name}.pcapng",
        ]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as child:
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
        assert child.returncode == 0
        assert usage.ru_utime + usage.ru_stime < min(lasts_s / 100, 300), name
        used[name] = usage.ru_maxrss
    assert (tmp_path / "day.pcapng").stat().st_size > 20 * (tmp_path / "attack.pcapng").stat().st_size
    assert used["day"] < used["attack"] + 8 * 1024


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
        (("record", "rogue-master", "-o", "-"), "expected FILE.pcapng"),
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


def test_an_author_reads_in_japanese_what_is_wrong_with_her_scenario(tmp_path: Path) -> None:
    """The errors of a file with several, and no English among them but what she wrote and may write."""
    path = tmp_path / "mine.yaml"
    path.write_text(
        """\
version: 1
id: mine
name: {ja: 題}
what: {ja: 題, en: Title}
plant: two-factories
starts: '25:00'
lasts: 20 min
color: red
steps:
  - {id: one, what: {ja: 一, en: One}, at: 5min, does: ping-sweep, techniques: [T9999]}
""",
        encoding="utf-8",
    )
    status, _, err = otmon("lab", "show", path, "--lang", "ja")
    lines = err.splitlines()
    assert status == 2
    assert [line.partition("mine.yaml:")[2] for line in lines[:4]] == [
        "3:7: en がない。ja、enを書く",
        "6:9: ここには書けない値: '25:00'。07:30 や 07:30:15 のような時刻を書く",
        "7:8: ここには書けない値: '20 min'。500ms・30s・10min・2h のような長さを書く",
        "8:1: キー 'color' は使えない。候補: version、id、name、what、plant、starts、lasts、guests、steps",
    ]
    # The list of steps is not too short: its one step is wrong.
    assert len(lines) == 5 and ":10:" in lines[4]
