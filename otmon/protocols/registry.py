"""All protocols, found by the folder: a file is a protocol, its name the protocol's id.

Names are known without loading the files, as there are many; `PROTOCOLS` is read from the files when it is
first asked for. A file that does not hold what it should stops the
start with an error that names it.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from otmon.protocols.protocol import Protocol

_MACHINERY: Final = (
    "cip", "cip_writes", "command_heads", "commands", "fins_writes", "modbus_framing", "modbus_pdu", "pccc",
    "protocol", "registry", "s7_writes", "signature", "slmp_writes", "station_writes", "stations", "writes",
)  # fmt: skip

IDS: Final = tuple(
    sorted(
        module.name
        for module in pkgutil.iter_modules([str(Path(__file__).parent)])
        if module.name not in _MACHINERY
    )
)
"""Ids of all protocols, sorted; a protocol's code is its place here, counted from 1."""

_CODES: Final = {protocol_id: code for code, protocol_id in enumerate(IDS, 1)}

PROTOCOLS: tuple[Protocol, ...]
"""All protocols in the order of their codes."""


def __getattr__(name: str) -> tuple[Protocol, ...]:
    if name != "PROTOCOLS":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _load()


@cache
def _load() -> tuple[Protocol, ...]:
    return tuple(_protocol_of(protocol_id) for protocol_id in IDS)


def _protocol_of(protocol_id: str) -> Protocol:
    module = importlib.import_module(f"otmon.protocols.{protocol_id}")
    protocol = getattr(module, "PROTOCOL", None)
    if not isinstance(protocol, Protocol) or protocol.id != protocol_id:
        raise TypeError(f"{module.__file__} must hold a PROTOCOL whose id is {protocol_id!r}")
    return protocol


def code_of(protocol_id: str) -> int:
    """The code of a protocol. Raises KeyError for an id that no file has."""
    return _CODES[protocol_id]


def name_of(code: int) -> str:
    """The id of the protocol with this code. Raises IndexError for a code that none has."""
    if not 1 <= code <= len(IDS):
        raise IndexError(f"no protocol has the code {code}; codes are 1 to {len(IDS)}")
    return IDS[code - 1]


@cache
def port_hints() -> npt.NDArray[np.int64]:
    """int64[2, 65536]: code of the protocol for which a port is usual, 0 for none; row 0 is TCP,
    row 1 UDP. Of several protocols on one port it is the one that names the port first among its
    own, then an industrial one, then the first by id."""
    hints = np.zeros((2, 1 << 16), np.int64)
    claims = [
        (place, protocol.kind != "industrial", code_of(protocol.id), row, port)
        for protocol in _load()
        for row, ports in enumerate((protocol.tcp_ports, protocol.udp_ports))
        for place, port in enumerate(ports)
    ]
    for _, _, code, row, port in sorted(claims, reverse=True):
        hints[row, port] = code
    hints.flags.writeable = False
    return hints


@lru_cache(maxsize=1 << 12)
def usual_on(transport: str, port: int) -> tuple[str, ...]:
    """Ids of all protocols for which a port is usual: "s7comm" and two others for "tcp", 102."""
    row = ("tcp", "udp").index(transport) if transport in ("tcp", "udp") else -1
    return tuple(one.id for one in _load() if row >= 0 and port in (one.tcp_ports, one.udp_ports)[row])


@cache
def ip_names() -> Mapping[int, str]:
    """The protocols of IP that have a name besides those of `Transport`."""
    return {number: protocol.id for protocol in _load() for number in protocol.ip_protocols}


def llc_of(protocol_id: str) -> tuple[bytes, ...]:
    """The headers of LLC that a protocol begins with. Raises KeyError for an id that no file has."""
    return _load()[code_of(protocol_id) - 1].llc


@cache
def ethertype_codes() -> npt.NDArray[np.int64]:
    """int64[65536]: code of the protocol that an EtherType belongs to, 0 for none."""
    codes = np.zeros(1 << 16, np.int64)
    for protocol in _load():
        codes[list(protocol.ethertypes)] = code_of(protocol.id)
    codes.flags.writeable = False
    return codes
