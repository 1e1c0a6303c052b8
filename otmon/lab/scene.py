"""What a step of a scenario is given, and what it gives: packets, requests to controllers, and troubles
that the plant's routine gets into because of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, Literal

from otmon.lab.form import Form
from otmon.lab.frames import Ending, Host, Packet, Say, Wire, connection
from otmon.lab.plant import PlantHost
from otmon.lab.sessions import Session

Kind = Literal["silent", "deaf", "absent", "stopped", "diverted"]


@dataclass(frozen=True, slots=True)
class Trouble:
    """What a step does to the routine from one time to another."""

    kind: Kind
    """Of `host`: `silent` answers no packet; `deaf` answers TCP, but none of its requests; `absent` ends
    its connections and asks nobody; `stopped` runs no program, and so asks nobody and reports no progress,
    but still answers. `diverted`: what goes between it and `peer` goes by way of `by`."""
    host: str
    event: str
    from_ns: int
    to_ns: int
    peer: str = ""
    by: Host | None = None
    shows: Mapping[tuple[int, int], int] = field(default_factory=dict)
    """Diverted: what the one in the middle shows, by function and address of a register."""

    def holds(self, time_ns: int) -> bool:
        return self.from_ns <= time_ns < self.to_ns


@dataclass(slots=True)
class Deed:
    """What happens in a step."""

    packets: list[Packet] = field(default_factory=list)
    sessions: list[Session] = field(default_factory=list)
    """Answered by the process, when all that is written is known."""
    troubles: list[Trouble] = field(default_factory=list)
    malformed: int = 0
    """Modbus messages among the packets that break the protocol."""


@dataclass(frozen=True, slots=True)
class Act:
    """One step at work."""

    event: str
    start_ns: int
    wire: Wire
    actors: tuple[PlantHost, ...]
    targets: tuple[PlantHost, ...]
    hosts: Mapping[str, PlantHost]
    """Everybody by name, guests too."""
    random: Random

    @property
    def by(self) -> Host:
        """The first who acts."""
        return self.actors[0].host

    @property
    def to(self) -> Host:
        """The first who is acted on."""
        return self.targets[0].host

    def ports(self, server: int) -> tuple[int, int]:
        """A client's port that the system chose, and the server's."""
        return self.random.randrange(49_152, 65_536), server

    def talk(
        self,
        later_ns: int,
        hosts: tuple[Host, Host],
        port: int,
        says: list[Say],
        ending: Ending = "fin",
    ) -> list[Packet]:
        """A TCP connection of the first host to the second, `later_ns` after the step's start."""
        ports = self.ports(port)
        return connection(
            self.wire, self.start_ns + later_ns, hosts, ports, says, self.random, self.event, ending
        )


Play = Callable[[Act, Any], Deed]


def _anywhere(form: Any) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class StepKind:
    """What a scenario may name under `does`."""

    name: str
    form: type[Form]
    """Its parameters, which stand under `with`."""
    play: Play
    needs: tuple[str, ...] = ("by", "to")
    """Whom it needs."""
    targets: int = 1
    """How many of them under `to`."""
    asks: str = ""
    """What every target serves."""
    local: Callable[[Any], bool] = _anywhere
    """Whether it goes over Ethernet alone, so that nobody on the Internet takes part."""

    @property
    def told(self) -> str:
        """The first paragraph of its docstring."""
        return " ".join((self.play.__doc__ or "").split("\n\n")[0].split())


def step_kind(
    name: str,
    form: type[Form],
    *needs: str,
    targets: int = 1,
    asks: str = "",
    local: Callable[[Any], bool] = _anywhere,
) -> Callable[[Play], StepKind]:
    """Makes a function the step kind of that name."""
    return lambda play: StepKind(name, form, play, needs or ("by", "to"), targets, asks, local)
