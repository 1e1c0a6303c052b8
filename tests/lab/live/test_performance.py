"""From an attack with real sockets to a finding: a range, a sensor at its mirror port, and Prometheus."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import threading
import time
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import dpkt
import pytest
from pymodbus.client import ModbusTcpClient

from otmon.lab.frames import SECOND_NS
from otmon.lab.live.lifecycle import status
from otmon.lab.live.namespace import LiveError, asked_inside, full_name, inside
from otmon.lab.live.performance import perform
from otmon.lab.plant import shipped_plant
from otmon.lab.recording import deeds_of, of_scenario
from otmon.lab.scenario import Step, shipped_scenario, shipped_scenarios
from tests.command import ROOT, otmon
from tests.deploy.monitored import missing as prometheus_is_missing
from tests.deploy.monitored import prometheus
from tests.lab.live.running import MISSING, a_range, fresh_name
from tests.namespaces import Wire
from tests.sensor.running import findings_in, sensor

pytestmark = pytest.mark.skipif(bool(MISSING), reason=MISSING)
SCENARIO = shipped_scenario("setpoint-by-remote-desktop")
MODEL = ROOT / "zones" / "water-works.yaml"
DOSING = shipped_plant("water-works").by_name["plc-dosing"]
STORY = {"internet-contact", "value-out-of-limits"}
"""Rules that find the attack: the way in, and the value that the HMI may not write."""


def holds(name: str, address: int) -> tuple[int, int]:
    """A holding register of the dosing controller, and what is dosed now, as SCADA reads it."""

    def ask() -> tuple[int, int]:
        client = ModbusTcpClient(DOSING.address, timeout=3)
        try:
            assert client.connect()
            holding = client.read_holding_registers(address, count=1, device_id=1).registers[0]
            return holding, client.read_input_registers(0, count=1, device_id=1).registers[0]
        finally:
            client.close()

    return asked_inside(full_name(name, "scada"), ask)


@pytest.mark.slow
@pytest.mark.skipif(bool(prometheus_is_missing()), reason=prometheus_is_missing())
def test_an_attack_is_found_told_counted_and_proven(tmp_path: Path) -> None:
    name = fresh_name()
    status_of_up, told, _ = otmon("lab", "up", "water-works", "--name", name, "--zones", MODEL)
    try:
        assert status_of_up == 0 and f"ip netns exec otmon-lab.{name}.mirror otmon sensor" in told
        mirror = Wire(full_name(name, "mirror"), far="mirror0")
        lines, proofs, truth = tmp_path / "findings.jsonl", tmp_path / "evidence", tmp_path / "truth.json"
        options = ("--zones", str(MODEL), "--json", str(lines), "--evidence", str(proofs))
        with sensor(mirror, *options) as listening, prometheus(mirror, tmp_path) as watching:
            listening.wait_for(
                lambda: listening.metrics()['otmon_capture_packets_total{interface="mirror0"}'] > 300
            )
            assert lines.read_text() == "" and not listening.told, "the plant's own traffic is a finding"
            words = ("--name", name, "--speed", "20", "--truth", truth)
            done, _, said = otmon("lab", "run", SCENARIO.id, *words)
            assert (done, said.splitlines()) == (
                0,
                [f"{step.id}: {step.what.en}" for step in SCENARIO.steps],
            )
            listening.wait_for(lambda: len(findings_in(lines)) >= len(STORY), 30)
            found = findings_in(lines)
            assert {one["rule"] for one in found} == STORY and len(found) == len(STORY)
            listening.wait_for(lambda: any("11100 ppm" in line for line in listening.told), 10)
            counted = "sum by (rule) (otmon_findings_told_total) > 0"
            watching.wait_for(lambda: {one["metric"]["rule"] for one in watching.query(counted)} == STORY)
            dropped = 'otmon_capture_dropped_packets_total{interface="mirror0"}'
            assert listening.metrics()[dropped] == 0
            assert listening.end()[0] == 1
        scored, told, _ = otmon("lab", "score", "--truth", truth, "--findings", lines)
        assert scored == 0 and "steps found 2/2 (100%), right 2/2 (100%)" in told
        assert all(time_ns(one["first"]) < time_ns(one["told"]) < time.time_ns() for one in found)
        happened = {event["id"]: event for event in json.loads(truth.read_text())["events"]}
        for one in found:
            step = happened["way-in" if one["rule"] == "internet-contact" else "raised"]
            first_ns = time_ns(one["first"])
            assert abs(first_ns - step["first_ns"]) < 2 * SECOND_NS
            (proof,) = proofs.glob(f"{one['id']}-*.pcapng")
            with proof.open("rb") as stream:
                packets = [frame for _, frame in dpkt.pcapng.Reader(stream)]
            assert any(wanted_in(one["rule"], frame) for frame in packets)
    finally:
        done, _, said = otmon("lab", "down", name)
    assert done == 0 and ("0 processes ended" not in said)
    assert name not in subprocess.run(["ip", "netns"], capture_output=True, text=True, check=True).stdout


def time_ns(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * SECOND_NS)


def wanted_in(rule: str, frame: bytes) -> bool:
    """Whether a frame shows what the finding of the rule is about."""
    if rule == "internet-contact":
        return frame[26:34] == bytes((203, 0, 113, 77, 172, 16, 10, 10)) and frame[36:38] == b"\x0d\x3d"
    return b"\x06\x00\x00\x2b\x5c" in frame


def test_what_an_attack_writes_changes_the_process_until_it_is_set_back() -> None:
    steps = [step for step in SCENARIO.steps if step.id != "way-in"]
    raised = replace(SCENARIO, steps=tuple(steps[:1]))
    with a_range("water-works") as name:
        assert holds(name, 0) == (100, 100)
        told: list[str] = []
        before_ns = time.time_ns()
        truth = perform(name, raised, 1, 20, lambda step: told.append(step.id))
        assert told == ["raised"]
        setpoint, _ = holds(name, 0)
        assert setpoint == 11_100
        end = time.monotonic() + 40
        while holds(name, 0)[1] <= 150:
            assert time.monotonic() < end, "the pump does not follow"
            time.sleep(1)
        event = truth["events"][1]
        assert (event["connections"], event["answered"], event["not_played"]) == (1, 1, [])
        assert before_ns < truth["start_ns"] <= event["first_ns"] < event["last_ns"] <= truth["end_ns"]
        assert truth["packets"] > 0 and truth["plant"] == "water-works"
        perform(name, replace(SCENARIO, steps=tuple(steps[1:])), 1, 20, lambda step: None)
        assert holds(name, 0)[0] == 100
        assert status(name).whole


def test_what_only_pulls_a_cable_has_its_time_and_what_goes_over_no_cable_the_one_it_was_to_have() -> None:
    scenario = shipped_scenario("ransomware")
    kept = replace(scenario, steps=tuple(one for one in scenario.steps if one.id in ("opened", "scada-down")))
    with a_range("two-factories") as name:
        truth = perform(name, kept, 1, 400, lambda step: None)
    opened, down = truth["events"][1:]
    assert (down["outcome"], down["visible"]) == ("done", True)
    assert truth["start_ns"] < down["first_ns"] < down["last_ns"] < truth["end_ns"]
    assert (opened["outcome"], opened["visible"]) == (None, False)
    assert truth["start_ns"] < opened["first_ns"] == opened["last_ns"] < down["first_ns"]


def test_what_was_not_played_any_more_did_not_happen() -> None:
    def stop(step: Step) -> None:
        if step.id == "raised":
            os.kill(os.getpid(), signal.SIGINT)

    # A shell has what it starts in the background ignore Ctrl-C.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with a_range("water-works") as name:
            truth = perform(name, SCENARIO, 1, 30, stop)
            assert holds(name, 0) == (100, 100) and status(name).whole
    finally:
        signal.signal(signal.SIGINT, before)
    assert truth["interrupted"]
    events = {event["id"]: event for event in truth["events"]}
    assert (events["way-in"]["outcome"], events["way-in"]["visible"]) == ("done", True)
    # Its connection may have been begun.
    assert events["raised"]["outcome"] in ("tried", "nothing") and events["raised"]["answered"] == 0
    left = events["set-back"]
    assert (left["outcome"], left["visible"]) == ("nothing", False)
    assert left["unseen_because"]["en"].startswith("it was not played")
    assert left["first_ns"] == left["last_ns"] <= truth["end_ns"]


def test_a_scenario_of_another_plant_is_refused() -> None:
    with a_range("food-factory") as name, pytest.raises(LiveError, match=f"the range {name} is food-factory"):
        perform(name, SCENARIO, 1, 1, lambda step: None)
    with pytest.raises(LiveError, match="no range nowhere is up"):
        perform("nowhere", SCENARIO, 1, 1, lambda step: None)


def asked(name: str, host: str) -> int:
    """The setpoint of the cooling unit, as a host reads it now."""

    def ask() -> int:
        client = ModbusTcpClient(shipped_plant("body-line").by_name["cooling-unit"].address, timeout=3)
        try:
            assert client.connect()
            return int(client.read_holding_registers(0, count=2, device_id=1).registers[0])
        finally:
            client.close()

    return asked_inside(full_name(name, host), ask)


@pytest.mark.slow
def test_one_in_the_middle_shows_its_client_what_it_wants() -> None:
    scenario = shipped_scenario("man-in-the-middle")
    kept = replace(scenario, steps=tuple(one for one in scenario.steps if one.id in ("in-between", "raises")))
    truths = []
    with a_range("body-line") as name:
        assert asked(name, "line-hmi") == asked(name, "line-ews") == 220
        player = threading.Thread(target=lambda: truths.append(perform(name, kept, 1, 40, lambda step: None)))
        player.start()
        try:
            end = time.monotonic() + 60
            while (asked(name, "line-ews"), asked(name, "line-hmi")) != (480, 220):
                # A true ARP request may be believed for a moment: until the next lie.
                assert time.monotonic() < end and player.is_alive(), "nothing is shown that is not so"
                time.sleep(0.2)
        finally:
            player.join()
        assert asked(name, "line-hmi") == 480
        events = {event["id"]: event for event in truths[0]["events"]}
        assert all(event.get("not_played", []) == [] for event in events.values())
        assert events["in-between"]["frames"] > 100


def test_a_program_that_the_controller_does_not_take_was_loaded_in_part() -> None:
    scenario = shipped_scenario("program-download")
    kept = replace(scenario, steps=tuple(one for one in scenario.steps if one.id in ("stops", "downloads")))
    with a_range("body-line") as name:
        truth = perform(name, kept, 1, 60, lambda step: None)
    stops, downloads = truth["events"][1:]
    assert (stops["outcome"], stops["refused"]) == ("done", 0)
    assert (downloads["outcome"], downloads["answered"], downloads["refused"]) == ("partly", 1, 1)


def test_who_has_taken_an_address_speaks_from_it() -> None:
    scenario = shipped_scenario("address-taken-over")
    with a_range("body-line") as name:
        mirror = full_name(name, "mirror")
        with inside(mirror):
            ear = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
            ear.bind(("mirror0", 0))
        with ear:
            ear.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_000_000)
            truth = perform(name, scenario, 1, 60, lambda step: None)
            ear.setblocking(False)
            heard = []
            with suppress(BlockingIOError):
                while True:
                    heard.append(ear.recv(2048))
        assert status(name).whole
    assert [event["outcome"] for event in truth["events"][1:]] == ["done", "done"]
    laptop = scenario.everybody()["laptop"]
    written = [frame for frame in heard if b"\x06\x00\x01\x00\x14" in frame[-5:]]
    assert {frame[6:12].hex(":") for frame in written if frame[36:38] == b"\x01\xf6"} == {laptop.mac}


@pytest.mark.parametrize("scenario_id", shipped_scenarios())
def test_every_trouble_of_a_scenario_can_be_made_live(scenario_id: str) -> None:
    """A controller goes deaf or stops because it is told to: it must be one that can be told."""
    scenario = shipped_scenario(scenario_id)
    told_by = {"deaf": "modbus", "stopped": "s7comm"}
    for deed in deeds_of(of_scenario(scenario), 1).values():
        for trouble in deed.troubles:
            assert trouble.kind in ("silent", "absent", "diverted", *told_by)
            if trouble.kind in told_by:
                assert scenario.everybody()[trouble.host].serves(told_by[trouble.kind]) is not None
            if trouble.kind == "diverted":
                assert trouble.by is not None and trouble.by.name in scenario.everybody()
