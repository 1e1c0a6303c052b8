"""A sensor's ledger that could not be read any more: what it held is missing here.

What it means, when it is wrong and how to respond: `rules/record-lost.yml`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from otmon.detect.detector import Case, Finding, Link, Place, say
from otmon.ledger.file.aside import RECORD_LOST, put_aside_ns

RULE: Final = "record-lost"


def record_lost(case: Case) -> Iterator[Finding]:
    for fact in case.ledger.damage:
        if fact.kind == RECORD_LOST:
            when_ns = put_aside_ns(fact)
            yield Finding(
                rule=RULE,
                key=(fact.source,),
                severity="medium",
                link=Link(),
                place=Place(),
                what=say("record-lost", file=fact.source),
                why=(say("record-lost-log"),),
                count=0,
                unit="packets",
                first_ns=when_ns,
                last_ns=when_ns,
                evidence=(),
            )
