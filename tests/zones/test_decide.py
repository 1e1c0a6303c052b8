from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otmon.ledger.facts import HOUR_NS, Conversation, Operation
from otmon.zones.decide import LACKS, NEAREST, REASONS, Verdict, decide, decide_all, explain, index
from otmon.zones.files.load import read_model
from otmon.zones.model import Boundary, Model, Permission, Zone
from otmon.zones.place import Index
from tests.detect.plant import ledger_of
from tests.zones.facts import asset, conversation, model, operation, written

HMI, EWS, PLC, PC, STRANGER, WEB = "10.1.0.5", "10.1.0.9", "10.2.0.1", "10.3.0.1", "10.9.9.9", "198.51.100.1"

PLANT = """
    zones:
    - {id: control, importance: high, members: 10.1.0.0/24}
    - {id: plc, importance: high, members: [10.2.0.0/24, {mac: "00:00:00:00:02:01"}], inside: listed, allow: [
        {from: 10.2.0.1, to: 10.2.0.2, protocol: modbus, port: 502},
        {protocol: any, transport: ethernet, port: 0x8892}]}
    - {id: office, importance: low, members: [10.3.0.0/24, {mac: "00:00:00:00:03:01"}]}
    boundaries:
    - id: control-plc
      between: [control, plc]
      allow:
      - {id: reads, from: 10.1.0.5, to: plc, protocol: modbus, transport: tcp, port: 502, access: read,
         units: 1-2, holding_registers: [0-99, 200], coils: 0-9}
      - {id: writes, from: 10.1.0.5, to: 10.2.0.1, protocol: modbus, port: 502, functions: [6, 43/14],
         holding_registers: 20-29}
      - {id: stop, from: 10.1.0.9, protocol: modbus, access: [control, diagnose], coils: 0}
      - {id: alarms, from: plc, protocol: any, transport: udp, port: 514}
    - {id: office-web, between: [office, internet], allow: [{to: internet, protocol: tls}]}
    - {id: closed, between: [office, control]}
"""  # fmt: skip


@pytest.fixture(scope="module")
def plant() -> Index:
    return index(model(PLANT))


