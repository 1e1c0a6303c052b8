"""What a condition may ask: the fields of each kind of fact, of its verdict, and of its place.

The table is data, so that the documentation is drawn from it and an unknown name is an error. A field
that a fact does not have (no subfunction, no boundary, no model) is null.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, Final, Literal, NamedTuple, get_args

from otmon.ledger.facts import (
    UNKNOWN,
    Anomaly,
    Asset,
    AssetClaim,
    Conversation,
    CredentialSeen,
    Operation,
    WrittenValue,
)
from otmon.protocols.protocol import AccessClass
from otmon.zones.address import parse_address
from otmon.zones.decide import Index, Verdict, locate
from otmon.zones.role import one_name

Fact = Conversation | Operation | WrittenValue | Asset | Anomaly | CredentialSeen
Value = str | int | bool | tuple[str, ...] | None
Kind = Literal["text", "number", "flag", "address", "texts"]
"""`texts` holds several: one of them has to match."""


_PASSES_ON: Final = frozenset({"proxy", "asked-as-proxy"})


@dataclass(frozen=True, slots=True)
class Ground:
    """What a fact is looked at with: the model made ready, what hosts are called, and what was found in them
    before."""

    index: Index | None
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By address: the names by which others ask for it, and that it has by its own word (`called`)."""
    reached: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By address: the domains that it reached by way of proxies."""
    proxies: frozenset[str] = frozenset()
    """Addresses of those that were asked to pass something on, and did."""
    _roles: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def roles(self, address: str) -> tuple[str, ...]:
        """Roles of the devices of the inventory that have the address, sorted."""
        known = self._roles.get(address)
        if known is None:
            parsed = parse_address(address)
            devices = self.index.model.devices if self.index is not None and parsed is not None else ()
            found = {
                role
                for device in devices
                if parsed is not None
                and (device.mac == parsed or any(parsed in network for network in device.networks))
                for role in device.roles
            }
            known = self._roles[address] = tuple(sorted(found))
        return known

    def importance(self, zone: str) -> str | None:
        """How important a zone of the model is; None for what is no zone of it."""
        known = self.index.zones.get(zone) if self.index is not None else None
        return None if known is None else known.importance


def ground(index: Index | None, claims: Iterable[AssetClaim] = ()) -> Ground:
    """What facts are looked at with; names sorted, in small letters."""
    names: dict[str, set[str]] = {}
    reached: dict[str, set[str]] = {}
    proxies = set()
    for claim in claims:
        if not claim.address:
            continue
        if claim.kind in ("called", "name"):
            names.setdefault(claim.address, set()).add(claim.value.lower())
        elif claim.kind == "reaches":
            reached.setdefault(claim.address, set()).add(claim.value.lower())
        elif claim.kind == "capability" and claim.value in _PASSES_ON:
            proxies.add(claim.address)
    return Ground(
        index,
        {address: tuple(sorted(some)) for address, some in names.items()},
        {address: tuple(sorted(some)) for address, some in reached.items()},
        frozenset(proxies),
    )


class Seen(NamedTuple):
    """A fact with its verdict, if there is one. A tuple, as very many are made."""

    fact: Any
    verdict: Verdict | None
    ground: Ground

    def server_names(self) -> tuple[str, ...]:
        return self.ground.names.get(self.fact.server, ())

    def domains_by_proxy(self) -> tuple[str, ...]:
        """What the client reached by way of this server, or of another one that it uses so."""
        passes_on = self.fact.protocol == "http" and self.fact.server in self.ground.proxies
        return self.ground.reached.get(self.fact.client, ()) if passes_on else ()

    def knowing(self, names: tuple[str, ...], domains: tuple[str, ...]) -> Seen:
        """The same with nothing but these for the two above."""
        fact, ground = self.fact, self.ground
        only = Ground(
            ground.index, {fact.server: names}, {fact.client: domains}, ground.proxies, ground._roles
        )
        return Seen(fact, self.verdict, only)


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    kind: Kind
    meaning: str
    read: Callable[[Seen], Value]
    lacking: Value = None
    """What `read` gives for null."""
    of_fact: Callable[[Any], Value] | None = None
    """The same as `read`, where the fact alone tells it: of very many facts in a third of the time."""
    of_verdict: Callable[[Any], Value] | None = None
    """Likewise of the verdict, if there is one; `read` gives None for what is "" or missing."""
    named: Callable[[str], str] = str.casefold
    """The same for all texts that mean the same."""

    def get(self, seen: Seen) -> Value:
        """The value that a fact has, None for null."""
        return self.told(self.read(seen))

    def told(self, value: Value) -> Value:
        """The value that was read, None for null."""
        return None if value == self.lacking else value


def was_answered(fact: Conversation) -> bool:
    """The server sent something other than a refusal, or must have: who sends data over TCP has been
    answered, and where no packet of the server is there the capture shows one direction only."""
    unseen = fact.transport in ("tcp", "sctp") and fact.protocol != "none" and not fact.packets_to_client
    return fact.answered or unseen


def _own(name: str, kind: Kind, meaning: str) -> Field:
    """A field that the fact itself has; -1 and "" are null."""
    return Field(name, kind, meaning, attrgetter(f"fact.{name}"), "", attrgetter(name))


def _perhaps(name: str, meaning: str) -> Field:
    """A field whose number a fact may lack."""
    return Field(name, "number", meaning, attrgetter(f"fact.{name}"), UNKNOWN, attrgetter(name))


def _extreme(name: str, place: int, meaning: str) -> Field:
    def get(seen: Seen) -> Value:
        value: int = seen.fact.extremes[place].value
        return value

    return Field(name, "number", meaning, get)


def _judged(name: str, meaning: str) -> Field:
    """A member of the verdict; null without a model."""
    read = attrgetter(name)
    return Field(
        name,
        "text",
        meaning,
        lambda seen: None if seen.verdict is None else read(seen.verdict) or None,
        of_verdict=read,
    )


def _important(name: str, zone: str, meaning: str) -> Field:
    read = attrgetter(zone)
    return Field(
        name,
        "text",
        meaning,
        lambda seen: None if seen.verdict is None else seen.ground.importance(read(seen.verdict)),
    )


def _with_roles(name: str, end: str, meaning: str) -> Field:
    read = attrgetter(end)
    return Field(
        name, "texts", meaning, lambda seen: seen.ground.roles(read(seen.fact)) or None, named=_role_named
    )


def _role_named(role: str) -> str:
    return one_name(role).casefold()


def _asset_zone(seen: Seen) -> str | None:
    index, fact = seen.ground.index, seen.fact
    return None if index is None else locate(index, fact.address or fact.mac, fact.vlan).zone or None


_TALK: Final = (
    _own("client", "address", "address of who asks: IPv4, IPv6, or a MAC address below IP"),
    _own("server", "address", "address of who answers"),
    _own("transport", "text", "`tcp`, `udp`, `icmp`, `ethernet` and so on"),
    _own("port", "number", "the server's port; the EtherType below IP; 0 where there is none"),
    _own("protocol", "text", "id in docs/protocols.md, `unknown`, or `none` if nothing was said"),
    _own("vlan", "text", "VLAN, null if untagged"),
)
_JUDGED: Final = (
    _judged("outcome", "the verdict: `allowed`, `denied`, `inside`, `not covered`; null without a model"),
    _judged("from_zone", "zone of the client"),
    _judged("to_zone", "zone of the server"),
    _judged("boundary", "the boundary that was crossed, null where none joins the zones"),
    _important("from_importance", "from_zone", "importance of the client's zone: `high`, `medium`, `low`"),
    _important("to_importance", "to_zone", "importance of the server's zone"),
    _with_roles("client_roles", "client", "roles of the client in the inventory (`assets` of the model)"),
    _with_roles("server_roles", "server", "roles of the server in the inventory"),
)
_CONVERSATION: Final = (
    _own("expected", "text", "protocol that is usual on the port, where another or none was spoken"),
    Field(
        "answered",
        "flag",
        "the server sent something other than a refusal; or the capture holds none of its packets, and the"
        " client sent data over TCP",
        lambda seen: was_answered(seen.fact),
        of_fact=was_answered,
    ),
    _own(
        "role",
        "text",
        "how the client was told: `handshake`, `protocol`, `port`, `first packet`",
    ),
    _own("flows", "number", "connections"),
    _own("packets_to_server", "number", "packets"),
    _own("packets_to_client", "number", "packets"),
    _own("bytes_to_server", "number", "bytes on the wire"),
    _own("bytes_to_client", "number", "bytes on the wire"),
    _own("tunnel", "text", "what the packets came wrapped in: `gre`, `vxlan` ..."),
    Field(
        "server_names",
        "texts",
        "names of the server, in small letters: by which clients ask for it (TLS, HTTP), and its own",
        lambda seen: seen.server_names() or None,
    ),
    Field(
        "domains_by_proxy",
        "texts",
        "where the server is an HTTP proxy: domains that the client reached by way of one, in small letters,"
        " such as `teamviewer.com`, without the host's own part",
        lambda seen: seen.domains_by_proxy() or None,
    ),
)
_OPERATION: Final = (
    _perhaps("unit", "unit identifier, null where the protocol has none"),
    _own("function", "number", "number of the service, such as a function code"),
    _perhaps("subfunction", "subfunction, null where there is none"),
    _own("service", "text", "name of the service"),
    _own(
        "access",
        "text",
        f"access class: {', '.join(f'`{one}`' for one in get_args(AccessClass))}",
    ),
    _perhaps("address", "first element, from 0; null where there is none"),
    _perhaps("count", "elements; null where there are none"),
    _own("status", "number", "0 answered well, above 0 the exception code, -1 no answer, -2 open at the end"),
    _own("swept", "flag", "many requests were joined to a range"),
    _own("times", "number", "transactions"),
    _own("answered", "number", "transactions that got an answer"),
)
_WRITTEN: Final = (
    _own("unit", "number", "unit identifier"),
    _own(
        "table",
        "text",
        "`coils`, `holding_registers`, or the vendor's name of an area, such as `D` or `DB10`",
    ),
    _own("address", "number", "element, from 0"),
    _own(
        "words",
        "number",
        "registers that the value takes, 1 or 2; 1 for a bit, 2 for a floating point number",
    ),
    _own("times", "number", "how often it was written"),
    _extreme("lowest", 0, "smallest value that was written, unsigned"),
    _extreme("highest", 1, "largest value that was written, unsigned"),
)
_ASSET: Final = (
    _own("mac", "address", "MAC address"),
    _own("address", "address", "IP address, null if it was seen below IP only"),
    _own("vlan", "text", "VLAN, null if untagged"),
    _own("packets", "number", "packets that it sent"),
    _own("bytes", "number", "bytes that it sent"),
    Field("zone", "text", "its zone; null without a model", _asset_zone),
    Field(
        "importance",
        "text",
        "importance of its zone",
        lambda seen: seen.ground.importance(_asset_zone(seen) or ""),
    ),
    Field(
        "roles",
        "texts",
        "its roles in the inventory",
        lambda seen: seen.ground.roles(seen.fact.address or seen.fact.mac) or None,
        named=_role_named,
    ),
)
_ANOMALY: Final = (
    _own("from_client", "flag", "the client sent it"),
    _own("reason", "text", "what is wrong, such as `protocol-id`; `lost-bytes` is the capture's loss"),
    _own("field", "text", "the field that is wrong"),
    _perhaps("function", "function code, null where it was not read"),
    _own("value", "number", "what the field held"),
    _perhaps("needed", "what it should have held, null where that is no one value"),
    _own("times", "number", "messages"),
)
_CREDENTIAL: Final = (
    _own("account", "text", "the name that was given, null where there was none"),
    _own(
        "method",
        "text",
        "how: `basic`, `form`, `query`, `plain`, `simple`, `community` carry the secret itself, `digest`,"
        " `cram-md5`, `apop`, `vnc` a proof of it, `anonymous` neither",
    ),
    _own("entry", "text", "id of the published default that it is, null where it is none"),
    _own("kind", "text", "`default`, `empty`, `anonymous`, or `clear` for any other that was readable"),
    Field(
        "result",
        "text",
        "what the server answered: `accepted`, `refused`, `unknown`; `attempted` where no answer was seen",
        lambda seen: seen.fact.outcome,
    ),
    _own("times", "number", "log-ins"),
)

FIELDS: Final[dict[str, dict[str, Field]]] = {
    category: {one.name: one for one in fields}
    for category, fields in (
        ("conversation", (*_TALK, *_CONVERSATION, *_JUDGED)),
        ("operation", (*_TALK, *_OPERATION, *_JUDGED)),
        ("written-value", (*_TALK, *_WRITTEN, *_JUDGED)),
        ("asset", _ASSET),
        ("anomaly", (*_TALK, *_ANOMALY, *_JUDGED)),
        ("credential", (*_TALK, *_CREDENTIAL, *_JUDGED)),
    )
}
"""Category -> name -> field, in the order of the documentation."""
