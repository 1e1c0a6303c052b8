"""Where boxes, lines and labels of the zone picture lie.

Boxes stand in rows; between two rows is a band, between two columns a channel. A line leaves its
upper box at the bottom, runs along a track of the band below it, and goes down into the lower box, or
first through a lane of a channel where rows lie between. So no line crosses a box. A label lies on
the line's track; lines share a track only where neither they nor their labels come near each other.
All numbers are pixels, and whole.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

MARGIN: Final = 24
GAP: Final = 16
"""Between what shares a track, and around tracks."""
LANE: Final = 12
CHANNEL: Final = 48
"""Least width between two columns."""
COLUMNS: Final = 6

Point = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Rect:
    x: int
    y: int
    width: int
    height: int

    def meets(self, other: Rect) -> bool:
        """Whether the two have a point inside in common."""
        across = self.x < other.x + other.width and other.x < self.x + self.width
        return across and self.y < other.y + other.height and other.y < self.y + self.height


@dataclass(frozen=True, slots=True)
class Edge:
    """A line to draw: its ends, and the size of its label."""

    ends: tuple[str, str]
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Layout:
    width: int
    height: int
    boxes: dict[str, Rect]
    lines: tuple[tuple[Point, ...], ...]
    """The corners of each edge's line, from its upper end."""
    labels: tuple[Rect, ...]
    """Of each edge."""


def text_width(text: str, size: int) -> int:
    """About how wide a text is in pixels, rather too much: full-width characters (Unicode Standard
    Annex #11) count double, whatever font is there."""
    units = 0.0
    for one in text:
        if unicodedata.combining(one):
            continue
        if unicodedata.east_asian_width(one) in "WFA":
            units += 1.0
        elif one in "MWmw@%":
            units += 0.95
        else:
            units += 0.72 if one.isupper() else 0.6
    return int(units * size) + 1


def fitted(text: str, size: int, width: int) -> str:
    """The text, or as much of it as fits and an ellipsis."""
    if text_width(text, size) <= width:
        return text
    while text and text_width(text + "…", size) > width:
        text = text[:-1]
    return text + "…"


