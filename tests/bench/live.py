"""Measure the live sensor at the end of a wire, beside tools that only write packets to a file, print
tables, and write them into docs/benchmarks.md.

A sender on one core offers the Modbus mix at one rate after the other; who listens has another core. What
Linux needs to bring a packet over a veth pair into a ring is counted as the sender's.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
from rich.console import Console

from tests.bench.captures import LINE, OFFICE, Block, host, made, modbus, request_of
from tests.bench.frames import ACK, PUSH, SYN, SYN_ACK, Ends, Ints, TcpState, ip_frames, same
from tests.bench.page import MEGABYTE, Goal, Section, goals, machine, with_live
from tests.bench.tools import FOLDER, ROOT, ZONES
from tests.namespaces import Wire, missing, wire
from tests.sensor.running import Sensor, sensor

RATES: Final = (10_000, 20_000, 50_000, 100_000, 200_000, 500_000)
SECONDS: Final = 10.0
CYCLES_S: Final = 54.0
"""The sensor is measured for so long: it saves every nine seconds, and judges what only counts tell with
every third save. Shorter, it would be chance how much of that is in it."""
WARM_RATE: Final = 100_000
SETTLED_S: Final = 5.0
"""Before it the sensor hears the whole capture once, at this rate, and tells and proves what it found until
no proof came for so long: what is measured is a plant in which hardly anything is new."""
CAPTURE_PACKETS: Final = 500_000
PROBES, PROBE_EVERY_S = 3, 3.0
WRITE: Final = Block(6, 30, 1)
BUFFER_MB: Final = 64
"""Of each tool, and of the sensor's ring."""
TICKS: Final = os.sysconf("SC_CLK_TCK")
CORES: Final = sorted(os.sched_getaffinity(0))


@dataclass(frozen=True, slots=True)
class Measured:
    """What one listener did at one rate."""

    name: str
    rate: int
    offered: int
    late_s: float
    """How far the sender lagged behind its rate at the end."""
    read: int
    dropped: int
    """As the listener tells it."""
    core: float
    """Share of one core while packets came."""
    peak_bytes: int
    finding_s: float | None = None
    """The longest time from a forbidden packet to its line of JSON."""

    @property
    def lost(self) -> int:
        return self.offered - self.read


def cpu_seconds(pid: int) -> float:
    """What a process and those that it started have used so far."""
    total = 0.0
    for one in family(pid):
        fields = Path(f"/proc/{one}/stat").read_text(encoding="ascii").rpartition(") ")[2].split()
        total += sum(map(int, fields[11:15])) / TICKS
    return total


def peak_bytes(pid: int) -> int:
    """The most memory that they held, pages that several of them hold counted for each."""
    texts = [Path(f"/proc/{one}/status").read_text(encoding="ascii") for one in family(pid)]
    return sum(int(found[1]) * 1024 for text in texts if (found := re.search(r"VmHWM:\s+(\d+)", text)))


def family(pid: int) -> Iterator[int]:
    yield pid
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text(encoding="ascii").split():
            yield from family(int(child))


