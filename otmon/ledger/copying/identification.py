"""Which messages of industrial protocols say what a device is, or have to do with a password: they are copied
out of connections that go on for months (`otmon.ledger.copying.messages`), and nothing else is.

The formats are told by their readers in `otmon.identity.claims` and `otmon.identity`; that of Modbus is
known to `otmon.ledger.modbus.transactions`. A request of CIP says what it is about, its answer does not.
"""

from __future__ import annotations

from typing import Final

from otmon.kernel import Bytes, inlined, kernel, u8, u16be, u16le, u32be
from otmon.protocols.cip import PACKED_SERVICES
from otmon.protocols.registry import code_of

S7COMM: Final = code_of("s7comm")
ETHERNET_IP: Final = code_of("ethernet_ip")
BACNET: Final = code_of("bacnet")
FINS: Final = code_of("fins")
SLMP: Final = code_of("slmp")


@kernel
def identifies(code: int, src: Bytes, p: int, end: int, asked: int, answered: int) -> bool:
    """Whether the payload is a message in which a device says what it is, or that has to do with a password,
    of the protocols that are below 0 in `otmon.identity.registry.FIRST_PAYLOADS`. `asked` payloads of the
    other direction were copied in this hour, `answered` of this one."""
    n = end - p
    if code == S7COMM:
        if n < 27 or u8(src, p + 7) != 0x32 or u8(src, p + 8) != 7:
            return False
        # Security functions, and the response of CPU functions: a list of the module or its components.
        if u8(src, p + 22) & 0x3F == 5:
            return True
        if n < 35 or u8(src, p + 22) != 0x84:
            return False
        at = p + 17 + u16be(src, p + 13)
        return bool(at + 6 <= end and (u8(src, at + 5) == 0x11 or u8(src, at + 5) == 0x1C))
    if code == ETHERNET_IP:
        # Answers do not say what was asked: with each one that is, another one may come before it.
        return identifies_cip(src, p, end, answered < 2 * asked)
    if code == BACNET:
        return identifies_bacnet(src, p, end)
    if code == FINS:
        at = p + 16 if n >= 30 and u32be(src, p) == 0x46494E53 else p
        if end - at < 14:
            return False
        # Model and version; and the passwords that protect a program, which both sides name.
        known = u16be(src, at + 10)
        return bool((u8(src, at) & 0x40 and known == 0x0501) or known == 0x0304 or known == 0x0305)
    if code == SLMP:
        begin = p + 4 if n >= 2 and u8(src, p + 1) == 0 and u8(src, p) in (0x54, 0xD4) else p
        if end - begin >= 15 and u8(src, p) in (0x50, 0x54) and u16le(src, begin + 11) == 0x1630:
            return True
        # An answer of nothing but its code, perhaps to that.
        if asked > 0 and end - begin == 11 and u8(src, p) in (0xD0, 0xD4):
            return True
        # The answer that has the length of a type name; of format 4E with a serial number before.
        at = p + 4 if n >= 2 and u16be(src, p) == 0xD400 else p
        return bool(
            end - at >= 29
            and (at > p or u16be(src, p) == 0xD000)
            and u16le(src, at + 7) == 20
            and u16be(src, at + 9) == 0
        )
    return False


@kernel
def identifies_cip(src: Bytes, p: int, end: int, asked: bool) -> bool:
    """Whether it is an identity of EtherNet/IP, or its request; or CIP that asks for attributes of the
    identity object, also of a module behind this one (Unconnected_Send), or may answer that; or opens a
    connection for messages that leads to another network."""
    if end - p < 24:
        return False
    command = u16le(src, p)
    if command == 0x0063:
        return True
    if (command != 0x006F and command != 0x0070) or end - p < 36:
        return False
    # The first item is an address, mostly none; the second one has the message.
    at = p + 36 + u16le(src, p + 34)
    if end - at < 10:
        return False
    kind = u16le(src, at)
    if kind == 0x00B1:
        at += 6
    elif kind == 0x00B2:
        at += 4
    else:
        return False
    if end - at < 4:
        return False
    service = u8(src, at)
    if service == 0x52 or service == 0x54 or service == 0x5B:
        behind = behind_object(src, at + 2, end, 6)
        if behind == 0:
            return False
        if service != 0x52:
            return leads_away(src, behind + (34 if service == 0x54 else 38), end)
        at = behind + 4
        if end - at < 4:
            return False
        service = u8(src, at)
    if service == 0x0A or service == 0x8A:
        return packs_identity(src, at, end, asked)
    return is_about_identity(src, at, end, asked)


