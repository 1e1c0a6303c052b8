"""Commands and answers by their bytes, as tshark names the same ones in captures of snap7's client."""

from __future__ import annotations

from collections.abc import Container

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otmon.ledger.copying.cip_messages import ANSWERS, COMMANDS, WRITES, cip_message
from otmon.ledger.copying.command_messages import fins_message, s7_message, slmp_message
from otmon.ledger.copying.station_messages import bacnet_message, dnp3_message, iec104_message
from otmon.protocols.cip import CIP_COMMANDS, CIP_WRITES, TAG_WRITES
from otmon.protocols.commands import (
    FINS_COMMANDS,
    FINS_WRITES,
    PROTOCOLS,
    S7_FUNCTIONS,
    S7_USER_DATA,
    SLMP_COMMANDS,
    SLMP_WRITES,
    said_in,
)
from otmon.protocols.protocol import Said
from otmon.protocols.stations import (
    BACNET_COMMANDS,
    BACNET_WRITES,
    DNP3_COMMANDS,
    DNP3_WRITES,
    IEC104_COMMANDS,
    dnp3_joined,
)


def s7(kind: int, reference: int, parameter: bytes, error: bytes = b"") -> bytes:
    """An S7 message in COTP and TPKT; answers have an error class and code."""
    size = len(parameter).to_bytes(2, "big")
    head = bytes((0x32, kind, 0, 0)) + reference.to_bytes(2, "big") + size + b"\0\0" + error
    whole = b"\x02\xf0\x80" + head + parameter
    return b"\x03\0" + (4 + len(whole)).to_bytes(2, "big") + whole


def invoked(name: bytes, argument: bytes = b"") -> bytes:
    size = len(argument).to_bytes(2, "big")
    return b"\x28\0\0\0\0\0\0\xfd" + size + argument + bytes((len(name),)) + name


def user_data(way: int, group: int, function: int, reference: int, error: int = -1) -> bytes:
    """User data with an empty data part; answers have an error code."""
    head = bytes((way << 4 | group, function, 0)) + (b"" if error < 0 else b"\0\0" + error.to_bytes(2, "big"))
    parameter = b"\0\1\x12" + bytes((len(head) + 1, 0x11 if error < 0 else 0x12)) + head
    whole = s7(7, reference, parameter)
    head, size = whole[4:15], (len(whole) + 4).to_bytes(2, "big")
    return whole[:2] + size + head + b"\0\4" + whole[17:] + b"\x0a\0\0\0"


def ascii_slmp(frame: bytes) -> bytes:
    """A 3E frame without data in ASCII code: each number in hexadecimal digits, the highest first."""
    sub, network, station = frame[:2], frame[2:3], frame[3:4]
    io, multidrop, rest = frame[4:6][::-1], frame[6:7], frame[9:]
    words = b"".join(rest[at : at + 2][::-1] for at in range(0, len(rest), 2))
    text = (network + station + io + multidrop).hex().upper() + f"{2 * len(rest):04X}" + words.hex().upper()
    return sub.hex().upper().encode() + text.encode()


def unconnected(service: bytes, context: bytes = b"12345678") -> bytes:
    """SendRRData with a service of CIP."""
    items = b"\2\0" + bytes(4) + b"\xb2\0" + len(service).to_bytes(2, "little") + service
    size = (6 + len(items)).to_bytes(2, "little")
    return b"\x6f\0" + size + bytes(8) + context + bytes(4) + bytes(6) + items


def connected(service: bytes, sequence: int) -> bytes:
    """SendUnitData with a service of CIP."""
    data = sequence.to_bytes(2, "little") + service
    items = b"\2\0\xa1\0\4\0abcd\xb1\0" + len(data).to_bytes(2, "little") + data
    return b"\x70\0" + (6 + len(items)).to_bytes(2, "little") + bytes(20) + bytes(6) + items


def summed(block: bytes) -> bytes:
    """A block of DNP3 with its CRC (IEEE 1815-2012, 9.2.4.3)."""
    crc = 0
    for octet in block:
        crc ^= octet
        for _ in range(8):
            crc = (crc >> 1) ^ (0xA6BC if crc & 1 else 0)
    return block + (crc ^ 0xFFFF).to_bytes(2, "little")


def dnp3(function: int, number: int, *, to: int = 10, sender: int = 1, more: bytes = b"") -> bytes:
    """A fragment of DNP3 in one link frame."""
    user = bytes((0xC0, 0xC0 | number, function)) + more
    return dnp3_frame(user, 0x44 if function > 127 else 0xC4, to, sender)


def dnp3_frame(user: bytes, control: int = 0xC4, to: int = 10, sender: int = 1) -> bytes:
    head = b"\5\x64" + bytes((5 + len(user), control))
    head += to.to_bytes(2, "little") + sender.to_bytes(2, "little")
    return summed(head) + b"".join(summed(user[at : at + 16]) for at in range(0, len(user), 16))


def dnp3_parts(function: int, first: int, *sizes: int, to: int = 10) -> list[bytes]:
    """A fragment in frames that have so many of its bytes, the last one the rest; `first` is the first one's
    number."""
    left, frames = bytes((0xC3, function)) + b"\x3c\2\6", []
    for n, size in enumerate((*sizes, len(left))):
        part, left = left[:size], left[size:]
        header = (0x40 if n == 0 else 0) | (0x80 if n == len(sizes) else 0) | (first + n) & 0x3F
        frames.append(dnp3_frame(bytes((header,)) + part, to=to))
    return frames


