"""The decision: may this happen? A pure and total function of a model and a fact.

The zones of both ends (`otmon.zones.place`) say which list applies: the boundary between two zones,
or the zone itself where it says `inside: listed`. Something is allowed when one permission of that
list lacks nothing; else it is denied, with what was missing in the permissions that came nearest.

- A conversation is judged by its ends, transport, port and protocol; what was asked of a server
  (access class, function, unit, elements) is judged for each operation.
- A permission is read from client to server, and its answers are part of it.
- A connection in which nobody said anything ("none") cannot show its protocol: the port that a
  permission names is enough, else the usual protocol of the port is taken for granted, and the reason
  says so. So it is with the elements of a response whose request was not seen.
- A conversation of which no end is in a zone of the model is `not covered`, as is one below IP
  between MAC addresses that no zone lists: it never left its link.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from otmon.ledger.facts import Conversation, Operation
from otmon.zones.address import parse_address
from otmon.zones.lack import (
    LACKS,
    Lack,
    Lacking,
    Subject,
    distance,
    lacking,
    subject,
    taken_for_granted,
    worded,
)
from otmon.zones.model import UNKNOWN_ZONE, Permission
from otmon.zones.place import Index, index, locate, locate_parsed

__all__ = [
    "LACKS", "NEAREST", "REASONS",
    "Index", "Lack", "Near", "Outcome", "Reason", "Verdict",
    "decide", "explain", "index", "locate",
]  # fmt: skip

Outcome = Literal["allowed", "denied", "not covered", "inside"]

NEAREST: Final = 3
"""Permissions named in a denial: more would not help anybody to mend the right one."""
REASONS: Final[dict[str, str]] = {
    "permission": "allowed by {permission} ({line})",
    "permission-protocol-unseen": "allowed by {permission} ({line}); nothing was said to show the protocol",
    "permission-elements-unseen": "allowed by {permission} ({line}), as far as an unseen request can be",
    "inside-zone": "inside {zone}, where everything may happen ({line})",
    "outside-model": "no end is in a zone of the model",
    "link-only": "it stays on its link, between addresses that no zone lists",
    "no-boundary": "no boundary joins {from_zone} and {to_zone}, so nothing may cross",
    "unknown-address": "{address} is in no zone, so nothing is agreed with it",
    "nothing-listed": "{list} allows nothing ({line})",
    "not-listed": "{list} allows other things, not this ({line})",
    "other-direction": "{list} allows this the other way round only, from {server} to {client} ({line})",
}
"""Reasons of verdicts, as sentences in English."""


@dataclass(frozen=True, slots=True)
class Reason:
    key: str
    """Of `REASONS`."""
    params: tuple[tuple[str, str], ...]
    """Sorted by name."""


@dataclass(frozen=True, slots=True)
class Near:
    """A permission that nearly fitted."""

    permission: str
    line: str
    """"file:line"."""
    lacks: tuple[Lack, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    outcome: Outcome
    from_zone: str
    """Zone of the client, "internet" or "unknown"; "" where its address does not say."""
    to_zone: str
    boundary: str
    """Id of the boundary between the two, "" where there is none."""
    line: str
    """The line of the model that decided, "file:line"; "" where its absence did."""
    reason: Reason
    nearest: tuple[Near, ...] = ()
    """When denied: the permissions that lacked least, nearest first, at most `NEAREST`."""


def decide(index: Index, fact: Conversation | Operation) -> Verdict:
    """Whether the model behind `index` allows what was seen. Never raises."""
    addresses = parse_address(fact.client), parse_address(fact.server)
    client, server = locate_parsed(index, *addresses, fact.vlan)
    ends = (client.zone, server.zone)
    if client.zone == server.zone:
        zone = index.zones.get(client.zone)
        if zone is None:
            key = "outside-model" if client.zone else "link-only"
            return Verdict("not covered", *ends, "", "", _reason(key))
        line = str(zone.line)
        if zone.inside == "everything":
            return Verdict("inside", *ends, "", line, _reason("inside-zone", line=line, zone=zone.id))
        return _decide_listed(_List(zone.id, "", line, zone.permissions), subject(fact, addresses, ends))
    if client.zone not in index.zones and server.zone not in index.zones:
        return Verdict("not covered", *ends, "", "", _reason("outside-model"))
    if UNKNOWN_ZONE in ends:
        stranger = fact.client if client.zone == UNKNOWN_ZONE else fact.server
        return Verdict("denied", *ends, "", "", _reason("unknown-address", address=stranger))
    boundary = index.boundaries.get((min(ends), max(ends)))
    if boundary is None:
        reason = _reason("no-boundary", from_zone=client.zone, to_zone=server.zone)
        return Verdict("denied", *ends, "", "", reason)
    listed = _List(boundary.id, boundary.id, str(boundary.line), boundary.permissions)
    return _decide_listed(listed, subject(fact, addresses, ends))


def explain(verdict: Verdict) -> str:
    """The reason of a verdict as an English sentence, with the permissions that nearly fitted."""
    text = REASONS[verdict.reason.key].format(**dict(verdict.reason.params))
    for near in verdict.nearest:
        lacks = "; ".join(LACKS[lack.key].format(allowed=lack.allowed, seen=lack.seen) for lack in near.lacks)
        text += f". {near.permission} ({near.line}) allows {lacks}"
    return text


def _reason(key: str, **params: str) -> Reason:
    return Reason(key, tuple(sorted(params.items())))


@dataclass(frozen=True, slots=True)
class _List:
    """The permissions that apply, and whose they are."""

    owner: str
    boundary: str
    line: str
    permissions: tuple[Permission, ...]


def _decide_listed(listed: _List, subject: Subject) -> Verdict:
    ends = (subject.client_zone, subject.server_zone)
    missing: list[tuple[int, int, list[Lacking]]] = []
    for number, permission in enumerate(listed.permissions):
        lacks = lacking(permission, subject)
        if not lacks:
            line = str(permission.line)
            granted = taken_for_granted(permission, subject)
            key = f"permission-{granted}-unseen" if granted else "permission"
            reason = _reason(key, line=line, permission=permission.id)
            return Verdict("allowed", *ends, listed.boundary, line, reason)
        missing.append((distance(lacks), number, lacks))
    said = {"list": listed.owner, "line": listed.line}
    if not missing:
        reason = _reason("nothing-listed", **said)
    elif any(lacks == ["direction"] for _, _, lacks in missing):
        reason = _reason("other-direction", client=subject.fact.client, server=subject.fact.server, **said)
    else:
        reason = _reason("not-listed", **said)
    # Equally near ones stay in the order of the file.
    nearest = tuple(
        _near(listed.permissions[number], lacks, subject) for _, number, lacks in sorted(missing)[:NEAREST]
    )
    return Verdict("denied", *ends, listed.boundary, listed.line, reason, nearest)


def _near(permission: Permission, lacks: list[Lacking], subject: Subject) -> Near:
    return Near(permission.id, str(permission.line), tuple(worded(key, permission, subject) for key in lacks))