@kernel
def is_about_identity(src: Bytes, at: int, end: int, asked: bool) -> bool:
    """Whether a CIP message reads attributes of the identity object that tell what a device is (not its
    status, which clients poll), or may answer that."""
    if end - at < 4:
        return False
    service = u8(src, at)
    status = u8(src, at + 2)
    if service == 0x81 or service == 0x8E:
        return asked and status == 0
    if service == 0x83:
        return asked and (status == 0 or status == 0x0A)
    if service != 0x01 and service != 0x03 and service != 0x0E:
        return False
    at = behind_object(src, at + 2, end, 1)
    if at == 0 or service == 0x01:
        return at > 0
    if end - at < 2:
        return False
    if service == 0x0E:
        if u8(src, at) == 0x30:
            return tells_identity(u8(src, at + 1))
        return u8(src, at) == 0x31 and end - at >= 4 and tells_identity(u16le(src, at + 2))
    for n in range(min(u16le(src, at), PACKED_SERVICES)):
        place = at + 2 + 2 * n
        if end - place < 2:
            return False
        if tells_identity(u16le(src, place)):
            return True
    return False


@kernel
def packs_identity(src: Bytes, at: int, end: int, asked: bool) -> bool:
    """Whether one of the first `PACKED_SERVICES` services of a packet is about the identity object."""
    if u8(src, at) == 0x8A:
        if not asked or (u8(src, at + 2) != 0 and u8(src, at + 2) != 0x1E):
            return False
        at += 4
    else:
        at = behind_object(src, at + 2, end, 2)
        if at == 0:
            return False
    if end - at < 2:
        return False
    for n in range(min(u16le(src, at), PACKED_SERVICES)):
        place = at + 2 + 2 * n
        if end - place < 2:
            return False
        if is_about_identity(src, at + u16le(src, place), end, asked):
            return True
    return False


@inlined
def tells_identity(attribute: int) -> bool:
    """Whether an attribute of the identity object is vendor, type, revision, serial number or name."""
    return attribute == 1 or attribute == 2 or attribute == 4 or attribute == 6 or attribute == 7


@inlined
def leads_away(src: Bytes, at: int, end: int) -> bool:
    """Whether a connection of class 3, whose transport is told at `at` before the length of its path, leads
    further than a module at the backplane (port 1)."""
    if end - at < 6 or u8(src, at) & 0x0F != 3 or u8(src, at + 2) >> 5 != 0:
        return False
    return bool(u8(src, at + 2) != 1 or u8(src, at + 4) >> 5 == 0)


@kernel
def behind_object(src: Bytes, at: int, end: int, of: int) -> int:
    """Where the path to instance 1 of a CIP class ends that begins at `at`; 0 for another path."""
    at = behind_segment(src, at, end, 0x20, of)
    return behind_segment(src, at, end, 0x24, 1) if at > 0 else 0


@kernel
def behind_segment(src: Bytes, at: int, end: int, kind: int, value: int) -> int:
    """Where a logical segment of a CIP path ends that has this value in 8, 16 or 32 bits; else 0."""
    if end - at >= 2 and u8(src, at) == kind and u8(src, at + 1) == value:
        return at + 2
    if end - at >= 4 and u8(src, at) == kind + 1 and u8(src, at + 1) == 0 and u16le(src, at + 2) == value:
        return at + 4
    if (
        end - at >= 6
        and u8(src, at) == kind + 2
        and u8(src, at + 1) == 0
        and u16le(src, at + 2) == value
        and u16le(src, at + 4) == 0
    ):
        return at + 6
    return 0


@kernel
def identifies_bacnet(src: Bytes, p: int, end: int) -> bool:
    """Whether it is I-Am, or a property of a device object."""
    if end - p < 8:
        return False
    at = p + (10 if u8(src, p + 1) == 4 else 4)
    if end - at < 4 or u8(src, at) != 1:
        return False
    control = u8(src, at + 1)
    if control & 0x80:
        return False
    at += 2
    for bit in (0x20, 0x08):
        if control & bit:
            if end - at < 4:
                return False
            at += 3 + u8(src, at + 2)
    at += 1 if control & 0x20 else 0
    if end - at < 8:
        return False
    if u16be(src, at) == 0x1000:
        return True
    return bool(
        u8(src, at) == 0x30
        and u8(src, at + 2) == 12
        and u8(src, at + 3) == 0x0C
        and u32be(src, at + 4) >> 22 == 8
    )
