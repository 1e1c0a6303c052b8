"""What a message of a protocol with commands does, told by its first bytes: whether it is a command, or may
be the answer to one (`otmon.protocols.commands` tells which).

Contract of the kernels that look at one: they give COMMANDS, WRITES, ANSWERS or 0 and, times four, how many
bytes the message has that begins at `p`, of which ``src[p:end]`` is there; 0 where none begins.
"""

from __future__ import annotations

from typing import Final

from otmon.kernel import Bytes, inlined, kernel, u8, u16be, u16le, u32be
from otmon.ledger.copying.cip_messages import ANSWERS, COMMANDS, WRITES, cip_message
from otmon.ledger.copying.station_messages import (
    bacnet_message,
    dnp3_message,
    iec104_message,
    is_iec104_command,
)
from otmon.protocols.registry import code_of

BACNET: Final = code_of("bacnet")
DNP3: Final = code_of("dnp3")
ETHERNET_IP: Final = code_of("ethernet_ip")
FINS: Final = code_of("fins")
IEC104: Final = code_of("iec104")
S7COMM: Final = code_of("s7comm")
SLMP: Final = code_of("slmp")
S7_TELLS: Final = 18
"""Bytes of S7comm in which its function stands, whatever kind it is of."""


@inlined
def is_commanded(code: int) -> bool:
    """Whether commands of the protocol with this code are read here."""
    return code in (BACNET, DNP3, ETHERNET_IP, FINS, IEC104, S7COMM, SLMP)


@inlined
def begun_by(first: int, datagram: bool) -> int:
    """Code of the protocol of which commands may begin with this byte, 0 for none."""
    if first in (0x50, 0x54, 0x35) or is_remote(first):
        return SLMP
    if first == (0x80 if datagram else 0x46):
        return FINS
    if first == 5:
        return DNP3
    if datagram:
        return BACNET if first == 0x81 else 0
    if first == 3:
        return S7COMM
    if first == 0x6F or first == 0x70:
        return ETHERNET_IP
    return IEC104 if first == 0x68 else 0


@kernel
def message_at(code: int, src: Bytes, p: int, end: int, first: bool, datagram: bool) -> int:
    """What the message at `p` of the protocol with this code does; `first`: a payload begins there."""
    if code == S7COMM:
        return s7_message(src, p, end, first)
    if code == FINS:
        return fins_message(src, p, end, first, datagram)
    if code == SLMP:
        return slmp_message(src, p, end)
    if code == ETHERNET_IP:
        # In datagrams is what goes round all the time, and who is who.
        return 0 if datagram else cip_message(src, p, end)
    if code == DNP3:
        return dnp3_message(src, p, end)
    if code == BACNET:
        return bacnet_message(src, p, end)
    return iec104_message(src, p, end)


@kernel
def may_begin(code: int, src: Bytes, p: int, end: int) -> bool:
    """Whether ``src[p:end]``, at least one byte, may be the beginning of a message, too short to tell its
    length; of EtherNet/IP also whether a header that is all there may be one (volume 2, 2-3: no command is
    above 255, and the options are 0)."""
    n = end - p
    begins = u8(src, p)
    if code == S7COMM:
        return bool(n < 4 and begins == 3)
    if code == FINS:
        return bool(n < 8 and begins == 0x46)
    if code == SLMP:
        old = is_remote(begins) and n < (8 if begins == 0x31 else 4) and is_old_beginning(src, p, end)
        return bool(old or (n < 26 and begins in (0x35, 0x44, 0x50, 0x54, 0xD0, 0xD4)))
    if code == ETHERNET_IP:
        return bool((n < 2 or u8(src, p + 1) == 0) and (n < 24 or u32be(src, p + 20) == 0))
    if code == DNP3:
        return bool(n < 10 and begins == 5)
    return bool(n < 6 and begins == 0x68)


