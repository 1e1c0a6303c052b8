"""A whole scenario in a range that is up: its guests are plugged in, its steps played, its truth told.

The steps are those that a recording of the scenario has, with the same seed; what they meet is alive. Time
begins with the first step, and may run faster than in the scenario.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from typing import Any

from otmon.lab.form import Words
from otmon.lab.live.attack import NOTHING, Place, Played, Stage, play
from otmon.lab.live.dialogue import Frame, Script, dialogue_of, script_of
from otmon.lab.live.lifecycle import plant_of, stations_of
from otmon.lab.live.namespace import LiveError, full_name
from otmon.lab.live.network import Station, mirrored, plugged, unplug
from otmon.lab.live.relay import Between, relay, restore
from otmon.lab.polling import shown
from otmon.lab.recording import deeds_of, of_scenario, routine_told
from otmon.lab.scenario import Scenario, Step
from otmon.lab.scene import Deed, Trouble
from otmon.lab.sessions import MODBUS_PORT
from otmon.sentence import sentence

Tell = Callable[[Step], None]
LEAD_NS = 500_000_000
"""Before the first step."""
NOT_PLAYED = Words(
    ja="実行されず、パケットは流れなかった", en="it was not played, and nothing of it was sent"
)


def perform(name: str, scenario: Scenario, seed: int, speed: float, tell: Tell) -> dict[str, Any]:
    """Play a scenario in the range; gives its truth, in the form of a recording's and with wall times.

    `tell` is called as each step begins. Ctrl-C ends the play, and the truth is that of what was played until
    then. Raises LiveError where the range is of another plant, or goes away.
    """
    plant, _ = plant_of(name)
    if plant.id != scenario.plant.id:
        what = sentence(
            "{scenario} is played in {plant}, and the range {name} is {other}",
            scenario=scenario.id, plant=scenario.plant.id, name=name, other=plant.id,
        )  # fmt: skip
        raise LiveError(what)
    stations = stations_of(plant, scenario.guests)
    mine, guests = stations[: len(plant.hosts)], stations[len(plant.hosts) :]
    recording = of_scenario(scenario)
    deeds = deeds_of(recording, seed)
    before, start_ns = mirrored(name), time.time_ns()
    places = {one.name: Place(full_name(name, one.name), one.address, one.mac) for one in stations}
    played = {step.id: Played() for step in scenario.steps}
    interrupted = False
    with plugged(name, mine, guests):
        begin_ns = scenario.start_ns + min(step.at_ns for step in scenario.steps) - LEAD_NS
        stage = Stage(name, places, begin_ns, speed)
        try:
            _run(_steps(name, scenario, deeds, stations, stage, played, tell))
        except KeyboardInterrupt:
            interrupted = True
        after = mirrored(name)
    end_ns = time.time_ns()
    planned_ns = {step.id: stage.wall_ns(scenario.start_ns + step.at_ns) for step in scenario.steps}
    return {
        "seed": seed,
        "sha256": None,
        "packets": after[0] - before[0],
        "plant": plant.id,
        "scenario": scenario.id,
        "range": name,
        "speed": speed,
        "start_ns": start_ns,
        "end_ns": end_ns,
        "interrupted": interrupted,
        "hosts": [
            {"name": one.name, "address": one.address, "mac": one.mac}
            for one in scenario.everybody().values()
        ],
        "events": [
            routine_told(start_ns, end_ns),
            *(_event(step, played[step.id], min(planned_ns[step.id], end_ns)) for step in scenario.steps),
        ],
    }


def _run(steps: Coroutine[Any, Any, None]) -> None:
    try:
        asyncio.run(steps)
    except* (LiveError, OSError) as group:
        why = _first(group)
        said = why.args[0] if len(why.args) == 1 and isinstance(why.args[0], str) else str(why)
        raise LiveError(sentence("the range is not whole any more: {why}", why=said)) from None


def _first(group: BaseException) -> BaseException:
    while isinstance(group, BaseExceptionGroup):
        group = group.exceptions[0]
    return group


async def _steps(
    name: str,
    scenario: Scenario,
    deeds: dict[str, Deed],
    stations: Sequence[Station],
    stage: Stage,
    played: Mapping[str, Played],
    tell: Tell,
) -> None:
    machines = {one.address: one.mac for one in stations if one.address}
    wire = scenario.plant.wire
    infrastructure = {wire.core, wire.firewall, *(mac for _, mac in wire.gateways)}

    async def told(step: Step) -> None:
        await stage.until(scenario.start_ns + step.at_ns)
        tell(step)

    async with asyncio.TaskGroup() as tasks:
        for step in scenario.steps:
            deed = deeds[step.id]
            tasks.create_task(told(step))
            packets = sorted(deed.packets, key=lambda packet: packet.time_ns)
            script = script_of(packets, machines)
            asked = tuple(dialogue_of(session) for session in deed.sessions)
            frames = tuple(one for one in script.frames if not _of_the_network(one, machines, infrastructure))
            whole = Script((*script.dialogues, *asked), frames)
            actor = step.actors[0] if step.actors else stations[0].name
            tasks.create_task(play(stage, whole, actor, played[step.id]))
            for trouble in deed.troubles:
                tasks.create_task(_trouble(name, stage, stations, trouble, played[step.id]))


def _of_the_network(frame: Frame, machines: dict[str, str], infrastructure: set[str]) -> bool:
    """Whether a router says it, in whose name nobody speaks here: the range's own routers do that."""
    return frame.source_mac in infrastructure and frame.source_mac not in machines.values()