@contextmanager
def on_core(core: int) -> Iterator[None]:
    """What is started here stays on one core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def offering(
    wire: Wire, path: Path, rate: int, packets: int, passes: int = 0
) -> Iterator[subprocess.Popen[str]]:
    """A sender that runs; `passes` are the times that the capture was sent before."""
    words = [sys.executable, "-m", "tests.bench.sender", wire.near, str(path), str(rate), str(packets)]
    words += [str(passes)]
    with on_core(CORES[0]):
        sender = subprocess.Popen(
            ["ip", "netns", "exec", wire.namespace, *words], stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
    try:
        yield sender
    finally:
        sender.kill()
        sender.wait()


def late(sender: subprocess.Popen[str]) -> float:
    output, _ = sender.communicate()
    assert sender.returncode == 0, output
    (found,) = re.findall(r"^late (\S+)$", output, re.M)
    return float(found)


def forbidden(number: int) -> list[bytes]:
    """A connection in which a host of the office writes to a controller; each number is another host."""
    one: Ints = np.zeros(1, np.int64)
    ends = Ends(host(OFFICE, one + 100 + number), host(LINE + 1, one + 11), one + 50_000, one + 502)
    request = modbus(one + 1, one + 1, request_of(WRITE), np.zeros((1, 0), np.uint8))
    steps = (
        (ends, b"", TcpState(one, one, SYN)), (ends.turned(), b"", TcpState(one, one + 1, SYN_ACK)),
        (ends, b"", TcpState(one + 1, one + 1, ACK)), (ends, request, TcpState(one + 1, one + 1, PUSH)),
    )  # fmt: skip
    return [
        bytes(ip_frames(way, same(said, 1) if isinstance(said, bytes) else said, one, state)[0])
        for way, said, state in steps
    ]


def probe(wire: Wire, running: Sensor, found: Path, number: int) -> float:
    """Seconds from a forbidden packet to its line of JSON."""
    client = f"10.10.0.{100 + number}"
    begin = time.monotonic()
    wire.send(forbidden(number))
    running.wait_for(lambda: f'"{client}"' in found.read_text(encoding="utf-8"), 120)
    return time.monotonic() - begin


def otmon_at(rate: int, seconds: float, path: Path, options: Sequence[str] = ()) -> Measured:
    """The sensor with a model, a ledger and evidence, as docs/deploy.md sets it up."""
    packets = int(rate * (seconds + PROBES * PROBE_EVERY_S))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        wired = stack.enter_context(wire())
        found = folder / "findings.jsonl"
        words = ["--zones", ZONES, "--ledger", str(folder / "plant.db"), "--json", str(found)]
        words += ["--evidence", str(folder / "evidence"), "--ring-mb", str(BUFFER_MB), *options]
        with on_core(CORES[-1]):
            running = stack.enter_context(sensor(wired, *words))
        pid = running.process.pid
        with offering(wired, path, WARM_RATE, CAPTURE_PACKETS) as first:
            late(first)
        settle(running)
        sender = stack.enter_context(offering(wired, path, rate, packets, 1))
        running.wait_for(lambda: running.metrics()[PACKETS] > CAPTURE_PACKETS)
        before, begin = cpu_seconds(pid), time.monotonic()
        time.sleep(seconds)
        core = (cpu_seconds(pid) - before) / (time.monotonic() - begin)
        times = []
        while sender.poll() is None and len(times) < PROBES:
            times.append(probe(wired, running, found, len(times)))
            time.sleep(max(PROBE_EVERY_S - times[-1], 0))
        behind = late(sender)
        offered = CAPTURE_PACKETS + packets + len(times) * len(forbidden(0))
        end = time.monotonic() + 5
        while (metrics := running.metrics())[PACKETS] < offered and time.monotonic() < end:
            time.sleep(0.2)
        read, dropped = int(metrics[PACKETS]), int(metrics[DROPPED])
        return Measured(
            "otmon", rate, offered, behind, read, dropped, core, peak_bytes(pid), max(times, default=None)
        )


def settle(running: Sensor) -> None:
    """Until nothing more is written about what was heard first."""
    count, since = -1.0, time.monotonic()
    end = since + 120
    while time.monotonic() < min(since + SETTLED_S, end):
        time.sleep(0.5)
        if (now := running.metrics()["otmon_evidence_files"]) != count:
            count, since = now, time.monotonic()


PACKETS: Final = 'otmon_capture_packets_total{interface="far0"}'
DROPPED: Final = 'otmon_capture_dropped_packets_total{interface="far0"}'


@dataclass(frozen=True, slots=True)
class Writer:
    """A tool that writes what it hears to a file, and at its end tells how much that was."""

    name: str
    command: tuple[str, ...]
    listening: str
    """It says so once it listens."""
    read: str
    dropped: str
    """Expressions that find the numbers in what it says."""


WRITERS: Final = (
    Writer(
        "tcpdump", ("tcpdump", "-n", "-i", "far0", "-B", str(BUFFER_MB << 10), "-w", "FILE"),
        "listening on", r"(\d+) packets captured", r"(\d+) packets dropped by kernel",
    ),
    Writer(
        "dumpcap", ("dumpcap", "-q", "-i", "far0", "-B", str(BUFFER_MB), "-w", "FILE"),
        "File:", r"Packets captured: (\d+)", r"received/dropped on interface [^:]+: \d+/(\d+)",
    ),
)  # fmt: skip


def writer_at(tool: Writer, rate: int, seconds: float, path: Path) -> Measured:
    packets = int(rate * seconds)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        wired = stack.enter_context(wire())
        words = [str(folder / "heard.pcap") if word == "FILE" else word for word in tool.command]
        # dumpcap gives its rights up, and then has none to a folder that is root's alone.
        folder.chmod(0o777)
        with on_core(CORES[-1]), (folder / "said").open("wb") as said:
            process = subprocess.Popen(
                ["ip", "netns", "exec", wired.namespace, *words], stdout=said, stderr=said
            )
        stack.callback(process.wait)
        stack.callback(process.kill)

        def text() -> str:
            return (folder / "said").read_text(encoding="utf-8", errors="replace")

        wait_until(lambda: tool.listening in text() or process.poll() is not None, 20)
        assert process.poll() is None, text()
        with offering(wired, path, rate, packets) as sender:
            before, begin = cpu_seconds(process.pid), time.monotonic()
            behind = late(sender)
            core = (cpu_seconds(process.pid) - before) / (time.monotonic() - begin)
        time.sleep(1.5)
        peak = peak_bytes(process.pid)
        process.send_signal(signal.SIGINT)
        process.wait(60)
        numbers = [re.search(one, text()) for one in (tool.read, tool.dropped)]
        read, dropped = (int(one[1]) if one else 0 for one in numbers)
    return Measured(tool.name, rate, packets, behind, read, dropped, core, peak)


def wait_until(holds: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.02)


TEXT: Final = """\
`make bench-live` sends the Modbus mix over a veth pair in a network namespace, {seconds:g} s at each rate,
with many packets in one system call, from one core; who listens has the other one. The sensor has
{cycles:g} s, which are two rounds of all that it does: six saves, and two judgements of what only counts
tell. It has heard the mix once before: what is measured is a plant in which nothing is new. Then, under the
same load, a few packets of writes that no permission covers go between the others: *finding* is the longest
time until the sensor's line of JSON was there. otmon runs with a model, a ledger and evidence, which cost it
what they cost in a plant. tcpdump and dumpcap write packets to a file and understand none of them. All have
a buffer of {buffer} MB. What Linux needs to bring a packet into it runs on the sender's core, and is in
no column.

