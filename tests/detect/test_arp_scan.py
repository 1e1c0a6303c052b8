"""Scans by ARP, and what only looks like one."""

from __future__ import annotations

from pathlib import Path

import pytest

from otmon.detect.rules.load import shipped_rules
from otmon.findings.judge import judge
from otmon.lab.frames import MILLISECOND_NS, MINUTE_NS, Packet, arp
from tests.detect import captures, plant
from tests.detect.captures import LAPTOP, START_NS
from tests.detect.plant import keys, ledger_of
from tests.zones.facts import asset, conversation

RULE = "arp-scan"
ASKED = shipped_rules()[RULE].number("asked")
MAC = "02:00:00:00:00:01"


def asks(number: int, gap_ns: int) -> list[Packet]:
    return [Packet(START_NS + n * gap_ns, arp(1, LAPTOP, f"10.3.0.{n}"), "arp") for n in range(1, number + 1)]


@pytest.mark.parametrize("gap_ns", [MILLISECOND_NS, 10 * MINUTE_NS], ids=["fast", "slow"])
def test_a_scan_is_one_finding_however_slow(gap_ns: int, tmp_path: Path) -> None:
    (one,) = captures.found("", asks(254, gap_ns), tmp_path)
    assert (one.rule, one.severity, one.count, one.place.from_zone) == (RULE, "medium", 253 + 1, "office")
    said = {message.key: dict(message.params) for message in one.why}
    # Asking for its own address is no question.
    assert said["last-octets"]["items"] == "1-76, 78-254"
    assert dict(one.what.params)["asked"] == one.extent == 253


def test_it_holds_without_a_model(tmp_path: Path) -> None:
    (one,) = captures.found("", asks(ASKED, 1), tmp_path, None)
    assert keys([one])[0] == "arp-scan"


def test_who_asks_for_some_neighbours_does_not_scan(tmp_path: Path) -> None:
    assert captures.found(RULE, asks(ASKED - 1, 1), tmp_path) == []


def test_who_talks_with_them_knows_them_and_who_always_asked_is_usual() -> None:
    scanner = asset(MAC, plant.PC, arp=ASKED, arp_asked=(1 << ASKED) - 1)
    talks = [conversation(plant.PC, f"10.3.0.{n}", 445, "smb") for n in range(1, ASKED // 2 + 1)]
    assert len(plant.found(RULE, scanner, *talks[1:])) == 1
    assert plant.found(RULE, scanner, *talks) == []
    assert [one for one in judge(ledger_of(scanner), None, ledger_of(scanner)) if one.rule == RULE] == []
    little = asset(MAC, plant.PC, arp=3, arp_asked=7)
    assert len([one for one in judge(ledger_of(scanner), None, ledger_of(little)) if one.rule == RULE]) == 1
