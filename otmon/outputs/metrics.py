"""Metrics for Prometheus: one `Status` of the sensor, told anew at every scrape.

Names follow Prometheus's conventions: base units, `_total` for what only grows. No label has more values
than the model has zones and boundaries, or than a table of this program has rows: names of hosts are in
findings, never in labels. What is judged anew (conversations by verdict) may shrink, so it is a gauge.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Final, get_args

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from otmon.assets.place import inventoried, zones_of
from otmon.detect.detector import Case
from otmon.detect.finding import SEVERITIES, Finding
from otmon.detect.unauthorised_device import strangers
from otmon.findings.coverage import SIGHTS, STATES, Coverage, ZoneCoverage
from otmon.findings.standing import UNDECIDED, Decided
from otmon.ledger.facts import (
    HOUR_NS,
    LONGEST_NS,
    OUTCOMES,
    RESPONSE_BOUNDS_NS,
    UNANSWERED,
    CredentialKind,
    Operation,
)
from otmon.ledger.ledger import KINDS, conversation_key
from otmon.protocols.modbus import REASONS
from otmon.zones.place import locate

EXCEPTIONS: Final = (1, 2, 3, 4, 5, 6, 7, 8, 10, 11)
"""The exception codes of Modbus; a message with another one is malformed."""
_BOUNDS: Final = tuple(str(bound_ns / 1e9) for bound_ns in RESPONSE_BOUNDS_NS)
"""As OpenMetrics wants them, in seconds."""
UNSURE: Final = {"possible": "unsure", "contradicted": "contradicted", "unknown": "unknown"}
"""What stands for the class of a device whose signals name none, or several."""
AGES: Final = {
    "hour": HOUR_NS, "day": 24 * HOUR_NS, "week": 7 * 24 * HOUR_NS, "month": 30 * 24 * HOUR_NS,
    "older": LONGEST_NS,
}  # fmt: skip
"""At most so long ago, in nanoseconds."""
LAYER: Final = "layer."
"""How counters of decoded packets begin."""


@dataclass(frozen=True, slots=True)
class InterfaceStatus:
    """One interface, counted since the sensor began."""

    name: str
    is_up: bool
    downs: int
    """How often it was found down, having been up."""
    received: int
    dropped: int
    freezes: int
    fill: float
    """Share of the ring that waits to be read, 0 to 1."""
    packets: int
    octets: int
    last_ns: int
    stamped: int
    """Packets with the card's time."""
    restarts: int
    """How often a process that reads it ended and was started anew."""
    added_ns: int
    """To the times of packets, as the clock is wrong."""
    counters: tuple[tuple[str, int], ...]
    """As `Source.counters`."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What is told of facts, verdicts and findings, as they were when they were judged. They are counted
    once: kept until the next scrape they would take more memory than the ledger."""

    ledger: tuple[Metric, ...]
    zones: tuple[Metric, ...]
    devices: tuple[Metric, ...]
    findings: tuple[Metric, ...]
    modbus: tuple[Metric, ...]


@dataclass(frozen=True, slots=True)
class Status:
    """What the sensor knows and how it fares."""

    version: str
    started_s: float
    interfaces: tuple[InterfaceStatus, ...]
    judged: Judged
    entries: tuple[tuple[tuple[str, str], int], ...]
    """Rows in use, by (interface, table), at the last judgement."""
    judgements: int
    judging_s: float
    """Seconds spent on facts and verdicts."""
    judged_s: float
    """Time of the last judgement, seconds since 1970."""
    saves: int
    failed_saves: int
    aged: int
    """Facts that were forgotten, as nobody had seen them again for too long."""
    saving_s: float
    saved_s: float
    aside: int
    """Ledgers that could not be read, and stand aside."""
    model_loaded: bool
    """Whether the model that the files hold is the one in force."""
    told: tuple[tuple[tuple[str, str], int], ...]
    """How many findings came up, by (rule, severity)."""
    told_s: tuple[tuple[str, float], ...]
    """When the last one of each severity came up, seconds since 1970."""
    evidence_files: int
    unproven: int
    """Findings without a capture, as too many came up at once or it could not be written."""


