"""Modbus requests as files write them: `read holding 0-9`, `write register 20 = 40`, `wait 30s`.

The same words serve what a plant does each second, what its operators set, and what an attacker sends.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Final

from otmon.lab import modbus
from otmon.lab.form import read_duration
from otmon.sentence import sentence
from otmon.zones.files.leaf import Leaf

TABLES: Final = {
    "coils": modbus.READ_COILS,
    "discrete": modbus.READ_DISCRETE,
    "holding": modbus.READ_HOLDING,
    "input": modbus.READ_INPUT,
}

Request = tuple[int, bytes]
"""How long the client waits before it, in nanoseconds, and its PDU; no PDU where it only waits."""

_READ = re.compile(r"read (coils|discrete|holding|input) ([0-9]{1,5})(?:-([0-9]{1,5}))?", re.ASCII)
_WRITE = re.compile(r"write (coil|register|registers|float) ([0-9]{1,5}) = (.{1,200})", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,5}", re.ASCII)
_REAL = re.compile(r"-?[0-9]{1,7}(?:\.[0-9]{1,6})?", re.ASCII)


def read_request(text: str) -> Request | None:
    """The request that a text means, or None."""
    if text == "identify":
        return 0, modbus.read_identification()
    if text.startswith("wait "):
        wait_ns = read_duration(text[5:])
        return None if wait_ns is None else (wait_ns, b"")
    pdu = _read(text) if text.startswith("read ") else _written(text)
    return None if pdu is None else (0, pdu)


def _read(text: str) -> bytes | None:
    found = _READ.fullmatch(text)
    if found is None:
        return None
    first, last = int(found[2]), int(found[3] or found[2])
    function = TABLES[found[1]]
    registers = function in (modbus.READ_HOLDING, modbus.READ_INPUT)
    most = modbus.MOST_REGISTERS if registers else modbus.MOST_BITS
    return (
        modbus.read(function, first, last - first + 1) if 0 <= last - first < most and last < 65_536 else None
    )


def _written(text: str) -> bytes | None:
    found = _WRITE.fullmatch(text)
    if found is None or int(found[2]) > 65_535:
        return None
    kind, address, given = found[1], int(found[2]), found[3].strip()
    if kind == "coil":
        on = {"on": True, "off": False}.get(given)
        return None if on is None else modbus.write_coil(address, on)
    if kind == "float":
        return (
            modbus.write_registers(address, modbus.float32(float(given))) if _REAL.fullmatch(given) else None
        )
    values = [int(part) for part in re.split(r", *", given) if _NUMBER.fullmatch(part)]
    if len(values) != given.count(",") + 1 or max(values) > 65_535:
        return None
    if kind == "register":
        return modbus.write_register(address, values[0]) if len(values) == 1 else None
    return modbus.write_registers(address, values)


RequestText = Annotated[
    tuple[int, bytes],
    Leaf(
        sentence(
            "a request such as: read holding 0-9, read coils 0-15, write register 20 = 40, "
            "write registers 0 = 1, 2, write float 2 = 0.65, write coil 0 = off, identify, wait 30s"
        ),
        read_request,
    ),
]


def paced(requests: Sequence[Request], each_ns: int) -> tuple[Request, ...]:
    """The requests, `each_ns` before each of them, with their waits added to what follows."""
    found: list[Request] = []
    waited = 0
    for wait_ns, pdu in requests:
        if pdu:
            found.append((waited + wait_ns + each_ns, pdu))
            waited = 0
        else:
            waited += wait_ns
    return tuple(found)
