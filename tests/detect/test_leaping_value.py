"""Values that leap, from written values and from packets on, and those that a plant sets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest

from otmon.detect.finding import Finding
from otmon.detect.rules.load import shipped_rules
from otmon.findings.judge import judge
from otmon.findings.wording import worded
from otmon.lab.frames import SECOND_NS
from otmon.lab.modbus import float32, write_register, write_registers
from otmon.ledger.ledger import Ledger
from otmon.ledger.merge import merge_all
from otmon.zones.model import Model
from tests.detect import captures
from tests.detect.captures import HMI, LAPTOP, PLANT, START_NS, plc
from tests.detect.modbus_polls import poll
from tests.detect.written import facts, real

RULE = "leaping-value"
MOVES = shipped_rules()[RULE].number("moves")
SECONDS = shipped_rules()[RULE].number("seconds")


def found(ledger: Ledger, plant: Model | None = None, baseline: Ledger | None = None) -> list[Finding]:
    return [one for one in judge(ledger, plant, baseline) if one.rule == RULE]


def told(values: Sequence[int], words: int = 1, **more: str) -> list[tuple[str, ...]]:
    return [way(one) for one in found(facts(values, words, **more))]


def way(one: Finding) -> tuple[str, ...]:
    said = dict(one.what.params) | dict(one.why[0].params)
    return tuple(str(said[name]) for name in ("before", "after", "type"))


def test_a_leap_is_one_finding_with_its_packet() -> None:
    (one,) = found(facts([100, 100, 11100], address="21"), PLANT)
    assert worded(one.what, "en") == (
        "10.1.0.5 changed holding_registers 21 of unit 1 on 10.2.0.1 from 100 to 11100 by one write"
    )
    assert worded(one.why[0], "en") == "to 111 times what it held; writes in all: 3 (read as uint16)"
    assert (one.severity, one.count, one.place.boundary) == ("high", 1, "control-plc")
    assert [packet.time_ns for packet in one.evidence] == [one.first_ns]


@pytest.mark.parametrize(
    ("values", "words", "expected"),
    [
        ([100, 1000], 1, ("100", "1000", "uint16")),
        ([100, 999], 1, None),
        ([5000, 500], 1, ("5000", "500", "uint16")),
        ([9, 900], 1, None),
        ([10, 101], 1, ("10", "101", "uint16")),
        ([100, 0, 100], 1, None),
        ([40, 0xFFD8], 1, None),
        ([40, 0xFC18], 1, ("40", "-1000", "int16")),
        ([64, 1024], 1, None),
        ([64, 1025], 1, ("64", "1025", "uint16")),
        ([real(0.5), real(500.0)], 2, ("0.5", "500", "float32")),
        ([real(0.62, True), real(62.0, True)], 2, ("0.620000005", "62", "float32-swapped")),
        ([real(0.62), real(0.65)], 2, None),
        ([real(0.123456), real(62.0)], 2, None),
        ([100 << 16 | 7, 11100 << 16 | 7], 2, ("100", "11100", "uint16")),
        ([16000 << 16 | 500, 18000 << 16 | 500], 2, None),
        ([3, 3 << 16 | 3], 2, None),
    ],
)
def test_what_leaps_and_what_does_not(
    values: list[int], words: int, expected: tuple[str, ...] | None
) -> None:
    assert told(values, words) == ([] if expected is None else [expected])
    if expected is not None:
        assert len(told(values[::-1], words)) == 1


def test_a_hundredfold_is_graver_and_told_beside_a_tenfold() -> None:
    (ten,), (hundred,) = found(facts([100, 1500])), found(facts([100, 1500, 100, 11100]))
    assert (ten.severity, hundred.severity) == ("medium", "high")
    assert ten.key != hundred.key


def test_what_follows_a_process_is_quiet() -> None:
    to_and_fro = [50, 900] * MOVES
    minutes = SECONDS * len(to_and_fro) // 60
    assert told(to_and_fro, last="2026-01-05 09:05") == []
    assert len(told(to_and_fro, last=f"2026-01-05 09:{minutes:02}")) == 1
    assert len(told(to_and_fro[:MOVES], last="2026-01-05 09:00")) == 1


def test_quantities_that_a_program_calculates_are_quiet() -> None:
    random = Random(5)
    for _ in range(300):
        values = [real(random.uniform(0.2, 40.0)) for _ in range(6)]
        halves = merge_all((facts(values, 2), facts([value & 0xFFFF for value in values], address="1")))
        assert found(halves) == []


def test_setpoints_of_a_shift_are_quiet() -> None:
    random = Random(8)
    for _ in range(200):
        assert told([random.randrange(300, 2900) for _ in range(random.randrange(2, 40))]) == []


def test_coils_and_denied_writes_are_anothers_business() -> None:
    assert told([0, 1], table="coils") == []
    assert len(found(facts([100, 11100]), PLANT)) == 1
    assert found(facts([100, 11100], client="10.3.0.77"), PLANT) == []


def test_what_is_among_the_values_of_normal_operation_is_usual() -> None:
    leap = facts([100, 11100])
    assert found(leap, baseline=facts([100, 12000])) == []
    assert found(leap, baseline=facts([100 << 16, 12000 << 16], 2)) == []
    assert len(found(leap, baseline=facts([100, 11099]))) == 1
    assert len(found(leap, baseline=facts([100, 12000], address="9"))) == 1


def test_who_puts_back_what_was_there_is_not_told(tmp_path: Path) -> None:
    server = plc(1)
    packets = [
        *poll(START_NS, (HMI, server), [write_register(7, 100)]),
        *poll(START_NS + 9 * SECOND_NS, (LAPTOP, server), [write_register(7, 11100)]),
        *poll(START_NS + 20 * SECOND_NS, (HMI, server), [write_register(7, 100)]),
    ]
    (one,) = captures.found(RULE, packets, tmp_path, None)
    assert (one.link.client, way(one)) == (LAPTOP.address, ("100", "11100", "uint16"))
    # The model denies the laptop's write, which has a finding of its own.
    assert captures.found(RULE, packets, tmp_path, PLANT) == []


def test_registers_side_by_side_are_told_each_once(tmp_path: Path) -> None:
    requests = [
        write_registers(20, [300, 700, *float32(0.62), 900]),
        write_registers(20, [9000, 710, *float32(62.0), 9]),
        write_registers(20, [9000, 710, *float32(62.0), 90]),
    ]
    packets = poll(START_NS, (HMI, plc(1)), requests, wait_ns=60 * SECOND_NS)
    leaps = captures.found(RULE, packets, tmp_path, None)
    assert sorted((str(dict(one.what.params)["element"]), way(one)[2]) for one in leaps) == [
        ("holding_registers 20", "uint16"),
        ("holding_registers 22", "float32"),
    ]
