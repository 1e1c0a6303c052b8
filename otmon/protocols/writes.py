"""What commands that write values write to which elements, in protocols of which no kernel reads that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from otmon.protocols.cip import TAG_WRITES
from otmon.protocols.cip_writes import cip_written
from otmon.protocols.commands import FINS_WRITES, S7_FUNCTIONS, S7_USER_DATA, SLMP_WRITES
from otmon.protocols.fins_writes import fins_written
from otmon.protocols.pccc import DATA_WRITE
from otmon.protocols.protocol import NOTHING_WRITTEN, Service, Written
from otmon.protocols.s7_writes import s7_written
from otmon.protocols.slmp_writes import slmp_written
from otmon.protocols.station_writes import bacnet_written, dnp3_written, iec104_written
from otmon.protocols.stations import BACNET_WRITES, DNP3_WRITES, IEC104_COMMANDS, WRITE_GROUP

_READERS: Final[dict[str, Callable[[bytes, int], Written]]] = {
    "bacnet": bacnet_written,
    "dnp3": dnp3_written,
    "ethernet_ip": cip_written,
    "fins": fins_written,
    "iec104": iec104_written,
    "s7comm": s7_written,
    "slmp": slmp_written,
}
_ROW, _HERE_AND_THERE = SLMP_WRITES[0x1401], SLMP_WRITES[0x1402]
FUNCTIONS: Final[dict[str, dict[int, Service]]] = {
    "bacnet": {n: BACNET_WRITES[n] for n in (15, 16)} | {0x10A: WRITE_GROUP},
    "dnp3": {n: DNP3_WRITES[n] for n in (4, 5, 6)},
    "ethernet_ip": TAG_WRITES | dict.fromkeys((0x0FA9, 0x0FAA, 0x0FAB), DATA_WRITE),
    "fins": FINS_WRITES,
    "iec104": {n: IEC104_COMMANDS[n] for n in (48, 49, 50, 61, 62, 63)},
    "s7comm": {5: S7_FUNCTIONS[5], 0x0108: S7_USER_DATA[0x0108]},
    "slmp": {n: SLMP_WRITES[n] for n in (0x1401, 0x1402, 0x1406, 0x141A, 0x141B)}
    | {2: _ROW, 3: _ROW, 4: _HERE_AND_THERE, 5: _HERE_AND_THERE},
}
"""The functions that may write to elements, by number, of each protocol of which that is read here; those of
frames 1E of SLMP are small ones."""


def written_in(protocol: str, message: bytes, function: int) -> Written:
    """What a command writes, from the message and the number that `otmon.protocols.commands` gives it.
    Whatever the bytes, it gives what is there of values, and whether that is all."""
    read = _READERS.get(protocol)
    return NOTHING_WRITTEN if read is None else read(message, function)
