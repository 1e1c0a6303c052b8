"""What the commands share: their options, what these name, and exit statuses."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NoReturn, TextIO, overload

import typer

from otmon import __version__, private
from otmon.cli.language import Language, spoken, told
from otmon.sentence import Sentence, placed, sentence, verbatim

if TYPE_CHECKING:
    from datetime import date

    from otmon.detect.rules.load import Loaded
    from otmon.detect.rules.rule import Rule
    from otmon.findings.decision import Decisions
    from otmon.ledger.facts import Source
    from otmon.ledger.ledger import Ledger
    from otmon.zones.files.document import Problem
    from otmon.zones.model import Model

NOTHING_FOUND = 0
FOUND = 1
USAGE = 2
DAMAGED = 3
INTERRUPTED = 130
"""Exit statuses; the last is what shells give a program that Ctrl-C ended."""
_OVERLAP_NS: Final = 1_000_000_000
"""What files that follow each other may have in common, as packets may overtake each other."""


UNSEALED: Final = sentence(
    "a ledger of an older otmon, without digests: whether it is what was written, nothing tells"
)


class Order(StrEnum):
    """What findings are sorted by."""

    severity = "severity"
    risk = "risk"


STATUS = "Exit status: 0 nothing found, 1 findings, 2 usage or model error, 3 damaged input, 130 interrupted."
Lang = Annotated[Language, typer.Option("--lang", help="Language of the table.")]
Zones = Annotated[
    str | None, typer.Option("--zones", metavar="MODEL", help="Zone model: a YAML file or a folder of them.")
]
_BASELINE = (
    "Facts of normal operation, saved with --ledger; what is new is said, and zones with "
    "`inside: baseline` allow what it holds."
)
Baseline = Annotated[str | None, typer.Option("--baseline", metavar="FILE.db", help=_BASELINE)]
Baselines = Annotated[
    list[str] | None,
    typer.Option("--baseline", metavar="FILE.db", help=f"{_BASELINE} May be repeated."),
]
Today = Annotated[
    str | None,
    typer.Option(
        "--today",
        metavar="YYYY-MM-DD",
        help="The day on which permissions have run out or not; without it that of the model's time zone.",
    ),
]
Json = Annotated[
    str | None,
    typer.Option("--json", metavar="FILE", help="Write findings as JSON lines; - for standard output."),
]
DecisionFile = Annotated[
    str | None,
    typer.Option(
        "--decisions",
        metavar="FILE.yaml",
        help="What was decided about findings that are known and cannot be mended yet.",
    ),
]


Sheet = Annotated[
    str | None,
    typer.Option(
        "--sheet",
        metavar="FILE.xlsx",
        help="Write findings as a sheet (.xlsx or .csv) on which people go through them together.",
    ),
]
Sort = Annotated[
    Order, typer.Option("--sort", help="What findings are sorted by first: severity, then risk; or risk.")
]
Rules = Annotated[
    list[str] | None,
    typer.Option(
        "--rules",
        metavar="PATH",
        help="Rules of your own: a file or a folder, beside those of otmon; may be repeated.",
    ),
]


def _tell_version(asked: bool) -> None:
    if asked:
        print(f"otmon {__version__}")
        raise typer.Exit


def version(
    asked: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Passive monitoring of factory networks."""


def fail(what: Sentence | Exception) -> NoReturn:
    """End with a usage or model error; of an exception with what it says."""
    warn(what)
    raise typer.Exit(USAGE)


def warn(what: Sentence | Exception) -> None:
    """Say something about the program itself, in the language that is spoken."""
    print(f"otmon: {told(what)}", file=sys.stderr, flush=True)


def fail_by_system(error: OSError, path: object = None) -> NoReturn:
    """End because the operating system refused something of the file `path`, or of that which it names."""
    place = path or error.filename
    why = error.strerror or str(error)
    fail(sentence("{path}: {why}", path=str(place), why=why) if place else verbatim(why))


def read_model(path: str) -> Model:
    """The zone model at `path`; its errors end the program."""
    from otmon.zones.files.load import ModelError, load_model

    try:
        model = load_model(path)
    except ModelError as error:
        tell_problems(error.problems)
        fail(sentence("{path}: the zone model has {count} error(s)", path=path, count=len(error.problems)))
    except OSError as error:
        fail_by_system(error, path)
    tell_remarks(model)
    return model


def tell_remarks(model: Model) -> None:
    """Say what of the inventory was left out."""
    for place, what in model.remarks:
        warn(placed(place, what))


def fail_by_problems(problems: Iterable[Problem]) -> NoReturn:
    """End with what is wrong in files."""
    from otmon.findings.wording import problem_lines

    print("otmon: " + "\n".join(problem_lines(problems, spoken().value)), file=sys.stderr)
    raise typer.Exit(USAGE)


def tell_problems(problems: Iterable[Problem]) -> None:
    """Say what is wrong in files, a line each."""
    from otmon.findings.wording import problem_lines

    for line in problem_lines(problems, spoken().value):
        print(line, file=sys.stderr)


def day_of(today: str | None, model: Model) -> date:
    """The day that `--today` names, else the one that it is in the plant now."""
    import time

    from otmon.zones.times import read_date, today_in

    if today is None:
        return today_in(model.timezone, time.time_ns())
    named = read_date(today)
    if named is None:
        fail(sentence("--today {text}, expected a day such as 2026-12-31", text=repr(today)))
    return named


def absent_zone(zone: str, known: Iterable[str]) -> Sentence:
    """That the model has no such zone, and which was probably meant."""
    from otmon.zones.files.entry import nearest

    return sentence(
        "no zone {zone} in the model, expected {expected}", zone=repr(zone), expected=nearest(zone, known)
    )


