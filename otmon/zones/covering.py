"""Whether one permission makes another one idle."""

from __future__ import annotations

from otmon.zones.address import within
from otmon.zones.model import Endpoint, Permission, spans


def covers(wide: Permission, narrow: Permission) -> bool:
    """Whether one permission allows all that another does. Times and limits of the wide one are asked to
    be the same or none, and functions by number and by name are not compared with each other."""
    lists = (
        (wide.protocols, narrow.protocols), (wide.transports, narrow.transports),
        (wide.access, narrow.access), (wide.functions, narrow.functions),
    )  # fmt: skip
    if any(a and (not b or not set(b) <= set(a)) for a, b in lists):
        return False
    if wide.objects and not narrow.objects:
        return False
    ranges = [(wide.ports, narrow.ports), (wide.units, narrow.units)]
    elements = dict(wide.objects)
    for kind, held in narrow.objects:
        if wide.objects:
            if kind not in elements:
                return False
            ranges.append((elements[kind], held))
    if any(a and (not b or not all(spans(a, *one) for one in b)) for a, b in ranges):
        return False
    if (wide.limits and wide.limits != narrow.limits) or (wide.schedule and wide.schedule != narrow.schedule):
        return False
    if wide.expires_ns is not None and (narrow.expires_ns is None or narrow.expires_ns > wide.expires_ns):
        return False
    if wide.rate is not None and (narrow.rate is None or narrow.rate > wide.rate or _requests(wide, narrow)):
        return False
    return _ends_cover(wide.clients, narrow.clients) and _ends_cover(wide.servers, narrow.servers)


def _requests(wide: Permission, narrow: Permission) -> bool:
    """Whether the rate of only one of them counts requests."""
    return (wide.protocols == ("modbus",)) != (narrow.protocols == ("modbus",))


def _ends_cover(wide: tuple[Endpoint, ...], narrow: tuple[Endpoint, ...]) -> bool:
    return all(
        any(
            a.zone == b.zone
            and (a.network is None or (b.network is not None and within(b.network, a.network)))
            for a in wide
        )
        for b in narrow
    )
