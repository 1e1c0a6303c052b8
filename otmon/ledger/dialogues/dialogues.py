"""From copied payloads to the facts of log-ins and claims: each flow's payloads in order, read as a whole.

A dialogue is kept until its flow was silent for `IDLE_NS`, or until room is needed; what it says becomes
facts once, when it ends. Those of dialogues that go on are made anew each time they are asked for and
never merged into the others, as with rows of tables in use. So a sensor and a replay of the same
packets find the same, and a log-in counts once.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from ipaddress import ip_address
from itertools import repeat
from typing import Final

import numpy as np

from otmon.decode.fields import PROTO_TCP
from otmon.identity.claims.opening import opening
from otmon.identity.credentials import Credentials, shipped_credentials
from otmon.identity.eap import REQUEST, RESPONSE
from otmon.identity.login import Seen
from otmon.identity.proof_budget import ProofBudget
from otmon.identity.question import question_of
from otmon.identity.stream import Segment
from otmon.kernel import Bytes, Ints
from otmon.ledger.copying.commands import COMMAND
from otmon.ledger.copying.messages import EAPOL, OPENING
from otmon.ledger.copying.questions import QUESTION
from otmon.ledger.dialogues.claims import Told, claims_of
from otmon.ledger.dialogues.command_operations import Commands
from otmon.ledger.dialogues.dialogue import (
    BEGINS,
    DIALOGUE_BYTES,
    FLOW,
    GROUP,
    KEY,
    NOBODY,
    SPOKEN,
    VLAN,
    Dialogue,
    Flow,
    flow_of,
    read,
    spoken,
)
from otmon.ledger.dialogues.single_operation import Talk
from otmon.ledger.facts import (
    DAY_NS,
    NAME_BITS,
    CredentialSeen,
    Evidence,
    NamesAsked,
    Operation,
    WrittenValue,
)
from otmon.ledger.harvest.clients import clients_of
from otmon.ledger.harvest.rows import LISTED
from otmon.ledger.ledger import Ledger
from otmon.ledger.merge import collect
from otmon.ledger.tables import G_ACK, G_AT, G_KEPT, G_MAC, G_MARK, G_OFFSET, G_PACKET, G_SEQ, G_TIME, G_WAY
from otmon.ledger.texts import address_text, mac_text, transport_text, vlan_text

IDLE_NS: Final = 600_000_000_000
"""A dialogue ends this long after its last payload: log-ins wait for people, but not longer."""
ROOM_BYTES: Final = 16 << 20
"""Payloads of all dialogues that are kept; the one that was silent longest ends first."""
_REFUSED: Final = b"401"
_ASKS: Final = re.compile(rb"(?:HTTP/1|RTSP/[12])\.[0-9] " + _REFUSED)
"""Clients go on in another connection, so that what one was asked in is remembered by the server."""
ASKING: Final = 4_096
"""Servers that are remembered; the first ones give way."""
_PAYLOAD_BYTES: Final = 400
"""What a payload takes besides its bytes."""

PROOFS_LEFT_OUT: Final = "log-in proofs"
"""Kind of what overflowed: proofs that were not held against all passwords
(`otmon.identity.proof_budget`)."""

PORTS: Final = 64
"""Stations of 802.1X that are remembered; the one that was silent longest gives way."""
PORT_NS: Final = 60_000_000_000
"""So long after a station spoke the switch may speak to it: its server may ask a person."""
_ASKS_EAP, _ANSWERS_EAP = bytes((REQUEST,)), bytes((RESPONSE,))
"""Codes of EAP, behind the header of 802.1X."""
_SAID: Final = (G_SEQ, G_ACK, G_TIME, G_PACKET, G_OFFSET, G_AT, G_KEPT, G_MAC, G_MARK)
"""Columns of a row that are read of a payload."""
_Key = bytes
"""A row's columns of `KEY`: a key is asked for again and again, and bytes remember their hash."""
_ENDS_BYTES: Final = 8 * (len(KEY) - 1)
"""Those of a key that name both ends and their ports."""
_NEAR: Final = 1 << 16
"""Bytes between what a direction said last and what goes on with it."""
_Server = tuple[int, int, int]
"""Both words of an address, and a port."""


