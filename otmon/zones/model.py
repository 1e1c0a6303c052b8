"""The zone and boundary model as values: what a plant's people agreed on, line by line.

Invariants, guaranteed by `otmon.zones.files.load` and relied upon everywhere else: ids are unique, every
zone that is named exists, both ends of a boundary differ, every permission's ends lie on opposite
sides of its boundary (or inside its zone), ranges are sorted, merged and not empty.

An empty tuple in a `Permission` means "any".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, Literal

from otmon.protocols.protocol import AccessClass
from otmon.sentence import Sentence
from otmon.zones.address import Address, Network, host
from otmon.zones.times import ALWAYS, Schedule

INTERNET: Final = "internet"
"""Built-in zone: every address of the Internet that no zone claims."""
UNKNOWN_ZONE: Final = "unknown"
"""Built-in zone: every other address that no zone claims. It has no boundaries."""

Importance = Literal["high", "medium", "low"]
IMPORTANCES: Final[tuple[Importance, ...]] = ("low", "medium", "high")
"""From the least important work to the most."""
Inside = Literal["everything", "listed", "baseline"]
Kind = Literal["business", "control", "safety", "temporary", "wireless", "external"]
"""What kind of assets a zone holds (`otmon.zones.review.structure`)."""
ObjectType = Literal["coils", "discrete_inputs", "input_registers", "holding_registers"]

Range = tuple[int, int]
"""First and last, both included."""
Ranges = tuple[Range, ...]


@dataclass(frozen=True, slots=True, order=True)
class Line:
    """Where something stands: what every verdict and warning points at."""

    file: str
    number: int
    """From 1; 0 for the file as a whole."""

    def __str__(self) -> str:
        return f"{self.file}:{self.number}" if self.number else self.file


@dataclass(frozen=True, slots=True)
class Name:
    ja: str
    en: str


@dataclass(frozen=True, slots=True)
class Member:
    """A set of hosts; at least one of network, MAC address, VLAN, vendor and switch port is given, no vendor
    beside a network or MAC address, and nothing beside a port.

    A VLAN limits what is given beside it. A network and a MAC address together are one device as it is
    seen above and below IP. How members are looked up: `otmon.zones.place`.
    """

    network: Network | None
    """IPv4 or IPv6; a single address is a network of full length."""
    mac: Address | None
    vlan: str | None
    """As in facts: "" is untagged, "10", "200.10"."""
    line: Line
    oui: Network | None = None
    """MAC addresses of a vendor."""
    port: str | None = None
    """A switch port, alone: the beginning of what a claim says of one (`otmon.ledger.harvest.senders`)."""

    @property
    def macs(self) -> Network | None:
        """The MAC address or addresses."""
        return host(self.mac) if self.mac is not None else self.oui


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One side of a permission: a whole zone, or a network or MAC address inside it."""

    zone: str
    network: Network | None


@dataclass(frozen=True, slots=True)
class FunctionRef:
    """A service: by number, with or without subfunction, or by the name that its protocol gives it."""

    number: int | None
    subfunction: int | None
    name: str
    """Normalised by `otmon.zones.functions.normal`; "" where the number is known."""


ValueType = Literal[
    "uint16", "int16", "uint32", "int32", "float32", "uint32-swapped", "int32-swapped", "float32-swapped"
]
"""How registers hold a number: one register, or two with the first (or, swapped, the second) as the
higher word; whole numbers in two's complement, floating point as IEEE 754."""


@dataclass(frozen=True, slots=True)
class Limit:
    """What may be written to one coil or register, or to an element of another protocol
    (`otmon.zones.elements`). Where it stands is no part of what it says."""

    line: Line = field(compare=False)
    name: Name
    table: str
    """As in facts: "coils", "holding_registers", or the vendor's name of an area such as "D"."""
    address: int
    """As numbered on the wire, from 0."""
    type: ValueType
    """As the model has it: words of other protocols than Modbus in the order of the controller itself."""
    scale: Decimal
    """A written number times this is the quantity in `unit`; never 0."""
    unit: str
    low: Decimal
    """Smallest quantity that may be written."""
    high: Decimal
    step: Decimal | None = None
    """How far one write may go from what the element held, as a quantity; None for any far."""
    change: Decimal | None = None
    """How far it may move within a minute, by however many writes of whomever; None for any far."""
    protocol: str = "modbus"


@dataclass(frozen=True, slots=True)
class Permission:
    """What may pass: the client at one of `clients` may talk to the server at one of `servers`."""

    id: str
    line: Line
    clients: tuple[Endpoint, ...]
    servers: tuple[Endpoint, ...]
    protocols: tuple[str, ...]
    transports: tuple[str, ...]
    ports: Ranges
    access: tuple[AccessClass, ...]
    functions: tuple[FunctionRef, ...]
    units: Ranges
    objects: tuple[tuple[ObjectType, Ranges], ...]
    """Modbus elements by type, as numbered on the wire from 0."""
    limits: tuple[Limit, ...]
    """For writes: values of these elements are limited, those of others are not."""
    reason: str
    schedule: Schedule = ALWAYS
    """When it holds; without windows always."""
    expires_ns: int | None = None
    """The first instant at which it holds no more."""
    expires: str = ""
    """The last day on which it holds, as the file has it."""
    approver: str = ""
    exception: bool = False
    """It was granted for a time, by somebody who is named."""
    rate: int | None = None
    """The most in a minute of the clock, from one client to one server: requests where Modbus is the only
    protocol, else packets of a connection in both directions."""
    name: Name | None = None
    """For people; None where the id is all."""

    def called(self, language: Literal["ja", "en"] | None = None) -> str:
        """The id, and behind it the name; without a language that in both."""
        if self.name is None:
            return self.id
        names = {"ja": self.name.ja, "en": self.name.en}
        both = " / ".join(dict.fromkeys(names.values()))
        return f"{self.id} ({both if language is None else names[language]})"


