"""Findings of conditions: what is counted together, and what each of them says."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from otmon.detect.condition_rules import matched
from otmon.detect.finding import Finding
from otmon.detect.rules.load import read_rules
from otmon.detect.rules.rule import Rule
from otmon.detect.rules.sample import ledger_of as sampled
from otmon.findings.judge import case_of, id_of, judge
from otmon.findings.wording import worded
from otmon.identity.claim import ClaimKind
from otmon.ledger.facts import AssetClaim
from otmon.zones.model import Model
from tests.detect.plant import HMI, PC, PLANT, PLC, at, keys, ledger_of
from tests.ledger.conftest import any_ledgers
from tests.zones.facts import asset, conversation, operation


def rule(category: str, selection: str, **more: str) -> Rule:
    text = f"""
title: Something of ours
id: 3b1f5f1e-7b0c-4c55-8b53-0f7f6f0a4d11
name: ours
status: {more.get("status", "test")}
description: What we look for.
level: {more.get("level", "medium")}
logsource: {{product: otmon, category: {category}}}
detection: {{ours: {selection}, condition: ours}}
ja: {{title: 独自のルール}}
"""
    (read,) = read_rules([("ours.yml", text.encode())])
    return read


def found(
    category: str, selection: str, *facts: Any, plant: Model | None = PLANT, **more: str
) -> list[Finding]:
    one = rule(category, selection, **more)
    return list(judge(ledger_of(*facts), plant, None, {"ours": one}))


def test_a_conversation_is_told_once_whatever_its_vlans() -> None:
    facts = [
        conversation(PC, PLC, 23, "telnet", vlan=vlan, evidence=at(number), first_ns=number)
        for number, vlan in enumerate(("", "7", "8"), 1)
    ]
    (one,) = found("conversation", "{protocol: telnet}", *facts, conversation(PC, PLC))
    assert (one.rule, one.severity, one.count, one.unit) == ("ours", "medium", 30, "packets")
    assert one.key == (PC, PLC, "tcp", "23", "telnet")
    assert (one.place.from_zone, one.place.to_zone) == ("office", "plc")
    assert [evidence.packet for evidence in one.evidence] == [1, 2, 3]
    assert worded(one.why[0], "ja") == "独自のルール"
    assert (one.title.en, one.first_ns) == ("Something of ours", 1)


def test_a_name_is_told_where_it_is_what_matches() -> None:
    def claim(address: str, kind: ClaimKind, value: str) -> AssetClaim:
        return AssetClaim("", address, "", kind, value, "http", 1, 1, 2, at(1))

    web, proxy = "198.51.100.7", "10.3.0.8"
    facts = [
        conversation(PC, web, 443, "tls"),
        conversation(PC, proxy, 3128, "http"),
        claim(web, "called", "relay.anydesk.com"),
        claim(web, "called", "cdn.example"),
        claim(proxy, "capability", "proxy"),
        *(claim(PC, "reaches", one) for one in ("anydesk.com", "a.example", "teamviewer.com")),
    ]
    names = "(?:.*[.])?(?:anydesk|teamviewer)[.]com"
    (one,) = found("conversation", f"{{server_names|re: '{names}'}}", *facts)
    assert worded(one.why[-1], "en") == "the client asks for it by the name relay.anydesk.com"
    (one,) = found("conversation", f"{{domains_by_proxy|re: '{names}'}}", *facts)
    assert one.link.server == proxy
    assert (
        worded(one.why[-1], "en")
        == "by way of this HTTP proxy the client reached anydesk.com, teamviewer.com"
    )
    # Here the port is what matches.
    (one,) = found("conversation", "[{port: 443}, {server_names: nowhere}]", *facts)
    assert "called-by-client" not in keys([one])


def test_operations_are_told_for_each_service_with_what_was_written_and_refused() -> None:
    facts = [
        operation(HMI, PLC, 6, 1, 1, status=2, times=3),
        operation(HMI, PLC, 6, 2, 1),
        operation(HMI, PLC, 5, 2, 1, status=-1),
    ]
    one, other = sorted(
        found("operation", "{access: write}", conversation(HMI, PLC), *facts), key=lambda f: f.key
    )
    assert (one.key[-1], one.count) == ("Write Single Coil", 1)
    assert (other.key[-1], other.count) == ("Write Single Register", 4)
    assert keys([one]) == ["operation", "named", "unanswered"]
    assert keys([other]) == ["operation", "named", "refused"]


@pytest.mark.parametrize("plant", [PLANT, None])
def test_written_values_assets_and_anomalies_are_facts_too(plant: Model | None) -> None:
    wrote = sampled([{"written-value": {"client": HMI, "server": PLC, "address": "5", "value": "700"}}])
    (value,) = found("written-value", "{highest|gt: 699}", *wrote.written, plant=plant)
    assert keys([value]) == ["matched.written", "named", "wrote"]
    (seen,) = found("asset", "{address|cidr: 10.2.0.0/16}", asset("00:11:22:33:44:55", PLC), plant=plant)
    assert (seen.link.client, seen.place.from_zone) == (PLC, "plc" if plant else "")
    odd = sampled([{"anomaly": {"client": HMI, "server": PLC, "reason": "crc", "from_client": "false"}}])
    (broken,) = found("anomaly", "{reason: crc}", *odd.anomalies, plant=plant)
    assert (broken.key[-1], broken.unit) == ("server", "messages")
    assert dict(broken.what.params)["sender"] == PLC


def test_roles_come_from_the_inventory() -> None:
    model = PLANT.__class__(
        PLANT.zones,
        PLANT.boundaries,
        PLANT.files,
        case_of(sampled([]), _with_assets()).index.model.devices,  # type: ignore[union-attr]
    )
    facts = [conversation(HMI, PLC), conversation(PC, PLC)]
    (one,) = found("conversation", "{client_roles: engineering-station}", *facts, plant=model)
    assert one.link.client == HMI


def _with_assets() -> Model:
    from tests.zones.facts import model

    return model(f"""
        version: 1
        zones: [{{id: a, importance: low, members: 10.1.0.0/16}}]
        assets: [{{id: ews, address: {HMI}, role: [hmi, engineering-station]}}]
    """)


@pytest.mark.parametrize("status", ["deprecated", "unsupported"])
def test_a_rule_that_is_taken_out_finds_nothing(status: str) -> None:
    assert found("conversation", "{protocol: modbus}", conversation(HMI, PLC), status=status) == []
    assert found("conversation", "{protocol: modbus}", conversation(HMI, PLC)) != []


def test_detectors_are_no_conditions() -> None:
    case = case_of(ledger_of(conversation(PC, PLC)), PLANT)
    assert [one for one in matched(case, case.rules.values()) if case.rules[one.rule].detector] == []


EVERY = [
    rule(category, selection)
    for category, selection in (
        ("conversation", "{port|gte: 0}"),
        ("operation", "{times|gte: 0}"),
        ("written-value", "{words|gte: 0}"),
        ("asset", "{packets|gte: 0}"),
        ("anomaly", "{times|gte: 0}"),
    )
]


@given(any_ledgers())
def test_any_facts_are_matched_and_each_thing_is_told_once(ledger) -> None:  # type: ignore[no-untyped-def]
    for plant in (PLANT, None):
        for one in EVERY:
            findings = judge(ledger, plant, None, {"ours": one})
            assert len({id_of(finding) for finding in findings}) == len(findings)
