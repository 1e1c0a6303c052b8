from __future__ import annotations

import pytest

from otmon.detect.rules.load import shipped_rules
from otmon.ledger.facts import OPEN_AT_END, UNANSWERED, Asset, Operation
from tests.detect.plant import HMI, PC, PLC, at, found, keys
from tests.zones.facts import asset, conversation, model, operation

RULE = "broadcast-write"
UNITS_AT_ONCE = shipped_rules()[RULE].number("units_at_once")
BURST_S = shipped_rules()[RULE].number("burst_s")
SECOND = 1_000_000_000
GROUP = "239.1.1.1"

PLANT = model("""
    version: 1
    zones:
    - {id: control, importance: high, members: 10.1.0.0/24}
    - {id: plc, importance: high, members: 10.2.0.0/24}
    boundaries:
    - id: control-plc
      between: [control, plc]
      allow:
      - {id: listed, from: 10.1.0.5, to: plc, protocol: modbus, functions: write-single-coil}
      - {id: by-class, from: 10.1.0.9, to: plc, protocol: modbus, access: write}
""")


def broadcast(client: str = PC, **more: object) -> Operation:
    return operation(
        client, PLC, 5, 0, 1, **({"unit": 0, "status": UNANSWERED, "answered": 0, "evidence": at(9)} | more)
    )


def polled(*units: int) -> list[Operation]:
    return [operation(HMI, PLC, 3, 0, 10, unit=unit, last_ns=100 * SECOND) for unit in units]


def test_an_unanswered_write_to_unit_0_of_a_gateway_is_found() -> None:
    (one,) = found(RULE, broadcast(), *polled(7), plant=None)
    assert (one.what.key, one.severity, one.evidence) == ("broadcast.unit", "high", (at(9),))


@pytest.mark.parametrize("units", [(), (255,), (0, 255)])
def test_unit_0_of_a_device_that_answers_for_no_other_is_the_device(units: tuple[int, ...]) -> None:
    assert found(RULE, broadcast(), *polled(*units), plant=None) == []


@pytest.mark.parametrize("status", [0, OPEN_AT_END])
def test_who_answers_for_unit_0_or_may_have_is_the_device(status: int) -> None:
    write = broadcast(status=status, answered=int(not status))
    assert found(RULE, write, *polled(7, 8), plant=None) == []


def test_a_read_of_unit_0_and_a_refused_write_are_none() -> None:
    read = operation(PC, PLC, 3, 0, 1, unit=0, status=UNANSWERED, answered=0)
    assert found(RULE, read, broadcast(status=2, answered=1), *polled(7, 8), plant=None) == []


@pytest.mark.parametrize("server", [GROUP, "255.255.255.255", "ff02::1"])
def test_a_write_to_a_group_is_found_whatever_the_unit(server: str) -> None:
    write = operation(PC, server, 6, 3, 1, transport="udp", status=UNANSWERED, answered=0)
    (one,) = found(RULE, write, plant=None)
    assert (one.what.key, one.severity) == ("broadcast.group", "high")


@pytest.mark.parametrize(
    ("server", "transport", "status", "heard", "count"),
    [
        ("10.2.0.255", "udp", UNANSWERED, False, 1),
        ("10.2.0.255", "udp", UNANSWERED, True, 0),
        ("10.2.0.255", "udp", 0, False, 0),
        ("10.2.0.255", "tcp", UNANSWERED, False, 0),
        ("10.2.0.25", "udp", UNANSWERED, False, 0),
    ],
)
def test_a_subnets_own_broadcast_address_never_sends(
    server: str, transport: str, status: int, heard: bool, count: int
) -> None:
    write = operation(PC, server, 6, 3, 1, transport=transport, status=status, answered=int(not status))
    seen = [asset("02:00:00:00:00:01", server)] if heard else []
    assert len(found(RULE, write, *seen, plant=None)) == count


def burst(units: int, last_s: int, function: int = 6) -> list[Operation]:
    span = {"first_ns": SECOND, "last_ns": last_s * SECOND}
    return [operation(PC, PLC, function, 40, 1, unit=unit, **span) for unit in range(1, units + 1)]


@pytest.mark.parametrize(
    ("units", "last_s", "count"),
    [
        (UNITS_AT_ONCE, 1 + BURST_S, 1),
        (UNITS_AT_ONCE - 1, 1 + BURST_S, 0),
        (UNITS_AT_ONCE, 2 + BURST_S, 0),
    ],
)
def test_many_units_in_one_burst_are_one_finding(units: int, last_s: int, count: int) -> None:
    findings = found(RULE, *burst(units, last_s), *polled(1), plant=None)
    assert [one.what.key for one in findings] == ["broadcast.burst"] * count


def test_a_short_capture_cannot_tell_a_burst_from_a_masters_turn() -> None:
    assert found(RULE, *burst(9, 5), plant=None) == []


def test_reading_many_units_is_polling() -> None:
    assert found(RULE, *burst(9, 5, function=3), *polled(1), plant=None) == []


@pytest.mark.parametrize(("client", "severity"), [(HMI, "info"), ("10.1.0.9", "medium")])
def test_what_was_agreed_weighs_less(client: str, severity: str) -> None:
    facts = [conversation(client, PLC), broadcast(client), *polled(7)]
    (one,) = found(RULE, *facts, plant=PLANT)
    assert one.severity == severity
    assert keys([one]) == ["broadcast.unit", "asked-for", "units", "reason.permission"]


def test_what_the_model_denies_is_told_by_other_rules() -> None:
    assert found(RULE, conversation(PC, PLC), broadcast(), *polled(7), plant=PLANT) == []


FLAT = model("""
    version: 1
    zones:
    - {id: office, importance: low, members: 10.3.0.0/24}
    - {id: plc, importance: high, members: 10.2.0.0/24}
""")


@pytest.mark.parametrize(
    ("heard", "severity"),
    [
        ((), "low"),
        ((asset("02:00:00:00:00:07", PLC),), "high"),
        ((asset("02:00:00:00:00:07", PLC, "9"),), "low"),
        # Through a router it hears nothing of this link.
        (
            (
                asset("02:00:00:00:00:07", PLC),
                *(asset("02:00:00:00:00:07", f"10.9.0.{n}") for n in range(12)),
            ),
            "low",
        ),
    ],
)
def test_what_is_sent_to_everybody_is_as_grave_as_for_the_gravest_who_hears_it(
    heard: tuple[Asset, ...], severity: str
) -> None:
    write = operation("10.3.0.5", GROUP, 5, 0, 1, transport="udp", status=UNANSWERED, answered=0)
    sender = asset("02:00:00:00:00:05", "10.3.0.5")
    (one,) = found(RULE, write, sender, *heard, plant=FLAT)
    assert one.severity == severity
