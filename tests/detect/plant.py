"""A small plant and what is found in facts of it."""

from __future__ import annotations

from collections.abc import Iterable

from otmon.detect.finding import Finding
from otmon.findings.judge import judge
from otmon.ledger.facts import (
    Anomaly,
    Asset,
    AssetClaim,
    Conversation,
    CredentialSeen,
    Evidence,
    Operation,
    WrittenValue,
)
from otmon.ledger.ledger import Ledger
from otmon.ledger.merge import collect
from otmon.zones.model import Model
from tests.zones.facts import model

HMI, EWS, PLC, OTHER_PLC, PC, PRINTER = "10.1.0.5", "10.1.0.9", "10.2.0.1", "10.2.0.2", "10.3.0.1", "10.3.0.9"
STRANGER, WEB = "10.9.9.9", "198.51.100.1"

PLANT = model("""
    version: 1
    zones:
    - {id: control, importance: high, members: 10.1.0.0/24}
    - {id: plc, importance: high, members: 10.2.0.0/24}
    - {id: office, importance: low, members: 10.3.0.0/24}
    boundaries:
    - id: control-plc
      between: [control, plc]
      device_owner: IT
      settings_owner: production
      allow:
      - {id: reads, from: 10.1.0.5, to: plc, protocol: modbus, port: 502, access: read,
         holding_registers: 0-99}
    - {id: office-web, between: [office, internet], allow: [{to: internet, protocol: tls}]}
""")


def at(packet: int, name: str = "a.pcap") -> Evidence:
    return Evidence(packet * 1000, name, packet, packet * 100)


Fact = Conversation | Operation | WrittenValue | Asset | Anomaly | CredentialSeen | AssetClaim


def ledger_of(*facts: Fact) -> Ledger:
    return collect(
        conversations=[fact for fact in facts if isinstance(fact, Conversation)],
        operations=[fact for fact in facts if isinstance(fact, Operation)],
        written=[fact for fact in facts if isinstance(fact, WrittenValue)],
        assets=[fact for fact in facts if isinstance(fact, Asset)],
        anomalies=[fact for fact in facts if isinstance(fact, Anomaly)],
        credentials=[fact for fact in facts if isinstance(fact, CredentialSeen)],
        claims=[fact for fact in facts if isinstance(fact, AssetClaim)],
    )


def found(
    rule: str, *facts: Fact, plant: Model | None = PLANT, baseline: Iterable[Fact] | None = None
) -> list[Finding]:
    """What this rule finds, gravest first."""
    before = None if baseline is None else ledger_of(*baseline)
    return [one for one in judge(ledger_of(*facts), plant, before) if one.rule == rule]


def keys(findings: Iterable[Finding]) -> list[str]:
    """The keys of all messages of one finding each."""
    return [message.key for finding in findings for message in (finding.what, *finding.why)]
