"""Sections, interfaces and blocks of every kind: each packet with its time, and damage in its place."""

from __future__ import annotations

import io
import struct
from fractions import Fraction
from pathlib import Path

import dpkt
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scapy.utils import PcapNgWriter, RawPcapNgReader

from otmon.capture.pcapng import INTERFACES, LARGEST, nanoseconds
from otmon.capture.window import READ
from tests.capture.written import (
    ORDERS,
    SECOND,
    T0,
    Damage,
    Delivered,
    Order,
    Packet,
    block,
    enhanced,
    ethernet,
    interface,
    obsolete,
    options,
    pcapng_packets,
    section,
    simple,
)

each_order = pytest.mark.parametrize("order", ORDERS, ids=["little", "big"])
EPB = 32 + 60
"""Bytes of an enhanced packet block around a frame of 60 bytes."""


def head(order: Order = "<") -> bytes:
    return section(order) + interface(order)


def frames(count: int, first: int = 0, order: Order = "<") -> bytes:
    """Enhanced packet blocks one millisecond apart."""
    return b"".join(
        enhanced(ethernet(i), T0 * 1_000_000 + i * 1000, order) for i in range(first, first + count)
    )


def numbers(found: Delivered) -> list[int]:
    return [struct.unpack_from(">I", one, 14)[0] for one in found.data]


@each_order
def test_every_field_of_an_enhanced_packet_is_read(order: Order) -> None:
    data = head(order) + enhanced(b"\x01\x02\x03", T0 * 1_000_000 + 123_456, order, wire=1500)
    found = pcapng_packets(data)
    assert found.packets == [Packet(b"\x01\x02\x03", T0 * SECOND + 123_456_000, 1500, 1)]
    assert found.offsets == [len(head(order)) + 28]
    assert found.damage == []


@each_order
def test_an_obsolete_packet_has_a_short_interface_number_and_a_drop_count(order: Order) -> None:
    data = section(order) + interface(order, link=1) + interface(order, link=147)
    data += obsolete(b"abcde", T0 * 1_000_000 + 5, order, interface_id=1, drops=0xFFFF)
    found = pcapng_packets(data)
    assert found.packets == [Packet(b"abcde", T0 * SECOND + 5000, 5, 147)]


@each_order
@pytest.mark.parametrize(
    ("snap", "size", "wire", "captured"),
    [
        (0, 61, 61, 61),
        (0, 61, 60, 60),
        (96, 96, 1500, 96),
        (94, 94, 1500, 94),
        (94, 94, 93, 93),
        (7, 8, 9, 7),
    ],
)
def test_a_simple_packet_ends_with_the_snap_length_or_the_wire_length(
    order: Order, snap: int, size: int, wire: int, captured: int
) -> None:
    data = section(order) + interface(order, snap=snap) + simple(bytes(range(size)), order, wire=wire)
    (packet,) = pcapng_packets(data).packets
    assert packet.data == bytes(range(captured))
    assert packet.wirelen == wire


def test_a_simple_packet_has_the_time_of_the_one_in_front_of_it() -> None:
    data = head() + frames(1) + simple(b"x") + frames(1, 1)
    found = pcapng_packets(data)
    assert [packet.time_ns - T0 * SECOND for packet in found.packets] == [0, 0, 1_000_000]


def test_a_simple_packet_at_the_front_is_no_clock_jump() -> None:
    found = pcapng_packets(head() + simple(b"x") + frames(2))
    assert len(found.packets) == 3
    assert found.damage == []


def test_each_interface_has_its_link_type_and_its_clock() -> None:
    data = section() + interface(link=1) + interface(link=101, tsresol=9) + interface(link=0, tsresol=3)
    data += enhanced(b"a", T0 * 1_000_000 + 1, interface_id=0)
    data += enhanced(b"b", T0 * SECOND + 1234, interface_id=1)
    data += enhanced(b"c", T0 * 1000 + 5, interface_id=2)
    found = pcapng_packets(data)
    assert [(p.linktype, p.time_ns - T0 * SECOND) for p in found.packets] == [
        (1, 1000),
        (101, 1234),
        (0, 5_000_000),
    ]


