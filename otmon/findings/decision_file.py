"""The file in which people keep their decisions about findings (`otmon.findings.decision`).

It is YAML with one key, `decisions`, and read as zone models are, within their bounds: every error has its
line and column.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from datetime import date, timedelta
from typing import Annotated, Any, Final

from pydantic import Field, ValidationError, WithJsonSchema, model_validator
from pydantic_core import ErrorDetails

from otmon.detect.rules.rule import SEVERITIES, Severity
from otmon.findings.decision import NO_DECISIONS, Decision, Decisions, permitted
from otmon.sentence import Sentence, sentence
from otmon.zones.files.document import (
    Document,
    ListNode,
    MapNode,
    Node,
    Problem,
    parse,
    plain,
    position,
    quoted,
)
from otmon.zones.files.entry import nearest
from otmon.zones.files.jsonschema import without_noise
from otmon.zones.files.leaf import Leaf, OneOrMore, unfit, wrong
from otmon.zones.files.schema import Form, Text
from otmon.zones.model import Line
from otmon.zones.times import read_date

MAX_FILE_BYTES: Final = 1024 * 1024
MAX_DECISIONS: Final = 1_000
"""Each is one that people took. A plant has some tens; more were written by a program."""
MAX_ABOUT: Final = 16
"""Twice what a finding names."""
MAX_DAYS: Final = 366
"""From the day of the decision to its last day: what cannot be mended is looked at once a year."""
YEARS: Final = range(2000, 2200)
RISKS: Final = ("A", "B", "C", "D", "E")
MAX_EXTENT: Final = 10**15 - 1
"""More than any rule measures."""

_ID: Final = re.compile(r"[0-9a-f]{12}", re.ASCII)
_COUNT: Final = re.compile(r"[1-9][0-9]{0,14}", re.ASCII)


class DecisionError(Exception):
    """Decisions that cannot be used. Its text has one line for each problem."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(map(str, self.problems)))


def _read_day(text: str) -> date | None:
    day = read_date(text)
    return day if day is not None and day.year in YEARS else None


def _read_severity(text: str) -> Severity | None:
    return next((one for one in SEVERITIES if one == text), None)


Day = Annotated[date, Leaf(sentence("a day such as 2026-12-31"), _read_day)]
what = sentence("the id of a finding, twelve digits and letters a to f such as 00c5a9c0fa79")
FindingId = Annotated[str, Leaf(what, lambda text: text if _ID.fullmatch(text) else None)]
Grave = Annotated[Severity, Leaf(sentence("{names}", names=SEVERITIES), _read_severity, SEVERITIES)]
Risk = Annotated[
    str, Leaf(sentence("{names}", names=RISKS), lambda text: text if text in RISKS else None, RISKS)
]
what = sentence("a whole number from 1 to {most}", most=MAX_EXTENT)
Extent = Annotated[
    int,
    Leaf(what, lambda text: int(text) if _COUNT.fullmatch(text) else None),
    WithJsonSchema({"type": "integer", "minimum": 1, "maximum": MAX_EXTENT}),
]


class DecisionForm(Form):
    """One decision: the first six keys say about which finding, the others what was decided."""

    rule: Text
    finding: FindingId
    about: Annotated[tuple[Text, ...], OneOrMore(), Field(max_length=MAX_ABOUT)]
    severity: Grave
    risk: Risk
    extent: Extent = 1
    reason: Text
    by: Text
    decided: Day
    until: Day

    @model_validator(mode="after")
    def _ends(self) -> DecisionForm:
        if not self.decided <= self.until <= self.decided + timedelta(days=MAX_DAYS):
            what = sentence(
                "until {until} does not fit decided {decided}, expected a day from then to {last}, a year "
                "later at most",
                until=self.until.isoformat(), decided=self.decided.isoformat(),
                last=(self.decided + timedelta(days=MAX_DAYS)).isoformat(),
            )  # fmt: skip
            raise wrong(what)
        return self


def load_decisions(path: str | None, rules: Collection[str]) -> Decisions:
    """The decisions in a file, about findings of the given rules; none without it. Raises `DecisionError`."""
    if path is None:
        return NO_DECISIONS
    try:
        with open(path, "rb") as stream:
            data = stream.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        what = sentence("cannot be read ({why}), expected a file of decisions", why=str(error.strerror))
        raise DecisionError([Problem(path, 0, 0, what)]) from error
    return read_decisions(path, data, rules)


