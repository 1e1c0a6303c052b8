"""What EtherNet/IP writes to tags and data files, as tshark reads it too; whatever is cut off or wrong."""

from __future__ import annotations

import struct
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otmon.engine import replay
from otmon.lab.frames import SECOND_NS, Say, connection
from otmon.outputs.pcapng import pcapng
from otmon.protocols.cip_writes import cip_written
from otmon.protocols.protocol import Run, Written, real_bits
from tests.detect.captures import HMI, START_NS, WIRE, plc
from tests.oracle import Tshark
from tests.protocols.test_commands import connected, packed, pccc, routed, unconnected
from tests.protocols.test_station_writes import numbers

TAG, MODIFY, FRAGMENT = 0x4D, 0x4E, 0x53
TYPED, MASKED = 0x0FAA, 0x0FAB


def symbol(name: str) -> bytes:
    octets = name.encode()
    return b"\x91" + bytes((len(octets),)) + octets + bytes(len(octets) % 2)


def write_tag(
    path: bytes, kind: int, *values: bytes, count: int = 0, service: int = TAG, more: bytes = b""
) -> bytes:
    head = bytes((service, len(path) // 2)) + path + kind.to_bytes(2, "little")
    return head + (count or len(values)).to_bytes(2, "little") + more + b"".join(values)


def real(*values: float, table: str = "DOSING.SETPOINT", at: int = 0) -> Run:
    return Run(table, at, tuple(map(real_bits, values)), "real")


SETPOINT = symbol("Dosing") + symbol("SetPoint")
TYPES = [
    (0xCA, struct.pack("<f", 1.5), 1.5), (0xC4, struct.pack("<i", -7), -7.0), (0xC3, b"\xff\xff", -1.0),
    (0xC1, b"\xff", 1.0), (0xC1, b"\0", 0.0), (0xC7, b"\xff\xff", 65535.0),
    (0xCB, struct.pack("<d", 0.25), 0.25),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "value", "number"), TYPES)
def test_tags_of_each_type(kind: int, value: bytes, number: float) -> None:
    service = write_tag(SETPOINT, kind, value)
    for message in (connected(service, 1), unconnected(service), unconnected(routed(service))):
        assert cip_written(message, TAG) == Written((real(number),))


@pytest.mark.parametrize(
    ("path", "table", "index"),
    [
        (symbol("Recipe") + b"\x28\3", "RECIPE", 3),
        (symbol("Recipe") + b"\x29\0\x2c\1", "RECIPE", 300),
        (symbol("Recipe") + b"\x2a\0\x70\x11\1\0", "RECIPE", 70_000),
        (symbol("Grid") + b"\x28\1\x28\2", "GRID[1]", 2),
        (symbol("Line") + b"\x28\4" + symbol("Speed"), "LINE[4].SPEED", 0),
        (symbol("Program:Main") + symbol("Level"), "PROGRAM:MAIN.LEVEL", 0),
    ],
)
def test_elements_of_arrays_and_members_of_structures(path: bytes, table: str, index: int) -> None:
    two = write_tag(path, 0xC3, b"\5\0", b"\6\0")
    assert cip_written(connected(two, 1), TAG) == Written((real(5, 6, table=table, at=index),))


def test_fragments_go_on_where_they_say() -> None:
    service = write_tag(
        symbol("Recipe"), 0xC4, bytes(4), b"\7\0\0\0", count=9, service=FRAGMENT, more=b"\x0c\0\0\0"
    )
    assert cip_written(connected(service, 1), FRAGMENT) == Written((real(0, 7, table="RECIPE", at=3),))


def test_several_services_of_a_packet_are_all_read() -> None:
    services = [write_tag(symbol(name), 0xC3, b"\5\0") for name in ("a", "b")]
    message = connected(packed(*services), 1)
    assert cip_written(message, TAG) == Written((real(5, table="A"), real(5, table="B")))
    assert not cip_written(message, FRAGMENT).runs


def test_bits_of_a_tag_are_a_part_of_it() -> None:
    service = bytes((MODIFY, len(SETPOINT) // 2)) + SETPOINT + b"\4\0" + bytes(8)
    (run,) = cip_written(connected(service, 1), MODIFY).runs
    assert (run.table, run.address, run.kind, run.mask) == ("DOSING.SETPOINT", 0, "word", 1)


@pytest.mark.parametrize(
    "service",
    [
        write_tag(b"\x20\x6b\x25\0\x12\x34", 0xCA, bytes(4)),
        write_tag(symbol("a b"), 0xCA, bytes(4)),
        write_tag(b"\x91\x7fA", 0xCA, bytes(4)),
        # A structure, and a string.
        write_tag(SETPOINT, 0x02A0, b"\xce\x0f" + bytes(88)),
        write_tag(SETPOINT, 0xCA, bytes(3)),
        write_tag(SETPOINT, 0xCA),
    ],
)
def test_what_nobody_can_read_is_said(service: bytes) -> None:
    assert cip_written(connected(service, 1), TAG) == Written((), whole=False)


def test_what_is_cut_off_has_what_is_there_and_says_so() -> None:
    message = connected(write_tag(symbol("Recipe"), 0xC3, b"\5\0", b"\6\0"), 1)
    for size in range(len(message)):
        found = cip_written(message[:size], TAG)
        assert not found.whole and found.runs in ((), (real(5, table="RECIPE"),))


def test_elements_of_data_files() -> None:
    for more, run in (
        (b"\4\7\x89\x0a\0\5\0\xff\xff", real(5, -1, table="N7", at=10)),
        (b"\4\x08\x8a\1\0" + struct.pack("<f", 2.5), real(2.5, table="F8", at=1)),
        (b"\4\xff\x2c\1\x91\xff\0\1\0\7\0\0\0", real(7, table="L300", at=256)),
    ):
        for message in (unconnected(pccc(TYPED, more)), connected(routed(pccc(TYPED, more)), 1)):
            assert cip_written(message, TYPED) == Written((run,))
    several = pccc(0x0F88, b"\1\x08" + bytes((TYPED & 0xFF,)) + b"\2\7\x89\0\0\5\0")
    assert cip_written(unconnected(several), TYPED) == Written((real(5, table="N7"),))
    two_fields = unconnected(pccc(0x0FA9, b"\2\7\x89\x0a\5\0"))
    assert cip_written(two_fields, 0x0FA9) == Written((real(5, table="N7", at=10),))


def test_writes_with_a_mask_and_to_other_files() -> None:
    whole = unconnected(pccc(MASKED, b"\2\7\x89\0\0\xff\xff\5\0"))
    assert cip_written(whole, MASKED) == Written((real(5, table="N7"),))
    (part,) = cip_written(unconnected(pccc(MASKED, b"\2\7\x89\0\0\1\0\5\0")), MASKED).runs
    assert (part.table, part.kind, part.mask) == ("N7", "word", 1)
    # A timer.
    assert cip_written(unconnected(pccc(TYPED, b"\2\4\x86\0\1\5\0")), TYPED) == Written(())
    assert not cip_written(unconnected(pccc(TYPED, b"\2\7\x89\0\0\5")), TYPED).whole
    assert not cip_written(unconnected(pccc(0x0F67, bytes(12))), 0x0F67).whole


@given(st.binary(max_size=60), st.sampled_from((TAG, MODIFY, FRAGMENT, TYPED, MASKED)))
def test_whatever_the_bytes(data: bytes, function: int) -> None:
    tag = write_tag(symbol("A") + data[:4], 0xC4, data, count=2, service=function & 0xFF)
    for message in (data, connected(data, 1), connected(tag, 1), unconnected(pccc(function, data))):
        for run in cip_written(message, function).runs:
            assert run.values and all(0 <= value < 1 << 32 for value in run.values)
            assert run.table.isascii() and run.table.isprintable() and len(run.table) <= 200


def test_tags_are_read_as_tshark_reads_them(reader: Tshark, tmp_path: Path) -> None:
    sent = [("Dosing", 1.5), ("Dosing", 150.0), ("Level", -2.25)]
    says = [
        Say("client", unconnected(write_tag(symbol(name), 0xCA, struct.pack("<f", number))), SECOND_NS)
        for name, number in sent
    ]
    packets = connection(WIRE, START_NS, (HMI, plc(1)), (50_000, 44_818), says, Random(1), "x")
    path = tmp_path / "cip.pcapng"
    path.write_bytes(pcapng(((one.time_ns, one.data) for one in packets), "tests", "mirror", "tests"))
    lines = reader.read(path, "-Y", "cip.sc == 0x4d", "-T", "fields", "-e", "cip.symbol", "-e", "cip.data")
    told = set()
    for name, data in (line.split("\t") for line in lines.splitlines()):
        (number,) = struct.unpack("<f", bytes.fromhex(data.replace(":", ""))[-4:])
        told.add((name.upper(), number))
    written = replay([str(path)]).ledger.written
    assert {(one.table, number) for one in written for _, _, number in numbers((one,))} == told
    assert len(told) == len(sent)
