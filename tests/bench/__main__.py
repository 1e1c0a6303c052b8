"""Measure otmon beside other tools, print tables, and write docs/benchmarks.md.

Slowness is a result; only a wrong count ends the run.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from rich.console import Console

from tests.bench.captures import Truth, made
from tests.bench.measure import Result, Run, measure, run
from tests.bench.page import MEGABYTE, Goal, Section, goals, live_part, machine, rates, ratio_to, written
from tests.bench.tools import (
    FOLDER,
    FOUND_SOMETHING,
    OTMON,
    ROOT,
    TOOLS,
    TRANSACTIONS,
    ZONES,
    Tool,
    otmon,
    otmon_transactions,
    reader,
)

PACKETS: Final = {"factory": 2_000_000, "office": 2_000_000, "flood": 2_000_000, "sweep": 2_000_000}
SMALL_CAPTURE: Final = "pcaps/factory-day.pcapng"
TITLES: Final = {"factory": "Factory: mostly Modbus polling", "office": "Office: mixed IT traffic"}


class Wrong(Exception):
    """otmon did not account for everything."""


def held_against(truth: Truth) -> Callable[[Tool, Run], None]:
    """Compare what otmon told with what the generator wrote."""

    def check(tool: Tool, one: Run) -> None:
        if not tool.own:
            return
        wanted = {"packets": "packets", "transactions": "transactions", "operations": "transactions",
                  "rows": "transactions", "exceptions": "exceptions", "writes": "writes"}  # fmt: skip
        for told, true in wanted.items():
            number = one.told(told)
            if number is not None and true in truth and int(number) != truth[true]:
                raise Wrong(f"{tool.name}: {number} {told}, and there were {truth[true]}")

    return check


def introduced(path: Path, truth: Truth, own: Result) -> str:
    """What a capture holds, and what of otmon's time does not grow with its packets."""
    packets = truth["packets"]
    text = f"{packets:,} packets of {path.stat().st_size // packets - 16} bytes on average."
    if "transactions" in truth:
        text += (
            f" {truth['transactions']:,} Modbus transactions, {truth['exceptions']:,} of them refused and "
            f"{truth['writes']:,} writing; otmon's facts and its rows account for every one."
        )
    return text + (
        f" Of otmon's {own.reading_seconds:.2f} s, {own.judging_seconds:.2f} s judge the facts against the "
        f"zones ({own.findings:,} findings): that grows with what differs, not with packets."
    )


def flooded(kind: str, packets: int, say: Callable[[str], None]) -> list[tuple[str, Run]]:
    """otmon over a capture in which everything is new, with and without transactions."""
    path, truth = made(kind, FOLDER, packets)
    runs = []
    for name, command in (("", otmon), (" with `--transactions`", otmon_transactions)):
        one = run(command(path, 0), FOUND_SOMETHING)
        say(f"{kind}{name.replace('`', '')}: {one.seconds:.1f} s, {one.peak_bytes / MEGABYTE:,.0f} MB")
        runs.append((f"{kind} of {truth['packets']:,} packets{name}", one))
    if "transactions" in truth:
        tool = Tool(kind, reader("otmon_transactions"), "", own=True)
        held_against(truth)(tool, run(tool.command(path, 0)))
    return runs


def compilation() -> tuple[Run, Run]:
    """A first replay that finds no kernels, and the next one."""
    with tempfile.TemporaryDirectory() as folder:
        command, fresh = [OTMON, "replay", SMALL_CAPTURE], {"NUMBA_CACHE_DIR": folder}
        first = run(command, FOUND_SOMETHING, fresh)
        return first, run(command, FOUND_SOMETHING, fresh)


def decisions() -> Run:
    """A hundred thousand facts, decided by a model of a hundred zones and two thousand permissions."""
    return run([sys.executable, "-m", "tests.bench.decisions"])


def smaller(help_s: Run, first: Run, second: Run, floods: list[tuple[str, Run]]) -> Section:
    """Start, compilation and memory."""
    day = f"`.venv/bin/otmon replay {SMALL_CAPTURE}`"
    rows = [
        ("help", "`.venv/bin/otmon --help`", help_s),
        ("first replay: compiles the kernels", f"`NUMBA_CACHE_DIR=EMPTY_FOLDER` {day}", first),
        ("the same again: loads them", day, second),
    ]
    for name, one in floods:
        more = f" --transactions {TRANSACTIONS}" if "--transactions" in name else ""
        rows.append((name, f"`.venv/bin/otmon replay FILE --zones {ZONES}{more}`", one))
    text = (
        "In the *flood* each packet has another MAC address, client, server, unit and register; in the "
        "*sweep* one client reads every register of sixteen devices, unit after unit, and every "
        "transaction of it is accounted for as well."
    )
    columns = ("what", ">s", ">CPU s", ">peak MB", "command")
    return Section(
        "Start, compilation, memory",
        text,
        columns,
        [
            (
                name,
                f"{one.seconds:.2f}",
                f"{one.cpu_seconds:.2f}",
                f"{one.peak_bytes / MEGABYTE:,.0f}",
                command,
            )
            for name, command, one in rows
        ],
    )


