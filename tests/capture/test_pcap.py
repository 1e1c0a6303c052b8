"""The classic format: what was written is read, and damage costs only what it touches."""

from __future__ import annotations

import io
import struct

import dpkt
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scapy.utils import PcapWriter, RawPcapReader

from otmon.capture.pcap import HEADER, LONGEST, RECORD
from otmon.capture.window import FORWARDS_NS, JUMPS, READ, REPORTED
from tests.capture.written import (
    ORDERS,
    SECOND,
    T0,
    Damage,
    Order,
    Packet,
    ethernet,
    pcap,
    pcap_header,
    pcap_packets,
    record,
    row,
)

each_order = pytest.mark.parametrize("order", ORDERS, ids=["little", "big"])

packets = st.lists(
    st.builds(
        lambda data, micros, cut: Packet(data, micros * 1000, len(data) + cut, 1),
        st.binary(max_size=70),
        st.integers(0, ((1 << 32) - 1) * 1_000_000 + 999_999),
        st.integers(0, 1500),
    ),
    max_size=30,
)


def filler(size: int, first: int = 0) -> list[Packet]:
    """Packets whose records fill `size` bytes."""
    assert size >= RECORD
    sizes = [LONGEST + RECORD] * (size // (LONGEST + RECORD))
    rest = size % (LONGEST + RECORD)
    if 0 < rest < RECORD:
        sizes[-1] -= RECORD
        rest += RECORD
    sizes += [rest] if rest else []
    assert sum(sizes) == size
    return [Packet(bytes(one - RECORD), T0 * SECOND, one - RECORD, 1) for i, one in enumerate(sizes, first)]


def without_jumps(damage: list[Damage]) -> list[Damage]:
    return [one for one in damage if not one.kind.startswith("clock")]


@each_order
@pytest.mark.parametrize("nano", [False, True], ids=["micro", "nano"])
def test_every_field_is_read_in_either_byte_order_and_resolution(order: Order, nano: bool) -> None:
    time = T0 * SECOND + (123_456_789 if nano else 123_456_000)
    written = [Packet(b"\x01\x02\x03", time, 1500, 1), Packet(b"", time + SECOND, 0, 1)]
    found = pcap_packets(pcap(written, order, nano=nano))
    assert found.packets == written
    assert found.offsets == [HEADER + RECORD, HEADER + 2 * RECORD + 3]
    assert found.damage == []


@each_order
@pytest.mark.parametrize(
    ("field", "link"), [(1, 1), (101, 101), (147, 147), (0x14000001, 1), (0xF0000071, 113)]
)
def test_the_link_type_is_without_the_length_of_the_checksum(order: Order, field: int, link: int) -> None:
    found = pcap_packets(pcap_header(order, link=field) + record(Packet(b"x"), order))
    assert [packet.linktype for packet in found.packets] == [link]


def test_a_wire_length_below_the_captured_bytes_is_raised_to_them() -> None:
    found = pcap_packets(pcap([Packet(bytes(60), wirelen=10)]))
    assert [packet.wirelen for packet in found.packets] == [60]


def test_a_fraction_of_a_whole_second_is_carried_over() -> None:
    data = pcap_header() + struct.pack("<IIII", T0, 1_000_000, 1, 1) + b"x"
    assert [packet.time_ns for packet in pcap_packets(data).packets] == [(T0 + 1) * SECOND]


def test_times_go_beyond_the_year_2038() -> None:
    data = pcap_header() + struct.pack("<IIII", 0xFFFFFFFF, 999_999, 1, 1) + b"x"
    assert [packet.time_ns for packet in pcap_packets(data).packets] == [0xFFFFFFFF * SECOND + 999_999_000]


@each_order
@pytest.mark.parametrize("nano", [False, True], ids=["micro", "nano"])
def test_dpkt_and_scapy_read_the_same(order: Order, nano: bool) -> None:
    data = pcap(row(20), order, nano=nano)
    found = pcap_packets(data)
    other = [(float(ts), bytes(frame)) for ts, frame in dpkt.pcap.Reader(io.BytesIO(data))]
    assert [frame for _, frame in other] == found.data
    assert [ts for ts, _ in other] == pytest.approx([p.time_ns / SECOND for p in found.packets], abs=1e-6)
    scapy = list(RawPcapReader(io.BytesIO(data)))
    unit = 1 if nano else 1000
    assert [(one, m.sec * SECOND + m.usec * unit, m.wirelen) for one, m in scapy] == [
        packet[:3] for packet in found.packets
    ]


@pytest.mark.parametrize("nano", [False, True], ids=["micro", "nano"])
def test_what_scapy_writes_is_read(nano: bool) -> None:
    file = io.BytesIO()
    writer = PcapWriter(file, linktype=113, nano=nano, sync=True)
    writer.write_header(b"")
    for packet in row(5):
        writer.write_packet(
            packet.data, sec=T0, usec=(packet.time_ns % SECOND) // (1 if nano else 1000), wirelen=200
        )
    assert pcap_packets(file.getvalue()).packets == [
        packet._replace(linktype=113, wirelen=200) for packet in row(5)
    ]


@given(written=packets, order=st.sampled_from(ORDERS), nano=st.booleans())
def test_any_packets_are_read_as_they_were_written(written: list[Packet], order: Order, nano: bool) -> None:
    found = pcap_packets(pcap(written, order, nano=nano))
    assert found.packets == written
    assert without_jumps(found.damage) == []


@given(written=packets.filter(len), cut=st.integers(0, 900), whole=st.integers(0, 3))
@example(written=row(9), cut=0, whole=0)
@example(written=row(9), cut=16, whole=1)
def test_it_does_not_matter_where_the_buffer_ends(written: list[Packet], cut: int, whole: int) -> None:
    # The first read ends somewhere in these packets, as what is in front of them fills it.
    first = filler(READ * (whole + 1) - HEADER - cut)
    found = pcap_packets(pcap([*first, *written], snap=LONGEST))
    assert found.packets == [*first, *written]
    assert without_jumps(found.damage) == []


@given(sizes=st.lists(st.integers(1, 40), min_size=1, max_size=8))
def test_it_does_not_matter_in_what_pieces_a_pipe_gives_the_bytes(sizes: list[int]) -> None:
    data = pcap(row(12))
    damaged = data[:300] + b"\xff" * 50 + data[300:-7]
    assert pcap_packets(data, sizes) == pcap_packets(data)
    assert pcap_packets(damaged, sizes) == pcap_packets(damaged)


@each_order
def test_a_cut_capture_gives_every_whole_record_and_says_where_it_ends(order: Order) -> None:
    written = row(3)
    data = pcap(written, order)
    ends = [HEADER + i * (RECORD + 60) for i in range(4)]
    for size in range(HEADER, len(data) + 1):
        found = pcap_packets(data[:size])
        count = max(i for i, end in enumerate(ends) if end <= size)
        assert found.packets == written[:count]
        assert found.damage == ([] if size in ends else [Damage("cut-record", ends[count])]), size


@each_order
def test_a_cut_record_says_how_many_bytes_there_are(order: Order) -> None:
    data = pcap(row(2), order)
    assert pcap_packets(data[:-20]).details == ["a record of 76 bytes, 56 are there"]
    assert pcap_packets(data[: HEADER + 76 + 5]).details == ["a record of 16 bytes, 5 are there"]


@pytest.mark.parametrize("size", [4, 5, 23])
def test_a_cut_file_header_is_damage_at_the_start(size: int) -> None:
    found = pcap_packets(pcap([])[:size])
    assert found.packets == []
    assert found.damage == [Damage("cut-record", 0)]
    assert found.details == [f"a file header of 24 bytes, {size} are there"]


def test_a_capture_without_packets_is_whole() -> None:
    found = pcap_packets(pcap([]))
    assert (found.packets, found.damage) == ([], [])


@each_order
def test_a_record_beyond_the_snap_length_is_kept_and_told(order: Order) -> None:
    written = [*row(2, size=100), Packet(ethernet(2, 101), T0 * SECOND + 2_000_000, 101), *row(1, 3)]
    found = pcap_packets(pcap(written, order, snap=100))
    assert found.packets == written
    assert found.damage == [Damage("beyond-snap-length", HEADER + 2 * (RECORD + 100))]
    assert found.details == ["101 bytes, the snap length is 100"]


def test_a_snap_length_of_zero_is_no_limit() -> None:
    assert pcap_packets(pcap(row(2), snap=0)).damage == []


def test_the_longest_record_is_read_and_one_byte_more_is_garbage() -> None:
    longest = Packet(bytes(LONGEST), wirelen=LONGEST)
    assert pcap_packets(pcap([longest, *row(3)], snap=LONGEST)).packets == [longest, *row(3)]
    longer = pcap([Packet(b"\xaa" * (LONGEST + 1)), *row(3)], snap=LONGEST)
    found = pcap_packets(longer)
    assert found.packets == row(3)
    assert found.damage == [Damage("garbage", HEADER)]
    assert found.details == [f"{RECORD + LONGEST + 1} bytes that are no record"]


@each_order
@pytest.mark.parametrize("nano", [False, True], ids=["micro", "nano"])
@pytest.mark.parametrize("size", [1, 15, 16, 17, 1000])
def test_garbage_between_records_costs_no_packet(order: Order, nano: bool, size: int) -> None:
    before, after = row(4), row(5, 4)
    head = pcap(before, order, nano=nano)
    records = b"".join(record(packet, order, nano=nano) for packet in after)
    found = pcap_packets(head + b"\xff" * size + records)
    assert found.packets == [*before, *after]
    assert found.damage == [Damage("garbage", len(head))]
    assert found.details == [f"{size} bytes that are no record"]
    assert found.offsets[4] == len(head) + size + RECORD


@pytest.mark.parametrize("count", [1, 2])
def test_behind_garbage_fewer_records_count_when_they_end_the_capture(count: int) -> None:
    head = pcap(row(4))
    last = b"".join(record(packet) for packet in row(count, 4))
    assert pcap_packets(head + b"\xff" * 40 + last).packets == row(4 + count)
    found = pcap_packets(head + b"\xff" * 40 + last + b"\xff")
    assert found.packets == row(4)
    assert found.damage == [Damage("garbage", len(head))]


@pytest.mark.parametrize("size", [100, 20_000, LONGEST, READ, 3 * READ])
@pytest.mark.parametrize("back", [0, 10, 300, 10_000])
def test_garbage_across_the_end_of_a_read_neither_loses_nor_repeats_packets(size: int, back: int) -> None:
    count = (READ - HEADER - back) // (RECORD + 60)
    head = pcap(row(count))
    found = pcap_packets(head + b"\xff" * size + b"".join(record(p) for p in row(20, count)))
    assert found.packets == row(count + 20)
    assert found.damage == [Damage("garbage", len(head))]


@given(shift=st.integers(0, 700), size=st.integers(1, 200), last=st.integers(0, 5))
def test_damage_is_the_same_wherever_the_buffer_ends(shift: int, size: int, last: int) -> None:
    damaged = b"".join(record(p) for p in row(4)) + b"\xff" * size
    damaged += b"".join(record(p) for p in row(last, 4)) + b"\xff" * 30
    damaged += b"".join(record(p) for p in row(4, 4 + last))[:-3]
    first = pcap(filler(READ - HEADER - shift), snap=LONGEST)
    alone = pcap_packets(pcap([]) + damaged)
    behind = pcap_packets(first + damaged)
    skipped = len(behind.packets) - len(alone.packets)
    assert behind.packets[skipped:] == alone.packets
    moved = len(first) - HEADER
    assert behind.damage == [one._replace(offset=one.offset + moved) for one in alone.damage]


def test_several_pieces_of_garbage_are_told_each() -> None:
    data, offsets = pcap([]), []
    for i in range(5):
        data += b"".join(record(packet) for packet in row(4, 4 * i))
        offsets.append(len(data))
        data += b"\xff" * (i + 16)
    found = pcap_packets(data)
    assert found.packets == row(20)
    assert found.damage == [Damage("garbage", at) for at in offsets]


@pytest.mark.parametrize("seconds", [-T0 + 10, -60 * 86_400, 60 * 86_400, 1 << 30])
def test_records_behind_garbage_count_whatever_the_clock_did_in_front_of_it(seconds: int) -> None:
    odd = Packet(ethernet(9), (T0 + seconds) * SECOND, 60)
    found = pcap_packets(pcap([*row(2), odd]) + b"\xff" * 40 + b"".join(record(p) for p in row(4, 3)))
    assert found.packets == [*row(2), odd, *row(4, 3)]
    assert Damage("garbage", HEADER + 3 * (RECORD + 60)) in found.damage


def test_a_register_value_that_repeats_is_no_record() -> None:
    # Four times the same small number is a time, a fraction and two lengths that fit each other.
    garbage = b"\xff" * 16 + struct.pack("<I", 16) * 200 + b"\xff" * 16
    found = pcap_packets(pcap(row(3)) + garbage + b"".join(record(p) for p in row(4, 3)))
    assert found.packets == row(7)


@each_order
@pytest.mark.parametrize("length", [77 * 10, 60_000, LONGEST])
def test_a_length_that_reaches_beyond_the_end_costs_its_record_alone(order: Order, length: int) -> None:
    broken = struct.pack(f"{order}IIII", T0, 2000, length, length) + ethernet(2)
    after = b"".join(record(packet, order) for packet in row(4, 3))
    found = pcap_packets(pcap(row(2), order) + broken + after)
    assert found.packets == [*row(2), *row(4, 3)]
    assert found.damage == [Damage("garbage", HEADER + 2 * (RECORD + 60))]


def test_a_time_fraction_of_more_than_a_second_is_garbage() -> None:
    bad = struct.pack("<IIII", T0, 1_000_001, 4, 4) + b"\xff" * 4
    found = pcap_packets(pcap(row(3)) + bad + b"".join(record(p) for p in row(3, 3)))
    assert found.packets == row(6)
    assert found.damage == [Damage("garbage", HEADER + 3 * (RECORD + 60))]


def at_times(*seconds: float) -> bytes:
    return pcap([Packet(b"x" * 10, T0 * SECOND + round(second * SECOND)) for second in seconds])


@pytest.mark.parametrize(
    ("seconds", "kind"),
    [
        (-1.0, None),
        (-1.000001, "clock-backwards"),
        (-T0, "clock-backwards"),
        (FORWARDS_NS / SECOND, None),
        (FORWARDS_NS / SECOND + 1, "clock-forwards"),
    ],
)
def test_a_clock_that_jumps_is_told_and_its_packets_are_kept(seconds: float, kind: str | None) -> None:
    found = pcap_packets(at_times(0, seconds, seconds + 0.5))
    assert len(found.packets) == 3
    assert found.damage == ([Damage(kind, HEADER + RECORD + 10)] if kind else [])
    assert found.details == ([f"by {abs(seconds):.6f} s"] if kind else [])


def test_clock_jumps_beyond_what_is_listed_are_counted() -> None:
    count = 2 * REPORTED
    found = pcap_packets(at_times(*(-10.0 * i for i in range(count + 1))))
    assert len(found.packets) == count + 1
    listed = [one for one in found.damage if one.offset >= 0]
    assert len(listed) == JUMPS
    assert listed[1] == Damage("clock-backwards", HEADER + 2 * (RECORD + 10))
    assert [one for one in found.damage if one.offset < 0] == [Damage("clock-backwards", -1, count - JUMPS)]


def test_damage_beyond_what_is_listed_is_counted() -> None:
    count = REPORTED + 10
    found = pcap_packets(pcap(row(count), snap=40))
    assert len(found.packets) == count
    assert len(found.damage) == REPORTED + 1
    assert found.damage[-1] == Damage("beyond-snap-length", -1, 10)


@given(
    data=st.data(),
    order=st.sampled_from(ORDERS),
    flips=st.lists(st.tuples(st.integers(0, 1000), st.integers(1, 255)), max_size=6),
)
def test_flipped_and_cut_bytes_never_raise_and_keep_what_is_in_front(
    data: st.DataObject, order: Order, flips: list[tuple[int, int]]
) -> None:
    written = row(12)
    whole = bytearray(pcap(written, order))
    first = len(whole)
    for at, mask in flips:
        at = HEADER + at % (len(whole) - HEADER)
        whole[at] ^= mask
        first = min(first, at)
    size = data.draw(st.integers(HEADER, len(whole)))
    found = pcap_packets(bytes(whole[:size]))
    untouched = (min(first, size) - HEADER) // (RECORD + 60)
    assert found.packets[:untouched] == written[:untouched]
    assert found.offsets == sorted(set(found.offsets))


@given(at=st.integers(0, 5 * (RECORD + 60) - 1), value=st.binary(min_size=1, max_size=200))
@example(at=8, value=b"\xeb")  # It leads into a frame whose bytes look like a record of 1970.
def test_bytes_written_over_records_cost_no_packet_far_behind(at: int, value: bytes) -> None:
    # So long that a length that was written over cannot reach beyond the end.
    size = RECORD + 1000
    count = 5 + (LONGEST * 2) // size
    data = bytearray(pcap(row(count, size=1000)))
    data[HEADER + at : HEADER + at + len(value)] = value
    found = pcap_packets(bytes(data))
    assert found.packets[-5:] == row(count, size=1000)[-5:]


@given(data=st.binary(max_size=300), order=st.sampled_from(ORDERS))
def test_any_bytes_behind_a_header_end_the_reading(data: bytes, order: Order) -> None:
    found = pcap_packets(pcap_header(order) + data)
    assert sum(len(one) + RECORD for one in found.data) <= len(data)
