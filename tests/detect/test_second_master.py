"""A second client that commands, without a baseline, and those who may or always did."""

from __future__ import annotations

from pathlib import Path

import pytest

from otmon.detect.rules.load import shipped_rules
from otmon.lab.frames import SECOND_NS, Host, Packet
from otmon.lab.modbus import READ_HOLDING, read
from otmon.zones.model import Model
from tests.detect import captures
from tests.detect.captures import HMI, LAPTOP, START_NS, plc
from tests.detect.modbus_polls import healthy, poll
from tests.detect.plant import keys
from tests.zones.facts import model

RULE = "second-master"
MINUTE = 60 * SECOND_NS
COMMANDS = shipped_rules()[RULE].number("commands")
MINUTES = shipped_rules()[RULE].number("minutes")
WRITE = bytes([6, 0, 20, 0, 7])
SPARE = Host("spare", "10.1.0.6", "00:01:fc:30:01:11")


def writes(
    who: Host, begin_min: int, times: int, every_min: int = 2, port: int = 49_152, refuse: bool = False
) -> list[Packet]:
    """Writes of one register, one connection each."""
    packets = []
    for number in range(times):
        start_ns = START_NS + (begin_min + number * every_min) * MINUTE
        answers = (lambda pdu: bytes([pdu[0] | 0x80, 1])) if refuse else healthy
        packets += poll(start_ns, (who, plc(1)), [WRITE], answers, port=port + number)
    return packets


USUAL = writes(HMI, 0, 60)
"""Two hours of the operator's screen."""


def told(packets: list[Packet], folder: Path, plant: Model | None = None) -> list[str]:
    return [one.severity for one in captures.found(RULE, packets, folder, plant)]


def test_a_laptop_beside_the_usual_master_is_found(tmp_path: Path) -> None:
    (one,) = captures.found(RULE, [*USUAL, *writes(LAPTOP, 91, 2, port=55_000)], tmp_path, None)
    assert (one.severity, one.count, one.link.client, one.link.server) == (
        "medium", 2, LAPTOP.address, "10.2.0.1"
    )  # fmt: skip
    assert one.first_ns >= START_NS + 91 * MINUTE
    assert keys([one])[:4] == ["second-master", "reign", "reign-goes-on", "asked-for"]
    reign = dict(one.why[0].params)
    assert reign["master"] == HMI.address
    assert COMMANDS <= int(str(reign["times"])) <= 46 and MINUTES <= int(str(reign["minutes"])) <= 91


def test_what_it_is_refused_is_a_step_lower(tmp_path: Path) -> None:
    assert told([*USUAL, *writes(LAPTOP, 91, 2, port=55_000, refuse=True)], tmp_path) == ["low"]


def test_with_a_baseline_another_rule_tells_it(tmp_path: Path) -> None:
    before = captures.replayed(USUAL, tmp_path)
    packets = [*USUAL, *writes(LAPTOP, 91, 2, port=55_000)]
    assert captures.found(RULE, packets, tmp_path, None, before) == []
    assert len(captures.found("new-master", packets, tmp_path, None, before)) == 1


@pytest.mark.parametrize(
    "other",
    [
        poll(START_NS + 91 * MINUTE, (LAPTOP, plc(1)), [read(READ_HOLDING, 20, 1)] * 3, port=55_000),
        writes(LAPTOP, 1, 20, 5, port=55_000),
        writes(SPARE, 120, 20, port=55_000),
        writes(LAPTOP, MINUTES - 3, 2, port=55_000),
    ],
    ids=["it only reads", "from the beginning", "the spare one takes over", "too early to tell"],
)
def test_what_is_no_second_master_is_quiet(other: list[Packet], tmp_path: Path) -> None:
    assert told([*USUAL, *other], tmp_path) == []


def test_a_master_that_commands_seldom_is_not_the_only_one(tmp_path: Path) -> None:
    other = writes(LAPTOP, 200, 2, port=55_000)
    assert (
        told([*writes(HMI, 0, COMMANDS - 2, 10), *other, *writes(HMI, 210, 3, port=56_000)], tmp_path) == []
    )


def test_a_master_that_is_refused_is_none(tmp_path: Path) -> None:
    assert told([*writes(HMI, 0, 60, refuse=True), *writes(LAPTOP, 91, 2, port=55_000)], tmp_path) == []


def test_three_masters_are_told_once(tmp_path: Path) -> None:
    packets = [*USUAL, *writes(LAPTOP, 91, 2, port=55_000), *writes(SPARE, 95, 2, port=56_000)]
    (one,) = captures.found(RULE, packets, tmp_path, None)
    assert one.link.client == LAPTOP.address


def plant(laptop: str) -> Model:
    return model(f"""
        version: 1
        zones:
        - {{id: control, importance: high, members: [10.1.0.0/24, 10.3.0.77]}}
        - {{id: plc, importance: high, members: 10.2.0.0/24}}
        boundaries:
        - id: control-plc
          between: [control, plc]
          allow:
          - {{id: hmi, from: 10.1.0.5, to: plc, protocol: modbus}}
          {laptop}
    """)


def test_what_the_model_allows_is_no_second_master_and_what_it_denies_is_told_as_that(tmp_path: Path) -> None:
    packets = [*USUAL, *writes(LAPTOP, 91, 2, port=55_000)]
    allowed = plant("- {id: service, from: 10.3.0.77, to: plc, protocol: modbus}")
    assert told(packets, tmp_path, allowed) == []
    denied = plant("")
    assert told(packets, tmp_path, denied) == []
    assert captures.found("unlisted-traffic", packets, tmp_path, denied)


def test_in_a_zone_where_everything_may_happen_it_is_as_grave_as_the_zone(tmp_path: Path) -> None:
    packets = [*USUAL, *writes(LAPTOP, 91, 2, port=55_000)]
    for importance, severity in (("high", "high"), ("medium", "medium"), ("low", "low")):
        flat = model(f"""
            version: 1
            zones:
            - {{id: all, importance: {importance}, members: 10.0.0.0/8}}
        """)
        assert told(packets, tmp_path, flat) == [severity]
