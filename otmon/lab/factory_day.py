"""A day of a factory as one capture: `python -m otmon.lab.factory_day --seed 1 --output FILE.pcapng`.

From 06:45 to 18:15 of 14 April 2026 in Japan, as a mirror of the core switch sees it. What repeats is
thinned so that the file stays small: connections are complete, but controllers are polled in short
sessions, and the line's own switch is mirrored for a few tenths of a second now and then. The same
seed gives the same bytes. Beside the capture lies its truth, FILE.truth.json: the hosts, each event
with its packets, and how many Modbus transactions there are.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from otmon.lab import background, incidents
from otmon.lab.cast import HOSTS
from otmon.lab.events import EVENTS
from otmon.lab.frames import Packet
from otmon.lab.pcapng import pcapng
from otmon.lab.sessions import Session, Transaction, play

MIDNIGHT_NS = int(datetime(2026, 4, 13, 15, tzinfo=UTC).timestamp()) * 1_000_000_000
"""Midnight of 14 April 2026 in Japan."""


Part = Callable[[int, Random], list[Packet]]
"""Packets of one kind, from midnight in nanoseconds and random numbers."""


@dataclass(frozen=True, slots=True)
class Day:
    packets: tuple[Packet, ...]
    """In order of time: packet n of the capture is the one at n - 1."""
    transactions: tuple[Transaction, ...]


def factory_day(seed: int) -> Day:
    """The day of `seed`. Every part draws from its own random numbers, so that a change of one
    leaves the others' bytes alone."""
    sessions = [*background.sessions(MIDNIGHT_NS), *incidents.sessions(MIDNIGHT_NS)]
    return _day(seed, sessions, (*background.PARTS, *incidents.PARTS))


def quiet_day(seed: int) -> Day:
    """The same day without its incidents. The Modbus sessions share their random numbers, so that response
    times and port numbers differ from those of `factory_day`."""
    return _day(seed, background.sessions(MIDNIGHT_NS), background.PARTS)


def _day(seed: int, sessions: list[Session], parts: tuple[tuple[str, Part], ...]) -> Day:
    packets, transactions = play(sessions, MIDNIGHT_NS, Random(f"{seed} modbus"))
    for name, part in parts:
        packets += part(MIDNIGHT_NS, Random(f"{seed} {name}"))
    packets.sort(key=lambda packet: packet.time_ns)
    return Day(tuple(packets), tuple(transactions))


def capture_of(day: Day) -> bytes:
    packets = ((packet.time_ns, packet.data) for packet in day.packets)
    return pcapng(packets, "otmon.lab.factory_day", "mirror0", "receiving side of the core switch")


def truth_of(day: Day, seed: int, capture: bytes) -> dict[str, Any]:
    """What the truth file says; times in nanoseconds since 1970 UTC, packets numbered from 1."""
    numbers: dict[str, list[int]] = {event.id: [] for event in EVENTS}
    for number, packet in enumerate(day.packets, start=1):
        numbers[packet.event].append(number)
    modbus = Counter((one.client, one.server, one.function, one.exception) for one in day.transactions)
    return {
        "seed": seed,
        "sha256": hashlib.sha256(capture).hexdigest(),
        "packets": len(day.packets),
        "hosts": [{"name": host.name, "address": host.address, "mac": host.mac} for host in HOSTS],
        "events": [
            {
                "id": event.id,
                "incident": event.incident,
                "what": event.what,
                "hosts": list(event.hosts),
                "first_ns": day.packets[numbers[event.id][0] - 1].time_ns,
                "last_ns": day.packets[numbers[event.id][-1] - 1].time_ns,
                "packets": _ranges(numbers[event.id]),
            }
            for event in EVENTS
        ],
        "modbus": {
            "transactions": len(day.transactions),
            "malformed": 1,
            "by": [
                {"client": client, "server": server, "function": function, "exception": code, "times": times}
                for (client, server, function, code), times in sorted(modbus.items())
            ],
        },
    }


def _ranges(numbers: list[int]) -> list[list[int]]:
    """[first, last] of each unbroken run of ascending `numbers`."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][1] == number - 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return runs


def _json(truth: dict[str, Any]) -> str:
    """Indented, but each list of packets on one line."""
    events = [json.dumps(event, ensure_ascii=False) for event in truth["events"]]
    hosts = [json.dumps(host, ensure_ascii=False) for host in truth["hosts"]]
    by = [json.dumps(line) for line in truth["modbus"]["by"]]
    flat = {
        **truth,
        "hosts": ["host"],
        "events": ["event"],
        "modbus": {**truth["modbus"], "by": ["by"]},
    }
    text = json.dumps(flat, indent=1)
    for word, lines in (("host", hosts), ("event", events), ("by", by)):
        text = text.replace(f'"{word}"\n', ",\n  ".join(lines) + "\n")
    return text + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the demo capture and its truth.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", type=Path, required=True, metavar="FILE.pcapng")
    arguments = parser.parse_args()
    day = factory_day(arguments.seed)
    capture = capture_of(day)
    output: Path = arguments.output
    output.write_bytes(capture)
    truth = truth_of(day, arguments.seed, capture)
    output.with_suffix(".truth.json").write_text(_json(truth), encoding="utf-8")
    print(f"{output}: {len(day.packets)} packets, {len(capture)} bytes, {len(EVENTS)} events")


if __name__ == "__main__":
    main()
