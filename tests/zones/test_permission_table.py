"""Sets of permissions say the same as reading one permission after the other does."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otmon.ledger.facts import UNKNOWN, Conversation, Operation
from otmon.zones.address import Network, parse_network
from otmon.zones.model import Boundary, Endpoint, FunctionRef, Line, Name, Permission, merged
from otmon.zones.nearest import NEAREST, aspects_of, nearest, numbers
from otmon.zones.permission_table import PermissionTable, permission_table
from tests.zones.facts import conversation, model, operation
from tests.zones.plain_reading import Subject, allowing, distance, fit_of, lacking

HOSTS = {"10.1.0.1": "a", "10.1.0.2": "a", "10.1.0.130": "a", "10.2.0.1": "b", "10.2.0.2": "b"}
NETWORKS = {
    "a": ("10.1.0.1/32", "10.1.0.0/25", "10.1.0.0/24"),
    "b": ("10.2.0.1/32", "10.2.0.0/30"),
}


def network(text: str) -> Network:
    found = parse_network(text)
    assert found is not None
    return found


def endpoints(zone: str) -> st.SearchStrategy[tuple[Endpoint, ...]]:
    parts = [Endpoint(zone, None), *(Endpoint(zone, network(text)) for text in NETWORKS[zone])]
    return st.lists(st.sampled_from(parts), min_size=1, max_size=3).map(tuple)


def ranges(highest: int) -> st.SearchStrategy[tuple[tuple[int, int], ...]]:
    pair = st.tuples(st.integers(0, highest), st.integers(0, 3)).map(lambda p: (p[0], p[0] + p[1]))
    return st.lists(pair, max_size=3).map(merged)


def some(*values: str) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(values), max_size=2, unique=True).map(tuple)


FUNCTIONS = (
    FunctionRef(3, None, ""),
    FunctionRef(43, 14, ""),
    FunctionRef(8, None, ""),
    FunctionRef(None, None, "read-holding-registers"),
)


@st.composite
def permissions(draw: st.DrawFn) -> Permission:
    client, server = draw(st.sampled_from([("a", "b"), ("b", "a")]))
    kinds = draw(st.lists(st.sampled_from(["coils", "holding_registers"]), max_size=2, unique=True))
    objects = tuple((kind, draw(ranges(12).filter(bool))) for kind in kinds)
    return Permission(
        id="p", line=Line("m.yaml", 1),
        clients=draw(endpoints(client)), servers=draw(endpoints(server)),
        protocols=draw(some("modbus", "dns")), transports=draw(some("tcp", "udp")),
        ports=draw(st.one_of(ranges(510), st.just(((502, 502),)))),
        access=draw(some("read", "write", "identify")),  # type: ignore[arg-type]
        functions=draw(st.lists(st.sampled_from(FUNCTIONS), max_size=2).map(tuple)),
        units=draw(ranges(3)), objects=objects,  # type: ignore[arg-type]
        limits=(),
        reason="",
    )  # fmt: skip


FACTS: st.SearchStrategy[Conversation | Operation] = st.one_of(
    st.builds(
        conversation, st.sampled_from(sorted(HOSTS)), st.sampled_from(sorted(HOSTS)),
        st.sampled_from([0, 501, 502, 510]), st.sampled_from(["modbus", "none", "unknown"]),
        expected=st.sampled_from(["modbus", ""]),
    ),
    st.builds(
        operation, st.sampled_from(sorted(HOSTS)), st.sampled_from(sorted(HOSTS)),
        st.sampled_from([1, 3, 6, 7, 43, 99]), st.integers(-1, 14), st.sampled_from([UNKNOWN, 0, 1, 3]),
        unit=st.integers(0, 4), subfunction=st.sampled_from([UNKNOWN, 14]),
    ),
)  # fmt: skip


def table_of(*permissions: Permission) -> PermissionTable:
    names = Name("", ""), ("a", "b"), "", "", ""
    return permission_table(Boundary("b", Line("m.yaml", 1), *names, permissions), {})


def read(fact: Conversation | Operation) -> Subject:
    return Subject(fact, HOSTS[fact.client], HOSTS[fact.server])


@settings(max_examples=400)
@given(st.lists(permissions(), max_size=8).map(tuple), FACTS)
def test_the_sets_say_what_a_plain_reading_says(given: tuple[Permission, ...], fact: Operation) -> None:
    one, table = read(fact), table_of(*given)
    expected = [lacking(permission, one) for permission in given]
    fit = fit_of(table, one)
    lacks = table.lacking(fit)
    assert [aspects_of(number, lacks) for number in range(len(given))] == expected
    allowed, turned = allowing(table, one)
    assert numbers(allowed, 9) == [n for n, found in enumerate(expected) if not found]
    reverse = [n for n, found in enumerate(expected) if found == ["direction"]]
    assert numbers(turned, 9) == reverse
    if [] not in expected:
        order = sorted(range(len(given)), key=lambda n: (distance(expected[n]), n))
        assert nearest(lacks, table.everyone, 3) == order[:3]
        assert [near.number for near in table.nearest_to(fit).permissions] == order[:NEAREST]


def test_of_several_that_allow_one_without_a_rate_counts_then_the_highest() -> None:
    ends = (Endpoint("a", None),), (Endpoint("b", None),)
    free = Permission("p", Line("m.yaml", 1), *ends, (), (), (), (), (), (), (), (), "")
    table = table_of(*(replace(free, rate=rate) for rate in (10, 20, 20, None)))
    assert table.rated == 0b0111
    assert table.deciding(0b1111) == 3
    assert table.deciding(0b0111) == 1
    assert table.deciding(0b0101) == 2
    assert table.deciding(0b0001) == 0


def test_what_is_remembered_of_the_nearest_is_what_would_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    allow = ", ".join(f"{{from: 10.1.0.{n}, protocol: modbus, port: {n % 4 + 1}}}" for n in (1, 2, 130, 1, 2))
    several = model(f"""
        zones:
        - {{id: a, importance: low, members: 10.1.0.0/24}}
        - {{id: b, importance: low, members: 10.2.0.0/24}}
        boundaries:
        - {{id: x, between: [a, b], allow: [{allow}]}}
    """)
    monkeypatch.setattr("otmon.zones.permission_table.NEARBY", 3)
    table = permission_table(several.boundaries[0], {})
    clients = [host for host, zone in HOSTS.items() if zone == "a"]
    for client, port in [*product(clients, range(1, 6))] * 2:
        fit = fit_of(table, read(conversation(client, "10.2.0.1", port, "tls")))
        lacks = table.lacking(fit)
        aspects, found = table.nearest_to(fit)
        assert [one.number for one in found] == nearest(lacks, table.everyone, 3)
        for one in found:
            lacking = aspects_of(one.number, lacks)
            told = [aspect for aspect in lacking if aspect != "client" or "direction" not in lacking]
            assert [aspect for aspect, _ in one.lacks] == told
        assert {*aspects} == {aspect for one in found for aspect, _ in one.lacks}
        assert len(table.nearby) <= 3
