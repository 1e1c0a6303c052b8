"""`otmon lab up`, `status`, `down` and `run`: the training range on this machine."""

from __future__ import annotations

import json as json_text
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from otmon.cli.options import FOUND, INTERRUPTED, NOTHING_FOUND, day_of, fail, read_model, written_to

if TYPE_CHECKING:
    from otmon.lab.live.lifecycle import Status

Name = Annotated[
    str | None,
    typer.Argument(metavar="NAME", help="Name of the range; not needed where only one is up."),
]


_UNTAGGED = "the mirror port shows no VLAN tags: this kernel runs no programs at tc (CONFIG_NET_CLS_BPF)"


def up(
    plant: Annotated[str, typer.Argument(metavar="PLANT", help="Id of a plant: otmon lab list.")],
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
) -> None:
    """Bring a plant up as network namespaces of this machine: hosts, switch, router, a mirror port.

    Needs root, and touches nothing but namespaces of its own. A sensor listens on the interface mirror0 of
    the namespace otmon-lab.NAME.mirror. Example: otmon lab up water-works --zones zones/water-works.yaml
    """
    from otmon.lab.form import RangeError
    from otmon.lab.live.lifecycle import shows_vlans
    from otmon.lab.live.lifecycle import up as bring_up
    from otmon.lab.live.namespace import LiveError, full_name
    from otmon.lab.live.network import MIRROR, MIRROR_INTERFACE
    from otmon.lab.plant import shipped_plant

    try:
        found = shipped_plant(plant)
        named = plant if name is None else name
        took_s = bring_up(named, found, None if zones is None else _rules(zones))
        tagged = shows_vlans(named, found)
    except (LiveError, RangeError) as error:
        fail(error)
    print(f"{named}: {len(found.hosts)} hosts are up after {took_s:.1f} s; listen at the mirror port with")
    print(
        f"  ip netns exec {full_name(named, MIRROR)} otmon sensor --interface {MIRROR_INTERFACE}"
        + (f" --zones {zones}" if zones is not None else "")
    )
    if not tagged:
        print(_UNTAGGED)


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
        fail(f"several ranges are up, name one: {', '.join(there)}")
    fail("no range is up: otmon lab up PLANT")


def status(
    name: Name = None,
    json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
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
        _write(found)
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


def _write(found: Status) -> None:
    condition = "whole" if found.whole else "not whole" if found.alive else "its hosts do not run"
    print(f"{found.name}: {found.plant}, up for {found.up_s} s, {condition}")
    tagged = "with VLAN tags" if found.tagged else "without VLAN tags"
    print(f"mirror0: {found.packets} packets {tagged}, {found.octets} bytes; {found.processes} processes")
    width = max(len(one.host.name) for one in found.hosts)
    for one in found.hosts:
        said = [
            f"{service.protocol} {service.transport}/{service.port}" + ("" if listens else " (silent)")
            for service, listens in one.services
        ]
        place = one.host.address if one.connected else "not there"
        print(f"  {one.host.name:{width}}  {place:15}  {', '.join(said)}".rstrip())


def down(
    name: Name = None,
    every: Annotated[bool, typer.Option("--all", help="Every range of this machine.")] = False,
) -> None:
    """Take a range away: its processes, a sensor at its mirror port too, and its namespaces.

    What a crash left is found by its name. That there is nothing of it is no error. Example:
    otmon lab down water-works
    """
    from otmon.lab.live.lifecycle import down as take_down
    from otmon.lab.live.namespace import LiveError, ranges

    if every and name is not None:
        fail("a name and --all do not go together")
    for one in ranges() if every else [_chosen(name)]:
        try:
            ended, deleted = take_down(one)
        except LiveError as error:
            fail(error)
        print(f"{one}: {ended} processes ended, {deleted} namespaces deleted", file=sys.stderr)


def run(
    scenario: Annotated[str, typer.Argument(metavar="SCENARIO", help="Id of a scenario: otmon lab list.")],
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
) -> None:
    """Play a scenario's attack in a range that is up, with real sockets where there is a real peer.

    Time begins with the first step. Example: otmon lab run setpoint-by-remote-desktop --speed 5
    """
    from otmon.lab.form import RangeError
    from otmon.lab.live.namespace import LiveError
    from otmon.lab.live.performance import perform
    from otmon.lab.scenario import Step, shipped_scenario

    def tell(step: Step) -> None:
        print(f"{step.id}: {step.what.en}", file=sys.stderr, flush=True)

    try:
        done = perform(_chosen(name), shipped_scenario(scenario), seed, speed, tell)
    except (LiveError, RangeError) as error:
        fail(error)
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    whole = True
    for event in done["events"]:
        for reason in event.get("not_played", ()):
            whole = False
            print(f"otmon: {event['id']}: not played: {reason}", file=sys.stderr)
        if event.get("connections") and not event["answered"]:
            print(f"otmon: {event['id']}: none of its connections was answered", file=sys.stderr)
    text = json_text.dumps(done, ensure_ascii=False, indent=1)
    with written_to(truth) as stream:
        if stream is not None:
            stream.write(f"{text}\n")
    raise typer.Exit(NOTHING_FOUND if whole else FOUND)
