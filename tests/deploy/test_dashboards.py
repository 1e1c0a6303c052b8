from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from otmon.outputs.metrics import metrics
from tests.deploy.monitored import missing, prometheus
from tests.namespaces import wire
from tests.outputs.sensed import status
from tests.sensor.running import ROOT, sensor
from tests.sensor.traffic import frames_of

FOLDER = ROOT / "dashboards"
PAGES = sorted((FOLDER / "json").glob("*.json"))


def loaded(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def panels(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for panel in loaded(path)["panels"]:
        yield panel["title"], panel


def queries() -> Iterator[tuple[str, str, str, bool]]:
    """Page, panel, expression as Grafana would send it for all sensors, and whether over time."""
    for path in PAGES:
        for title, panel in panels(path):
            for target in panel.get("targets", ()):
                expression = target["expr"].replace("$instance", ".+")
                assert "$" not in expression, f"{path.name}: {title}"
                yield path.stem, title, expression, bool(target.get("range"))


def test_the_files_are_what_the_code_makes(tmp_path: Path) -> None:
    if find_spec("grafana_foundation_sdk") is None:
        pytest.skip("grafana-foundation-sdk is not installed (`make dashboards` needs it)")
    copy = shutil.copytree(FOLDER / "source", tmp_path / "dashboards" / "source")
    shutil.copytree(ROOT / "deploy" / "prometheus", tmp_path / "deploy" / "prometheus")
    subprocess.run([sys.executable, "-m", "dashboards.source"], check=True, cwd=tmp_path, timeout=60)
    made = {path.name: path.read_text(encoding="utf-8") for path in (copy.parent / "json").glob("*.json")}
    there = {path.name: path.read_text(encoding="utf-8") for path in PAGES}
    assert there == made, "`make dashboards` writes them anew"


def test_the_files_are_what_the_schema_of_grafana_says() -> None:
    schema = FOLDER / "schema"
    if shutil.which("node") is None or not (schema / "node_modules").is_dir():
        pytest.skip("Grafana's schema is not installed (`make dashboards` does it, where npm is)")
    done = subprocess.run(["node", schema / "check.mjs"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    count = sum(len(loaded(path)["panels"]) for path in PAGES)
    assert done.stdout == f"{count} panels are what Grafana's schema says\n"


def test_schema_image_and_document_are_of_one_version() -> None:
    wanted = loaded(FOLDER / "schema" / "package.json")["devDependencies"]["@grafana/schema"]
    assert f"grafana/grafana:{wanted}\n" in (ROOT / "compose.yaml").read_text(encoding="utf-8")
    assert f"Grafana {wanted} publishes" in (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")


def test_there_are_the_pages_that_people_ask_for() -> None:
    assert {path.stem for path in PAGES} == {"overview", "boundaries", "protocols", "assets", "sensor"}
    assert len({loaded(path)["uid"] for path in PAGES}) == len(PAGES)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_titles_are_japanese_and_english(path: Path) -> None:
    for title in (loaded(path)["title"].removeprefix("otmon: "), *(title for title, _ in panels(path))):
        if title != "CPU":
            japanese, _, english = title.partition(" / ")
            assert re.search(r"[\u3040-\u30ff\u4e00-\u9fff]", japanese), title
            assert english and english.isascii(), title


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_panels_fill_the_page_without_overlap(path: Path) -> None:
    taken: set[tuple[int, int]] = set()
    for title, panel in panels(path):
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24 and not taken & cells, title
        taken |= cells
    widths = {y: len([1 for _, row in taken if row == y]) for _, y in taken}
    assert set(widths.values()) == {24}, "a row has a gap"


def test_every_metric_is_on_a_page() -> None:
    """What nobody would look at need not be there; what is there, somebody sees."""
    asked = " ".join(expression for _, _, expression, _ in queries())
    rules = (ROOT / "deploy" / "prometheus" / "rules" / "otmon-recording.yml").read_text(encoding="utf-8")
    unseen = {family.name for family in metrics(status()) if family.name not in asked + rules}
    # These are the parts of ratios that are shown, or counts whose absence an alert tells.
    assert unseen <= {
        "otmon_judgements", "otmon_ledger_saves", "otmon_last_finding_timestamp_seconds",
        "otmon_findings_told", "otmon_capture_ring_freezes", "otmon_zone_packets",
    }  # fmt: skip


def test_grafana_is_provisioned_with_the_source_and_the_pages() -> None:
    yaml = YAML(typ="safe")
    (source,) = yaml.load((FOLDER / "provisioning/datasources/otmon.yml").read_text())["datasources"]
    assert (source["type"], source["url"]) == ("prometheus", "http://127.0.0.1:9090")
    (provider,) = yaml.load((FOLDER / "provisioning/dashboards/otmon.yml").read_text())["providers"]
    assert provider["options"]["path"] == "/var/lib/grafana/dashboards/otmon"


@pytest.mark.slow
@pytest.mark.skipif(bool(missing()), reason=f"a real Prometheus: {missing()}")
def test_every_query_of_every_panel_returns_data_of_a_real_sensor(tmp_path: Path) -> None:
    options = [
        "--zones", str(ROOT / "zones" / "factory.yaml"), "--ledger", str(tmp_path / "plant.db"),
        "--evidence", str(tmp_path / "evidence"),
    ]  # fmt: skip
    with wire() as wired, sensor(wired, *options) as running, prometheus(wired, tmp_path) as server:
        # In two halves: a rate needs something that grows between two looks.
        frames = frames_of("factory-day.pcapng")
        wired.send(frames[: len(frames) // 2])
        server.wait_for(lambda: server.query("sum(otmon_modbus_response_seconds_count) > 0"))
        wired.send(frames[len(frames) // 2 :])
        server.wait_for(lambda: server.query('otmon_findings{severity="critical"} > 0'))
        server.wait_for(lambda: server.query("otmon_ledger_saves_total > 1"))
        server.wait_for(lambda: "OtmonGraveFinding" in server.firing())
        server.wait_for(lambda: server.query("instance:otmon_modbus_response_seconds:mean5m"))
        now = float(server.ask("query", query="time()")["result"][0])
        empty = []
        for page, title, expression, over_time in queries():
            if over_time:
                span = {"start": str(now - 60), "end": str(now), "step": "1"}
                data = server.ask("query_range", query=expression, **span)["result"]
            else:
                data = server.query(expression)
            if not data:
                empty.append(f"{page}: {title}: {expression}")
        assert empty == []
        running.end()
