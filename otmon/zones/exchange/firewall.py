"""Firewall rules as the text that a firewall loads, written by Aerleon.

Every format denies what no rule lists. Aerleon leaves a condition out where it has no words for it (a
family without addresses, a transport without ports), which would open more than was agreed; so each rule
reaches it per address family, with addresses on both sides, and only with transports that the format can
say. What a format cannot say is left out and told: narrower than the model, never wider.

Same rules, same text: nothing here reads a clock or depends on an order of hashes.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Literal

from otmon.sentence import Complaint, sentence
from otmon.zones.address import IPV4_BITS, IPV6_BITS
from otmon.zones.exchange.rule import EVERY_PORT, WITH_PORTS, Rule, Rulebook, Service, Unsaid
from otmon.zones.extent import Networks
from otmon.zones.model import Ranges

Pair = tuple[str, str]
"""Zone that the client is in, and zone of the server."""


@dataclass(frozen=True, slots=True)
class Format:
    """What one of Aerleon's generators needs, and what it can say."""

    target: str
    """Aerleon's name of the generator."""
    suffix: str
    filters: tuple[tuple[tuple[int, ...], str], ...]
    """Address widths and header options of each filter; `{name}`, `{a}`, `{b}` are filled in."""
    transports: frozenset[str] = frozenset({"tcp", "udp", "sctp", "icmp", "icmpv6"})
    numbers: Literal["all", "named", "none"] = "all"
    """Other IP protocols: by number, those that Aerleon has a name for, or none."""
    by_zones: bool = False
    """One filter for each pair of zones instead of one for all."""
    stateless: bool = False
    """Knows no connections: answers need rules of their own."""
    answers: bool = False
    """Knows connections, and must be told to let answers pass."""
    spelled_out: bool = False
    """Takes a transport without ports for everything: every port must be written."""
    name_limit: int = 48
    comment_bytes: int = 500


_IPV4, _IPV6 = (IPV4_BITS,), (IPV6_BITS,)
_ZONES: Final = (((IPV4_BITS, IPV6_BITS), "from-zone {a} to-zone {b} mixed"),)

FORMATS: Final[dict[str, Format]] = {
    "nftables": Format(
        "nftables", ".nft", ((_IPV4, "inet forward"), (_IPV6, "inet6 forward")), comment_bytes=120
    ),
    "iptables": Format(
        "speedway", ".ipt", ((_IPV4, "FORWARD DROP inet"),), numbers="named", answers=True, name_limit=24,
        comment_bytes=240,
    ),
    "ip6tables": Format(
        "speedway", ".ip6t", ((_IPV6, "FORWARD DROP inet6"),), numbers="named", answers=True, name_limit=24,
        comment_bytes=240,
    ),
    "cisco": Format(
        "cisco", ".acl", ((_IPV4, "{name} extended"), (_IPV6, "{name}-v6 inet6")), stateless=True
    ),
    "ciscoasa": Format("ciscoasa", ".asa", ((_IPV4, "{name}"),)),
    "juniper": Format(
        "juniper", ".jcl", ((_IPV4, "{name} inet"), (_IPV6, "{name}-v6 inet6")), numbers="named",
        stateless=True,
    ),
    "srx": Format("srx", ".srx", _ZONES, numbers="named", by_zones=True),
    "paloalto": Format("paloalto", ".xml", _ZONES, numbers="none", by_zones=True),
    "fortigate": Format(
        "fortigate", ".fgacl", _ZONES, frozenset({"tcp", "udp"}), "none", by_zones=True, spelled_out=True,
        name_limit=35,
    ),
}  # fmt: skip
"""Formats by the name that `otmon zones export --format` takes."""

_NFTABLES_HEAD: Final = (
    "# Loading this replaces the tables of this name, and no other.\n"
    "table ip filtering_policies\ndelete table ip filtering_policies\n"
    "table ip6 filtering_policies\ndelete table ip6 filtering_policies\n\n"
)
"""Else a second load would add to the first."""
_LEAST_REASON: Final = 12
"""Bytes of a reason below which it tells nothing."""
_SHELL: Final = str.maketrans(
    {'"': "'", "\\": "/", "`": "'", "$": "S", "?": ".", "{": "(", "}": ")", ";": ","}
)
"""Signs that end a comment, or start something else, in one format or another."""


class ExportError(Complaint):
    """The rules cannot be written; the text says why."""


@dataclass(frozen=True, slots=True)
class Unspoken:
    """Permissions and zones with addresses of a version of IP that a format does not say."""

    version: int
    count: int

    def __str__(self) -> str:
        said = f"IPv{self.version} addresses, which this format does not say"
        return f"{self.count} permission(s) or zone(s) have {said}"


@dataclass(frozen=True, slots=True)
class Exported:
    text: str
    told: tuple[Unsaid | Unspoken, ...]
    """What the format cannot say."""