CONVERSATIONS: list[tuple[Conversation, str, str]] = [
    (conversation(HMI, PLC), "allowed", "reads"),
    (conversation(HMI, PLC, answered=False), "allowed", "reads"),
    (conversation(HMI, PLC, port=503), "denied", "not-listed"),
    (conversation(HMI, PLC, transport="udp"), "allowed", "writes"),
    (conversation(HMI, "10.2.0.2", transport="udp"), "denied", "not-listed"),
    (conversation(HMI, PLC, protocol="http"), "denied", "not-listed"),
    (conversation("10.1.0.6", PLC), "denied", "not-listed"),
    (conversation(EWS, PLC, port=1502), "allowed", "stop"),
    (conversation(PLC, HMI), "denied", "other-direction"),
    (conversation(PLC, "10.1.0.6"), "denied", "not-listed"),
    (conversation(PLC, HMI, 514, "unknown", transport="udp"), "allowed", "alarms"),
    (conversation(HMI, PLC, 514, "unknown", transport="udp"), "denied", "other-direction"),
    (conversation(HMI, "10.1.0.6", 22, "ssh"), "inside", "inside-zone"),
    (conversation(PLC, "10.2.0.2"), "allowed", "plc/1"),
    (conversation("10.2.0.2", PLC), "denied", "other-direction"),
    (conversation(PC, PLC), "denied", "no-boundary"),
    (conversation(PC, HMI, 80, "http"), "denied", "nothing-listed"),
    (conversation(PC, WEB, 443, "tls"), "allowed", "office-web/1"),
    (conversation(WEB, PC, 443, "tls"), "denied", "other-direction"),
    (conversation(WEB, PLC), "denied", "no-boundary"),
    (conversation(STRANGER, PLC), "denied", "unknown-address"),
    (conversation(PLC, STRANGER), "denied", "unknown-address"),
    (conversation("not an address", PLC), "denied", "unknown-address"),
    (conversation(STRANGER, "10.9.9.8"), "not covered", "outside-model"),
    (conversation(STRANGER, WEB), "not covered", "outside-model"),
    (conversation(WEB, "203.0.113.1"), "not covered", "outside-model"),
    # nothing was said yet: the port's usual protocol is taken for granted
    (conversation(HMI, PLC, protocol="none", expected="modbus"), "allowed", "reads"),
    (conversation(HMI, PLC, protocol="unknown", expected="modbus"), "denied", "not-listed"),
    (conversation(HMI, PLC, 9999, "none"), "denied", "not-listed"),
    (conversation(HMI, PLC, protocol="http", expected="modbus", answered=False), "denied", "not-listed"),
    # broadcast and multicast stay where they were sent
    (conversation(HMI, "255.255.255.255", 137, "unknown", transport="udp"), "inside", "inside-zone"),
    (conversation(HMI, "10.1.0.255", 137, "unknown", transport="udp"), "inside", "inside-zone"),
    (conversation(HMI, "224.0.0.251", 5353, "dns", transport="udp"), "inside", "inside-zone"),
    (conversation(PLC, "239.1.1.1", 5353, "dns", transport="udp"), "denied", "not-listed"),
    (conversation(STRANGER, "224.0.0.251", 5353, "dns", transport="udp"), "not covered", "outside-model"),
    (conversation("0.0.0.0", "255.255.255.255", 67, "unknown", transport="udp"), "not covered", "link-only"),
    (conversation("fe80::1", "ff02::fb", 5353, "dns", transport="udp"), "not covered", "link-only"),
    (conversation("fe80::1", "fe80::2", 0, "unknown", transport="icmpv6"), "not covered", "link-only"),
    (conversation("169.254.1.1", "169.254.1.2", 80, "http"), "not covered", "link-only"),
    (conversation("169.254.1.1", PLC), "denied", "unknown-address"),
    (conversation("224.0.0.1", PLC), "denied", "unknown-address"),
    # below IP
    (conversation("00:00:00:00:09:09", "01:80:c2:00:00:0e", 0x88CC, "lldp", transport="ethernet"),
     "not covered", "link-only"),
    (conversation("00:00:00:00:09:09", "00:00:00:00:09:08", 0x8892, "unknown", transport="ethernet"),
     "not covered", "link-only"),
    (conversation("00:00:00:00:02:01", "00:00:00:00:09:08", 0x8892, "unknown", transport="ethernet"),
     "allowed", "plc/2"),
    (conversation("00:00:00:00:09:08", "00:00:00:00:02:01", 0x88A4, "unknown", transport="ethernet"),
     "denied", "not-listed"),
    (conversation("00:00:00:00:03:01", "01:80:c2:00:00:0e", 0x88CC, "lldp", transport="ethernet"),
     "inside", "inside-zone"),
    (conversation("00:00:00:00:03:01", "00:00:00:00:02:01", 0x8892, "unknown", transport="ethernet"),
     "denied", "no-boundary"),
]  # fmt: skip


def told(verdict: Verdict) -> tuple[object, ...]:
    """A verdict as far as it is about the fact and the model, not how they were read."""
    return verdict[: Verdict._fields.index("denial")]


def decided_by(verdict: Verdict) -> str:
    """The permission of an allowed fact, else the reason."""
    return dict(verdict.reason.params).get("permission", verdict.reason.key)


@pytest.mark.parametrize(("fact", "outcome", "by"), CONVERSATIONS)
def test_conversations(plant: Index, fact: Conversation, outcome: str, by: str) -> None:
    verdict = decide(plant, fact)
    assert (verdict.outcome, decided_by(verdict)) == (outcome, by)


def test_what_was_asked_before_decides_nothing_that_differs() -> None:
    """All conversations between all ends, with what is kept of the others and by an index of their own; once
    more where hours are looked at."""
    ends = HMI, "10.1.0.6", EWS, PLC, "10.2.0.2", PC, STRANGER, WEB, "224.0.0.251"
    said = {(fact.port, fact.protocol, fact.transport, fact.expected) for fact, _, _ in CONVERSATIONS}
    monday = 96 * HOUR_NS
    facts = [
        conversation(
            client, server, port, protocol, transport=transport, expected=expected,
            hours=1 << hour, first_ns=monday + hour * HOUR_NS, last_ns=monday + hour * HOUR_NS,
        )
        for client, server in permutations(ends, 2)
        for port, protocol, transport, expected in sorted(said)
        for hour in (1, 100)
    ]  # fmt: skip
    timed = PLANT.replace("- {id: reads,", "- {id: reads, hours: mon 00:00-12:00,")
    timed = f"\n    timezone: UTC{timed}"
    for text in (PLANT, timed):
        zones = model(text)
        together = decide_all(index(zones), facts)
        assert [(told(one), one.nearest) for one in together.verdicts] == [
            (told(one), one.nearest) for one in (decide(index(zones), fact) for fact in facts)
        ]
        assert {one.outcome for one in together.verdicts} >= {"allowed", "denied", "inside", "not covered"}