def bacnet(apdu: bytes, npdu: bytes = b"\1\4") -> bytes:
    return b"\x81\x0a" + (4 + len(npdu) + len(apdu)).to_bytes(2, "big") + npdu + apdu


def iec104(kind: int, cause: int, station: int = 1) -> bytes:
    """A frame of format I with one object."""
    body = bytes(4) + bytes((kind, 1, cause, 0)) + station.to_bytes(2, "little") + b"\0\0\0\1"
    return bytes((0x68, len(body))) + body


STOP = s7(1, 0x3B, b"\x29\0\0\0\0\0\x09P_PROGRAM")
COLD_START = s7(1, 0x3F, invoked(b"P_PROGRAM", b"C "))
START = s7(1, 0x40, invoked(b"P_PROGRAM"))
COMPRESS = s7(1, 0x41, invoked(b"_GARB"))
UPLOAD = s7(1, 8, b"\x1d\0\0\0\0\0\0\0\x09_0800001A")
DOWNLOAD = s7(1, 9, b"\x1a\0\1\0\0\0\0\0\x09_0800001P\x0d1000540000018")
ANSWERED = s7(3, 8, b"\x1d\0\1\0\0\0\0\x07\x07000021", b"\0\0")
DONE = s7(3, 0x3B, b"\x29", b"\0\0")
REFUSED = s7(2, 0x3B, b"", b"\xd2\x04")
READ = s7(1, 14, b"\4\1\x12\x0a\x10\2\0\4\0\x0a\x84\0\0\0")
INSERT = s7(1, 0x42, invoked(b"_INS2"))
EMPTY = b"\3\0\0\7\x02\xf0\0"
"""A data unit without data, which keeps a connection alive."""
RESET = user_data(4, 1, 0x0C, 0x50)
RESET_DONE = user_data(8, 1, 0x0C, 0x50, 0)
CLOCK = user_data(4, 7, 4, 0x51)
CLOCK_REFUSED = user_data(8, 7, 4, 0x51, 0xD241)

FINS_STOP = bytes.fromhex("800002000100000a0007" + "0402")
FINS_STOPPED = bytes.fromhex("c00002000a000001000704020000")
FINS_READ = bytes.fromhex("800002000100000a000701018200640000" + "01")
FINS_TCP = b"FINS" + bytes.fromhex("0000001a0000000200000000")
SLMP_STOP = bytes.fromhex("500000ffff030008001000021000000100")
SLMP_STOP_4E = bytes.fromhex("540034120000" + "00ffff030008001000021000000100")
SLMP_DONE = bytes.fromhex("d00000ffff030002000000")
SLMP_REFUSED = bytes.fromhex("d00000ffff03000b0059c000ffff030002100000")
SLMP_DONE_4E = bytes.fromhex("d40034120000" + "00ffff030002000000")
SLMP_READ = bytes.fromhex("500000ffff03000c00100001040000640000a80100")
SLMP_STOP_ASCII = b"500000FF03FF00" + b"0010" + b"0010" + b"1002" + b"00000001"
SLMP_STOP_4E_ASCII = b"540012340000" + SLMP_STOP_ASCII[4:]
SLMP_DONE_ASCII = b"D00000FF03FF00" + b"0004" + b"0000"
SLMP_REFUSED_ASCII = b"D00000FF03FF00" + b"0016" + b"C059" + b"00FF03FF0010020000"
SLMP_DONE_4E_ASCII = b"D40012340000" + SLMP_DONE_ASCII[4:]
SLMP_STOP_1E = bytes.fromhex("14ff0a00")
SLMP_RUN_1E = bytes.fromhex("13ff0a00")
SLMP_READ_1E = bytes.fromhex("01ff0a00640000002044" + "0a00")
SLMP_WRITE_1E = bytes.fromhex("03ff0a00640000002044" + "0200" + "14ff0a00")
SLMP_WRITE_1E_ASCII = b"03FF000A" + b"4420" + b"00000064" + b"0200" + b"14FF000A"
SLMP_TEST_1E = bytes.fromhex("05ff0a000100" + "6400000020440700")
SLMP_WRITTEN_1E = bytes.fromhex("8300")
SLMP_WRITTEN_1E_ASCII = b"8300"
SLMP_STOP_1E_ASCII = b"14FF000A"
SLMP_READ_1E_ASCII = b"01FF000A" + b"4420" + b"00000064" + b"0A00"
SLMP_DONE_1E = bytes.fromhex("9400")
SLMP_REFUSED_1E = bytes.fromhex("945b1000")
SLMP_DONE_1E_ASCII = b"9400"
SLMP_REFUSED_1E_ASCII = b"945B1000"
FINS_CLEAR = bytes.fromhex("800002000100000a0008" + "2103")
FINS_RESET = bytes.fromhex("800002000100000a0009" + "0403")

