"""A real Prometheus, configured by deploy/prometheus, that scrapes a real sensor at the end of a wire."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.namespaces import Wire, inside
from tests.namespaces import missing as wire_is_missing

ROOT = Path(__file__).resolve().parent.parent.parent
CONFIGURATION = ROOT / "deploy" / "prometheus"
ADDRESS = "http://127.0.0.1:9090"


def missing() -> str:
    """Why there can be no such Prometheus here; nothing where there can."""
    if shutil.which("prometheus") is None:
        return "needs prometheus (Debian: apt-get install prometheus)"
    return wire_is_missing()


class Prometheus:
    """A server that runs in the namespace of the wire."""

    def __init__(self, wire: Wire, process: subprocess.Popen[bytes], log: Path) -> None:
        self._wire = wire
        self._process = process
        self._log = log

    def ask(self, path: str, **words: str) -> Any:
        """The `data` of an answer; what Prometheus refuses fails with its words."""
        query = "?" + urllib.parse.urlencode(words) if words else ""
        with inside(self._wire.namespace):
            try:
                with urllib.request.urlopen(f"{ADDRESS}/api/v1/{path}{query}", timeout=10) as answer:
                    return json.load(answer)["data"]
            except urllib.error.HTTPError as error:
                raise AssertionError(f"{words or path}: {error.read().decode()}") from None

    def query(self, expression: str) -> list[Any]:
        """The samples that a query gives now."""
        samples: list[Any] = self.ask("query", query=expression)["result"]
        return samples

    def firing(self) -> set[str]:
        """Names of the alerts that fire."""
        return {one["labels"]["alertname"] for one in self.alerts() if one["state"] == "firing"}

    def alerts(self) -> list[Any]:
        """Pending and firing alerts with their texts."""
        alerts: list[Any] = self.ask("alerts")["alerts"]
        return alerts

    def wait_for(self, holds: Callable[[], object], seconds: float = 60.0) -> None:
        """Until something holds; fails with the alerts that fire and the end of the log."""
        end = time.monotonic() + seconds
        while not holds():
            log = self._log.read_text(encoding="utf-8", errors="replace")[-2000:]
            assert self._process.poll() is None, log
            assert time.monotonic() < end, f"firing: {sorted(self.firing())}\n{log}"
            time.sleep(0.2)

    def is_ready(self) -> bool:
        try:
            return bool(self.query('up{job="otmon"} == 1'))
        except (OSError, AssertionError):
            return False


def hastened(folder: Path, scrape: str, jobs: str) -> Path:
    """A copy of the shipped configuration that looks every second, and fires without the minutes of
    patience; an hour's stays. `scrape` is added to the sensor's job, `jobs` behind all jobs."""
    copy = Path(shutil.copytree(CONFIGURATION, folder / "prometheus"))
    main = copy / "prometheus.yml"
    text, changed = re.subn(r"(_interval): 15s", r"\1: 1s", main.read_text(encoding="utf-8"))
    text, shorter = re.subn(r"scrape_timeout: 10s", "scrape_timeout: 1s", text)
    assert (changed, shorter) == (2, 1)
    text = text.replace("  - job_name: otmon\n", f"  - job_name: otmon\n{scrape}", 1)
    main.write_text(text + jobs, encoding="utf-8")
    alerts = copy / "rules" / "otmon-alerts.yml"
    text = re.sub(r"for: \dm\n", "for: 0s\n", alerts.read_text(encoding="utf-8"))
    alerts.write_text(text, encoding="utf-8")
    return main


@contextmanager
def prometheus(wire: Wire, folder: Path, scrape: str = "", jobs: str = "") -> Iterator[Prometheus]:
    """A server that has scraped the sensor in the namespace of the wire at least once."""
    log = folder / "prometheus.log"
    words = [
        "prometheus", f"--config.file={hastened(folder, scrape, jobs)}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        "--web.listen-address=127.0.0.1:9090",
    ]  # fmt: skip
    with log.open("wb") as stream:
        process = subprocess.Popen(
            ["ip", "netns", "exec", wire.namespace, *words], stdout=stream, stderr=stream, cwd=folder
        )
    try:
        running = Prometheus(wire, process, log)
        running.wait_for(running.is_ready)
        yield running
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)
