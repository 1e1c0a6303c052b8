"""Captures of findings are readable by others, and never more than there is room for."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import dpkt
import pytest

from otmon.findings.judge import id_of
from otmon.sensor.proof import ProofFolder
from otmon.sensor.recent_packets import RecentPackets
from tests.sensor.test_recent_packets import MODBUS_WRITE, batch_of, finding, tcp

FRAMES = [tcp("10.0.0.1", "10.0.0.2", 502, MODBUS_WRITE), tcp("10.0.0.1", "10.0.0.2", 80, b"password=x")]


def recent_with(frames: list[bytes]) -> RecentPackets:
    recent = RecentPackets(1)
    recent.add(batch_of(frames), 0)
    return recent


def test_a_capture_holds_the_packets_and_says_which_are_evidence(tmp_path: Path) -> None:
    folder = ProofFolder(tmp_path / "new")
    about = finding("10.0.0.1", "10.0.0.2", 1)
    path = folder.prove(about, recent_with(FRAMES), "x")
    assert path is not None and path.name == f"{id_of(about)}-x.pcapng"
    with path.open("rb") as file:
        found = [bytes(frame) for _, frame in dpkt.pcapng.Reader(file)]
    assert found == [FRAMES[0], FRAMES[1][:-10]]
    assert b"evidence: packet 1" in path.read_bytes()
    assert os.listdir(tmp_path / "new") == [path.name]


def test_where_nothing_was_seen_there_is_no_file(tmp_path: Path) -> None:
    folder = ProofFolder(tmp_path)
    assert folder.prove(finding("192.0.2.7", "", 99), recent_with(FRAMES), "x") is None
    assert folder.files == 0


def test_findings_wait_for_their_proofs_within_bounds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("otmon.sensor.proof.WAITING", 3)
    folder = ProofFolder(tmp_path)
    about = [replace(finding("10.0.0.1", "10.0.0.2", 1), key=(str(n),)) for n in range(5)]
    for one in about:
        folder.ask(one)
    assert folder.failed == 2
    readers = [(recent_with(FRAMES), "x"), (recent_with(FRAMES), "y")]
    folder.prove_waiting(readers, 0)
    assert folder.files == 0
    folder.prove_waiting(readers, 60)
    assert {path.name for path in tmp_path.iterdir()} == {
        f"{id_of(one)}-{name}.pcapng" for one in about[:3] for name in "xy"
    }
    folder.prove_waiting(readers, 60)
    assert (folder.files, folder.failed) == (6, 2)


def test_the_oldest_give_way(tmp_path: Path) -> None:
    folder = ProofFolder(tmp_path, 2_000)
    for n in range(20):
        folder.prove(replace(finding("10.0.0.1", "10.0.0.2", 1), key=(str(n),)), recent_with(FRAMES), "x")
    kept = sorted(tmp_path.iterdir())
    assert 0 < sum(path.stat().st_size for path in kept) <= 2_000
    assert folder.files == len(kept)
    last = id_of(replace(finding("10.0.0.1", "10.0.0.2", 1), key=("19",)))
    assert any(path.name.startswith(last) for path in kept)
    # Another run goes on with what is there.
    assert ProofFolder(tmp_path, 2_000).files == len(kept)


def test_captures_of_others_are_left_alone(tmp_path: Path) -> None:
    """Whoever gave a folder of captures lost the oldest of them."""
    about = [replace(finding("10.0.0.1", "10.0.0.2", 1), key=(str(n),)) for n in range(20)]
    foreign = ["yesterday.pcapng", "0123456789ab-eth1.pcapng", f"{id_of(about[0])}-x.pcapng", "a-x.pcapng"]
    for name in foreign:
        (tmp_path / name).write_bytes(b"a capture of my own" * 1000)
    other = ProofFolder(tmp_path / "other").prove(about[1], recent_with(FRAMES), "x")
    assert other is not None
    # One that proves another finding than its name says was renamed by somebody.
    renamed = tmp_path / "0123456789ac-x.pcapng"
    os.replace(other, renamed)
    outside = tmp_path / "outside"
    outside.write_bytes(renamed.read_bytes())
    link = tmp_path / f"{id_of(about[1])}-x.pcapng"
    link.symlink_to(outside)
    for path in (*tmp_path.glob("*.pcapng"), outside):
        os.utime(path, (1, 1), follow_symlinks=False)
    folder = ProofFolder(tmp_path, 2_000)
    assert folder.files == 0
    for one in about[2:]:
        folder.prove(one, recent_with(FRAMES), "x")
    assert 0 < folder.files < len(about) - 2
    assert {name for name in foreign if (tmp_path / name).exists()} == set(foreign)
    assert renamed.exists() and link.is_symlink() and outside.exists()


def test_a_link_that_somebody_laid_leads_nowhere(tmp_path: Path) -> None:
    about, victim = finding("10.0.0.1", "10.0.0.2", 1), tmp_path / "victim"
    victim.write_text("precious")
    folder = tmp_path / "folder"
    proofs = ProofFolder(folder)
    name = f"{id_of(about)}-x.pcapng"
    (folder / f".{name}.part").symlink_to(victim)
    path = proofs.prove(about, recent_with(FRAMES), "x")
    assert path is not None and not path.is_symlink() and victim.read_text() == "precious"


def test_they_are_private_and_what_was_left_half_written_goes(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "folder"
    path = ProofFolder(folder).prove(finding("10.0.0.1", "10.0.0.2", 1), recent_with(FRAMES), "x")
    assert path is not None
    assert (folder.stat().st_mode & 0o777, path.stat().st_mode & 0o777) == (0o700, 0o600)
    left = folder / ".0123456789ab-x.pcapng.part"
    left.write_bytes(b"half")
    assert ProofFolder(folder).files == 1 and not left.exists()


def test_a_folder_that_is_gone_is_counted_and_stops_nothing(tmp_path: Path) -> None:
    folder = ProofFolder(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert folder.prove(finding("10.0.0.1", "", 1), recent_with(FRAMES), "x") is None
    assert folder.failed == 1


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        ProofFolder(tmp_path / "file" / "folder")
