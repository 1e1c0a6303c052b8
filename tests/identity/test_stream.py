from __future__ import annotations

from itertools import pairwise, permutations

from hypothesis import given
from hypothesis import strategies as st

from otmon.identity.login import Piece, Seen
from otmon.identity.stream import (
    MAX_LINE,
    MAX_LINES,
    Segment,
    _sorted_out,
    _undisturbed,
    datagrams,
    in_order,
    lines,
    readings,
)
from tests.identity.talk import pieces

SEEN = Seen(1, 1, 0)


def segment(at: int, data: bytes, from_client: bool = True, isn: int = 999, ack: int = 0) -> Segment:
    """`ack` is how much its sender has of a server whose SYN had the number 4."""
    return Segment(
        from_client, (isn + 1 + at) & 0xFFFFFFFF, (5 + ack) if from_client else 1000 + ack, data, SEEN
    )


def every(segments: list[Segment]) -> list[list[Piece]]:
    """All that may have been read."""
    whole, others = readings(segments, (999, -1))
    return [whole, *others]


def joined(segments: list[Segment], isn: int = 999) -> list[tuple[int, bytes]]:
    return [(piece.at, piece.data) for piece in in_order(segments, (isn, -1))]


def test_every_order_gives_the_same() -> None:
    parts = [segment(0, b"PASS "), segment(5, b"se"), segment(7, b"cret\r\n"), segment(5, b"secr")]
    for some in permutations(parts):
        assert b"".join(data for _, data in joined(list(some))) == b"PASS secret\r\n"


def test_the_numbers_wrap() -> None:
    parts = [segment(0, b"abc", isn=0xFFFFFFFE), segment(3, b"def", isn=0xFFFFFFFE)]
    assert joined(parts[::-1], 0xFFFFFFFE) == [(0, b"abc"), (3, b"def")]


def test_a_gap_is_told_and_what_lies_before_the_beginning_is_left_out() -> None:
    assert joined([segment(0, b"ab"), segment(4, b"ef")]) == [(0, b"ab"), (4, b"ef")]
    assert joined([segment(-1, b"x"), segment(0, b"ab")]) == [(0, b"ab")]
    assert joined([segment(7, b"x"), segment(5, b"ab")], -1) == [(0, b"ab"), (2, b"x")]


def test_who_spoke_first_is_told_by_what_each_had_received() -> None:
    said = [
        segment(0, b"220\n", False, 4),
        segment(0, b"USER\n", ack=4),
        segment(4, b"331\n", False, 4, ack=5),
        segment(5, b"PASS\n", ack=8),
        segment(8, b"230\n", False, 4, ack=10),
    ]
    for some in permutations(said):
        assert [piece.data for piece in in_order(some, (999, 4))] == [one.data for one in said]
    # Where both may have spoken first, the order of arrival tells.
    open_case = [segment(0, b"a"), segment(0, b"b", False, 4), segment(1, b"c")]
    assert [piece.data for piece in in_order(open_case, (999, 4))] == [b"a", b"b", b"c"]


def test_of_bytes_that_differ_the_first_count() -> None:
    assert joined([segment(0, b"abc"), segment(0, b"XYZ")]) == [(0, b"abc")]


@given(st.binary(min_size=1, max_size=40), st.data())
def test_any_segmentation_gives_the_stream(stream: bytes, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(0, len(stream)), max_size=6)) | {0, len(stream)})
    parts = [segment(a, stream[a:b]) for a, b in pairwise(cuts)]
    again = data.draw(st.lists(st.sampled_from(parts), max_size=4))
    some = data.draw(st.permutations(parts + again))
    assert b"".join(part for _, part in joined(some)) == stream


@given(st.lists(st.tuples(st.booleans(), st.binary(max_size=3), st.integers(-3, 3)), max_size=8), st.data())
def test_what_came_undisturbed_is_what_sorting_gives(
    said: list[tuple[bool, bytes, int]], data: st.DataObject
) -> None:
    ends, parts = {True: 0, False: 0}, []
    for from_client, text, late in said:
        received = max(ends[not from_client] + min(late, 0), 0)
        parts.append(segment(ends[from_client], text, from_client, 999 if from_client else 4, received))
        ends[from_client] += len(text)
    assert _undisturbed(parts, (1000, 5)) == _sorted_out(parts, (1000, 5))
    shuffled = data.draw(st.permutations(parts))
    found = _undisturbed(shuffled, (1000, 5))
    assert found is None or found == _sorted_out(shuffled, (1000, 5))


