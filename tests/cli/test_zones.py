"""`otmon zones ...` as people meet it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from tests.command import DAY, MODEL, one_line, otmon


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The facts of the factory day."""
    ledger = tmp_path_factory.mktemp("day") / "day.db"
    assert otmon("replay", DAY, "--ledger", ledger)[0] == 1
    return ledger


def test_zones_check_tells_what_it_read() -> None:
    status, out, err = otmon("zones", "check", MODEL)
    assert (status, err) == (0, "")
    assert "zones with" in out and "permissions" in out


def test_a_baseline_completes_a_model_and_its_absence_is_said(day: Path, tmp_path: Path) -> None:
    model = tmp_path / "m.yaml"
    model.write_text("zones: [{id: all, importance: 大, owner: x, members: 10.0.0.0/8, inside: baseline}]\n")
    status, out, err = otmon("check", "--ledger", day, "--zones", model, "--baseline", day)
    assert "all: what happens inside" not in err and "unlisted-traffic" not in out
    bare, _, err = otmon("check", "--ledger", day, "--zones", model)
    assert "all: what happens inside was judged by what the model lists only; give --baseline" in one_line(
        err
    )
    assert status == bare == 1
    without = otmon("zones", "check", model)[1]
    assert "without `--baseline` only what it lists is judged there" in without
    assert "a baseline holds" not in otmon("zones", "check", model, "--baseline", day)[1]


def test_zones_check_with_a_ledger_names_assets_in_no_zone_and_in_two(tmp_path: Path) -> None:
    ledger, model = tmp_path / "l.db", tmp_path / "m.yaml"
    otmon("replay", DAY, "--ledger", ledger)
    model.write_text(
        "version: 1\nzones:\n  - id: a\n    importance: 大\n    members: [10.30.1.10, 10.30.1.20]\n"
        "  - id: b\n    importance: 大\n    members: 10.30.1.20\n"
    )
    status, out, err = otmon("zones", "check", model, "--ledger", ledger)
    if status == 0:
        assert "10.30.1.20 is in zones a, b" in out
        assert "10.30.2.11" in out and "is in no zone" in out
    else:
        assert "10.30.1.20" in err


def test_zones_paths_names_hops_with_their_lines_and_what_was_used(day: Path) -> None:
    status, out, err = otmon("zones", "paths", MODEL, "--from", "office", "--to", "plc", "--ledger", day)
    assert (status, err) == (1, "")
    assert "hops: 3" in out and "inside business" in out
    assert "office-orders of boundary office-business" in out and "used by" in out
    assert "history (business-plc, " in out
    assert "is taken for a router" in out


def test_zones_paths_of_nothing_is_status_0() -> None:
    status, out, err = otmon("zones", "paths", MODEL, "--from", "internet", "--to", "plc", "--lang", "ja")
    assert (status, out, err) == (0, "internet から plc へ至る許可の連鎖はない\n", "")


@pytest.mark.parametrize(
    ("ends", "says"),
    [
        (("--from", "ofice", "--to", "plc"), "no zone 'ofice' in the model, expected office"),
        (("--from", "plc", "--to", "plc"), "both plc"),
    ],
)
def test_zones_paths_between_no_zones_is_a_usage_error(ends: tuple[str, ...], says: str) -> None:
    status, out, err = otmon("zones", "paths", MODEL, *ends)
    assert (status, out) == (2, "")
    assert says in one_line(err)


def test_zones_diff_of_a_model_with_itself_is_status_0(day: Path) -> None:
    status, out, err = otmon("zones", "diff", MODEL, MODEL, "--ledger", day)
    assert (status, err) == (0, "")
    assert out == "the models mean the same\n\nVerdicts that change in the ledger: 0\n"


def test_zones_diff_tells_what_changes_and_for_whom(day: Path, tmp_path: Path) -> None:
    new = tmp_path / "new.yaml"
    text = MODEL.read_text(encoding="utf-8")
    assert "functions: read-input-registers" in text
    new.write_text(text.replace("functions: read-input-registers", "functions: 3"), encoding="utf-8")
    status, out, err = otmon("zones", "diff", MODEL, new, "--ledger", day)
    assert (status, err) == (1, "")
    assert "functions: 4 -> 3" in out
    assert "10.20.0.30 -> 10.30.2.11: Read Input Registers (read) 0-" in out
    assert f"-> denied ({new}:" in out


def test_zones_diff_of_a_broken_model_is_status_2(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("version: 1\nzones: 3\n")
    status, out, err = otmon("zones", "diff", MODEL, bad)
    assert (status, out) == (2, "")
    assert f"{bad}:2:" in err


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "1 hidden rows are left out (3: gone): show those whose devices are authorised"),
        ("ja", "非表示の行 1 件を台帳から除く(3: gone)。認める機器の行は再表示し"),
    ],
)
def test_what_of_an_inventory_is_left_out_is_said(tmp_path: Path, language: str, said: str) -> None:
    book = Workbook()
    page: Any = book.active
    for row in (("id", "IP"), ("plc", "10.0.0.1"), ("gone", "10.0.0.2")):
        page.append(row)
    page.row_dimensions[3].hidden = True
    book.save(tmp_path / "devices.xlsx")
    model = tmp_path / "m.yaml"
    model.write_text(
        "version: 1\ninventory: devices.xlsx\n"
        "zones: [{id: a, importance: low, owner: x, members: 10.0.0.0/24}]\n",
        encoding="utf-8",
    )
    status, _, err = otmon("zones", "check", model, "--lang", language)
    assert status == 0 and said in one_line(err)
    assert f"{tmp_path / 'devices.xlsx'}:3:1: " in err
