"""What a person reads on a terminal: a summary, findings by severity and by boundary, and each
finding with its reasons and its packets.

On a pipe it is plain text of 100 columns. Whatever came from the network or a file is made visible
first (`otmon.findings.wording.visible`), so that no capture can steer a terminal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TextIO

from rich.box import SIMPLE_HEAD
from rich.console import Console, ConsoleOptions, Group
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from otmon.detect.finding import SEVERITIES, Finding
from otmon.findings.coverage import SIGHTS, STATES, Coverage, Sight, State, ZoneCoverage
from otmon.findings.decision import Decision
from otmon.findings.judge import id_of
from otmon.findings.standing import UNDECIDED, Decided, Standing
from otmon.findings.wording import Language, damage_detail, named, text, visible, worded
from otmon.ledger.ledger import Ledger
from otmon.outputs.instant import clock_name, short_text
from otmon.outputs.jsonlines import by_boundary
from otmon.outputs.lines import broken, columns

WIDTH: Final = 100
"""Columns where there is no terminal."""
_STATES: Final[dict[State, str]] = {
    "kept": "coverage.kept",
    "violated": "coverage.violated",
    "unobservable": "coverage.unobservable",
}
_SIGHTS: Final[dict[Sight, str]] = {
    "seen": "coverage.seen",
    "partly": "coverage.partly",
    "unseen": "coverage.unseen",
}
STYLES: Final = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "cyan", "info": "blue"}
DAMAGE_SHOWN: Final = 10
CONVERSATIONS_SHOWN: Final = 30
FINDINGS_SHOWN: Final = 200
BOUNDARIES_SHOWN: Final = 40
"""More lines than these help nobody on a terminal; the JSON lines have all."""
_NARROWEST: Final = 16
"""Columns below which a paragraph is not squeezed as long as there are others."""
UNNOTED: Final = ("layer.", "packets", "transactions", "requests unanswered", "requests open")
"""Counters that are shown elsewhere or by request only."""


def _console_for(stream: TextIO) -> Console:
    """A console on `stream`: as wide as the terminal, or `WIDTH` on a pipe."""
    known = Console(file=stream, highlight=False, emoji=False, markup=False, soft_wrap=False)
    if known.is_terminal:
        return known
    return Console(file=stream, highlight=False, emoji=False, markup=False, width=WIDTH)


def write_table(
    stream: TextIO,
    ledger: Ledger,
    findings: Sequence[Finding],
    files: Sequence[str],
    language: Language,
    covered: Sequence[Coverage] = (),
    zones: Sequence[ZoneCoverage] = (),
    timezone: str = "",
    decided: Decided = UNDECIDED,
) -> None:
    """Write everything; `files`, `covered`, `zones` and `timezone`, by whose clocks times are shown, are the
    model's, empty without one. Findings that decisions cover are in a section of their own."""
    console = _console_for(stream)
    with console.capture() as written:
        _write(console, ledger, findings, files, language, covered, zones, timezone, decided)
    stream.writelines(f"{line.rstrip()}\n" for line in written.get().splitlines())


def write_finding(
    stream: TextIO,
    finding: Finding,
    language: Language,
    timezone: str = "",
    standing: Standing | None = None,
) -> None:
    """Write one finding with its reasons and its packets, as in the table of all, and what to do; less of one
    that a decision covers."""
    console = _console_for(stream)
    with console.capture() as written:
        if standing is not None and standing.holds:
            console.print(_decided(finding, standing.decision, language, timezone), soft_wrap=False)
        else:
            console.print(
                _finding(finding, language, timezone, standing, with_response=True), soft_wrap=False
            )
    stream.writelines(f"{line.rstrip()}\n" for line in written.get().splitlines())


