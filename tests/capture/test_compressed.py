"""Compressed captures: whole, of several members, and what a cut or broken one still gives."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import pty
import subprocess
import sys
import threading
import tty
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random

import lz4.frame
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from otmon.capture.compressed import BytesIn, open_bytes
from tests.capture.written import Pieces

Compress = Callable[[bytes], bytes]
# Blocks of their own size, so that a reader has to give a part before it meets the damage.
COMPRESS: dict[str, Compress] = {
    "gzip": gzip.compress,
    "zstd": zstandard.ZstdCompressor(write_checksum=True).compress,
    "lz4": lambda data: lz4.frame.compress(
        data, block_size=lz4.frame.BLOCKSIZE_MAX64KB, content_checksum=True, block_linked=False
    ),
    "xz": lambda data: lzma.compress(data, preset=1),
}
HELD = 1 << 17
"""Bytes in front of damage that may go with it: zstd and LZ4 give whole blocks alone."""

each_compression = pytest.mark.parametrize("name", COMPRESS)


@cache
def text(size: int, seed: int = 1) -> bytes:
    """Bytes that compress to about a half."""
    return Random(seed).randbytes(size // 2).hex().encode()


def everything(data: bytes, sizes: tuple[int, ...] = (1 << 30,), ask: int = 1 << 20) -> tuple[bytes, BytesIn]:
    """All that comes out, asked for `ask` bytes at a time; the same where a thread reads ahead."""
    out, stream = all_of(BytesIn(Pieces(data, sizes), len(data)), ask)
    again, ahead = all_of(BytesIn(Pieces(data, sizes), len(data), ahead=True), min(ask, 4_000))
    ahead.close()
    assert (again, ahead.kind, ahead.fault, ahead.position) == (
        out,
        stream.kind,
        stream.fault,
        stream.position,
    )
    return out, stream


def all_of(stream: BytesIn, ask: int) -> tuple[bytes, BytesIn]:
    out = b""
    while True:
        buffer = bytearray(ask)
        got = stream.readinto(memoryview(buffer))
        out += buffer[:got]
        if got < ask:
            return out, stream


def test_plain_bytes_come_as_they_are() -> None:
    found, stream = everything(text(1_000_000))
    assert found == text(1_000_000)
    assert (stream.compression, stream.fault) == ("", "")


@each_compression
def test_what_was_compressed_comes_out(name: str) -> None:
    found, stream = everything(COMPRESS[name](text(1_000_000)))
    assert found == text(1_000_000)
    assert (stream.compression, stream.kind, stream.fault) == (name, "", "")


@each_compression
def test_members_behind_each_other_are_one(name: str) -> None:
    members = [text(100, 2), b"", text(1_000_000, 3), text(5, 4)]
    found, stream = everything(b"".join(map(COMPRESS[name], members)))
    assert found == b"".join(members)
    assert stream.fault == ""


@pytest.mark.parametrize("command", [["gzip", "-c"], ["xz", "-c", "-T2", "--block-size=100000"]])
def test_what_the_usual_tools_write_comes_out(command: list[str]) -> None:
    written = subprocess.run(command, input=text(500_000), capture_output=True, check=True).stdout
    found, stream = everything(written)
    assert found == text(500_000)
    assert stream.fault == ""


def test_a_zstd_frame_that_does_not_tell_its_size_comes_out() -> None:
    stream = zstandard.ZstdCompressor().compressobj()
    data = stream.compress(text(400_000)) + stream.flush()
    assert everything(data)[0] == text(400_000)


@each_compression
@pytest.mark.parametrize("kept", [0.3, 0.9, 0.9999])
@pytest.mark.parametrize("size", [40_000, 1_000_000])
def test_a_cut_file_gives_what_is_in_front_of_the_cut(name: str, kept: float, size: int) -> None:
    whole = COMPRESS[name](text(size))
    found, stream = everything(whole[: int(len(whole) * kept)])
    assert text(size).startswith(found)
    assert len(found) >= size * kept - HELD
    assert stream.kind == "cut-compression"
    assert stream.fault.startswith(f"{name}: ")
    assert "\n" not in stream.fault


@pytest.mark.parametrize("name", ["gzip", "xz"])
def test_even_a_small_cut_file_gives_its_beginning(name: str) -> None:
    whole = COMPRESS[name](text(40_000))
    found, _ = everything(whole[: len(whole) * 3 // 4])
    assert 25_000 < len(found) < 40_000


@each_compression
def test_a_cut_last_member_keeps_the_members_in_front(name: str) -> None:
    first, last = COMPRESS[name](text(50_000, 5)), COMPRESS[name](text(50_000, 6))
    for size in (3, 10, len(last) - 1):
        found, stream = everything(first + last[:size])
        assert found.startswith(text(50_000, 5)), size
        assert stream.kind == "cut-compression"


@each_compression
def test_bytes_behind_the_end_that_are_no_member_keep_what_is_in_front(name: str) -> None:
    found, stream = everything(COMPRESS[name](text(50_000)) + b"no member of anything")
    assert found == text(50_000)
    assert stream.kind == "cut-compression"


@each_compression
def test_a_broken_file_gives_what_is_in_front_of_the_damage(name: str) -> None:
    whole = bytearray(COMPRESS[name](text(1_000_000)))
    at = len(whole) // 2
    whole[at : at + 64] = b"\xff" * 64
    found, stream = everything(bytes(whole))
    assert found[: 500_000 - HELD] == text(1_000_000)[: 500_000 - HELD]
    assert stream.kind == "cut-compression"


@given(
    name=st.sampled_from(sorted(COMPRESS)),
    flips=st.lists(st.tuples(st.integers(8, 3000), st.integers(1, 255)), max_size=4),
    size=st.integers(8, 3000),
)
def test_flipped_and_cut_files_never_raise(name: str, flips: list[tuple[int, int]], size: int) -> None:
    whole = bytearray(COMPRESS[name](text(4000)))
    for at, mask in flips:
        whole[at % len(whole)] ^= mask
    # The first bytes tell the compression.
    whole[:8] = COMPRESS[name](text(4000))[:8]
    _, stream = everything(bytes(whole[:size]))
    assert stream.kind in ("", "cut-compression")
    assert bool(stream.kind) == bool(stream.fault)


@given(
    name=st.sampled_from(["", *sorted(COMPRESS)]),
    sizes=st.lists(st.integers(1, 3000), min_size=1, max_size=5),
    ask=st.integers(1, 3000),
)
def test_it_does_not_matter_how_much_is_given_and_asked_for_at_a_time(
    name: str, sizes: list[int], ask: int
) -> None:
    data = COMPRESS[name](text(20_000)) if name else text(20_000)
    found, stream = everything(data, tuple(sizes), ask)
    assert found == text(20_000)
    assert (stream.fault, stream.position) == ("", len(data))


def test_other_compressions_and_short_files_come_as_they_are() -> None:
    for data in (b"", b"\x1f", b"\x28\xb5\x2f", bz2.compress(text(1000))):
        found, stream = everything(data)
        assert (found, stream.compression, stream.fault) == (data, "", "")


def test_a_file_may_not_ask_for_more_memory_than_the_tools_use() -> None:
    for data in (zstandard_frame(window_log=28), xz_stream(dictionary=36)):
        found, stream = everything(data)
        assert found == b""
        assert stream.kind == "cut-compression"


def xz_stream(dictionary: int) -> bytes:
    """A stream whose only block header asks for a dictionary of 2 ** (dictionary // 2 + 12) bytes."""
    data = bytearray(lzma.compress(b"x"))
    begin, end = 12, 12 + (data[12] + 1) * 4
    assert data[begin + 2] == 0x21  # LZMA2
    data[begin + 4] = dictionary
    data[end - 4 : end] = zlib.crc32(data[begin : end - 4]).to_bytes(4, "little")
    return bytes(data)


def zstandard_frame(window_log: int) -> bytes:
    """A frame of one raw byte whose header asks for a window of 2 ** window_log bytes."""
    last_raw_block_of_one = (1 | 0 << 1 | 1 << 3).to_bytes(3, "little")
    return b"\x28\xb5\x2f\xfd" + bytes([0, (window_log - 10) << 3]) + last_raw_block_of_one + b"x"


def test_a_window_that_the_tools_use_is_allowed() -> None:
    for data in (zstandard_frame(window_log=27), xz_stream(dictionary=28)):
        found, stream = everything(data)
        assert (found, stream.fault) == (b"x", "")


def test_a_bomb_is_not_unpacked_before_it_is_asked_for() -> None:
    data = lzma.compress(bytes(100 << 20), preset=0)
    stream = BytesIn(io.BytesIO(data), len(data))
    assert stream.readinto(memoryview(bytearray(1000))) == 1000
    # What waits inside is a small part of what would come out.
    assert stream.position <= 1 << 20


def test_what_is_read_ahead_is_little_and_stops_when_nobody_reads_on(tmp_path: Path) -> None:
    data = gzip.compress(text(20_000_000), compresslevel=1)
    (tmp_path / "a.gz").write_bytes(data)
    stream = open_bytes(str(tmp_path / "a.gz"))
    assert stream.readinto(memoryview(bytearray(1_000))) == 1_000
    assert threads() == []
    assert stream.readinto(memoryview(bytearray(1_000))) == 1_000
    assert threads() == ["decompress"]
    stream.close()
    assert threads() == []
    assert stream.position < len(data) // 2


def threads() -> list[str]:
    return [one.name for one in threading.enumerate() if one.name == "decompress"]


def test_an_end_stays_the_end_also_for_who_asks_again() -> None:
    data = gzip.compress(text(10_000))
    stream = BytesIn(io.BytesIO(data), len(data), ahead=True)
    buffer = memoryview(bytearray(10_000))
    assert [stream.readinto(buffer) for _ in range(4)] == [10_000, 0, 0, 0]
    stream.close()


def test_the_position_is_that_in_the_file_itself(tmp_path: Path) -> None:
    data = gzip.compress(text(3_000_000))
    (tmp_path / "a.gz").write_bytes(data)
    stream = open_bytes(str(tmp_path / "a.gz"))
    assert stream.size == len(data)
    positions = []
    buffer = memoryview(bytearray(200_000))
    while stream.readinto(buffer):
        positions.append(stream.position)
    assert positions == sorted(positions)
    assert 0 < positions[0] < positions[-1] == len(data)
    stream.close()


def test_a_device_that_fails_gives_what_it_gave_before() -> None:
    # The side that reads a terminal gets an error, not an end, when the other side is gone.
    reading, writing = pty.openpty()
    tty.setraw(writing)
    os.write(writing, b"plain bytes")
    with os.fdopen(reading, "rb", buffering=0) as file:
        stream = BytesIn(file, 0)
        os.close(writing)
        buffer = bytearray(100)
        assert stream.readinto(memoryview(buffer)) == 11
        assert buffer[:11] == b"plain bytes"
        assert (stream.kind, stream.fault) == ("read-error", "Input/output error")
        assert stream.readinto(memoryview(buffer)) == 0


def test_a_file_that_is_not_there_raises(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        open_bytes(str(tmp_path / "none"))


def test_standard_input_is_read_to_its_end_and_stays_open() -> None:
    code = """
import sys
from otmon.capture.compressed import open_bytes
stream = open_bytes("-")
buffer = bytearray(1 << 20)
got = stream.readinto(memoryview(buffer))
stream.close()
sys.stdout.buffer.write(b"%d %d %d" % (got, stream.size, sys.stdin.buffer.closed))
"""
    data = gzip.compress(text(300_000))
    result = subprocess.run([sys.executable, "-c", code], input=data, capture_output=True, check=False)
    assert (result.stdout, result.stderr) == (b"300000 0 0", b"")
