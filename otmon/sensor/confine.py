"""What the sensor gives up once its interfaces are open, so that nobody who takes it over can use it.

In this order: another user, no dump of its memory, no capabilities, no new privileges, and a filter on system
calls (seccomp) under which

- nothing can be written to, sent on or duplicated from a socket that listens to the plant;
- no packet socket and no raw socket can be made, and nothing connects to anything or sends to an address:
  the one socket that speaks is that of the metrics, and it answers those who came;
- no program is started, no other process is touched, and no other way to the same (io_uring, BPF) is open;
- no memory that was written becomes code: the compiled packet path is loaded by then. A manager of services
  cannot forbid that (MemoryDenyWriteExecute), since it would do so before the start.

Its memory holds packets of the last moments, and so passwords: where it crashes, or a watchdog ends it,
nothing of that gets onto a disk.

A forbidden call fails with EPERM. Sources: seccomp(2), capabilities(7), prctl(2), core(5), and the tables of
system calls of Linux for x86-64 and 64-bit ARM.
"""

from __future__ import annotations

import ctypes
import errno
import grp
import os
import platform
import pwd
import resource
import socket
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from otmon.sentence import Complaint, placed, sentence

_SET_DUMPABLE: Final = 4
_SET_NO_NEW_PRIVS: Final = 38
_CAPBSET_DROP: Final = 24
_SECCOMP_SET_MODE_FILTER: Final = 1
_FILTER_FLAG_TSYNC: Final = 1
_CAPABILITY_VERSION_3: Final = 0x20080522
_F_DUPFD: Final = 0
_F_DUPFD_CLOEXEC: Final = 1030
_LAST_CAPABILITY: Final = 63

_WRITE, _EXECUTE = 0x2, 0x4
"""Rights to memory (sys/mman.h)."""

# linux/seccomp.h, linux/bpf_common.h
_ALLOW: Final = 0x7FFF0000
_ERRNO: Final = 0x00050000
_LOAD, _AND, _EQUAL, _RETURN = 0x20, 0x54, 0x15, 0x06
_AT_LEAST: Final = 0x35
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
_X32: Final = 0x40000000


class ConfineError(Complaint):
    """A restriction that could not be put in force: which and why."""


@dataclass(frozen=True, slots=True)
class _Machine:
    audit: int
    """AUDIT_ARCH_ number."""
    calls: dict[str, int]
    seccomp: int


