"""Which of the findings that stand now nobody was told of yet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from otmon.detect.finding import SEVERITIES, Finding
from otmon.findings.judge import id_of
from otmon.findings.standing import UNDECIDED, Decided

EARLY: Final = 1 << 12
"""Findings that were told early, at most: of more nobody remembers that they were."""
DECIDED: Final = " decided"
"""Behind the id of a finding while a decision covers it: one that is not covered any more is news."""


class News:
    """Remembers which findings stood at the last look, and how grave each was at its gravest."""

    def __init__(self, known: Mapping[str, int] | None = None) -> None:
        """`known` is `News.known` of an earlier run."""
        self._known: dict[str, int] = dict(known or {})
        self._early: dict[str, int] = {}
        """Of what was told early that which did not stand at a look yet."""

    @property
    def known(self) -> Mapping[str, int]:
        """How grave each finding of the last look was at its gravest: its place in `SEVERITIES`, by id."""
        return {**self._early, **self._known}

    @property
    def has_undecided(self) -> bool:
        """Whether findings stood at the last look that no decision covers."""
        return any(not name.endswith(DECIDED) for name in self.known)

    def of(self, findings: tuple[Finding, ...], decided: Decided = UNDECIDED) -> list[tuple[Finding, bool]]:
        """Those that came up since the last look (True) or have become graver (False), in their order.
        One that is gone and comes back is news again, and so is one that a decision covers now, or does no
        more."""
        news = []
        before, self._known = self._known, {}
        for finding in findings:
            name, rank = _name(finding, decided), SEVERITIES.index(finding.severity)
            known = before.get(name, self._early.pop(name, None))
            self._known[name] = rank if known is None else min(known, rank)
            if known is None or known > rank:
                news.append((finding, known is None))
        return news

    def early(
        self, findings: tuple[Finding, ...], decided: Decided = UNDECIDED
    ) -> list[tuple[Finding, bool]]:
        """The same for a look at some of the facts: what was found in the others stands as before, and what
        is told now is not told again where a look at all finds it, or does not."""
        news = []
        for finding in findings:
            name, rank = _name(finding, decided), SEVERITIES.index(finding.severity)
            places = self._known if name in self._known else self._early
            known = places.get(name)
            if known is None or known > rank:
                places[name] = rank
                news.append((finding, known is None))
        while len(self._early) > EARLY:
            del self._early[next(iter(self._early))]
        return news


def _name(finding: Finding, decided: Decided) -> str:
    return id_of(finding) + (DECIDED if decided.covers(finding) else "")
