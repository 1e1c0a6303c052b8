"""Each thing that the sensor gives up is tried, and fails; what it needs still works."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.namespaces import Wire, inside, missing, wire

from otmon.capture.ring import Ring  # isort: skip

pytestmark = pytest.mark.skipif(bool(missing()), reason=f"a wire to listen on: {missing()}")
ROOT = Path(__file__).resolve().parent.parent.parent

_CHILD = """
import ctypes, errno, fcntl, json, mmap, os, platform, resource, socket, struct, sys, threading
os.environ["OPENBLAS_NUM_THREADS"] = "1"
from otmon.capture.ring import Ring
from otmon.sensor import confine as rules
from otmon.sensor.confine import confine
from otmon.sensor.observer import compile_kernels

compile_kernels()
libc = ctypes.CDLL(None, use_errno=True)
listener = socket.create_server(("127.0.0.1", 0))
other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
ring = Ring("far0")
frame = bytes(12) + b"\\x88\\xb5" + bytes(50)
fd = ring.socket.fileno()
low = os.pipe()
machine = rules._MACHINES[platform.machine()].calls | rules._SHARED
if sys.argv[2] == "confined":
    confine([fd], sys.argv[1] or None)

def call(number, *arguments):
    if libc.syscall(number, *arguments) < 0:
        raise OSError(ctypes.get_errno(), "call")

def called(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), "call")

libc.mmap.restype = ctypes.c_void_p
libc.mprotect.argtypes = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
page = libc.mmap(None, ctypes.c_size_t(4096), 3, 0x22, -1, ctypes.c_long(0))
tried = {
    "send": lambda: ring.socket.send(frame),
    "sendto": lambda: ring.socket.sendto(frame, ("far0", 0)),
    "sendmsg": lambda: ring.socket.sendmsg([frame]),
    "write": lambda: os.write(fd, frame),
    "writev": lambda: os.writev(fd, [frame]),
    "sendfile": lambda: os.sendfile(fd, os.open("/proc/self/status", os.O_RDONLY), 0, 60),
    "splice": lambda: os.splice(low[0], fd, 60),
    "dup": lambda: os.dup(fd),
    "dup2": lambda: os.dup2(fd, 99),
    "fcntl": lambda: fcntl.fcntl(fd, fcntl.F_DUPFD, 50),
    "fcntl close": lambda: fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 50),
    "packet socket": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0),
    "raw socket": lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1),
    "connect": lambda: socket.socket().connect(("127.0.0.1", 9)),
    "sendto address": lambda: other.sendto(b"x", ("127.0.0.1", 9)),
    "execve": lambda: os.execv("/bin/true", ["true"]),
    "io_uring": lambda: call(425, 8, ctypes.create_string_buffer(120)),
    "bpf": lambda: call(321 if os.uname().machine == "x86_64" else 280, 0, 0, 0),
    "memory to write and run": lambda: mmap.mmap(-1, 4096, prot=7),
    "written memory to run": lambda: called(libc.mprotect(page, 4096, 5)),
    "chroot": lambda: os.chroot("/tmp"),
    "become root": lambda: os.setuid(0) if os.getuid() else os.chown("/etc", 1, 1),
    "interface": lambda: fcntl.ioctl(fd, 0x8914, struct.pack("16sH22x", b"far0", 0)),
}
for name in rules._ALWAYS:
    # Not execve: without the filter it must leave this program in place.
    tried["call " + name] = lambda number=machine[name]: call(number, *[ctypes.c_long(-1)] * 6)
for name, place in rules._ON_DESCRIPTOR.items():
    if name in machine:
        # Nothing is there to be sent, so without the filter the call fails in another way or does nothing.
        words = [ctypes.c_long(fd if at == place else -1) for at in range(6)]
        tried["call " + name] = lambda number=machine[name], words=words: call(number, *words)