_SHARED: Final = {"io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427, "pidfd_getfd": 438}
_MACHINES: Final = {
    "x86_64": _Machine(
        0xC000003E,
        {
            "mmap": 9, "mprotect": 10, "pkey_mprotect": 329,
            "write": 1, "pwrite64": 18, "writev": 20, "dup": 32, "dup2": 33, "sendfile": 40,
            "socket": 41, "connect": 42, "sendto": 44, "sendmsg": 46, "execve": 59, "fcntl": 72,
            "ptrace": 101, "splice": 275, "tee": 276, "vmsplice": 278, "dup3": 292, "pwritev": 296,
            "sendmmsg": 307, "process_vm_writev": 311, "bpf": 321, "execveat": 322, "pwritev2": 328,
        },
        317,
    ),
    "aarch64": _Machine(
        0xC00000B7,
        {
            "mmap": 222, "mprotect": 226, "pkey_mprotect": 288,
            "dup": 23, "dup3": 24, "fcntl": 25, "write": 64, "writev": 66, "pwrite64": 68,
            "pwritev": 70, "sendfile": 71, "vmsplice": 75, "splice": 76, "tee": 77, "ptrace": 117,
            "socket": 198, "connect": 203, "sendto": 206, "sendmsg": 211, "execve": 221, "sendmmsg": 269,
            "process_vm_writev": 271, "bpf": 280, "execveat": 281, "pwritev2": 287,
        },
        277,
    ),
}  # fmt: skip

_ALWAYS: Final = (
    "sendmsg", "sendmmsg", "connect", "execve", "execveat", "ptrace", "process_vm_writev", "bpf",
    "io_uring_setup", "io_uring_enter", "io_uring_register", "pidfd_getfd",
)  # fmt: skip
"""Never allowed."""
_ON_DESCRIPTOR: Final = {
    "write": 0, "writev": 0, "pwrite64": 0, "pwritev": 0, "pwritev2": 0, "sendto": 0, "sendfile": 0,
    "splice": 2, "tee": 1, "vmsplice": 0, "dup": 0, "dup2": 0, "dup3": 0,
}  # fmt: skip
"""Not allowed on a listening socket: the call, and which of its arguments is the descriptor."""
_RIGHTS: Final = 2
"""The argument of mmap and mprotect that says what may be done with the memory."""
_DESTINATION: Final = 4
"""The argument of sendto that is an address, 0 for none."""

_Test = tuple[int, int, int]
"""Which argument, a mask, and the value that the low half must have."""


def confine(listening: Sequence[int], user: str | None = None) -> None:
    """Give up everything. `listening` are the descriptors of the sockets that listen to the plant; `user`
    a name to go on as. Call it while this is the only thread. Raises ConfineError."""
    threads = len(list(Path("/proc/self/task").iterdir()))
    if threads != 1:
        what = sentence("there are {count} threads already, which would keep their rights", count=threads)
        raise ConfineError(what)
    bound_capabilities()
    if user is not None:
        become(user)
    forbid_dumps()
    drop_capabilities()
    forbid_calls(listening)


def become(user: str) -> None:
    """Go on as another user, with that one's groups. Raises ConfineError."""
    try:
        known = pwd.getpwnam(user)
    except KeyError:
        raise ConfineError(sentence("there is no user {user}", user=repr(user))) from None
    groups = [one.gr_gid for one in grp.getgrall() if user in one.gr_mem]
    try:
        os.setgroups([known.pw_gid, *groups])
        os.setresgid(known.pw_gid, known.pw_gid, known.pw_gid)
        os.setresuid(known.pw_uid, known.pw_uid, known.pw_uid)
    except PermissionError:
        raise ConfineError(sentence("only root can go on as {user}", user=repr(user))) from None


def forbid_dumps() -> None:
    """Nobody gets a copy of the memory of this process when it ends, or may look into it. Raises
    ConfineError."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    libc = ctypes.CDLL(None, use_errno=True)
    # A program that takes dumps (core(5)) need not heed the limit.
    if libc.prctl(_SET_DUMPABLE, 0, 0, 0, 0):
        raise ConfineError(placed("no dump", os.strerror(ctypes.get_errno())))


def bound_capabilities() -> None:
    """No program that is started can get a capability; without CAP_SETPCAP there is none to be bounded,
    or the manager of the service has done it."""
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in range(_LAST_CAPABILITY + 1):
        libc.prctl(_CAPBSET_DROP, capability, 0, 0, 0)


def drop_capabilities() -> None:
    """No capability is left, and none can come back. Raises ConfineError."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = ctypes.create_string_buffer(struct.pack("=Ii", _CAPABILITY_VERSION_3, 0), 8)
    if libc.capset(header, ctypes.create_string_buffer(24)):
        raise ConfineError(placed("capabilities", os.strerror(ctypes.get_errno())))
    if libc.prctl(_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise ConfineError(placed("no new privileges", os.strerror(ctypes.get_errno())))


def forbid_calls(listening: Sequence[int]) -> None:
    """Put the filter on system calls in force, for all threads. Raises ConfineError."""
    machine = _MACHINES.get(platform.machine())
    if machine is None:
        raise ConfineError(sentence("no table of system calls for {machine}", machine=platform.machine()))
    program = b"".join(_program(machine, listening))
    code = ctypes.create_string_buffer(program, len(program))
    filters = struct.pack("@HP", len(program) // 8, ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(
        machine.seccomp, _SECCOMP_SET_MODE_FILTER, _FILTER_FLAG_TSYNC, ctypes.create_string_buffer(filters)
    ):
        raise ConfineError(placed("filter on system calls", os.strerror(ctypes.get_errno())))


def _program(machine: _Machine, listening: Sequence[int]) -> Iterator[bytes]:
    """The filter, instruction by instruction (struct sock_filter)."""
    calls = machine.calls | _SHARED
    yield _instruction(_LOAD, _ARCHITECTURE)
    yield _instruction(_EQUAL, machine.audit, 1, 0)
    yield _refusal()
    yield _instruction(_LOAD, _NUMBER)
    yield _instruction(_AT_LEAST, _X32, 0, 1)
    yield _refusal()
    for name in _ALWAYS:
        yield from _rule(calls[name])
    yield from _rule(calls["socket"], (0, 0xFFFFFFFF, socket.AF_PACKET))
    # The type's higher bits are flags.
    yield from _rule(calls["socket"], (1, 0xF, socket.SOCK_RAW))
    for name in ("mprotect", "pkey_mprotect"):
        yield from _rule(calls[name], (_RIGHTS, _EXECUTE, _EXECUTE))
    yield from _rule(calls["mmap"], (_RIGHTS, _WRITE | _EXECUTE, _WRITE | _EXECUTE))
    for half in range(2):
        yield from _unless_zero(calls["sendto"], _ARGUMENTS + 8 * _DESTINATION + 4 * half)
    for descriptor in listening:
        for name, argument in _ON_DESCRIPTOR.items():
            if name in calls:
                yield from _rule(calls[name], (argument, 0xFFFFFFFF, descriptor))
        for command in (_F_DUPFD, _F_DUPFD_CLOEXEC):
            tests = (0, 0xFFFFFFFF, descriptor), (1, 0xFFFFFFFF, command)
            yield from _rule(calls["fcntl"], *tests)
    yield _instruction(_RETURN, _ALLOW)


def _rule(number: int, *tests: _Test) -> Iterator[bytes]:
    """Refuse a call where every test holds."""
    left = 3 * len(tests) + 1
    yield _instruction(_LOAD, _NUMBER)
    yield _instruction(_EQUAL, number, 0, left)
    for argument, mask, value in tests:
        left -= 3
        # Both machines are little-endian: the low half comes first.
        yield _instruction(_LOAD, _ARGUMENTS + 8 * argument)
        yield _instruction(_AND, mask)
        yield _instruction(_EQUAL, value, 0, left)
    yield _refusal()


def _unless_zero(number: int, offset: int) -> Iterator[bytes]:
    """Refuse a call where half an argument is not 0."""
    yield _instruction(_LOAD, _NUMBER)
    yield _instruction(_EQUAL, number, 0, 3)
    yield _instruction(_LOAD, offset)
    yield _instruction(_EQUAL, 0, 1, 0)
    yield _refusal()


def _refusal() -> bytes:
    return _instruction(_RETURN, _ERRNO | errno.EPERM)


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)
