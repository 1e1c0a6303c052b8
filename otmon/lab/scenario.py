"""Attack scenarios: data in `scenarios/*.yaml`, checked against their plant and the kinds of steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import Field

from otmon.lab.form import (
    LONGEST_NS,
    Clock,
    Duration,
    Form,
    Id,
    Offset,
    RangeError,
    Sheet,
    Truth,
    Words,
    WordsForm,
    checked,
    choice,
    content_of,
    does_not_serve,
    read_form,
)
from otmon.lab.plant import HostForm, Plant, PlantHost, hosts_of, shipped_plant, shipped_plants
from otmon.lab.scene import StepKind
from otmon.lab.steps import step_kinds
from otmon.lab.techniques import TECHNIQUES
from otmon.sentence import sentence
from otmon.zones.files.document import Problem
from otmon.zones.files.leaf import OneOrMore

FOLDER: Final = Path(__file__).parent / "scenarios"
"""The scenarios that come with the program."""
MAX_STEPS: Final = 100

UNSEEN: Final = "unseen"
"""The kind of a step that no packet shows."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that an attacker does."""

    id: str
    what: Words
    at_ns: int
    """After the scenario's start."""
    does: str
    parameters: Form | None
    """None for a step that no packet shows."""
    actors: tuple[str, ...]
    targets: tuple[str, ...]
    techniques: tuple[str, ...]
    attack: bool
    """False for what people of the plant do because of it, such as setting a value back."""
    visible: bool
    """Whether a passive sensor at the plant's mirror can see it."""
    unseen_because: Words | None
    slow_because: Words | None
    """Why nobody can tell it from the routine within a minute; None for what shows at once."""

    def told(self, first_ns: int, last_ns: int) -> dict[str, Any]:
        """What the truth about a capture says of it, seen from `first_ns` to `last_ns` (since 1970 UTC)."""
        unseen, slow = self.unseen_because, self.slow_because
        return {
            "id": self.id,
            "incident": self.attack,
            "what": self.what.en,
            "what_ja": self.what.ja,
            "techniques": list(self.techniques),
            "actors": list(self.actors),
            "targets": list(self.targets),
            "visible": self.visible,
            "unseen_because": None if unseen is None else unseen.told(),
            "slow_because": None if slow is None else slow.told(),
            "first_ns": first_ns,
            "last_ns": last_ns,
        }


@dataclass(frozen=True, slots=True)
class Scenario:
    id: str
    title: Words
    what: Words
    plant: Plant
    starts_ns: int
    """After midnight of the plant's day."""
    lasts_ns: int
    guests: tuple[PlantHost, ...]
    """Who is there in this scenario alone."""
    steps: tuple[Step, ...]
    """In order of time."""

    @property
    def start_ns(self) -> int:
        """When it begins, in nanoseconds since 1970 UTC."""
        return self.plant.midnight_ns + self.starts_ns

    @property
    def end_ns(self) -> int:
        return self.start_ns + self.lasts_ns

    def everybody(self) -> Mapping[str, PlantHost]:
        return {one.name: one for one in (*self.plant.hosts, *self.guests)}


class StepForm(Form):
    id: Id
    what: WordsForm
    at: Offset
    does: Id
    by: Annotated[tuple[Id, ...], OneOrMore()] = ()
    to: Annotated[tuple[Id, ...], OneOrMore()] = ()
    techniques: Annotated[tuple[Annotated[str, choice(TECHNIQUES)], ...], Field(max_length=12)] = ()
    attack: Truth = True
    visible: Truth = True
    unseen_because: WordsForm | None = None
    slow_because: WordsForm | None = None
    with_: Annotated[dict[str, Any], Field(alias="with", default_factory=dict)]


class ScenarioForm(Form):
    version: Annotated[str, choice(("1",))]
    id: Id
    name: WordsForm
    what: WordsForm
    plant: Annotated[str, choice(shipped_plants())]
    starts: Clock
    lasts: Duration
    guests: Annotated[tuple[HostForm, ...], Field(max_length=100)] = ()
    steps: Annotated[tuple[StepForm, ...], Field(min_length=1, max_length=MAX_STEPS)]


def read_scenario(file: str, data: bytes) -> Scenario:
    """The scenario in a file's bytes. Raises `RangeError`; opens nothing but its plant."""
    sheet, form = read_form(file, data, ScenarioForm, sentence("a scenario"))
    plant = shipped_plant(form.plant)
    if form.id != Path(file).stem:
        what = sentence(
            "scenario {id} in {file}, expected a file of its name", id=repr(form.id), file=Path(file).name
        )
        sheet.say(("id",), what)
    if not 0 < form.lasts <= LONGEST_NS - form.starts:
        sheet.say(("lasts",), sentence("the scenario ends on another day, expected it to end by midnight"))
    guests = hosts_of(sheet, "guests", form.guests, plant.hosts)
    hosts = {one.name: one for one in (*plant.hosts, *guests)}
    steps = [_step(sheet, number, step, form, hosts) for number, step in enumerate(form.steps)]
    if sheet.problems:
        raise RangeError(sheet.problems)
    return Scenario(
        form.id,
        form.name.value(),
        form.what.value(),
        plant,
        form.starts,
        form.lasts,
        tuple(guests),
        tuple(step for step in steps if step is not None),
    )


