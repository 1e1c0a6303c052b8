"""Questions to name servers that may carry data, copied for Python to read, and counted.

Names that people and programs ask for are made of short labels, so that a plant's questions are passed over
here. What is copied is bounded for each second; the rest is counted. A fact holds a domain and sums, and no
name.

References: RFC 1035, 4.1.1 and 4.1.2 (header, question), 4.2.2 (length before messages in TCP).
"""

from __future__ import annotations

from typing import Final

from otmon.decode.fields import AT, C_QUESTIONS_SHED, END, PROTO, PROTO_TCP, WIRE_END
from otmon.identity.question import HEADER, KEY, MAX_NAME, NULL, PRIVATE, PRIVATE_END, TXT
from otmon.kernel import Bytes, kernel, u8, u16be
from otmon.ledger.copying.messages import keep, may_copy
from otmon.ledger.tables import QUESTIONS, ROW, Tables
from otmon.protocols.registry import code_of

DNS: Final = code_of("dns")
QUESTION: Final = 4
"""Added to the direction in `G_WAY`: a question, beginning with the header of DNS."""
QUESTION_BYTES: Final = HEADER + MAX_NAME + 4
LONG_LABEL: Final = 24
"""Bytes of a label from which on it is no usual name of a host or service. What carries data needs long
labels, or very many names."""
SECOND_QUESTIONS: Final = 128
"""Copied in one second, read in some milliseconds: more than that is a tunnel whatever the rest says."""


@kernel
def copy_question(t: Tables, f: int, d: int, src: Bytes, packet: int, now: int, offset: int) -> None:
    """Copy the first message of the packet's payload, which is DNS, if it is a question that may carry
    data. There is room for it."""
    row = t.rows[t.used[ROW]]
    p = row[AT]
    end = row[END]
    if row[PROTO] == PROTO_TCP and end - p > 2 and u16be(src, p) <= row[WIRE_END] - p - 2:
        p += 2
    if not may_carry(src, p, end):
        return
    if not may_copy(t, now, QUESTIONS, SECOND_QUESTIONS, C_QUESTIONS_SHED):
        return
    size = min(end - p, QUESTION_BYTES)
    keep(t, f, d | QUESTION, src, p, size, size, packet, now, offset)


@kernel
def may_carry(src: Bytes, p: int, end: int) -> bool:
    """Whether one standard question begins at `p` that is all there and has a label of `LONG_LABEL` bytes, or
    asks for a type whose answers hold anything."""
    if end - p < HEADER + 5 or u8(src, p + 2) & 0xF8 != 0 or u16be(src, p + 4) != 1:
        return False
    at = p + HEADER
    last = min(end, at + MAX_NAME + 4)
    is_long = False
    while at < last:
        size = u8(src, at)
        if size == 0:
            if last - at < 5:
                return False
            kind = u16be(src, at + 1)
            free = kind == NULL or kind == TXT or kind == KEY or (kind >= PRIVATE and kind <= PRIVATE_END)
            return bool(is_long or free)
        if size > 63:
            return False
        is_long = is_long or size >= LONG_LABEL
        at += 1 + size
    return False
