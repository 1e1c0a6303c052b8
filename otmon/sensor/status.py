"""How the readers of a sensor fare, by interface."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from otmon.outputs.metrics import InterfaceStatus
from otmon.sensor.observer import Reader, State


def interfaces_of(
    readers: Sequence[Reader], states: Sequence[State], before: Sequence[InterfaceStatus] = ()
) -> tuple[InterfaceStatus, ...]:
    """What the readers of each interface tell together; `before` is what was said of them last."""
    by_name: dict[str, list[State]] = {one.interface: [] for one in readers}
    for reader, state in zip(readers, states, strict=bool(states)):
        by_name[reader.interface].append(state)
    known = {one.name: one for one in before}
    return tuple(_interface(name, of, known.get(name)) for name, of in by_name.items())


def _interface(name: str, states: Sequence[State], before: InterfaceStatus | None) -> InterfaceStatus:
    counters: Counter[str] = Counter()
    for one in states:
        counters.update(dict(one.source.counters))
    is_up = all(one.is_up for one in states)
    return InterfaceStatus(
        name=name,
        is_up=is_up,
        downs=0 if before is None else before.downs + (before.is_up and not is_up),
        received=sum(one.counts.received for one in states),
        dropped=sum(one.counts.dropped for one in states),
        freezes=sum(one.counts.freezes for one in states),
        fill=max((one.fill for one in states), default=0.0),
        packets=sum(one.source.packets for one in states),
        octets=sum(one.source.bytes for one in states),
        last_ns=max((one.source.last_ns for one in states), default=0),
        stamped=sum(one.stamped for one in states),
        restarts=sum(one.restarts for one in states),
        added_ns=max((one.added_ns for one in states), key=abs, default=0),
        counters=tuple(sorted(counters.items())),
    )
