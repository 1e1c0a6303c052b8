"""The process that a plant names: what its controllers hold at any time, given what is written to them."""

from __future__ import annotations

from otmon.lab import body_line, food_factory, water_works
from otmon.lab.plant import Plant
from otmon.lab.sessions import Process


def process_of(plant: Plant) -> Process:
    """The plant's process on the day of its captures, for the Modbus controllers of its hosts by name."""
    if plant.process == "water-works":
        return water_works.process(plant.midnight_ns)
    if plant.process == "body-line":
        return body_line.process(plant.midnight_ns)
    return food_factory.process(food_factory.CONTROLLERS[plant.process], plant.midnight_ns)
