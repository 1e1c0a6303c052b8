"""Answers that became slower for good, and those that did for a moment, a little, or for one request only."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from otmon.detect.finding import Finding
from otmon.detect.rules.load import shipped_rules
from otmon.engine import replay
from otmon.findings.judge import judge
from otmon.lab.frames import MILLISECOND_NS, SECOND_NS, Packet
from otmon.lab.modbus import READ_HOLDING, read
from otmon.ledger.course import SHORTEST_NS
from otmon.outputs.pcapng import pcapng
from tests.detect import captures
from tests.detect.captures import HMI, LAPTOP, START_NS, plc
from tests.detect.modbus_polls import poll
from tests.detect.plant import keys

RULE = "slower-answers"
MS, S = MILLISECOND_NS, SECOND_NS
LONG = 400
"""Requests of one stretch: half a second and a little from one to the next."""
FACTOR = shipped_rules()[RULE].number("factor")


def stretch(number: int, took_ns: int, address: int = 0, times: int = LONG) -> list[Packet]:
    """A connection of a poll, one after the other."""
    start_ns = START_NS + number * LONG * S * 52 // 100
    requests = [read(READ_HOLDING, address, 4)] * times
    port = 49_152 + 10 * address + number
    return poll(start_ns, (HMI, plc(1)), requests, wait_ns=S // 2, took_ns=took_ns, port=port)


def told(packets: list[Packet], folder: Path) -> list[Finding]:
    return captures.found(RULE, packets, folder)


def test_answers_that_became_slower_are_one_finding_with_time_and_both_means(tmp_path: Path) -> None:
    packets = [*stretch(0, 4 * MS), *stretch(1, 45 * MS)]
    for model in (captures.PLANT, None):
        (one,) = captures.found(RULE, packets, tmp_path, model)
        said = dict(one.what.params)
        assert (said["server"], said["before"]) == ("10.2.0.1", "4.0")
        assert 40 <= float(str(said["after"])) <= 45 and 10 <= float(str(said["factor"])) <= 11.3
        assert (one.severity, one.extent) == ("medium", dict(one.why[1].params)["slower"])
        changed_ns = START_NS + LONG * S * 52 // 100
        assert abs(one.first_ns - changed_ns) <= 32 * SHORTEST_NS
        assert keys([one]) == ["slower", "slower-of", "slower-share", "slower-for"]


def test_from_where_it_changed_no_answer_counts_to_the_time_before(tmp_path: Path) -> None:
    (one,) = told([*stretch(0, 4 * MS), *stretch(1, 45 * MS)], tmp_path)
    assert one.first_ns <= START_NS + LONG * S * 52 // 100 + SHORTEST_NS


@pytest.mark.parametrize(
    "took",
    [
        [4, 4, 4],
        [4, 45, 4],
        [4, FACTOR * 4 - 1],
        [1, 5],
        [45, 4],
        [4, 30, 9],
    ],
    ids=["never", "for a while", "a little", "by few milliseconds", "quicker", "and nearly back"],
)
def test_what_is_no_lasting_slowness_is_quiet(took: list[int], tmp_path: Path) -> None:
    packets = [packet for number, ms in enumerate(took) for packet in stretch(number, ms * MS)]
    assert told(packets, tmp_path) == []


def test_single_slow_answers_are_quiet(tmp_path: Path) -> None:
    random = Random(5)
    packets = []
    for number in range(3):
        for part in range(8):
            start_ns = START_NS + (8 * number + part) * 26 * S
            slow = [*[4 * MS] * 9, 900 * MS]
            packets += poll(
                start_ns, (HMI, plc(1)), [read(READ_HOLDING, 0, 4)] * 40, wait_ns=S // 2,
                took_ns=random.choice(slow) if number < 2 else 4 * MS, port=49_152 + 8 * number + part,
            )  # fmt: skip
    assert told(packets, tmp_path) == []


def test_one_request_of_three_says_nothing_of_the_server(tmp_path: Path) -> None:
    steady = [packet for n in (0, 1) for address in (10, 20) for packet in stretch(n, 4 * MS, address)]
    slower = [*stretch(0, 4 * MS), *stretch(1, 45 * MS)]
    assert told([*steady, *slower], tmp_path) == []
    assert len(told([*steady[: len(steady) // 4], *slower], tmp_path)) == 1


def test_few_answers_say_nothing(tmp_path: Path) -> None:
    assert told([*stretch(0, 4 * MS, times=25), *stretch(1, 45 * MS, times=25)], tmp_path) == []


def test_two_files_and_two_jobs_find_the_same(tmp_path: Path) -> None:
    paths = []
    for number, took_ns in enumerate((4 * MS, 45 * MS)):
        path = tmp_path / f"{number}.pcapng"
        made = ((one.time_ns, one.data) for one in stretch(number, took_ns))
        path.write_bytes(pcapng(made, "tests", "mirror", "tests"))
        paths.append(str(path))
    ledgers = [replay(paths, jobs=jobs).ledger for jobs in (1, 2)]
    assert ledgers[0] == ledgers[1]
    (one,) = [found for found in judge(ledgers[0], None) if found.rule == RULE]
    assert dict(one.what.params)["before"] == "4.0"


def test_two_clients_are_named(tmp_path: Path) -> None:
    packets = [*stretch(0, 4 * MS), *stretch(1, 45 * MS)]
    for number, took_ns in enumerate((4 * MS, 45 * MS)):
        start_ns = START_NS + number * LONG * S * 52 // 100
        packets += poll(
            start_ns, (LAPTOP, plc(1)), [read(READ_HOLDING, 0, 4)] * LONG, wait_ns=S // 2, took_ns=took_ns,
            port=60_000 + number,
        )  # fmt: skip
    (one,) = captures.found(RULE, packets, tmp_path, None)
    assert (one.link.client, dict(one.why[2].params)["items"]) == ("", "10.1.0.5, 10.3.0.77")