CIP_STOP = unconnected(b"\7\2\x20\x8e\x24\1")
CIP_RESET = connected(b"\5\2\x20\1\x24\1\0", 0x102)
CIP_ROUTED = unconnected(b"\x52\2\x20\6\x24\1\5\x9d\6\0" + b"\6\2\x20\x8e\x24\1" + b"\1\0\1\0")
CIP_PACKED = connected(b"\x0a\2\x20\2\x24\1\2\0\6\0\x0c\0" + b"\1\2\x20\1\x24\1" + b"\7\2\x20\x8e\x24\1", 9)


def pccc(
    command: int, more: bytes = b"", *, number: int = 0x1234, path: bytes = b"\2\x20\x67\x24\1"
) -> bytes:
    """Execute PCCC of a command and its function."""
    asks = b"\7\x4d\0\1\2\3\4" + bytes((command >> 8, 0)) + number.to_bytes(2, "little")
    return b"\x4b" + path + asks + bytes((command & 0xFF,)) + more


def pccc_answer(number: int = 0x1234, status: bytes = b"\0", command: int = 0x4F, more: bytes = b"") -> bytes:
    """What is answered to Execute PCCC; of two bytes of a status the second one extends it."""
    told = bytes((command, status[0])) + number.to_bytes(2, "little") + status[1:]
    return b"\xcb\0\0\0\7\x4d\0\1\2\3\4" + told + more


def packed(*services: bytes) -> bytes:
    """A packet of services of CIP."""
    places, at = b"", 2 + 2 * len(services)
    for service in services:
        places += at.to_bytes(2, "little")
        at += len(service)
    return b"\x0a\2\x20\2\x24\1" + len(services).to_bytes(2, "little") + places + b"".join(services)


def routed(service: bytes, path: bytes = b"\2\x20\6\x24\1") -> bytes:
    """A service of CIP for a module behind the one that gets it."""
    return b"\x52" + path + b"\5\x9d" + len(service).to_bytes(2, "little") + service + b"\1\0\1\0"


def in_units(message: bytes, *sizes: int) -> list[bytes]:
    """A message of S7comm in data units of COTP that have so many of its bytes, the last one the rest."""
    left, units = message[7:], []
    for size in sizes:
        part, left = left[:size], left[size:]
        units.append(b"\3\0" + (7 + len(part)).to_bytes(2, "big") + b"\2\xf0\0" + part)
    return [*units, b"\3\0" + (7 + len(left)).to_bytes(2, "big") + b"\2\xf0\x80" + left]


