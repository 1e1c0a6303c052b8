"""The installed sensor as a process of its own, at the end of a wire."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.namespaces import Wire

ROOT = Path(__file__).resolve().parent.parent.parent
ASK = "import sys, urllib.request as u; print(u.urlopen(sys.argv[1], timeout=60).read().decode())"


class Sensor:
    """A sensor that runs."""

    def __init__(self, wire: Wire, process: subprocess.Popen[str]) -> None:
        self.wire = wire
        self.process = process
        self.said: list[str] = []
        """Its lines on standard error so far."""
        self.told: list[str] = []
        """Its lines on standard output so far."""
        self._hearing = [
            threading.Thread(target=_collect, args=(stream, lines), daemon=True)
            for stream, lines in ((process.stderr, self.said), (process.stdout, self.told))
        ]
        for one in self._hearing:
            one.start()

    def wait_for(self, holds: Callable[[], object], seconds: float = 180.0) -> None:
        """Until something holds; fails with what the sensor said."""
        end = time.monotonic() + seconds
        while not holds():
            assert self.process.poll() is None, "\n".join(self.said)
            assert time.monotonic() < end, f"not within {seconds} s; it said:\n" + "\n".join(self.said)
            time.sleep(0.02)

    def says(self, text: str) -> bool:
        return any(text in line for line in self.said)

    def metrics(self) -> dict[str, float]:
        """Every sample by its name with labels."""
        page = self.wire.run(sys.executable, "-c", ASK, "http://127.0.0.1:9877/metrics")
        lines = [line.rsplit(" ", 1) for line in page.splitlines() if line and not line.startswith("#")]
        return {name: float(value) for name, value in lines}

    def end(self, how: int = signal.SIGTERM) -> tuple[int, float]:
        """Exit status, and how long the end took in seconds."""
        begin = time.monotonic()
        self.process.send_signal(how)
        return self.ended(), time.monotonic() - begin

    def ended(self, seconds: float = 180.0) -> int:
        """Wait for an end that comes by itself, and for the last words; the exit status."""
        status = self.process.wait(seconds)
        for one in self._hearing:
            one.join(seconds)
            assert not one.is_alive(), "somebody still holds what the sensor speaks to"
        return status

    def closed(self) -> None:
        """Nothing of a killed sensor stays open, even where a test has failed."""
        self.process.wait()
        for one, stream in zip(self._hearing, (self.process.stderr, self.process.stdout), strict=True):
            one.join(10)
            # To close what a thread reads would wait for ever.
            if stream is not None and not one.is_alive():
                stream.close()

    def wait_until_judged(self, name: str, packets: int) -> None:
        """Until a metric has counted so many packets, and the facts of all of them were judged."""
        self.wait_for(lambda: self.metrics()[name] == packets)
        # Whatever is judged from now on are the facts of all packets that were told.
        since = time.time()
        self.wait_for(lambda: self.metrics()["otmon_last_judgement_timestamp_seconds"] > since)


def findings_in(path: Path) -> list[dict[str, Any]]:
    """The findings that a sensor has written so far; none where there is no file yet.

    A file grows by pages: while a line is written, its beginning may be there alone.
    """
    written = path.read_bytes() if path.exists() else b""
    return [json.loads(line) for line in written[: written.rfind(b"\n") + 1].splitlines()]


def _collect(stream: object, lines: list[str]) -> None:
    for line in stream:  # type: ignore[attr-defined]
        lines.append(line.rstrip("\n"))


@contextmanager
def sensor(wire: Wire, *options: str, listening: bool = True, folder: Path = ROOT) -> Iterator[Sensor]:
    """A sensor on the far end, which runs in a folder and may leave its memory there; ready to hear, unless
    `listening` is False."""
    wire.run("ip", "link", "set", "lo", "up")
    command = [
        "prlimit",
        "--core=unlimited",
        "ip",
        "netns",
        "exec",
        wire.namespace,
        sys.executable,
        "-m",
        "otmon.cli",
        "sensor",
    ]
    environment = {key: value for key, value in os.environ.items() if key != "NUMBA_DISABLE_JIT"}
    process = subprocess.Popen(
        [*command, "--interface", wire.far, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env={**environment, "PYTHONPATH": str(ROOT)},
    )
    running = Sensor(wire, process)
    try:
        if listening:
            running.wait_for(lambda: running.says("listening on") or running.says("監視を開始"), 180)
        yield running
    finally:
        process.kill()
        running.closed()
