"""`otmon lab up`, `status`, `down` and `run`: the training range on this machine."""

from __future__ import annotations

import json as json_text
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from otmon.cli.lab import ScenarioName, is_file, plant_of, scenario_of
from otmon.cli.language import Language
from otmon.cli.options import (
    FOUND,
    INTERRUPTED,
    NOTHING_FOUND,
    Lang,
    day_of,
    fail,
    fail_by_problems,
    read_model,
    written_to,
)
from otmon.sentence import sentence

if TYPE_CHECKING:
    from otmon.lab.live.lifecycle import Status
    from otmon.lab.scenario import Step

Name = Annotated[
    str | None,
    typer.Argument(metavar="NAME", help="Name of the range; not needed where only one is up."),
]


def up(
    plant: Annotated[
        str, typer.Argument(metavar="PLANT", help="A plant of `otmon lab list`, or a file of yours.")
    ],
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Name of the range; without it, the plant's id.")
    ] = None,
    zones: Annotated[
        str | None,
        typer.Option(
            "--zones",
            metavar="MODEL",
            help="The router lets through what this zone model allows, and what comes from the Internet's "
            "side; without it, everything.",
        ),
    ] = None,
    lang: Lang = Language.en,
) -> None:
    """Bring a plant up as network namespaces of this machine: hosts, switch, router, a mirror port.

    Needs root, and touches nothing but namespaces of its own. A sensor listens on the interface mirror0 of
    the namespace otmon-lab.NAME.mirror. Example: otmon lab up water-works --zones zones/water-works.yaml
    """
    from otmon.findings.wording import text
    from otmon.lab.form import RangeError
    from otmon.lab.live.lifecycle import shows_vlans
    from otmon.lab.live.lifecycle import up as bring_up
    from otmon.lab.live.namespace import LiveError, full_name
    from otmon.lab.live.network import MIRROR, MIRROR_INTERFACE

    try:
        found = plant_of(plant)
        named = found.id if name is None else name
        file = Path(plant) if is_file(plant) else None
        took_s = bring_up(named, found, None if zones is None else _rules(zones), file)
        tagged = shows_vlans(named, found)
    except RangeError as error:
        fail_by_problems(error.problems)
    except LiveError as error:
        fail(error)
    print(text("lab.up", lang.value, name=named, hosts=len(found.hosts), seconds=f"{took_s:.1f}"))
    print(
        f"  ip netns exec {full_name(named, MIRROR)} otmon sensor --interface {MIRROR_INTERFACE}"
        + (f" --zones {zones}" if zones is not None else "")
    )
    if not tagged:
        print(text("lab.no-tags", lang.value))


def _rules(path: str) -> str:
    """A zone model as rules of the router."""
    from otmon.cli.exchange import ExportFormat, policy

    model = read_model(path)
    # A permission that names no port shall pass on every one: what it means beyond is the sensor's to check.
    boundaries, today = list(model.boundaries), day_of(None, model)
    return policy(model, boundaries, ExportFormat.nftables, "range", True, today, whole=True).text


def _chosen(name: str | None) -> str:
    """The range that is meant. Ends the program where that is not clear."""
    from otmon.lab.live.namespace import ranges

    if name is not None:
        return name
    there = ranges()
    if len(there) == 1:
        return there[0]
    if there:
        fail(sentence("several ranges are up, name one: {names}", names=tuple(there)))
    fail(sentence("no range is up: otmon lab up PLANT"))


def status(
    name: Name = None,
    json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
    lang: Lang = Language.en,
) -> None:
    """Say what is there of a range: hosts, services that listen, packets at the mirror port.

    Example: otmon lab status water-works
    """
    from otmon.lab.live.lifecycle import status as status_of
    from otmon.lab.live.namespace import LiveError

    try:
        found = status_of(_chosen(name))
    except LiveError as error:
        fail(error)
    if json:
        print(json_text.dumps(_told(found), ensure_ascii=False))
    else:
        _write(found, lang)
    raise typer.Exit(NOTHING_FOUND if found.whole else FOUND)


def _told(found: Status) -> dict[str, Any]:
    return {
        "range": found.name,
        "plant": found.plant,
        "up_s": found.up_s,
        "whole": found.whole,
        "alive": found.alive,
        "processes": found.processes,
        "mirror": {"packets": found.packets, "bytes": found.octets, "vlan_tags": found.tagged},
        "hosts": [
            {
                "name": one.host.name,
                "address": one.host.address,
                "mac": one.host.mac,
                "connected": one.connected,
                "services": [
                    {
                        "protocol": service.protocol,
                        "transport": service.transport,
                        "port": service.port,
                        "listens": listens,
                    }
                    for service, listens in one.services
                ],
            }
            for one in found.hosts
        ],
    }


