"""Who may set PROFINET stations, and who does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from otmon.lab.frames import MILLISECOND_NS, SECOND_NS, Packet, ethernet
from otmon.ledger.facts import Conversation, Operation
from tests.detect import captures
from tests.detect.plant import found, keys
from tests.identity.test_dcp import IP, RESET, done, frame
from tests.zones.facts import conversation, model, operation

RULE = "profinet-set"
LAPTOP, CONTROLLER, STATION = "00:50:56:00:66:66", "00:1b:1b:02:00:01", "00:1b:1b:02:00:08"


def sets(client: str = LAPTOP, service: str = "Set Name", **more: Any) -> Operation:
    given: dict[str, Any] = {
        "transport": "ethernet", "port": 0x8892, "protocol": "profinet", "service": service,
        "access": "configure", "unit": -1,
    }  # fmt: skip
    return operation(client, STATION, 4, subfunction=-1, **(given | more))


def talk(client: str = LAPTOP, packets: int = 3) -> Conversation:
    sizes = {"packets_to_server": packets, "packets_to_client": packets}
    return conversation(client, STATION, 0x8892, "profinet", transport="ethernet", **sizes)


def test_settings_and_resets_of_a_stranger_are_two_findings() -> None:
    told = found(RULE, sets(), sets(service="Set IP Address"), sets(service="Reset to Factory"), talk())
    assert [(one.severity, one.what.key, one.count) for one in told] == [
        ("critical", "profinet-reset", 1),
        ("high", "profinet-set", 2),
    ]
    assert "profinet-set-unlisted" in keys(told)


def test_a_refused_one_is_less_grave() -> None:
    assert [one.severity for one in found(RULE, sets(status=3), talk())] == ["medium"]


def test_the_controller_of_a_station_sets_it_but_does_not_reset_it() -> None:
    assert found(RULE, sets(CONTROLLER), talk(CONTROLLER, 900)) == []
    assert len(found(RULE, sets(CONTROLLER, "Reset to Factory"), talk(CONTROLLER, 900))) == 1
    assert len(found(RULE, sets(CONTROLLER), talk(CONTROLLER, 19))) == 1


@pytest.mark.parametrize(("role", "fires"), [("ews", False), ("plc", False), ("laptop", True)])
def test_the_inventory_says_who_commissions(role: str, fires: bool) -> None:
    plant = model(f"""
        version: 1
        assets: [{{id: one, mac: "{LAPTOP}", role: {role}}}]
        zones: [{{id: plc, importance: high, members: 10.2.0.0/24}}]
    """)
    assert bool(found(RULE, sets(service="Reset to Factory"), talk(), plant=plant)) == fires


def test_who_did_so_before_and_who_lets_a_lamp_blink_is_none() -> None:
    assert found(RULE, sets(), talk(), baseline=[sets()]) == []
    assert found(RULE, sets(service="Signal", access="identify"), talk()) == []


def test_from_packets_on(tmp_path: Path) -> None:
    at, later = captures.START_NS, MILLISECOND_NS
    packets = [
        Packet(at, ethernet(STATION, LAPTOP, 0x8892, frame(IP)), "set"),
        Packet(at + later, ethernet(LAPTOP, STATION, 0x8892, done((1, 2, 0))), "done"),
        Packet(at + SECOND_NS, ethernet(STATION, LAPTOP, 0x8892, frame(RESET, number=9)), "reset"),
    ]
    told = captures.found(RULE, packets, tmp_path)
    assert [(one.severity, one.link.client, one.link.server) for one in told] == [
        ("critical", LAPTOP, STATION),
        ("high", LAPTOP, STATION),
    ]
    # The station was heard first: who asks is told by the frame.
    early = Packet(at - SECOND_NS, ethernet(LAPTOP, STATION, 0x8892, done((1, 2, 0), number=1)), "other")
    assert {one.link.client for one in captures.found(RULE, [early, *packets], tmp_path)} == {LAPTOP}


def test_identifications_do_not_hide_a_setting(tmp_path: Path) -> None:
    asks = [
        Packet(captures.START_NS + n, ethernet(STATION, LAPTOP, 0x8892, frame(service=3, number=n)), "get")
        for n in range(40)
    ]
    reset = Packet(captures.START_NS + 99, ethernet(STATION, LAPTOP, 0x8892, frame(RESET)), "reset")
    assert len(captures.found(RULE, [*asks, reset], tmp_path)) == 1