CIP_DONE = unconnected(b"\x87\0\0\0")
CIP_REFUSED = connected(b"\x85\0\x10\0", 0x102)
CIP_READ = connected(b"\x4c\2\x20\x6b\x24\1\1\0", 8)
CONTEXT = int.from_bytes(b"12345678", "little")
PCCC_PROGRAM = unconnected(pccc(0x0F80, b"\1"))
PCCC_RUN = connected(pccc(0x0F3A, b"\6"), 3)
PCCC_WRITE = unconnected(pccc(0x0FAA, b"\x40\4\x22\0\0" + bytes(64)))
PCCC_DOWNLOAD = unconnected(routed(pccc(0x0F50)))
PCCC_SEVERAL = unconnected(pccc(0x0F88, b"\2\2\x80\6\6\xa2\2\7\x89\0\0"))
PCCC_DONE = unconnected(pccc_answer())
PCCC_REFUSED = unconnected(pccc_answer(status=b"\xf0\x0b"))
PCCC_READ = unconnected(pccc(0x0FA2, b"\2\7\x89\0\0"))
DNP3_RESTART = dnp3(13, 3)
DNP3_DONE = dnp3(129, 3, to=1, sender=10, more=b"\x80\0")
DNP3_REFUSED = dnp3(129, 3, to=1, sender=10, more=b"\x80\1")
DNP3_READ = dnp3(1, 4, more=b"\x3c\2\6")
BACNET_RESTART = bacnet(b"\0\4\x21\x14\x09\0\x1d\7\0secret")
BACNET_BACKUP = bacnet(b"\0\4\x22\x14\x09\2")
BACNET_SILENCE = bacnet(b"\0\4\x23\x11\x09\5\x19\1", b"\1\x24\0\7\0\xff")
BACNET_ENABLE = bacnet(b"\0\4\x24\x11\x19\0")
BACNET_DONE = bacnet(b"\x20\x21\x14", b"\1\0")
BACNET_REFUSED = bacnet(b"\x50\x21\x14\x91\4\x91\x1a", b"\1\0")
BACNET_REJECTED = bacnet(b"\x60\x21\x09", b"\1\0")
BACNET_READ = bacnet(b"\0\4\x25\x0c\x0c\2\0\0\1\x19\x4d")
IEC104_RESET = iec104(105, 6)
IEC104_DONE = iec104(105, 7)
IEC104_REFUSED = iec104(105, 0x47)
IEC104_READ = iec104(102, 5)
IEC104_SWITCH = iec104(45, 6)
IEC104_CANCEL = iec104(46, 8)
IEC104_SWITCHED = iec104(45, 7)
IEC104_UNKNOWN = iec104(45, 0x6C)
IEC104_ABOUT = 1 << 8
"""By station 1 and no object; the type is added."""
S7_WRITE = s7(1, 15, b"\5\1\x12\x0a\x10\2\0\1\0\x0a\x84\0\0\0")
S7_WRITTEN = s7(3, 15, b"\5\1", b"\0\0")
S7_NOT_THERE = (
    S7_WRITTEN[:3] + bytes((len(S7_WRITTEN) + 1,)) + S7_WRITTEN[4:16] + b"\1" + S7_WRITTEN[17:] + b"\x0a"
)
FINS_WRITE = bytes.fromhex("800002000100000a000b" + "0102" + "820064000001" + "0007")
FINS_WRITTEN = bytes.fromhex("c00002000a000001000b" + "0102" + "0000")
SLMP_WRITE = bytes.fromhex("500000ffff03000e00100001140000640000a801000100")
CIP_WRITE = connected(b"\x4d\4\x91\5motor\0\xc4\0\1\0\1\0\0\0", 21)
CIP_WRITTEN = connected(b"\xcd\0\0\0", 21)
CIP_SET = unconnected(b"\x10\3\x20\4\x24\x64\x30\3\1\0")
CIP_SET_NETWORK = unconnected(b"\x10\3\x20\xf6\x24\1\x30\6\1\0")
CIP_ADDRESS = unconnected(b"\x10\3\x20\xf5\x24\1\x30\5" + bytes(22))
CIP_WRITES_PACKED = connected(packed(*[b"\x4d\4\x91\5motor\0\xc4\0\1\0\1\0\0\0"] * 3), 22)
CIP_PACKED_DONE = connected(b"\x8a\0\0\0\1\0\4\0\xcd\0\0\0", 22)
CIP_FAULT_RESET = unconnected(b"\5\2\x20\x29\x24\1")
PCCC_DATA = unconnected(pccc(0x0FAA, b"\2\7\x89\0\0\1\0"))
DNP3_OPERATE = dnp3(5, 6, more=b"\x0c\1\x28\1\0\3\0\3\1\x64\0\0\0\x64\0\0\0\0")
DNP3_OPERATED = dnp3(129, 6, to=1, sender=10, more=b"\0\0")
DNP3_UNASKED = dnp3(6, 7, more=b"\x0c\1\x28\1\0\3\0\3\1\x64\0\0\0\x64\0\0\0\0")
DNP3_TIME = dnp3(2, 7, more=b"\x32\1\7\1" + bytes(6))
DNP3_SEEN = dnp3(2, 8, more=b"\x50\1\0\7\7\0")
DNP3_SEEN_AND_MORE = dnp3(2, 8, more=b"\x50\1\0\7\7\0" + b"\x0a\2\0\1\1\x81")
DNP3_FILE = dnp3(2, 9, more=b"\x46\5\x5b\1\4\0" + bytes(4))
BACNET_WRITE = bacnet(b"\0\4\x31\x0f\x0c\0\x80\0\1\x19\x55\x3e\x44\0\0\0\0\x3f")
BACNET_WRITTEN = bacnet(b"\x20\x31\x0f", b"\1\0")
BACNET_CREATED = bacnet(b"\x30\x32\x0a\xc4\0\x80\0\1", b"\1\0")
BACNET_GROUP = bacnet(b"\x10\x0a\x09\1\x19\0\x2e\x2f", b"\1\0")
COMMANDS_READ = [
    ("ethernet_ip", CIP_STOP, CONTEXT, "Stop", "control"),
    ("ethernet_ip", CIP_RESET, 0x102, "Reset", "control"),
    ("ethernet_ip", CIP_ROUTED, CONTEXT, "Start", "control"),
    ("ethernet_ip", CIP_FAULT_RESET, CONTEXT, "Object Reset", "control"),
    ("ethernet_ip", CIP_PACKED, 9, "Stop", "control"),
    ("ethernet_ip", PCCC_PROGRAM, CONTEXT, "Change Mode to Program", "control"),
    ("ethernet_ip", PCCC_RUN, 3, "Change Mode to Run", "control"),
    ("ethernet_ip", PCCC_WRITE, CONTEXT, "Program File Write", "program"),
    ("ethernet_ip", PCCC_DOWNLOAD, CONTEXT, "Download All Request", "program"),
    ("ethernet_ip", PCCC_SEVERAL, CONTEXT, "Change Mode to Run", "control"),
    ("dnp3", DNP3_RESTART, 10 << 20 | 1 << 4 | 3, "Cold Restart", "control"),
    ("bacnet", BACNET_RESTART, 0x21, "Reinitialize Device", "control"),
    ("bacnet", BACNET_BACKUP, 0x22, "Backup", "program"),
    ("bacnet", bacnet(b"\0\4\x26\x14\x09\4"), 0x26, "Restore", "program"),
    ("bacnet", BACNET_SILENCE, 0x23, "Disable Communication", "control"),
    ("bacnet", BACNET_ENABLE, 0x24, "Enable Communication", "control"),
    ("iec104", IEC104_RESET, IEC104_ABOUT | 105, "Reset Process", "control"),
    ("s7comm", STOP, 0x3B, "PLC Stop", "control"),
    ("s7comm", COLD_START, 0x3F, "PLC Cold Start", "control"),
    ("s7comm", START, 0x40, "PLC Start", "control"),
    ("s7comm", COMPRESS, 0x41, "Compress Memory", "program"),
    ("s7comm", UPLOAD, 8, "Start Upload", "program"),
    ("s7comm", DOWNLOAD, 9, "Request Download", "program"),
    ("s7comm", INSERT, 0x42, "Insert Block", "program"),
    ("s7comm", RESET, 0x50, "Memory Reset", "program"),
    ("s7comm", CLOCK, 0x51, "Set Clock", "configure"),
    ("fins", FINS_RESET, 9 << 16 | 0x0403, "Reset", "control"),
    ("fins", FINS_CLEAR, 8 << 16 | 0x2103, "Error Log Clear", "configure"),
    ("fins", FINS_STOP, 7 << 16 | 0x0402, "Stop", "control"),
    ("fins", FINS_TCP + FINS_STOP, 7 << 16 | 0x0402, "Stop", "control"),
    ("slmp", SLMP_STOP, 0, "Remote Stop", "control"),
    ("slmp", SLMP_STOP_4E, 0x1234, "Remote Stop", "control"),
    ("slmp", SLMP_STOP_ASCII, 0, "Remote Stop", "control"),
    ("slmp", SLMP_STOP_4E_ASCII, 0x1234, "Remote Stop", "control"),
    ("slmp", SLMP_STOP_1E, 0, "Remote Stop", "control"),
    ("slmp", SLMP_RUN_1E, 0, "Remote Run", "control"),
    ("slmp", SLMP_STOP_1E_ASCII, 0, "Remote Stop", "control"),
]
WRITES_READ = [
    ("iec104", IEC104_SWITCH, IEC104_ABOUT | 45, "Single Command", "write"),
    ("iec104", IEC104_CANCEL, IEC104_ABOUT | 46, "Cancel Double Command", "write"),
    ("iec104", iec104(100, 6), IEC104_ABOUT | 100, "Interrogation", "read"),
    ("iec104", iec104(101, 6), IEC104_ABOUT | 101, "Counter Interrogation", "read"),
    ("iec104", iec104(101, 6)[:-1] + b"\x45", IEC104_ABOUT | 101, "Counter Freeze or Reset", "write"),
    ("iec104", iec104(113, 6), IEC104_ABOUT | 113, "Parameter Activation", "configure"),
    ("dnp3", DNP3_OPERATE, 10 << 20 | 1 << 4 | 6, "Direct Operate", "write"),
    ("dnp3", DNP3_UNASKED, 10 << 20 | 1 << 4 | 7, "Direct Operate, No Response", "write"),
    ("dnp3", DNP3_TIME, 10 << 20 | 1 << 4 | 7, "Set Time", "configure"),
    ("dnp3", DNP3_SEEN, 10 << 20 | 1 << 4 | 8, "Clear Restart", "diagnose"),
    ("dnp3", DNP3_SEEN_AND_MORE, 10 << 20 | 1 << 4 | 8, "Write", "write"),
    ("dnp3", DNP3_FILE, 10 << 20 | 1 << 4 | 9, "Write File", "program"),
    ("s7comm", S7_WRITE, 15, "Write Var", "write"),
    ("fins", FINS_WRITE, 11 << 16 | 0x0102, "Memory Area Write", "write"),
    ("slmp", SLMP_WRITE, 0, "Device Write", "write"),
    ("slmp", SLMP_WRITE_1E, 0, "Device Write", "write"),
    ("slmp", SLMP_WRITE_1E_ASCII, 0, "Device Write", "write"),
    ("slmp", SLMP_TEST_1E, 0, "Device Write Random", "write"),
    ("ethernet_ip", CIP_WRITE, 21, "Write Tag", "write"),
    ("ethernet_ip", CIP_WRITES_PACKED, 22, "Write Tag", "write"),
    ("ethernet_ip", CIP_SET, CONTEXT, "Set Attribute Single", "write"),
    ("ethernet_ip", CIP_SET_NETWORK, CONTEXT, "Set Network Attribute", "configure"),
    ("ethernet_ip", PCCC_DATA, CONTEXT, "Data File Write", "write"),
    ("bacnet", BACNET_WRITE, 0x31, "Write Property", "write"),
    ("bacnet", BACNET_GROUP, 0, "Write Group", "write"),
]
ANSWERS_READ = [
    ("ethernet_ip", CIP_DONE, CONTEXT, 0),
    ("ethernet_ip", CIP_REFUSED, 0x102, 0x10),
    ("ethernet_ip", PCCC_DONE, CONTEXT, 0),
    ("ethernet_ip", PCCC_REFUSED, CONTEXT, 0xF00B),
    ("dnp3", DNP3_DONE, 10 << 20 | 1 << 4 | 3, 0),
    ("dnp3", DNP3_REFUSED, 10 << 20 | 1 << 4 | 3, 1),
    ("bacnet", BACNET_DONE, 0x21, 0),
    ("bacnet", BACNET_REFUSED, 0x21, 5),
    ("bacnet", BACNET_REJECTED, 0x21, 6),
    ("iec104", IEC104_DONE, IEC104_ABOUT | 105, 0),
    ("iec104", IEC104_REFUSED, IEC104_ABOUT | 105, 1),
    ("iec104", IEC104_SWITCHED, IEC104_ABOUT | 45, 0),
    ("iec104", IEC104_UNKNOWN, IEC104_ABOUT | 45, 44),
    ("s7comm", S7_WRITTEN, 15, 0),
    ("s7comm", S7_NOT_THERE, 15, 0x0A),
    ("fins", FINS_WRITTEN, 11 << 16 | 0x0102, 0),
    ("ethernet_ip", CIP_WRITTEN, 21, 0),
    ("ethernet_ip", CIP_PACKED_DONE, 22, 0),
    ("dnp3", DNP3_OPERATED, 10 << 20 | 1 << 4 | 6, 0),
    ("bacnet", BACNET_WRITTEN, 0x31, 0),
    ("bacnet", BACNET_CREATED, 0x32, 0),
    ("s7comm", DONE, 0x3B, 0),
    ("s7comm", REFUSED, 0x3B, 0xD204),
    ("s7comm", ANSWERED, 8, 0),
    ("fins", FINS_STOPPED, 7 << 16 | 0x0402, 0),
    ("slmp", SLMP_DONE, 0, 0),
    ("slmp", SLMP_REFUSED, 0, 0xC059),
    ("slmp", SLMP_DONE_4E, 0x1234, 0),
    ("s7comm", RESET_DONE, 0x50, 0),
    ("s7comm", CLOCK_REFUSED, 0x51, 0xD241),
    ("slmp", SLMP_DONE_ASCII, 0, 0),
    ("slmp", SLMP_REFUSED_ASCII, 0, 0xC059),
    ("slmp", SLMP_DONE_4E_ASCII, 0x1234, 0),
    ("slmp", SLMP_DONE_1E, 0, 0),
    ("slmp", SLMP_WRITTEN_1E, 0, 0),
    ("slmp", SLMP_WRITTEN_1E_ASCII, 0, 0),
    ("slmp", SLMP_REFUSED_1E, 0, 0x5B10),
    ("slmp", SLMP_DONE_1E_ASCII, 0, 0),
    ("slmp", SLMP_REFUSED_1E_ASCII, 0, 0x5B10),
]