def rows_of(levels: Iterable[Sequence[str]]) -> list[list[str]]:
    """Levels in rows of at most `COLUMNS`, evenly filled."""
    rows: list[list[str]] = []
    for level in levels:
        count = -(-len(level) // COLUMNS)
        for number in range(count):
            rows.append(list(level[number * len(level) // count : (number + 1) * len(level) // count]))
    return rows


@dataclass(slots=True)
class _Way:
    """An edge on its way: rows and columns of its ends, the upper one first."""

    edge: Edge
    upper: str
    lower: str
    rows: tuple[int, int]
    channel: int
    """The channel left of this column, -1 where none is needed."""
    lane: int = 0


def arranged(rows: Sequence[Sequence[str]], box: tuple[int, int], edges: Sequence[Edge], top: int) -> Layout:
    """The layout of boxes of one size, below `top` pixels for the heading."""
    columns = max(map(len, rows))
    place = {
        id: (row, (2 * number + 1) * columns // (2 * len(ids)))
        for row, ids in enumerate(rows)
        for number, id in enumerate(ids)
    }
    ways = [_way(edge, place) for edge in edges]
    xs, lanes, width = _columns(ways, columns, box[0])
    width = max([width, *(edge.width + 2 * MARGIN for edge in edges)])
    ports = _ports(ways, place, xs, box[0])
    bands = [_Band() for _ in rows]
    for number, way in enumerate(ways):
        begin, end = ports[number, 0], ports[number, 1]
        upper, lower = way.rows
        turn = lanes[way.channel] + LANE * (way.lane + 1) if way.channel >= 0 else end
        middle = (begin + turn) // 2
        left = min(max(middle - way.edge.width // 2, MARGIN), width - MARGIN - way.edge.width)
        span = (min(begin, turn, left), max(begin, turn, left + way.edge.width))
        bands[upper].labelled.append((span, number, left))
        if way.channel >= 0:
            bands[lower - 1].plain.append(((min(turn, end), max(turn, end)), number))
    tops, tracks, height = _heights(bands, ways, box[1], top)
    boxes = {id: Rect(xs[column], tops[row], *box) for id, (row, column) in place.items()}
    lines, labels = [], []
    for number, way in enumerate(ways):
        begin, end = ports[number, 0], ports[number, 1]
        upper, lower = way.rows
        y = tracks[number, True]
        start = tops[upper] + box[1]
        stop = start if upper == lower else tops[lower]
        points = [(begin, start), (begin, y)]
        if way.channel >= 0:
            lane = lanes[way.channel] + LANE * (way.lane + 1)
            points += [(lane, y), (lane, tracks[number, False]), (end, tracks[number, False])]
        else:
            points.append((end, y))
        lines.append((*points, (end, stop)))
        left = next(left for _, of, left in bands[upper].labelled if of == number)
        labels.append(Rect(left, y - way.edge.height // 2, way.edge.width, way.edge.height))
    return Layout(width, height, boxes, tuple(lines), tuple(labels))


def _way(edge: Edge, place: dict[str, tuple[int, int]]) -> _Way:
    upper, lower = sorted(edge.ends, key=lambda id: place[id])
    (row, column), (other_row, other_column) = place[upper], place[lower]
    channel = -1 if other_row - row <= 1 else (column + other_column + 1) // 2
    return _Way(edge, upper, lower, (row, other_row), channel)


def _columns(ways: Sequence[_Way], columns: int, width: int) -> tuple[list[int], list[int], int]:
    """Left edges of columns and of the channels left of them (and of one right of all), whole width.
    Each way through a channel gets a lane."""
    used = [0] * (columns + 1)
    for way in ways:
        if way.channel >= 0:
            way.lane = used[way.channel]
            used[way.channel] += 1
    xs, lanes, x = [], [], MARGIN
    for column in range(columns + 1):
        lanes.append(x)
        least = CHANNEL if 0 < column < columns else 0
        x += max(least, LANE * (used[column] + 1) if used[column] else 0)
        if column < columns:
            xs.append(x)
            x += width
    return xs, lanes, x + MARGIN


def _ports(
    ways: Sequence[_Way], place: dict[str, tuple[int, int]], xs: Sequence[int], width: int
) -> dict[tuple[int, int], int]:
    """Where on its box each end of a way is, by number of the way and end: those of one side apart from
    each other, in the order of where they lead, and those at a top never above those at a bottom."""
    sides: dict[tuple[str, bool], list[tuple[int, int, int]]] = {}
    for number, way in enumerate(ways):
        for end, (own, other) in enumerate(((way.upper, way.lower), (way.lower, way.upper))):
            at_bottom = end == 0 or way.rows[0] == way.rows[1]
            sides.setdefault((own, at_bottom), []).append((place[other][1], number, end))
    ports = {}
    for (id, at_bottom), ends in sides.items():
        left = xs[place[id][1]]
        for order, (_, number, end) in enumerate(sorted(ends), 1):
            x = left + order * width // (len(ends) + 1)
            # Bottoms have even numbers, tops odd ones: lines from above and below never coincide.
            ports[number, end] = x & ~1 if at_bottom else x | 1
    return ports


class _Band:
    """The segments of one band: (first and last x, way, left of its label), and those without one."""

    def __init__(self) -> None:
        self.labelled: list[tuple[tuple[int, int], int, int]] = []
        self.plain: list[tuple[tuple[int, int], int]] = []


def _heights(
    bands: Sequence[_Band], ways: Sequence[_Way], box_height: int, top: int
) -> tuple[list[int], dict[tuple[int, bool], int], int]:
    """The top of each row, the height of each track by way and whether it has the label, the bottom."""
    tops, tracks, y = [], {}, top
    for band in bands:
        tops.append(y)
        y += box_height + GAP
        for shared in _packed([(span, number) for span, number, _ in band.labelled]):
            height = max(ways[number].edge.height for number in shared)
            for number in shared:
                tracks[number, True] = y + height // 2
            y += height + GAP // 2
        for shared in _packed(band.plain):
            for number in shared:
                tracks[number, False] = y + LANE // 2
            y += LANE
        y += GAP
    return tops, tracks, y


def _packed(spans: Iterable[tuple[tuple[int, int], int]]) -> list[list[int]]:
    """Tracks of segments that keep `GAP` from each other."""
    tracks: list[tuple[int, list[int]]] = []
    for (low, high), number in sorted(spans):
        for place, (end, shared) in enumerate(tracks):
            if end + GAP <= low:
                tracks[place] = (high, [*shared, number])
                break
        else:
            tracks.append((high, [number]))
    return [shared for _, shared in tracks]
