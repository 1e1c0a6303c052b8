"""Commands to controllers in protocols of which no kernel reads the rest (`otmon.protocols.commands`): copied
by `otmon.ledger.copying.commands`, here joined with their answers and made operations.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from otmon.identity.login import Seen
from otmon.ledger.copying.commands import COMMAND_BYTES, RESENT_NS, WAIT_NS
from otmon.ledger.dialogues.command_values import CommandValues
from otmon.ledger.dialogues.single_operation import Talk, single_operation
from otmon.ledger.facts import OPEN_AT_END, UNANSWERED, UNKNOWN, Operation, WrittenValue
from otmon.protocols.commands import is_write_begun, said_in, unit_ends
from otmon.protocols.protocol import Said, Service
from otmon.protocols.stations import dnp3_joined, has_function
from otmon.protocols.writes import written_in

WAITING: Final = 4_096
"""Commands that wait for their answers, and those that may come again; the first one gives way."""
CONTENTS: Final = 8
"""Contents of a data unit that are kept for one place, the last ones."""

_NEXT: Final = 1 << 64
"""Between the references of commands that came in one packet, and are answered together."""

_Sent = dict[tuple[object, int, int, int, str], tuple[int, int]]
"""Time, and a hash of the message of a write, by connection, direction, sequence number behind it, reference
and name."""


class _Asked(NamedTuple):
    """A command that waits for its answer."""

    talk: Talk
    function: int
    service: Service
    seen: Seen
    write: int = 0
    """Its number among those whose values were noted, 0 for none."""


class Commands:
    """The commands of one source; used by one thread."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._waiting: dict[tuple[object, int, int], _Asked] = {}
        """By connection, direction of the command, and reference."""
        self._sent: tuple[_Sent, _Sent] = {}, {}
        """When commands of TCP came, and writes, which are many and push none of those out."""
        self._parts: dict[tuple[object, int, bytes], bytes] = {}
        """Fragments of DNP3 that lack their function, as frames: by connection, direction and addresses."""
        self._units: dict[tuple[object, int, int], list[bytes]] = {}
        """Data units of COTP with which others go on, one for each content: by connection, direction and the
        sequence number behind them."""
        self._values = CommandValues(source)

    def take(
        self, flow: object, talks: tuple[Talk, Talk], message: bytes, seen: Seen, way: int, behind: int = -1
    ) -> Iterator[Operation]:
        """A message as `copy_commands` chose it, in direction `way`; what was answered, or will not be any
        more. `flow` tells connections apart; `talks` are of who asks in direction 0 and 1: the message says
        whether it is a command, whoever opened the connection. `behind` is the sequence number behind it, by
        which one that TCP sends again is known; -1 in a datagram."""
        protocol = talks[way][4]
        messages = [message]
        if protocol == "dnp3":
            messages = [self._joined((flow, way, message[4:8]), message)]
        elif protocol == "s7comm" and behind >= 0:
            messages = self._whole(flow, way, message, behind)
        for one in messages:
            for said in said_in(protocol, one):
                yield from self._take(flow, talks, said, one, seen, way, behind)

    def written(self) -> list[WrittenValue]:
        """What was written by the messages since this was last asked."""
        return list(self._values.take())

    def _take(
        self, flow: object, talks: tuple[Talk, Talk], said: Said, message: bytes, seen: Seen, way: int,
        behind: int,
    ) -> Iterator[Operation]:  # fmt: skip
        """What was said in a message."""
        write = 0
        if said.service is not None:
            writes = said.service.access == "write"
            sent = flow, way, behind, said.reference, said.service.name
            again, other = self._is_resent(sent, message if writes else b"", seen)
            if writes and (other or not again):
                # Of two contents nobody knows which one the receiver took.
                write = self._values.note(talks[way], written_in(talks[way][4], message, said.function), seen)
            if again:
                return
        if said.service is not None and not said.confirmed:
            # Nobody can tell whether it was done.
            yield self._operation(_Asked(talks[way], said.function, said.service, seen), OPEN_AT_END)
            return
        asker = way if said.service is not None else 1 - way
        key = flow, asker, said.reference
        asked = self._waiting.get(key)
        if said.service is not None:
            if asked is not None:
                yield self._operation(self._waiting.pop(key), UNANSWERED)
            elif len(self._waiting) >= WAITING:
                yield self._operation(self._waiting.pop(next(iter(self._waiting))), UNANSWERED)
            self._waiting[key] = _Asked(talks[asker], said.function, said.service, seen, write)
        while said.service is None and asked is not None and said.function in (0, asked.function):
            del self._waiting[key]
            self._values.answered(asked.write, said.status != 0)
            yield self._operation(asked, said.status, max(seen.time_ns - asked.seen.time_ns, 0))
            key = flow, asker, key[2] + _NEXT
            asked = self._waiting.get(key)

    def _joined(self, key: tuple[object, int, bytes], frame: bytes) -> bytes:
        """A frame of DNP3 with what the fragment had before it."""
        joined = dnp3_joined(self._parts.get(key, b""), frame)
        if not joined:
            # One that does not go on with it is none for the receiver either.
            return frame
        self._parts.pop(key, None)
        if not has_function(joined):
            self._parts[key] = joined
            if len(self._parts) > WAITING:
                del self._parts[next(iter(self._parts))]
        return joined

    def _whole(self, flow: object, way: int, unit: bytes, behind: int) -> list[bytes]:
        """The messages of S7comm that a data unit of COTP ends, each as one unit: more than one where units
        of other content came for those before it, as the receiver took one of them."""
        begin = behind - int.from_bytes(unit[2:4], "big") & 0xFFFFFFFF
        before = self._units.get((flow, way, begin), [])
        alone = [unit] if not before or unit[7:8] == b"\x32" else []
        messages = alone + [one + unit[7:] for one in before]
        if unit[:1] != b"\3" or unit_ends(unit) or is_write_begun(unit):
            return messages
        held = self._units.setdefault((flow, way, behind), [])
        held += [one[:COMMAND_BYTES] for one in messages if one not in held]
        del held[:-CONTENTS]
        if len(self._units) > WAITING:
            del self._units[next(iter(self._units))]
        return []

    def _is_resent(
        self, sent: tuple[object, int, int, int, str], written: bytes, seen: Seen
    ) -> tuple[bool, bool]:
        """Whether TCP sends a command again, which is else remembered, and whether a write has another
        content then; `written` is the message of one."""
        if sent[2] < 0:
            return False, False
        known = self._sent[bool(written)]
        before = known.pop(sent, None)
        content = hash(written)
        known[sent] = seen.time_ns, content
        if len(known) > WAITING:
            del known[next(iter(known))]
        again = before is not None and abs(seen.time_ns - before[0]) <= RESENT_NS
        return again, before is not None and before[1] != content

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
        service = asked.service
        return single_operation(
            asked.talk,
            asked.function,
            UNKNOWN,
            service.name,
            service.access,
            status,
            response_ns,
            self._source,
            asked.seen,
        )