@dataclass(slots=True)
class _Found:
    """What was found, of each kind."""

    told: list[Told] = field(default_factory=list)
    log_ins: list[CredentialSeen] = field(default_factory=list)
    names: list[NamesAsked] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)
    written: list[WrittenValue] = field(default_factory=list)


class Dialogues:
    """The dialogues of one source; used by one thread."""

    def __init__(self, source: str, known: Credentials | None = None) -> None:
        """`known` are the published passwords, those of the program where there are none."""
        self._source = source
        self._known = known
        self._open: OrderedDict[_Key, Dialogue] = OrderedDict()
        self._size = 0
        self._latest: dict[bytes, _Key] = {}
        """The key of the latest dialogue of two ends and their ports."""
        self._asking: dict[_Server, None] = {}
        self._budget = ProofBudget()
        self._commands = Commands(source)
        self._ports: dict[_Key, int] = {}
        """Of stations of 802.1X: the dialogue in which each answers to all, and its MAC address."""

    def take(self, rows: Ints, data: Bytes) -> Ledger:
        """Payloads as `otmon.ledger.copying.messages` copied them; the facts of dialogues that ended."""
        if not len(rows):
            return collect()
        found = _Found()
        octets = data.tobytes()
        clients, _ = clients_of(rows)
        ended: list[Dialogue] = []
        # Some at a time: what a row becomes is then still at hand where it is used.
        for begin in range(0, len(rows), LISTED):
            some = slice(begin, begin + LISTED)
            self._take(rows[some], clients[some], octets, found, ended)
        # Behind each other, which takes less time than one by one between other things.
        for one in ended:
            self._read(one, found)
        found.written += self._commands.written()
        return self._ledger(found)

    def _take(self, rows: Ints, clients: Ints, octets: bytes, found: _Found, ended: list[Dialogue]) -> None:
        ways = rows[:, G_WAY]
        flows = rows[:, FLOW]
        keys = _bytes_of(flows[:, : len(KEY)])
        ports = (flows[:, 0] & 0xFFFF == EAPOL) & (flows[:, 0] >> 48 & 0xF == 2)
        seqs, acks, times, packets, offsets, begins, sizes, macs, marks = rows[:, _SAID].T.tolist()
        texts = [octets[begin : begin + size] for begin, size in zip(begins, sizes, strict=True)]
        # As the classes make them, without a call of Python for each value.
        seen = map(tuple.__new__, repeat(Seen), zip(times, packets, offsets, strict=True))
        parts = (ways == clients).tolist(), seqs, acks, texts, seen, marks
        said = map(tuple.__new__, repeat(Segment), zip(*parts, strict=True))
        opened = self._open
        for key, row, client, way, port, segment, text, now, size, mac in zip(
            keys, _bytes_of(flows), clients.tolist(), ways.tolist(), ports.tolist(),
            said, texts, times, sizes, macs, strict=True,
        ):  # fmt: skip
            if way >= OPENING:
                self._take_alone(key, flow_of(row), way, segment, mac, found)
                continue
            one = opened.get(key)
            if one is not None and now - one.last_ns > IDLE_NS:
                del opened[key]
                self._size -= one.size
                ended.append(one)
                one = None
            if one is None:
                one = self._begin(key, row, client, way, segment, now)
            else:
                # Last in the order of what is open.
                opened.move_to_end(key)
            one.row = row
            if one.client != client:
                one.turn()
            one.said.append(segment)
            if one.macs[way] == NOBODY:
                one.macs[way] = mac
            if port:
                self._at_port(key, one, way, mac)
            if text.startswith(_REFUSED, 9) and _ASKS.match(text):
                self._asking[_server_of(flow_of(row), client)] = None
                if len(self._asking) > ASKING:
                    del self._asking[next(iter(self._asking))]
            if self._asking and not one.asked:
                one.asked = _server_of(flow_of(row), client) in self._asking
            if now > one.last_ns:
                one.last_ns = now
            size += _PAYLOAD_BYTES
            one.size += size
            self._size += size
            while self._size > ROOM_BYTES:
                self._size -= (one := opened.popitem(last=False)[1]).size
                ended.append(one)

    def _begin(self, key: _Key, row: bytes, client: int, way: int, segment: Segment, now: int) -> Dialogue:
        """The dialogue of a flow that has none so far: a new one, or the one of the same ends that goes
        on."""
        ends = key[:_ENDS_BYTES]
        before = self._latest.get(ends)
        one = self._before(before, way, segment, now) if before is not None else None
        if one is None:
            one = Dialogue(row, client)
            self._size += DIALOGUE_BYTES
        self._open[key] = one
        self._latest[ends] = key
        if len(self._latest) > 2 * len(self._open) + ASKING:
            self._latest = {other[:_ENDS_BYTES]: other for other in self._open}
        return one

    def _before(self, before: _Key, way: int, segment: Segment, now: int) -> Dialogue | None:
        """The dialogue of the same ends and ports, if a TCP segment goes on with it although its flow is
        another: that had to leave the table of flows, or somebody forged a SYN. It is then no longer open
        under its key."""
        one = self._open.get(before)
        if one is None or flow_of(one.row)[0] & 0xFFFF != PROTO_TCP:
            return None
        from_client = way == one.client
        own = next((other for other in reversed(one.said) if other.from_client == from_client), None)
        # Where it has said nothing yet, the other one says how far it is.
        expected = one.said[-1].ack if own is None else own.seq + len(own.data)
        if now - one.last_ns > IDLE_NS or (segment.seq - expected + _NEAR) & 0xFFFFFFFF > 2 * _NEAR:
            return None
        one.begins = one.begins or one.row[-BEGINS:]
        del self._open[before]
        return one

    def _take_alone(self, key: _Key, flow: Flow, way: int, said: Segment, mac: int, found: _Found) -> None:
        """A payload that is no part of a dialogue."""
        if way & OPENING:
            found.told += _opened(flow, way - OPENING, said.data, said.seen, mac)
        elif way & QUESTION:
            found.names += _asked(flow, way - QUESTION, said.data, said.seen, self._source)
        else:
            protocol = spoken(flow[0], flow[SPOKEN])
            talks = _talk(flow, 0, protocol), _talk(flow, 1, protocol)
            behind = said.seq if talks[0][2] == "tcp" else -1
            found.operations += self._commands.take(key, talks, said.data, said.seen, way - COMMAND, behind)

    def _at_port(self, key: _Key, one: Dialogue, way: int, mac: int) -> None:
        """802.1X: a station may answer to the group address of all ports, as the switch may ask there, or ask
        each station. So what the switch says is heard in the dialogue of the station, too: where several may
        be meant only what it asks, as their proofs fit their own challenge alone."""
        said = one.said[-1]
        text = said.data
        flow = flow_of(one.row)
        ends = flow[2], flow[4]
        to = ends[1 - way]
        if text[4:5] == _ANSWERS_EAP:
            if to & GROUP:
                self._ports.pop(key, None)
                self._ports[key] = ends[way]
                if len(self._ports) > PORTS:
                    del self._ports[next(iter(self._ports))]
            return
        stations = [
            port for port, mac in self._ports.items() if port in self._open and (to & GROUP or to == mac)
        ]
        heard = [
            other
            for other in map(self._open.__getitem__, stations)
            if other is not one
            and flow_of(other.row)[VLAN] == flow[VLAN]
            and said.seen.time_ns - other.last_ns <= PORT_NS
        ]
        if len(heard) > 1 and text[4:5] != _ASKS_EAP:
            return
        for other in heard:
            other.said.append(said._replace(from_client=False))
            if other.macs[1 - other.client] == NOBODY:
                other.macs[1 - other.client] = mac
            other.size += len(text) + _PAYLOAD_BYTES
            self._size += len(text) + _PAYLOAD_BYTES

    def silent_since(self, before_ns: int) -> Ledger:
        """End the dialogues that were silent for too long before this moment; their facts."""
        found = _Found()
        for key in [key for key, one in self._open.items() if before_ns - one.last_ns > IDLE_NS]:
            self._end(self._open.pop(key), found)
        found.operations += self._commands.silent_since(before_ns)
        return self._ledger(found)

    def going_on(self) -> Ledger:
        """The facts of the dialogues that have not ended, as they stand now."""
        found = _Found()
        for one in self._open.values():
            self._read(one, found)
        found.operations += self._commands.going_on()
        return _collected(found, self._source)

    def left_out(self) -> Ledger:
        """What was left out since the last facts of dialogues that ended."""
        return self._ledger(_Found())

    def finish(self, last_ns: int = 0) -> Ledger:
        """End all dialogues, in a source whose last packet came at this moment; their facts."""
        found = _Found()
        for one in self._open.values():
            self._end(one, found)
        found.operations += self._commands.finish(last_ns)
        self._open.clear()
        return self._ledger(found)

    def _ledger(self, found: _Found) -> Ledger:
        left_out = self._budget.take_left_out()
        return _collected(found, self._source, [(PROOFS_LEFT_OUT, left_out)] if left_out else [])

    def _end(self, one: Dialogue, found: _Found) -> None:
        self._size -= one.size
        self._read(one, found)

    def _read(self, one: Dialogue, found: _Found) -> None:
        """Add the facts of a dialogue to what was found."""
        if one.read < len(one.said):
            if self._known is None:
                self._known = shipped_credentials()
            one.told, one.log_ins, one.operations = read(one, self._source, self._known, self._budget)
            one.read = len(one.said)
        found.told += one.told
        found.log_ins += one.log_ins
        found.operations += one.operations


