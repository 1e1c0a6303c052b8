from __future__ import annotations

from otmon.lab.factory_day import SITE
from otmon.lab.food_factory import CONTROLLERS


def test_every_controller_of_the_process_is_a_host() -> None:
    assert set(CONTROLLERS["food-factory"]) <= {host.name for host in SITE.hosts}
