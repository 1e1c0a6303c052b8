"""Log-ins with a password that its maker has published.

What it means, when it is wrong and how to respond: `rules/default-credentials.yml`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from otmon.assets.vendor import vendor_of
from otmon.detect.detector import (
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
from otmon.detect.matched import contradiction
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


def default_credentials(case: Case) -> Iterator[Finding]:
    services: dict[tuple[str, ...], dict[str, _Group]] = {}
    for fact in case.ledger.credentials:
        if fact.kind == "default":
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
    vendors = sorted({device.vendor for device in registered(case, one.server) if device.vendor})
    said = _BY_INVENTORY if vendors else _BY_MAC
    vendors = vendors or _makers(case, one)
    fitting = [entry for entry in alike if any(map(entry.is_of, vendors))]
    return Finding(
        rule=RULE,
        key=key,
        severity=_severity(importance(case, place.to_zone), outcome, bool(vendors), bool(fitting)),
        link=replace(link_of(one), client=clients[0]) if len(clients) == 1 else _of_server(one),
        place=place,
        what=say(
            f"default.{outcome}",
            client=clients[0] if len(clients) == 1 else f"{clients[0]} (+{len(clients) - 1})",
            server=one.server,
            account=one.account or "-",
            protocol=one.protocol,
            transport=one.transport,
            port=one.port,
        ),
        why=(
            *_why(one, alike, fitting, vendors, said, clients),
            *contradiction(case.rules.get(RULE), outcome == "accepted"),
        ),
        count=sum(fact.times for fact in group if fact.outcome == outcome),
        unit="log-ins",
        first_ns=min(fact.first_ns for fact in group),
        last_ns=max(fact.last_ns for fact in group),
        evidence=first(*(fact.evidence for fact in group)),
    )


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


def _severity(matters: str, outcome: Outcome, vendor_known: bool, fits: bool) -> Severity:
    """By what the server answered and what it is worth; where nobody knows whether it was let in, by
    whether the password is one of the device's own vendor, as the inventory or the MAC address has it."""
    if outcome == "refused":
        return "low"
    gravest: Severity = "critical" if matters == "high" else "high"
    if outcome == "accepted":
        return gravest
    return lowered(gravest, 2 if vendor_known and not fits else 1)


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
            "default-entry", entry=entry.id, vendor=entry.vendor, devices=entry.devices, title=entry.title,
            url=entry.url,
        )  # fmt: skip
    else:
        yield say("default-entry-unknown", entry=one.entry)
    if fitting:
        yield say(said[0], vendor=", ".join(vendors))
    elif vendors and alike:
        yield say(said[1], vendor=", ".join(vendors))
    others = sorted({each.vendor for each in alike} - {each.vendor for each in shown[:1]})
    if others:
        yield say_some("default-alike", others, SHOWN)
    if len(clients) > 1:
        yield say_some("default-clients", clients, SHOWN)
