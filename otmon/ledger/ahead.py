"""What the headers of some packets say, before the first of them is counted.

To find a packet's flow a processor would wait for its headers, then for what these lead to, and so for each
packet. Here it reads the headers of several at once, and has what they lead to fetched meanwhile: by the time
of its turn all that a packet touches first is at hand. No result depends on it.
"""

from __future__ import annotations

from otmon.decode.fields import (
    BUFFER,
    DPORT,
    DST_HI,
    DST_LO,
    FAMILY,
    FRAGMENT,
    PRINT,
    PROTO,
    SPORT,
    SRC_HI,
    SRC_LO,
    TAG,
    VLAN,
)
from otmon.decode.flows import fingerprint, flow_tag_of, place_of_print, set_of_tag
from otmon.decode.link import LINKTYPE_ETHERNET
from otmon.decode.packet import decode_packet, decode_usual
from otmon.kernel import Bytes, Ints, inlined, kernel, prefetch
from otmon.ledger.tables import AHEAD, ROW, Tables


@inlined
def look_ahead(
    buf: Bytes, start: Ints, caplen: Ints, wirelen: Ints, linktype: Ints, begin: int, t: Tables
) -> None:
    """Read the headers of the next `AHEAD` packets of a batch, from index `begin` on, into `Tables.rows`: of
    those that are usual. `PRINT` is 0 in the rows of the others."""
    last = len(start) - 1
    for i in range(begin, min(begin + AHEAD, len(start))):
        prefetch(buf, start[min(i + AHEAD, last)])
        row = t.rows[i - begin]
        row[PRINT] = 0
        if linktype[i] == LINKTYPE_ETHERNET and decode_usual(buf, start[i], caplen[i], wirelen[i], row):
            # Family, high words and tag are those of all usual packets.
            row[TAG] = flow_tag_of(row[PROTO], 4, 0, row[SRC_LO], 0, row[DST_LO], row[SPORT], row[DPORT], 0)
            row[PRINT] = fingerprint(buf, row)
            prefetch(t.tags, set_of_tag(row[TAG]))
            prefetch(t.recent, 4 * place_of_print(row[PRINT]))


@kernel
def read_headers(
    t: Tables, buf: Bytes, start: int, caplen: int, wirelen: int, linktype: int, now: int
) -> None:
    """Read those of the packet whose turn it is, which is none of the usual ones, into its row: fragments are
    put together in their order."""
    row = t.rows[t.used[ROW]]
    data = t.datagrams[:]
    decode_packet(buf, start, caplen, wirelen, linktype, now, row, t.slots, data, t.units, t.counters)
    if row[FAMILY] != 0 and row[FRAGMENT] == 0:
        row[PRINT] = fingerprint(data if row[BUFFER] else buf, row)
        row[TAG] = flow_tag_of(
            row[PROTO], row[FAMILY], row[SRC_HI], row[SRC_LO], row[DST_HI], row[DST_LO], row[SPORT],
            row[DPORT], row[VLAN],
        )  # fmt: skip
