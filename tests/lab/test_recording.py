"""Every scenario is recorded as it is told, the same for the same seed, and around the same routine."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import dpkt
import pytest

from otmon.lab.form import RangeError
from otmon.lab.frames import SECOND_NS, Packet
from otmon.lab.plant import FOLDER, read_plant, shipped_plant, shipped_plants
from otmon.lab.recording import Recording, deeds_of, of_day, of_scenario, play, truth_text, write
from otmon.lab.scenario import shipped_scenario, shipped_scenarios

SECONDS_LATE = 6
"""How long after its time a step may show its first packet: programs prepare, people type."""


@cache
def played(id: str) -> tuple[Packet, ...]:
    return tuple(play(of_scenario(shipped_scenario(id)), 1).packets)


def short(id: str, minutes: int = 8) -> Recording:
    """The first minutes of a scenario."""
    recording = of_scenario(shipped_scenario(id))
    steps = tuple(step for step in recording.steps if step.at_ns < (minutes - 1) * 60 * SECOND_NS)
    return replace(recording, steps=steps, end_ns=recording.start_ns + minutes * 60 * SECOND_NS)


@pytest.mark.parametrize("id", shipped_scenarios())
def test_every_step_has_its_packets_at_its_time(id: str) -> None:
    scenario = shipped_scenario(id)
    packets = played(id)
    times = [packet.time_ns for packet in packets]
    assert times == sorted(times)
    assert scenario.start_ns <= times[0] and times[-1] < scenario.end_ns
    first: dict[str, int] = {}
    for packet in packets:
        first.setdefault(packet.event, packet.time_ns)
    assert set(first) == {"routine", *(step.id for step in scenario.steps if step.visible)}
    for step in scenario.steps:
        if step.visible:
            late_ns = first[step.id] - scenario.start_ns - step.at_ns
            assert -SECOND_NS < late_ns < SECONDS_LATE * SECOND_NS, step.id


@pytest.mark.parametrize("id", shipped_scenarios())
def test_the_routine_goes_on_around_an_attack(id: str) -> None:
    """It is most of the capture, unless the attack is a flood, and nowhere is a minute without it."""
    scenario = shipped_scenario(id)
    routine = [packet.time_ns for packet in played(id) if packet.event == "routine"]
    minutes = {(time_ns - scenario.start_ns) // (60 * SECOND_NS) for time_ns in routine}
    assert len(minutes) == scenario.lasts_ns // (60 * SECOND_NS)
    assert len(routine) * SECOND_NS / scenario.lasts_ns > 4


def test_the_same_seed_gives_the_same_bytes_and_another_one_others(tmp_path: Path) -> None:
    recording, files = short("rogue-master"), []
    for number, seed in enumerate((5, 5, 6)):
        output = tmp_path / f"{number}.pcapng"
        write(recording, seed, output)
        files.append((output.read_bytes(), output.with_suffix(".truth.json").read_bytes()))
    assert files[0] == files[1] and files[0][0] != files[2][0]
    assert not list(tmp_path.glob("*.part"))


def test_the_truth_tells_what_the_capture_holds(tmp_path: Path) -> None:
    recording, output = short("camera-stepping-stone", 9), tmp_path / "camera.pcapng"
    truth = write(recording, 1, output)
    told: dict[str, Any] = json.loads(output.with_suffix(".truth.json").read_text(encoding="utf-8"))
    assert told == truth and truth_text(truth) == output.with_suffix(".truth.json").read_text("utf-8")
    assert truth["sha256"] == hashlib.sha256(output.read_bytes()).hexdigest()
    assert (truth["plant"], truth["scenario"]) == ("two-factories", "camera-stepping-stone")
    assert (truth["start_ns"], truth["end_ns"]) == (recording.start_ns, recording.end_ns)
    events = {event["id"]: event for event in truth["events"]}
    numbers = sorted(n for e in events.values() for a, b in e["packets"] for n in range(a, b + 1))
    assert numbers == list(range(1, truth["packets"] + 1))
    assert events["set-up"]["techniques"] == ["T0812"] and events["set-up"]["incident"]
    assert (events["set-up"]["actors"], events["set-up"]["targets"]) == (["b-foreman-pc"], ["camera"])
    assert not events["routine"]["incident"] and events["routine"]["visible"]
    assert truth["modbus"]["transactions"] == sum(one["times"] for one in truth["modbus"]["by"])
    assert truth["modbus"]["transactions"] > 4 * 3 * 9 * 50


def test_the_first_packet_of_a_step_has_a_comment(tmp_path: Path, tshark: str) -> None:
    import subprocess

    recording, output = short("private-phone", 8), tmp_path / "phone.pcapng"
    truth = write(recording, 1, output)
    shown = subprocess.run(
        [tshark, "-r", str(output), "-Y", "frame.comment", "-T", "fields", "-e", "frame.number",
         "-e", "frame.comment"],
        check=True, capture_output=True, text=True,
    ).stdout.splitlines()  # fmt: skip
    joins = next(event for event in truth["events"] if event["id"] == "joins")
    assert shown == [
        f"{joins['packets'][0][0]}\tprivate-phone/joins: the phone comes to the Wi-Fi and gets an address / "
        "スマートフォンが無線に入り、アドレスを受け取る"
    ]


def test_a_clean_recording_is_the_same_time_without_the_attack() -> None:
    scenario = shipped_scenario("replayed-commands")
    clean = list(play(of_scenario(scenario, clean=True), 1).packets)
    assert {packet.event for packet in clean} == {"routine"}
    assert "small-machine" not in of_scenario(scenario, clean=True).hosts
    routine = [packet for packet in played("replayed-commands") if packet.event == "routine"]
    # What was asked and when is the same; only values that the attack changed differ.
    assert [(one.time_ns, len(one.data)) for one in routine] == [
        (one.time_ns, len(one.data)) for one in clean
    ]
    assert routine != clean


def test_a_write_of_the_attacker_is_what_the_poller_reads_next() -> None:
    packets = played("rogue-master")
    written = next(
        n for n, one in enumerate(packets) if one.event == "commands" and b"\x06\x00\x15\x00\x2c" in one.data
    )
    answers = [one.data for one in packets[written + 40 : written + 400] if one.event == "routine"]
    assert any(b"\x03\x08\x00\x0c\x00\x2c\x00\x06" in answer for answer in answers)


@pytest.mark.parametrize("id", shipped_plants())
def test_a_clean_day_is_the_working_hours(id: str) -> None:
    day = of_day(shipped_plant(id))
    assert day.end_ns - day.start_ns >= 11 * 3600 * SECOND_NS and day.steps == ()
    hour = replace(day, end_ns=day.start_ns + 600 * SECOND_NS)
    packets = list(play(hour, 3).packets)
    assert {packet.event for packet in packets} == {"routine"}
    strangers = [host for host in day.plant.hosts if "stranger" in host.roles and host.mac]
    sources = {packet.data[6:12].hex(":") for packet in packets}
    assert not sources & {host.mac for host in strangers}


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("block: 50", "block: 51", "safety-plc has no 51"),
        ("tag: Station_Counts", "tag: Others", "conveyor has no Others"),
        (
            "Line.Takt",
            "Line.Colour",
            "data-gateway has no Line.Running, Line.Bodies, Line.Colour, Line.Model",
        ),
        ("block: 20,", "block: 21,", "line-plc has no 21"),
        ("node: Order.Number", "node: Order.Colour", "data-gateway has no Order.Colour"),
    ],
)
def test_what_is_asked_or_written_and_not_there_is_an_error(
    before: str, after: str, words: str, tmp_path: Path
) -> None:
    text = (FOLDER / "body-line.yaml").read_text(encoding="utf-8")
    assert before in text
    plant = read_plant("body-line.yaml", text.replace(before, after).encode())
    with pytest.raises(RangeError, match=f"{words}, expected what the process body-line has"):
        write(of_day(plant), 1, tmp_path / "x.pcapng")
    assert list(tmp_path.iterdir()) == []


def test_deeds_draw_from_numbers_of_their_own() -> None:
    recording = of_scenario(shipped_scenario("rogue-master"))
    fewer = replace(recording, steps=recording.steps[2:])
    assert deeds_of(recording, 1)["commands"] == deeds_of(fewer, 1)["commands"]


@pytest.mark.skipif(shutil.which("editcap") is None, reason="needs editcap (Debian: wireshark-common)")
def test_a_capture_to_hand_out_has_the_packets_and_no_comments(tmp_path: Path) -> None:
    """As docs/lab.md says it: the option that discards comments is not in every Wireshark."""
    output, handed_out = tmp_path / "phone.pcapng", tmp_path / "handout.pcap"
    recording = short("private-phone", 9)
    write(recording, 1, output)
    assert b"private-phone/joins" in output.read_bytes()
    subprocess.run(["editcap", "-F", "nsecpcap", output, handed_out], check=True)
    with handed_out.open("rb") as stream:
        plain = [(int(time_s * SECOND_NS), data) for time_s, data in dpkt.pcap.Reader(stream)]
    assert plain == [(packet.time_ns, packet.data) for packet in play(recording, 1).packets]
    assert b"private-phone" not in handed_out.read_bytes()