OF_A_SENSOR: Final = frozenset({
    "otmon_start_time_seconds", "otmon_judgements", "otmon_judging_seconds",
    "otmon_last_judgement_timestamp_seconds", "otmon_model_loaded", "otmon_interface_up",
    "otmon_interface_downs",
    "otmon_capture_received_packets", "otmon_capture_dropped_packets", "otmon_capture_ring_freezes",
    "otmon_capture_card_time_packets", "otmon_capture_restarts", "otmon_capture_ring_fill_ratio",
    "otmon_table_entries", "otmon_ledger_saves", "otmon_ledger_failed_saves",
    "otmon_ledger_saving_seconds", "otmon_ledger_saved_timestamp_seconds", "otmon_evidence_files",
    "otmon_evidence_missing", "otmon_ledgers_aside", "otmon_clock_correction_seconds",
})  # fmt: skip
"""What a capture knows nothing of."""


class StatusCollector(Collector):
    """Asks for the status when Prometheus asks."""

    def __init__(self, status: Callable[[], Status | None]) -> None:
        self._status = status

    def collect(self) -> Iterator[Metric]:
        status = self._status()
        if status is not None:
            yield from metrics(status)

    def describe(self) -> Iterator[Metric]:
        """Nothing: the names depend on nothing, but are only known by collecting."""
        return iter(())


def metrics(status: Status) -> Iterator[Metric]:
    """Every metric of the status."""
    yield from _program(status)
    yield from _capture(status)
    yield from status.judged.ledger
    yield from _saving(status)
    yield from status.judged.zones
    yield from status.judged.devices
    yield from status.judged.findings
    yield from _telling(status)
    yield from status.judged.modbus


def judged_metrics(
    case: Case,
    findings: Iterable[Finding],
    covered: Iterable[Coverage],
    zones: Iterable[ZoneCoverage],
    decided: Decided = UNDECIDED,
) -> Judged:
    """The metrics of a judgement; nothing of what is given is kept."""
    return Judged(
        tuple(_facts(case)),
        tuple(_zones(case, covered, zones)),
        tuple(_devices(case)),
        tuple(_findings(findings, max((one.last_ns for one in case.ledger.sources), default=0), decided)),
        tuple(_modbus(case)),
    )


def _counter(name: str, help: str, labels: tuple[str, ...], rows: Counter[tuple[str, ...]]) -> Metric:
    family = CounterMetricFamily(f"otmon_{name}", help, labels=labels)
    for values, amount in sorted(rows.items()):
        family.add_metric(list(values), amount)
    return family


def _gauge(name: str, help: str, labels: tuple[str, ...], rows: dict[tuple[str, ...], float]) -> Metric:
    family = GaugeMetricFamily(f"otmon_{name}", help, labels=labels)
    for values, amount in sorted(rows.items()):
        family.add_metric(list(values), amount)
    return family


def _program(status: Status) -> Iterator[Metric]:
    yield _gauge("build_info", "Version of otmon.", ("version",), {(status.version,): 1})
    yield GaugeMetricFamily("otmon_start_time_seconds", "When the sensor began.", status.started_s)
    yield CounterMetricFamily("otmon_judgements", "How often all facts were judged.", status.judgements)
    yield CounterMetricFamily(
        "otmon_judging_seconds", "Time spent on facts and verdicts.", round(status.judging_s, 6)
    )
    yield GaugeMetricFamily(
        "otmon_last_judgement_timestamp_seconds", "When facts were last judged.", status.judged_s
    )
    yield GaugeMetricFamily(
        "otmon_model_loaded",
        "1 where the zone model in force is the one in its files, 0 where these have errors.",
        status.model_loaded,
    )