def test_numbers_begin_anew_behind_the_last_one() -> None:
    isn = (1 << 32) - 3
    said = [
        segment(0, b"abc", isn=isn), segment(0, b"d", from_client=False, isn=4)._replace(ack=1),
        segment(3, b"ef", isn=isn, ack=1),
    ]  # fmt: skip
    assert [one.seq for one in said] == [(1 << 32) - 2, 5, 1]
    whole, others = readings(said, (isn, 4))
    assert [(one.at, one.data) for one in whole] == [(0, b"abc"), (0, b"d"), (3, b"ef")] and others == ()
    firsts = isn + 1, 5
    # Each has received what had not come yet, or goes on behind a gap.
    for number, other in ((1, {"ack": 2}), (2, {"ack": 7}), (2, {"seq": 2}), (1, {"seq": 4})):
        disturbed = said.copy()
        disturbed[number] = said[number]._replace(**other)
        assert _undisturbed(disturbed, firsts) is None
    # A number half of all away lies behind, and says nothing.
    assert _undisturbed([said[0]._replace(ack=5 + (1 << 31)), *said[1:]], firsts) == whole


def test_datagrams_stand_for_themselves() -> None:
    some = datagrams([segment(9, b"a"), segment(0, b"b", False), segment(0, b"cd"), segment(1, b"e")])
    assert [(one.from_client, one.at, one.data) for one in some] == [
        (True, 0, b"a"), (False, 0, b"b"), (True, 1, b"cd"), (True, 3, b"e"),
    ]  # fmt: skip


def test_lines_end_in_either_way_and_miss_nothing() -> None:
    some = pieces(("c", b"US"), ("s", b"220 x\r\n33"), ("c", b"ER a\r\nPASS b\n\r\nrest"), ("s", b"1 y\n"))
    assert [(one.from_client, one.text) for one in lines(some)] == [
        (False, b"220 x"), (True, b"USER a"), (True, b"PASS b"), (True, b""), (False, b"331 y"),
    ]  # fmt: skip


def test_many_lines_of_one_piece_are_passed_over() -> None:
    many = pieces(
        ("c", b"\n" * 1_000),
        ("c", b"\n" * (MAX_LINES - 1) + b"last\n" + b"x\n" * 900 + b"US"),
        ("c", b"ER a\n"),
    )
    texts = [one.text for one in lines(many)]
    assert len(texts) == 2 * MAX_LINES + 1 and texts[-2:] == [b"last", b"USER a"]


def test_no_text_of_a_line_shows_it() -> None:
    (one,) = lines(pieces(("c", b"PASS hunter2\n")))
    assert "hunter2" not in repr(one) and one.text == b"PASS hunter2"


def test_torn_and_endless_lines_are_left_out() -> None:
    torn = in_order([segment(0, b"PASS se"), segment(9, b"et\r\nQUIT\r\n")], (999, -1))
    assert [one.text for one in lines(torn)] == [b"QUIT"]
    endless = pieces(
        ("c", b"x" * MAX_LINE), ("c", b"x"), ("c", b"y\r\nok\r\n"), ("c", b"z" * 9000 + b"\nlast\n")
    )
    assert [one.text for one in lines(endless)] == [b"ok", b"last"]


def test_segments_that_contradict_each_other_are_read_in_few_ways() -> None:
    true, false = b"PASS secret\r\n", b"QBRR rdbsdu\r\n"
    cut = [(at, true[at : at + 4], false[at : at + 4]) for at in range(0, len(true), 4)]
    orders = (
        [one for at, right, wrong in cut for one in ((at, wrong, 1), (at, right, 3))],
        [one for at, right, wrong in cut for one in ((at, right, 3), (at, wrong, 1))],
        [one for at, right, wrong in cut for one in ((at, wrong, 1), (at, right, 3), (at, wrong, 1))],
        [(0, false, 1), *((at, right, 3) for at, right, _ in cut)],
        [*((at, right, 3) for at, right, _ in cut), (2, false[2:9], 1)],
    )
    for order in orders:
        for marked in (True, False):
            said = [
                segment(at, data)._replace(mark=mark * marked, seen=Seen(n, n, 0))
                for n, (at, data, mark) in enumerate(order)
            ]
            found = [b"".join(piece.data for piece in one) for one in every(said)]
            assert true in found and len(found) <= 10
    assert len(every([segment(0, b"ab"), segment(2, b"c"), segment(1, b"bc")])) == 1


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 40), st.binary(max_size=9), st.integers(0, 2))))
def test_every_reading_is_in_order(said: list[tuple[bool, int, bytes, int]]) -> None:
    segments = [
        segment(at, data, from_client)._replace(mark=mark, seen=Seen(n, n, 0))
        for n, (from_client, at, data, mark) in enumerate(said)
    ]
    found = every(segments)
    assert 1 <= len(found) <= 10
    for one in found[1:]:
        for side in (True, False):
            own = [piece for piece in one if piece.from_client == side]
            assert all(a.at + len(a.data) == b.at for a, b in pairwise(own))
