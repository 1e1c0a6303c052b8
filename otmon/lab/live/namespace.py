"""Network namespaces of a range: made, entered, asked and taken away, always by their names.

A range `NAME` owns the namespaces `otmon-lab.NAME.PART` and the processes that run in them, and nothing
else (ip-netns(8), network_namespaces(7)).
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

from otmon.sentence import placed, sentence

MOUNTED = Path("/run/netns")
PREFIX = "otmon-lab"
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
"""Of a range and its parts: no dot, so that no range's names begin with those of another."""

TERM_S = 10.0
"""How long a process has to end by itself: a sensor judges and saves before it does."""
_EXTRA = ("asyncua", "pymodbus", "snap7")
_NO_ROOT = sentence("a live range needs root; without it otmon lab record makes captures")
_CLONE_NEWNET = 0x40000000
_SIOCETHTOOL = 0x8946
_OFFLOADS = (0x17, 0x1F, 0x24)
"""ETHTOOL_STXCSUM, ETHTOOL_STSO, ETHTOOL_SGSO of linux/ethtool.h."""
_LISTENING, _UNCONNECTED = "0A", "07"
"""States in /proc/net/tcp and /proc/net/udp."""

Answer = TypeVar("Answer")


class LiveError(Exception):
    """A range that cannot be made, found or played on; the text says why, and what to do."""


def missing() -> str:
    """Why there can be no range on this machine; nothing where there can."""
    if os.geteuid() != 0:
        return _NO_ROOT
    for command, package in (("ip", "iproute2"), ("tc", "iproute2"), ("nft", "nftables")):
        if shutil.which(command) is None:
            return sentence(
                "needs {command} (Debian: apt-get install {package})", command=command, package=package
            )
    if any(find_spec(module) is None for module in _EXTRA):
        return sentence("a live range needs the extra lab: pip install 'otmon[lab]'")
    return ""


def needs_root() -> None:
    """Raises LiveError where this process is not root's."""
    if os.geteuid() != 0:
        raise LiveError(_NO_ROOT)


def full_name(range_name: str, part: str) -> str:
    return f"{PREFIX}.{range_name}.{part}"


def namespaces_of(range_name: str) -> list[str]:
    """Full names of the range's namespaces that there are, also of one whose making was cut short."""
    start = full_name(range_name, "")
    if not MOUNTED.is_dir():
        return []
    return sorted(entry.name for entry in MOUNTED.iterdir() if entry.name.startswith(start))


def ranges() -> list[str]:
    """Names of the ranges of which there is any namespace."""
    if not MOUNTED.is_dir():
        return []
    split = (entry.name.split(".") for entry in MOUNTED.iterdir())
    return sorted({parts[1] for parts in split if len(parts) == 3 and parts[0] == PREFIX})


def run(command: Sequence[str], batch: Sequence[str] = ()) -> str:
    """Run a program, with `batch` as its lines of input; its output. Raises LiveError with its words."""
    text = "".join(f"{line}\n" for line in batch)
    # Not closed: that `alone_at` holds.
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False, close_fds=False)
    if done.returncode:
        raise LiveError(placed(" ".join(command), (done.stderr or done.stdout).strip()))
    return done.stdout