@kernel
def is_beginning(code: int, src: Bytes, p: int, end: int) -> bool:
    """Whether ``src[p:end]``, of which the first byte is as `begun_by` says, is as a command of less than 256
    bytes begins, as far as it goes."""
    n = end - p
    second = u8(src, p + 1) if n > 1 else 0
    if code == S7COMM:
        return bool(
            (n < 3 or u8(src, p + 2) == 0)
            and (n < 5 or u8(src, p + 4) == 2)
            and (n < 6 or u8(src, p + 5) == 0xF0)
            and (n < 8 or u8(src, p + 7) == 0x32)
        )
    if code == FINS:
        return bool(
            (n < 2 or second == 0x49)
            and (n < 3 or u8(src, p + 2) == 0x4E)
            and (n < 4 or u8(src, p + 3) == 0x53)
            and (n < 7 or u32be(src, p + 3) == 0x53000000)
        )
    if code == SLMP and u8(src, p) == 0x35:
        return bool(
            (n < 2 or second == 0x30 or second == 0x34)
            and (n < 3 or u8(src, p + 2) == 0x30)
            and (n < 4 or u8(src, p + 3) == 0x30)
        )
    if code == SLMP:
        return is_old_beginning(src, p, end) if is_remote(u8(src, p)) else bool(second == 0)
    if code == ETHERNET_IP:
        return bool(second == 0 and (n < 4 or u8(src, p + 3) == 0) and may_begin(code, src, p, end))
    if code == DNP3:
        return bool(n < 2 or second == 0x64)
    return bool((n < 3 or u8(src, p + 2) & 1 == 0) and (n < 7 or is_iec104_command(u8(src, p + 6))))


@kernel
def s7_message(src: Bytes, p: int, end: int, first: bool) -> int:
    """A message in TPKT. The `first` one of a payload may begin behind the header of TPKT, or that and the
    one of COTP, which came in a segment of their own."""
    size = 0
    at = p + 7
    if end - p >= 4 and u8(src, p) == 3:
        size = u16be(src, p + 2)
        if size < 7:
            return 0
        # Others than COTP data units, and empty ones, may lie between.
        if end - p < 6 or u16be(src, p + 4) != 0x02F0:
            return size << 2
    elif first and end - p >= 2 and u16be(src, p) == 0x02F0:
        at = p + 3
    elif first:
        at = p
    else:
        return 0
    if size > 7 and end - p >= size and size < 7 + S7_TELLS and is_begun_unit(src, p):
        return size << 2 | COMMANDS
    if end - at < 10 or u8(src, at) != 0x32:
        return size << 2
    kind = u8(src, at + 1)
    function = at + (12 if kind == 2 or kind == 3 else 10)
    if size == 0:
        size = function - p + u16be(src, at + 6) + u16be(src, at + 8)
        if u16be(src, at + 2) != 0 or size > end - p:
            return 0
    if kind == 7:
        return size << 2 | s7_user_data(src, at + 10, end)
    # An answer that is an error may have no parameter, and then does not say what it is about.
    if kind == 2 or (kind == 3 and u16be(src, at + 6) == 0):
        return size << 2 | ANSWERS
    if (kind == 1 or kind == 3) and function < end:
        if u8(src, function) in (0x1A, 0x1D, 0x28, 0x29):
            return size << 2 | (COMMANDS if kind == 1 else ANSWERS)
        if u8(src, function) == 5:
            return size << 2 | (WRITES if kind == 1 else ANSWERS)
    return size << 2


@inlined
def is_begun_unit(src: Bytes, p: int) -> bool:
    """Whether the data unit of COTP at `p`, which is no empty one, begins a message of S7comm with which
    others go on (X.224, 13.7.3: the mark of the end)."""
    return bool(u8(src, p + 6) & 0x80 == 0 and u8(src, p + 7) == 0x32)


@inlined
def is_invocation(src: Bytes, p: int, end: int) -> bool:
    """Whether the message of S7comm at `p` starts something by its name, which is told in the end."""
    return bool(end - p > 17 and u8(src, p) == 3 and u8(src, p + 8) == 1 and u8(src, p + 17) == 0x28)


@inlined
def is_unit(src: Bytes, p: int, end: int) -> bool:
    """Whether a data unit of COTP that is no empty one is at `p`, and all of it is there."""
    return bool(
        end - p >= 8 and u8(src, p) == 3 and 7 < u16be(src, p + 2) <= end - p and u16be(src, p + 4) == 0x02F0
    )


@inlined
def is_other_unit(src: Bytes, p: int, end: int) -> bool:
    """Whether ``src[p:end]`` is one whole unit of TPKT in which is no S7comm."""
    return bool(end - p >= 8 and u16be(src, p + 2) == end - p and u8(src, p + 7) != 0x32)