def _collected(found: _Found, source: str, overflow: Sequence[tuple[str, int]] = ()) -> Ledger:
    return collect(
        credentials=found.log_ins,
        claims=claims_of(found.told, source),
        names=found.names,
        operations=found.operations,
        written=found.written,
        overflow=overflow,
    )


def _bytes_of(columns: Ints) -> list[bytes]:
    """Each row as its bytes."""
    rows: list[bytes] = np.ascontiguousarray(columns).view(f"V{8 * columns.shape[1]}").ravel().tolist()
    return rows


def _server_of(flow: Flow, client: int) -> _Server:
    key, a_hi, a_lo, b_hi, b_lo, *_ = flow
    return (a_hi, a_lo, key >> 16 & 0xFFFF) if client == 1 else (b_hi, b_lo, key >> 32 & 0xFFFF)


def _opened(flow: Flow, way: int, headers: bytes, seen: Seen, mac: int) -> Iterator[Told]:
    """How the sender of the headers opens connections; of hosts of the Internet nothing."""
    key, a_hi, a_lo, b_hi, b_lo, _, _, vlan, *_ = flow
    address = address_text(key >> 48 & 0xF, *((a_hi, a_lo), (b_hi, b_lo))[way])
    value = opening(headers)
    if value and not ip_address(address).is_global:
        yield (mac_text(mac), address, vlan_text(vlan), "tcp-opening", value, "tcp"), seen


