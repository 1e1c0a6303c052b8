from __future__ import annotations

import pytest

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


def test_a_model_takes_nothing_away_where_no_end_is_in_it() -> None:
    facts = conversation("2400:8500:1::5", "2400:8500:2::7"), conversation(WEB, "198.51.7.9", 443, "tls")
    (one,) = found(RULE, *facts)
    assert (one.severity, one.link.server) == ("critical", "2400:8500:2::7")
    assert keys([one]) == ["internet-in", "reason.outside-model", "outside"]
    assert found(RULE, conversation("2400:8500:1::5", "2400:8500:1:9::7")) == []
