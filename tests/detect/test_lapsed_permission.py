from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from otmon.findings.judge import judge
from otmon.ledger.facts import HOUR_NS, HOURS, MONDAY, Source
from otmon.ledger.merge import collect, merge
from otmon.zones.times import instant_of
from tests.detect.plant import found, keys, ledger_of
from tests.zones.facts import conversation, model, operation

RULE = "lapsed-permission"
GATEWAY, HMI, PLC = "10.1.0.8", "10.1.0.5", "10.2.0.1"

PLANT = model(f"""
    version: 1
    timezone: Asia/Tokyo
    zones:
    - {{id: control, importance: high, members: 10.1.0.0/24}}
    - {{id: plc, importance: high, members: 10.2.0.0/24}}
    boundaries:
    - id: control-plc
      between: [control, plc]
      settings_owner: production
      allow:
      - {{id: remote, from: {GATEWAY}, protocol: ssh, port: 22, hours: mon-fri 09:00-17:00}}
      - {{id: reads, from: {HMI}, protocol: modbus, access: read}}
      - {{id: writes, from: {HMI}, protocol: modbus, access: write,
         during: 2026-04-18 22:00 to 2026-04-19 05:00}}
      exceptions:
      - {{id: test-bench, from: 10.1.0.7, protocol: modbus, expires: 2026-04-10, reason: a test,
         approver: 工場長}}
""")


def seen(local: str, hours: int = 1) -> dict[str, Any]:
    """Times of a fact that begins at a local time and is seen for so many hours."""
    first = instant_of(datetime.fromisoformat(local), "Asia/Tokyo")
    last = first + (hours - 1) * HOUR_NS
    bits = sum(1 << (hour + MONDAY) % HOURS for hour in range(first // HOUR_NS, last // HOUR_NS + 1))
    return {"hours": bits, "first_ns": first, "last_ns": last}


def ssh(local: str, hours: int = 1) -> Any:
    return conversation(GATEWAY, PLC, 22, "ssh", **seen(local, hours))


def test_a_session_at_night_is_found_and_nothing_else_tells_it() -> None:
    (one,) = judge(ledger_of(ssh("2026-04-19T02:10")), PLANT)
    assert (one.rule, one.severity, one.place.boundary) == (RULE, "high", "control-plc")
    assert keys([one]) == ["conversation", "not-then", "reason.not-listed", "nearest", "nearest", "nearest"]
    assert dict(one.why[0].params) == {"permissions": "remote"}


@pytest.mark.parametrize("local", ["2026-04-14T09:00", "2026-04-14T16:59"])
def test_a_session_in_its_hours_is_not_found(local: str) -> None:
    assert judge(ledger_of(ssh(local)), PLANT) == ()


def test_a_session_that_goes_on_into_the_night_is_found() -> None:
    assert len(found(RULE, ssh("2026-04-14T15:00", 5), plant=PLANT)) == 1


def test_a_write_outside_the_maintenance_window_is_found_although_reading_is_allowed() -> None:
    talk = conversation(HMI, PLC, **seen("2026-04-18T12:00", 20))
    read = operation(HMI, PLC, 3, 0, 1, **seen("2026-04-18T12:00", 20))
    inside = operation(HMI, PLC, 6, 7, 1, **seen("2026-04-18T23:00"))
    outside = operation(HMI, PLC, 6, 8, 1, **seen("2026-04-19T06:00"))
    assert judge(ledger_of(talk, read, inside), PLANT) == ()
    (one,) = judge(ledger_of(talk, read, inside, outside), PLANT)
    assert (one.rule, one.severity) == (RULE, "critical")


def test_an_expired_permission_is_found_used_or_not() -> None:
    late = Source("a.pcap", 1, 60, 0, instant_of(datetime(2026, 4, 14), "Asia/Tokyo"), ())
    (one,) = judge(collect(sources=[late]), PLANT)
    assert (one.rule, one.severity, one.key) == (RULE, "low", ("expired", "test-bench"))
    assert keys([one]) == ["expired", "expired-line", "approved-by"]
    talk = conversation("10.1.0.7", PLC, **seen("2026-04-14T12:00"))
    used, unused = judge(merge(ledger_of(talk), collect(sources=[late])), PLANT)
    assert (used.key[0], unused.key[0]) == ("used", "expired")
    early = conversation("10.1.0.7", PLC, **seen("2026-04-10T23:00"))
    assert judge(ledger_of(early), PLANT) == ()


def test_an_expired_permission_inside_a_zone_is_found_too() -> None:
    plant = model("""
        version: 1
        timezone: Asia/Tokyo
        zones:
        - id: cell
          importance: high
          members: 10.2.0.0/24
          inside: listed
          allow: [{id: trial, from: 10.2.0.7, to: 10.2.0.1, protocol: modbus, expires: 2026-04-10}]
    """)
    ends = [instant_of(datetime(2026, 4, day), "Asia/Tokyo") for day in (10, 11)]
    before, after = (collect(sources=[Source("a.pcap", 1, 60, 0, end, ())]) for end in ends)
    assert judge(before, plant) == ()
    (one,) = judge(after, plant)
    assert (one.rule, one.severity, one.key) == (RULE, "low", ("expired", "trial"))
    assert keys([one]) == ["expired-inside", "expired-line"]
    assert (one.place.from_zone, one.place.to_zone, one.place.boundary) == ("cell", "cell", "")
