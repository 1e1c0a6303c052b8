"""The sheet of findings: what people read in it, and what a capture cannot put there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from otmon.detect.detector import Case
from otmon.detect.finding import Finding, Link, Place, say
from otmon.detect.rules.rule import Text
from otmon.engine import replay
from otmon.findings.judge import case_of, found_in, id_of
from otmon.findings.wording import LANGUAGES, Language, catalogue
from otmon.outputs.finding_sheet import COLUMNS, WIDTHS, finding_rows
from otmon.zones.files.load import load_model
from otmon.zones.files.workbook import read_sheets, write_csv, write_xlsx
from tests.command import ROOT
from tests.findings.taken import PAST, taken

MODEL = load_model(str(ROOT / "zones" / "two-factories.yaml"))


@pytest.fixture(scope="module", name="case")
def case_fixture() -> Case:
    return case_of(replay([str(ROOT / "pcaps" / "two-factories-day.pcapng")]).ledger, MODEL)


def rows_of(case: Case, language: Language) -> list[dict[str, str]]:
    findings = found_in(case)
    camera = next(one for one in findings if one.rule == "default-credentials")
    xp = next(one for one in findings if one.rule == "unsupported-system")
    known, over = taken(case, findings, camera), taken(case, findings, xp, until=PAST)
    told = [(one, known.of(one) or over.of(one)) for one in findings]
    head, *rows = finding_rows(told, language, MODEL)
    assert len(rows) == len(findings) and {len(row) for row in rows} == {len(head)} == {len(WIDTHS)}
    names = [name for name, _ in COLUMNS]
    assert list(head) == [catalogue()[f"sheet.{name}"][language].format(clock="Asia/Tokyo") for name in names]
    return [dict(zip(names, row, strict=True)) for row in rows]


def test_a_row_says_what_the_table_says_and_who_has_decided(case: Case) -> None:
    rows = {row["id"]: row for row in rows_of(case, "ja")}
    camera, xp = rows["00c5a9c0fa79"], rows["91a2a3de74c7"]
    assert camera["what"].startswith("10.12.2.200 が 10.12.1.60 の公開済み初期パスワードによるログインを")
    assert (camera["severity"], camera["risk"], camera["rule"]) == ("緊急", "A", "default-credentials")
    assert camera["devices"] == "10.12.1.60: B工場 班長PC"
    assert (camera["client"], camera["server"], camera["service"]) == (
        "10.12.1.60", "10.12.2.200", "http tcp/80"
    )  # fmt: skip
    assert (camera["zones"], camera["owners"]) == (
        "B工場 制御系 (監視・制御・コントローラ)(factory-b)", "製造部 B工場"
    )  # fmt: skip
    assert rows["4c8d74d76ebb"]["zones"].endswith(" → internet")
    assert len(camera["why"].splitlines()) > 2 and len(camera["do"].splitlines()) > 1
    assert camera["first"] == "2026-05-12 10:19:06.015" and camera["packets"].endswith("No.1043")
    decided = [camera[name] for name in ("decision", "reason", "by", "until")]
    assert decided == ["受容済み", "撤去は3月", "製造部", "2027-03-31"]
    assert (xp["decision"], xp["until"]) == ("受容の期限切れ", "2026-04-01")
    boundary = next(row for row in rows.values() if row["id"] == "c68391925041")
    assert boundary["owners"] == "製造部 A工場\n情報システム部" and boundary["decision"] == ""


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_both_kinds_of_sheet_say_the_same_each_time(case: Case, language: Language, kind: str) -> None:
    findings = found_in(case)
    rows = finding_rows([(one, None) for one in findings], language, MODEL)
    written = [write_csv(rows) if kind == "csv" else write_xlsx("a", rows, WIDTHS) for _ in range(2)]
    assert written[0] == written[1]
    (sheet,) = read_sheets(written[0])
    read = list(sheet.rows.values())
    assert len(read) == len(rows)
    for row, back in zip(rows, read, strict=True):
        assert [" ".join(cell.split()) for cell in row][: len(back)] == [
            " ".join(cell.split()) for cell in back
        ]


def test_what_came_from_the_network_is_text() -> None:
    evil = "=cmd|'/C calc'!A1\x1b\u202e"
    finding = Finding(
        "a-rule", ("k",), "low", Link(evil, evil, "tcp", 1, "http"), Place(evil, evil, evil, evil, evil),
        say("alike", count=1), (say("said", protocol=evil, value=evil),), 1, "packets", 1, 1 << 62, (),
        names=((evil, Text(evil, evil)),),
    )  # fmt: skip
    rows = finding_rows([(finding, None), (replace(finding, link=Link()), None)], "en", None)
    assert rows[1][0] == id_of(finding) and rows[2][7] == ""
    for row in rows:
        assert not set("".join(row)) & set("\x1b\u202e")
    text = write_csv(rows).decode("utf-8-sig")
    assert not any(line.startswith("=") or ',"=' in line or ",=" in line for line in text.splitlines())
