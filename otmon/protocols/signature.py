"""Recognition of a protocol by the first bytes of a payload: the checks that protocol files
declare, laid out as arrays for one small kernel.

Each check becomes one row of numbers, so that the kernel knows nothing of any protocol: it loads an
unsigned integer and holds it against a range. Which signatures to try is found by the ports and by
the payload's first byte; among these a precise one is tried before a provisional one, and the one
that random bytes pass least often before the others.

Invariant: `compile_signatures` refuses a check that could reach outside the first or last `minimum`
bytes of a payload; the kernel tries a signature only on payloads of at least that size, and so
never reads outside ``buf[p:end]``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import log2
from typing import Final, NamedTuple

import numpy as np

from otmon.kernel import Bytes, Ints, inlined, kernel, u8
from otmon.protocols.protocol import Check, Crc16, Length, Number, Protocol, Sender, Signature, Text

TCP: Final = 6
UDP: Final = 17
SENDER_SHIFT: Final = 16
PROVISIONAL: Final = 1 << 20
USUAL: Final = 1 << 21
LOOSE: Final = 1 << 22
"""Parts of what `recognise` gives: ``code | sender << SENDER_SHIFT | PROVISIONAL | USUAL | LOOSE``."""
SENDERS: Final[tuple[Sender, ...]] = ("either", "client", "server")

_PORTS: Final = 1 << 16
_ANY_TCP: Final = 0
_ANY_UDP: Final = 1
_NO_PORT: Final = 2
"""First rows of `SignatureTables.lists`: signatures that need no port, and the empty list of ports
that are usual for nothing."""
LOOSE_BITS: Final = 18
"""A signature that fixes fewer bits names what is tried again and again in the end."""
_FEW_BYTES: Final = 7
"""Bytes of a text that one row holds: so that the value stays a positive 64-bit word."""
_ANYTHING: Final = 1 << 62

# A signature's row.
G_MINIMUM: Final = 0
G_MAXIMUM: Final = 1
G_FIRST: Final = 2
G_LAST: Final = 3
"""Its checks are rows ``G_FIRST:G_LAST`` of `SignatureTables.checks`."""
G_RESULT: Final = 4
G_COLUMNS: Final = 5

# A check's row: low <= (value & mask) * unit + add - counts * payload bytes <= high.
K_AT: Final = 0
"""Where the most significant byte is; below 0 counted from the payload's end."""
K_STEP: Final = 1
"""1 big-endian, -1 little-endian."""
K_SIZE: Final = 2
K_MASK: Final = 3
K_UNIT: Final = 4
K_ADD: Final = 5
K_COUNTS: Final = 6
K_LOW: Final = 7
K_HIGH: Final = 8
K_POLYNOMIAL: Final = 9
"""Not 0: the value is first joined by exclusive or with the CRC of bytes K_BEGIN to K_END."""
K_BEGIN: Final = 10
K_END: Final = 11
K_COLUMNS: Final = 12


class SignatureTables(NamedTuple):
    """All signatures, as `recognise` reads them."""

    ports: Bytes
    """uint8[2 * 65536]: row of `lists` by port, first those of TCP, then those of UDP."""
    lists: Ints
    """int64[rows * 256 + 1]: where in `candidates` the list of a row and first byte begins."""
    candidates: Ints
    """int64[n]: rows of `signatures`."""
    signatures: Ints
    """int64[signatures, G_COLUMNS]"""
    checks: Ints
    """int64[checks, K_COLUMNS]"""
    commanded: Bytes
    """uint8[2 * 65536]: code of the protocol with commands for which a port is usual
    (`otmon.protocols.protocol.Protocol.commanded`), 0 for none; first TCP, then UDP."""


class _Entry(NamedTuple):
    """A signature with what its place in the order needs."""

    protocol: Protocol
    code: int
    signature: Signature

    def rank(self) -> tuple[bool, float, str]:
        return self.signature.provisional, -signature_bits(self.signature), self.protocol.id


