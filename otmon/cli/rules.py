"""The commands that work with detection rules: `otmon rules ...`."""

from __future__ import annotations

import json as jsonlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from otmon.cli.language import Language
from otmon.cli.options import FOUND, Lang, Rules, fail, read_rules, tell_problems
from otmon.sentence import sentence

if TYPE_CHECKING:
    from otmon.detect.rules.rule import Rule

Given = Annotated[
    list[str] | None,
    typer.Argument(metavar="PATH...", help="Rule files, or folders of them; without any those of otmon."),
]


def list_(
    rules: Rules = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line, with everything.")] = False,
    lang: Lang = Language.en,
) -> None:
    """List the detection rules.

    Example: otmon rules list --lang ja
    """
    from otmon.findings.wording import text, visible

    found = read_rules(rules)
    width = max(map(len, found), default=0)
    for rule in found.values():
        if json:
            print(jsonlib.dumps(_object(rule), ensure_ascii=False, separators=(",", ":")))
            continue
        title = rule.title.ja if lang is Language.ja else rule.title.en
        off = "" if rule.runs else f" ({rule.status})"
        print(f"{rule.name:{width}}  {text(f'severity.{rule.level}', lang.value):8}  {visible(title)}{off}")


def check(paths: Given = None) -> None:
    """Check rule files: every error with file, line and column.

    Example: otmon rules check my-rules/
    """
    given = _given(paths)
    tests = sum(len(rule.tests) for rule in given)
    print(f"{len(given)} rules with {tests} test cases, no error")


def test(paths: Given = None) -> None:
    """Run the test cases that the rule files hold.

    Example: otmon rules test my-rules/
    """
    from otmon.findings.trial import trials

    failed, tried, bare = 0, 0, []
    for rule in _given(paths):
        if not rule.tests:
            bare.append(rule.name)
        for trial in trials(rule):
            tried += 1
            if trial.fired != trial.expected:
                failed += 1
                happened = "fired, expected it not to" if trial.fired else "did not fire, expected it to"
                print(f"{trial.rule}: {trial.name}: {happened}")
    for name in bare:
        print(f"{name}: no test cases")
    print(f"{tried} test cases, {failed} failed")
    raise typer.Exit(FOUND if failed else 0)


def show(
    name: Annotated[str, typer.Argument(metavar="ID", help="The rule's name, as findings have it.")],
    rules: Rules = None,
    lang: Lang = Language.en,
) -> None:
    """Tell what a rule finds, when it is wrong, and how to respond.

    Example: otmon rules show unlisted-traffic --lang ja
    """
    from otmon.findings.wording import visible

    found = read_rules(rules)
    if name not in found:
        from otmon.zones.files.entry import nearest

        known = nearest(name, found)
        fail(sentence("no rule {name}, expected {expected}", name=repr(name), expected=known))
    for line in _told(found[name], lang):
        print(visible(line))


def _given(paths: Sequence[str] | None) -> tuple[Rule, ...]:
    """The rules at the paths, or those of the program, all checked."""
    from otmon.detect.rules.load import FOLDER, RuleError, load_rules

    try:
        return load_rules(paths or [str(FOLDER)])
    except RuleError as error:
        tell_problems(error.problems)
        fail(sentence("the rules have {count} error(s)", count=len(error.problems)))


_HEADS = {
    Language.en: ("When it is wrong", "How to respond", "Severity", "Parameters", "References", "File"),
    Language.ja: ("誤検知となる場合", "対応", "深刻度", "パラメータ", "参照", "ファイル"),
}


def _told(rule: Rule, lang: Language) -> Iterator[str]:
    """The rule in lines, for people."""
    from otmon.findings.wording import text

    language = lang.value
    false, response, severity, parameters, references, file = _HEADS[lang]
    yield f"{rule.name}: {getattr(rule.title, language)}"
    yield ""
    yield from getattr(rule.description, language).splitlines()
    for head, items in ((false, rule.falsepositives), (response, rule.response)):
        if getattr(items, language):
            yield from ("", head, *(f"  - {item}" for item in getattr(items, language)))
    level = text(f"severity.{rule.level}", lang.value)
    yield from ("", severity, f"  {level}")
    yield from (f"  {line}" for line in getattr(rule.severity, language).splitlines())
    if rule.parameters:
        yield from ("", parameters)
        for name, one in rule.parameters.items():
            yield f"  {name} = {one.said}: {getattr(one.meaning, language)}"
    yield from ("", references)
    yield from (f"  - {one.scheme} {one.id} {one.title}".rstrip() for one in rule.references)
    yield from (f"  - {link}" for link in rule.links)
    yield from ("", f"{file}: {rule.line.rpartition(':')[0]}")


def _object(rule: Rule) -> dict[str, Any]:
    """The rule for programs."""
    return {
        "name": rule.name,
        "id": rule.uuid,
        "status": rule.status,
        "level": rule.level,
        "title": {"en": rule.title.en, "ja": rule.title.ja},
        "description": {"en": rule.description.en, "ja": rule.description.ja},
        "severity": {"en": rule.severity.en, "ja": rule.severity.ja},
        "falsepositives": {"en": rule.falsepositives.en, "ja": rule.falsepositives.ja},
        "response": {"en": rule.response.en, "ja": rule.response.ja},
        "tags": rule.tags,
        "links": rule.links,
        "references": [
            {"scheme": one.scheme, "id": one.id, "title": one.title, "edition": one.edition}
            for one in rule.references
        ],
        "detector": rule.detector,
        "category": rule.category or "",
        "parameters": {
            name: {
                "value": one.value,
                "low": one.low,
                "high": one.high,
                "en": one.meaning.en,
                "ja": one.meaning.ja,
            }
            for name, one in rule.parameters.items()
        },
        "tests": len(rule.tests),
        "file": rule.line.rpartition(":")[0],
    }
