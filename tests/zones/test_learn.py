"""Learnt models: what they were learnt from passes, what was not in it does not."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import otmon
from otmon.findings.judge import judge
from otmon.lab.factory_day import capture_of, factory_day, quiet_day
from otmon.ledger.facts import Conversation, Evidence, Extreme, Operation, WrittenValue
from otmon.ledger.ledger import LIMITS, Ledger
from otmon.ledger.merge import collect, merge
from otmon.protocols.registry import IDS
from otmon.zones.address import parse_address
from otmon.zones.check import check
from otmon.zones.decide import decide, index
from otmon.zones.learn import MAX_ALL, MAX_GRANTS, Learnt, learn, learn_missing
from otmon.zones.load import load_model, read_model
from otmon.zones.model import INTERNET, Model
from tests.zones.facts import EVIDENCE, asset, conversation, operation

ROOT = Path(__file__).resolve().parent.parent.parent
DAY = ROOT / "pcaps" / "factory-day.pcapng"
RULES = {
    "unlisted-traffic", "forbidden-operation", "unknown-address", "value-out-of-limits", "internet-contact",
}  # fmt: skip


def loaded(made: Learnt) -> Model:
    return read_model([("draft.yaml", made.text.encode())], frozenset(IDS))


def ledger_of(*facts: Any, assets: Iterable[Any] = ()) -> Ledger:
    return collect(
        conversations=[fact for fact in facts if isinstance(fact, Conversation)],
        operations=[fact for fact in facts if isinstance(fact, Operation)],
        written=[fact for fact in facts if isinstance(fact, WrittenValue)],
        assets=assets,
    )


def found(ledger: Ledger, model: Model) -> list[tuple[str, ...]]:
    return [(one.rule, *one.key) for one in judge(ledger, model) if one.rule in RULES]


def outcomes(ledger: Ledger, model: Model, facts: Iterable[Conversation | Operation]) -> list[str]:
    ready = index(model, ledger.assets)
    return [decide(ready, fact).outcome for fact in facts]


@pytest.fixture(scope="module")
def day() -> Ledger:
    return otmon.replay([str(DAY)]).ledger


CAPTURES = (
    "ITI+ICS-Security-Tools/pcaps/ModbusTCP/Modbus/modbus_test.pcap",
    "ITI+ICS-Security-Tools/pcaps/IEC60870-5-104/090813_diverse.pcap",
    "ITI+ICS-Security-Tools/pcaps/beckoff/beckofflink.pcapng",
    "ITI+ICS-Security-Tools/pcaps/MELSEC/melsoft_UDP_clean_2.pcap",
    "zeek+zeek/testing/btest/Traces/modbus/modbus-and-non-modbus-p502.pcap",
)
FOLDERS = (
    "ITI+ICS-Security-Tools/pcaps/profinet",
    "ITI+ICS-Security-Tools/pcaps/s7",
    "cutaway-security+goosestalker",
)


def real_captures(corpus: Path) -> list[str]:
    inner = [path for name in FOLDERS for path in sorted((corpus / name).rglob("*.pcap*"))]
    return [str(path) for path in (*(corpus / name for name in CAPTURES), *inner)]


def held(ledger: Ledger) -> None:
    """Both drafts load, and the one of everything finds nothing in its own traffic."""
    made = learn(ledger)
    check(loaded(made))
    assert made == learn(ledger)
    everything = learn(ledger, everything=True)
    assert found(ledger, loaded(everything)) == []
    assert not [
        one for one in everything.text.splitlines() if "Seen, not proposed" in one and not ledger.anomalies
    ]


def test_what_the_day_was_learnt_from_passes(day: Ledger) -> None:
    held(day)


def test_real_captures_pass_their_own_models_alone_and_together(corpus: Path) -> None:
    whole = Ledger()
    for path in real_captures(corpus):
        ledger = otmon.replay([path]).ledger
        held(ledger)
        whole = merge(whole, ledger)
    assert len(whole.conversations) > 100 and len(whole.operations) > 10
    held(whole)


def seen_elements(ledger: Ledger) -> set[tuple[object, ...]]:
    """Each element that was asked for, or the function where it addresses none."""
    return {element for fact in ledger.operations for element in elements(fact)}


def elements(fact: Operation) -> set[tuple[object, ...]]:
    about = fact.client, fact.server, fact.port, fact.unit, fact.function, fact.subfunction
    return {(*about, n) for n in range(fact.address, fact.address + max(fact.count, 1))}


def talk(fact: Conversation) -> tuple[object, ...]:
    return fact.client, fact.server, fact.transport, fact.port, fact.protocol


@pytest.mark.parametrize("everything", [False, True])
def test_a_model_of_the_quiet_day_finds_all_that_was_not_in_it(tmp_path: Path, everything: bool) -> None:
    ledgers = []
    for name, made in (("quiet", quiet_day(1)), ("attacked", factory_day(1))):
        path = tmp_path / f"{name}.pcapng"
        path.write_bytes(capture_of(made))
        ledgers.append(otmon.replay([str(path)]).ledger)
    quiet, attacked = ledgers
    model = loaded(learn(quiet, everything))
    assert found(quiet, model) == []
    known, asked = {talk(fact) for fact in quiet.conversations}, seen_elements(quiet)
    talks = [fact for fact in attacked.conversations if talk(fact) not in known]
    operations = [fact for fact in attacked.operations if elements(fact) - asked]
    assert len(talks) > 20 and len(operations) > 70
    # A phone that asks for its first address has none, and so no zone.
    nowhere = [fact for fact in talks if fact.client == "0.0.0.0"]
    assert len(nowhere) == 1
    foreign = [fact for fact in talks if fact not in nowhere]
    passed = {
        fact.server
        for fact, out in zip(foreign, outcomes(attacked, model, foreign), strict=True)
        if out != "denied"
    }
    # Between the Internet and a host that nobody knows: the host is found.
    assert passed == {"10.50.0.20"} and ("unknown-address", "10.50.0.20") in found(attacked, model)
    assert set(outcomes(attacked, model, operations)) == {"denied"}
    named = {part for one in found(attacked, model) for part in one}
    assert {fact.client for fact in foreign} - {"203.0.113.45"} <= named
    routine = [fact for fact in attacked.conversations if talk(fact) in known]
    assert "denied" not in outcomes(attacked, model, routine)


# Ledgers in which names, addresses and ports collide, and most of what a wire can show.

ADDRESSES = [
    "10.1.0.1", "10.1.0.2", "10.1.0.255", "10.1.9.1", "10.2.0.1", "192.168.1.5", "172.31.0.1", "100.64.0.1", "127.0.0.1",
    "240.0.0.1", "198.51.100.1", "203.0.113.9", "8.8.8.8", "224.0.0.251", "255.255.255.255", "0.0.0.0",
    "169.254.0.1", "169.254.0.2", "fe80::1", "fe80::2", "ff02::1", "fd00::1", "fd00:0:0:1::1", "2001:db8::1",
    "::", "64:ff9b::1", "00:00:00:00:00:01", "00:00:00:00:00:02", "00:00:00:00:00:03", "01:80:c2:00:00:0e",
    "ff:ff:ff:ff:ff:ff", "00:00:00:00:00:00",
]  # fmt: skip
texts = st.sampled_from(ADDRESSES[:6]) | st.sampled_from(ADDRESSES)
vlans = st.sampled_from(["", "10", "200.10"])
times = st.integers(0, 9)
evidence = st.just(EVIDENCE)
transports = st.sampled_from(["tcp", "tcp", "udp", "icmp", "ip-47", "ethernet", "sctp"])
conversations = st.builds(
    conversation, texts, texts, st.sampled_from([0, 502, 502, 443, 137, 65535]),
    st.sampled_from(["modbus", "modbus", "http", "none", "unknown", "icmp", "profinet", "syslog"]),
    transport=transports, vlan=vlans, expected=st.sampled_from(["", "modbus", "smb"]), answered=st.booleans(),
    packets_to_client=st.integers(0, 1), first_ns=times, last_ns=st.sampled_from([9, 10**18, 10**30]),
)  # fmt: skip
operations = st.builds(
    operation, texts, texts, st.sampled_from([0, 1, 3, 6, 7, 8, 16, 23, 43, 90, 100, 127]),
    st.sampled_from([-1, 0, 1, 5, 9, 65535]), st.sampled_from([-1, 0, 1, 2, 10]),
    subfunction=st.sampled_from([-1, 0, 1, 14]), unit=st.sampled_from([0, 1, 2, 255]), vlan=vlans,
    status=st.sampled_from([0, 0, 0, 2, -1, -2]), swept=st.booleans(),
    access=st.sampled_from(["read", "write", "unknown"]),
)  # fmt: skip
assets = st.builds(asset, st.sampled_from(ADDRESSES[-6:-2]), st.sampled_from(["", *ADDRESSES[:-6]]), vlans)


@st.composite
def ledgers(draw: st.DrawFn) -> Ledger:
    talks = draw(st.lists(conversations, max_size=10))
    asked = draw(st.lists(operations, max_size=10))
    if draw(st.booleans()):
        # As a ledger has it: no operation without its conversation.
        talks += [conversation(one.client, one.server, vlan=one.vlan) for one in asked]
    return ledger_of(*talks, *asked, *(wrote(one) for one in asked if one.access == "write" and one.address >= 0),
                     assets=draw(st.lists(assets, max_size=5)))  # fmt: skip


def wrote(one: Operation) -> WrittenValue:
    extremes = tuple(Extreme(value, -1, EVIDENCE) for value in (3, 7, 3, 7))
    return WrittenValue(
        one.client, one.server, one.transport, one.port, one.protocol, one.vlan, one.unit, "holding_registers",
        one.address, 1, 2, 1, 2, extremes, EVIDENCE,
    )  # fmt: skip


@settings(max_examples=300)
@given(ledgers())
def test_any_ledger_passes_its_own_model(ledger: Ledger) -> None:
    held(ledger)


@settings(max_examples=200)
@given(ledgers())
def test_the_internet_is_never_let_in_unasked(ledger: Ledger) -> None:
    made = learn(ledger)
    model = loaded(made)
    ready = index(model, ledger.assets)
    for fact in ledger.conversations:
        verdict = decide(ready, fact)
        if INTERNET in (verdict.from_zone, verdict.to_zone):
            assert verdict.outcome != "allowed"


@given(st.lists(st.text(max_size=8), min_size=2, max_size=5), ledgers())
def test_texts_that_are_no_address_break_nothing(names: list[str], ledger: Ledger) -> None:
    strange = [
        conversation(names[0], names[1], protocol=names[-1], transport=names[0], expected=names[0]),
        conversation(names[0], "10.1.0.1", -5, names[0], transport=names[-1]),
        conversation("10.1.0.2", "10.1.0.1", 70_000, names[0], transport=names[0], vlan=names[0]),
    ]
    hostile = merge(ledger, ledger_of(*strange, operation(names[0], "10.1.0.1", 300, 70_000, 9, unit=-3)))
    for everything in (False, True):
        model = loaded(learn(hostile, everything))
    for rule, *key in found(hostile, model):
        assert any(parse_address(part) is None for part in key if part in names), (rule, key)


HOSTS = ["10.1.0.1", "10.1.0.2", "10.1.0.3", "10.2.0.1", "10.2.0.2"]
UNIVERSE: list[Conversation | Operation] = [
    *(
        conversation(a, b, port, protocol, transport=transport)
        for a, b in product(HOSTS, HOSTS)
        if a != b
        for port, protocol, transport in ((502, "modbus", "tcp"), (80, "http", "tcp"), (81, "http", "tcp"),
                                          (80, "unknown", "tcp"), (53, "dns", "udp"))
    ),
    *(
        operation(a, b, function, address, 2, unit=unit)
        for a, b in product(HOSTS[:3], HOSTS[3:])
        for function in (1, 3, 4, 16)
        for address in (0, 10, 20)
        for unit in (1, 2)
    ),
]  # fmt: skip


@settings(max_examples=150)
@given(st.sets(st.sampled_from(range(len(UNIVERSE))), max_size=60))
def test_nothing_passes_that_was_not_seen(chosen: set[int]) -> None:
    seen = [UNIVERSE[number] for number in sorted(chosen)]
    seen += [conversation(fact.client, fact.server) for fact in seen if isinstance(fact, Operation)]
    # Everybody is there in both worlds.
    there = [asset(f"00:00:00:00:01:{n:02x}", host) for n, host in enumerate(HOSTS)]
    ledger = ledger_of(*seen, assets=there)
    model = loaded(learn(ledger))
    known, asked = {talk(f) for f in ledger.conversations}, seen_elements(ledger)
    operated = {talk(f) for f in ledger.operations}  # type: ignore[arg-type]
    ready = index(model, ledger.assets)
    for fact in UNIVERSE:
        outcome = decide(ready, fact).outcome
        if isinstance(fact, Operation):
            assert (outcome == "allowed") == (not elements(fact) - asked), fact
        else:
            # Modbus without a request is not proposed.
            seen_here = operated if fact.protocol == "modbus" else known
            assert (outcome == "allowed") == (talk(fact) in seen_here), fact
