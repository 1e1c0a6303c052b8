"""How flows and streams end: others need their rows, they were silent for long, the source is over.

What an ended stream still holds is read first; rows of ended flows wait in their table to become facts.
"""

from __future__ import annotations

from otmon.decode.flows import CLOSED, F_KEY, F_LAST, F_STATE, F_STREAM, FLOWS
from otmon.decode.streams import S_LAST, STREAMS
from otmon.kernel import copy_row, kernel
from otmon.ledger.modbus.segments import drain
from otmon.ledger.modbus.transactions import end_stream
from otmon.ledger.tables import FILL_FLOWS, Tables, has_room


@kernel
def end_flow(t: Tables, f: int) -> None:
    """Move a flow to the ended ones, its stream finished."""
    if t.flows[f, F_STREAM] >= 0:
        close_stream(t, f, False)
    copy_row(t.ended_flows, t.used[FILL_FLOWS], t.flows, f)
    t.used[FILL_FLOWS] += 1


@kernel
def close_stream(t: Tables, f: int, at_end: bool) -> None:
    """Read what is held of a flow's stream, and end it."""
    s = t.flows[f, F_STREAM]
    for d in range(2):
        drain(t, s, f, d, 0, t.streams[s, S_LAST], 0)
    end_stream(t, s, at_end)


@kernel
def end_idle(t: Tables, begin: int, closed_before: int, idle_before: int) -> int:
    """End the flows from row `begin` on that said nothing since `idle_before`, or, where their connection
    was closed, since `closed_before` (nanoseconds): what is in use stays few, however long it goes on.
    Returns the next row to look at: less than FLOWS when a table of ended rows must be emptied first."""
    for f in range(begin, FLOWS):
        if t.flows[f, F_KEY] == 0:
            continue
        last = t.flows[f, F_LAST]
        if last < idle_before or (last < closed_before and t.flows[f, F_STATE] & CLOSED):
            if not has_room(t):
                return f
            end_flow(t, f)
            t.flows[f, F_KEY] = 0
            t.tags[f] = 0
    return FLOWS


@kernel
def finish_source(t: Tables, begin: int) -> int:
    """End the streams from row `begin` on, as the capture has ended. Returns the next row to end:
    less than STREAMS when a table of ended rows must be emptied first."""
    for s in range(begin, STREAMS):
        if not has_room(t):
            return s
        if t.streams[s, 0] != 0:
            close_stream(t, t.streams[s, 0] - 1, True)
    return STREAMS
