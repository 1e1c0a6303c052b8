"""Set points of IEC 104, analog outputs of DNP3 and present values of BACnet, as tshark reads them too;
whatever is cut off or wrong."""

from __future__ import annotations

import struct
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otmon.engine import replay
from otmon.lab.frames import SECOND_NS, Say, connection
from otmon.ledger.facts import WrittenValue
from otmon.outputs.pcapng import pcapng
from otmon.protocols.protocol import Run, Written, real_bits
from otmon.protocols.station_writes import BACNET_TABLES, bacnet_written, dnp3_written, iec104_written
from tests.detect.captures import HMI, START_NS, WIRE, plc
from tests.oracle import Tshark
from tests.protocols.test_commands import bacnet, dnp3, dnp3_frame, iec104

NORMALIZED, SCALED, FLOAT, TIMED = 48, 49, 50, 13
SET_POINTS = (
    "ITI+ICS-Security-Tools/pcaps/IEC60870-5-104/090813_diverse.pcap",
    "parsitects+zeek-iec104/testing/Traces/first/iec104.pcap",
)
SERVICES = "cisagov+icsnpp-bacnet/testing/traces/bacnet_services.pcap"
OPERATE, DIRECT, SILENT, SELECT = 4, 5, 6, 3


def set_point(kind: int, *objects: bytes, structure: int = 1, cause: int = 6) -> bytes:
    """A frame with objects in station 3."""
    body = bytes(4) + bytes((kind, structure, cause, 0)) + b"\3\0" + b"".join(objects)
    return bytes((0x68, len(body))) + body


def real(number: float, at: int = 4001, station: int = 3, table: str = "IOA") -> Run:
    return Run(table, at, (real_bits(number),), "real", unit=station)


@pytest.mark.parametrize(
    ("kind", "value", "number"),
    [
        (NORMALIZED, struct.pack("<h", 0x2000), 0.25),
        (NORMALIZED, struct.pack("<h", -0x8000), -1.0),
        (SCALED, struct.pack("<h", -123), -123.0),
        (FLOAT, struct.pack("<f", 3.5), 3.5),
    ],
)
def test_set_points_with_and_without_time(kind: int, value: bytes, number: float) -> None:
    where = (4001).to_bytes(3, "little")
    assert iec104_written(set_point(kind, where, value, b"\0"), kind) == Written((real(number),))
    timed = set_point(kind + TIMED, where, value, b"\0", bytes(7))
    assert iec104_written(timed, kind + TIMED) == Written((real(number),))
    # Selected only, or cancelled.
    assert iec104_written(set_point(kind, where, value, b"\x80"), kind) == Written(())
    assert iec104_written(set_point(kind, where, value, b"\0", cause=8), kind) == Written(())
    for message, function in ((set_point(kind, where, value, b"\0"), kind), (timed, kind + TIMED)):
        for size in range(len(message)):
            assert iec104_written(message[:size], function) == Written((), whole=False)


def test_several_set_points_in_one_frame() -> None:
    objects = [n.to_bytes(3, "little") + struct.pack("<h", n) + b"\0" for n in (7, 9)]
    found = iec104_written(set_point(SCALED, *objects, structure=2), SCALED)
    assert found == Written((real(7, 7), real(9, 9)))
    row = objects[0], struct.pack("<h", 8) + b"\0"
    assert iec104_written(set_point(SCALED, *row, structure=0x82), SCALED) == Written(
        (real(7, 7), real(8, 8))
    )


def test_other_commands_set_no_points() -> None:
    assert iec104_written(iec104(45, 6), 45) == Written(())


ANALOG = [(1, "<i", 70_000), (2, "<h", -5), (3, "<f", 1.5), (4, "<d", 1e300)]


@pytest.mark.parametrize(("variation", "form", "number"), ANALOG)
@pytest.mark.parametrize("function", [OPERATE, DIRECT, SILENT])
def test_analog_outputs(variation: int, form: str, number: float, function: int) -> None:
    value = struct.pack(form, number) + b"\0"
    short = bytes((41, variation)) + b"\x17\1\3" + value
    wide = bytes((41, variation)) + b"\x28\1\0\x2c\1" + value
    for objects, at in ((short, 3), (wide, 300)):
        found = dnp3_written(dnp3(function, 1, more=objects), function)
        assert found == Written((real(number, at, 10, "AO"),))
    assert dnp3_written(dnp3(SELECT, 1, more=short), SELECT) == Written(())


