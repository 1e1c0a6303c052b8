"""What somebody who has taken a sensor over would try: `python -m tests.sensor.attempts USER HOW`.

Prints as JSON what came of each attempt, by a process that was confined (HOW is "confined") or that only has
the rights of who started it ("free": then the attempts by which a frame could be sent, and code be made).
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import json
import mmap
import os
import platform
import resource
import signal
import socket
import struct
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"

from otmon.capture.ring import Ring  # isort: skip
from otmon.sensor import system_calls  # isort: skip
from otmon.sensor.confine import confine  # isort: skip
from otmon.sensor.observer import compile_kernels  # isort: skip

FRAME = bytes(12) + b"\x88\xb5" + bytes(50)
X86 = platform.machine() == "x86_64"
HIGHEST = 500
"""Of the numbers of system calls, with some to spare."""
PROBES = {335, 336} if X86 else set()
"""What Linux calls itself by where programs are traced, and nobody else may."""
_TX_RING, _TIOCSTI, _SIOCSIFFLAGS, _SHM_EXEC, _READ_IMPLIES_EXEC = 13, 0x5412, 0x8914, 0o100000, 0x0400000

libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = libc.shmat.restype = ctypes.c_void_p
libc.mprotect.argtypes = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int


def checked(result: int | None) -> None:
    if result in (-1, ctypes.c_void_p(-1).value):
        raise OSError(ctypes.get_errno(), "call")


def call(number: int, *arguments: object) -> None:
    checked(libc.syscall(number, *arguments))


def by(x86: int, arm: int, *arguments: object) -> None:
    call(x86 if X86 else arm, *arguments)


class Attempts:
    """All that an attempt needs is made before the rights are given up."""

    def __init__(self, ring: Ring) -> None:
        self.ring = ring
        self.fd = ring.socket.fileno()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.pair = socket.socketpair()
        self.pipe = os.pipe()
        self.file = tempfile.TemporaryFile()  # noqa: SIM115
        self.file.write(FRAME)
        self.file.flush()
        self.elsewhere, self.folder = tempfile.mkdtemp(), tempfile.mkdtemp()
        with open(f"{self.elsewhere}/file", "wb") as file:
            file.write(b"code of the next start")
        for name in (self.elsewhere, f"{self.elsewhere}/file", self.folder):
            os.chmod(name, 0o777)
        self.context = ctypes.c_ulong(0)
        by(206, 0, 8, ctypes.byref(self.context))
        self.page = libc.mmap(None, ctypes.c_size_t(4096), 3, 0x22, -1, ctypes.c_long(0))
        # As code may be that libraries make, for callbacks.
        self.code = mmap.mmap(-1, 4096, prot=7)
        self.shared = libc.shmget(0, 4096, 0o1700)
        self.victim = os.fork()
        if self.victim == 0:
            # Whoever reads what this program prints waits for all who could.
            os.closerange(0, 3)
            libc.prctl(1, signal.SIGKILL, 0, 0, 0)
            signal.pause()

    def sending(self) -> dict[str, Callable[[], object]]:
        """Every call that writes to a descriptor, on that of the ring."""
        fd, data = self.fd, ctypes.create_string_buffer(FRAME, len(FRAME))
        vector = struct.pack("PQ", ctypes.addressof(data), len(FRAME))
        return {
            "send": lambda: self.ring.socket.send(FRAME),
            "sendto": lambda: self.ring.socket.sendto(FRAME, ("far0", 0)),
            "sendmsg": lambda: self.ring.socket.sendmsg([FRAME]),
            "sendmmsg": lambda: by(307, 269, fd, bytes(64), 1, 0),
            "write": lambda: os.write(fd, FRAME),
            "writev": lambda: os.writev(fd, [FRAME]),
            "pwrite": lambda: os.pwrite(fd, FRAME, 0),
            "pwritev": lambda: by(296, 70, fd, vector, 1, ctypes.c_long(0), ctypes.c_long(0)),
            "pwritev2": lambda: by(328, 287, fd, vector, 1, ctypes.c_long(-1), ctypes.c_long(-1), 0),
            "sendfile": lambda: os.sendfile(fd, self.file.fileno(), 0, len(FRAME)),
            "copy_file_range": lambda: os.copy_file_range(self.file.fileno(), fd, len(FRAME)),
            "splice": self.splice,
            "tee": lambda: by(276, 77, self.pipe[0], fd, ctypes.c_long(60), 0),
            "vmsplice": lambda: by(278, 75, fd, vector, ctypes.c_long(1), 0),
            "io_submit": self.submit,
            "io_setup": lambda: by(206, 0, 8, ctypes.byref(ctypes.c_ulong(0))),
            "io_uring": lambda: call(425, 8, ctypes.create_string_buffer(120)),
            "dup": lambda: os.write(os.dup(fd), FRAME),
            "dup2": lambda: os.write(os.dup2(fd, 99), FRAME),
            "fcntl": lambda: os.write(fcntl.fcntl(fd, fcntl.F_DUPFD, 50), FRAME),
            "fcntl close": lambda: os.write(fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 50), FRAME),
            "pass it on": lambda: socket.send_fds(self.pair[0], [b"x"], [fd]),
            "ring to send by": lambda: self.ring.socket.setsockopt(263, _TX_RING, bytes(28)),
            "packet socket": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0),
            "raw socket": lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1),
            "inet socket": socket.socket,
            "unix socket": socket.socketpair,
            "connect": lambda: self.other.connect(("127.0.0.1", 9)),
            "sendto address": lambda: self.other.sendto(b"x", ("127.0.0.1", 9)),
        }

    def splice(self) -> None:
        os.write(self.pipe[1], FRAME)
        os.splice(self.pipe[0], self.fd, len(FRAME))

    def submit(self) -> None:
        data = ctypes.create_string_buffer(FRAME, len(FRAME))
        # struct iocb, with IOCB_CMD_PWRITE.
        fields = 0, 0, 0, 1, 0, self.fd, ctypes.addressof(data), len(FRAME), 0, 0, 0, 0
        block = ctypes.create_string_buffer(struct.pack("<QIIHhIQQqQII", *fields))
        blocks = (ctypes.c_void_p * 1)(ctypes.addressof(block))
        by(209, 2, self.context, ctypes.c_long(1), blocks)

    def coding(self) -> dict[str, Callable[[], object]]:
        """Every way to code that was not loaded."""
        return {
            "memory to write and run": lambda: mmap.mmap(-1, 4096, prot=7),
            "memory to run": lambda: mmap.mmap(-1, 4096, prot=5),
            "written memory to run": lambda: checked(libc.mprotect(self.page, 4096, 5)),
            "written memory to run by key": lambda: by(329, 288, ctypes.c_void_p(self.page), 4096, 5, -1),
            "memory file": lambda: by(319, 279, b"x", 0),
            "file to run": lambda: mmap.mmap(self.file.fileno(), 0, mmap.MAP_PRIVATE, 5),
            "shared memory to run": lambda: checked(libc.shmat(self.shared, None, _SHM_EXEC)),
            "what is read is run": lambda: checked(libc.personality(_READ_IMPLIES_EXEC)),
        }

    def others(self) -> dict[str, Callable[[], object]]:
        """Every other process, and every right; not to be tried by who has them."""
        bad = struct.pack("16sH22x", b"far0", 0)
        every = set(range(HIGHEST)) - allowed() - PROBES
        words = [ctypes.c_long(-1)] * 6
        return {
            "execve": lambda: os.execv("/bin/true", ["true"]),
            "fork": lambda: os._exit(0) if os.fork() == 0 else None,
            "kill": lambda: os.kill(self.victim, signal.SIGKILL),
            "ptrace": lambda: by(101, 117, 16, self.victim, 0, 0),
            "process_vm_writev": lambda: by(311, 271, self.victim, 0, 0, 0, 0, 0),
            "bpf": lambda: by(321, 280, 0, 0, 0),
            "program for others": lambda: os.open("/tmp", os.O_TMPFILE | os.O_RDWR, 0o4755),
            "program for others, later": lambda: os.fchmod(self.file.fileno(), 0o4755),
            "type on the terminal": lambda: fcntl.ioctl(0, _TIOCSTI, b"x"),
            "chroot": lambda: os.chroot("/tmp"),
            "become root": lambda: os.setuid(0),
            "interface": lambda: fcntl.ioctl(self.fd, _SIOCSIFFLAGS, bad),
            "limit": lambda: by(302, 261, 0, resource.RLIMIT_CORE, bytes(16), 0),
            "memory of itself": lambda: open("/proc/self/mem", "r+b").close(),
            "file elsewhere": lambda: os.open(f"{self.elsewhere}/new", os.O_CREAT | os.O_WRONLY),
            "file there": lambda: open(f"{self.elsewhere}/file", "wb").close(),
            "name elsewhere": lambda: os.unlink(f"{self.elsewhere}/file"),
            "call of the other table": lambda: call(0x40000000 | 39),
            # One and all: a call that nobody thought of is refused, too.
            **{f"call {number}": lambda number=number: call(number, *words) for number in every},
        }


def allowed() -> set[int | None]:
    which, _ = system_calls.MACHINES[platform.machine()]
    return {numbers[which] for numbers in (system_calls.FREE | system_calls.LIMITED).values()}


def came_of(tried: dict[str, Callable[[], object]]) -> dict[str, str]:
    """In another thread than the one that gave the rights up."""
    found: dict[str, str] = {}

    def try_all() -> None:
        for name, what in tried.items():
            try:
                what()
                found[name] = "done"
            except OSError as error:
                found[name] = errno.errorcode[error.errno or 0]

    thread = threading.Thread(target=try_all)
    thread.start()
    thread.join()
    return found


def main(user: str, how: str) -> dict[str, object]:
    compile_kernels()
    ring = Ring("far0")
    attempts = Attempts(ring)
    tried = attempts.sending() | attempts.coding()
    if how == "confined":
        tried |= attempts.others()
        confine([attempts.fd], user or None, [Path(attempts.folder), Path(attempts.folder, "not-there-yet")])
    found: dict[str, object] = {"attempts": came_of(tried)}
    # What it still must do.
    kept, part = f"{attempts.folder}/kept", f"{attempts.folder}/part"
    with open(part, "xb") as one:
        one.write(b"facts")
    os.replace(part, kept)
    os.unlink(kept)
    attempts.pair[0].sendall(b"metrics")
    found["answer"] = attempts.pair[1].recv(20).decode()
    batch = ring.next(2000)
    found["heard"] = 0 if batch is None else len(batch.start)
    with open("/proc/self/status", encoding="utf-8") as file:
        status = dict(line.split(":", 1) for line in file.read().splitlines())
    found["capabilities"] = [
        status[one].strip() for one in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
    ]
    found["seccomp"] = status["Seccomp"].strip()
    found["new privileges"] = status["NoNewPrivs"].strip()
    with open("/proc/self/maps", encoding="utf-8") as file:
        rights = [line.split()[1] for line in file]
    found["code"] = sum("x" in one for one in rights)
    found["code to write"] = sum("x" in one and ("w" in one or "s" in one) for one in rights)
    found["user"] = os.getuid()
    found["dumps"] = [libc.prctl(3, 0, 0, 0, 0), *resource.getrlimit(resource.RLIMIT_CORE)]
    found["victim lives"] = os.waitpid(attempts.victim, os.WNOHANG) == (0, 0)
    return found


def end(arguments: Sequence[str]) -> None:
    print(json.dumps(main(*arguments)), flush=True)


if __name__ == "__main__":
    end(sys.argv[1:])
