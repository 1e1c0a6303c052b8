"""The commands that tell who is on the network: `otmon assets ...`."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from otmon import __version__
from otmon.cli.language import Language
from otmon.cli.options import (
    FOUND,
    NOTHING_FOUND,
    Lang,
    Zones,
    absent_zone,
    fail,
    read_ledger,
    read_model,
    write_bytes,
)
from otmon.sentence import sentence

if TYPE_CHECKING:
    from otmon.assets.classify import Device, Population
    from otmon.zones.place import Index

Facts = Annotated[str, typer.Argument(metavar="LEDGER.db", help="Facts that otmon replay --ledger saved.")]
InZone = Annotated[
    str | None, typer.Option("--zone", metavar="ZONE", help="Only devices of this zone; needs --zones.")
]
OfClass = Annotated[
    str | None,
    typer.Option("--class", metavar="CLASS", help="Only devices that are probably this: camera, phone ..."),
]
Unknown = Annotated[
    bool, typer.Option("--unknown", help="Only devices that the model's inventory does not list.")
]


class AssetFormat(StrEnum):
    """What other programs read."""

    csv = "csv"
    json = "json"
    cyclonedx = "cyclonedx"


def list_(
    ledger: Facts,
    zones: Zones = None,
    zone: InZone = None,
    class_: OfClass = None,
    unknown: Unknown = False,
    lang: Lang = Language.en,
) -> None:
    """List the devices that were seen: what each probably is, who made it, where it is.

    Example: otmon assets list plant.db --zones zones/factory.yaml --unknown
    """
    from otmon.outputs.asset_table import write_devices

    found, index = _population(ledger, zones, lang)
    write_devices(sys.stdout, _chosen(found, index, zone, class_, unknown), index, lang.value)


def show(
    ledger: Facts,
    device: Annotated[
        str, typer.Argument(metavar="DEVICE", help="Its id in the list, one of its addresses, or its name.")
    ],
    zones: Zones = None,
    lang: Lang = Language.en,
) -> None:
    """Tell all about one device, with the packets that show it.

    Example: otmon assets show plant.db 10.30.1.77
    """
    from otmon.outputs.asset_table import device_lines

    found, index = _population(ledger, zones, lang)
    chosen = [one for one in found.devices if _is_called(one, device.strip())]
    if not chosen:
        fail(
            sentence(
                "no device {device} in {ledger}; otmon assets list names them",
                device=repr(device),
                ledger=ledger,
            )
        )
    for number, one in enumerate(chosen):
        if number:
            print()
        for line in device_lines(one, index, lang.value):
            print(line)


def export(
    ledger: Facts,
    form: Annotated[AssetFormat, typer.Option("--format", help="A sheet, or what programs read.")],
    out: Annotated[
        str | None, typer.Option("-o", "--out", metavar="FILE", help="Without it, standard output.")
    ] = None,
    zones: Zones = None,
    zone: InZone = None,
    class_: OfClass = None,
    unknown: Unknown = False,
    lang: Annotated[Language, typer.Option("--lang", help="Language of a sheet.")] = Language.en,
) -> None:
    """Write the devices as a sheet, which may become the inventory, or for other programs.

    Example: otmon assets export plant.db --format csv --lang ja -o devices.csv
    """
    from otmon.outputs.asset_export import devices_csv, devices_cyclonedx, devices_json

    found, index = _population(ledger, zones, lang)
    chosen = _chosen(found, index, zone, class_, unknown)
    if form is AssetFormat.csv:
        write_bytes(out, devices_csv(chosen, index, lang.value))
    elif form is AssetFormat.json:
        write_bytes(out, devices_json(chosen, index))
    else:
        write_bytes(out, devices_cyclonedx(chosen, index, __version__))


def diff(
    ledger: Facts,
    before: Annotated[
        str | None,
        typer.Option("--before", metavar="OLD.db", help="Compare with the facts of an earlier time."),
    ] = None,
    zones: Zones = None,
    lang: Lang = Language.en,
) -> None:
    """Tell which devices are new, gone, moved or changed: against an inventory or an earlier ledger.

    Example: otmon assets diff today.db --before last-month.db
    """
    from otmon.assets.changes import since, since_inventory
    from otmon.outputs.asset_table import change_lines

    found, index = _population(ledger, zones, lang)
    if before is not None:
        changes = since(_population(before, zones, lang)[0], found, index)
    elif index is None or not index.model.devices:
        fail(
            sentence(
                "nothing to compare with: give --before OLD.db, or --zones with a model that has an inventory"
            )
        )
    else:
        changes = since_inventory(found, index)
    for line in change_lines(changes, lang.value):
        print(line)
    raise typer.Exit(FOUND if changes else NOTHING_FOUND)


def _population(ledger: str, zones: str | None, lang: Language) -> tuple[Population, Index | None]:
    """The devices of a saved ledger; what found no place in it is told."""
    from otmon.assets.classify import population
    from otmon.findings.wording import text
    from otmon.zones.place import index

    facts = read_ledger(ledger)
    missing = [f"{kind}: {amount:,}" for kind, amount in facts.overflow if kind in ("assets", "claims")]
    if missing:
        told = text("assets.missing", lang.value, ledger=ledger, missing=", ".join(missing))
        print(f"otmon: {told}", file=sys.stderr)
    model = read_model(zones) if zones is not None else None
    return population(facts, model), index(
        model, facts.assets, claims=facts.claims
    ) if model is not None else None


def _is_called(device: Device, name: str) -> bool:
    """Whether a device has this id, address in whatever notation, or name in whatever case of letters."""
    from otmon.zones.address import host, parse_address

    address = parse_address(name)
    known = (*device.seen.macs, *device.seen.texts)
    if name == device.seen.id or (address is not None and str(host(address)) in known):
        return True
    return bool(name) and name.casefold() in map(str.casefold, device.names)


def _chosen(
    found: Population, index: Index | None, zone: str | None, class_: str | None, unknown: bool
) -> list[Device]:
    """The devices that fit all filters; what is no zone or no class ends the program."""
    from otmon.assets.classify import CLASSES
    from otmon.assets.place import zones_of
    from otmon.zones.files.entry import nearest
    from otmon.zones.model import UNKNOWN_ZONE

    if class_ is not None and class_ not in CLASSES:
        expected = nearest(class_, CLASSES)
        fail(sentence("no class {name}, expected {expected}", name=repr(class_), expected=expected))
    if zone is not None and index is None:
        fail(sentence("--zone needs a model: --zones MODEL"))
    if zone is not None and index is not None and zone not in (*index.zones, UNKNOWN_ZONE):
        fail(absent_zone(zone, [*index.zones, UNKNOWN_ZONE]))
    return [
        one
        for one in found.devices
        if (class_ is None or (class_ in one.probable.classes and one.probable.sureness != "contradicted"))
        and (zone is None or (index is not None and zone in zones_of(index, one.seen)))
        and not (unknown and one.seen.listed is not None)
    ]