def test_relays_stand_before_and_behind_analog_outputs() -> None:
    relay = b"\x0c\1\x17\1\5" + bytes(11)
    outputs = b"\x29\2\x17\2\3\x07\0\0\4\x08\0\0"
    two = real(7, 3, 10, "AO"), real(8, 4, 10, "AO")
    for objects, runs in ((relay, ()), (relay + outputs, two), (outputs + relay, two)):
        assert dnp3_written(dnp3(DIRECT, 1, more=objects), DIRECT) == Written(runs)
    # By a range from 3 to 4.
    row = b"\x29\2\0\3\4\x07\0\0\x08\0\0"
    assert dnp3_written(dnp3(DIRECT, 1, more=row), DIRECT) == Written(two)


def test_what_of_dnp3_nobody_can_read_is_said() -> None:
    outputs = b"\x29\2\x17\2\3\x07\0\0\4\x08\0\0"
    one = real(7, 3, 10, "AO")
    for objects in (
        b"\x29\x09\x17\1\3",
        b"\x29\2\x5b\1\3",
        b"\x6f\1\x17\1\3",
        outputs[:4],
        b"\x29\2\0\4\3\0",
    ):
        assert not dnp3_written(dnp3(DIRECT, 1, more=objects), DIRECT).whole or objects[3:5] == b"\4\3"
    whole = dnp3(DIRECT, 1, more=outputs)
    for size in range(len(whole)):
        found = dnp3_written(whole[:size], DIRECT)
        assert not found.whole and found.runs in ((), (one,))
    # It goes on in another frame, or a block is damaged.
    first = dnp3_frame(bytes((0x40, 0xC0, DIRECT)) + outputs)
    assert not dnp3_written(first, DIRECT).whole
    assert dnp3_written(whole[:14] + b"\xff" + whole[15:], DIRECT) == Written((), whole=False)


VALUES = [(b"\x44" + struct.pack(">f", 50), 50.0), (b"\x55\x08" + struct.pack(">d", 2.5), 2.5), (b"\x91\1",
1.0),
          (b"\x21\x64", 100.0), (b"\x31\xfb", -5.0), (b"\x11", 1.0), (b"\x10", 0.0)]  # fmt: skip


def written_property(
    kind: int, instance: int, value: bytes, number: bytes = b"\x19\x55", more: bytes = b""
) -> bytes:
    target = (kind << 22 | instance).to_bytes(4, "big")
    return bacnet(b"\0\4\x31\x0f\x0c" + target + number + b"\x3e" + value + b"\x3f" + more)


@pytest.mark.parametrize(("value", "number"), VALUES)
def test_present_values(value: bytes, number: float) -> None:
    for kind, table in BACNET_TABLES.items():
        message = written_property(kind, 7, value, more=b"\x49\x08")
        assert bacnet_written(message, 15) == Written((real(number, 7, -1, table),))
    # Another property, another object, and one behind a router.
    assert bacnet_written(written_property(2, 7, value, b"\x19\x4d"), 15) == Written(())
    assert bacnet_written(written_property(10, 7, value), 15) == Written(())
    routed = bacnet(written_property(2, 7, value)[6:], b"\1\x24\0\3\1\x6c\xff")
    assert bacnet_written(routed, 15) == Written((real(number, 7, 3 << 8 | 0x6C, "AV"),))


def test_a_value_that_is_taken_back_leaves_nobody_knows_what() -> None:
    (run,) = bacnet_written(written_property(2, 7, b"\0"), 15).runs
    assert run.mask == 0


def test_several_properties_at_once() -> None:
    first = b"\x0c\0\x80\0\1\x1e\x09\x4d\x2e\x75\3\0ab\x2f\x09\x55\x2e\x44" + struct.pack(">f", 50)
    first += b"\x2f\x39\x08\x1f"
    second = b"\x0c\0\x40\0\2\x1e\x09\x55\x19\1\x2e\x91\1\x2f\x1f"
    message = bacnet(b"\0\4\x31\x10" + first + second)
    assert bacnet_written(message, 16) == Written((real(50, 1, -1, "AV"), real(1, 2, -1, "AO")))
    for size in range(len(message)):
        found = bacnet_written(message[:size], 16)
        assert not found.whole or size == len(message) - len(second)


@pytest.mark.parametrize(
    "value", [b"\x75\3\0ab", b"\x44\0\0", b"\x91\1\x91\1", b"\x0e\x0f", b"\x75\xff\0\0\0\3abc", b""]
)
def test_what_of_bacnet_nobody_can_read_is_said(value: bytes) -> None:
    assert bacnet_written(written_property(2, 7, value), 15) == Written((), whole=False)
    assert not bacnet_written(bacnet(b"\x10\x0a\x09\1\x19\0\x2e\x2f", b"\1\0"), 0x10A).whole


