"""One client that feels its way through Modbus: units, functions, registers, identities.

What it means, when it is wrong and how to respond: `rules/modbus-scan.yml`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from otmon.detect.address_scan import allowed_by, is_meant
from otmon.detect.detector import (
    Case,
    Finding,
    Link,
    Message,
    changes,
    first,
    names_function,
    permission_of,
    reached,
    say,
    say_some,
    severity_of_reach,
    spans,
)
from otmon.detect.once_per_case import once_per_case
from otmon.detect.rules.rule import Rule
from otmon.ledger.facts import UNANSWERED, UNKNOWN, Operation
from otmon.ledger.ledger import operation_key, service_key
from otmon.zones.decide import Verdict

RULE: Final = "modbus-scan"

_WORDS = {
    "units": ("modbus-units", "scan-units"),
    "functions": ("modbus-functions", "scan-functions"),
    "registers": ("modbus-registers", "scan-registers"),
    "identities": ("modbus-identities", "scan-identities"),
}
"""Messages of each kind."""

ILLEGAL_FUNCTION, ILLEGAL_ADDRESS = 1, 2
GATEWAY_PATH, GATEWAY_TARGET = 10, 11
REPORT_SERVER_ID, ENCAPSULATED, READ_IDENTIFICATION = 17, 43, 14

Asked = dict[tuple[str, str, int], list[Operation]]
"""What one client asked, by server, transport and port."""


class Part(NamedTuple):
    """What a scan asked of one server."""

    facts: list[Operation]
    tried: int
    """How many units, functions or ranges."""
    ranges: list[str]
    """They, worded."""


Parts = dict[tuple[str, str, int], Part]


def modbus_scan(case: Case) -> Iterator[Finding]:
    for client, kind, parts in _scans(case):
        yield _finding(case, client, kind, parts)


@once_per_case
def probed(case: Case) -> frozenset[tuple[object, ...]]:
    """The keys of the operations that are told as part of a scan, and as nothing else: those that were
    refused, and reads that nobody answered. A change that nobody answered may have been made. Nothing
    where the rule is not looked for."""
    return frozenset(
        operation_key(fact)
        for _, _, parts in _scans(case)
        for part in parts.values()
        for fact in part.facts
        if fact.status > 0 or (fact.status == UNANSWERED and not changes([fact]))
    )


@once_per_case
def _scans(case: Case) -> list[tuple[str, str, Parts]]:
    """Client and kind of each scan, with what was asked."""
    rule = case.rules.get(RULE)
    if rule is None or not rule.runs:
        return []
    units = min(rule.number("silent_units"), rule.number("units"))
    fewest = units, rule.number("functions"), rule.number("ranges")
    least = rule.number("identities")
    allowed = least * rule.number("allowed")
    scans = []
    for client, asked in _asked(case, min(*fewest, least)).items():
        for (kind, part_of), few in zip(_KINDS, fewest, strict=True):
            found = {
                about: part_of(facts, rule)
                for about, facts in asked.items()
                if len(facts) >= few or any(fact.swept for fact in facts)
            }
            parts = {about: part for about, part in found.items() if part is not None}
            if parts:
                scans.append((client, kind, parts))
        for parts, most in zip(_identities(case, asked), (least, allowed), strict=True):
            if sum(part.tried for part in parts.values()) >= most:
                scans.append((client, "identities", parts))
                break
    return scans


def _asked(case: Case, few: int) -> dict[str, Asked]:
    """What was not asked in the baseline, by client: of those with `few` operations or more, or a sweep. In a
    flood there are very many that ask for one thing each."""
    baseline = () if case.baseline is None else case.baseline.operations
    usual = set(map(service_key, baseline))
    counts = Counter(fact.client for fact in case.ledger.operations)
    many = {client for client, count in counts.items() if count >= few}
    many |= {fact.client for fact in case.ledger.operations if fact.swept}
    found: dict[str, Asked] = {}
    for fact in case.ledger.operations:
        known = bool(usual) and service_key(fact) in usual
        if fact.client in many and fact.protocol == "modbus" and not known:
            about = fact.server, fact.transport, fact.port
            found.setdefault(fact.client, {}).setdefault(about, []).append(fact)
    return found


def _units(facts: list[Operation], rule: Rule) -> Part | None:
    times = Counter[int]()
    for fact in facts:
        times[fact.unit] += fact.times
    tried = {unit for unit, count in times.items() if count <= rule.number("rarely")}
    silent = tried - {
        fact.unit for fact in facts if fact.status not in (UNANSWERED, GATEWAY_PATH, GATEWAY_TARGET)
    }
    mostly = len(silent) * rule.number("share") >= len(times)
    if not (mostly and len(silent) >= rule.number("silent_units")) and len(tried) < rule.number("units"):
        return None
    return Part([fact for fact in facts if fact.unit in tried], len(tried), spans(tried))


def _functions(facts: list[Operation], rule: Rule) -> Part | None:
    times = Counter[tuple[int, int]]()
    for fact in facts:
        if fact.status == ILLEGAL_FUNCTION:
            times[fact.unit, fact.function] += fact.times
    refused = {function for (_, function), count in times.items() if count <= rule.number("rarely")}
    if len(refused) < rule.number("functions"):
        return None
    part = [fact for fact in facts if fact.status == ILLEGAL_FUNCTION and fact.function in refused]
    return Part(part, len(refused), spans(refused))


def _registers(facts: list[Operation], rule: Rule) -> Part | None:
    found = []
    for fact in facts:
        if fact.swept:
            if fact.address != UNKNOWN and fact.times <= rule.number("again") * fact.count:
                found.append(fact)
        elif fact.status == ILLEGAL_ADDRESS and fact.times <= rule.number("rarely"):
            found.append(fact)
    if len(found) < rule.number("ranges") and not any(fact.swept for fact in found):
        return None
    elements: dict[str, set[tuple[int, int]]] = {}
    for fact in found:
        if fact.address != UNKNOWN:
            span = fact.address, fact.address + max(fact.count, 1)
            elements.setdefault(fact.service, set()).add(span)
    named = [f"{name} {span}" for name, ends in sorted(elements.items()) for span in _joined(ends)]
    return Part(found, len(named), named)


def _joined(ends: set[tuple[int, int]]) -> list[str]:
    """Ranges (first, behind the last) as texts, those that touch joined."""
    found: list[list[int]] = []
    for low, behind in sorted(ends):
        if found and low <= found[-1][1]:
            found[-1][1] = max(found[-1][1], behind)
        else:
            found.append([low, behind])
    return [str(low) if behind == low + 1 else f"{low}-{behind - 1}" for low, behind in found]


_KINDS: tuple[tuple[str, Callable[[list[Operation], Rule], Part | None]], ...] = (
    ("units", _units),
    ("functions", _functions),
    ("registers", _registers),
)


def _identities(case: Case, asked: Asked) -> tuple[Parts, Parts]:
    """Identities that were read, of all servers: those that nobody allowed, and all but those that a
    permission is for."""
    strange: Parts = {}
    every: Parts = {}
    told = {
        about: some for about, facts in asked.items() if (some := [one for one in facts if _identifies(one)])
    }
    if not told:
        return strange, every
    verdicts = {operation_key(fact): verdict for fact, verdict in case.operations}
    for about, facts in told.items():
        for parts, wide in ((strange, False), (every, True)):
            part = [fact for fact in facts if _is_strange(fact, verdicts, wide)]
            if part:
                units = {fact.unit for fact in part}
                parts[about] = Part(part, len(units), spans(units))
    return strange, every


def _is_strange(fact: Operation, verdicts: dict[tuple[object, ...], Verdict], wide: bool) -> bool:
    """Whether no permission allows the operation; with `wide`, none that means it."""
    permission = permission_of(verdicts.get(operation_key(fact)))
    if permission is None or not wide:
        return permission is None
    named = names_function(permission, fact) or fact.access in permission.access
    return not named and not is_meant(permission, fact)


def _identifies(fact: Operation) -> bool:
    return fact.function == REPORT_SERVER_ID or (
        fact.function == ENCAPSULATED and fact.subfunction == READ_IDENTIFICATION
    )


def _finding(case: Case, client: str, kind: str, parts: Parts) -> Finding:
    facts = [fact for part in parts.values() for fact in part.facts]
    servers = sorted({fact.server for fact in facts})
    answered = sum(fact.times for fact in facts if fact.status == 0)
    refused = sum(fact.times for fact in facts if fact.status > 0)
    silent = sum(fact.times for fact in facts if fact.status == UNANSWERED)
    # The functions of Modbus are the same on every server.
    functions = {fact.function for fact in facts} if kind == "functions" else ()
    tried = len(functions) or sum(part.tried for part in parts.values())
    what, ranges = _WORDS[kind]
    shown = case.rules[RULE].number("shown")
    worded = [f"{about[0]} ({', '.join(part.ranges[:shown])})" for about, part in sorted(parts.items())]
    why: list[Message] = [
        say_some(ranges, worded, shown),
        say("outcomes", answered=answered, refused=refused, silent=silent),
    ]
    if kind == "identities":
        verdicts = {operation_key(fact): verdict for fact, verdict in case.operations}
        why.extend(allowed_by((verdicts.get(operation_key(fact)) for fact in facts), shown))
    transports = {(fact.transport, fact.port) for fact in facts}
    transport, port = min(transports) if len(transports) == 1 else ("", 0)
    return Finding(
        rule=RULE,
        key=(client, kind),
        severity=severity_of_reach(case, facts, answered=bool(answered or refused)),
        link=Link(
            client=client, server=servers[0] if len(servers) == 1 else "", transport=transport, port=port,
            protocol="modbus",
        ),
        place=reached(case, facts),
        what=say(what, client=client, servers=len(servers), tried=tried),
        why=tuple(why),
        count=sum(fact.times for fact in facts),
        unit="transactions",
        first_ns=min(fact.first_ns for fact in facts),
        last_ns=max(fact.last_ns for fact in facts),
        evidence=first(*(fact.evidence for fact in facts)),
        extent=len(facts),
    )  # fmt: skip
