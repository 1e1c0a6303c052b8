"""What `otmon replay --metrics` writes can be loaded and asked for, as docs/deploy.md says."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from otmon.outputs.metrics import OF_A_SENSOR
from tests.command import otmon
from tests.deploy.test_dashboards import queries
from tests.listening import free_port
from tests.sensor.running import ROOT

needed = pytest.mark.skipif(
    shutil.which("promtool") is None or shutil.which("prometheus") is None,
    reason="needs prometheus (Debian: apt-get install prometheus)",
)
LOAD = "promtool tsdb create-blocks-from openmetrics day.om data"


def ask(port: int, expression: str, at: float) -> Any:
    words = urllib.parse.urlencode({"query": expression, "time": str(at)})
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/query?{words}", timeout=10) as answer:
        return json.load(answer)["data"]["result"]


def asked(port: int, expression: str, span: tuple[float, float]) -> Any:
    """What a panel shows of the time between two moments, minute by minute."""
    words = urllib.parse.urlencode(
        {"query": expression, "start": str(span[0]), "end": str(span[1]), "step": "60"}
    )
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/query_range?{words}", timeout=20) as answer:
        return json.load(answer)["data"]["result"]


OF_A_LIVE_SENSOR = {
    "up", "ALERTS", "process_resident_memory_bytes", "process_cpu_seconds_total", "time",
    *(f"{name}{suffix}" for name in OF_A_SENSOR for suffix in ("", "_total")),
}  # fmt: skip
"""What panels ask for that a capture has not."""


@needed
def test_prometheus_answers_for_the_times_of_the_packets(tmp_path: Path) -> None:
    assert LOAD in (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    capture, model = ROOT / "pcaps" / "water-works-day.pcapng", ROOT / "zones" / "water-works.yaml"
    status, _, _ = otmon("replay", capture, "--zones", model, "--metrics", tmp_path / "day.om")
    assert status == 1
    subprocess.run(LOAD.split(), check=True, cwd=tmp_path, capture_output=True, timeout=120)
    text = (tmp_path / "day.om").read_text(encoding="utf-8")
    samples = re.findall(r"^otmon_capture_packets_total\{.*\} (\S+) (\S+)$", text, re.M)
    middle, last = (samples[len(samples) // 2], samples[-1])
    assert float(middle[0]) < float(last[0])

    (tmp_path / "empty.yml").write_text("global: {}\n", encoding="utf-8")
    port = free_port()
    words = [
        "prometheus", "--config.file=empty.yml", "--storage.tsdb.path=data",
        "--storage.tsdb.retention.time=100y", f"--web.listen-address=127.0.0.1:{port}",
    ]  # fmt: skip
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(words, cwd=tmp_path, stdout=log, stderr=log)
    try:
        end = time.monotonic() + 30
        while True:
            try:
                ask(port, "1", 0)
                break
            except (OSError, urllib.error.URLError):
                assert time.monotonic() < end, (tmp_path / "log").read_text(encoding="utf-8")
                time.sleep(0.1)
        for packets, at in (middle, last):
            (sample,) = ask(port, "otmon_capture_packets_total", float(at))
            assert float(sample["value"][1]) == float(packets)
            assert sample["metric"]["instance"] == "replay"
        critical = 'otmon_findings{severity="critical", rule="value-out-of-limits"}'
        (found,) = ask(port, critical, float(last[1]))
        assert found["value"][1] == "1"
        assert ask(port, critical, float(samples[0][1])) == []
        assert ask(port, "sum(rate(otmon_modbus_transactions_total[1h])) > 0", float(last[1]))
        answers = "otmon_modbus_response_seconds"
        assert ask(
            port, f'{answers}_bucket{{le="+Inf"}} == on (from_zone, to_zone) {answers}_count', float(last[1])
        )
        (sample,) = ask(
            port, f"histogram_quantile(0.95, sum by (le) (rate({answers}_bucket[1h])))", float(last[1])
        )
        assert 0.001 < float(sample["value"][1]) < 1
        # The same dashboards, at the time of the packets and without recording rules.
        first = float(samples[0][1])
        shown = {
            (page, title): asked(port, expression, (first, float(last[1])))
            for page, title, expression, _ in queries()
            if not OF_A_LIVE_SENSOR & set(re.findall(r"\b[A-Za-z_]+\b", expression))
        }
        assert len(shown) > 30
        # What is denied on that day comes within a minute: it has no sample before it to grow from.
        empty = [title for (_, title), data in shown.items() if not data]
        assert [title.rpartition(" / ")[2] for title in empty] == ["Denied packets in five minutes"]
    finally:
        server.terminate()
        server.wait(20)
