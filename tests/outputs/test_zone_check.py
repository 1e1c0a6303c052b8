"""Cautions in both languages."""

from __future__ import annotations

import re
from collections.abc import Callable

from otmon.ledger.merge import collect
from otmon.outputs.zone_check import caution_line, check_lines
from otmon.zones.model import Line
from otmon.zones.place import index
from otmon.zones.review.check import CAUTIONS, WORDS, Caution, cautions, check, in_no_zone, in_two_zones
from otmon.zones.review.covering import COMPARED
from tests.zones.facts import asset, model
from tests.zones.review.test_check import AT_TWO_PORTS, DOUBTFUL, PLUGGED, SEEN, TODAY, _repeated


def every_caution() -> list[Caution]:
    outside = model("""
        zones:
        - {id: a, importance: low, members: 10.1.0.0/24}
        - {id: b, importance: low, members: 10.2.0.0/24, within: a}
    """)
    found = {*cautions(DOUBTFUL, TODAY, SEEN), *cautions(DOUBTFUL, TODAY, SEEN, SEEN), *cautions(outside)}
    found.update(cautions(PLUGGED, None, collect(claims=AT_TWO_PORTS)))
    many = cautions(_repeated(COMPARED + 1))
    return [*sorted(found), next(one for one in many if one.key == "permissions-not-compared")]


def test_in_english_they_are_what_the_check_says() -> None:
    assert [caution_line(one, "en") for one in every_caution()] == [str(one) for one in every_caution()]


def test_in_japanese_nothing_is_left_in_english(golden: Callable[[str, str], None]) -> None:
    told = every_caution()
    assert {one.key for one in told} == set(CAUTIONS)
    lines = [caution_line(one, "ja") for one in told]
    golden("zones-cautions.ja.txt", "".join(f"{line}\n" for line in lines))
    # A permission of the model is called day.
    words = {word for one in WORDS for word in one.split() if len(word) > 2} - {"day"}
    assert not [line for line in lines if words & set(re.findall(r"[a-z]+", line))]


def test_assets_and_counts_follow() -> None:
    mac, other = "02:00:00:00:00:01", "02:00:00:00:00:02"
    assets = asset(mac, "172.31.0.9"), asset(other, ""), asset("", "172.31.0.8"), asset(mac, "10.1.0.9")
    ready = index(DOUBTFUL, assets)
    astray, twice = in_no_zone(ready, assets), in_two_zones(ready, assets)
    checked = check(DOUBTFUL)
    english, japanese = (list(check_lines(checked, astray, twice, lang))[-4:] for lang in ("en", "ja"))
    assert english[:3] == [
        f"172.31.0.9 ({mac}) is in no zone", "172.31.0.8 is in no zone", "10.1.0.9 is in zones a, b",
    ]  # fmt: skip
    assert english[3].startswith("m.yaml: 6 zones with ") and english[3].endswith(" cautions")
    assert japanese[:3] == [
        f"172.31.0.9({mac})はどのゾーンにも属さない", "172.31.0.8 はどのゾーンにも属さない",
        "10.1.0.9 は複数のゾーンに属する: a, b",
    ]  # fmt: skip


def test_what_a_model_says_cannot_steer_a_terminal() -> None:
    caution = Caution(Line("m.yaml", 1), "zone-without-owner", (("zone", "a\x1b[2J"),))
    assert "\x1b" not in caution_line(caution, "ja")
