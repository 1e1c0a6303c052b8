"""Bytes of a capture, decompressed on the fly: gzip, Zstandard, LZ4 and xz, told by their magic.

Nothing is mapped into memory: a file that shrinks while it is read must not kill the process.
"""

from __future__ import annotations

import gzip
import io
import lzma
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from typing import Any, BinaryIO, Final, cast

import lz4.frame
import zstandard

MAGIC: Final = {
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\x04\x22\x4d\x18": "lz4",
    b"\xfd7zXZ\x00": "xz",
}
"""First bytes: RFC 1952 section 2.3.1, RFC 8878 section 3.1.1, LZ4 frame format 1.6.4, xz file format
1.2.0 section 2.1.1.1."""
PEEK: Final = 8
_BUFFER: Final = 1 << 20
_WINDOW: Final = 1 << 27
"""Memory that a file may ask for to be decompressed: 128 MiB, as much as the tools use at most
without being told to."""


class BytesIn:
    """A capture's bytes as they come out of its compression, and what went wrong with reading them.

    `fault` is "" or what ended the bytes too early; `position` counts the bytes of the file itself.
    """

    def __init__(self, raw: BinaryIO, size: int, *, ahead: bool = False) -> None:
        """With `ahead` what is compressed is read ahead of who asks for it, which must not be done where
        reading may wait for somebody."""
        self._counted = _Counted(raw)
        self.compression = _compression(self._counted.first)
        stream = _decompressed(self._counted, self.compression)
        # A buffered reader that meets a fault throws away what it has read in the same call, so it
        # is asked for one piece at a time.
        self._readinto: Callable[[memoryview], int] = getattr(stream, "readinto1", stream.readinto)
        self._may_run_ahead = ahead and self.compression != ""
        self._ahead: _Ahead | None = None
        self.size = size
        self.kind = ""
        self.fault = ""

    @property
    def position(self) -> int:
        return self._counted.position

    def readinto(self, view: memoryview) -> int:
        """Fill `view` as far as the source has bytes; less than its length means the end."""
        done = 0
        while done < len(view) and not self.fault:
            try:
                got = self._readinto(view[done:])
            except (
                EOFError,
                lzma.LZMAError,
                gzip.BadGzipFile,
                zlib.error,
                zstandard.ZstdError,
                RuntimeError,
                ValueError,
            ) as error:
                self.kind, self.fault = "cut-compression", f"{self.compression}: {error}"
                break
            except OSError as error:
                self.kind, self.fault = "read-error", error.strerror or str(error)
                break
            if not got:
                break
            done += got
        if self._may_run_ahead and self._ahead is None and done == len(view):
            self._ahead = _Ahead(self._readinto)
            self._readinto = self._ahead.readinto
        return done

    def close(self) -> None:
        if self._ahead is not None:
            self._ahead.close()
        self._counted.close()


class _Ahead:
    """What comes next of a stream, decompressed in a thread of its own while others decode what came before:
    with two processors an archive is read nearly as fast as what is in it."""

    _BLOCK: Final = 512 << 10
    _BLOCKS: Final = 4

    def __init__(self, readinto: Callable[[memoryview], int]) -> None:
        self._read = readinto
        self._ready: Queue[memoryview | Exception] = Queue(self._BLOCKS)
        """An empty block, or what went wrong, is the last."""
        self._rest = memoryview(b"")
        self._over = self._closed = False
        self._thread = Thread(target=self._run, name="decompress", daemon=True)

    def readinto(self, view: memoryview) -> int:
        """As `io.RawIOBase.readinto`; raises what the stream raised, behind what it gave before."""
        if self._thread.ident is None:
            # Whoever only looks at the beginning pays for no more.
            self._thread.start()
        if not self._rest and not self._over:
            block = self._ready.get()
            self._over = isinstance(block, Exception) or not block
            if isinstance(block, Exception):
                raise block
            self._rest = block
        size = min(len(view), len(self._rest))
        view[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size

    def close(self) -> None:
        """The thread ends before the stream is closed."""
        self._closed = True
        while self._thread.is_alive():
            try:
                self._ready.get_nowait()
            except Empty:
                self._thread.join(0.01)

    def _run(self) -> None:
        size = self._BLOCK
        while size == self._BLOCK and not self._closed:
            block = memoryview(bytearray(self._BLOCK))
            size = 0
            try:
                while size < self._BLOCK and (got := self._read(block[size:])):
                    size += got
            except Exception as error:
                if size:
                    self._ready.put(block[:size])
                self._ready.put(error)
                return
            self._ready.put(block[:size])
        self._ready.put(memoryview(b""))


class _Counted(io.RawIOBase):
    """A file that counts the bytes that were read of it, and has looked at its first ones."""

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw
        # What comes by a pipe, not all that is asked for: between two pieces a program can be interrupted.
        self._piece: Callable[[Any], int | None] = getattr(raw, "readinto1", cast(Any, raw).readinto)
        self.position = 0
        self.first = b""
        while len(self.first) < PEEK and (more := raw.read(PEEK - len(self.first))):
            self.first += more
        self._waiting = self.first

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._waiting:
            got = min(len(buffer), len(self._waiting))
            buffer[:got] = self._waiting[:got]
            self._waiting = self._waiting[got:]
        else:
            got = self._piece(buffer) or 0
        self.position += got
        return int(got)

    def close(self) -> None:
        if self._raw is not sys.stdin.buffer:
            self._raw.close()
        super().close()


class _Frames(io.RawIOBase):
    """Compressed frames, one after the other. The Zstandard library's own reader takes a frame that is
    cut for a whole one, and the xz reader lets a file ask for any memory; here both are errors.
    Input goes in by small pieces, as each may grow thousandfold."""

    _PIECE: Final = 512

    def __init__(self, source: io.BufferedReader[Any], new_frame: Callable[[], Any]) -> None:
        self._source = source
        self._new_frame = new_frame
        self._frame: Any = None
        self._input = b""
        self._output = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._output:
            if not self._input:
                self._input = self._source.read(self._PIECE)
                if not self._input:
                    if self._frame is not None:
                        raise EOFError("the last frame is cut")
                    return 0
            if self._frame is None:
                self._frame = self._new_frame()
            self._output = memoryview(self._frame.decompress(self._input))
            self._input = b""
            if self._frame.eof:
                self._input = self._frame.unused_data
                self._frame = None
        size = min(len(buffer), len(self._output))
        buffer[:size] = self._output[:size]
        self._output = self._output[size:]
        return size


def _compression(first: bytes) -> str:
    for magic, name in MAGIC.items():
        if first.startswith(magic):
            return name
    return ""


def _decompressed(raw: _Counted, compression: str) -> Any:
    if not compression:
        return raw
    source = io.BufferedReader(raw, _BUFFER)
    if compression == "gzip":
        return gzip.GzipFile(fileobj=source)
    if compression == "lz4":
        return lz4.frame.LZ4FrameFile(source)
    if compression == "zstd":
        return _Frames(source, zstandard.ZstdDecompressor(max_window_size=_WINDOW).decompressobj)
    return _Frames(source, lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_WINDOW))


def open_bytes(path: str) -> BytesIn:
    """The bytes of the file at `path`, or of standard input for "-". Raises OSError."""
    if path == "-":
        return BytesIn(sys.stdin.buffer, 0)
    file = Path(path).open("rb", buffering=0)  # noqa: SIM115
    return BytesIn(cast(BinaryIO, file), Path(path).stat().st_size, ahead=Path(path).is_file())
