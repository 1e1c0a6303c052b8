"""A range comes up, says how it is, and goes: also when its processes are killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from otmon.lab.live import lifecycle
from otmon.lab.live.lifecycle import NOTES, down, plant_of, stations_of, status, up
from otmon.lab.live.namespace import LiveError, full_name, namespaces_of, processes_in
from otmon.lab.plant import shipped_plant, shipped_plants
from otmon.lab.scenario import shipped_scenario, shipped_scenarios
from tests.lab.live.running import MISSING, a_range, fresh_name

ROOT = Path(__file__).resolve().parents[3]
live = pytest.mark.skipif(bool(MISSING), reason=MISSING)
MOST_S = 5.0
"""Of a processor's time, to build a plant's network and start its hosts."""


def left_of(name: str) -> list[object]:
    notes = [path for path in NOTES.glob(f"{name}.*")] if NOTES.is_dir() else []
    return [*namespaces_of(name), *notes]


@live
@pytest.mark.parametrize("plant_id", shipped_plants())
def test_every_plant_comes_up_whole_and_goes_without_a_trace(plant_id: str) -> None:
    plant = shipped_plant(plant_id)
    name = fresh_name()
    try:
        before = sum(os.times()[:4])
        up(name, plant, None)
        assert sum(os.times()[:4]) - before < MOST_S
        first = status(name)
        assert first.whole and first.plant == plant_id and first.processes == 1
        assert [one.host for one in first.hosts] == list(plant.hosts)
        end = time.monotonic() + 60
        while status(name).packets < first.packets + 20:
            assert time.monotonic() < end, "nobody speaks"
            time.sleep(0.2)
        with pytest.raises(LiveError, match="is there already"):
            up(name, plant, None)
        assert status(name).whole, "a second start has harmed the first"
    finally:
        ended, deleted = down(name)
    assert (ended, deleted) == (1, len(plant.hosts) + 3)
    assert left_of(name) == [] and down(name) == (0, 0)
    with pytest.raises(LiveError, match=f"no range {name} is up"):
        status(name)


@live
def test_hosts_that_were_killed_are_told_and_cleaned_up() -> None:
    with a_range("water-works") as name:
        (pid,) = processes_in(namespaces_of(name))
        os.kill(pid, signal.SIGKILL)
        end = time.monotonic() + 60
        while any(listens for one in status(name).hosts for _, listens in one.services):
            assert time.monotonic() < end
            time.sleep(0.02)
        found = status(name)
        assert not found.alive and not found.whole and found.processes == 0
        assert down(name)[0] == 0 and left_of(name) == []


@live
@pytest.mark.parametrize("after_s", [0.4, 0.8, 1.6])
def test_what_a_start_leaves_that_is_killed_is_cleaned_up(after_s: float) -> None:
    name = fresh_name()
    program = (
        "import sys; from otmon.lab.live.lifecycle import up; from otmon.lab.plant import shipped_plant; "
        "up(sys.argv[1], shipped_plant('two-factories'), None)"
    )
    process = subprocess.Popen([sys.executable, "-c", program, name], cwd=ROOT, start_new_session=True)
    end = time.monotonic() + 60
    while not namespaces_of(name):
        assert time.monotonic() < end and process.poll() is None
        time.sleep(0.01)
    time.sleep(after_s - 0.4)
    process.kill()
    process.wait()
    assert left_of(name)
    down(name)
    assert left_of(name) == []
    # Hosts that were being started in that moment find no namespace any more.
    time.sleep(1)
    assert left_of(name) == []


@live
def test_a_note_that_is_damaged_or_gone_hinders_nobody() -> None:
    with a_range("water-works") as name:
        note = NOTES / f"{name}.json"
        for text in ("", "[]", '{"plant": 7}', '{"plant": "no-such-plant", "up_ns": 1}', "x" * 100_000, "\0"):
            note.write_text(text)
            with pytest.raises(LiveError, match=f"does not say which plant {name} is: otmon lab down"):
                plant_of(name)
        note.unlink()
        with pytest.raises(LiveError, match="does not say"):
            status(name)
        down(name)
        assert left_of(name) == []


@live
def test_hosts_that_do_not_come_up_leave_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifecycle, "READY", b"never said")
    name = fresh_name()
    with pytest.raises(LiveError, match="the hosts of the range did not come up"):
        up(name, shipped_plant("water-works"), None)
    assert left_of(name) == []


@live
def test_two_ranges_do_not_know_each_other() -> None:
    with a_range("water-works") as one, a_range("water-works") as other:
        assert status(one).whole and status(other).whole
        down(one)
        assert left_of(one) == [] and status(other).whole


def test_a_name_that_is_none_is_refused() -> None:
    for name in ("../x", "a.b", "", "Water", "x" * 60):
        with pytest.raises(LiveError):
            plant_of(name)
        with pytest.raises(LiveError, match="no name of a range"):
            down(name)


@pytest.mark.parametrize("plant_id", shipped_plants())
def test_every_host_has_its_place(plant_id: str) -> None:
    plant = shipped_plant(plant_id)
    stations = {one.name: one for one in stations_of(plant)}
    assert set(stations) == set(plant.by_name)
    for host in plant.hosts:
        station = stations[host.name]
        assert station.mac == (host.mac or plant.wire.firewall)
        assert station.internet == (not host.mac)
        assert station.gateway_mac == plant.wire.gateway(host.host)
        assert station.address in (host.address, "")
        if host.vlan and host.mac:
            beside = {one.name for one in plant.hosts if one.vlan == host.vlan}
            assert {name for name, one in stations.items() if one.segment == station.segment} >= beside


@pytest.mark.parametrize("scenario_id", shipped_scenarios())
def test_every_guest_has_its_place(scenario_id: str) -> None:
    scenario = shipped_scenario(scenario_id)
    stations = stations_of(scenario.plant, scenario.guests)
    assert [one.name for one in stations[len(scenario.plant.hosts) :]] == [g.name for g in scenario.guests]
    own = stations[: len(scenario.plant.hosts)]
    addresses = [one.address for one in own if one.address]
    assert len(addresses) == len(set(addresses))
    assert [one.address for one in stations[len(own) :]] == [guest.address for guest in scenario.guests]
    json.dumps([one.segment for one in stations])


@live
def test_the_process_of_the_hosts_is_found_where_the_switch_is() -> None:
    with a_range("water-works") as name:
        assert list(processes_in(namespaces_of(name)).values()) == [full_name(name, "switch")]


@live
def test_who_is_not_root_is_told_so_and_changes_nothing() -> None:
    with a_range("food-factory") as name:
        before = namespaces_of(name)
        asking = get_context("fork")
        with ProcessPoolExecutor(1, mp_context=asking, initializer=os.setuid, initargs=(65_534,)) as pool:
            for ask in (down, status, plant_of):
                with pytest.raises(LiveError, match="a live range needs root"):
                    pool.submit(ask, name).result()
        assert namespaces_of(name) == before and status(name).whole


@live
def test_without_the_extra_a_range_is_told_of_ended_and_not_brought_up() -> None:
    program = (
        "import sys; sys.modules.update(dict.fromkeys(('asyncua', 'pymodbus', 'snap7')))\n"
        "from otmon.cli import app; sys.argv[0] = 'otmon'; app()"
    )

    def told(*words: str) -> tuple[int, str]:
        command = [sys.executable, "-c", program, "lab", *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.returncode, done.stderr

    fresh = fresh_name()
    status_of_up, said = told("up", "water-works", "--name", fresh)
    assert (status_of_up, said) == (2, "otmon: a live range needs the extra lab: pip install 'otmon[lab]'\n")
    assert left_of(fresh) == []
    with a_range("food-factory") as name:
        assert told("status", name) == (0, "")
        assert told("down", name)[0] == 0 and left_of(name) == []
