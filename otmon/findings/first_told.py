"""When each finding was told first, had a sensor been there that judges again and again."""

from __future__ import annotations

from collections.abc import Callable

from otmon.detect.finding import SEVERITIES, Finding
from otmon.findings.judge import id_of
from otmon.ledger.ledger import Ledger


class Telling:
    """Judges facts as they grow. `told_ns` has the time of the first judgement at which a finding stood, by
    its id, in nanoseconds since 1970."""

    def __init__(self, judge: Callable[[Ledger], tuple[Finding, ...]]) -> None:
        self._judge = judge
        self._last: dict[str, Finding] = {}
        self.told_ns: dict[str, int] = {}

    def look(self, time_ns: int, facts: Callable[[], Ledger]) -> None:
        """Judge the facts as of a time."""
        for finding in self._judge(facts()):
            name = id_of(finding)
            self.told_ns.setdefault(name, time_ns)
            self._last[name] = finding

    def with_gone(self, findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
        """`findings`, and what was told and is not among them any more: later facts spoke against it, and yet
        a person was sent to look. Gravest first; of one severity `findings` come first."""
        known = {id_of(finding) for finding in findings}
        names = sorted((name for name in self._last if name not in known), key=lambda n: (self.told_ns[n], n))
        return tuple(
            sorted(
                (*findings, *(self._last[name] for name in names)),
                key=lambda one: SEVERITIES.index(one.severity),
            )
        )
