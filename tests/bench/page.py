"""What the benchmarks print, and write as a page."""

from __future__ import annotations

import os
import platform
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from tests.bench.measure import Result
from tests.bench.tools import Tool, shown, versions

MEGABYTE: Final = 1_000_000
OWN: Final = "otmon"
"""The result that the others are held against."""


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, what is to be known, and a table."""

    title: str
    text: str
    columns: tuple[str, ...]
    """Those that begin with ">" hold numbers."""
    rows: Sequence[tuple[str, ...]]
    narrow: int | None = None
    """So many columns go on a terminal."""

    def markdown(self) -> list[str]:
        names = [name.removeprefix(">") for name in self.columns]
        rule = ["---:" if name.startswith(">") else "---" for name in self.columns]
        lines = [" | ".join(row) for row in (names, rule, *self.rows)]
        return [f"## {self.title}", "", self.text, "", *(f"| {line} |" for line in lines), ""]

    def show(self, console: Console) -> None:
        table = Table(title=self.title, title_justify="left")
        for name in self.columns[: self.narrow]:
            table.add_column(name.removeprefix(">"), justify="right" if name.startswith(">") else "left")
        for row in self.rows:
            table.add_row(*(cell.replace("`", "") for cell in row[: self.narrow]))
        console.print(table)


def rates(title: str, text: str, tools: Sequence[Tool], path: Path, results: Mapping[str, Result]) -> Section:
    """The tools over one capture, fastest first."""
    by_name = {tool.name: tool for tool in tools}
    ordered = sorted(results.items(), key=lambda item: -(item[1].rate or item[1].rate_whole))
    rows = []
    for name, one in ordered:
        tool = by_name[name]
        ratio = ratio_to(results, name)
        limit = one.packets if tool.part == one.packets else 0
        rows.append(
            (
                name,
                f"{one.packets:,}",
                f"{one.rate:,.0f}" if one.rate else "",
                f"{ratio:,.2f} ×" if ratio and not tool.own else "",
                f"{one.rate_whole:,.0f}",
                f"{one.cpu_seconds:.2f}",
                f"{one.peak_bytes / MEGABYTE:,.0f}",
                tool.does,
                f"`{shown(tool.command(path, limit), path)}`",
            )
        )
    columns = (
        "tool", ">packets", ">packets/s", ">otmon is", ">packets/s with its start", ">CPU s", ">peak MB",
        "what it does", "command",
    )  # fmt: skip
    return Section(title, text, columns, rows, narrow=7)


def ratio_to(results: Mapping[str, Result], name: str) -> float | None:
    """How many times as fast otmon is, both without their start where that is known."""
    if name not in results:
        return None
    own, other = results[OWN], results[name]
    return (own.rate or own.rate_whole) / (other.rate or other.rate_whole)


@dataclass(frozen=True, slots=True)
class Goal:
    """What was wanted and what was measured, None where it could not be."""

    name: str
    wanted: float
    measured: float | None
    form: str
    """How numbers are written."""
    at_most: bool = False

    def row(self) -> tuple[str, ...]:
        sign = "at most" if self.at_most else "at least"
        wanted = f"{sign} {self.form.format(self.wanted)}"
        if self.measured is None:
            return self.name, wanted, "not measured", ""
        met = self.measured <= self.wanted if self.at_most else self.measured >= self.wanted
        return self.name, wanted, self.form.format(self.measured), "yes" if met else "no"


def goals(all_goals: Sequence[Goal], title: str = "Goals") -> Section:
    text = "What was set before the work; a rate is that of one core, without the start."
    return Section(title, text, ("goal", ">wanted", ">measured", "met"), [goal.row() for goal in all_goals])


def machine() -> list[str]:
    """Lines that describe where it ran."""
    model = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return [
        f"- Processor: {model[1] if model else platform.processor()}, {os.cpu_count()} cores, "
        f"{memory:.0f} GB of memory",
        f"- System: {platform.system()} {platform.release()}, Python {platform.python_version()}",
        f"- Versions: {', '.join(versions())}",
        f"- Date: {time.strftime('%Y-%m-%d')}; load of the machine before the start: "
        f"{os.getloadavg()[0]:.1f} (1 is one busy core)",
    ]


INTRODUCTION: Final = """\
`make bench` makes the captures, runs every tool as a process of its own on one core, in turns, {times} times
each, and writes this page. The best time counts, and the largest memory.

*packets/s* leaves the start of a program out: otmon, libpcap, dpkt, scapy and pyshark tell it themselves
(otmon after a small capture that warms it up); for the others the time for a capture of one packet is taken
off, and nothing is given where that is most of the time. *With its start* is the whole process; for otmon
that is loading Python and the compiled kernels, for libpcap compiling the callback. *CPU s* is the whole
process with those that it starts; *peak MB* is the largest one of them. Slow tools get the first packets.

The tools do not do the same work, as the column *what it does* says. ndpiReader runs with no options but
`-q` (no table) and so looks for a protocol in the first 80 packets of a TCP flow and the first 24 of a UDP
flow; otmon reads every packet's payload where it is Modbus."""


LIVE: Final = "<!-- from here on written by `make bench-live` -->"


def with_live(page: str, sections: Sequence[Section]) -> str:
    """The page with these sections as its live part, in place of the one it had."""
    lines = [line for section in sections for line in section.markdown()]
    return "\n".join([page.partition(LIVE)[0].rstrip("\n"), "", LIVE, "", *lines])


def live_part(page: str) -> str:
    """The live part of a page, "" where it has none."""
    _, mark, rest = page.partition(LIVE)
    return f"{mark}{rest}"


def written(
    sections: Sequence[Section], described: Sequence[str], left_out: Mapping[str, str], times: int
) -> str:
    """The page."""
    page = ["<!-- written by `make bench` -->", "", "# Speed and memory", ""]
    page += [INTRODUCTION.format(times=times), "", *described, ""]
    if left_out:
        page += ["Left out:", "", *(f"- {name}: {reason}" for name, reason in left_out.items()), ""]
    for section in sections:
        page += section.markdown()
    return "\n".join(page)
