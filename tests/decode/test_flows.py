"""The table of flows, and frames that a mirror copied."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otmon.decode import fields
from otmon.decode.flows import (
    CLIENT,
    CLIENT_A,
    CLIENT_B,
    CLOSED,
    COPIES,
    COPIES_FADE,
    DUPLICATE_NS,
    DUPLICATE_WEAK_NS,
    DUPLICATES,
    F_COLUMNS,
    F_ISN,
    F_KEY,
    F_LAST,
    F_STATE,
    F_VLAN,
    FLOWS,
    MASK,
    ROLE,
    ROLE_FIRST,
    ROLE_HANDSHAKE,
    ROLE_PORT,
    ROLE_PROTOCOL,
    ROLE_SHIFT,
    SPOKE_A,
    WAYS,
    begin_flow,
    find_flow,
    fingerprint,
    is_duplicate,
    mix,
    name_flow,
    place_of_print,
    set_client,
    tcp_flags,
)  # fmt: skip
from otmon.kernel import Ints, kernel
from tests.decode.rows import Decoder
from tests.truth.frames import ACK, FIN, RST, SYN, ethernet, ipv4, ipv6, tcp, udp

WORDS = st.integers(0, 2**62)
A, B = ("10.0.1.10", "10.0.2.17")


@kernel
def named(row):  # type: ignore[no-untyped-def]
    """What is put into its caller's body needs a caller; so below."""
    return name_flow(
        row, row[fields.FAMILY], row[fields.SRC_HI], row[fields.DST_HI], row[fields.VLAN]
    )  # fmt: skip


@kernel
def duplicate(buf, row, now, recent):  # type: ignore[no-untyped-def]
    row[fields.PRINT] = fingerprint(buf, row, named(row))
    return is_duplicate(row, now, recent, place_of_print(recent, row[fields.PRINT]))


@kernel
def find(row, flows, tags):  # type: ignore[no-untyped-def]
    return find_flow(row, flows, tags)


@kernel
def flags_of(row, flows, f, direction):  # type: ignore[no-untyped-def]
    tcp_flags(row, flows, f, direction)


@kernel
def again(row, now, recent):  # type: ignore[no-untyped-def]
    return is_duplicate(row, now, recent, place_of_print(recent, row[fields.PRINT]))


def row_of(
    src: int, dst: int, sport: int, dport: int, proto: int = 6, vlan: int = 0, hi: tuple[int, int] = (0, 0)
) -> Ints:
    """The row of a packet, with its flow named."""
    row: Ints = np.zeros(fields.FIELDS, np.int64)
    row[fields.FAMILY], row[fields.PROTO], row[fields.VLAN] = 4, proto, vlan
    row[fields.SRC_HI], row[fields.SRC_LO], row[fields.SPORT] = hi[0], src, sport
    row[fields.DST_HI], row[fields.DST_LO], row[fields.DPORT] = hi[1], dst, dport
    named(row)
    return row


class Table:
    """An empty table of flows."""

    def __init__(self) -> None:
        self.flows = np.zeros((FLOWS, F_COLUMNS), np.int64)
        self.tags = np.zeros(FLOWS, np.int64)

    def see(
        self, src: int, dst: int, sport: int, dport: int, proto: int = 6, vlan: int = 0, now: int = 1
    ) -> int:
        """Row and direction of a packet's flow, which is begun where there is none."""
        row = row_of(src, dst, sport, dport, proto, vlan)
        found = int(find(row, self.flows, self.tags))
        if found < 0:
            found = -1 - found
            begin_flow(row, self.flows, self.tags, found >> 1, now, 1, 0)
        self.flows[found >> 1, F_LAST] = now
        return found


