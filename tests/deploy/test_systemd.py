from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from otmon.cli import app
from otmon.kernel import cache_folder
from tests.docs import commands
from tests.namespaces import missing, wire
from tests.sensor.running import ROOT, Sensor
from tests.sensor.traffic import frames_of

FOLDER = ROOT / "deploy" / "systemd"
UNIT = FOLDER / "otmon-sensor.service"
EXPOSURE = 25
"""Tenths of the score of `systemd-analyze security`, 0 to 100: less is safer."""
NOBODY = 65534
LIMITED = [
    "setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--no-new-privs",
    "--inh-caps=-all,+net_raw", "--ambient-caps=-all,+net_raw", "--bounding-set=-all,+net_raw",
]  # fmt: skip
"""Starts a program as the unit does: another user, one capability."""
analyze = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="needs systemd-analyze (Debian: apt-get install systemd)"
)


def settings(path: Path) -> list[tuple[str, str]]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [(key, value) for key, mark, value in (line.partition("=") for line in lines) if mark]


def setting(key: str) -> str:
    (value,) = [value for name, value in settings(UNIT) if name == key]
    return value


def test_the_sensor_starts_behind_the_clock_where_somebody_waits_for_that() -> None:
    """Not else: the target alone waits for nothing."""
    assert "time-sync.target" in setting("After").split() and setting("Wants") == "time-sync.target"
    assert "Requires" not in dict(settings(UNIT))


@analyze
def test_the_unit_exposes_little() -> None:
    words = [
        "systemd-analyze",
        "security",
        "--offline=true",
        f"--threshold={EXPOSURE}",
        "--no-pager",
        str(UNIT),
    ]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    assert "Overall exposure level" in done.stdout


@analyze
@pytest.mark.parametrize("name", ["otmon-sensor.service", "otmon-interface@eth1.service"])
def test_systemd_understands_the_units(name: str, tmp_path: Path) -> None:
    source = FOLDER / re.sub("@[^.]+", "@", name)
    text = source.read_text(encoding="utf-8")
    # The programs need not be installed here.
    text = re.sub(r"^(Exec\w+=-?)\S+", rf"\1{shutil.which('true')}", text, flags=re.M)
    (tmp_path / name).write_text(text, encoding="utf-8")
    words = ["systemd-analyze", "verify", "--man=no", str(tmp_path / name)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, [line for line in done.stderr.splitlines() if name in line]) == (0, [])


def test_the_options_are_those_of_the_sensor() -> None:
    file = tomllib.loads((FOLDER.parent / "otmon.toml").read_text(encoding="utf-8"))["sensor"]
    root: Any = typer.main.get_command(app)
    assert setting("ExecStart").endswith("otmon sensor --config /etc/otmon/otmon.toml")
    assert "otmon sensor compile" in dict(commands(root, "otmon"))
    assert setting("ExecStartPre").endswith("otmon sensor compile")
    # Where the sensor writes, the unit lets it.
    for kind, place in (("StateDirectory", "/var/lib/"), ("LogsDirectory", "/var/log/")):
        assert f"{place}{setting(kind)}/" in " ".join(map(str, file.values()))


def allowed_calls() -> set[str]:
    """The system calls that the unit's filter lets through."""
    allowed: set[str] = set()
    for key, value in settings(UNIT):
        if key == "SystemCallFilter":
            named = {call for word in value.lstrip("~").split() for call in expanded(word)}
            allowed = allowed - named if value.startswith("~") else allowed | named
    return allowed


def expanded(word: str) -> Iterator[str]:
    """The calls of a group of systemd's, and of the groups in it."""
    if not word.startswith("@"):
        yield word
        return
    words = ["systemd-analyze", "syscall-filter", "--no-pager", word]
    lines = subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()
    for line in lines[1:]:
        name = line.strip()
        if name and not name.startswith("#"):
            yield from expanded(name)


@analyze
def test_the_unit_lets_nobody_write_past_the_sensors_own_filter() -> None:
    """What is refused even before that is in force."""
    past = {"io_setup", "io_submit", "io_uring_setup", "memfd_create", "process_vm_writev", "userfaultfd",
            "ptrace", "bpf", "add_key", "mount"}  # fmt: skip
    assert "write" in allowed_calls() and past & allowed_calls() == set()


@analyze
@pytest.mark.slow
@pytest.mark.skipif(bool(missing()), reason=f"a wire to listen on: {missing()}")
@pytest.mark.skipif(not shutil.which("strace"), reason="needs strace (Debian: apt-get install strace)")
def test_the_sensor_needs_no_more_than_the_unit_lets_it_have() -> None:
    """With the unit's user, capability and calls it listens, finds, saves, and answers Prometheus."""
    tried = subprocess.run([*LIMITED, sys.executable, "-c", "import numba"], capture_output=True, check=False)
    if tried.returncode:
        pytest.skip("this Python is where other users cannot go")
    assert setting("AmbientCapabilities") == setting("CapabilityBoundingSet") == "CAP_NET_RAW"
    # tmp_path can be entered by its owner alone.
    with tempfile.TemporaryDirectory(prefix="otmon-") as name, wire() as wired:
        place = Path(name)
        shutil.copytree(cache_folder(), place / "otmon" / cache_folder().name)
        subprocess.run(["chown", "-R", str(NOBODY), name], check=True)
        place.chmod(0o755)
        wired.run("ip", "link", "set", "lo", "up")
        calls = Path(tempfile.gettempdir()) / f"otmon-{os.getpid()}-calls"
        traced = ["strace", "-f", "-qq", "-s", "0", "-o", str(calls)]
        options = ["--zones", "zones/water-works.yaml", "--ledger", str(place / "plant.db")]
        options += ["--json", str(place / "findings.jsonl"), "--evidence", str(place / "evidence")]
        process = subprocess.Popen(
            ["ip", "netns", "exec", wired.namespace, *traced, *LIMITED, sys.executable, "-m", "otmon.cli",
             "sensor", "--interface", wired.far, *options],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
            env=os.environ | {"XDG_CACHE_HOME": name, "PYTHONDONTWRITEBYTECODE": "1"},
        )  # fmt: skip
        try:
            running = Sensor(wired, process)
            running.wait_for(lambda: running.says("listening on"), 180)
            wired.send(frames_of("water-works-day.pcapng"))
            found = place / "findings.jsonl"
            running.wait_for(lambda: "value-out-of-limits" in found.read_text(encoding="utf-8"), 60)
            running.wait_for((place / "plant.db").exists)
            assert running.metrics()['otmon_capture_packets_total{interface="far0"}'] > 0
            (child,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            # All code is there: none of it could be written since, and none is loaded later.
            maps = Path(f"/proc/{child}/maps").read_text(encoding="utf-8").splitlines()
            assert len(maps) > 100 and [line for line in maps if " rwx" in line] == []
            os.kill(int(child), signal.SIGHUP)
            running.wait_for(lambda: running.says("were read anew"))
            os.kill(int(child), signal.SIGTERM)
            assert process.wait(60) == 1
            assert (place / "plant.db").stat().st_uid == NOBODY
        finally:
            process.kill()
            process.wait()
        text = calls.read_text()
        calls.unlink()
    used = set(re.findall(r"^\d+ +(\w+)\(", text, re.M))
    assert len(used) > 40
    # What it does from then on, the sensor's own filter allows as well.
    confined = text.partition(" seccomp(")[2]
    assert confined and re.findall(r"^.* EPERM .*$", confined, re.M) == []
    # These two are setpriv's own.
    assert used - {"setgroups", "setresuid"} - allowed_calls() == set()
