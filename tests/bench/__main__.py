"""Measure, print a table, and write docs/benchmarks.md.

Every tool is a process of its own on one core; the tools take turns, and the best of several runs
counts. A tool that is not there is left out, and said to be.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

from rich.console import Console

from tests.bench.captures import head, made

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDER = ROOT / "build" / "bench"
PYTHON = sys.executable
OTMON = str(Path(PYTHON).with_name("otmon"))
PACKETS = {"factory": 2_000_000, "office": 600_000, "flood": 1_000_000}
PARTS = {"tshark": 100_000, "dpkt": 200_000, "scapy": 10_000, "pyshark": 1_000}
"""Packets that slow tools get."""
MEGABYTE = 1_000_000


INTRODUCTION = """\
`make bench` makes the captures, runs every tool on one core in turns, and writes this page: the best of
{times} runs of each. Rates of otmon, libpcap, nfstream, dpkt, scapy and pyshark leave out the start of the
program; *whole process* has it in, with reading the model and printing the table. Slow tools got a part of
the capture. What each tool does differs: libpcap only counts, ndpiReader and nfstream name flows, otmon also
decodes every Modbus transaction and judges the zones. Few addresses of these captures are in a zone of the
model, so judging has little to do here: a plant whose traffic breaks its rules often is slower."""


@dataclass(frozen=True, slots=True)
class Run:
    """One process: packets that it read, seconds, and peak memory. `seconds` is without the start of
    the program where it tells that itself."""

    packets: int
    seconds: float
    cpu_seconds: float
    peak_bytes: int
    output: str


def run(command: list[str], packets: int, environment: dict[str, str] | None = None) -> Run:
    """Run a command on one core."""
    one_core = ["taskset", "--cpu-list", str(max(os.sched_getaffinity(0)))]
    with tempfile.TemporaryFile() as out:
        before = time.perf_counter()
        process = subprocess.Popen(
            [*one_core, *command], stdout=out, stderr=subprocess.DEVNULL, cwd=ROOT,
            env=os.environ | (environment or {}),
        )  # fmt: skip
        _, _, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - before
        out.seek(0)
        output = out.read().decode(errors="replace")
    told = re.search(r"^seconds ([\d.e-]+)$", output, re.M)
    read = re.search(r"^packets (\d+)$", output, re.M)
    return Run(
        int(read[1]) if read else packets,
        float(told[1]) if told else seconds,
        used.ru_utime + used.ru_stime,
        used.ru_maxrss * 1024,
        output,
    )


def reader(name: str) -> list[str]:
    return [PYTHON, "-m", "tests.bench.readers", name]


TOOLS: dict[str, list[str]] = {
    "otmon": reader("otmon"),
    "otmon, whole process": [OTMON, "replay", "FILE", "--zones", "zones/factory.yaml"],
    "otmon with --transactions": reader("otmon_transactions"),
    "libpcap, counting loop": reader("libpcap"),
    "ndpiReader": ["ndpiReader", "-q", "-i", "FILE"],
    "suricata": ["suricata", "-r", "FILE", "-l", "build/bench", "--runmode", "single", "-k", "none"],
    "nfstream": reader("nfstream"),
    "dpkt": reader("dpkt"),
    "tshark": ["tshark", "-n", "-r", "FILE", "-T", "fields", "-e", "modbus.func_code"],
    "scapy": reader("scapy"),
    "pyshark": reader("pyshark"),
}
"""Name and command; without FILE the capture is the last argument."""


def command_of(tool: str, path: Path) -> list[str]:
    words = TOOLS[tool]
    return (
        [str(path) if word == "FILE" else word for word in words] if "FILE" in words else [*words, str(path)]
    )


def measure(path: Path, packets: int, times: int, console: Console) -> dict[str, Run]:
    """The best run of each tool."""
    best: dict[str, Run] = {}
    for turn in range(times):
        for tool, words in TOOLS.items():
            if tool in PARTS and turn:
                continue
            if shutil.which(words[0]) is None:
                continue
            amount = min(PARTS.get(tool, packets), packets)
            part = path if amount == packets else head(path, amount)
            done = run(command_of(tool, part), amount)
            console.print(f"  {tool}: {done.packets / done.seconds:,.0f} packets/s", highlight=False)
            if tool not in best or done.seconds / done.packets < best[tool].seconds / best[tool].packets:
                best[tool] = replace(
                    done, peak_bytes=max(done.peak_bytes, best[tool].peak_bytes if tool in best else 0)
                )
    return best


def table(best: dict[str, Run]) -> list[str]:
    own = best["otmon"].packets / best["otmon"].seconds
    lines = [
        "| tool | packets | packets/s | otmon is | CPU s | peak MB |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for tool, one in sorted(best.items(), key=lambda item: item[1].seconds / item[1].packets):
        rate = one.packets / one.seconds
        times = "" if tool.startswith("otmon") else f"{own / rate:,.2f} ×"
        lines.append(
            f"| {tool} | {one.packets:,} | {rate:,.0f} | {times} | {one.cpu_seconds:.2f} | "
            f"{one.peak_bytes / MEGABYTE:,.0f} |"
        )
    return lines


def machine() -> str:
    model = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    cpu = model[1] if model else platform.processor()
    versions = ", ".join(
        f"{name} {version(name)}" for name in ("numba", "numpy", "nfstream", "dpkt", "scapy", "pyshark")
    )
    return (
        f"{cpu}, {os.cpu_count()} cores, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}, {versions}; {time.strftime('%Y-%m-%d')}"
    )


def start_seconds() -> float:
    return min(run([OTMON, "--help"], 1, {"TERM": "dumb"}).seconds for _ in range(5))


def first_run() -> Run:
    """A replay with no compiled kernels anywhere."""
    with tempfile.TemporaryDirectory() as folder:
        return run([OTMON, "replay", "pcaps/factory-day.pcapng"], 1, {"NUMBA_CACHE_DIR": folder})


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parser.add_argument("--packets", type=int, help="of each capture, for a quick look; writes no page")
    parser.add_argument("--times", type=int, default=3)
    arguments = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    console = Console()
    missing = sorted({words[0] for words in TOOLS.values() if shutil.which(words[0]) is None})
    page = [
        "<!-- written by `make bench` -->", "", "# Speed and memory", "",
        INTRODUCTION.format(times=arguments.times), "",
        f"Machine: {machine()}.",
    ]  # fmt: skip
    if missing:
        page += ["", f"Left out, as they are not installed: {', '.join(missing)}."]
    for name in ("factory", "office"):
        amount = arguments.packets or PACKETS[name]
        path = made(name, FOLDER, amount)
        truth = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        console.print(
            f"{name}: {truth['packets']:,} packets, {path.stat().st_size / MEGABYTE:,.0f} MB", highlight=False
        )
        best = measure(path, truth["packets"], arguments.times, console)
        for tool in ("otmon", "otmon with --transactions"):
            found = re.search(r"^transactions (\d+)$", best[tool].output, re.M)
            assert best[tool].packets == truth["packets"]
            assert found and int(found[1]) == truth.get("transactions", int(found[1])), (
                "transactions are missing"
            )
        title = {"factory": "Factory: Modbus polling", "office": "Office: mixed traffic"}[name]
        told = (
            f", {truth['transactions']:,} Modbus transactions, every one accounted for"
            if "transactions" in truth
            else ""
        )
        page += ["", f"## {title}", "", f"{truth['packets']:,} packets{told}.", "", *table(best)]
    amount = arguments.packets or PACKETS["flood"]
    path = made("flood", FOLDER, amount)
    flooded = [
        run([OTMON, "replay", str(path), *more], amount)
        for more in ([], ["--transactions", "build/bench/transactions.parquet"])
    ]
    compiled = first_run()
    page += [
        "", "## Start, compilation, memory", "",
        "| what | measured | goal |", "| --- | ---: | ---: |",
        f"| `otmon --help` | {start_seconds():.2f} s | 0.3 s |",
        f"| first replay with an empty cache, compilation included | {compiled.seconds:.0f} s | 30 s |",
        f"| peak memory of that | {compiled.peak_bytes / MEGABYTE:,.0f} MB | |",
        f"| a flood of {amount:,} packets of as many forged senders, peak memory | "
        f"{flooded[0].peak_bytes / MEGABYTE:,.0f} MB | 400 MB |",
        f"| the same with `--transactions` | {flooded[1].peak_bytes / MEGABYTE:,.0f} MB | 400 MB |",
        f"| the same, packets/s | {amount / flooded[0].seconds:,.0f} | |",
        "",
    ]  # fmt: skip
    text = "\n".join(page)
    console.print(text, highlight=False, markup=False)
    if arguments.packets is None:
        (ROOT / "docs" / "benchmarks.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
