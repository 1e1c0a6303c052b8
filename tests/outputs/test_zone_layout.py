"""Nothing lies on anything else, however many zones and lines there are."""

from __future__ import annotations

from itertools import combinations, pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from otmon.outputs.zone_layout import COLUMNS, Edge, Layout, Rect, arranged, fitted, rows_of, text_width


def overlaps(layout: Layout) -> list[tuple[Rect, Rect]]:
    return [
        pair for pair in combinations([*layout.boxes.values(), *layout.labels], 2) if pair[0].meets(pair[1])
    ]


@st.composite
def drawings(draw: Any) -> tuple[list[list[str]], list[Edge]]:
    count = draw(st.integers(3, 40))
    names = [f"z{n}" for n in range(count)]
    cuts = sorted(draw(st.lists(st.integers(1, count - 1), max_size=3, unique=True)))
    levels = [names[low:high] for low, high in zip([0, *cuts], [*cuts, count], strict=True)]
    pairs = st.lists(st.sampled_from(names), min_size=2, max_size=2, unique=True)
    ends = draw(st.lists(pairs, min_size=1, max_size=60, unique_by=lambda pair: tuple(sorted(pair))))
    sizes = st.tuples(st.integers(40, 260), st.integers(20, 80))
    return rows_of(levels), [Edge((one, two), *draw(sizes)) for one, two in ends]


@given(drawings(), st.integers(100, 300), st.integers(40, 120))
@settings(max_examples=60)
def test_boxes_and_labels_do_not_overlap_and_lines_cross_no_box(
    drawing: tuple[list[list[str]], list[Edge]], width: int, height: int
) -> None:
    rows, edges = drawing
    layout = arranged(rows, (width, height), edges, 50)
    assert overlaps(layout) == []
    for rect in (*layout.boxes.values(), *layout.labels):
        assert rect.x >= 0 and rect.x + rect.width <= layout.width
        assert rect.y >= 50 and rect.y + rect.height <= layout.height
    for edge, label, points in zip(edges, layout.labels, layout.lines, strict=True):
        assert {
            id for id, box in layout.boxes.items() if touches(box, points[0]) or touches(box, points[-1])
        } == {*edge.ends}
        segments = [segment(*pair) for pair in pairwise(points)]
        assert all(one.width == 0 or one.height == 0 for one in segments), "only along the axes"
        assert not any(box.meets(one) for box in layout.boxes.values() for one in map(thick, segments))
        assert any(label.meets(thick(one)) for one in segments), "a label lies on its line"


def touches(box: Rect, point: tuple[int, int]) -> bool:
    return box.x <= point[0] <= box.x + box.width and point[1] in (box.y, box.y + box.height)


def segment(one: tuple[int, int], other: tuple[int, int]) -> Rect:
    (x, y), (to_x, to_y) = one, other
    return Rect(min(x, to_x), min(y, to_y), abs(x - to_x), abs(y - to_y))


def thick(one: Rect) -> Rect:
    """A line as wide as a hair, so that it can lie in something."""
    return (
        Rect(one.x, one.y, max(one.width, 1), max(one.height, 1))
        if one.width
        else Rect(one.x, one.y, 1, one.height)
    )


@given(st.integers(0, 100))
def test_levels_are_broken_into_even_rows(count: int) -> None:
    names = [str(n) for n in range(count)]
    rows = rows_of([names])
    assert [name for row in rows for name in row] == names
    assert all(len(row) <= COLUMNS for row in rows)
    assert not rows or max(map(len, rows)) - min(map(len, rows)) <= 1


def test_full_width_characters_count_double() -> None:
    assert text_width("制御", 10) >= 20 and text_width("ab", 10) < 14
    assert text_width("e\u0301", 10) == text_width("e", 10)


@given(st.text(max_size=60), st.integers(20, 400))
def test_a_text_is_cut_to_what_fits(value: str, width: int) -> None:
    shown = fitted(value, 12, width)
    assert text_width(shown, 12) <= width
    assert shown == value or (shown.endswith("…") and value.startswith(shown[:-1]))
