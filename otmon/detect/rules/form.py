"""What a rule file may say: one pydantic form per kind of entry, all leaves given as text.

`detection`, and the facts of test cases, are checked by `otmon.detect.rules.sigma` and
`otmon.detect.rules.sample`, which know the fields.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError, WithJsonSchema, model_validator
from pydantic_core import ErrorDetails

from otmon.detect.rules.rule import CATEGORIES
from otmon.sentence import Sentence, sentence
from otmon.zones.files.document import quoted
from otmon.zones.files.entry import nearest
from otmon.zones.files.jsonschema import without_noise
from otmon.zones.files.leaf import Leaf, OneOrMore, unfit, wrong

Path = tuple[int | str, ...]

MAX_LINE: Final = 256
"""Characters of a title, as Sigma limits it."""
MAX_PROSE: Final = 4_000
"""Characters of a description."""
MAX_ITEMS: Final = 64
"""Entries of a list for people."""
LEVELS: Final = ("informational", "low", "medium", "high", "critical")
STATUSES: Final = ("stable", "test", "experimental", "deprecated", "unsupported")

_EXPECTED: Final = ", expected "
_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*", re.ASCII)
_KEY = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)
_TAG = re.compile(r"[a-z0-9_-]+\.[a-z0-9._-]+", re.ASCII)
_NUMBER = re.compile(r"-?[0-9]{1,12}(?:\.[0-9]{1,6})?", re.ASCII)


def _read_line(text: str) -> str | None:
    return text if text and text.isprintable() and len(text) <= MAX_LINE else None


def _read_prose(text: str) -> str | None:
    printable = text.replace("\n", "").isprintable()
    return text if text.strip() and printable and len(text) <= MAX_PROSE else None


def _read_uuid(text: str) -> str | None:
    try:
        return text if str(UUID(text)) == text.lower() else None
    except ValueError:
        return None


def _fits(pattern: re.Pattern[str]) -> Any:
    return lambda text: text if len(text) <= MAX_LINE and pattern.fullmatch(text) else None


def _choice(choices: tuple[str, ...]) -> Leaf:
    return Leaf(sentence("{names}", names=choices), lambda text: text if text in choices else None, choices)


def _items() -> Any:
    return Field(max_length=MAX_ITEMS)


what = sentence("one line of at most {most} printable characters", most=MAX_LINE)
Line = Annotated[str, Leaf(what, _read_line)]
what = sentence("a text of at most {most} printable characters", most=MAX_PROSE)
Prose = Annotated[str, Leaf(what, _read_prose)]
Lines = Annotated[list[Line], OneOrMore(), _items()]
Proses = Annotated[list[Prose], OneOrMore(), _items()]
Name = Annotated[str, Leaf(sentence("lower-case letters, digits and single hyphens"), _fits(_NAME))]
Key = Annotated[str, Leaf(sentence("lower-case letters, digits and _"), _fits(_KEY))]
Number = Annotated[str, Leaf(sentence("a number such as 16 or 0.5"), _fits(_NUMBER))]


class Form(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=False)


class Japanese(Form):
    """The texts of a rule in Japanese."""

    title: Line
    description: Prose | None = None
    falsepositives: Proses | None = None
    response: Proses | None = None
    severity: Prose | None = None


class LogSource(Form):
    """The facts that a condition is about."""

    product: Annotated[str, _choice(("otmon",))]
    category: Annotated[str, _choice(CATEGORIES)]


class Standard(Form):
    """A technique, requirement or step that the rule stands on."""

    scheme: Line
    id: Line
    title: Line
    edition: Line | None = None


class ParameterForm(Form):
    """A value that the detector is given: a number with bounds, or a list of texts."""

    value: Number | Annotated[list[Line], _items()]
    low: Number | None = None
    high: Number | None = None
    en: Line
    ja: Line | None = None

    @model_validator(mode="after")
    def _bounded(self) -> ParameterForm:
        if isinstance(self.value, list):
            if self.low is not None or self.high is not None:
                raise wrong(sentence("bounds of a list of texts, expected none"))
        elif self.low is None or self.high is None:
            raise wrong(sentence("a number without bounds, expected low and high"))
        elif not float(self.low) <= float(self.value) <= float(self.high):
            what = sentence(
                "value {value} is out of bounds, expected {low} to {high}",
                value=self.value, low=self.low, high=self.high,
            )  # fmt: skip
            raise wrong(what)
        return self


class TestForm(Form):
    """Facts, and whether the rule fires on them."""

    __test__ = False

    name: Line
    # To an editor it is a boolean, to us a text.
    fires: Annotated[str, _choice(("true", "false")), WithJsonSchema({"type": "boolean"})]
    zones: Annotated[str, Leaf(sentence("a zone model as a text"), lambda text: text or None)] | None = None
    facts: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=1_000)]
    baseline: Annotated[list[dict[str, Any]], Field(max_length=1_000)] | None = None


class RuleForm(Form):
    """A detection rule of otmon: Sigma's keys as far as they go, and ours beside them."""

    title: Line
    id: Annotated[str, Leaf(sentence("a UUID"), _read_uuid)]
    name: Name
    status: Annotated[str, _choice(STATUSES)]
    description: Prose
    author: Line | None = None
    date: Line | None = None
    modified: Line | None = None
    license: Line | None = None
    level: Annotated[str, _choice(LEVELS)]
    severity: Prose | None = None
    threat: Annotated[str, _choice(("1", "2", "3")), WithJsonSchema({"enum": [1, 2, 3]})] | None = None
    tags: Annotated[
        list[Annotated[str, Leaf(sentence("a tag such as attack.t0855"), _fits(_TAG))]], _items()
    ] = []
    references: Lines | None = None
    falsepositives: Proses | None = None
    response: Proses | None = None
    logsource: LogSource | None = None
    detection: dict[str, Any] | None = None
    detector: Key | None = None
    parameters: dict[str, ParameterForm] | None = None
    standards: Annotated[list[Standard], _items()] | None = None
    ja: Japanese | None = None
    tests: Annotated[list[TestForm], _items()] | None = None

    @model_validator(mode="after")
    def _one_logic(self) -> RuleForm:
        if (self.detection is None) == (self.detector is None):
            raise wrong(
                sentence("both a detection and a detector, expected one of them")
                if self.detector
                else sentence("no detection and no detector, expected one of them")
            )
        if self.detection is not None and self.logsource is None:
            raise wrong(sentence("a detection without logsource, expected product otmon and a category"))
        if self.detection is not None and self.parameters is not None:
            raise wrong(sentence("parameters beside a detection, expected them with a detector only"))
        if self.detector is not None and self.detector != self.name.replace("-", "_"):
            what = sentence(
                "the rule {rule} cannot name the detector {detector}, expected {expected}",
                rule=quoted(self.name), detector=quoted(self.detector), expected=self.name.replace("-", "_"),
            )  # fmt: skip
            raise wrong(what)
        return self


