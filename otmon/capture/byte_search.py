"""Packets in which byte strings stand, such as the two addresses of a conversation."""

from __future__ import annotations

import numpy as np

from otmon.kernel import Bytes, Ints, kernel, u8


@kernel
def latest_holding(
    buf: Bytes, start: Ints, caplen: Ints, needles: Bytes, lengths: Ints, within: int, found: Ints
) -> int:
    """Fill `found` (int64[n]) with the indices of the last n packets that hold every needle in their first
    `within` bytes, the last one first; returns how many there are.

    Packet *i* is ``buf[start[i] : start[i] + caplen[i]]``, all of it in `buf`. The needles stand behind each
    other in `needles`, `lengths` (int64[k], each above 0) says how long each is.
    """
    count = 0
    for i in range(len(start) - 1, -1, -1):
        if count == len(found):
            break
        begin = start[i]
        end = begin + min(caplen[i], within)
        needle = 0
        holds = True
        for size in lengths:
            first = u8(needles, needle)
            at = begin
            here = False
            while at <= end - size and not here:
                if u8(buf, at) == first:
                    k = 1
                    while k < size and u8(buf, at + k) == u8(needles, needle + k):
                        k += 1
                    here = k == size
                at += 1
            if not here:
                holds = False
                break
            needle += size
        if holds:
            found[count] = i
            count += 1
    return count


def latest(buf: Bytes, start: Ints, caplen: Ints, needles: list[bytes], within: int, most: int) -> list[int]:
    """The indices of the last `most` packets that hold every needle in their first `within` bytes, in
    their order. No needle, or an empty one, is in no packet."""
    if most <= 0 or not needles or not all(needles):
        return []
    found = np.zeros(most, np.int64)
    joined = np.frombuffer(b"".join(needles), np.uint8)
    lengths = np.array([len(one) for one in needles], np.int64)
    count = latest_holding(buf, start, caplen, joined, lengths, within, found)
    return [int(one) for one in found[:count][::-1]]