def _step(
    sheet: Sheet, number: int, form: StepForm, scenario: ScenarioForm, hosts: Mapping[str, PlantHost]
) -> Step | None:
    place = ("steps", number)
    if form.id in {step.id for step in scenario.steps[:number]}:
        what = sentence("step {id} a second time, expected an id of its own", id=repr(form.id))
        sheet.say((*place, "id"), what)
    if form.at >= scenario.lasts:
        sheet.say((*place, "at"), sentence("behind the scenario's end, expected a time before it"))
    if number and form.at < scenario.steps[number - 1].at:
        sheet.say((*place, "at"), sentence("before the step above it, expected steps in order of time"))
    for key, names in (("by", form.by), ("to", form.to)):
        for at, name in enumerate(names):
            sheet.known((*place, key, at), sentence("host"), name, hosts)
    if form.attack != bool(form.techniques):
        what = sentence(
            "{count} techniques do not fit here, expected at least one for an attack, and none for "
            "`attack: no`",
            count=len(form.techniques),
        )
        sheet.say((*place, "techniques"), what)
    if form.visible != (form.unseen_because is None):
        what = sentence(
            "visible and unseen_because do not fit together, expected a step that is not visible and "
            "`unseen_because`, or a visible one without it"
        )
        sheet.say((*place, "visible"), what)
    if form.slow_because is not None and not (form.visible and form.attack):
        what = sentence("nothing shows this step, expected it for a visible step of the attack alone")
        sheet.say((*place, "slow_because"), what)
    kinds = step_kinds()
    parameters: Form | None = None
    if form.does == UNSEEN:
        if form.visible:
            sheet.say((*place, "does"), sentence("no packet shows this step, expected `visible: no`"))
        if form.with_:
            sheet.say((*place, "with"), sentence("parameters of a step without packets, expected none"))
    elif sheet.known((*place, "does"), sentence("kind of step"), form.does, (*kinds, UNSEEN)):
        parameters = _parameters(sheet, place, form, kinds[form.does], hosts)
        if parameters is None:
            return None
    return Step(
        form.id,
        form.what.value(),
        form.at,
        form.does,
        parameters,
        form.by,
        form.to,
        form.techniques,
        form.attack,
        form.visible,
        form.unseen_because.value() if form.unseen_because is not None else None,
        form.slow_because.value() if form.slow_because is not None else None,
    )


def _parameters(
    sheet: Sheet,
    place: tuple[int | str, ...],
    form: StepForm,
    kind: StepKind,
    hosts: Mapping[str, PlantHost],
) -> Form | None:
    for key, names in (("by", form.by), ("to", form.to)):
        if key in kind.needs and not names:
            what = sentence(
                "{key} is missing, expected at least one host for {kind}", key=key, kind=kind.name
            )
            sheet.say(place, what)
            return None
    try:
        parameters = checked(sheet, (*place, "with"), kind.form, form.with_)
    except RangeError:
        return None  # It is among the sheet's problems, and the other steps are looked at too.
    before = len(sheet.problems)
    for key in ("names", "by_way_of"):
        named = getattr(parameters, key, None) or ()
        for name in (named,) if isinstance(named, str) else named:
            sheet.known((*place, "with", key), sentence("host"), name, hosts)
    if "to" in kind.needs and len(form.to) < kind.targets:
        what = sentence(
            "{count} hosts, expected {least} for {kind}",
            count=len(form.to), least=kind.targets, kind=kind.name,
        )  # fmt: skip
        sheet.say((*place, "to"), what)
    _able(sheet, place, form, kind, parameters, hosts)
    return parameters if len(sheet.problems) == before else None


def _able(
    sheet: Sheet,
    place: tuple[int | str, ...],
    form: StepForm,
    kind: StepKind,
    parameters: Form,
    hosts: Mapping[str, PlantHost],
) -> None:
    """Says who cannot take part: who is too far away for it, or does not serve what it asks."""
    for key, names in (("by", form.by), ("to", form.to)):
        for at, name in enumerate(names):
            if name in hosts and not hosts[name].mac and kind.local(parameters):
                what = sentence(
                    "{name} is on the Internet, expected a host of the plant for {kind}",
                    name=name, kind=kind.name,
                )  # fmt: skip
                sheet.say((*place, key, at), what)
    for at, name in enumerate(form.to):
        if kind.asks and name in hosts and hosts[name].serves(kind.asks) is None:
            sheet.say((*place, "to", at), does_not_serve(name, kind.asks))


def load_scenario(path: Path) -> Scenario:
    """The scenario in a file. Raises `RangeError`."""
    return read_scenario(str(path), content_of(path))


def shipped_scenarios() -> tuple[str, ...]:
    """Ids of the scenarios that come with the program."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))


@cache
def shipped_scenario(id: str) -> Scenario:
    """The scenario of that id. Raises `RangeError`."""
    known = shipped_scenarios()
    if id not in known:
        what = sentence("no such scenario, expected {names}", names=known)
        raise RangeError([Problem(id, 0, 0, what)])
    return load_scenario(FOLDER / f"{id}.yaml")
