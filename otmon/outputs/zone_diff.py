"""What `otmon zones diff` tells: what is written otherwise, what that allows and denies, and which
facts of a ledger are judged otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from otmon.findings.wording import Language, catalogue, text, visible
from otmon.ledger.facts import UNKNOWN, Operation
from otmon.outputs.zone_paths import hosts_text
from otmon.zones.decide import Verdict
from otmon.zones.model import Line, Name, Range, merged
from otmon.zones.model import shown as numbers
from otmon.zones.review.address_class import Hosts, Partition, shown
from otmon.zones.review.diff import Change, Diff, Judged
from otmon.zones.review.effect import Effect, Grant
from otmon.zones.review.notation import ANY, allows, key_of, written
from otmon.zones.review.region import Box, Request
from otmon.zones.times import shown_instant

SERVICES_SHOWN: Final = 8
PIECES_SHOWN: Final = 10
JUDGED_SHOWN: Final = 200
"""Longer lists help nobody; what is left out is counted."""


def diff_lines(diff: Diff, language: Language, with_ledger: bool) -> Iterator[str]:
    """The whole answer, line by line."""
    if not diff.changes:
        yield text("diff.none", language)
    else:
        yield text("diff.changes", language, count=len(diff.changes))
        for change in diff.changes:
            yield from _change(change, diff, language)
        for outcome in ("allowed", "denied", "not covered"):
            effects = [effect for effect in diff.effects if effect.outcome == outcome]
            yield ""
            yield text(f"diff.effect.{outcome}", language) + (
                "" if effects else text("diff.nothing", language)
            )
            for effect in effects:
                yield from _effect(effect, diff.hosts, language)
    if with_ledger:
        yield ""
        yield text("diff.judged", language, count=len(diff.judged))
        yield from (f"  {_judged(one, language)}" for one in diff.judged[:JUDGED_SHOWN])
        yield from _more(len(diff.judged) - JUDGED_SHOWN, "  ", language)


def _more(count: int, margin: str, language: Language) -> Iterator[str]:
    if count > 0:
        yield f"{margin}{text('table.more-lines', language, count=count)}"


def _lines(old: Line | None, new: Line | None) -> str:
    return " -> ".join(visible(str(line)) for line in (old, new) if line is not None)


def _change(change: Change, diff: Diff, language: Language) -> Iterator[str]:
    subject = text(f"diff.subject.{change.subject}", language)
    owner = f" ({change.owner})" if change.owner else ""
    how = text(f"diff.how.{change.how}", language)
    yield f"  {how}: {subject} {visible(change.id)}{owner}, {_lines(change.old, change.new)}"
    for field, old, new in change.fields:
        told = (visible(_value(field, one, language)) or text("diff.empty", language) for one in (old, new))
        yield f"      {_field(field, language)}: {' -> '.join(told)}"
    if change.subject != "permission":
        return
    sides = (("kept", change.old, "widened"), ("known", change.new, "narrowed"))
    for covered, (key, line, clear) in zip(diff.covered, sides, strict=True):
        for one in covered if change.how != clear else ():
            if line is not None and one.grant.line == line and one.grant.id == _own_id(one.grant, change):
                by = ", ".join(f"{_called(grant, language)} ({visible(str(grant.line))})" for grant in one.by)
                yield f"      {text(f'diff.{key}', language, by=by) if by else text('diff.idle', language)}"


def _field(field: str, language: Language) -> str:
    """A field in words; one that has none yet by its key."""
    key = f"diff.field.{field}"
    return text(key, language) if key in catalogue() else key_of(field)


def _value(field: str, value: Any, language: Language) -> str:
    if isinstance(value, bool):
        return text("diff.yes" if value else "diff.no", language)
    if field == "importance" and value:
        return text(f"importance.{value}", language)
    if field == "expires_ns":
        return "" if value is None else shown_instant(value, "UTC")
    if isinstance(value, Name):
        return value.ja if language == "ja" else value.en
    return written(value)


def _own_id(grant: Grant, change: Change) -> str:
    """Aliases put several permissions on one line: then the owner tells them apart."""
    return grant.id if grant.owner == change.owner else ""


def _called(grant: Grant, language: Language) -> str:
    return grant.id if grant.permission is None else visible(grant.permission.called(language))


def _effect(effect: Effect, hosts: Partition, language: Language) -> Iterator[str]:
    grant = effect.grant
    number = 1 if effect.outcome == "allowed" else 0
    key = "diff.by-baseline" if grant.seen else "diff.by-inside"
    key = key if grant.permission is None else "diff.by-permission"
    by = text(key, language, id=_called(grant, language), owner=grant.owner, line=str(grant.line))
    doubt = "" if effect.exact else f" {text('diff.perhaps', language)}"
    yield f"  {by}:{doubt}"
    pieces: dict[str, None] = {}
    for piece in effect.boxes[:PIECES_SHOWN]:
        clients, servers = (_hosts(one, hosts, number, language) for one in piece[:2])
        limits = "; ".join(_limits(piece, effect, language))
        pieces[f"      {clients} -> {servers}{': ' if limits else ''}{limits}"] = None
    yield from pieces
    yield from _more(len(effect.boxes) - PIECES_SHOWN, "      ", language)


def _hosts(mask: Hosts, hosts: Partition, number: int, language: Language) -> str:
    parts = []
    for zone, members in sorted(hosts.zones[number].items()):
        if mask & members:
            named = hosts_text(shown(hosts, mask & members, zone, number), language)
            parts.append(f"{zone} ({named})")
    return ", ".join(parts)


def _limits(piece: Box, effect: Effect, language: Language) -> Iterator[str]:
    """What the permission says, where the piece is all of it; else what the piece is."""
    permission, words, whole = effect.grant.permission, effect.words, effect.whole
    if piece[2:] == whole[2:]:
        if permission is not None:
            yield allows(permission)
        return
    if not piece[2] == whole[2] == (1 << len(words.transports)) - 1:
        yield f"transport {_names(words.transports, piece[2], language)}"
    if not piece[3] == whole[3] == (1 << len(words.ports)) - 1:
        yield f"port {numbers(merged([one for n, one in enumerate(words.ports) if piece[3] >> n & 1]))}"
    if not piece[4] == whole[4] == (1 << len(words.protocols)) - 1:
        yield f"protocol {_names(words.protocols, piece[4], language)}"
    if piece[5] != whole[5]:
        yield _requests(words.requests, piece[5], whole[5], language)


def _names(names: Sequence[str], marks: int, language: Language) -> str:
    """The names that are marked; the last one stands for all others."""
    if not marks >> len(names) - 1 & 1:
        return ", ".join(one for n, one in enumerate(names) if marks >> n & 1)
    missing = ", ".join(one for n, one in enumerate(names) if not marks >> n & 1)
    return text("diff.any-but", language, names=missing) if missing else ANY


def _requests(requests: Sequence[Request], marks: int, whole: int, language: Language) -> str:
    """Classes of access where all of the permission's are meant, else services with their elements."""
    told = []
    for access in dict.fromkeys(one.access for one in requests):
        own = [n for n, one in enumerate(requests) if one.access == access and whole >> n & 1]
        here = [n for n in own if marks >> n & 1]
        if access == "" and here:
            told.append(text("diff.conversation", language))
        elif here == own:
            told += [access] if here else []
        else:
            told += _services([requests[n] for n in here])
    more = len(told) - SERVICES_SHOWN
    counted = f" {text('table.more-lines', language, count=more)}" if more > 0 else ""
    return text("diff.operations", language, items=", ".join(told[:SERVICES_SHOWN]) + counted)


