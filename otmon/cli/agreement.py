"""The zone model, the rules and the decisions that the sensor starts with. Where model or rules have errors a
copy of the last ones that had none serves, and no decision where these have.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from otmon.cli.options import fail, tell_problems, tell_remarks, tell_replaced, warn
from otmon.detect.rules.load import RuleError
from otmon.detect.rules.rule import Rule
from otmon.findings.decision import NO_DECISIONS, Decisions
from otmon.findings.decision_file import DecisionError, load_decisions
from otmon.outputs.instant import clock_name, short_text
from otmon.sensor.agreement import Agreement, agreed, copied_in, keep, kept
from otmon.sentence import placed, sentence
from otmon.zones.files.load import ModelError


def found_or_kept(zones: str | None, rules: list[str] | None, ledger: Path | None) -> tuple[Agreement, bool]:
    """Model and rules; where these have errors the copy of the last ones that had none (True), else their
    errors end the program."""
    try:
        found = agreed(zones, rules)
    except (ModelError, RuleError) as error:
        tell_problems(error.problems)
        copy = kept(ledger) if ledger is not None else None
        if copy is None:
            fail(sentence("the zone model or the rules have {count} error(s)", count=len(error.problems)))
        found, read_s = copy
        zone = found.model.timezone if found.model is not None else ""
        what = sentence(
            "the zone model or the rules have {count} error(s): the sensor judges by a copy of those that it "
            "read at {time} {clock}, until they are mended and it is told to read them anew",
            count=len(error.problems), time=short_text(read_s * 10**9, zone), clock=clock_name(zone),
        )  # fmt: skip
        warn(what)
        return found, True
    if found.model is not None:
        tell_remarks(found.model)
    tell_replaced(found.rules)
    return found, False


def decisions_or_none(path: str | None, rules: Mapping[str, Rule]) -> tuple[Decisions, bool]:
    """What was decided about findings of these rules. Where it has errors none holds (False): a
    sensor tells more than is needed, rather than nothing."""
    try:
        return load_decisions(path, rules), True
    except DecisionError as error:
        tell_problems(error.problems)
        what = sentence(
            "{path}: the decisions have {count} error(s): none holds, and all findings are told, until they "
            "are mended and the sensor is told to read them anew",
            path=str(path), count=len(error.problems),
        )  # fmt: skip
        warn(what)
        return NO_DECISIONS, False


def keep_copy(ledger: Path, found: Agreement) -> None:
    """Where it cannot be written, the sensor goes on without."""
    try:
        keep(ledger, found, time.time())
    except OSError as error:
        why = error.strerror or str(error)
        warn(placed(copied_in(ledger), sentence("no copy of the zone model is kept: {why}", why=why)))
