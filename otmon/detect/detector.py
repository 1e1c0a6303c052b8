"""The contract of a detector: what it is given, a `Case`, and what several of them ask of one.

What it gives is a `Finding` (`otmon.detect.finding`). Detectors import both from here.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import TypeVar

from otmon.assets.classify import Population, population
from otmon.detect.finding import (
    SEVERITIES,
    Finding,
    Link,
    Message,
    Place,
    Severity,
    Unit,
    first,
    link_of,
    lowered,
    say,
    say_some,
    spans,
)
from otmon.detect.rules.load import shipped_rules
from otmon.detect.rules.rule import Rule
from otmon.ledger.facts import UNKNOWN, Asset, Conversation, CredentialSeen, Operation, WrittenValue
from otmon.ledger.ledger import ConversationKey, Ledger, conversation_key
from otmon.protocols.protocol import Protocol
from otmon.zones.address import PrefixTable, host, is_group, parse_address, prefix_table, reach
from otmon.zones.decide import UNJUDGED, Index, Judgements, Near, Verdict
from otmon.zones.functions import normal
from otmon.zones.model import INTERNET, Device, Permission
from otmon.zones.place import locate

_Item = TypeVar("_Item")

__all__ = [  # what this file takes from others for detectors, beside its own
    "SEVERITIES",
    "Finding",
    "Link",
    "Message",
    "Place",
    "Severity",
    "Unit",
    "first",
    "link_of",
    "lowered",
    "say",
    "say_some",
    "spans",
]

CHANGING = frozenset({"write", "control", "program", "configure"})
"""Access classes that change a device or what it does."""


@dataclass(frozen=True)
class Case:
    """What detectors judge."""

    ledger: Ledger
    protocols: Mapping[str, Protocol]
    """By id."""
    index: Index | None
    """The zone model made ready, None without one."""
    conversations: Judgements[Conversation]
    """Every conversation with its verdict; empty without a model."""
    operations: Judgements[Operation]
    """Every operation with its verdict; empty without a model."""
    written: Judgements[WrittenValue] = UNJUDGED
    """Every written value with its verdict; empty without a model."""
    baseline: Ledger | None = None
    """The facts of normal operation, None where nobody gave any."""
    rules: Mapping[str, Rule] = field(default_factory=shipped_rules)
    """The rules to look for, by name; a detector finds its parameters there."""

    @property
    def timezone(self) -> str:
        """The plant's, as the model has it; "" where nobody says."""
        return self.index.model.timezone if self.index is not None else ""

    @cached_property
    def verdicts(self) -> dict[ConversationKey, Verdict]:
        """The verdict of each conversation; empty without a model."""
        return {conversation_key(fact): verdict for fact, verdict in self.conversations}

    @cached_property
    def usual(self) -> frozenset[ConversationKey]:
        """The conversations of the baseline; none without one."""
        facts = () if self.baseline is None else self.baseline.conversations
        return frozenset(map(conversation_key, facts))

    @cached_property
    def asked(self) -> dict[ConversationKey, list[Operation]]:
        """The operations of each conversation."""
        # Two of the same keys would take as much memory as the facts of a flood.
        keys = {key: key for key in self.verdicts} if self.ledger.operations else {}
        found: dict[ConversationKey, list[Operation]] = {}
        for operation in self.ledger.operations:
            key = conversation_key(operation)
            found.setdefault(keys.get(key, key), []).append(operation)
        return found

    @cached_property
    def plugged(self) -> dict[str, set[str]]:
        """The switch ports of each address and MAC address, as far as somebody told them."""
        found: dict[str, set[str]] = {}
        for claim in self.ledger.claims:
            for name in (claim.mac, claim.address) if claim.kind == "switch-port" else ():
                found.setdefault(name, set()).add(claim.value)
        return found

    @cached_property
    def values(self) -> dict[tuple[ConversationKey, int, str], list[WrittenValue]]:
        """What was written in each conversation to a table of a unit, one word at a time."""
        found: dict[tuple[ConversationKey, int, str], list[WrittenValue]] = {}
        for fact in self.ledger.written:
            found.setdefault((conversation_key(fact), fact.unit, fact.table), []).append(fact)
        return found

    @cached_property
    def undenied_conversations(self) -> tuple[tuple[Conversation, Verdict | None], ...]:
        """Conversations that the model does not deny, without one all of them with None. What is denied
        has rules of its own."""
        if self.index is None:
            return tuple((fact, None) for fact in self.ledger.conversations)
        return tuple((fact, verdict) for fact, verdict in self.conversations if verdict.outcome != "denied")

    @cached_property
    def undenied_operations(self) -> tuple[tuple[Operation, Verdict | None], ...]:
        """Likewise operations: neither they nor their conversations are denied."""
        if self.index is None:
            return tuple((fact, None) for fact in self.ledger.operations)
        talks = self.conversations if self.operations else ()
        denied = {conversation_key(fact) for fact, verdict in talks if verdict.outcome == "denied"}
        return tuple(
            (fact, verdict)
            for fact, verdict in self.operations
            if verdict.outcome != "denied" and conversation_key(fact) not in denied
        )

    @cached_property
    def inventory(self) -> PrefixTable[Device]:
        """The model's assets by their addresses, and by the MAC address of those that have one; empty
        without a model."""
        devices = self.index.model.devices if self.index is not None else ()
        named = [(network, device) for device in devices for network in device.networks]
        return prefix_table([*named, *((host(one.mac), one) for one in devices if one.mac is not None)])

    @cached_property
    def commanders(self) -> dict[tuple[str, str], frozenset[str]]:
        """Server and protocol -> the clients that changed something there in the baseline, unrefused."""
        found: dict[tuple[str, str], set[str]] = {}
        for one in self.baseline.operations if self.baseline is not None else ():
            if changes([one]):
                found.setdefault((one.server, one.protocol), set()).add(one.client)
        return {server: frozenset(clients) for server, clients in found.items()}

    @cached_property
    def newcomers(self) -> dict[str, list[Asset]]:
        """The addresses that sent something and nothing in the baseline, with the facts that show it, in
        order. What has no address of the plant goes by its MAC address; who sends from the Internet and is in
        no zone is left out. Empty without a baseline."""
        if self.baseline is None:
            return {}
        before = {one.address for one in self.baseline.assets} | {one.mac for one in self.baseline.assets}
        placed = {one.mac for one in self.ledger.assets if self.is_own(one.address, one.vlan)}
        found: dict[str, list[Asset]] = {}
        for one in self.ledger.assets:
            ip, own = parse_address(one.address), self.is_own(one.address, one.vlan)
            if not own and ip is not None and reach(ip) == "internet":
                continue
            name = one.address if own else "" if one.mac in placed else one.mac
            address = parse_address(name)
            if address is not None and name not in before and not is_group(address):
                found.setdefault(name, []).append(one)
        return dict(sorted(found.items()))

    def is_own(self, text: str, vlan: str) -> bool:
        """Whether an address is of one host of the plant: not of the Internet, or listed by a zone."""
        address = parse_address(text)
        if self.index is None or address is None or reach(address) != "internet":
            return is_site(text)
        return locate(self.index, text, vlan).zone in self.index.zones

    @cached_property
    def population(self) -> Population:
        """Who is on the network; with a model as its inventory has it."""
        return population(self.ledger, self.index.model if self.index is not None else None)

    @cached_property
    def macs(self) -> dict[str, set[str]]:
        """The MAC addresses that sent from each address."""
        found: dict[str, set[str]] = {}
        for asset in self.ledger.assets:
            found.setdefault(asset.address or asset.mac, set()).add(asset.mac)
        return found


