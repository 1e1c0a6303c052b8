"""When each finding was told first, and what was told and is gone."""

from __future__ import annotations

from otmon.detect.finding import Finding
from otmon.findings.first_told import Telling
from otmon.findings.judge import id_of
from otmon.ledger.ledger import EMPTY, Ledger
from tests.findings.test_news import finding


def telling(*judgements: tuple[Finding, ...]) -> Telling:
    """After one judgement each ten nanoseconds."""
    given = iter(judgements)
    made = Telling(lambda ledger: next(given))
    for number in range(len(judgements)):
        made.look(10 * number, lambda: EMPTY)
    return made


def test_a_finding_is_told_when_it_stands_first() -> None:
    one, other = finding("a"), finding("b")
    made = telling((one,), (), (one, other))
    assert made.told_ns == {id_of(one): 0, id_of(other): 20}
    assert made.with_gone((other, one)) == (other, one)


def test_what_is_gone_stays_told_and_the_gravest_comes_first() -> None:
    low, high, grave = finding("a", "low"), finding("b", "high"), finding("c", "critical")
    made = telling((high,), (finding("b", "medium"), grave), (low,))
    assert made.with_gone((low,)) == (grave, finding("b", "medium"), low)
    assert made.with_gone((finding("d", "medium"), low)) == (
        grave, finding("d", "medium"), finding("b", "medium"), low,
    )  # fmt: skip


def test_facts_are_asked_for_once_a_look() -> None:
    asked: list[int] = []

    def facts() -> Ledger:
        asked.append(1)
        return EMPTY

    made = Telling(lambda ledger: ())
    made.look(1, facts)
    assert len(asked) == 1 and made.told_ns == {}
