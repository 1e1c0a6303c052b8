"""What the deployment guide says, done word for word in a Debian that boots: its systemd starts the units.

`make boot` runs it, in `build/boot` or the folder that OTMON_BOOT names; it needs root, a gigabyte and some
minutes. A container has no udev: the unit of the interface does not wait for a device there, and the setting
of the kernel that it makes is made from outside.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.deploy.test_image import MIRROR, SUITE
from tests.namespaces import Wire, missing, wire
from tests.sensor.running import ASK, ROOT
from tests.sensor.traffic import frames_of

FOLDER = os.environ.get("OTMON_BOOT", "")
GUIDE = ROOT / "docs" / "deploy.md"
PACKAGES = "systemd-sysv,dbus,iproute2,ethtool,procps,logrotate,python3,python3-venv,ca-certificates"
PYTHON = "3.11"
"""That of Debian 12: wheels are collected by the same one."""
INTERFACE = "eth1"
UNIT = "otmon-sensor.service"
NEEDS = {"debootstrap": "debootstrap", "systemd-nspawn": "systemd-container", "nsenter": "util-linux"}
_absent = [package for command, package in NEEDS.items() if not shutil.which(command)]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not FOLDER, reason="takes minutes and a gigabyte: `make boot`"),
    pytest.mark.skipif(bool(_absent), reason=f"needs Debian's {', '.join(_absent)}"),
    pytest.mark.skipif(bool(missing()), reason=f"a wire to listen on: {missing()}"),
    pytest.mark.skipif(
        not platform.python_version().startswith(PYTHON), reason=f"wheels for Debian 12 need Python {PYTHON}"
    ),
]


def section(heading: str) -> str:
    """What the guide says beneath a heading."""
    return GUIDE.read_text(encoding="utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def steps(heading: str) -> list[str]:
    """The blocks of commands beneath a heading of the guide that install, without those that fetch Debian's
    packages: the root has them."""
    blocks: list[str] = re.findall(r"^```\n(.*?)^```", section(heading), re.M | re.S)
    return [block[block.index("python3 -m venv") :] for block in blocks if "python3 -m venv" in block]


def installed(folder: Path) -> Path:
    """A Debian in which otmon was installed without the Internet; nothing has started yet."""
    base, root, carried = folder / "base", folder / "root", folder / "carried"
    if not (base / "usr/bin/python3").exists():
        words = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", SUITE, str(base), MIRROR]
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
    for old in (root, carried):
        shutil.rmtree(old, ignore_errors=True)
    subprocess.run(["cp", "-a", str(base), str(root)], check=True)
    collect, install = steps("Without the Internet")
    # A copy: pip leaves its own folders where it makes a wheel.
    left = shutil.ignore_patterns(".venv", ".git", "build", "node_modules", "__pycache__", ".*_cache")
    shutil.copytree(ROOT, carried, ignore=left)
    done = subprocess.run(["sh", "-ec", collect], cwd=carried, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    shutil.rmtree(root / "srv/carried", ignore_errors=True)
    (root / "srv/carried").mkdir()
    for name in ("wheels", "requirements.lock", "deploy", "dashboards"):
        subprocess.run(["cp", "-a", str(carried / name), str(root / "srv/carried")], check=True)
    # The plant's own model is whoever's who follows the guide.
    shutil.copy(ROOT / "zones" / "factory.yaml", root / "srv/carried/my-plant.yaml")
    (service,) = steps("As a service of systemd")
    rest = service[service.index("ln ") :]
    # A namespace of its own: there is no way out of it.
    script = f"cd /srv/carried\n{install}{rest[: rest.index('systemctl ')]}"
    words = ["unshare", "--net", "chroot", str(root), "/bin/sh", "-ec", script]
    done = subprocess.run(
        words, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    unit = root / "etc/systemd/system/otmon-interface@.service"
    away = re.compile(r"^(?:BindsTo|After)=\S+\.device\n|^ExecStart=\S+/sysctl .*\n| \S+\.device$", re.M)
    text, lines = away.subn("", unit.read_text(encoding="utf-8"))
    assert lines == 4
    unit.write_text(text, encoding="utf-8")
    return root


class Machine:
    """A Debian that has booted."""

    def __init__(self, root: Path, leader: str) -> None:
        """`leader` is the process that is its systemd."""
        self.root = root
        self._leader = leader

    def answer(self, *words: str) -> tuple[int, str]:
        """Exit status and output of a command there."""
        spaces = ["--mount", "--pid", "--uts", "--ipc", "--net", "--cgroup", "--root", "--wdns=/"]
        command = ["nsenter", "--target", self._leader, *spaces, "--", *words]
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=300
        )
        return done.returncode, done.stdout

    def run(self, *words: str) -> str:
        """The output of a command that must succeed."""
        status, said = self.answer(*words)
        assert status == 0, f"{' '.join(words)}: {said}"
        return said

    def service(self, name: str) -> str:
        """A property of the sensor's unit."""
        return self.run("systemctl", "show", "--property", name, "--value", UNIT).strip()

    def sample(self, name: str) -> float:
        """A metric of the sensor's, 0 where it has none yet."""
        page = self.run("python3", "-c", ASK, "http://127.0.0.1:9877/metrics")
        found = re.search(rf"^{re.escape(name)} (\S+)$", page, re.M)
        return float(found[1]) if found else 0.0

    def wait_for(self, holds: Callable[[], object], seconds: float = 180.0) -> None:
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, (
                f"not within {seconds} s\n{self.answer('journalctl', '-n', '60')[1]}"
            )
            time.sleep(0.2)