@inlined
def s7_user_data(src: Bytes, p: int, end: int) -> int:
    """What the parameter at `p` of user data does: 0 where it has none of `S7_USER_DATA`."""
    if end - p < 8 or u16be(src, p) != 1 or u8(src, p + 2) != 0x12:
        return 0
    group = u8(src, p + 5) & 0x0F
    function = u8(src, p + 6)
    if not (
        (group == 1 and 0x08 <= function <= 0x0C)
        or (group == 7 and (function == 2 or function == 4))
        or (group == 15 and (function == 1 or function == 6))
    ):
        return 0
    way = u8(src, p + 5) >> 4
    if way == 4 or way == 7:
        return COMMANDS
    return ANSWERS if way == 8 or way == 11 else 0


@kernel
def fins_message(src: Bytes, p: int, end: int, first: bool, datagram: bool) -> int:
    """A frame of FINS in TCP, or one without its header: a datagram, or the `first` one of a payload, whose
    header came in a segment of its own. What only goes on there has no such information control field."""
    size = end - p
    at = p
    if size >= 8 and u32be(src, p) == 0x46494E53:
        size = 8 + u32be(src, p + 4)
        at = p + 16
        if size < 16:
            return 0
    elif not first or size < 12 or not (datagram or (u8(src, p) & 0x3E == 0 and u8(src, p + 1) == 0)):
        return 0
    if end - at < 12:
        return size << 2
    command = u16be(src, at + 10)
    writes = is_fins_write(command)
    if not (writes or is_fins_command(command)):
        return size << 2
    return size << 2 | (ANSWERS if u8(src, at) & 0x40 else WRITES if writes else COMMANDS)


@inlined
def is_fins_command(command: int) -> bool:
    """Whether it is one of `FINS_COMMANDS`."""
    return (
        command in (0x0202, 0x0203, 0x0221, 0x0702, 0x2103, 0x220B, 0x220C, 0x2301, 0x2302)
        or 0x0304 <= command <= 0x0308
        or 0x0401 <= command <= 0x0403
        or 0x2203 <= command <= 0x2205
    )


@inlined
def is_fins_write(command: int) -> bool:
    """Whether it is one of `FINS_WRITES`."""
    return bool(command == 0x0102 or command == 0x0103 or command == 0x0105)


@kernel
def slmp_message(src: Bytes, p: int, end: int) -> int:
    """A frame of SLMP: 3E, 4E or 1E, in binary or ASCII code."""
    if end - p >= 2:
        size = old_message(src, p, end)
        if size != 0:
            return size
    if end - p < 4:
        return 0
    sub = u8(src, p)
    if u8(src, p + 1) == 0 and sub in (0x50, 0x54, 0xD0, 0xD4):
        at = p + (11 if sub & 4 else 7)
        if end - at < 2:
            return 0
        size = at + 2 + u16le(src, at) - p
        if sub >= 0xD0:
            return size << 2 | (ANSWERS if u16le(src, at) in (2, 11) else 0)
        if end - at < 6:
            return size << 2
        return size << 2 | kind_of_slmp(u16le(src, at + 4))
    sub = u32be(src, p)
    if sub not in (0x35303030, 0x35343030, 0x44303030, 0x44343030):
        return 0
    at = p + (22 if sub & 0x040000 else 14)
    length = digits(src, at, end)
    if length < 0:
        return 0
    size = at + 4 + length - p
    if sub >> 24 == 0x44:
        return size << 2 | (ANSWERS if length in (4, 22) else 0)
    return size << 2 | kind_of_slmp(digits(src, at + 8, end))


@inlined
def is_remote(first: int) -> bool:
    """Whether it may be the first byte of a remote RUN or STOP in a frame 1E, in binary or ASCII code."""
    return bool(first == 0x13 or first == 0x14 or first == 0x31)


@kernel
def is_old_beginning(src: Bytes, p: int, end: int) -> bool:
    """Whether ``src[p:end]`` is as a remote RUN or STOP in a frame 1E begins, as far as it goes: to the
    station itself, with a time to wait of at most a minute."""
    n = end - p
    if u8(src, p) != 0x31:
        return bool((n < 2 or u8(src, p + 1) == 0xFF) and (n < 4 or u8(src, p + 3) == 0))
    return bool(
        (n < 2 or u8(src, p + 1) == 0x33 or u8(src, p + 1) == 0x34)
        and (n < 3 or u8(src, p + 2) == 0x46)
        and (n < 4 or u8(src, p + 3) == 0x46)
        and (n < 6 or u16be(src, p + 4) == 0x3030)
    )


