from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer

from otmon.cli import app
from tests.docs import PAGES, ROOT, commands

DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "README.ja.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").glob("*.md")),
]


def command_lines(path: Path) -> list[str]:
    """The calls of otmon in the code blocks of a document, also at the end of a pipe."""
    blocks = re.findall(r"```.*?\n(.*?)```", path.read_text(encoding="utf-8"), re.S)
    return re.findall(r"^(?:\$ )?(?:.*\| )?(otmon .*)$", "\n".join(blocks), re.M)


@pytest.mark.parametrize("name", PAGES)
def test_a_generated_page_says_what_the_program_does(name: str) -> None:
    assert (ROOT / name).read_text(encoding="utf-8") == PAGES[name](), "`make docs` writes it anew"


def test_every_command_has_help_with_an_example() -> None:
    for words, command in commands(typer.main.get_command(app), "otmon"):
        assert words in command.help, f"the help of {words} shows no example"
        assert all(p.help for p in command.params if p.name != "help"), f"{words}: a parameter without help"


def test_the_documents_use_commands_and_options_that_exist() -> None:
    known = dict(commands(typer.main.get_command(app), "otmon"))
    used = [(path, line) for path in DOCUMENTS for line in command_lines(path)]
    assert used
    for path, line in used:
        arguments = shlex.split(line, comments=True)
        if arguments[1] == "--help":
            continue
        calls = [" ".join(arguments[:n]) for n in (3, 2)]
        command = next((known[call] for call in calls if call in known), None)
        assert command, f"{path.name}: no such command: {line}"
        options = {"--help"}.union(*((*p.opts, *p.secondary_opts) for p in command.params))
        given = {argument.partition("=")[0] for argument in arguments if re.match(r"-\w|--\w", argument)}
        assert given <= options, f"{path.name}: no such option: {line}"


def test_links_between_documents_lead_somewhere() -> None:
    for path in DOCUMENTS:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{path.name}: {target}"


def test_make_targets_in_the_documents_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    for path in DOCUMENTS:
        for target in re.findall(r"`make ([a-z]+)`", path.read_text(encoding="utf-8")):
            assert target in targets, f"{path.name}: make {target}"
