"""A public address of the Internet that talks with the plant.

What it finds
    A conversation between an address of the Internet and a zone of the plant that the model does
    not allow; without a model, one in which an industrial protocol is spoken.

Why it matters
    A plant network that reaches the Internet can be reached from it. The way in that is most often
    found is one that nobody drew: a device that looks for its maker's cloud, a PC that was put on
    the network only to print, a remote-maintenance PC with its remote desktop open to all.

What it looks like
    203.0.113.45 opens a remote desktop on a PC of the maintenance zone.

When it is wrong
    When a plant uses public addresses inside: list them in a zone.

References
    ATT&CK for ICS T0883, T0822; IEC 62443-3-3 SR 5.2, SR 1.13.
"""

from __future__ import annotations

from collections.abc import Iterator

from otmon.detect.detector import (
    Case,
    Finding,
    Message,
    Place,
    Rule,
    Severity,
    attack,
    first,
    importance,
    is_internet,
    link_of,
    place_of,
    reasons,
    requirement,
    say,
)
from otmon.ledger.facts import Conversation
from otmon.zones.decide import Verdict, lapsed
from otmon.zones.model import INTERNET, UNKNOWN_ZONE

RULE = Rule(
    "internet-contact",
    (
        *attack("T0883", "Internet Accessible Device"),
        *attack("T0822", "External Remote Services"),
        requirement("SR 5.2", "Zone boundary protection"),
        requirement("SR 1.13", "Access via untrusted networks"),
    ),
)

SHOWN = 6
"""Addresses of the Internet that are named in one finding."""

Contact = list[tuple[Conversation, Verdict | None]]


def internet_contact(case: Case) -> Iterator[Finding]:
    groups: dict[tuple[str, ...], Contact] = {}
    for fact, verdict in _contacts(case):
        outside_asks = is_internet(fact.client, verdict.from_zone if verdict else "")
        inside = fact.server if outside_asks else fact.client
        # One host of the plant that looks for a hundred addresses is one thing to mend.
        key = (inside, "in" if outside_asks else "out", fact.transport, str(fact.port), fact.protocol)
        groups.setdefault(key, []).append((fact, verdict))
    for about, group in groups.items():
        yield _finding(case, about, group)


def _contacts(case: Case) -> Iterator[tuple[Conversation, Verdict | None]]:
    if case.index is not None:
        for fact, verdict in case.conversations:
            ends = {verdict.from_zone, verdict.to_zone}
            # What is allowed at other times has a rule of its own.
            denied = verdict.outcome == "denied" and not lapsed(verdict)
            if denied and INTERNET in ends and UNKNOWN_ZONE not in ends:
                yield fact, verdict
        return
    for fact in case.ledger.conversations:
        protocol = case.protocols.get(fact.protocol)
        industrial = protocol is not None and protocol.kind == "industrial"
        if industrial and (is_internet(fact.client, "") or is_internet(fact.server, "")):
            yield fact, None


def _finding(case: Case, key: tuple[str, ...], group: Contact) -> Finding:
    fact, verdict = group[0]
    inbound = key[1] == "in"
    outside = sorted({one.client if inbound else one.server for one, _ in group})
    why: list[Message] = list(reasons(verdict)) if verdict else [say("no-model")]
    why.append(say("outside", addresses=", ".join(outside[:SHOWN]), count=len(outside)))
    answered = any(one.answered for one, _ in group)
    if not answered:
        why.append(say("unanswered"))
    zone = (verdict.to_zone if inbound else verdict.from_zone) if verdict else ""
    return Finding(
        rule=RULE.id,
        key=key,
        severity=_severity(answered, inbound, importance(case, zone) == "high" or not verdict),
        link=link_of(fact),
        place=place_of(case, verdict) if verdict else Place(),
        what=say(
            "internet-in" if inbound else "internet-out",
            inside=key[0], protocol=fact.protocol, transport=fact.transport, port=fact.port,
        ),
        why=tuple(why),
        count=sum(one.packets_to_server + one.packets_to_client for one, _ in group),
        unit="packets",
        first_ns=min(one.first_ns for one, _ in group),
        last_ns=max(one.last_ns for one, _ in group),
        evidence=first(*(one.evidence for one, _ in group)),
        references=RULE.references,
    )  # fmt: skip


def _severity(answered: bool, inbound: bool, high: bool) -> Severity:
    """Who is reached from outside weighs more than who looks outside."""
    if not answered:
        return "medium"
    return "critical" if high and inbound else "high"
