"""Log-ins with a password that its maker has published.

What it means, when it is wrong and how to respond: `rules/default-credentials.yml`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from otmon.assets.vendor import vendor_of
from otmon.detect.condition_rules import contradiction
from otmon.detect.detector import (
    SEVERITIES,
    Case,
    Finding,
    Link,
    Message,
    Severity,
    first,
    importance,
    link_of,
    lowered,
    reached,
    registered,
    say,
    say_some,
)
from otmon.identity.credentials import Entry, shipped_credentials
from otmon.ledger.facts import OUTCOMES, CredentialSeen, Outcome

RULE: Final = "default-credentials"

EACH: Final = 16
"""Clients of one service, account and entry that are told one by one; the others are one finding."""
SHOWN: Final = 4
"""Clients, and vendors of one pair, that are named in one finding."""

_BY_INVENTORY: Final = ("default-fits", "default-other-vendor")
_BY_MAC: Final = ("default-mac-fits", "default-mac-other-vendor")
"""Messages of an entry that is of the device's vendor, and of one that is not, by who tells the vendor."""

_Group = list[CredentialSeen]


_WORDS: Final = {
    "agents of many makers": "maker.agents",
    "VNC servers of many makers": "maker.vnc",
    "boards of cameras and recorders": "maker.boards",
    "boards that many makers build in": "devices.boards",
    "community": "devices.community",
    "cameras": "devices.cameras",
    "cameras and recorders": "devices.cameras-recorders",
    "printers": "devices.printers",
    "recorders": "devices.recorders",
    "routers": "devices.routers",
    "routers and switches": "devices.routers-switches",
    "switches": "devices.switches",
    "switches and routers": "devices.routers-switches",
}
"""Makers and devices that the list calls by common words, and how these are said in both languages."""
_WRITING: Final = re.compile(rb"private|write|rw|admin|manager|root|secret", re.IGNORECASE)
"""Communities with which makers let others write, too."""


def default_credentials(case: Case) -> Iterator[Finding]:
    spread = case.rules[RULE].number("spread")
    asked: dict[tuple[str, ...], _Group] = {}
    for fact in case.ledger.credentials:
        if fact.kind == "default":
            asked.setdefault((fact.client, *_key(fact)[1:]), []).append(fact)
    services: dict[tuple[str, ...], dict[str, _Group]] = {}
    for about, group in asked.items():
        if len({fact.server for fact in group}) > spread:
            # A manager of many devices, or a program that tries them all.
            yield _finding(case, ("many", *about), group)
            continue
        for fact in group:
            services.setdefault(_key(fact), {}).setdefault(fact.client, []).append(fact)
    for key, clients in services.items():
        ranked = sorted(clients, key=lambda client: _rank(client, clients[client]))
        for client in ranked[:EACH]:
            yield _finding(case, (*key, client), clients[client])
        others = [fact for client in ranked[EACH:] for fact in clients[client]]
        if others:
            yield _finding(case, key, others)


def _key(fact: CredentialSeen) -> tuple[str, ...]:
    return fact.server, fact.transport, str(fact.port), fact.protocol, fact.account, fact.entry


def _rank(client: str, group: _Group) -> tuple[int, int, str]:
    """Who was let in comes first, and then who came first: attempts can be made up by the hundred."""
    return min(OUTCOMES.index(fact.outcome) for fact in group), min(fact.first_ns for fact in group), client


def _finding(case: Case, key: tuple[str, ...], group: _Group) -> Finding:
    one = group[0]
    outcome: Outcome = min((fact.outcome for fact in group), key=OUTCOMES.index)
    clients = sorted({fact.client for fact in group})
    place = reached(case, group)
    alike = shipped_credentials().alike(one.entry, one.protocol)
    servers = sorted({fact.server for fact in group if fact.outcome == outcome})
    many = key[0] == "many"
    vendors = sorted({device.vendor for device in registered(case, one.server) if device.vendor and not many})
    said = _BY_INVENTORY if vendors else _BY_MAC
    vendors = vendors or ([] if many else _makers(case, one))
    fitting = [entry for entry in alike if any(map(entry.is_of, vendors))]
    return Finding(
        rule=RULE,
        key=key,
        severity=_severity_of(case, group, outcome, alike, (bool(vendors), bool(fitting))),
        link=_link(one, clients, many),
        place=place,
        what=_what(one, outcome, _some(clients), _some(servers)),
        why=(
            *_of_many(group if many else ()),
            *_why(one, alike, fitting, vendors, said, clients),
            *contradiction(case.rules.get(RULE), outcome == "accepted"),
        ),
        count=sum(fact.times for fact in group if fact.outcome == outcome),
        unit="log-ins",
        first_ns=min(fact.first_ns for fact in group),
        last_ns=max(fact.last_ns for fact in group),
        evidence=first(*(fact.evidence for fact in group)),
        extent=len(group),
    )


