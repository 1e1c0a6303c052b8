from __future__ import annotations

import pytest

from otmon.zones.files.load import ModelError
from otmon.zones.model import Name, ProductionLine, Protected, Site, Work
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
    ("{id: osaka}", "osaka", "expected the site as a mapping with keys such as id"),
    ("{id: osaka}", "{id: osaka, town: x}", "unknown key 'town', expected id, name"),
]


@pytest.mark.parametrize(("right", "wrong", "told"), WRONG)
def test_what_is_wrong_is_told_with_what_was_expected(right: str, wrong: str, told: str) -> None:
    assert right in PLANT
    with pytest.raises(ModelError) as caught:
        model(PLANT.replace(right, wrong, 1))
    assert told in str(caught.value), str(caught.value)


def test_a_model_that_lists_no_works_says_so() -> None:
    with pytest.raises(ModelError, match=r"no work 'mixing', expected one .*: it lists none"):
        model("zones: [{id: a, works: mixing}]")