def _services(requests: Sequence[Request]) -> list[str]:
    told: dict[tuple[str, str], list[Request]] = {}
    for one in requests:
        told.setdefault((one.service, one.access), []).append(one)
    lines = []
    for (service, access), asked in told.items():
        units = numbers(merged([one.units for one in asked]))
        spans = {one.elements for one in asked if one.elements is not None}
        # A range as a whole is told only where all of its parts are the same in both models.
        least = sorted(one for one in spans if not any(_within(other, one) for other in spans - {one}))
        elements = f" {asked[0].kind} {numbers(tuple(least))}" if least else ""
        limits = ("" if units == "0-255" else f" units {units}") + elements
        lines.append(f"{service} ({access}){limits}")
    return lines


def _within(inner: Range, outer: Range) -> bool:
    return outer[0] <= inner[0] and inner[1] <= outer[1]


def _judged(one: Judged, language: Language) -> str:
    fact = one.fact
    what = f"{fact.protocol} {fact.transport}/{fact.port}"
    if isinstance(fact, Operation):
        span = "" if fact.address == UNKNOWN else f" {fact.address}-{fact.address + max(fact.count, 1) - 1}"
        what = f"{fact.service} ({fact.access}){span}, {what}"
    who = f"{visible(fact.client)} -> {visible(fact.server)}"
    return f"{who}: {visible(what)}: {_verdict(one.old, language)} -> {_verdict(one.new, language)}"


def _verdict(verdict: Verdict, language: Language) -> str:
    outcome = text(f"diff.outcome.{verdict.outcome}", language)
    permission = dict(verdict.reason.params).get("permission", "")
    where = " ".join(filter(None, (permission, verdict.line))) or text("diff.no-line", language)
    return f"{outcome} ({visible(where)})"
