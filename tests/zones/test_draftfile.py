"""The text of a draft: whatever stood in a cell is one text again when the model is read."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from otmon.zones.document import parse
from otmon.zones.draftfile import MAX_COMMENT, Block, listing, scalar, text_of
from otmon.zones.load import read_model
from otmon.zones.schema import MAX_TEXT


@given(st.lists(st.text(min_size=1, max_size=20), min_size=1, max_size=3), st.text(max_size=40))
def test_texts_survive_and_comments_stay_comments(texts: list[str], note: str) -> None:
    wanted = [text_of(text) or "x" for text in texts]
    block = Block()
    block.line("zones:")
    block.comment(note, 2)
    block.line("  - id: a")
    block.line("    importance: 中")
    block.line(f"    owner: {listing(wanted)}", 7)
    block.comment(note)
    built = read_model([("m", block.text().encode())], frozenset())
    assert built.zones[0].owners == tuple(wanted)
    assert len(built.zones) == 1
    assert (block.row_of(5), block.row_of(4)) == (7, None)


def test_plain_texts_are_written_plain() -> None:
    assert [scalar(text) for text in ("plc", "10.0.0.0/24", "fd00::1", "it's", "a b", "")] == [
        "plc", "10.0.0.0/24", "'fd00::1'", "'it''s'", "'a b'", "''",
    ]  # fmt: skip
    assert listing(["a"]) == "a" and listing(["a", "b"]) == "[a, b]"


def test_texts_are_cut_to_what_a_model_takes() -> None:
    assert len(text_of("x" * 1000)) == MAX_TEXT
    assert text_of(" a\n\tb\0 ") == "a b"
    block = Block()
    block.comment("x" * 10_000)
    assert len(block.text()) <= MAX_COMMENT + 4
    assert parse("m", block.text().encode()).problems == ()
