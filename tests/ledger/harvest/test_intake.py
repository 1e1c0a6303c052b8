"""Rows that wait come to the ledger that all their facts come to, however many wait, and few become facts."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from random import Random

import numpy as np
import pytest

from otmon.decode.flows import F_A_LO, F_LAST
from otmon.kernel import Ints
from otmon.ledger.aging import without_old
from otmon.ledger.harvest import intake as module
from otmon.ledger.harvest.conversations import conversations_of as told_conversations
from otmon.ledger.harvest.harvest import facts_of
from otmon.ledger.harvest.intake import Intake
from otmon.ledger.harvest.rows import FIELDS, Rows, by_kind, chosen, no_rows, rows_in_use, together
from otmon.ledger.harvest.waiting_rows import TIMES
from otmon.ledger.ledger import LIMITS, Ledger, Limits
from otmon.ledger.merge import collect, merge_all
from otmon.ledger.rank import NO_BARS, bars_of
from otmon.ledger.running import RunningLedger
from otmon.ledger.tables import O_CLIENT_LO, X_LO, X_PORT
from tests.ledger.harvest.test_novelty import DAYS, frames_of
from tests.ledger.seen import Seen, counted

SECRETS = (0, 0x8765432112345678)


@pytest.fixture(scope="module", name="rows")
def rows_fixture() -> dict[str, Rows]:
    """The rows of days in which each kind of fact comes up."""
    return {day: rows_in_use(Seen().frames(frames_of(day)).t) for day in DAYS}


def parted(rows: Rows, random: Random) -> list[Rows]:
    """The rows in some parts, each row in one of them."""
    parts = []
    for kind, alone in by_kind(rows).items():
        count = len(getattr(alone, FIELDS[kind]))
        where = np.array([random.randrange(4) for _ in range(count)])
        parts += [chosen(alone, kind, where == number) for number in range(4)]
    random.shuffle(parts)
    return [together(parts[at : at + 3]) for at in range(0, len(parts), 3)]


def limits_of(most: int, secret: int) -> Limits:
    limits = Limits(assets=most, conversations=most, operations=most, written=most, anomalies=most)
    return replace(limits, ranges=1_000_000, secret=secret)


@pytest.mark.parametrize("day", DAYS)
@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("most", [1, 3, 10, 1 << 20])
def test_rows_come_to_the_ledger_of_all_their_facts(
    rows: dict[str, Rows], day: str, secret: int, most: int
) -> None:
    limits = limits_of(most, secret)
    whole = merge_all([facts_of(rows[day], "x")])
    for seed in range(3):
        random = Random(seed)
        grown = RunningLedger(1 << random.randrange(8), limits)
        taken = Intake("x", grown)
        for part in parted(rows[day], random):
            taken.take(part)
            if random.random() < 0.2:
                taken.flush()
        taken.flush()
        came, expected = grown.ledger(), merge_all([whole], limits)
        taken.flush()
        assert grown.ledger() == came, "nothing waits any more"
        assert counted(came) == counted(whole)
        for kind in FIELDS:
            assert len(getattr(came, kind)) <= most
        # In a sensor's ledger parts of a fact that nobody answered yet may have been pushed out before.
        assert came == expected or (secret and most < 1 << 20)


def flood(kind: str, rows: Rows, count: int) -> Rows:
    """So many rows like the first one of a kind, each of a host of its own."""
    alone = by_kind(rows)[kind]
    field, column = {"conversations": ("flows", F_A_LO), "assets": ("assets", X_LO)}.get(
        kind, (FIELDS[kind], O_CLIENT_LO)
    )
    table: Ints = np.repeat(getattr(alone, field)[:1], count, axis=0)
    table[:, column] = 10 << 24 | np.random.default_rng(5).permutation(1 << 20)[:count]
    values: dict[str, Ints] = {field: table}
    return replace(alone, **values)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [kind for kind in FIELDS if kind != "anomalies"])
def test_of_a_flood_as_many_rows_become_facts_as_a_ledger_has_places(
    rows: dict[str, Rows], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = next(one for one in rows.values() if len(getattr(one, FIELDS[kind])))
    limits = replace(LIMITS, assets=50, conversations=50, operations=50, written=50, anomalies=50)
    told: list[Rows] = []

    def harvested(some: Rows, source: str) -> Ledger:
        told.append(some)
        return replace(facts_of(some, source), claims=())

    def conversations_of(flows: Ints) -> Ints:
        told.append(replace(no_rows(), flows=flows))
        return told_conversations(flows)

    monkeypatch.setattr(module, "harvested", harvested)
    monkeypatch.setattr(module, "conversations_of", conversations_of)
    many = flood(kind, day, 1500)
    table = getattr(many, FIELDS[kind])
    grown = RunningLedger(1 << 20, limits)
    taken = Intake("x", grown)
    for begin in range(0, len(table), 100):
        mask = np.zeros(len(table), bool)
        mask[begin : begin + 100] = True
        taken.take(chosen(many, kind, mask))
        waiting = len(taken._waiting)
        assert waiting <= TIMES * 50 + 100 and not told
    taken.flush()
    assert sum(map(len, told)) == 50
    assert grown.ledger() == merge_all([replace(facts_of(many, "x"), claims=())], limits)
    assert dict(grown.ledger().overflow)[kind] > 1000


def test_where_many_flows_are_of_few_hosts_they_become_conversations(rows: dict[str, Rows]) -> None:
    limits = replace(LIMITS, conversations=8)
    few, day = rows["factory-day"].flows[:2], rows["factory-day"].flows
    expected = merge_all([facts_of(replace(no_rows(), flows=few), "x")]).conversations
    for flows, most in ((np.repeat(few, 40, axis=0), 0), (np.tile(day, (3, 1)), 8)):
        grown = RunningLedger(1 << 20, limits)
        taken = Intake("x", grown)
        told = 0
        for begin in range(0, len(flows), 4):
            taken.take(replace(no_rows(), flows=flows[begin : begin + 4]))
            assert len(taken._waiting) <= TIMES * 8
            assert sum(map(len, taken._conversations)) <= 8 + TIMES * 8
            told = max(told, sum(len(part.conversations) for part in grown.parts))
        # Those of few hosts wait to the end; too many of many become facts.
        assert told == 0 if most == 0 else told > 0
        taken.flush()
        assert not taken._conversations
        found = grown.ledger()
        if most:
            assert found == merge_all([facts_of(replace(no_rows(), flows=flows), "x")], limits)
        else:
            assert sum(one.flows for one in found.conversations) == len(flows) and not found.overflow
            assert [one.client for one in found.conversations] == [one.client for one in expected]


def test_a_sender_without_a_place_still_tells_its_switch_port(rows: dict[str, Rows]) -> None:
    senders = rows["factory-day"].assets.copy()
    senders[:, X_PORT] = 7
    grown = RunningLedger(limits=replace(LIMITS, assets=1))
    taken = Intake("x", grown)
    taken.take(replace(no_rows(), assets=senders))
    taken.flush()
    claims = merge_all([facts_of(replace(no_rows(), assets=senders), "x")]).claims
    assert len(grown.ledger().assets) == 1 and grown.ledger().claims == claims and len(claims) > 1


def test_what_was_forgotten_bars_nobody(rows: dict[str, Rows]) -> None:
    flows = rows["factory-day"].flows
    last = int(flows[:, F_LAST].max())
    grown = RunningLedger(1, replace(LIMITS, conversations=1))
    taken = Intake("x", grown)
    taken.take(replace(no_rows(), flows=flows))
    taken.flush()
    assert len(grown.ledger().conversations) == 1
    assert grown.bars == bars_of(grown.ledger(), grown.limits) != NO_BARS
    grown.forget(partial(without_old, young=((last + 1, last + 2),)))
    # Each of them has the only place, now that it is free, whatever lay before it.
    for one in flows[:, None]:
        taken.take(replace(no_rows(), flows=one))
        taken.flush()
        assert len(grown.ledger().conversations) == 1
        grown.forget(partial(without_old, young=((last + 1, last + 2),)))


def test_what_lies_behind_bars_of_others_is_counted_only(rows: dict[str, Rows]) -> None:
    day = replace(rows["factory-day"], messages=no_rows().messages)
    grown = RunningLedger()
    bars = bars_of(merge_all([facts_of(day, "x")], limits_of(2, 0)), limits_of(2, 0))
    taken = Intake("x", grown)
    taken.take(day, bars)
    taken.flush()
    assert grown.ledger() == merge_all([facts_of(day, "x", bars)])
    assert {kind for kind, _ in grown.ledger().overflow} >= {"assets", "conversations", "operations"}


def test_facts_are_added_to(rows: dict[str, Rows]) -> None:
    extra = collect(overflow=[("names", 1)])
    grown = RunningLedger()
    taken = Intake("x", grown, lambda facts: replace(facts, overflow=extra.overflow))
    taken.take(rows["factory-day"])
    taken.flush()
    assert dict(grown.ledger().overflow)["names"] == len([
        kind for kind, part in by_kind(rows["factory-day"]).items() if len(part)
    ])  # fmt: skip
