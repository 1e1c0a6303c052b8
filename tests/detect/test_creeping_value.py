"""Values that creep, from written values and from packets on, and those that only move."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

import pytest

from otmon.detect.finding import Finding
from otmon.detect.rules.load import shipped_rules
from otmon.findings.judge import judge
from otmon.findings.wording import worded
from otmon.lab.frames import SECOND_NS, Packet
from otmon.lab.modbus import float32, write_register, write_registers
from otmon.ledger.ledger import Ledger
from otmon.zones.model import Model
from tests.detect import captures
from tests.detect.captures import HMI, LAPTOP, PLANT, START_NS, plc
from tests.detect.modbus_polls import poll
from tests.detect.written import facts, real

RULE = "creeping-value"
STEPS = shipped_rules()[RULE].number("steps")
SHARE = shipped_rules()[RULE].number("share")


def told(
    values: Sequence[int],
    words: int = 1,
    plant: Model | None = None,
    baseline: Ledger | None = None,
    **more: str,
) -> list[Finding]:
    return [one for one in judge(facts(values, words, **more), plant, baseline) if one.rule == RULE]


def way(one: Finding) -> tuple[str, str, str]:
    said = dict(one.what.params)
    return str(said["before"]), str(said["after"]), str(dict(one.why[0].params)["type"])


DOWN = [500 - 10 * n for n in range(STEPS + 1)]


def test_a_value_that_creeps_is_one_finding_with_its_way_and_largest_step() -> None:
    (one,) = told(DOWN, plant=PLANT, address="21")
    assert way(one) == ("500", str(500 - 10 * STEPS), "uint16")
    assert worded(one.what, "en") == (
        f"10.1.0.5 moved holding_registers 21 of unit 1 on 10.2.0.1 from 500 to {500 - 10 * STEPS} "
        "by small writes, within 180 min"
    )
    assert worded(one.why[0], "en") == (
        f"no single write changed it by more than 10; writes in all: {STEPS + 1} (read as uint16)"
    )
    assert (one.severity, one.count, one.place.boundary) == ("medium", STEPS + 1, "control-plc")
    assert one.extent == STEPS
    assert one.last_ns - one.first_ns == 3 * 3600 * SECOND_NS
    assert len(one.evidence) == 3 and one.evidence[0].time_ns == one.first_ns


def test_who_writes_each_value_again_and_again_goes_as_far() -> None:
    (one,) = told([value for value in DOWN for _ in range(4)])
    assert way(one) == ("500", str(500 - 10 * STEPS), "uint16")


@pytest.mark.parametrize("swapped", [False, True])
def test_floating_point_numbers_are_read_in_both_word_orders(swapped: bool) -> None:
    # Two halves of a float are no numbers: 0.62 to 0.44 is 0x3F1E to 0x3EE1 and anything.
    values = [real(0.62 - 0.03 * n, swapped) for n in range(STEPS + 1)]
    (one,) = told(values, words=2)
    assert way(one) == ("0.620000005", "0.439999998", "float32-swapped" if swapped else "float32")


@pytest.mark.parametrize("swapped", [False, True])
def test_whole_numbers_of_32_bits_are_read_in_both_word_orders(swapped: bool) -> None:
    steps = range(0x0001_8000, 0x0001_8000 + 0x3000 * (STEPS + 2), 0x3000)
    values = [(n & 0xFFFF) << 16 | n >> 16 for n in steps] if swapped else list(steps)
    (one,) = told(values, words=2)
    assert way(one)[2] == ("uint32-swapped" if swapped else "uint32")


def test_numbers_below_zero_are_read_as_such() -> None:
    (one,) = told([n & 0xFFFF for n in range(30, 30 - 10 * STEPS - 1, -10)])
    assert way(one) == ("30", str(30 - 10 * STEPS), "int16")


@pytest.mark.parametrize(
    "values",
    [
        DOWN[:-1],
        [500, *[500] * STEPS, 400],
        [1000 - n for n in range(99)],
        list(range(7, 7 + 3 * STEPS)),
        [*DOWN, *[DOWN[-1], DOWN[-1] + 10] * STEPS],
        [0x8000 if n % 2 else 0x7FFF for n in range(STEPS * 4)],
    ],
    ids=["a step too few", "one leap", "by less than a tenth", "a count", "to and fro", "two words"],
)
def test_what_only_moves_is_quiet(values: list[int]) -> None:
    assert told(values) == []


@pytest.mark.parametrize(
    "last", ["2026-01-05 09:09", "2026-01-05 09:02"], ids=["within minutes", "by an arrow on the screen"]
)
def test_what_an_operator_does_in_one_go_is_quiet(last: str) -> None:
    assert told(DOWN, last=last) == []
    assert len(told(DOWN, last="2026-01-05 09:10")) == 1


def test_writes_that_come_quickly_come_from_a_program() -> None:
    long = [900 - 10 * n for n in range(41)]
    assert len(told(long, last="2026-01-05 09:20")) == 1
    assert told(long, last="2026-01-05 09:19") == []


def test_values_that_a_random_walk_takes_are_quiet() -> None:
    random = Random(7)
    for _ in range(200):
        level, values = 500, []
        for _ in range(60):
            level += random.choice((-10, 0, 10))
            values.append(level)
        assert told(values) == []


def test_registers_that_hold_anything_are_quiet() -> None:
    random = Random(9)
    for _ in range(200):
        values = [random.choice((random.getrandbits(32), 0x7F800000, 0xFFFFFFFF, 1)) for _ in range(20)]
        assert told(values, words=2) == []


def test_setpoints_of_a_shift_are_quiet() -> None:
    random = Random(8)
    for _ in range(200):
        assert told([random.randrange(300, 700) for _ in range(random.randrange(2, 40))]) == []


def test_coils_and_denied_writes_are_anothers_business() -> None:
    assert told([0, 1] * STEPS, table="coils") == []
    assert len(told(DOWN)) == 1
    assert told(DOWN, plant=PLANT, client="10.3.0.77") == []


def test_what_creeps_in_normal_operation_is_usual() -> None:
    assert told(DOWN, baseline=facts([100 + 20 * n for n in range(STEPS + 1)])) == []
    assert len(told(DOWN, baseline=facts(DOWN[:2]))) == 1
    assert len(told(DOWN, baseline=facts(DOWN, address="9"))) == 1


def test_registers_side_by_side_are_told_each_once(tmp_path: Path) -> None:
    """Two whole numbers and a float, in one request: what two neighbours make together is no number."""

    def requests() -> Iterator[bytes]:
        for n in range(STEPS + 1):
            yield write_registers(20, [300 + 30 * n, 700, *float32(0.62 - 0.03 * n), 900 - 50 * n])

    packets = _each(120 * SECOND_NS, list(requests()))
    found = captures.found(RULE, packets, tmp_path, None)
    assert sorted((str(dict(one.what.params)["element"]), way(one)[2]) for one in found) == [
        ("holding_registers 20", "uint16"),
        ("holding_registers 22", "float32"),
        ("holding_registers 24", "uint16"),
    ]


def test_each_client_is_judged_by_itself(tmp_path: Path) -> None:
    requests = [write_register(7, 500 - 10 * n) for n in range(2 * STEPS)]
    one = _each(60 * SECOND_NS, requests)
    (found,) = captures.found(RULE, [*one, *_each(77 * SECOND_NS, requests[:3], LAPTOP)], tmp_path, None)
    assert found.link.client == HMI.address


def _each(wait_ns: int, requests: list[bytes], client: captures.Host = HMI) -> list[Packet]:
    return poll(START_NS, (client, plc(1)), requests, wait_ns=wait_ns)
