"""The command line: the only place that wires the stages together.

Nothing slow is imported before a command runs, so that help answers at once.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TextIO

import typer

from otmon import __version__

if TYPE_CHECKING:
    from otmon.ledger.ledger import Ledger
    from otmon.zones.model import Model

NOTHING_FOUND = 0
FOUND = 1
USAGE = 2
DAMAGED = 3
INTERRUPTED = 130
"""Exit statuses; the last is what shells give a program that Ctrl-C ended."""

app = typer.Typer(
    name="otmon",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Passive monitoring of factory networks: who talks to whom, and whether the zone model allows it.",
)
zones_app = typer.Typer(no_args_is_help=True, help="Work with a zone model.")
app.add_typer(zones_app, name="zones")


class Language(StrEnum):
    """Languages of what people read."""

    en = "en"
    ja = "ja"


STATUS = "Exit status: 0 nothing found, 1 findings, 2 usage or model error, 3 damaged input, 130 interrupted."
Lang = Annotated[Language, typer.Option("--lang", help="Language of the table.")]
Zones = Annotated[
    str | None, typer.Option("--zones", metavar="MODEL", help="Zone model: a YAML file or a folder of them.")
]
Json = Annotated[
    str | None,
    typer.Option("--json", metavar="FILE", help="Write findings as JSON lines; - for standard output."),
]


def _version(asked: bool) -> None:
    if asked:
        print(f"otmon {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Passive monitoring of factory networks."""


def _fail(text: object) -> NoReturn:
    """End with a usage or model error."""
    print(f"otmon: {text}", file=sys.stderr)
    raise typer.Exit(USAGE)


def _model(path: str | None) -> Model | None:
    if path is None:
        return None
    from otmon.zones.load import ModelError, load_model

    try:
        return load_model(path)
    except ModelError as error:
        print(error, file=sys.stderr)
        _fail(f"{path}: the zone model has {len(error.problems)} error(s)")
    except OSError as error:
        _fail(f"{path}: {error.strerror}")


@contextmanager
def _output(path: str | None) -> Iterator[TextIO | None]:
    """The stream for `path`: none, standard output for "-", or a file that appears when it is whole."""
    if path is None:
        yield None
    elif path == "-":
        yield sys.stdout
    else:
        part = Path(f"{path}.part")
        try:
            with part.open("w", encoding="utf-8", newline="\n") as stream:
                yield stream
            part.replace(path)
        except OSError as error:
            _fail(f"{path}: {error.strerror}")
        finally:
            part.unlink(missing_ok=True)


def _tell(ledger: Ledger, model: Model | None, json: str | None, language: Language) -> int:
    """Judge the facts, write what was found, and return the exit status."""
    from otmon.findings.judge import judge
    from otmon.outputs.jsonlines import write_jsonlines
    from otmon.outputs.table import write_table

    findings = judge(ledger, model)
    files = model.files if model is not None else ()
    with _output(json) as stream:
        if stream is not None:
            write_jsonlines(stream, ledger, findings, files, __version__)
    if json != "-":
        write_table(sys.stdout, ledger, findings, files, language.value)
    if ledger.damage:
        return DAMAGED
    return FOUND if findings else NOTHING_FOUND


@contextmanager
def _progress(paths: list[str]) -> Iterator[Any]:
    """A bar on a terminal: share of the bytes, rate, time left."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    sizes = [Path(path).stat().st_size if path != "-" and Path(path).is_file() else 0 for path in paths]
    whole = sum(sizes) if all(sizes) else None
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn())
    with Progress(
        *columns, TransferSpeedColumn(), TimeRemainingColumn(), console=Console(stderr=True), transient=True
    ) as bar:
        task = bar.add_task("", total=whole)

        def show(index: int, position: int, size: int) -> None:
            done = position if size != 1 else sizes[index]
            bar.update(task, completed=sum(sizes[:index]) + done, description=Path(paths[index]).name)

        yield show


@app.command(epilog=STATUS)
def replay(
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE...", help="Captures, folders, globs, or - for standard input."),
    ],
    zones: Zones = None,
    json: Json = None,
    ledger: Annotated[
        str | None, typer.Option("--ledger", metavar="FILE.db", help="Save the facts, for otmon check.")
    ] = None,
    transactions: Annotated[
        str | None,
        typer.Option(metavar="FILE.parquet", help="Write every Modbus transaction, one row each."),
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, metavar="N", help="Processes, for several files.")] = 1,
    lang: Lang = Language.en,
) -> None:
    """Read captures, learn the facts, and check them against a zone model.

    Example: otmon replay plant.pcapng --zones zones/factory.yaml --json findings.jsonl
    """
    from otmon.capture.sources import NotACapture, expand
    from otmon.engine import replay as run
    from otmon.kernel import forget_old_caches, kernels_are_compiled
    from otmon.ledger.store import LedgerError, save

    model = _model(zones)
    if not kernels_are_compiled():
        print("otmon: compiling the packet path for this machine, once: half a minute", file=sys.stderr)
        forget_old_caches()
    try:
        paths = expand(files)
        with _progress(paths) as progress:
            result = run(paths, transactions=transactions, jobs=jobs, progress=progress)
        if ledger is not None:
            save(result.ledger, Path(ledger))
    except (NotACapture, LedgerError) as error:
        _fail(error)
    except OSError as error:
        _fail(f"{error.filename}: {error.strerror}" if error.filename else error)
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    if result.interrupted:
        print("otmon: interrupted; this is what was found so far", file=sys.stderr)
    status = _tell(result.ledger, model, json, lang)
    raise typer.Exit(INTERRUPTED if result.interrupted else status)


@app.command(epilog=STATUS)
def check(
    ledger: Annotated[
        str, typer.Option("--ledger", metavar="FILE.db", help="Facts that otmon replay --ledger saved.")
    ],
    zones: Zones = None,
    json: Json = None,
    lang: Lang = Language.en,
) -> None:
    """Check saved facts against a zone model: the same findings as the replay, without packets.

    Example: otmon check --ledger plant.db --zones zones/factory.yaml
    """
    from otmon.ledger.store import LedgerError, load

    model = _model(zones)
    try:
        facts = load(Path(ledger))
    except LedgerError as error:
        _fail(error)
    raise typer.Exit(_tell(facts, model, json, lang))


@zones_app.command("check", epilog="Exit status: 0 a sound model, 2 errors in it.")
def zones_check(
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

    loaded = _model(model)
    if loaded is None:
        _fail("no model was named")
    checked = check_model(loaded)
    for caution in checked.cautions:
        print(caution)
    if ledger is not None:
        from otmon.ledger.store import LedgerError, load

        try:
            assets = load(Path(ledger)).assets
        except LedgerError as error:
            _fail(error)
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


if __name__ == "__main__":
    app()