Detector = Callable[[Case], Iterator[Finding]]


@cache
def detectors() -> Mapping[str, Detector]:
    """Every detector of this folder by the name of its file: the files that name a `RULE`. One that cannot be
    imported stops the start."""
    names = sorted(one.name for one in pkgutil.iter_modules([str(Path(__file__).parent)]) if not one.ispkg)
    files = {name: importlib.import_module(f"otmon.detect.{name}") for name in names}
    return {name: getattr(file, name) for name, file in files.items() if hasattr(file, "RULE")}


def place_of(case: Case, verdict: Verdict) -> Place:
    """Where in the model a verdict lies, and whose that place is."""
    boundary = None
    if case.index is not None:
        ends = verdict.from_zone, verdict.to_zone
        boundary = case.index.boundaries.get((min(ends), max(ends)))
    if boundary is None:
        return Place(verdict.from_zone, verdict.to_zone)
    return Place(
        verdict.from_zone,
        verdict.to_zone,
        boundary.id,
        boundary.device_owner,
        boundary.settings_owner,
    )


def placed(case: Case, key: ConversationKey) -> Place:
    """The place of a conversation; nowhere without a model."""
    verdict = case.verdicts.get(key)
    return Place() if verdict is None else place_of(case, verdict)


def reached(case: Case, facts: Iterable[Conversation | Operation | CredentialSeen]) -> Place:
    """The place of several facts; of zones and boundary what they have in common."""
    verdicts = [
        case.verdicts[key] for key in dict.fromkeys(map(conversation_key, facts)) if key in case.verdicts
    ]
    ends = sorted({(verdict.from_zone, verdict.to_zone) for verdict in verdicts})
    if len(ends) == 1:
        return place_of(case, verdicts[0])
    from_zones, to_zones = ({end[side] for end in ends} for side in (0, 1))
    return Place(
        from_zone=min(from_zones) if len(from_zones) == 1 else "",
        to_zone=min(to_zones) if len(to_zones) == 1 else "",
    )


def place_of_sender(case: Case, asset: Asset) -> Place:
    """The zone of an asset; nowhere without a model."""
    if case.index is None:
        return Place()
    return Place(from_zone=locate(case.index, asset.address or asset.mac, asset.vlan).zone)


