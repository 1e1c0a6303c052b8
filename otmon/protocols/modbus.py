"""Modbus: its functions, and the row of integers that a PDU becomes. How PDUs are read is in
`otmon.protocols.modbus_pdu`, how they are framed in `otmon.protocols.modbus_framing`.

Sources: *MODBUS Application Protocol Specification V1.1b3* (2012-04-26): sections 5 (function code
categories), 6.1 to 6.21 (each function), annex A (reserved codes); IANA: port 502 tcp and udp. Function 90 is
Schneider Electric's UMAS; its subfunctions are known from public research, not from a standard (Liras, "The
Unity (UMAS) protocol", parts I to VI; Wireshark packet-umas.c; for signed requests "From Pass-the-Hash to
Code Execution on Schneider Electric M340 PLCs", Black Hat Europe 2024, and its dissector). These call it an
upload when a program goes from the computer into the controller (30 to 32), a download when it comes out
(33 to 35): here it is a download that goes in, as in ATT&CK and in S7comm. 28 and 29 are how an M221 gives
and takes its program.
"""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Protocol, Service

PROTOCOL: Final = Protocol(
    id="modbus",
    name="Modbus",
    kind="industrial",
    tcp_ports=(502,),
    udp_ports=(502,),
    commanded=("udp",),
    references=(
        "MODBUS Application Protocol Specification V1.1b3",
        "MODBUS Messaging on TCP/IP Implementation Guide V1.0b, 3.1.3",
        "MODBUS over Serial Line V1.02, 2.5.1",
    ),
)

PORT: Final = 502
MAX_PDU: Final = 253
"""Bytes of the longest PDU (4.1)."""
MOST_COILS: Final = 2000
MOST_REGISTERS: Final = 125
"""Coils or registers that one request may read (6.1 to 6.4)."""
MASK_WRITE: Final = 22
READ_WRITE: Final = 23
UMAS: Final = 90
UMAS_SIGNED: Final = 0x38
"""Holds another request behind a signature, where the controller is reserved by who knows its password."""
UMAS_ERROR: Final = 0xFD
"""What a response of UMAS says where it refuses; it stands for the exception code."""

# What a message said.
M_FUNCTION: Final = 0
M_SUB: Final = 1
M_ADDRESS: Final = 2
M_COUNT: Final = 3
M_EXCEPTION: Final = 4
M_WRITE_ADDRESS: Final = 5
M_WRITE_COUNT: Final = 6
M_REASON: Final = 7
M_VALUE: Final = 8
M_NEEDED: Final = 9
M_BYTES: Final = 10
"""Byte count of a response, -1 where its function has none."""
M_COLUMNS: Final = 12

R_OK: Final = 0
R_PROTOCOL_ID: Final = 1
R_LENGTH: Final = 2
R_FUNCTION: Final = 3
R_QUANTITY: Final = 4
R_BYTE_COUNT: Final = 5
R_BODY: Final = 6
R_VALUE: Final = 7
R_EXCEPTION: Final = 8
R_REFERENCE: Final = 9
R_RANGE: Final = 10
R_MISMATCH: Final = 11
R_UNMATCHED: Final = 12
R_LOST: Final = 13
R_MEI: Final = 14
R_CRC: Final = 15
R_URGENT: Final = 16
R_OVERLAP: Final = 17

REASONS: Final = (
    ("", ""),
    ("protocol-id", "protocol identifier"),
    ("length", "length"),
    ("function", "function code"),
    ("quantity", "quantity"),
    ("byte-count", "byte count"),
    ("body-length", "PDU length"),
    ("value", "output value"),
    ("exception-code", "exception code"),
    ("reference-type", "reference type"),
    ("address-range", "starting address and quantity"),
    ("response-mismatch", "response to another request"),
    ("unmatched-response", "transaction identifier"),
    ("lost-bytes", "stream"),
    ("mei-type", "MEI type"),
    ("crc", "CRC"),
    ("urgent-data", "urgent pointer"),
    ("overlapping-fragments", "fragment offset"),
)
"""Id and field of each `M_REASON`. "lost-bytes" is the capture's loss, not the sender's fault; "urgent-data"
and "overlapping-fragments" may be of other protocols, too."""


FUNCTIONS: Final[dict[int, Service]] = {
    1: Service("Read Coils", "read"),
    2: Service("Read Discrete Inputs", "read"),
    3: Service("Read Holding Registers", "read"),
    4: Service("Read Input Registers", "read"),
    5: Service("Write Single Coil", "write"),
    6: Service("Write Single Register", "write"),
    7: Service("Read Exception Status", "diagnose"),
    8: Service("Diagnostics", "diagnose"),
    11: Service("Get Comm Event Counter", "diagnose"),
    12: Service("Get Comm Event Log", "diagnose"),
    15: Service("Write Multiple Coils", "write"),
    16: Service("Write Multiple Registers", "write"),
    17: Service("Report Server ID", "identify"),
    20: Service("Read File Record", "read"),
    21: Service("Write File Record", "write"),
    22: Service("Mask Write Register", "write"),
    23: Service("Read/Write Multiple Registers", "read"),
    24: Service("Read FIFO Queue", "read"),
    43: Service("Encapsulated Interface Transport", "configure"),
    UMAS: Service("UMAS (Schneider Electric)", "configure"),
}
"""Public function codes, and UMAS."""

