"""What the headers of some packets say, before the first of them is counted.

To find a packet's flow a processor would wait for its headers, then for what these lead to, and so for each
packet. Here it reads the headers of several at once, and has what they lead to fetched meanwhile: by the time
of its turn all that a packet touches first is at hand. No result depends on it.
"""

from __future__ import annotations

from typing import Final

from otmon.decode.fields import (
    BUFFER,
    DST_HI,
    FAMILY,
    FIRST_FRAGMENT,
    FRAGMENT,
    PLACE,
    PRINT,
    SRC_HI,
    TAG,
    VLAN,
    WAY,
)
from otmon.decode.flows import (
    F_ASSET,
    F_OFTEN,
    F_STREAM,
    fingerprint,
    name_flow,
    place_of_tag,
    set_of_print,
    set_of_tag,
)
from otmon.decode.link import LINKTYPE_ETHERNET
from otmon.decode.packet import decode_packet, decode_usual
from otmon.decode.streams import S_OFTEN
from otmon.kernel import Bytes, Ints, kernel, prefetch, prefetch_row
from otmon.ledger.tables import LOOKAHEAD, ROW, X_OFTEN, Tables

_PAYLOAD: Final = 54
"""Where the payload of a usual TCP segment begins: mostly in another cache line than the headers do."""


@kernel
def look_ahead(
    buf: Bytes, start: Ints, caplen: Ints, wirelen: Ints, linktype: Ints, begin: int, t: Tables
) -> None:
    """Read the headers of the next `LOOKAHEAD` packets of a batch, from index `begin` on, into `Tables.rows`:
    of those that are usual. `PRINT` is 0 in the rows of the others."""
    last = len(start) - 1
    stop = min(begin + LOOKAHEAD, len(start))
    for i in range(begin, stop):
        prefetch(buf, start[min(i + LOOKAHEAD, last)])
        prefetch(buf, start[min(i + LOOKAHEAD, last)] + _PAYLOAD)
        row = t.rows[i - begin]
        usual = linktype[i] == LINKTYPE_ETHERNET and decode_usual(buf, start[i], caplen[i], wirelen[i], row)
        row[PRINT] = usual
    # In a loop of its own: what it works with has room in a processor's registers then.
    for r in range(stop - begin):
        row = t.rows[r]
        if row[PRINT] != 0:
            row[PRINT] = fingerprint(buf, row, name_flow(row, 4, 0, 0, 0))
            prefetch(t.tags, set_of_tag(row[TAG]))
            prefetch(t.recent, 4 * set_of_print(row[PRINT]))
    for r in range(stop - begin):
        row = t.rows[r]
        f = place_of_tag(t.tags, row[TAG])
        row[PLACE] = f
        prefetch_row(t.flows, f, 0, F_OFTEN)
    for r in range(stop - begin):
        row = t.rows[r]
        prefetch_row(t.assets, t.flows[row[PLACE], F_ASSET + row[WAY]], 0, X_OFTEN)
        prefetch_row(t.streams, t.flows[row[PLACE], F_STREAM], 0, S_OFTEN)


@kernel
def read_headers(
    t: Tables, buf: Bytes, start: int, caplen: int, wirelen: int, linktype: int, now: int, counters: Ints
) -> None:
    """Read those of the packet whose turn it is, which is none of the usual ones, into its row: fragments are
    put together in their order."""
    row = t.rows[t.used[ROW]]
    data = t.datagrams[:]
    decode_packet(buf, start, caplen, wirelen, linktype, now, row, t.slots, data, t.units, counters)
    if row[FAMILY] != 0 and (row[FRAGMENT] == 0 or row[FIRST_FRAGMENT] != 0):
        ends = name_flow(row, row[FAMILY], row[SRC_HI], row[DST_HI], row[VLAN])
        row[PRINT] = fingerprint(data if row[BUFFER] else buf, row, ends)
