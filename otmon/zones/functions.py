"""The Modbus functions as a model names them, and which kind of element each one addresses.

Modbus Application Protocol Specification V1.1b3, section 6 (codes 1 to 43) and section 4.3 (the
four primary tables). Code 90 is Schneider Electric's, outside the standard. Kept apart from the
protocol's kernel so that a model can be checked without loading the packet path.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from otmon.protocols.writes import FUNCTIONS
from otmon.zones.model import ObjectType

MODBUS_FUNCTIONS: Final[dict[str, tuple[int, int | None]]] = {
    "read-coils": (1, None),
    "read-discrete-inputs": (2, None),
    "read-holding-registers": (3, None),
    "read-input-registers": (4, None),
    "write-single-coil": (5, None),
    "write-single-register": (6, None),
    "read-exception-status": (7, None),
    "diagnostics": (8, None),
    "get-comm-event-counter": (11, None),
    "get-comm-event-log": (12, None),
    "write-multiple-coils": (15, None),
    "write-multiple-registers": (16, None),
    "report-server-id": (17, None),
    "read-file-record": (20, None),
    "write-file-record": (21, None),
    "mask-write-register": (22, None),
    "read-write-multiple-registers": (23, None),
    "read-fifo-queue": (24, None),
    "encapsulated-interface-transport": (43, None),
    "canopen-general-reference": (43, 13),
    "read-device-identification": (43, 14),
    "umas": (90, None),
    "return-query-data": (8, 0),
    "restart-communications-option": (8, 1),
    "return-diagnostic-register": (8, 2),
    "change-ascii-input-delimiter": (8, 3),
    "force-listen-only-mode": (8, 4),
    "clear-counters-and-diagnostic-register": (8, 10),
    "return-bus-message-count": (8, 11),
    "return-bus-communication-error-count": (8, 12),
    "return-bus-exception-error-count": (8, 13),
    "return-server-message-count": (8, 14),
    "return-server-no-response-count": (8, 15),
    "return-server-nak-count": (8, 16),
    "return-server-busy-count": (8, 17),
    "return-bus-character-overrun-count": (8, 18),
    "clear-overrun-counter-and-flag": (8, 20),
    "umas-initialize-communication": (90, 0x01),
    "umas-read-plc-identification": (90, 0x02),
    "umas-read-project-information": (90, 0x03),
    "umas-read-plc-status": (90, 0x04),
    "umas-read-memory-card-information": (90, 0x06),
    "umas-repeat": (90, 0x0A),
    "umas-take-plc-reservation": (90, 0x10),
    "umas-release-plc-reservation": (90, 0x11),
    "umas-keep-alive": (90, 0x12),
    "umas-read-memory-block": (90, 0x20),
    "umas-read-variables": (90, 0x22),
    "umas-write-variables": (90, 0x23),
    "umas-read-coils-and-registers": (90, 0x24),
    "umas-write-coils-and-registers": (90, 0x25),
    "umas-read-physical-address": (90, 0x28),
    "umas-write-physical-address": (90, 0x29),
    "umas-begin-download": (90, 0x30),
    "umas-download-block": (90, 0x31),
    "umas-end-download": (90, 0x32),
    "umas-begin-upload": (90, 0x33),
    "umas-upload-block": (90, 0x34),
    "umas-end-upload": (90, 0x35),
    "umas-signed-request": (90, 0x38),
    "umas-start-plc": (90, 0x40),
    "umas-stop-plc": (90, 0x41),
    "umas-monitor-plc": (90, 0x50),
    "umas-check-plc": (90, 0x58),
    "umas-read-i-o-object": (90, 0x70),
    "umas-write-i-o-object": (90, 0x71),
    "umas-get-module-status": (90, 0x73),
}
"""Name -> (function, subfunction or None for all of them)."""

MODBUS_OBJECTS: Final[dict[int, ObjectType]] = {
    1: "coils",
    2: "discrete_inputs",
    3: "holding_registers",
    4: "input_registers",
    5: "coils",
    6: "holding_registers",
    15: "coils",
    16: "holding_registers",
    22: "holding_registers",
    23: "holding_registers",
    24: "holding_registers",
}
"""Function -> the table that its address and count lie in. Functions without one address nothing
in the four tables (file records have numbers of their own)."""


def normal(name: str) -> str:
    """Spelling does not matter: "Read Coils", "read_coils" and "read/coils" are "read-coils"."""
    return "-".join(name.casefold().replace("_", " ").replace("-", " ").replace("/", " ").split())


@cache
def writing(protocol: str) -> tuple[frozenset[int], frozenset[str]]:
    """The functions of a protocol that write values to elements (`otmon.protocols.writes`), by number and by
    name."""
    known = FUNCTIONS.get(protocol, {})
    return frozenset(known), frozenset(normal(service.name) for service in known.values())
