"""What tells of a plant is its owner's, and stays whose it is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from otmon import private
from tests.command import otmon

CAPTURE = "pcaps/water-works-day.pcapng"


@pytest.mark.parametrize(
    ("mask", "rights"),
    [("022", 0o600), ("027", 0o640), ("077", 0o600), ("007", 0o640), ("002", 0o600), ("0", 0o600)],
)
def test_a_new_file_is_private_and_the_groups_where_that_is_meant(
    mask: str, rights: int, tmp_path: Path
) -> None:
    code = "import sys, pathlib; from otmon import private; private.write(pathlib.Path(sys.argv[1]), b'x')"
    path = tmp_path / "file"
    words = ["sh", "-c", f'umask {mask}; exec "$@"', "sh", sys.executable, "-c", code, str(path)]
    subprocess.run(words, check=True)
    assert path.stat().st_mode & 0o7777 == rights


def test_a_file_that_is_there_keeps_its_rights(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(0o4664)
    private.write(path, b"new")
    # But it never gets those of its owner for whoever runs it.
    assert (path.read_bytes(), path.stat().st_mode & 0o7777) == (b"new", 0o664)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_a_group_that_was_given_stays(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    os.chown(path, -1, 4711)
    path.chmod(0o640)
    private.write(path, b"new")
    assert (path.stat().st_gid, path.stat().st_mode & 0o777) == (4711, 0o640)


def test_a_link_in_the_way_leads_nowhere(tmp_path: Path) -> None:
    victim, path = tmp_path / "victim", tmp_path / "file"
    victim.write_text("precious")
    (tmp_path / ".file.part").symlink_to(victim)
    private.write(path, b"new")
    assert victim.read_text() == "precious" and path.read_bytes() == b"new" and not path.is_symlink()


def test_all_that_a_replay_writes_is_private(tmp_path: Path) -> None:
    names = {"--json": "f.jsonl", "--ledger": "plant.db", "--metrics": "day.om"}
    options = [word for option, name in names.items() for word in (option, str(tmp_path / name))]
    options += ["--transactions", str(tmp_path / "t.parquet"), "--zones", "zones/water-works.yaml"]
    old = os.umask(0o022)
    try:
        assert otmon("replay", CAPTURE, *options)[0] == 1
        (tmp_path / "plant.db").chmod(0o644)
        assert otmon("replay", CAPTURE, *options)[0] == 1
    finally:
        os.umask(old)
    rights = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert rights == {"f.jsonl": 0o600, "plant.db": 0o644, "day.om": 0o600, "t.parquet": 0o600}