def _talk(flow: Flow, client: int, protocol: str) -> Talk:
    """Who talks to whom in a flow, of which A (0) or B (1) is the client."""
    key, a_hi, a_lo, b_hi, b_lo, *_ = flow
    family = key >> 48 & 0xF
    ends = [address_text(family, high, low) for high, low in ((a_hi, a_lo), (b_hi, b_lo))]
    port = key >> 16 & 0xFFFF if client == 1 else key >> 32 & 0xFFFF
    transport = transport_text(family, key & 0xFFFF)
    return ends[client], ends[1 - client], transport, port, protocol, vlan_text(flow[VLAN])


def _asked(flow: Flow, client: int, message: bytes, seen: Seen, source: str) -> Iterator[NamesAsked]:
    """What the names in a question to a name server could carry, nothing for no question."""
    question = question_of(message)
    if question is None:
        return
    yield NamesAsked(
        *_talk(flow, client, "dns"),
        domain=question.domain,
        day=seen.time_ns // DAY_NS,
        times=1,
        free=int(question.free),
        names=1 << int.from_bytes(blake2b(question.name, digest_size=8).digest()) % NAME_BITS,
        carried_bits=question.carried_bits,
        first_ns=seen.time_ns,
        last_ns=seen.time_ns,
        evidence=Evidence(seen.time_ns, source, seen.packet, seen.offset),
    )