def problems_of(content: Any) -> list[tuple[Path, Sentence, bool]]:
    """What is wrong with a rule file's content: path, what, and whether the key is meant."""
    try:
        RuleForm.model_validate(content)
    except ValidationError as error:
        found = [_problem(content, detail) for detail in error.errors(include_url=False)]
    else:
        return []
    # A value that may be two things is told once, with both.
    joined: dict[tuple[Path, str, bool], list[Sentence]] = {}
    for path, what, of_key in found:
        said = what.partition(_EXPECTED)[0]
        joined.setdefault((path, said, of_key), []).append(what)
    return [(path, _joined(told), of_key) for (path, _, of_key), told in joined.items()]


def _joined(told: list[Sentence]) -> Sentence:
    """One sentence of several that differ in what was expected."""
    first, *others = told
    if not others or not all({"found", "expected"} <= one.parts.keys() for one in told):
        return first
    expected = first.parts["expected"]
    for one in others:
        expected = sentence("{one}, or {other}", one=expected, other=one.parts["expected"])
    return sentence(
        "{found} does not fit here, expected {expected}", found=first.parts["found"], expected=expected
    )


def _problem(content: Any, detail: ErrorDetails) -> tuple[Path, Sentence, bool]:
    # Branches of a union are steps of pydantic's that the file does not have.
    path: list[int | str] = []
    at = content
    for step in detail["loc"]:
        if isinstance(at, dict) and step not in at and step != detail["loc"][-1]:
            continue
        if not isinstance(at, dict | list):
            break
        path.append(step)
        at = at.get(step) if isinstance(at, dict) else at[step] if isinstance(step, int) else None
    key = next((step for step in reversed(path) if isinstance(step, str)), "")
    kind = detail["type"]
    if kind == "model":
        what: Sentence = detail["ctx"]["what"]
        return tuple(path), what, False
    if kind == "extra_forbidden":
        known = nearest(str(path[-1]), _keys(path[:-1]))
        unknown = sentence(
            "unknown key {key}, expected {expected}", key=quoted(str(path[-1])), expected=known
        )
        return tuple(path), unknown, True
    if kind == "missing":
        return tuple(path), sentence("{key} is missing, expected it here", key=key), False
    if kind in ("too_short", "too_long"):
        number = sentence(
            "wrong number of entries under {key}, expected 1 to {most}", key=key, most=MAX_ITEMS
        )
        return tuple(path), number, False
    mapping, listing = sentence("a mapping"), sentence("a list")
    expected = {"dict_type": mapping, "model_type": mapping, "list_type": listing}
    return tuple(path), unfit(detail["input"], expected.get(kind, sentence("another value"))), False


def _keys(path: list[int | str]) -> list[str]:
    inner: dict[str, type[Form]] = {
        "ja": Japanese, "logsource": LogSource, "standards": Standard, "parameters": ParameterForm,
        "tests": TestForm,
    }  # fmt: skip
    form = inner.get(str(path[0]), RuleForm) if path else RuleForm
    return list(form.model_fields)


def json_schema() -> dict[str, Any]:
    """The schema for editors (docs/rule.schema.json). It says which keys there are."""
    from otmon.detect.rules.sample import fact_schema

    head = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    schema = RuleForm.model_json_schema(by_alias=True)
    found: dict[str, Any] = without_noise(head | schema)
    found["$defs"]["Fact"] = fact_schema()
    for key in ("facts", "baseline"):
        found["$defs"]["TestForm"]["properties"][key]["items"] = {"$ref": "#/$defs/Fact"}
    # A condition needs its logsource, and there is one kind of logic.
    found["oneOf"] = [
        {"required": ["detection", "logsource"], "not": {"required": ["detector"]}},
        {"required": ["detector"], "not": {"required": ["detection"]}},
    ]
    return found