def export_rules(book: Rulebook, form: Format, name: str, title: str, pairs: Iterable[Pair]) -> Exported:
    """The rules as text.

    `name` is a short name of the policy (an id of the model); `title` a sentence for its head. `pairs` are
    the pairs of zones between which the device stands: formats by zones deny between them what no rule
    lists. Raises `ExportError`.
    """
    told = tuple(dict.fromkeys(_unsaid(book.rules, form)))
    names = _Names(form.name_limit)
    filters = []
    for widths, options in form.filters:
        if form.by_zones:
            inside = [(r.from_zone, r.to_zone) for r in book.rules if r.from_zone == r.to_zone]
            for a, b in dict.fromkeys([*inside, *pairs]):
                rules = [rule for rule in book.rules if (rule.from_zone, rule.to_zone) == (a, b)]
                filters.append(_filter(rules, form, widths, options.format(a=a, b=b), title, names))
        else:
            header = options.format(name=f"otmon-{name}")
            filters.append(_filter(book.rules, form, widths, header, title, names))
            names.forget_terms()
    text = _generated(filters, names)
    return Exported((_NFTABLES_HEAD if form.target == "nftables" else "") + text, told)


def _generated(filters: list[dict[str, Any]], names: _Names) -> str:
    """What Aerleon makes of the filters."""
    from aerleon import api
    from aerleon.aclgen import ACLGeneratorError, ACLParserError
    from aerleon.lib import naming

    policy: Any = {"filename": "policy", "filters": filters}
    definitions = naming.Naming()
    definitions.ParseDefinitionsObject({"networks": names.networks, "services": names.services}, "")
    try:
        with _quiet():
            texts = api.Generate([policy], definitions)
    except (ACLGeneratorError, ACLParserError, ValueError) as error:
        raise ExportError(sentence("Aerleon cannot write these rules: {why}", why=str(error))) from error
    (text,) = (texts or {"": ""}).values()
    return str(text).rstrip("\n") + "\n"


@contextmanager
def _quiet() -> Iterator[None]:
    """Aerleon warns of what is meant here."""
    logger = logging.getLogger("absl")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


class _Names:
    """Names of addresses, ports and terms as Aerleon wants them: unique, short, ASCII."""

    def __init__(self, limit: int) -> None:
        self.networks: dict[str, Any] = {}
        self.services: dict[str, Any] = {}
        self._limit = limit
        self._tokens: dict[Networks, str] = {}
        self._ports: dict[Ranges, str] = {}
        self._terms: set[str] = set()

    def forget_terms(self) -> None:
        """A new filter, in which the same names may stand again."""
        self._terms.clear()

    def network(self, networks: Networks, zone: str) -> str:
        if networks not in self._tokens:
            if len(networks) == 1:
                wanted = "net-" + re.sub(r"[^0-9a-f]+", "-", str(networks[0])).strip("-")
            else:
                wanted = f"zone-{_plain(zone)}"[:50]
            token = _free(wanted, self.networks, 60)
            self.networks[token] = {"values": [{"address": _cidr(str(network))} for network in networks]}
            self._tokens[networks] = token
        return self._tokens[networks]

    def ports(self, ports: Ranges) -> str:
        if ports not in self._ports:
            token = f"ports-{len(self.services) + 1}"
            values = [
                {"protocol": transport, "port": str(low) if low == high else f"{low}-{high}"}
                for transport in WITH_PORTS
                for low, high in ports
            ]
            self.services[token] = values
            self._ports[ports] = token
        return self._ports[ports]

    def term(self, wanted: str) -> str:
        name = _free(_plain(wanted), self._terms, self._limit)
        self._terms.add(name)
        return name


def _free(wanted: str, taken: Iterable[str], limit: int) -> str:
    used = set(taken)
    name = wanted[:limit].rstrip("-")
    number = 2
    while name in used:
        name = f"{wanted[: limit - 1 - len(str(number))]}-{number}"
        number += 1
    return name


def _plain(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]", "-", text)


def _cidr(text: str) -> str:
    return text if "/" in text else f"{text}/{128 if ':' in text else 32}"


def _filter(
    rules: Iterable[Rule], form: Format, widths: tuple[int, ...], options: str, title: str, names: _Names
) -> dict[str, Any]:
    terms: list[dict[str, Any]] = []
    if form.answers:
        terms.append({"name": names.term("established"), "option": ["established"], "action": "accept"})
    for rule in rules:
        terms += _terms(rule, form, widths, names)
    if form.stateless and IPV6_BITS in widths:
        # Without it a denial of everything cuts the device off from its own neighbours.
        kinds = ["neighbor-solicit", "neighbor-advertisement"]
        term = {"name": names.term("neighbours"), "protocol": ["icmpv6"], "icmp-type": kinds}
        terms.append({**term, "action": "accept"})
    terms.append({"name": names.term("default-deny"), "action": "deny"})
    comment = _comment(title, form.comment_bytes)
    return {"header": {"targets": {form.target: options}, "comment": comment}, "terms": terms}


