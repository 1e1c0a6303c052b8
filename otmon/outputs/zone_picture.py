"""The zones and boundaries of a model as a picture (SVG), with a ledger coloured by verdict.

Levels go from the Internet at the top down to the most important work, as in the guideline's figures.
A verdict has a colour, a kind of line, a sign and a word, so that none of them is needed to read the
others. The text is plain SVG 1.1 in one file: no style sheet, no script, nothing to load.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final, Literal

from otmon.detect.detector import Case
from otmon.findings.coverage import Coverage, coverage
from otmon.findings.judge import case_of
from otmon.findings.wording import Language, text, visible, worded
from otmon.ledger.facts import Conversation
from otmon.ledger.ledger import Ledger
from otmon.outputs.zone_layout import Edge, Layout, Point, Rect, arranged, fitted, rows_of, text_width
from otmon.zones.decide import locate
from otmon.zones.model import (
    IMPORTANCES,
    INTERNET,
    UNKNOWN_ZONE,
    Boundary,
    Model,
    Name,
    ProductionLine,
    Site,
    Zone,
)

State = Literal["plain", "agreed", "violated", "unobservable", "unseen"]

COLOURS: Final[dict[State, str]] = {
    "plain": "#333333", "agreed": "#1a6b2f", "violated": "#b00020", "unobservable": "#8a5a00",
    "unseen": "#666666",
}  # fmt: skip
DASHES: Final[dict[State, str]] = {
    "plain": "", "agreed": "", "violated": ' stroke-dasharray="9 3"',
    "unobservable": ' stroke-dasharray="9 4 2 4"', "unseen": ' stroke-dasharray="2 4"',
}  # fmt: skip
SIGNS: Final[dict[State, str]] = {
    "plain": "",
    "agreed": '<path d="M1 6 L4 10 L11 1" fill="none" stroke="#1a6b2f" stroke-width="2.5"/>',
    "violated": '<path d="M1 1 L11 11 M11 1 L1 11" fill="none" stroke="#b00020" stroke-width="2.5"/>',
    "unobservable": '<path d="M3 4 Q3 1 6 1 Q9 1 9 4 Q9 6 6 7 L6 8.5 M6 10 L6 12" fill="none" '
    'stroke="#8a5a00" stroke-width="2"/>',
    "unseen": '<path d="M1 6 L11 6" fill="none" stroke="#666666" stroke-width="2.5"/>',
}
"""Drawn in 12 by 12 pixels."""
FILLS: Final = {"high": "#fde8d7", "medium": "#fdf6d3", "low": "#e6f0fa", "": "#f2f2f2"}
FONT: Final = "Noto Sans CJK JP, Noto Sans JP, Hiragino Sans, Yu Gothic, Meiryo, IPAexGothic, sans-serif"
NAME, SMALL, LINE = 14, 12, 17
PADDING: Final = 10
BOX_WIDTHS: Final = (150, 300)
INDENT: Final = 18
"""What the sign before a verdict takes."""
LABEL_WIDTH: Final = 340
HEADING: Final = 56
LEGEND: Final = 5 * LINE


@dataclass(frozen=True, slots=True)
class Card:
    """A zone as it is drawn."""

    id: str
    fill: str
    state: State
    lines: tuple[str, ...]
    """Name first."""
    title: str


@dataclass(frozen=True, slots=True)
class Border:
    """A boundary as it is drawn, or the lack of one where there is traffic."""

    ends: tuple[str, str]
    state: State
    lines: tuple[str, ...]
    """Id first."""
    title: str


@dataclass(frozen=True, slots=True)
class Tally:
    """What a ledger shows."""

    allowed: Counter[str]
    """Conversations and operations that were agreed, by boundary."""
    denied: Counter[str]
    lacking: Counter[tuple[str, str]]
    """Conversations between zones that no boundary joins."""
    inside: Counter[str]
    """What was denied inside a zone."""
    hosts: Counter[str]
    coverage: Mapping[str, Coverage]
    """What the capture can say of each boundary: as `otmon replay` tells it."""


def tally(case: Case) -> Tally:
    """Count the verdicts of a case with a model by boundary and zone, and the hosts seen in each zone."""
    assert case.index is not None
    covered = {one.boundary: one for one in coverage(case)}
    told = Tally(Counter(), Counter(), Counter(), Counter(), Counter(), covered)
    for fact, verdict in (*case.conversations, *case.operations):
        if verdict.outcome == "allowed" and verdict.boundary:
            told.allowed[verdict.boundary] += 1
        if verdict.outcome != "denied":
            continue
        if verdict.boundary:
            told.denied[verdict.boundary] += 1
        elif verdict.from_zone == verdict.to_zone:
            told.inside[verdict.from_zone] += 1
        elif isinstance(fact, Conversation):
            pair = (min(verdict.from_zone, verdict.to_zone), max(verdict.from_zone, verdict.to_zone))
            told.lacking[pair] += 1
    told.denied.update(v.boundary for _, v in case.written if v.outcome == "denied" and v.boundary)
    told.inside.update(
        v.from_zone for _, v in case.written if v.outcome == "denied" and v.from_zone == v.to_zone
    )
    senders = [(one.address or one.mac, one.vlan) for one in case.ledger.assets]
    seen = {(locate(case.index, address, vlan).zone, address) for address, vlan in senders}
    told.hosts.update(zone for zone, _ in seen)
    return told


def zone_picture(model: Model, language: Language, ledger: Ledger | None = None) -> str:
    """The picture as the text of an SVG file."""
    told = None if ledger is None else tally(case_of(ledger, model))
    borders = [*_borders(model, told, language), *_missing(told, language)]
    named = {zone for border in borders for zone in border.ends}
    outer = [zone for zone in (INTERNET, UNKNOWN_ZONE) if zone in named]
    places: list[Site | ProductionLine] = [*model.plant.sites, *model.plant.lines]
    names = {(type(one), one.id): _name(one.name, language) for one in places}
    cards = {zone.id: _card(zone, told, names, language) for zone in model.zones}
    cards |= {zone: _outer(zone, language) for zone in outer}
    widest = max(text_width(line, NAME) for card in cards.values() for line in card.lines)
    width = min(max(widest + 2 * PADDING + INDENT, BOX_WIDTHS[0]), BOX_WIDTHS[1])
    height = max(len(card.lines) for card in cards.values()) * LINE + 2 * PADDING
    edges = [_edge(border) for border in borders]
    layout = arranged(rows_of([outer, *_levels(model)]), (width, height), edges, HEADING)
    drawn = list(_drawn(layout, cards, borders))
    if told is not None:
        drawn += _legend(layout.height, language)
    return "\n".join(_svg(model, layout, drawn, language)) + "\n"


def _levels(model: Model) -> list[list[str]]:
    """Zones from the least important work to the most, those of one site and production line side by
    side, in the order of the model."""
    sites = {site.id: number for number, site in enumerate(model.plant.sites)}
    lines = {line.id: number for number, line in enumerate(model.plant.lines)}
    zones = sorted(
        model.zones,
        key=lambda zone: (sites.get(zone.site, len(sites)), lines.get(zone.production_line, len(lines))),
    )
    levels = [[zone.id for zone in zones if zone.importance == one] for one in IMPORTANCES]
    return [level for level in levels if level]


def _name(name: Name, language: Language) -> str:
    return visible(name.ja if language == "ja" else name.en)


def _card(zone: Zone, told: Tally | None, names: dict[tuple[type, str], str], language: Language) -> Card:
    importance = text(f"picture.importance.{zone.importance}", language)
    owners = visible(", ".join(zone.owners)) or text("table.nobody", language)
    count = len(zone.members)
    hosts = text("picture.members", language, count=count)
    if told is not None:
        hosts += f", {text('picture.hosts', language, count=told.hosts[zone.id])}"
    lines = [_name(zone.name, language), f"{zone.id} · {importance}", hosts, owners]
    place = [names.get((Site, zone.site)), names.get((ProductionLine, zone.production_line))]
    if zone.within:
        lines.append(text("picture.within", language, zone=zone.within))
    if any(place):
        lines.append(" · ".join(filter(None, place)))
    state: State = "violated" if told is not None and told.inside[zone.id] else "plain"
    if state == "violated" and told is not None:
        lines.append(text("picture.violated", language, count=told.inside[zone.id]))
    title = "\n".join((*lines, visible(str(zone.line))))
    return Card(zone.id, FILLS[zone.importance], state, tuple(lines), title)


def _outer(zone: str, language: Language) -> Card:
    key = "picture.internet" if zone == INTERNET else "picture.unknown"
    return Card(zone, FILLS[""], "plain", (text(key, language), zone), text(key, language))


def _borders(model: Model, told: Tally | None, language: Language) -> Iterator[Border]:
    for boundary in model.boundaries:
        state = _state(boundary, told)
        more: list[str] = []
        nobody = text("table.nobody", language)
        device = visible(boundary.device) or nobody
        count = text("picture.permissions", language, count=len(boundary.permissions))
        lines = [
            f"{boundary.id} · {count}",
            text("picture.device", language, device=device, owner=boundary.device_owner or nobody),
            text("picture.settings", language, owner=boundary.settings_owner or nobody),
        ]
        if told is not None:
            doubts = _doubts(told, boundary, language)
            facts = told.denied[boundary.id] or told.allowed[boundary.id]
            shown = doubts[:1] if state == "unobservable" else []
            lines += [text("picture.missing", language, why=why) for why in shown]
            lines.append(text(f"picture.{state}", language, count=facts))
            more = doubts[len(shown) :]
        title = "\n".join((_name(boundary.name, language), *lines, *more, visible(str(boundary.line))))
        yield Border(boundary.between, state, tuple(lines), title)


def _state(boundary: Boundary, told: Tally | None) -> State:
    if told is None:
        return "plain"
    state = told.coverage[boundary.id].state
    if state != "kept":
        return state
    return "agreed" if told.allowed[boundary.id] else "unseen"


def _doubts(told: Tally, boundary: Boundary, language: Language) -> list[str]:
    """What keeps the capture from saying that the boundary was kept."""
    return [visible(worded(message, language)) for message in told.coverage[boundary.id].why]


def _missing(told: Tally | None, language: Language) -> Iterator[Border]:
    """Pairs of zones that talk and that no boundary joins."""
    for pair, count in sorted(told.lacking.items() if told is not None else ()):
        lines = (text("picture.no-boundary", language), text("picture.violated", language, count=count))
        yield Border(pair, "violated", lines, "\n".join((" - ".join(pair), *lines)))


def _edge(border: Border) -> Edge:
    widest = max(text_width(line, SMALL) for line in border.lines) + 2 * PADDING + INDENT
    return Edge(border.ends, min(widest, LABEL_WIDTH), len(border.lines) * LINE + PADDING)


def _svg(model: Model, layout: Layout, drawn: Sequence[str], language: Language) -> Iterator[str]:
    heading = text("picture.heading", language)
    told = text("picture.told", language, zones=len(model.zones), boundaries=len(model.boundaries))
    height = layout.height + LEGEND
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{layout.width}" height="{height}" '
        f'viewBox="0 0 {layout.width} {height}" role="img" aria-labelledby="title desc" '
        f'lang="{language}" font-family="{FONT}">'
    )
    yield f'<title id="title">{_safe(heading)}</title>'
    yield f'<desc id="desc">{_safe(told)}</desc>'
    yield f'<rect width="{layout.width}" height="{height}" fill="#ffffff"/>'
    yield _text(24, 26, 18, heading, "bold")
    files = ", ".join(visible(file.rpartition("/")[2]) for file in model.files)
    yield _text(24, 44, SMALL, fitted(f"{told} · {files}", SMALL, layout.width - 48))
    yield from drawn
    yield "</svg>"


def _drawn(layout: Layout, cards: dict[str, Card], borders: Sequence[Border]) -> Iterator[str]:
    """Lines first: what is drawn later lies above them."""
    for border, line in zip(borders, layout.lines, strict=True):
        yield _line(border, line)
    for border, rect in zip(borders, layout.labels, strict=True):
        yield from _label(border, rect)
    for id, rect in layout.boxes.items():
        yield from _box(cards[id], rect)


def _safe(value: str) -> str:
    return escape("\n".join(map(visible, value.split("\n"))), quote=True)


def _text(x: int, y: int, size: int, value: str, weight: str = "normal", colour: str = "#111111") -> str:
    style = f'font-size="{size}" font-weight="{weight}" fill="{colour}"'
    return f'<text x="{x}" y="{y}" {style}>{_safe(value)}</text>'


def _line(border: Border, points: Sequence[Point]) -> str:
    corners = " ".join(f"{x},{y}" for x, y in points)
    width = 3 if border.state == "violated" else 2
    return (
        f'<polyline points="{corners}" fill="none" stroke="{COLOURS[border.state]}" '
        f'stroke-width="{width}"{DASHES[border.state]}><title>{_safe(border.title)}</title></polyline>'
    )


def _label(border: Border, rect: Rect) -> Iterator[str]:
    yield f"<g><title>{_safe(border.title)}</title>"
    yield (
        f'<rect x="{rect.x}" y="{rect.y}" width="{rect.width}" height="{rect.height}" rx="4" '
        f'fill="#ffffff" stroke="{COLOURS[border.state]}"/>'
    )
    yield from _lines(border.lines, border.state, rect, SMALL)
    yield "</g>"


def _box(card: Card, rect: Rect) -> Iterator[str]:
    width = 3 if card.state == "violated" else 1
    yield f"<g><title>{_safe(card.title)}</title>"
    yield (
        f'<rect x="{rect.x}" y="{rect.y}" width="{rect.width}" height="{rect.height}" rx="6" '
        f'fill="{card.fill}" stroke="{COLOURS[card.state]}" stroke-width="{width}"/>'
    )
    yield from _lines(card.lines, card.state, rect, NAME)
    yield "</g>"


def _lines(lines: Sequence[str], state: State, rect: Rect, size: int) -> Iterator[str]:
    """Text lines from the top of a rectangle; where there is a verdict it is the last, with its sign."""
    y = rect.y + PADDING // 2 + LINE - 4
    for number, line in enumerate(lines):
        signed = state != "plain" and number == len(lines) - 1
        if signed:
            yield f'<g transform="translate({rect.x + PADDING} {y - 11})">{SIGNS[state]}</g>'
        used = size if number == 0 else SMALL
        indent = PADDING + (INDENT if signed else 0)
        shown = fitted(line, used, rect.width - indent - PADDING)
        colour = COLOURS[state] if signed else "#111111"
        yield _text(rect.x + indent, y, used, shown, "bold" if number == 0 else "normal", colour)
        y += LINE


def _legend(top: int, language: Language) -> Iterator[str]:
    legend: tuple[tuple[State, str], ...] = (
        ("agreed", text("picture.legend-agreed", language)),
        ("violated", text("picture.legend-violated", language)),
        ("unobservable", text("picture.legend-unobservable", language)),
        ("unseen", text("picture.legend-unseen", language)),
    )
    for number, (state, told) in enumerate(legend):
        y = top + LINE * number + 8
        yield (
            f'<line x1="24" y1="{y}" x2="72" y2="{y}" stroke="{COLOURS[state]}" '
            f'stroke-width="{3 if state == "violated" else 2}"{DASHES[state]}/>'
        )
        yield f'<g transform="translate(80 {y - 6})">{SIGNS[state]}</g>'
        yield _text(100, y + 4, SMALL, told)
