from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from otmon.detect.finding import Finding, Link, Place, Severity, say
from otmon.findings.decision import Decision
from otmon.findings.judge import id_of
from otmon.findings.news import News
from otmon.findings.standing import LAPSED, UNDECIDED, Decided, Standing
from otmon.zones.model import Line


def finding(key: str, severity: Severity = "medium") -> Finding:
    return Finding(
        "some-rule", (key,), severity, Link(), Place(), say("rule.some-rule"), (), 1, "packets", 1, 2, (), ()
    )


def test_each_finding_is_news_once() -> None:
    news = News()
    assert news.of((finding("a"),)) == [(finding("a"), True)]
    assert news.of((finding("a"), finding("b"))) == [(finding("b"), True)]
    assert news.of((finding("a"), finding("b"))) == []


def test_one_that_grows_in_count_is_no_news_and_one_that_becomes_graver_is() -> None:
    news = News()
    news.of((finding("a"),))
    assert news.of((replace(finding("a"), count=9),)) == []
    assert news.of((finding("a", "high"),)) == [(finding("a", "high"), False)]
    assert news.of((finding("a", "low"),)) == []
    # Told as high before.
    assert news.of((finding("a", "high"),)) == []
    assert news.of((finding("a", "critical"),)) == [(finding("a", "critical"), False)]


def test_one_that_went_away_is_news_when_it_comes_back() -> None:
    news = News()
    news.of((finding("a"),))
    assert news.of(()) == []
    assert news.of((finding("a"),)) == [(finding("a"), True)]


def test_what_an_earlier_run_told_is_no_news() -> None:
    before = News()
    before.of((finding("a"), finding("b", "high")))
    news = News(before.known)
    assert news.of((finding("a", "high"), finding("b"), finding("c"))) == [
        (finding("a", "high"), False),
        (finding("c"), True),
    ]


def test_what_was_told_early_is_told_once() -> None:
    news = News()
    news.of((finding("a"),))
    assert news.early((finding("a"), finding("b"), finding("c"))) == [
        (finding("b"), True),
        (finding("c"), True),
    ]
    assert news.early((finding("b"), finding("c", "high"))) == [(finding("c", "high"), False)]
    assert set(news.known) == set(News(news.known).known) and len(news.known) == 3
    # A look at all finds one of them, and does not find the other; what was found in other facts stands.
    assert news.of((finding("a"), finding("b"))) == []
    assert news.early((finding("b"), finding("c"))) == []
    assert len(news.known) == 3
    assert news.of((finding("c"),)) == []
    assert news.of(()) == [] and news.of((finding("c"),)) == [(finding("c"), True)]


def test_what_stands_is_graver_early_and_stays_so() -> None:
    news = News()
    news.of((finding("a"),))
    assert news.early((finding("a", "high"),)) == [(finding("a", "high"), False)]
    assert news.of((finding("a", "high"),)) == []


def test_of_what_was_told_early_so_much_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("otmon.findings.news.EARLY", 2)
    news = News()
    news.early((finding("a"), finding("b"), finding("c")))
    assert len(news.known) == 2 and news.early((finding("b"), finding("c"))) == []
    assert news.early((finding("a"),)) == [(finding("a"), True)]


def decided(*findings: Finding, holds: bool = True) -> Decided:
    against = () if holds else (say(LAPSED, until="2026-12-31"),)
    day = date(2026, 12, 31)
    standings = {
        name: Standing(Decision(Line("d", 1), "r", name, ("a",), "low", "A", 1, "x", "y", day, day), against)
        for name in map(id_of, findings)
    }
    return Decided({name: one.decision for name, one in standings.items()}, standings)


@pytest.mark.parametrize("early", [False, True])
def test_what_a_decision_covers_since_or_does_no_more_is_news(early: bool) -> None:
    a, b = finding("a"), finding("b")
    news = News()
    tell = news.early if early else news.of
    assert tell((a, b)) == [(a, True), (b, True)] and news.has_undecided
    covers = decided(a)
    assert tell((a, b), covers) == [(a, True)] and tell((a, b), covers) == []
    again = News(news.known)
    assert again.of((a, b), covers) == []
    assert again.of((a, b), decided(a, holds=False)) == [(a, True)]
    assert again.of((a, b), UNDECIDED) == []
    assert again.of((a,), covers) == [(a, True)] and not again.has_undecided
    assert again.of(()) == [] and not again.has_undecided
