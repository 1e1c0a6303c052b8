"""VLAN tags for what a mirror port shows: a program of a few instructions at each port of the switch.

A copy of a frame gets its port's tag and goes to the mirror; the frame itself goes on as it came. tc's own
action for tags is in fewer kernels than programs at tc are (this one needs CONFIG_BPF_SYSCALL and
CONFIG_NET_CLS_BPF), and it works where the kernel knows no devices of 802.1Q.

The instructions are those of RFC 9669 (3, 4, 4.3), the functions that they call those of bpf-helpers(7),
bpf(2) loads them; struct tcmsg and its attributes are those of linux/rtnetlink.h and linux/pkt_cls.h.
"""

from __future__ import annotations

import ctypes
import os
import platform
import socket
import struct
import sys

_SYSCALLS = {"x86_64": 321, "aarch64": 280}
"""Number of bpf(2)."""
_PROG_LOAD, _SCHED_CLS = 5, 3
_VLAN_PUSH, _VLAN_POP, _CLONE_REDIRECT = 18, 19, 13
_TAG = 0x8100
_GO_ON = -1
"""TC_ACT_UNSPEC: as if there were no filter."""
_CALL, _EXIT, _SET, _COPY = 0x85, 0x95, 0xB7, 0xBF

_NEW_FILTER = 44
"""RTM_NEWTFILTER."""
_REQUEST, _ACKNOWLEDGE, _EXCLUSIVE, _CREATE = 0x1, 0x4, 0x200, 0x400
_INGRESS = 0xFFFFFFF2
"""TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS)."""
_EVERY_PROTOCOL = 0x0003
_KIND, _OPTIONS = 1, 2
_PROGRAM, _NAME, _FLAGS = 6, 7, 8
_DIRECT_ACTION = 1


def copy_tagged(port: str, mirror: str, vlan: int) -> None:
    """What comes in at `port` goes to the interface `mirror` too, with the tag of `vlan` (1 to 4094). Both
    are in the namespace of the calling thread, and `port` has a clsact qdisc.

    The program stays as long as the port. Raises OSError where the kernel cannot do it.
    """
    program = _loaded(_tagging(socket.if_nametoindex(mirror), vlan))
    try:
        _attach(socket.if_nametoindex(port), program)
    finally:
        os.close(program)


def _instruction(code: int, to: int = 0, source: int = 0, value: int = 0) -> bytes:
    return struct.pack("=BBhi", code, source << 4 | to, 0, value)


def _tagging(mirror: int, vlan: int) -> bytes:
    """The program, with the number of the mirror's interface. Register 1 is the frame; 6 outlasts calls."""
    return b"".join(
        (
            _instruction(_COPY, to=6, source=1),
            _instruction(_SET, to=2, value=socket.htons(_TAG)),
            _instruction(_SET, to=3, value=vlan),
            _instruction(_CALL, value=_VLAN_PUSH),
            _instruction(_COPY, to=1, source=6),
            _instruction(_SET, to=2, value=mirror),
            _instruction(_SET, to=3, value=0),
            _instruction(_CALL, value=_CLONE_REDIRECT),
            _instruction(_COPY, to=1, source=6),
            _instruction(_CALL, value=_VLAN_POP),
            _instruction(_SET, to=0, value=_GO_ON),
            _instruction(_EXIT),
        )
    )


def _loaded(instructions: bytes) -> int:
    """A file descriptor of the program. Raises OSError."""
    number = _SYSCALLS.get(platform.machine())
    if number is None or sys.byteorder != "little":
        raise OSError(f"no number of bpf(2) is known for {platform.machine()}")
    code, licence = ctypes.create_string_buffer(instructions), ctypes.create_string_buffer(b"MIT")
    count = len(instructions) // 8
    asked = struct.pack("=IIQQ", _SCHED_CLS, count, ctypes.addressof(code), ctypes.addressof(licence))
    attributes = ctypes.create_string_buffer(asked, 128)
    libc = ctypes.CDLL(None, use_errno=True)
    found = int(libc.syscall(number, _PROG_LOAD, attributes, len(attributes)))
    if found < 0:
        raise OSError(ctypes.get_errno(), "bpf")
    return found


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def _attach(port: int, program: int) -> None:
    """Has the kernel run the program for what comes in at an interface. Raises OSError."""
    options = _attribute(_PROGRAM, struct.pack("=I", program)) + _attribute(_NAME, b"otmon\0")
    options += _attribute(_FLAGS, struct.pack("=I", _DIRECT_ACTION))
    info = 1 << 16 | socket.htons(_EVERY_PROTOCOL)
    body = struct.pack("=BxxxiIII", socket.AF_UNSPEC, port, 0, _INGRESS, info)
    body += _attribute(_KIND, b"bpf\0") + _attribute(_OPTIONS, options)
    flags = _REQUEST | _ACKNOWLEDGE | _CREATE | _EXCLUSIVE
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as asker:
        asker.send(struct.pack("=IHHII", 16 + len(body), _NEW_FILTER, flags, 1, 0) + body)
        answer = asker.recv(65_536)
    (error,) = struct.unpack("=i", answer[16:20])
    if error:
        raise OSError(-error, "rtnetlink")
