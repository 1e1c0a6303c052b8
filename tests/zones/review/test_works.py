from __future__ import annotations

import pytest

from otmon.zones.place import index
from otmon.zones.review.works import plant_doubts
from tests.zones.facts import model
from tests.zones.files.test_plant import PLANT


def doubts(text: str) -> list[tuple[str, str, dict[str, str]]]:
    return [(str(line), key, params) for line, key, params in plant_doubts(index(model(text)))]


def test_what_is_doubtful() -> None:
    assert doubts(PLANT) == [
        ("m.yaml:12", "works-differ", {"zone": "cell", "works": "packing (medium), mixing (high)"}),
        ("m.yaml:13", "importance-unlike-works",
         {"zone": "hall", "importance": "high", "work": "packing", "work_importance": "medium"}),
        ("m.yaml:6", "work-in-no-zone", {"work": "cleaning"}),
    ]  # fmt: skip


def test_what_is_protected_is_where_its_assets_are_else_where_its_works_are() -> None:
    text = PLANT.replace(
        "importance: low, works: [packing]", "importance: high, works: [packing], assets: plc"
    )
    assert [one for one in doubts(text) if one[1].startswith("protected")] == []
    low = PLANT.replace("cell, site", "cell, importance: low, site").replace("hall, importance: high", "hall")
    told = [one for one in doubts(low) if one[1].startswith("protected")]
    assert told == [
        ("m.yaml:8", "protected-below",
         {"protected": "recipe", "importance": "high", "zone": "cell", "zone_importance": "low",
          "zone_line": "m.yaml:12"}),
    ]  # fmt: skip
    high = PLANT.replace("{id: labels, importance: low", "{id: labels, importance: high").replace(
        "hall, importance: high", "hall, importance: medium"
    )
    assert [(key, params["zone"]) for _, key, params in doubts(high) if key == "protected-below"] == [
        ("protected-below", "hall")
    ]


@pytest.mark.parametrize("what", ["works: cleaning", "assets: lost"])
def test_what_is_protected_in_no_zone(what: str) -> None:
    text = PLANT.replace("importance: low, works: [packing]", f"importance: low, {what}")
    assert ("m.yaml:9", "protected-in-no-zone", {"protected": "labels"}) in doubts(text)
