"""Files are written beneath the folders that were named, and nowhere else."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from otmon.sensor import landlock

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or not landlock.version(), reason="this Linux has no Landlock"
)

_CHILD = """
import ctypes, errno, json, os, sys, threading
from pathlib import Path
from otmon.sensor.landlock import write_only_beneath

inside, outside, *folders = map(Path, sys.argv[1:])
ctypes.CDLL(None).prctl(38, 1, 0, 0, 0)
write_only_beneath(folders)
tried = {
    "make": lambda: (outside / "new").touch(),
    "write": lambda: (outside / "file").open("ab"),
    "empty": lambda: (outside / "file").open("wb"),
    "remove": lambda: (outside / "file").unlink(),
    "folder": lambda: (outside / "folder").mkdir(),
    "link": lambda: (outside / "link").symlink_to("file"),
    "move in": lambda: os.replace(outside / "file", inside / "taken"),
    "move out": lambda: os.replace(inside / "kept", outside / "kept"),
    "itself": lambda: open("/proc/self/mem", "r+b"),
}
found = {}
def attempt():
    (inside / "folder").mkdir(parents=True, exist_ok=True)
    (inside / ".part").write_bytes(b"facts")
    os.replace(inside / ".part", inside / "kept")
    (inside / "gone").write_bytes(b"")
    (inside / "gone").unlink()
    for name, what in tried.items():
        try:
            what()
            found[name] = "done"
        except OSError as error:
            found[name] = errno.errorcode[error.errno]
thread = threading.Thread(target=attempt)
thread.start()
thread.join()
found["read"] = (outside / "file").read_text()
print(json.dumps(found))
"""


def run(*words: Path) -> dict[str, str]:
    command = [sys.executable, "-c", _CHILD, *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    found: dict[str, str] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("there", [True, False])
def test_only_what_is_beneath_is_written(tmp_path: Path, there: bool) -> None:
    inside, outside = tmp_path / "mine" / "ledger", tmp_path / "others"
    (inside if there else inside.parent).mkdir(parents=True)
    outside.mkdir()
    (outside / "file").write_text("code of the next start")
    found = run(inside, outside, inside)
    assert found.pop("read") == "code of the next start"
    # What is moved from folder to folder is refused as another file system would refuse it, or as forbidden.
    moved = {found.pop("move in"), found.pop("move out")}
    assert moved <= {"EACCES", "EXDEV"}
    assert found == dict.fromkeys(found, "EACCES") and len(found) == 7
    assert {one.name for one in outside.iterdir()} == {"file"}


def test_a_link_is_followed(tmp_path: Path) -> None:
    inside, outside = tmp_path / "mine", tmp_path / "others"
    inside.mkdir()
    outside.mkdir()
    (outside / "file").write_text("")
    (tmp_path / "link").symlink_to(inside)
    assert run(inside, outside, tmp_path / "link")["write"] == "EACCES"
