"""Rule files to `Rule` values, or every error in them at once.

The rules that come with the program were checked when it was tested, so they are read the fast way
(libyaml, no lines). Files of a team are read as zone models are, and every error has its line and
column.

A rule that a team gives replaces the one of the same name that comes with the program, and the caller
is told (`Loaded.replaced`); two given ones of one name are an error. Parameters of a rule that names a
detector are those of the detector's own rule, within its bounds.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path as File
from typing import TYPE_CHECKING, Any, Final

import yaml

from otmon.detect.rules.rule import Category, Parameter, Reference, Rule, Severity, Text, Texts
from otmon.sentence import Sentence, sentence

if TYPE_CHECKING:
    from otmon.zones.files.document import Problem

SUFFIXES: Final = (".yml", ".yaml")
MAX_FILES: Final = 1_000
"""Rule files of one folder; a bound on what a wrong path can make us read."""
MAX_FILE_BYTES: Final = 256 * 1024
"""Our longest rule has a twentieth of that."""
FOLDER: Final = File(__file__).parent.parent.parent / "rules"
"""The rules that come with the program."""
_LEVELS: Final[dict[str, Severity]] = {
    "critical": "critical", "high": "high", "medium": "medium", "low": "low", "informational": "info",
}  # fmt: skip

Path = tuple[int | str, ...]


class RuleError(Exception):
    """Rules that cannot be used. Its text has one line for each problem."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(map(str, self.problems)))


@dataclass(frozen=True, slots=True)
class Loaded:
    """The rules to use, by name."""

    rules: Mapping[str, Rule]
    replaced: tuple[tuple[str, str], ...] = ()
    """Name and file of each given rule that replaces one of the program's."""


class _Texts(yaml.CBaseLoader):
    """Every scalar as text, but nothing as None: what `otmon.zones.files.document.plain` gives."""


_Texts.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(?:~|null|Null|)$"), ["~", "n", "N", ""])
_Texts.add_constructor("tag:yaml.org,2002:null", lambda loader, node: None)


@cache
def shipped_rules() -> Mapping[str, Rule]:
    """The rules that come with the program, by name, in the order of their names."""
    found = {}
    for path in sorted(FOLDER.glob("*.yml")):
        content = yaml.load(path.read_bytes(), _Texts)
        rule = _rule(content, f"rules/{path.name}:1")
        found[rule.name] = rule
    return found


def with_rules(paths: Sequence[str]) -> Loaded:
    """The program's rules and those of the given files and folders. Raises `RuleError`."""
    return with_given(load_rules(paths))


def with_given(given: Sequence[Rule]) -> Loaded:
    """The program's rules and those that are given."""
    shipped = shipped_rules()
    replaced = tuple((rule.name, rule.line.rpartition(":")[0]) for rule in given if rule.name in shipped)
    whole = dict(shipped) | {rule.name: rule for rule in given}
    return Loaded(dict(sorted(whole.items())), replaced)


def load_rules(paths: Sequence[str]) -> tuple[Rule, ...]:
    """The rules of files and folders (not of folders inside them), by name. Raises `RuleError`."""
    return read_rules([pair for path in paths for pair in rule_files(path)])


def read_rules(files: Sequence[tuple[str, bytes]]) -> tuple[Rule, ...]:
    """The rules in `files` (name, content), by name. Raises `RuleError`; opens nothing."""
    problems: list[Problem] = []
    found: dict[str, Rule] = {}
    for file, data in files:
        rule = _read(file, data, problems)
        if rule is None:
            continue
        if rule.name in found:
            what = sentence(
                "a second rule {name}, expected one (first at {first})",
                name=repr(rule.name), first=found[rule.name].line,
            )  # fmt: skip
            problems.append(_problem(file, 1, 1, what))
        found.setdefault(rule.name, rule)
    if problems:
        raise RuleError(problems)
    return tuple(rule for _, rule in sorted(found.items()))


