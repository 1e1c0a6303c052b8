"""Files of the range are read within bounds, and every error has its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from otmon.lab.form import (
    Duration,
    Form,
    Id,
    RangeError,
    Truth,
    Word,
    WordsForm,
    content_of,
    read_clock,
    read_form,
)


class PlateForm(Form):
    id: Id
    name: WordsForm
    wait: Duration = 0
    hot: Truth = False
    values: tuple[Word, ...] = ()


def read(text: str) -> PlateForm:
    _, form = read_form("plate.yaml", text.encode(), PlateForm, "a plate")
    return form


def test_leaves_are_read() -> None:
    form = read("{id: a-1, name: {ja: 皿, en: plate}, wait: 90s, hot: yes, values: [0, 65535]}")
    assert (form.id, form.name.value().ja, form.wait, form.hot, form.values) == (
        "a-1",
        "皿",
        90 * 10**9,
        True,
        (0, 65_535),
    )
    assert read("{id: a, name: {ja: 皿, en: plate}, wait: 500ms}").wait == 500_000_000


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{id: A, name: {ja: a, en: b}}", "plate.yaml:1:6: 'A' does not fit here, expected lower-case"),
        ("{name: {ja: a, en: b}}", "plate.yaml:1:1: id is missing, expected id, name"),
        ("{id: a, name: {ja: a}}", "plate.yaml:1:15: en is missing, expected ja, en"),
        (
            "{id: a, name: b}",
            "plate.yaml:1:15: 'b' does not fit here, expected a mapping with keys such as ja",
        ),
        ("{id: a, name: {ja: a, en: b, fr: c}}", "plate.yaml:1:30: unknown key 'fr', expected ja, en"),
        ("{id: a, name: {ja: a, en: b}, wait: 5}", "expected a duration such as 500ms"),
        ("{id: a, name: {ja: a, en: b}, wait: 9999999h}", "expected a duration"),
        ("{id: a, name: {ja: a, en: b}, hot: maybe}", "'maybe' does not fit here, expected yes or no"),
        ("{id: a, name: {ja: a, en: b}, values: [1, x]}", "plate.yaml:1:43: 'x' does not fit here"),
        ("{id: a, name: {ja: a, en: b}, values: 1}", "'1' does not fit here, expected a list"),
        ("{id: a, name: {ja: a, en: '\u0007'}}", "plate.yaml:1:28:"),
        ("[a]", "plate.yaml:1:1: a list does not fit here, expected a mapping with keys such as id"),
        ("", "plate.yaml: the file is empty, expected a plate"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, told: str) -> None:
    with pytest.raises(RangeError) as caught:
        read(text)
    assert told in str(caught.value)


def test_a_time_of_day_is_one_of_a_day() -> None:
    assert read_clock("07:30:15") == (7 * 3600 + 30 * 60 + 15) * 10**9
    assert [read_clock(text) for text in ("24:00", "7:30", "", "07:60", "07:30:")] == [None] * 5


def test_only_plain_files_are_opened(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x")
    assert content_of(tmp_path / "a") == b"x"
    with pytest.raises(RangeError, match="no plain file"):
        content_of(tmp_path)
    with pytest.raises(RangeError, match="cannot be read"):
        content_of(tmp_path / "b")
