"""What the sensor gives up once its interfaces are open, so that nobody who takes it over can use it.

In this order: another user, no dump of its memory, no capabilities, no new privileges, and a filter on system
calls (seccomp) that lets through what a sensor needs (`otmon.sensor.system_calls`) and nothing else. Under it

- nothing can be written to, sent on or duplicated from a socket that listens to the plant;
- no socket can be made, and nothing connects to anything or sends to an address: what speaks is the socket
  of the metrics, which answers those who came, and that of the service manager, connected before;
- no program is started, and no other process is touched, but for those that read the sensor's rings;
- no memory becomes executable, and no file is mapped as code: all code is loaded by then, and none of it can
  be written to. A manager of services cannot forbid that (MemoryDenyWriteExecute), since it would do so
  before the start.

Linux has no packet socket that cannot send: that one only listens is held by the filter, which knows it by
its number. Who takes the sensor over still has the answers to those who ask for metrics, all files that its
user may read, and those beneath the folders of its own files to write (`otmon.sensor.landlock`). Where Linux
cannot limit that, root also has /proc/self/mem, by which code that is there can be overwritten; another user
has not: where no dump is allowed, that file is root's.

Its memory holds packets of the last moments, and so passwords: where it crashes, or a watchdog ends it,
nothing of that gets onto a disk.

A forbidden call fails with EPERM, one that is newer than the tables with ENOSYS, as if Linux had none.
Sources: seccomp(2), capabilities(7), prctl(2), core(5), proc(5), packet(7).
"""

from __future__ import annotations

import ctypes
import errno
import grp
import os
import platform
import pwd
import resource
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from otmon.sensor.landlock import write_only_beneath
from otmon.sensor.system_calls import (
    FORKS,
    FREE,
    KILLS,
    LIMITED,
    LIMITS,
    MACHINES,
    NEWER,
    SECCOMP,
    WRITING,
    Limit,
)
from otmon.sentence import Complaint, placed, sentence

_SET_DUMPABLE: Final = 4
_SET_NO_NEW_PRIVS: Final = 38
_CAPBSET_DROP: Final = 24
_SECCOMP_SET_MODE_FILTER: Final = 1
_FILTER_FLAG_TSYNC: Final = 1
_CAPABILITY_VERSION_3: Final = 0x20080522
_LAST_CAPABILITY: Final = 63

_READ, _WRITE = 0x1, 0x2
"""Rights to memory (sys/mman.h)."""

# linux/seccomp.h, linux/bpf_common.h
_ALLOW: Final = 0x7FFF0000
_ERRNO: Final = 0x00050000
_LOAD, _AND, _JUMP, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x54, 0x05, 0x15, 0x35, 0x06
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
_X32: Final = 0x40000000
"""Calls of the other table of x86-64 have numbers from here on."""


class ConfineError(Complaint):
    """A restriction that could not be put in force: which and why."""


def confine(
    listening: Sequence[int],
    user: str | None = None,
    writable: Iterable[Path] = (),
    *,
    forks: bool = False,
    kills: bool = False,
) -> None:
    """Give up everything. `listening` are the descriptors of the sockets that listen to the plant; `user`
    a name to go on as; `writable` are folders to write in. `forks`: but start processes, which have no more
    rights; `kills`: but end one that hangs. Call it while this is the only thread. Raises ConfineError."""
    threads = len(list(Path("/proc/self/task").iterdir()))
    if threads != 1:
        what = sentence("there are {count} threads already, which would keep their rights", count=threads)
        raise ConfineError(what)
    bound_capabilities()
    if user is not None:
        become(user)
    forbid_dumps()
    drop_capabilities()
    part_data_from_code()
    try:
        write_only_beneath(writable)
    except OSError as error:
        raise ConfineError(placed("Landlock", error.strerror or str(error))) from error
    forbid_calls(listening, forks=forks, kills=kills)


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


