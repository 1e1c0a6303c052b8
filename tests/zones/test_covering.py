from __future__ import annotations

from hypothesis import given, settings

from otmon.zones.covering import covers
from otmon.zones.model import Permission
from tests.zones.facts import model
from tests.zones.test_permission_table import FACTS, numbers, permissions, read, table_of


@settings(max_examples=300)
@given(permissions(), permissions(), FACTS)
def test_what_a_covered_permission_allows_the_other_one_does(
    wide: Permission, narrow: Permission, fact: object
) -> None:
    if covers(wide, narrow):
        allowed = numbers(table_of(wide, narrow).allowing(read(fact)), 2)  # type: ignore[arg-type]
        assert 1 not in allowed or 0 in allowed


@given(permissions())
def test_a_permission_covers_itself(one: Permission) -> None:
    assert covers(one, one)


def of(*texts: str) -> tuple[Permission, ...]:
    listed = "".join(f"\n          - {{from: a, {text}}}" for text in texts)
    return (
        model(f"""
        timezone: Asia/Tokyo
        zones:
        - {{id: a, importance: 大, members: 10.1.0.0/24}}
        - {{id: b, importance: 小, members: 10.2.0.0/24}}
        boundaries:
        - id: x
          between: [a, b]
          allow:{listed}
    """)
        .boundaries[0]
        .permissions
    )


def test_times_and_limits_are_part_of_it() -> None:
    limit = "limits: [{holding_register: 1, low: 0, high: 9}]"
    free, hours, limited, ends, sooner = of(
        "protocol: modbus",
        "protocol: modbus, hours: daily 08:00-09:00",
        f"protocol: modbus, {limit}",
        "protocol: modbus, expires: 2026-12-31",
        "protocol: modbus, expires: 2026-06-30",
    )
    assert covers(free, hours) and covers(free, limited) and covers(free, ends) and covers(ends, sooner)
    assert not covers(hours, free) and not covers(limited, free)
    assert not covers(ends, free) and not covers(sooner, ends)


def test_a_rate_is_part_of_it() -> None:
    free, slow, quick, packets, others = of(
        "protocol: modbus",
        "protocol: modbus, rate: 10/minute",
        "protocol: modbus, rate: 20/minute",
        "protocol: [modbus, ssh], rate: 900/minute",
        "protocol: ssh, rate: 10/minute",
    )
    assert covers(free, slow) and covers(quick, slow) and covers(packets, others)
    assert not covers(slow, free) and not covers(slow, quick)
    # One counts packets, the other one requests.
    assert not covers(packets, slow)