@each_order
def test_each_packet_tells_the_name_of_its_interface(order: Order) -> None:
    device, wide = b"\\Device\\NPF_{1B-2}", b"Ethernet 2"
    named = [
        ((2, b"eth1"), (3, b"to line 1")),
        ((2, device), (3, wide)),
        (),
        ((3, b"tap\0\0"),),
        ((2, device),),
    ]
    head = section(order) + b"".join(interface(order, more=more) for more in named)
    data = b"".join(enhanced(ethernet(i), order=order, interface_id=i) for i in range(5))
    again = section(order) + interface(order, more=((2, b"eth9"),)) + interface(order, more=((2, b"eth1"),))
    data += obsolete(ethernet(5), order=order, interface_id=1) + simple(ethernet(6), order) + again
    data += simple(ethernet(7), order) + enhanced(ethernet(8), order=order, interface_id=1)
    found = pcapng_packets(head + data, [400])
    assert found.damage == []
    assert found.interfaces == [b"eth1", wide, b"", b"tap", device, wide, b"eth1", b"eth9", b"eth1"]


@each_order
def test_what_an_interface_sent_did_not_come_in_by_it(order: Order) -> None:
    def flagged(bits: int, *before: tuple[int, bytes]) -> bytes:
        return options(*before, (2, struct.pack(f"{order}I", bits)), order=order)

    tails = [
        flagged(1), flagged(2), flagged(0x1F2), flagged(0), flagged(2, (1, b"abcde")), flagged(2)[:-4],
        options((0, b""), order=order) + flagged(2), options((2, b"\2\0"), order=order) + bytes(4),
        struct.pack(f"{order}HHI", 2, 400, 2), struct.pack(f"{order}HHI", 9, 65535, 2), flagged(3), b"\2\0\2",
    ]  # fmt: skip
    head = section(order) + interface(order, more=((2, b"eth1"),))
    for size in (0, 61):
        blocks = b"".join(enhanced(bytes(size), order=order, more=tail) for tail in tails)
        found = pcapng_packets(head + blocks)
        sent = [number for number, name in enumerate(found.interfaces) if not name]
        assert sent == [1, 2, 4, 5] and len(found.packets) == len(tails)


def test_names_beyond_the_number_that_is_followed_are_none() -> None:
    sections = b"".join(
        section() + interface(more=((2, b"if%d" % number),)) + simple(b"x")
        for number in range(INTERFACES + 2)
    )
    found = pcapng_packets(sections)
    assert found.interfaces[:2] == [b"if0", b"if1"]
    assert found.interfaces[INTERFACES - 1 :] == [b"if%d" % (INTERFACES - 1), b"", b""]


def test_an_interface_described_between_packets_counts_from_there() -> None:
    data = head() + frames(1) + interface(link=101) + enhanced(ethernet(1), interface_id=1)
    assert [packet.linktype for packet in pcapng_packets(data).packets] == [1, 101]