def test_what_was_asked_before_decides_no_command_and_no_value_that_differs() -> None:
    """Likewise all operations, and values within limits and beyond."""
    ends = HMI, "10.1.0.6", EWS, PLC, "10.2.0.2", PC
    limited = "holding_registers: 20-29, limits: [{holding_register: 20, low: 0, high: 50}]}"
    zones = model(PLANT.replace("holding_registers: 20-29}", limited))
    facts = [
        replace(fact, client=client, server=server)
        for client, server in permutations(ends, 2)
        for fact in (
            *(one for one, _, _ in OPERATIONS),
            *(written(HMI, PLC, 20, value=value) for value in (50, 51, 50)),
            *(written(HMI, PLC, 20, words, 51 << 16) for words in (2, 1)),
            written(HMI, PLC, 21, value=51),
            written(HMI, PLC, 20, value=51, table="coils"),
        )
    ]
    together = decide_all(index(zones), facts).verdicts
    alone = [decide(index(zones), fact) for fact in facts]
    assert [(told(one), one.nearest) for one in together] == [(told(one), one.nearest) for one in alone]
    assert {lack.key for one in together for near in one.nearest for lack in near.lacks} >= {
        "client", "access", "function", "unit", "elements", "value",
    }  # fmt: skip


OPERATIONS: list[tuple[Operation, str, str]] = [
    (operation(HMI, PLC, 3, 0, 100), "allowed", "reads"),
    (operation(HMI, PLC, 3, 0, 101), "denied", "elements"),
    (operation(HMI, PLC, 3, 99, 2), "denied", "elements"),
    (operation(HMI, PLC, 3, 200, 1), "allowed", "reads"),
    (operation(HMI, PLC, 3, 90, 111), "denied", "elements"),
    (operation(HMI, PLC, 3), "allowed", "reads"),
    (operation(HMI, PLC, 1, 0, 10), "allowed", "reads"),
    (operation(HMI, PLC, 2, 0, 1), "denied", "elements"),
    (operation(HMI, PLC, 4, 0, 1), "denied", "elements"),
    (operation(HMI, PLC, 20), "denied", "elements"),
    (operation(HMI, PLC, 3, 0, 1, unit=3), "denied", "unit"),
    (operation(HMI, PLC, 6, 20, 1), "allowed", "writes"),
    (operation(HMI, PLC, 6, 19, 1), "denied", "elements"),
    (operation(HMI, PLC, 16, 20, 1), "denied", "function"),
    (operation(HMI, "10.2.0.2", 6, 20, 1), "denied", "access"),
    (operation(HMI, PLC, 43, subfunction=14), "allowed", "writes"),
    (operation(HMI, PLC, 43, subfunction=13), "denied", "function"),
    (operation(HMI, PLC, 43), "denied", "function"),
    (operation(HMI, PLC, 8, subfunction=4), "denied", "client"),
    (operation(HMI, PLC, 23, 0, 1), "allowed", "reads"),
    (operation(HMI, PLC, 23, 0, 1, access="write"), "denied", "access"),
    (operation(EWS, PLC, 8, subfunction=1), "allowed", "stop"),
    (operation(EWS, PLC, 7), "allowed", "stop"),
    (operation(EWS, PLC, 3, 0, 1), "denied", "client"),
    (operation(EWS, PLC, 1, 0, 1), "denied", "access"),
    (operation(PLC, HMI, 3, 0, 1), "denied", "direction"),
    (operation(HMI, PLC, 6, 20, 1, status=2, answered=0), "allowed", "writes"),
    (operation(HMI, PLC, 3, 0, 100, swept=True), "allowed", "reads"),
]


@pytest.mark.parametrize(("fact", "outcome", "by"), OPERATIONS)
def test_operations(plant: Index, fact: Operation, outcome: str, by: str) -> None:
    verdict = decide(plant, fact)
    assert verdict.outcome == outcome
    if outcome == "allowed":
        assert decided_by(verdict) == by
    else:
        assert by in {lack.key for lack in verdict.nearest[0].lacks}


