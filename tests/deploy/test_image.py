"""What the Dockerfile makes, without a container engine: its steps one by one in a Debian of debootstrap.

`make image` runs it, in `build/image` or the folder that OTMON_IMAGE names; it needs root, two gigabytes and
some minutes. OTMON_IMAGE_SHARES names folders of this machine that the steps may read, with colons between
them: where pip is set up to take wheels from.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.deploy.test_container import SERVICES, STEPS
from tests.namespaces import Wire, missing, wire
from tests.sensor.running import ROOT, Sensor
from tests.sensor.traffic import frames_of

FOLDER = os.environ.get("OTMON_IMAGE", "")
SHARES = os.environ.get("OTMON_IMAGE_SHARES", "").split(":")
SUITE = "bookworm"
MIRROR = "http://deb.debian.org/debian"
USER = "9877"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not FOLDER, reason="takes minutes and half a gigabyte: `make image`"),
    pytest.mark.skipif(not shutil.which("debootstrap"), reason="needs debootstrap (Debian: debootstrap)"),
    pytest.mark.skipif(bool(missing()), reason=f"a wire to listen on: {missing()}"),
]


@dataclass
class Stage:
    """A root that steps have changed."""

    root: Path
    environment: dict[str, str] = field(default_factory=dict)
    folder: str = "/"
    user: str = "root"


def in_root(
    root: Path, command: list[str], *, fixed: bool = False, writable: tuple[str, ...] = ()
) -> list[str]:
    """The words that run a command in a root, with mounts that end with it. `fixed`: nothing but `writable`
    and /tmp can be written."""
    mounts = [f"mount --bind {root} {root}"]
    for share in filter(None, (*SHARES, "/dev", "/proc")):
        mounts += [f"mkdir -p {root}{share}", f"mount --rbind {share} {root}{share}"]
    for place in writable if fixed else ():
        mounts.append(f"mount --bind {root}{place} {root}{place}")
    if fixed:
        mounts += [f"mount -t tmpfs tmpfs {root}/tmp", f"mount -o remount,bind,ro {root}"]
    script = " && ".join([*mounts, shlex.join(["exec", "chroot", str(root), *command])])
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", script]


def world(stage: Stage) -> dict[str, str]:
    """The environment of a step: the image's, and how pip gets at packages here."""
    here = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    return {"PATH": path, "DEBIAN_FRONTEND": "noninteractive"} | here | stage.environment


def copy(stage: Stage, names: list[str], source: Path, target: str) -> None:
    """As COPY does it: of a folder its content, beneath a target that ends with / or is a folder."""
    place = stage.root / Path(stage.folder, target).relative_to("/")
    for name in names:
        given = source / name.lstrip("/")
        if given.is_dir():
            shutil.copytree(given, place, symlinks=True, dirs_exist_ok=True, ignore=_CACHES)
        else:
            place.mkdir(parents=True, exist_ok=True)
            shutil.copy2(given, place / given.name)


_CACHES = shutil.ignore_patterns("__pycache__")


