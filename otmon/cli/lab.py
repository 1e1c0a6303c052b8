"""The commands of the training range: `otmon lab ...`."""

from __future__ import annotations

import json as json_text
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from otmon.cli.language import Language
from otmon.cli.options import Lang, fail, fail_by_problems, fail_by_system
from otmon.sentence import sentence

if TYPE_CHECKING:
    from otmon.lab.plant import Plant
    from otmon.lab.scenario import Scenario

ScenarioName = Annotated[
    str, typer.Argument(metavar="SCENARIO", help="One of `otmon lab list`, or a file of yours.")
]


Json = Annotated[bool, typer.Option("--json", help="As one JSON object, in both languages.")]


def list_(lang: Lang = Language.en, json: Json = False) -> None:
    """Tell which plants and attack scenarios there are.

    Example: otmon lab list --lang ja
    """
    from otmon.lab.plant import shipped_plant, shipped_plants
    from otmon.lab.scenario import shipped_scenario, shipped_scenarios

    if json:
        plants = [
            {"id": one.id, "name": one.title.told(), "model": one.model, "hosts": len(one.hosts)}
            for one in map(shipped_plant, shipped_plants())
        ]
        scenarios = [_told(shipped_scenario(id)) for id in shipped_scenarios()]
        print(json_text.dumps({"plants": plants, "scenarios": scenarios}, ensure_ascii=False, indent=1))
        return
    for id in shipped_plants():
        plant = shipped_plant(id)
        print(f"{id:<28} {getattr(plant.title, lang.value)}")
    print()
    for id in shipped_scenarios():
        scenario = shipped_scenario(id)
        print(f"{id:<28} {scenario.plant.id:<14} {getattr(scenario.title, lang.value)}")


def _told(scenario: Scenario) -> dict[str, Any]:
    """What a program gets of a scenario: of its steps what the truth about a capture has, without times."""
    steps = []
    for step in scenario.steps:
        told = step.told(0, 0)
        del told["first_ns"], told["last_ns"]
        steps.append({**told, "at": _clock(scenario, step.at_ns)})
    return {
        "id": scenario.id,
        "name": scenario.title.told(),
        "what": scenario.what.told(),
        "plant": scenario.plant.id,
        "starts": _clock(scenario, 0),
        "ends": _clock(scenario, scenario.lasts_ns),
        "steps": steps,
    }


def show(scenario: ScenarioName, lang: Lang = Language.en, json: Json = False) -> None:
    """Tell what happens in a scenario: its steps, who does them to whom, and what a sensor can see.

    Example: otmon lab show rogue-master
    """
    from otmon.findings.wording import text
    from otmon.lab.techniques import TECHNIQUES

    told = scenario_of(scenario)
    if json:
        print(json_text.dumps(_told(told), ensure_ascii=False, indent=1))
        return
    words = lang.value
    start, end = (_clock(told, after_ns) for after_ns in (0, told.lasts_ns))
    print(f"{told.id}: {getattr(told.title, words)} ({told.plant.id}, {start}-{end})")
    print(getattr(told.what, words))
    for step in told.steps:
        ends = " -> ".join(", ".join(names) for names in (step.actors, step.targets) if names)
        print(f"\n{_clock(told, step.at_ns)} {step.id}: {getattr(step.what, words)}")
        print(f"         {ends}")
        for technique in step.techniques:
            print(f"         {technique} {TECHNIQUES[technique]}")
        if step.unseen_because is not None:
            print(f"         {text('lab.unseen', lang.value, why=getattr(step.unseen_because, words))}")
        if step.slow_because is not None:
            print(f"         {text('lab.slow', lang.value, why=getattr(step.slow_because, words))}")


def record(
    output: Annotated[
        str, typer.Option("-o", "--output", metavar="FILE.pcapng", help="Capture; its truth goes beside it.")
    ],
    scenario: Annotated[
        str | None,
        typer.Argument(metavar="[SCENARIO]", help="One of `otmon lab list`, or a file of yours."),
    ] = None,
    plant: Annotated[
        str | None,
        typer.Option("--plant", metavar="PLANT", help="With --day: a plant of `otmon lab list`, or a file."),
    ] = None,
    day: Annotated[
        bool, typer.Option("--day", help="The plant's working hours with nothing but its routine.")
    ] = False,
    clean: Annotated[
        bool, typer.Option("--clean", help="The scenario's time of day without its attack.")
    ] = False,
    seed: Annotated[
        int, typer.Option("--seed", metavar="N", min=0, max=2**31 - 1, help="Same seed, same bytes.")
    ] = 1,
    lang: Lang = Language.en,
) -> None:
    """Write a scenario, or a clean day of a plant, as a capture and FILE.truth.json beside it.

    Example: otmon lab record rogue-master --seed 7 --output rogue.pcapng
    """
    from otmon.findings.wording import text
    from otmon.lab.form import RangeError
    from otmon.lab.recording import of_day, of_scenario, write

    if (scenario is None) == (plant is None) or day != (plant is not None):
        fail(sentence("expected either a SCENARIO, or --plant PLANT and --day"))
    if output == "-":
        fail(sentence("a capture and its truth are two files, expected FILE.pcapng"))
    if clean and scenario is None:
        fail(sentence("--clean belongs to a SCENARIO; a day is always clean"))
    if scenario is not None:
        recording = of_scenario(scenario_of(scenario), clean=clean)
    else:
        recording = of_day(plant_of(plant or ""))
    try:
        truth = write(recording, seed, Path(output))
    except RangeError as error:
        fail_by_problems(error.problems)
    except OSError as error:
        fail_by_system(error, output)
    steps = sum(event["id"] != "routine" for event in truth["events"])
    print(text("lab.recorded", lang.value, file=output, packets=truth["packets"], steps=steps))


def scenario_of(name: str) -> Scenario:
    """A scenario of the program, or one in a file; what is wrong with it ends the program."""
    from otmon.lab.form import RangeError
    from otmon.lab.scenario import load_scenario, shipped_scenario

    try:
        return load_scenario(Path(name)) if is_file(name) else shipped_scenario(name)
    except RangeError as error:
        fail_by_problems(error.problems)


def plant_of(name: str) -> Plant:
    from otmon.lab.form import RangeError
    from otmon.lab.plant import load_plant, shipped_plant

    try:
        return load_plant(Path(name)) if is_file(name) else shipped_plant(name)
    except RangeError as error:
        fail_by_problems(error.problems)


def is_file(name: str) -> bool:
    return name.endswith((".yaml", ".yml"))


def _clock(scenario: Scenario, after_ns: int) -> str:
    """The time of day, some time after the scenario's start."""
    seconds = (scenario.starts_ns + after_ns) // 1_000_000_000
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