def test_a_verdict_names_the_zones_the_boundary_and_the_line(plant: Index) -> None:
    verdict = decide(plant, conversation(HMI, PLC))
    assert (verdict.from_zone, verdict.to_zone, verdict.boundary) == ("control", "plc", "control-plc")
    assert (verdict.line, verdict.nearest) == ("m.yaml:11", ())
    assert explain(verdict) == "allowed by reads (m.yaml:11)"


def test_a_denial_names_what_came_nearest_and_what_it_lacked(plant: Index) -> None:
    verdict = decide(plant, operation(HMI, PLC, 16, 20, 2))
    assert (verdict.line, verdict.boundary) == ("m.yaml:8", "control-plc")
    assert explain(verdict) == (
        "control-plc allows other things, not this (m.yaml:8). "
        "writes (m.yaml:13) allows function 6, 43/14, not 16 (Write Multiple Registers). "
        "reads (m.yaml:11) allows read, not write. "
        "stop (m.yaml:15) allows from 10.1.0.9, not from 10.1.0.5; control, diagnose, not write; "
        "coils 0, not holding_registers 20-21"
    )


def test_a_denial_says_that_only_the_other_direction_is_allowed(plant: Index) -> None:
    verdict = decide(plant, conversation(PLC, HMI))
    assert explain(verdict).startswith(
        "control-plc allows this the other way round only, from 10.1.0.5 to 10.2.0.1 (m.yaml:8). "
        "reads (m.yaml:11) allows 10.1.0.5 → plc, not 10.2.0.1 → 10.1.0.5. "
    )


def test_denials_without_a_list_say_what_is_absent(plant: Index) -> None:
    said = [explain(decide(plant, conversation(*ends))) for ends in [(PC, PLC), (STRANGER, PLC), (PC, HMI)]]
    assert said == [
        "no boundary joins office and plc, so nothing may cross",
        "10.9.9.9 is in no zone, so nothing is agreed with it",
        "closed allows nothing (m.yaml:18)",
    ]
    assert decide(plant, conversation(PC, PLC)).line == ""


def test_what_was_taken_for_granted_is_said(plant: Index) -> None:
    silent = conversation(HMI, PLC, protocol="none", expected="modbus")
    assert decide(plant, silent).reason.key == "permission-protocol-unseen"
    alarm = replace(silent, port=514, transport="udp", client=PLC, server=HMI)
    assert decide(plant, alarm).reason.key == "permission"
    assert decide(plant, operation(HMI, PLC, 3)).reason.key == "permission-elements-unseen"
    assert decide(plant, operation(HMI, PLC, 43, subfunction=14)).reason.key == "permission"


REMOTE = """
zones:
- {id: office, importance: low, members: 10.1.0.0/24}
- {id: hmi, importance: high, members: 10.2.0.0/24}
boundaries:
- id: remote
  between: [office, hmi]
  allow:
  - {id: web, from: office, to: 10.2.0.8, protocol: tls, port: 3389}
  - {id: desktop, from: office, to: hmi, protocol: rdp}
  - {id: shell, from: office, to: 10.2.0.7, protocol: ssh}
"""


@pytest.mark.parametrize(
    ("server", "port", "protocol", "expected", "role", "outcome"),
    [
        ("10.2.0.1", 3389, "rdp", "", "handshake", "allowed"),
        ("10.2.0.1", 3389, "tls", "rdp", "port", "allowed"),
        ("10.2.0.1", 3389, "unknown", "rdp", "first packet", "allowed"),
        ("10.2.0.7", 22, "unknown", "ssh", "port", "allowed"),
        ("10.2.0.8", 3389, "tls", "rdp", "port", "allowed"),
        # Its beginning was seen, or would look otherwise, or it is on another port.
        ("10.2.0.1", 3389, "tls", "rdp", "handshake", "denied"),
        ("10.2.0.1", 3389, "unknown", "rdp", "handshake", "denied"),
        ("10.2.0.1", 3389, "http", "rdp", "port", "denied"),
        ("10.2.0.7", 22, "tls", "ssh", "port", "denied"),
        ("10.2.0.1", 3390, "tls", "", "port", "denied"),
        ("10.2.0.1", 502, "unknown", "modbus", "port", "denied"),
    ],
)
def test_a_connection_that_goes_on_from_before_may_be_what_its_port_is_for(
    server: str, port: int, protocol: str, expected: str, role: str, outcome: str
) -> None:
    fact = replace(conversation("10.1.0.5", server, port, protocol, expected=expected), role=role)
    read = read_model([("m.yaml", REMOTE.encode())], frozenset({"rdp", "ssh", "tls"}))
    verdict = decide(index(read), fact)
    assert verdict.outcome == outcome
    if outcome == "allowed" and protocol != "rdp":
        unseen = verdict.reason.key == "permission-protocol-unseen"
        assert unseen == (server != "10.2.0.8")


