from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from otmon.engine import replay
from otmon.ledger.ledger import Ledger
from otmon.sensor.outline import Known, outline
from tests.sensor.running import ROOT


@pytest.fixture(scope="module", name="day")
def day_fixture() -> Ledger:
    return replay([str(ROOT / "pcaps" / "water-works-day.pcapng")]).ledger


def drawn(ledger: Ledger) -> set[int]:
    numbers: list[int] = outline(ledger).tolist()
    assert numbers == sorted(set(numbers))
    return set(numbers)


def changed(ledger: Ledger, kind: str, **fields: Any) -> Ledger:
    first, *rest = getattr(ledger, kind)
    return replace(ledger, **{kind: (replace(first, **fields), *rest)})


def test_counts_and_times_are_nothing_new(day: Ledger) -> None:
    same = drawn(day)
    for kind in ("assets", "conversations", "operations", "written"):
        fact = getattr(day, kind)[0]
        assert drawn(changed(day, kind, last_ns=fact.last_ns + 1)) == same
    one = day.conversations[0]
    assert drawn(changed(day, "conversations", flows=one.flows + 1, packets_to_server=99)) == same
    assert drawn(changed(day, "operations", times=1_000_000)) == same


def test_each_kind_of_fact_counts(day: Ledger) -> None:
    same = drawn(day)
    for kind in ("assets", "conversations", "operations", "written", "anomalies", "credentials", "claims"):
        facts = getattr(day, kind)
        if facts:
            assert drawn(replace(day, **{kind: facts[1:]})) != same, kind
    assert drawn(replace(day, overflow=(("assets", 1),))) != same


def test_what_changes_in_a_fact_is_new(day: Ledger) -> None:
    same = drawn(day)
    one = day.conversations[0]
    assert drawn(changed(day, "conversations", answered=not one.answered)) != same
    assert drawn(changed(day, "conversations", resets=2 * one.resets + 1)) != same
    flood = replace(one.busiest, count=4 * one.busiest.count)
    assert drawn(changed(day, "conversations", busiest=flood)) != same
    value = day.written[0].extremes[0]
    beyond = (value._replace(value=value.value + 1), *day.written[0].extremes[1:])
    assert drawn(changed(day, "written", extremes=beyond)) != same
    asset = next(asset for asset in day.assets if asset.peaks)
    higher = replace(asset, peaks=(asset.peaks[0]._replace(packets=2 * asset.peaks[0].packets),))
    assert drawn(replace(day, assets=(higher,))) != drawn(replace(day, assets=(asset,)))


def test_what_comes_and_goes_is_new_once_within_bounds(day: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("otmon.sensor.outline.SAID", 0)
    known, all_of_it = Known(), outline(day)
    assert not known.holds(all_of_it)
    known.add(all_of_it)
    assert known.holds(all_of_it) and known.holds(all_of_it[::3])
    known.add(all_of_it[::2])
    assert known.holds(all_of_it)
    # More than twice what there is now is forgotten.
    known.add(all_of_it[:1])
    assert known.holds(all_of_it[:1]) and not known.holds(all_of_it)


def test_hosts_that_repeat_themselves_say_nothing_new(day: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    known = Known()
    first, *others = day.claims
    assert known.hears_new(Ledger(claims=(first,)))
    assert not known.hears_new(Ledger(claims=(replace(first, times=first.times + 1),)))
    assert known.hears_new(day) and not known.hears_new(Ledger(claims=(first, *others)))
    monkeypatch.setattr("otmon.sensor.outline.SAID", 0)
    # Where it is full it begins anew.
    assert known.hears_new(Ledger(claims=(replace(first, value="another"),)))
    assert known.hears_new(Ledger(claims=(first,)))
