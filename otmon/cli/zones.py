"""The commands that work with a zone model: `otmon zones ...`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from otmon.cli.language import Language
from otmon.cli.options import (
    FOUND,
    NOTHING_FOUND,
    Baselines,
    Lang,
    Today,
    absent_zone,
    day_of,
    fail,
    read_ledgers,
    read_model,
    write_bytes,
)
from otmon.sentence import sentence

if TYPE_CHECKING:
    from otmon.zones.model import Model

Given = Annotated[str, typer.Argument(metavar="MODEL", help="A YAML file, or a folder of them.")]


def check(
    model: Given,
    ledger: Annotated[
        list[str] | None,
        typer.Option(
            "--ledger",
            metavar="FILE.db",
            help="Facts: also tell of assets in no zone or in two, and of what nobody used. May be repeated.",
        ),
    ] = None,
    baseline: Baselines = None,
    today: Today = None,
    lang: Lang = Language.en,
) -> None:
    """Check a zone model: errors with file and line, then what is doubtful.

    Example: otmon zones check zones/factory.yaml
    """
    from otmon.outputs.zone_check import check_lines
    from otmon.zones.decide import index
    from otmon.zones.review.check import check as check_model
    from otmon.zones.review.check import in_no_zone, in_two_zones

    loaded = read_model(model)
    facts = read_ledgers(ledger)
    before = read_ledgers(baseline)
    checked = check_model(loaded, day_of(today, loaded), facts, before)
    assets = () if facts is None else facts.assets
    ready = index(loaded, assets, claims=() if facts is None else facts.claims)
    for line in check_lines(checked, in_no_zone(ready, assets), in_two_zones(ready, assets), lang.value):
        print(line)


def paths(
    model: Given,
    start: Annotated[str, typer.Option("--from", metavar="ZONE", help="Zone in which the chains begin.")],
    goal: Annotated[str, typer.Option("--to", metavar="ZONE", help="Zone that they lead to.")],
    ledger: Annotated[
        list[str] | None,
        typer.Option(
            "--ledger",
            metavar="FILE.db",
            help="Facts: also over devices seen in several places, and which hops were used. "
            "May be repeated.",
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, metavar="N", help="Chains to tell at most.")] = 20,
    lang: Lang = Language.en,
) -> None:
    """Tell which chains of permissions lead from one zone to another, and what ends them all.

    Example: otmon zones paths zones/factory.yaml --from office --to plc
    """
    from otmon.outputs.zone_paths import path_lines
    from otmon.zones.decide import index
    from otmon.zones.review.paths import conversations_of, find_paths

    loaded = read_model(model)
    for end in (start, goal):
        _zone_exists(loaded, end)
    if start == goal:
        fail(sentence("--from and --to are both {zone}, expected two zones", zone=start))
    facts = read_ledgers(ledger)
    found = find_paths(loaded, start, goal, limit, facts)
    used = None
    if facts is not None:
        hops = [hop for chain in found.chains for hop in chain.hops]
        used = conversations_of(index(loaded, facts.assets, claims=facts.claims), hops, facts)
    for line in path_lines(found, (start, goal), used, lang.value):
        print(line)
    raise typer.Exit(FOUND if found.chains else NOTHING_FOUND)


def diff(
    old: Annotated[str, typer.Argument(metavar="OLD", help="The model as it was: a YAML file or a folder.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="The model as it shall be.")],
    ledger: Annotated[
        list[str] | None,
        typer.Option(
            "--ledger", metavar="FILE.db", help="Facts: also tell whose verdicts change. May be repeated."
        ),
    ] = None,
    baseline: Baselines = None,
    lang: Lang = Language.en,
) -> None:
    """Tell what changes from one zone model to another, and what that allows and denies.

    Example: otmon zones diff zones/factory.yaml new.yaml --ledger plant.db
    """
    from otmon.outputs.zone_diff import diff_lines
    from otmon.zones.review.diff import compare

    models = read_model(old), read_model(new)
    facts = read_ledgers(ledger)
    found = compare(*models, facts, read_ledgers(baseline))
    for line in diff_lines(found, lang.value, facts is not None):
        print(line)
    raise typer.Exit(FOUND if found.changes or found.judged else NOTHING_FOUND)


def show(
    model: Given,
    output: Annotated[
        str,
        typer.Option("-o", "--output", metavar="FILE.svg", help="Picture; - for standard output."),
    ],
    ledger: Annotated[
        list[str] | None,
        typer.Option(
            "--ledger", metavar="FILE.db", help="Facts: colour the boundaries by verdict. May be repeated."
        ),
    ] = None,
    lang: Lang = Language.en,
) -> None:
    """Draw the zones and boundaries of a model as an SVG picture.

    Example: otmon zones show zones/factory.yaml -o zones.svg --lang ja
    """
    from otmon.outputs.zone_picture import zone_picture

    loaded = read_model(model)
    facts = read_ledgers(ledger)
    picture = zone_picture(loaded, lang.value, facts)
    write_bytes(output, picture.encode())


def _zone_exists(model: Model, zone: str) -> None:
    """End the program where nobody can be in a zone of that name."""
    from otmon.zones.model import INTERNET, UNKNOWN_ZONE

    known = [*(one.id for one in model.zones), INTERNET, UNKNOWN_ZONE]
    if zone not in known:
        fail(absent_zone(zone, known))
