"""Ledgers for properties: few names and small numbers, so that keys collide and sweeps happen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import strategies as st

from otmon.ledger.course import SHORTEST_NS, Window, joined
from otmon.ledger.facts import (
    NEVER,
    NO_CHANGE,
    NO_STEP,
    RATES,
    RESPONSE_BOUNDS_NS,
    WAYS,
    Anomaly,
    Asset,
    AssetClaim,
    Busiest,
    Change,
    Conversation,
    CredentialSeen,
    Damage,
    Evidence,
    Extreme,
    NamesAsked,
    Operation,
    Peak,
    Source,
    WrittenValue,
)
from otmon.ledger.ledger import Limits
from otmon.ledger.merge import collect

SMALL = Limits(
    assets=3, conversations=3, operations=1000, written=3, anomalies=3, credentials=3, claims=3, values=2,
    names=3, damage=2, ranges=4
)  # fmt: skip

times = st.integers(0, 9)
amounts = st.integers(0, 5)
hours = st.sampled_from([0, 1, 1 << 167, (1 << 168) - 1])
hosts = st.sampled_from(["10.0.0.1", "10.0.0.2"])
names = st.sampled_from(["a.pcap", "工場.pcap", "\udc95\\.pcap"])
links: tuple[st.SearchStrategy[Any], ...] = (
    hosts,
    hosts,
    st.sampled_from(["tcp", "udp"]),
    st.just(502),
    st.sampled_from(["modbus", "unknown"]),
    st.sampled_from(["", "10"]),
)
evidence = st.builds(Evidence, times, names, st.integers(1, 5), amounts)
busiest = st.builds(Busiest, amounts, evidence)
counters = st.dictionaries(st.sampled_from(["layer.ip", "layer.tcp"]), amounts).map(
    lambda found: tuple(sorted(found.items()))
)
sources = st.builds(Source, names, amounts, amounts, times, times, counters)
damage = st.builds(
    Damage, names, st.sampled_from(["cut-record", "garbage"]), st.integers(-1, 1), amounts, st.text("ab")
)
peaks = st.dictionaries(st.sampled_from(RATES), st.tuples(amounts, times)).map(
    lambda found: tuple(sorted(Peak(kind, *most) for kind, most in found.items()))
)
octets = st.sampled_from([0, 1, 1 << 255, (1 << 256) - 1])
assets = st.builds(
    Asset, st.just("00:00:00:00:00:01"), hosts, links[5], amounts, amounts, amounts, octets, peaks, times,
    times, evidence,
)  # fmt: skip
conversations = st.builds(
    Conversation,
    *links,
    st.just(""),
    st.sampled_from(["handshake", "protocol", "port", "first packet"]),
    st.booleans(),
    amounts,
    amounts,
    amounts,
    amounts,
    amounts,
    amounts,
    st.sampled_from(["", "gre", "erspan"]),
    busiest,
    hours,
    times,
    times,
    evidence,
)
bare_operations = st.builds(
    Operation,
    st.just("10.0.0.1"),
    st.just("10.0.0.2"),
    st.just("tcp"),
    st.just(502),
    st.just("modbus"),
    st.just(""),
    st.just(1),
    st.sampled_from([3, 16]),
    st.just(-1),
    st.just("service"),
    st.sampled_from(["read", "write"]),
    st.integers(-1, 12),
    st.integers(-1, 3),
    st.just(0),
    st.booleans(),
    amounts,
    amounts,
    amounts,
    amounts,
    st.just(0),
    st.just(()),
    amounts,
    busiest,
    st.just(()),
    hours,
    times,
    times,
    evidence,
)


@st.composite
def operations(draw: st.DrawFn) -> Operation:
    """Some with a course, of requests from less than a window to days apart."""
    counts = draw(st.lists(amounts, max_size=len(RESPONSE_BOUNDS_NS)))
    while counts and not counts[-1]:
        del counts[-1]
    answered = sum(counts) + draw(st.integers(0, 2))
    one = replace(draw(bare_operations), answered=answered, response_counts=tuple(counts))
    unit = draw(st.sampled_from([1, SHORTEST_NS, 60_000_000_000, 7 * SHORTEST_NS, 86_400_000_000_000]))
    moments = [unit * moment for moment in draw(st.lists(times, max_size=5))]
    if not moments:
        return one
    alone = (
        (moment, moment, (Window(1, *draw(st.tuples(amounts, amounts, amounts))),)) for moment in moments
    )
    return replace(one, first_ns=min(moments), last_ns=max(moments), course=joined(alone))


@st.composite
def written(draw: st.DrawFn) -> WrittenValue:
    words = draw(st.integers(1, 2))
    value = st.sampled_from([0, 1, 0x7FFF, 0x8000, 0xFFFF] if words == 1 else [0, 1 << 16, 1, (1 << 32) - 1])
    extreme = st.builds(Extreme, value, st.sampled_from([-1, 5]), evidence)
    extremes = draw(st.tuples(*[extreme] * (4 * words)))
    moved = st.builds(Extreme, value, st.sampled_from([5, 7 << 16 if words == 2 else 9]), evidence)
    whole = st.tuples(*[moved] * (len(WAYS) if words == 2 else 2))
    some = st.tuples(*[moved] * 4, *[st.one_of(moved, st.just(NO_STEP))] * 2, *[moved] * 2)
    steps = draw(st.one_of(st.just(()), whole if words == 1 else some))
    went = st.builds(Change, value, st.sampled_from([5, 7]), evidence, evidence)
    changes = draw(
        st.one_of(
            st.just(()), st.tuples(*[st.one_of(went, st.just(NO_CHANGE))] * (len(WAYS) if words == 2 else 2))
        )
    )
    ends = draw(st.tuples(*links))
    place = draw(st.sampled_from(["coils", "holding_registers", "DB10"])), draw(st.integers(0, 1)), words
    if draw(st.integers(0, 9)) == 0:
        # What could not be read.
        place, extremes, steps, changes = ("", -1, 0), (), (), ()
    counted = draw(amounts), draw(amounts), draw(times), draw(times)
    return WrittenValue(*ends, 1, *place, *counted, extremes, steps, changes, draw(evidence))


anomalies = st.builds(
    Anomaly,
    *links,
    st.booleans(),
    st.sampled_from(["protocol-id", "lost-bytes"]),
    st.just("length"),
    st.just(3),
    amounts,
    amounts,
    amounts,
    times,
    times,
    evidence,
)


credentials = st.builds(
    CredentialSeen,
    *links,
    st.sampled_from(["admin", "工場"]),
    st.just("plain"),
    st.sampled_from(["", "moxa-awk"]),
    st.sampled_from(["default", "clear"]),
    st.sampled_from(["accepted", "refused"]),
    amounts,
    times,
    times,
    evidence,
)


claims = st.builds(
    AssetClaim,
    st.sampled_from(["00:00:00:00:00:01", ""]),
    hosts,
    links[5],
    st.sampled_from(["name", "model"]),
    st.sampled_from(["a", "b", "c", "工場"]),
    st.sampled_from(["dhcp", "lldp"]),
    amounts,
    times,
    times,
    evidence,
)


names_asked = st.builds(
    NamesAsked,
    *links,
    st.sampled_from(["example.com", "工場.example"]),
    st.sampled_from([20_000, 20_001]),
    amounts,
    amounts,
    st.sampled_from([0, 1, 1 << 1_023, (1 << 1_024) - 1]),
    amounts,
    times,
    times,
    evidence,
)


def few(facts: st.SearchStrategy[Any], most: int = 4) -> st.SearchStrategy[Any]:
    return st.lists(facts, max_size=most)


@pytest.fixture(scope="session")
def small() -> Limits:
    return SMALL


@pytest.fixture(scope="session")
def ledgers() -> st.SearchStrategy[Any]:
    return any_ledgers()


def any_ledgers() -> st.SearchStrategy[Any]:
    return st.builds(
        collect,
        sources=few(sources),
        damage=few(damage),
        assets=few(assets),
        conversations=few(conversations, 8),
        operations=few(operations(), 12),
        written=few(written(), 6),
        anomalies=few(anomalies, 6),
        credentials=few(credentials, 6),
        claims=few(claims, 8),
        names=few(names_asked, 6),
        limits=st.just(SMALL),
    )


@pytest.fixture(scope="session")
def an_operation() -> Operation:
    return Operation(
        "10.0.0.1", "10.0.0.2", "tcp", 502, "modbus", "", 1, 3, -1, "Read Holding Registers", "read",
        0, 10, 0, False, 1, 5, 5, 5, 1, (), 0, NEVER, (), 1 << 72, 100, 100, Evidence(100, "a.pcap", 1, 40),
    )  # fmt: skip