def read_decisions(file: str, data: bytes, rules: Collection[str]) -> Decisions:
    """The decisions in the content of a file. Raises `DecisionError`; opens nothing."""
    if len(data) > MAX_FILE_BYTES:
        what = sentence("more than {most} bytes, expected decisions that people took", most=MAX_FILE_BYTES)
        raise DecisionError([Problem(file, 0, 0, what)])
    document = parse(file, data)
    problems = list(document.problems)
    found: dict[str, Decision] = {}
    for node in () if problems else _listed(document, problems):
        decision = _decision(file, node, rules, problems)
        if decision is None:
            continue
        first = found.setdefault(decision.finding, decision)
        if first is not decision:
            what = sentence(
                "a second decision about the finding {id}, expected one (first at {first})",
                id=decision.finding, first=str(first.line),
            )  # fmt: skip
            problems.append(Problem(file, *position(node, ("finding",)), what))
    if problems:
        raise DecisionError(problems)
    return found


def _listed(document: Document, problems: list[Problem]) -> Iterator[Node]:
    """The entries of a file; a list that is empty, or was emptied, has none."""
    root = document.root
    expected = sentence("a mapping with `decisions`, a list of decisions")
    if not isinstance(root, MapNode):
        at = root.at if root is not None else (0, 0)
        problems.append(Problem(document.file, *at, unfit(None if root is None else plain(root), expected)))
        return
    for key, (at, _) in root.entries.items():
        if key != "decisions":
            what = sentence("unknown key {key}, expected {expected}", key=quoted(key), expected="decisions")
            problems.append(Problem(document.file, *at, what))
    if "decisions" not in root.entries:
        what = sentence("{key} is missing, expected it here", key="decisions")
        problems.append(Problem(document.file, *root.at, what))
        return
    listed = root.entries["decisions"][1]
    if isinstance(listed, ListNode):
        if len(listed.items) > MAX_DECISIONS:
            what = sentence("more than {most} decisions, expected those that people took", most=MAX_DECISIONS)
            problems.append(Problem(document.file, *listed.at, what))
            return
        yield from listed.items
    elif plain(listed) is not None:
        what = unfit(plain(listed), sentence("a list of decisions"))
        problems.append(Problem(document.file, *listed.at, what))


def _decision(file: str, node: Node, rules: Collection[str], problems: list[Problem]) -> Decision | None:
    """One entry, or None and what is wrong with it."""
    before = len(problems)
    content = plain(node)
    form = None
    try:
        form = DecisionForm.model_validate(content)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            what, of_key = _worded(detail)
            problems.append(Problem(file, *position(node, detail["loc"], of_key=of_key), what))
    rule = content.get("rule") if isinstance(content, dict) else None
    if isinstance(rule, str) and (said := _unfit_rule(rule.strip(), rules)) is not None:
        problems.append(Problem(file, *position(node, ("rule",)), said))
    if form is None or len(problems) > before:
        return None
    return Decision(
        Line(file, node.at[0]), form.rule, form.finding, form.about, form.severity, form.risk, form.extent,
        form.reason, form.by, form.decided, form.until,
    )  # fmt: skip


def _unfit_rule(rule: str, rules: Collection[str]) -> Sentence | None:
    if rule not in rules:
        return sentence(
            "no rule {name}, expected {expected}", name=quoted(rule), expected=nearest(rule, rules)
        )
    return permitted(rule)


def _worded(detail: ErrorDetails) -> tuple[Sentence, bool]:
    """Pydantic's error in our words, and whether it is about the key."""
    kind = detail["type"]
    key = str(detail["loc"][-1]) if detail["loc"] else ""
    if kind == "model":
        what: Sentence = detail["ctx"]["what"]
        if detail["input"] is None and "expected" in what.parts:
            # What a draft leaves open; where nothing stands there is no place to point at.
            expected = what.parts["expected"]
            return sentence("{key} is empty, expected {expected}", key=key, expected=expected), True
        return what, False
    if kind == "extra_forbidden":
        known = nearest(key, DecisionForm.model_fields)
        return sentence("unknown key {key}, expected {expected}", key=quoted(key), expected=known), True
    if kind == "missing":
        return sentence("{key} is missing, expected it here", key=key), False
    if kind == "too_long":
        many = sentence("wrong number of entries under {key}, expected 1 to {most}", key=key, most=MAX_ABOUT)
        return many, False
    return unfit(detail["input"], sentence("a decision as a mapping with keys such as rule")), False


def json_schema() -> dict[str, Any]:
    """The shape of the file as a JSON Schema (draft 2020-12), for editors."""
    form = DecisionForm.model_json_schema()
    root = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "description": "Decisions about findings of otmon that are known and cannot be mended yet.",
        "type": "object",
        "properties": {"decisions": {"type": ["array", "null"], "items": {"$ref": "#/$defs/DecisionForm"}}},
        "required": ["decisions"],
        "additionalProperties": False,
        "$defs": {"DecisionForm": form},
    }
    found: dict[str, Any] = without_noise(root)
    return found