def part_data_from_code() -> None:
    """Memory that is code and can be written to, there or by another mapping, is code no more: what libffi
    made for callbacks of ctypes, which are called while the packet path is compiled, and not later. Raises
    ConfineError."""
    libc = ctypes.CDLL(None, use_errno=True)
    for line in Path("/proc/self/maps").read_text(encoding="utf-8", errors="surrogateescape").splitlines():
        place, rights, *_ = line.split()
        if "x" in rights and ("w" in rights or "s" in rights):
            begin, end = (int(one, 16) for one in place.split("-"))
            kept = _READ | (_WRITE if "w" in rights else 0)
            if libc.mprotect(ctypes.c_void_p(begin), ctypes.c_size_t(end - begin), kept):
                raise ConfineError(placed("memory that is code", os.strerror(ctypes.get_errno())))


def forbid_calls(listening: Sequence[int], *, forks: bool = False, kills: bool = False) -> None:
    """Put the filter on system calls in force, for all threads. Raises ConfineError."""
    machine = platform.machine()
    if machine not in MACHINES:
        raise ConfineError(sentence("no table of system calls for {machine}", machine=machine))
    which, audit = MACHINES[machine]
    limits = dict(LIMITS)
    if forks:
        limits["clone"] = FORKS
    if kills:
        limits["kill"] = KILLS
    program = b"".join(_program(which, audit, limits, listening))
    code = ctypes.create_string_buffer(program, len(program))
    filters = struct.pack("@HP", len(program) // 8, ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(
        SECCOMP[which], _SECCOMP_SET_MODE_FILTER, _FILTER_FLAG_TSYNC, ctypes.create_string_buffer(filters)
    ):
        raise ConfineError(placed("filter on system calls", os.strerror(ctypes.get_errno())))


def _program(
    which: int, audit: int, limits: Mapping[str, Sequence[Limit]], listening: Sequence[int]
) -> Iterator[bytes]:
    """The filter, instruction by instruction (struct sock_filter)."""
    yield _instruction(_LOAD, _ARCHITECTURE)
    yield _instruction(_EQUAL, audit, 1, 0)
    yield _refusal(errno.EPERM)
    yield _instruction(_LOAD, _NUMBER)
    yield _instruction(_AT_LEAST, _X32, 0, 1)
    yield _refusal(errno.EPERM)
    for numbers in FREE.values():
        if (number := numbers[which]) is not None:
            yield _instruction(_EQUAL, number, 0, 1)
            yield _instruction(_RETURN, _ALLOW)
    for name, pair in LIMITED.items():
        if name in limits or name in WRITING:
            body = [*_limited(limits.get(name, ())), _instruction(_RETURN, _ALLOW)]
            if name in WRITING:
                body = [*_unless(listening), *body]
            yield _instruction(_EQUAL, pair[which], 1, 0)
            yield _instruction(_JUMP, len(body))
            yield from body
    yield _instruction(_AT_LEAST, NEWER, 0, 1)
    yield _refusal(errno.ENOSYS)
    yield _refusal(errno.EPERM)


def _limited(limits: Sequence[Limit]) -> Iterator[bytes]:
    """Refuse where one of the limits does not hold."""
    for half, mask, values in limits:
        # Both machines are little-endian: the low half comes first.
        yield _instruction(_LOAD, _ARGUMENTS + 4 * half)
        yield _instruction(_AND, mask)
        for left, value in zip(range(len(values), 0, -1), values, strict=True):
            yield _instruction(_EQUAL, value, left, 0)
        yield _refusal(errno.EPERM)


def _unless(descriptors: Sequence[int]) -> Iterator[bytes]:
    """Refuse where the first argument is one of the descriptors."""
    yield _instruction(_LOAD, _ARGUMENTS)
    for descriptor in descriptors:
        yield _instruction(_EQUAL, descriptor, 0, 1)
        yield _refusal(errno.EPERM)


def _refusal(error: int) -> bytes:
    return _instruction(_RETURN, _ERRNO | error)


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)
