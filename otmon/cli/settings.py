"""Options of the sensor from a file, `otmon.toml`: what its command line and the environment do not say.

The file is TOML 1.0 with one table, `[sensor]`, whose keys are the names of options without their dashes.
Whatever is wrong with it is told at once, each with its line.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path
from typing import Any, Final

import typer

from otmon.cli.options import fail

TABLE: Final = "sensor"
ENVIRONMENT: Final = "OTMON_SENSOR"
"""How the names of environment variables begin: `OTMON_SENSOR_RING_MB` is `--ring-mb`."""
_OUTSIDE: Final = ("config", "help")
"""What a file cannot say."""
_KINDS: Final[dict[Any, type | tuple[type, ...]]] = {int: int, float: (int, float), bool: bool}
_NAMES: Final[dict[Any, str]] = {int: "a whole number", float: "a number", bool: "true or false"}


def from_file(context: typer.Context, path: str | None) -> str | None:
    """Take the file's values as defaults of the command that `context` is of. Its errors end the program."""
    if path is None or context.resilient_parsing:
        return path
    try:
        text = Path(path).read_bytes().decode()
        whole = tomllib.loads(text)
    except OSError as error:
        fail(f"{path}: {error.strerror}")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        fail(f"{path}: not TOML: {error}")
    problems: list[tuple[int, str]] = []
    for name in whole.keys() - {TABLE}:
        problems.append((_line(text, name), f"{name}: only [{TABLE}] may stand here"))
    table = whole.get(TABLE, {})
    if not isinstance(table, dict):
        problems.append((_line(text, TABLE), f"{TABLE}: a table is wanted: [{TABLE}]"))
        table = {}
    known = options(context.command)
    values: dict[str, Any] = {}
    for name, value in table.items():
        option = known.get(name)
        wrong = "there is no such option" if option is None else _wrong(context, option, value)
        if wrong:
            problems.append((_line(text, name), f"{name}: {wrong}"))
        elif option is not None:
            values[str(option.name)] = value
    if problems:
        for line, problem in sorted(problems):
            print(f"{path}:{line}: {problem}" if line else f"{path}: {problem}", file=sys.stderr)
        fail(f"{path}: the file has {len(problems)} error(s)")
    context.default_map = values
    return path


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
    kind = option.type_descriptor.annotation
    if option.multiple:
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            return 'a list of texts is wanted, such as ["eth1", "eth2"]'
    elif isinstance(value, bool) != (kind is bool) or not isinstance(value, _KINDS.get(kind, str)):
        return f"{_NAMES.get(kind, 'a text')} is wanted, and not {value!r}"
    try:
        option.process_value(context, value)
    except typer.BadParameter as error:
        return error.message.removeprefix("Value error, ")
    return ""


def _line(text: str, name: str) -> int:
    """The line in which a key or a table of this name stands first, 0 where it is written another way."""
    pattern = re.compile(rf"\s*\[*\s*[\"']?{re.escape(name)}[\"']?\s*[\]=.]")
    return next((number for number, line in enumerate(text.splitlines(), 1) if pattern.match(line)), 0)
