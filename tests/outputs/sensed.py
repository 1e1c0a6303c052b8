"""A status of a sensor in which every metric has a value, made of the facts of a shipped capture."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

from otmon.detect.detector import Case
from otmon.engine import replay
from otmon.findings.coverage import coverage, zones_seen
from otmon.findings.judge import case_of, found_in
from otmon.ledger.facts import CredentialSeen
from otmon.outputs.metrics import InterfaceStatus, Status, judged_metrics
from otmon.zones.address import host, parse_address
from otmon.zones.files.load import load_model
from otmon.zones.model import Device, Line, Name

ROOT = Path(__file__).resolve().parent.parent.parent


@cache
def case() -> Case:
    """Some facts found no place; one request was refused, and somebody logged in by a published default."""
    ledger = replay([str(ROOT / "pcaps" / "factory-day.pcapng")]).ledger
    refused = [replace(one, status=2, times=3) for one in ledger.operations[:1]]
    silent = [replace(one, status=-1, times=5) for one in ledger.operations[1:2]]
    still_open = [replace(one, status=-2, times=7) for one in ledger.operations[2:3]]
    operations = (*refused, *silent, *still_open, *ledger.operations[3:])
    asked = ledger.operations[0]
    log_in = CredentialSeen(
        asked.client, asked.server, "tcp", 80, "http", "", "admin", "basic", "entry", "default", "accepted",
        3, asked.first_ns, asked.first_ns, asked.evidence,
    )  # fmt: skip
    ledger = replace(
        ledger,
        operations=operations,
        credentials=(log_in,),
        overflow=(("assets", 4), ("conversations", 2)),
    )
    model = load_model(str(ROOT / "zones" / "factory.yaml"))
    # Of the controllers' zone somebody listed one device.
    address = parse_address(ledger.operations[0].server)
    assert address is not None
    listed = Device("plc-1", Line("inventory.csv", 2), Name("", ""), (host(address),), None, "", "", ("plc",))
    return case_of(ledger, replace(model, devices=(listed,)))


@cache
def status() -> Status:
    """Of `case`; two interfaces, the second without a packet."""
    seen = case()
    (source,) = seen.ledger.sources
    mirror = InterfaceStatus(
        "eth1", True, 2, source.packets + 9, 9, 1, 0.25, source.packets, source.bytes, source.last_ns,
        7, 1, -86_400 * 10**9, source.counters,
    )  # fmt: skip
    unused = InterfaceStatus("eth2", False, 1, 0, 0, 0, 0.0, 0, 0, 0, 0, 0, 0, ())
    return Status(
        version="1.2.3",
        started_s=1e9,
        interfaces=(mirror, unused),
        judged=judged_metrics(seen, found_in(seen), coverage(seen), zones_seen(seen)),
        entries=((("eth1", "flows"), 40), (("eth2", "flows"), 0)),
        judgements=12,
        judging_s=1.5,
        judged_s=1e9 + 60,
        saves=3,
        failed_saves=1,
        aged=4,
        saving_s=0.25,
        saved_s=1e9 + 50,
        model_loaded=True,
        told=((("unlisted-traffic", "critical"), 2), (("unknown-address", "medium"), 1)),
        told_s=(("critical", 1e9 + 40), ("medium", 1e9 + 30)),
        evidence_files=2,
        unproven=3,
        aside=1,
    )
