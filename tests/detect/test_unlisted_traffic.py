from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from otmon.detect.rules.load import shipped_rules
from otmon.lab.frames import (
    ACK,
    FIN,
    MILLISECOND_NS,
    SECOND_NS,
    Packet,
    Say,
    Segment,
    connection,
    ip_packet,
    tcp,
    udp_packet,
)
from otmon.ledger.facts import AssetClaim
from otmon.protocols.registry import IDS as PROTOCOLS
from otmon.zones.files.load import read_model
from tests.detect import captures
from tests.detect.plant import EWS, HMI, OTHER_PLC, PC, PLC, PRINTER, STRANGER, WEB, at, found, keys
from tests.zones.facts import conversation, operation, written

RULE = "unlisted-traffic"
SPREAD = shipped_rules()[RULE].number("spread")
SHOWN = shipped_rules()[RULE].number("shown")


def test_what_no_boundary_allows_is_found_with_who_and_why() -> None:
    (one,) = found(RULE, conversation(PC, PLC, first_ns=7, last_ns=9, evidence=at(3)))
    assert (one.severity, one.count, one.unit, one.first_ns, one.last_ns) == ("high", 10, "packets", 7, 9)
    assert (one.link.client, one.link.server, one.link.port) == (PC, PLC, 502)
    assert (one.place.from_zone, one.place.to_zone, one.place.boundary) == ("office", "plc", "")
    assert one.evidence == (at(3),)
    assert keys([one]) == ["conversation", "reason.no-boundary"]


def test_a_boundary_is_named_with_its_owners_and_the_nearest_permission() -> None:
    (one,) = found(RULE, conversation(EWS, PLC))
    assert (one.place.boundary, one.place.device_owner, one.place.settings_owner) == (
        "control-plc",
        "IT",
        "production",
    )
    assert keys([one]) == ["conversation", "reason.not-listed", "nearest"]
    nearest = dict(one.why[1].params)
    assert nearest["permission"] == "reads"
    assert str(nearest["line"]).startswith("m.yaml:")


@pytest.mark.parametrize(
    "allowed",
    [
        conversation(HMI, PLC),
        conversation(HMI, EWS, 22, "ssh"),
        conversation(PC, PRINTER, 9100, "unknown"),
        conversation(PC, WEB, 443, "tls"),
        conversation(PC, "10.3.0.255", 137, "nbns", transport="udp"),
    ],
)
def test_what_is_allowed_or_stays_inside_is_not_found(allowed: object) -> None:
    assert found(RULE, allowed) == []  # type: ignore[arg-type]


@pytest.mark.parametrize("fact", [conversation(STRANGER, PLC), conversation(PLC, WEB, 443, "tls")])
def test_strangers_and_the_internet_have_rules_of_their_own(fact: object) -> None:
    assert found(RULE, fact) == []  # type: ignore[arg-type]


def test_without_a_model_nothing_is_unlisted() -> None:
    assert found(RULE, conversation(PC, PLC), plant=None) == []


@pytest.mark.parametrize(
    ("fact", "more", "severity"),
    [
        (conversation(PC, PLC), (), "high"),
        (conversation(PC, PLC, answered=False), (), "medium"),
        (conversation(PC, PLC), (operation(PC, PLC, 3, 0, 1),), "high"),
        (conversation(PC, PLC), (operation(PC, PLC, 6, 0, 1),), "critical"),
        (conversation(PC, PLC), (operation(PC, PLC, 6, 0, 1, status=2),), "high"),
        (conversation(PC, PLC), (operation(PC, PLC, 6, 0, 1, status=-1),), "critical"),
        (conversation(PLC, PC), (), "medium"),
        (conversation(PLC, PC, answered=False), (), "low"),
        (conversation(PLC, PC), (operation(PLC, PC, 5, 0, 1),), "high"),
    ],
)
def test_severity_goes_by_what_was_reached_and_whether_it_was_changed(
    fact: object, more: tuple[object, ...], severity: str
) -> None:
    (one,) = found(RULE, fact, *more)  # type: ignore[arg-type]
    assert one.severity == severity


