"""A plant of the range: who is there, how each looks on the wire, what it serves, and when people work.

Plants are data: `plants/*.yaml`. What their controllers do is the process that they name, a module of
this folder.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from otmon.lab.form import (
    Address,
    Day,
    Form,
    Id,
    Mac,
    Octet,
    Port,
    RangeError,
    Sheet,
    Text,
    TimeZone,
    Words,
    WordsForm,
    choice,
    content_of,
    read_clock,
    read_form,
    whole,
)
from otmon.lab.frames import Host, Wire
from otmon.lab.routine import MAX_HABITS, routine_of
from otmon.sentence import sentence
from otmon.zones.files.document import Problem
from otmon.zones.files.leaf import Leaf, OneOrMore, unfit

FOLDER: Final = Path(__file__).parent / "plants"
"""The plants that come with the program."""
MAX_HOSTS: Final = 500


@dataclass(frozen=True, slots=True)
class System:
    """How the TCP/IP of a kind of machine looks before any router."""

    ttl: int
    window: int
    syn_options: bytes
    """In whole words."""


_USUAL = bytes.fromhex("020405b40103030801010402")
_SEGMENT_ALONE = bytes.fromhex("020405b4")
SYSTEMS: Final = {
    "windows": System(128, 64_240, _USUAL),
    "windows-xp": System(128, 65_535, bytes.fromhex("020405b401010402")),
    "linux": System(64, 64_240, _USUAL),
    "controller": System(64, 8_192, _SEGMENT_ALONE),
    "embedded": System(64, 5_744, _SEGMENT_ALONE),
    "phone": System(64, 65_535, _USUAL),
}
"""Initial TTL, window and options of a SYN, as captures of such machines show them."""

PROCESSES: Final = ("food-factory", "two-factories", "body-line", "water-works")
"""What the controllers of a plant do (`otmon.lab.process`)."""
ROLES: Final = (
    "scada", "hmi", "engineering", "controller", "safety", "remote-io", "robot", "historian", "gateway",
    "server", "names", "time", "office", "terminal", "labels", "printer", "maintenance", "jump-host",
    "switch", "internet", "stranger",
)  # fmt: skip
"""What a host is there for. A stranger has no business there: it belongs to no clean day."""


@dataclass(frozen=True, slots=True)
class Service:
    """What a host serves."""

    protocol: str
    """As `otmon.protocols` names it, or the work itself (`printing`)."""
    port: int
    transport: Literal["tcp", "udp"] = "tcp"
    unit: int = 1
    """Modbus: the unit that answers."""


@dataclass(frozen=True, slots=True)
class PlantHost:
    """A host of a plant, or a guest of a scenario."""

    name: str
    title: Words
    host: Host
    """As it looks on the wire."""
    system: str
    roles: tuple[str, ...]
    zone: str
    """Of the zone model; `internet`, or empty for who is in no zone."""
    vlan: int
    """0 for who is not in the plant."""
    services: tuple[Service, ...] = ()

    @property
    def address(self) -> str:
        return self.host.address

    @property
    def mac(self) -> str:
        """The MAC address, empty for who is on the Internet."""
        return self.host.mac

    def serves(self, protocol: str) -> Service | None:
        return next((service for service in self.services if service.protocol == protocol), None)


@dataclass(frozen=True, slots=True)
class Plant:
    id: str
    title: Words
    model: str
    """The file of its zone model in `zones/`."""
    place: str
    """Where a capture of it is taken."""
    timezone: ZoneInfo
    midnight_ns: int
    """When the day of its captures begins, in nanoseconds since 1970 UTC."""
    opens_ns: int
    closes_ns: int
    """Working hours, in nanoseconds since midnight."""
    process: str
    wire: Wire
    hosts: tuple[PlantHost, ...]
    routine: tuple[Form, ...]
    """What happens on every day (`otmon.lab.routine`)."""
    by_name: dict[str, PlantHost] = field(repr=False, compare=False)

    def host(self, name: str) -> Host:
        """The host of that name, as it looks on the wire. Raises `KeyError`."""
        return self.by_name[name].host

    def named(self, *names: str) -> tuple[Host, ...]:
        return tuple(self.host(name) for name in names)

    def everybody(self) -> tuple[Host, ...]:
        return tuple(one.host for one in self.hosts)

    def at(self, role: str) -> tuple[PlantHost, ...]:
        """The hosts of a role, in the order of the file."""
        return tuple(one for one in self.hosts if role in one.roles)


_START = re.compile(r"(?:[0-9]{1,3}\.){1,3}", re.ASCII)
_FILE = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*\.yaml", re.ASCII)


def _read_start(text: str) -> str | None:
    return text if _START.fullmatch(text) else None


def _read_file(text: str) -> str | None:
    return text if len(text) <= 60 and _FILE.fullmatch(text) else None


def _read_hours(text: str) -> tuple[int, int] | None:
    opens, _, closes = (read_clock(part.strip()) for part in text.partition("-"))
    return (opens, closes) if opens is not None and closes is not None and opens < closes else None


class ServiceForm(Form):
    protocol: Text
    port: Port
    transport: Annotated[Literal["tcp", "udp"], choice(("tcp", "udp"))] = "tcp"
    unit: Octet = 1

    def value(self) -> Service:
        return Service(self.protocol, self.port, self.transport, self.unit)


class HostForm(Form):
    id: Id
    name: WordsForm
    address: Address
    mac: Mac | None = None
    system: Annotated[str, choice(SYSTEMS)]
    hops: Annotated[int, whole(0, 40)] = 0
    roles: Annotated[list[Annotated[str, choice(ROLES)]], OneOrMore()]
    zone: Id | None = None
    vlan: Annotated[int, whole(1, 4094)] | None = None
    services: Annotated[tuple[ServiceForm, ...], Field(max_length=64)] = ()

    def value(self) -> PlantHost:
        system = SYSTEMS[self.system]
        ttl = system.ttl - self.hops
        host = Host(self.id, self.address, self.mac or "", ttl, system.window, system.syn_options)
        services = tuple(one.value() for one in self.services)
        return PlantHost(
            self.id, self.name.value(), host, self.system, tuple(self.roles), self.zone or "", self.vlan or 0,
            services,
        )  # fmt: skip


class GatewayForm(Form):
    starts: Annotated[str, Leaf(sentence("the first octets of addresses, such as 10.11."), _read_start)]
    mac: Mac


class WireForm(Form):
    core: Mac
    firewall: Mac
    gateways: Annotated[tuple[GatewayForm, ...], Field(max_length=64)] = ()


class PlantForm(Form):
    version: Annotated[str, choice(("1",))]
    id: Id
    name: WordsForm
    model: Annotated[str, Leaf(sentence("the name of a file in zones/, such as factory.yaml"), _read_file)]
    place: Text
    timezone: TimeZone
    day: Day
    hours: Annotated[tuple[int, int], Leaf(sentence("from and to, such as 07:00-18:00"), _read_hours)]
    process: Annotated[str, choice(PROCESSES)]
    wire: WireForm
    hosts: Annotated[tuple[HostForm, ...], Field(min_length=1, max_length=MAX_HOSTS)]
    routine: Annotated[tuple[dict[str, Any], ...], Field(max_length=MAX_HABITS)] = ()


def hosts_of(
    sheet: Sheet, key: str, forms: Sequence[HostForm], before: tuple[PlantHost, ...] = ()
) -> list[PlantHost]:
    """The hosts under a key, each with a name of its own, and an address of its own if it is no stranger."""
    names, addresses = {one.name for one in before}, {one.address: one.name for one in before}
    found = []
    for number, form in enumerate(forms):
        if form.id in names:
            what = sentence("host {id} a second time, expected a name of its own", id=repr(form.id))
            sheet.say((key, number, "id"), what)
        if form.address in addresses and "stranger" not in form.roles:
            what = sentence(
                "{address} is that of {other}, expected an address of its own",
                address=form.address, other=addresses[form.address],
            )  # fmt: skip
            sheet.say((key, number, "address"), what)
        if (form.mac is None) != (form.zone == "internet"):
            wanted = sentence("a MAC address for who is in the plant and none for who is on the Internet")
            sheet.say((key, number), unfit(form.id, wanted))
        names.add(form.id)
        addresses.setdefault(form.address, form.id)
        found.append(form.value())
    return found


def read_plant(file: str, data: bytes) -> Plant:
    """The plant in a file's bytes. Raises `RangeError`; opens nothing."""
    sheet, form = read_form(file, data, PlantForm, sentence("a plant"))
    opens_ns, closes_ns = form.hours
    if form.id != Path(file).stem:
        what = sentence(
            "plant {id} in {file}, expected a file of its name", id=repr(form.id), file=Path(file).name
        )
        sheet.say(("id",), what)
    hosts = hosts_of(sheet, "hosts", form.hosts)
    routine = routine_of(sheet, form.routine, {one.name: one for one in hosts})
    if sheet.problems:
        raise RangeError(sheet.problems)
    midnight = datetime.combine(form.day, time(), form.timezone)
    gateways = tuple((one.starts, one.mac) for one in form.wire.gateways)
    return Plant(
        id=form.id,
        title=form.name.value(),
        model=form.model,
        place=form.place,
        timezone=form.timezone,
        midnight_ns=int(midnight.timestamp()) * 1_000_000_000,
        opens_ns=opens_ns,
        closes_ns=closes_ns,
        process=form.process,
        wire=Wire(form.wire.core, form.wire.firewall, gateways),
        hosts=tuple(hosts),
        routine=tuple(routine),
        by_name={one.name: one for one in hosts},
    )


def load_plant(path: Path) -> Plant:
    """The plant in a file. Raises `RangeError`."""
    return read_plant(str(path), content_of(path))


def shipped_plants() -> tuple[str, ...]:
    """Ids of the plants that come with the program."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))


@cache
def shipped_plant(id: str) -> Plant:
    """The plant of that id. Raises `RangeError`."""
    known = shipped_plants()
    if id not in known:
        what = sentence("no such plant, expected {names}", names=known)
        raise RangeError([Problem(id, 0, 0, what)])
    return load_plant(FOLDER / f"{id}.yaml")


def kept_plant(id: str, copy: Path) -> Plant:
    """The plant of that id as a copy of its file has it, or the program's where there is none. Raises
    `RangeError`."""
    return read_plant(f"{id}.yaml", content_of(copy)) if copy.exists() else shipped_plant(id)
