"""The image and the composition of containers, as far as that shows without a container engine."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import typer
from ruamel.yaml import YAML

from otmon import __version__
from otmon.cli import app
from tests.sensor.running import ROOT

STEPS = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text(encoding="utf-8")).splitlines()
SERVICES: dict[str, Any] = YAML(typ="safe").load((ROOT / "compose.yaml").read_text(encoding="utf-8"))[
    "services"
]


def steps(word: str) -> list[str]:
    return [line.partition(" ")[2] for line in STEPS if line.startswith(f"{word} ")]


def sensor_options() -> dict[str, Any]:
    root: Any = typer.main.get_command(app)
    return {option: parameter for parameter in root.commands["sensor"].params for option in parameter.opts}


def test_what_the_image_copies_is_there_and_not_left_out() -> None:
    let_in = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert let_in[0] == "*"
    for step in steps("COPY"):
        if not step.startswith("--from"):
            for name in step.split()[:-1]:
                assert (ROOT / name).exists() and f"!{name}" in let_in, name
    # In the image a link to what is left out leads nowhere.
    copied = {name for step in steps("COPY") if not step.startswith("--from") for name in step.split()[:-1]}
    for name in copied:
        for link in filter(Path.is_symlink, (ROOT / name).rglob("*")):
            assert link.resolve().relative_to(ROOT).parts[0] in copied, link


def test_the_image_runs_as_another_user_and_is_compiled_by_it() -> None:
    assert steps("USER") == ["otmon"]
    user, compiled = STEPS.index("USER otmon"), STEPS.index("RUN otmon sensor compile")
    assert user < compiled < next(i for i, line in enumerate(STEPS) if line.startswith("ENTRYPOINT"))
    assert all("--require-hashes" in step for step in steps("RUN") if "requirements.lock" in step)
    assert not [step for step in steps("FROM") if "latest" in step or ":" not in step]


def test_nothing_starts_with_a_model_that_is_not_the_plants_own() -> None:
    """The models in zones/ are of made-up companies: one that is taken unasked would judge a real plant."""
    text = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    assert re.findall(r"\$\{(\w+):\?", text) == re.findall(r"\$\{(\w+)", text)
    assert "OTMON_MODEL" in re.findall(r"\$\{(\w+)", text)
    examples = {path.name for path in (ROOT / "zones").iterdir()}
    guide = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    installed = [line for line in guide.splitlines() if line.startswith("install ") and "/zones/" in line]
    assert installed and not [line for line in installed if any(name in line for name in examples)]
    for call in re.findall(r"^.*docker compose up.*$", guide + text, re.M):
        assert "OTMON_MODEL=" in call


def test_health_is_asked_where_the_sensor_serves_metrics() -> None:
    (check,) = steps("HEALTHCHECK")
    assert f"http://{sensor_options()['--metrics'].default}/metrics" in check
    (entry,) = steps("ENTRYPOINT")
    assert json.loads(entry)[-2:] == ["/opt/otmon/bin/otmon", "sensor"]


def test_the_services_are_pinned_and_heard_by_this_machine_alone() -> None:
    assert set(SERVICES) == {"sensor", "prometheus", "alertmanager", "grafana"}
    for name, service in SERVICES.items():
        assert re.fullmatch(r"[\w/]+:v?\d+\.\d+\.\d+", service["image"]), name
        assert service["restart"] == "unless-stopped"
    assert SERVICES["sensor"]["image"] == f"otmon:{__version__}"
    for name, port in (("prometheus", 9090), ("alertmanager", 9093)):
        assert f"--web.listen-address=127.0.0.1:{port}" in SERVICES[name]["command"]
    assert SERVICES["grafana"]["environment"]["GF_SERVER_HTTP_ADDR"] == "127.0.0.1"


def test_what_the_services_mount_is_there() -> None:
    for service in SERVICES.values():
        for volume in service["volumes"]:
            source = volume.split(":")[0]
            if source.startswith("."):
                assert (ROOT / source).is_dir(), volume


def test_the_sensor_has_one_capability_and_options_that_exist() -> None:
    sensor = SERVICES["sensor"]
    assert (sensor["cap_drop"], sensor["cap_add"]) == (["ALL"], ["NET_RAW"])
    assert {word for word in sensor["command"] if word.startswith("--")} <= set(sensor_options())
    assert (sensor["read_only"], sensor["tmpfs"]) == (True, ["/tmp"])
    mounted = {volume.split(":")[1] for volume in sensor["volumes"]}
    for word in sensor["command"]:
        if word.startswith("/"):
            assert any(word.startswith(f"{place}/") for place in mounted), word
