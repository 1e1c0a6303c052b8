from __future__ import annotations

from tests.detect.plant import PLANT, found
from tests.zones.facts import asset, model

CONTESTED = model("""
    version: 1
    zones:
    - {id: b, importance: high, members: 10.0.0.1}
    - {id: a, importance: low, members: [10.0.0.1, 10.0.0.2]}
    - {id: c, importance: low, members: 10.0.0.0/24}
""")


def test_an_address_of_two_zones_is_told_with_the_one_that_decides() -> None:
    (one,) = found("contested-address", asset("00:11:22:33:44:55", "10.0.0.1"), plant=CONTESTED)
    assert (one.severity, one.place.from_zone) == ("low", "a")
    assert dict(one.what.params) == {"address": "10.0.0.1", "zones": "a, b"}


def test_a_more_precise_member_is_no_contest() -> None:
    assert found("contested-address", asset("00:11:22:33:44:55", "10.0.0.2"), plant=CONTESTED) == []
    assert found("contested-address", asset("00:11:22:33:44:55", "10.0.0.9"), plant=CONTESTED) == []


def test_nothing_is_contested_in_a_clear_model_or_without_one() -> None:
    for plant in (PLANT, None):
        assert found("contested-address", asset("00:11:22:33:44:55", "10.1.0.5"), plant=plant) == []
