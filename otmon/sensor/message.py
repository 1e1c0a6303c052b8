"""What the processes of a sensor say to each other: a head as JSON, behind it numbers as they lie in memory.

Whoever reads packets of a plant may be taken over by one. So nothing here is loaded as code, and all that is
read is checked: sizes, kinds, and that rows have the columns of their table.
"""

from __future__ import annotations

import dataclasses
import json
import socket
import struct
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from otmon.capture.ring import RingCounts
from otmon.ledger.aging import joined_spans
from otmon.ledger.facts import Source
from otmon.ledger.harvest.rows import FIELDS, WIDTHS, Rows
from otmon.ledger.rank import Bars, Place
from otmon.sensor.clock import WHATS, Jump
from otmon.sensor.observer import SPANS, Part, State
from otmon.sensor.recent_packets import PACKETS, Kept

Head = dict[str, Any]

_LENGTHS: Final = struct.Struct("=IQ")
HEAD_BYTES: Final = 1 << 20
BODY_BYTES: Final = 1 << 30
"""All tables of a worker, and as many ended rows as wait at most."""


class Gone(Exception):
    """The other end has ended, does not answer in time, or speaks nonsense."""


class Ended(Gone):
    """The worker has ended."""


def send(to: socket.socket, head: Head, body: Sequence[npt.NDArray[Any]] = ()) -> None:
    """One message. Raises Gone."""
    text = json.dumps(head).encode()
    try:
        to.sendall(_LENGTHS.pack(len(text), sum(one.nbytes for one in body)) + text)
        for one in body:
            if one.nbytes:
                to.sendall(np.ascontiguousarray(one).data.cast("B"))
    except ConnectionError as error:
        raise Ended(str(error)) from error
    except OSError as error:
        raise Gone(str(error)) from error


def receive(source: socket.socket) -> tuple[Head, bytearray]:
    """The next message. Raises Gone."""
    head_bytes, body_bytes = _LENGTHS.unpack(_exactly(source, _LENGTHS.size))
    if head_bytes > HEAD_BYTES or body_bytes > BODY_BYTES:
        raise Gone(f"a message of {head_bytes} and {body_bytes} bytes")
    try:
        head = json.loads(_exactly(source, head_bytes))
    except ValueError as error:
        raise Gone(str(error)) from error
    if not isinstance(head, dict):
        raise Gone("a head that is no object")
    return head, _exactly(source, body_bytes)


def _exactly(source: socket.socket, size: int) -> bytearray:
    data = bytearray(size)
    view, at = memoryview(data), 0
    while at < size:
        try:
            count = source.recv_into(view[at:])
        except ConnectionError as error:
            raise Ended(str(error)) from error
        except OSError as error:
            raise Gone(str(error)) from error
        if not count:
            raise Ended("it has ended")
        at += count
    return data


def part_message(part: Part) -> tuple[Head, list[npt.NDArray[Any]]]:
    """A part as a message."""
    rows = [*part.ended, part.in_use]
    fields: list[list[npt.NDArray[Any]]] = [
        [getattr(one, field.name) for field in dataclasses.fields(Rows)] for one in rows
    ]
    head = {
        "rows": [[len(field) for field in one] for one in fields],
        "shed": part.shed,
        "beyond": part.beyond,
        "source": _source_values(part.source),
        "spans": part.spans,
        "now": part.now_ns,
        "wrong": part.wrong,
    }
    return head, [field for one in fields for field in one]


def part_of(head: Head, body: bytearray) -> Part:
    """The part that a message is. Raises Gone."""
    try:
        *ended, in_use = _rows(head["rows"], body)
        shed = tuple((str(kind), _count(amount)) for kind, amount in head["shed"])
        beyond = tuple((str(kind), _count(rows), _count(amount)) for kind, rows, amount in head["beyond"])
        spans = [(_count(first), _count(last)) for first, last in head["spans"]]
        if len(spans) > SPANS:
            raise ValueError(f"{len(spans)} spans")
        wrong = tuple(map(_count, head["wrong"])) if head["wrong"] is not None else None
        if wrong is not None and len(wrong) != 2:
            raise ValueError("a span that is none")
        times = joined_spans(spans), _count(head["now"]), wrong
        return Part(tuple(ended), in_use, shed, _source(head["source"]), beyond, *times)
    except (KeyError, TypeError, ValueError) as error:
        raise Gone(f"a part that is none: {error!r}") from error


def bars_message(bars: Bars) -> list[Any]:
    """Bars as a part of a message."""
    return [getattr(bars, kind) for kind in FIELDS] + [bars.secret]


