"""Grants: joining them changes nothing, widening takes nothing away."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from otmon.ledger.facts import Conversation, Operation
from otmon.zones.address import host, parse_address
from otmon.zones.decide import decide, index
from otmon.zones.files.permission import Sides
from otmon.zones.functions import MODBUS_OBJECTS
from otmon.zones.learning.grant import (
    LEVELS,
    NAMED,
    Grant,
    Seen,
    coarse,
    condensed,
    exact,
    joined,
    longest,
    permission,
    trimmed,
)
from otmon.zones.model import Endpoint, FunctionRef, Model
from otmon.zones.place import Index
from tests.zones.facts import conversation, model, operation

PLANT = model("""
    zones:
    - {id: a, importance: low, members: 10.1.0.0/24}
    - {id: b, importance: low, members: 10.2.0.0/24}
    boundaries:
    - {id: a-b, between: [a, b]}
""")
SIDES = Sides(("a", "b"), {zone.id: zone.members for zone in PLANT.zones})
CLIENTS, SERVERS = ["10.1.0.1", "10.1.0.2", "10.1.0.3"], ["10.2.0.1", "10.2.0.2"]
UNIVERSE: list[Conversation | Operation] = [
    *(
        conversation(a, b, port, protocol, transport=transport)
        for a, b, port in product(CLIENTS, SERVERS, (80, 81, 502))
        for protocol in ("modbus", "http")
        for transport in ("tcp", "udp")
    ),
    *(
        operation(a, b, function, address, 2, unit=unit, access=access, subfunction=sub)
        for a, b, unit in product(CLIENTS, SERVERS, (1, 2))
        for function, sub in ((1, -1), (3, -1), (16, -1), (17, -1), (43, 14), (43, 13))
        for access in ("read", "write")
        for address in ((0, 5, -1) if function in MODBUS_OBJECTS else (-1,))
    ),
]


def end(zone: str, address: str) -> Endpoint:
    parsed = parse_address(address)
    assert parsed is not None
    return Endpoint(zone, host(parsed))


def cell(fact: Conversation | Operation, number: int = 0) -> Grant:
    grant = Grant(
        frozenset((end("a", fact.client),)), frozenset((end("b", fact.server),)), frozenset((fact.protocol,)),
        frozenset((fact.transport,)), ((fact.port, fact.port),), frozenset(), frozenset(), (), (),
        Seen(frozenset((number,)), 1, number, number + 1),
    )  # fmt: skip
    if isinstance(fact, Conversation):
        return grant
    kind = MODBUS_OBJECTS.get(fact.function)
    subfunction = None if fact.subfunction < 0 else fact.subfunction
    return replace(
        grant,
        access=frozenset((fact.access,)),
        functions=frozenset((FunctionRef(fact.function, subfunction, ""),)),
        units=((fact.unit, fact.unit),),
        objects=((kind, ((fact.address, fact.address + 1),)),) if kind and fact.address >= 0 else (),
    )  # fmt: skip


def ready(grants: list[Grant]) -> Index:
    (border,) = PLANT.boundaries
    listed = tuple(permission(grant, str(number)) for number, grant in enumerate(grants))
    return index(Model(PLANT.zones, (replace(border, permissions=listed),), ()))


def allowed(grants: list[Grant]) -> list[bool]:
    made = ready(grants)
    return [decide(made, fact).outcome == "allowed" for fact in UNIVERSE]


some = st.sets(st.integers(0, len(UNIVERSE) - 1), min_size=1, max_size=40).map(
    lambda numbers: [cell(UNIVERSE[number], number) for number in sorted(numbers)]
)


@given(some, st.randoms(use_true_random=False))
def test_exact_grants_allow_what_the_single_ones_allow(cells: list[Grant], random: object) -> None:
    found = exact(cells)
    assert allowed(found) == allowed(cells)
    assert len(found) <= len(cells)
    shuffled = list(cells)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert len(exact(shuffled)) == len(found) and allowed(exact(shuffled)) == allowed(cells)
    assert joined(grant.seen for grant in found) == joined(grant.seen for grant in cells)


@given(some, st.integers(1, 3))
def test_each_level_allows_what_the_one_before_allowed_in_no_more_grants(
    cells: list[Grant], most: int
) -> None:
    before, number = allowed(exact(cells)), len(exact(cells))
    for level in LEVELS:
        wider = coarse(exact(cells), level)
        assert len(wider) <= number
        after = allowed(wider)
        assert all(now for was, now in zip(before, after, strict=True) if was)
        short = [trimmed(grant, most) for grant in wider]
        assert all(now for was, now in zip(after, allowed(short), strict=True) if was)
        before, number = after, len(wider)
    assert number == 1


def test_what_differs_in_one_thing_is_one_grant() -> None:
    facts = [
        operation(a, b, function, address, 2, unit=unit)
        for a, b, unit in product(CLIENTS, SERVERS, (1, 2))
        for function, address in ((1, 0), (3, 0), (3, 2), (3, 9))
    ]
    (grant,) = exact([cell(fact) for fact in facts])
    assert grant.objects == (("coils", ((0, 1),)), ("holding_registers", ((0, 3), (9, 10))))
    assert grant.units == ((1, 2),) and len(grant.clients) == 3 and longest(grant) == 3
    assert grant.seen.requests == len(facts)


def test_a_function_on_no_element_stays_beside_elements_and_a_blind_one_does_not() -> None:
    reads, identity = operation("10.1.0.1", "10.2.0.1", 3, 0, 2), operation("10.1.0.1", "10.2.0.1", 17)
    same = replace(identity, access="read")
    assert len(exact([cell(reads), cell(same)])) == 1
    assert len(exact([cell(reads), cell(identity)])) == 2
    assert len(exact([cell(reads), cell(replace(reads, function=4, address=-1))])) == 2


def test_long_lists_become_the_zone_and_ranges() -> None:
    facts = [conversation(f"10.1.0.{n}", "10.2.0.1", 2 * n) for n in range(1, 9)]
    (grant,) = coarse([cell(fact) for fact in facts], 2)
    short = trimmed(grant, 4)
    assert short.clients == {Endpoint("a", None)} and short.ports == ((2, 16),)
    assert short.servers == grant.servers and trimmed(grant, 8) == grant


def test_many_addresses_are_condensed_where_the_model_can_name_the_network() -> None:
    ends = frozenset(end("a", f"10.1.0.{n}") for n in range(16))
    grant = replace(cell(UNIVERSE[0]), clients=ends)
    (network,) = condensed(grant, SIDES).clients
    assert str(network.network) == "10.1.0.0/28"
    few = replace(grant, clients=frozenset(sorted(ends, key=str)[:NAMED]))
    assert condensed(few, SIDES) == few
    single = model(
        "\n".join(
            ["zones:", "- id: a", "  importance: low", "  members:"] + [f"  - 10.1.0.{n}" for n in range(16)]
        )
    )
    narrow = Sides(("a", "b"), {"a": single.zones[0].members, "b": PLANT.zones[1].members})
    assert condensed(grant, narrow) == grant
