from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from otmon.lab.frames import Host, Say, connection
from otmon.ledger.facts import Conversation
from tests.detect.captures import HMI as HMI_STATION
from tests.detect.captures import START_NS, WIRE
from tests.detect.captures import found as captured
from tests.detect.plant import HMI, PC, PLC, WEB, at, found, keys
from tests.zones.facts import conversation

RULE = "internet-contact"


def test_who_reaches_out_is_one_finding_for_all_addresses_there() -> None:
    facts = [conversation(PLC, f"198.51.100.{n}", 443, "tls", evidence=at(n)) for n in range(1, 9)]
    (one,) = found(RULE, *facts)
    assert (one.severity, one.count, one.evidence) == ("high", 80, (at(1), at(2), at(3)))
    assert (one.place.from_zone, one.place.to_zone) == ("plc", "internet")
    assert keys([one]) == ["internet-out", "reason.no-boundary", "outside"]
    assert dict(one.why[-1].params)["count"] == 8


def test_who_is_reached_weighs_most() -> None:
    (one,) = found(RULE, conversation(WEB, PLC, 3389, "rdp"))
    assert (one.severity, one.what.key) == ("critical", "internet-in")
    (tried,) = found(RULE, conversation(WEB, PLC, 3389, "none", answered=False, packets_to_client=0))
    assert tried.severity == "medium"
    assert tried.what.key == "internet-in-tried-silent" and keys([tried])[-1] == "unanswered"
    (spoken,) = found(
        RULE, conversation(WEB, PLC, 161, "snmp", transport="udp", answered=False, packets_to_client=0)
    )
    assert spoken.what.key == "internet-in-tried"
    (silent,) = found(RULE, conversation(PLC, WEB, 443, "none"))
    assert silent.what.key == "internet-out-silent" and "protocol" not in dict(silent.what.params)
    (office,) = found(RULE, conversation(WEB, PC, 3389, "rdp"))
    assert office.severity == "high"


@pytest.mark.parametrize(
    "fact",
    [
        conversation(PC, WEB, 443, "tls"),
        conversation(PLC, "10.9.9.9", 443, "tls"),
        conversation(PLC, HMI),
        conversation("10.9.9.9", WEB, 443, "tls"),
    ],
)
def test_allowed_contacts_private_addresses_and_strangers_are_none(fact: object) -> None:
    assert found(RULE, fact) == []  # type: ignore[arg-type]


def test_ports_and_protocols_are_told_apart() -> None:
    facts = [
        conversation(PLC, WEB, port, protocol)
        for port, protocol in ((443, "tls"), (80, "http"), (8443, "tls"))
    ]
    assert len(found(RULE, *facts)) == 3


@pytest.mark.parametrize(
    ("client", "server", "protocol", "severity"),
    [
        (WEB, "10.2.0.1", "modbus", "critical"),
        ("10.2.0.1", WEB, "s7comm", "high"),
        ("10.2.0.1", WEB, "tls", None),
        ("10.2.0.1", "192.168.9.9", "modbus", None),
        ("2400:8500::1", "fd00::1", "modbus", "critical"),
        ("130.126.142.250", "130.126.140.229", "dnp3", None),
        ("130.127.142.250", "130.126.140.229", "dnp3", "critical"),
        ("2400:8500:1:2::1", "2400:8500:1:9::1", "modbus", None),
        ("2400:8500:1:2::1", "2400:8500:2:2::1", "modbus", "critical"),
    ],
)
def test_without_a_model_industrial_protocols_have_no_business_there(
    client: str, server: str, protocol: str, severity: str | None
) -> None:
    findings = found(RULE, conversation(client, server, 502, protocol), plant=None)
    assert [one.severity for one in findings] == ([severity] if severity else [])
    assert all("no-model" in keys([one]) for one in findings)


@pytest.mark.parametrize(
    ("fact", "severity"),
    [
        (conversation(WEB, "10.1.0.66", 445, "smb"), "high"),
        (conversation(WEB, "192.168.1.9", 23, "telnet"), "high"),
        (conversation("2400:8500::1", "fd00::9", 445, "smb"), "high"),
        (
            conversation(WEB, "10.1.0.66", 161, "snmp", transport="udp", answered=False, packets_to_client=0),
            None,
        ),
        (conversation(WEB, "10.1.0.66", 161, "snmp", transport="udp", role="first packet"), None),
        (conversation("10.1.0.66", WEB, 445, "smb"), None),
        (conversation(WEB, "10.1.0.66", 443, "tls"), None),
        (conversation(WEB, "198.51.7.9", 445, "smb"), None),
        (conversation("10.1.0.5", "10.1.0.66", 445, "smb"), None),
    ],
)
def test_without_a_model_what_is_for_one_network_is_not_open_to_all(
    fact: Conversation, severity: str | None
) -> None:
    findings = found(RULE, fact, plant=None)
    assert [one.severity for one in findings] == ([severity] if severity else [])
    assert all(keys([one])[:2] == ["internet-in", "no-model-exposed"] for one in findings)


@pytest.mark.parametrize(("port", "told"), [(445, True), (443, False)])
def test_a_pc_that_was_put_there_to_print_is_reached(port: int, told: bool, tmp_path: Path) -> None:
    """By SMB 1, or by something else that a host may offer."""
    head = b"\xffSMBr" + bytes(4) + b"\x18\x53\xc8" + bytes(12) + b"\xff\xff\xfe\xff" + bytes(4)
    asks = head + b"\x00\x0c\x00\x02NT LM 0.12\x00"
    reply = head[:9] + b"\x98" + head[10:] + bytes(3)
    said = [
        Say(speaker, len(one).to_bytes(4, "big") + one if told else b"\x16\x03\x01\x00\x02\x01\x00", 0)
        for speaker, one in (("client", asks), ("server", reply))
    ]
    hosts = Host("stranger", "203.0.113.9", WIRE.firewall), HMI_STATION
    packets = connection(WIRE, START_NS, hosts, (49_200, port), said, Random(port), "said")
    findings = captured(RULE, packets, tmp_path, None)
    assert [(one.severity, one.what.key) for one in findings] == [("high", "internet-in")] * told


def test_a_model_takes_nothing_away_where_no_end_is_in_it() -> None:
    facts = conversation("2400:8500:1::5", "2400:8500:2::7"), conversation(WEB, "198.51.7.9", 443, "tls")
    (one,) = found(RULE, *facts)
    assert (one.severity, one.link.server) == ("critical", "2400:8500:2::7")
    assert keys([one]) == ["internet-in", "reason.outside-model", "outside"]
    assert found(RULE, conversation("2400:8500:1::5", "2400:8500:1:9::7")) == []