def bars_in(values: Any) -> Bars:
    """The bars that a part of a message is. Raises Gone."""
    try:
        *places, secret = values
        kinds = {kind: _place(place) for kind, place in zip(FIELDS, places, strict=True)}
        return Bars(secret=_number(secret), **kinds)
    except (TypeError, ValueError) as error:
        raise Gone(f"bars that are none: {error!r}") from error


def _place(value: Any) -> Place | None:
    if value is None:
        return None
    lesser, hashed = value
    return _count(lesser), _number(hashed)


def _number(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 1 << 64:
        raise ValueError(f"{value!r} is no number of 64 bits")
    return value


def _rows(numbers: Any, body: bytearray) -> Iterator[Rows]:
    at = 0
    for many in numbers:
        if len(many) != len(WIDTHS) + 1:
            raise ValueError(f"{len(many)} tables")
        fields = []
        for width, count in zip(WIDTHS, many, strict=False):
            size = 8 * width * _count(count)
            fields.append(np.frombuffer(_slice(body, at, size), np.int64).reshape(-1, width))
            at += size
        octets = np.frombuffer(_slice(body, at, _count(many[-1])), np.uint8)
        at += len(octets)
        flows, assets, operations, courses, written, anomalies, messages = fields
        yield Rows(flows, assets, operations, courses, written, anomalies, messages, octets)
    if at != len(body):
        raise ValueError(f"{len(body) - at} bytes too many")


def _slice(body: bytearray, at: int, size: int) -> memoryview:
    if at + size > len(body):
        raise ValueError(f"{at + size - len(body)} bytes too few")
    return memoryview(body)[at : at + size]


def _count(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 1 << 63:
        raise ValueError(f"{value!r} is no count")
    return value


def state_message(state: State) -> Head:
    """A state as a message."""
    counts = state.counts
    return {
        "is_up": state.is_up,
        "fill": state.fill,
        "counts": [counts.received, counts.dropped, counts.freezes],
        "source": _source_values(state.source),
        "stamped": state.stamped,
        "novelty": state.novelty,
        "messages": state.messages,
        "jump": state.jump,
        "added": state.added_ns,
    }


def state_of(head: Head) -> State:
    """The state that a message is. Raises Gone."""
    try:
        return State(
            is_up=bool(head["is_up"]),
            fill=min(max(float(head["fill"]), 0.0), 1.0),
            counts=RingCounts(*map(_count, head["counts"])),
            source=_source(head["source"]),
            stamped=_count(head["stamped"]),
            novelty=int(head["novelty"]),
            messages=_count(head["messages"]),
            restarts=0,
            jump=_jump(head["jump"]),
            added_ns=_signed(head["added"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise Gone(f"a state that is none: {error!r}") from error


def _jump(values: Any) -> Jump:
    seconds, time_ns, what = values
    if what not in WHATS:
        raise ValueError(f"{what!r} is nothing that happens to times")
    return Jump(_signed(seconds), _count(time_ns), what)


def _signed(value: Any) -> int:
    if type(value) is not int or abs(value) >= 1 << 63:
        raise ValueError(f"{value!r} is no number of 64 bits")
    return value


def _source_values(source: Source) -> list[Any]:
    return [source.packets, source.bytes, source.first_ns, source.last_ns, source.counters]


def _source(values: Any) -> Source:
    """Without its name, which the one who asks knows."""
    *numbers, counters = values
    packets, octets, first_ns, last_ns = map(_count, numbers)
    named = tuple((str(name), _count(amount)) for name, amount in counters)
    return Source("", packets, octets, first_ns, last_ns, named)


def kept_message(packets: Sequence[Kept]) -> tuple[Head, list[npt.NDArray[Any]]]:
    """Packets as a message."""
    head = {"packets": [[one.number, one.time_ns, one.wire_length, len(one.data)] for one in packets]}
    return head, [np.frombuffer(b"".join(one.data for one in packets), np.uint8)]


def kept_of(head: Head, body: bytearray) -> list[Kept]:
    """The packets that a message is. Raises Gone."""
    packets, at = [], 0
    try:
        if len(head["packets"]) > 2 * PACKETS:
            raise ValueError("too many packets")
        for values in head["packets"]:
            number, time_ns, wire_length, size = map(_count, values)
            packets.append(Kept(number, time_ns, bytes(_slice(body, at, size)), wire_length))
            at += size
    except (KeyError, TypeError, ValueError) as error:
        raise Gone(f"packets that are none: {error!r}") from error
    return packets
