from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest

from otmon.engine import replay
from otmon.ledger.aging import times_of
from otmon.ledger.facts import DAY_NS
from otmon.ledger.file.store import Stored, load_stored
from otmon.ledger.ledger import EMPTY, Ledger
from otmon.ledger.merge import collect, merge
from otmon.sensor.diary import Diary
from otmon.sensor.gathering import Gathering
from otmon.sensor.notes import DIARY
from otmon.sensor.outline import Known
from otmon.sensor.watch import Watch, judged_by
from tests.ledger.test_aging import asked
from tests.sensor.running import ROOT


@pytest.fixture(scope="module", name="day")
def day_fixture() -> Ledger:
    return replay([str(ROOT / "pcaps" / "water-works-day.pcapng")]).ledger


def gathering(before: Ledger, notes: dict[str, str] | None = None, keep_days: int = 400) -> Gathering:
    return Gathering([], Known(), before, notes or {}, keep_days, False)


def test_what_an_earlier_run_saved_is_there_each_time(day: Ledger) -> None:
    one = gathering(day)
    assert one.facts(nullcontext) == day == one.facts(nullcontext, True)
    assert (one.looks, one.aged, one.entries) == (2, 0, {}) and not one.says_something_new([])


def test_days_of_listening_without_a_fact_let_it_be_forgotten(day: Ledger) -> None:
    diary = Diary("", day)
    later = int(times_of(day).max()) + 1
    for listened_s in (0.0, 90_000.0, 180_000.0, 270_000.0):
        diary.note([(later, later)], listened_s)
    for keep_days, kept in ((1, EMPTY), (400, day)):
        one = gathering(day, {DIARY: diary.text()}, keep_days)
        assert one.facts(nullcontext).conversations == kept.conversations
        assert (one.aged > 0) == (kept == EMPTY)
    one.keep_for(1)
    assert one.facts(nullcontext).conversations == () and one.aged > 0


def test_names_of_days_that_are_over_leave_their_places(day: Ledger) -> None:
    today = int(times_of(day).max()) // DAY_NS
    names = [asked("a.example", some, 90) for some in (today - 9, today)] + [asked("b.example", 1, 9_000)]
    one = gathering(merge(day, collect(names=names)))
    left = one.facts(nullcontext)
    assert {(fact.domain, fact.day) for fact in left.names} == {("a.example", today), ("b.example", 1)}
    assert one.aged == 1 and left.operations == day.operations


def test_what_is_broken_off_is_asked_for_again(day: Ledger) -> None:
    one = gathering(day)

    @contextmanager
    def broken() -> Iterator[None]:
        raise InterruptedError
        yield

    with pytest.raises(InterruptedError):
        one.facts(broken)
    assert one.facts(nullcontext) == day


def test_a_sensor_s_ledger_keeps_its_secret(day: Ledger, tmp_path: Path) -> None:
    """What finds no place must not be foreseen, and be the same after a start."""
    secrets = []
    for run in range(4):
        path = tmp_path / f"{run // 2}.db"
        stored = load_stored(path) if path.exists() else Stored(day, {}, "")
        watch = Watch([], judged_by(None, None), before=stored.ledger, ledger_path=path, notes=stored.notes)
        watch.finish()
        limits = watch._gathering._limits
        secrets.append(limits.secret)
        assert load_stored(path).notes["secret"] == f"{secrets[-1]:016x}"
        assert watch._gathering._ended.limits == limits
    assert secrets[0] == secrets[1] != secrets[2] == secrets[3] and 0 not in secrets