def held_to(
    best: Mapping[str, Mapping[str, Result]],
    help_s: float,
    compiling: float,
    deciding: float,
    wording: float,
    floods: Sequence[tuple[str, Run]],
) -> list[Goal]:
    """What was measured beside what it should be: seconds, bytes and packets in a second."""
    factory, office = best["factory"], best["office"]
    wanted = [
        Goal("Modbus mix, packets/s", 7e6, factory["otmon"].rate, "{:,.0f}"),
        Goal(
            "Modbus mix with `--transactions`, packets/s",
            3e6,
            factory["otmon --transactions"].rate,
            "{:,.0f}",
        ),
        Goal("IT mix, packets/s", 4e6, office["otmon"].rate, "{:,.0f}"),
    ]
    for name, least in (("libpcap", 0.5), ("ndpiReader", 2.5), ("nfstream", 20)):
        for kind, results in (("Modbus", factory), ("IT", office)):
            wanted.append(Goal(f"times {name}'s rate, {kind} mix", least, ratio_to(results, name), "{:.2f}"))
    wanted += [
        Goal("`otmon --help`, s", 0.3, help_s, "{:.2f}", at_most=True),
        Goal("100,000 facts decided by 2,000 permissions, CPU s", 2, deciding, "{:.2f}", at_most=True),
        Goal(
            "the same, and what comes nearest to each denied one with what that lacks, CPU s",
            2,
            deciding + wording,
            "{:.2f}",
            at_most=True,
        ),
        Goal("compilation, s", 30, compiling, "{:.1f}", at_most=True),
        *(
            Goal(f"memory, {name}, MB", 400, one.peak_bytes / MEGABYTE, "{:,.0f}", at_most=True)
            for name, one in floods
        ),
    ]
    return wanted


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--packets", type=int, metavar="N", help="of each capture, for a quick look")
    parser.add_argument("--times", type=int, default=3, metavar="N", help="runs of each tool (%(default)s)")
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="the page; docs/benchmarks.md unless --packets"
    )
    arguments = parser.parse_args()
    output = arguments.output or (None if arguments.packets else ROOT / "docs" / "benchmarks.md")
    FOLDER.mkdir(parents=True, exist_ok=True)
    console = Console()
    described = machine()

    def say(text: str) -> None:
        console.print(f"  {text}", highlight=False, markup=False)

    tools = [tool for tool in TOOLS if tool.needs()]
    left_out = {tool.name: "not installed" for tool in TOOLS if tool not in tools}
    for name in left_out:
        say(f"{name} is left out: not installed")
    sections: list[Section] = []
    best: dict[str, dict[str, Result]] = {}
    for kind, title in TITLES.items():
        path, truth = made(kind, FOLDER, arguments.packets or PACKETS[kind])
        console.print(f"{title}: {truth['packets']:,} packets", highlight=False)
        best[kind], failed = measure(tools, path, truth["packets"], arguments.times, held_against(truth), say)
        left_out |= {f"{name} ({kind})": reason for name, reason in failed.items()}
        sections.append(rates(title, introduced(path, truth, best[kind]["otmon"]), tools, path, best[kind]))
    help_s = min((run([OTMON, "--help"]) for _ in range(5)), key=lambda one: one.seconds)
    say(f"otmon --help: {help_s.seconds:.2f} s")
    first, second = compilation()
    say(f"first replay: {first.seconds:.1f} s, then {second.seconds:.1f} s")
    floods = [
        one for kind in ("flood", "sweep") for one in flooded(kind, arguments.packets or PACKETS[kind], say)
    ]
    decided = min((decisions() for _ in range(arguments.times)), key=lambda one: one.cpu_seconds)
    deciding = sum(float(decided.told(name) or "inf") for name in ("indexing", "deciding"))
    wording = float(decided.told("wording") or "inf")
    say(
        f"deciding: {deciding:.2f} s for {decided.told('facts')} facts, wording of what comes nearest "
        f"{wording:.2f} s"
    )
    wanted = held_to(best, help_s.seconds, first.seconds - second.seconds, deciding, wording, floods)
    sections = [goals(wanted), *sections, smaller(help_s, first, second, floods)]
    for section in sections:
        section.show(console)
    if output is not None:
        live = live_part(output.read_text(encoding="utf-8")) if output.exists() else ""
        output.write_text(written(sections, described, left_out, arguments.times) + live, encoding="utf-8")
        console.print(f"written: {output.name}", highlight=False)


if __name__ == "__main__":
    main()
