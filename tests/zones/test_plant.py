from __future__ import annotations

import pytest

from otmon.zones.load import ModelError
from otmon.zones.model import Name, ProductionLine, Protected, Site, Work
from otmon.zones.place import index
from otmon.zones.plant import plant_doubts
from tests.zones.facts import model

PLANT = """
    sites: [{id: nagoya, name: {ja: 名古屋工場, en: Nagoya}}, {id: osaka}]
    lines: [{id: line-1, site: nagoya}, {id: line-2, name: ライン2}]
    works:
    - {id: mixing, name: {ja: 調合, en: Mixing}, importance: 大}
    - {id: packing, importance: medium}
    - {id: cleaning, importance: low}
    protected:
    - {id: recipe, name: レシピ, importance: 大, works: mixing, assets: plc}
    - {id: labels, importance: low, works: [packing]}
    assets: [{id: plc, address: 10.1.0.1}, {id: lost, address: 10.9.0.1}]
    zones:
    - {id: cell, site: nagoya, line: line-1, works: [packing, mixing], members: 10.1.0.0/24}
    - {id: hall, importance: high, line: line-1, works: packing, members: 10.2.0.0/24}
    - {id: yard, importance: medium, site: osaka, line: line-2, members: 10.3.0.0/24}
    """


def doubts(text: str) -> list[tuple[str, str, dict[str, str]]]:
    return [(str(line), key, params) for line, key, params in plant_doubts(index(model(text)))]


def test_a_plant_is_what_its_file_says() -> None:
    plant = model(PLANT).plant
    assert [(one.id, one.name) for one in plant.sites] == [
        ("nagoya", Name("名古屋工場", "Nagoya")),
        ("osaka", Name("osaka", "osaka")),
    ]
    assert isinstance(plant.sites[0], Site) and plant.sites[0].line.number == 1
    assert [(one.id, one.site) for one in plant.lines] == [("line-1", "nagoya"), ("line-2", "")]
    assert isinstance(plant.lines[0], ProductionLine)
    assert [(one.id, one.importance) for one in plant.works] == [
        ("mixing", "high"), ("packing", "medium"), ("cleaning", "low"),
    ]  # fmt: skip
    assert isinstance(plant.works[0], Work) and str(plant.works[2].line) == "m.yaml:6"
    recipe, labels = plant.protected
    assert isinstance(recipe, Protected)
    assert (recipe.works, recipe.assets, recipe.importance) == (("mixing",), ("plc",), "high")
    assert (labels.works, labels.assets) == (("packing",), ())


def test_a_zone_is_as_important_as_its_most_important_work_unless_it_says_otherwise() -> None:
    cell, hall, yard = model(PLANT).zones
    assert (cell.importance, hall.importance, yard.importance) == ("high", "high", "medium")
    assert (cell.works, yard.works) == (("packing", "mixing"), ())


def test_a_zone_is_at_the_site_of_its_production_line() -> None:
    assert [(zone.site, zone.production_line) for zone in model(PLANT).zones] == [
        ("nagoya", "line-1"), ("nagoya", "line-1"), ("osaka", "line-2"),
    ]  # fmt: skip


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


WRONG = [
    ("works: [packing, mixing]", "works: [packing, mixng]", "no work 'mixng', expected mixing"),
    ("site: osaka", "site: kobe", "no site 'kobe', expected nagoya, osaka"),
    ("line: line-2", "line: line-9", "no production line 'line-9', expected line-2"),
    (
        "cell, site: nagoya",
        "cell, site: osaka",
        "site 'osaka' and a production line of site nagoya, expected",
    ),
    ("{id: line-1, site: nagoya}", "{id: line-1, site: nagoy}", "no site 'nagoy', expected nagoya"),
    ("{id: osaka}", "{id: nagoya}", "site 'nagoya' a second time, expected an id of its own"),
    ("assets: plc", "assets: plcs", "no asset 'plcs', expected plc"),
    (", works: mixing, assets: plc", "", "neither works nor assets, expected the works that need it"),
    (
        "importance: medium, site",
        "site",
        "importance is missing, expected 大, 中, 小 or high, medium, low, or",
    ),
    ("packing, importance: medium", "packing", "importance is missing, expected 大, 中, 小"),
    ("{id: osaka}", "osaka", "expected a site as a mapping with keys such as id"),
    ("{id: osaka}", "{id: osaka, town: x}", "unknown key 'town', expected id, name"),
]


@pytest.mark.parametrize(("right", "wrong", "told"), WRONG)
def test_what_is_wrong_is_told_with_what_was_expected(right: str, wrong: str, told: str) -> None:
    assert right in PLANT
    with pytest.raises(ModelError) as caught:
        model(PLANT.replace(right, wrong, 1))
    assert told in str(caught.value), str(caught.value)


def test_a_model_that_lists_no_works_says_so() -> None:
    with pytest.raises(ModelError, match="no work 'mixing', expected a work that the model lists"):
        model("zones: [{id: a, works: mixing}]")
