"""The scenarios that come with the program load; a broken one says where."""

from __future__ import annotations

from pathlib import Path

import pytest

from otmon.lab.form import RangeError
from otmon.lab.plant import shipped_plant
from otmon.lab.scenario import (
    FOLDER,
    UNSEEN,
    load_scenario,
    read_scenario,
    shipped_scenario,
    shipped_scenarios,
)
from otmon.lab.steps import step_kinds
from otmon.lab.techniques import TECHNIQUES

ROOT = Path(__file__).resolve().parent.parent.parent
SOUND = (FOLDER / "setpoint-by-remote-desktop.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize("id", shipped_scenarios())
def test_a_scenario_tells_all_that_a_course_needs(id: str) -> None:
    scenario = shipped_scenario(id)
    hosts = scenario.everybody()
    assert scenario.start_ns == scenario.plant.midnight_ns + scenario.starts_ns
    assert scenario.end_ns <= scenario.plant.midnight_ns + 24 * 3600 * 10**9
    assert any(step.attack and step.visible for step in scenario.steps)
    for step in scenario.steps:
        assert step.does in step_kinds() or step.does == UNSEEN
        assert set(step.actors) | set(step.targets) <= set(hosts)
        assert set(step.techniques) <= set(TECHNIQUES)
        assert all(letter >= "\u3040" or letter.isascii() for letter in step.what.en)
        assert not step.what.ja.isascii() and not scenario.title.ja.isascii()


def test_scenarios_lie_beside_the_package_and_are_many() -> None:
    assert FOLDER.resolve() == ROOT / "scenarios"


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("plant: water-works", "plant: brewery", "expected one of body-line, food-factory"),
        (
            "does: remote-desktop",
            "does: remote-desk",
            "no kind of step 'remote-desk', expected remote-desktop",
        ),
        ("by: remote-operator", "by: remote-operater", "no host 'remote-operater', expected remote-operator"),
        ("T0883", "T9999", "'T9999' does not fit here, expected one of T0803"),
        ("turns: 18", "turn: 18", "unknown key 'turn', expected turns"),
        ("turns: 18", "turns: many", "expected a whole number from 1 to 500"),
        ("read input 0-5, read holding", "read inputs 0-5, read holding", "expected a request such as"),
        ("    to: plc-dosing\n", "    to: report-server\n", "report-server does not serve modbus"),
        ("at: 12min", "at: 7min", "before the step above it"),
        ("at: 12min", "at: 40min", "behind the scenario's end"),
        ("lasts: 30min", "lasts: 23h", "expected it to end by midnight"),
        ("attack: no", "attack: yes", "0 techniques do not fit here"),
        ("attack: no", "visible: no", "visible and unseen_because do not fit together"),
        ("id: raised", "id: way-in", "step 'way-in' a second time"),
        ("id: setpoint-by-remote-desktop", "id: setpoint", "expected a file of its name"),
        ("    to: plc-dosing\n    techniques", "    techniques", "to is missing, expected at least one host"),
        ("does: remote-desktop", "does: unseen", "expected `visible: no`"),
    ],
)
def test_a_broken_scenario_says_where(before: str, after: str, told: str) -> None:
    assert before in SOUND
    line = SOUND[: SOUND.index(before)].count("\n") + 1
    with pytest.raises(RangeError) as caught:
        read_scenario("setpoint-by-remote-desktop.yaml", SOUND.replace(before, after, 1).encode())
    found = [problem for problem in caught.value.problems if told in problem.what]
    assert found, caught.value
    assert abs(found[0].line - line) <= 12 and found[0].line > 0


@pytest.mark.parametrize(
    ("does", "parameters", "told"),
    [
        ("join", "leased: no", "remote-operator is on the Internet, expected a host of the plant for join"),
        ("divert", "lasts: 1min", "1 hosts, expected 2 for divert"),
        ("s7-start", "", "hmi does not serve s7comm"),
        ("visit", "name: a.example, names: nobody", "no host 'nobody'"),
        ("address-scan", "network: 172.16.10.0/24, how: arp", "remote-operator is on the Internet"),
    ],
)
def test_who_cannot_take_part_is_told(does: str, parameters: str, told: str) -> None:
    broken = SOUND.replace("does: remote-desktop", f"does: {does}").replace(
        "with: {user: operator, turns: 18}", f"with: {{{parameters}}}"
    )
    with pytest.raises(RangeError) as caught:
        read_scenario("setpoint-by-remote-desktop.yaml", broken.encode())
    assert told in str(caught.value)


def test_all_errors_are_told_at_once() -> None:
    broken = SOUND.replace("turns: 18", "turns: x").replace("by: hmi", "by: hm", 1)
    with pytest.raises(RangeError) as caught:
        read_scenario("setpoint-by-remote-desktop.yaml", broken.encode())
    assert len(caught.value.problems) == 2


@pytest.mark.parametrize("data", [b"", b"[]", b"steps: 1", b"\xff\xfe", b"steps:\n  - {with: {a: &b [*b]}}"])
def test_what_is_no_scenario_is_refused(data: bytes) -> None:
    with pytest.raises(RangeError, match=r"x\.yaml"):
        read_scenario("x.yaml", data)


def test_every_cut_of_a_scenario_is_refused_or_read() -> None:
    data = SOUND.encode()
    for length in range(0, len(data), 61):
        try:
            read_scenario("setpoint-by-remote-desktop.yaml", data[:length])
        except RangeError as error:
            assert error.problems


def test_guests_are_there_in_their_scenario_alone(tmp_path: Path) -> None:
    guest = (
        "guests:\n  - {id: laptop, name: {ja: PC, en: PC}, address: 172.16.10.99, mac: '00:10:c6:00:00:99',\n"
        "     system: linux, roles: stranger, vlan: 10}\n"
    )
    path = tmp_path / "setpoint-by-remote-desktop.yaml"
    path.write_text(SOUND.replace("steps:\n", guest + "steps:\n", 1), encoding="utf-8")
    scenario = load_scenario(path)
    assert scenario.everybody()["laptop"].host.ttl == 64
    assert "laptop" not in shipped_plant("water-works").by_name
    path.write_text(
        SOUND.replace("steps:\n", guest.replace("laptop", "hmi") + "steps:\n", 1), encoding="utf-8"
    )
    with pytest.raises(RangeError, match="host 'hmi' a second time"):
        load_scenario(path)


def test_a_name_that_is_none_is_told() -> None:
    with pytest.raises(RangeError, match="no such scenario"):
        shipped_scenario("../../etc")