def _some(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} (+{len(names) - 1})"


def _what(one: CredentialSeen, outcome: Outcome, client: str, server: str) -> Message:
    about: dict[str, str | int] = {
        "client": client, "server": server, "protocol": one.protocol, "transport": one.transport,
        "port": one.port,
    }  # fmt: skip
    # Some protocols know no accounts.
    return (
        say(f"default.{outcome}", account=one.account, **about)
        if one.account
        else say(f"default-unnamed.{outcome}", **about)
    )


def _of_many(group: Iterable[CredentialSeen]) -> Iterator[Message]:
    """To how many servers of several each outcome applies, and which these are."""
    by_outcome: dict[Outcome, set[str]] = {}
    for fact in group:
        by_outcome.setdefault(fact.outcome, set()).add(fact.server)
    for outcome in OUTCOMES:
        if outcome in by_outcome:
            yield say_some(f"default-servers.{outcome}", sorted(by_outcome[outcome]), SHOWN)


def _is_reading(one: CredentialSeen, alike: Iterable[Entry]) -> bool:
    """Whether it is a community of SNMP with which devices are read: a name that everybody who may look at
    them knows, and not what a device is changed with."""
    return (
        one.method == "community"
        and bool(alike)
        and not any(_WRITING.search(entry.password) for entry in alike)
    )


def _link(one: CredentialSeen, clients: list[str], many: bool) -> Link:
    link = replace(link_of(one), client=clients[0]) if len(clients) == 1 else _of_server(one)
    return replace(link, server="") if many else link


def _makers(case: Case, one: CredentialSeen) -> list[str]:
    """Who made the interfaces of the server, by its own MAC addresses, as far as they are of vendors on the
    list: others may have made the interface alone. Nobody for a device behind a router."""
    people = case.population
    device = people.by_id.get(people.grouped.owner(one.server, one.vlan))
    found = [vendor_of(mac) for mac in device.seen.macs] if device is not None else []
    names = {maker.name for maker in found if maker is not None and maker.kind == "universal"}
    return sorted(filter(shipped_credentials().lists, names))


def _of_server(one: CredentialSeen) -> Link:
    """Several clients: the finding is about the server alone."""
    return Link(one.server, "", one.transport, one.port, one.protocol, one.vlan)


def _severity_of(
    case: Case,
    group: _Group,
    outcome: Outcome,
    alike: tuple[Entry, ...],
    vendor: tuple[bool, bool],
) -> Severity:
    """The gravest of the servers with this outcome. A community without an answer is one of a device that is
    off, or has another one."""
    one = group[0]
    if one.method == "community" and outcome == "attempted":
        return "low"
    places = {reached(case, [fact]).to_zone for fact in group if fact.outcome == outcome}
    gravest = min(
        (_severity(importance(case, zone), outcome, *vendor) for zone in places), key=SEVERITIES.index
    )
    return max(gravest, "medium", key=SEVERITIES.index) if _is_reading(one, alike) else gravest


def _severity(matters: str, outcome: Outcome, vendor_known: bool, fits: bool) -> Severity:
    """By what the server answered and what it is worth; where nobody knows whether it was let in, by
    whether the password is one of the device's own vendor, as the inventory or the MAC address has it."""
    if outcome == "refused":
        return "low"
    gravest: Severity = "critical" if matters == "high" else "high"
    if outcome == "accepted":
        return gravest
    return lowered(gravest, 2 if vendor_known and not fits else 1)


def _worded(text: str) -> str | tuple[Message, ...]:
    return (say(_WORDS[text]),) if text in _WORDS else text


def _why(
    one: CredentialSeen,
    alike: tuple[Entry, ...],
    fitting: list[Entry],
    vendors: list[str],
    said: tuple[str, str],
    clients: list[str],
) -> Iterator[Message]:
    shown = fitting or alike
    if shown:
        entry = next((each for each in shown if each.id == one.entry), shown[0])
        yield say(
            "default-entry", entry=entry.id, vendor=_worded(entry.vendor), devices=_worded(entry.devices),
            title=entry.title, url=entry.url,
        )  # fmt: skip
    else:
        yield say("default-entry-unknown", entry=one.entry)
    if fitting:
        yield say(said[0], vendor=", ".join(vendors))
    elif vendors and alike:
        yield say(said[1], vendor=", ".join(vendors))
    named = {each.vendor for each in shown[:1]} | set(_WORDS)
    others = sorted({each.vendor for each in alike} - named)
    if others:
        yield say_some("default-alike", others, SHOWN)
    if len(clients) > 1:
        yield say_some("default-clients", clients, SHOWN)