def found(protocol: str, payload: bytes, *, datagram: bool = False) -> list[tuple[int, bytes]]:
    """What the messages of a payload do, and their bytes, as `copy_commands` goes through them."""
    data = np.frombuffer(payload, np.uint8)
    messages = []
    at, end = 0, len(payload)
    while at < end:
        if protocol == "s7comm":
            told = s7_message(data, at, end, at == 0)
        elif protocol == "fins":
            told = fins_message(data, at, end, at == 0, datagram)
        elif protocol == "slmp":
            told = slmp_message(data, at, end)
        else:
            looks = {
                "bacnet": bacnet_message,
                "dnp3": dnp3_message,
                "ethernet_ip": cip_message,
                "iec104": iec104_message,
            }
            told = looks[protocol](data, at, end)
        if told >> 2 == 0:
            break
        messages.append((told & 3, payload[at : at + (told >> 2)]))
        at += told >> 2
    return messages


def told(protocol: str, payload: bytes) -> list[Said]:
    """What is read in a payload."""
    return [one for kind, message in found(protocol, payload) if kind for one in said_in(protocol, message)]


@pytest.mark.parametrize(
    ("protocol", "payload", "reference", "name", "access"), [*COMMANDS_READ, *WRITES_READ]
)
def test_a_command_has_a_name_and_an_access_class(
    protocol: str, payload: bytes, reference: int, name: str, access: str
) -> None:
    (one,) = told(protocol, payload)
    assert one.service is not None
    assert (one.reference, one.service.name, one.service.access) == (reference, name, access)


