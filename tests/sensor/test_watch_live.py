"""What the watch tells, forgets and saves, with packets of other days."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from otmon.capture.ring import Ring
from otmon.detect.detector import Case
from otmon.engine import replay
from otmon.findings.judge import id_of
from otmon.ledger.dialogues.dialogues import IDLE_NS
from otmon.ledger.facts import HOUR_NS
from otmon.ledger.file.store import load, load_stored
from otmon.ledger.ledger import EMPTY, Ledger
from otmon.outputs.instant import short_text
from otmon.sensor import diary, ledger_marks
from otmon.sensor.observer import CLOSED_NS, Observer
from otmon.sensor.recent_packets import RecentPackets
from otmon.sensor.schedule import WINDOW_S, Schedule
from otmon.sensor.watch import Told, Watch, judged_by
from otmon.zones.files.load import load_model
from tests.ledger.copying.test_messages import SERVER, talk
from tests.ledger.dialogues.test_command_operations import SET_UP, SETUP
from tests.namespaces import Wire, inside, missing, wire
from tests.protocols.test_commands import DONE, STOP
from tests.sensor.soak import passing
from tests.sensor.test_observer import batches
from tests.sensor.traffic import ROOT, frames_of

pytestmark = pytest.mark.skipif(bool(missing()), reason=f"a wire to listen on: {missing()}")
JUDGE = judged_by(load_model(str(ROOT / "zones" / "factory.yaml")), None)


@pytest.fixture(name="observer")
def observer_fixture() -> Iterator[tuple[Wire, Observer]]:
    """One whose thread does not run: packets are given to it by hand."""
    with wire() as made, inside(made.namespace), Ring(made.far) as ring:
        yield made, Observer(ring, RecentPackets(1, 0))


BEGIN_NS = 1_772_413_200_000_000_000
"""A Monday, 01:00 UTC."""
STEP_NS = 100_000


def hear(
    wired: Wire, observer: Observer, frames: list[bytes], later_ns: int = 0, from_ns: int | None = None
) -> None:
    """Packets as if they came so much later than those before (or than `from_ns`), and always as fast: how
    many there are in a second can be something new."""
    wired.send(frames)
    now_ns = (from_ns or observer.last_packet_ns() or BEGIN_NS) + later_ns
    for batch in batches(observer.ring, len(frames)):
        times = now_ns + STEP_NS * np.arange(1, len(batch.start) + 1)
        observer._take(replace(batch, time_ns=times))
        now_ns = int(times[-1])


def test_each_finding_is_told_once(observer: tuple[Wire, Observer]) -> None:
    wired, one = observer
    watch = Watch([one], JUDGE)
    frames = frames_of("factory-day.pcapng")
    hear(wired, one, frames)
    told = watch.step()
    assert told and all(each.is_new for each in told)
    assert [each.finding for each in told] == list(watch.findings)
    hear(wired, one, frames[:400])
    watch._schedule.judge_soon()
    assert watch.step() == []
    assert dict(watch.status.told) and watch.status.judgements == 2


def test_log_ins_are_told_while_they_go_on_and_count_once(observer: tuple[Wire, Observer]) -> None:
    wired, one = observer
    watch = Watch([one], JUDGE)
    hear(wired, one, frames_of("two-factories-day.pcapng"))
    told = [each.finding.rule for each in watch.step()]
    assert told.count("default-credentials") == 2
    seen = watch.ledger.credentials
    assert {(fact.protocol, fact.kind, fact.times) for fact in seen} == {
        ("http", "default", 1),
        ("rtsp", "default", 3),
    }
    # Their dialogues end, as nothing more is said in them, and then are counted as what ended.
    hear(wired, one, frames_of("factory-day.pcapng")[:50], 2 * IDLE_NS)
    watch._schedule.judge_soon()
    watch.step()
    assert watch.ledger.credentials == seen and watch._gathering._ended.ledger().credentials == seen


def test_what_hosts_say_is_judged_when_nobody_said_it_before(observer: tuple[Wire, Observer]) -> None:
    """Its thread does not run and so does not look at rows: what is new is heard, or nothing is."""
    wired, one = observer
    watch = Watch([one], JUDGE)
    frames = frames_of("two-factories-day.pcapng")
    hear(wired, one, frames[:1])
    watch.step()
    assert watch.status.judgements == 1
    hear(wired, one, frames[1:])
    assert one.state().messages > 50
    watch._schedule._next_judgement = 0.0
    assert [told.finding.rule for told in watch.step()].count("default-credentials") == 2
    judged = watch.status.judgements
    assert judged == 2
    hear(wired, one, frames[1:], 60 * 1_000_000_000)
    assert one.state().messages > 50
    # However long that took, it is not yet time for a judgement of which nothing new is expected.
    watch._schedule._next_judgement, watch._schedule._next_window = 0.0, math.inf
    assert watch.step() == [] and one.state().messages == 0
    assert watch.status.judgements == judged


DAY_NS = 86_400_000_000_000


def test_facts_that_are_not_seen_again_are_forgotten(
    observer: tuple[Wire, Observer], monkeypatch: pytest.MonkeyPatch
) -> None:
    wired, one = observer
    watch = Watch([one], JUDGE, keep_days=2)
    frames = frames_of("factory-day.pcapng")
    hear(wired, one, frames)
    watch.step()
    first = watch.ledger
    hear(wired, one, frames[:2], later_ns=CLOSED_NS * 1000)
    _again(watch)
    assert {x.server for x in watch.ledger.conversations} == {x.server for x in first.conversations}
    # Whatever clocks say, nothing is older than the sensor has listened since.
    hear(wired, one, frames[:1], later_ns=3 * DAY_NS)
    _again(watch)
    assert watch.status.aged == 0
    monkeypatch.setattr(diary, "DAY_S", 0.0)
    for day in range(3):
        before = len(watch.ledger.conversations)
        hear(wired, one, frames[:1], later_ns=DAY_NS)
        _again(watch)
        assert (len(watch.ledger.conversations) < before) == (day == 2)
    assert len(watch.ledger.conversations) < len(first.conversations) / 4
    assert watch.status.aged > 0
    assert watch.ledger.sources[0].packets == len(frames) + 6


def test_a_clock_that_was_ahead_once_makes_nothing_old(
    observer: tuple[Wire, Observer], tmp_path: Path
) -> None:
    wired, one = observer
    path = tmp_path / "plant.db"
    frames = frames_of("water-works-day.pcapng")
    day = replay([str(ROOT / "pcaps" / "water-works-day.pcapng")]).ledger
    judge = judged_by(load_model(str(ROOT / "zones" / "water-works.yaml")), None)
    watch = Watch([one], judge, ledger_path=path)
    hear(wired, one, frames[:1])
    hear(wired, one, frames[:3], 500 * DAY_NS)
    (said,) = one.incidents("Asia/Tokyo")
    assert "jumped by +43,1" in said and one.incidents("Asia/Tokyo") == []
    # By the clocks of the plant, as everything else.
    assert short_text(one.state().jump[1], "Asia/Tokyo") in said and "Asia/Tokyo: is the clock right" in said
    assert short_text(one.state().jump[1], "Asia/Tokyo") != short_text(one.state().jump[1])
    _again(watch)
    # Right again: the day of the water works is seen, judged and saved whole.
    hear(wired, one, frames, from_ns=BEGIN_NS + HOUR_NS)
    _again(watch)
    assert {told.rule for told in watch.findings} >= {"value-out-of-limits"}
    watch.finish()
    kept = load(path)
    assert watch.status.aged == 0
    assert len(kept.operations) == len(day.operations) and len(kept.conversations) == len(day.conversations)
    # So it does when it starts anew, and as often as it does.
    for _ in range(2):
        kept = load_stored(path)
        again = Watch([one], judge, before=kept.ledger, ledger_path=path, notes=kept.notes)
        again.step()
        again.finish()
        assert again.status.aged == 0 and len(load(path).operations) == len(day.operations)


def test_one_packet_of_a_time_to_come_ends_no_dialogue_and_no_flow(observer: tuple[Wire, Observer]) -> None:
    wired, one = observer
    watch = Watch([one], JUDGE)
    frames = frames_of("two-factories-day.pcapng")
    hear(wired, one, frames)
    watch.step()
    going = watch._gathering._dialogues[one.name].going_on()
    flows = len(one.part().in_use.flows)
    assert going.credentials and flows > 5
    now_ns = one.last_packet_ns()
    hear(wired, one, frames[:1], 500 * DAY_NS)
    hear(wired, one, frames[1:2], from_ns=now_ns)
    assert len(one.part().in_use.flows) == flows
    _again(watch)
    assert watch._gathering._dialogues[one.name].going_on().credentials == going.credentials


def _again(watch: Watch) -> None:
    watch._schedule.judge_soon()
    watch._novelty = []
    watch._heard = [-1]
    watch.step()


def test_quiet_times_cost_nothing(observer: tuple[Wire, Observer]) -> None:
    wired, one = observer
    watch = Watch([one], JUDGE)
    hear(wired, one, frames_of("factory-day.pcapng")[:300])
    watch.step()
    end = time.monotonic() + 2
    while time.monotonic() < end:
        watch.step()
        time.sleep(0.05)
    assert watch.status.judgements == 1
    assert WINDOW_S > 2


def test_what_only_counts_tell_is_judged_of_the_facts_that_are_saved(
    observer: tuple[Wire, Observer], tmp_path: Path
) -> None:
    wired, one = observer
    path = tmp_path / "plant.db"
    watch = Watch([one], JUDGE, ledger_path=path)
    frame = frames_of("factory-day.pcapng")[:1]
    hear(wired, one, frame)
    watch.step()
    for n in range(2, 5):
        looks = watch.looks
        hear(wired, one, frame, 60 * 1_000_000_000)
        watch._schedule = Schedule()
        watch.step()
        assert (watch.status.judgements, watch.status.saves, watch.looks) == (n, n, looks + 1)
        assert load(path).sources[0].packets == n


def test_what_is_only_seen_again_is_saved_less_often(observer: tuple[Wire, Observer], tmp_path: Path) -> None:
    """A plant polls without end: its ledger was written anew every nine seconds."""
    wired, one = observer
    path = tmp_path / "plant.db"
    frames = frames_of("factory-day.pcapng")
    watch = Watch([one], JUDGE, ledger_path=path)

    def heard(some: list[bytes]) -> tuple[int, int]:
        hear(wired, one, some)
        one._look_for_news()
        watch._schedule._next_save = watch._schedule._next_judgement = 0.0
        watch.step()
        return watch.status.saves, load(path).sources[0].packets

    assert heard(frames[:1]) == (1, 1)
    assert heard(frames[:1]) == (1, 1)
    saves, packets = heard(frames)
    assert (saves, packets) == (2, len(frames) + 2)
    # What was told of them is saved with the next, at most.
    watch._unsaved = False
    assert heard(frames[:1]) == (2, packets)
    watch._schedule._next_count = 0.0
    assert heard(frames[:1]) == (3, packets + 2)
    watch.finish()


def test_a_judgement_of_nothing_new_gives_way_to_what_is_new(
    observer: tuple[Wire, Observer], tmp_path: Path
) -> None:
    wired, one = observer
    path = tmp_path / "plant.db"
    frames = frames_of("factory-day.pcapng")
    begun = []

    def judge(ledger: Ledger) -> Case:
        begun.append(ledger.sources[0].packets if ledger.sources else 0)
        if len(begun) == 3:
            hear(wired, one, frames)
            one._look_for_news()
        return JUDGE(ledger)

    watch = Watch([one], judge, ledger_path=path)
    hear(wired, one, frames[:1])
    assert watch.step() == []
    hear(wired, one, frames[:1], 60 * 1_000_000_000)
    watch._schedule = Schedule()
    told = watch.step()
    # The third one, of two packets, went no further than where the new ones came.
    assert begun == [0, 1, 2, len(frames) + 2]
    assert {each.finding for each in told} == set(watch.findings) != set()
    assert watch.status.judgements == 2
    # What is saved had not to wait for it.
    assert load(path).sources[0].packets == 2
    watch.finish()
    assert load(path) == watch.ledger


def test_a_judgement_gives_way_once(observer: tuple[Wire, Observer]) -> None:
    """However often something new comes, it gets done."""
    wired, one = observer
    frame = frames_of("factory-day.pcapng")[:1]
    begun = []

    def judge(ledger: Ledger) -> Case:
        begun.append(ledger)
        hear(wired, one, frame, 60 * 1_000_000_000)
        one._novelty += 1
        return JUDGE(ledger)

    watch = Watch([one], judge)
    hear(wired, one, frame)
    watch.step()
    for n in range(2, 5):
        watch._is_news, watch._novelty = False, [one.novelty()]
        watch._schedule = Schedule()
        before = len(begun)
        watch.step()
        assert len(begun) == before + 2 and watch.status.judgements == n


def test_what_was_answered_is_judged_while_a_flood_makes_all_else_wait(
    observer: tuple[Wire, Observer], tmp_path: Path
) -> None:
    wired, one = observer
    path = tmp_path / "plant.db"
    judged: list[Ledger] = []

    def judge(ledger: Ledger) -> Case:
        judged.append(ledger)
        return JUDGE(ledger)

    watch = Watch([one], judge, ledger_path=path)
    frames = frames_of("factory-day.pcapng")
    hear(wired, one, frames[:1])
    watch.step()
    watch._schedule._next_judgement = watch._schedule._next_window = math.inf
    # Nobody answers these: they wait for a judgement of all.
    hear(wired, one, [frame for number in range(50) for frame in passing(number)])
    assert hurry(watch, one) == [] and len(judged) == 2
    hear(wired, one, frames)
    told = hurry(watch, one)
    assert len(judged) == 3 and all(fact.answered for fact in judged[-1].conversations)
    assert {each.finding.rule for each in told} >= {"forbidden-operation"}
    assert all(each.is_new for each in told) and watch.status.judgements == 1
    # Said again it is no news, neither early nor among all facts, which have more.
    hear(wired, one, frames[:300])
    assert hurry(watch, one) == []
    watch._schedule._next_judgement = 0.0
    rest = {id_of(each.finding) for each in watch.step()}
    assert watch.status.judgements == 2 and not all(fact.answered for fact in judged[-1].conversations)
    early = {id_of(each.finding) for each in told}
    assert not early & rest and early | rest >= {id_of(each) for each in watch.findings}


def hurry(watch: Watch, one: Observer) -> list[Told]:
    """A step in which what was answered is looked at, if there is something new."""
    one._look_for_news()
    watch._schedule._next_hurry = 0.0
    return watch.step()


def test_what_only_counts_tell_is_judged_though_that_takes_long(observer: tuple[Wire, Observer]) -> None:
    """What was answered comes first where something is new, and else does not keep the window away."""
    wired, one = observer
    watch = Watch([one], JUDGE)
    frame = frames_of("factory-day.pcapng")[:1]
    hear(wired, one, frame)
    watch.step()
    hear(wired, one, frame, 60 * 1_000_000_000)
    watch._is_news, watch._novelty = False, [one.novelty()]
    watch._schedule = Schedule()
    watch._schedule._spent = 10.0
    watch.step()
    assert watch.status.judgements == 2


def test_a_save_does_not_wait_for_a_judgement_that_takes_long(
    observer: tuple[Wire, Observer], tmp_path: Path
) -> None:
    wired, one = observer
    path = tmp_path / "plant.db"
    saved: list[int] = []

    def judge(ledger: Ledger) -> Case:
        saved.append(load(path).sources[0].packets if path.exists() else 0)
        return JUDGE(ledger)

    watch = Watch([one], judge, ledger_path=path)
    frames = frames_of("factory-day.pcapng")
    hear(wired, one, frames[:1])
    watch.step()
    hear(wired, one, frames)
    watch._schedule = Schedule()
    watch._schedule._spent, watch._schedule._next_hurry = 10.0, math.inf
    told = watch.step()
    assert saved == [0, 0, len(frames) + 1] and watch.status.judgements == 2
    assert {each.finding for each in told} == set(watch.findings) != set()
    assert ledger_marks.told(path) == watch._news.known


def test_a_run_goes_on_where_the_one_before_ended(observer: tuple[Wire, Observer], tmp_path: Path) -> None:
    wired, one = observer
    path = tmp_path / "plant.db"
    watch = Watch([one], JUDGE, ledger_path=path)
    hear(wired, one, frames_of("factory-day.pcapng"))
    watch.finish()
    saved: Ledger = load(path)
    assert saved == watch.ledger != EMPTY
    second = Watch([], JUDGE, before=saved, ledger_path=path)
    assert second.findings == watch.findings and second.step() == []
    assert second.ledger == saved


def test_who_came_in_by_an_interface_is_told_once_a_model_asks(observer: tuple[Wire, Observer]) -> None:
    wired, one = observer
    watch = Watch([one], JUDGE)
    hear(wired, one, frames_of("factory-day.pcapng")[:400])
    watch.step()
    senders = {asset.mac for asset in watch.ledger.assets if asset.mac}
    assert not [claim for claim in watch.ledger.claims if claim.kind == "switch-port"]
    watch.use(JUDGE, arrivals=True)
    watch.step()
    told = {claim.mac: claim for claim in watch.ledger.claims if claim.kind == "switch-port"}
    assert set(told) == senders
    assert {claim.value for claim in told.values()} == {f"interface:{one.interface}"}
    assert sum(claim.times for claim in told.values()) == sum(each.packets for each in watch.ledger.assets)


def test_a_command_is_told_although_nothing_else_is_new(observer: tuple[Wire, Observer]) -> None:
    """It is heard as what hosts say is, and no row of the tables changes."""
    wired, one = observer
    watch = Watch([one], judged_by(None, None))
    frames = [packet.data for packet in talk(102, ("c", SETUP), ("s", SET_UP), ("c", STOP), ("s", DONE))]
    hear(wired, one, frames[:5])
    assert watch.step() == []
    hear(wired, one, frames[5:])
    watch._schedule._next_judgement = 0.0
    (told,) = watch.step()
    assert (told.finding.rule, told.finding.link.server) == ("dangerous-command", SERVER.address)
    assert [fact.service for fact in watch.ledger.operations] == ["PLC Stop"]