def _write(
    console: Console,
    ledger: Ledger,
    findings: Sequence[Finding],
    files: Sequence[str],
    language: Language,
    covered: Sequence[Coverage],
    zones: Sequence[ZoneCoverage],
    timezone: str,
    decided: Decided,
) -> None:
    _summary(console, ledger, files, language, timezone)
    _zones(console, zones, language)
    _coverage(console, covered, language)
    if not files:
        _conversations(console, ledger, language)
    console.print(Text(text("table.findings", language), style="bold"))
    told = decided.uncovered(findings)
    # What ends first is the first that people talk about.
    known = sorted(
        (one for one in findings if decided.covers(one)),
        key=lambda one: decided.standings[id_of(one)].decision.until,
    )
    if told:
        _by_severity(console, told, len(known), language)
        _by_boundary(console, told, language)
        for finding in told[:FINDINGS_SHOWN]:
            console.print(_finding(finding, language, timezone, decided.of(finding)), soft_wrap=False)
        _more(console, len(told) - FINDINGS_SHOWN, language)
    else:
        key = "table.nothing-undecided" if known else "table.nothing-found"
        console.print(Padding(text(key, language), (0, 0, 1 if known else 0, 2)))
    if known:
        console.print(Text(text("table.decided", language, count=len(known)), style="bold"))
        for finding in known[:FINDINGS_SHOWN]:
            decision = decided.standings[id_of(finding)].decision
            console.print(_decided(finding, decision, language, timezone), soft_wrap=False)
        _more(console, len(known) - FINDINGS_SHOWN, language)
    _responses(console, told[:FINDINGS_SHOWN], language)


@dataclass(frozen=True, slots=True)
class _Paragraph:
    """A text in Japanese, whose lines break elsewhere than those of a language with spaces between words."""

    text: Text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        at = 0
        for line in broken(self.text.plain, options.max_width):
            begin = self.text.plain.index(line, at)
            at = begin + len(line)
            yield self.text[begin:at]

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(min(_NARROWEST, options.max_width), columns(self.text.plain))


def _said(what: str | Text, language: Language) -> str | Text | _Paragraph:
    """A text as the language breaks its lines."""
    return _Paragraph(Text(what) if isinstance(what, str) else what) if language == "ja" else what


def _grid() -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    return grid


def _more(console: Console, count: int, language: Language) -> None:
    if count > 0:
        console.print(Padding(text("table.more-lines", language, count=count), (0, 0, 0, 2)))


def _summary(
    console: Console, ledger: Ledger, files: Sequence[str], language: Language, timezone: str
) -> None:
    totals = Counter[str]()
    for source in ledger.sources:
        totals.update(dict(source.counters))
    grid = _grid()

    def add(label: str, value: str) -> None:
        grid.add_row(text(f"table.{label}", language), value)

    names = [visible(source.name) for source in ledger.sources]
    add("sources", ", ".join(names[:3]) + (f" ... ({len(names)})" if len(names) > 3 else ""))
    packets = f"{sum(source.packets for source in ledger.sources):,}"
    timed = [source for source in ledger.sources if source.packets]
    if timed:
        first = short_text(min(source.first_ns for source in timed), timezone)
        last = short_text(max(source.last_ns for source in timed), timezone)
        span = text("table.from-to", language, first=first, last=last, clock=clock_name(timezone))
        packets += f", {span}"
    add("packets", packets)
    known = sum(fact.protocol not in ("unknown", "none") for fact in ledger.conversations)
    spoken = sum(fact.protocol != "none" for fact in ledger.conversations)
    add("assets", f"{len(ledger.assets):,}")
    add(
        "conversations",
        f"{len(ledger.conversations):,}; {text('table.recognised', language, known=known, all=spoken)}",
    )
    protocols = Counter(fact.protocol for fact in ledger.conversations)
    add("protocols", ", ".join(f"{name} {count}" for name, count in protocols.most_common(12)))
    if totals["transactions"]:
        unanswered = text("table.unanswered-of", language, count=totals["requests unanswered"])
        still_open = text("table.open-of", language, count=totals["requests open at the end"])
        add("transactions", f"{totals['transactions']:,}, {unanswered}, {still_open}")
    noted = [(name, count) for name, count in sorted(totals.items()) if not name.startswith(UNNOTED)]
    if noted:
        add("noted", ", ".join(f"{named('noted', name, language)}: {count:,}" for name, count in noted))
    if ledger.overflow:
        lost = (f"{named('fact-kind', kind, language)}: {amount:,}" for kind, amount in ledger.overflow)
        add("overflow", ", ".join(lost))
    add("model", ", ".join(map(visible, files)) or text("table.no-model-given", language))
    console.print(Text(text("table.summary", language), style="bold"))
    console.print(Padding(grid, (0, 0, 1, 2)))
    if ledger.damage:
        console.print(Text(text("table.damage", language), style="bold red"))
        for line in _damage(ledger, language):
            console.print(Padding(_said(line, language), (0, 0, 0, 2)))
        console.print()


