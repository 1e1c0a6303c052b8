"""From copied payloads to the facts of log-ins and claims: each flow's payloads in order, read as a whole.

A dialogue is kept until its flow was silent for `IDLE_NS`, or until room is needed; what it says becomes
facts once, when it ends. Those of dialogues that go on are made anew each time they are asked for and
never merged into the others, as with rows of tables in use. So a sensor and a replay of the same
packets find the same, and a log-in counts once.

Secrets are compared here and forgotten: no fact holds one, nor anything made of one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from otmon.decode.flows import (
    F_A_HI,
    F_A_LO,
    F_B_HI,
    F_B_LO,
    F_COLUMNS,
    F_FIRST_PACKET,
    F_ISN,
    F_KEY,
    F_PROTOCOL,
    F_VLAN,
    PROVISIONAL,
)
from otmon.decode.transport import PROTO_TCP
from otmon.identity.credentials import Credentials, shipped_credentials
from otmon.identity.login import ANONYMOUS, LogIn, Seen
from otmon.identity.registry import FIRST_PAYLOADS, IDS, parser_of
from otmon.identity.stream import Segment, datagrams, in_order
from otmon.kernel import Bytes, Ints
from otmon.ledger.claims import Side, claims_of
from otmon.ledger.clients import clients_of
from otmon.ledger.facts import AssetClaim, CredentialKind, CredentialSeen, Evidence
from otmon.ledger.ledger import Ledger
from otmon.ledger.merge import collect
from otmon.ledger.tables import G_ACK, G_AT, G_KEPT, G_MAC, G_OFFSET, G_PACKET, G_SEQ, G_TIME, G_WAY
from otmon.ledger.texts import address_text, mac_text, transport_text, vlan_text
from otmon.protocols.registry import ethertype_codes, name_of

IDLE_NS: Final = 600_000_000_000
"""A dialogue ends this long after its last payload: log-ins wait for people, but not longer."""
ROOM_BYTES: Final = 16 << 20
"""Payloads of all dialogues that are kept; the one that was silent longest ends first."""
_ASKS: Final = re.compile(rb"(?:HTTP/1|RTSP/[12])\.[0-9] 401")
"""Clients go on in another connection, so that what one was asked in is remembered by the server."""
ASKING: Final = 4_096
"""Servers that are remembered; the first ones give way."""
_PAYLOAD_BYTES: Final = 400
_DIALOGUE_BYTES: Final = 2_000
"""What a payload takes besides its bytes, and a dialogue besides its payloads."""
ACCOUNT: Final = 64
"""Characters of an account that a fact names."""

_KEY: Final = (F_KEY, F_A_HI, F_A_LO, F_B_HI, F_B_LO, F_FIRST_PACKET)
"""Columns that tell connections apart, also those that use the same ports again."""
_Key = tuple[int, ...]


_Fact = CredentialSeen | AssetClaim


@dataclass(slots=True)
class _Dialogue:
    """The payloads of one flow; `flow` is its row at the last one."""

    flow: list[int]
    client: int = 0
    """Direction of what the client sends, as far as the last row tells."""
    rows: list[tuple[int, ...]] = field(default_factory=list)
    data: list[bytes] = field(default_factory=list)
    size: int = _DIALOGUE_BYTES
    last_ns: int = 0
    found: tuple[_Fact, ...] = ()
    asked: bool = False
    """Its server was seen before to ask a client for a password (`_ASKS`)."""
    read: int = 0
    """Payloads that `found` was made of."""


class Dialogues:
    """The dialogues of one source; used by one thread."""

    def __init__(self, source: str, known: Credentials | None = None) -> None:
        """`known` are the published passwords, those of the program where there are none."""
        self._source = source
        self._known = known
        self._open: dict[_Key, _Dialogue] = {}
        self._size = 0
        self._asking: dict[_Key, None] = {}

    def take(self, rows: Ints, data: Bytes) -> Ledger:
        """Payloads as `otmon.ledger.messages` copied them; the facts of dialogues that ended."""
        facts: list[_Fact] = []
        octets = data.tobytes()
        if not len(rows):
            return collect()
        clients = clients_of(rows)[0].tolist()
        for row, client in zip(rows.tolist(), clients, strict=True):
            numbers = row[F_COLUMNS:]
            key = tuple(row[column] for column in _KEY)
            now = numbers[G_TIME - F_COLUMNS]
            one = self._open.pop(key, None)
            if one is not None and now - one.last_ns > IDLE_NS:
                facts += self._ended(one)
                one = None
            if one is None:
                one = _Dialogue(row)
                self._size += one.size
            # Last in the order of what is open.
            self._open[key] = one
            one.flow, one.client = row[:F_COLUMNS], client
            one.rows.append(tuple(numbers))
            begin, size = numbers[G_AT - F_COLUMNS], numbers[G_KEPT - F_COLUMNS]
            one.data.append(octets[begin : begin + size])
            if _ASKS.match(one.data[-1]):
                self._asking[_server_of(row, client)] = None
                if len(self._asking) > ASKING:
                    del self._asking[next(iter(self._asking))]
            one.asked = one.asked or _server_of(row, client) in self._asking
            one.last_ns = max(one.last_ns, now)
            one.size += size + _PAYLOAD_BYTES
            self._size += size + _PAYLOAD_BYTES
            while self._size > ROOM_BYTES:
                facts += self._ended(self._open.pop(next(iter(self._open))))
        return _collected(facts)

    def silent_since(self, before_ns: int) -> Ledger:
        """End the dialogues that were silent for too long before this moment; their facts."""
        old = [key for key, one in self._open.items() if before_ns - one.last_ns > IDLE_NS]
        return _collected([fact for key in old for fact in self._ended(self._open.pop(key))])

    def going_on(self) -> Ledger:
        """The facts of the dialogues that have not ended, as they stand now."""
        return _collected([fact for one in self._open.values() for fact in self._facts(one)])

    def finish(self) -> Ledger:
        """End all dialogues; their facts."""
        facts = [fact for one in self._open.values() for fact in self._ended(one)]
        self._open.clear()
        return _collected(facts)

    def _ended(self, one: _Dialogue) -> tuple[_Fact, ...]:
        self._size -= one.size
        return self._facts(one)

    def _facts(self, one: _Dialogue) -> tuple[_Fact, ...]:
        if one.read < len(one.rows):
            if self._known is None:
                self._known = shipped_credentials()
            one.found = tuple(_facts_of(one, self._source, self._known))
            one.read = len(one.rows)
        return one.found


def _server_of(row: list[int], client: int) -> _Key:
    high, low, shift = (F_A_HI, F_A_LO, 16) if client == 1 else (F_B_HI, F_B_LO, 32)
    return row[high], row[low], row[F_KEY] >> shift & 0xFFFF


def _collected(facts: list[_Fact]) -> Ledger:
    return collect(
        credentials=(fact for fact in facts if isinstance(fact, CredentialSeen)),
        claims=(fact for fact in facts if isinstance(fact, AssetClaim)),
    )


def _spoken(flow: list[int]) -> str:
    """What a flow speaks, "" for unknown; below IP its EtherType tells it, and none of it is Cisco's."""
    code = flow[F_PROTOCOL] & (PROVISIONAL - 1)
    if flow[F_KEY] >> 48 & 0xF == 2:
        kind = flow[F_KEY] & 0xFFFF
        code = int(ethertype_codes()[kind])
        return name_of(code) if code else "cdp" if kind == 0 else ""
    return name_of(code) if code else ""


