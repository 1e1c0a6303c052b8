"""Requests that a server which is there leaves without answer.

What it means, when it is wrong and how to respond: `rules/unanswered-requests.yml`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import chain
from typing import Final

from otmon.detect.detector import (
    CHANGING,
    Case,
    Finding,
    Link,
    first,
    graded,
    reached,
    say,
    say_some,
    spans,
)
from otmon.detect.malformed_message import LOSS
from otmon.detect.modbus_scan import probed
from otmon.detect.refused_requests import SILENT_UNIT
from otmon.detect.silence import heard
from otmon.detect.silent_server import fell_silent
from otmon.ledger.facts import OPEN_AT_END, UNANSWERED, Operation
from otmon.ledger.ledger import ConversationKey, conversation_key, operation_key

RULE: Final = "unanswered-requests"

EVERYBODY: Final = 0
"""The Modbus unit of broadcasts, which write and get no answer (MODBUS over Serial Line V1.02, section
2.2)."""

Talk = tuple[str, str, str, int]
"""Client, server, transport, port."""


def unanswered_requests(case: Case) -> Iterator[Finding]:
    if not case.ledger.operations:
        return
    rule = case.rules[RULE]
    least, share = rule.number("unanswered"), rule.number("share")
    usual = {
        _unit(one)
        for one in (case.baseline.operations if case.baseline is not None else ())
        if _is_silence(one)
    }
    told, silent, lost = probed(case), fell_silent(case), _lossy(case)
    asked, without = Counter[tuple[object, ...]](), Counter[tuple[object, ...]]()
    facts: dict[Talk, list[Operation]] = {}
    whole = heard(case) - lost
    for one in chain.from_iterable(some for key, some in case.asked.items() if key in whole):
        broadcast = one.unit == EVERYBODY and one.access in CHANGING
        if broadcast or one.status == OPEN_AT_END:
            continue
        unit = _unit(one)
        asked[unit] += one.times
        if _is_silence(one) and operation_key(one) not in told and unit not in usual:
            without[unit] += one.times
            facts.setdefault((one.client, one.server, one.transport, one.port), []).append(one)
    for about, all_of in facts.items():
        part = [
            one
            for one in all_of
            if without[_unit(one)] >= least and without[_unit(one)] * share >= asked[_unit(one)]
        ]
        if part and about[1:] not in silent:
            yield _finding(case, about, part, sum(asked[unit] for unit in set(map(_unit, part))))


def _lossy(case: Case) -> frozenset[ConversationKey]:
    """The conversations of which the capture is known to have lost bytes."""
    return frozenset(conversation_key(one) for one in case.ledger.anomalies if one.reason in LOSS)


def _is_silence(one: Operation) -> bool:
    return one.status == UNANSWERED or one.status in SILENT_UNIT


def _unit(one: Operation) -> tuple[object, ...]:
    return one.client, one.server, one.transport, one.port, one.unit


def _finding(case: Case, about: Talk, facts: list[Operation], asked: int) -> Finding:
    client, server, transport, port = about
    shown = case.rules[RULE].number("shown")
    times = sum(one.times for one in facts)
    place = reached(case, facts)
    why = [
        say("unanswered-of", times=times, asked=asked),
        say_some("silent-units", spans({one.unit for one in facts}), shown),
    ]
    by_gateway = sum(one.times for one in facts if one.status in SILENT_UNIT)
    if by_gateway:
        why.append(say("gateway-says", times=by_gateway))
    why.append(say_some("asked-for", sorted({one.service for one in facts}), shown))
    return Finding(
        rule=RULE,
        key=(client, server, transport, str(port)),
        severity=graded(case, place.to_zone, "medium"),
        link=Link(client=client, server=server, transport=transport, port=port, protocol=facts[0].protocol),
        place=place,
        what=say("leaves-unanswered", client=client, server=server, times=times),
        why=tuple(why),
        count=times,
        unit="transactions",
        first_ns=min(one.first_ns for one in facts),
        last_ns=max(one.last_ns for one in facts),
        evidence=first(*(one.evidence for one in facts)),
        extent=len(facts),
    )
