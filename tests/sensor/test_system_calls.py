"""The numbers of system calls are those of Linux's own headers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from otmon.sensor import system_calls

HEADERS = (
    Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    Path("/usr/include/asm-generic/unistd.h"),
)


def numbers(path: Path) -> dict[str, int]:
    if not path.exists():
        pytest.skip(f"needs {path} (Debian: apt-get install linux-libc-dev)")
    found: dict[str, int] = {}
    for name, number in re.findall(r"^#define __NR(?:3264)?_(\w+) (\d+)$", path.read_text(), re.M):
        found.setdefault(name, int(number))
    if "fstatat" in found:
        # One with 64 bits has it by another name.
        found["newfstatat"] = found["fstatat"]
    return found


@pytest.mark.parametrize("which", [0, 1])
def test_numbers_are_those_of_the_headers(which: int) -> None:
    known = numbers(HEADERS[which])
    ours = {
        name: pair[which]
        for name, pair in (system_calls.FREE | system_calls.LIMITED).items()
        if pair[which] is not None
    }
    assert len(ours) > 80
    assert {name: known.get(name) for name in ours} == ours
    assert system_calls.SECCOMP[which] == known["seccomp"]


def test_every_limit_is_of_a_call_that_has_some() -> None:
    limited = {*system_calls.LIMITS, *system_calls.WRITING, "kill"}
    assert set(system_calls.LIMITED) == limited and not limited & set(system_calls.FREE)
