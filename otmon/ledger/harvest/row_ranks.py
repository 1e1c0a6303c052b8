"""The places of rows among the facts that a ledger keeps, as `otmon.ledger.rank` has them for facts: what
lies behind the bars of a full ledger is counted and left out before it becomes a fact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from otmon.decode.fields import PROTO_TCP, PROTO_UDP
from otmon.decode.flows import (
    F_A_HI,
    F_A_LO,
    F_B_HI,
    F_B_LO,
    F_KEY,
    F_PACKETS,
    F_PROTOCOL,
    F_STATE,
    SPOKE_A,
)
from otmon.kernel import Ints
from otmon.ledger.harvest.clients import clients_of, service_ports
from otmon.ledger.harvest.rows import FIELDS, SLICE, Marks, Rows, chosen, rows_in_use
from otmon.ledger.ledger import LIMITS, Limits
from otmon.ledger.rank import (
    OFTEN,
    READING,
    Bars,
    Place,
    Ranks,
    hashed_columns,
    last_place,
    level,
    within,
)
from otmon.ledger.tables import (
    A_TIMES,
    O_ANSWERED,
    O_CLIENT_HI,
    O_CLIENT_LO,
    O_ENDPOINT,
    O_SERVER_HI,
    O_SERVER_LO,
    O_SERVICE,
    O_TIMES,
    W_TIMES,
    X_HI,
    X_LO,
    X_MAC,
    X_PACKETS,
    X_PLACE,
    X_PORT,
    Tables,
)
from otmon.protocols.modbus import service
from otmon.protocols.protocol import Service
from otmon.protocols.registry import ethertype_codes

Beyond = tuple[str, int, int]
"""Kind of fact, rows of it that are no facts, and their amount as `Ledger.overflow` has it."""
Lost = dict[str, int]
"""As `Ledger.overflow`, by kind of fact."""


@lru_cache(maxsize=1 << 10)
def service_of(key: int) -> Service:
    """The name and access class of an operation's `O_SERVICE`."""
    return service(key >> 8 & 0xFF, (key >> 16 & 0x3FFFF) - 1, bool(key >> 34 & 1))


def rank_of_flows(flows: Ints, secret: int) -> Ranks:
    """As `otmon.ledger.rank.of_conversations` has it, for rows."""
    client, _ = clients_of(flows)
    key = flows[:, F_KEY]
    family, proto = key >> 48 & 0xF, key & 0xFFFF
    port = np.where(family == 2, proto, service_ports(flows, client))
    carries = ((proto == PROTO_TCP) | (proto == PROTO_UDP)) & (family != 2)
    nameless = (flows[:, F_PROTOCOL] == 0) & carries
    nameless |= (family == 2) & (ethertype_codes()[port] == 0)
    a = _words(family, flows[:, F_A_HI], flows[:, F_A_LO])
    b = _words(family, flows[:, F_B_HI], flows[:, F_B_LO])
    ends = [np.where(client == 1, late, early) for early, late in zip(a, b, strict=True)]
    others = [np.where(client == 1, early, late) for early, late in zip(a, b, strict=True)]
    spoke = np.where(client == 1, SPOKE_A, SPOKE_A << 1)
    unanswered = flows[:, F_STATE] & spoke == 0
    return level(nameless, unanswered, secret), hashed_columns(*ends, *others, port, secret=secret)


def rank_of_assets(rows: Ints, secret: int) -> Ranks:
    family = rows[:, X_PLACE] >> 32 & 0xFF
    words = _words(np.where(family == 2, 4, family), rows[:, X_HI], rows[:, X_LO])
    hashes = hashed_columns(np.maximum(rows[:, X_MAC], 0), *words, secret=secret)
    return level(np.zeros(len(rows), bool), rows[:, X_PACKETS] < OFTEN, secret), hashes


def _rank_of_parties(rows: Ints, secret: int) -> npt.NDArray[np.uint64]:
    endpoint = rows[:, O_ENDPOINT]
    family = np.where(endpoint >> 41 & 1, 6, 4)
    client = _words(family, rows[:, O_CLIENT_HI], rows[:, O_CLIENT_LO])
    server = _words(family, rows[:, O_SERVER_HI], rows[:, O_SERVER_LO])
    return hashed_columns(*client, *server, endpoint & 0xFFFF, secret=secret)


