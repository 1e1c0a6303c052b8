"""Proofs of a replay: the packets that findings name, found again in their captures."""

from __future__ import annotations

import gzip
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from otmon.detect.finding import Finding
from otmon.findings.judge import id_of
from otmon.ledger.facts import Evidence
from otmon.outputs.pcapng import pcapng
from otmon.sensor.replay_proofs import prove_again
from tests.sensor.test_recent_packets import MODBUS_WRITE, finding, tcp

WRITE = tcp("10.0.0.1", "10.0.0.2", 502, MODBUS_WRITE)
SECRET = tcp("10.0.0.1", "10.0.0.2", 80, b"password=x")
OTHER = tcp("10.0.0.3", "10.0.0.2", 502, MODBUS_WRITE)


def capture(path: Path, frames: list[bytes]) -> str:
    data = pcapng(((n * 1_000_000_000, frame) for n, frame in enumerate(frames, 1)), "test", "eth0", "x")
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return str(path)


def about(*places: tuple[str, int], key: str = "") -> Finding:
    evidence = tuple(Evidence(number * 1_000_000_000, source, number, 0) for source, number in places)
    return replace(finding("10.0.0.1", "10.0.0.2", 1), evidence=evidence, key=(key,))


def frames_of(path: Path, tshark: str) -> list[tuple[str, str]]:
    """Time and comment of each packet, as tshark reads them."""
    words = ["-T", "fields", "-e", "frame.time_epoch", "-e", "frame.comment"]
    told = subprocess.run([tshark, "-r", str(path), *words], capture_output=True, text=True, check=True)
    lines = [line.split("\t") for line in told.stdout.splitlines()]
    return [(time.partition(".")[0], comment) for time, comment in lines]


@pytest.mark.parametrize("name", ["day.pcapng", "day.pcapng.gz"])
def test_a_proof_holds_what_the_evidence_names_and_what_follows_between_the_two(
    tmp_path: Path, name: str, tshark: str
) -> None:
    source = capture(tmp_path / name, [OTHER, WRITE, WRITE, OTHER, SECRET, *[OTHER] * 3_000, WRITE, WRITE])
    one = about((source, 3), (source, 3_007))
    assert prove_again([one], tmp_path / "proofs") == []
    (path,) = (tmp_path / "proofs").iterdir()
    assert path.name == f"{id_of(one)}-day.pcapng"
    assert frames_of(path, tshark) == [
        ("3", "evidence: packet 3"), ("5", ""), ("3007", "evidence: packet 3007"),
    ]  # fmt: skip
    assert b"password" not in path.read_bytes()


S7_WRITE = bytes.fromhex("0300002702f080320100000100000e000a0501120a1002000100018400000000040030") + b"secret"


def test_of_commands_it_holds_what_tells_them_on_the_port_of_the_finding_alone(
    tmp_path: Path, tshark: str
) -> None:
    frames = [tcp("10.0.0.1", "10.0.0.2", port, S7_WRITE) for port in (102, 23)]
    one = about((capture(tmp_path / "day.pcapng", frames), 1))
    one = replace(one, link=replace(one.link, transport="tcp", port=102, protocol="s7comm"))
    other = replace(one, link=replace(one.link, protocol="modbus"), key=("other",))
    prove_again([one, other], tmp_path / "proofs")
    told = {}
    for finding_, name in ((one, "s7comm"), (other, "modbus")):
        (path,) = (tmp_path / "proofs").glob(f"{id_of(finding_)}-*")
        assert b"secret" not in path.read_bytes()
        words = ["-T", "fields", "-e", "tcp.dstport", "-e", "s7comm.param.func"]
        read = subprocess.run([tshark, "-r", str(path), *words], capture_output=True, text=True, check=True)
        told[name] = [line.split("\t") for line in read.stdout.splitlines()]
    assert told["s7comm"] == [["102", "0x05"], ["23", ""]]
    assert told["modbus"] == [["102", ""], ["23", ""]]


def test_each_finding_and_source_has_a_file_and_the_same_bytes(tmp_path: Path) -> None:
    sources = [capture(tmp_path / day / "a.pcapng", [WRITE, OTHER]) for day in ("mon", "tue")]
    found = [about((sources[0], 1), (sources[1], 1)), about((sources[1], 1), key="x")]
    for folder in ("one", "two"):
        assert prove_again(found, tmp_path / folder) == []
    names = sorted(os.listdir(tmp_path / "one"))
    first, second = map(id_of, found)
    assert names == sorted([f"{first}-a.pcapng", f"{first}-a-2.pcapng", f"{second}-a-2.pcapng"])
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_what_cannot_be_read_again_is_told(tmp_path: Path) -> None:
    gone = str(tmp_path / "gone.pcapng")
    assert prove_again([about(("-", 1), (gone, 2))], tmp_path / "proofs") == ["-", gone]
    assert list((tmp_path / "proofs").iterdir()) == []


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    source = capture(tmp_path / "a.pcapng", [WRITE])
    one = about((source, 1))
    (tmp_path / "proofs" / f".{id_of(one)}-a.pcapng.part").mkdir(parents=True)
    with pytest.raises(OSError, match="proofs"):
        prove_again([one], tmp_path / "proofs")
