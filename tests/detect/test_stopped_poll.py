"""Polls that stopped, and those that never were steady."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from otmon.detect.duration import lasting
from otmon.detect.finding import Finding, say
from otmon.detect.rules.load import shipped_rules
from otmon.engine import replay
from otmon.findings.judge import judge
from otmon.lab.frames import SECOND_NS, Packet, arp
from otmon.lab.modbus import READ_HOLDING, read
from otmon.ledger.merge import merge_all
from otmon.outputs.pcapng import pcapng
from tests.detect import captures
from tests.detect.captures import HMI, LAPTOP, START_NS, plc
from tests.detect.modbus_polls import healthy, poll
from tests.detect.plant import keys

RULE = "stopped-poll"
S = SECOND_NS
TIMES = shipped_rules()[RULE].number("times")
SILENCE_NS = S * shipped_rules()[RULE].number("silence_s")


LASTED_S = shipped_rules()[RULE].number("lasted_s")


def steady(times: int, start_ns: int = START_NS, wait_ns: int = 6 * S) -> list[Packet]:
    return poll(
        start_ns, (HMI, plc(1)), [read(READ_HOLDING, 0, 4)] * times, wait_ns=wait_ns, port=49_152 + times
    )


def until(later_ns: int, asks: bool = False) -> list[Packet]:
    """The capture goes on until then."""
    return [Packet(START_NS + later_ns, arp(1, HMI if asks else LAPTOP, "10.1.0.9"), "later")]


@pytest.mark.parametrize("there", [True, False])
def test_a_poll_that_stopped_is_found(there: bool, tmp_path: Path) -> None:
    for model in (captures.PLANT, None):
        (one,) = captures.found(RULE, [*steady(60), *until(900 * S, there)], tmp_path, model)
        assert (one.severity, one.count) == ("medium" if model else "low", 60)
        assert keys([one])[-1] == ("client-there" if there else "client-gone")
        assert 6 * 59 * S < one.last_ns - START_NS < 6 * 61 * S
        assert dict(one.why[0].params)["times"] == 60
        assert dict(one.why[0].params)["pause"] == lasting(6 * S)
        assert dict(one.why[1].params)["silence"] == (say("lasting.minutes", minutes=8, seconds=59),)


def test_a_poll_that_goes_on_or_ends_with_the_capture_is_none(tmp_path: Path) -> None:
    assert captures.found(RULE, [*steady(60), *until(6 * 59 * S + SILENCE_NS)], tmp_path) == []
    assert captures.found(RULE, [*steady(60), *steady(61, START_NS + 600 * S)], tmp_path) == []


def test_a_screen_that_was_open_for_a_short_time_is_no_poll(tmp_path: Path) -> None:
    assert captures.found(RULE, [*steady(LASTED_S, wait_ns=S - S // 20), *until(6000 * S)], tmp_path) == []
    assert len(captures.found(RULE, [*steady(LASTED_S + 5, wait_ns=S), *until(6000 * S)], tmp_path)) == 1


def test_few_requests_are_no_poll(tmp_path: Path) -> None:
    few, enough = (steady(times, wait_ns=20 * S) for times in (TIMES - 1, TIMES))
    assert captures.found(RULE, [*few, *until(6000 * S)], tmp_path) == []
    assert len(captures.found(RULE, [*enough, *until(6000 * S)], tmp_path)) == 1


def test_an_engineers_bursts_are_no_poll(tmp_path: Path) -> None:
    packets = [*steady(30), *steady(31, START_NS + 7000 * S), *until(100_000 * S)]
    assert captures.found(RULE, packets, tmp_path) == []


def test_a_poll_that_paused_once_is_found_when_it_went_on_for_longer_than_that(tmp_path: Path) -> None:
    """A weekend, a controller that was serviced: after it the poll is watched as before."""
    before, pause = steady(300), 900 * S
    again = START_NS + 300 * 6 * S + pause
    for times, found in ((100, 0), (400, 1)):
        packets = [*before, *steady(times, again), *until(20_000 * S)]
        told = captures.found(RULE, packets, tmp_path)
        assert len(told) == found
        for one in told:
            assert one.count == 700


def test_a_sensor_that_was_started_anew_still_finds_it(tmp_path: Path) -> None:
    """Two runs of one sensor are one source, which does not tell that nobody listened between them."""
    again = START_NS + 1200 * S + 40 * S
    runs = []
    for number, packets in enumerate((steady(1140, wait_ns=S), steady(1141, again, S))):
        path = tmp_path / f"{number}.pcapng"
        made = [*packets, *(until(9000 * S) if number else [])]
        path.write_bytes(pcapng(((one.time_ns, one.data) for one in made), "tests", "mirror", "tests"))
        ledger = replay([str(path)]).ledger
        runs.append(replace(ledger, sources=tuple(replace(one, name="eth1") for one in ledger.sources)))
    (one,) = [found for found in judge(merge_all(runs), captures.PLANT) if found.rule == RULE]
    assert one.count == 1140 + 1141


def _files(packets: list[Packet], every_ns: int, folder: Path) -> list[Path]:
    """The packets as files of equal duration, as a ring of captures has them."""
    files: dict[int, list[Packet]] = {}
    for packet in sorted(packets, key=lambda one: one.time_ns):
        files.setdefault((packet.time_ns - START_NS) // every_ns, []).append(packet)
    paths = []
    for number, some in files.items():
        paths.append(folder / f"{number:04}.pcapng")
        paths[-1].write_bytes(pcapng(((one.time_ns, one.data) for one in some), "tests", "mirror", "tests"))
    return paths


def _found_in_files(packets: list[Packet], every_ns: int, folder: Path) -> list[Finding]:
    ledger = replay([str(path) for path in _files(packets, every_ns, folder)]).ledger
    return [one for one in judge(ledger, captures.PLANT) if one.rule == RULE]


def test_bursts_in_files_of_their_own_are_no_poll(tmp_path: Path) -> None:
    """No file shows the pauses between them."""
    bursts = [steady(30 + n, START_NS + 6000 * n * S, wait_ns=12 * S) for n in range(4)]
    chatter = [Packet(START_NS + n * 7 * S, arp(1, LAPTOP, "10.1.0.9"), "later") for n in range(20_000 // 7)]
    packets = [*(packet for burst in bursts for packet in burst), *chatter]
    assert captures.found(RULE, packets, tmp_path) == []
    assert _found_in_files(packets, 500 * S, tmp_path) == []


def test_a_poll_that_stopped_is_found_in_files_of_five_minutes(tmp_path: Path) -> None:
    packets = [*steady(200), *until(2400 * S)]
    (whole,) = captures.found(RULE, packets, tmp_path)
    (split,) = _found_in_files(packets, 300 * S, tmp_path)
    assert (split.count, split.last_ns) == (whole.count, whole.last_ns)


def test_no_capture_at_night_is_no_pause(tmp_path: Path) -> None:
    """Nobody saw whether the poll went on."""
    packets = [*steady(60), *steady(61, START_NS + 40_000 * S), *until(41_000 * S)]
    assert captures.found(RULE, packets, tmp_path) == []
    (one,) = _found_in_files(packets, 20_000 * S, tmp_path)
    assert (one.count, dict(one.why[0].params)["times"]) == (121, 121)


def test_a_server_that_fell_silent_is_told_as_that(tmp_path: Path) -> None:
    turns = iter([True] * 60 + [False] * 600)
    packets = poll(
        START_NS, (HMI, plc(1)), [read(READ_HOLDING, 0, 4)] * 660,
        lambda pdu: healthy(pdu) if next(turns) else None, wait_ns=S,
    )  # fmt: skip
    assert [one.rule for one in captures.found("", packets, tmp_path)] == ["silent-server"]