def _terms(rule: Rule, form: Format, widths: tuple[int, ...], names: _Names) -> Iterator[dict[str, Any]]:
    """The rule in the words of one filter: a term for each set of ports, and for answers if need be."""
    shared = {n.bits for n in rule.clients} & {n.bits for n in rule.servers} & set(widths)
    groups: dict[Ranges, list[str]] = {}
    for service in rule.services:
        if _said(service, form) and _family(service) in (None, *shared):
            every: Ranges = EVERY_PORT if form.spelled_out and service.transport else ()
            groups.setdefault(service.ports or every, []).append(service.transport)
    for ports, transports in groups.items():
        # SCTP beside others is split by one generator, whose names of the parts may be taken.
        together = [t for t in transports if t in ("tcp", "udp")]
        alone = [[t] for t in transports if t not in together]
        for protocols in [*([together] if together else []), *alone]:
            family = _family(Service(protocols[0], ()))
            bits = {family} if family is not None else shared
            clients = tuple(n for n in rule.clients if n.bits in bits)
            servers = tuple(n for n in rule.servers if n.bits in bits)
            if clients and servers:
                token = names.network(clients, rule.from_zone), names.network(servers, rule.to_zone)
                yield from _whole(rule, protocols, ports, token, widths, form, names)


def _whole(
    rule: Rule,
    protocols: list[str],
    ports: Ranges,
    ends: Pair,
    widths: tuple[int, ...],
    form: Format,
    names: _Names,
) -> Iterator[dict[str, Any]]:
    """The term that lets the client ask, and in a stateless format those that let the server answer."""
    said = {"protocol": [p.removeprefix("ip-") for p in protocols]} if protocols != [""] else {}
    token = names.ports(ports) if ports else None
    yield {
        "name": names.term(f"{rule.kind[0]}-{rule.id}"),
        "comment": _described(rule, form.comment_bytes),
        "source-address": ends[0],
        "destination-address": ends[1],
        **said,
        **({"destination-port": token} if token else {}),
        "action": "accept",
    }
    if not form.stateless:
        return
    back = {"source-address": ends[1], "destination-address": ends[0], "action": "accept"}
    if protocols == [""] and rule.clients == rule.servers:
        return
    anything = ["tcp", "udp", "icmpv6" if widths == _IPV6 else "icmp"]
    for protocol in anything if protocols == [""] else said["protocol"]:
        yield {
            "name": names.term(f"p-{rule.id}-answers"),
            **back,
            "protocol": [protocol],
            **({"option": ["tcp-established"]} if protocol == "tcp" else {}),
            **({"source-port": token} if token else {}),
        }


def _family(service: Service) -> int | None:
    """The only address width that a transport has."""
    return {"icmp": IPV4_BITS, "icmpv6": IPV6_BITS}.get(service.transport)


def _said(service: Service, form: Format) -> bool:
    """Whether the format has words for the transport."""
    number = service.transport.removeprefix("ip-")
    if number == service.transport:
        return service.transport in form.transports or not service.transport
    if form.numbers == "named":
        from aerleon.lib.aclgenerator import Term

        return int(number) in Term.PROTO_MAP_BY_NUMBER
    return form.numbers == "all"


def _unsaid(rules: Iterable[Rule], form: Format) -> Iterator[Unsaid | Unspoken]:
    """What the format leaves out of rules, and where it cannot help being wider."""
    widths = {bits for widths, _ in form.filters for bits in widths}
    missed = dict.fromkeys((IPV4_BITS, IPV6_BITS), 0)
    for rule in rules:
        named = rule.line, rule.kind, rule.id
        both = {n.bits for n in rule.clients} & {n.bits for n in rule.servers}
        if not both:
            yield Unsaid(*named, "family")
        for bits in both - widths:
            missed[bits] += 1
        for service in rule.services:
            over = {"": "UDP and ICMP", "tcp": ""}.get(service.transport, service.transport.upper())
            if not _said(service, form):
                yield Unsaid(*named, "wordless", (("transport", service.transport),))
            elif form.stateless and over and (service.transport or rule.clients != rule.servers):
                yield Unsaid(*named, "stateless", (("over", over),))
    for bits, count in missed.items():
        if count:
            yield Unspoken(4 if bits == IPV4_BITS else 6, count)


def _described(rule: Rule, limit: int) -> str:
    """Permission, place, reason, and what a firewall does not check; the reason gives way to the rest."""
    head = _comment(f"{rule.kind} {rule.id} ({rule.line})", limit)
    tail = _comment(f" [unchecked: {', '.join(rule.unchecked)}]" if rule.unchecked else "", limit)
    left = limit - len(head.encode()) - len(tail.encode()) - 1
    reason = f" {_comment(rule.reason, left)}" if rule.reason and left > _LEAST_REASON else ""
    return _comment(head + reason + tail, limit)


def _comment(text: str, limit: int) -> str:
    """The text on one line without signs that any format takes for its own, at most `limit` bytes."""
    plain = "".join(sign if sign.isprintable() else " " for sign in text).translate(_SHELL)
    plain = plain.replace("*/", "* /").replace("/*", "/ *")
    data = plain.encode(errors="replace")
    return plain if len(data) <= limit else data[: limit - 3].decode(errors="ignore") + "..."
