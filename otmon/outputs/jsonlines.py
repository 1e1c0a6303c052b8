"""Findings as JSON lines, one object a line, for programs.

The lines, in this order (`docs/findings.schema.json` has every member):

- one ``"type": "run"``: version, model files, the captures with their counters, totals;
- one ``"type": "damage"`` for each place where a capture is damaged;
- one ``"type": "finding"`` for each finding, gravest first;
- one ``"type": "summary"``: counts by severity and by boundary.

Members come in a fixed order, so that the same facts, model and version give the same bytes.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, TextIO

from otmon.detect.finding import SEVERITIES, Finding, Message
from otmon.findings.coverage import Coverage, ZoneCoverage
from otmon.findings.judge import id_of
from otmon.findings.standing import UNDECIDED, Decided, Standing
from otmon.findings.wording import LANGUAGES, visible, worded
from otmon.ledger.facts import Evidence
from otmon.ledger.ledger import Ledger
from otmon.outputs.instant import utc_text

FORMAT: Final = 1
"""Goes up when a member changes its meaning or goes away; new members do not change it."""


def write_jsonlines(
    stream: TextIO,
    ledger: Ledger,
    findings: Sequence[Finding],
    files: Sequence[str],
    version: str,
    covered: Sequence[Coverage] = (),
    zones: Sequence[ZoneCoverage] = (),
    told_ns: Mapping[str, int] | None = None,
    decided: Decided = UNDECIDED,
) -> None:
    """Write every line; `files`, `covered` and `zones` are the model's, empty without one. `told_ns` is when
    each finding was told, by its id."""
    for line in lines(ledger, findings, files, version, covered, zones, told_ns, decided):
        _write(stream, line)


def write_told(stream: TextIO, findings: Iterable[tuple[Finding, Standing | None]], told_ns: int) -> None:
    """Write the lines of findings that came up together, as they do: `told_ns` is when they are told."""
    for one, standing in findings:
        _write(stream, {**finding_line(one, standing), "told": utc_text(told_ns)})


def _write(stream: TextIO, line: Mapping[str, Any]) -> None:
    stream.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")


def lines(
    ledger: Ledger,
    findings: Sequence[Finding],
    files: Sequence[str],
    version: str,
    covered: Sequence[Coverage] = (),
    zones: Sequence[ZoneCoverage] = (),
    told_ns: Mapping[str, int] | None = None,
    decided: Decided = UNDECIDED,
) -> Iterator[dict[str, Any]]:
    """The objects of all lines."""
    yield _run_line(ledger, files, version)
    for damage in ledger.damage:
        yield {
            "type": "damage",
            "source": _safe(damage.source),
            "kind": damage.kind,
            "offset": damage.offset,
            "count": damage.count,
            "detail": damage.detail,
        }
    for finding in findings:
        line = finding_line(finding, decided.of(finding))
        if told_ns is not None and line["id"] in told_ns:
            line["told"] = utc_text(told_ns[line["id"]])
        yield line
    summary = _summary_line(findings, covered, zones)
    yield summary if not decided.decisions else {**summary, "decided": _decided(findings, decided)}


def _run_line(ledger: Ledger, files: Sequence[str], version: str) -> dict[str, Any]:
    """The object of the first line: what was read, and by which model."""
    return {
        "type": "run",
        "format": FORMAT,
        "version": version,
        "model": list(files),
        "sources": [
            {
                "name": _safe(source.name),
                "packets": source.packets,
                "bytes": source.bytes,
                "first": utc_text(source.first_ns),
                "last": utc_text(source.last_ns),
                "counters": dict(source.counters),
            }
            for source in ledger.sources
        ],
        "facts": {
            "assets": len(ledger.assets),
            "conversations": len(ledger.conversations),
            "operations": len(ledger.operations),
            "written": len(ledger.written),
            "anomalies": len(ledger.anomalies),
            "credentials": len(ledger.credentials),
            "claims": len(ledger.claims),
            "names": len(ledger.names),
        },
        "overflow": dict(ledger.overflow),
    }


def _summary_line(
    findings: Sequence[Finding], covered: Sequence[Coverage], zones: Sequence[ZoneCoverage]
) -> dict[str, Any]:
    """The object of the last line: how many findings there are, and what the capture can say."""
    return {
        "type": "summary",
        "findings": sum(one.alike for one in findings),
        "by_severity": {
            severity: sum(one.alike for one in findings if one.severity == severity)
            for severity in SEVERITIES
        },
        "by_boundary": [
            {"from_zone": zones[0], "to_zone": zones[1], "boundary": boundary, "findings": count}
            for (boundary, zones), count in by_boundary(findings)
        ],
        "coverage": [
            {
                "boundary": one.boundary,
                "between": list(one.between),
                "state": one.state,
                "hosts": list(one.hosts),
                "conversations": one.conversations,
                "why": [_message(message) for message in one.why],
            }
            for one in covered
        ],
        "zones": [
            {
                "zone": one.zone,
                "sight": one.sight,
                "hosts": one.hosts,
                "why": [_message(message) for message in one.why],
            }
            for one in zones
        ],
    }


def _decided(findings: Sequence[Finding], decided: Decided) -> dict[str, Any]:
    """How many findings decisions cover, and what became of the decisions."""
    return {
        "findings": sum(decided.covers(one) for one in findings),
        "decisions": decided.states,
        "unmet": [
            {"rule": one.rule, "finding": one.finding, "about": list(one.about), "line": str(one.line)}
            for one in decided.unmet
        ],
    }


def by_boundary(findings: Sequence[Finding]) -> list[tuple[tuple[str, tuple[str, str]], int]]:
    """How many findings each boundary has, or each pair of zones without one; most first. What is
    in no zone of a model is left out."""
    counts = Counter[tuple[str, tuple[str, str]]]()
    for one in findings:
        if one.place.from_zone or one.place.to_zone:
            counts[one.place.boundary, (one.place.from_zone, one.place.to_zone)] += one.alike
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def finding_line(finding: Finding, standing: Standing | None = None) -> dict[str, Any]:
    """The object of one finding."""
    link, place = finding.link, finding.place
    # Of few findings only: without it a finding stands for itself.
    alike = {"alike": finding.alike} if finding.alike > 1 else {}
    names = [{"address": end, "en": visible(name.en), "ja": visible(name.ja)} for end, name in finding.names]
    named = {"names": names} if names else {}
    decision = {"decision": _decision(standing)} if standing is not None else {}
    return {
        "type": "finding",
        "id": id_of(finding),
        "rule": finding.rule,
        "severity": finding.severity,
        "risk": {
            "value": finding.risk.value,
            "threat": finding.risk.threat,
            "vulnerability": finding.risk.vulnerability,
            "importance": finding.risk.importance,
        },
        "title": {"en": visible(finding.title.en), "ja": visible(finding.title.ja)},
        "client": link.client,
        "server": link.server,
        "transport": link.transport,
        "port": link.port,
        "protocol": link.protocol,
        "vlan": link.vlan,
        "from_zone": place.from_zone,
        "to_zone": place.to_zone,
        "from_owners": list(place.from_owners),
        "to_owners": list(place.to_owners),
        "boundary": place.boundary,
        "device_owner": place.device_owner,
        "settings_owner": place.settings_owner,
        **named,
        "what": _message(finding.what),
        "why": [_message(one) for one in finding.why],
        **alike,
        "count": finding.count,
        "unit": finding.unit,
        "first": utc_text(finding.first_ns),
        "last": utc_text(finding.last_ns),
        "evidence": [_evidence(one) for one in finding.evidence],
        "references": [
            {"scheme": one.scheme, "id": one.id, "title": one.title, "edition": one.edition}
            for one in finding.references
        ],
        **decision,
    }


def _decision(standing: Standing) -> dict[str, Any]:
    one = standing.decision
    return {
        "state": standing.state,
        "reason": one.reason,
        "by": one.by,
        "decided": one.decided.isoformat(),
        "until": one.until.isoformat(),
        "line": str(one.line),
        "against": [_message(message) for message in standing.against],
    }


def _message(message: Message) -> dict[str, str]:
    return {"key": message.key, **{language: worded(message, language) for language in LANGUAGES}}


def _evidence(one: Evidence) -> dict[str, Any]:
    return {
        "source": _safe(one.source),
        "packet": one.packet,
        "offset": one.offset,
        "time": utc_text(one.time_ns),
        "time_ns": one.time_ns,
    }


def _safe(name: str) -> str:
    """A file name that is not Unicode, as far as JSON can hold it."""
    return name.encode("utf-8", "backslashreplace").decode()
