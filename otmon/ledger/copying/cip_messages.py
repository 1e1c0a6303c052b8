"""What a message of EtherNet/IP does, told by its first bytes (`otmon.ledger.copying.command_messages`):
whether a service of CIP in it is a command or a write, or one of PCCC for the PCCC object
(`otmon.protocols.pccc` tells which).
"""

from __future__ import annotations

from typing import Final

from otmon.kernel import Bytes, inlined, kernel, u8, u16le
from otmon.ledger.copying.identification import behind_object, behind_segment

COMMANDS: Final = 1
ANSWERS: Final = 2
WRITES: Final = 3
"""A write, or what else is asked for as often: it has a budget of its own. As COMMANDS it is odd."""
_NUMBERS: Final = 0x3F
"""Bits of a transaction's number by which its answer is known."""


@kernel
def cip_message(src: Bytes, p: int, end: int) -> int:
    """A message of EtherNet/IP: a service of CIP, also for a module behind this one (Unconnected_Send), or
    one of several in a packet."""
    if end - p < 24:
        return 0
    size = 24 + u16le(src, p + 2)
    command = u16le(src, p)
    if (command != 0x006F and command != 0x0070) or end - p < 44:
        return size << 2
    at = service_at(src, p, end)
    if at == 0:
        return size << 2
    service = u8(src, at)
    if service & 0x80:
        about = service & 0x7F
        answers = about in (0x52, 0x4B, 0x0A) or is_cip_command(about) or is_cip_write(about)
        return size << 2 | (ANSWERS if answers else 0)
    if service == 0x0A:
        behind = at + 2 + 2 * u8(src, at + 1)
        if behind_object(src, at + 2, end, 2) == 0 or end - behind < 2:
            return size << 2
        kind = 0
        for n in range(u16le(src, behind)):
            place = behind + 2 + 2 * n
            if end - place < 2:
                break
            one = behind + u16le(src, place)
            if one < end:
                does = COMMANDS if holds_services(src, one, end) else kind_of_service(src, one, end)
                if does == COMMANDS:
                    return size << 2 | COMMANDS
                kind = max(kind, does)
        return size << 2 | kind
    return size << 2 | (COMMANDS if is_routed(src, at, end) else kind_of_service(src, at, end))


@kernel
def service_at(src: Bytes, p: int, end: int) -> int:
    """Where the service of CIP is in a message of EtherNet/IP at `p` of 44 bytes at least, or in what it
    sends to a module behind this one; 0 where it is cut off."""
    # The first item is an address, mostly none; the second one has the message.
    at = p + 36 + u16le(src, p + 34)
    if end - at < 2:
        return 0
    at += 6 if u16le(src, at) == 0x00B1 else 4
    if end - at >= 4 and is_routed(src, at, end):
        at += 6 + 2 * u8(src, at + 1)
    return int(at) if end - at >= 4 else 0


@inlined
def is_routed(src: Bytes, at: int, end: int) -> bool:
    """Whether the service at `at` is for a module behind this one (Unconnected_Send of the Connection
    Manager)."""
    return bool(end - at >= 4 and u8(src, at) == 0x52 and behind_object(src, at + 2, end, 6) > 0)


@inlined
def holds_services(src: Bytes, at: int, end: int) -> bool:
    """Whether the service at `at`, which is in a packet, has others in it: that is looked into by who reads
    it."""
    return bool(u8(src, at) == 0x0A or is_routed(src, at, end))


@inlined
def is_cip_command(service: int) -> bool:
    """Whether it is one of `CIP_COMMANDS`."""
    return 5 <= service <= 7


@inlined
def is_cip_write(service: int) -> bool:
    """Whether it is one of `CIP_WRITES` or `TAG_WRITES`."""
    return bool(service == 2 or service == 4 or service == 0x10 or is_tag_write(service))


@inlined
def is_tag_write(service: int) -> bool:
    """Whether it is one of `TAG_WRITES`."""
    return bool(service == 0x4D or service == 0x4E or service == 0x53)


@inlined
def is_of(src: Bytes, at: int, end: int, of: int) -> bool:
    """Whether the service at `at` is for an object of this class."""
    return bool(behind_segment(src, at + 2, end, 0x20, of) > 0)


