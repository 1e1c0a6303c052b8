"""A decision about a finding that a plant knows of and cannot mend yet.

It is about one finding: its rule, its id and whom it is about, as grave and as large as it was when somebody
decided. There are no patterns: a decision hides nothing that was not there to be decided about. What may pass
is agreed in the zone model and not here (`PERMITTED`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Final

from otmon.detect.rules.rule import Severity
from otmon.sentence import Sentence, sentence
from otmon.zones.model import Line

PERMITTED: Final = (
    "forbidden-operation", "internet-contact", "lapsed-permission", "rate-exceeded", "unlisted-traffic",
    "value-out-of-limits",
)  # fmt: skip
"""Rules whose findings end with a permission, which says more exactly what may pass and when it ends."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided about one finding."""

    line: Line
    rule: str
    finding: str
    """Its id (`otmon.findings.judge.id_of`)."""
    about: tuple[str, ...]
    """Whom it is about (`otmon.findings.standing.subject_of`)."""
    severity: Severity
    """The gravest that was decided about, as the risk."""
    risk: str
    extent: int
    """The largest `Finding.extent` that was decided about."""
    reason: str
    by: str
    decided: date
    until: date
    """The last day on which it holds, by the plant's clocks."""


Decisions = Mapping[str, Decision]
"""By the id of their finding, in the order of the file."""
NO_DECISIONS: Final[Decisions] = MappingProxyType({})


def permitted(rule: str) -> Sentence | None:
    """That nobody decides about findings of a rule, as the zone model says what may pass; None of others."""
    if rule not in PERMITTED:
        return None
    return sentence(
        "what {rule} tells is agreed in the zone model, expected a permission there (with reason, approver "
        "and expires)",
        rule=rule,
    )