def test_a_copy_is_known_behind_another_packet_of_the_same_place() -> None:
    """Between a packet and its copy a busy mirror brings many: one of them may want its place."""
    recent = np.zeros((DUPLICATES, 4), np.int64)
    row = np.zeros(fields.FIELDS, np.int64)
    row[fields.FAMILY], row[fields.IP_ID] = 4, 1

    def told(number: int, now: int) -> bool:
        row[fields.PRINT] = number << 40 | 77 << 20 | 1 << 7
        return bool(again(row, now, recent))

    assert [told(number, number) for number in (1, 2)] == [False, False]
    assert [told(number, 10) for number in (1, 2)] == [True, True]
    # The older one gives way.
    assert [told(number, 20 + number) for number in (3, 2, 3)] == [False, True, True] and not told(1, 30)


@given(WORDS, WORDS)
def test_a_hash_stays_within_62_bits_and_is_what_is_written(h: int, x: int) -> None:
    expected = ((h ^ x) * 0x1E3779B97F4A7C15) & MASK
    assert mix(h, x) == expected ^ (expected >> 29)


PORT = st.integers(0, 65_535)


@given(WORDS, WORDS, PORT, PORT, st.sampled_from([6, 17]), st.integers(0, 4095), st.tuples(WORDS, WORDS))
def test_both_directions_have_one_name(
    src: int, dst: int, sport: int, dport: int, proto: int, vlan: int, hi: tuple[int, int]
) -> None:
    there = row_of(src, dst, sport, dport, proto, vlan, hi)
    back = row_of(dst, src, dport, sport, proto, vlan, hi[::-1])
    assert (there[fields.KEY], there[fields.TAG]) == (back[fields.KEY], back[fields.TAG])
    assert there[fields.WAY] != back[fields.WAY] or (src, sport, hi[0]) == (dst, dport, hi[1])
    # The tag of a free row is 0.
    assert there[fields.TAG] & 1 == 1
    ends = [(hi[0], src, sport), (hi[1], dst, dport)]
    a, b = ends[:: -1 if there[fields.WAY] else 1]
    assert (a[1], a[0], a[2]) <= (b[1], b[0], b[2])
    assert there[fields.KEY] == proto | a[2] << 16 | b[2] << 32 | 4 << 48


def test_both_directions_are_one_flow() -> None:
    table = Table()
    there, back = table.see(1, 2, 100, 502), table.see(2, 1, 502, 100)
    assert there >> 1 == back >> 1
    assert there & 1 != back & 1


@given(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3), st.integers(0, 3))
def test_flows_that_differ_in_anything_are_two(src: int, dst: int, sport: int, dport: int) -> None:
    table = Table()
    first = table.see(1, 2, 1, 2)
    same = (src, dst, sport, dport) in ((1, 2, 1, 2), (2, 1, 2, 1))
    assert (table.see(src, dst, sport, dport) >> 1 == first >> 1) == same
    assert table.see(1, 2, 1, 2, proto=17) >> 1 != first >> 1


def test_tcp_is_one_flow_whatever_its_tag_and_udp_is_not() -> None:
    table = Table()
    assert table.see(1, 2, 100, 502, vlan=10) >> 1 == table.see(2, 1, 502, 100, vlan=20) >> 1
    assert table.see(1, 2, 100, 502, 17, vlan=10) >> 1 != table.see(1, 2, 100, 502, 17, vlan=20) >> 1


def crowd(table: Table) -> Iterator[tuple[int, int]]:
    """Ports and rows of flows that all want the same set of rows."""
    base = None
    for port in range(65_536):
        for src in range(1, 40):
            found = int(find(row_of(src, 1000, port, 502), table.flows, table.tags))
            row = (-1 - found if found < 0 else found) >> 1
            if base is None:
                base = row // WAYS
            if row // WAYS == base:
                yield src, port


def test_a_full_set_gives_its_longest_idle_row() -> None:
    table = Table()
    members = crowd(table)
    rows = [
        table.see(src, 1000, port, 502, now=now) >> 1
        for now, (src, port) in zip(range(1, 9), members, strict=False)
    ]
    assert len(set(rows)) == WAYS == 8
    table.flows[rows[3], F_LAST] = 0
    src, port = next(members)
    assert -1 - int(find(row_of(src, 1000, port, 502), table.flows, table.tags)) >> 1 == rows[3]