@kernel
def kind_of_service(src: Bytes, at: int, end: int) -> int:
    """Whether the service at `at` is a command or a write, or gives the PCCC object one."""
    service = u8(src, at)
    if is_cip_command(service):
        return COMMANDS
    if service == 0x4B:
        return kind_of_pccc(src, at, end)
    if not is_cip_write(service):
        return 0
    if is_tag_write(service):
        symbol = end - at >= 3 and u8(src, at + 2) == 0x91
        return WRITES if symbol or is_of(src, at, end, 0x6B) or is_of(src, at, end, 0x68) else 0
    if end - at < 3 or u8(src, at + 1) == 0 or u8(src, at + 2) & 0xFC != 0x20:
        return 0
    # An address is set once, and hidden by no flood of values.
    return COMMANDS if is_of(src, at, end, 0xF5) else WRITES


@kernel
def kind_of_pccc(src: Bytes, at: int, end: int) -> int:
    """Whether the service at `at` gives the PCCC object a command that `otmon.protocols.pccc` has a name
    for, or a write, alone or among several."""
    p = pccc_at(src, at, end)
    if p == 0:
        return 0
    command = (u8(src, p) & 0x4F) << 8 | u8(src, p + 4)
    if command != 0x0F88:
        return kind_of_command(command, src, p + 5, end)
    kind = 0
    p += 6
    for _ in range(u8(src, p - 1) if p <= end else 0):
        if end - p < 2:
            break
        size = u8(src, p)
        if size == 0:
            break
        does = kind_of_command(0x0F00 | u8(src, p + 1), src, p + 2, min(end, p + 1 + size))
        if does == COMMANDS:
            return COMMANDS
        kind = max(kind, does)
        p += 1 + size
    return kind


@kernel
def pccc_at(src: Bytes, at: int, end: int) -> int:
    """Where the command of PCCC is that the service at `at` executes; 0 where it is for another object, or
    cut off before its function."""
    if end - at < 4 or behind_segment(src, at + 2, end, 0x20, 0x67) == 0:
        return 0
    # Behind the path is who asks, with its length.
    p = at + 2 + 2 * u8(src, at + 1)
    p += u8(src, p) if p < end else 0
    return int(p) if end - p >= 5 else 0


@kernel
def kind_of_command(command: int, src: Bytes, p: int, end: int) -> int:
    """Whether a command of PCCC with its function, whose parameters are ``src[p:end]``, is one of
    `PCCC_COMMANDS`, or writes, or reads what is no data."""
    if command >> 8 in (0, 2, 5, 8) or command in (0x0F00, 0x0F02, 0x0F26, 0x0F67, 0x0F79):
        return WRITES
    if 0x0FA1 <= command <= 0x0FA2 or 0x0FA9 <= command <= 0x0FAB:
        # A size, the number of the file, which may take three bytes, and its type.
        p += 4 if end - p >= 2 and u8(src, p + 1) == 0xFF else 2
        if p >= end:
            return 0
        kind = u8(src, p)
        if command <= 0x0FA2:
            return COMMANDS if kind == 0x22 or kind == 0x65 else 0
        return WRITES if 0x82 <= kind <= 0x93 and kind != 0x84 else COMMANDS
    if command == 0x0F3A or command == 0x0F80:
        return COMMANDS if p < end else 0
    known = command in (
        0x0602, 0x0607, 0x0608, 0x060A, 0x0700, 0x0701, 0x0703, 0x0704, 0x0705, 0x0706, 0x0F05, 0x0F06,
        0x0F07, 0x0F08, 0x0F09, 0x0F0A, 0x0F11, 0x0F17, 0x0F18, 0x0F41, 0x0F50, 0x0F52, 0x0F53, 0x0F55,
        0x0F57, 0x0F5E, 0x0F81, 0x0F8F, 0x0FA7, 0x0FAF,
    )  # fmt: skip
    return COMMANDS if known else 0


@kernel
def pccc_number(src: Bytes, p: int, end: int) -> int:
    """By which number the answer to a command of PCCC is known that the message of EtherNet/IP at `p` is, or
    the answer: from 1 on, as much of the transaction's as one has room for; 0 for another message."""
    at = service_at(src, p, end) if end - p >= 44 else 0
    if at == 0:
        return 0
    service = u8(src, at)
    if service == 0x4B:
        q = pccc_at(src, at, end)
    elif service == 0xCB:
        # Behind CIP's status, and who asks.
        q = at + 4 + 2 * u8(src, at + 3)
        q += u8(src, q) if q < end else 0
    else:
        return 0
    # An answer by which CIP refuses it has none.
    return 1 + (u8(src, q + 2) & _NUMBERS) if q > 0 and end - q >= 4 else 0
