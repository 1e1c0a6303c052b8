"""A frame decoded to its row, as texts and numbers that a test can name."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from otmon.decode import fields, ip
from otmon.decode.fields import COUNTER_NAMES, COUNTERS, FIELDS
from otmon.decode.packet import decode_packet
from otmon.kernel import Ints
from otmon.ledger.texts import address_text

MARGIN = 3
"""Bytes around the frame that must not matter."""


class Decoder:
    """The tables of reassembly, and a row; frames are decoded one after the other."""

    def __init__(self) -> None:
        self.row = np.zeros(FIELDS, np.int64)
        self.counters = np.zeros(COUNTERS, np.int64)
        self.slots = np.zeros((ip.SLOTS, ip.COLUMNS), np.int64)
        self.data = np.zeros(ip.SLOTS * ip.DATAGRAM, np.uint8)
        self.units = np.zeros((ip.SLOTS, ip.DATAGRAM // ip.UNIT), np.uint8)

    def __call__(
        self, frame: bytes, linktype: int = 1, wirelen: int = 0, now: int = 0, filling: int = 0xAA
    ) -> Row:
        buf = np.full(len(frame) + 2 * MARGIN, filling, np.uint8)
        buf[MARGIN : MARGIN + len(frame)] = np.frombuffer(frame, np.uint8)
        before = self.counters.copy()
        size = len(frame)
        decode_packet(
            buf, MARGIN, size, max(wirelen, size), linktype, now, self.row, self.slots, self.data,
            self.units, self.counters,
        )  # fmt: skip
        source = self.data if self.row[fields.BUFFER] else buf
        counted = self.counters - before
        names = {COUNTER_NAMES[i]: int(n) for i, n in enumerate(counted) if n and i}
        return Row(self.row.copy(), bytes(source[self.row[fields.AT] : self.row[fields.END]]), names)


@dataclass(frozen=True, slots=True)
class Row:
    """What `decode_packet` said; `counted` are the counters that went up, but for the packet's own."""

    values: Ints
    payload: bytes
    counted: dict[str, int]

    def __getitem__(self, field: int) -> int:
        return int(self.values[field])

    @property
    def addresses(self) -> tuple[str, str]:
        values = self.values.tolist()
        family = values[fields.FAMILY]
        return (
            address_text(family, values[fields.SRC_HI], values[fields.SRC_LO]) if family else "",
            address_text(family, values[fields.DST_HI], values[fields.DST_LO]) if family else "",
        )

    @property
    def outer(self) -> tuple[str, str]:
        values = self.values.tolist()
        family = values[fields.OUTER_FAMILY]
        if not family:
            return "", ""
        return (
            address_text(family, values[fields.OUTER_SRC_HI], values[fields.OUTER_SRC_LO]),
            address_text(family, values[fields.OUTER_DST_HI], values[fields.OUTER_DST_LO]),
        )

    @property
    def tags(self) -> tuple[int, int]:
        """Outer and inner VLAN."""
        return self[fields.VLAN] >> 12, self[fields.VLAN] & 0xFFF


def decoded(frame: bytes, linktype: int = 1, wirelen: int = 0) -> Row:
    """The row of one frame."""
    return Decoder()(frame, linktype, wirelen)