async def _trouble(
    name: str, stage: Stage, stations: Sequence[Station], trouble: Trouble, played: Played
) -> None:
    """What a step does to the plant, as far as that can be done to machines that live."""
    if trouble.kind in ("silent", "absent"):
        await stage.until(trouble.from_ns)
        unplug(name, stations, trouble.host, out=True)
        played.spoke()
        try:
            await stage.until(trouble.to_ns)
        finally:
            unplug(name, stations, trouble.host, out=False)
            played.spoke()
    elif trouble.kind == "diverted" and trouble.by is not None and trouble.by.name in stage.places:
        await stage.until(trouble.from_ns)
        client, server = stage.places[trouble.host], stage.places[trouble.peer]
        own = stage.places[trouble.by.name]
        macs = {one.address: one.mac for one in (client, server)}
        between = Between(own.mac, macs, server.address, MODBUS_PORT, shown(trouble))

        def sent() -> None:
            played.frames += 1
            played.spoke()

        standing = asyncio.create_task(relay(own.namespace, between, sent))
        try:
            await stage.until(trouble.to_ns)
            # In a play that is faster than life the scenario's own truths come too soon to be believed.
            await restore(own.namespace, between, sent)
        finally:
            standing.cancel()
            with suppress(asyncio.CancelledError):
                await standing
    elif trouble.kind not in ("deaf", "stopped"):
        # A controller that is told to be deaf, or to stop, does so itself.
        words = f"{trouble.host} の通信は間の機器を通らなかった", f"{trouble.host} was not {trouble.kind}"
        played.told.append(Words(*words))


def _event(step: Step, played: Played, planned_ns: int) -> dict[str, Any]:
    """What became of a step; `planned_ns` stands for the time of one that said nothing."""
    told = step.told(played.first_ns or planned_ns, played.last_ns or planned_ns)
    if step.visible and played.outcome == NOTHING:
        told |= {"visible": False, "unseen_because": NOT_PLAYED.told()}
    return {
        **told,
        "outcome": played.outcome if step.visible else None,
        "connections": played.connections,
        "answered": played.answered,
        "unanswered": played.unanswered,
        "refused": played.refused,
        "frames": played.frames,
        "not_played": [words.told() for words in played.told],
    }
