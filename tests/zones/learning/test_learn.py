"""Learnt models: what they were learnt from passes, what was not in it does not."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import replace
from itertools import product
from pathlib import Path
from time import process_time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether

import otmon
from otmon.findings.coverage import coverage
from otmon.findings.judge import case_of, judge
from otmon.lab import body_line_day, two_factories_day, water_works_day
from otmon.lab.day import Site, capture_of, day_of, undisturbed
from otmon.lab.factory_day import SITE
from otmon.ledger.facts import Conversation, Extreme, Operation, WrittenValue
from otmon.ledger.ledger import LIMITS, Ledger
from otmon.ledger.merge import collect, merge
from otmon.outputs.pcapng import pcapng
from otmon.protocols.registry import IDS
from otmon.zones.address import parse_address
from otmon.zones.decide import decide, index
from otmon.zones.files.load import load_model, read_model
from otmon.zones.learning.learn import MAX_ALL, MAX_GRANTS, REMOTE, Learnt, learn, learn_missing
from otmon.zones.model import INTERNET, Boundary, Model
from otmon.zones.review.check import check
from tests.zones.facts import EVIDENCE, asset, conversation, operation, written

ROOT = Path(__file__).resolve().parent.parent.parent.parent
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
    """What the model is about: nobody agrees what two addresses of the Internet say to each other."""
    return [
        (one.rule, *one.key)
        for one in judge(ledger, model)
        if one.rule in RULES and not one.place.from_zone == one.place.to_zone == INTERNET
    ]


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
    assert len(whole.conversations) > 50 and len(whole.operations) > 10
    held(whole)


def seen_elements(ledger: Ledger) -> set[tuple[object, ...]]:
    """Each element that was asked for, or the function where it addresses none."""
    return {element for fact in ledger.operations for element in elements(fact)}


def elements(fact: Operation) -> set[tuple[object, ...]]:
    about = fact.client, fact.server, fact.port, fact.unit, fact.function, fact.subfunction
    return {(*about, n) for n in range(fact.address, fact.address + max(fact.count, 1))}


def talk(fact: Conversation) -> tuple[object, ...]:
    return fact.client, fact.server, fact.transport, fact.port, fact.protocol


@pytest.mark.parametrize("site", [SITE, body_line_day.SITE, two_factories_day.SITE, water_works_day.SITE])
def test_a_draft_finds_nothing_in_its_routine_and_the_attacks_mixed_in(tmp_path: Path, site: Site) -> None:
    ledgers = []
    for name, one in (("quiet", undisturbed(site)), ("attacked", site)):
        path = tmp_path / f"{name}.pcapng"
        path.write_bytes(capture_of(day_of(one, 1), one))
        ledgers.append(otmon.replay([str(path)]).ledger)
    quiet, attacked = ledgers
    model = loaded(learn(quiet))
    assert found(quiet, model) == []
    assert "internet-contact" in {rule for rule, *_ in found(attacked, model)}
    # Whoever came in from the Internet is found even by a draft of the day on which that happened.
    again = found(attacked, loaded(learn(attacked)))
    came_in = [one for one in again if one[0] == "internet-contact" and one[2] == "in"]
    assert (site is body_line_day.SITE) != bool(came_in)


@pytest.mark.parametrize("everything", [False, True])
def test_a_model_of_the_quiet_day_finds_all_that_was_not_in_it(tmp_path: Path, everything: bool) -> None:
    ledgers = []
    for name, site in (("quiet", undisturbed(SITE)), ("attacked", SITE)):
        path = tmp_path / f"{name}.pcapng"
        path.write_bytes(capture_of(day_of(site, 1), site))
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
    "10.1.0.1", "10.1.0.2", "10.1.0.255", "10.1.9.1", "10.2.0.1", "192.168.1.5", "172.31.0.1", "100.64.0.1",
    "127.0.0.1",
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
    values = [wrote(one) for one in asked if one.access == "write" and one.address >= 0]
    return ledger_of(*talks, *asked, *values, assets=draw(st.lists(assets, max_size=5)))


def wrote(one: Operation) -> WrittenValue:
    extremes = tuple(Extreme(value, -1, EVIDENCE) for value in (3, 7, 3, 7))
    return WrittenValue(
        one.client, one.server, one.transport, one.port, one.protocol, one.vlan, one.unit,
        "holding_registers", one.address, 1, 2, 0, 1, 2, extremes, (), (), EVIDENCE,
    )  # fmt: skip


@settings(max_examples=300)
@given(ledgers())
def test_any_ledger_passes_its_own_model(ledger: Ledger) -> None:
    held(ledger)


@settings(max_examples=200)
@given(ledgers())
def test_what_comes_from_the_internet_is_let_in_by_remote_access_only(ledger: Ledger) -> None:
    made = learn(ledger)
    model = loaded(made)
    ready = index(model, ledger.assets)
    for fact in ledger.conversations:
        verdict = decide(ready, fact)
        if verdict.from_zone == INTERNET and verdict.outcome == "allowed":
            assert fact.protocol in REMOTE
        if INTERNET in (verdict.from_zone, verdict.to_zone) and verdict.outcome == "allowed":
            assert "TODO: with the Internet: agree on it, or take it out" in made.text


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


def test_data_are_proposed_as_what_they_belong_to(tmp_path: Path) -> None:
    """A switch fetches its settings by TFTP, which the server sends from a port of its choosing."""

    def frame(ends: tuple[str, str], ports: tuple[int, int], payload: bytes) -> bytes:
        datagram = IP(src=ends[0], dst=ends[1]) / UDP(sport=ports[0], dport=ports[1]) / payload
        return bytes(Ether(src=f"02:00:00:00:00:0{ends[0][3]}", dst="02:00:00:00:00:09") / datagram)

    switch, server = "10.2.0.1", "10.1.0.9"
    frames = [frame((switch, server), (50_001, 69), b"\0\1boot.cfg\0octet\0")]
    for block in range(1, 4):
        frames.append(frame((server, switch), (61_000, 50_001), struct.pack(">HH", 3, block) + bytes(512)))
        frames.append(frame((switch, server), (50_001, 61_000), struct.pack(">HH", 4, block)))
    times = ((1_776_116_700_000_000_000 + n * 1_000_000, one) for n, one in enumerate(frames))
    (tmp_path / "a.pcapng").write_bytes(pcapng(times, "tests", "mirror", "tests"))
    ledger = otmon.replay([str(tmp_path / "a.pcapng")]).ledger
    made = learn(ledger)
    assert "tftp" in made.text and "61000" not in made.text and "50001" not in made.text
    assert found(ledger, loaded(made)) == []


def test_a_service_that_answers_from_another_port_was_answered() -> None:
    asked = conversation(
        "10.1.0.1", "10.2.0.1", 34_964, "profinet", transport="udp", answered=False, packets_to_client=0
    )
    reply = conversation("10.1.0.1", "10.2.0.1", 49_155, "profinet", transport="udp")
    ledger = ledger_of(asked, reply, conversation("10.1.0.1", "10.1.0.2", 80, "http"))
    assert found(ledger, loaded(learn(ledger))) == []
    for other in (replace(reply, answered=False, packets_to_client=0), replace(reply, server="10.2.0.2")):
        ledger = ledger_of(asked, other, conversation("10.1.0.1", "10.1.0.2", 80, "http"))
        assert found(ledger, loaded(learn(ledger))) != [], other


def test_traps_that_go_on_are_proposed_and_attempts_are_not() -> None:
    for packets, port, proposed in ((10, 162, True), (9, 162, False), (10, 161, False)):
        traps = conversation(
            "10.2.0.1", "10.1.0.9", port, "snmp", transport="udp", answered=False, packets_to_server=packets,
            packets_to_client=0,
        )  # fmt: skip
        there = conversation("10.1.0.9", "10.1.0.8", 80, "http")
        ledger = ledger_of(traps, there, assets=[asset("00:00:00:00:00:01", "10.2.0.1")])
        assert (found(ledger, loaded(learn(ledger))) == []) == proposed


def scan(number: int) -> list[Conversation]:
    """A client that looks for hosts in a hundred networks, where few answer."""
    return [
        conversation(
            "10.1.0.5", f"10.{2 + n // 6000}.{n // 200 % 30}.{n % 200 + 1}", 1 + n % 997, "none",
            answered=n % 50 == 0, packets_to_client=int(n % 50 == 0),
        )
        for n in range(number)
    ]  # fmt: skip


def flood(number: int) -> list[Conversation]:
    """Everybody talks with everybody about everything."""
    protocols = ("modbus", "http", "unknown", "s7comm", "dns")
    return [
        conversation(
            f"10.{n * 7919 % 256}.{n * 31 % 256}.{n % 250 + 1}", f"10.{n * 104729 % 256}.{n * 17 % 256}.9",
            n % 65536, protocols[n % 5],
        )
        for n in range(number)
    ]  # fmt: skip


def sweep(number: int) -> list[Conversation | Operation]:
    """Eight clients ask one controller for whatever there is, half of it in vain."""
    return [
        *(conversation(f"10.1.0.{n}", "10.2.0.1") for n in range(1, 9)),
        *(
            operation(
                f"10.1.0.{n % 8 + 1}", "10.2.0.1", (1, 3, 4, 16, 8, 90)[n % 6], n * 7 % 65536, n % 9 + 1,
                unit=n % 251, subfunction=n % 256 if n % 6 > 3 else -1, status=n // 6 % 2 * 2,
            )
            for n in range(number)
        ),
    ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("many", [scan, flood, sweep])
def test_a_full_ledger_gives_a_draft_of_bounded_size_in_time(many: Any) -> None:
    ledger = ledger_of(*many(LIMITS.conversations - 8))
    started = process_time()
    made, everything = learn(ledger), learn(ledger, everything=True)
    assert process_time() - started < 120
    assert everything.permissions <= MAX_ALL and made.permissions <= MAX_ALL
    assert found(ledger, loaded(everything)) == []
    model = loaded(made)
    assert any("wider" in sentence or "left out" in sentence for sentence in everything.told)
    for sentence in everything.told:
        assert f"# TODO: {sentence}" in everything.text
    if many is scan:
        assert (made.permissions, made.unproposed) == (0, len(ledger.conversations))
        assert "10.1.0.5 to 32760 hosts, 997 ports" in made.text and "a scan" in made.text
    if many is sweep:
        # What was refused is in the same registers as what was not, and yet does not pass.
        assert "left out" in made.told[0] and MAX_GRANTS - 8 <= made.permissions <= MAX_GRANTS
        refused = [fact for fact in ledger.operations if fact.status]
        answered = {element for fact in ledger.operations if not fact.status for element in elements(fact)}
        foreign = [fact for fact in refused if elements(fact) - answered]
        assert foreign and set(outcomes(ledger, model, foreign)) == {"denied"}


def crosswise() -> list[Conversation]:
    """Forty clients, each with nine servers and ports of its own."""
    return [
        conversation(f"10.1.0.{n}", f"10.2.0.{(n * m) % 199 + 1}", 400 + m, "http")
        for n in range(1, 41)
        for m in range(9)
    ]


def test_many_permissions_of_one_kind_are_joined_and_it_says_so() -> None:
    talks = crosswise()
    ledger = ledger_of(*talks)
    made = learn(ledger)
    model = loaded(made)
    assert made.permissions <= MAX_GRANTS and "wider than what was seen" in made.told[0]
    assert set(outcomes(ledger, model, talks)) == {"allowed"}
    assert outcomes(ledger, model, [conversation("10.1.0.1", "10.2.0.2", 500, "http")]) == ["denied"]


def test_an_attempt_that_failed_is_not_let_in_by_joining() -> None:
    talks = crosswise()
    refused = conversation("10.1.0.1", "10.2.0.9", 404, "http", answered=False, packets_to_client=0)
    ledger = ledger_of(*talks, refused)
    made = learn(ledger)
    assert "left out" in made.told[0] and made.permissions == MAX_GRANTS
    assert outcomes(ledger, loaded(made), [refused]) == ["denied"]


REASONS: list[tuple[Conversation | Operation, str]] = [
    (conversation("10.1.0.1", "10.2.0.9", answered=False), "nobody answered"),
    (conversation("10.1.0.1", "10.2.0.9", 514, "syslog", transport="udp", answered=False), "nobody answered"),
    (conversation("10.1.0.1", "10.2.0.1", 99, "none"), "nothing was said"),
    (conversation("10.1.0.1", "10.2.0.1", 502, "http", expected="modbus"), "another protocol"),
    (conversation("10.1.0.1", "10.2.0.3", 502), "no request in it is proposed"),
    (operation("10.1.0.1", "10.2.0.1", 3, 500, 1, status=2), "the device refused"),
    (operation("10.1.0.1", "10.2.0.1", 3, 600, 1, status=-1), "the request was not answered"),
    (operation("10.1.0.1", "10.2.0.1", 3, 700, 1, status=-2), "the answer is not in the capture"),
    (conversation("169.254.1.1", "10.2.0.1", 80, "http"), "an end is in no zone"),
]  # fmt: skip
ROUTINE = [conversation("10.1.0.1", "10.2.0.1"), operation("10.1.0.1", "10.2.0.1", 3, 0, 10)]


@pytest.mark.parametrize(("fact", "why"), REASONS)
def test_what_is_not_proposed_is_told_with_the_reason(fact: Conversation | Operation, why: str) -> None:
    ledger = ledger_of(*ROUTINE, fact)
    made = learn(ledger)
    assert made.unproposed == 1
    (line,) = [line for line in made.text.splitlines() if why in line]
    assert line.startswith(f"#   {fact.client} to {fact.server}")
    assert outcomes(ledger, loaded(made), [fact, *ROUTINE]) == ["denied", "allowed", "allowed"]
    assert outcomes(ledger, loaded(learn(ledger, everything=True)), [fact]) == ["allowed"]


@pytest.mark.parametrize(
    "fact",
    [
        conversation(
            "10.1.0.1", "10.2.0.9", 514, "syslog", transport="udp", answered=False, packets_to_server=30
        ),
        conversation(
            "10.1.0.1", "10.1.0.255", 137, "nbns", transport="udp", answered=False, packets_to_client=0
        ),
        conversation("10.1.0.1", "224.0.0.251", 5353, "mdns", transport="udp", answered=False),
        conversation("10.1.0.1", "10.2.0.1", 0, "icmp", transport="icmp"),
    ],
)  # fmt: skip
def test_what_needs_no_answer_is_proposed(fact: Conversation) -> None:
    ledger = ledger_of(fact, assets=[asset("00:00:00:00:00:09", "10.2.0.9")])
    made = learn(ledger)
    assert (made.permissions, made.unproposed) == (1, 0)
    assert outcomes(ledger, loaded(made), [fact]) == ["allowed"]


def command(service: str, access: str, protocol: str, port: int, **more: Any) -> Operation:
    named = {"service": service, "access": access, "protocol": protocol, "port": port, "unit": -1}
    return operation("10.1.0.1", "10.2.0.1", 5, **(named | more))


@pytest.mark.parametrize(
    ("protocol", "port", "transport"),
    [
        ("s7comm", 102, "tcp"),
        ("iec104", 2404, "tcp"),
        ("dnp3", 20000, "tcp"),
        ("bacnet", 47808, "udp"),
        ("ethernet_ip", 44818, "tcp"),
        ("fins", 9600, "udp"),
        ("slmp", 5007, "tcp"),
    ],
)
def test_where_nothing_was_changed_nothing_may_be(protocol: str, port: int, transport: str) -> None:
    talk = conversation("10.1.0.1", "10.2.0.1", port, protocol, transport=transport)
    made = learn(ledger_of(talk))
    assert made.text.count("access: read\n") == made.permissions == 1
    write, stop = (
        command(name, access, protocol, port, transport=transport)
        for name, access in (("Write", "write"), ("Stop", "control"))
    )
    ledger = ledger_of(talk, write, stop)
    assert outcomes(ledger, loaded(made), [talk, write, stop]) == ["allowed", "denied", "denied"]
    (boundary,) = coverage(case_of(ledger_of(talk), loaded(made)))
    assert not {"coverage.not-read", "coverage.reads-not-read"} & {one.key for one in boundary.why}


def test_what_was_changed_may_be_and_reading_beside_it() -> None:
    talk = conversation("10.1.0.1", "10.2.0.1", 102, "s7comm")
    write = command("Write Var", "write", "s7comm", 102)
    other = command("Modify Variable", "write", "s7comm", 102)
    refused = command("PLC Stop", "control", "s7comm", 102, status=5)
    ledger = ledger_of(talk, write, refused)
    made = learn(ledger)
    assert (made.permissions, made.unproposed) == (2, 1)
    facts = [talk, write, other, refused]
    assert outcomes(ledger, loaded(made), facts) == ["allowed", "allowed", "denied", "denied"]
    (boundary,) = coverage(case_of(ledger_of(talk, write), loaded(made)))
    assert "coverage.reads-not-read" not in {one.key for one in boundary.why}


def test_what_reads_and_is_read_needs_no_line_of_its_own() -> None:
    talk = conversation("10.1.0.1", "10.2.0.1", 2404, "iec104")
    made = learn(ledger_of(talk, command("Interrogation", "read", "iec104", 2404)))
    assert made.permissions == 1 and "access: read\n" in made.text and "functions" not in made.text


@pytest.mark.parametrize(
    "more",
    [
        {"service": "Direct Operate, No Response", "protocol": "dnp3", "port": 20000},
        {"service": "Write Group", "protocol": "bacnet", "port": 47808, "transport": "udp"},
        {"service": "Write Property", "protocol": "bacnet", "server": "10.1.255.255", "transport": "udp"},
    ],
)
def test_commands_that_nobody_answers_are_part_of_the_routine(more: dict[str, Any]) -> None:
    to = more.get("server", "10.2.0.1")
    named = {"access": "write", "unit": -1, "port": 47808, "status": -2, **more}
    link = {key: named[key] for key in ("port", "protocol")}
    talk = conversation("10.1.0.1", to, transport=more.get("transport", "tcp"), **link)
    asked = operation("10.1.0.1", to, 5, **{key: one for key, one in named.items() if key != "server"})
    ledger = ledger_of(talk, asked)
    assert outcomes(ledger, loaded(learn(ledger)), [talk, asked]) == ["allowed", "allowed"]


def test_what_goes_round_unread_is_drafted_without_a_limit_that_nobody_judges() -> None:
    cyclic = conversation("10.1.0.1", "10.2.0.1", 2222, "ethernet_ip", transport="udp")
    assert "access" not in learn(ledger_of(cyclic)).text


def test_ports_that_a_server_chooses_anew_are_drafted_as_all_it_chooses_from() -> None:
    def day(rpc: int, station: int) -> list[Conversation]:
        return [
            conversation("10.1.0.1", "10.2.0.1", 135, "dce_rpc"),
            conversation("10.1.0.1", "10.2.0.1", rpc, "dce_rpc"),
            conversation("10.1.0.1", "10.2.0.2", 34964, "profinet", transport="udp", answered=False,
                         packets_to_client=0),
            conversation("10.1.0.1", "10.2.0.2", station, "profinet", transport="udp", packets_to_server=0),
        ]  # fmt: skip

    there = [asset("00:00:00:00:00:09", "10.2.0.2")]
    ledger = ledger_of(*day(49155, 49156), assets=there)
    made = learn(ledger)
    model = loaded(made)
    assert made.unproposed == 0
    assert outcomes(ledger, model, day(60000, 50001)) == ["allowed"] * 4
    # Another protocol there, or a port of the system, is none of these.
    strange = [
        conversation("10.1.0.1", "10.2.0.1", 60000, "http"),
        conversation("10.1.0.1", "10.2.0.1", 445, "dce_rpc"),
        conversation("10.1.0.1", "10.2.0.2", 34962, "profinet", transport="udp"),
    ]
    assert outcomes(ledger, model, strange) == ["denied"] * 3
    doubts = {one.key for boundary in coverage(case_of(ledger, model)) for one in boundary.why}
    assert "coverage.one-sided" not in doubts
    # Who never got an answer at any port is not let in.
    alone = learn(ledger_of(day(49155, 49156)[2], assets=there))
    assert (alone.permissions, alone.unproposed) == (0, 1)


def test_an_attempt_that_failed_once_is_part_of_what_is_proposed() -> None:
    again = operation("10.1.0.1", "10.2.0.1", 3, 2, 3, status=-1)
    assert learn(ledger_of(*ROUTINE, again)).unproposed == 0


def test_the_internet_is_a_comment_that_can_be_taken_over() -> None:
    talks = [
        conversation("10.1.0.1", "198.51.100.1", 443, "tls"),
        conversation("198.51.100.7", "10.1.0.1", 1194, "openvpn"),
        conversation("8.8.8.8", "10.1.0.1", 3389, "rdp"),
    ]
    ledger = ledger_of(*talks)
    made = learn(ledger)
    assert (made.permissions, made.asked) == (2, 1)
    assert made.text.count("# TODO: with the Internet: agree on it, or take it out") == 2
    assert outcomes(ledger, loaded(made), talks) == ["allowed", "allowed", "denied"]
    start = made.text.index("    # TODO: seen with the Internet")
    taken = made.text[:start] + made.text[start:].replace("\n    #   ", "\n      ")
    model = read_model([("taken.yaml", taken.encode())], frozenset(IDS))
    assert outcomes(ledger, model, talks) == ["allowed"] * 3


def test_what_a_model_lacks_is_drafted_with_its_zones_and_boundaries(day: Ledger) -> None:
    plant = load_model(str(ROOT / "zones" / "factory.yaml"))
    made = learn_missing(day, plant)
    lacking = loaded(made)
    assert [(zone.id, zone.name, zone.importance, zone.owners) for zone in lacking.zones] == [
        (zone.id, zone.name, zone.importance, zone.owners) for zone in plant.zones
    ]
    known = {border.id: border for border in plant.boundaries}
    for border in lacking.boundaries:
        if border.id in known:
            assert set(border.between) == set(known[border.id].between)
            assert border.settings_owner == known[border.id].settings_owner
    facts = [*day.conversations, *day.operations]
    mine, theirs = outcomes(day, plant, facts), outcomes(day, lacking, facts)
    # No operation that the model allows already, and all that it denies or the draft tells as not proposed.
    assert not [
        f
        for f, a, b in zip(facts, mine, theirs, strict=True)
        if a == b == "allowed" and isinstance(f, Operation)
    ]
    assert made.unproposed + made.asked <= sum(a == b == "denied" for a, b in zip(mine, theirs, strict=True))
    assert ("10.10.0.77", "10.30.2.12") in {
        (f.client, f.server) for f, b in zip(facts, theirs, strict=True) if b == "allowed"
    }
    # What is added closes the gap: nothing is left to propose.
    both = Model(
        plant.zones,
        tuple(b for b in lacking.boundaries if b.id not in known)
        + tuple(joined(known[id], lacking) for id in known),
        (),
    )
    again = learn_missing(day, both)
    assert (again.permissions, again.asked, again.unproposed) == (0, made.asked, made.unproposed)


def joined(border: Boundary, lacking: Model) -> Boundary:
    more = [one.permissions for one in lacking.boundaries if one.id == border.id]
    return replace(border, permissions=(*border.permissions, *(p for some in more for p in some)))


def test_limits_are_suggested_and_not_set() -> None:
    asked = operation("10.1.0.1", "10.2.0.1", 16, 5, 1)
    ledger = ledger_of(conversation("10.1.0.1", "10.2.0.1"), asked, wrote(asked))
    text = learn(ledger).text
    assert "        #   - {holding_register: 5, low: 3, high: 7}    # written 2 times" in text
    taken = text.replace("        # limits:", "        limits:").replace("        #   - {", "          - {")
    model = read_model([("taken.yaml", taken.encode())], frozenset(IDS))
    (limit,) = model.boundaries[0].permissions[0].limits
    assert (limit.address, limit.low, limit.high) == (5, 3, 7)


def test_what_a_model_denies_with_the_internet_is_a_comment() -> None:
    plant = read_model(
        [("m.yaml", b"zones: [{id: a, importance: low, members: 10.1.0.0/24}]\n")], frozenset(IDS)
    )
    made = learn_missing(ledger_of(conversation("10.1.0.1", "198.51.100.1", 443, "tls")), plant)
    assert (made.permissions, made.asked) == (0, 1)


def test_a_link_local_address_is_drafted_as_one_of_its_device() -> None:
    seen = [
        asset(f"00:00:00:00:00:0{number}", address, arp=arp)
        for number, own in (
            ("1", ("10.1.0.1", "fe80::1")),
            ("2", ("10.1.0.2", "fe80::2")),
            ("3", ("10.2.0.1", "fe80::3")),
        )
        for arp, address in zip((1, 0), own, strict=True)
    ]
    asked, other = (operation(f"fe80::{number}", "fe80::3", 16, 5, 1) for number in (1, 2))
    routine = [conversation("10.1.0.1", "10.1.0.2"), conversation("10.1.0.2", "10.2.0.1", 80, "http")]
    ledger = ledger_of(conversation("fe80::1", "fe80::3"), asked, *routine, assets=seen)
    made = learn(ledger)
    assert "fe80" not in made.text
    assert outcomes(ledger, loaded(made), [asked, other]) == ["allowed", "denied"]
    lacking = learn_missing(
        ledger_of(asked, assets=seen), replace(loaded(learn(ledger_of(*routine))), boundaries=())
    )
    assert outcomes(ledger, loaded(lacking), [asked, other]) == ["allowed", "denied"]


def test_limits_of_other_protocols_are_suggested_by_the_name_of_the_element() -> None:
    link = {"protocol": "slmp", "port": 5007}
    asked = replace(
        operation("10.1.0.1", "10.2.0.1", 16), function=0x1401, service="Device Write", unit=-1, **link
    )
    value = written("10.1.0.1", "10.2.0.1", 100, value=7, table="D", unit=-1, **link)
    unread = replace(value, table="", address=-1, words=0, extremes=())
    talk = conversation("10.1.0.1", "10.2.0.1", **link)
    text = learn(ledger_of(talk, asked, value, unread)).text
    assert "        #   - {element: D100, low: 7, high: 7}    # written 1 time" in text
    taken = text.replace("        # limits:", "        limits:").replace("        #   - {", "          - {")
    model = read_model([("taken.yaml", taken.encode())], frozenset(IDS))
    (limit,) = model.boundaries[0].permissions[1].limits
    assert (limit.table, limit.address, limit.protocol) == ("D", 100, "slmp")
