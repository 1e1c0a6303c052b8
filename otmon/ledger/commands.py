"""Commands to controllers in protocols of which no kernel reads the rest (`otmon.protocols.commands`): copied
out of connections that go on for months, joined with their answers, and made operations.

What is copied is bounded for each second, apart from what devices say of themselves, so that no flood of that
hides a command; the rest is counted. A command that is cut into several segments is not seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from otmon.decode.fields import AT, C_COMMANDS_SHED, END
from otmon.decode.flows import F_COPIED
from otmon.identity.login import Seen
from otmon.kernel import Bytes, inlined, kernel, u8, u16be, u16le, u32be
from otmon.ledger.course import Window
from otmon.ledger.facts import (
    HOUR_NS,
    HOURS,
    MONDAY,
    OPEN_AT_END,
    UNANSWERED,
    UNKNOWN,
    Busiest,
    Evidence,
    Operation,
)
from otmon.ledger.messages import keep, may_copy
from otmon.ledger.rows import counts_of_one
from otmon.ledger.tables import COMMANDS, Tables
from otmon.protocols.commands import MAX_MESSAGES, said_in
from otmon.protocols.protocol import Service
from otmon.protocols.registry import code_of

FINS: Final = code_of("fins")
S7COMM: Final = code_of("s7comm")
SLMP: Final = code_of("slmp")
COMMAND: Final = 8
"""Added to the direction in `G_WAY`: a payload with a command, or with what may be the answer to one."""
COMMAND_BYTES: Final = 1_024
"""Kept of a payload: what names a command stands at its beginning."""
SECOND_COMMANDS: Final = 512
"""Payloads copied in one second; an engineering station sends some in a minute."""
WAITING: Final = 4_096
"""Commands that wait for their answers; the first one gives way."""
WAIT_NS: Final = 10_000_000_000
"""What was not answered within this time was not answered."""

Talk = tuple[str, str, str, int, str, str]
"""client, server, transport, port, protocol, vlan."""


class _Asked(NamedTuple):
    """A command that waits for its answer."""

    talk: Talk
    function: int
    service: Service
    seen: Seen


class Commands:
    """The commands of one source; used by one thread."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._waiting: dict[tuple[object, int], _Asked] = {}

    def take(
        self, flow: object, talk: Talk, payload: bytes, seen: Seen, *, from_client: bool
    ) -> Iterator[Operation]:
        """A payload as `copy_commands` chose it; what was answered, or will not be any more. `flow` tells
        connections apart."""
        for said in said_in(talk[4], payload, from_client=from_client):
            key = flow, said.reference
            asked = self._waiting.pop(key, None)
            if said.service is not None:
                if asked is not None:
                    yield self._operation(asked, UNANSWERED)
                elif len(self._waiting) >= WAITING:
                    yield self._operation(self._waiting.pop(next(iter(self._waiting))), UNANSWERED)
                self._waiting[key] = _Asked(talk, said.function, said.service, seen)
            elif asked is not None:
                yield self._operation(asked, said.status, max(seen.time_ns - asked.seen.time_ns, 0))

    def silent_since(self, now_ns: int) -> Sequence[Operation]:
        """Those for which no answer comes any more at this moment."""
        late = [key for key, asked in self._waiting.items() if now_ns - asked.seen.time_ns > WAIT_NS]
        return [self._operation(self._waiting.pop(key), UNANSWERED) for key in late]

    def going_on(self) -> Sequence[Operation]:
        """Those whose answers may still come."""
        return [self._operation(asked, OPEN_AT_END) for asked in self._waiting.values()]

    def finish(self, last_ns: int) -> Sequence[Operation]:
        """All that wait, in a source whose last packet came at this moment."""
        left = [*self.silent_since(last_ns), *self.going_on()]
        self._waiting.clear()
        return left

    def _operation(self, asked: _Asked, status: int, response_ns: int = -1) -> Operation:
        client, server, transport, port, protocol, vlan = asked.talk
        seen = asked.seen
        evidence = Evidence(seen.time_ns, self._source, seen.packet, seen.offset)
        answered = int(response_ns >= 0)
        response_ns = max(response_ns, 0)
        return Operation(
            client=client,
            server=server,
            transport=transport,
            port=port,
            protocol=protocol,
            vlan=vlan,
            unit=UNKNOWN,
            function=asked.function,
            subfunction=UNKNOWN,
            service=asked.service.name,
            access=asked.service.access,
            address=UNKNOWN,
            count=UNKNOWN,
            status=status,
            swept=False,
            times=1,
            response_ns_sum=response_ns,
            response_ns_min=response_ns,
            response_ns_max=response_ns,
            answered=answered,
            response_counts=counts_of_one(response_ns) if answered else (),
            gap_ns=0,
            busiest=Busiest(1, evidence),
            course=(Window(1, answered, response_ns, 0),),
            hours=1 << (seen.time_ns // HOUR_NS + MONDAY) % HOURS,
            first_ns=seen.time_ns,
            last_ns=seen.time_ns,
            evidence=evidence,
        )


@inlined
def is_commanded(code: int) -> bool:
    """Whether commands of the protocol with this code are read here."""
    return code == S7COMM or code == FINS or code == SLMP


@kernel
def copy_commands(
    t: Tables, f: int, d: int, code: int, src: Bytes, packet: int, now: int, offset: int
) -> None:
    """Copy the payload in `Tables.row`, of a flow that speaks `code`, if it has a command or may have the
    answer to one. There is room for it."""
    row = t.row
    p = row[AT]
    end = row[END]
    if code == S7COMM:
        if not has_s7_command(src, p, end):
            return
    elif code == FINS:
        if not is_fins_command(src, p, end):
            return
    else:
        # An answer does not say to what: those behind a command are taken, of the length of one.
        begin = p + 4 if end - p >= 2 and u8(src, p) & 0x04 else p
        if end - begin < 11 or u8(src, p + 1) != 0:
            return
        if u8(src, p) == 0x50 or u8(src, p) == 0x54:
            if end - begin < 13 or not is_slmp_command(u16le(src, begin + 11)):
                return
            t.flows[f, F_COPIED + d] += 1
        elif t.flows[f, F_COPIED + 1 - d] == 0 or (end - begin != 11 and end - begin != 20):
            return
    if not may_copy(t, now, COMMANDS, SECOND_COMMANDS, C_COMMANDS_SHED):
        return
    size = min(end - p, COMMAND_BYTES)
    keep(t, f, d | COMMAND, src, p, size, size, packet, now, offset)


@kernel
def has_s7_command(src: Bytes, p: int, end: int) -> bool:
    """Whether one of the messages in a payload is a job of `S7_FUNCTIONS`, or the answer to one."""
    # The payload may begin behind a TPKT header that came in a segment of its own.
    at = p - 4 if end - p >= 2 and u16be(src, p) == 0x02F0 else p
    for _ in range(MAX_MESSAGES):
        if end - at < 18 or u16be(src, at + 4) != 0x02F0 or u8(src, at + 7) != 0x32:
            return False
        kind = u8(src, at + 8)
        begin = at + 17 if kind == 1 else at + 19
        # An answer that is an error may have no parameter, and then does not say what it is about.
        if kind == 2 or (kind == 3 and u16be(src, at + 13) == 0):
            return True
        if (kind == 1 or kind == 3) and begin < end:
            function = u8(src, begin)
            if function == 0x1A or function == 0x1D or function == 0x28 or function == 0x29:
                return True
        if at < p:
            return False
        size = u16be(src, at + 2)
        if size < 7:
            return False
        at += size
    return False


@kernel
def is_fins_command(src: Bytes, p: int, end: int) -> bool:
    """Whether a payload is a command of `FINS_COMMANDS`, or the answer to one."""
    at = p + 16 if end - p >= 4 and u32be(src, p) == 0x46494E53 else p
    if end - at < 12:
        return False
    command = u16be(src, at + 10)
    return command in (0x0202, 0x0203, 0x0401, 0x0402, 0x0702, 0x2301, 0x2302) or 0x0306 <= command <= 0x0308


@kernel
def is_slmp_command(command: int) -> bool:
    """Whether it is one of `SLMP_COMMANDS`."""
    return command in (0x1001, 0x1002, 0x1003, 0x1005, 0x1006)