def test_a_group_is_where_its_frame_was_seen() -> None:
    ready = index(model("""
        zones:
        - {id: office, importance: low, members: 10.1.0.0/24}
        - {id: plc, importance: high, members: {vlan: 30}}
    """))  # fmt: skip
    mdns = conversation("10.1.0.5", "224.0.0.251", 5353, "dns", transport="udp", vlan="10")
    assert decide(ready, mdns).outcome == "inside"
    leaked = decide(ready, replace(mdns, vlan="30"))
    assert (leaked.outcome, leaked.to_zone, leaked.reason.key) == ("denied", "plc", "no-boundary")


# Properties: small models and facts in which names, addresses and ports collide.

ranges = st.sampled_from(["", "", "0-9", "0-9", "1", "2-3", "0, 2-3"])
ADDRESSES = ["10.1.0.1", "10.1.0.2", "10.2.0.1", "10.2.0.2", "10.9.9.9", "198.51.100.1", "224.0.0.251",
             "255.255.255.255", "0.0.0.0", "169.254.0.1", "fe80::1", "ff02::1", "fd00::1",
             "00:00:00:00:00:01", "00:00:00:00:00:02", "01:80:c2:00:00:0e"]  # fmt: skip


@st.composite
def permissions(draw: st.DrawFn, zones: tuple[str, ...]) -> str:
    ends = {"from": draw(st.sampled_from(["", *zones])), "to": draw(st.sampled_from(["", *zones]))}
    if len(zones) == 2:
        ends = {draw(st.sampled_from(["from", "to"])): draw(st.sampled_from(zones))}
    given = [f"{key}: {end}" for key, end in ends.items() if end]
    protocol = draw(st.sampled_from(["any", "any", "modbus", "dns"]))
    given += [f"protocol: {protocol}"]
    given += draw(st.sampled_from([[], [], ["transport: tcp"], ["transport: [udp, ethernet]"]]))
    given += [f"port: [{found}]"] if (found := draw(ranges)) else []
    given += draw(st.sampled_from([[], [], ["access: read"], ["access: [write, control]"]]))
    if protocol == "modbus":
        given += draw(st.sampled_from([[], ["functions: 3"], ["functions: [6, 43/14]"]]))
        given += [f"units: [{found}]"] if (found := draw(ranges)) else []
        given += [f"holding_registers: [{found}]"] if (found := draw(ranges)) else []
    return "{" + ", ".join(given) + "}"


@st.composite
def models(draw: st.DrawFn) -> Model:
    members = st.lists(
        st.sampled_from(
            ["10.1.0.0/24", "10.1.0.1", "10.2.0.0/24", "10.0.0.0/8", "{vlan: 10}",
             "{prefix: 10.1.0.0/24, vlan: 10}", "'00:00:00:00:00:01'", "fd00::/16", "224.0.0.0/4"]
        ),
        min_size=1, max_size=3,
    )  # fmt: skip
    lines = ["zones:"]
    for zone in ("a", "b", "c"):
        lines.append(f"- id: {zone}\n  importance: low\n  members: [{', '.join(draw(members))}]")
        if draw(st.booleans()):
            listed = draw(st.lists(permissions((zone,)), min_size=1, max_size=2))
            lines.append(f"  inside: listed\n  allow: [{', '.join(listed)}]")
    lines.append("boundaries:")
    for pair in draw(st.sets(st.sampled_from([("a", "b"), ("c", "b"), ("a", "internet")]))):
        listed = draw(st.lists(permissions(pair), max_size=3))
        lines.append(
            f"- id: {'-'.join(pair)}\n  between: [{', '.join(pair)}]\n  allow: [{', '.join(listed)}]"
        )
    return model("\n".join(lines if len(lines) > 4 and lines[-1] != "boundaries:" else lines[:-1]))


