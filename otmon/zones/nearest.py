"""Which permissions of a list come nearest to what was seen: those that lack least.

Found once for all facts that fit a list alike (`Fit`), from sets of its permissions
(`otmon.zones.permission_table`): some operations on integers, however long the list is.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from otmon.zones.lack import ASPECTS, Lacking

Set = int
"""Permissions of a list: bit *n* is the *n*th."""
NEAREST: Final = 3
"""Permissions named in a denial: more would not help anybody to mend the right one."""


class Fit(NamedTuple):
    """Which permissions admit what of a fact. Facts that differ fit alike again and again."""

    client_zone: str
    clients: Set
    servers: Set
    turned_clients: Set
    """Those that would admit the server as the client."""
    turned_servers: Set
    rest: tuple[Set, ...]
    """For each of `ASPECTS` from the transport on; what is not asked of the fact may be left out at the
    end."""


class NearTo(NamedTuple):
    """A permission that nearly fits, as far as that does not depend on the fact."""

    number: int
    called: str
    """Id and name."""
    line: str
    zone: str
    """Time zone of its times."""
    lacks: tuple[tuple[Lacking, str], ...]
    """What it lacks and what it allows there, farthest first."""


class Nearest(NamedTuple):
    """The permissions that come nearest to all facts that fit alike."""

    aspects: tuple[Lacking, ...]
    """What any of them lacks."""
    permissions: tuple[NearTo, ...]
    """Nearest first."""


def nearest(lacks: list[Set], everyone: Set, most: int) -> list[int]:
    """Numbers of the permissions that lack least, at most `most`, nearest first: those with the fewest
    lacks, among them those whose farthest lack comes last in `ASPECTS`, then in the order of the file.
    `lacks` are, for some of `ASPECTS` in their order, those that lack it; nobody lacks the others."""
    # How many things each one lacks, by binary digits: fewer than 16, as there are no more `ASPECTS`.
    ones = twos = fours = eights = 0
    for lacking in lacks:
        pairs = ones & lacking
        ones ^= lacking
        if pairs:
            quads = twos & pairs
            twos ^= pairs
            if quads:
                eights |= fours & quads
                fours ^= quads
    left = everyone
    found: list[int] = []
    while left and len(found) < most:
        fewest = left
        for digit in (eights, fours, twos, ones):
            fewest = fewest & ~digit or fewest
        left ^= fewest
        # Each lack takes those that have it; what is left has its farthest lack later.
        groups = []
        for lacking in lacks:
            group = fewest & lacking
            if group:
                groups.append(group)
                fewest ^= group
                if not fewest:
                    break
        else:
            groups.append(fewest)
        while groups and len(found) < most:
            found += numbers(groups.pop(), most - len(found))
    return found


def numbers(chosen: Set, most: int) -> list[int]:
    """The lowest numbers in a set, at most `most`."""
    found: list[int] = []
    while chosen and len(found) < most:
        lowest = chosen & -chosen
        found.append(lowest.bit_length() - 1)
        chosen ^= lowest
    return found


def aspects_of(number: int, lacks: list[Set]) -> list[Lacking]:
    """What one permission lacks, farthest first."""
    return [aspect for aspect, lacking in zip(ASPECTS, lacks, strict=False) if lacking >> number & 1]