def test_commands_are_named_and_prove_themselves() -> None:
    facts = [operation(PC, PLC, function, 0, 1, evidence=at(function)) for function in (3, 6)]
    (one,) = found(RULE, conversation(PC, PLC, evidence=at(1)), *facts)
    asked = dict(one.why[-1].params)
    assert (one.why[-1].key, asked) == (
        "asked-for", {"items": "Read Holding Registers, Write Single Register"},
    )  # fmt: skip
    assert one.evidence == (at(1), at(6))


def test_an_unanswered_attempt_says_so() -> None:
    for came_back, said in ((0, "unanswered"), (3, "refuses-connections")):
        tried = conversation(PC, PLC, protocol="none", answered=False, packets_to_client=came_back)
        assert keys(found(RULE, tried))[-1] == said


def test_the_tag_of_a_vlan_makes_no_second_finding() -> None:
    facts = [conversation(PC, PLC, vlan=vlan, evidence=at(n)) for n, vlan in enumerate(("", "10", "20"), 1)]
    (one,) = found(RULE, *facts)
    assert one.count == 30
    assert one.evidence == (at(1), at(2), at(3))


def test_a_sweep_is_one_finding() -> None:
    few = [conversation(PC, f"10.2.0.{n}") for n in range(1, SPREAD + 1)]
    assert len(found(RULE, *few)) == SPREAD
    many = [conversation(PC, f"10.2.0.{n}", port) for n in range(1, SPREAD + 1) for port in (502, 102)]
    (one,) = found(RULE, *many)
    assert keys([one]) == ["spread", "reason.no-boundary", "many-servers", "many-ports"]
    assert dict(one.what.params) == {"client": PC, "zone": "plc", "conversations": 2 * SPREAD}
    assert dict(one.why[1].params)["count"] == SPREAD
    assert str(dict(one.why[1].params)["servers"]).count(",") == SHOWN - 1
    assert one.link.server == ""
    assert one.count == 20 * SPREAD


def test_the_identity_does_not_depend_on_how_often_or_when() -> None:
    (one,) = found(RULE, conversation(PC, PLC))
    (again,) = found(
        RULE, conversation(PC, PLC, packets_to_server=999, first_ns=0), conversation(PC, OTHER_PLC)
    )[:1]
    assert one.key == again.key


def test_the_switch_port_of_the_client_is_told() -> None:
    claim = AssetClaim(
        "", PC, "", "switch-port", "erspan:10.0.0.2/3/12", "erspan", 1, 1, 2, at(1)
    )  # fmt: skip
    (one,) = found(RULE, conversation(PC, PLC), claim)
    assert keys([one]) == ["conversation", "reason.no-boundary", "at-ports"]
    assert dict(one.why[-1].params) == {"items": "erspan:10.0.0.2/3/12"}
    (other,) = found(RULE, conversation(PC, PLC), replace(claim, address=HMI))
    assert keys([other]) == ["conversation", "reason.no-boundary"]
    named = replace(claim, kind="name", value="x")
    assert keys(found(RULE, conversation(PC, PLC), named)) == ["conversation", "reason.no-boundary"]


@pytest.mark.parametrize(
    ("answer", "key"),
    [
        ("open", "conversation-silent"), ("closed", "conversation-refused"),
        ("nothing", "conversation-tried"), ("no beginning", "conversation-empty"),
    ],
)  # fmt: skip
def test_who_was_not_let_in_did_not_connect(answer: str, key: str, tmp_path: Path) -> None:
    pair, ports = (captures.LAPTOP, captures.plc(1)), (49_200, 502)
    packets = captures.knock(captures.START_NS, pair, ports, answer, Random(1))
    if answer == "no beginning":
        data = tcp(*pair, ports, Segment(7, 9, FIN | ACK))
        packets = [ip_packet(captures.WIRE, captures.START_NS, pair, 6, data, 1, "end")]
    (one,) = captures.found(RULE, packets, tmp_path)
    assert keys([one])[0] == key
    assert dict(one.what.params)["client"] == captures.LAPTOP.address