@contextmanager
def booted(root: Path, wired: Wire) -> Iterator[Machine]:
    """The Debian, with the far end of the wire as its only interface, until the end of the block."""
    wired.run("ip", "link", "set", wired.far, "down")
    wired.run("ip", "link", "set", wired.far, "name", INTERFACE)
    words = [
        "systemd-nspawn", f"--directory={root}", "--boot", "--register=no", "--keep-unit", "--console=pipe",
        f"--machine=otmon-{os.getpid()}", f"--network-namespace-path=/run/netns/{wired.namespace}",
        "--capability=CAP_NET_RAW,CAP_NET_ADMIN",
    ]  # fmt: skip
    process = subprocess.Popen(
        words, env=os.environ | {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"}, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        end = time.monotonic() + 60
        while not children.read_text().split():
            assert process.poll() is None and time.monotonic() < end, "the container did not start"
            time.sleep(0.1)
        machine = Machine(root, children.read_text().split()[0])
        machine.wait_for(lambda: machine.answer("systemctl", "is-system-running") == (0, "running\n"), 60)
        yield machine
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def test_systemd_starts_the_sensor_as_the_guide_says_and_starts_it_again() -> None:
    root = installed(Path(FOLDER).resolve())
    findings = root / "var/log/otmon/findings.jsonl"
    starts = re.findall(r"^systemctl .*", section("As a service of systemd"), re.M)
    assert len(starts) == 3
    with wire() as wired, booted(root, wired) as machine:
        for line in starts:
            machine.run(*line.split())
        assert machine.service("ActiveState") == "active"
        first = machine.service("MainPID")
        lines = machine.run("cat", f"/proc/{first}/status").splitlines()
        held = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
        assert held["Uid"].split()[0] != "0" and int(held["CapPrm"], 16) == 0 and held["NoNewPrivs"] == "1"
        doctor = ("/opt/otmon/bin/otmon", "sensor", "doctor", "--interface", INTERFACE, "--lang", "en")
        assert "MEND" not in machine.run(*doctor)
        wired.send(frames_of("factory-day.pcapng"))
        machine.wait_for(lambda: findings.exists() and '"forbidden-operation"' in findings.read_text())
        assert machine.sample('otmon_capture_packets_total{interface="eth1"}') > 0
        told = machine.sample("otmon_last_judgement_timestamp_seconds")
        machine.wait_for(lambda: machine.sample("otmon_ledger_saved_timestamp_seconds") > told)
        assert (root / "var/lib/otmon/plant.db").stat().st_mode & 0o007 == 0

        # A crash: systemd starts it again, it goes on from its ledger, and tells nothing twice.
        machine.run("kill", "-KILL", first)
        machine.wait_for(lambda: machine.service("MainPID") not in ("0", first))
        machine.wait_for(lambda: machine.service("ActiveState") == "active")
        before = findings.read_text(encoding="utf-8")
        packets = machine.sample('otmon_capture_packets_total{interface="eth1"}')
        wired.send(frames_of("factory-day.pcapng"))
        machine.wait_for(lambda: machine.sample('otmon_capture_packets_total{interface="eth1"}') > packets)
        told = time.time()
        machine.wait_for(lambda: machine.sample("otmon_last_judgement_timestamp_seconds") > told)
        after = findings.read_text(encoding="utf-8")
        ids = [json.loads(line)["id"] for line in after.splitlines()]
        assert after.startswith(before) and len(ids) == len(set(ids))

        # The log's turn: the sensor writes into a new file, and the old one is kept.
        machine.run("logrotate", "--force", "/etc/logrotate.d/otmon")
        assert findings.stat().st_size == 0 and findings.with_suffix(".jsonl.1").read_text("utf-8") == after

        # It hangs: systemd ends it when it has not said for two minutes that it is alive.
        hangs = machine.service("MainPID")
        machine.run("kill", "-STOP", hangs)
        machine.wait_for(lambda: machine.service("MainPID") not in ("0", hangs), 240)
        machine.wait_for(lambda: machine.service("ActiveState") == "active")

        machine.run("systemctl", "stop", UNIT)
        assert (machine.service("ActiveState"), machine.service("Result")) == ("inactive", "success")