def _zones(console: Console, zones: Sequence[ZoneCoverage], language: Language) -> None:
    """How much of each zone the capture shows; those of which nothing known is missing are counted only."""
    if not zones:
        return
    counts = Counter(one.sight for one in zones)
    told = "   ".join(f"{text(_SIGHTS[sight], language)} {counts[sight]}" for sight in SIGHTS)
    console.print(Text(text("table.zones-seen", language), style="bold"))
    console.print(Padding(told, (0, 0, 0, 2)))
    listed = [one for one in zones if one.why]
    if listed:
        table = Table(box=SIMPLE_HEAD, padding=(0, 1))
        for column in ("zone", "state", "hosts", "missing"):
            right = column == "hosts"
            table.add_column(
                text(f"table.{column}", language), justify="right" if right else "left", overflow="fold"
            )
        for one in listed[:BOUNDARIES_SHOWN]:
            why = text("joint", language).join(worded(message, language) for message in one.why)
            sight = text(_SIGHTS[one.sight], language)
            table.add_row(visible(one.zone), sight, f"{one.hosts:,}", _said(why, language))
        console.print(Padding(table, (0, 0, 0, 2)))
        _more(console, len(listed) - BOUNDARIES_SHOWN, language)
    console.print()


def _coverage(console: Console, covered: Sequence[Coverage], language: Language) -> None:
    """How far the capture shows that each boundary was kept."""
    if not covered:
        return
    counts = Counter(one.state for one in covered)
    told = "   ".join(f"{text(_STATES[state], language)} {counts[state]}" for state in STATES)
    console.print(Text(text("table.coverage", language), style="bold"))
    console.print(Padding(told, (0, 0, 0, 2)))
    table = Table(box=SIMPLE_HEAD, padding=(0, 1))
    for column in ("boundary", "state", "crossed", "doubt"):
        right = column == "crossed"
        table.add_column(
            text(f"table.{column}", language), justify="right" if right else "left", overflow="fold"
        )
    for one in covered[:BOUNDARIES_SHOWN]:
        why = text("joint", language).join(worded(message, language) for message in one.why)
        state = text(_STATES[one.state], language)
        table.add_row(visible(one.boundary), state, f"{one.conversations:,}", _said(why, language))
    console.print(Padding(table, (0, 0, 0, 2)))
    _more(console, len(covered) - BOUNDARIES_SHOWN, language)
    console.print()


def _damage(ledger: Ledger, language: Language) -> Iterator[str]:
    for damage in ledger.damage[:DAMAGE_SHOWN]:
        kind = text(f"damage.{damage.kind}", language)
        if damage.offset < 0:
            yield text("table.damage-sum", language, source=damage.source, kind=kind, count=damage.count)
        else:
            yield text(
                "table.damage-line", language,
                source=damage.source, offset=damage.offset, kind=kind,
                detail=damage_detail(damage.detail, language),
            )  # fmt: skip
    if len(ledger.damage) > DAMAGE_SHOWN:
        yield text("table.more-lines", language, count=len(ledger.damage) - DAMAGE_SHOWN)


