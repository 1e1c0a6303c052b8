from __future__ import annotations

import io
import math
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families

import otmon.outputs.history as history_module
from otmon.engine import MINUTE_NS, replay
from otmon.findings.judge import case_of, found_in, id_of, judge
from otmon.ledger.ledger import EMPTY, Ledger
from otmon.outputs.history import History
from otmon.outputs.metrics import OF_A_SENSOR, metrics
from otmon.zones.files.load import load_model
from tests.findings.taken import decision
from tests.outputs.sensed import ROOT, status

DAY = str(ROOT / "pcaps" / "water-works-day.pcapng")
MODEL = load_model(str(ROOT / "zones" / "water-works.yaml"))


def history() -> History:
    return History(lambda ledger: case_of(ledger, MODEL), "1.2.3")


def text_of(one: History) -> str:
    stream = io.StringIO()
    one.write(stream)
    return stream.getvalue()


def parse(text: str) -> list[Metric]:
    """The metrics as prometheus_client's strict parser reads them. Of a histogram it takes what is told of a
    second time for told twice, so it is given each time alone."""
    documents: dict[tuple[str, str], str] = {}
    head = ""
    for line in text.removesuffix("# EOF\n").splitlines(keepends=True):
        if line.startswith("# HELP"):
            head = line
        elif line.startswith("# TYPE"):
            head += line
        else:
            time = line.split()[-1] if head.endswith(" histogram\n") else ""
            documents[head, time] = documents.get((head, time), head) + line
    found: dict[str, Metric] = {}
    for document in documents.values():
        for family in text_string_to_metric_families(f"{document}# EOF\n"):
            found.setdefault(family.name, Metric(family.name, "", family.type)).samples += family.samples
    return list(found.values())


@pytest.fixture(scope="module", name="day")
def day_fixture() -> tuple[str, Ledger]:
    """The text of a day, and its facts."""
    one = history()
    ledger = replay([DAY], look=one.look).ledger
    return text_of(one), ledger


def test_looking_at_the_facts_changes_none(day: tuple[str, Ledger]) -> None:
    assert day[1] == replay([DAY]).ledger


def test_it_is_openmetrics_with_a_sample_for_each_minute_with_packets(day: tuple[str, Ledger]) -> None:
    families = {family.name: family for family in parse(day[0])}
    times = [float(one.timestamp or 0) for one in families["otmon_build_info"].samples]
    assert len(times) > 5 and times == sorted(set(times))
    assert all(time % 60 == 0 for time in times)
    last_ns = day[1].sources[0].last_ns
    assert times[-1] == math.ceil(last_ns / MINUTE_NS) * 60
    expected = {family.name for family in metrics(status())} - OF_A_SENSOR
    assert set(families) == expected


def test_the_last_samples_are_the_facts_at_the_end(day: tuple[str, Ledger]) -> None:
    ledger = day[1]
    families = {family.name: family for family in parse(day[0])}
    packets = families["otmon_capture_packets"].samples
    assert packets[-1].value == ledger.sources[0].packets
    assert [one.value for one in packets] == sorted(one.value for one in packets)
    found = judge(ledger, MODEL)
    told = families["otmon_findings_told"].samples
    assert sum({(s.labels["rule"], s.labels["severity"]): s.value for s in told}.values()) >= len(found) > 0
    came = families["otmon_last_finding_timestamp_seconds"].samples
    assert came and all(s.value <= float(s.timestamp or 0) for s in came)
    assert all(s.labels["instance"] == "replay" and s.labels["job"] == "otmon" for s in packets)


def test_a_finding_that_a_decision_covers_is_not_told() -> None:
    capture = str(ROOT / "pcaps" / "two-factories-day.pcapng")
    model = load_model(str(ROOT / "zones" / "two-factories.yaml"))
    case = case_of(replay([capture]).ledger, model)
    one = next(one for one in found_in(case) if one.rule == "unsupported-system")
    told: list[dict[str, float]] = []
    for decisions in ({}, {id_of(one): decision(one)}):
        each = History(lambda ledger: case_of(ledger, model), "1.2.3", decisions)
        replay([capture], look=each.look)
        families = {family.name: family for family in parse(text_of(each))}
        told.append({})
        for name in ("otmon_findings", "otmon_findings_decided", "otmon_findings_told"):
            at_the_end = {tuple(sorted(s.labels.items())): s.value for s in families[name].samples}
            told[-1][name] = sum(value for key, value in at_the_end.items() if ("rule", one.rule) in key)
    assert [set(each.values()) for each in told] == [{0, 1}, {0, 1}]
    assert [each["otmon_findings_decided"] for each in told] == [0, 1]
    assert (
        [each["otmon_findings"] for each in told] == [each["otmon_findings_told"] for each in told] == [1, 0]
    )


def test_response_times_add_up_at_every_time(day: tuple[str, Ledger]) -> None:
    (family,) = [one for one in parse(day[0]) if one.name == "otmon_modbus_response_seconds"]
    assert family.type == "histogram"
    last = max(float(one.timestamp or 0) for one in family.samples)
    at_the_end = [one for one in family.samples if float(one.timestamp or 0) == last]
    answers = [one.value for one in at_the_end if one.name.endswith("_count")]
    assert sum(answers) == sum(one.answered for one in day[1].operations) > 0
    counted = sum(sum(one.response_counts) for one in day[1].operations)
    within = [one.value for one in at_the_end if one.labels.get("le") == "10.0"]
    assert sum(within) == counted > 0 and len(within) == len(answers) > 1


def test_the_same_capture_gives_the_same_bytes(day: tuple[str, Ledger]) -> None:
    again = history()
    replay([DAY], jobs=2, look=again.look)
    assert text_of(again) == day[0]


def test_a_time_is_looked_at_once_and_samples_are_in_order() -> None:
    one = history()

    def never() -> Ledger:
        raise AssertionError("looked at twice")

    one.look(3 * MINUTE_NS, lambda: EMPTY)
    one.look(1 * MINUTE_NS, lambda: EMPTY)
    one.look(3 * MINUTE_NS, never)
    (info,) = [family for family in parse(text_of(one)) if family.name == "otmon_build_info"]
    assert [float(sample.timestamp) for sample in info.samples] == [60, 180]


def test_minutes_beyond_the_limit_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history_module, "MINUTES", 2)
    one = history()
    for minute in range(5):
        one.look(minute * MINUTE_NS, lambda: EMPTY)
    assert one.left_out == 3
    (info,) = [family for family in parse(text_of(one)) if family.name == "otmon_build_info"]
    assert len(info.samples) == 2


def test_without_a_packet_there_is_nothing_but_the_end() -> None:
    assert text_of(history()) == "# EOF\n"


def test_minutes_go_on_over_rotated_files(tmp_path: Path) -> None:
    """The facts of the files before count, and the last minute of a file is told with the next one's."""
    looked: list[tuple[int, int]] = []

    def look(time_ns: int, facts: Callable[[], Ledger]) -> None:
        looked.append((time_ns, sum(source.packets for source in facts().sources)))

    result = replay([DAY, str(ROOT / "pcaps" / "factory-day.pcapng")], look=look).ledger
    counts = [packets for _, packets in looked]
    assert counts == sorted(counts) and counts[-1] == sum(one.packets for one in result.sources)
