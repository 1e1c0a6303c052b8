"""A range from up to down, and what runs in it in between.

What is noted about a range, `/run/otmon-lab/NAME.json`, says only which plant it is, and `NAME.yaml` is a
copy of the plant's file where it is none of the program: what is there is found by its name, so that
nothing is left behind by a process that was killed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from select import select

from otmon.lab.form import RangeError, content_of
from otmon.lab.live.namespace import (
    MOUNTED,
    NAME,
    LiveError,
    asked_inside,
    full_name,
    namespaces_of,
    needs_root,
    processes_in,
    serving,
)
from otmon.lab.live.network import SWITCH, Station, build, mirrored, tags, tear_down
from otmon.lab.plant import Plant, PlantHost, Service, kept_plant
from otmon.sentence import placed, sentence

NOTES = Path("/run/otmon-lab")
READY = b"ready"
"""What the process of the hosts says when all of them serve."""
STARTING_S = 60.0
"""How long that may take."""
_MOST_NOTED = 65_536


@dataclass(frozen=True, slots=True)
class HostStatus:
    host: PlantHost
    connected: bool
    services: tuple[tuple[Service, bool], ...]
    """What it serves, and whether something listens there."""


@dataclass(frozen=True, slots=True)
class Status:
    """A range as it is found."""

    name: str
    plant: str
    up_s: int
    alive: bool
    """Whether the process of the hosts runs."""
    hosts: tuple[HostStatus, ...]
    packets: int
    """At the mirror port since the range came up."""
    octets: int
    tagged: bool
    """Whether the mirror port shows the VLANs of the switch's ports."""
    processes: int

    @property
    def whole(self) -> bool:
        """Whether every host is connected and serves what it should."""
        served = all(one.connected and all(up for _, up in one.services) for one in self.hosts)
        return self.alive and served


def stations_of(plant: Plant, guests: Sequence[PlantHost] = ()) -> list[Station]:
    """Where every host of the plant is connected, strangers too, and then every guest.

    One of the plant whose address another has gets none, and speaks by frames alone; a guest has it too. A
    guest without a VLAN is where its network is.
    """
    segments: dict[str, str] = {}
    vlans: dict[str, int] = {}
    taken: set[str] = set()
    stations = []
    for host in (*sorted(plant.hosts, key=lambda one: "stranger" in one.roles), *guests):
        network = host.address.rpartition(".")[0]
        segment = segments.setdefault(network, f"vlan {host.vlan or network}") if host.mac else host.name
        address = "" if host.address in taken and host not in guests else host.address
        mac = host.mac or plant.wire.firewall
        gateway = plant.wire.gateway(host.host)
        vlan = vlans.setdefault(network, host.vlan) if host.mac else 0
        where = (address, mac, segment, gateway)
        stations.append(Station(host.name, *where, host.host.ttl, not host.mac, vlan))
        taken.add(host.address)
    return stations


def up(name: str, plant: Plant, rules: str | None, file: Path | None = None) -> float:
    """Bring a range up: its network and, in a process of their own, its hosts. How many seconds it took.

    `rules` are what the router loads (`network.build`), `file` is the plant's where it is none of the
    program. Raises LiveError, and leaves nothing then.
    """
    begin = time.monotonic()
    build(name, stations_of(plant), rules)
    try:
        NOTES.mkdir(mode=0o755, exist_ok=True)
        noted = {"version": 1, "plant": plant.id, "up_ns": time.time_ns()}
        _note(name, "json").write_text(json.dumps(noted) + "\n", encoding="ascii")
        copy = _note(name, "yaml")
        copy.unlink(missing_ok=True)
        if file is not None:
            copy.write_bytes(content_of(file))
        _begin(name, plant.id)
    except OSError as error:
        down(name)
        raise LiveError(placed(error.filename, str(error.strerror))) from None
    except BaseException:
        down(name)
        raise
    return time.monotonic() - begin


def _begin(name: str, plant: str) -> None:
    """Start the process of the hosts, and wait until they serve."""
    module = ("-m", "otmon.lab.live.hosts", name, plant, str(_note(name, "yaml")))
    command = ["ip", "netns", "exec", full_name(name, SWITCH), sys.executable, *module]
    with _note(name, "log").open("wb") as log:
        # A session of its own: it goes on when the terminal is closed.
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, start_new_session=True
        )
    assert process.stdout is not None
    with process.stdout as stream:
        select([stream], [], [], STARTING_S + 30)
        os.set_blocking(stream.fileno(), False)
        said = stream.read(64)
    if not said or said.strip() != READY:
        words = _note(name, "log").read_text(encoding="utf-8", errors="replace")[-2_000:].strip()
        why = words or sentence("no word from them")
        raise LiveError(sentence("the hosts of the range did not come up: {why}", why=why))


def _note(name: str, kind: str) -> Path:
    return NOTES / f"{name}.{kind}"


def plant_of(name: str) -> tuple[Plant, int]:
    """The plant of a range that is up, and when that was in nanoseconds since 1970 UTC. Raises LiveError."""
    if not NAME.fullmatch(name) or not namespaces_of(name):
        raise LiveError(sentence("no range {name} is up: otmon lab up PLANT", name=name))
    needs_root()
    path = _note(name, "json")
    try:
        with path.open("rb") as stream:
            noted = json.loads(stream.read(_MOST_NOTED))
        return kept_plant(str(noted["plant"]), _note(name, "yaml")), int(noted["up_ns"])
    except (OSError, ValueError, KeyError, TypeError, RangeError):
        what = sentence(
            "{path} does not say which plant {name} is: otmon lab down {name}", path=str(path), name=name
        )
        raise LiveError(what) from None


def shows_vlans(name: str, plant: Plant) -> bool:
    """Whether the mirror port of a range shows VLAN tags: not every kernel can. Raises LiveError."""
    return tags(name, stations_of(plant))


def status(name: str) -> Status:
    """What is there of a range. Raises LiveError where nothing is."""
    plant, up_ns = plant_of(name)
    packets, octets = mirrored(name)
    processes = processes_in(namespaces_of(name))
    return Status(
        name=name,
        plant=plant.id,
        up_s=max(0, (time.time_ns() - up_ns) // 1_000_000_000),
        alive=full_name(name, SWITCH) in processes.values(),
        hosts=tuple(_status_of(name, host) for host in plant.hosts),
        packets=packets,
        octets=octets,
        tagged=shows_vlans(name, plant),
        processes=len(processes),
    )


def _status_of(name: str, host: PlantHost) -> HostStatus:
    namespace = full_name(name, host.name)
    connected = (MOUNTED / namespace).exists()
    open_ports: dict[str, set[int]] = {"tcp": set(), "udp": set()}
    if connected and host.services:
        for transport in open_ports:
            open_ports[transport] = asked_inside(namespace, lambda kind=transport: serving(kind))  # type: ignore[misc]
    services = tuple((one, one.port in open_ports[one.transport]) for one in host.services)
    return HostStatus(host, connected, services)


def down(name: str) -> tuple[int, int]:
    """Take a range away, whatever there still is of it: how many processes were ended, and how many
    namespaces deleted. Raises LiveError."""
    ended, deleted = tear_down(name)
    for kind in ("json", "log", "yaml"):
        with suppress(FileNotFoundError):
            _note(name, kind).unlink()
    # Only when it is empty: other ranges may be up.
    with suppress(OSError):
        NOTES.rmdir()
    return ended, deleted