def rank_of_operations(rows: Ints, secret: int) -> Ranks:
    return level(_reads(rows), rows[:, O_ANSWERED] == 0, secret), _rank_of_parties(rows, secret)


def rank_of_others(rows: Ints, secret: int) -> Ranks:
    return np.zeros(len(rows), np.int64), _rank_of_parties(rows, secret)


def _reads(operations: Ints) -> npt.NDArray[np.bool_]:
    """Which operations change nothing."""
    services, which = np.unique(operations[:, O_SERVICE] >> 8 & 0x7FFFFFF, return_inverse=True)
    reads = [service_of(key << 8).access in READING for key in services.tolist()]
    return np.array(reads, bool)[which]


def _words(family: Ints, high: Ints, low: Ints) -> tuple[Ints, Ints]:
    """Addresses as `otmon.ledger.texts.words_of` has them."""
    return np.where(family == 6, high, 0), np.where(family == 4, low & 0xFFFFFFFF, low)


_CONTESTS: Final[dict[str, tuple[Callable[[Ints, int], Ranks], tuple[int, ...]]]] = {
    "anomalies": (rank_of_others, (A_TIMES,)),
    "written": (rank_of_others, (W_TIMES,)),
    "operations": (rank_of_operations, (O_TIMES,)),
    "assets": (rank_of_assets, (X_PACKETS,)),
    "conversations": (rank_of_flows, (F_PACKETS, F_PACKETS + 1)),
}
"""By kind of fact: the places of its rows, and the columns that `Ledger.overflow` counts."""


def thinned(
    rows: Rows, bars: Bars, limits: Limits, kinds: Iterable[str] = FIELDS, for_claims: bool = False
) -> tuple[Rows, Bars, Lost]:
    """The rows of these kinds that a full ledger with such bars may have a place for: not behind them, nor
    behind so many others of `rows` that no ledger has one. With the bars that these others are, and what is
    left out. Places are hashed as the bars have it. `for_claims`: senders whose switch port is known stay."""
    lost: dict[str, int] = {}
    for kind in kinds:
        table, bar, limit = getattr(rows, FIELDS[kind]), getattr(bars, kind), getattr(limits, kind)
        if not len(table) or (bar is None and len(table) <= limit):
            continue
        rank, amounts = _CONTESTS[kind]
        ranks = rank(table, bars.secret)
        last = last_place(*ranks, limit) if len(table) > limit else None
        if last is not None and (bar is None or last < bar):
            bar = last
            its: Any = {kind: bar}
            bars = replace(bars, **its)
        if bar is None:
            continue
        fits = within(bar, *ranks)
        if kind == "assets" and for_claims:
            fits |= table[:, X_PORT] != 0
        if not fits.all():
            lost[kind] = sum(int(table[~fits, column].sum()) for column in amounts)
            rows = chosen(rows, kind, fits)
    return rows, bars, lost


def rows_within(t: Tables, bars: Bars, limits: Limits = LIMITS) -> tuple[Rows, tuple[Beyond, ...]]:
    """`rows_in_use` but for those behind `bars`, or where there are none, behind so many others that a ledger
    has no place for them. It is told how many these are and what of: in a flood they are most, and are not
    worth a copy. A sender whose switch port is known is kept for its claim."""
    beyond = []

    def wanted(kind: str, rows: Ints, used: Marks) -> Marks:
        bar: Place | None = getattr(bars, kind)
        places, limit = np.flatnonzero(used), getattr(limits, kind)
        if bar is None and len(places) <= limit:
            return used
        rank, amounts = _CONTESTS[kind]
        ranks = [rank(rows[places[at : at + SLICE]], bars.secret) for at in range(0, len(places), SLICE)]
        lesser, hashes = (np.concatenate(column) for column in zip(*ranks, strict=True))
        last = last_place(lesser, hashes, limit) if bar is None else bar
        if last is None:
            return used
        left = np.zeros(len(rows), bool)
        left[places] = ~within(last, lesser, hashes)
        if kind == "assets":
            left &= rows[:, X_PORT] == 0
        if left.any():
            amount = sum(int(rows[left, column].sum()) for column in amounts)
            beyond.append((kind, int(np.count_nonzero(left)), amount))
        return used & ~left

    return rows_in_use(t, wanted), tuple(beyond)