texts = st.sampled_from(ADDRESSES[:4]) | st.sampled_from(ADDRESSES) | st.text(max_size=2)
small = st.integers(-1, 4)
facts: st.SearchStrategy[Any] = st.builds(
    conversation, texts, texts, small, st.sampled_from(["modbus", "dns", "unknown"]),
    transport=st.sampled_from(["tcp", "udp", "ethernet"]), vlan=st.sampled_from(["", "10", "200.10"]),
    expected=st.sampled_from(["", "modbus"]), answered=st.booleans(),
) | st.builds(
    operation, texts, texts, st.sampled_from([1, 3, 6, 8, 16, 43, 100]), small, small, port=small, unit=small,
    subfunction=st.sampled_from([-1, 1, 14]), vlan=st.sampled_from(["", "10"]),
)  # fmt: skip


@given(models(), facts)
def test_every_fact_gets_a_verdict_that_can_be_worded(found: Model, fact: Conversation | Operation) -> None:
    verdict = decide(index(found), fact)
    again = decide(index(found), fact)
    assert (told(verdict), verdict.nearest) == (told(again), again.nearest)
    assert verdict.outcome in ("allowed", "denied", "not covered", "inside")
    assert explain(verdict)
    assert len(verdict.nearest) <= NEAREST
    assert not (verdict.nearest and verdict.outcome != "denied")
    assert all(near.lacks for near in verdict.nearest)
    if verdict.outcome in ("allowed", "inside"):
        assert verdict.line


@given(models(), facts, st.randoms(use_true_random=False))
def test_the_order_of_zones_and_boundaries_changes_nothing(
    found: Model, fact: Conversation | Operation, random: Any
) -> None:
    zones, boundaries = list(found.zones), list(found.boundaries)
    random.shuffle(zones)
    random.shuffle(boundaries)
    shuffled = Model(tuple(zones), tuple(boundaries), found.files)
    other, verdict = decide(index(shuffled), fact), decide(index(found), fact)
    assert (told(other), other.nearest) == (told(verdict), verdict.nearest)


def widened(permission: Permission, data: st.DataObject) -> Permission:
    """The permission without one of its limits."""
    key = data.draw(
        st.sampled_from(["protocols", "transports", "ports", "access", "functions", "units", "objects"])
    )
    if key == "functions" and permission.objects:
        # Named functions are also what admits a function without elements.
        key = "objects"
    if key == "access" and permission.objects:
        key = "objects"
    return replace(permission, **{key: ()})


@given(models(), facts, st.data())
def test_widening_a_permission_denies_nothing_that_was_allowed(
    found: Model, fact: Conversation | Operation, data: st.DataObject
) -> None:
    owners: list[Zone | Boundary] = [o for o in (*found.zones, *found.boundaries) if o.permissions]
    if not owners or decide(index(found), fact).outcome == "denied":
        return
    owner = data.draw(st.sampled_from(owners))
    number = data.draw(st.integers(0, len(owner.permissions) - 1))
    listed = list(owner.permissions)
    listed[number] = widened(listed[number], data)
    changed = replace(owner, permissions=tuple(listed))
    wider = Model(
        tuple(changed if zone is owner else zone for zone in found.zones),  # type: ignore[misc]
        tuple(changed if boundary is owner else boundary for boundary in found.boundaries),  # type: ignore[misc]
        found.files,
    )
    assert decide(index(wider), fact).outcome == decide(index(found), fact).outcome


CELL = """
    timezone: UTC
    zones:
    - id: cell
      importance: high
      members: 10.1.0.0/24
      inside: baseline
      allow:
      - {id: setpoints, from: 10.1.0.5, to: 10.1.0.1, protocol: modbus, functions: 6, holding_registers: 20,
         limits: [{holding_register: 20, low: 0, high: 50}]}
      - {id: service, from: 10.1.0.9, to: 10.1.0.1, protocol: ssh, expires: 2026-01-31}
    - {id: office, importance: low, members: 10.3.0.0/24}
    boundaries:
    - {id: cell-office, between: [cell, office], allow: [{to: cell, protocol: tls}]}
"""
CELL_PLC = "10.1.0.1"
NORMAL_DAY = ledger_of(
    conversation(HMI, CELL_PLC),
    conversation(EWS, CELL_PLC, 22, "ssh"),
    conversation(PC, CELL_PLC),
    operation(HMI, CELL_PLC, 3, 0, 10),
    operation(HMI, CELL_PLC, 6, 20, 1),
)
AFTER_JANUARY = {"first_ns": 1_775_000_000_000_000_000, "last_ns": 1_775_000_000_000_000_001}