def _capture(status: Status) -> Iterator[Metric]:
    one = ("interface",)
    ports = status.interfaces
    yield _gauge(
        "interface_up",
        "1 where the interface is up and has a link.",
        one,
        {(p.name,): p.is_up for p in ports},
    )
    for name, help, amounts in (
        ("interface_downs", "How often the interface was found down, having been up.",
         [p.downs for p in ports]),
        ("capture_packets", "Packets that were read.", [p.packets for p in ports]),
        ("capture_bytes", "Bytes that they had on the wire.", [p.octets for p in ports]),
        ("capture_received_packets", "Packets that Linux put into the ring or dropped.",
         [p.received for p in ports]),
        ("capture_dropped_packets", "Packets that Linux dropped, as the ring was full.",
         [p.dropped for p in ports]),
        ("capture_ring_freezes", "How often the ring was full.", [p.freezes for p in ports]),
        ("capture_card_time_packets", "Packets whose time is that of the card.", [p.stamped for p in ports]),
        ("capture_restarts", "How often a process that reads was started anew, having ended unasked.",
         [p.restarts for p in ports]),
    ):  # fmt: skip
        rows: Counter[tuple[str, ...]] = Counter(
            {(p.name,): amount for p, amount in zip(ports, amounts, strict=True)}
        )
        yield _counter(name, help, one, rows)
    yield _gauge(
        "capture_ring_fill_ratio", "Share of the ring that waits to be read.", one,
        {(p.name,): p.fill for p in ports},
    )  # fmt: skip
    yield _gauge(
        "capture_last_packet_timestamp_seconds", "Time of the latest packet.", one,
        {(p.name,): p.last_ns / 1e9 for p in ports if p.last_ns},
    )  # fmt: skip
    yield _gauge(
        "clock_correction_seconds",
        "What is added to the times of packets, as the machine's clock is wrong; 0 where it is believed.",
        one,
        {(p.name,): p.added_ns / 1e9 for p in ports},
    )  # fmt: skip
    yield _gauge(
        "table_entries",
        "Rows in use of the tables of fixed size; those that gave way are among otmon_noted.",
        ("interface", "table"), dict(status.entries),
    )  # fmt: skip
    layers: Counter[tuple[str, ...]] = Counter()
    noted: Counter[tuple[str, ...]] = Counter()
    for port in ports:
        for name, amount in port.counters:
            if name.startswith(LAYER):
                layers[port.name, name.removeprefix(LAYER)] += amount
            elif name != "packets":
                noted[port.name, name] += amount
    yield _counter("decoded_packets", "Packets by protocol layer.", ("interface", "layer"), layers)
    yield _counter(
        "noted", "What was limited, skipped, seen twice or counted beside packets.",
        ("interface", "what"), noted,
    )  # fmt: skip


def _facts(case: Case) -> Iterator[Metric]:
    ledger = case.ledger
    parts = [kind for kind in KINDS if kind not in ("sources", "damage")]
    yield _gauge(
        "ledger_facts", "Facts that are kept.", ("kind",),
        {(part,): len(getattr(ledger, part)) for part in parts},
    )  # fmt: skip
    yield _counter(
        "ledger_missing", "Packets or transactions whose facts found no place.", ("kind",),
        Counter(dict.fromkeys([(part,) for part in parts], 0) | {(k,): n for k, n in ledger.overflow}),
    )  # fmt: skip
    protocols: Counter[tuple[str, ...]] = Counter((fact.protocol,) for fact in ledger.conversations)
    yield _gauge("conversations", "Conversations by protocol.", ("protocol",), dict(protocols))


def _saving(status: Status) -> Iterator[Metric]:
    yield CounterMetricFamily(
        "otmon_ledger_aged", "Facts that were forgotten, not having been seen for too long.", status.aged
    )
    yield CounterMetricFamily("otmon_ledger_saves", "How often the ledger was saved.", status.saves)
    yield CounterMetricFamily("otmon_ledger_failed_saves", "How often it could not be.", status.failed_saves)
    yield CounterMetricFamily("otmon_ledger_saving_seconds", "Time spent on that.", round(status.saving_s, 6))
    # A sensor without a ledger has no such time, and 0 would look like one that is long past.
    yield _gauge(
        "ledger_saved_timestamp_seconds", "When the ledger was last saved.", (),
        {(): status.saved_s} if status.saves else {},
    )  # fmt: skip
    yield GaugeMetricFamily(
        "otmon_ledgers_aside",
        "Ledgers that could not be read and were put aside, beside the one in use.",
        status.aside,
    )


