"""Names become captures in the order of their packets, and each capture is read by what it begins with."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import threading
from pathlib import Path

import lz4.frame
import pytest
import zstandard

from otmon.capture.sources import NotACapture, expand, read
from tests.capture.written import (
    SECOND,
    T0,
    Damage,
    Packet,
    delivered,
    enhanced,
    interface,
    pcap,
    row,
    section,
)


def at(seconds: int) -> bytes:
    """A capture of one packet."""
    return pcap([Packet(b"x" * 60, (T0 + seconds) * SECOND)])


def at_ng(seconds: int) -> bytes:
    return section() + interface() + enhanced(b"x" * 60, (T0 + seconds) * 1_000_000)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with captures whose names are not in the order of their times."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "day" / "night").mkdir(parents=True)
    for name, data in {
        "day/a.pcap": at(50),
        "day/b.pcapng": at_ng(10),
        "day/c.pcap.gz": gzip.compress(at(30)),
        "day/night/d.cap": zstandard.compress(at_ng(20)),
        "day/night/e": lz4.frame.compress(at(40)),
        "day/notes.txt": b"notes",
        "day/empty.pcap": b"",
        "day/night/f.tar.gz": gzip.compress(b"no capture"),
    }.items():
        (tmp_path / name).write_bytes(data)
    return tmp_path


IN_ORDER = ["day/b.pcapng", "day/night/d.cap", "day/c.pcap.gz", "day/night/e", "day/a.pcap"]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    "names",
    [
        ["day"],
        ["./day/"],
        ["day/**"],
        IN_ORDER,
        IN_ORDER[::-1],
        ["day/*.pcap*", "day/night"],
        ["day", "day/a.pcap", "day/*", "./day/b.pcapng", "day//c.pcap.gz"],
    ],
)
def test_files_folders_and_globs_give_each_capture_once_in_time_order(names: list[str]) -> None:
    assert expand(names) == IN_ORDER


@pytest.mark.usefixtures("folder")
def test_a_glob_gives_captures_only() -> None:
    assert expand(["day/*"]) == ["day/b.pcapng", "day/c.pcap.gz", "day/a.pcap"]
    assert expand(["day/[ab].*"]) == ["day/b.pcapng", "day/a.pcap"]


def test_captures_of_the_same_time_are_in_the_order_of_their_names(folder: Path) -> None:
    for name in ("z", "x", "y"):
        (folder / name).write_bytes(at(0))
    assert expand(["z", "x", "y"]) == ["x", "y", "z"]


def test_a_capture_without_packets_is_the_first(folder: Path) -> None:
    (folder / "none.pcap").write_bytes(pcap([]))
    assert expand(["day", "none.pcap"]) == ["none.pcap", *IN_ORDER]


def test_the_time_is_that_of_the_first_packet_behind_damage(folder: Path) -> None:
    whole = pcap(row(5))
    (folder / "damaged.pcap").write_bytes(whole[:24] + b"\xff" * 40 + whole[24:])
    assert expand(["day/b.pcapng", "damaged.pcap"]) == ["damaged.pcap", "day/b.pcapng"]


def test_a_name_with_the_signs_of_a_glob_is_a_file_if_there_is_one(folder: Path) -> None:
    (folder / "a[1]*.pcap").write_bytes(at(0))
    assert expand(["a[1]*.pcap"]) == ["a[1]*.pcap"]


@pytest.mark.usefixtures("folder")
def test_standard_input_is_in_front() -> None:
    assert expand(["day", "-"]) == ["-", *IN_ORDER]


@pytest.mark.parametrize("name", ["nothing", "no*thing", "day/n*.txt"])
def test_a_folder_or_glob_without_captures_is_one_clear_line(folder: Path, name: str) -> None:
    (folder / "nothing").mkdir()
    with pytest.raises(NotACapture) as error:
        expand(["day", name])
    assert str(error.value) == f"{name}: no captures there (pcap or pcapng, plain or compressed)"


def test_a_file_that_is_not_there_is_an_error_of_the_system(folder: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"none\.pcap"):
        expand(["none.pcap"])
    with pytest.raises(FileNotFoundError, match=r"none\.pcap"):
        list(read("none.pcap"))
    with pytest.raises(IsADirectoryError):
        list(read(str(folder)))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "it is empty"),
        (b"\xd4", "it begins with d4, not as pcap or pcapng do"),
        (b"\xd4\xc3\xb2", "it begins with d4 c3 b2, not as pcap or pcapng do"),
        (b"not a capture", "it begins with 6e 6f 74 20, not as pcap or pcapng do"),
        # The format of Alexey Kuznetsov's patched libpcap of 1999.
        (b"\x34\xcd\xb2\xa1" + bytes(20), "it begins with 34 cd b2 a1, not as pcap or pcapng do"),
        (b"\n\r\r", "it begins with 0a 0d 0d, not as pcap or pcapng do"),
        (gzip.compress(b"", mtime=0), "it is empty"),
        (gzip.compress(b"text\n", mtime=0), "it begins with 74 65 78 74, not as pcap or pcapng do"),
        (
            gzip.compress(at(0), mtime=0)[:12],
            "gzip: Compressed file ended before the end-of-stream marker was reached",
        ),
        (zstandard.compress(at(0))[:8], "zstd: the last frame is cut"),
    ],
)
def test_a_file_that_is_no_capture_is_one_clear_line(tmp_path: Path, data: bytes, said: str) -> None:
    path = tmp_path / "x.pcap"
    path.write_bytes(data)
    for reading in (lambda: list(read(str(path))), lambda: expand([str(path)])):
        with pytest.raises(NotACapture) as error:
            reading()
        assert str(error.value) == f"{path}: not a capture: {said}"


def test_a_capture_is_told_by_its_bytes_and_not_by_its_name(tmp_path: Path) -> None:
    for name, data in {"a.pcapng": at(0), "b.gz": at_ng(0), "c.pcap": gzip.compress(at_ng(0))}.items():
        (tmp_path / name).write_bytes(data)
        assert delivered(read(str(tmp_path / name))).data == [b"x" * 60]


def test_each_batch_names_its_source(tmp_path: Path) -> None:
    path = tmp_path / "a.pcap"
    path.write_bytes(pcap(row(3))[:-1])
    assert [item.source for item in read(str(path))] == [str(path)] * 2


def test_offsets_are_those_in_the_uncompressed_capture(tmp_path: Path) -> None:
    data = pcap(row(30_000))
    (tmp_path / "a.pcap").write_bytes(data)
    (tmp_path / "a.pcap.gz").write_bytes(gzip.compress(data, 1))
    plain = delivered(read(str(tmp_path / "a.pcap")))
    assert plain.offsets == [24 + 16 + 76 * i for i in range(30_000)]
    assert plain.packets == row(30_000)
    assert delivered(read(str(tmp_path / "a.pcap.gz"))) == plain


def test_a_capture_in_several_compressed_members_is_one(tmp_path: Path) -> None:
    data = pcap(row(100))
    path = tmp_path / "a.pcap.gz"
    path.write_bytes(gzip.compress(data[:1000]) + gzip.compress(data[1000:]))
    found = delivered(read(str(path)))
    assert (found.packets, found.damage) == (row(100), [])


@pytest.mark.parametrize("damaged", ["cut", "broken"])
def test_a_damaged_compressed_capture_gives_its_first_packets_and_says_so(
    tmp_path: Path, damaged: str
) -> None:
    packets = [Packet(os.urandom(100).hex().encode(), T0 * SECOND, 200) for _ in range(5000)]
    data = gzip.compress(pcap(packets))
    half = len(data) // 2
    path = tmp_path / "a.pcap.gz"
    path.write_bytes(data[:half] if damaged == "cut" else data[:half] + b"\xff" * 99 + data[half + 99 :])
    found = delivered(read(str(path)))
    # All packets compress alike; those of one piece that is decompressed at a time may be lost.
    assert found.packets[:2300] == packets[:2300]
    assert len(found.packets) < 2700
    last = found.damage[-1]
    assert last.kind == "cut-compression"
    assert found.offsets[-1] + 200 <= last.offset
    if damaged == "cut":
        assert found.packets == packets[: len(found.packets)]
        assert found.damage == [last]
        assert last.offset < found.offsets[-1] + 200 + 216


def test_damage_of_a_source_names_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a.pcap"
    path.write_bytes(pcap(row(3))[:-10])
    found = delivered(read(str(path)))
    assert found.packets == row(2)
    assert found.damage == [Damage("cut-record", 24 + 2 * 76)]
    assert found.details == ["a record of 76 bytes, 66 are there"]


@pytest.mark.parametrize("compressed", [False, True])
def test_progress_goes_up_to_the_size_of_the_file(tmp_path: Path, compressed: bool) -> None:
    data = pcap([Packet(os.urandom(1000), T0 * SECOND) for _ in range(3000)])
    path = tmp_path / "a.pcap"
    path.write_bytes(gzip.compress(data, 1) if compressed else data)
    told: list[tuple[int, int]] = []
    items = list(read(str(path), progress=lambda *state: told.append(state)))
    assert len(told) == len(items) > 3
    assert told == sorted(told)
    assert {size for _, size in told} == {path.stat().st_size}
    assert told[0][0] < told[-1][0] == path.stat().st_size


def test_a_named_pipe_is_read_once(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(pcap(row(2000)),))
    # Its time is not looked at: nobody writes to it yet, and what is read is gone.
    assert expand([str(path)]) == [str(path)]
    writer.start()
    found = delivered(read(str(path)))
    writer.join()
    assert (found.packets, found.damage) == (row(2000), [])


FROM_STDIN = """
import sys
from otmon.capture.batch import Batch
from otmon.capture.sources import NotACapture, read
try:
    items = list(read("-", progress=lambda position, size: None))
    print(sum(len(one.start) if isinstance(one, Batch) else 0 for one in items), items[0].source)
except NotACapture as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (gzip.compress(pcap(row(2000)), mtime=0), "2000 -"),
        (b"nothing", "standard input: not a capture: it begins with 6e 6f 74 68, not as pcap or pcapng do"),
    ],
)
def test_standard_input_is_read_like_a_file(data: bytes, said: str) -> None:
    command = [sys.executable, "-c", FROM_STDIN]
    result = subprocess.run(command, input=data, capture_output=True, check=False)
    assert (result.stdout.decode().strip(), result.stderr) == (said, b"")


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc")
@pytest.mark.parametrize("data", [at(0), at_ng(0), b"no capture at all", gzip.compress(at(0), mtime=0)[:-4]])
def test_no_file_stays_open(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a"
    path.write_bytes(data)

    def is_open() -> bool:
        links = (one for one in Path("/proc/self/fd").iterdir() if one.is_symlink())
        return str(path) in {str(one.readlink()) for one in links if one.exists()}

    try:
        items = read(str(path))
        next(items)
        assert is_open()
        items.close()
    except NotACapture:
        pass
    assert not is_open()