def test_a_new_flow_knows_nothing_of_the_one_before() -> None:
    table = Table()
    f = table.see(1, 2, 100, 502, vlan=7) >> 1
    table.flows[f, F_STATE] = CLOSED | CLIENT_B
    begin_flow(row_of(3, 4, 5, 6, vlan=8), table.flows, table.tags, f, 9, 2, 33)
    assert table.flows[f, F_STATE] == 0
    assert table.flows[f, F_VLAN] == 8
    assert table.flows[f, F_KEY] == 6 | 5 << 16 | 6 << 32 | 4 << 48
    assert table.flows[f, F_ISN : F_ISN + 2].tolist() == [-1, -1]


ROLES = (ROLE_FIRST, ROLE_PORT, ROLE_PROTOCOL, ROLE_HANDSHAKE)


@given(st.lists(st.tuples(st.integers(0, 1), st.sampled_from(ROLES)), min_size=1, max_size=6))
def test_the_surest_word_on_the_client_stays(said: list[tuple[int, int]]) -> None:
    flows = np.zeros((1, F_COLUMNS), np.int64)
    for direction, role in said:
        set_client(flows, 0, direction, role)
    best = max(role for _, role in said)
    first = next(direction for direction, role in said if role == best)
    assert flows[0, F_STATE] & CLIENT == (CLIENT_B if first else CLIENT_A)
    assert (flows[0, F_STATE] & ROLE) >> ROLE_SHIFT == best


@pytest.mark.parametrize(
    ("flags", "client", "closed", "spoke"),
    [
        (SYN, CLIENT_A, False, True),
        (SYN | ACK, CLIENT_B, False, True),
        (ACK, 0, False, True),
        (FIN | ACK, 0, True, True),
        (RST, 0, True, False),
        (SYN | RST, 0, True, False),
    ],
)
def test_flags_tell_client_and_end(flags: int, client: int, closed: bool, spoke: bool) -> None:
    flows = np.zeros((1, F_COLUMNS), np.int64)
    flows[0, F_ISN : F_ISN + 2] = -1
    row = np.zeros(fields.FIELDS, np.int64)
    row[fields.FLAGS], row[fields.SEQ] = flags, 77
    flags_of(row, flows, 0, 0)
    state = flows[0, F_STATE]
    assert state & CLIENT == client
    assert bool(state & CLOSED) == closed
    assert bool(state & SPOKE_A) == spoke
    assert flows[0, F_ISN] == (77 if flags & SYN and not flags & RST else -1)


def seen_before(frames: list[tuple[bytes, int]]) -> list[bool]:
    """For each frame and its time, whether it is taken for a copy."""
    recent: Ints = np.zeros((DUPLICATES, 4), np.int64)
    said = []
    for frame, now in frames:
        buf = np.frombuffer(frame, np.uint8)
        decode = Decoder()
        decode(frame)
        row = decode.row.copy()
        for field in (fields.AT, fields.END, fields.WIRE_END, fields.HEADER):
            row[field] -= 3
        said.append(bool(duplicate(buf, row, now, recent)))
    return said


def frame_of(datagram: bytes, vlan: int = 0) -> bytes:
    return ethernet(((0x8100, vlan),) if vlan else ())(datagram, 0)


def segment(payload: bytes = b"abc", ident: int = 5, seq: int = 1, ends: tuple[str, str] = (A, B)) -> bytes:
    return ipv4(*ends, 6, tcp(*ends, (49_152, 502), (seq, 2), 24, 9, payload), ident)


def test_a_copy_is_known_under_another_tag_too() -> None:
    copies = [(frame_of(segment()), 10), (frame_of(segment()), 20), (frame_of(segment(), 30), 30)]
    assert seen_before(copies) == [False, True, True]


def test_a_copy_that_comes_late_is_none() -> None:
    assert seen_before([(frame_of(segment()), 0), (frame_of(segment()), DUPLICATE_NS + 1)]) == [False, False]
    assert seen_before([(frame_of(segment()), 50), (frame_of(segment()), 49)]) == [False, False]