def _read(file: str, data: bytes, problems: list[Problem]) -> Rule | None:
    """Read and check one rule file."""
    # Only here: they load pydantic and the parser that knows lines.
    from otmon.detect.rules.form import problems_of
    from otmon.zones.files.document import parse, plain, position

    if len(data) > MAX_FILE_BYTES:
        what = sentence("more than {most} bytes, expected one rule", most=MAX_FILE_BYTES)
        problems.append(_problem(file, 0, 0, what))
        return None
    document = parse(file, data)
    problems += document.problems
    if document.root is None:
        if not document.problems:
            problems.append(_problem(file, 0, 0, sentence("the file is empty, expected a rule")))
        return None
    if document.problems:
        return None
    content = plain(document.root)
    wrong: list[tuple[Path, Sentence, bool]] = problems_of(content)
    formed = not wrong
    if isinstance(content, dict):
        wrong += _deeper(content, {path[0] for path, _, _ in wrong if path})
    if formed and content["name"] != File(file).stem:
        what = sentence(
            "rule {name} in {file}, expected a file of its name",
            name=repr(content["name"]), file=File(file).name,
        )  # fmt: skip
        wrong.append((("name",), what, False))
    for path, what, of_key in wrong:
        problems.append(_problem(file, *position(document.root, path, of_key=of_key), what))
    return None if wrong else _rule(content, f"{file}:{document.root.at[0]}")


def _deeper(content: dict[str, Any], misfit: set[int | str]) -> list[tuple[Path, Sentence, bool]]:
    """What is wrong where the form does not look: the condition, the parameters, the test cases; `misfit` are
    the keys of which the form said something, where less can be relied on."""
    from otmon.detect.rules.field import FIELDS
    from otmon.detect.rules.sigma import SigmaWrong, compiled

    wrong: list[tuple[Path, Sentence, bool]] = []
    source = content.get("logsource")
    category = source.get("category") if isinstance(source, dict) else None
    if "detection" in content:
        if isinstance(category, str) and category in FIELDS and "detection" not in misfit:
            try:
                compiled(category, content["detection"])
            except SigmaWrong as error:
                wrong += [(("detection", *one.path), one.what, one.of_key) for one in error.problems]
    elif "detector" in content and not misfit & {"detector", "name", "parameters"} and "name" in content:
        wrong += _parameters_wrong(content)
    tests = content.get("tests")
    for number, test in enumerate(tests if isinstance(tests, list) else ()):
        if isinstance(test, dict):
            wrong += [(("tests", number, *path), what, of_key) for path, what, of_key in _of_test(test)]
    return wrong


def _of_test(test: dict[str, Any]) -> list[tuple[Path, Sentence, bool]]:
    """What is wrong with the zone model and the facts of a test case."""
    from otmon.detect.rules.sample import SampleWrong, ledger_of

    wrong: list[tuple[Path, Sentence, bool]] = []
    if isinstance(test.get("zones"), str):
        wrong += [(("zones",), what, False) for what in _model_problems(test["zones"])]
    for key in ("facts", "baseline"):
        facts = test.get(key)
        if isinstance(facts, list) and all(isinstance(one, dict) for one in facts):
            try:
                ledger_of(facts)
            except SampleWrong as error:
                wrong += [((key, *path), what, of_key) for path, what, of_key in error.problems]
    return wrong


def _model_problems(text: str) -> list[Sentence]:
    """What is wrong with the zone model of a test case; lines and columns are those of its own text."""
    from otmon.zones.files.load import ModelError, known_protocols, read_model

    try:
        read_model([("zones", text.encode("utf-8", "replace"))], known_protocols())
    except ModelError as error:
        return [
            sentence(
                "zone model, line {line}, column {column}: {what}",
                line=one.line,
                column=one.column,
                what=one.what,
            )
            if one.line
            else sentence("zone model: {what}", what=one.what)
            for one in error.problems
        ]
    return []


def _parameters_wrong(content: dict[str, Any]) -> list[tuple[Path, Sentence, bool]]:
    """A detector takes the parameters that its own rule has, within the bounds of that."""
    own = shipped_rules().get(content["name"])
    if own is None or not own.detector:
        absent = sentence(
            "no detector {name}, expected a file of otmon/detect", name=repr(content["detector"])
        )
        return [(("detector",), absent, False)]
    given = content.get("parameters") or {}
    wrong: list[tuple[Path, Sentence, bool]] = [
        (
            ("parameters", name),
            sentence(
                "unknown parameter {name}, expected {expected}",
                name=repr(name),
                expected=", ".join(own.parameters) or sentence("none"),
            ),
            True,
        )
        for name in given
        if name not in own.parameters
    ]
    for name, known in own.parameters.items():
        if name not in given:
            lacking = sentence("parameter {name} is missing, expected it with a value", name=name)
            wrong.append((("parameters",), lacking, False))
            continue
        what = _unfit(known, _value(given[name]["value"]))
        if what:
            wrong.append((("parameters", name, "value"), what, False))
    return wrong


