"""The example model against the demo capture, read by tshark: the routine is agreed, incidents are not."""

from __future__ import annotations

import csv
import io
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from otmon.ledger.facts import Conversation, Operation
from otmon.zones.decide import decide, index
from otmon.zones.files.load import load_model
from otmon.zones.place import Index
from tests.zones.facts import PROTOCOLS, conversation, operation

ROOT = Path(__file__).resolve().parent.parent.parent
CAPTURE = ROOT / "pcaps" / "factory-day.pcapng"
TRUTH = ROOT / "pcaps" / "factory-day.truth.json"

FIELDS = (
    "frame.number", "frame.protocols", "eth.src", "eth.dst", "eth.type", "ip.src", "ip.dst", "ip.proto",
    "tcp.srcport", "tcp.dstport", "udp.srcport", "udp.dstport", "mbtcp.unit_id", "modbus.func_code",
    "modbus.reference_num", "modbus.word_cnt", "modbus.bit_cnt",
)  # fmt: skip
USUAL = {502: "modbus", 443: "tls", 445: "smb", 80: "http", 53: "dns", 123: "ntp"}


@pytest.fixture(scope="module")
def example() -> Index:
    return index(load_model(str(ROOT / "zones" / "factory.yaml"), PROTOCOLS))


@pytest.fixture(scope="module")
def events(tshark: str) -> dict[str, list[Conversation | Operation]]:
    """Event -> its facts: one conversation for each packet, one operation for each request."""
    command = [tshark, "-r", str(CAPTURE), "-T", "fields", "-E", "separator=,", "-E", "quote=d"]
    command += ["-E", "occurrence=f", *(part for field in FIELDS for part in ("-e", field))]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    clients: dict[frozenset[tuple[str, int]], tuple[str, int]] = {}
    read = {
        int(row["frame.number"]): facts(row, clients) for row in csv.DictReader(io.StringIO(text), FIELDS)
    }
    return {
        event["id"]: [
            fact for first, last in event["packets"] for n in range(first, last + 1) for fact in read[n]
        ]
        for event in json.loads(TRUTH.read_text(encoding="utf-8"))["events"]
    }


def facts(
    packet: dict[str, str], clients: dict[frozenset[tuple[str, int]], tuple[str, int]]
) -> list[Conversation | Operation]:
    """Who sent the first packet of a flow is its client."""
    layers = packet["frame.protocols"].split(":")
    if "arp" in layers:
        return []
    if not packet["ip.src"]:
        ends = packet["eth.src"], packet["eth.dst"]
        return [conversation(*ends, int(packet["eth.type"], 0), "unknown", transport="ethernet")]
    transport = {"1": "icmp", "6": "tcp", "17": "udp"}[packet["ip.proto"]]
    sender = packet["ip.src"], int(packet.get(f"{transport}.srcport") or 0)
    target = packet["ip.dst"], int(packet.get(f"{transport}.dstport") or 0)
    client = clients.setdefault(frozenset((sender, target)), sender)
    server = target if client == sender else sender
    protocol = next((layer for layer in reversed(layers) if layer in USUAL.values()), "unknown")
    if layers[-1] == "tcp":
        protocol = "none"
    usual = USUAL.get(server[1], "")
    seen = conversation(
        client[0], server[0], server[1], protocol, transport=transport,
        expected=usual if usual != protocol else "",
    )  # fmt: skip
    request = "modbus" in layers and client == sender
    return [seen, asked((client[0], server[0]), packet)] if request else [seen]


def asked(ends: tuple[str, str], packet: dict[str, str]) -> Operation:
    count = packet["modbus.word_cnt"] or packet["modbus.bit_cnt"] or "1"
    function = int(packet["modbus.func_code"])
    return operation(
        *ends,
        function,
        int(packet["modbus.reference_num"] or -1),
        int(count),
        unit=int(packet["mbtcp.unit_id"]),
        subfunction=14 if function == 43 else -1,
    )


ROUTINE = ("control", "history", "engineering", "line", "services", "business")
BEYOND_ZONES = ("malformed",)
"""A broken write from a host that may write: the boundary has nothing to say about it."""
INCIDENTS = (
    "office-reaches-hmi", "office-writes", "camera", "phone", "label-pc", "remote-session", "scan",
    "http-on-502",
)  # fmt: skip


def test_every_event_is_judged_here(events: dict[str, list[Any]]) -> None:
    assert set(events) == {*ROUTINE, *BEYOND_ZONES, *INCIDENTS}
    assert all(events.values())


@pytest.mark.parametrize("event", [*ROUTINE, *BEYOND_ZONES])
def test_the_routine_is_agreed(example: Index, events: dict[str, list[Any]], event: str) -> None:
    denied = [fact for fact in events[event] if decide(example, fact).outcome == "denied"]
    assert not denied


DENIED = {
    ("10.10.0.21", "10.30.1.10", "no-boundary"),
    ("10.10.0.34", "10.30.1.10", "no-boundary"),
    ("10.10.0.58", "10.30.1.10", "no-boundary"),
    ("10.10.0.77", "10.30.2.12", "no-boundary"),
    ("10.30.2.200", "10.25.0.53", "no-boundary"),
    ("10.30.2.200", "203.0.113.80", "no-boundary"),
    ("10.40.0.150", "10.25.0.53", "not-listed"),
    ("10.40.0.150", "198.51.100.25", "no-boundary"),
    ("10.40.0.35", "10.10.0.9", "not-listed"),
    ("10.40.0.35", "10.30.1.10", "no-boundary"),
    ("10.40.0.35", "198.51.100.66", "no-boundary"),
    ("10.40.0.35", "198.51.100.140", "no-boundary"),
    ("10.40.0.35", "203.0.113.201", "no-boundary"),
    ("203.0.113.45", "10.50.0.20", "nothing-listed"),
    ("10.50.0.20", "10.30.1.50", "nothing-listed"),
    ("10.30.1.50", "10.30.2.11", "not-listed"),
    ("10.60.0.5", "10.30.2.10", "unknown-address"),
    ("10.60.0.5", "10.30.2.11", "unknown-address"),
    ("10.60.0.5", "10.30.2.12", "unknown-address"),
    ("10.60.0.5", "10.30.2.13", "unknown-address"),
    ("10.10.0.5", "10.30.2.11", "no-boundary"),
}


def test_every_incident_is_denied_and_why(example: Index, events: dict[str, list[Any]]) -> None:
    found = set()
    for event in INCIDENTS:
        verdicts = [(fact, decide(example, fact)) for fact in events[event]]
        denied = {(f.client, f.server, v.reason.key) for f, v in verdicts if v.outcome == "denied"}
        assert denied, event
        found |= denied
    assert found == DENIED


def test_the_setpoint_that_was_written_over_remote_desktop(
    example: Index, events: dict[str, list[Any]]
) -> None:
    writes = [f for f in events["remote-session"] if isinstance(f, Operation) and f.access == "write"]
    assert [(f.client, decide(example, f).outcome) for f in writes] == [
        ("10.30.1.50", "denied"),
        ("10.30.1.10", "allowed"),
    ]