def test_of_much_that_was_reached_for_it_is_told_what_was_changed() -> None:
    talks = [conversation(PC, PLC, port, "none", evidence=at(port)) for port in range(1, SPREAD + 2)]
    write = operation(PC, PLC, 6, 21, 1, evidence=at(9_000))
    value = written(PC, PLC, 21, value=11_100)
    modbus = conversation(PC, PLC, evidence=at(8_000))
    (one,) = found(RULE, *talks, modbus, write, value)
    assert (one.what.key, one.severity) == ("spread", "critical")
    assert {"asked-for", "wrote"} <= set(keys([one]))
    assert at(9_000) in one.evidence and at(1) in one.evidence


TRANSFERS = read_model(
    [
        (
            "m.yaml",
            b"""
version: 1
zones:
- {id: control, importance: high, members: 10.1.0.0/24}
- {id: plc, importance: high, members: 10.2.0.0/24}
boundaries:
- id: control-plc
  between: [control, plc]
  allow: [{id: recipes, from: control, to: 10.2.0.1, protocol: [ftp, tftp]}]
""",
        )
    ],
    frozenset(PROTOCOLS),
)


def transfers(port: bytes, reply: bytes, server: int = 1) -> list[Packet]:
    """FTP, then data by a passive (50000) and an active connection (51210); and TFTP."""
    hosts = captures.HMI, captures.plc(server)
    back = hosts[::-1]
    says = [
        Say("server", b"220 vsFTPd\r\n", MILLISECOND_NS),
        Say("client", b"PASV\r\n", MILLISECOND_NS),
        Say("server", reply + b"\r\n", MILLISECOND_NS),
        Say("client", port + b"\r\n", SECOND_NS),
        Say("server", b"200 ok\r\n", MILLISECOND_NS),
    ]
    data = [Say("server", bytes(range(128, 228)), MILLISECOND_NS)]
    at_ns = captures.START_NS
    control = connection(captures.WIRE, at_ns, hosts, (49_200, 21), says, Random(1), "ftp")
    passive = connection(captures.WIRE, at_ns + SECOND_NS, hosts, (49_201, 50_000), data, Random(2), "ftp")
    data = [Say("client", bytes(range(128, 228)), MILLISECOND_NS)]
    active = connection(captures.WIRE, at_ns + 2 * SECOND_NS, back, (20, 51_210), data, Random(3), "ftp")
    asked, block = b"\0\1recipe.bin\0octet\0", b"\0\3\0\1" + bytes(512)
    tftp = [
        udp_packet(captures.WIRE, at_ns, hosts, (49_200, 69), asked, 1, "tftp"),
        udp_packet(captures.WIRE, at_ns + MILLISECOND_NS, back, (49_300, 49_200), block, 2, "tftp"),
    ]
    return [*control, *passive, *active, *tftp]


def denied_ports(packets: list[Packet], folder: Path) -> list[int]:
    return sorted(one.link.port for one in captures.found(RULE, packets, folder, TRANSFERS))


def test_data_of_a_transfer_is_judged_as_its_control_connection(tmp_path: Path) -> None:
    port, reply = b"PORT 10,1,0,5,200,10", b"227 Entering Passive Mode (10,2,0,1,195,80)."
    assert denied_ports(transfers(port, reply), tmp_path) == []
    # What is denied is told once, with the connection in which it was agreed on.
    other = b"227 Entering Passive Mode (10,2,0,2,195,80)."
    findings = captures.found(RULE, transfers(port, other, 2), tmp_path, TRANSFERS)
    assert sorted(one.link.port for one in findings) == [21, 69]
    assert "unanswered" not in keys(findings)


def test_data_that_nobody_agreed_on_or_with_a_third_host_is_denied(tmp_path: Path) -> None:
    reply = b"227 Entering Passive Mode (10,2,0,1,195,80)."
    assert denied_ports(transfers(b"PORT 10,1,0,9,200,10", reply), tmp_path) == [51_210]
    assert denied_ports(transfers(b"PORT 10,1,0,5,200,11", b"425 no"), tmp_path) == [50_000, 51_210]
    (bounce,) = captures.found(
        "diverted-transfer", transfers(b"PORT 10,2,0,9,1,246", reply), tmp_path, TRANSFERS
    )
    assert dict(bounce.why[0].params)["items"] == "10.2.0.9 (tcp/502)"
