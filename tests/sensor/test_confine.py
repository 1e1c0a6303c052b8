"""What the sensor gives up cannot be had back, and what it needs still works."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.namespaces import Wire, inside, missing, wire

from otmon.capture.ring import Ring  # isort: skip
from otmon.sensor import landlock  # isort: skip

pytestmark = pytest.mark.skipif(bool(missing()), reason=f"a wire to listen on: {missing()}")
ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(name="wired", scope="module")
def wired_fixture() -> Iterator[Wire]:
    with wire() as made:
        yield made


def tried(wired: Wire, user: str, how: str) -> tuple[dict[str, Any], int]:
    """What came of each attempt, and how many packets reached the plant, which itself never rests."""
    module = [sys.executable, "-m", "tests.sensor.attempts", user, how]
    command = ["ip", "netns", "exec", wired.namespace, *module]
    with (
        tempfile.TemporaryDirectory(prefix="otmon-") as place,
        inside(wired.namespace),
        Ring(wired.near) as plant,
    ):
        # Other users can go there, too.
        Path(place).chmod(0o755)
        environment = os.environ | {"TMPDIR": place}
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, env=environment
        ) as child:
            while True:
                wired.send([bytes(12) + b"\x88\xb6" + bytes(50)])
                try:
                    output, errors = child.communicate(timeout=0.2)
                    break
                except subprocess.TimeoutExpired:
                    continue
            assert child.returncode == 0, errors
        plant.next(200)
        # A ring leaves out what its own end sends.
        heard = plant.counts().received
    found: dict[str, Any] = json.loads(output)
    return found, heard


@pytest.mark.parametrize("user", ["", "nobody"])
def test_nothing_that_was_given_up_can_be_done(wired: Wire, user: str) -> None:
    found, heard = tried(wired, user, "confined")
    assert heard == 0 and found["victim lives"]
    assert found["capabilities"] == ["0000000000000000"] * 5
    assert (found["seccomp"], found["new privileges"]) == ("2", "1")
    assert (found["user"] == 0) == (user == "")
    assert found["answer"] == "metrics"
    assert found["heard"] != 0
    assert found["dumps"] == [0, 0, 0]
    assert found["code"] > 10 and found["code to write"] == 0
    attempts = found["attempts"]
    written = [
        attempts.pop(name) for name in ("memory of itself", "file elsewhere", "file there", "name elsewhere")
    ]
    # Where Linux cannot limit files, another user's rights keep that one closed.
    assert written[: 4 if landlock.version() else user == "nobody"] in (["EACCES"] * 4, ["EACCES"], [])
    newer = {name: came for name, came in attempts.items() if came == "ENOSYS"}
    assert all(
        name.startswith("call ") and int(name.split()[1]) >= 424 for name in newer - {"io_uring": ""}.keys()
    )
    assert {name: came for name, came in attempts.items() if came not in ("EPERM", "ENOSYS")} == {}
    assert len(attempts) > 400


def test_without_the_filter_frames_are_sent_and_code_is_made(wired: Wire) -> None:
    """So it is the filter that forbids them, and not that they were tried with nothing in hand."""
    found, heard = tried(wired, "", "free")
    done = {name for name, came in found["attempts"].items() if came == "done"}
    sending = {
        "send",
        "sendto",
        "write",
        "writev",
        "pwritev2",
        "sendfile",
        "splice",
        "io_submit",
        "dup",
        "fcntl",
    }
    assert sending <= done and heard >= len(sending), found["attempts"]
    coding = {"memory to write and run", "written memory to run", "memory file", "file to run"}
    assert coding <= done and found["code to write"] > 0, found["attempts"]
    assert "EPERM" not in found["attempts"].values()


def test_restrictions_come_before_threads() -> None:
    code = (
        "import threading, time\n"
        "from otmon.sensor.confine import confine\n"
        "threading.Thread(target=time.sleep, args=(5,), daemon=True).start()\n"
        "confine([])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT, timeout=60
    )
    assert done.returncode and "2 threads already" in done.stderr


def test_a_user_that_is_not_there() -> None:
    code = "from otmon.sensor.confine import confine; confine([], 'no-such-user-here')"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT, timeout=60
    )
    assert done.returncode and "there is no user 'no-such-user-here'" in done.stderr