def _zones(case: Case, covered: Iterable[Coverage], seen: Iterable[ZoneCoverage]) -> Iterator[Metric]:
    labels = ("from_zone", "to_zone", "boundary", "verdict")
    talks: Counter[tuple[str, ...]] = Counter()
    packets: Counter[tuple[str, ...]] = Counter()
    boundaries = case.index.boundaries if case.index is not None else {}
    for fact, verdict in case.conversations:
        ends = verdict.from_zone, verdict.to_zone
        boundary = boundaries.get((min(ends), max(ends)))
        key = (*ends, boundary.id if boundary is not None else "", verdict.outcome)
        talks[key] += 1
        packets[key] += fact.packets_to_server + fact.packets_to_client
    yield _gauge("zone_conversations", "Conversations by zones and verdict.", labels, dict(talks))
    yield _gauge("zone_packets", "Their packets.", labels, dict(packets))
    yield _gauge(
        "boundary_state", "1 for the state in which a boundary is: kept, violated or unobservable.",
        ("boundary", "state"),
        {(one.boundary, state): one.state == state for one in covered for state in STATES},
    )  # fmt: skip
    yield _gauge(
        "zone_sight", "1 for how much of a zone is seen: seen, partly or unseen.", ("zone", "sight"),
        {(one.zone, sight): one.sight == sight for one in seen for sight in SIGHTS},
    )  # fmt: skip
    assets: Counter[tuple[str, ...]] = Counter()
    if case.index is not None:
        for asset in case.ledger.assets:
            assets[(locate(case.index, asset.address or asset.mac, asset.vlan).zone,)] += 1
    yield _gauge("assets", "Senders that were seen, by zone.", ("zone",), dict(assets))


def _devices(case: Case) -> Iterator[Metric]:
    found: dict[tuple[str, ...], float] = defaultdict(int)
    for device in case.population.devices:
        probable = device.probable
        kind = UNSURE.get(probable.sureness) or probable.classes[0]
        for zone in zones_of(case.index, device.seen) if case.index is not None else ("",):
            found[zone, kind] += 1
    yield _gauge(
        "devices", "Devices by what they probably are; one in several zones counts in each.",
        ("zone", "class"), found,
    )  # fmt: skip
    unlisted: dict[tuple[str, ...], float] = defaultdict(int)
    if case.index is not None:
        unlisted.update({(zone,): 0 for zone in inventoried(case.index)})
    for _, zone in strangers(case).values():
        unlisted[(zone,)] += 1
    yield _gauge(
        "unauthorised_devices", "Devices in a zone with an inventory that does not list them.", ("zone",),
        unlisted,
    )  # fmt: skip
    log_ins: Counter[tuple[str, ...]] = Counter(
        {(secret, outcome): 0 for secret in get_args(CredentialKind) for outcome in OUTCOMES}
    )
    for one in case.ledger.credentials:
        log_ins[one.kind, one.outcome] += one.times
    yield _counter(
        "log_ins", "Log-ins whose secret could be read or is a published default, by what came of them.",
        ("secret", "outcome"), log_ins,
    )  # fmt: skip


def _findings(findings: Iterable[Finding], now_ns: int, decided: Decided) -> Iterator[Metric]:
    found: dict[tuple[str, ...], float] = {("", severity, ""): 0 for severity in SEVERITIES}
    known = found.copy()
    aged: dict[tuple[str, ...], float] = {(severity, age): 0 for severity in SEVERITIES for age in AGES}
    for one in findings:
        key = (one.rule, one.severity, one.place.boundary)
        if decided.covers(one):
            known[key] = known.get(key, 0) + one.alike
            continue
        found[key] = found.get(key, 0) + one.alike
        age = next(age for age, most_ns in AGES.items() if now_ns - one.first_ns <= most_ns)
        aged[one.severity, age] += one.alike
    yield _gauge(
        "findings", "Findings that stand and no decision covers, by rule, severity and boundary.",
        ("rule", "severity", "boundary"), found,
    )  # fmt: skip
    yield _gauge(
        "findings_by_age", "The same as otmon_findings by how long before the latest packet they began.",
        ("severity", "age"), aged,
    )  # fmt: skip
    yield _gauge(
        "findings_decided", "Findings that stand and a decision covers.", ("rule", "severity", "boundary"),
        known,
    )  # fmt: skip
    yield _gauge(
        "decisions",
        "Decisions about findings: holds, outgrown by what was found since, lapsed, unmet by any finding.",
        ("state",), {(state,): count for state, count in decided.states.items()},
    )  # fmt: skip