def enter(namespace: str) -> None:
    """Put this thread into the namespace for good. Raises LiveError where there is none."""
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        with open(MOUNTED / namespace) as there:
            if libc.setns(there.fileno(), _CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    except OSError as error:
        what = sentence("namespace {name}: {why}", name=namespace, why=str(error.strerror))
        raise LiveError(what) from None


@contextmanager
def inside(namespace: str) -> Iterator[None]:
    """This thread is in the namespace: sockets that it makes belong there, also afterwards."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open("/proc/thread-self/ns/net") as home:
        enter(namespace)
        try:
            yield
        finally:
            if libc.setns(home.fileno(), _CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns")


def asked_inside(namespace: str, ask: Callable[[], Answer]) -> Answer:
    """What `ask` answers in a thread of its own that is in the namespace."""

    def there() -> Answer:
        enter(namespace)
        return ask()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(there).result()


def setting(path: str, value: object) -> None:
    """Set a value below /proc/sys/net of the namespace that this thread is in. Raises OSError."""
    Path("/proc/sys/net", path).write_text(f"{value}\n", encoding="ascii")


def without_offloads(interface: str) -> None:
    """Have packets leave the interface as they would go over a wire: with their checksums, and not larger
    than a frame. Raises OSError."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        for command in _OFFLOADS:
            value = ctypes.create_string_buffer(struct.pack("II", command, 0))
            request = struct.pack("16sP16x", interface.encode(), ctypes.addressof(value))
            fcntl.ioctl(asker, _SIOCETHTOOL, request)


def serving(transport: str) -> set[int]:
    """Ports of this thread's namespace at which something listens, of "tcp" or "udp"."""
    state = _LISTENING if transport == "tcp" else _UNCONNECTED
    lines = Path(f"/proc/thread-self/net/{transport}").read_text(encoding="ascii").splitlines()[1:]
    fields = (line.split() for line in lines)
    return {int(field[1].rpartition(":")[2], 16) for field in fields if field[3] == state}


def received(interface: str) -> tuple[int, int]:
    """Packets and bytes that an interface of this thread's namespace has received."""
    for line in Path("/proc/thread-self/net/dev").read_text(encoding="ascii").splitlines():
        name, colon, rest = line.partition(":")
        if colon and name.strip() == interface:
            numbers = rest.split()
            return int(numbers[1]), int(numbers[0])
    raise LiveError(sentence("no interface {name}", name=interface))


def processes_in(namespaces: Sequence[str]) -> dict[int, str]:
    """Process ids, and the namespace in which each runs."""
    places = {}
    for name in namespaces:
        # One that was killed in the making has a name and no namespace behind it.
        with suppress(OSError):
            status = os.stat(MOUNTED / name)
            places[status.st_dev, status.st_ino] = name
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdecimal():
            with suppress(OSError):
                status = os.stat(f"/proc/{entry}/ns/net")
                place = (status.st_dev, status.st_ino)
                if place in places and int(entry) != os.getpid():
                    found[int(entry)] = places[place]
    return found


def end_processes(namespaces: Sequence[str]) -> int:
    """End what runs in the namespaces: asked first, killed when it stays. How many there were."""
    began = processes_in(namespaces)
    left = began
    for how, patience_s in ((signal.SIGTERM, TERM_S), (signal.SIGKILL, TERM_S)):
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, how)
        end = time.monotonic() + patience_s
        while left and time.monotonic() < end:
            time.sleep(0.02)
            left = processes_in(namespaces)
        if not left:
            return len(began)
    raise LiveError(sentence("processes that cannot be killed: {ids}", ids=" ".join(map(str, left))))


@contextmanager
def alone_at(range_name: str) -> Iterator[None]:
    """Nobody else makes or takes away the range while this lasts, and what `run` has started by then: the
    programs of one that was killed, which still add a namespace, are waited for. Raises LiveError when that
    takes too long."""
    end = time.monotonic() + TERM_S
    # An abstract name (unix(7)) is taken as long as any process has the socket, and leaves nothing behind.
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as taken:
        while True:
            try:
                taken.bind(f"\0{full_name(range_name, '')}")
                break
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
            if time.monotonic() > end:
                what = sentence("another process is at work on the range {name}: try again", name=range_name)
                raise LiveError(what)
            time.sleep(0.01)
        taken.set_inheritable(True)
        yield


@contextmanager
def playing(range_name: str) -> Iterator[None]:
    """Nobody else plays a scenario in the range while this lasts. Raises LiveError where somebody does."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as taken:
        try:
            taken.bind(f"\0{full_name(range_name, 'run')}")
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            what = sentence(
                "another scenario is played in the range {name}: wait for its end", name=range_name
            )
            raise LiveError(what) from None
        yield


def delete(namespace: str) -> None:
    """Take a namespace away with all that is in it; also a name that a crash left without one."""
    done = subprocess.run(["ip", "netns", "delete", namespace], capture_output=True, text=True, check=False)
    if done.returncode:
        with suppress(FileNotFoundError):
            (MOUNTED / namespace).unlink()