def severity_of_reach(case: Case, facts: Iterable[Conversation | Operation], answered: bool) -> Severity:
    """Of what changed nothing: by the importance of the zones that were reached for, and by whether
    anything there answered. Without a model nobody can tell what matters."""
    if case.index is None:
        return "medium"
    keys = set(map(conversation_key, facts))
    high = any(importance(case, case.verdicts[key].to_zone) == "high" for key in keys if key in case.verdicts)
    if high and answered:
        return "high"
    return "medium" if high or answered else "low"


def is_internet(address: str, zone: str) -> bool:
    """Whether the address is in the Internet: by its zone, and where that is "" by the address."""
    parsed = None if zone else parse_address(address)
    return zone == INTERNET or (parsed is not None and reach(parsed) == "internet")


def importance(case: Case, zone: str) -> str:
    """How important a zone of the model is: "high", "medium" or "low"; "low" for what the model does not
    hold."""
    known = case.index.zones.get(zone) if case.index is not None else None
    return "low" if known is None else known.importance


def graded(case: Case, zone: str, gravest: Severity) -> Severity:
    """How grave something is in a zone: `gravest` where the zone's importance is high or nobody said it, a
    step less where it is medium, two where it is low."""
    known = case.index.zones.get(zone) if case.index is not None else None
    steps = {"medium": 1, "low": 2}.get(known.importance, 0) if known is not None else 0
    return lowered(gravest, steps)


def registered(case: Case, text: str) -> tuple[Device, ...]:
    """The assets of the inventory behind an address, in the order of its files: those that have it, else
    those whose MAC address alone sent from it."""
    address = parse_address(text)
    if address is None:
        return ()
    found = [device for _, devices in case.inventory.covering(address) for device in devices]
    macs = case.macs.get(text, set())
    if not found and len(macs) == 1:
        mac = parse_address(next(iter(macs)))
        if mac is not None:
            known = [device for _, devices in case.inventory.covering(mac) for device in devices]
            # What has addresses in the inventory has no others.
            found = [device for device in known if not device.networks]
    return tuple(sorted(set(found), key=lambda device: (device.line, device.id)))


Key = tuple[str, ...]


def by_server(groups: Mapping[Key, list[_Item]], spread: int) -> Iterator[tuple[Key, str, list[_Item]]]:
    """Groups by (client, server, ...), each with its server's name. What a client does with more than
    `spread` servers is one group: its key has "many" for the server, its name the first one and how
    many more there are."""
    alike: dict[Key, list[Key]] = {}
    for key in groups:
        alike.setdefault((key[0], *key[2:]), []).append(key)
    for (client, *rest), keys in alike.items():
        if len(keys) > spread:
            servers = sorted(key[1] for key in keys)
            items = [item for key in keys for item in groups[key]]
            yield (client, "many", *rest), f"{servers[0]} (+{len(servers) - 1})", items
        else:
            for key in keys:
                yield key, key[1], groups[key]


def is_site(text: str) -> bool:
    """Whether a text is an address of one host that a plant can own (`otmon.zones.address.Reach`)."""
    address = parse_address(text)
    return address is not None and reach(address) == "site"


def is_new_master(case: Case, operation: Operation) -> bool:
    """Whether the operation changes a server that, in the baseline, others changed and this client never."""
    before = case.commanders.get((operation.server, operation.protocol), frozenset())
    return operation.access in CHANGING and bool(before) and operation.client not in before


def permission_of(verdict: Verdict | None) -> Permission | None:
    """The permission that allowed something; None where none did."""
    return None if verdict is None else verdict.permission


def names_function(permission: Permission | None, operation: Operation) -> bool:
    """Whether a permission lists the very function of the operation: not only its access class, nor a
    function of which it is one of many subfunctions."""
    return permission is not None and any(
        (one.number, one.subfunction)
        == (operation.function, None if operation.subfunction == UNKNOWN else operation.subfunction)
        if one.number is not None
        else one.name == normal(operation.service)
        for one in permission.functions
    )


def changes(operations: Iterable[Operation]) -> bool:
    """Whether one of the operations changes a device or what it does, as far as the device did not
    refuse it."""
    return any(one.access in CHANGING and not one.refused for one in operations)


def reasons(verdict: Verdict) -> tuple[Message, ...]:
    """Why a verdict is as it is: the line of the model or its absence, and what nearly fitted."""
    reason = say(f"reason.{verdict.reason.key}", **dict(verdict.reason.params))
    return (reason, *map(_nearby, verdict.nearest))


@lru_cache(maxsize=1 << 10)
def _nearby(near: Near) -> Message:
    """A permission that nearly fitted: many facts of a network come as near to it."""
    lacks = [say(f"lack.{lack.key}", allowed=lack.allowed, seen=lack.seen) for lack in near.lacks]
    return say("nearest", permission=near.permission, line=near.line, lacks=tuple(lacks))