@each_order
@pytest.mark.parametrize("tsresol", [0, 1, 3, 6, 9, 10, 12, 128, 129, 138, 150, 158, 160, 161])
@pytest.mark.parametrize("offset", [None, 0, 3600, -3600, 1_000_000_000])
def test_times_of_any_resolution_and_offset_are_exact(order: Order, tsresol: int, offset: int | None) -> None:
    per_second = 2 ** (tsresol - 128) if tsresol >= 128 else 10**tsresol
    ticks = (T0 // 1000) * per_second + per_second * 7 // 9
    data = section(order) + interface(order, tsresol=tsresol, tsoffset=offset) + enhanced(b"x", ticks, order)
    found = pcapng_packets(data)
    expected = int(Fraction(ticks, per_second) * SECOND) + (offset or 0) * SECOND
    assert [packet.time_ns for packet in found.packets] == [expected]


@given(
    ticks=st.integers(0, (1 << 64) - 1)
    | st.builds(lambda n, m: n << m & (1 << 64) - 1, st.integers(0, 1 << 40), st.integers(0, 40)),
    tsresol=st.integers(0, 255),
    offset=st.integers(-2_000_000_000, 2_000_000_000),
)
@example(ticks=(1 << 63) - 1, tsresol=191, offset=0)
@example(ticks=9_000_000_000, tsresol=0, offset=1)
def test_a_time_is_exact_or_none(ticks: int, tsresol: int, offset: int) -> None:
    found = nanoseconds(ticks >> 32, ticks & 0xFFFFFFFF, tsresol, offset * SECOND)
    per_second = 2 ** (tsresol - 128) if tsresol >= 128 else 10**tsresol
    exact = ticks * SECOND // per_second + offset * SECOND
    if found == -1:
        # What no clock of this century gives.
        assert (
            exact < 0
            or exact >= 9 * 10**18
            or ticks >= 1 << 63
            or tsresol > 191
            or 27 < tsresol < 128
            or (exact - offset * SECOND >= 9 * 10**18)
        )
    else:
        assert found == exact


@each_order
def test_options_of_any_kind_are_passed_over(order: Order) -> None:
    unknown = ((2, b"eth0"), (0x8BAD, b"12345"), (9, b""), (9, b"\x09\x09"), (14, b"short"))
    data = section(order, options((4, b"somebody"), order=order))
    data += interface(order, more=unknown, tsresol=9)
    comment = options((1, b"a comment"), (2988, b"\x01" * 7), order=order)
    data += enhanced(b"abcde", T0 * SECOND + 7, order, more=comment)
    found = pcapng_packets(data)
    assert found.packets == [Packet(b"abcde", T0 * SECOND + 7, 5, 1)]
    assert found.damage == []


@each_order
@pytest.mark.parametrize(
    "cut", [struct.pack("<HH", 9, 200), b"\x09", b"\x00\x00\x00\x00\x09\x00\x01\x00\x09"]
)
def test_options_that_are_cut_or_behind_the_end_mark_do_not_count(order: Order, cut: bytes) -> None:
    described = block(1, struct.pack(f"{order}HHI", 1, 0, 0) + cut, order)
    found = pcapng_packets(section(order) + described + enhanced(b"x", T0 * 1_000_000, order))
    assert [packet.time_ns for packet in found.packets] == [T0 * SECOND]


@each_order
def test_blocks_without_packets_are_passed_over(order: Order) -> None:
    between = [block(kind, bytes(range(20)), order) for kind in (4, 5, 10, 0xBAD, 0x40000BAD, 0x80000001)]
    data = head(order)
    for i, one in enumerate(between):
        data += one + frames(1, i, order) + block(0xBAD, b"", order)
    found = pcapng_packets(data)
    assert numbers(found) == list(range(len(between)))
    assert found.damage == []


def statistics(interface: int, order: Order, *more: tuple[int, bytes]) -> bytes:
    return block(5, struct.pack(f"{order}III", interface, 0, 0) + options(*more, order=order), order)


@each_order
def test_packets_that_were_dropped_are_told_once(order: Order) -> None:
    def number(value: int) -> bytes:
        return struct.pack(f"{order}Q", value)

    data = head(order) + frames(1, 0, order)
    places = [len(data)]
    data += statistics(0, order, (4, number(900)), (5, number(7)), (7, number(3))) + frames(1, 1, order)
    data += statistics(0, order, (5, number(7)), (7, number(3)))
    # Nobody knew; no such interface; too short; not a number of eight bytes.
    data += statistics(0, order, (5, number(2**64 - 1))) + statistics(1, order, (5, number(5)))
    data += block(5, b"\0" * 8, order) + statistics(0, order, (5, b"\x01"))
    places.append(len(data))
    data += statistics(0, order, (5, number(2**63 - 1))) + frames(1, 2, order)
    found = pcapng_packets(data)
    assert numbers(found) == [0, 1, 2]
    assert found.damage == [
        Damage("dropped-packets", places[0], 10), Damage("dropped-packets", places[1], (1 << 48) - 10),
    ]  # fmt: skip


@pytest.mark.parametrize("size", [LARGEST - 12, LARGEST - 8, LARGEST, 3 * READ])
def test_a_block_larger_than_the_buffer_is_passed_over(size: int) -> None:
    found = pcapng_packets(head() + frames(2) + block(10, bytes(size)) + frames(2, 2))
    assert numbers(found) == [0, 1, 2, 3]
    assert found.damage == []


def test_a_cut_block_larger_than_the_buffer_is_told_once() -> None:
    data = head() + frames(2) + block(10, bytes(3 * READ))
    found = pcapng_packets(data[:-100])
    assert numbers(found) == [0, 1]
    assert found.damage == [Damage("cut-record", len(head()) + 2 * EPB)]
    assert found.details == [f"a block of {3 * READ + 12} bytes, {3 * READ - 88} are there"]


@pytest.mark.parametrize("orders", ["<<", "<>", "><", "><><"])
def test_each_section_has_its_byte_order_and_its_interfaces(orders: str) -> None:
    data, links = b"", []
    for i, order in enumerate(orders):
        assert order in ORDERS
        data += section(order) + interface(order, link=100 + i, tsresol=9) + interface(order, link=200 + i)
        data += enhanced(ethernet(2 * i), T0 * SECOND, order, interface_id=0)
        data += enhanced(ethernet(2 * i + 1), T0 * 1_000_000, order, interface_id=1)
        links += [100 + i, 200 + i]
    found = pcapng_packets(data)
    assert [packet.linktype for packet in found.packets] == links
    assert {packet.time_ns for packet in found.packets} == {T0 * SECOND}
    assert found.damage == []


def test_interfaces_of_a_section_end_with_it() -> None:
    data = head() + interface() + section() + interface() + enhanced(b"x", interface_id=1)
    found = pcapng_packets(data)
    assert found.packets == []
    assert [one.kind for one in found.damage] == ["bad-block"]


def test_interfaces_beyond_the_number_that_is_followed_are_told() -> None:
    data = section() + interface() * (INTERFACES + 1)
    last = enhanced(ethernet(1), interface_id=INTERFACES - 1)
    found = pcapng_packets(data + last + enhanced(ethernet(2), interface_id=INTERFACES))
    assert numbers(found) == [1]
    assert found.damage == [
        Damage("too-many-interfaces", 28 + 20 * INTERFACES),
        Damage("bad-block", len(data + last)),
    ]


@each_order
def test_dpkt_and_scapy_read_the_same(order: Order) -> None:
    data = section(order) + interface(order, tsresol=9, link=1)
    data += b"".join(enhanced(ethernet(i), (T0 + i) * SECOND + 500_000_000, order) for i in range(20))
    found = pcapng_packets(data)
    scapy = [one for one, _ in RawPcapNgReader(io.BytesIO(data))]
    other = [(ts, bytes(frame)) for ts, frame in dpkt.pcapng.Reader(io.BytesIO(data))]
    assert found.data == scapy == [frame for _, frame in other]
    assert [packet.time_ns for packet in found.packets] == [int(ts * SECOND) for ts, _ in other]


def test_what_dpkt_and_scapy_write_is_read(tmp_path: Path) -> None:
    for_dpkt = io.BytesIO()
    dpkt.pcapng.Writer(for_dpkt).writepkts([(T0 + i, ethernet(i)) for i in range(5)])
    with PcapNgWriter(str(tmp_path / "scapy.pcapng")) as scapy:
        scapy.linktype = 1
        for i in range(5):
            scapy.write_header(ethernet(i))
            scapy.write_packet(ethernet(i), sec=T0 + i, usec=0)
    for data in (for_dpkt.getvalue(), (tmp_path / "scapy.pcapng").read_bytes()):
        found = pcapng_packets(data)
        assert [(p.data, p.time_ns) for p in found.packets] == [
            (ethernet(i), (T0 + i) * SECOND) for i in range(5)
        ]
        assert found.damage == []


blocks = st.lists(
    st.builds(
        lambda kind, data, micros: (kind, Packet(data, T0 * SECOND + micros * 1000, len(data), 1)),
        st.sampled_from(["enhanced", "obsolete", "unknown"]),
        st.binary(max_size=70),
        st.integers(0, 30_000_000 * 1_000_000),
    ),
    max_size=30,
)


def written(chosen: list[tuple[str, Packet]], order: Order) -> bytes:
    out = b""
    for kind, packet in chosen:
        ticks = packet.time_ns // 1000
        if kind == "enhanced":
            out += enhanced(packet.data, ticks, order, more=options((1, b"note"), order=order))
        elif kind == "obsolete":
            out += obsolete(packet.data, ticks, order)
        else:
            out += block(0xBAD, packet.data, order)
    return out


@given(chosen=blocks, order=st.sampled_from(ORDERS), cut=st.integers(0, 300), reads=st.integers(0, 2))
def test_any_packets_are_read_as_they_were_written_wherever_the_buffer_ends(
    chosen: list[tuple[str, Packet]], order: Order, cut: int, reads: int
) -> None:
    first = head(order)
    if reads:
        first += block(0xBAD, bytes(reads * READ - len(first) - 12 - cut * 4), order)
    found = pcapng_packets(first + written(chosen, order))
    assert found.packets == [packet for kind, packet in chosen if kind != "unknown"]
    assert {one.kind for one in found.damage} <= {"clock-backwards"}


@given(sizes=st.lists(st.integers(1, 40), min_size=1, max_size=8))
def test_it_does_not_matter_in_what_pieces_a_pipe_gives_the_bytes(sizes: list[int]) -> None:
    data = head() + frames(6) + head(">") + frames(6, 6, ">")
    damaged = data[:300] + b"\xff" * 52 + data[300:-7]
    assert pcapng_packets(data, sizes) == pcapng_packets(data)
    assert pcapng_packets(damaged, sizes) == pcapng_packets(damaged)


@each_order
def test_a_cut_capture_gives_every_whole_block_and_says_where_it_ends(order: Order) -> None:
    data = head(order) + frames(3, 0, order)
    ends = [28, 48] + [48 + EPB * i for i in range(1, 4)]
    for size in range(4, len(data) + 1):
        found = pcapng_packets(data[:size])
        whole = max((end for end in ends if end <= size), default=0)
        assert numbers(found) == list(range(max(0, (whole - 48) // EPB)))
        assert found.damage == ([] if size == whole else [Damage("cut-record", whole)]), size


@each_order
@pytest.mark.parametrize(
    ("size", "said"),
    [(27, "28 bytes, 27"), (12, "28 bytes, 12"), (47, "20 bytes, 19"), (48 + 91, "92 bytes, 91")],
)
def test_a_cut_block_says_how_many_bytes_there_are(order: Order, size: int, said: str) -> None:
    data = head(order) + frames(1, 0, order)
    assert pcapng_packets(data[:size]).details == [f"a block of {said} are there"]


@each_order
@pytest.mark.parametrize("size", [4, 12, 13, 16, 1001])
def test_garbage_between_blocks_costs_no_packet(order: Order, size: int) -> None:
    before = head(order) + frames(3, 0, order)
    found = pcapng_packets(before + b"\xff" * size + frames(3, 3, order))
    assert numbers(found) == [0, 1, 2, 3, 4, 5]
    assert found.damage == [Damage("garbage", len(before))]
    assert found.details == [f"{size} bytes that are no block"]
    assert found.offsets[3] == len(before) + size + 28


@pytest.mark.parametrize("size", [LARGEST + 4, 1 << 20, 0x20202020, 0xFFFFFFFC])
def test_garbage_that_looks_like_a_large_block_does_not_swallow_what_follows(size: int) -> None:
    before = head() + frames(3)
    found = pcapng_packets(before + struct.pack("<II", 0x20202020, size) + b" " * 20 + frames(3, 3))
    assert numbers(found) == [0, 1, 2, 3, 4, 5]
    assert found.damage == [Damage("garbage", len(before))]


@pytest.mark.parametrize("orders", ["<>", "><"])
def test_behind_garbage_a_section_of_the_other_byte_order_is_found(orders: str) -> None:
    first, second = ORDERS if orders == "<>" else ORDERS[::-1]
    before = head(first) + frames(2, 0, first)
    found = pcapng_packets(before + b"\xff" * 33 + head(second) + frames(2, 2, second))
    assert numbers(found) == [0, 1, 2, 3]
    assert found.damage == [Damage("garbage", len(before))]


@pytest.mark.parametrize("size", [100, 20_000, READ, 3 * READ])
@pytest.mark.parametrize("back", [0, 12, 300, 10_000])
def test_garbage_across_the_end_of_a_read_neither_loses_nor_repeats_packets(size: int, back: int) -> None:
    count = (READ - 48 - back) // EPB
    before = head() + frames(count)
    found = pcapng_packets(before + b"\xff" * size + frames(5, count))
    assert numbers(found) == list(range(count + 5))
    assert found.damage == [Damage("garbage", len(before))]


@given(shift=st.integers(0, 150), size=st.integers(12, 200), cut=st.integers(0, 91))
def test_damage_is_the_same_wherever_the_buffer_ends(shift: int, size: int, cut: int) -> None:
    damaged = frames(3) + b"\xff" * size + frames(2, 3) + b"\xff" * size + frames(2, 5)[: 2 * EPB - cut]
    first = head() + block(0xBAD, bytes(READ - 48 - 12 - 4 * shift))
    alone, behind = pcapng_packets(head() + damaged), pcapng_packets(first + damaged)
    assert behind.packets == alone.packets
    moved = len(first) - len(head())
    assert behind.damage == [one._replace(offset=one.offset + moved) for one in alone.damage]


def changed(data: bytes, at: int, value: bytes) -> bytes:
    return data[:at] + value + data[at + len(value) :]


@pytest.mark.parametrize(
    ("at", "value", "kind"),
    [
        (4, struct.pack("<I", 96), "garbage"),  # The length at the front alone.
        (4, struct.pack("<I", 91), "garbage"),  # No multiple of four.
        (4, struct.pack("<I", LARGEST), "garbage"),  # Beyond the end of the capture.
        (4, struct.pack("<I", 0), "garbage"),
        (4, struct.pack("<I", 0xFFFFFFFC), "garbage"),
        (EPB - 4, struct.pack("<I", 88), "garbage"),  # The length at the end alone.
        (8, struct.pack("<I", 1), "bad-block"),  # An interface that nothing describes.
        (20, struct.pack("<I", 61), "bad-block"),  # More bytes than the block has.
        (20, struct.pack("<I", 0xFFFFFFFF), "bad-block"),
        (12, struct.pack("<I", 0x80000000), "bad-block"),  # A time beyond 64 bits of nanoseconds.
    ],
)
def test_a_block_that_contradicts_itself_costs_itself_alone(at: int, value: bytes, kind: str) -> None:
    first = len(head()) + 3 * EPB
    found = pcapng_packets(changed(head() + frames(6), first + at, value))
    assert numbers(found) == [0, 1, 2, 4, 5]
    assert found.damage == [Damage(kind, first)]


def test_packet_blocks_too_short_for_their_fields_are_bad_blocks() -> None:
    bad = block(6, bytes(16)) + block(2, bytes(16)) + block(3, b"")
    before = head() + frames(1)
    found = pcapng_packets(before + bad + frames(1, 1))
    assert numbers(found) == [0, 1]
    assert found.damage == [Damage("bad-block", len(before) + at) for at in (0, 28, 56)]


def test_packets_without_a_described_interface_are_bad_blocks() -> None:
    found = pcapng_packets(section() + frames(1) + simple(b"x") + interface() + frames(1, 1))
    assert numbers(found) == [1]
    assert found.damage == [Damage("bad-block", 28), Damage("bad-block", 28 + EPB)]


def test_a_section_header_that_is_none_is_garbage() -> None:
    before = head() + frames(2)
    broken = changed(section(), 8, b"\xde\xad\xbe\xef")
    found = pcapng_packets(before + broken + frames(2, 2))
    assert numbers(found) == [0, 1, 2, 3]
    assert found.damage == [Damage("garbage", len(before))]


@pytest.mark.parametrize(("seconds", "kind"), [(-5, "clock-backwards"), (400 * 86_400, "clock-forwards")])
def test_a_clock_that_jumps_is_told_and_its_packets_are_kept(seconds: int, kind: str) -> None:
    data = head() + frames(2) + enhanced(ethernet(2), (T0 + seconds) * 1_000_000 + 1000)
    found = pcapng_packets(data)
    assert numbers(found) == [0, 1, 2]
    assert found.damage == [Damage(kind, len(head()) + 2 * EPB)]
    assert found.details == [f"by {abs(seconds):.6f} s"]


@given(
    order=st.sampled_from(ORDERS),
    flips=st.lists(st.tuples(st.integers(0, 2000), st.integers(1, 255)), max_size=6),
    size=st.integers(0, 2000),
)
def test_flipped_and_cut_bytes_never_raise_and_keep_what_is_in_front(
    order: Order, flips: list[tuple[int, int]], size: int
) -> None:
    whole = bytearray(head(order) + frames(12, 0, order))
    first = len(whole)
    for at, mask in flips:
        at = 48 + at % (len(whole) - 48)
        whole[at] ^= mask
        first = min(first, at)
    size = min(len(whole), 48 + size)
    found = pcapng_packets(bytes(whole[:size]))
    untouched = (min(first, size) - 48) // EPB
    assert numbers(Delivered(found.packets[:untouched], [], [], [], [])) == list(range(untouched))
    assert found.offsets == sorted(set(found.offsets))


@given(at=st.integers(0, 5 * EPB), value=st.binary(min_size=1, max_size=200))
def test_bytes_written_over_blocks_cost_no_packet_far_behind(at: int, value: bytes) -> None:
    # So long that the length of a packet block cannot reach beyond the end.
    tail = block(0xBAD, bytes(LARGEST - 12))
    data = changed(head() + frames(8), 48 + at, value) + tail + tail + frames(5, 8)
    assert pcapng_packets(data).data[-5:] == [ethernet(i) for i in range(8, 13)]


@given(data=st.binary(max_size=300), order=st.sampled_from(ORDERS))
def test_any_bytes_behind_a_header_end_the_reading(data: bytes, order: Order) -> None:
    found = pcapng_packets(head(order) + data)
    assert sum(len(one) + 16 for one in found.data) <= len(data)
