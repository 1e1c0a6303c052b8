"""`otmon assets ...` as people and scripts meet it."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from otmon.ledger.file.store import save
from otmon.ledger.ledger import Ledger
from tests.command import ROOT, installed, one_line, otmon

MODEL = ROOT / "zones" / "two-factories.yaml"
CAPTURE = ROOT / "pcaps" / "two-factories-day.pcapng"
PHONE, CAMERA = "f6:1d:92:c4:08:3b", "24:0a:c4:7b:90:15"


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The facts of a day of two factories."""
    ledger = tmp_path_factory.mktemp("day") / "day.db"
    assert otmon("replay", CAPTURE, "--ledger", ledger)[0] in (0, 1)
    return ledger


def test_list_tells_everybody_and_filters(day: Path) -> None:
    status, everybody, err = otmon("assets", "list", day)
    assert (status, err) == (0, "")
    assert PHONE in everybody and "29 devices" in everybody
    phones = otmon("assets", "list", day, "--class", "phone")[1]
    assert PHONE in phones and CAMERA not in phones and phones.endswith("not in the inventory\n")
    strangers = otmon("assets", "list", day, "--zones", MODEL, "--zone", "unknown", "--lang", "ja")[1]
    assert PHONE in strangers and CAMERA not in strangers and "スマートフォン" in strangers
    unlisted = otmon("assets", "list", day, "--zones", MODEL, "--unknown")[1]
    assert PHONE in unlisted and "a-scada" not in unlisted


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--class", "fone"), "no class 'fone', expected controller, hmi"),
        (("--zone", "factory-a"), "--zone needs a model"),
        (("--zones", MODEL, "--zone", "factory-c"), "no zone 'factory-c' in the model"),
    ],
)
def test_a_filter_that_fits_nothing_is_an_error(day: Path, arguments: tuple[str, ...], expected: str) -> None:
    status, out, err = otmon("assets", "list", day, *arguments)
    assert (status, out) == (2, "") and expected in one_line(err)


@pytest.mark.parametrize(
    "name", [CAMERA, "10.12.2.200", CAMERA.upper(), CAMERA.replace(":", "-"), " 10.12.2.200"]
)
def test_show_tells_one_device_by_any_of_its_names(day: Path, name: str) -> None:
    status, out, _ = otmon("assets", "show", day, name, "--zones", MODEL)
    assert status == 0
    assert "probably: camera (likely)" in out and "gives video (rtsp)" in out and "zones: factory-b" in out


def test_show_finds_a_device_by_its_host_name(day: Path) -> None:
    assert otmon("assets", "show", day, "label-pc") == otmon("assets", "show", day, "00:0b:5d:0b:08:35")


@pytest.mark.parametrize("name", ["10.99.0.1", "", "nobody"])
def test_show_says_that_nobody_has_that_name(day: Path, name: str) -> None:
    status, _, err = otmon("assets", "show", day, name)
    assert status == 2 and f"no device '{name}'" in one_line(err)


def test_export_writes_what_is_listed(day: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "devices.csv"
    assert otmon("assets", "export", day, "--format", "csv", "--lang", "ja", "-o", sheet) == (0, "", "")
    data = sheet.read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))
    assert len(rows) == 29 and rows[0]["資産ID"].startswith("mac-")
    document = json.loads(otmon("assets", "export", day, "--format", "cyclonedx")[1])
    assert document["specVersion"] == "1.6" and len(document["components"]) == 29
    cameras = json.loads(otmon("assets", "export", day, "--format", "json", "--class", "camera")[1])
    assert [one["id"] for one in cameras] == [CAMERA]
    words = ("assets", "export", day, "--format", "json")
    assert otmon(*words) == installed(*words)


def test_an_exported_sheet_as_the_inventory_leaves_nothing_to_tell(day: Path, tmp_path: Path) -> None:
    text = MODEL.read_text(encoding="utf-8").replace("two-factories-devices.csv", "devices.csv")
    text = text.replace(", assets: [a-plc-mixing, a-scada]", "")
    (tmp_path / "m.yaml").write_text(text, encoding="utf-8")
    otmon("assets", "export", day, "--format", "csv", "-o", tmp_path / "devices.csv")
    status, out, err = otmon("assets", "diff", day, "--zones", tmp_path / "m.yaml")
    assert (status, out, err) == (0, "no difference\n", "")


def test_diff_compares_with_the_inventory_or_an_earlier_ledger(day: Path) -> None:
    status, out, _ = otmon("assets", "diff", day, "--zones", MODEL)
    assert status == 1 and f"new      {PHONE}" in out
    assert otmon("assets", "diff", day, "--before", day) == (0, "no difference\n", "")
    status, _, err = otmon("assets", "diff", day)
    assert status == 2 and "nothing to compare with" in one_line(err)


def test_what_a_ledger_could_not_hold_is_told(tmp_path: Path) -> None:
    full, whole = tmp_path / "full.db", tmp_path / "whole.db"
    save(Ledger(overflow=(("assets", 3616), ("claims", 7), ("operations", 5))), full)
    save(Ledger(overflow=(("operations", 5),)), whole)
    for words in (("list", full), ("export", full, "--format", "csv"), ("diff", whole, "--before", full)):
        err = otmon("assets", *words)[2]
        assert one_line(err).startswith(f"otmon: {full} could not hold all that was seen")
        assert "(assets: 3,616, claims: 7)" in err
    assert "欠けている機器がありうる" in otmon("assets", "list", full, "--lang", "ja")[2]
    assert otmon("assets", "list", whole)[2] == ""
