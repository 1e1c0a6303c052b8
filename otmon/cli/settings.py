"""Options of the sensor from a file, `otmon.toml`: what its command line and the environment do not say.
A running sensor reads it again (`reread`).

The file is TOML 1.0 with one table, `[sensor]`, whose keys are the names of options without their dashes.
Whatever is wrong with it is told at once, each with its line.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import typer

from otmon.cli.language import spoken, told
from otmon.cli.options import fail
from otmon.sentence import Sentence, placed, sentence

TABLE: Final = "sensor"
ENVIRONMENT: Final = "OTMON_SENSOR"
"""How the names of environment variables begin: `OTMON_SENSOR_RING_MB` is `--ring-mb`."""
_FROM_FILE: Final = ("DEFAULT", "DEFAULT_MAP")
"""How click names what neither the command line nor the environment gave."""
_OUTSIDE: Final = ("config", "help")
"""What a file cannot say."""
_KINDS: Final[dict[Any, type | tuple[type, ...]]] = {int: int, float: (int, float), bool: bool}
_NAMES: Final[dict[Any, Sentence]] = {
    int: sentence("a whole number"),
    float: sentence("a number"),
    bool: sentence("true or false"),
}


class SettingsError(Exception):
    """A file that cannot be used: all that is wrong with it, a line each."""

    def __init__(self, problems: Sequence[Sentence]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


def from_file(context: typer.Context, path: str | None) -> str | None:
    """Take the file's values as defaults of the command that `context` is of. Its errors end the program."""
    if path is None or context.resilient_parsing:
        return path
    try:
        context.default_map = _values(context, path)
    except SettingsError as error:
        *problems, last = error.problems
        for problem in problems:
            print(told(problem), file=sys.stderr)
        fail(last)
    return path


def reread(context: typer.Context, path: str) -> dict[str, Any]:
    """What the options come to, by the names of their parameters, with what the file says now: of those that
    neither the command line nor the environment gave. Raises SettingsError."""
    values = _values(context, path)
    known = {str(option.name): option for option in options(context.command).values()}
    found: dict[str, Any] = {}
    for name, option in known.items():
        source = context.get_parameter_source(name)
        if source is not None and source.name in _FROM_FILE:
            value = values[name] if name in values else option.get_default(context)
            found[name] = option.process_value(context, value)
    return found


def _values(context: typer.Context, path: str) -> dict[str, Any]:
    """What the file says, by the names of parameters. Raises SettingsError."""
    try:
        text = Path(path).read_bytes().decode()
        whole = tomllib.loads(text)
    except OSError as error:
        raise SettingsError([placed(path, str(error.strerror))]) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SettingsError([placed(path, sentence("not TOML: {why}", why=str(error)))]) from error
    problems: list[tuple[int, Sentence]] = []
    for name in whole.keys() - {TABLE}:
        problems.append(
            (_line(text, name), placed(name, sentence("only [{table}] may stand here", table=TABLE)))
        )
    table = whole.get(TABLE, {})
    if not isinstance(table, dict):
        problems.append(
            (_line(text, TABLE), placed(TABLE, sentence("a table is wanted: [{table}]", table=TABLE)))
        )
        table = {}
    known = options(context.command)
    values: dict[str, Any] = {}
    for name, value in table.items():
        option = known.get(name)
        wrong = sentence("there is no such option") if option is None else _wrong(context, option, value)
        if wrong:
            problems.append((_line(text, name), placed(name, wrong)))
        elif option is not None:
            values[str(option.name)] = value
    if problems:
        lines = [placed(f"{path}:{line}" if line else path, problem) for line, problem in sorted(problems)]
        last = placed(path, sentence("the file has {count} error(s)", count=len(problems)))
        raise SettingsError([*lines, last])
    return values


def options(command: Any) -> dict[str, Any]:
    """The parameters of a command that a file may give, by the keys that they have there."""
    named = {
        option.removeprefix("--"): parameter
        for parameter in command.params
        for option in parameter.opts
        if option.startswith("--")
    }
    return {name: parameter for name, parameter in named.items() if name not in _OUTSIDE}


def _wrong(context: typer.Context, option: Any, value: object) -> str:
    """What is wrong with a value, "" for nothing."""
    from otmon.findings.wording import usage_line

    kind = option.type_descriptor.annotation
    if option.multiple:
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            return sentence('a list of texts is wanted, such as ["eth1", "eth2"]')
    elif isinstance(value, bool) != (kind is bool) or not isinstance(value, _KINDS.get(kind, str)):
        wanted = _NAMES.get(kind, sentence("a text"))
        return sentence("{wanted} is wanted, and not {value}", wanted=wanted, value=repr(value))
    try:
        option.process_value(context, value)
    except typer.BadParameter as error:
        return usage_line(error.message.removeprefix("Value error, "), spoken().value)
    return ""


def _line(text: str, name: str) -> int:
    """The line in which a key or a table of this name stands first, 0 where it is written another way."""
    pattern = re.compile(rf"\s*\[*\s*[\"']?{re.escape(name)}[\"']?\s*[\]=.]")
    return next((number for number, line in enumerate(text.splitlines(), 1) if pattern.match(line)), 0)