def _conversations(console: Console, ledger: Ledger, language: Language) -> None:
    """Who talks to whom, busiest first: what there is to see without a model."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 2, 0, 0))
    for label in ("client", "server", "protocol", "port", "packets"):
        right = label == "packets"
        table.add_column(
            text(f"table.{label}", language), justify="right" if right else "left", overflow="fold"
        )
    busiest = sorted(
        ledger.conversations, key=lambda fact: -(fact.packets_to_server + fact.packets_to_client)
    )
    for fact in busiest[:CONVERSATIONS_SHOWN]:
        table.add_row(
            fact.client,
            fact.server,
            fact.protocol,
            f"{fact.transport}/{fact.port}",
            f"{fact.packets_to_server + fact.packets_to_client:,}",
        )
    console.print(Text(text("table.facts", language), style="bold"))
    console.print(Padding(table, (0, 0, 0, 2)))
    _more(console, len(busiest) - CONVERSATIONS_SHOWN, language)
    console.print()


def _by_severity(console: Console, findings: Sequence[Finding], decided: int, language: Language) -> None:
    counts = Counter[str]()
    for finding in findings:
        counts[finding.severity] += finding.alike
    line = Text()
    for severity in SEVERITIES:
        if counts[severity]:
            line.append(f"{text(f'severity.{severity}', language)} {counts[severity]}", STYLES[severity])
            line.append("   ")
    if decided:
        line.append(text("table.decided-count", language, count=decided))
    console.print(Padding(line, (0, 0, 1, 2)))


def _by_boundary(console: Console, findings: Sequence[Finding], language: Language) -> None:
    rows = by_boundary(findings)
    if not rows:
        return
    owner = {finding.place.boundary: finding.place for finding in findings}
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(text("table.count", language), justify="right")
    for label in ("zones", "boundary", "settings-owner", "device-owner"):
        table.add_column(text(f"table.{label}", language), overflow="fold")
    for (boundary, zones), count in rows[:BOUNDARIES_SHOWN]:
        place = owner[boundary]
        table.add_row(
            str(count),
            " → ".join(visible(zone) for zone in zones if zone),
            visible(boundary) or _without_boundary(zones, language),
            visible(place.settings_owner) if boundary else "",
            visible(place.device_owner) if boundary else "",
        )
    console.print(Padding(table, (0, 0, 0, 2)))
    _more(console, len(rows) - BOUNDARIES_SHOWN, language)


def _without_boundary(zones: tuple[str, str], language: Language) -> str:
    """What stands for a boundary where there is none."""
    if not all(zones):
        return ""
    return text("table.inside-row" if zones[0] == zones[1] else "table.no-boundary-row", language)


def _responses(console: Console, findings: Sequence[Finding], language: Language) -> None:
    """What to do about them, once for each rule."""
    grid = _grid()
    for rule, steps in {one.rule: _steps(one, language) for one in findings}.items():
        for number, step in enumerate(steps):
            grid.add_row("" if number else rule, _said(step, language))
    if grid.row_count:
        console.print(Text(text("table.responses", language), style="bold"))
        console.print(Padding(grid, (0, 0, 0, 2)))


def _steps(finding: Finding, language: Language) -> Sequence[str]:
    steps = finding.response.ja if language == "ja" else finding.response.en
    # A team's own rule may have texts in one language only.
    return [f"- {visible(step)}" for step in steps or finding.response.en]


def _where(finding: Finding, language: Language) -> str:
    """The zones, and whose their boundary is; without one, whose they are."""
    place = finding.place
    zones = [one for one in (place.from_zone, place.to_zone) if one]
    where = " → ".join(map(visible, zones))
    if place.boundary:
        nobody = text("table.nobody", language)
        return f"{where}; " + text(
            "table.owners",
            language,
            boundary=place.boundary,
            settings=place.settings_owner or nobody,
            device=place.device_owner or nobody,
        )
    owners = {place.from_zone: place.from_owners, place.to_zone: place.to_owners}
    joint = text("joint", language)
    told = [
        text("table.zone-owner", language, zone=zone, owners=joint.join(names))
        for zone, names in owners.items()
        if names
    ]
    return "; ".join([where, *told])


def names_text(finding: Finding, language: Language) -> str:
    """The names that the inventory has for those whom a finding is about."""
    listed = ((end, name.ja if language == "ja" else name.en) for end, name in finding.names)
    return "; ".join(
        text("table.device-name", language, address=end, name=visible(name)) for end, name in listed
    )


def _head(finding: Finding, language: Language) -> Text:
    head = Text()
    head.append(f"[{text(f'severity.{finding.severity}', language)}] ", STYLES[finding.severity])
    head.append(worded(finding.what, language), "bold")
    head.append(f"  {finding.rule} {id_of(finding)}", "dim")
    return head


def _decision(decision: Decision, language: Language) -> str:
    """Until when, by whom, when and where it was written."""
    return text(
        "table.decision-line", language, until=decision.until.isoformat(), by=decision.by,
        decided=decision.decided.isoformat(), line=str(decision.line),
    )  # fmt: skip


def _decided(finding: Finding, decision: Decision, language: Language, timezone: str) -> Group:
    """A finding that a decision covers."""
    grid = _grid()
    if finding.names:
        grid.add_row(text("table.devices", language), _said(names_text(finding, language), language))
    grid.add_row(text("table.decision", language), _said(_decision(decision, language), language))
    grid.add_row(text("table.why", language), _said(visible(decision.reason), language))
    grid.add_row(text("table.seen", language), _seen(finding, language, timezone))
    return Group(
        Padding(_said(_head(finding, language), language), (0, 0, 0, 2)), Padding(grid, (0, 0, 1, 6))
    )


def _seen(finding: Finding, language: Language, timezone: str) -> str:
    return text(
        "table.seen-line", language, count=f"{finding.count:,}",
        unit=text(f"table.unit.{finding.unit}", language),
        first=short_text(finding.first_ns, timezone), last=short_text(finding.last_ns, timezone),
        clock=clock_name(timezone),
    )  # fmt: skip


def _finding(
    finding: Finding,
    language: Language,
    timezone: str,
    standing: Standing | None = None,
    with_response: bool = False,
) -> Group:
    grid = _grid()
    if finding.names:
        grid.add_row(text("table.devices", language), _said(names_text(finding, language), language))
    place = finding.place
    if place.from_zone or place.to_zone:
        grid.add_row(text("table.where", language), _said(_where(finding, language), language))
    risk = finding.risk
    if risk.value:
        told = text(
            "table.risk-line", language, value=risk.value, threat=risk.threat,
            vulnerability=risk.vulnerability, importance=risk.importance,
        )  # fmt: skip
        grid.add_row(text("table.risk", language), told)
    for number, reason in enumerate(finding.why):
        grid.add_row("" if number else text("table.why", language), _said(worded(reason, language), language))
    if standing is not None:
        grid.add_row(
            text("table.decision", language), _said(_decision(standing.decision, language), language)
        )
        for message in standing.against:
            grid.add_row("", _said(worded(message, language), language))
    grid.add_row(text("table.seen", language), _seen(finding, language, timezone))
    for number, one in enumerate(finding.evidence):
        line = text("table.evidence-line", language, source=one.source, packet=one.packet, offset=one.offset)
        grid.add_row("" if number else text("table.evidence", language), line)
    for number, step in enumerate(_steps(finding, language) if with_response else ()):
        grid.add_row("" if number else text("table.response", language), _said(step, language))
    references = ", ".join(f"{one.scheme} {one.id}" for one in finding.references)
    grid.add_row(text("table.references", language), _said(references, language))
    return Group(
        Padding(_said(_head(finding, language), language), (0, 0, 0, 2)), Padding(grid, (0, 0, 1, 6))
    )