@kernel
def old_message(src: Bytes, p: int, end: int) -> int:
    """A frame 1E of at least two bytes, to the station itself or, where nothing follows, to another one. None
    says how long it is: that is told by its command, of some as far as the payload goes, as of answers with
    values."""
    n = end - p
    sub, pc = u8(src, p), u8(src, p + 1)
    if sub < 0x30 and (pc == 0xFF or (n == 4 and 1 <= pc <= 0x40 and is_remote(sub))):
        if sub == 0x13 or sub == 0x14:
            # What only goes on there has no such time to wait.
            return 4 << 2 | (COMMANDS if n == 4 or (n > 4 and u8(src, p + 3) == 0) else 0)
        if sub == 0x15 or sub == 8 or sub == 9:
            return 4 << 2
        kind = WRITES if is_old_write(sub) else 0
        if sub > 3 or n < 11:
            return (12 if sub <= 3 else n) << 2 | kind
        points = u8(src, p + 10) + 256 * (u8(src, p + 10) == 0)
        return (12 + (0 if sub <= 1 else (points + 1) // 2 if sub == 2 else 2 * points)) << 2 | kind
    if 0x80 <= sub <= 0xBC and (pc == 0 or 0x50 <= pc <= 0x60):
        if sub == 0x93 or sub == 0x94 or is_old_write(sub & 0x7F):
            return (4 if pc == 0x5B else 2) << 2 | ANSWERS
        return n << 2
    if n < 4 or sub < 0x30 or sub > 0x42:
        return 0
    command = digits(src, p, end)
    if command & 0xFF == 0xFF and command >> 8 <= 0x3C:
        command >>= 8
        if command == 0x13 or command == 0x14:
            return 8 << 2 | (COMMANDS if n == 8 or (n > 8 and u16be(src, p + 4) == 0x3030) else 0)
        if command == 0x15 or command == 8 or command == 9:
            return 8 << 2
        # What only goes on there has no letter of a device.
        letter = digits(src, p + 8, end) >> 8
        kind = WRITES if (command == 2 or command == 3) and 0x41 <= letter <= 0x5A else 0
        if command > 3 or n < 24:
            return (24 if command <= 3 else n) << 2 | kind
        points = digits(src, p + 20, end) >> 8
        points += 256 * (points == 0)
        return (24 + (0 if command <= 1 else points + points % 2 if command == 2 else 4 * points)) << 2 | kind
    about = (command >> 8) & 0x7F
    if command & 0x8000 and (about == 0x13 or about == 0x14 or is_old_write(about)):
        if command & 0xFF == 0 or 0x50 <= command & 0xFF <= 0x60:
            return (8 if command & 0xFF == 0x5B else 4) << 2 | ANSWERS
    return 0


@inlined
def is_old_write(command: int) -> bool:
    """Whether a command of frames 1E writes."""
    return bool(2 <= command <= 5 or command == 0x0F)


@inlined
def digits(src: Bytes, p: int, end: int) -> int:
    """The number that four hexadecimal digits at `p` are, -1 where they are none."""
    if end - p < 4:
        return -1
    number = 0
    for k in range(p, p + 4):
        digit = u8(src, k)
        if 0x30 <= digit <= 0x39:
            number = number << 4 | (digit - 0x30)
        elif 0x41 <= (digit & 0xDF) <= 0x46:
            number = number << 4 | ((digit & 0xDF) - 0x37)
        else:
            return -1
    return number


@inlined
def kind_of_slmp(command: int) -> int:
    """COMMANDS for one of `SLMP_COMMANDS`, WRITES for one of `SLMP_WRITES`, else 0."""
    if command in (0x1001, 0x1002, 0x1003, 0x1005, 0x1006, 0x1820, 0x1822, 0x1824, 0x1828, 0x1829):
        return COMMANDS
    return WRITES if command in (0x1401, 0x1402, 0x1406, 0x141A, 0x141B, 0x1601, 0x1613) else 0