IN_CELL: list[tuple[Any, str, str, str]] = [
    (conversation(HMI, CELL_PLC), "allowed", "setpoints", "allowed"),
    (operation(HMI, CELL_PLC, 6, 20, 1), "allowed", "setpoints", "allowed"),
    (operation(HMI, CELL_PLC, 3, 2, 3), "inside", "in-baseline", "not covered"),
    (operation(HMI, CELL_PLC, 3, 2, 30), "denied", "new-elements", "not covered"),
    (operation(HMI, CELL_PLC, 1, 2, 3), "denied", "new-request", "not covered"),
    (conversation("10.1.0.6", CELL_PLC), "denied", "new-conversation", "not covered"),
    # what is written outweighs what was seen: its values and its time
    (written(HMI, CELL_PLC, 20, value=50), "allowed", "setpoints", "allowed"),
    (written(HMI, CELL_PLC, 20, value=51), "denied", "not-listed", "denied"),
    (written(HMI, CELL_PLC, 21), "denied", "new-write", "not covered"),
    (conversation(EWS, CELL_PLC, 22, "ssh"), "allowed", "service", "allowed"),
    (conversation(EWS, CELL_PLC, 22, "ssh", **AFTER_JANUARY), "denied", "not-listed", "denied"),
    # a baseline says nothing of boundaries
    (conversation(PC, CELL_PLC), "denied", "not-listed", "denied"),
]


@pytest.mark.parametrize(("fact", "outcome", "by", "without"), IN_CELL)
def test_a_baseline_says_what_may_happen_inside(fact: Any, outcome: str, by: str, without: str) -> None:
    plant = model(CELL)
    verdict = decide(index(plant, (), NORMAL_DAY), fact)
    assert (verdict.outcome, decided_by(verdict)) == (outcome, by)
    assert explain(verdict)
    alone = decide(index(plant), fact)
    assert alone.outcome == without
    assert without != "not covered" or (alone.reason.key, alone.line) == ("no-baseline", "m.yaml:3")


def test_all_reasons_and_lacks_are_reached(plant: Index) -> None:
    verdicts = [decide(plant, fact) for fact, _, _ in [*CONVERSATIONS, *OPERATIONS]]
    cell = model(CELL)
    for ready in (index(cell, (), NORMAL_DAY), index(cell)):
        verdicts += [decide(ready, fact) for fact, *_ in IN_CELL]
    # `test_awaited.py` has what is judged as another conversation.
    assert {verdict.reason.key for verdict in verdicts} == set(REASONS) - {"data-of"}
    assert {lack.key for verdict in verdicts for near in verdict.nearest for lack in near.lacks} == {
        *LACKS
    } - {"hours"}


BY_MAC = """
    version: 1
    assets:
    - {id: ews, mac: "00:00:00:00:01:05", role: engineering-station, zone: control}
    - {id: gateway, address: 10.1.0.254, mac: "00:00:00:00:01:fe", role: router, zone: control}
    zones:
    - {id: control, importance: high, members: [10.1.0.0/24, "00:00:00:00:01:07"]}
    - {id: plc, importance: high, members: ["00:00:00:00:02:09"]}
    boundaries:
    - {id: b, between: [control, plc], allow: [
        {id: by-role, from: "role:engineering-station", to: plc, protocol: modbus},
        {id: by-mac, from: "00:00:00:00:01:07", to: "00:00:00:00:02:09", protocol: ssh},
        {id: by-router, from: "role:router", to: plc, protocol: http}]}
"""


@pytest.mark.parametrize(
    ("client", "protocol", "allowed"),
    [
        ("10.1.0.5", "modbus", True),
        ("10.1.0.6", "modbus", False),
        ("10.1.0.5", "ssh", False),
        ("10.1.0.7", "ssh", True),
        ("10.1.0.7", "modbus", False),
        # What the model gives an address speaks for no other one.
        ("10.1.0.254", "http", True),
        ("10.1.0.8", "http", False),
    ],
)
def test_a_permission_by_mac_address_fits_the_addresses_of_its_device(
    client: str, protocol: str, allowed: bool
) -> None:
    macs = {"10.1.0.5": "01:05", "10.1.0.6": "01:06", "10.1.0.7": "01:07", "10.1.0.8": "01:fe",
            "10.1.0.254": "01:fe", "172.20.0.9": "02:09"}  # fmt: skip
    seen = [asset(f"00:00:00:00:{end}", address, "5") for address, end in macs.items()]
    asked = conversation(client, "172.20.0.9", protocol=protocol, vlan="5")
    verdict = decide(index(model(BY_MAC), seen), asked)
    assert (verdict.outcome == "allowed") == allowed, explain(verdict)
    assert decide(index(model(BY_MAC)), asked).outcome == "denied"