def compile_signatures(protocols: Sequence[Protocol]) -> SignatureTables:
    """The tables for `protocols`, whose codes are their places in it, counted from 1.

    Raises ValueError where a signature contradicts itself; the text names protocol and signature.
    """
    entries = [
        _Entry(protocol, code, signature)
        for code, protocol in enumerate(protocols, 1)
        for signature in protocol.signatures
    ]
    for entry in entries:
        fault = signature_fault(entry.protocol, entry.signature)
        if fault:
            raise ValueError(f"protocol {entry.protocol.id}: {fault}: {entry.signature}")
    entries.sort(key=_Entry.rank)
    signatures = np.zeros((len(entries), G_COLUMNS), np.int64)
    checks: list[list[int]] = []
    for row, entry in zip(signatures, entries, strict=True):
        first = len(checks)
        for check in sorted(entry.signature.checks, key=_bits, reverse=True):
            checks.extend(_rows(check))
        row[:] = (
            entry.signature.minimum,
            _ANYTHING if entry.signature.maximum is None else entry.signature.maximum,
            first,
            len(checks),
            entry.code
            | SENDERS.index(entry.signature.sender) << SENDER_SHIFT
            | (PROVISIONAL if entry.signature.provisional else 0)
            | (LOOSE if signature_bits(entry.signature) < LOOSE_BITS else 0),
        )
    ports, lists, candidates = _index(entries)
    table = np.array(checks, np.int64).reshape(-1, K_COLUMNS)
    return SignatureTables(ports, lists, candidates, signatures, table, _commanded(protocols))


def _commanded(protocols: Sequence[Protocol]) -> Bytes:
    """The table `SignatureTables.commanded`."""
    codes = np.zeros(2 * _PORTS, np.uint8)
    for code, protocol in enumerate(protocols, 1):
        for base, transport, ports in ((0, "tcp", protocol.tcp_ports), (_PORTS, "udp", protocol.udp_ports)):
            if transport in protocol.commanded:
                codes[[base + port for port in ports]] = code
    return codes


def _index(entries: Sequence[_Entry]) -> tuple[Bytes, Ints, Ints]:
    """`SignatureTables.ports`, `lists` and `candidates`."""
    rows: dict[tuple[int, ...], int] = {}
    for transport in ("tcp", "udp"):
        anywhere = (n for n, e in enumerate(entries) if _is(e, transport) and not e.signature.hinted)
        rows[(len(rows), *anywhere)] = len(rows)
    rows[()] = _NO_PORT
    ports = np.full(2 * _PORTS, _NO_PORT, np.uint8)
    for base, transport in ((0, "tcp"), (_PORTS, "udp")):
        by_port: dict[int, list[int]] = {}
        for n, entry in enumerate(entries):
            usual = entry.protocol.tcp_ports if transport == "tcp" else entry.protocol.udp_ports
            for port in usual if _is(entry, transport) else ():
                by_port.setdefault(port, []).append(n)
        for port, claims in by_port.items():
            ports[base + port] = rows.setdefault((-1, *claims), len(rows))
    first_bytes = [_first_bytes(entry.signature) for entry in entries]
    lists = [0]
    candidates: list[int] = []
    for members in rows:
        by_byte: list[list[int]] = [[] for _ in range(256)]
        for n in members[1:]:
            for byte in first_bytes[n]:
                by_byte[byte].append(n)
        for members_of_byte in by_byte:
            candidates.extend(members_of_byte)
            lists.append(len(candidates))
    return ports, np.array(lists, np.int64), np.array(candidates, np.int64)


def _is(entry: _Entry, transport: str) -> bool:
    return entry.signature.transport == transport


