"""The MD4 message digest (RFC 1320), which the hash of a Windows password is made by; current builds of
OpenSSL leave it out.
"""

from __future__ import annotations

import struct
from typing import Final

_MASK: Final = 0xFFFFFFFF
_START: Final = (0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476)
_ROUNDS: Final = (
    (0x00000000, (3, 7, 11, 19), tuple(range(16))),
    (0x5A827999, (3, 5, 9, 13), tuple(4 * (k % 4) + k // 4 for k in range(16))),
    (0x6ED9EBA1, (3, 9, 11, 15), (0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15)),
)
"""3.4: what each round adds, how far it rotates, and the order in which it takes the words."""


def md4(data: bytes) -> bytes:
    """The digest of 16 bytes."""
    padded = data + b"\x80" + bytes((55 - len(data)) % 64) + struct.pack("<Q", 8 * len(data) & (1 << 64) - 1)
    state = _START
    for at in range(0, len(padded), 64):
        words = struct.unpack_from("<16I", padded, at)
        a, b, c, d = state
        for number, (added, turns, order) in enumerate(_ROUNDS):
            for step, k in enumerate(order):
                if number == 0:
                    mixed = b & c | ~b & d
                elif number == 1:
                    mixed = b & c | b & d | c & d
                else:
                    mixed = b ^ c ^ d
                total = a + (mixed & _MASK) + words[k] + added & _MASK
                turn = turns[step % 4]
                a, b, c, d = d, (total << turn | total >> 32 - turn) & _MASK, b, c
        state = tuple(old + new & _MASK for old, new in zip(state, (a, b, c, d), strict=True))  # type: ignore[assignment]
    return struct.pack("<4I", *state)