def _unfit(known: Parameter, value: int | float | tuple[str, ...]) -> Sentence | None:
    """What keeps a value from being one of the parameter; None where nothing does."""
    if isinstance(value, tuple) or isinstance(known.value, tuple):
        same = type(value) is type(known.value)
        return None if same else sentence("another kind of value, expected the detector's")
    if isinstance(known.value, int) and not isinstance(value, int):
        return sentence("{value} is not whole, expected a whole number", value=str(value))
    assert known.low is not None and known.high is not None
    if not known.low <= value <= known.high:
        return sentence(
            "value {value} is out of bounds, expected {low} to {high}",
            value=str(value), low=f"{known.low:g}", high=f"{known.high:g}",
        )  # fmt: skip
    return None


def _problem(file: str, line: int, column: int, what: Sentence) -> Problem:
    # Only where there is an error: it loads the parser that knows lines.
    from otmon.zones.files.document import Problem

    return Problem(file, line, column, what)


def rule_files(path: str) -> list[tuple[str, bytes]]:
    """Names and contents of the rule files at `path`. Raises `RuleError`."""
    try:
        if not os.path.isdir(path):
            return [(path, _content(path))]
        names = sorted(name for name in os.listdir(path) if name.endswith(SUFFIXES) and name[0] != ".")
        if not names or len(names) > MAX_FILES:
            what = sentence(
                "{count} rule files in this folder, expected 1 to {most} ending in .yml or .yaml",
                count=len(names), most=MAX_FILES,
            )  # fmt: skip
            raise RuleError([_problem(path, 0, 0, what)])
        return [(file, _content(file)) for file in (os.path.join(path, name) for name in names)]
    except OSError as error:
        why = str(error.strerror)
        what = sentence("cannot be read ({why}), expected a rule file or a folder of them", why=why)
        raise RuleError([_problem(str(error.filename or path), 0, 0, what)]) from error


def _content(file: str) -> bytes:
    with open(file, "rb") as stream:
        return stream.read(MAX_FILE_BYTES + 1)


def _rule(content: Mapping[str, Any], line: str) -> Rule:
    """The rule that a checked file says."""
    ja = content.get("ja") or {}
    source = content.get("logsource") or {}
    category: Category | None = source.get("category")
    condition = None
    if "detection" in content and category is not None:
        from otmon.detect.rules.sigma import compiled

        condition = compiled(category, content["detection"])
    return Rule(
        name=content["name"],
        uuid=content["id"],
        status=content["status"],
        level=_LEVELS[content["level"]],
        title=_text(content, ja, "title"),
        description=_text(content, ja, "description"),
        falsepositives=_texts(content, ja, "falsepositives"),
        response=_texts(content, ja, "response"),
        severity=_text(content, ja, "severity"),
        tags=tuple(content.get("tags") or ()),
        links=_list(content.get("references")),
        references=_references(content),
        line=line,
        detector=content.get("detector") or "",
        parameters={
            name: Parameter(
                _value(one["value"]),
                Text(one["en"], one.get("ja") or one["en"]),
                None if one.get("low") is None else float(one["low"]),
                None if one.get("high") is None else float(one["high"]),
            )
            for name, one in (content.get("parameters") or {}).items()
        },
        category=category,
        threat=int(content.get("threat") or 2),
        condition=condition,
        tests=tuple(content.get("tests") or ()),
    )


def _text(content: Mapping[str, Any], ja: Mapping[str, Any], key: str) -> Text:
    text = (content.get(key) or "").strip()
    return Text(text, (ja.get(key) or text).strip())


def _texts(content: Mapping[str, Any], ja: Mapping[str, Any], key: str) -> Texts:
    texts = tuple(one.strip() for one in _list(content.get(key)))
    return Texts(texts, tuple(one.strip() for one in _list(ja.get(key))) or texts)


def _list(value: str | list[str] | None) -> tuple[str, ...]:
    """One value or a list of them, as a tuple."""
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)


def _value(value: str | list[str]) -> int | float | tuple[str, ...]:
    if isinstance(value, list):
        return tuple(value)
    return float(value) if "." in value else int(value)


def _references(content: Mapping[str, Any]) -> tuple[Reference, ...]:
    """What `standards` lists, then the ATT&CK techniques that only a tag names."""
    listed = [
        Reference(one["scheme"], one["id"], one["title"], one.get("edition") or "")
        for one in content.get("standards") or ()
    ]
    known = {one.id.lower() for one in listed}
    for tag in content.get("tags") or ():
        scheme, _, name = tag.partition(".")
        if scheme == "attack" and re.fullmatch(r"t[0-9]{4}(\.[0-9]{3})?", name) and name not in known:
            listed.append(Reference("ATT&CK", name.upper(), "", ""))
    return tuple(listed)
