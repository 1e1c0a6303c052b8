"""More in a minute than a permission says, and just as much."""

from __future__ import annotations

from pathlib import Path

import pytest

from otmon.detect.finding import Finding
from otmon.lab.frames import MILLISECOND_NS, SECOND_NS, Packet
from otmon.lab.modbus import READ_HOLDING, read
from otmon.ledger.course import Window
from otmon.ledger.facts import MINUTE_NS, Busiest
from otmon.zones.model import Model
from tests.detect import captures
from tests.detect.captures import HMI, START_NS, plc
from tests.detect.modbus_polls import poll
from tests.detect.plant import at, found, keys
from tests.zones.facts import conversation, model, operation

RULE = "rate-exceeded"
S = SECOND_NS
FULL_NS = -(-START_NS // MINUTE_NS) * MINUTE_NS
"""A minute begins."""


def plant(*permissions: str, importance: str = "high") -> Model:
    listed = "".join(f"\n          - {{from: control, to: plc, {one}}}" for one in permissions)
    return model(f"""
        version: 1
        zones:
        - {{id: control, importance: high, members: 10.1.0.0/24}}
        - {{id: plc, importance: {importance}, members: 10.2.0.0/24}}
        boundaries:
        - id: control-plc
          between: [control, plc]
          allow:{listed}
    """)


def reads(times: int, period_ns: int, address: int = 0) -> list[Packet]:
    requests = [read(READ_HOLDING, address, 4)] * times
    wait_ns = period_ns - 5 * MILLISECOND_NS
    return poll(FULL_NS, (HMI, plc(1)), requests, wait_ns=wait_ns, port=49_152 + address)


def told(packets: list[Packet], folder: Path, *permissions: str) -> list[Finding]:
    return captures.found(RULE, packets, folder, plant(*permissions))


def test_more_requests_than_agreed_are_found_with_rate_line_and_packet(tmp_path: Path) -> None:
    packets = [*reads(20, 3 * S), *poll(
        FULL_NS + 2 * MINUTE_NS, (HMI, plc(1)), [read(READ_HOLDING, 0, 4)] * 31, wait_ns=S, port=50_000
    )]  # fmt: skip
    (one,) = told(packets, tmp_path, "id: polls, protocol: modbus, rate: 30/minute")
    assert (one.count, one.unit, one.severity) == (31, "transactions", "medium")
    assert keys([one]) == ["rate-requests", "rate-limit", "asked-for"]
    limit = dict(one.why[0].params)
    assert (limit["permission"], limit["rate"]) == ("polls", 30)
    assert str(limit["line"]).startswith("m.yaml:")
    ledger = captures.replayed(packets, tmp_path)
    (asked,) = ledger.operations
    assert one.evidence == (asked.busiest.evidence,)
    assert FULL_NS + 2 * MINUTE_NS <= one.evidence[0].time_ns <= FULL_NS + 2 * MINUTE_NS + 2 * S
    assert told(packets, tmp_path, "protocol: modbus, rate: 31/minute") == []
    assert told(packets, tmp_path, "protocol: modbus") == []


def test_all_that_one_permission_allows_counts_together(tmp_path: Path) -> None:
    packets = [*reads(10, 5 * S), *reads(10, 5 * S, 10), *reads(10, 5 * S, 20)]
    (one,) = told(packets, tmp_path, "protocol: modbus, rate: 29/minute")
    assert one.count == 30
    assert told(packets, tmp_path, "protocol: modbus, rate: 30/minute") == []
    apart = [f"protocol: modbus, holding_registers: {n}-{n + 9}, rate: 10/minute" for n in (0, 10, 20)]
    assert told(packets, tmp_path, *apart) == []


def test_a_steady_poll_of_hours_is_measured_as_it_is(tmp_path: Path) -> None:
    packets = [*reads(700, 10 * S), *reads(700, 10 * S, 10)]
    (one,) = told(packets, tmp_path, "protocol: modbus, rate: 11/minute")
    assert 11 < one.count <= 13
    assert told(packets, tmp_path, "protocol: modbus, rate: 13/minute") == []


def test_a_permission_without_a_rate_or_with_a_higher_one_counts(tmp_path: Path) -> None:
    packets = reads(40, S)
    strict, generous = (
        "id: strict, protocol: modbus, rate: 30/minute",
        "id: generous, protocol: modbus, rate: 50/minute",
    )
    assert len(told(packets, tmp_path, strict)) == 1
    assert told(packets, tmp_path, strict, generous) == told(packets, tmp_path, generous, strict) == []
    assert told(packets, tmp_path, strict, "protocol: modbus, functions: read-holding-registers") == []


def test_of_other_protocols_the_packets_of_a_connection_count() -> None:
    talk = conversation("10.1.0.5", "10.2.0.1", 22, "ssh", busiest=Busiest(601, at(7)))
    (one,) = found(RULE, talk, plant=plant("protocol: ssh, rate: 600/minute"))
    assert (one.count, one.unit, one.evidence) == (601, "packets", (at(7),))
    assert keys([one]) == ["rate-packets", "rate-limit"]
    for more in ("protocol: ssh, rate: 601/minute", "protocol: ssh"):
        assert found(RULE, talk, plant=plant(more)) == []


def test_what_is_allowed_for_any_protocol_is_counted_in_packets() -> None:
    modbus = conversation("10.1.0.5", "10.2.0.1", busiest=Busiest(90, at(7)))
    asked = operation("10.1.0.5", "10.2.0.1", 3, 0, 10, times=99, busiest=Busiest(99, at(8)))
    (one,) = found(RULE, modbus, asked, plant=plant("protocol: any, rate: 80/minute"))
    assert one.unit == "packets"


@pytest.mark.parametrize(
    ("function", "importance", "severity"),
    [(6, "high", "high"), (3, "high", "medium"), (6, "low", "low"), (3, "medium", "low")],
)
def test_what_changes_a_device_is_graver(function: int, importance: str, severity: str) -> None:
    talk = conversation("10.1.0.5", "10.2.0.1")
    asked = operation("10.1.0.5", "10.2.0.1", function, 0, 1, times=99, busiest=Busiest(99, at(8)))
    rated = plant("protocol: modbus, rate: 80/minute", importance=importance)
    assert [one.severity for one in found(RULE, talk, asked, plant=rated)] == [severity]


def test_a_request_that_reads_and_writes_is_one() -> None:
    talk = conversation("10.1.0.5", "10.2.0.1")
    halves = [
        operation(
            "10.1.0.5", "10.2.0.1", 23, address, 4, times=40, access=access, first_ns=1, last_ns=2,
            course=(Window(40, 40, 40, 0),), busiest=Busiest(40, at(8)),
        )
        for address, access in ((0, "read"), (10, "write"))
    ]  # fmt: skip
    rated = plant("protocol: modbus, rate: 40/minute")
    assert found(RULE, talk, *halves, plant=rated) == []
    assert len(found(RULE, talk, *halves, plant=plant("protocol: modbus, rate: 39/minute"))) == 1
    writes_only = plant("protocol: modbus, access: write, rate: 39/minute", "protocol: modbus, access: read")
    assert len(found(RULE, talk, *halves, plant=writes_only)) == 1


def test_a_ledger_that_did_not_count_minutes_says_nothing() -> None:
    talk = conversation("10.1.0.5", "10.2.0.1")
    asked = operation("10.1.0.5", "10.2.0.1", 3, 0, 1, times=99)
    assert found(RULE, talk, asked, plant=plant("protocol: modbus, rate: 1/minute")) == []
