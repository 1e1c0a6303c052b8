"""What an export does not say, in both languages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from otmon.findings.wording import LANGUAGES, catalogue
from otmon.outputs.zone_export import unsaid_line
from otmon.zones.exchange.firewall import FORMATS, Unspoken, export_rules
from otmon.zones.exchange.rule import UNSAID, Unsaid, model_rules
from otmon.zones.files.load import load_model
from otmon.zones.place import index

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("key", UNSAID)
def test_the_catalogue_says_the_same(key: str) -> None:
    assert catalogue()[f"unsaid.{key}"]["en"] == UNSAID[key]


def test_what_a_firewall_cannot_check_is_told_in_both_languages() -> None:
    built = load_model(str(ROOT / "zones" / "factory.yaml"))
    ready = index(built)
    pairs = [border.between for border in built.boundaries]
    book = model_rules(ready, False)
    told = (*book.told, *export_rules(book, FORMATS["cisco"], "all", "x", pairs).told)
    english, japanese = ([unsaid_line(one, lang) for one in told] for lang in LANGUAGES)
    assert english == [str(one) for one in told]
    (polls,) = [line for line in japanese if "scada-polls" in line and "確認できない" in line]
    assert polls.endswith(
        "許可 scada-polls: ファイアウォールでは確認できないもの: "
        "プロトコル、操作の種類、ユニット、レジスタ(otmonは判定する)"
    )
    for line in japanese:
        assert re.search("[ぁ-んァ-ン]", line) and "otmon does" not in line


def test_addresses_that_a_format_does_not_say_are_counted() -> None:
    assert unsaid_line(Unspoken(6, 3), "ja") == "IPv6 アドレスはこの形式では表せない(許可・ゾーン 3 件)"
    assert unsaid_line(Unspoken(6, 3), "en") == str(Unspoken(6, 3))


def test_a_word_that_has_no_text_yet_stays_as_it_is() -> None:
    said = Unsaid("m.yaml:3", "zone", "a", "unfollowed", (("what", ("colour",)),))
    assert unsaid_line(said, "ja") == "m.yaml:3: ゾーン a: ルールに反映されないもの: colour(otmonは判定する)"
