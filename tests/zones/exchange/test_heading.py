"""Headings as people write them."""

from __future__ import annotations

import pytest

from otmon.zones.exchange.cell import words
from otmon.zones.exchange.heading import find_head, key_of
from otmon.zones.exchange.sheet import COLUMNS


@pytest.mark.parametrize(
    ("heading", "key"),
    [
        ("送信元IPアドレス", "from_address"), ("送信元 ＩＰ アドレス", "from_address"),
        ("Source-IP", "from_address"),
        ("送信元（IP）", "from_address"), ("宛先", "to_address"), ("Destination Address", "to_address"),
        ("宛先ポート番号", "port"), ("Dst_Port", "port"), ("許可/拒否", "action"), ("Action", "action"),
        ("所有者", "settings_owner"), ("No.", "number"), ("#", "number"), ("プロトコル", "protocol"),
        ("service", "service"), ("Source\nPort", "source_port"), ("天気", ""), ("", ""), ("((", ""),
    ],
)  # fmt: skip
def test_a_heading_counts_however_it_is_spaced(heading: str, key: str) -> None:
    assert key_of(heading) == key


def test_our_own_headings_are_known_in_both_languages() -> None:
    for column in COLUMNS:
        assert key_of(column.ja) == key_of(column.en) == column.key


def test_no_word_means_two_things() -> None:
    for part in ("headings", "directions", "actions", "access", "protocols"):
        said = [word for names in words()[part].values() for word in names]
        assert len(said) == len(set(said)), part


def test_the_head_may_stand_below_a_title_and_a_note() -> None:
    rows = {
        1: ("通信一覧",),
        3: ("送信元の説明", "x"),
        5: ("No", "送信元", "宛先", "ポート", "色"),
        6: ("1", "a"),
    }
    head = find_head(rows)
    assert head is not None and head.row == 5
    assert head.keys == {1: "number", 2: "from_address", 3: "to_address", 4: "port"}
    assert head.others == {5: "色"}


def test_two_rows_make_one_head() -> None:
    rows = {
        1: ("送信元", "", "宛先", "", "", "備考"),
        2: ("ゾーン", "IPアドレス", "ゾーン", "IPアドレス", "ポート", ""),
    }
    head = find_head(rows)
    assert head is not None and head.row == 2
    assert head.keys == {
        1: "from_zone", 2: "from_address", 3: "to_zone", 4: "to_address", 5: "port", 6: "reason",
    }  # fmt: skip


@pytest.mark.parametrize("rows", [{}, {1: ("送信元", "ポート")}, {1: ("a", "b")}])
def test_without_both_ends_there_is_no_head(rows: dict[int, tuple[str, ...]]) -> None:
    assert find_head(rows) is None


def test_a_second_column_of_the_same_meaning_is_told() -> None:
    head = find_head({1: ("source", "destination", "利用時間", "時間帯", "remarks", "note", "色")})
    assert head is not None
    assert head.keys == {1: "from_address", 2: "to_address", 4: "hours", 5: "reason"}
    assert head.others == {3: "利用時間", 6: "note", 7: "色"}
    assert head.seconds == {3: 4, 6: 5}


def test_our_own_headings_come_before_others_that_mean_the_same() -> None:
    for head in (
        find_head({1: ("担当者", "備考", "送信元IPアドレス", "宛先IPアドレス", "設定の責任者", "理由")}),
        find_head({1: ("owner", "note", "From IP address", "To IP address", "Settings owner", "Reason")}),
    ):
        assert head is not None
        assert head.keys == {3: "from_address", 4: "to_address", 5: "settings_owner", 6: "reason"}
        assert head.seconds == {1: 5, 2: 6}


def test_columns_of_protocols_services_and_ports_are_all_read() -> None:
    head = find_head({1: ("source", "destination", "プロトコル", "アプリケーション", "port", "宛先ポート")})
    assert head is not None and head.others == {}
    assert list(head.keys.values())[2:] == ["protocol", "protocol", "port", "port"]
