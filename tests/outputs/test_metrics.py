from __future__ import annotations

import re
import shutil
import subprocess
from collections import Counter
from dataclasses import replace
from typing import get_args

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse

from otmon.assets.place import zones_of
from otmon.detect.finding import SEVERITIES
from otmon.detect.unauthorised_device import strangers
from otmon.findings.coverage import SIGHTS, STATES
from otmon.findings.judge import case_of, found_in
from otmon.findings.standing import STATES as DECISIONS
from otmon.ledger.facts import HOUR_NS, RESPONSE_BOUNDS_NS
from otmon.ledger.ledger import EMPTY
from otmon.outputs.metrics import Status, StatusCollector, judged_metrics, metrics
from otmon.protocols.modbus import service
from otmon.protocols.protocol import AccessClass
from otmon.zones.decide import Outcome
from otmon.zones.place import locate
from tests.docs import LABELS
from tests.findings.taken import PAST, taken
from tests.outputs.sensed import case, status

UNITS = ("seconds", "bytes", "ratio")
"""Prometheus's base units, as far as they are used here."""
NOTHING = judged_metrics(case_of(EMPTY, None), (), (), ())
BARE = replace(status(), judged=NOTHING, interfaces=(), saves=0, told=(), told_s=())
"""A sensor without a model that has heard nothing."""


def page(of: Status) -> str:
    registry = CollectorRegistry()
    registry.register(StatusCollector(lambda: of))
    return generate_latest(registry).decode()


def families(of: Status) -> dict[str, Metric]:
    """The metrics as Prometheus's own Python parser reads the page."""
    found = list(parse(page(of)))
    named = {family.name: family for family in found}
    assert len(named) == len(found), "a metric is told twice"
    return named


def value(name: str, **labels: str) -> float:
    family = families(status())[name.removesuffix("_total")]
    (sample,) = [one for one in family.samples if one.name == name and one.labels == labels]
    return sample.value


def test_every_metric_of_the_status_is_on_the_page_and_has_a_value() -> None:
    on_page = families(status())
    assert {family.name for family in metrics(status())} == set(on_page)
    assert [name for name, family in on_page.items() if not family.samples] == []


def test_names_follow_the_conventions_of_prometheus() -> None:
    for name, family in families(status()).items():
        assert re.fullmatch(r"otmon_[a-z]+(_[a-z]+)*", name), name
        assert family.documentation.endswith("."), name
        if family.type == "counter":
            assert {sample.name for sample in family.samples} == {f"{name}_total"}
        units = [unit for unit in UNITS if unit in name.split("_")]
        assert all(name.endswith(unit) for unit in units), f"{name}: the unit comes last"


