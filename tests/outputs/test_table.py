"""The table: what it shows, in both languages, and what a hostile capture cannot make it do."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings

from otmon.detect.finding import say
from otmon.detect.rules.load import shipped_rules
from otmon.detect.rules.rule import Text
from otmon.engine import replay
from otmon.findings.coverage import Coverage, ZoneCoverage
from otmon.findings.judge import case_of, found_in, id_of, judge
from otmon.findings.standing import decided
from otmon.findings.wording import LANGUAGES, Language, catalogue, visible
from otmon.ledger.facts import Damage
from otmon.ledger.ledger import EMPTY, Ledger
from otmon.ledger.merge import collect, merge
from otmon.outputs.jsonlines import finding_line
from otmon.outputs.table import (
    CONVERSATIONS_SHOWN,
    DAMAGE_SHOWN,
    FINDINGS_SHOWN,
    WIDTH,
    write_finding,
    write_table,
)
from otmon.zones.files.load import load_model
from tests.findings.taken import PAST, decision, taken
from tests.ledger.conftest import any_ledgers

ROOT = Path(__file__).resolve().parent.parent.parent
MODEL = load_model(str(ROOT / "zones" / "factory.yaml"))


def shown(ledger: Ledger, language: Language = "en", with_model: bool = False, times: int = 1) -> str:
    stream = io.StringIO()
    model = MODEL if with_model else None
    findings = judge(ledger, model) * times
    write_table(stream, ledger, findings, MODEL.files if with_model else (), language)
    return stream.getvalue()


@pytest.fixture(scope="module")
def day() -> Ledger:
    return replay([str(ROOT / "pcaps" / "factory-day.pcapng")]).ledger


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_wider_than_a_page_nor_ends_in_blanks(day: Ledger, language: Language) -> None:
    for line in shown(day, language, with_model=True).splitlines():
        assert line == line.rstrip()
        assert sum(2 if ord(one) > 0x2E80 else 1 for one in line) <= WIDTH
        assert line.lstrip()[:1] not in tuple("、。)")


def test_a_finding_names_boundary_owners_line_and_packets(day: Ledger) -> None:
    text = " ".join(shown(day, with_model=True).split())
    assert "line-plc: settings 製造部 制御課, device 情報システム部" in text
    assert "zones/factory.yaml:" in text
    assert "factory-day.pcapng no. " in text


def test_without_a_boundary_it_names_those_who_answer_for_the_zones(day: Ledger) -> None:
    text = " ".join(shown(day, with_model=True).split())
    assert "where office → plc; office: 情報システム部; plc: 製造部 制御課" in text
    assert "where line-control → plc; line-plc: settings 製造部 制御課" in text


def test_no_name_of_a_boundary_is_cut_short(day: Ledger) -> None:
    name = "a-boundary-that-was-learnt-from-two-networks-of-which-each-has-a-long-name-10-20-30"
    one = Coverage(name, ("a", "b"), "unobservable", (1, 1), 2, (say("coverage.lost", count=3),) * 6)
    stream = io.StringIO()
    write_table(stream, day, (), MODEL.files, "en", (one,), (ZoneCoverage(name, "partly", 1, one.why),))
    cells = [line.strip() for line in stream.getvalue().splitlines()]
    assert "…" not in stream.getvalue()
    # A name goes on in the first column of the next lines.
    assert "".join(line.split("  ")[0] for line in cells).count(name) == 2


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_to_do_stands_once_for_each_rule(day: Ledger, language: Language) -> None:
    plain = "".join(shown(day, language, with_model=True).split())
    names = {one.rule for one in judge(day, MODEL)}
    rules = shipped_rules()
    assert "internet-contact" in names and "silent-server" not in names
    for name, rule in rules.items():
        steps = rule.response.ja if language == "ja" else rule.response.en
        block = name + "".join(f"-{step}" for step in steps)
        assert plain.count("".join(block.split())) == (name in names), name


@pytest.mark.parametrize(
    ("language", "says"),
    [
        ("en", "devices 10.12.1.60: Factory B foreman's PC where"),
        ("ja", "機器 10.12.1.60: B工場 班長PC 場所"),
    ],
)
def test_a_finding_names_the_devices_of_the_inventory(language: Language, says: str) -> None:
    ledger = replay([str(ROOT / "pcaps" / "two-factories-day.pcapng")]).ledger
    findings = judge(ledger, load_model(str(ROOT / "zones" / "two-factories.yaml")))
    one = next(one for one in findings if one.rule == "default-credentials")
    stream = io.StringIO()
    write_finding(stream, one, language)
    assert says in " ".join(stream.getvalue().split())
    stream = io.StringIO()
    evil = replace(one, names=(("10.12.1.60", Text("x\x1b[2J\n", "x\x1b[2J\n")),))
    write_finding(stream, evil, language)
    assert "\x1b" not in stream.getvalue() and "x\\x1b[2J\\n" in stream.getvalue()
    (address, name), *_ = evil.names
    assert finding_line(evil)["names"] == [
        {"address": address, "en": visible(name.en), "ja": visible(name.ja)}
    ]


def test_a_finding_alone_tells_what_to_do(day: Ledger) -> None:
    stream = io.StringIO()
    one = next(one for one in judge(day, MODEL) if one.rule == "forbidden-operation")
    write_finding(stream, one, "en")
    assert "Ask the operator of the client whether the command was meant." in " ".join(
        stream.getvalue().split()
    )


@pytest.mark.parametrize(
    ("language", "says"),
    [
        ("en", ("decided about 1 (below)", "Decided about: 1 known, not to be mended yet",
                "until 2027-03-31, by 製造部, of 2026-04-01 (d.yaml:2)", "why 撤去は3月")),
        ("ja", ("受容済み 1(後述)", "受容済みの検知: 1 件(当面是正しないと決めたもの)",
                "期限 2027-03-31、判断者 製造部、決定日 2026-04-01(d.yaml:2)", "理由 撤去は3月")),
    ],
)  # fmt: skip
def test_what_was_decided_has_a_section_of_its_own(
    day: Ledger, language: Language, says: tuple[str, ...]
) -> None:
    case = case_of(day, MODEL)
    findings = found_in(case)
    one = next(one for one in findings if one.rule == "random-mac")
    stream = io.StringIO()
    known = taken(case, findings, one)
    write_table(stream, day, findings, MODEL.files, language, decided=known)
    text = " ".join(stream.getvalue().split())
    for words in says:
        assert text.count(words) == 1, words
    assert text.index(says[1]) < text.index(id_of(one)) and text.count(id_of(one)) == 1
    # What to do is said of what is to be done.
    assert not re.search("^  random-mac +-", stream.getvalue(), re.M)
    told = []
    for alone in (known.of(one), None):
        stream = io.StringIO()
        write_finding(stream, one, language, standing=alone)
        told.append(" ".join(stream.getvalue().split()))
    assert says[3] in told[0] and says[3] not in told[1] and len(told[0]) < len(told[1]) / 2


def test_a_decision_that_does_not_hold_any_more_stands_at_its_finding(day: Ledger) -> None:
    case = case_of(day, MODEL)
    findings = found_in(case)
    one = next(one for one in findings if one.rule == "random-mac")
    known = taken(case, findings, one, until=PAST)
    for write in (
        lambda stream: write_table(stream, day, findings, MODEL.files, "en", decided=known),
        lambda stream: write_finding(stream, one, "en", standing=known.of(one)),
    ):
        stream = io.StringIO()
        write(stream)
        text = " ".join(stream.getvalue().split())
        assert "of 2026-04-01 (d.yaml:2) decided until 2026-04-01: lapsed seen" in text
        assert "Decided about" not in text and "decided about 1" not in text


def test_of_what_was_decided_that_which_ends_first_comes_first(day: Ledger) -> None:
    case = case_of(day, MODEL)
    findings = found_in(case)
    three = [one for one in findings if one.rule in ("modbus-scan", "random-mac")]
    ends = dict(zip(three, (date(2027, 3, 1), date(2027, 1, 1), date(2027, 2, 1)), strict=True))
    known = decided(case, findings, {id_of(one): decision(one, until) for one, until in ends.items()})
    stream = io.StringIO()
    write_table(stream, day, findings, MODEL.files, "en", decided=known)
    text = stream.getvalue()
    said = sorted(three, key=lambda one: text.index(id_of(one)))
    assert said == [three[1], three[2], three[0]]


def test_where_everything_was_decided_about_nothing_else_is_said(day: Ledger) -> None:
    case = case_of(day, MODEL)
    one = next(one for one in found_in(case) if one.rule == "random-mac")
    stream = io.StringIO()
    write_table(stream, day, (one,), MODEL.files, "en", decided=taken(case, (one,), one))
    text = stream.getvalue()
    assert "nothing beyond what was decided about" in text and "nothing found" not in text
    assert id_of(one) in text and "What to do" not in text


def test_japanese_readers_need_no_english_word_of_ours(day: Ledger) -> None:
    english = {text["en"] for key, text in catalogue().items() if key.startswith(("table.", "severity."))}
    text = shown(day, "ja", with_model=True)
    plain = {words for words in english if "{" not in words and " " in words}
    assert plain and not [words for words in plain if words in text]
    for words in ("no boundary joins", "nearest permission", "asked for", "nothing may cross"):
        assert words not in text


def test_without_findings_it_says_so() -> None:
    assert "nothing found" in shown(EMPTY)
    assert "検知なし" in shown(EMPTY, "ja")


def test_long_lists_end_with_how_much_is_left_out(day: Ledger) -> None:
    places = [Damage("x.pcap", "garbage", offset, 1, "") for offset in range(DAMAGE_SHOWN + 3)]
    text = shown(merge(day, collect(damage=places)))
    assert "... and 3 more" in text
    assert f"... and {len(day.conversations) - CONVERSATIONS_SHOWN} more" in text
    findings = len(judge(day, MODEL))
    times = FINDINGS_SHOWN // findings + 1
    assert f"... and {findings * times - FINDINGS_SHOWN} more" in shown(day, with_model=True, times=times)


def test_a_capture_cannot_steer_the_terminal() -> None:
    evil = "x\x1b]0;owned\x07\x1b[2J\r\n\u202efake.pcap"
    ledger = collect(damage=[Damage(evil, "garbage", 24, 1, evil)])
    source = replay([str(ROOT / "pcaps" / "factory-day.pcapng")]).ledger.sources[0]
    text = shown(merge(ledger, collect(sources=[replace(source, name=evil)])))
    assert not set(text) & set("\x1b\x07\r\u202e")
    assert "\\x1b" in text


@settings(max_examples=50)
@given(any_ledgers())
def test_any_facts_can_be_shown(ledger: Ledger) -> None:
    for language in LANGUAGES:
        assert shown(ledger, language)
