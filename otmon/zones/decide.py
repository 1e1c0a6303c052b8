"""The decision: may this happen? A pure and total function of a model and a fact.

The zones of both ends (`otmon.zones.place`) say which list applies: the boundary between two zones,
or the zone itself where it says `inside: listed` or `inside: baseline`. Something is allowed when one
permission of that list lacks nothing; else it is denied, with what was missing in the permissions that
came nearest.

- A conversation is judged by its ends, transport, port and protocol; what was asked of a server
  (access class, function, unit, elements) is judged for each operation, and what was written to an
  element, against the limits of its permission, for each written value.
- A permission is read from client to server, and its answers are part of it.
- How often at most (`Permission.rate`) is said of many facts together: no single one is denied for it. Of
  several permissions that allow a fact the one without a rate counts, else the one with the highest.
- A connection in which nobody said anything ("none") cannot show its protocol, nor can one whose beginning
  was not seen where only that tells it, as of a remote desktop in TLS: the port that a permission names is
  enough, else the usual protocol of the port is taken for granted, and the reason says so. So it is with the
  elements of a response whose request was not seen.
- In a zone with `inside: baseline` also what its baseline covers may happen (`otmon.zones.baseline`);
  without a baseline nobody can say, and what the zone does not list is `not covered`.
- A conversation of which no end is in a zone of the model is `not covered`, as is one below IP
  between MAC addresses that no zone lists: it never left its link.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from operator import or_
from typing import Any, Final, Generic, Literal, NamedTuple, TypeVar

from otmon.ledger.facts import Conversation, Operation, WrittenValue
from otmon.zones.baseline import Baseline, new_in
from otmon.zones.data_connections import parent_of
from otmon.zones.lack import ASPECTS, LACKS, SEEN, Fact, Lack, Lacking, seen, taken_for_granted
from otmon.zones.model import UNKNOWN_ZONE, Permission
from otmon.zones.nearest import NEAREST, Fit, NearTo, Set
from otmon.zones.permission_table import ENDS, PermissionTable
from otmon.zones.place import Index, index, locate, locate_ends
from otmon.zones.quantity import Excess, shown_limit, shown_quantity

__all__ = [
    "LACKS", "NEAREST", "REASONS",
    "Index", "Lack", "Near", "Outcome", "Reason", "Verdict",
    "decide", "decide_all", "explain", "index", "locate",
]  # fmt: skip

Outcome = Literal["allowed", "denied", "not covered", "inside"]

REASONS: Final[dict[str, str]] = {
    "permission": "allowed by {permission} ({line})",
    "permission-protocol-unseen": "allowed by {permission} ({line}); nothing was said to show the protocol",
    "permission-elements-unseen": "allowed by {permission} ({line}), as far as an unseen request can be",
    "inside-zone": "inside {zone}, where everything may happen ({line})",
    "in-baseline": "inside {zone}, and the baseline holds it ({line})",
    "no-baseline": "inside {zone}, where a baseline says what may happen, and none was given ({line})",
    "new-conversation": "{list} does not list this, and in the baseline the two did not talk like this "
    "({line})",
    "new-request": "{list} does not list this, and in the baseline the client did not ask for it ({line})",
    "new-elements": "{list} does not list this, and in the baseline not all of these elements were asked for "
    "({line})",
    "new-write": "{list} does not list this, and in the baseline the element was not written to ({line})",
    "outside-model": "no end is in a zone of the model",
    "link-only": "it stays on its link, between addresses that no zone lists",
    "no-boundary": "no boundary joins {from_zone} and {to_zone}, so nothing may cross",
    "unknown-address": "{address} is in no zone, so nothing is agreed with it",
    "nothing-listed": "{list} allows nothing ({line})",
    "not-listed": "{list} allows other things, not this ({line})",
    "data-of": "data of the {protocol} connection from {client} to {server} ({transport}/{port}), judged as "
    "that is ({line})",
    "other-direction": "{list} allows this the other way round only, from {server} to {client} ({line})",
}
"""Reasons of verdicts, as sentences in English."""
_KEPT: Final = 1 << 12
"""Reasons that are kept at hand: most facts have those of a list."""
_STRANGERS: Final = 1 << 15
"""Strangers whose verdict is kept at hand: as many as a ledger has conversations and operations, of which
each has one, and all it takes is shared."""


class Reason(NamedTuple):
    """Why, in words of `REASONS`. A tuple, as very many are made."""

    key: str
    """Of `REASONS`."""
    params: tuple[tuple[str, str], ...]
    """Sorted by name."""


class Near(NamedTuple):
    """A permission that nearly fitted. A tuple, as very many are made."""

    permission: str
    """Its id and name."""
    line: str
    """"file:line"."""
    lacks: tuple[Lack, ...]


class _Way(NamedTuple):
    """What the ends of a fact tell, whatever they said to each other. A tuple, as very many are made."""

    zones: tuple[str, str]
    """Of the client and the server."""
    verdict: Verdict | None
    """Where the ends alone decide."""
    table: PermissionTable | None = None
    """The list that applies, where they do not."""
    boundary: str = ""
    """Id of the boundary whose list that is."""
    baseline: bool = False
    """What is not listed may be in the baseline of the zone."""
    admitting: tuple[Set, Set, Set, Set] = (0, 0, 0, 0)
    """As in `Fit`."""


class _Denial(NamedTuple):
    """What the nearest permissions are found from, when somebody asks."""

    table: PermissionTable
    fact: Fact
    way: _Way
    rest: tuple[Set, ...]
    """As in `Fit`."""

    @property
    def fit(self) -> Fit:
        # As the class makes it, in a third of the time; so with others below.
        return tuple.__new__(Fit, (self.way.zones[0], *self.way.admitting, self.rest))

    def nearest(self) -> tuple[Near, ...]:
        fact = self.fact
        aspects, permissions = self.table.nearest_to(self.fit)
        words = SEEN[type(fact)]
        told = {aspect: words[aspect](fact) for aspect in aspects if aspect in words}
        found = []
        made = tuple.__new__
        for near in permissions:
            lacks = [
                made(Lack, (aspect, allowed, told[aspect]))
                if aspect in told
                else self._lack(near, aspect, allowed)
                for aspect, allowed in near.lacks
            ]
            found.append(made(Near, (near.called, near.line, tuple(lacks))))
        return tuple(found)

    def _lack(self, near: NearTo, aspect: Lacking, allowed: str) -> Lack:
        """A lack of which the permission says how it is worded."""
        if aspect != "value" or not isinstance(self.fact, WrittenValue):
            return Lack(aspect, allowed, seen(aspect, self.fact, near.zone))
        exceeded = dict(self.table.exceeded(self.fact))[1 << near.number]
        return Lack(aspect, shown_limit(exceeded.limit), shown_quantity(exceeded.written))


class Verdict(NamedTuple):
    """What a model says of a fact. A tuple, as very many are made."""

    outcome: Outcome
    from_zone: str
    """Zone of the client, "internet" or "unknown"; "" where its address does not say."""
    to_zone: str
    boundary: str
    """Id of the boundary between the two, "" where there is none."""
    line: str
    """The line of the model that decided, "file:line"; "" where its absence did."""
    reason: Reason
    denial: _Denial | None = None
    permission: Permission | None = None
    """What allows it, where a permission does."""

    @property
    def nearest(self) -> tuple[Near, ...]:
        """When denied: the permissions that lacked least, nearest first, at most `NEAREST`. They are
        looked for and worded when they are asked for."""
        return () if self.denial is None else self.denial.nearest()


Judged = TypeVar("Judged", Conversation, Operation, WrittenValue)


@dataclass(frozen=True, slots=True)
class Judgements(Generic[Judged]):
    """Facts with their verdicts. Tuples of two, kept for each fact of a flood, would take as much memory as
    the verdicts: here they come and go one by one."""

    facts: Sequence[Judged]
    verdicts: Sequence[Verdict]

    def __iter__(self) -> Iterator[tuple[Judged, Verdict]]:
        return zip(self.facts, self.verdicts, strict=True)

    def __len__(self) -> int:
        return len(self.facts)


UNJUDGED: Final[Judgements[Any]] = Judgements((), ())
"""Without a model."""


def decide_all(index: Index, facts: Sequence[Judged]) -> Judgements[Judged]:
    """Each fact with its verdict (`decide`). Facts of the same ends follow one another in a ledger: what
    the ends tell is found once for them."""
    verdicts: list[Verdict] = []
    last: tuple[str, str, str, str] | None = None
    for fact in facts:
        ends = fact.client, fact.server, fact.vlan, fact.transport
        if ends != last:
            way, last = _way(index, *ends), ends
        verdicts.append(_data(index, way, fact) or way.verdict or _decided(index, way, fact))
    return Judgements(facts, verdicts)


def decide(index: Index, fact: Fact) -> Verdict:
    """Whether the model behind `index` allows what was seen. Never raises."""
    way = _way(index, fact.client, fact.server, fact.vlan, fact.transport)
    return _data(index, way, fact) or way.verdict or _decided(index, way, fact)


def _data(index: Index, way: _Way, fact: Fact) -> Verdict | None:
    """What carries the data of another conversation is judged as that one."""
    parent = parent_of(index.announced, fact) if index.announced and isinstance(fact, Conversation) else None
    if parent is None:
        return None
    judged = decide(index, parent)
    reason = _reason(
        "data-of", protocol=parent.protocol, client=parent.client, server=parent.server,
        transport=parent.transport, port=str(parent.port), line=judged.line,
    )  # fmt: skip
    return judged._replace(from_zone=way.zones[0], to_zone=way.zones[1], reason=reason)


def _way(index: Index, client_text: str, server_text: str, vlan: str, transport: str) -> _Way:
    (client_address, client), (server_address, server) = locate_ends(
        index, client_text, server_text, vlan, transport
    )
    addresses, ends = (client_address, server_address), (client.zone, server.zone)
    if client.zone == server.zone:
        zone = index.zones.get(client.zone)
        if zone is None:
            key = "outside-model" if client.zone else "link-only"
            return _Way(ends, Verdict("not covered", *ends, "", "", _reason(key)))
        table = index.inside[zone.id]
        if zone.inside == "everything":
            reason = _reason("inside-zone", line=table.line, zone=zone.id)
            return _Way(ends, Verdict("inside", *ends, "", table.line, reason))
        admitting = table.admitting_ends(*addresses, *ends)
        return _Way(ends, None, table, "", zone.inside == "baseline", admitting)
    pair = ends if client.zone < server.zone else (server.zone, client.zone)
    across = index.across.get(pair)
    if across is not None:
        admitting = across.admitting_ends(*addresses, *ends)
        return tuple.__new__(_Way, (ends, None, across, across.owner, False, admitting))
    if client.zone not in index.zones and server.zone not in index.zones:
        return _Way(ends, Verdict("not covered", *ends, "", "", _reason("outside-model")))
    if UNKNOWN_ZONE in ends:
        stranger = client_text if client.zone == UNKNOWN_ZONE else server_text
        strangers: dict[str, Verdict] = index.strangers.setdefault(ends, {})
        known = strangers.get(stranger)
        if known is None:
            if len(strangers) >= _STRANGERS:
                strangers.clear()
            reason = Reason("unknown-address", (("address", stranger),))
            known = strangers[stranger] = Verdict("denied", *ends, "", "", reason)
        return _Way(ends, known)
    reason = _reason("no-boundary", from_zone=client.zone, to_zone=server.zone)
    return _Way(ends, Verdict("denied", *ends, "", "", reason))


def _decided(index: Index, way: _Way, fact: Fact) -> Verdict:
    """The verdict of a list of permissions that decides."""
    table = way.table
    assert table is not None
    listed = _decide_listed(table, way, fact)
    return _decide_baseline(index.baseline, fact, listed, table) if way.baseline else listed


def excess_of(verdict: Verdict) -> tuple[Excess, ...]:
    """What a denied written value exceeds in the permissions that admit it in all but its value, in the
    order of the file; nothing where it is denied for another reason too."""
    denial = verdict.denial
    if denial is None or not isinstance(denial.fact, WrittenValue):
        return ()
    at = ASPECTS.index("value")
    # Most of what is denied breaks no limit at all.
    if not denial.table.everyone & ~denial.rest[at - len(ENDS)]:
        return ()
    lacks = denial.table.lacking(denial.fit)
    only = lacks.pop(at) & ~reduce(or_, lacks)
    if not only:
        return ()
    return tuple(beyond for bit, beyond in denial.table.exceeded(denial.fact) if bit & only)


def can_lapse(index: Index) -> bool:
    """Whether a permission holds at some times only."""
    return any(table.timed for table in (*index.inside.values(), *index.across.values()))


def lapsed(verdict: Verdict) -> tuple[Permission, ...]:
    """The permissions that would allow what was denied at another time: it was outside their hours, or
    they had expired. In the order of the file."""
    denial = verdict.denial
    if denial is None or not denial.table.timed:
        return ()
    lacks = denial.table.lacking(denial.fit)
    at = ASPECTS.index("hours")
    only = reduce(or_, lacks[at:]) & ~reduce(or_, lacks[:at])
    return tuple(permission for bit, permission in denial.table.timed if bit & only)


def explain(verdict: Verdict) -> str:
    """The reason of a verdict as an English sentence, with the permissions that nearly fitted."""
    text = REASONS[verdict.reason.key].format(**dict(verdict.reason.params))
    for near in verdict.nearest:
        lacks = "; ".join(LACKS[lack.key].format(allowed=lack.allowed, seen=lack.seen) for lack in near.lacks)
        text += f". {near.permission} ({near.line}) allows {lacks}"
    return text


@lru_cache(maxsize=_KEPT)
def _reason(key: str, **params: str) -> Reason:
    return Reason(key, tuple(sorted(params.items())))


@lru_cache(maxsize=_KEPT)
def _reason_of_list(key: str, owner: str, line: str) -> Reason:
    return Reason(key, (("line", line), ("list", owner)))


def _decide_listed(table: PermissionTable, way: _Way, fact: Fact) -> Verdict:
    rest, every = table.asked(fact)
    clients, servers, turned_clients, turned_servers = way.admitting
    allowing = clients & servers & every
    if allowing:
        return _allowed(table, way, fact, table.deciding(allowing))
    if not table.permissions:
        reason = _reason_of_list("nothing-listed", table.owner, table.line)
    elif turned_clients & turned_servers & every:
        owner = {"list": table.owner, "line": table.line}
        reason = _reason("other-direction", client=fact.client, server=fact.server, **owner)
    else:
        reason = _reason_of_list("not-listed", table.owner, table.line)
    denial = tuple.__new__(_Denial, (table, fact, way, rest))
    said = ("denied", *way.zones, way.boundary, table.line, reason, denial, None)
    return tuple.__new__(Verdict, said)


def _allowed(table: PermissionTable, way: _Way, fact: Fact, number: int) -> Verdict:
    permission = table.permissions[number]
    granted = taken_for_granted(permission, fact)
    key = *way.zones, number, granted
    known: Verdict | None = table.allowed.get(key)
    if known is None:
        line = table.lines[number]
        name = f"permission-{granted}-unseen" if granted else "permission"
        reason = _reason(name, line=line, permission=permission.called())
        known = Verdict("allowed", *way.zones, way.boundary, line, reason, None, permission)
        table.allowed[key] = known
    return known


def _decide_baseline(
    baseline: Baseline | None,
    fact: Fact,
    listed: Verdict,
    table: PermissionTable,
) -> Verdict:
    """A verdict of what a zone lists, completed by what its baseline saw. That something was seen mends
    no value or time that a permission for it forbids."""
    if listed.outcome == "allowed" or (table.permissions and (excess_of(listed) or lapsed(listed))):
        return listed
    ends = listed.from_zone, listed.to_zone
    if baseline is None:
        reason = _reason("no-baseline", line=table.line, zone=table.owner)
        return Verdict("not covered", *ends, "", table.line, reason)
    new = new_in(baseline, fact)
    if new is None:
        reason = _reason("in-baseline", line=table.line, zone=table.owner)
        return Verdict("inside", *ends, "", table.line, reason)
    return listed._replace(reason=_reason(f"new-{new}", line=table.line, list=table.owner))
