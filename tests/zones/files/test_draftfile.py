"""The text of a draft: whatever stood in a cell is one text again when the model is read."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from otmon.zones.address import Address, Network, host
from otmon.zones.files.document import parse
from otmon.zones.files.draftfile import MAX_COMMENT, Block, free_id, listing, member_text, scalar, text_of
from otmon.zones.files.load import read_model
from otmon.zones.files.text import MAX_TEXT


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


def test_ids_stay_unique_and_short() -> None:
    taken = {"a", "a-2", "b-1"}
    assert [free_id(wanted, taken) for wanted in ("a", "b-1", "c")] == ["a-3", "b-2", "c"]
    long = free_id("x" * 80, {"x" * 64})
    assert len(long) <= 64 and long.endswith("-2")


def test_members_are_written_as_they_are_read() -> None:
    address, mac = host(Address(32, 0x0A000001)), Address(48, 0x0080F4300211)
    assert [member_text(*said) for said in (
        (address, None, None), (address, mac, None), (None, mac, "untagged"), (None, None, "200.10"),
        (None, None, None, Network(48, 24, 0x001B1B)), (None, None, None, None, "erspan:10.0.0.2/3/12"),
    )] == [
        "10.0.0.1", "{address: 10.0.0.1, mac: '00:80:f4:30:02:11'}",
        "{mac: '00:80:f4:30:02:11', vlan: untagged}", "{vlan: 200.10}",
        "{oui: '00:1b:1b'}",
        "{switch_port: 'erspan:10.0.0.2/3/12'}",
    ]  # fmt: skip


def test_a_text_that_yaml_takes_for_nothing_is_quoted() -> None:
    assert [scalar(text) for text in ("null", "NULL", "nullify")] == ["'null'", "'NULL'", "nullify"]
