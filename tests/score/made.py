"""A truth and claims made by hand: a plant of five hosts, an hour, a routine and four steps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from otmon.score.truth import Truth, read_truth

SECOND = 1_000_000_000
NOON = 1_776_135_600 * SECOND
"""12:00 of 14 April 2026 in Japan."""

HOSTS = [
    {"name": "attacker", "address": "10.0.9.66", "mac": "02:00:00:00:00:66"},
    {"name": "hmi", "address": "10.0.1.10", "mac": "02:00:00:00:00:10"},
    {"name": "plc", "address": "10.0.2.11", "mac": "02:00:00:00:00:11"},
    {"name": "pump", "address": "10.0.2.12", "mac": "02:00:00:00:00:12"},
    {"name": "cloud", "address": "203.0.113.9", "mac": ""},
]


ROUTINE = [[1, 600], [701, 1200], [1301, 1800], [1901, 3601]]


def by(actor: str, *targets: str) -> dict[str, list[str]]:
    return {"actors": [actor], "targets": list(targets)}


def event(
    id: str, incident: bool, begin: int, end: int, packets: list[list[int]], **more: Any
) -> dict[str, Any]:
    """An event from `begin` to `end` seconds after noon."""
    times = {"first_ns": NOON + begin * SECOND, "last_ns": NOON + end * SECOND}
    return {"id": id, "incident": incident, "what": id, **times, "packets": packets, **more}


def plant() -> dict[str, Any]:
    """Packets come once a second, packet 1 at noon: so packet n is at n - 1 seconds."""
    return {
        "seed": 1,
        "plant": "made",
        "scenario": "by-hand",
        "packets": 3601,
        "start_ns": NOON,
        "end_ns": NOON + 3600 * SECOND,
        "hosts": HOSTS,
        "events": [
            event("polling", False, 0, 3600, ROUTINE, hosts=["hmi", "plc", "pump"]),
            event(
                "scan", True, 600, 699, [[601, 700]], **by("attacker", "plc", "pump"), techniques=["T0846"],
            ),
            event(
                "write", True, 1200, 1299, [[1201, 1300]], **by("attacker", "plc"),
                techniques=["T0836", "T0831"], visible=True,
            ),
            event(
                "usb", True, 1250, 1260, [], **by("attacker", "hmi"), techniques=["T0847"], visible=False,
                unseen_because={"en": "nothing is sent", "ja": "通信がない"},
            ),
            event("leak", True, 1800, 1899, [[1801, 1900]], **by("hmi", "cloud"), techniques=["T0882"]),
        ],
    }  # fmt: skip


def written(path: Path, truth: dict[str, Any] | None = None) -> Truth:
    """The truth as a file, read."""
    path.write_text(json.dumps(plant() if truth is None else truth), encoding="utf-8")
    return read_truth(str(path))


def finding(id: str, rule: str, client: str, server: str = "", *packets: int, **more: Any) -> dict[str, Any]:
    """A line of findings with evidence of these packets; `first` says where there is none."""
    evidence = [
        {"source": "made", "packet": n, "offset": 0, "time": "", "time_ns": NOON + (n - 1) * SECOND}
        for n in packets
    ]
    techniques = more.pop("techniques", ())
    references = [{"scheme": "ATT&CK for ICS", "id": one, "title": "", "edition": ""} for one in techniques]
    first = more.pop("first", "2026-04-14T03:00:00.000000000Z")
    last = more.pop("last", f"{NOON + (max(packets, default=1) - 1) * SECOND} ns")
    return {
        "type": "finding", "id": id, "rule": rule, "client": client, "server": server, "first": first,
        "last": last, "evidence": evidence, "references": references, **more,
    }  # fmt: skip


def run(packets: int = 3601) -> dict[str, Any]:
    return {"type": "run", "format": 1, "sources": [{"name": "made", "packets": packets}]}


def lines(path: Path, *objects: dict[str, Any]) -> str:
    """Lines of JSON as a file; its name."""
    path.write_text("".join(f"{json.dumps(one)}\n" for one in objects), encoding="utf-8")
    return str(path)
