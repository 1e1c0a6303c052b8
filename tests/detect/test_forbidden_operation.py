from __future__ import annotations

import pytest

from otmon.detect.rules.load import shipped_rules
from tests.detect.plant import HMI, PC, PLC, at, found, keys
from tests.zones.facts import conversation, operation

RULE = "forbidden-operation"
RANGES_SHOWN = shipped_rules()[RULE].number("ranges_shown")
ALLOWED = conversation(HMI, PLC)


def test_a_write_on_a_connection_that_may_only_read_is_critical() -> None:
    write = operation(HMI, PLC, 6, 21, 1, times=3, first_ns=5, last_ns=8, evidence=at(4))
    (one,) = found(RULE, ALLOWED, write)
    assert (one.severity, one.count, one.unit, one.first_ns, one.last_ns) == (
        "critical",
        3,
        "transactions",
        5,
        8,
    )
    assert one.evidence == (at(4),)
    assert (one.place.boundary, one.place.settings_owner) == ("control-plc", "production")
    assert keys([one]) == ["operation", "reason.not-listed", "nearest", "elements"]
    assert dict(one.why[-1].params) == {"items": "1:21"}


@pytest.mark.parametrize(
    "allowed", [operation(HMI, PLC, 3, 0, 100), operation(HMI, PLC, 3, 99, 1), operation(HMI, PLC, 4, 0, 1)]
)
def test_what_a_permission_lists_is_not_found(allowed: object) -> None:
    expected = 0 if getattr(allowed, "function") == 3 else 1  # noqa: B009
    assert len(found(RULE, ALLOWED, allowed)) == expected  # type: ignore[arg-type]


def test_a_register_beyond_the_permitted_ones_is_found() -> None:
    (one,) = found(RULE, ALLOWED, operation(HMI, PLC, 3, 99, 2))
    assert one.severity == "medium"
    assert dict(one.why[-1].params)["items"] == "1:99-100"


@pytest.mark.parametrize(
    ("status", "severity", "says"),
    [(0, "critical", False), (2, "high", True), (-1, "critical", False), (-2, "critical", False)],
)
def test_a_refusal_by_the_device_is_said_and_weighs_less(status: int, severity: str, says: bool) -> None:
    (one,) = found(RULE, ALLOWED, operation(HMI, PLC, 6, 1, 1, status=status))
    assert one.severity == severity
    assert ("refused" in keys([one])) == says
    assert ("unanswered" in keys([one])) == (status == -1)


def test_one_finding_for_each_service_however_many_registers() -> None:
    facts = [
        operation(HMI, PLC, 6, 2 * n, 1, unit=1 + n % 2, evidence=at(n + 1)) for n in range(RANGES_SHOWN + 4)
    ]
    (one,) = found(RULE, ALLOWED, *facts)
    assert one.count == RANGES_SHOWN + 4
    assert one.why[-1].key == "elements-more"
    assert dict(one.why[-1].params)["more"] == 4
    assert one.evidence == (at(1), at(2), at(3))
    assert len(found(RULE, ALLOWED, *facts, operation(HMI, PLC, 5, 0, 1))) == 2


def test_commands_of_a_denied_connection_are_not_told_twice() -> None:
    assert found(RULE, conversation(PC, PLC), operation(PC, PLC, 6, 0, 1)) == []


def test_without_a_model_nothing_is_forbidden() -> None:
    assert found(RULE, ALLOWED, operation(HMI, PLC, 6, 0, 1), plant=None) == []
