"""Requests that are refused one after the other, and refusals that mean little."""

from __future__ import annotations

from pathlib import Path

import pytest

from otmon.detect.refused_requests import NAMES, is_refused
from otmon.detect.rules.load import shipped_rules
from otmon.findings.judge import judge
from otmon.findings.wording import worded
from otmon.lab.frames import MILLISECOND_NS, SECOND_NS, Packet
from otmon.lab.modbus import READ_HOLDING, read
from tests.detect import captures, plant
from tests.detect.captures import HMI, START_NS, plc
from tests.detect.modbus_polls import healthy, poll
from tests.detect.plant import EWS, PC, PLC, keys, ledger_of
from tests.zones.facts import operation

RULE = "refused-requests"
LEAST = shipped_rules()[RULE].number("refused")
SELDOM_NS = SECOND_NS * shipped_rules()[RULE].number("seldom_s")
WRITE = bytes((6, 0, 5, 0, 9))


def refusing(code: int, function: int) -> object:
    """What a controller answers that refuses one function."""
    return lambda pdu: bytes((pdu[0] | 0x80, code)) if pdu[0] == function else healthy(pdu)


def polled(
    requests: list[bytes], code: int, function: int, *, wait_ns: int = 100 * MILLISECOND_NS
) -> list[Packet]:
    return poll(START_NS, (HMI, plc(1)), requests, refusing(code, function), wait_ns=wait_ns)  # type: ignore[arg-type]


def test_changes_that_are_refused_among_many_reads(tmp_path: Path) -> None:
    reads, writes = [read(READ_HOLDING, 0, 4)] * 200, [WRITE] * LEAST
    for model, severity in ((captures.PLANT, "high"), (None, "medium")):
        (one,) = captures.found(RULE, polled([*reads, *writes], 3, 6), tmp_path, model)
        assert one.key == ("10.1.0.5", "10.2.0.1", "tcp", "502", "changes")
        assert (one.severity, one.count) == (severity, LEAST)
        assert keys([one])[:3] == ["refuses-changes", "refused-of", "exceptions"]
        assert worded(one.why[1], "en") == f"exceptions: 3 illegal data value ({LEAST}×)"
    assert captures.found(RULE, polled([*reads, *writes[1:]], 3, 6), tmp_path) == []


def test_a_device_that_fails(tmp_path: Path) -> None:
    requests = [read(READ_HOLDING, 0, 4)] * 60
    (one,) = captures.found("", polled(requests, 4, 3), tmp_path)
    assert (one.rule, one.severity, keys([one])[0]) == (RULE, "medium", "refuses-requests")
    # Taken and slow, or not reached by its gateway.
    for code in (5, 10, 11):
        assert captures.found(RULE, polled(requests, code, 3), tmp_path) == []


def test_a_client_that_also_gets_what_it_asks_for_is_none(tmp_path: Path) -> None:
    both = [
        request for _ in range(LEAST) for request in (read(READ_HOLDING, 0, 4), read(READ_HOLDING, 900, 1))
    ]
    assert len(captures.found(RULE, polled(both, 2, 99), tmp_path)) == 1
    assert captures.found(RULE, polled([*both, read(READ_HOLDING, 0, 1)], 2, 99), tmp_path) == []


@pytest.mark.parametrize(("later_ns", "found"), [(0, 1), (1, 0)])
def test_seldom_refusals_are_none(later_ns: int, found: int) -> None:
    lasted = LEAST * SELDOM_NS + later_ns
    one = operation(PC, PLC, 3, 900, 1, status=2, times=LEAST, first_ns=1, last_ns=1 + lasted)
    assert len(plant.found(RULE, one)) == found


def test_usual_refusals_and_scans_are_none() -> None:
    one = operation(EWS, PLC, 6, 5, 1, status=3, times=LEAST)
    ledger = ledger_of(one)
    assert [finding.rule for finding in judge(ledger, None)] == [RULE]
    assert judge(ledger, None, ledger) == ()
    # Twelve ranges that are not there are a scan.
    scan = [operation(EWS, PLC, 3, 100 + n, 1, status=2, times=5) for n in range(12)]
    assert {finding.rule for finding in judge(ledger_of(*scan), None)} == {"modbus-scan"}


def test_every_exception_but_three_is_a_refusal() -> None:
    refused = {code for code in range(-2, 256) if is_refused(operation(PC, PLC, 3, status=code))}
    assert refused == set(range(1, 256)) - {5, 10, 11}
    assert set(NAMES) <= refused