def test_an_address_of_the_internet_is_nobodys_by_its_mac_address() -> None:
    plant = model("""
        version: 1
        zones:
        - {id: control, importance: high, members: [198.51.100.0/24, "00:00:00:00:01:07"]}
        - {id: plc, importance: high, members: 10.2.0.0/24}
        boundaries:
        - {id: b, between: [control, plc], allow: [{from: "00:00:00:00:01:07", to: plc, protocol: any}]}
    """)
    ready = index(plant, [asset("00:00:00:00:01:07", "198.51.100.9")])
    assert decide(ready, conversation("198.51.100.9", "10.2.0.1")).outcome == "denied"


def test_a_permission_is_named_where_it_is_told() -> None:
    plant = index(
        model("""
        timezone: Asia/Tokyo
        zones:
        - {id: a, importance: 大, members: 10.1.0.0/24}
        - {id: b, importance: 小, members: 10.2.0.0/24}
        boundaries:
        - id: x
          between: [a, b]
          allow: [{id: web, name: {ja: 画面, en: Screens}, from: a, protocol: tls, expires: 1970-01-01}]
    """)
    )
    talk = conversation("10.1.0.5", "10.2.0.9", protocol="tls")
    allowed = decide(plant, talk)
    assert dict(allowed.reason.params)["permission"] == "web (画面 / Screens)"
    assert allowed.permission is not None and allowed.permission.called("ja") == "web (画面)"
    denied = decide(plant, replace(talk, last_ns=20 * 3_600_000_000_000))
    assert denied.permission is None
    assert [near.permission for near in denied.nearest] == ["web (画面 / Screens)"]
    assert "until 1970-01-01, not 1970-01-02 05:00 +09:00" in explain(denied)


ELEMENTS = """
    zones:
    - {id: control, importance: high, members: 10.1.0.0/24}
    - {id: plc, importance: high, members: 10.2.0.0/24}
    boundaries:
    - id: control-plc
      between: [control, plc]
      allow:
      - {id: set, from: control, to: plc, protocol: slmp, functions: FUNCTION,
         limits: [{element: D100, low: 0, high: 200}, {element: D102, type: int32, low: -5, high: 5}]}
      - {id: stop, from: control, to: plc, protocol: slmp, functions: Remote Stop}
"""


@pytest.mark.parametrize("function", ["Device Write", "0x1401", "[Remote Run, device write random]"])
@pytest.mark.parametrize(
    ("address", "words", "value", "outcome"),
    [
        (100, 1, 200, "allowed"),
        (100, 1, 201, "denied"),
        (101, 1, 60_000, "allowed"),
        # The lower word comes first.
        (102, 2, 0xFFFB_FFFF, "allowed"),
        (102, 2, 0xFFFA_FFFF, "denied"),
        (103, 1, 1, "denied"),
    ],
)
def test_values_of_other_protocols_are_judged_by_the_permission_for_writes(
    function: str, address: int, words: int, value: int, outcome: str
) -> None:
    ready = index(model(ELEMENTS.replace("FUNCTION", function)))
    fact = written(HMI, PLC, address, words, value, protocol="slmp", table="D", unit=-1, port=5007)
    verdict = decide(ready, fact)
    assert verdict.outcome == outcome
    if outcome == "denied":
        near = verdict.nearest[0]
        assert (near.permission, [lack.key for lack in near.lacks]) == ("set", ["value"])
        assert near.lacks[0].allowed.startswith(f"D{address - (address == 103)}: ")
    # Of another protocol, in an area of the same name.
    other = decide(ready, replace(fact, protocol="fins"))
    lacks = [lack.key for lack in other.nearest[0].lacks]
    assert "protocol" in lacks and "value" not in lacks


def test_a_written_value_of_any_protocol_and_table_is_decided() -> None:
    ready = index(model(ELEMENTS.replace("FUNCTION", "Device Write")))
    for protocol, table in (("modbus", "D"), ("slmp", "?"), ("none", ""), ("http", "coils")):
        assert decide(ready, written(HMI, PLC, 1, protocol=protocol, table=table)).outcome in (
            "allowed",
            "denied",
        )
