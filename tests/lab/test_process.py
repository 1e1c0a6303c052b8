"""Every plant names a process that knows its controllers."""

from __future__ import annotations

import pytest

from otmon.lab.plant import shipped_plant, shipped_plants
from otmon.lab.process import controllers_of, process_of


@pytest.mark.parametrize("id", shipped_plants())
def test_every_controller_that_serves_modbus_has_a_process(id: str) -> None:
    plant = shipped_plant(id)
    served = [one.name for one in plant.hosts if one.serves("modbus")]
    recall = process_of(plant)({name: () for name in served})
    assert served and set(served) == controllers_of(plant)
    for name in served:
        assert recall(name, plant.midnight_ns + plant.opens_ns).identity.vendor
