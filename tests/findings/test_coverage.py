"""What a capture can say of a boundary: kept, violated, or neither."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from otmon.findings.coverage import UNANSWERED_PACKETS, Coverage, coverage
from otmon.findings.judge import case_of
from otmon.ledger.facts import Anomaly, Damage, Source
from otmon.ledger.ledger import Ledger
from otmon.ledger.merge import collect, merge
from tests.detect.plant import EWS, HMI, PC, PLANT, PLC, WEB, at, ledger_of
from tests.zones.facts import asset, conversation, operation

MAC = "00:00:00:00:00:01"
HOSTS = asset(MAC, HMI), asset(MAC, PLC), asset(MAC, PC)
TALK = conversation(HMI, PLC)


def lost(client: str = HMI, server: str = PLC) -> Anomaly:
    link = client, server, "tcp", 502, "modbus", ""
    return Anomaly(*link, True, "lost-bytes", "stream", -1, 10, 0, 3, 1, 2, at(5))


def of(*facts: Any, ledger: Ledger | None = None) -> dict[str, Coverage]:
    made = merge(ledger_of(*HOSTS, *facts), ledger or collect())
    return {one.boundary: one for one in coverage(case_of(made, PLANT))}


def doubts(one: Coverage) -> list[str]:
    return [message.key.removeprefix("coverage.") for message in one.why]


def test_a_boundary_that_only_agreed_traffic_crossed_was_kept() -> None:
    one = of(TALK, operation(HMI, PLC, 3, 0, 9))["control-plc"]
    assert (one.state, one.hosts, one.conversations, one.why) == ("kept", (1, 1), 1, ())


def test_nothing_crossing_between_zones_that_were_seen_is_as_agreed() -> None:
    assert of()["control-plc"].state == "kept"


@pytest.mark.parametrize("denied", [conversation(EWS, PLC), operation(HMI, PLC, 6, 1, 1)])
def test_what_is_denied_is_a_violation(denied: Any) -> None:
    assert of(TALK, denied)["control-plc"].state == "violated"


def test_a_zone_of_which_nothing_was_seen() -> None:
    found = {one.boundary: one for one in coverage(case_of(ledger_of(asset(MAC, HMI)), PLANT))}
    one = found["control-plc"]
    assert (one.state, doubts(one), one.hosts) == ("unobservable", ["zone-unseen"], (1, 0))
    assert dict(one.why[0].params) == {"zone": "plc"}


@pytest.mark.parametrize(
    ("to_server", "to_client", "doubt"),
    [(0, 9, True), (UNANSWERED_PACKETS + 1, 0, True), (UNANSWERED_PACKETS, 0, False), (9, 9, False)],
)
def test_connections_of_which_one_direction_was_seen(to_server: int, to_client: int, doubt: bool) -> None:
    talk = replace(TALK, packets_to_server=to_server, packets_to_client=to_client)
    assert (doubts(of(talk)["control-plc"]) == ["one-sided"]) == doubt


def test_lost_bytes_are_a_doubt_of_their_boundary_only() -> None:
    web = conversation(PC, WEB, 443, "tls")
    found = of(TALK, web, lost())
    assert (doubts(found["control-plc"]), doubts(found["office-web"])) == (["lost"], [])
    assert found["office-web"].hosts == (1, 1)


def test_damage_and_limits_are_a_doubt_of_every_boundary() -> None:
    damaged = collect(damage=[Damage("a.pcap", "cut-record", 99, 1, "")], overflow=[("conversations", 5)])
    found = of(TALK, ledger=damaged)
    assert {tuple(doubts(one)) for one in found.values()} == {("damaged", "overflow")}
    assert {one.state for one in found.values()} == {"unobservable"}
    only_assets = of(TALK, ledger=collect(overflow=[("assets", 5)]))
    assert only_assets["control-plc"].state == "kept"


def test_written_values_that_found_no_place_are_a_doubt() -> None:
    source = Source("a.pcap", 9, 900, 1, 2, (("packets", 9), ("written values lost", 3)))
    one = of(TALK, ledger=collect(sources=[source]))["control-plc"]
    assert (one.state, doubts(one)) == ("unobservable", ["overflow"])
    assert dict(one.why[0].params) == {"kinds": "written"}


def test_a_violation_stays_one_where_bytes_were_lost() -> None:
    one = of(conversation(EWS, PLC), lost(EWS))["control-plc"]
    assert (one.state, doubts(one)) == ("violated", ["lost"])


def test_without_a_model_there_is_nothing_to_cover() -> None:
    assert coverage(case_of(ledger_of(TALK), None)) == ()
