from __future__ import annotations

from dataclasses import dataclass

from otmon.capture.ring import RingCounts
from otmon.ledger.facts import Source
from otmon.sensor.observer import State
from otmon.sensor.status import interfaces_of


@dataclass
class _Named:
    """As much of a reader as its status asks for."""

    interface: str


def state(packets: int, last_ns: int, **other: object) -> State:
    source = Source("x", packets, 60 * packets, 1, last_ns, (("layer.ip", packets),))
    told = {"is_up": True, "fill": 0.25, "stamped": 1, "novelty": 5, "messages": 0, "restarts": 1, **other}
    return State(counts=RingCounts(packets + 2, 2, 1), source=source, **told)  # type: ignore[arg-type]


def test_readers_of_one_interface_are_told_together() -> None:
    readers = [_Named("eth1"), _Named("eth2"), _Named("eth1")]
    states = [state(5, 70), state(1, 90), state(3, 80, is_up=False, fill=0.5)]
    first, second = interfaces_of(readers, states)  # type: ignore[arg-type]
    assert (first.name, second.name) == ("eth1", "eth2")
    assert (first.packets, first.octets, first.received, first.dropped) == (8, 480, 12, 4)
    assert (first.is_up, first.fill, first.last_ns) == (False, 0.5, 80)
    assert (first.freezes, first.stamped, first.restarts) == (2, 2, 2)
    assert first.counters == (("layer.ip", 8),)
    assert (second.packets, second.is_up, second.fill, second.last_ns) == (1, True, 0.25, 90)


def test_how_often_an_interface_was_found_down_is_counted() -> None:
    readers, told = [_Named("eth1"), _Named("eth1"), _Named("eth2")], interfaces_of([_Named("eth1")], [])  # type: ignore[list-item]
    for ups in (
        (True, True, True),
        (True, False, True),
        (False, False, True),
        (True, True, True),
        (False, True, True),
    ):
        states = [state(1, 1, is_up=up) for up in ups]
        told = interfaces_of(readers, states, told)  # type: ignore[arg-type]
    assert [(one.name, one.is_up, one.downs) for one in told] == [("eth1", False, 2), ("eth2", True, 0)]


def test_before_the_first_look_nothing_was_heard() -> None:
    (only,) = interfaces_of([_Named("eth1"), _Named("eth1")], [])  # type: ignore[list-item]
    assert (only.packets, only.dropped, only.last_ns, only.fill, only.counters) == (0, 0, 0, 0.0, ())