def test_promtool_finds_no_fault_with_the_page() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian: apt-get install prometheus)")
    for of in (status(), BARE):
        done = subprocess.run(
            [promtool, "check", "metrics"], input=page(of), capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_page_is_openmetrics_too() -> None:
    registry = CollectorRegistry()
    registry.register(StatusCollector(status))
    text = generate_openmetrics(registry).decode()
    assert {family.name for family in parse_openmetrics(text)} == set(families(status()))


def test_no_label_names_a_host_and_each_is_bounded() -> None:
    of = status()
    ledger, index = case().ledger, case().index
    assert index is not None
    hosts = {asset.address for asset in ledger.assets} | {asset.mac for asset in ledger.assets}
    zones = {zone.id for zone in index.model.zones} | {"internet", "unknown", ""}
    bounds = {
        "from_zone": zones,
        "to_zone": zones,
        "zone": zones,
        "boundary": {boundary.id for boundary in index.model.boundaries} | {""},
        "severity": set(SEVERITIES),
        "state": {*STATES, *DECISIONS},
        "sight": set(SIGHTS),
        "interface": {"eth1", "eth2"},
        "protocol": {*case().protocols, "unknown", "none", "icmp", "icmpv6"},
        "verdict": set(get_args(Outcome)),
        "function": {service(code, sub).name for code in range(256) for sub in range(-1, 256)},
        "access": set(get_args(AccessClass)),
        "exception": {str(code) for code in range(1, 256)},
    }
    seen: dict[str, set[str]] = {}
    for family in families(of).values():
        for sample in family.samples:
            for label, text in sample.labels.items():
                seen.setdefault(label, set()).add(text)
    assert set(seen) == set(LABELS), "docs/metrics.md tells of every label"
    for label, values in seen.items():
        assert not values & (hosts - {""}), label
        assert values <= bounds.get(label, values), label
        assert len(values) < 64, label


def test_numbers_are_those_of_the_status() -> None:
    of = status()
    assert value("otmon_capture_dropped_packets_total", interface="eth1") == 9
    assert value("otmon_capture_packets_total", interface="eth2") == 0
    assert value("otmon_capture_ring_fill_ratio", interface="eth1") == 0.25
    assert value("otmon_interface_up", interface="eth2") == 0
    assert value("otmon_interface_downs_total", interface="eth1") == 2
    assert value("otmon_ledger_missing_total", kind="assets") == 4
    assert value("otmon_ledger_missing_total", kind="operations") == 0
    assert value("otmon_findings_told_total", rule="unlisted-traffic", severity="critical") == 2
    assert value("otmon_last_finding_timestamp_seconds", severity="critical") == 1e9 + 40
    assert value("otmon_ledger_facts", kind="conversations") == len(case().ledger.conversations)
    found = Counter(one.severity for one in found_in(case()))
    for severity in SEVERITIES:
        samples = families(of)["otmon_findings"].samples
        assert sum(one.value for one in samples if one.labels["severity"] == severity) == found[severity]
    talks = families(of)["otmon_zone_conversations"].samples
    assert sum(one.value for one in talks) == len(case().conversations)


def test_a_boundary_is_in_exactly_one_state() -> None:
    states = Counter[str]()
    for sample in families(status())["otmon_boundary_state"].samples:
        states[sample.labels["boundary"]] += int(sample.value)
    assert states and set(states.values()) == {1}


def test_refused_unanswered_and_open_requests_are_told_apart() -> None:
    assert value("otmon_modbus_exceptions_total", exception="2") >= 3
    silent = sum(one.times for one in case().ledger.operations if one.status == -1)
    assert silent >= 5
    # A request that is still open may be answered: a counter that took it back would look like a restart.
    assert value("otmon_modbus_unanswered_total") == silent
    asked = families(status())["otmon_modbus_transactions"].samples
    assert sum(one.value for one in asked) == sum(one.times for one in case().ledger.operations)


def test_devices_are_counted_by_zone_and_class_and_those_that_nobody_listed() -> None:
    known = case()
    assert known.index is not None
    found = Counter[tuple[str, str]]()
    for one in families(status())["otmon_devices"].samples:
        found[one.labels["zone"], one.labels["class"]] += int(one.value)
    # The one that is listed is what the inventory says; the router has an address in many zones.
    assert found["plc", "controller"] >= 1
    assert sum(found.values()) >= len(known.population.devices)
    routers = [device for device in known.population.devices if device.probable.classes == ("router",)]
    zones = sum(len(zones_of(known.index, device.seen)) for device in routers)
    assert sum(count for (_, kind), count in found.items() if kind == "router") == zones > len(routers)
    unlisted = families(status())["otmon_unauthorised_devices"].samples
    assert {one.labels["zone"]: one.value for one in unlisted} == {"plc": len(strangers(known))}
    assert len(strangers(known)) > 1


def test_log_ins_and_malformed_messages_are_told_from_the_start() -> None:
    assert value("otmon_log_ins_total", secret="default", outcome="accepted") == 3
    assert value("otmon_log_ins_total", secret="empty", outcome="accepted") == 0
    assert value("otmon_malformed_messages_total", protocol="modbus", reason="crc") == 0
    told = families(status())["otmon_malformed_messages"].samples
    assert sum(one.value for one in told) == sum(one.times for one in case().ledger.anomalies) > 0


@pytest.mark.parametrize(
    ("later_ns", "age"),
    [(0, "hour"), (HOUR_NS, "hour"), (HOUR_NS + 1, "day"), (25 * HOUR_NS, "week"), (1 << 62, "older")],
)
def test_findings_age_by_the_times_of_packets(later_ns: int, age: str) -> None:
    (finding, *_) = found_in(case())
    (source,) = case().ledger.sources
    later = replace(source, last_ns=finding.first_ns + later_ns)
    known = replace(case(), ledger=replace(case().ledger, sources=(later,)))
    told = judged_metrics(known, (replace(finding, alike=7),), (), ()).findings[1].samples
    assert {one.labels["age"]: one.value for one in told if one.value} == {age: 7}
    assert {one.labels["severity"] for one in told} == set(SEVERITIES)


def test_findings_that_a_decision_covers_are_counted_apart() -> None:
    findings = found_in(case())
    one = next(one for one in findings if one.rule == "random-mac")
    labels = {"rule": one.rule, "severity": one.severity, "boundary": one.place.boundary}
    for known, apart, state in (
        (taken(case(), findings, one), 1, "holds"),
        (taken(case(), findings, one, until=PAST), 0, "lapsed"),
        (taken(case(), (), one), 0, "unmet"),
    ):
        judged = judged_metrics(case(), findings, (), (), known)
        told = {metric.name: metric.samples for metric in judged.findings}
        count = {name: sum(sample.value for sample in samples) for name, samples in told.items()}
        assert count["otmon_findings"] == count["otmon_findings_by_age"] == len(findings) - apart
        assert [s.labels for s in told["otmon_findings_decided"] if s.value] == [labels] * apart
        assert {s.labels["state"]: s.value for s in told["otmon_decisions"]} == {
            **dict.fromkeys(DECISIONS, 0),
            state: 1,
        }


def test_response_times_are_a_histogram_of_each_pair_of_zones() -> None:
    """Buckets hold all within their bound, the last one every answer; a sum beside them."""
    known, index = case(), case().index
    assert index is not None
    samples = families(status())["otmon_modbus_response_seconds"].samples
    buckets: dict[tuple[str, str], dict[str, float]] = {}
    for one in samples:
        if one.name.endswith("_bucket"):
            ends = one.labels["from_zone"], one.labels["to_zone"]
            buckets.setdefault(ends, {})[one.labels["le"]] = one.value
    assert len(buckets) > 1
    for ends, within in buckets.items():
        facts = [
            one
            for one in known.ledger.operations
            if (
                locate(index, one.client, one.vlan).zone,
                locate(index, one.server, one.vlan).zone,
            )
            == ends
        ]
        assert list(within) == [*(str(bound / 1e9) for bound in RESPONSE_BOUNDS_NS), "+Inf"]
        assert list(within.values()) == sorted(within.values())
        assert within["+Inf"] == sum(one.answered for one in facts)
        lines = {
            one.name.rpartition("_")[2]: one.value
            for one in samples
            if (one.labels["from_zone"], one.labels["to_zone"]) == ends and "le" not in one.labels
        }
        assert lines == {
            "count": within["+Inf"],
            "sum": sum(one.response_ns_sum for one in facts) / 1e9,
        }
        # The bounds that lie around all of them tell so.
        fast = [str(b / 1e9) for b in RESPONSE_BOUNDS_NS if b >= max(one.response_ns_max for one in facts)]
        least = min(one.response_ns_min for one in facts if one.answered)
        assert fast and all(within[bound] == within["+Inf"] for bound in fast)
        assert all(within[str(b / 1e9)] == 0 for b in RESPONSE_BOUNDS_NS if b < least)


def test_an_interface_without_a_packet_has_no_time_of_the_latest_one() -> None:
    samples = families(status())["otmon_capture_last_packet_timestamp_seconds"].samples
    assert [one.labels["interface"] for one in samples] == ["eth1"]


def test_a_sensor_that_heard_nothing_tells_so_and_claims_no_times() -> None:
    bare = families(BARE)
    assert {sample.value for sample in bare["otmon_findings"].samples} == {0}
    assert {one.labels["severity"] for one in bare["otmon_findings"].samples} == set(SEVERITIES)
    for name in ("otmon_ledger_saved_timestamp_seconds", "otmon_last_finding_timestamp_seconds"):
        assert bare[name].samples == []


def test_before_there_is_a_status_the_page_is_empty() -> None:
    registry = CollectorRegistry()
    registry.register(StatusCollector(lambda: None))
    assert generate_latest(registry) == b""


def test_the_same_status_gives_the_same_bytes() -> None:
    assert page(status()) == page(replace(status()))
