"""`otmon lab up`, `status`, `run` and `down`, as people and scripts call them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from otmon.lab.live.namespace import full_name
from tests.command import ROOT, one_line, otmon
from tests.lab.live.running import MISSING, fresh_name

live = pytest.mark.skipif(bool(MISSING), reason=MISSING)


@live
def test_a_range_is_brought_up_told_and_taken_down() -> None:
    name = fresh_name()
    try:
        status, told, said = otmon(
            "lab", "up", "water-works", "--name", name, "--zones", ROOT / "zones/water-works.yaml"
        )
        assert (status, said) == (0, "") and told.startswith(f"{name}: 13 hosts are up after ")
        untagged = "the mirror port shows no VLAN tags" in told
        status, told, _ = otmon("lab", "status", name)
        assert status == 0 and told.startswith(f"{name}: water-works, up for ") and ", whole\n" in told
        assert "plc-dosing       172.16.22.11     modbus tcp/502, http tcp/80" in told
        status, told, _ = otmon("lab", "status", name, "--json")
        found = json.loads(told)
        assert (
            status == 0 and found["whole"] and found["plant"] == "water-works" and len(found["hosts"]) == 13
        )
        assert found["mirror"]["vlan_tags"] is not untagged, "up and status differ"
        rules = ["ip", "netns", "exec", full_name(name, "router"), "nft", "list", "ruleset"]
        assert "dosing-setpoints" in subprocess.run(rules, capture_output=True, text=True, check=True).stdout
        status, _, said = otmon("lab", "up", "water-works", "--name", name)
        assert status == 2 and f"the range {name} is there already: otmon lab down {name}" in one_line(said)
        status, _, said = otmon("lab", "run", "no-such-scenario", "--name", name)
        assert status == 2 and "no such scenario" in said
        subprocess.run(["ip", "netns", "delete", full_name(name, "ews")], check=True)
        status, told, _ = otmon("lab", "status", name)
        assert status == 1 and ", not whole\n" in told and "ews              not there" in told
    finally:
        status, _, said = otmon("lab", "down", name)
    assert (status, said) == (0, f"{name}: 1 processes ended, 15 namespaces deleted\n")
    assert otmon("lab", "down", name) == (0, "", f"{name}: 0 processes ended, 0 namespaces deleted\n")
    status, _, said = otmon("lab", "status", name)
    assert status == 2 and f"no range {name} is up" in one_line(said)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("up", "no-such-plant"), "no such plant, expected body-line"),
        (("status", "a.b"), "no range a.b is up"),
        (("down", "../x"), "no name of a range"),
        (("down", "x", "--all"), "do not go together"),
        (("run", "no-such-scenario", "--name", "nowhere"), "no such scenario"),
        (("run", "setpoint-by-remote-desktop", "--name", "nowhere"), "no range nowhere is up"),
        (("up", "water-works", "--zones", "no-such-file.yaml"), "no-such-file.yaml"),
    ],
)
def test_what_is_wrong_is_said(arguments: tuple[str, ...], words: str, tmp_path: Path) -> None:
    status, told, said = otmon("lab", *arguments)
    assert (status, told) == (2, "") and words in said


@live
def test_a_name_that_is_none_brings_nothing_up() -> None:
    status, _, said = otmon("lab", "up", "water-works", "--name", "No.Name")
    assert status == 2 and "small letters" in one_line(said)


@live
def test_a_step_that_the_router_stops_is_told_as_a_try(tmp_path: Path) -> None:
    name, truth = fresh_name(), tmp_path / "truth.json"
    scenario = "safety-controller-stopped"
    try:
        model = ROOT / "zones/body-line.yaml"
        assert otmon("lab", "up", "body-line", "--name", name, "--zones", model)[0] == 0
        words = ("--name", name, "--speed", "200", "--truth", truth)
        status, _, said = otmon("lab", "run", scenario, *words)
        tries = [line for line in said.splitlines() if line.startswith("otmon:")]
        assert status == 0
        assert tries == [
            f"otmon: {step}: only tried: of 1 connections that should have been answered none was"
            for step in ("reads", "uploads", "stops")
        ]
        events = {event["id"]: event for event in json.loads(truth.read_text())["events"]}
        assert (events["way-in"]["answered"], events["way-in"]["outcome"]) == (1, "done")
        assert (events["stops"]["answered"], events["stops"]["outcome"]) == (0, "tried")
    finally:
        otmon("lab", "down", name)


@live
def test_a_plant_and_a_scenario_of_ones_own_come_alive(tmp_path: Path) -> None:
    name, truth = fresh_name(), tmp_path / "truth.json"
    plant, scenario = tmp_path / "water-works.yaml", tmp_path / "short.yaml"
    text = (ROOT / "plants/water-works.yaml").read_text(encoding="utf-8")
    more = "hosts:\n  - {id: new-pc, name: {ja: 新しいPC, en: New PC}, address: 172.16.90.99,\n"
    more += "     mac: '00:14:22:00:90:99', system: windows, roles: office, zone: office, vlan: 90}\n"
    assert text.count("\nhosts:\n") == 1
    plant.write_text(text.replace("hosts:\n", more), encoding="utf-8")
    said = (ROOT / "scenarios/pump-toggling.yaml").read_text(encoding="utf-8")
    scenario.write_text(said.replace("id: pump-toggling", "id: short", 1), encoding="utf-8")
    try:
        status, told, errors = otmon("lab", "up", plant, "--name", name, "--lang", "ja")
        assert (status, errors) == (0, "") and "台のホストが" in told
        plant.unlink()
        status, told, _ = otmon("lab", "status", name, "--lang", "ja")
        assert status == 0 and "すべて動作中" in told and "  new-pc           172.16.90.99" in told
        words = ("--name", name, "--speed", "200", "--truth", truth, "--lang", "ja")
        status, _, errors = otmon("lab", "run", scenario, *words)
        assert status == 0 and "コイルと流量を読んで" in errors
        found = json.loads(truth.read_text(encoding="utf-8"))
        assert found["scenario"] == "short"
        assert [one["outcome"] for one in found["events"][1:]] == ["done", "done"]
        nowhere = tmp_path / "absent" / "truth.json"
        status, _, errors = otmon("lab", "run", scenario, "--name", name, "--truth", nowhere)
        assert status == 2 and "No such file or directory" in errors and "looks" not in errors
    finally:
        status, _, said = otmon("lab", "down", name, "--lang", "ja")
    assert status == 0 and "プロセス 1 個を終了し" in said