Where the sender itself could not keep the rate, *offered/s* is less than it; it shares the machine with
whoever listens. Zeek and Suricata were not measured: neither can be installed where this page was written.

{machine}
"""


def section(results: Sequence[Measured], seconds: float) -> Section:
    described = "\n".join(machine())
    columns = (
        "tool", ">packets/s", ">offered/s", ">packets", ">lost", ">told as lost", ">of a core", ">peak MB",
        ">finding, s",
    )  # fmt: skip
    rows = [
        (
            one.name,
            f"{one.rate:,}",
            f"{one.offered / (one.offered / one.rate + max(one.late_s, 0)):,.0f}",
            f"{one.offered:,}",
            f"{one.lost:,}",
            f"{one.dropped:,}",
            f"{one.core:.1%}",
            f"{one.peak_bytes / MEGABYTE:,.0f}",
            "" if one.finding_s is None else f"{one.finding_s:.2f}",
        )
        for one in results
    ]
    text = TEXT.format(seconds=seconds, cycles=max(seconds, CYCLES_S), buffer=BUFFER_MB, machine=described)
    return Section("Live: packets of a wire", text, columns, rows)


def wanted(results: Sequence[Measured]) -> list[Goal]:
    own = {one.rate: one for one in results if one.name == "otmon"}
    at = {rate: own.get(rate) for rate in (20_000, 500_000)}
    twenty, most = at[20_000], at[500_000]
    found = [one.finding_s for one in own.values() if one.finding_s is not None]
    peaks = [one.peak_bytes / MEGABYTE for one in own.values()]
    return [
        Goal("lost at 500,000 packets/s", 0, most.lost if most else None, "{:,.0f}", at_most=True),
        Goal("% of a core at 20,000 packets/s", 10, twenty.core * 100 if twenty else None, "{:.1f}",
             at_most=True),
        Goal("from a packet to its finding, s", 2, max(found, default=None), "{:.2f}", at_most=True),
        Goal("memory, MB", 500, max(peaks, default=None), "{:,.0f}", at_most=True),
    ]  # fmt: skip


def told(console: Console, one: Measured) -> None:
    console.print(f"  {json.dumps(asdict(one))}", highlight=False, markup=False)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.live", description=__doc__)
    parser.add_argument(
        "--seconds",
        type=float,
        default=SECONDS,
        metavar="N",
        help="at each rate (%(default)g), at least",
    )
    parser.add_argument("--rates", type=int, nargs="+", default=RATES, metavar="N", help="packets/s")
    parser.add_argument("--output", type=Path, metavar="FILE", help="the page; docs/benchmarks.md by default")
    parser.add_argument("--only", metavar="TOOL", help="one tool, and no page")
    parser.add_argument("--options", default="", metavar="WORDS", help="more options of the sensor")
    arguments = parser.parse_args()
    if reason := missing():
        sys.exit(f"a wire to listen on: {reason}")
    FOLDER.mkdir(parents=True, exist_ok=True)
    path, _ = made("factory", FOLDER, CAPTURE_PACKETS)
    console = Console()
    results: list[Measured] = []
    writers = [tool for tool in WRITERS if shutil.which(tool.command[0])]
    options = arguments.options.split()
    for rate in arguments.rates:
        if arguments.only in (None, "otmon"):
            results.append(otmon_at(rate, max(arguments.seconds, CYCLES_S), path, options))
            told(console, results[-1])
        for tool in writers:
            if arguments.only in (None, tool.name):
                results.append(writer_at(tool, rate, arguments.seconds, path))
                told(console, results[-1])
    sections = [goals(wanted(results), "Goals of the live sensor"), section(results, arguments.seconds)]
    for one in sections:
        one.show(console)
    if arguments.only is None:
        output = arguments.output or ROOT / "docs" / "benchmarks.md"
        output.write_text(with_live(output.read_text(encoding="utf-8"), sections), encoding="utf-8")
        console.print(f"written: {output.name}", highlight=False)


if __name__ == "__main__":
    main()
