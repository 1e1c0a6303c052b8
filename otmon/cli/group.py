"""The program as a group of commands that talks in the language of whoever runs it: its help, and what is
wrong with a command line, which the library that reads it says in English.
"""

from __future__ import annotations

import io
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final

import typer
from typer.core import TyperGroup

from otmon.cli.language import Language, asked_for, speak, spoken, usual
from otmon.outputs.lines import wrapped

_USAGE_ERROR: Final[Any] = typer.BadParameter.__bases__[0]
"""What the library raises for wrong words."""
_FORMATTER: Final[Any] = typer.Context.formatter_class
_HELP_OPTION: Final = "Show this message and exit."
_EXAMPLE: Final = "Example:"
"""How the last part of a command's help begins, with a command line behind it."""


class Program(TyperGroup):
    """The group of all commands."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run a command line."""
        given = list(sys.argv[1:] if args is None else args)
        if "sensor" in given:
            # Threads of numpy's, which texts may load, would keep the rights that a sensor gives up.
            os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        otherwise = usual(os.environ)
        speak(asked_for(given, otherwise))
        _begin_with(self, otherwise)
        for command in commands(self):
            _take_once(command)
        if spoken() is Language.en or not standalone_mode:
            return super().main(given, prog_name, complete_var, standalone_mode, **extra)
        _translate(self)
        try:
            status = super().main(given, prog_name, complete_var, False, **extra)
        except _USAGE_ERROR as error:
            print("\n".join(_usage(error)), file=sys.stderr)
            status = error.exit_code
        except typer.Abort:
            status = 1
        sys.exit(status or 0)


def _begin_with(group: Any, language: Language) -> None:
    """Make a language that of the commands that are told none."""
    for command in commands(group):
        for parameter in command.params:
            if parameter.name == "lang":
                parameter.default = language


def _take_once(command: Any) -> None:
    """Have a command refuse an option that takes one value and is given twice: the library takes the last,
    and a second zone model would silently be the only one."""
    make_parser = command.make_parser

    def make(context: Any) -> Any:
        parser = make_parser(context)
        parse = parser.parse_args

        def parse_args(args: list[str]) -> Any:
            values, rest, order = parse(args)
            for one, times in Counter(order).items():
                if times > 1 and one.param_type_name == "option" and not (one.multiple or one.is_flag):
                    why = "given more than once, and takes one value"
                    raise typer.BadParameter(why, ctx=context, param=one)
            return values, rest, order

        parser.parse_args = parse_args
        return parser

    command.make_parser = make


def commands(group: Any) -> Iterator[Any]:
    """A group and all that is in it."""
    yield group
    for command in getattr(group, "commands", {}).values():
        yield from commands(command)


def texts(command: Any) -> Iterator[str]:
    """What the help of a command says of itself and its parameters, in English."""
    for text in (command.help, command.epilog, *(one.help for one in command.params)):
        if text:
            yield _said(text)


def _said(text: str) -> str:
    """A text of the help on one line, without its example, which is the same in every language."""
    return " ".join(text.partition(_EXAMPLE)[0].split())


def _translate(group: Any) -> None:
    from otmon.findings.wording import help_text

    language = spoken()

    def retold(text: str | None) -> str | None:
        if not text:
            return text
        _, mark, example = text.partition(_EXAMPLE)
        told = help_text(_said(text), language.value)
        return f"{told}\n\n{help_text(_EXAMPLE, language.value)} {example.strip()}" if mark else told

    for command in commands(group):
        command.context_class = _Context
        command.help, command.epilog = retold(command.help), retold(command.epilog)
        # Which the library would find by a full stop and spaces.
        command.short_help = (command.help or "").partition("。")[0]
        command.get_help_option(typer.Context(command)).help = help_text(_HELP_OPTION, language.value)
        for parameter in command.params:
            parameter.help = retold(parameter.help)


def _usage(error: Any) -> Iterator[str]:
    """What the library says of wrong words, line by line; the help where nothing was asked for."""
    from otmon.findings.wording import usage_line

    stream = io.StringIO()
    if type(error).__name__ == "NoArgsIsHelpError":
        yield error.format_message()
        return
    error.show(stream)
    for line in stream.getvalue().rstrip("\n").split("\n"):
        yield usage_line(line, spoken().value)


class _Formatter(_FORMATTER):  # type: ignore[misc]
    """Help in a language without spaces between words, whose letters are twice as wide."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        super().write_usage(prog, args, _again("Usage: ") if prefix is None else prefix)

    def write_heading(self, heading: str) -> None:
        super().write_heading(_again(heading))

    def write_text(self, text: str) -> None:
        indent = " " * self.current_indent
        for number, paragraph in enumerate(text.split("\n\n")):
            lines = wrapped(paragraph, self.width - self.current_indent)
            self.write("\n" * bool(number) + "".join(f"{indent}{line}\n" for line in lines))

    def write_dl(self, rows: Sequence[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        rows = list(rows)
        column = min(max((len(first) for first, _ in rows), default=0), col_max) + col_spacing
        indent = " " * self.current_indent
        for first, second in rows:
            said, bracket, more = second.rpartition(" [")
            told = f"{said.rstrip()} {_again('[' + more)}" if bracket else _again(second)
            lines = wrapped(told, self.width - column - self.current_indent)
            head = f"{indent}{first}"
            if len(first) + col_spacing > column:
                self.write(f"{head}\n")
                head = ""
            for line in lines or [""]:
                self.write(f"{head:<{column + self.current_indent}}{line}".rstrip() + "\n")
                head = ""


class _Context(typer.Context):
    formatter_class = _Formatter


def _again(text: str) -> str:
    from otmon.findings.wording import usage_line

    return usage_line(text, spoken().value)