@given(st.binary(max_size=60))
def test_whatever_the_bytes(data: bytes) -> None:
    frames = [(iec104_written, set_point(kind, data), kind) for kind in (NORMALIZED, FLOAT, FLOAT + TIMED)]
    frames += [(dnp3_written, dnp3(DIRECT, 1, more=one), DIRECT) for one in (data, b"\x29\1\x28" + data)]
    frames += [(bacnet_written, bacnet(b"\0\4\x31" + bytes((n,)) + data), n) for n in (15, 16)]
    frames.append((bacnet_written, written_property(2, 1, data), 15))
    frames += [(iec104_written, data, FLOAT), (dnp3_written, data, DIRECT), (bacnet_written, data, 16)]
    for read, message, function in frames:
        for run in read(message, function).runs:
            assert run.kind == "real" and all(0 <= value < 1 << 32 for value in run.values)


def numbers(written: tuple[WrittenValue, ...]) -> set[tuple[int, int, float]]:
    """Station, address, and each value that is an extreme."""
    return {
        (one.unit, one.address, struct.unpack(">f", extreme.value.to_bytes(4, "big"))[0])
        for one in written
        for extreme in one.extremes
    }


@pytest.mark.parametrize("name", SET_POINTS)
def test_set_points_are_read_as_tshark_reads_them(corpus: Path, reader: Tshark, name: str) -> None:
    wanted = (
        "iec60870_asdu.typeid in {48, 49, 50, 61, 62, 63} && iec60870_asdu.causetx == 6"
        " && iec60870_asdu.qos.se == 0"
    )
    fields = "addr", "ioa", "float", "normval", "scalval"
    shown = [option for field in fields for option in ("-e", f"iec60870_asdu.{field}")]
    told = {}
    for line in reader.read(corpus / name, "-Y", wanted, "-T", "fields", *shown).splitlines():
        station, address, *values = line.split("\t")
        (value,) = filter(None, values)
        told.setdefault((int(station), int(address)), []).append(float(value))
    written = replay([str(corpus / name)]).ledger.written
    found = numbers(written)
    assert {(one.unit, one.address) for one in written} == set(told) != set()
    for (station, address), values in told.items():
        ours = [value for *about, value in found if about == [station, address]]
        assert (min(ours), max(ours)) == pytest.approx((min(values), max(values)), rel=1e-6)


def test_present_values_are_read_as_tshark_reads_them(corpus: Path, reader: Tshark) -> None:
    path = corpus / SERVICES
    wanted = "bacapp.type == 0 && bacapp.confirmed_service == 15 && bacapp.property_identifier == 85"
    fields = [
        f"bacapp.{one}"
        for one in ("objectType", "instance_number", "present_value.real", "present_value.enum_index")
    ]
    shown = [option for field in fields for option in ("-e", field)]
    told = set()
    for line in reader.read(path, "-Y", wanted, "-T", "fields", *shown).splitlines():
        kind, number, *values = line.split("\t")
        told |= {(BACNET_TABLES[int(kind)], int(number), float(value)) for value in values if value}
    written = replay([str(path)]).ledger.written
    found = {(one.table, at, value) for one in written for _, at, value in numbers((one,))}
    assert {one[:2] for one in found} == {one[:2] for one in told}
    assert told - found == set() != told


def test_analog_outputs_are_read_as_tshark_reads_them(reader: Tshark, tmp_path: Path) -> None:
    objects = [b"\x29\3\x17\1" + bytes((n,)) + struct.pack("<f", n / 4) + b"\0" for n in (1, 2, 7)]
    says = [Say("client", dnp3(DIRECT, n, more=one), SECOND_NS) for n, one in enumerate(objects)]
    packets = connection(WIRE, START_NS, (HMI, plc(1)), (50_000, 20_000), says, Random(1), "x")
    path = tmp_path / "dnp3.pcapng"
    path.write_bytes(pcapng(((one.time_ns, one.data) for one in packets), "tests", "mirror", "tests"))
    fields = ("-e", "dnp3.al.index", "-e", "dnp3.al.anaout.float")
    lines = reader.read(path, "-Y", "dnp3.al.func == 5", "-T", "fields", *fields).splitlines()
    told = {(10, int(index), float(value)) for index, value in (line.split("\t") for line in lines)}
    assert numbers(replay([str(path)]).ledger.written) == told != set()
