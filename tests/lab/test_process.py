"""Every plant names a process that knows its controllers."""

from __future__ import annotations

import pytest

from otmon.lab.frames import MINUTE_NS
from otmon.lab.plant import shipped_plant, shipped_plants
from otmon.lab.process import block_of, blocks_of, controllers_of, node_of, nodes_of, process_of


@pytest.mark.parametrize("id", shipped_plants())
def test_every_controller_that_serves_modbus_has_a_process(id: str) -> None:
    plant = shipped_plant(id)
    served = [one.name for one in plant.hosts if one.serves("modbus")]
    recall = process_of(plant)({name: () for name in served})
    assert served and set(served) == controllers_of(plant)
    for name in served:
        assert recall(name, plant.midnight_ns + plant.opens_ns).identity.vendor


def test_the_gateway_s_variables_are_the_words_of_the_blocks() -> None:
    plant = shipped_plant("body-line")
    ten_ns, stop = plant.midnight_ns + 11 * 60 * MINUTE_NS, plant.midnight_ns + 9 * 60 * MINUTE_NS
    assert blocks_of(plant) == (10, 20, 30, 50)
    for stops in ((), ((stop, ten_ns + MINUTE_NS),)):
        production, order = block_of(plant, 10, stops), block_of(plant, 20, stops)
        assert production is not None and order is not None
        words = [production(ten_ns)[at : at + 2] for at in range(0, 8, 2)] + [order(ten_ns)[:2]]
        nodes = [node_of(plant, name, stops) for name in nodes_of(plant)]
        assert [node(ten_ns).to_bytes(2, "big") for node in nodes if node is not None] == words
        assert words[0] == (b"\0\0" if stops else b"\0\1")
    assert node_of(plant, "Line.Colour") is None
    assert blocks_of(shipped_plant("water-works")) == nodes_of(shipped_plant("water-works")) == ()
