"""Findings as a sheet on which people of several departments go through them together.

A row for each finding in one language, as the table tells it, with what was decided about it behind; times
are by the clocks of the plant. Whatever came from the network is text, and no formula.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from otmon.detect.finding import Finding
from otmon.findings.judge import id_of
from otmon.findings.standing import Standing
from otmon.findings.wording import Language, text, visible, worded
from otmon.outputs.instant import clock_name, short_text
from otmon.zones.model import Model, Name

COLUMNS: Final = (
    ("id", 14), ("severity", 9), ("risk", 7), ("what", 44), ("devices", 26), ("client", 16), ("server", 16),
    ("service", 14), ("zones", 24), ("owners", 24), ("why", 60), ("count", 12), ("first", 24), ("last", 24),
    ("packets", 34), ("rule", 22), ("do", 60), ("decision", 12), ("reason", 30), ("by", 20), ("until", 12),
)  # fmt: skip
"""Names of the columns and their widths in characters."""
MAX_ROWS: Final = 2_000
"""What no meeting goes through; a workbook of so many takes some seconds and 40 MB to make."""

WIDTHS: Final = tuple(width for _, width in COLUMNS)


def finding_rows(
    findings: Iterable[tuple[Finding, Standing | None]], language: Language, model: Model | None
) -> list[Sequence[str]]:
    """The head, and a row for each finding; `model` has the names of zones, and the clocks of the plant."""
    timezone = model.timezone if model is not None else ""
    zones = {} if model is None else {zone.id: zone.name for zone in model.zones}
    clock = clock_name(timezone)
    head = tuple(text(f"sheet.{name}", language, clock=clock) for name, _ in COLUMNS)
    return [head, *(_row(finding, standing, language, timezone, zones) for finding, standing in findings)]


def _row(
    finding: Finding,
    standing: Standing | None,
    language: Language,
    timezone: str,
    zones: Mapping[str, Name],
) -> Sequence[str]:
    link, place = finding.link, finding.place
    steps = finding.response.ja if language == "ja" else finding.response.en
    decision = standing.decision if standing is not None else None
    return [
        id_of(finding),
        text(f"severity.{finding.severity}", language),
        finding.risk.value,
        worded(finding.what, language),
        "\n".join(
            text("table.device-name", language, address=end, name=name.ja if language == "ja" else name.en)
            for end, name in finding.names
        ),
        visible(link.client),
        visible(link.server),
        f"{link.protocol} {link.transport}/{link.port}" if link.transport else link.protocol,
        " → ".join(
            _called(zone, zones.get(zone), language)
            for zone in dict.fromkeys((place.from_zone, place.to_zone))
            if zone
        ),
        "\n".join(dict.fromkeys(visible(one) for one in _owners(finding))),
        "\n".join(worded(reason, language) for reason in finding.why),
        f"{finding.count} {text(f'table.unit.{finding.unit}', language)}",
        short_text(finding.first_ns, timezone),
        short_text(finding.last_ns, timezone),
        "\n".join(f"{visible(one.source)} No.{one.packet}" for one in finding.evidence),
        finding.rule,
        "\n".join(visible(step) for step in steps or finding.response.en),
        text(f"sheet.{standing.state}", language) if standing is not None else "",
        decision.reason if decision is not None else "",
        decision.by if decision is not None else "",
        decision.until.isoformat() if decision is not None else "",
    ]


def _called(id: str, name: Name | None, language: Language) -> str:
    """A zone by its name, behind which its id stands where that is another one."""
    known = "" if name is None else name.ja if language == "ja" else name.en
    return text("sheet.zone", language, name=known, id=id) if known not in ("", id) else visible(id)


def _owners(finding: Finding) -> tuple[str, ...]:
    """Who answers for it: those of the boundary, without one those of the zones."""
    place = finding.place
    of_boundary = tuple(filter(None, (place.settings_owner, place.device_owner)))
    return of_boundary if place.boundary and of_boundary else (*place.from_owners, *place.to_owners)
