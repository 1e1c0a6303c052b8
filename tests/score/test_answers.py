"""A person's answers: headings as people write them, times as they write them, errors with their row."""

from __future__ import annotations

from datetime import date, datetime, time
from pathlib import Path
from time import process_time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from otmon.score.answers import HEADINGS, read_answers
from otmon.score.claim import Claim, ClaimError
from otmon.zones.files.workbook import write_xlsx
from tests.score.made import NOON, SECOND

TOKYO = ZoneInfo("Asia/Tokyo")
MINUTE = 60 * SECOND


def claims(path: Path, text: str | bytes, zone: ZoneInfo | None = None) -> tuple[Claim, ...]:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    said = read_answers(str(path), zone)
    assert not said.is_sensor and said.packets is None and said.name == str(path)
    return said.claims


def test_answers_are_read(tmp_path: Path) -> None:
    text = (
        "time,from,to,technique,note\n"
        "2026-04-14T12:10+09:00,attacker,plc,T0846,looks for controllers\n"
        '2026-04-14T03:20:05.25Z,10.0.9.66,"PLC, pump",t0836 T0831,\n'
    )
    first, second = claims(tmp_path / "a.csv", text)
    assert (first.times_ns, first.precision_ns) == ((NOON + 10 * MINUTE,), MINUTE - 1)
    assert (first.clients, first.servers, first.techniques) == (("attacker",), ("plc",), ("T0846",))
    assert first.said == "looks for controllers" and first.place.endswith("a.csv:2")
    assert second.times_ns == (NOON + 20 * MINUTE + 5 * SECOND + SECOND // 4,)
    assert second.precision_ns == SECOND // 100 - 1
    assert (second.servers, second.techniques) == (("plc", "pump"), ("T0831", "T0836"))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp932"])
@pytest.mark.parametrize("divided", [",", ";", "\t"])
def test_a_japanese_sheet_is_read(encoding: str, divided: str, tmp_path: Path) -> None:
    rows = [
        ("演習1 回答", "", "", ""),
        ("発生時刻 (JST)", "送信元", "宛先", "備考"),
        ("２０２６/4/14 12:10:00", "attacker", "plc、pump", "探索"),
    ]
    text = "\r\n".join(divided.join(row) for row in rows)
    (claim,) = claims(tmp_path / "a.csv", text.encode(encoding), TOKYO)
    assert claim.times_ns == (NOON + 10 * MINUTE,) and claim.precision_ns == SECOND - 1
    assert claim.servers == ("plc", "pump") and claim.said == "探索"


def test_a_workbook_is_read(tmp_path: Path) -> None:
    rows = [("Time", "To"), ("2026-04-14 12:10", "plc")]
    (claim,) = claims(tmp_path / "a.xlsx", write_xlsx("answers", rows, [20, 20]), TOKYO)
    assert claim.times_ns == (NOON + 10 * MINUTE,)
    assert (claim.clients, claim.servers) == ((), ("plc",))


@pytest.mark.parametrize(
    ("said", "second"),
    [
        ("2026年4月14日 12時10分", None),
        ("2026年 4月14日12時10分05秒", 5),
        ("2026年4月14日 12時10分 JST", None),
        ("2026/04/14 12:10:5", 5),
        ("２０２６年４月１４日　１２：１０", None),
        ("2026-04-14 12:10:05.000 +0900", 5),
    ],
)
def test_a_time_is_read_as_people_write_it(said: str, second: int | None, tmp_path: Path) -> None:
    (claim,) = claims(tmp_path / "a.csv", f"時刻,宛先\n{said},plc\n", TOKYO)
    assert claim.times_ns == (NOON + 10 * MINUTE + (second or 0) * SECOND,)
    assert (claim.precision_ns == MINUTE - 1) is (second is None)


def test_the_day_may_stand_in_a_column_of_its_own(tmp_path: Path) -> None:
    text = "No.,時刻,日付,送信元\n1,12:10,2026/4/14,attacker\n2,12時11分,2026年4月14日,attacker\n"
    first, second = claims(tmp_path / "a.csv", text, TOKYO)
    assert (first.times_ns, second.times_ns) == ((NOON + 10 * MINUTE,), (NOON + 11 * MINUTE,))
    (only,) = claims(tmp_path / "b.csv", "date,from\n2026-04-14 12:10,attacker\n", TOKYO)
    assert only.times_ns == first.times_ns


@pytest.mark.parametrize(
    ("head", "cells"),
    [
        (("時刻", "宛先"), (datetime(2026, 4, 14, 12, 10), "plc")),
        (("日付", "時刻", "宛先"), (date(2026, 4, 14), time(12, 10), "plc")),
        (("日付", "時刻", "宛先"), (datetime(2026, 4, 14), "12:10", "plc")),
    ],
)
def test_what_excel_made_a_date_or_a_time_is_one(
    head: tuple[str, ...], cells: tuple[object, ...], tmp_path: Path
) -> None:
    book = Workbook()
    assert book.active is not None
    book.active.append(head)
    book.active.append(cells)
    book.save(tmp_path / "a.xlsx")
    (claim,) = claims(tmp_path / "a.xlsx", (tmp_path / "a.xlsx").read_bytes(), TOKYO)
    assert claim.times_ns == (NOON + 10 * MINUTE,) and claim.servers == ("plc",)


def test_a_day_without_a_time_and_a_date_for_a_host_are_told(tmp_path: Path) -> None:
    book = Workbook()
    assert book.active is not None
    for row in (("time", "to"), (date(2026, 4, 14), "plc"), (datetime(2026, 4, 14, 12), date(2010, 1, 2))):
        book.active.append(row)
    book.save(tmp_path / "a.xlsx")
    with pytest.raises(ClaimError) as caught:
        claims(tmp_path / "a.xlsx", (tmp_path / "a.xlsx").read_bytes(), TOKYO)
    first, second = str(caught.value).splitlines()
    assert "a.xlsx:2: time: '2026-04-14' is no time" in first
    assert "a.xlsx:3: to: a date or time (2010-01-02" in second


def test_names_beside_the_ids_of_techniques_are_let_be(tmp_path: Path) -> None:
    rows = "2026-04-14T12:10Z,a,b,T0836 (Modify Parameter)\n2026-04-14T12:11Z,a,b,Ｔ０８４６：探索、T0888\n"
    first, second = claims(tmp_path / "a.csv", f"time,from,to,technique\n{rows}")
    assert (first.techniques, second.techniques) == (("T0836",), ("T0846", "T0888"))


@pytest.mark.parametrize(
    "text",
    [
        "time,to,note\n2026-04-14T12:10Z,plc,a; b; c; d; e; f; g; h\n",
        'time;to;note\n2026-04-14T12:10Z;plc;"a, b, c, d, e, f"\n',
        'time\tto\tnote\n2026-04-14T12:10Z\tplc\t"a,\nb,\nc,\nd;"\n',
        "time,to\r2026-04-14T12:10Z,plc\r",
    ],
)
def test_what_divides_the_cells_is_told_from_what_stands_in_them(text: str, tmp_path: Path) -> None:
    (claim,) = claims(tmp_path / "a.csv", text)
    assert claim.servers == ("plc",)


def test_a_trainee_is_told_in_japanese(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("時刻,送信元,手法\n12:10,a,\n2026/4/14 12:10,a,\n2026/4/14 12:10,,\n".encode("cp932"))
    with pytest.raises(ClaimError) as caught:
        read_answers(str(path), None, "ja")
    first, second, third = str(caught.value).splitlines()
    assert first.startswith(f"{path}:2: 時刻: '12:10' は日時ではない")
    assert "--time-zone Asia/Tokyo" in second and second == third.replace(":4:", ":3:")
    path.write_text("これは表ではない", encoding="utf-8")
    with pytest.raises(ClaimError, match="見出しの行がない"):
        read_answers(str(path), None, "ja")


def test_a_hundred_megabytes_are_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with path.open("wb") as stream:
        stream.write(b"time,from\n")
        stream.truncate(100_000_000)
    for language, told in (("en", "more than 16777216 bytes"), ("ja", "表として読めない")):
        with pytest.raises(ClaimError, match=told):
            read_answers(str(path), None, language)  # type: ignore[arg-type]


@pytest.mark.parametrize("cell", ["1" * 32_000, "1 " * 16_000, "2026年" * 6_000, "1時" * 16_000])
def test_a_cell_of_any_length_costs_little(cell: str, tmp_path: Path) -> None:
    began = process_time()
    with pytest.raises(ClaimError, match="is no time"):
        claims(tmp_path / "a.csv", f"time,from,technique\n{cell},{cell},{cell}\n")
    assert process_time() - began < 5


def test_the_same_row_twice_is_one_answer(tmp_path: Path) -> None:
    row = "2026-04-14T12:10Z,attacker,plc,,{}\n"
    text = "time,from,to,technique,note\n" + row.format("one") + row.format("again")
    assert len(claims(tmp_path / "a.csv", text)) == 1


def test_a_sheet_without_rows_says_nothing(tmp_path: Path) -> None:
    assert claims(tmp_path / "a.csv", "time,from,to,technique,note\n") == ()


def test_no_heading_means_two_things() -> None:
    headings = [heading for of_one in HEADINGS.values() for heading in of_one]
    assert len(headings) == len(set(headings))


WRONG = {
    "time: 'noon' is no time, expected such as 2026-04-14T09:12:30+09:00": "noon,attacker,plc,,",
    "time: '' is no time": ",attacker,plc,,",
    "time: '2026-04-14 12:10' has no offset from UTC: give --time-zone": "2026-04-14 12:10,attacker,plc,,",
    "time: '2026-02-30T12:10Z': there is no such day, time or offset": "2026-02-30T12:10Z,attacker,plc,,",
    "time: '2026-04-14T12:10+99:00': there is no such": "2026-04-14T12:10+99:00,attacker,plc,,",
    "time: '2026-13-01T00:00Z': there is no such": "2026-13-01T00:00Z,attacker,plc,,",
    "time: '4/14/2026 12:10' is no time": "4/14/2026 12:10,attacker,plc,,",
    "time: '12:10' is no time": "12:10,attacker,plc,,",
    "technique: 'T83' is no id": "2026-04-14T12:10Z,a,b,T0836 T83,",
    "neither from nor to, expected a host at least": "2026-04-14T12:10Z,,,,",
    "technique: 'SCAN' is no id of ATT&CK for ICS, expected such as T0836": "2026-04-14T12:10Z,a,b,scan,",
    "from: 101 of them, expected at most 100": f"2026-04-14T12:10Z,{' '.join(map(str, range(101)))},plc,,",
}


@pytest.mark.parametrize("told", WRONG)
def test_what_is_wrong_is_told_with_its_row(told: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with pytest.raises(ClaimError) as caught:
        claims(path, f"time,from,to,technique,note\n2026-04-14T12:10Z,attacker,plc,,\n{WRONG[told]}\n")
    assert str(caught.value).startswith(f"{path}:3: {told}")


def test_every_wrong_row_is_told_up_to_a_bound(tmp_path: Path) -> None:
    with pytest.raises(ClaimError) as caught:
        claims(tmp_path / "a.csv", "time,from,to\n" + "x,y,z\n" * 100)
    assert len(str(caught.value).splitlines()) == 20


@pytest.mark.parametrize("text", ["", "time;note\n", "a,b\nc,d\n", "from,to\nx,y\n", "\n" * 50 + "x"])
def test_a_sheet_without_headings_is_an_error(text: str, tmp_path: Path) -> None:
    with pytest.raises(ClaimError, match="no row of headings in the first 10 rows"):
        claims(tmp_path / "a.csv", text)


@pytest.mark.parametrize("text", ["0001-01-01 00:00", "9999-12-31 23:59:59", "0000-01-01 00:00"])
@pytest.mark.parametrize("zone", [TOKYO, ZoneInfo("America/New_York")])
def test_the_ends_of_the_calendar_are_times_or_errors(text: str, zone: ZoneInfo, tmp_path: Path) -> None:
    try:
        (claim,) = claims(tmp_path / "a.csv", f"time,from\n{text},plc\n", zone)
    except ClaimError as error:
        assert f":2: time: '{text}'" in str(error)
    else:
        assert abs(claim.times_ns[0]) < 2**69


CELLS = st.sampled_from(["time", "from", "to", "technique", "2026-04-14T12:10Z", "plc", "T0836", "", "\0"])


@given(
    st.binary(max_size=200) | st.lists(st.lists(CELLS, max_size=6).map(",".join), max_size=8).map("\n".join)
)
@settings(max_examples=200)
def test_any_bytes_are_answers_or_an_error(folder: Path, text: bytes | str) -> None:
    path = folder / "hostile.csv"
    try:
        found = claims(path, text)
    except ClaimError as error:
        assert all(line.startswith(str(path)) for line in str(error).splitlines())
    else:
        assert all(claim.clients or claim.servers for claim in found)