SUBFUNCTIONS: Final[dict[tuple[int, int], Service]] = {
    (8, 0): Service("Return Query Data", "diagnose"),
    (8, 1): Service("Restart Communications Option", "control"),
    (8, 2): Service("Return Diagnostic Register", "diagnose"),
    (8, 3): Service("Change ASCII Input Delimiter", "configure"),
    (8, 4): Service("Force Listen Only Mode", "control"),
    (8, 10): Service("Clear Counters and Diagnostic Register", "diagnose"),
    (8, 11): Service("Return Bus Message Count", "diagnose"),
    (8, 12): Service("Return Bus Communication Error Count", "diagnose"),
    (8, 13): Service("Return Bus Exception Error Count", "diagnose"),
    (8, 14): Service("Return Server Message Count", "diagnose"),
    (8, 15): Service("Return Server No Response Count", "diagnose"),
    (8, 16): Service("Return Server NAK Count", "diagnose"),
    (8, 17): Service("Return Server Busy Count", "diagnose"),
    (8, 18): Service("Return Bus Character Overrun Count", "diagnose"),
    (8, 20): Service("Clear Overrun Counter and Flag", "diagnose"),
    (43, 13): Service("CANopen General Reference", "configure"),
    (43, 14): Service("Read Device Identification", "identify"),
    (UMAS, 0x01): Service("UMAS Initialize Communication", "identify"),
    (UMAS, 0x02): Service("UMAS Read PLC Identification", "identify"),
    (UMAS, 0x03): Service("UMAS Read Project Information", "identify"),
    (UMAS, 0x04): Service("UMAS Read PLC Status", "diagnose"),
    (UMAS, 0x06): Service("UMAS Read Memory Card Information", "identify"),
    (UMAS, 0x0A): Service("UMAS Repeat", "diagnose"),
    (UMAS, 0x10): Service("UMAS Take PLC Reservation", "configure"),
    (UMAS, 0x11): Service("UMAS Release PLC Reservation", "configure"),
    (UMAS, 0x12): Service("UMAS Keep Alive", "diagnose"),
    (UMAS, 0x20): Service("UMAS Read Memory Block", "read"),
    (UMAS, 0x22): Service("UMAS Read Variables", "read"),
    (UMAS, 0x23): Service("UMAS Write Variables", "write"),
    (UMAS, 0x24): Service("UMAS Read Coils and Registers", "read"),
    (UMAS, 0x25): Service("UMAS Write Coils and Registers", "write"),
    (UMAS, 0x28): Service("UMAS Read Physical Address", "program"),
    (UMAS, 0x29): Service("UMAS Write Physical Address", "program"),
    (UMAS, 0x30): Service("UMAS Begin Download", "program"),
    (UMAS, 0x31): Service("UMAS Download Block", "program"),
    (UMAS, 0x32): Service("UMAS End Download", "program"),
    (UMAS, 0x33): Service("UMAS Begin Upload", "program"),
    (UMAS, 0x34): Service("UMAS Upload Block", "program"),
    (UMAS, 0x35): Service("UMAS End Upload", "program"),
    (UMAS, UMAS_SIGNED): Service("UMAS Signed Request", "configure"),
    (UMAS, 0x40): Service("UMAS Start PLC", "control"),
    (UMAS, 0x41): Service("UMAS Stop PLC", "control"),
    (UMAS, 0x50): Service("UMAS Monitor PLC", "read"),
    (UMAS, 0x58): Service("UMAS Check PLC", "diagnose"),
    (UMAS, 0x70): Service("UMAS Read I/O Object", "read"),
    (UMAS, 0x71): Service("UMAS Write I/O Object", "write"),
    (UMAS, 0x73): Service("UMAS Get Module Status", "diagnose"),
}

_RESERVED: Final = (9, 10, 13, 14, 41, 42, 91, 125, 126, 127)
"""Codes that annex A keeps for legacy products (90 is among them, and has a name)."""


def service(function: int, subfunction: int = -1, writes: bool = False) -> Service:
    """Name and access class of a function; `writes` asks for the writing half of function 23."""
    known = SUBFUNCTIONS.get((function, subfunction)) or FUNCTIONS.get(function)
    if known is not None:
        return Service(known.name, "write") if writes else known
    if 65 <= function <= 72 or 100 <= function <= 110:
        return Service(f"User-defined function {function}", "unknown")
    if function in _RESERVED:
        return Service(f"Reserved function {function}", "unknown")
    return Service(f"Unassigned function {function}", "unknown")