def _write(found: Status, lang: Language) -> None:
    from otmon.findings.wording import text

    key = "lab.whole" if found.whole else "lab.not-whole" if found.alive else "lab.not-running"
    condition = text(key, lang.value)
    print(
        text(
            "lab.status",
            lang.value,
            name=found.name,
            plant=found.plant,
            seconds=found.up_s,
            condition=condition,
        )
    )
    mirror = "lab.mirror" if found.tagged else "lab.mirror-untagged"
    print(text(mirror, lang.value, packets=found.packets, octets=found.octets, processes=found.processes))
    width = max(len(one.host.name) for one in found.hosts)
    silent, absent = text("lab.silent", lang.value), text("lab.absent", lang.value)
    for one in found.hosts:
        said = [
            f"{service.protocol} {service.transport}/{service.port}" + ("" if listens else f" ({silent})")
            for service, listens in one.services
        ]
        place = one.host.address if one.connected else absent
        print(f"  {one.host.name:{width}}  {place:15}  {', '.join(said)}".rstrip())


def down(
    name: Name = None,
    every: Annotated[bool, typer.Option("--all", help="Every range of this machine.")] = False,
    lang: Lang = Language.en,
) -> None:
    """Take a range away: its processes, a sensor at its mirror port too, and its namespaces.

    What a crash left is found by its name. That there is nothing of it is no error. Example:
    otmon lab down water-works
    """
    from otmon.findings.wording import text
    from otmon.lab.live.lifecycle import down as take_down
    from otmon.lab.live.namespace import LiveError, ranges

    if every and name is not None:
        fail(sentence("a name and --all do not go together"))
    for one in ranges() if every else [_chosen(name)]:
        try:
            ended, deleted = take_down(one)
        except LiveError as error:
            fail(error)
        counted = {"processes": ended, "namespaces": deleted}
        print(text("lab.down", lang.value, name=one, **counted), file=sys.stderr)


def run(
    scenario: ScenarioName,
    name: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Name of the range; not needed where only one is up."),
    ] = None,
    truth: Annotated[
        str | None,
        typer.Option(
            metavar="FILE.json", help="Write what was done and when, as otmon lab record does; - for output."
        ),
    ] = None,
    speed: Annotated[
        float, typer.Option(min=0.1, max=1000, metavar="TIMES", help="So many times as fast as written.")
    ] = 1.0,
    seed: Annotated[
        int, typer.Option(min=0, metavar="N", help="Where the attack's random numbers begin.")
    ] = 1,
    lang: Lang = Language.en,
) -> None:
    """Play a scenario's attack in a range that is up, with real sockets where there is a real peer.

    Time begins with the first step. Ctrl-C ends it: the truth then tells what was played until then. Example:
    otmon lab run setpoint-by-remote-desktop --speed 5
    """
    from otmon.findings.wording import text
    from otmon.lab.form import RangeError
    from otmon.lab.live.namespace import LiveError
    from otmon.lab.live.performance import perform

    words = lang.value

    def tell(step: Step) -> None:
        print(f"{step.id}: {getattr(step.what, words)}", file=sys.stderr, flush=True)

    named, played = _chosen(name), scenario_of(scenario)
    with written_to(truth) as stream:
        try:
            done = perform(named, played, seed, speed, tell)
        except RangeError as error:
            fail_by_problems(error.problems)
        except LiveError as error:
            fail(error)
        if stream is not None:
            stream.write(json_text.dumps(done, ensure_ascii=False, indent=1) + "\n")
    whole = True
    for event in done["events"][1:]:
        for reason in event["not_played"]:
            whole = False
            print(text("lab.not-played", lang.value, step=event["id"], reason=reason[words]), file=sys.stderr)
        if event["outcome"] in ("tried", "partly"):
            counted = {"unanswered": event["unanswered"], "refused": event["refused"]}
            told = text(f"lab.{event['outcome']}", lang.value, step=event["id"], **counted)
            print(told, file=sys.stderr)
    if done["interrupted"]:
        raise typer.Exit(INTERRUPTED)
    raise typer.Exit(NOTHING_FOUND if whole else FOUND)
