"""Boxes taken away from each other, against counting their points."""

from __future__ import annotations

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from otmon.zones.model import Permission
from otmon.zones.review.address_class import lists
from otmon.zones.review.region import BOXES, Box, box, left, meets, opaque, vocabulary
from tests.zones.facts import model

SIDES = st.tuples(*[st.integers(0, 3)] * 6)


def points(one: Box) -> set[tuple[int, ...]]:
    return set(product(*[[bit for bit in range(2) if side >> bit & 1] for side in one]))


@given(SIDES, st.lists(SIDES, max_size=4))
def test_what_is_left_is_what_nobody_took(whole: Box, away: list[Box]) -> None:
    boxes, exact = left(whole, away)
    assert exact
    rest = points(whole).difference(*map(points, away))
    assert set().union(*map(points, boxes)) == rest
    assert sum(len(points(one)) for one in boxes) == len(rest), "they overlap"


@given(SIDES, SIDES)
def test_boxes_meet_where_they_share_a_point(one: Box, other: Box) -> None:
    assert meets(one, other) == bool(points(one) & points(other))


def test_too_many_pieces_are_told_as_the_whole() -> None:
    many = (1 << 64) - 1
    away: list[Box] = [(1 << n, 1 << n, 1, 1, 1, 1) for n in range(64)]
    assert left((many, many, 1, 1, 1, 1), away)[1]
    diagonal: list[Box] = [tuple(many & ~(1 << (n * k) % 64) for k in range(1, 7)) for n in range(1, 9)]  # type: ignore[misc]
    boxes, exact = left((many,) * 6, diagonal)
    assert exact or boxes == [(many,) * 6]
    assert len(boxes) <= BOXES


def permissions(*limits: str) -> list[Permission]:
    text = ", ".join(f"{{from: a, to: b, {one}}}" for one in limits)
    plant = model(
        "version: 1\nzones:\n- {id: a, importance: low, members: 10.1.0.0/24}\n"
        "- {id: b, importance: low, members: 10.2.0.0/24}\n"
        f"boundaries:\n- {{id: a-b, between: [a, b], allow: [{text}]}}\n"
    )
    return [permission for _, permission in lists(plant)]


def covers(one: str, *others: str) -> bool:
    """Whether the others together allow all that the first does."""
    first, *rest = permissions(one, *others)
    words = vocabulary([first, *rest])
    return not left(box(first, (1, 1), words), [box(other, (1, 1), words) for other in rest])[0]


def test_permissions_cover_each_other_as_decide_takes_them() -> None:
    assert covers("protocol: modbus", "protocol: any")
    assert not covers("protocol: any", "protocol: [modbus, tls]")
    assert covers("protocol: [modbus, tls]", "protocol: modbus", "protocol: tls")
    assert covers("protocol: any, port: 1-10", "protocol: any, port: 1-5", "protocol: any, port: 6-10")
    assert covers("protocol: modbus, access: [read, write]", "protocol: modbus")
    assert not covers("protocol: modbus", "protocol: modbus, access: [read, write, control]")
    reads, rest = "protocol: modbus, holding_registers: 0-9", "protocol: modbus, holding_registers: 10-19"
    assert not covers("protocol: modbus, holding_registers: 0-19", reads, rest), "5-15 crosses the edge"
    assert covers("protocol: modbus, holding_registers: 2-4", reads)
    assert covers("protocol: modbus, functions: 3, units: 1-2", "protocol: modbus, units: 1-9")
    assert covers("protocol: modbus, functions: read-coils", "protocol: modbus, access: read")
    assert not covers("protocol: modbus, functions: 43", "protocol: modbus, functions: 43/14")
    assert covers("protocol: modbus, functions: 43/14", "protocol: modbus, functions: 43")


def test_every_known_field_is_modelled_and_restricts_nothing_twice() -> None:
    (permission,) = permissions(
        "protocol: modbus, access: read, units: 1, coils: 0-9, functions: 1, port: 502"
    )
    assert opaque(permission) == () and opaque(None) == ()
