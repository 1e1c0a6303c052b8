"""Metrics of a capture, with the packets' times: what a sensor would have told had it been there.

An OpenMetrics text with a sample of each series at the end of each minute in which there were packets.
`promtool tsdb create-blocks-from openmetrics` turns it into blocks of Prometheus's. What a capture knows
nothing of (`otmon.outputs.metrics.OF_A_SENSOR`) is left out.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final, TextIO

from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.registry import Collector, CollectorRegistry

from otmon.detect.detector import Case
from otmon.findings.coverage import coverage, zones_seen
from otmon.findings.decision import NO_DECISIONS, Decisions
from otmon.findings.judge import found_in
from otmon.findings.news import News
from otmon.findings.standing import decided
from otmon.ledger.ledger import Ledger
from otmon.outputs.metrics import OF_A_SENSOR, InterfaceStatus, Status, judged_metrics, metrics

INTERFACE: Final = "replay"
"""The value of `interface` and `instance`: one for all files, so that their number bounds nothing."""
SHARED: Final = {"instance": INTERFACE, "job": "otmon"}
"""Labels that Prometheus would have added; dashboards and rules ask for them."""
MINUTES: Final = 50_000
"""Five weeks. A sample takes 16 bytes, and a plant has some hundred series."""
_END: Final = "# EOF\n"

_Labels = tuple[tuple[str, str], ...]
_Series = tuple[str, _Labels]
"""Name of the samples, and their labels."""


class History:
    """Collects samples minute by minute. `left_out` counts minutes beyond `MINUTES`."""

    def __init__(
        self, judge: Callable[[Ledger], Case], version: str, decisions: Decisions = NO_DECISIONS
    ) -> None:
        self._decisions = decisions
        self._judge = judge
        self._version = version
        self._news = News()
        self._told = Counter[tuple[str, str]]()
        self._told_s: dict[str, float] = {}
        self._times: set[int] = set()
        self._families: dict[str, tuple[Metric, dict[_Series, tuple[array[float], array[float]]]]] = {}
        self.left_out = 0

    def look(self, time_ns: int, facts: Callable[[], Ledger]) -> None:
        """Sample the facts as of a time in nanoseconds since 1970. A time is looked at once: where the
        capture's clock goes back, what came late counts from the next one on."""
        if time_ns in self._times:
            return
        if len(self._times) >= MINUTES:
            self.left_out += 1
            return
        self._times.add(time_ns)
        time_s = time_ns / 1e9
        for family in metrics(self._status(facts(), time_s)):
            if family.name not in OF_A_SENSOR:
                _, series = self._families.setdefault(family.name, (family, {}))
                for sample in family.samples:
                    key = sample.name, tuple(sorted((sample.labels | SHARED).items()))
                    times, values = series.setdefault(key, (array("d"), array("d")))
                    times.append(time_s)
                    values.append(sample.value)

    def write(self, stream: TextIO) -> None:
        """Everything as OpenMetrics: families in their order, samples of the same labels by time."""
        for first, series in self._families.values():
            family = Metric(first.name, first.documentation, first.type)
            # What a histogram tells of one time stands together, in its order.
            for shared in sorted({_without_bound(labels) for _, labels in series}):
                points = (
                    (time_s, place, name, labels, value)
                    for place, (name, labels) in enumerate(series)
                    if _without_bound(labels) == shared
                    for time_s, value in zip(*series[name, labels], strict=True)
                )
                for time_s, _, name, labels, value in sorted(points, key=lambda point: point[:2]):
                    family.add_sample(name, dict(labels), value, time_s)
            registry = CollectorRegistry()
            registry.register(_One(family))
            text: bytes = generate_latest(registry)  # type: ignore[no-untyped-call]
            stream.write(text.decode().removesuffix(_END))
        stream.write(_END)

    def _status(self, ledger: Ledger, time_s: float) -> Status:
        case = self._judge(ledger)
        findings = found_in(case)
        known = decided(case, findings, self._decisions)
        for finding, _ in self._news.of(known.uncovered(findings)):
            self._told[finding.rule, finding.severity] += 1
            self._told_s[finding.severity] = time_s
        noted = Counter[str]()
        for source in ledger.sources:
            noted.update(dict(source.counters))
        port = InterfaceStatus(
            name=INTERFACE,
            is_up=True,
            downs=0,
            received=0,
            dropped=0,
            freezes=0,
            fill=0.0,
            packets=sum(source.packets for source in ledger.sources),
            octets=sum(source.bytes for source in ledger.sources),
            last_ns=max((source.last_ns for source in ledger.sources), default=0),
            stamped=0,
            restarts=0,
            added_ns=0,
            counters=tuple(sorted(noted.items())),
        )
        return Status(
            version=self._version,
            started_s=0,
            interfaces=(port,),
            judged=judged_metrics(case, findings, coverage(case), zones_seen(case), known),
            entries=(),
            judgements=0,
            judging_s=0,
            judged_s=0,
            saves=0,
            failed_saves=0,
            aged=0,
            saving_s=0,
            saved_s=0,
            model_loaded=True,
            told=tuple(sorted(self._told.items())),
            told_s=tuple(sorted(self._told_s.items())),
            evidence_files=0,
            unproven=0,
            aside=0,
        )


def _without_bound(labels: _Labels) -> _Labels:
    """The labels of a histogram that its buckets share."""
    return tuple(label for label in labels if label[0] != "le")


class _One(Collector):
    """A metric family that is there already."""

    def __init__(self, family: Metric) -> None:
        self._family = family

    def collect(self) -> Iterator[Metric]:
        yield self._family
