"""The process that a plant names: what its controllers hold at any time, given what is written to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from otmon.lab import body_line, food_factory, water_works
from otmon.lab.frames import MINUTE_NS
from otmon.lab.plant import Plant
from otmon.lab.sessions import Process

WELDING = bytes.fromhex("0280019000b4")
"""Data block 30 of the line's controller: current in A, force in 10 N, time in ms, as it was commissioned."""


def process_of(plant: Plant) -> Process:
    """The plant's process on the day of its captures, for the Modbus controllers of its hosts by name."""
    if plant.process == "water-works":
        return water_works.process(plant.midnight_ns)
    if plant.process == "body-line":
        return body_line.process(plant.midnight_ns)
    return food_factory.process(food_factory.CONTROLLERS[plant.process], plant.midnight_ns)


def controllers_of(plant: Plant) -> frozenset[str]:
    """The names of the hosts that the plant's process knows as Modbus controllers."""
    if plant.process == "water-works":
        return frozenset(water_works.STARTING)
    if plant.process == "body-line":
        return frozenset(body_line.STARTING)
    return frozenset(food_factory.CONTROLLERS[plant.process])


def _minutes(plant: Plant, stops: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    return [
        ((start - plant.midnight_ns) // MINUTE_NS, (end - plant.midnight_ns) // MINUTE_NS)
        for start, end in stops
    ]


def block_of(
    plant: Plant, block: int, stops: Sequence[tuple[int, int]] = ()
) -> Callable[[int], bytes] | None:
    """What a data block holds at a time, on a day on which the controller's program was stopped from and
    to the times in `stops` (all in nanoseconds since 1970 UTC); None for a block that is not there."""
    return _blocks(plant, stops).get(block)


def blocks_of(plant: Plant) -> tuple[int, ...]:
    """The numbers of the data blocks that the plant's process has."""
    return tuple(_blocks(plant, ()))


def _blocks(plant: Plant, stops: Sequence[tuple[int, int]]) -> dict[int, Callable[[int], bytes]]:
    if plant.process != "body-line":
        return {}
    stopped = _minutes(plant, stops)

    def minute(time_ns: int) -> int:
        return (time_ns - plant.midnight_ns) // MINUTE_NS

    return {
        10: lambda time_ns: body_line.production(minute(time_ns), stopped),
        20: lambda time_ns: _order(minute(time_ns)),
        30: lambda time_ns: WELDING,
        50: lambda time_ns: body_line.guarding(minute(time_ns)),
    }


def _order(minute: int) -> bytes:
    """Number of the order, and its model; the next comes each two hours."""
    return (4_100 + minute // 30).to_bytes(2, "big") + bytes((0, body_line.MODELS[minute // 120 % 5]))


def tag_of(
    plant: Plant, tag: str, stops: Sequence[tuple[int, int]] = ()
) -> Callable[[int], Sequence[int]] | None:
    """What a tag of the conveyor's controller holds at a time; None for one that is not there."""
    if plant.process != "body-line" or tag != "Station_Counts":
        return None
    stopped = _minutes(plant, stops)
    return lambda time_ns: body_line.counters((time_ns - plant.midnight_ns) // MINUTE_NS, stopped)


def node_of(plant: Plant, node: str, stops: Sequence[tuple[int, int]] = ()) -> Callable[[int], int] | None:
    """What an OPC UA variable of the data gateway holds at a time; None for one that is not there."""
    return _nodes(plant, stops).get(node)


def nodes_of(plant: Plant) -> tuple[str, ...]:
    """The OPC UA variables that the plant's process has, with 16 bits each."""
    return tuple(_nodes(plant, ()))


def _nodes(plant: Plant, stops: Sequence[tuple[int, int]]) -> dict[str, Callable[[int], int]]:
    """The data gateway's view of the blocks of the line's controller."""

    def word(block: int, number: int) -> Callable[[int], int]:
        value = _blocks(plant, stops)[block]
        return lambda time_ns: int.from_bytes(value(time_ns)[2 * number : 2 * number + 2], "big")

    if plant.process != "body-line":
        return {}
    return {
        "Line.Running": word(10, 0),
        "Line.Bodies": word(10, 1),
        "Line.Takt": word(10, 2),
        "Line.Model": word(10, 3),
        "Order.Number": word(20, 0),
    }
