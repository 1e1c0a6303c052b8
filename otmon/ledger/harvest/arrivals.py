"""By which interface of a capture senders came in, for models that take an interface for a switch port.

Told for MAC addresses, as that is what a wire has: of a frame in a tunnel the outer one's. Only frames with
an Ethernet header count, and none that the source marks as sent by the interface itself.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Final

import numpy as np

from otmon.capture.batch import Batch
from otmon.identity.claim import INTERFACE, interface_port
from otmon.ledger.facts import AssetClaim, Evidence
from otmon.ledger.ledger import Ledger
from otmon.ledger.merge import collect

SENDERS: Final = 16_384
"""MAC addresses at interfaces that are told of one source; what others sent is counted as lost claims."""
_ETHERNET: Final = 1
_GROUP: Final = 1 << 40


def arrived(facts: Ledger, interface: str) -> Ledger:
    """The same facts, and that all senders came in by one interface; in no order, as they may have been."""
    port = interface_port(interface.encode())
    said = [
        _claim(one.mac, port, one.packets, one.first_ns, one.last_ns, one.evidence)
        for one in facts.assets
        if port and one.mac and not int(one.mac[:2], 16) & 1
    ]
    return replace(facts, claims=(*facts.claims, *said))


class Arrivals:
    """The senders of one source by the interfaces that it names."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._claims: dict[tuple[int, int], AssetClaim] = {}
        self._lost = 0

    def take(self, batch: Batch) -> None:
        """Add the packets of a batch."""
        if batch.interface is None:
            return
        told = (batch.interface >= 0) & (batch.linktype == _ETHERNET) & (batch.caplen >= 12)
        if not told.any():
            return
        (rows,) = told.nonzero()
        octets = batch.buf[batch.start[rows, None] + np.arange(6, 12)].astype(np.int64)
        macs = octets @ (1 << np.arange(40, -1, -8, dtype=np.int64))
        keys = batch.interface[rows] << 48 | macs
        found, first, place, times = np.unique(
            keys, return_index=True, return_inverse=True, return_counts=True
        )
        begins = np.full(len(found), np.iinfo(np.int64).max)
        ends = np.zeros(len(found), np.int64)
        np.minimum.at(begins, place, batch.time_ns[rows])
        np.maximum.at(ends, place, batch.time_ns[rows])
        columns = found, rows[first], times, begins, ends
        for key, row, count, begin, end in zip(*(one.tolist() for one in columns), strict=True):
            self._add(batch, key, row, count, begin, end)

    def _add(self, batch: Batch, key: int, row: int, count: int, begin: int, end: int) -> None:
        number, mac = key >> 48, key & (1 << 48) - 1
        port = interface_port(batch.interfaces[number])
        if mac & _GROUP or not port:
            return
        seen = Evidence(
            int(batch.time_ns[row]),
            self._source,
            batch.first_number + row,
            batch.base + int(batch.start[row]),
        )
        new = _claim(mac.to_bytes(6, "big").hex(":"), port, count, begin, end, seen)
        known = self._claims.get((number, mac))
        if known is not None:
            (new,) = collect(claims=(known, new)).claims
        elif len(self._claims) == SENDERS:
            self._lost += count
            return
        self._claims[number, mac] = new

    def facts(self) -> Ledger:
        """What was seen so far."""
        lost = Counter(claims=self._lost) if self._lost else Counter[str]()
        return collect(claims=self._claims.values(), overflow=lost.items())


def _claim(mac: str, port: str, times: int, first_ns: int, last_ns: int, seen: Evidence) -> AssetClaim:
    return AssetClaim(mac, "", "", "switch-port", port, INTERFACE, times, first_ns, last_ns, seen)
