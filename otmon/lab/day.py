"""A day of a site as one capture, and the truth about it.

A `Site` says who is there, how the process behaves and what happens: the routine, and the incidents.
The same seed gives the same bytes. Beside the capture lies its truth, NAME.truth.json: the hosts, each
event with its packets, and how many Modbus transactions there are.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

from otmon.lab.events import Event
from otmon.lab.frames import Host, Packet, Wire
from otmon.lab.sessions import Process, Session, Transaction, play
from otmon.outputs.pcapng import pcapng

Sessions = Callable[[int], list[Session]]
"""What controllers are asked on a day, given its midnight."""
Part = tuple[str, Callable[[int, Random], list[Packet]]]
"""A name that its random numbers are drawn by, and a function of midnight and random numbers."""


@dataclass(frozen=True, slots=True)
class Story:
    """What happens on a day."""

    sessions: Sessions
    parts: tuple[Part, ...]


NOTHING = Story(lambda midnight_ns: [], ())


@dataclass(frozen=True, slots=True)
class Site:
    application: str
    """The module that makes the day."""
    place: str
    """Where the capture was taken."""
    midnight_ns: int
    """When the day begins, in nanoseconds since 1970 UTC."""
    wire: Wire
    hosts: tuple[Host, ...]
    process: Process
    routine: Story
    incidents: Story
    events: tuple[Event, ...]
    malformed: int = 0
    """Modbus messages that break the protocol."""


@dataclass(frozen=True, slots=True)
class Day:
    packets: tuple[Packet, ...]
    """In order of time: packet n of the capture is the one at n - 1."""
    transactions: tuple[Transaction, ...]


def day_of(site: Site, seed: int) -> Day:
    """The day of `seed`. Every part draws from its own random numbers, so that a change of one
    leaves the others' bytes alone."""
    stories = (site.routine, site.incidents)
    sessions = [session for story in stories for session in story.sessions(site.midnight_ns)]
    packets, transactions = play(sessions, site.wire, site.process, Random(f"{seed} modbus"))
    for story in stories:
        for name, part in story.parts:
            packets += part(site.midnight_ns, Random(f"{seed} {name}"))
    packets.sort(key=lambda packet: packet.time_ns)
    return Day(tuple(packets), tuple(transactions))


def undisturbed(site: Site) -> Site:
    """The same site on a day without incidents."""
    events = tuple(event for event in site.events if not event.incident)
    return replace(site, incidents=NOTHING, events=events, malformed=0)


def capture_of(day: Day, site: Site) -> bytes:
    packets = ((packet.time_ns, packet.data) for packet in day.packets)
    return pcapng(packets, site.application, "mirror0", site.place)


def truth_of(day: Day, site: Site, seed: int, capture: bytes) -> dict[str, Any]:
    """What the truth file says; times in nanoseconds since 1970 UTC, packets numbered from 1."""
    numbers: dict[str, list[int]] = {event.id: [] for event in site.events}
    for number, packet in enumerate(day.packets, start=1):
        numbers[packet.event].append(number)
    modbus = Counter((one.client, one.server, one.function, one.exception) for one in day.transactions)
    return {
        "seed": seed,
        "sha256": hashlib.sha256(capture).hexdigest(),
        "packets": len(day.packets),
        "hosts": [{"name": host.name, "address": host.address, "mac": host.mac} for host in site.hosts],
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
            for event in site.events
        ],
        "modbus": {
            "transactions": len(day.transactions),
            "malformed": site.malformed,
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


def write(site: Site, seed: int, output: Path) -> None:
    """The capture as `output`, and its truth beside it."""
    day = day_of(site, seed)
    capture = capture_of(day, site)
    output.write_bytes(capture)
    truth = truth_of(day, site, seed, capture)
    output.with_suffix(".truth.json").write_text(_json(truth), encoding="utf-8")
    print(f"{output}: {len(day.packets)} packets, {len(capture)} bytes, {len(site.events)} events")


def command(site: Site) -> None:
    """`python -m MODULE --seed 1 --output FILE.pcapng`."""
    parser = argparse.ArgumentParser(description="Make the capture of a day and its truth.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", type=Path, required=True, metavar="FILE.pcapng")
    arguments = parser.parse_args()
    write(site, arguments.seed, arguments.output)