@pytest.mark.parametrize(
    "other",
    [
        segment(b"abd"), segment(b"abcd"), segment(ident=6), segment(seq=2), segment(ends=(B, A)),
        ipv4(A, B, 6, tcp(A, B, (49_152, 502), (1, 2), 16, 9, b"abc"), 5),
        ipv4(A, B, 6, tcp(A, B, (49_153, 502), (1, 2), 24, 9, b"abc"), 5),
        ipv4(A, B, 17, udp(A, B, (49_152, 502), b"abc"), 5),
    ],
)  # fmt: skip
def test_what_differs_is_no_copy(other: bytes) -> None:
    assert seen_before([(frame_of(segment()), 10), (frame_of(other), 11)]) == [False, False]


def test_two_hosts_that_do_the_same_to_each_other_are_no_copies() -> None:
    mirrored = ipv4(B, A, 6, tcp(B, A, (49_152, 502), (1, 2), 24, 9, b"abc"), 5)
    assert seen_before([(frame_of(segment()), 10), (frame_of(mirrored), 11)]) == [False, False]


def looped(each_ns: int, seconds: float) -> int:
    """How many of equal frames, one every `each_ns`, are taken for packets of their own."""
    count = int(seconds * 1_000_000_000 / each_ns)
    recent: Ints = np.zeros((DUPLICATES, 4), np.int64)
    frame = np.frombuffer(frame_of(segment()), np.uint8)
    decode = Decoder()
    decode(frame_of(segment()))
    row = decode.row.copy()
    for field in (fields.AT, fields.END, fields.WIRE_END, fields.HEADER):
        row[field] -= 3
    return count - sum(bool(duplicate(frame, row, 10 + n * each_ns, recent)) for n in range(count))


def test_what_comes_back_without_end_is_no_copy() -> None:
    """A loop between two switches repeats one frame as fast as it can."""
    for each_ns in (10_000, 100_000, 400_000):
        everything = 1_000_000_000 // each_ns
        assert everything - 140 <= looped(each_ns, 1) < everything


def test_copies_of_as_many_ports_as_a_switch_has_are_copies() -> None:
    burst = [(frame_of(segment()), 10 + n * 1000) for n in range(COPIES + 1)]
    assert seen_before(burst) == [False] + [True] * COPIES
    # The next frame that is equal comes when the first one's copies are forgotten.
    later = 10 + DUPLICATE_NS * (COPIES // COPIES_FADE)
    again = [(frame, later + now) for frame, now in burst]
    assert seen_before(burst + again) == ([False] + [True] * COPIES) * 2
    early = seen_before(burst + [(frame, DUPLICATE_NS + now + 10) for frame, now in burst])
    assert early.count(False) == 2 + COPIES - COPIES_FADE


def test_what_is_sent_in_cycles_and_mirrored_is_counted_once() -> None:
    """160 a second of a stack whose IP ids are all alike, each seen twice."""
    cycle = DUPLICATE_NS + 1_250_000
    frames = [(frame_of(segment()), 10 + n * cycle + late) for n in range(500) for late in (0, 20_000)]
    assert seen_before(frames) == [False, True] * 500


def test_without_an_id_the_content_tells_and_every_second_one_is_a_copy() -> None:
    ends = ("2001:db8::10", "2001:db8::17")
    same = frame_of(ipv6(*ends, 17, udp(*ends, (1, 2), b"abc")))
    swapped = frame_of(ipv6(*ends, 17, udp(*ends, (1, 2), b"a\0b\0")))
    equal_sum = frame_of(ipv6(*ends, 17, udp(*ends, (1, 2), b"b\0a\0")))
    assert seen_before([(swapped, 1), (equal_sum, 2)]) == [False, False]
    assert seen_before([(same, 1), (same, 2), (same, 3), (same, 4)]) == [False, True, False, True]
    assert seen_before([(same, 1), (same, 2 + DUPLICATE_WEAK_NS)]) == [False, False]
