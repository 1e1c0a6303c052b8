"""Files are written beneath the folders that were named, and nowhere else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
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


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_a_folder_that_cannot_be_read_or_reached_stops_nothing() -> None:
    """That it cannot be written is said where it is to be written."""
    code = (
        "import ctypes, os, sys; from pathlib import Path\n"
        "from otmon.sensor.landlock import write_only_beneath\n"
        "ctypes.CDLL(None).prctl(38, 1, 0, 0, 0); os.setuid(65534)\n"
        "write_only_beneath([Path(sys.argv[1]), Path(sys.argv[1], 'a'), Path(sys.argv[2])])\n"
        "Path(sys.argv[2], 'file').touch()\n"
    )
    with tempfile.TemporaryDirectory(prefix="otmon-") as place:
        Path(place).chmod(0o755)
        closed, blind = Path(place, "closed"), Path(place, "blind")
        (closed / "a").mkdir(parents=True)
        closed.chmod(0o700)
        blind.mkdir()
        blind.chmod(0o733)
        words = [sys.executable, "-c", code, str(closed / "a"), str(blind)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
