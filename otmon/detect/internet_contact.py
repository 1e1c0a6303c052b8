"""A public address of the Internet that talks with the plant.

What it means, when it is wrong and how to respond: `rules/internet-contact.yml`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from otmon.detect.changing_address import first_addresses
from otmon.detect.detector import (
    Case,
    Finding,
    Message,
    Place,
    Severity,
    first,
    importance,
    is_internet,
    is_site,
    link_of,
    place_of,
    reasons,
    say,
    say_some,
)
from otmon.detect.rules.field import was_answered
from otmon.detect.silence import silence
from otmon.ledger.facts import Conversation
from otmon.zones.address import IPV4_BITS, IPV6_BITS, parse_address
from otmon.zones.decide import Verdict, lapsed
from otmon.zones.model import INTERNET, UNKNOWN_ZONE

RULE: Final = "internet-contact"
EXPOSED: Final = frozenset((
    "smb", "nbss", "dce_rpc", "telnet", "rlogin", "tftp", "snmp", "ldap", "mysql", "postgresql", "redis",
    "iscsi",
))  # fmt: skip
"""IT protocols that nobody offers to the Internet on purpose; desktops are told as remote support."""
OWNED: Final = {IPV4_BITS: "owned_ipv4", IPV6_BITS: "owned_ipv6"}
"""Parameters: first bits that the public addresses of one owner have in common."""

_WORDS: Final = {
    (True, True): ("internet-in", "internet-in-silent"),
    (True, False): ("internet-in-tried", "internet-in-tried-silent"),
    (False, True): ("internet-out", "internet-out-silent"),
    (False, False): ("internet-out-tried", "internet-out-tried-silent"),
}
"""Messages, by whether it came from outside and whether it was answered: where anything was said, and where
nothing was."""

Contact = list[tuple[Conversation, Verdict | None]]


def internet_contact(case: Case) -> Iterator[Finding]:
    groups: dict[tuple[str, ...], Contact] = {}
    firsts = first_addresses(case)
    for fact, verdict in _contacts(case):
        outside_asks = is_internet(fact.client, verdict.from_zone if verdict else "")
        inside = fact.server if outside_asks else fact.client
        inside = firsts.get(inside, inside)
        # One host of the plant that looks for a hundred addresses is one thing to mend.
        key = (inside, "in" if outside_asks else "out", fact.transport, str(fact.port), fact.protocol)
        groups.setdefault(key, []).append((fact, verdict))
    for about, group in groups.items():
        yield _finding(case, about, group)


def _contacts(case: Case) -> Iterator[tuple[Conversation, Verdict | None]]:
    if case.index is not None:
        for fact, verdict in case.conversations:
            ends = verdict.from_zone, verdict.to_zone
            if INTERNET not in ends:
                continue
            # What is allowed at other times has a rule of its own.
            denied = verdict.outcome == "denied" and UNKNOWN_ZONE not in ends and not lapsed(verdict)
            strangers = ends == (INTERNET, INTERNET) and _is_industrial(case, fact)
            if denied or strangers:
                yield fact, verdict
        return
    for fact in case.ledger.conversations:
        outside = is_internet(fact.client, "") or is_internet(fact.server, "")
        if outside and (_is_industrial(case, fact) or _is_exposed(fact)):
            yield fact, None


def _is_exposed(fact: Conversation) -> bool:
    """Whether a private address answers the Internet by what is for one network only."""
    told = fact.protocol in EXPOSED and fact.role != "first packet" and was_answered(fact)
    return told and is_internet(fact.client, "") and is_site(fact.server)


def _is_industrial(case: Case, fact: Conversation) -> bool:
    """Whether it is of a kind that has no business between two owners."""
    protocol = case.protocols.get(fact.protocol)
    industrial = protocol is not None and protocol.kind == "industrial"
    return industrial and not _have_one_owner(case, fact.client, fact.server)


def _have_one_owner(case: Case, client: str, server: str) -> bool:
    """Whether two addresses are alike enough for one site that uses public addresses inside."""
    one, other = parse_address(client), parse_address(server)
    if one is None or other is None or one.bits != other.bits or one.bits not in OWNED:
        return False
    shift = one.bits - case.rules[RULE].number(OWNED[one.bits])
    return one.value >> shift == other.value >> shift


def _finding(case: Case, key: tuple[str, ...], group: Contact) -> Finding:
    fact, verdict = next((one for one in group if key[0] in (one[0].client, one[0].server)), group[0])
    inbound = key[1] == "in"
    outside = sorted({one.client if inbound else one.server for one, _ in group})
    exposed = verdict is None and fact.protocol in EXPOSED
    no_model = say("no-model-exposed", protocol=fact.protocol) if exposed else say("no-model")
    why: list[Message] = list(reasons(verdict)) if verdict else [no_model]
    shown = case.rules[RULE].number("shown")
    why.append(say("outside", addresses=", ".join(outside[:shown]), count=len(outside)))
    own = sorted({one.server if inbound else one.client for one, _ in group})
    if len(own) > 1:
        why.append(say_some("addresses", own, shown))
    answered = any(was_answered(one) for one, _ in group)
    if not answered:
        why.append(silence(one for one, _ in group))
    zone = (verdict.to_zone if inbound else verdict.from_zone) if verdict else ""
    high = importance(case, zone) == "high" or (zone in ("", INTERNET) and not exposed)
    return Finding(
        rule=RULE,
        key=key,
        severity=_severity(answered, inbound, high),
        link=link_of(fact),
        place=place_of(case, verdict) if verdict else Place(),
        what=_what(_WORDS[inbound, answered], key[0], fact),
        why=tuple(why),
        count=sum(one.packets_to_server + one.packets_to_client for one, _ in group),
        unit="packets",
        first_ns=min(one.first_ns for one, _ in group),
        last_ns=max(one.last_ns for one, _ in group),
        evidence=first(*(one.evidence for one, _ in group)),
    )


def _what(words: tuple[str, str], inside: str, fact: Conversation) -> Message:
    if fact.protocol == "none":
        return say(words[1], inside=inside, transport=fact.transport, port=fact.port)
    return say(words[0], inside=inside, protocol=fact.protocol, transport=fact.transport, port=fact.port)


def _severity(answered: bool, inbound: bool, high: bool) -> Severity:
    """Who is reached from outside weighs more than who looks outside."""
    if not answered:
        return "medium"
    return "critical" if high and inbound else "high"