def signature_fault(protocol: Protocol, signature: Signature) -> str:
    """What is wrong with a signature, "" if nothing."""
    if signature.minimum < 1 or not signature.checks:
        return "it needs a payload and a check"
    if signature.maximum is not None and signature.maximum < signature.minimum:
        return "its maximum is below its minimum"
    ports = protocol.tcp_ports if signature.transport == "tcp" else protocol.udp_ports
    if signature.hinted and not ports:
        return "it counts on usual ports only, and there are none"
    for check in signature.checks:
        size = len(check.text) if isinstance(check, Text) else check.size
        reach = max(-check.at, size) if check.at < 0 else check.at + size
        if isinstance(check, Crc16):
            reach = max(reach, check.end)
        if size < 1 or reach > signature.minimum or (check.at < 0 and check.at + size > 0):
            return f"{check} reaches outside the minimum of {signature.minimum} bytes"
        if isinstance(check, Number) and not 0 <= check.low <= check.high < 1 << 8 * check.size:
            return f"{check} has a range that {check.size} bytes cannot have"
        if isinstance(check, Crc16) and not 0 <= check.begin < check.end:
            return f"{check} covers no bytes"
        if isinstance(check, Length) and (check.unit < 1 or check.size not in (1, 2, 4)):
            return f"{check} has no such size or unit"
    return ""


def signature_bits(signature: Signature) -> float:
    """How many bits of a random payload a signature fixes: it passes one in 2 ** bits."""
    return sum(_bits(check) for check in signature.checks)


def _bits(check: Check) -> float:
    if isinstance(check, Text):
        letters = sum(chr(byte).isalpha() for byte in check.text) if check.ignore_case else 0
        return 8.0 * len(check.text) - letters
    if isinstance(check, Crc16):
        return 16.0
    if isinstance(check, Length):
        return 8.0 * check.size if check.relation == "equal" else 1.0
    free = (check.mask & ((1 << 8 * check.size) - 1)).bit_count()
    return max(0.0, free - log2(check.high - check.low + 1))


def _first_bytes(signature: Signature) -> frozenset[int]:
    """The first bytes with which a payload may pass; some with which it cannot may be among them."""
    found = set(range(256))
    for check in signature.checks:
        if check.at == 0:
            row = _rows(check)[0]
            found = {byte for byte in found if _may_begin(row, byte)}
    return frozenset(found)


def _may_begin(row: Sequence[int], byte: int) -> bool:
    """Whether the check of a row at offset 0 may hold on a payload that begins with `byte`."""
    if row[K_COUNTS] or row[K_POLYNOMIAL]:
        return True
    shift = 8 * (row[K_SIZE] - 1)
    if row[K_STEP] < 0 and shift:
        # The first byte is the lowest one, which a range leaves open unless all above it is fixed.
        if row[K_LOW] >> 8 != row[K_HIGH] >> 8:
            return True
        return row[K_LOW] & 0xFF <= byte & row[K_MASK] & 0xFF <= row[K_HIGH] & 0xFF
    return row[K_LOW] >> shift <= byte & (row[K_MASK] >> shift) & 0xFF <= row[K_HIGH] >> shift


def _rows(check: Check) -> list[list[int]]:
    """The rows of a check."""
    if isinstance(check, Text):
        return list(_text_rows(check))
    row = [0] * K_COLUMNS
    little = isinstance(check, Crc16) or check.little
    row[K_AT] = check.at + check.size - 1 if little else check.at
    row[K_STEP] = -1 if little else 1
    row[K_SIZE] = check.size
    row[K_UNIT] = 1
    row[K_MASK] = (1 << 8 * check.size) - 1
    if isinstance(check, Crc16):
        row[K_POLYNOMIAL] = check.polynomial
        row[K_BEGIN] = check.begin
        row[K_END] = check.end
        row[K_LOW] = row[K_HIGH] = 0xFFFF if check.inverted else 0
        return [row]
    row[K_MASK] &= check.mask
    if isinstance(check, Number):
        row[K_LOW] = check.low
        row[K_HIGH] = check.high
        return [row]
    row[K_UNIT] = check.unit
    row[K_ADD] = check.add
    row[K_COUNTS] = 1
    row[K_LOW] = -_ANYTHING if check.relation == "at most" else 0
    row[K_HIGH] = _ANYTHING if check.relation == "at least" else 0
    return [row]


