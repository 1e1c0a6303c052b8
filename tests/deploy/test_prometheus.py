from __future__ import annotations

import re
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from ruamel.yaml import YAML

from otmon.outputs.metrics import StatusCollector
from otmon.sensor.web import read_web_config
from tests.deploy.monitored import CONFIGURATION, missing, prometheus
from tests.namespaces import wire
from tests.outputs.sensed import status
from tests.sensor.running import ROOT, sensor
from tests.sensor.traffic import frames_of

RULES = sorted((CONFIGURATION / "rules").glob("*.yml"))
TESTS = sorted((CONFIGURATION / "tests").glob("*.yml"))
QUIET = 400
"""So many frames of the water works' day pass before anything happens that was not agreed."""
promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="needs promtool (Debian: apt-get install prometheus)"
)


def loaded(path: Path) -> Any:
    return YAML(typ="safe").load(path.read_text(encoding="utf-8"))


def rules() -> list[dict[str, Any]]:
    return [rule for path in RULES for group in loaded(path)["groups"] for rule in group["rules"]]


def check(*words: str | Path) -> None:
    done = subprocess.run(["promtool", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@promtool
def test_the_configuration_is_sound() -> None:
    check("check", "config", CONFIGURATION / "prometheus.yml")
    check("check", "rules", "--lint-fatal", *RULES)


@promtool
@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.name)
def test_each_rule_gives_what_its_scenarios_say(path: Path) -> None:
    check("test", "rules", path)


def test_each_alert_has_a_scenario_in_which_it_fires_and_a_quiet_one() -> None:
    (path,) = [path for path in TESTS if path.name == "otmon-alerts.test.yml"]
    tests = loaded(path)["tests"]
    checks = [check for test in tests for check in test["promql_expr_test"]]
    wanted = {rule["alert"] for rule in rules() if "alert" in rule}
    labels = [sample["labels"] for check in checks for sample in check["exp_samples"]]
    assert wanted == {name for name in wanted if any(f'"{name}"' in one for one in labels)}
    # Every check asks for all alerts that fire, so an empty one holds for each of them.
    assert all("ALERTS" in check["expr"] and "alertname=" not in check["expr"] for check in checks)
    assert tests[0]["name"] == "a quiet plant"
    assert not any(check["exp_samples"] for check in tests[0]["promql_expr_test"])


def test_each_recording_rule_has_an_example() -> None:
    (path,) = [path for path in TESTS if path.name == "otmon-recording.test.yml"]
    text = path.read_text(encoding="utf-8")
    names = [rule["record"] for rule in rules() if "record" in rule]
    assert names and [name for name in names if name not in text] == []


def test_each_alert_says_in_two_languages_what_is_wrong_and_what_to_do() -> None:
    for rule in rules():
        if "alert" in rule:
            assert set(rule["annotations"]) == {"summary", "summary_ja", "action"}, rule["alert"]
            assert rule["labels"]["severity"] in ("critical", "warning"), rule["alert"]


def test_rules_use_metrics_that_the_sensor_has() -> None:
    registry = CollectorRegistry()
    registry.register(StatusCollector(status))
    names = {line.split("{")[0].split(" ")[0] for line in generate_latest(registry).decode().splitlines()}
    for rule in rules():
        used = set(re.findall(r"\botmon_\w+", rule["expr"]))
        assert used <= names, f"{rule['expr']}: {used - names}"


def test_the_example_for_the_alertmanager_is_sound() -> None:
    path = ROOT / "deploy" / "alertmanager" / "alertmanager.yml"
    known = {rule["alert"] for rule in rules() if "alert" in rule}
    for rule in loaded(path)["inhibit_rules"]:
        for matcher in (*rule["source_matchers"], *rule["target_matchers"]):
            pattern = re.search(r'"(.*)"', matcher)
            assert pattern and any(re.fullmatch(pattern[1], name) for name in known), matcher
    if shutil.which("amtool") is None:
        pytest.skip("the rest needs amtool (Debian: apt-get install prometheus-alertmanager)")
    done = subprocess.run(["amtool", "check-config", path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.skipif(bool(missing()), reason=f"a real Prometheus: {missing()}")
def test_alerts_of_a_real_sensor_fire_and_end(tmp_path: Path) -> None:
    frames = frames_of("water-works-day.pcapng")
    model, keep = tmp_path / "model.yaml", tmp_path / "keep"
    for sheet in (ROOT / "zones").glob("*.csv"):
        shutil.copy(sheet, tmp_path)
    good = (ROOT / "zones" / "water-works.yaml").read_text(encoding="utf-8")
    model.write_text(good, encoding="utf-8")
    keep.mkdir()
    options = ["--zones", str(model), "--ledger", str(keep / "plant.db")]
    # Room for what a busy machine reads late, and not for the flood.
    options += ["--ring-mb", "8"]
    with wire() as wired, sensor(wired, *options) as running, prometheus(wired, tmp_path) as server:
        server.wait_for(lambda: server.firing() == {"OtmonMirrorPortSilent"})
        wired.send(frames[:QUIET])
        server.wait_for(lambda: server.query("sum(otmon_modbus_transactions_total) > 50"))
        server.wait_for(lambda: server.firing() == set())
        wired.send(frames[QUIET:])
        expected = {"OtmonGraveFinding", "OtmonBoundaryViolated"}
        server.wait_for(lambda: server.firing() == expected)

        model.write_text(good.replace("zones:", "zoness:"), encoding="utf-8")
        running.process.send_signal(signal.SIGHUP)
        server.wait_for(lambda: server.firing() == expected | {"OtmonModelBroken"})
        model.write_text(good, encoding="utf-8")
        running.process.send_signal(signal.SIGHUP)
        server.wait_for(lambda: server.firing() == expected)

        # A sensor that is stopped does not answer, and its ring runs over.
        running.process.send_signal(signal.SIGSTOP)
        flood = [frame for frame in frames if len(frame) > 60] * 40
        wired.send(flood)
        server.wait_for(lambda: "OtmonSensorDown" in server.firing())
        running.process.send_signal(signal.SIGCONT)
        expected |= {"OtmonPacketsDropped", "OtmonRingFull"}
        server.wait_for(lambda: server.firing() == expected)

        keep.rename(tmp_path / "gone")
        server.wait_for(lambda: server.firing() == expected | {"OtmonLedgerNotSaved"})
        (tmp_path / "gone").rename(keep)
        wired.run("ip", "link", "set", wired.far, "down")
        expected |= {"OtmonLedgerNotSaved", "OtmonInterfaceDown"}
        server.wait_for(lambda: server.firing() == expected)
        texts = [text for one in server.alerts() for text in one["annotations"].values()]
        assert texts and not [text for text in texts if "<no value>" in text or "error" in text.lower()]
        assert any("far0" in text for text in texts)


def job(name: str, *lines: str) -> str:
    """Another job that scrapes the sensor."""
    target = 'static_configs: [{targets: ["127.0.0.1:9877"]}]'
    return "".join(f"    {line}\n" for line in (target, *lines)).replace(
        "    ", f"  - job_name: {name}\n    ", 1
    )


@pytest.mark.skipif(bool(missing()), reason=f"a real Prometheus: {missing()}")
@pytest.mark.skipif(
    None in (shutil.which("openssl"), shutil.which("htpasswd")),
    reason="needs openssl and htpasswd (Debian: apt-get install openssl apache2-utils)",
)
def test_prometheus_scrapes_by_tls_with_a_password(tmp_path: Path) -> None:
    made = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=sensor"
    names = ["-addext", "subjectAltName=IP:127.0.0.1"]
    names += ["-keyout", str(tmp_path / "sensor.key"), "-out", str(tmp_path / "sensor.pem")]
    subprocess.run([*made.split(), *names], check=True, capture_output=True)
    hashed = ["htpasswd", "-nbBC", "5", "prometheus", "a secret: 工場"]
    line = subprocess.run(hashed, check=True, capture_output=True, text=True).stdout.strip()
    web = tmp_path / "web.yml"
    web.write_text(
        "tls_server_config: {cert_file: sensor.pem, key_file: sensor.key}\n"
        f"basic_auth_users: {{{line.replace(':', ': ', 1)}}}\n",
        encoding="utf-8",
    )
    assert list(read_web_config(web).users) == ["prometheus"]
    (tmp_path / "password").write_text("a secret: 工場", encoding="utf-8")
    trusted = f"tls_config: {{ca_file: {tmp_path / 'sensor.pem'}}}"
    known = f"basic_auth: {{username: prometheus, password_file: {tmp_path / 'password'}}}"
    scrape = f"    scheme: https\n    {trusted}\n    {known}\n"
    wrong = "basic_auth: {username: prometheus, password: another}"
    jobs = job("wrong", "scheme: https", trusted, wrong) + job("nobody", "scheme: https", trusted)
    jobs += job("doubtful", "scheme: https", known) + job("plain", known)
    with (
        wire() as wired,
        sensor(wired, "--web-config", str(web), "--ring-mb", "2"),
        prometheus(wired, tmp_path, scrape, jobs) as server,
    ):
        wired.send(frames_of("water-works-day.pcapng")[:QUIET])
        server.wait_for(lambda: server.query("sum(otmon_modbus_transactions_total) > 50"))

        def refused() -> dict[str, str]:
            told = server.ask("targets")["activeTargets"]
            return {one["labels"]["job"]: one["lastError"] for one in told if one["lastError"]}

        server.wait_for(lambda: len(refused()) == 4)
        errors = refused()
        assert "401" in errors["wrong"] and "401" in errors["nobody"]
        assert "x509" in errors["doubtful"] and set(errors) == {"wrong", "nobody", "doubtful", "plain"}
        assert server.query("count(otmon_build_info) by (job)")[0]["metric"] == {"job": "otmon"}
