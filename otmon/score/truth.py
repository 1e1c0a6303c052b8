"""The truth about a capture of the range: who was there, and which packets belong to which step.

A truth file (NAME.truth.json) is one object, written by `otmon.lab`. What is read of it:

- `hosts`: name, address and mac of each (an address or mac may be ""; a name may stand for one of several
  interfaces of a device);
- `events`: id, `incident`, `first_ns` and `last_ns` (nanoseconds since 1970 UTC), `packets` as ranges
  [first, last] of numbers from 1, and the hosts that take part: `actors` and `targets`, or `hosts` where
  these are not told apart. An event with `incident` is one step of the attack; it may tell `techniques`
  (ids of ATT&CK for ICS), whether it is `visible` to a passive sensor, and `unseen_because`;
- `packets`: how many the capture has; 0, or none, where packets were not numbered;
- `start_ns` and `end_ns`, or else the first and last instant of the events; `plant` and `scenario`.

Other members are let be.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic_core import ErrorDetails

MAX_BYTES: Final = 256 * 1024 * 1024
"""Of a truth file: that of a day with ten million packets stays below."""
MAX_EVENTS: Final = 10_000
MAX_HOSTS: Final = 100_000
MAX_ERRORS: Final = 20
"""Errors that are told of one file."""

Instant = Annotated[int, Field(ge=0, lt=2**63)]
Number = Annotated[int, Field(ge=1, lt=2**63)]
Text = Annotated[str, StringConstraints(max_length=10_000)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Technique = Annotated[str, StringConstraints(pattern=r"^T\d{4}(\.\d{3})?$")]


class TruthError(Exception):
    """The file is no truth; the text names the file and each error on a line of its own."""


@dataclass(frozen=True, slots=True)
class Event:
    """Routine, or one step of the attack."""

    id: str
    is_step: bool
    first_ns: int
    last_ns: int
    techniques: tuple[str, ...] = ()
    actors: frozenset[str] = frozenset()
    """Names of hosts; where the truth does not tell who acts, those of all that take part."""
    targets: frozenset[str] = frozenset()
    visible: bool = True
    unseen_because: str = ""
    slow_because: str = ""

    @property
    def hosts(self) -> frozenset[str]:
        return self.actors | self.targets


@dataclass(frozen=True, slots=True)
class Truth:
    plant: str
    scenario: str
    packets: int
    """How many the capture has; 0 where they are not numbered."""
    start_ns: int
    end_ns: int
    events: tuple[Event, ...]
    names: dict[str, frozenset[str]]
    """Name, address or MAC address, in lower case, -> names of the hosts that it stands for."""
    _first: tuple[int, ...]
    _last: tuple[int, ...]
    _event: tuple[int, ...]
    """The ranges of all events in the order of their packets."""

    @property
    def steps(self) -> tuple[Event, ...]:
        """The steps of the attack, in the order of their beginning."""
        return tuple(sorted((one for one in self.events if one.is_step), key=lambda e: (e.first_ns, e.id)))

    def event_of(self, packet: int) -> Event | None:
        """The event that a packet belongs to, or None."""
        place = bisect_right(self._first, packet) - 1
        return self.events[self._event[place]] if place >= 0 and packet <= self._last[place] else None

    def hosts_of(self, said: str) -> frozenset[str]:
        """Names of the hosts that a name, an address or a MAC address stands for; none that is unknown."""
        return self.names.get(said.strip().casefold(), frozenset())


class _Form(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


class _Host(_Form):
    name: Name
    address: Text = ""
    mac: Text = ""


class _Event(_Form):
    id: Name
    incident: bool
    first_ns: Instant
    last_ns: Instant
    packets: list[tuple[Number, Number]] = []
    techniques: list[Technique] = []
    hosts: list[Name] | None = None
    actors: list[Name] | None = None
    targets: list[Name] | None = None
    visible: bool = True
    unseen_because: Text | dict[str, Text] | None = None
    slow_because: Text | dict[str, Text] | None = None


class _Truth(_Form):
    plant: Text | None = None
    scenario: Text | None = None
    packets: Annotated[int, Field(ge=0, lt=2**63)] = 0
    start_ns: Instant | None = None
    end_ns: Instant | None = None
    hosts: Annotated[list[_Host], Field(max_length=MAX_HOSTS)]
    events: Annotated[list[_Event], Field(min_length=1, max_length=MAX_EVENTS)]


def read_truth(path: str) -> Truth:
    """The truth in a file. Raises TruthError, and OSError where the file cannot be read."""
    with Path(path).open("rb") as stream:
        data = stream.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise TruthError(f"{path}: more than {MAX_BYTES} bytes, expected a truth of the range")
    try:
        form = _Truth.model_validate_json(data)
    except ValidationError as error:
        raise TruthError("\n".join(f"{path}: {one}" for one in sentences(error))) from None
    wrong = [f"{path}: {one}" for one, _ in zip(_contradictions(form), range(MAX_ERRORS), strict=False)]
    if wrong:
        raise TruthError("\n".join(wrong))
    return _truth(form)


def sentences(error: ValidationError) -> Iterator[str]:
    """What is wrong with a JSON text, each with the member that it concerns."""
    for one in error.errors(include_url=False, include_context=False)[:MAX_ERRORS]:
        yield _sentence(one)


def _sentence(one: ErrorDetails) -> str:
    if one["type"] == "json_invalid":
        return one["msg"].replace("Invalid JSON: ", "no JSON: ")
    place = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in one["loc"]).lstrip(".")
    what = one["msg"][:1].lower() + one["msg"][1:]
    return f"{place}: {what}" if place else what


def _contradictions(form: _Truth) -> Iterator[str]:
    """What a truth says that cannot be of any capture."""
    known = {host.name for host in form.hosts}
    seen = set[str]()
    for event in form.events:
        name = f"event {event.id!r}"
        if event.id in seen:
            yield f"{name} is there twice"
        seen.add(event.id)
        if event.last_ns < event.first_ns:
            yield f"{name} ends before it begins"
        for said in _said(event):
            if said not in known:
                yield f"{name} names {said!r}, which is none of the hosts"
        if event.incident and event.visible and not _said(event):
            yield f"{name} is a visible step of the attack and names no hosts"
    last = 0
    for first, end, event in _ranges(form):
        if end < first:
            yield f"event {event.id!r}: packets {first} to {end} run backwards"
        elif first <= last:
            yield f"event {event.id!r}: packet {first} belongs to another range, too"
        elif form.packets and end > form.packets:
            yield f"event {event.id!r}: packet {end} of a capture that has {form.packets}"
        last = max(last, end)
    start, end_ns = _span(form)
    if end_ns < start:
        yield "end_ns lies before start_ns"


def _said(event: _Event) -> list[str]:
    return [*(event.hosts or ()), *(event.actors or ()), *(event.targets or ())]


def _ranges(form: _Truth) -> list[tuple[int, int, _Event]]:
    found = [(first, last, event) for event in form.events for first, last in event.packets]
    return sorted(found, key=lambda one: one[:2])


def _span(form: _Truth) -> tuple[int, int]:
    start = min(event.first_ns for event in form.events) if form.start_ns is None else form.start_ns
    end = max(event.last_ns for event in form.events) if form.end_ns is None else form.end_ns
    return start, end


def _truth(form: _Truth) -> Truth:
    ranges = _ranges(form)
    place = {id(event): number for number, event in enumerate(form.events)}
    start_ns, end_ns = _span(form)
    return Truth(
        plant=form.plant or "",
        scenario=form.scenario or "",
        packets=form.packets if ranges else 0,
        start_ns=start_ns,
        end_ns=end_ns,
        events=tuple(map(_event, form.events)),
        names=_names(form.hosts),
        _first=tuple(first for first, _, _ in ranges),
        _last=tuple(last for _, last, _ in ranges),
        _event=tuple(place[id(event)] for _, _, event in ranges),
    )


def _event(form: _Event) -> Event:
    # An older truth does not tell who acts from who is acted on.
    everybody = form.hosts or ()
    return Event(
        id=form.id,
        is_step=form.incident,
        first_ns=form.first_ns,
        last_ns=form.last_ns,
        techniques=tuple(dict.fromkeys(form.techniques)),
        actors=frozenset(everybody if form.actors is None else form.actors),
        targets=frozenset(everybody if form.targets is None else form.targets),
        visible=form.visible,
        unseen_because=_reason(form.unseen_because),
        slow_because=_reason(form.slow_because),
    )


def _reason(said: Any) -> str:
    return said.get("en", "") if isinstance(said, dict) else said or ""


def _names(hosts: Iterable[_Host]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for host in hosts:
        for said in (host.name, host.address, host.mac):
            if said:
                found.setdefault(said.casefold(), set()).add(host.name)
    return {said: frozenset(names) for said, names in found.items()}