def _facts_of(one: _Dialogue, source: str, known: Credentials) -> Iterator[_Fact]:
    flow = one.flow
    protocol = _spoken(flow)
    if not protocol:
        return
    client = one.client
    segments = [
        Segment(
            row[G_WAY - F_COLUMNS] == client,
            row[G_SEQ - F_COLUMNS],
            row[G_ACK - F_COLUMNS],
            data,
            Seen(row[G_TIME - F_COLUMNS], row[G_PACKET - F_COLUMNS], row[G_OFFSET - F_COLUMNS]),
        )
        for row, data in zip(one.rows, one.data, strict=True)
    ]
    key = flow[F_KEY]
    family = key >> 48 & 0xF
    # Messages that were chosen from a connection are whole, and what lies between them is no loss.
    if key & 0xFFFF == PROTO_TCP and family != 2 and FIRST_PAYLOADS.get(protocol, 1) > 0:
        pieces = in_order(segments, (flow[F_ISN + client], flow[F_ISN + 1 - client]))
    else:
        pieces = datagrams(segments)
    ends = [address_text(family, flow[high], flow[low]) for high, low in ((F_A_HI, F_A_LO), (F_B_HI, F_B_LO))]
    of_client, of_server = (
        Side(mac_text(_mac(one.rows, way)), ends[way]) if family != 2 else Side(ends[way], "")
        for way in (client, 1 - client)
    )
    yield from claims_of(protocol, pieces, of_client, of_server, vlan_text(flow[F_VLAN]), source)
    if protocol not in IDS:
        return
    for log_in in parser_of(protocol)(pieces):
        kind, entry = judged(log_in, protocol, known)
        if kind is None:
            continue
        seen = log_in.seen
        yield CredentialSeen(
            client=ends[client],
            server=ends[1 - client],
            transport=transport_text(family, key & 0xFFFF),
            port=key >> 16 & 0xFFFF if client == 1 else key >> 32 & 0xFFFF,
            protocol=protocol,
            vlan=vlan_text(flow[F_VLAN]),
            account=visible(log_in.account),
            method=log_in.method,
            entry=entry,
            kind=kind,
            outcome="accepted" if log_in.unasked and one.asked else log_in.outcome,
            times=1,
            first_ns=seen.time_ns,
            last_ns=seen.time_ns,
            evidence=Evidence(seen.time_ns, source, seen.packet, seen.offset),
        )


def _mac(rows: list[tuple[int, ...]], way: int) -> int:
    """The MAC address of one direction's first payload, -1 for none."""
    return next((row[G_MAC - F_COLUMNS] for row in rows if row[G_WAY - F_COLUMNS] == way), -1)


def judged(log_in: LogIn, protocol: str, known: Credentials) -> tuple[CredentialKind | None, str]:
    """What a fact says of a log-in's secret, and the entry that it is on the list as, "" for none. None for
    a proof that no password of the list has given: it hides its secret, as it should."""
    entry = known.matching(log_in, protocol)
    if log_in.method == ANONYMOUS:
        return "anonymous", ""
    if entry is not None:
        return "default", entry.id
    if log_in.secret is None:
        return ("empty", "") if log_in.proves is not None and log_in.proves(b"") else (None, "")
    return ("clear" if log_in.secret else "empty"), ""


def visible(account: bytes) -> str:
    """An account as text of one line, at most `ACCOUNT` characters."""
    text = account[: 4 * ACCOUNT].decode("utf-8", "replace")
    shown = "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)
    return shown if len(shown) <= ACCOUNT else shown[: ACCOUNT - 1] + "…"
