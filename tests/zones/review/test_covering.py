from __future__ import annotations

import time

import pytest
from hypothesis import given, settings

from otmon.zones.model import Permission
from otmon.zones.nearest import numbers
from otmon.zones.review.covering import PAIRS, covers, overlaps
from tests.zones.facts import model
from tests.zones.plain_reading import allowing
from tests.zones.test_permission_table import FACTS, permissions, read, table_of


@settings(max_examples=300)
@given(permissions(), permissions(), FACTS)
def test_what_a_covered_permission_allows_the_other_one_does(
    wide: Permission, narrow: Permission, fact: object
) -> None:
    if covers(wide, narrow):
        allowed = numbers(allowing(table_of(wide, narrow), read(fact))[0], 2)  # type: ignore[arg-type]
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


def told(*texts: str) -> tuple[list[tuple[str, str]], list[tuple[str, str, str]]]:
    permissions = of(*texts)
    names = {one.id: str(number) for number, one in enumerate(permissions)}
    return (
        [(names[one.id], names[other.id]) for one, other in overlaps(permissions).shadowed],
        [(names[one.id], field, names[other.id]) for one, field, other in overlaps(permissions).voided],
    )


LIMIT = "limits: [{holding_register: 3, low: 0, high: 5}]"


def test_the_order_of_the_lines_plays_no_part() -> None:
    wide, narrow = "protocol: tls, port: 400-500", "protocol: tls, port: 443"
    assert told(narrow, wide) == ([("0", "1")], [])
    assert told(wide, narrow) == ([("1", "0")], [])
    # Of two that say the same the later one is idle.
    assert told(wide, wide) == ([("1", "0")], [])


def test_what_a_function_asks_for_is_known() -> None:
    one = f"protocol: modbus, functions: write-single-register, holding_registers: 3, {LIMIT}"
    assert told(one, "protocol: modbus, access: write, holding_registers: 3") == ([("0", "1")], [])
    assert told(one, "protocol: modbus, access: read, holding_registers: 3") == ([], [])


@pytest.mark.parametrize(
    ("restriction", "other", "field"),
    [
        (LIMIT, "protocol: modbus, access: write", "limits"),
        (LIMIT, "protocol: modbus, holding_registers: 3-4, limits: [{holding_register: 3, low: 0, high: 6}]",
         "limits"),
        (LIMIT, "protocol: modbus, access: write, holding_registers: 4-9", ""),
        (LIMIT, "protocol: modbus, access: read", ""),
        (LIMIT, "protocol: modbus, access: write, limits: [{holding_register: 3, low: 1, high: 4}]", ""),
        ("access: write, hours: mon-fri 08:00-18:00", "protocol: modbus, units: 1-9", "schedule"),
        ("access: write, hours: mon-fri 08:00-18:00", "protocol: modbus, access: read", ""),
        # Hours add up, and something narrower that is always allowed is meant.
        ("access: write, hours: daily 08:00-18:00", "protocol: modbus, units: 1, hours: sat 08:00-09:00", ""),
        ("access: [read, write], hours: daily 08:00-18:00", "protocol: modbus, access: read, units: 2", ""),
        ("access: write, expires: 2026-12-31", "protocol: modbus, units: 1-9", "expires"),
        ("access: write, expires: 2026-12-31", "protocol: tls", ""),
    ],
)  # fmt: skip
def test_a_restriction_that_another_permission_voids(restriction: str, other: str, field: str) -> None:
    both = f"units: 1-20, protocol: modbus, {restriction}", other
    for order in (both, both[::-1]):
        _, found = told(*order)
        place = str(order.index(both[0]))
        assert [one for one in found if one[0] == place] == (
            [(place, field, str(1 - int(place)))] if field else []
        )


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("units: {unit}, access: write, holding_registers: {n}, hours: daily 08:00-09:00, "
         "limits: [{{holding_register: {n}, low: 0, high: 9}}]", True),
        ("access: write, holding_registers: {n}, {hours}", True),
        # Only request by request it can be seen that none voids another.
        ("functions: {function}, holding_registers: {n}, {hours}", False),
    ],
)  # fmt: skip
def test_a_long_list_is_compared_in_time(text: str, whole: bool) -> None:
    hours = ("hours: daily 08:00-09:00", "units: 1-9")
    lines = [text.format(n=n, unit=n % 250, hours=hours[n % 2], function=n % 6 + 1) for n in range(400)]
    many = of(*(f"protocol: modbus, {line}" for line in lines))
    begin = time.process_time()
    found = overlaps(many)
    assert found.whole == whole and len(found.shadowed) + len(found.voided) <= PAIRS
    assert time.process_time() - begin < 40