def built(folder: Path) -> tuple[Stage, dict[str, list[str]]]:
    """The last stage of the Dockerfile, and the words of its last ENTRYPOINT and HEALTHCHECK."""
    base = folder / "base"
    if not (base / "usr/bin/pip3").exists() and not (base / "usr/bin/python3").exists():
        packages = "--include=python3,python3-venv,ca-certificates"
        words = ["debootstrap", "--variant=minbase", packages, SUITE, str(base), MIRROR]
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
    stages: dict[str, Stage] = {}
    told: dict[str, list[str]] = {}
    now = Stage(base)
    for step in STEPS:
        word, _, rest = step.partition(" ")
        if word == "FROM":
            name = rest.partition(" AS ")[2] or "last"
            now = stages[name] = Stage(folder / name)
            shutil.rmtree(now.root, ignore_errors=True)
            subprocess.run(["cp", "-a", str(base), str(now.root)], check=True)
            for file in ("/etc/resolv.conf", "/etc/pip.conf", "/etc/ssl/certs/ca-certificates.crt"):
                if Path(file).exists():
                    shutil.copy(file, f"{now.root}{file}")
        elif word == "WORKDIR":
            now.folder = rest
            (now.root / rest.lstrip("/")).mkdir(parents=True, exist_ok=True)
        elif word == "USER":
            now.user = rest
        elif word == "ENV":
            for name, value in (pair.split("=", 1) for pair in shlex.split(rest)):
                now.environment[name] = value.replace("$PATH", world(now)["PATH"])
        elif word == "COPY":
            *names, target = rest.split()
            if names[0].startswith("--from="):
                copy(now, names[1:], stages[names.pop(0).partition("=")[2]].root, target)
            else:
                copy(now, names, ROOT, target)
        elif word == "RUN":
            script = f"cd {shlex.quote(now.folder)} && {rest}"
            command = ["/bin/sh", "-ec", script]
            if now.user != "root":
                command = [
                    "/usr/bin/setpriv",
                    f"--reuid={now.user}",
                    f"--regid={now.user}",
                    "--init-groups",
                    *command,
                ]
            done = subprocess.run(
                in_root(now.root, command), env=world(now), capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, f"{rest}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
        elif word in ("ENTRYPOINT", "HEALTHCHECK", "CMD"):
            told[word] = json.loads(rest[rest.index("[") :])
        else:
            assert word in ("", "#", "ARG", "LABEL") or step.startswith("#"), step
    return now, told


def limited(wired: Wire, stage: Stage, words: list[str], user: str = USER) -> list[str]:
    """What runs a program of the image in the wire's namespace, as compose.yaml has it started."""
    limits = ["--bounding-set=-all,+net_raw", "--inh-caps=-all", "--ambient-caps=-all"]
    command = ["/usr/bin/setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", *limits, *words]
    writable = "/var/lib/otmon", "/var/log/otmon"
    assert {volume.split(":")[1] for volume in SERVICES["sensor"]["volumes"][1:]} == set(writable)
    rooted = in_root(stage.root, command, fixed=SERVICES["sensor"]["read_only"], writable=writable)
    return ["ip", "netns", "exec", wired.namespace, *rooted]


def ended(wired: Wire, stage: Stage, words: list[str], user: str = USER) -> tuple[int, str]:
    """Exit status and errors of a program of the image."""
    command = limited(wired, stage, words, user)
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=world(stage), timeout=60)
    return done.returncode, done.stderr


def test_the_image_finds_an_attack_as_its_user_with_a_read_only_root() -> None:
    stage, told = built(Path(FOLDER).resolve())
    zones = stage.root / "etc/otmon/zones"
    shutil.copytree(ROOT / "zones", zones, dirs_exist_ok=True)
    given = [re.sub(r"\$\{OTMON_INTERFACE.*\}", "far0", word) for word in SERVICES["sensor"]["command"]]
    given = [re.sub(r"\$\{OTMON_MODEL.*\}", "water-works.yaml", word) for word in given]
    findings = stage.root / "var/log/otmon/findings.jsonl"
    findings.unlink(missing_ok=True)
    with wire() as wired:
        wired.run("ip", "link", "set", "lo", "up")
        process = subprocess.Popen(
            limited(wired, stage, [*told["ENTRYPOINT"], *given]), env=world(stage), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        try:
            running = Sensor(wired, process)
            running.wait_for(lambda: running.says("listening on far0"), 120)
            # Compiled while the image was made: nothing is compiled here.
            assert not running.says("compiling")
            wired.send(frames_of("water-works-day.pcapng"))
            running.wait_for(lambda: findings.exists() and "value-out-of-limits" in findings.read_text(), 60)
            running.wait_for((stage.root / "var/lib/otmon/plant.db").exists)
            assert ended(wired, stage, told["HEALTHCHECK"]) == (0, "")
            assert running.end()[0] == 1
        finally:
            process.kill()
            process.wait()
        assert ended(wired, stage, told["HEALTHCHECK"])[0] == 1
        # Who takes the sensor over cannot change what it is made of, nor could root.
        for place, user in (("/etc/new", "0"), ("/opt/otmon/new", "0"), ("/var/cache/otmon/new", USER)):
            status, said = ended(wired, stage, ["/usr/bin/touch", place], user)
            assert status == 1 and "Read-only file system" in said
        assert ended(wired, stage, ["/usr/bin/touch", "/var/lib/otmon/new"]) == (0, "")
