"""`otmon zones export`, `import` and `learn`: models as rules of firewalls and as sheets, and models from
sheets and from traffic."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from otmon.cli.language import Language, told
from otmon.cli.options import (
    DAMAGED,
    NOTHING_FOUND,
    Today,
    day_of,
    fail,
    fail_by_system,
    read_ledgers,
    read_model,
    write_bytes,
)
from otmon.sentence import placed, sentence

if TYPE_CHECKING:
    from datetime import date

    from otmon.zones.exchange.firewall import Exported, Unspoken
    from otmon.zones.exchange.rule import Rulebook, Unsaid
    from otmon.zones.model import Boundary, Model


class ExportFormat(StrEnum):
    """Firewalls by name (`otmon.zones.exchange.firewall.FORMATS`), and sheets for people."""

    nftables = "nftables"
    iptables = "iptables"
    ip6tables = "ip6tables"
    cisco = "cisco"
    ciscoasa = "ciscoasa"
    juniper = "juniper"
    srx = "srx"
    paloalto = "paloalto"
    fortigate = "fortigate"
    csv = "csv"
    xlsx = "xlsx"


DraftLang = Annotated[
    Language, typer.Option("--lang", help="Language of the draft's comments, and of what is told.")
]
EVERY_BOUNDARY = "_all"
"""File of the policy for all boundaries: no boundary can have this id."""


def export(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A YAML file, or a folder of them.")],
    form: Annotated[
        ExportFormat, typer.Option("--format", help="The firewall that shall load it, or a sheet for people.")
    ],
    boundary: Annotated[
        list[str] | None,
        typer.Option(
            "--boundary", metavar="ID", help="Only this boundary; may be repeated. Without it, all."
        ),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--out",
            metavar="FILE",
            help="A file; or a folder, which gets a file for each boundary and one for all. "
            "Without it, standard output.",
        ),
    ] = None,
    any_port: Annotated[
        bool,
        typer.Option("--any-port", help="Open every port where a permission names none and none is known."),
    ] = False,
    today: Today = None,
    lang: Annotated[
        Language, typer.Option("--lang", help="Language of a sheet's headings, and of what is told.")
    ] = Language.en,
) -> None:
    """Write a zone model as rules of a firewall, or as a sheet.

    What a firewall cannot check (protocol, functions, registers ...) is written wider, what has run out is
    left out, and both are told on standard error. Example:
    otmon zones export zones/factory.yaml --format nftables --boundary line-plc
    """
    loaded = read_model(model)
    day = day_of(today, loaded)
    chosen = _chosen(loaded, boundary or [])
    if form in (ExportFormat.csv, ExportFormat.xlsx):
        _export_sheet(loaded, chosen, form, out, lang, whole=not boundary)
    elif out is not None and (out.endswith("/") or Path(out).is_dir()):
        _export_folder(loaded, chosen, form, Path(out), any_port, day, lang, whole=not boundary)
    else:
        name = "-".join(boundary) if boundary else "all"
        exported = policy(loaded, chosen, form, name, any_port, day, whole=not boundary)
        _tell_unsaid(exported.told, lang)
        write_bytes(out, exported.text.encode())


def _chosen(model: Model, ids: list[str]) -> list[Boundary]:
    """The boundaries of these ids with all that is inherited from them, in the order of the model; all of
    them for none."""
    from otmon.zones.files.entry import nearest

    known = {border.id: border for border in model.boundaries}
    for id in ids:
        if id not in known:
            expected = nearest(id, known) or sentence("a model with boundaries")
            fail(sentence("no boundary {id}, expected {expected}", id=repr(id), expected=expected))
    return [one for one in model.boundaries if not ids or one.id in ids or one.inherited in ids]


def policy(
    model: Model,
    chosen: list[Boundary],
    form: ExportFormat,
    name: str,
    any_port: bool,
    today: date,
    whole: bool,
) -> Exported:
    """Rules of the chosen boundaries; of the `whole` model also what goes on inside its zones."""
    from otmon.zones.exchange.firewall import FORMATS, Exported, ExportError, export_rules
    from otmon.zones.exchange.rule import boundary_rules, model_rules
    from otmon.zones.place import index

    ready = index(model)
    book = model_rules(ready, any_port, today) if whole else boundary_rules(ready, chosen, any_port, today)
    _refuse(book)
    pairs = [pair for border in chosen for pair in (border.between, border.between[::-1])]
    what = f"boundary {chosen[0].id} ({chosen[0].line})" if len(chosen) == 1 else f"{len(chosen)} boundaries"
    devices = ", ".join(dict.fromkeys(border.device for border in chosen if border.device))
    title = f"otmon: {'the whole model' if whole else what}" + (f"; devices: {devices}" if devices else "")
    try:
        exported = export_rules(book, FORMATS[form], name, title, pairs)
    except ExportError as error:
        fail(error)
    return Exported(exported.text, (*book.told, *exported.told))


def _refuse(book: Rulebook) -> None:
    for refused in book.refused:
        print(told(refused.whole), file=sys.stderr)
    if book.refused:
        fail(
            sentence(
                "{count} permission(s) would open every port; --any-port does so", count=len(book.refused)
            )
        )


def _export_folder(
    model: Model,
    chosen: list[Boundary],
    form: ExportFormat,
    folder: Path,
    any_port: bool,
    today: date,
    lang: Language,
    whole: bool,
) -> None:
    from otmon.zones.exchange.firewall import FORMATS

    policies = {
        border.id: policy(
            model,
            [one for one in chosen if border.id in (one.id, one.inherited)],
            form, border.id, any_port, today, whole=False,
        )
        for border in chosen
        if not border.inherited
    }  # fmt: skip
    policies[EVERY_BOUNDARY] = policy(model, chosen, form, "all", any_port, today, whole)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        fail_by_system(error, folder)
    _tell_unsaid((one for exported in policies.values() for one in exported.told), lang)
    for name, exported in policies.items():
        write_bytes(str(folder / f"{name}{FORMATS[form].suffix}"), exported.text.encode())


def _export_sheet(
    model: Model, chosen: list[Boundary], form: ExportFormat, out: str | None, lang: Language, whole: bool
) -> None:
    from otmon.findings.wording import retold, speaker
    from otmon.zones.exchange.sheet import COLUMNS, sheet
    from otmon.zones.files.workbook import write_csv, write_xlsx

    if form is ExportFormat.xlsx and (out is None or Path(out).is_dir()):
        fail(sentence("a workbook needs a file: -o FILE.xlsx"))
    table = sheet(model, chosen, model.zones if whole else (), lang.value, speaker(lang.value))
    _tell(retold(one, lang.value) for one in table.told)
    rows = (table.head, *table.rows)
    if form is ExportFormat.csv:
        write_bytes(out, write_csv(rows))
    else:
        title = "境界" if lang is Language.ja else "Boundaries"
        write_bytes(out, write_xlsx(title, rows, [column.width for column in COLUMNS]))


def _tell_unsaid(told: Iterable[Unsaid | Unspoken], lang: Language) -> None:
    from otmon.outputs.zone_export import unsaid_line

    _tell(unsaid_line(one, lang.value) for one in told)


def _tell(sentences: Iterable[str]) -> None:
    from otmon.findings.wording import visible

    # Headings and names are what somebody wrote into a sheet.
    for one in dict.fromkeys(sentences):
        print(visible(one), file=sys.stderr)


def _check_timezone(name: str) -> None:
    from otmon.zones.times import read_zone

    if name and read_zone(name) is None:
        fail(
            sentence(
                "{option} {text}, expected a time zone of the IANA database such as Asia/Tokyo",
                option="--timezone",
                text=repr(name),
            )
        )


def learn(
    ledger: Annotated[
        list[str], typer.Argument(metavar="LEDGER.db...", help="Facts that otmon replay --ledger saved.")
    ],
    out: Annotated[
        str | None, typer.Option("-o", "--out", metavar="FILE.yaml", help="The draft; else standard output.")
    ] = None,
    zones: Annotated[
        str | None,
        typer.Option(
            "--zones",
            metavar="MODEL",
            help="Keep the zones and boundaries of this model, and draft only the permissions that it lacks.",
        ),
    ] = None,
    everything: Annotated[
        bool,
        typer.Option(
            "--everything",
            help="Propose all traffic seen, also attempts that nobody answered, scans, and the Internet.",
        ),
    ] = False,
    timezone: Annotated[
        str,
        typer.Option(
            "--timezone",
            metavar="NAME",
            help="Time zone of the plant, such as Asia/Tokyo: of the draft and of the times in it.",
        ),
    ] = "",
    lang: DraftLang = Language.en,
) -> None:
    """Draft a zone model from the traffic of a ledger, for people to go through.

    Zones come from subnets and from what hosts do, permissions from who asked whom for what. Example:
    otmon zones learn plant.db -o draft.yaml
    """
    from otmon.findings.wording import retold, speaker, text
    from otmon.zones.learning.learn import learn as draft_model
    from otmon.zones.learning.learn import learn_missing

    _check_timezone(timezone)
    if timezone and zones is not None:
        fail(sentence("--timezone: that of the model given by --zones counts, expected one of them"))
    facts = read_ledgers(ledger)
    if zones is None:
        made = draft_model(facts, everything, speaker(lang.value), timezone)
    else:
        made = learn_missing(facts, read_model(zones), everything, speaker(lang.value))
    _tell(retold(one, lang.value) for one in made.told)
    write_bytes(out, made.text.encode())
    counted = {
        "zones": made.zones, "boundaries": made.boundaries, "permissions": made.permissions,
        "asked": made.asked, "unproposed": made.unproposed,
    }  # fmt: skip
    _tell([text("learn.drafted", lang.value, **counted)])


def import_(
    source: Annotated[str, typer.Argument(metavar="SHEET", help="Rules as CSV or Excel workbook (.xlsx).")],
    out: Annotated[
        str | None, typer.Option("-o", "--out", metavar="FILE.yaml", help="The draft; else standard output.")
    ] = None,
    prefix: Annotated[
        int,
        typer.Option("--prefix", min=8, max=32, help="Length of the IPv4 prefixes that become zones."),
    ] = 24,
    timezone: Annotated[
        str,
        typer.Option(
            "--timezone",
            metavar="NAME",
            help="Time zone of hours and last days where the sheet names none, such as Asia/Tokyo.",
        ),
    ] = "",
    lang: DraftLang = Language.en,
) -> None:
    """Draft a zone model from a sheet of firewall rules.

    Headings are found in Japanese and English. What is not understood is told on standard error and kept in
    the draft as comments. Example: otmon zones import rules.xlsx -o draft.yaml
    """
    from otmon.findings.wording import retold, speaker, text
    from otmon.zones.exchange.draft import draft
    from otmon.zones.files.workbook import MAX_FILE_BYTES, SheetError, read_sheets

    _check_timezone(timezone)
    try:
        with open(source, "rb") as stream:
            grids = read_sheets(stream.read(MAX_FILE_BYTES + 1))
        made = draft(Path(source).name, grids, prefix, timezone, speaker(lang.value))
    except SheetError as error:
        fail(placed(source, error.why))
    except OSError as error:
        fail_by_system(error, source)
    _tell(retold(placed(source, told.whole), lang.value) for told in made.told)
    write_bytes(out, made.text.encode())
    _tell(
        [
            text(
                "import.drafted",
                lang.value,
                zones=made.zones,
                boundaries=made.boundaries,
                permissions=made.permissions,
                kept=made.kept,
            )
        ]
    )
    raise typer.Exit(DAMAGED if made.kept else NOTHING_FOUND)
