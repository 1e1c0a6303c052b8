"""Controllers that answer Modbus/TCP in earnest: pymodbus serves what the plant's process holds now.

The process is that of the lab's captures, in real time: its day is today, in the plant's time zone. What a
client writes is what the process goes on from, and so what is measured later.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from threading import Lock
from typing import cast

from pymodbus.constants import ExcCodes
from pymodbus.exceptions import NoSuchIdException
from pymodbus.pdu import ModbusPDU
from pymodbus.pdu.diag_message import ForceListenOnlyModeRequest, RestartCommunicationsOptionRequest
from pymodbus.pdu.mei_message import ReadDeviceInformationResponse
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator.simcore import SimCore

from otmon.lab.frames import MINUTE_NS, SECOND_NS
from otmon.lab.modbus import Identity, Memory, Write, Writes
from otmon.lab.sessions import Process, Recall

MOST_WRITES = 4_000
"""To one controller in a day that are remembered: reading costs time for each."""
_STEP_NS = 10 * SECOND_NS
"""A process that is worked out ahead is worked out anew no more often than its own steps."""
_DAY_NS = 24 * 3600 * SECOND_NS
_COILS, _DISCRETE, _INPUTS = (1, 5, 15), (2,), (4,)


class Works:
    """The process of a plant as it goes on. May be asked by several threads."""

    def __init__(
        self,
        process_of: Callable[[int], Process],
        controllers: Iterable[str],
        timezone: tzinfo,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        """`process_of` gives the process of a day from its midnight; `clock` nanoseconds since 1970 UTC."""
        self._process_of = process_of
        self._timezone = timezone
        self._clock = clock
        self._lock = Lock()
        self._written: dict[str, Writes] = {name: () for name in controllers}
        self._midnight_ns, self._next_midnight_ns = self._day(clock())
        self._worked_out_ns = 0
        self._recall: Recall | None = None
        self._standing: set[str] = set()
        self._stood_since_ns = 0
        self._stops: list[tuple[int, int]] = []

    def memory(self, name: str) -> Memory:
        """What a controller holds now. Raises KeyError for none of the plant's."""
        with self._lock:
            now_ns = self._now()
            step_ns = now_ns - now_ns % _STEP_NS
            if self._recall is None or (self._worked_out_ns < step_ns and self._was_written()):
                self._recall = self._process_of(self._midnight_ns)(self._written)
                self._worked_out_ns = step_ns
            return self._recall(name, min(now_ns, self._midnight_ns + _DAY_NS - 1))

    def today(self) -> tuple[int, int]:
        """The midnight before now, and now, in nanoseconds since 1970 UTC."""
        with self._lock:
            now_ns = self._now()
            return self._midnight_ns, min(now_ns, self._midnight_ns + _DAY_NS - 1)

    def write(self, name: str, coil: bool, address: int, values: Sequence[int]) -> None:
        """Registers, or coils as 0 or 1, get values from now on."""
        with self._lock:
            now_ns = self._now()
            new = tuple(
                Write(now_ns, coil, address + offset, int(value)) for offset, value in enumerate(values)
            )
            self._written[name] = kept(self._written[name] + new, MOST_WRITES)

    def runs(self, name: str, running: bool) -> None:
        """Say whether the program of a controller runs. Where that of any stands, the line stands still."""
        with self._lock:
            now_ns, stood = self._now(), bool(self._standing)
            (self._standing.discard if running else self._standing.add)(name)
            if self._standing and not stood:
                self._stood_since_ns = now_ns
            elif stood and not self._standing:
                self._stops.append((self._stood_since_ns, now_ns))
                self._stops = joined(self._stops)

    def stands(self, name: str) -> bool:
        """Whether the program of a controller was stopped."""
        with self._lock:
            return name in self._standing

    def stops(self) -> list[tuple[int, int]]:
        """From when to when of today the line stood still; one that lasts ends with the day."""
        with self._lock:
            self._now()
            lasting = [(self._stood_since_ns, self._next_midnight_ns)] if self._standing else []
            return [*self._stops, *lasting]

    def _now(self) -> int:
        """The time; a new day begins with what was set on the one before."""
        now_ns = self._clock()
        if now_ns >= self._next_midnight_ns:
            self._midnight_ns, self._next_midnight_ns = self._day(now_ns)
            self._recall = None
            self._stops, self._stood_since_ns = [], self._midnight_ns
            for name, writes in self._written.items():
                self._written[name] = tuple(
                    Write(self._midnight_ns - 1, write.coil, write.address, write.value)
                    for write in kept(writes, 0)
                )
        return now_ns

    def _day(self, now_ns: int) -> tuple[int, int]:
        """The midnights before and after a time."""
        today = datetime.fromtimestamp(now_ns // SECOND_NS, UTC).astimezone(self._timezone).date()
        first, second = (
            datetime(day.year, day.month, day.day, tzinfo=self._timezone)
            for day in (today, today + timedelta(days=1))
        )
        return int(first.timestamp()) * SECOND_NS, int(second.timestamp()) * SECOND_NS

    def _was_written(self) -> bool:
        """Whether anything was written that the process was not yet worked out with: since its last step."""
        return any(writes and writes[-1].time_ns >= self._worked_out_ns for writes in self._written.values())


def joined(stops: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Stops in order, those that share a minute as one: however often a controller is stopped, a day has no
    more of them than minutes."""
    found: list[tuple[int, int]] = []
    for start_ns, end_ns in stops:
        if found and found[-1][1] // MINUTE_NS == start_ns // MINUTE_NS:
            found[-1] = (found[-1][0], end_ns)
        else:
            found.append((start_ns, end_ns))
    return found


def kept(writes: Writes, most: int) -> Writes:
    """`writes` in their order; of more than `most` the newest half of that, and the last to each element."""
    if len(writes) <= most:
        return writes
    last = {(write.coil, write.address): write for write in writes}
    newest = writes[len(writes) - most // 2 :]
    older = sorted(
        set(last.values()) - set(newest), key=lambda write: (write.time_ns, write.coil, write.address)
    )
    return (*older, *newest)


class Controller(SimCore):
    """The tables of one controller, as pymodbus asks for them."""

    def __init__(self, works: Works, name: str, unit: int) -> None:
        super().__init__([])
        self._works = works
        self._name = name
        self._unit = unit

    def device_ids(self) -> list[int]:
        return [self._unit]

    def _table(self, function: int) -> Sequence[int]:
        memory = self._works.memory(self._name)
        if function in _COILS:
            return memory.coils
        if function in _DISCRETE:
            return memory.discrete
        return memory.inputs if function in _INPUTS else memory.holding

    async def async_getValues(
        self, device_id: int, func_code: int, address: int, count: int = 1
    ) -> list[int] | list[bool] | ExcCodes:
        self._refuse_foreign(device_id)
        table = self._table(func_code)
        if address + count > len(table):
            return ExcCodes.ILLEGAL_ADDRESS
        values = list(table[address : address + count])
        return [bool(value) for value in values] if func_code in (*_COILS, *_DISCRETE) else values

    async def async_setValues(
        self, device_id: int, func_code: int, address: int, values: list[int] | list[bool]
    ) -> ExcCodes | None:
        self._refuse_foreign(device_id)
        if address + len(values) > len(self._table(func_code)):
            return ExcCodes.ILLEGAL_ADDRESS
        self._works.write(self._name, func_code in _COILS, address, values)
        return None

    def _refuse_foreign(self, unit: int) -> None:
        if unit != self._unit:
            raise NoSuchIdException(f"unit {unit}")


class _Ear:
    """What a controller makes of requests before they are answered, and of its answers.

    One that was forced to listen only neither answers nor does anything until its communications are started
    again, and answers neither of the two (MODBUS Application Protocol V1.1b3, 6.8.1: 01 and 04). pymodbus
    knows that mode, and an identity, for all servers of a process alike: here each has its own.
    """

    def __init__(self, identity: Identity, unit: int) -> None:
        objects = (identity.vendor, identity.model, identity.revision)
        self._objects = {number: text.encode() for number, text in enumerate(objects)}
        self._unit = unit
        self._listens_only = False

    def pdu(self, sending: bool, pdu: ModbusPDU) -> ModbusPDU:
        """The request or answer as it goes on; pymodbus leaves a request alone that is None."""
        if sending:
            if isinstance(pdu, ReadDeviceInformationResponse):
                pdu.information = dict(self._objects)
            return pdu
        before = self._listens_only
        if pdu.dev_id == self._unit and isinstance(pdu, ForceListenOnlyModeRequest):
            self._listens_only = True
        elif pdu.dev_id == self._unit and isinstance(pdu, RestartCommunicationsOptionRequest):
            self._listens_only = False
        return cast(ModbusPDU, None) if before or self._listens_only else pdu

    def packet(self, sending: bool, data: bytes) -> bytes:
        """The bytes as they go on: what cannot be read is not refused either."""
        return b"" if sending and self._listens_only else data


async def serve(works: Works, name: str, unit: int, address: str, port: int) -> ModbusTcpServer:
    """A Modbus server that answers from now on, in the namespace of the calling thread. Raises OSError
    where the port is taken."""
    identity = works.memory(name).identity
    ear = _Ear(identity, unit)
    server = ModbusTcpServer([], address=(address, port), trace_pdu=ear.pdu, trace_packet=ear.packet)
    server.context = Controller(works, name, unit)
    try:
        await server.serve_forever(background=True)
    except RuntimeError as error:
        raise OSError(f"{name}: {address}:{port}: {error}") from None
    return server