def read_rules(paths: Sequence[str] | None) -> Mapping[str, Rule]:
    """The program's rules and those at `paths`; their errors end the program, and what they replace is
    told."""
    from otmon.detect.rules.load import RuleError, shipped_rules, with_rules

    if not paths:
        return shipped_rules()
    try:
        loaded = with_rules(paths)
    except RuleError as error:
        tell_problems(error.problems)
        fail(sentence("the rules have {count} error(s)", count=len(error.problems)))
    tell_replaced(loaded)
    return loaded.rules


def tell_replaced(loaded: Loaded) -> None:
    """Say which rules of otmon others replace."""
    for name, file in loaded.replaced:
        warn(sentence("{file} replaces the rule {name} of otmon", file=str(file), name=name))


def be_sheet(path: str | None) -> None:
    """End where a file that shall be a sheet is not named as one, before anything is read for it."""
    if path is not None and not path.lower().endswith((".csv", ".xlsx")):
        fail(sentence("--sheet {path}, expected a name with .xlsx or .csv", path=path))


def read_decisions(path: str | None, rules: Mapping[str, Rule]) -> Decisions:
    """The decisions at `path` about findings of these rules, none without it; errors end the program."""
    from otmon.findings.decision import NO_DECISIONS

    if path is None:
        return NO_DECISIONS
    from otmon.findings.decision_file import DecisionError, load_decisions

    try:
        return load_decisions(path, rules)
    except DecisionError as error:
        tell_problems(error.problems)
        count = len(error.problems)
        fail(sentence("{path}: the decisions have {count} error(s)", path=path, count=count))


@contextmanager
def written_to(path: str | None) -> Iterator[TextIO | None]:
    """The stream for `path`: none, standard output for "-", or a private file that appears when it is
    whole."""
    if path is None:
        yield None
    elif path == "-":
        yield sys.stdout
    else:
        part = Path(f"{path}.part")
        try:
            part.unlink(missing_ok=True)
            with open(part, "x", encoding="utf-8", newline="\n", opener=private.opener) as stream:
                yield stream
            private.put(part, Path(path))
        except OSError as error:
            fail_by_system(error, path)
        finally:
            part.unlink(missing_ok=True)


def write_private(path: str, data: bytes) -> None:
    """To a file for its owner alone, which appears when it is whole."""
    try:
        private.write(Path(path), data)
    except OSError as error:
        fail_by_system(error, path)


def write_bytes(path: str | None, data: bytes) -> None:
    """To standard output for None and "-", else to a file that appears when it is whole."""
    if path in (None, "-"):
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    part = Path(f"{path}.part")
    try:
        part.write_bytes(data)
        part.replace(str(path))
    except OSError as error:
        fail_by_system(error, path)
    finally:
        part.unlink(missing_ok=True)


@overload
def read_ledgers(paths: None) -> None: ...
@overload
def read_ledgers(paths: Sequence[str], names_digests: bool = False) -> Ledger: ...
@overload
def read_ledgers(paths: Sequence[str] | None) -> Ledger | None: ...
def read_ledgers(paths: Sequence[str] | None, names_digests: bool = False) -> Ledger | None:
    """Facts that were saved in one file or more, together, in whatever order they are named; what is of the
    same time is told, and with `names_digests` the digest of each. None without a file."""
    from otmon.ledger.merge import merge_all

    if not paths:
        return None
    # Each file once, as captures.
    once = {Path(one).resolve(): one for one in paths}.values()
    every = {path: read_ledger(path, names_digests) for path in once}
    if len(every) == 1:
        return next(iter(every.values()))
    held: dict[tuple[str, int], str] = {}
    for path, one in every.items():
        for source in one.sources:
            other = held.setdefault((source.name, source.first_ns), path)
            if other != path and source.packets:
                what = sentence(
                    "holds facts of {source}, as {other} does: they count twice",
                    source=source.name, other=other,
                )  # fmt: skip
                warn(placed(path, what))
    # At a limit the order counts.
    joined = merge_all(
        sorted(every.values(), key=lambda one: [(source.first_ns, source.name) for source in one.sources])
    )
    tell_of_the_same_time(joined)
    return joined


def tell_of_the_same_time(ledger: Ledger) -> None:
    """Say which captures are of the same time, such as those of two sensors, or a copy: what is in both
    counts twice."""
    before: Source | None = None
    for source in sorted((one for one in ledger.sources if one.packets), key=lambda one: one.first_ns):
        if before is not None:
            what = None
            if replace(source, name=before.name) == before:
                what = sentence(
                    "seems a copy of {other}: all that is in them counts twice", other=before.name
                )
            elif min(source.last_ns, before.last_ns) - source.first_ns > _OVERLAP_NS:
                what = sentence(
                    "is of the same time as {other}: packets that are in both count twice", other=before.name
                )
            if what is not None:
                warn(placed(source.name, what))
        before = source if before is None or source.last_ns > before.last_ns else before


def read_ledger(path: str, names_digest: bool = False) -> Ledger:
    """Facts that were saved. That nothing tells whether they are what was saved is told, and with
    `names_digest` their digest."""
    from otmon.ledger.file.ledger_error import LedgerError
    from otmon.ledger.file.store import load_stored

    try:
        stored = load_stored(Path(path))
    except LedgerError as error:
        fail(error)
    if not stored.digest:
        warn(placed(path, UNSEALED))
    elif names_digest:
        warn(placed(path, sentence("the ledger is what was written: SHA-256 {digest}", digest=stored.digest)))
    return stored.ledger