@dataclass(frozen=True, slots=True)
class Device:
    """An asset of the inventory: who is authorised to be there."""

    id: str
    line: Line
    name: Name
    networks: tuple[Network, ...]
    """Its addresses."""
    mac: Address | None
    vendor: str
    model: str
    roles: tuple[str, ...]
    tags: tuple[str, ...] = ()
    """Marks by which zones name it as a member."""
    zone: str = ""
    """Id of the zone whose member it says to be, "" where it says none."""


@dataclass(frozen=True, slots=True)
class Site:
    """A site of the company: a factory, an office."""

    id: str
    line: Line
    name: Name


@dataclass(frozen=True, slots=True)
class ProductionLine:
    id: str
    line: Line
    name: Name
    site: str
    """Id of its site, "" where nobody says."""


@dataclass(frozen=True, slots=True)
class Work:
    """Work (業務) that the plant does."""

    id: str
    line: Line
    name: Name
    importance: Importance


@dataclass(frozen=True, slots=True)
class Protected:
    """Something to protect (保護対象): data, a function, a product, a device."""

    id: str
    line: Line
    name: Name
    importance: Importance
    works: tuple[str, ...]
    """Ids of the works that need it."""
    assets: tuple[str, ...]
    """Ids of the devices that hold it."""


@dataclass(frozen=True, slots=True)
class Plant:
    """What the zones are for. Each list in the order of the files."""

    sites: tuple[Site, ...] = ()
    lines: tuple[ProductionLine, ...] = ()
    works: tuple[Work, ...] = ()
    protected: tuple[Protected, ...] = ()


@dataclass(frozen=True, slots=True)
class Zone:
    id: str
    line: Line
    name: Name
    importance: Importance
    owners: tuple[str, ...]
    members: tuple[Member, ...]
    inside: Inside
    """What may happen inside: everything, what `permissions` lists, or that and what a baseline holds."""
    permissions: tuple[Permission, ...]
    kinds: tuple[Kind, ...] = ()
    """What it holds, as far as somebody says."""
    level: str = ""
    """Of the Purdue model, "" where nobody says."""
    target_level: int = 0
    """Security level (SL-T) of IEC 62443 that it needs, 0 where nobody says."""
    site: str = ""
    """Id of its site, "" where nobody says; that of its production line, where that has one."""
    production_line: str = ""
    works: tuple[str, ...] = ()
    """Ids of the works that are done in it."""
    within: str = ""
    """Id of the zone around it, "" for none; what it has from that one is in its own fields."""
    flat: bool = False
    """Its hosts share one network segment: nothing between them is routed."""


@dataclass(frozen=True, slots=True)
class Boundary:
    """The only way between two zones. What its permissions do not list may not cross it."""

    id: str
    line: Line
    name: Name
    between: tuple[str, str]
    device: str
    device_owner: str
    """Who owns the device that enforces it; "" where nobody was named."""
    settings_owner: str
    """Who decides and sets what may cross; "" where nobody was named."""
    permissions: tuple[Permission, ...]
    inherited: str = ""
    """Id of the boundary that it was had from (`otmon.zones.files.nesting`), "" for one that is written."""


@dataclass(frozen=True, slots=True)
class Model:
    """Zones and boundaries in the order of their files."""

    zones: tuple[Zone, ...]
    boundaries: tuple[Boundary, ...]
    files: tuple[str, ...]
    devices: tuple[Device, ...] = ()
    """The inventory, in the order of its files."""
    plant: Plant = Plant()
    timezone: str = ""
    """Name of the plant's time zone in the IANA database, "" where no file tells it."""
    remarks: tuple[tuple[str, Sentence], ...] = ()
    """What of an inventory was left out, or counts though few see it, each behind its place."""


def merged(ranges: list[Range]) -> Ranges:
    """The same numbers in the fewest ranges, ascending."""
    result: list[Range] = []
    for low, high in sorted(ranges):
        if result and low <= result[-1][1] + 1:
            result[-1] = (result[-1][0], max(result[-1][1], high))
        else:
            result.append((low, high))
    return tuple(result)


def spans(ranges: Ranges, low: int, high: int) -> bool:
    """Every number from `low` to `high` is in one of the (merged) ranges."""
    # Asked millions of times: a generator inside any() takes twice as long.
    for first, last in ranges:  # noqa: SIM110
        if first <= low and high <= last:
            return True
    return False


def shown(ranges: Ranges) -> str:
    """Ranges as they are written in a model: "0-99, 120"."""
    return ", ".join([shown_range(low, high) for low, high in ranges])


def shown_range(low: int, high: int) -> str:
    """A range of numbers as people write it."""
    return str(low) if low == high else f"{low}-{high}"
