"""The system calls that a sensor makes once it listens, and what their arguments may be.

They are those of a Python process that reads rings, files and SQLite, and answers Prometheus by TLS, with
what libraries choose between for it; `tests/deploy/test_systemd.py` watches a sensor make them. Numbers are
those of Linux for x86-64 and for 64-bit ARM (asm/unistd_64.h, asm-generic/unistd.h).
"""

from __future__ import annotations

import fcntl
import signal
from typing import Final

MACHINES: Final = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
"""By the machine's name: which of the two numbers of a call is its own, and its AUDIT_ARCH_ number."""
SECCOMP: Final = (317, 277)
NEWER: Final = 424
"""From here on calls have one number on all machines, and libc goes an older way where there is none."""

FREE: Final[dict[str, tuple[int | None, int | None]]] = {
    # Files: no other process and nothing on the network is reached by their names.
    "read": (0, 63), "pread64": (17, 67), "readv": (19, 65), "close": (3, 57), "lseek": (8, 62),
    "fsync": (74, 82), "fdatasync": (75, 83), "ftruncate": (77, 46), "flock": (73, 32),
    "newfstatat": (262, 79), "fstat": (5, 80), "stat": (4, None), "lstat": (6, None), "statx": (332, 291),
    "access": (21, None), "faccessat": (269, 48), "faccessat2": (439, 439), "readlink": (89, None),
    "readlinkat": (267, 78), "getdents64": (217, 61), "getcwd": (79, 17), "umask": (95, 166),
    "rename": (82, None), "renameat": (264, 38), "renameat2": (316, 276), "unlink": (87, None),
    "unlinkat": (263, 35), "mkdir": (83, None), "mkdirat": (258, 34), "utimensat": (280, 88),
    "fchown": (93, 55),
    # Memory, which none of these makes executable.
    "munmap": (11, 215), "mremap": (25, 216), "madvise": (28, 233), "brk": (12, 214),
    # Threads, and signals to this process.
    "futex": (202, 98), "set_robust_list": (273, 99), "rseq": (334, 293), "membarrier": (324, 283),
    "exit": (60, 93), "exit_group": (231, 94), "restart_syscall": (219, 128), "sched_yield": (24, 124),
    "sched_getaffinity": (204, 123), "getcpu": (309, 168), "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135), "rt_sigreturn": (15, 139), "sigaltstack": (131, 132),
    "setitimer": (38, 103),
    "wait4": (61, 260), "getpid": (39, 172), "getppid": (110, 173), "gettid": (186, 178),
    "getuid": (102, 174), "geteuid": (107, 175), "getgid": (104, 176), "getegid": (108, 177),
    "uname": (63, 160), "sysinfo": (99, 179), "getrusage": (98, 165), "clock_gettime": (228, 113),
    "clock_getres": (229, 114), "clock_nanosleep": (230, 115), "nanosleep": (35, 101),
    "gettimeofday": (96, 169), "getrandom": (318, 278),
    # Sockets that are there already, and those who come to them.
    "poll": (7, None), "ppoll": (271, 73), "select": (23, None), "pselect6": (270, 72), "accept": (43, 202),
    "accept4": (288, 242), "recvfrom": (45, 207), "shutdown": (48, 210), "getsockname": (51, 204),
    "getpeername": (52, 205), "getsockopt": (55, 209),
}  # fmt: skip
"""Allowed whatever the arguments are; None where a machine has no such call."""

LIMITED: Final[dict[str, tuple[int, int]]] = {
    "write": (1, 64), "writev": (20, 66), "pwrite64": (18, 68), "sendto": (44, 206), "openat": (257, 56),
    "fchmod": (91, 52), "fcntl": (72, 25), "ioctl": (16, 29), "mmap": (9, 222), "mprotect": (10, 226),
    "clone": (56, 220), "kill": (62, 129), "prctl": (157, 167), "prlimit64": (302, 261),
}  # fmt: skip
"""Allowed with the arguments of `LIMITS`."""

WRITING: Final = ("write", "writev", "pwrite64", "sendto")
"""Not allowed on a socket that listens to the plant, their first argument."""

_WHOLE: Final = 0xFFFFFFFF
_EXECUTE: Final = 0x4
_SET_USER_OR_GROUP: Final = 0o6000
_THREAD: Final = 0x10000 | 0x100
"""Flags of clone(2) that a thread has: CLONE_THREAD, CLONE_VM."""
_KIND: Final = _THREAD | 0x7E020000
"""And those of new namespaces."""
_TCGETS, _TIOCGWINSZ, _FIONBIO, _FIOCLEX, _SIOCGIFFLAGS, _SIOCGIFINDEX = (
    0x5401, 0x5413, 0x5421, 0x5451, 0x8913, 0x8933,
)  # fmt: skip
_SET_DEATH_SIGNAL, _GET_DUMPABLE, _SET_NAME = 1, 3, 15
_OF_DESCRIPTORS: Final = (
    fcntl.F_GETFD, fcntl.F_SETFD, fcntl.F_GETFL, fcntl.F_SETFL, fcntl.F_GETLK, fcntl.F_SETLK, fcntl.F_SETLKW,
)  # fmt: skip
"""Commands of fcntl: none that duplicates, and none that sends signals."""

Limit = tuple[int, int, tuple[int, ...]]
"""Which half of which argument (twice its place, one more for the upper half), a mask, what may be there."""


def _null(argument: int) -> tuple[Limit, Limit]:
    return (2 * argument, _WHOLE, (0,)), (2 * argument + 1, _WHOLE, (0,))


LIMITS: Final[dict[str, tuple[Limit, ...]]] = {
    # To who is connected, and to no address.
    "sendto": _null(4),
    # No program for others to run as this user.
    "openat": ((6, _SET_USER_OR_GROUP, (0,)),),
    "fchmod": ((2, _SET_USER_OR_GROUP, (0,)),),
    "fcntl": ((2, _WHOLE, _OF_DESCRIPTORS),),
    "ioctl": ((2, _WHOLE, (_TCGETS, _TIOCGWINSZ, _FIONBIO, _FIOCLEX, _SIOCGIFFLAGS, _SIOCGIFINDEX)),),
    "mmap": ((4, _EXECUTE, (0,)),),
    "mprotect": ((4, _EXECUTE, (0,)),),
    "clone": ((0, _KIND, (_THREAD,)),),
    "prctl": ((0, _WHOLE, (_SET_DEATH_SIGNAL, _GET_DUMPABLE, _SET_NAME)),),
    # A limit is asked for, and not set.
    "prlimit64": _null(2),
}
"""All must hold. clone3 is not allowed: its flags cannot be seen by a filter, and libc takes clone then."""
FORKS: Final[tuple[Limit, ...]] = ((0, _KIND, (_THREAD, 0)),)
"""Those of clone where processes are started, too."""
KILLS: Final[tuple[Limit, ...]] = (0, 1 << 31, (0,)), (2, _WHOLE, (signal.SIGKILL,))
"""Those of kill where processes that hang are ended: one process, by this signal. Else there is no kill."""
