"""IP: headers, options, extension headers, and fragments within bounds."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, UDP, IPOption_RR, fragment
from scapy.layers.inet6 import IPv6, IPv6ExtHdrFragment
from scapy.packet import Raw

from otmon.decode import fields
from otmon.decode.fields import IP_ID, PART_BYTES, PARTS, PROTO
from otmon.decode.ip import MAX_EXTENSION_HEADERS, SLOTS, TIMEOUT_NS
from tests.decode.rows import Decoder, Row, decoded
from tests.truth.frames import (
    ATOMIC_FRAGMENT,
    AUTHENTICATION,
    DESTINATION,
    HOP_BY_HOP,
    RAW,
    ROUTING,
    fragments,
    ipv4,
    ipv6,
    udp,
)  # fmt: skip

SIX_ENDS = ("2001:db8::10", "2001:db8::17")
DATA = Random(1).randbytes(700)
FOUR = ipv4("10.0.0.1", "10.0.0.2", 17, udp("10.0.0.1", "10.0.0.2", (1000, 2000), DATA), 77)
SIX = ipv6(*SIX_ENDS, 17, udp(*SIX_ENDS, (1000, 2000), DATA))
BOTH = pytest.mark.parametrize("datagram", [FOUR, SIX], ids=["IPv4", "IPv6"])


def all_of(decode: Decoder, parts: list[bytes], now: int = 0) -> list[Row]:
    return [decode(part, RAW, now=now) for part in parts]


def pieces(datagram: bytes, size: int) -> list[bytes]:
    return [part for part, _, _ in fragments(datagram, size)]


@given(
    st.ip_addresses(v=4), st.ip_addresses(v=4), st.integers(0, 255), st.integers(0, 65_535),
    st.binary(max_size=60), st.integers(0, 9),
)  # fmt: skip
def test_ipv4_is_read_as_scapy_wrote_it(source, destination, proto, ident, data, addresses) -> None:  # type: ignore[no-untyped-def]
    options = [IPOption_RR(routers=["1.2.3.4"] * addresses)] if addresses else []
    packet = IP(src=str(source), dst=str(destination), proto=proto, id=ident, options=options) / Raw(data)
    row = decoded(bytes(packet) + b"padding", RAW)
    if row[fields.TUNNEL]:
        assert row.outer == (str(source), str(destination))
        return
    assert row.addresses == (str(source), str(destination))
    assert (row[PROTO], row[IP_ID]) == (proto, ident)
    if proto not in (6, 17, 47):
        assert row.payload == data


@pytest.mark.parametrize(
    ("change", "counter"),
    [
        ({"version": 5}, "contradictory headers"),
        ({"ihl": 4}, "contradictory headers"),
        ({"len": 19}, "contradictory headers"),
        ({"ihl": 15, "len": 60}, "headers cut by the capture"),
    ],
)
def test_an_ipv4_header_that_lies_is_counted(change: dict[str, int], counter: str) -> None:
    packet = bytes(IP(src="10.0.0.1", dst="10.0.0.2", proto=1, **change))[:20]
    row = decoded(packet.ljust(24, b"\0"), RAW)
    assert row.counted.get(counter) == 1
    assert not row[fields.SPORT]


def test_a_length_of_zero_is_the_whole_frame() -> None:
    packet = bytes(IP(src="10.0.0.1", dst="10.0.0.2", len=0) / UDP(sport=5, dport=6, len=0) / (b"x" * 90))
    row = decoded(packet, RAW)
    assert row.payload == b"x" * 90


@pytest.mark.parametrize("header", [HOP_BY_HOP, DESTINATION, ROUTING, ATOMIC_FRAGMENT, AUTHENTICATION])
def test_each_extension_header_is_passed(header: tuple[int, bytes]) -> None:
    row = decoded(ipv6(*SIX_ENDS, 17, udp(*SIX_ENDS, (1000, 2000), b"data"), (header, header)), RAW)
    assert (row.addresses, row[fields.DPORT], row.payload) == (SIX_ENDS, 2000, b"data")


def test_a_chain_of_extension_headers_has_an_end() -> None:
    longest = ipv6(
        *SIX_ENDS, 17, udp(*SIX_ENDS, (1, 2), b"data"), (DESTINATION,) * (MAX_EXTENSION_HEADERS - 1)
    )
    assert decoded(longest, RAW).payload == b"data"
    endless = ipv6(
        *SIX_ENDS, 17, udp(*SIX_ENDS, (1, 2), b"data"), (DESTINATION,) * (MAX_EXTENSION_HEADERS + 1)
    )
    assert decoded(endless, RAW).counted["contradictory headers"] == 1


@BOTH
@pytest.mark.parametrize("size", [8, 64, 696])
@pytest.mark.parametrize("seed", range(4))
def test_fragments_in_any_order_give_the_datagram(datagram: bytes, size: int, seed: int) -> None:
    parts = pieces(datagram, size)
    Random(seed).shuffle(parts)
    *early, last = all_of(Decoder(), parts)
    assert all(row[fields.FRAGMENT] for row in early)
    assert not last[fields.FRAGMENT]
    assert (last[fields.SPORT], last.payload) == (1000, DATA)
    assert last[PARTS] == len(parts)
    assert last[PART_BYTES] == sum(map(len, parts))
    assert last.counted["datagrams reassembled"] == 1


@BOTH
def test_a_fragment_that_comes_twice_or_otherwise_changes_nothing(datagram: bytes) -> None:
    first, *rest = pieces(datagram, 64)
    forged = first[:-8] + b"\xff" * 8
    decode = Decoder()
    rows = all_of(decode, [first, forged, first, *rest])
    assert rows[-1].payload == DATA
    assert sum(row.counted.get("fragments overlapping", 0) for row in rows) == 2


@BOTH
def test_a_missing_fragment_gives_nothing_and_a_late_one_is_too_late(datagram: bytes) -> None:
    first, *rest = pieces(datagram, 64)
    decode = Decoder()
    assert all(row[fields.FRAGMENT] for row in all_of(decode, rest))
    late = decode(first, RAW, now=TIMEOUT_NS * 2)
    assert late[fields.FRAGMENT]
    assert late.counted["fragments given up"] == len(rest)


def test_reassembly_is_bounded_and_what_gives_way_is_counted() -> None:
    decode = Decoder()
    lost = 0
    for ident in range(3 * SLOTS):
        datagram = ipv4("10.0.0.1", "10.0.0.2", 17, udp("10.0.0.1", "10.0.0.2", (1, 2), DATA), ident)
        lost += decode(pieces(datagram, 64)[0], RAW, now=ident).counted.get("fragments given up", 0)
    assert lost == 2 * SLOTS


def test_datagrams_of_several_hosts_are_kept_apart() -> None:
    decode = Decoder()
    datagrams = {}
    for host in range(1, 9):
        name = f"10.0.0.{host}"
        data = bytes([host]) * 300
        datagrams[name] = ipv4(name, "10.0.9.9", 17, udp(name, "10.0.9.9", (1, 2), data), 7), data
    found = {}
    for parts in zip(*(pieces(datagram, 64) for datagram, _ in datagrams.values()), strict=True):
        for row in all_of(decode, list(parts)):
            if not row[fields.FRAGMENT]:
                found[row.addresses[0]] = row.payload
    assert found == {name: data for name, (_, data) in datagrams.items()}


@pytest.mark.parametrize("cut", [1, 8, 20])
def test_a_fragment_that_the_capture_cut_is_no_part_of_a_datagram(cut: int) -> None:
    decode = Decoder()
    first, *rest = pieces(FOUR, 64)
    row = decode(first[:-cut], RAW, wirelen=len(first))
    assert row.counted["headers cut by the capture"] == 1
    assert all(one[fields.FRAGMENT] for one in all_of(decode, rest))


@pytest.mark.parametrize(
    "change",
    [
        {"frag": 8191, "flags": "MF"},
        {"frag": 8191},
        {"frag": 0, "flags": "MF"},
    ],
)
def test_a_fragment_that_cannot_be_is_counted_not_stored(change: dict[str, object]) -> None:
    packet = IP(src="10.0.0.1", dst="10.0.0.2", proto=17, **change) / Raw(b"x" * 101)
    row = decoded(bytes(packet), RAW)
    assert row[fields.FRAGMENT]
    assert row.counted["contradictory headers"] == 1


def test_scapys_fragments_are_reassembled() -> None:
    four = IP(src="10.0.0.1", dst="10.0.0.2", id=9) / ICMP() / Raw(DATA)
    rows = all_of(Decoder(), [bytes(part) for part in fragment(four, 128)])
    assert rows[-1].payload.endswith(DATA)
    first = (
        IPv6(src=SIX_ENDS[0], dst=SIX_ENDS[1])
        / IPv6ExtHdrFragment(nh=17, m=1, offset=0, id=4)
        / Raw(udp(*SIX_ENDS, (1000, 2000), b"y" * 16)[:16])
    )
    last = (
        IPv6(src=SIX_ENDS[0], dst=SIX_ENDS[1])
        / IPv6ExtHdrFragment(nh=17, m=0, offset=2, id=4)
        / Raw(udp(*SIX_ENDS, (1000, 2000), b"y" * 16)[16:])
    )
    assert all_of(Decoder(), [bytes(first), bytes(last)])[-1].payload == b"y" * 16


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 60), st.booleans()), max_size=40), st.randoms())
def test_any_fragments_stay_within_their_datagram(parts: list[tuple[int, int, bool]], random: Random) -> None:
    decode = Decoder()
    for number, (offset, size, more) in enumerate(parts):
        packet = IP(src="10.0.0.1", dst="10.0.0.2", proto=17, id=random.randrange(2), frag=offset,
                    flags="MF" if more else 0) / Raw(random.randbytes(size))  # fmt: skip
        row = decode(bytes(packet), RAW, now=number)
        assert 0 <= row[fields.AT] <= row[fields.END]