def _text_rows(check: Text) -> Iterable[list[int]]:
    """A text as big-endian numbers of a few bytes; letters of either case differ in one bit."""
    for begin in range(0, len(check.text), _FEW_BYTES):
        part = check.text[begin : begin + _FEW_BYTES]
        masks = bytes(0xDF if check.ignore_case and chr(byte).isalpha() else 0xFF for byte in part)
        row = [0] * K_COLUMNS
        row[K_AT] = check.at + begin
        row[K_STEP] = 1
        row[K_SIZE] = len(part)
        row[K_MASK] = int.from_bytes(masks, "big")
        row[K_UNIT] = 1
        row[K_LOW] = row[K_HIGH] = int.from_bytes(part, "big") & row[K_MASK]
        yield row


@kernel
def recognise(
    tables: SignatureTables, buf: Bytes, p: int, end: int, transport: int, sport: int, dport: int
) -> int:
    """Which protocol the payload ``buf[p:end]`` of a TCP segment or UDP datagram belongs to.

    `transport` is an IP protocol number. Gives 0 for none, else ``code | sender << SENDER_SHIFT``,
    with PROVISIONAL added where a later message may name a more precise protocol, USUAL where it is one
    of a port that `commanded_on` tells of, and LOOSE where it was too weak to be tried often; `sender` is
    an index in SENDERS.
    """
    if p >= end or (transport != TCP and transport != UDP):
        return 0
    anywhere = _ANY_TCP if transport == TCP else _ANY_UDP
    first = u8(buf, p)
    provisional = 0
    for turn in range(3):
        row = anywhere
        usual = 0
        if turn < 2:
            place = anywhere * _PORTS + ((sport if turn else dport) & 0xFFFF)
            row = u8(tables.ports, place)
            usual = USUAL if u8(tables.commanded, place) != 0 else 0
        at = row * 256 + first
        for i in range(tables.lists[at], tables.lists[at + 1]):
            n = tables.candidates[i]
            if passes(tables.signatures, tables.checks, n, buf, p, end):
                result = tables.signatures[n, G_RESULT] | usual
                if result & PROVISIONAL == 0:
                    return int(result)
                if provisional == 0:
                    provisional = result
    return int(provisional)


@inlined
def commanded_on(tables: SignatureTables, transport: int, port: int) -> int:
    """Code of the protocol with commands for which a port is usual, 0 for none."""
    return u8(tables.commanded, (0 if transport == TCP else _PORTS) + (port & 0xFFFF))


@inlined
def passes(signatures: Ints, checks: Ints, n: int, buf: Bytes, p: int, end: int) -> bool:
    """Whether all checks of signature `n` hold on the payload ``buf[p:end]``."""
    size = end - p
    if size < signatures[n, G_MINIMUM] or size > signatures[n, G_MAXIMUM]:
        return False
    for c in range(signatures[n, G_FIRST], signatures[n, G_LAST]):
        at = checks[c, K_AT] + (end if checks[c, K_AT] < 0 else p)
        value = 0
        for i in range(checks[c, K_SIZE]):
            value = (value << 8) | u8(buf, at + i * checks[c, K_STEP])
        if checks[c, K_POLYNOMIAL] != 0:
            value ^= crc16(buf, p + checks[c, K_BEGIN], p + checks[c, K_END], checks[c, K_POLYNOMIAL])
        value = (
            (value & checks[c, K_MASK]) * checks[c, K_UNIT] + checks[c, K_ADD] - size * checks[c, K_COUNTS]
        )
        if value < checks[c, K_LOW] or value > checks[c, K_HIGH]:
            return False
    return True


@kernel
def crc16(buf: Bytes, p: int, end: int, polynomial: int) -> int:
    """The CRC of ``buf[p:end]`` with a reflected polynomial, from 0."""
    crc = 0
    for i in range(p, end):
        crc ^= u8(buf, i)
        for _ in range(8):
            crc = (crc >> 1) ^ (polynomial if crc & 1 else 0)
    return crc
