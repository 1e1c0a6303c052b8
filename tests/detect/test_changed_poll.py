"""Polls that changed their rhythm, and traffic that has none."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from otmon.detect.finding import Finding
from otmon.detect.rules.load import shipped_rules
from otmon.lab.frames import MILLISECOND_NS, SECOND_NS, Packet
from otmon.lab.modbus import READ_HOLDING, read
from tests.detect import captures
from tests.detect.captures import HMI, START_NS, plc
from tests.detect.modbus_polls import healthy, poll
from tests.detect.plant import keys

RULE = "changed-poll"
S = SECOND_NS
FACTOR = shipped_rules()[RULE].number("factor")
LASTS_NS = 300 * S


def rhythm(*periods_ns: int, lasts_ns: int = LASTS_NS, address: int = 0) -> list[Packet]:
    """A poll that keeps each of these periods for five minutes."""
    packets = []
    for number, period_ns in enumerate(periods_ns):
        packets += poll(
            START_NS + number * lasts_ns, (HMI, plc(1)),
            [read(READ_HOLDING, address, 4)] * (lasts_ns // period_ns),
            wait_ns=period_ns - 5 * MILLISECOND_NS, port=49_152 + 10 * address + number,
        )  # fmt: skip
    return packets


def told(packets: list[Packet], folder: Path) -> list[Finding]:
    return captures.found(RULE, packets, folder)


@pytest.mark.parametrize(("after", "shown"), [(S // 10, "0.10"), (5 * S, "5.00")])
def test_a_poll_each_second_that_changes_is_found(after: int, shown: str, tmp_path: Path) -> None:
    packets = rhythm(S, after, lasts_ns=LASTS_NS if after < S else 3 * LASTS_NS)
    for model in (captures.PLANT, None):
        (one,) = captures.found(RULE, packets, tmp_path, model)
        said = dict(one.what.params)
        assert (said["before"], said["after"], one.severity) == ("1.00", shown, "medium")
        changed_ns = START_NS + (LASTS_NS if after < S else 3 * LASTS_NS)
        assert changed_ns - 240 * S <= one.first_ns <= changed_ns + S
        assert keys([one]) == ["poll-changed", "poll-changed-of"]


@pytest.mark.parametrize(
    "periods",
    [
        [S, S],
        [S, S * 100 // (101 * FACTOR // 2)],
        [S, S // 10, S],
        [S, S // 10, S * 3],
    ],
    ids=["steady", "nearly twice as often", "for a while", "twice"],
)
def test_what_is_no_lasting_change_is_quiet(periods: list[int], tmp_path: Path) -> None:
    assert told(rhythm(*periods), tmp_path) == []


def test_what_has_no_rhythm_is_quiet_however_much_it_changes(tmp_path: Path) -> None:
    random = Random(7)
    packets = []
    moment = START_NS
    for number in range(600):
        # Ten times as much from the middle on, at times that nobody could foretell.
        moment += int(random.expovariate(1 if number < 200 else 10) * S)
        packets += poll(moment, (HMI, plc(1)), [read(READ_HOLDING, 0, 4)], port=49_152 + number)
    assert told(packets, tmp_path) == []


def test_an_engineers_bursts_are_quiet(tmp_path: Path) -> None:
    packets = []
    for number in range(12):
        start_ns = START_NS + number * 60 * S
        requests = [read(READ_HOLDING, 0, 4)] * (20 if number < 6 else 80)
        packets += poll(start_ns, (HMI, plc(1)), requests, wait_ns=S // 5, port=49_152 + number)
    assert told(packets, tmp_path) == []


def test_a_poll_that_rests_and_goes_on_alike_is_quiet(tmp_path: Path) -> None:
    first = rhythm(S)
    again = poll(
        START_NS + 4 * LASTS_NS, (HMI, plc(1)), [read(READ_HOLDING, 0, 4)] * 300,
        wait_ns=S - 5 * MILLISECOND_NS, port=50_000,
    )  # fmt: skip
    assert told([*first, *again], tmp_path) == []


def test_answers_that_become_errors_are_one_poll(tmp_path: Path) -> None:
    """The rhythm is the same, though neither kind of answer alone shows it all the time."""
    turns = iter([True] * 300 + [False] * 300)
    packets = poll(
        START_NS, (HMI, plc(1)), [read(READ_HOLDING, 0, 4)] * 600,
        lambda pdu: healthy(pdu) if next(turns) else bytes([pdu[0] | 0x80, 6]), wait_ns=S,
    )  # fmt: skip
    assert told(packets, tmp_path) == []


def test_several_polls_of_two_hosts_are_one_finding(tmp_path: Path) -> None:
    packets = [*rhythm(S, S // 10), *rhythm(S, S // 5, address=20), *rhythm(S, S, address=30)]
    (one,) = told(packets, tmp_path)
    assert dict(one.why[0].params)["polls"] == 2
