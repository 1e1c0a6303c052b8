from __future__ import annotations

from dataclasses import replace

from otmon.detect.finding import Finding, Link, Place, Severity, say
from otmon.findings.news import News


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
