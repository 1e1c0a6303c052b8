"""How a host opens TCP connections: what its first packet shows of the system that it runs.

References: RFC 9293, 3.1 and 3.2 (header, options), RFC 7323, 2 (window scale) and 3 (timestamps), RFC 2018,
2 (selective acknowledgment), RFC 791, 3.1 (time to live, don't fragment), RFC 8200, 3 (hop limit). The
notation is that of p0f 3 (README, 5.3) without what other packets than this one would tell:

    64:mss*44,7:mss,sok,ts,nop,ws:df

time to live as it came; window, as a multiple of the segment size where it is one, and its scale; options in
their order; "df" where IPv4 must not cut it. It is a weak sign: stacks are alike, and can be set otherwise.
"""

from __future__ import annotations

from typing import Final

from otmon.identity.claims.wire import number

_NAMES: Final = {1: "nop", 2: "mss", 3: "ws", 4: "sok", 8: "ts"}
_END: Final = 0
_TCP: Final = 6
MAX_MULTIPLE: Final = 64
"""Of the segment size: windows of first packets have 64 KiB at most."""


def opening(headers: bytes) -> str:
    """From the network header to the end of TCP's; "" where it is no such packet as a whole."""
    version = headers[0] >> 4 if headers else 0
    if version == 4:
        at, hops, next_one = 4 * (headers[0] & 0xF), number(headers, 8, 1), number(headers, 9, 1)
        fixed = "df" if number(headers, 6, 1) & 0x40 else ""
    elif version == 6:
        at, hops, next_one, fixed = 40, number(headers, 7, 1), number(headers, 6, 1), ""
    else:
        return ""
    end = at + 4 * (number(headers, at + 12, 1) >> 4)
    if next_one != _TCP or at < 20 or not at + 20 <= end <= len(headers):
        return ""
    size, scale, names = _options(headers[at + 20 : end])
    window = number(headers, at + 14, 2)
    told = str(window)
    if size > 0 and window and window % size == 0 and window // size <= MAX_MULTIPLE:
        told = f"mss*{window // size}"
    return f"{hops}:{told},{scale}:{','.join(names)}:{fixed}"


def _options(data: bytes) -> tuple[int, int, list[str]]:
    """Segment size (0 for none), window scale, and the names of the options up to what is none."""
    size = scale = at = 0
    names = []
    while at < len(data):
        kind = data[at]
        if kind == _END:
            names.append("eol")
            break
        names.append(_NAMES.get(kind, f"?{kind}"))
        if kind == 1:
            at += 1
            continue
        length = number(data, at + 1, 1)
        if length < 2 or at + length > len(data):
            break
        if kind == 2 and length == 4:
            size = number(data, at + 2, 2)
        elif kind == 3 and length == 3:
            scale = data[at + 2]
        at += length
    return size, scale, names


def hops_of(value: str) -> int:
    """The time to live that a value of `opening` tells; -1 for another text."""
    text = value.partition(":")[0]
    return int(text) if text.isascii() and text.isdigit() else -1