@pytest.mark.parametrize(("protocol", "payload", "reference", "status"), ANSWERS_READ)
def test_an_answer_says_whether_it_was_done(
    protocol: str, payload: bytes, reference: int, status: int
) -> None:
    (one,) = told(protocol, payload)
    assert (one.reference, one.service, one.status) == (reference, None, status)


def kind_in(code: int, commands: Container[int], writes: Container[int]) -> int:
    """What a message with this code does, by the tables."""
    return COMMANDS if code in commands else WRITES if code in writes else 0


def test_each_command_that_has_a_name_is_copied_and_nothing_else() -> None:
    jobs = {f for f in range(256) for kind, _ in found("s7comm", s7(1, 1, bytes((f, 0, 0)))) if kind}
    assert jobs == set(S7_FUNCTIONS)
    numbers = [group << 8 | function for group in range(16) for function in range(256)]
    for ways, does in (((4, 7), COMMANDS), ((8, 11), ANSWERS)):
        for way in ways:
            read = {n for n in numbers if found("s7comm", user_data(way, n >> 8, n & 0xFF, 1))[0][0] == does}
            assert read == set(S7_USER_DATA)
    assert {kind for n in numbers for kind, _ in found("s7comm", user_data(0, n >> 8, n & 0xFF, 1))} == {0}
    assert found("s7comm", S7_WRITE)[0][0] == WRITES
    head, route = FINS_STOP[:10], SLMP_STOP[2:11]
    for code in (high << 8 | low for high in range(0x30) for low in range(0x30)):
        frame = head + code.to_bytes(2, "big")
        assert found("fins", frame, datagram=True)[0][0] == kind_in(code, FINS_COMMANDS, FINS_WRITES)
        frame = b"\x50\0" + route + code.to_bytes(2, "little") + bytes(4)
        assert found("slmp", frame)[0][0] == kind_in(code, SLMP_COMMANDS, SLMP_WRITES)
        assert found("slmp", ascii_slmp(frame))[0][0] == kind_in(code, SLMP_COMMANDS, SLMP_WRITES)


