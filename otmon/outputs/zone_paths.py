"""What `otmon zones paths` tells: each chain hop by hop, and what ends them all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from otmon.findings.wording import Language, text, visible
from otmon.zones.review.address_class import Shown
from otmon.zones.review.notation import allows
from otmon.zones.review.paths import Chain, Cut, Hop, Kind, Paths, Stop

HOSTS_SHOWN: Final = 8
"""Addresses named at a stop; a longer list is counted."""


def path_lines(
    paths: Paths, ends: tuple[str, str], used: Mapping[tuple[Kind, str], int] | None, language: Language
) -> Iterator[str]:
    """The answer for chains from the first of `ends` to the second, line by line. `used` has the
    conversations of each hop, None without a ledger."""
    start, goal = ends
    if not paths.chains:
        yield text("paths.none", language, start=start, goal=goal)
    else:
        key = "paths.found-more" if paths.more else "paths.found"
        yield text(key, language, start=start, goal=goal, count=len(paths.chains))
    for number, chain in enumerate(paths.chains, 1):
        yield ""
        yield f"{number}. {text('paths.hops', language, count=len(chain.hops))}"
        yield from (f"   {line}" for line in _chain(chain, used, language))
    if paths.chains:
        yield ""
        yield from _cut(paths.cut, language)
    for device in paths.routers:
        yield text("paths.router", language, mac=device.mac, zones=", ".join(device.zones()))


def _chain(chain: Chain, used: Mapping[tuple[Kind, str], int] | None, language: Language) -> Iterator[str]:
    yield _stop(chain.stops[0], language)
    for hop, stop in zip(chain.hops, chain.stops[1:], strict=True):
        yield f"-> {_hop(hop, used, language)}"
        if hop.device is not None:
            for foot in hop.device.feet:
                seen = foot.evidence
                at: dict[str, str | int] = {"packet": seen.packet, "offset": seen.offset}
                place = text("table.evidence-line", language, source=seen.source, **at)
                yield f"     {foot.zone}: {visible(foot.address)} - {place}"
        yield _stop(stop, language)


def _stop(stop: Stop, language: Language) -> str:
    return f"{stop.zone}: {hosts_text(stop.through, language)}"


def hosts_text(shown: Shown, language: Language) -> str:
    """A set of hosts of a zone, bounded."""
    if not shown.hosts:
        return text("paths.any-host", language)
    more = len(shown.hosts) - HOSTS_SHOWN
    counted = f" {text('table.more-lines', language, count=more)}" if more > 0 else ""
    named = ", ".join(shown.hosts[:HOSTS_SHOWN]) + counted
    return text("paths.any-but", language, hosts=named) if shown.but else named


def _hop(hop: Hop, used: Mapping[tuple[Kind, str], int] | None, language: Language) -> str:
    line = "" if hop.line is None else visible(str(hop.line))
    if hop.kind == "device":
        key = "paths.device" if hop.line is None else "paths.listed-device"
        return text(key, language, mac=hop.id, line=line)
    called = hop.id if hop.permission is None else hop.permission.called(language)
    if hop.permission is None:
        key = "paths.inside" if hop.kind == "inside" else "paths.inside-baseline"
        said = text(key, language, zone=hop.id, line=line)
    elif hop.boundary:
        said = text(
            "paths.permission", language, permission=called, boundary=hop.boundary, line=line,
            allows=allows(hop.permission),
        )  # fmt: skip
    else:
        said = text(
            "paths.permission-inside", language, permission=called, zone=hop.zones[0], line=line,
            allows=allows(hop.permission),
        )  # fmt: skip
    if used is None:
        return said
    count = used.get((hop.kind, hop.id), 0)
    return f"{said} - " + (
        text("paths.used", language, count=count) if count else text("paths.unused", language)
    )


def _cut(cut: Cut, language: Language) -> Iterator[str]:
    if cut.permissions is None:
        yield text("paths.no-cut", language)
        return
    yield text("paths.cut", language, count=len(cut.permissions))
    for hop in cut.permissions:
        where = hop.boundary or hop.zones[0]
        called = hop.id if hop.permission is None else visible(hop.permission.called(language))
        yield f"   {called} ({where}, {visible(str(hop.line))})"
    if cut.boundaries is None:
        yield text("paths.no-boundaries", language)
        return
    key = "paths.boundaries" if cut.fewest else "paths.boundaries-enough"
    yield text(key, language, count=len(cut.boundaries))
    for boundary in cut.boundaries:
        yield f"   {boundary.id} ({visible(str(boundary.line))})"