def _telling(status: Status) -> Iterator[Metric]:
    yield _counter(
        "findings_told", "Findings that came up since the sensor began.", ("rule", "severity"),
        Counter(dict(status.told)),
    )  # fmt: skip
    # A counter that begins with its first finding shows Prometheus no increase; a time does.
    yield _gauge(
        "last_finding_timestamp_seconds", "When a finding last came up, by severity.", ("severity",),
        {(severity,): time_s for severity, time_s in status.told_s},
    )  # fmt: skip
    yield GaugeMetricFamily(
        "otmon_evidence_files", "Captures of findings that are kept.", status.evidence_files
    )
    yield CounterMetricFamily(
        "otmon_evidence_missing",
        "Findings without a capture, as too many came up at once or it could not be written.",
        status.unproven,
    )


class _Answers:
    """Response times of several operations."""

    def __init__(self) -> None:
        self._counts = [0] * len(RESPONSE_BOUNDS_NS)
        self._answered = 0
        self.total_ns = 0
        self.longest_ns = 0

    def add(self, one: Operation) -> None:
        for place, count in enumerate(one.response_counts):
            self._counts[place] += count
        self._answered += one.answered
        self.total_ns += one.response_ns_sum
        self.longest_ns = max(self.longest_ns, one.response_ns_max)

    def buckets(self) -> list[tuple[str, float]]:
        """Each bound with what was within it, as Prometheus counts."""
        within = accumulate(self._counts)
        return [*zip(_BOUNDS, within, strict=True), ("+Inf", self._answered)]


def _malformed(case: Case) -> Metric:
    # From the start, as refusals.
    found: Counter[tuple[str, ...]] = Counter({("modbus", reason): 0 for reason, _ in REASONS[1:]})
    for one in case.ledger.anomalies:
        found[one.protocol, one.reason] += one.times
    return _counter(
        "malformed_messages",
        "Messages that their protocol does not allow; lost-bytes counts where the capture lost some.",
        ("protocol", "reason"), found,
    )  # fmt: skip


def _modbus(case: Case) -> Iterator[Metric]:
    asked: Counter[tuple[str, ...]] = Counter()
    # From the start, so that the first refusal of a kind is seen as an increase.
    refused: Counter[tuple[str, ...]] = Counter({(str(code),): 0 for code in EXCEPTIONS})
    unanswered = 0
    answers: dict[tuple[str, str], _Answers] = defaultdict(_Answers)
    for one in case.ledger.operations:
        if one.protocol != "modbus":
            continue
        asked[one.service, one.access] += one.times
        if one.status > 0:
            refused[(str(one.status),)] += one.times
        elif one.status == UNANSWERED:
            unanswered += one.times
        verdict = case.verdicts.get(conversation_key(one))
        answers[("", "") if verdict is None else (verdict.from_zone, verdict.to_zone)].add(one)
    yield _counter(
        "modbus_transactions", "Transactions by function and access class.", ("function", "access"), asked
    )
    yield _malformed(case)
    yield _counter("modbus_exceptions", "Refused transactions by exception code.", ("exception",), refused)
    yield CounterMetricFamily("otmon_modbus_unanswered", "Requests that got no answer.", unanswered)
    family = HistogramMetricFamily(
        "otmon_modbus_response_seconds",
        "Response times by zones; those that a ledger of an older version counted are in +Inf alone.",
        labels=("from_zone", "to_zone"),
    )
    for zones, seen in sorted(answers.items()):
        family.add_metric(list(zones), seen.buckets(), seen.total_ns / 1e9)
    yield family
    yield _gauge(
        "modbus_response_max_seconds", "The longest response time by zones.", ("from_zone", "to_zone"),
        {zones: seen.longest_ns / 1e9 for zones, seen in answers.items()},
    )  # fmt: skip
