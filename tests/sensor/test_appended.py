"""Lines that a full disk holds up, and that somebody moves away."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from otmon.sensor.appended import WAITING_BYTES, Appended

ROOM = 16 * 1024


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A disk of 16 KiB."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("needs root, to mount a small disk")
    disk = tmp_path / "disk"
    disk.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "none", disk], check=False)
    if made.returncode:
        pytest.skip("nothing can be mounted here")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)


def test_lines_are_added_behind_those_that_are_there(tmp_path: Path) -> None:
    path = tmp_path / "findings.jsonl"
    path.write_bytes(b"one\n")
    file = Appended(path)
    file.open()
    file.add(b"two\nthree\n")
    assert path.read_bytes() == b"one\ntwo\nthree\n" and file.trouble is None


def test_what_a_power_cut_left_of_a_line_is_a_line_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "findings.jsonl"
    path.write_bytes(b'one\n{"half')
    file = Appended(path)
    file.open()
    file.add(b"two\n")
    assert path.read_bytes() == b'one\n{"half\ntwo\n'


def test_a_file_that_was_moved_away_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "findings.jsonl"
    file = Appended(path)
    file.open()
    file.add(b"one\n")
    path.rename(tmp_path / "old.jsonl")
    file.add(b"two\n")
    file.open()
    file.add(b"three\n")
    assert (tmp_path / "old.jsonl").read_bytes() == b"one\ntwo\n"
    assert path.read_bytes() == b"three\n"


def test_a_folder_that_is_not_there_leaves_the_file_before(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    file = Appended(tmp_path / "logs" / "findings.jsonl")
    file.open()
    (tmp_path / "logs").rename(tmp_path / "gone")
    with pytest.raises(FileNotFoundError):
        file.open()
    file.add(b"one\n")
    assert (tmp_path / "gone" / "findings.jsonl").read_bytes() == b"one\n"


def test_a_full_disk_holds_lines_up_and_loses_none(small: Path) -> None:
    path, other = small / "findings.jsonl", small / "other"
    lines = [b"%06d %s\n" % (number, b"x" * 90) for number in range(200)]
    file = Appended(path)
    file.open()
    for line in lines:
        file.add(line)
    assert file.trouble is not None and "No space left" in file.trouble
    assert 0 < path.stat().st_size <= ROOM < len(b"".join(lines))
    subprocess.run(["mount", "-o", f"remount,size={4 * ROOM}", small], check=True)
    file.add(b"")
    assert file.trouble is None and path.read_bytes() == b"".join(lines)
    assert not other.exists()


def test_a_line_that_was_begun_is_written_whole_into_the_next_file(small: Path) -> None:
    path = small / "findings.jsonl"
    lines = [b"%06d %s\n" % (number, b"x" * 90) for number in range(200)]
    file = Appended(path)
    file.open()
    file.add(b"".join(lines))
    held = path.read_bytes()
    assert not held.endswith(b"\n")
    path.unlink()
    file.open()
    file.add(b"")
    assert path.read_bytes() == b"".join(lines)[held.rindex(b"\n") + 1 :]


def test_what_waits_is_bounded(tmp_path: Path) -> None:
    file = Appended(Path("/dev/full"))
    file.open()
    line = b"x" * 1023 + b"\n"
    for _ in range(WAITING_BYTES // len(line) + 5):
        file.add(line)
    assert file.lost == 5
    assert file.trouble is not None and file.trouble.endswith("are in the ledger alone")
