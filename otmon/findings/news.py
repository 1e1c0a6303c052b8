"""Which of the findings that stand now nobody was told of yet."""

from __future__ import annotations

from collections.abc import Mapping

from otmon.detect.finding import SEVERITIES, Finding
from otmon.findings.judge import id_of


class News:
    """Remembers which findings stood at the last look, and how grave each was at its gravest."""

    def __init__(self, known: Mapping[str, int] | None = None) -> None:
        """`known` is `News.known` of an earlier run."""
        self._known: dict[str, int] = dict(known or {})

    @property
    def known(self) -> Mapping[str, int]:
        """How grave each finding of the last look was at its gravest: its place in `SEVERITIES`, by id."""
        return self._known

    def of(self, findings: tuple[Finding, ...]) -> list[tuple[Finding, bool]]:
        """Those that came up since the last look (True) or have become graver (False), in their order.
        One that is gone and comes back is news again."""
        news = []
        before, self._known = self._known, {}
        for finding in findings:
            name, rank = id_of(finding), SEVERITIES.index(finding.severity)
            known = before.get(name)
            self._known[name] = rank if known is None else min(known, rank)
            if known is None or known > rank:
                news.append((finding, known is None))
        return news