def test_each_command_of_the_others_is_copied_and_nothing_else() -> None:
    for code in range(128):
        for path in (b"\x20\x8e\x24\1", b"\x20\x6b\x24\1"):
            service = bytes((code, 2)) + path
            tags = TAG_WRITES if path[1] == 0x6B else {}
            for message in (unconnected(service), connected(service, 1)):
                kind = kind_in(code, CIP_COMMANDS, {**CIP_WRITES, **tags})
                assert found("ethernet_ip", message)[0][0] == kind
                assert bool(said_in("ethernet_ip", message)) == bool(kind)
        reply = unconnected(bytes((0x80 | code, 0, 0, 0)))
        assert (found("ethernet_ip", reply)[0][0] == ANSWERS) == (
            code in {**CIP_COMMANDS, **CIP_WRITES, **TAG_WRITES} or code in (0x0A, 0x4B, 0x52)
        )
        assert found("dnp3", dnp3(code, 1))[0][0] == kind_in(code, DNP3_COMMANDS, DNP3_WRITES)
        asks = bacnet(bytes((0, 4, 1, code)))
        assert found("bacnet", asks)[0][0] == kind_in(code, BACNET_COMMANDS, BACNET_WRITES)
        assert found("iec104", iec104(code, 6))[0][0] == kind_in(code, (105,), IEC104_COMMANDS)
    assert found("dnp3", dnp3(129, 1, more=b"\0\0"))[0][0] == ANSWERS


STOP_SERVICE = b"\7\2\x20\x8e\x24\1"
START_SERVICE = b"\6\2\x20\x8e\x24\1"
IDENTITY = b"\1\2\x20\1\x24\1"


@pytest.mark.parametrize(
    "service",
    [
        packed(*[IDENTITY] * 120, STOP_SERVICE),
        packed(IDENTITY + bytes(1_200), STOP_SERVICE),
        packed(IDENTITY, routed(STOP_SERVICE)),
        packed(IDENTITY, packed(IDENTITY, STOP_SERVICE)),
        routed(routed(STOP_SERVICE)),
        routed(packed(routed(packed(STOP_SERVICE)))),
        routed(STOP_SERVICE, b"\3\x20\6\x24\1\x30\1"),
        b"\x0a\3\x20\2\x24\1\x30\1" + packed(STOP_SERVICE)[6:],
    ],
)
def test_no_packing_hides_a_command_of_cip(service: bytes) -> None:
    for message in (unconnected(service), connected(service, 7)):
        (one,) = told("ethernet_ip", message)
        assert one.service == CIP_COMMANDS[7]


def test_each_command_of_a_packet_is_told() -> None:
    message = connected(packed(START_SERVICE, IDENTITY, STOP_SERVICE, START_SERVICE), 7)
    assert [one.function for one in told("ethernet_ip", message)] == [6, 7]


def test_packets_in_packets_end() -> None:
    within = packed(*[IDENTITY] * 400)
    for service in (b"\x0a\2\x20\2\x24\1" + bytes(1_900), b"\x0a\2\x20\2\x24\1" * 300, within):
        assert told("ethernet_ip", unconnected(service)) == []
    # Two that lead to each other.
    loop = b"\x0a\2\x20\2\x24\1\2\0\6\0\0\0"
    assert told("ethernet_ip", unconnected(packed(loop, loop))) == []


def test_a_reserved_path_is_none_of_the_router() -> None:
    # A tag that is read in parts has the same service.
    read = b"\x52\4\x91\5motor\0\1\0\0\0\0\0" + STOP_SERVICE
    assert told("ethernet_ip", unconnected(read)) == []
    assert told("ethernet_ip", unconnected(packed(read))) == []


def test_a_message_before_it_hides_no_command_of_the_others() -> None:
    for protocol, before, command in (
        ("ethernet_ip", CIP_READ, CIP_STOP),
        ("dnp3", DNP3_READ, DNP3_RESTART),
        ("iec104", b"\x68\4\1\0\2\0" + IEC104_READ, IEC104_RESET),
    ):
        assert told(protocol, before * 40 + command) == told(protocol, command) != []


def test_reading_is_no_command() -> None:
    assert told("s7comm", READ) == told("fins", FINS_READ) == told("slmp", SLMP_READ) == []
    assert told("ethernet_ip", CIP_READ) == told("dnp3", DNP3_READ) == told("bacnet", BACNET_READ) == []


@pytest.mark.parametrize("between", [READ, EMPTY, READ[:2] + b"\4\0" + READ[4:] + bytes(1024 - len(READ))])
def test_nothing_before_it_hides_a_command(between: bytes) -> None:
    assert [one.reference for one in told("s7comm", between * 40 + STOP + UPLOAD)] == [0x3B, 8]


