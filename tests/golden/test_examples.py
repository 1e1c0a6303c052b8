"""The example models against their captures: each incident is found, and nothing else.

The expected findings are files that a reviewer can read: one line each, with severity, rule and what
the finding is about.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from otmon.detect.finding import Finding
from otmon.engine import replay
from otmon.findings.judge import judge
from otmon.lab import body_line_day, two_factories_day, water_works_day
from otmon.lab.day import Site, capture_of, day_of, undisturbed
from otmon.ledger.ledger import Ledger
from otmon.zones.files.load import load_model
from otmon.zones.model import Model
from otmon.zones.review.check import cautions

ROOT = Path(__file__).resolve().parent.parent.parent
SITES: dict[str, Site] = {
    "two-factories": two_factories_day.SITE,
    "body-line": body_line_day.SITE,
    "water-works": water_works_day.SITE,
}
UNRECOGNISED = {("10.11.8.35", "10.11.8.9", 9100)}
"""Client, server and port of what no signature knows: a printer's own language."""


@cache
def model(name: str) -> Model:
    return load_model(str(ROOT / "zones" / f"{name}.yaml"))


@cache
def ledger(name: str) -> Ledger:
    return replay([str(ROOT / "pcaps" / f"{name}-day.pcapng")]).ledger


@cache
def findings(name: str) -> tuple[Finding, ...]:
    return judge(ledger(name), model(name))


@cache
def incident_of(name: str) -> dict[int, str]:
    """Packet number -> id of the event, for packets of incidents."""
    truth = json.loads((ROOT / "pcaps" / f"{name}-day.truth.json").read_text(encoding="utf-8"))
    return {
        number: event["id"]
        for event in truth["events"]
        if event["incident"]
        for first, last in event["packets"]
        for number in range(first, last + 1)
    }


@pytest.mark.parametrize("name", SITES)
def test_the_findings(name: str, golden: Callable[[str, str], None]) -> None:
    lines = [f"{one.severity:8} {one.rule:20} {' '.join(one.key)}\n" for one in findings(name)]
    golden(f"{name}.txt", "".join(lines))


@pytest.mark.parametrize("name", SITES)
def test_every_incident_is_found_and_nothing_else(name: str) -> None:
    incidents = incident_of(name)
    shown = [{incidents.get(packet.packet) for packet in one.evidence} for one in findings(name)]
    assert all(shown)
    assert None not in set().union(*shown)
    assert set().union(*shown) == set(incidents.values())


@pytest.mark.parametrize("name", SITES)
def test_a_day_without_incidents_gives_no_finding(name: str, tmp_path: Path) -> None:
    site = undisturbed(SITES[name])
    quiet = tmp_path / "quiet.pcapng"
    quiet.write_bytes(capture_of(day_of(site, 1), site))
    assert judge(replay([str(quiet)]).ledger, model(name)) == ()


@pytest.mark.parametrize("name", SITES)
def test_a_quiet_day_holds_nothing_new_after_another_one(name: str, tmp_path: Path) -> None:
    site = undisturbed(SITES[name])
    days = []
    for seed in (1, 2):
        path = tmp_path / f"{seed}.pcapng"
        path.write_bytes(capture_of(day_of(site, seed), site))
        days.append(replay([str(path)]).ledger)
    assert days[0] != days[1]
    assert judge(days[1], model(name), days[0]) == ()
    assert judge(days[1], None, days[0]) == judge(days[1], None)


@pytest.mark.parametrize("name", SITES)
def test_everything_is_recognised_and_whole(name: str) -> None:
    facts = ledger(name)
    unknown = {(one.client, one.server, one.port) for one in facts.conversations if one.protocol == "unknown"}
    assert unknown <= UNRECOGNISED
    assert facts.anomalies == ()
    assert facts.damage == ()


@pytest.mark.parametrize("name", SITES)
def test_the_model_is_complete(name: str) -> None:
    loaded = model(name)
    assert cautions(loaded) == ()
    for zone in loaded.zones:
        assert zone.owners and zone.name.ja != zone.name.en
    for boundary in loaded.boundaries:
        assert boundary.device and boundary.device_owner and boundary.settings_owner
        assert boundary.name.ja != boundary.name.en
    lists = [zone.permissions for zone in loaded.zones] + [one.permissions for one in loaded.boundaries]
    assert all(permission.reason for permissions in lists for permission in permissions)


@pytest.mark.parametrize("name", SITES)
def test_tshark_finds_nothing_broken(name: str, tshark: str) -> None:
    """Neither a malformed packet nor a sum or a sequence that it warns of."""
    broken = "_ws.malformed || _ws.unreassembled || _ws.expert.severity >= 0x600000"
    checks = [part for sums in ("ip", "tcp", "udp") for part in ("-o", f"{sums}.check_checksum:TRUE")]
    command = [tshark, "-r", str(ROOT / "pcaps" / f"{name}-day.pcapng"), *checks, "-Y", broken]
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert shown == ""
