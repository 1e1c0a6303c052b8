"""The commands that judge: `otmon replay` reads captures, `otmon check` a ledger."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from otmon import __version__, private
from otmon.cli.compilation import be_compiled
from otmon.cli.language import Language
from otmon.cli.options import (
    DAMAGED,
    FOUND,
    INTERRUPTED,
    NOTHING_FOUND,
    Baselines,
    DecisionFile,
    Json,
    Lang,
    Order,
    Rules,
    Sheet,
    Sort,
    Zones,
    be_sheet,
    fail,
    fail_by_system,
    read_decisions,
    read_ledgers,
    read_model,
    read_rules,
    tell_of_the_same_time,
    warn,
    write_private,
    written_to,
)
from otmon.garbage_collection import without_garbage_collection
from otmon.sentence import placed, sentence

if TYPE_CHECKING:
    from otmon.detect.finding import Finding
    from otmon.detect.rules.rule import Rule
    from otmon.findings.decision import Decision, Decisions
    from otmon.findings.first_told import Telling
    from otmon.findings.standing import Standing
    from otmon.ledger.ledger import Ledger
    from otmon.outputs.history import History
    from otmon.zones.model import Model


def _tell(
    ledger: Ledger,
    model: Model | None,
    json: str | None,
    language: Language,
    baseline: Ledger | None,
    rules: Mapping[str, Rule],
    order: Order,
    decisions: Decisions,
    *,
    sheet: str | None = None,
    telling: Telling | None = None,
    evidence: str | None = None,
    since: str | None = None,
    is_whole: bool = False,
) -> int:
    """Judge the facts, write what was found, and return the exit status. `is_whole`: these are all facts of
    the plant, and a decision whose finding is not there is of no use any more."""
    from otmon.findings.coverage import coverage, zones_seen
    from otmon.findings.judge import by_risk, case_of, found_in
    from otmon.findings.standing import decided
    from otmon.ledger.file.aside import of_captures
    from otmon.outputs.jsonlines import write_jsonlines
    from otmon.outputs.table import write_table
    from otmon.zones.place import baseline_zones

    case = case_of(ledger, model, baseline, rules)
    findings, covered, zones = found_in(case), coverage(case), zones_seen(case)
    if telling is not None:
        findings = telling.with_gone(findings)
    known = decided(case, findings, decisions)
    if is_whole:
        for one in known.unmet:
            _tell_unmet(one)
    if order is Order.risk:
        findings = by_risk(findings)
    if since is not None:
        findings = _since(findings, since, ledger, model)
    files = model.files if model is not None else ()
    unjudged = baseline_zones(model) if model is not None and baseline is None else ()
    if unjudged:
        what = sentence("what happens inside was judged by what the model lists only; give --baseline")
        warn(placed(", ".join(unjudged), what))
    told_ns = telling.told_ns if telling is not None else None
    with written_to(json) as stream:
        if stream is not None:
            write_jsonlines(stream, ledger, findings, files, __version__, covered, zones, told_ns, known)
    if json != "-":
        timezone = model.timezone if model is not None else ""
        write_table(sys.stdout, ledger, findings, files, language.value, covered, zones, timezone, known)
    if sheet is not None:
        _write_sheet(sheet, [(one, known.of(one)) for one in findings], language, model)
    if evidence is not None:
        _prove(findings, evidence)
    if of_captures(ledger):
        return DAMAGED
    return FOUND if known.uncovered(findings) else NOTHING_FOUND


def _write_sheet(
    path: str, findings: Sequence[tuple[Finding, Standing | None]], language: Language, model: Model | None
) -> None:
    from otmon.findings.wording import text
    from otmon.outputs.finding_sheet import MAX_ROWS, WIDTHS, finding_rows
    from otmon.zones.files.workbook import write_csv, write_xlsx

    rows = finding_rows(findings[:MAX_ROWS], language.value, model)
    title = text("table.findings", language.value)
    data = write_csv(rows) if path.lower().endswith(".csv") else write_xlsx(title, rows, WIDTHS)
    write_private(path, data)
    if len(findings) > MAX_ROWS:
        left = f"{len(findings) - MAX_ROWS:,}"
        warn(placed(path, sentence("{count} findings found no place in it; --json has all", count=left)))


def _tell_unmet(one: Decision) -> None:
    about = ", ".join(one.about)
    what = sentence(
        "no finding meets this decision ({rule} {finding}, {about}); it may be deleted",
        rule=one.rule, finding=one.finding, about=about,
    )  # fmt: skip
    warn(placed(one.line, what))


def _draft(
    names: Sequence[str],
    ledger: Ledger,
    model: Model | None,
    baseline: Ledger | None,
    rules: Mapping[str, Rule],
    language: Language,
) -> None:
    """Write decisions about findings, for people to complete."""
    from otmon.findings.judge import id_of, judge
    from otmon.findings.standing import undecidable
    from otmon.outputs.decision_draft import drafted
    from otmon.zones.files.entry import nearest

    findings = {id_of(one): one for one in judge(ledger, model, baseline, rules)}
    for name in names:
        if name not in findings:
            known = nearest(name, findings) if findings else sentence("none")
            fail(sentence("no finding {id}, expected {expected}", id=repr(name), expected=known))
        if why := undecidable(findings[name]):
            fail(sentence("nobody decides about the finding {id}: {why}", id=name, why=why))
    print(drafted((findings[name] for name in dict.fromkeys(names)), language.value), end="")


def _prove(findings: Sequence[Finding], folder: str) -> None:
    from otmon.sensor.replay_proofs import prove_again

    try:
        lost = prove_again(findings, Path(folder))
    except OSError as error:
        fail_by_system(error, folder)
    for source in lost:
        warn(placed(source, sentence("cannot be read once more, so its packets prove nothing")))


def _since(
    findings: Sequence[Finding], since: str, ledger: Ledger, model: Model | None
) -> tuple[Finding, ...]:
    """What was seen since then: what is new first, then what goes on from before."""
    from otmon.outputs.instant import clock_name, read_moment, short_text

    last_ns = max((source.last_ns for source in ledger.sources if source.packets), default=0)
    zone = model.timezone if model is not None else ""
    begin_ns = read_moment(since, zone, last_ns)
    if begin_ns is None:
        what = sentence(
            "--since {text}, expected a time such as 2026-11-20T17:00, a day, or 3d, 12h or 30m before the "
            "last packet",
            text=repr(since),
        )
        fail(what)
    if begin_ns > last_ns:
        # Else nothing found would be taken for all being well.
        warn(
            sentence(
                "the ledger's last packet is of {time} ({clock}): it cannot tell what was since then",
                time=short_text(last_ns, zone),
                clock=clock_name(zone),
            )
        )
    new = [one for one in findings if one.first_ns >= begin_ns]
    old = [one for one in findings if one.first_ns < begin_ns <= one.last_ns]
    told = sentence(
        "since {time} ({clock}): {new} new findings, then {old} that were there before and went on",
        time=short_text(begin_ns, zone), clock=clock_name(zone), new=len(new), old=len(old),
    )  # fmt: skip
    warn(told)
    return (*new, *old)


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


def _history(
    model: Model | None, baseline: Ledger | None, rules: Mapping[str, Rule], decisions: Decisions
) -> History:
    from otmon.findings.judge import case_of
    from otmon.outputs.history import History

    return History(lambda ledger: case_of(ledger, model, baseline, rules), __version__, decisions)


def _telling(
    model: Model | None, baseline: Ledger | None, rules: Mapping[str, Rule], metrics: str | None
) -> Telling:
    from otmon.findings.first_told import Telling
    from otmon.findings.judge import judge

    if metrics is not None:
        fail(sentence("--told and --metrics: one replay judges at one pace, expected one of them"))
    return Telling(lambda ledger: judge(ledger, model, baseline, rules))


def _write_metrics(history: History, path: Path) -> None:
    with open(path, "w", encoding="utf-8", newline="\n", opener=private.opener) as stream:
        history.write(stream)
    if history.left_out:
        count = f"{history.left_out:,}"
        warn(placed(path, sentence("{count} minutes found no place in it", count=count)))


@without_garbage_collection()
def replay(
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE...", help="Captures, folders, globs, or - for standard input."),
    ],
    zones: Zones = None,
    json: Json = None,
    baseline: Baselines = None,
    rules: Rules = None,
    decisions: DecisionFile = None,
    sort: Sort = Order.severity,
    sheet: Sheet = None,
    ledger: Annotated[
        str | None, typer.Option("--ledger", metavar="FILE.db", help="Save the facts, for otmon check.")
    ] = None,
    transactions: Annotated[
        str | None,
        typer.Option(metavar="FILE.parquet", help="Write every Modbus transaction, one row each."),
    ] = None,
    metrics: Annotated[
        str | None,
        typer.Option(
            metavar="FILE.om",
            help="Write metrics with the packets' times, for Prometheus to load; one process.",
        ),
    ] = None,
    told: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="SECONDS",
            help="Judge each so many seconds of the packets' time, as a sensor does. JSON lines say when "
            "each finding was told, and hold those too that later packets spoke against; one process.",
        ),
    ] = None,
    evidence: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER",
            help="Write a small capture of each finding's packets here; captures are read once more for it.",
        ),
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, metavar="N", help="Processes, for several files.")] = 1,
    lang: Lang = Language.en,
) -> None:
    """Read captures, learn the facts, and check them against a zone model.

    Example: otmon replay plant.pcapng --zones zones/factory.yaml --json findings.jsonl
    """
    from otmon.capture.sources import NotACapture, expand
    from otmon.engine import MINUTE_NS
    from otmon.engine import replay as run
    from otmon.ledger.file.ledger_error import LedgerError
    from otmon.ledger.file.store import save
    from otmon.zones.place import names_interfaces

    be_sheet(sheet)
    model = read_model(zones) if zones is not None else None
    before = read_ledgers(baseline)
    known = read_rules(rules)
    decided = read_decisions(decisions, known)
    history = _history(model, before, known, decided) if metrics is not None else None
    telling = _telling(model, before, known, metrics) if told is not None else None
    look = history.look if history is not None else telling.look if telling is not None else None
    every_ns = told * 1_000_000_000 if told is not None else MINUTE_NS
    try:
        # Which of several captures is first is read from them: by compiled code.
        be_compiled()
        paths = expand(files, lambda why: warn(sentence("left out: {what}", what=why)))
        with _progress(paths) as progress:
            result = run(
                paths,
                transactions=transactions,
                jobs=jobs,
                arrivals=model is not None and names_interfaces(model),
                progress=progress,
                look=look,
                look_every_ns=every_ns,
            )
        if history is not None and metrics is not None:
            _write_metrics(history, Path(metrics))
        if ledger is not None:
            save(result.ledger, Path(ledger))
    except (NotACapture, LedgerError) as error:
        fail(error)
    except OSError as error:
        fail_by_system(error)
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    if result.interrupted:
        warn(sentence("interrupted; this is what was found so far"))
    tell_of_the_same_time(result.ledger)
    status = _tell(
        result.ledger,
        model,
        json,
        lang,
        before,
        known,
        sort,
        decided,
        sheet=sheet,
        telling=telling,
        evidence=evidence,
    )
    raise typer.Exit(INTERRUPTED if result.interrupted else status)


@without_garbage_collection()
def check(
    ledger: Annotated[
        list[str],
        typer.Option(
            "--ledger", metavar="FILE.db", help="Facts that otmon replay --ledger saved; may be repeated."
        ),
    ],
    zones: Zones = None,
    json: Json = None,
    baseline: Baselines = None,
    rules: Rules = None,
    decisions: DecisionFile = None,
    sort: Sort = Order.severity,
    sheet: Sheet = None,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Only what was seen since then, new findings first: a time by the model's time zone "
            "(2026-11-20T17:00), a day, or 3d, 12h or 30m before the ledger's last packet.",
        ),
    ] = None,
    digest: Annotated[
        bool,
        typer.Option(
            "--digest", help="Say the SHA-256 of each ledger's content, by which a report names it."
        ),
    ] = False,
    draft: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ID",
            help="Write decisions about the findings with these ids, to be completed in the file of "
            "--decisions, and nothing else; may be repeated.",
        ),
    ] = None,
    lang: Lang = Language.en,
) -> None:
    """Check saved facts against a zone model: the same findings as the replay, without packets.

    Example: otmon check --ledger plant.db --zones zones/factory.yaml
    """
    be_sheet(sheet)
    model = read_model(zones) if zones is not None else None
    before = read_ledgers(baseline)
    known = read_rules(rules)
    decided = read_decisions(decisions, known)
    facts = read_ledgers(ledger, names_digests=digest)
    if draft:
        _draft(draft, facts, model, before, known, lang)
        return
    raise typer.Exit(
        _tell(facts, model, json, lang, before, known, sort, decided, sheet=sheet, since=since, is_whole=True)
    )
