"""What somebody said of a capture: that something happened, at a time, between hosts."""

from __future__ import annotations

from dataclasses import dataclass


class ClaimError(Exception):
    """The file says nothing that can be scored; the text names file and line of each error."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A finding of otmon, or a row of a person's answers."""

    id: str
    """The same for the same thing said again."""
    said: str
    """The finding's rule, or the person's note; "" without one."""
    place: str
    """File and line."""
    times_ns: tuple[int, ...]
    """Of what shows it, in nanoseconds since 1970 UTC: of each packet of evidence, or the one time of an
    answer. Never empty."""
    precision_ns: int
    """How much later than said it may have been: an answer to the minute means all of it."""
    packets: tuple[int, ...]
    """Numbers of the packets of evidence, one for each time; empty where packets play no part."""
    clients: tuple[str, ...]
    """Names or addresses of who acts; of a finding about one host that host."""
    servers: tuple[str, ...]
    techniques: tuple[str, ...]
    last_ns: int = 0
    """The last packet of what it is about; 0 where that is not known."""
    told_ns: int | None = None
    """When it was told, where that is known and is later than what shows it."""

    @property
    def first_ns(self) -> int:
        return min(self.times_ns)


@dataclass(frozen=True, slots=True)
class Claims:
    """Everything that one file says."""

    name: str
    """Of who says it: the file's."""
    claims: tuple[Claim, ...]
    packets: int | None
    """How many packets the one capture has that their numbers count; None where numbers mean nothing."""
    is_sensor: bool
    """Findings, not answers of a person."""
