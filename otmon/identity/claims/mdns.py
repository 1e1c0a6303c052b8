"""What hosts announce of themselves by multicast DNS: names, services, models.

References: RFC 6762, 8.1 (probes), 8.3 (announcements), 18 (header); RFC 6763, 4.1 (service names), 6
(TXT records). The keys of models are those of Bonjour Printing 1.2.1 ("ty"), of the device information of
Apple ("model") and of Cast ("md").
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from otmon.identity.claim import Claim
from otmon.identity.claims.record import Record, flags_of, records
from otmon.identity.claims.wire import part, said
from otmon.identity.login import Piece

_RESPONSE: Final = 0x8000
_A, _PTR, _TXT, _AAAA = 1, 12, 16, 28
_LOCAL: Final = b"local"
_MODELS: Final = (b"ty", b"model", b"md")
MAX_TEXTS: Final = 32


def claims(pieces: Sequence[Piece]) -> Iterator[Claim]:
    """The claims of each message."""
    for piece in pieces:
        flags = flags_of(piece.data)
        if flags < 0:
            continue
        told: set[tuple[str, bytes]] = set()
        for one in records(piece.data):
            # A question tells of its sender only what it is about to claim.
            if not flags & _RESPONSE and one.section != 1:
                continue
            for kind, value in _told(one):
                if (kind, value) not in told:
                    told.add((kind, value))
                    yield from said("name" if kind == "n" else "model" if kind == "m" else "capability",
                                    value, piece)  # fmt: skip


def _told(one: Record) -> Iterator[tuple[str, bytes]]:
    local = len(one.name) > 1 and one.name[-1].lower() == _LOCAL
    if one.kind in (_A, _AAAA) and local and len(one.name) == 2:
        yield "n", one.name[0]
    elif one.kind == _PTR and local and len(one.name) == 3 and one.name[0][:1] == b"_":
        yield "c", b".".join(one.name[:2])
    elif one.kind == _TXT and local:
        at = 0
        for _ in range(MAX_TEXTS):
            text = part(one.data, at + 1, one.data[at]) if at < len(one.data) else None
            if text is None:
                return
            at += 1 + len(text)
            key, _, value = text.partition(b"=")
            if key.lower() in _MODELS:
                yield "m", value