tried["call pkey_mprotect"] = lambda: call(machine["pkey_mprotect"], ctypes.c_long(page), 4096, 5, -1)
if platform.machine() == "x86_64":
    tried["call of the other table"] = lambda: call(0x40000000 | 39)
if sys.argv[2] == "free":
    tried = {name: what for name, what in tried.items() if name.startswith("call ")}
found = {}
def in_another_thread():
    for name, what in tried.items():
        try:
            what()
            found[name] = "done"
        except OSError as error:
            found[name] = errno.errorcode[error.errno]
thread = threading.Thread(target=in_another_thread)
thread.start()
thread.join()
# What it still must do.
sender = socket.socketpair()
sender[0].sendall(b"metrics")
found["answer"] = sender[1].recv(20).decode()
batch = ring.next(2000)
found["heard"] = 0 if batch is None else len(batch.start)
status = dict(line.split(":", 1) for line in open("/proc/self/status").read().splitlines())
found["capabilities"] = [status[one].strip() for one in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")]
found["seccomp"] = status["Seccomp"].strip()
found["new privileges"] = status["NoNewPrivs"].strip()
found["user"] = os.getuid()
found["dumps"] = [libc.prctl(3, 0, 0, 0, 0), *resource.getrlimit(resource.RLIMIT_CORE)]
print(json.dumps(found))
"""


@pytest.fixture(name="wired", scope="module")
def wired_fixture() -> Iterator[Wire]:
    with wire() as made:
        yield made


def confined(wired: Wire, user: str, how: str = "confined") -> dict[str, object]:
    """What came of each attempt, with another socket listening on both ends meanwhile."""
    command = ["ip", "netns", "exec", wired.namespace, sys.executable, "-c", _CHILD, user, how]
    with inside(wired.namespace), Ring(wired.near) as plant:
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
        ) as child:
            while True:
                wired.send([bytes(12) + b"\x88\xb6" + bytes(50)])
                try:
                    output, errors = child.communicate(timeout=0.2)
                    break
                except subprocess.TimeoutExpired:
                    continue
            assert child.returncode == 0, errors
        # The plant's end of the wire has heard nothing but itself, which a ring leaves out.
        assert plant.next(200) is None and plant.counts().received == 0
    found: dict[str, object] = json.loads(output)
    return found


@pytest.mark.parametrize("user", ["", "nobody"])
def test_nothing_that_was_given_up_can_be_done(wired: Wire, user: str) -> None:
    found = confined(wired, user)
    nothing = "0000000000000000"
    assert found.pop("capabilities") == [nothing] * 5
    assert (found.pop("seccomp"), found.pop("new privileges")) == ("2", "1")
    assert (found.pop("user") == 0) == (user == "")
    assert found.pop("answer") == "metrics"
    assert found.pop("heard") != 0
    assert found.pop("dumps") == [0, 0, 0]
    if user == "":
        # Root without capabilities may change what belongs to root.
        found.pop("become root")
    assert found == dict.fromkeys(found, "EPERM")
    assert len(found) >= 45


def test_without_the_filter_none_of_these_calls_is_forbidden(wired: Wire) -> None:
    """So it is the filter that forbids them, and not that they were tried with nothing in hand."""
    found = confined(wired, "", "free")
    tried = {name: came for name, came in found.items() if name.startswith("call ")}
    assert len(tried) >= 25 and "EPERM" not in tried.values(), tried


def test_restrictions_come_before_threads() -> None:
    code = (
        "import threading, time\n"
        "from otmon.sensor.confine import confine\n"
        "threading.Thread(target=time.sleep, args=(5,), daemon=True).start()\n"
        "confine([])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT, timeout=60
    )
    assert done.returncode and "2 threads already" in done.stderr


def test_a_user_that_is_not_there() -> None:
    code = "from otmon.sensor.confine import confine; confine([], 'no-such-user-here')"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT, timeout=60
    )
    assert done.returncode and "there is no user 'no-such-user-here'" in done.stderr
