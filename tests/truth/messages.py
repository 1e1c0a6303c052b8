"""Modbus messages, and what a reader must make of them.

Written from the *MODBUS Application Protocol Specification V1.1b3*, sections 6.1 to 6.21 and 7, the
*Messaging on TCP/IP Implementation Guide V1.0b*, 3.1.3, and *MODBUS over Serial Line V1.02*, 2.5.1
and 6.2.2, without the program's own tables: a mistake there is not repeated here.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from random import Random

UMAS_OK = 0xFE


@dataclass(frozen=True, slots=True)
class Message:
    """A request PDU, its response PDU, and what a transaction's row says of them."""

    name: str
    request: bytes
    response: bytes
    address: int | None = None
    count: int | None = None
    subfunction: int | None = None
    echo: bool = False
    """The response repeats address and count."""
    echo_subfunction: bool = True
    """The response repeats the subfunction."""

    @property
    def function(self) -> int:
        return self.request[0] & 0x7F

    def refusal(self, exception: int) -> bytes:
        """The exception response (section 7)."""
        return bytes((self.request[0] | 0x80, exception))


def read_bits(function: int, address: int, count: int, random: Random) -> Message:
    """Functions 1 and 2."""
    data = random.randbytes((count + 7) // 8)
    return Message(
        f"{function} reads {count} bits",
        struct.pack(">BHH", function, address, count),
        bytes((function, len(data))) + data,
        address,
        count,
    )


def read_registers(function: int, address: int, count: int, random: Random) -> Message:
    """Functions 3 and 4."""
    return Message(
        f"{function} reads {count} registers",
        struct.pack(">BHH", function, address, count),
        bytes((function, 2 * count)) + random.randbytes(2 * count),
        address,
        count,
    )


def write_single(function: int, address: int, value: int) -> Message:
    """Functions 5 and 6; the response is the request again."""
    pdu = struct.pack(">BHH", function, address, value)
    return Message(f"{function} writes {value}", pdu, pdu, address, 1, echo=True)


def write_bits(address: int, count: int, random: Random) -> Message:
    """Function 15."""
    data = random.randbytes((count + 7) // 8)
    head = struct.pack(">BHH", 15, address, count)
    return Message(
        f"15 writes {count} bits", head + bytes((len(data),)) + data, head, address, count, echo=True
    )


def write_registers(address: int, count: int, random: Random) -> Message:
    """Function 16."""
    head = struct.pack(">BHH", 16, address, count)
    request = head + bytes((2 * count,)) + random.randbytes(2 * count)
    return Message(f"16 writes {count} registers", request, head, address, count, echo=True)


def read_write(read: tuple[int, int], write: tuple[int, int], random: Random) -> Message:
    """Function 23: the row tells what it reads."""
    request = struct.pack(">BHHHHB", 23, *read, *write, 2 * write[1]) + random.randbytes(2 * write[1])
    response = bytes((23, 2 * read[1])) + random.randbytes(2 * read[1])
    return Message("23 reads and writes", request, response, *read)


def mask_write(address: int, keep: int, put: int) -> Message:
    """Function 22."""
    pdu = struct.pack(">BHHH", 22, address, keep, put)
    return Message("22 masks a register", pdu, pdu, address, 1, echo=True)


def read_fifo(address: int, count: int, random: Random) -> Message:
    """Function 24: a byte count of two bytes, which counts the FIFO count in."""
    response = struct.pack(">BHH", 24, 2 + 2 * count, count) + random.randbytes(2 * count)
    return Message("24 reads a FIFO queue", struct.pack(">BH", 24, address), response, address)


def diagnose(subfunction: int, data: bytes = b"\0\0") -> Message:
    """Function 8, of which the response is the request again for most subfunctions."""
    pdu = struct.pack(">BH", 8, subfunction) + data
    return Message(f"8/{subfunction}", pdu, pdu, subfunction=subfunction)


def file_records(random: Random) -> tuple[Message, Message]:
    """Functions 20 and 21 with two groups each (reference type 6, file, record, length)."""
    asked = b"".join(struct.pack(">BHHH", 6, number, record, 2) for number, record in ((4, 1), (3, 9)))
    read = b"".join(bytes((5, 6)) + random.randbytes(4) for _ in range(2))
    written = b"".join(struct.pack(">BHHH", 6, n, 7, 3) + random.randbytes(6) for n in (4, 5))
    write = bytes((21, len(written))) + written
    return (
        Message("20 reads two records", bytes((20, len(asked))) + asked, bytes((20, len(read))) + read),
        Message("21 writes two records", write, write),
    )


def device_identification() -> Message:
    """Function 43, MEI type 14 (6.21): the basic objects of a device."""
    objects = b"".join(bytes((i, len(v))) + v for i, v in enumerate((b"Maker", b"PM-5", b"V2.11")))
    response = bytes((43, 14, 1, 1, 0, 0, 3)) + objects
    return Message("43/14", bytes((43, 14, 1, 0)), response, subfunction=14)


def canopen() -> Message:
    """Function 43, MEI type 13 (6.20), whose content is CANopen's own."""
    return Message("43/13", b"\x2b\x0d\x01\x40\x01\x00", b"\x2b\x0d\x01\x40\x01\x00\x2a", subfunction=13)


def umas(code: int, data: bytes, answer: bytes) -> Message:
    """Function 90: session key, Schneider's own code, data; the response has a result code there."""
    return Message(
        f"90/{code:#04x}",
        bytes((90, 0, code)) + data,
        bytes((90, 0, UMAS_OK)) + answer,
        subfunction=code,
        echo_subfunction=False,
    )


def opaque(function: int, request: bytes = b"\x01\x02\x03", response: bytes = b"\x04\x05") -> Message:
    """A user-defined, reserved or unassigned function: nothing is known of what it holds."""
    return Message(f"function {function}", bytes((function,)) + request, bytes((function,)) + response)


def public(seed: int = 1) -> tuple[Message, ...]:
    """Every public function code with every subfunction, smallest and largest where sizes vary."""
    random = Random(seed)
    reads = [
        read_bits(function, address, count, random)
        for function in (1, 2)
        for address, count in ((0, 1), (19, 37), (63_536, 2000))
    ]
    reads += [
        read_registers(function, address, count, random)
        for function in (3, 4)
        for address, count in ((0, 1), (107, 3), (65_411, 125))
    ]
    writes = [
        write_single(5, 172, 0xFF00),
        write_single(5, 65_535, 0),
        write_single(6, 1, 3),
        write_single(6, 65_535, 0xFFFF),
        *(write_bits(address, count, random) for address, count in ((19, 1), (19, 10), (0, 1968))),
        *(write_registers(address, count, random) for address, count in ((1, 1), (1, 2), (65_413, 123))),
        mask_write(4, 0x00F2, 0x0025),
        read_write((3, 6), (14, 3), random),
        read_write((0, 125), (65_415, 121), random),
        read_fifo(1246, 2, random),
        read_fifo(0, 0, random),
        read_fifo(65_535, 31, random),
        *file_records(random),
    ]
    subfunctions = (0, 1, 2, 3, 10, 11, 12, 13, 14, 15, 16, 17, 18, 20)
    others = [
        Message("7", b"\x07", b"\x07\x6d"),
        *(diagnose(code, b"\xa5\x37" if code == 0 else b"\0\0") for code in subfunctions),
        Message("11", b"\x0b", struct.pack(">BHH", 11, 0xFFFF, 264)),
        Message("12", b"\x0c", struct.pack(">BBHHH", 12, 8, 0, 264, 289) + b"\x20\x00"),
        Message("17", b"\x11", b"\x11\x05PM-5\xff"),
        device_identification(),
        canopen(),
        umas(0x02, b"", bytes(24)),
        umas(0x22, b"\x01\x02\x03\x04\x05", b"\x2a"),
        umas(0x41, b"\xff\x00", b""),
    ]
    return (*reads, *writes, *others)


def mbap(transaction: int, unit: int, pdu: bytes, protocol: int = 0, length: int | None = None) -> bytes:
    """A message of Modbus/TCP; `protocol` and `length` can lie."""
    counted = 1 + len(pdu) if length is None else length
    return struct.pack(">HHHB", transaction, protocol, counted, unit) + pdu


def rtu(unit: int, pdu: bytes) -> bytes:
    """A serial frame; its CRC goes low byte first."""
    frame = bytes((unit,)) + pdu
    crc = 0xFFFF
    for octet in frame:
        crc ^= octet
        for _ in range(8):
            crc = (crc >> 1) ^ (0xA001 if crc & 1 else 0)
    return frame + struct.pack("<H", crc)
