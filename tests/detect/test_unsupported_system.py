from __future__ import annotations

from pathlib import Path

import pytest

from otmon.engine import replay
from otmon.findings.judge import judge
from otmon.ledger.facts import AssetClaim
from otmon.zones.files.load import load_model
from tests.detect.plant import found, keys
from tests.zones.facts import asset, model

RULE = "unsupported-system"
ROOT = Path(__file__).resolve().parents[2]
MAC = "00:0b:5d:0b:08:35"
PLANT = model("""
    version: 1
    zones:
    - {id: cell, importance: high, members: 10.2.0.0/24}
    - {id: floor, importance: medium, members: 10.5.0.0/24}
    - {id: office, importance: low, members: 10.3.0.0/24}
""")
NOW = 1_776_116_700_000_000_000
"""2026-04-13."""


def says(value: str, address: str, kind: str = "system", protocol: str = "smb") -> AssetClaim:
    seen = asset(MAC, address).evidence
    return AssetClaim(MAC, address, "", kind, value, protocol, 2, NOW, NOW + 5, seen)  # type: ignore[arg-type]


def sender(address: str, last_ns: int = NOW) -> object:
    return asset(MAC, address, first_ns=1, last_ns=last_ns)


@pytest.mark.parametrize(
    ("address", "severity"),
    [("10.2.0.9", "high"), ("10.5.0.9", "medium"), ("10.3.0.9", "low"), ("10.9.0.9", "medium")],
)
def test_it_is_as_grave_as_its_zone_is_important(address: str, severity: str) -> None:
    claims = says("Windows 5.1", address), says("XP-LABEL", address, "name", "nbns")
    (one,) = found(RULE, sender(address), *claims, plant=PLANT)  # type: ignore[arg-type]
    assert (one.severity, one.link.client, one.key) == (severity, address, (MAC, "windows-xp"))
    assert keys([one]) == ["unsupported-system", "called", "said"]
    assert dict(one.what.params) == {"device": address, "system": "Windows XP", "ends": "2014-04-08"}
    assert (one.count, one.unit, one.first_ns, one.last_ns) == (2, "messages", NOW, NOW + 5)


def test_without_a_model_it_is_told_as_well() -> None:
    (one,) = found(RULE, sender("10.2.0.9"), says("Windows NT 6.1 build 7601", "10.2.0.9"), plant=None)  # type: ignore[arg-type]
    assert one.severity == "medium" and one.place.from_zone == ""


@pytest.mark.parametrize("day", [0, 1])
def test_the_time_of_the_packets_counts(day: int) -> None:
    # 2014-04-08 24:00 UTC.
    end_ns = 1_397_001_600_000_000_000
    told = found(RULE, sender("10.2.0.9", end_ns - 1 + day), says("Windows 5.1", "10.2.0.9"), plant=PLANT)  # type: ignore[arg-type]
    assert len(told) == day


@pytest.mark.parametrize(
    "claims",
    [
        (("Windows NT 10.0 build 19041", "system", "smb"),),
        (("Windows NT 6.1", "system", "smb"), ("Samba 4.9.5", "software", "smb")),
        (("Linux plc 2.6.32", "description", "snmp"),),
    ],
)
def test_what_is_supported_or_pretends_is_not_told(claims: tuple[tuple[str, str, str], ...]) -> None:
    facts = [says(value, "10.2.0.9", kind, protocol) for value, kind, protocol in claims]
    assert found(RULE, sender("10.2.0.9"), *facts, plant=PLANT) == []  # type: ignore[arg-type]


def test_the_unprotected_label_pc_of_the_story_is_caught() -> None:
    ledger = replay([str(ROOT / "pcaps" / "two-factories-day.pcapng")]).ledger
    plant = load_model(ROOT / "zones" / "two-factories.yaml")
    told = {one.link.client: one for one in judge(ledger, plant) if one.rule == RULE}
    one = told["10.11.8.35"]
    assert dict(one.what.params)["system"] == "Windows XP" and one.place.from_zone
    assert {dict(why.params).get("protocol") for why in one.why} & {"smb", "dhcp", "nbdgm", "http"}
