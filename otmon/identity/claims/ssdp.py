"""What devices of UPnP announce: the program that serves, and what kind of device it is.

Reference: UPnP Device Architecture 2.0, 1.2.2 (NOTIFY: SERVER, NT), 1.3.2 (M-SEARCH: USER-AGENT), 1.3.3
(response: SERVER, ST).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from otmon.identity.claim import Claim
from otmon.identity.claims.wire import said
from otmon.identity.login import Piece

_SOFTWARE: Final = re.compile(rb"\n(?:server|user-agent) *: *([^\r\n]{1,400})", re.IGNORECASE)
_DEVICE: Final = re.compile(
    rb"\n(?:nt|st) *: *urn:[^\s:]{1,64}:device:([^\s:]{1,64}):[0-9]{1,4}\s", re.IGNORECASE
)
_NOTIFY: Final = b"NOTIFY * HTTP/1."
_ANSWER: Final = b"HTTP/1."
_SEARCH: Final = b"M-SEARCH * HTTP/1."


def claims(pieces: Sequence[Piece]) -> Iterator[Claim]:
    """The claims of each datagram."""
    for piece in pieces:
        data = piece.data
        announces = data.startswith((_NOTIFY, _ANSWER))
        if not announces and not data.startswith(_SEARCH):
            continue
        software = _SOFTWARE.search(data)
        if software is not None:
            yield from said("software", software[1], piece)
        device = _DEVICE.search(data) if announces else None
        if device is not None:
            yield from said("capability", device[1], piece)
