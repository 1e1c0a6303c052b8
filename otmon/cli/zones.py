"""The commands that work with a zone model: `otmon zones ...`."""

from __future__ import annotations

from typing import Annotated

import typer

from otmon.cli.options import read_ledger, read_model


def check(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A YAML file, or a folder of them.")],
    ledger: Annotated[
        str | None,
        typer.Option("--ledger", metavar="FILE.db", help="Facts: also tell of assets in no zone or in two."),
    ] = None,
) -> None:
    """Check a zone model: errors with file and line, then what is doubtful.

    Example: otmon zones check zones/factory.yaml
    """
    from otmon.zones.check import check as check_model
    from otmon.zones.check import in_no_zone, in_two_zones
    from otmon.zones.decide import index

    loaded = read_model(model)
    checked = check_model(loaded)
    for caution in checked.cautions:
        print(caution)
    if ledger is not None:
        assets = read_ledger(ledger).assets
        ready = index(loaded, assets)
        for asset in in_no_zone(ready, assets):
            print(f"{asset.address or asset.mac} ({asset.mac or 'no MAC address'}) is in no zone")
        for contested in in_two_zones(ready, assets):
            asset = contested.asset
            print(f"{asset.address or asset.mac} is in zones {', '.join(contested.zones)}")
    print(
        f"{', '.join(checked.files)}: {checked.zones} zones with {checked.members} members, "
        f"{checked.boundaries} boundaries with {checked.permissions} permissions, "
        f"{len(checked.cautions)} cautions"
    )
