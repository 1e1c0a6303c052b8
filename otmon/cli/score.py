"""`otmon lab score`: what was said of a capture of the training range, held against the truth."""

from __future__ import annotations

import json as json_text
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from otmon.cli.language import Language
from otmon.cli.options import FOUND, NOTHING_FOUND, Lang, fail, fail_by_system, written_to
from otmon.sentence import sentence

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from otmon.score.claim import Claims


def score(
    truth: Annotated[
        str, typer.Option("--truth", metavar="FILE.truth.json", help="The truth beside the capture.")
    ],
    findings: Annotated[
        list[str],
        typer.Option(
            "--findings",
            metavar="FILE",
            help="Findings of otmon (JSON lines) or a person's answers (CSV or .xlsx with time, from, to, "
            "technique, note); repeated for a ranking.",
        ),
    ],
    clean: Annotated[
        list[str] | None,
        typer.Option(
            "--clean",
            metavar="FILE",
            help="Findings of otmon in the same capture without the attack: what comes up there too is no "
            "consequence of it; may be repeated.",
        ),
    ] = None,
    time_zone: Annotated[
        str | None,
        typer.Option(
            "--time-zone", metavar="ZONE", help="Of times without an offset in answers, such as Asia/Tokyo."
        ),
    ] = None,
    json: Annotated[
        str | None,
        typer.Option("--json", metavar="FILE", help="Write one JSON object; - for standard output."),
    ] = None,
    lang: Lang = Language.en,
) -> None:
    """Score findings or answers against the truth: steps found, how soon, false alarms.

    Example: otmon lab score --truth day.truth.json --findings findings.jsonl --findings team-a.csv
    """
    from otmon.score.claim import ClaimError
    from otmon.score.match import ids
    from otmon.score.score import object_of
    from otmon.score.score import score as scored
    from otmon.score.table import write_scores
    from otmon.score.truth import TruthError, read_truth

    zone = _zone(time_zone)
    try:
        known = read_truth(truth)
        said = [_claims(path, zone, lang) for path in findings]
        before = ids([_findings(path) for path in clean or ()])
        scores = [scored(known, one, before) for one in said]
    except (TruthError, ClaimError) as error:
        lines = str(error).splitlines()
        print(error, file=sys.stderr)
        fail(sentence("{count} error(s)", count=len(lines)))
    except OSError as error:
        fail_by_system(error)
    with written_to(json) as stream:
        if stream is not None:
            stream.write(json_text.dumps(object_of(known, scores), ensure_ascii=True, indent=1) + "\n")
    if json != "-":
        write_scores(sys.stdout, known, scores, lang.value)
    raise typer.Exit(NOTHING_FOUND if all(one.is_perfect for one in scores) else FOUND)


def _zone(name: str | None) -> ZoneInfo | None:
    from otmon.zones.times import read_zone

    if name is None:
        return None
    zone = read_zone(name)
    if zone is None:
        fail(
            sentence(
                "{option} {text}, expected a time zone of the IANA database such as Asia/Tokyo",
                option="--time-zone",
                text=repr(name),
            )
        )
    return zone


def _claims(path: str, zone: ZoneInfo | None, lang: Language) -> Claims:
    """Findings where the first sign of the file is that of a JSON object, or where nothing was found; else
    answers."""
    from otmon.score.answers import read_answers

    with Path(path).open("rb") as stream:
        begins = stream.read(4096).lstrip()
    none_found = not begins and not path.lower().endswith((".csv", ".xlsx"))
    is_findings = none_found or begins.startswith(b"{")
    return _findings(path) if is_findings else read_answers(path, zone, lang.value)


def _findings(path: str) -> Claims:
    from otmon.score.findings import read_findings

    return read_findings(path)
