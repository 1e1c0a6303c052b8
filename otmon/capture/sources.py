"""Where captures are, in which order, and what format each has."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from glob import glob, has_magic
from pathlib import Path
from typing import Final

from otmon.capture import pcap, pcapng
from otmon.capture.batch import Batch, InputDamage
from otmon.capture.compressed import open_bytes
from otmon.capture.window import Window
from otmon.sentence import Complaint, Sentence, placed, sentence

STDIN: Final = "-"


class NotACapture(Complaint, ValueError):
    """A file that is no capture, or a name that leads to none. Its text is one line for a person."""


_SUFFIXES: Final = frozenset({".cap", ".dmp", ".erf", ".etl", ".ntar", ".snoop", ".trc"})


def expand(names: Sequence[str], left_out: Callable[[Sentence], None] = lambda why: None) -> list[str]:
    """The captures that files, folders, globs and "-" (standard input) name, in the order of their
    first packets, each once. What a folder or glob holds besides captures is left out; what is called like
    one, and why it is none, is told to `left_out`.

    Raises NotACapture for a name that leads to no capture, OSError where one cannot be read.
    """
    found: dict[str, int] = {}
    for name in names:
        if name == STDIN:
            found[name] = -1
            continue
        path = Path(name)
        if path.is_dir():
            inside = (str(one) for one in path.rglob("*") if one.is_file())
        elif has_magic(name) and not path.exists():
            inside = (str(Path(one)) for one in glob(name, recursive=True) if Path(one).is_file())
        else:
            # A pipe can be read once only. The path's own text, as "./a" is the same capture as "a".
            found[str(path)] = _first_time(name) if path.is_file() or not path.exists() else -1
            continue
        captures: dict[str, int] = {}
        for one in sorted(inside):
            try:
                captures[one] = _first_time(one)
            except NotACapture as error:
                if _is_called_capture(one):
                    left_out(error.why)
        if not captures:
            raise NotACapture(
                placed(name, sentence("no captures there (pcap or pcapng, plain or compressed)"))
            )
        found.update(captures)
    return sorted(found, key=lambda one: (found[one], one))


def _is_called_capture(path: str) -> bool:
    """Whether a file has the name of a capture, also one with a number behind it, as rotated ones have."""
    suffixes = [suffix.lower() for suffix in Path(path).suffixes]
    return any(suffix.startswith(".pcap") or suffix in _SUFFIXES for suffix in suffixes)


def _first_time(path: str) -> int:
    """Time of the first packet in nanoseconds, 0 where there is none."""
    for item in read(path):
        if isinstance(item, Batch):
            return int(item.time_ns[0])
    return 0


def read(path: str, *, progress: Callable[[int, int], None] | None = None) -> Iterator[Batch | InputDamage]:
    """The packets of a capture, and what could not be read of it (`otmon.capture.window.KINDS`).

    `progress` is called with the position in the file and its size in bytes (0 when unknown).
    Raises NotACapture, and OSError where the file cannot be opened.
    """
    stream = open_bytes(path)
    try:
        window = Window(path, stream)
        window.refill()
        head = window.buf[:4].tobytes() if window.end >= 4 else b""
        if head in pcap.MAGIC:
            items = pcap.read_pcap(window)
        elif head == pcapng.MAGIC:
            items = pcapng.read_pcapng(window)
        else:
            raise NotACapture(_no_capture(path, window))
        for item in items:
            if progress is not None:
                progress(stream.position, stream.size)
            yield item
        yield from window.last_words()
    finally:
        stream.close()


def _no_capture(path: str, window: Window) -> Sentence:
    name = sentence("standard input") if path == STDIN else path
    if window.stream.fault:
        what = sentence("not a capture: {why}", why=window.stream.fault)
    elif window.end == 0:
        what = sentence("not a capture: it is empty")
    else:
        begins = window.buf[: min(window.end, 4)].tobytes().hex(" ")
        what = sentence("not a capture: it begins with {octets}, not as pcap or pcapng do", octets=begins)
    return sentence("{place}: {text}", place=name, text=what)
