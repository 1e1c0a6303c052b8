"""The picture as a program reads it: valid XML, everything named, nothing on anything else."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given, settings

from otmon.findings.coverage import coverage
from otmon.findings.judge import case_of
from otmon.ledger.facts import Anomaly, Evidence
from otmon.ledger.file.store import load
from otmon.ledger.ledger import Ledger
from otmon.ledger.merge import collect
from otmon.outputs.zone_layout import Rect, text_width
from otmon.outputs.zone_picture import tally, zone_picture
from otmon.zones.files.load import known_protocols, read_model
from otmon.zones.model import Model
from tests.command import DAY, MODEL, ROOT, otmon
from tests.zones import plants
from tests.zones.facts import asset, conversation, model, operation

NAMESPACE = "{http://www.w3.org/2000/svg}"
PLANT = """
    version: 1
    zones:
    - {id: a, name: {ja: 事務所, en: "Office <&> \\"co\\""}, importance: low, owner: 情シス,
       members: 10.1.0.0/24}
    - {id: b, importance: high, inside: listed, members: 10.2.0.0/24}
    - {id: c, importance: medium, members: 10.3.0.0/24}
    boundaries:
    - {id: a-b, between: [a, b], device: fw, allow: [{from: a, to: b, protocol: modbus, access: read}]}
    - {id: b-c, between: [b, c]}
    """


def rects(svg: str) -> list[Rect]:
    """Boxes and labels: the rectangles in groups."""
    found = []
    for group in ET.fromstring(svg).iter(f"{NAMESPACE}g"):
        for rect in group.findall(f"{NAMESPACE}rect"):
            found.append(Rect(*(int(rect.attrib[key]) for key in ("x", "y", "width", "height"))))
    return found


def sound(svg: str) -> None:
    root = ET.fromstring(svg)
    assert root.attrib["role"] == "img"
    names = {element.attrib.get("id"): element.text for element in root}
    assert all(names[id] for id in root.attrib["aria-labelledby"].split())
    for group in root.iter(f"{NAMESPACE}g"):
        rect = group.find(f"{NAMESPACE}rect")
        if rect is None:
            continue
        assert group.find(f"{NAMESPACE}title") is not None
        right = int(rect.attrib["x"]) + int(rect.attrib["width"])
        for line in group.findall(f"{NAMESPACE}text"):
            size = int(line.attrib["font-size"])
            assert int(line.attrib["x"]) + text_width(line.text or "", size) <= right
    assert not [pair for pair in combinations(rects(svg), 2) if pair[0].meets(pair[1])]


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    path = tmp_path_factory.mktemp("day") / "day.db"
    otmon("replay", DAY.relative_to(ROOT), "--ledger", path)
    return load(path)


def factory() -> Model:
    name = str(MODEL.relative_to(ROOT))
    return read_model([(name, MODEL.read_bytes())], known_protocols())


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_factory(language: str, day: Ledger, golden: Callable[[str, str], None]) -> None:
    svg = zone_picture(factory(), language, day)  # type: ignore[arg-type]
    sound(svg)
    golden(f"zones.{language}.svg", svg)


def many(count: int) -> Model:
    zones = "\n".join(
        f"- {{id: z{n}, name: {'設備の監視制御ゾーン' * (n % 3)} {n}, "
        f"importance: {('low', 'medium', 'high')[n % 3]}, "
        f"owner: {['製造部 制御課', 'o'][n % 2]}, members: 10.{n}.0.0/24}}"
        for n in range(count)
    )
    pairs = [(n, other) for n in range(count) for other in (n + 1, n * 3 % count) if n < other < count]
    boundaries = "\n".join(
        f"- {{id: b{one}-{other}, between: [z{one}, z{other}], device: 工場ファイアウォール{one}, "
        "device_owner: 情報システム部, settings_owner: 製造部 制御課}"
        for one, other in sorted(set(pairs))
    )
    return model(f"version: 1\nzones:\n{zones}\nboundaries:\n{boundaries}\n")


@pytest.mark.parametrize("count", [3, 12, 40])
@pytest.mark.parametrize("language", ["en", "ja"])
def test_many_zones(count: int, language: str) -> None:
    plant = many(count)
    svg = zone_picture(plant, language)  # type: ignore[arg-type]
    sound(svg)
    assert len(rects(svg)) == count + len(plant.boundaries)
    assert svg == zone_picture(plant, language)  # type: ignore[arg-type]


@given(plants.models())
@settings(max_examples=20)
def test_any_model(plant: Model) -> None:
    sound(zone_picture(plant, "en"))


def facts() -> Ledger:
    return collect(
        assets=[asset("02:00:00:00:00:01", "10.1.0.5"), asset("02:00:00:00:00:02", "10.2.0.5")],
        conversations=[
            conversation("10.1.0.5", "10.2.0.5"),
            conversation("10.1.0.5", "10.3.0.5"),
            conversation("10.2.0.5", "10.2.0.6"),
        ],
        operations=[operation("10.1.0.5", "10.2.0.5", 6, 1, 1), operation("10.1.0.5", "10.2.0.5", 3, 1, 1)],
    )


def test_verdicts_are_counted_by_boundary_and_zone() -> None:
    told = tally(case_of(facts(), model(PLANT)))
    assert told.allowed == {"a-b": 2} and told.denied == {"a-b": 1}
    assert told.lacking == {("a", "c"): 1} and told.inside == {"b": 1}
    assert told.hosts == {"a": 1, "b": 1}


def test_a_verdict_is_a_colour_and_a_kind_of_line_and_a_sign_and_a_word() -> None:
    svg = zone_picture(model(PLANT), "en", facts())
    sound(svg)
    words = [line.text for line in ET.fromstring(svg).iter(f"{NAMESPACE}text")]
    assert words.count("violated: 1") == 3, "the boundary, the zone, and where none is"
    assert "no boundary" in words and "hosts seen" in str(words)
    place = words.index("missing: nothing of zone c")
    assert words[place + 1] == "not observable"
    assert 'stroke="#b00020" stroke-width="3" stroke-dasharray="9 3"' in svg
    assert 'stroke="#8a5a00" stroke-width="2" stroke-dasharray="9 4 2 4"' in svg
    plain = zone_picture(model(PLANT), "en")
    assert "violated" not in plain and "dasharray" not in plain


def test_the_picture_says_of_a_boundary_what_the_replay_says() -> None:
    seen = facts()
    lost = Anomaly(
        "10.1.0.5", "10.2.0.5", "tcp", 502, "modbus", "", True, "lost-bytes", "stream", -1, 10, 0, 1, 1, 2,
        Evidence(1, "a.pcap", 1, 24),
    )  # fmt: skip
    reads = tuple(one for one in seen.operations if one.function == 3)
    agreed = replace(seen, conversations=seen.conversations[:1], operations=reads)
    inside = tuple(
        replace(seen.conversations[0], client=f"{net}.5", server=f"{net}.6") for net in ("10.1.0", "10.2.0")
    )
    nothing = replace(agreed, conversations=inside, operations=())
    missing = replace(agreed, anomalies=(lost,))
    for ledger, state in ((seen, "violated"), (agreed, "kept"), (nothing, "kept"), (missing, "unobservable")):
        plant = model(PLANT)
        told = {one.boundary: one.state for one in coverage(case_of(ledger, plant))}
        assert told["a-b"] == state
        words = " ".join(ET.fromstring(zone_picture(plant, "en", ledger)).itertext())
        label = words[words.index("a-b · ") :]
        assert {"violated": "violated: 1", "kept": "nothing seen" if ledger is nothing else "as agreed: 2",
                "unobservable": "missing: bytes that the capture lost, 1×"}[state] in label  # fmt: skip


def test_levels_go_from_the_internet_down_to_the_most_important() -> None:
    text = PLANT.rstrip() + "\n    - {id: a-internet, between: [a, internet]}\n"
    svg = zone_picture(model(text), "en")
    height = {}
    for group in ET.fromstring(svg).iter(f"{NAMESPACE}g"):
        rect = group.find(f"{NAMESPACE}rect")
        lines = [line.text or "" for line in group.findall(f"{NAMESPACE}text")]
        if rect is not None:
            height[re.split(r" ", lines[1])[0]] = int(rect.attrib["y"])
    assert height["internet"] < height["a"] < height["c"] < height["b"]


def test_names_of_a_model_are_escaped() -> None:
    plant = model(PLANT.replace("情シス", '"<script>"').replace("device: fw", 'device: "]]>&"'))
    svg = zone_picture(plant, "en")
    sound(svg)
    assert "<script" not in svg and "]]>" not in svg
    assert "Office &lt;&amp;&gt;" in svg


def test_the_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    out = tmp_path / "zones.svg"
    assert otmon("zones", "show", MODEL.relative_to(ROOT), "-o", out, "--lang", "ja") == (0, "", "")
    assert out.read_text(encoding="utf-8") == zone_picture(factory(), "ja")
    assert otmon("zones", "show", MODEL.relative_to(ROOT), "-o", "-", "--lang", "ja")[1] == out.read_text(
        encoding="utf-8"
    )
    status, _, err = otmon("zones", "show", MODEL, "-o", tmp_path / "absent" / "x.svg")
    assert status == 2 and "x.svg" in err


@pytest.mark.parametrize(("language", "place"), [("ja", "名古屋 · 第1ライン"), ("en", "Nagoya · Line 1")])
def test_zones_of_one_site_and_line_stand_side_by_side(language: str, place: str) -> None:
    plant = model("""
        sites: [{id: n, name: {ja: 名古屋, en: Nagoya}}, {id: o, name: {ja: 大阪, en: Osaka}}]
        lines: [{id: l, site: n, name: {ja: 第1ライン, en: Line 1}}]
        zones:
        - {id: a, importance: low}
        - {id: b, importance: low, site: o}
        - {id: c, importance: low, site: n}
        - {id: d, importance: low, line: l}
    """)
    svg = zone_picture(plant, language)  # type: ignore[arg-type]
    boxes = {
        title.text.split("\n")[0]: title
        for title in ET.fromstring(svg).iter(f"{NAMESPACE}title")
        if title.text
    }
    order = [name for name in boxes if name in "abcd"]
    assert order == ["d", "c", "b", "a"]
    assert place in boxes["d"].text and place.split(" ", maxsplit=1)[0] in boxes["c"].text
    assert "·" not in boxes["a"].text.split("\n")[-2]