def test_nothing_before_it_hides_a_command_of_fins_or_slmp() -> None:
    def wrapped(frame: bytes) -> bytes:
        return b"FINS" + (8 + len(frame)).to_bytes(4, "big") + bytes((0, 0, 0, 2, 0, 0, 0, 0)) + frame

    address = b"FINS" + bytes.fromhex("0000000c000000000000000000000000")
    (one,) = told("fins", address + wrapped(FINS_READ) * 40 + wrapped(FINS_STOP))
    assert one.service is not None and one.service.name == "Stop"
    reads = SLMP_READ_1E * 3 + SLMP_WRITE_1E * 2
    for frames in (reads + SLMP_STOP_1E, SLMP_READ_1E_ASCII * 9 + SLMP_STOP_1E_ASCII, SLMP_STOP_1E + b"?"):
        *_, one = told("slmp", frames)
        assert one.service is not None and one.service.name == "Remote Stop"
    assert [one.function for one in told("slmp", reads)] == [3, 3]
    assert told("slmp", SLMP_READ_1E_ASCII * 9) == []
    for frames in (SLMP_READ * 40 + SLMP_STOP, ascii_slmp(SLMP_READ) * 40 + SLMP_STOP_ASCII):
        (one,) = told("slmp", frames)
        assert one.service is not None and one.service.name == "Remote Stop"


def test_headers_that_came_before_are_not_needed() -> None:
    for cut in (4, 7):
        assert told("s7comm", STOP[cut:]) == told("s7comm", STOP)
        assert told("s7comm", DONE[cut:]) == told("s7comm", DONE)
        assert told("s7comm", READ[cut:] + STOP) == told("s7comm", STOP)
    assert told("fins", FINS_STOP + b"\xff\xff") == told("fins", FINS_STOP)


def test_what_only_goes_on_in_a_segment_is_no_command_of_fins() -> None:
    assert told("fins", b"\x12\x34" + FINS_STOP[2:]) == []
    assert found("fins", b"\x12\x34" + FINS_STOP[2:], datagram=True)[0][0] == COMMANDS


def test_a_stop_is_one_whatever_its_lengths_say() -> None:
    lie = STOP[:13] + b"\0\0" + STOP[15:]
    (one,) = told("s7comm", lie)
    assert one.service is not None and one.service.name == "PLC Stop"


def test_an_invocation_of_another_name_is_one() -> None:
    (one,) = told("s7comm", s7(1, 5, invoked(b"_ELSE")))
    assert one.service is not None and one.service.name == "Program Invocation"


def test_tpkt_that_leads_nowhere_ends() -> None:
    for size in (0, 3, 6):
        assert told("s7comm", STOP[:2] + size.to_bytes(2, "big") + STOP[4:] + STOP) == []


@pytest.mark.parametrize(("protocol", "payload"), [case[:2] for case in COMMANDS_READ])
def test_what_is_cut_is_nothing_or_the_same_function(protocol: str, payload: bytes) -> None:
    (whole,) = told(protocol, payload)
    for size in range(len(payload)):
        for one in told(protocol, payload[:size]):
            assert (one.reference, one.function) == (whole.reference, whole.function), size


@given(
    protocol=st.sampled_from(PROTOCOLS),
    which=st.integers(0, 30),
    changes=st.lists(st.tuples(st.integers(0, 80), st.integers(0, 255)), max_size=3),
    before=st.sampled_from([b"", READ, STOP, DONE]),
)
def test_no_bytes_raise_and_what_is_read_says_what_the_kernel_took_it_for(
    protocol: str, which: int, changes: list[tuple[int, int]], before: bytes
) -> None:
    known = [case[1] for case in (*COMMANDS_READ, *WRITES_READ, *ANSWERS_READ) if case[0] == protocol]
    payload = bytearray(known[which % len(known)])
    for at, value in changes:
        payload[at % len(payload)] = value
    if protocol == "s7comm":
        payload[:0] = before
    for kind, message in found(protocol, bytes(payload)):
        for said in said_in(protocol, message):
            assert not kind or (said.service is not None) == (kind != ANSWERS)


def test_a_frame_of_dnp3_goes_on_with_its_fragment_alone() -> None:
    first, second = dnp3_parts(13, 63, 1)
    begun = dnp3_joined(b"", first)
    assert begun and said_in("dnp3", begun) == ()
    whole = said_in("dnp3", dnp3_joined(begun, second))
    assert whole == said_in("dnp3", DNP3_RESTART)
    broken = second[:11] + b"?" + second[12:]
    for other in (broken, dnp3_parts(13, 62, 1)[1], DNP3_RESTART, second[:10], dnp3_frame(b"")):
        assert dnp3_joined(begun, other) == b""
    assert dnp3_joined(b"", second) == dnp3_joined(b"", DNP3_RESTART) == b""


def test_what_is_no_frame_of_dnp3_is_passed_over() -> None:
    wrong = DNP3_READ[:8] + b"??" + DNP3_READ[10:]
    for junk in (b"?", b"\5", b"\5\x64", b"\5\x64\xff", wrong, bytes(300)):
        assert [one[1] for one in found("dnp3", junk + DNP3_RESTART)][-1] == DNP3_RESTART
        for size in range(1, 10):
            cut = junk + DNP3_RESTART[:size]
            data = np.frombuffer(cut, np.uint8)
            at = 0
            while dnp3_message(data, at, len(cut)) >> 2:
                at += dnp3_message(data, at, len(cut)) >> 2
            assert at <= len(junk) and (len(cut) < 10 or at == len(junk)), (junk, size)
