"""Link layers: each way of wrapping leads to the same inner packet, whole or cut anywhere."""

from __future__ import annotations

import struct

import pytest
from scapy.layers.l2 import ARP, LLC, SNAP, Dot1Q, Dot3, Ether
from scapy.utils import mac2str

from otmon.decode import fields
from otmon.decode.fields import DST_MAC, FAMILY, PROTO, SENDER_IP, SRC_MAC
from otmon.decode.link import DLT_RAW_BSD, DLT_RAW_OPENBSD, LINKTYPE_PPP
from tests.decode.rows import Decoder, decoded
from tests.truth.frames import (
    ETHERNET,
    IPV4,
    IPV6,
    LINKS,
    LOOP,
    MACS,
    MIRROR,
    NULL,
    RAW,
    SLL,
    SLL2,
    Link,
    ethernet,
    ipv4,
    ipv6,
    tcp,
)  # fmt: skip

PAYLOAD = b"\x00\x01\x00\x00\x00\x06\x01\x03\x00\x00\x00\x0a"
FOUR = ipv4(
    "10.0.1.10", "10.0.2.17", 6, tcp("10.0.1.10", "10.0.2.17", (49_152, 502), (7, 9), 24, 99, PAYLOAD), 5
)
SIX_ENDS = ("2001:db8::10", "2001:db8::17")
SIX = ipv6(*SIX_ENDS, 6, tcp(*SIX_ENDS, (49_152, 502), (7, 9), 24, 99, PAYLOAD))
EACH_LINK = pytest.mark.parametrize("link", LINKS, ids=lambda link: link.name)


@EACH_LINK
@pytest.mark.parametrize("datagram", [FOUR, SIX], ids=["IPv4", "IPv6"])
def test_the_inner_packet_is_found_in_every_link(link: Link, datagram: bytes) -> None:
    row = decoded(link.wrap(datagram, 0), link.linktype)
    assert row.addresses == (("10.0.1.10", "10.0.2.17") if datagram is FOUR else SIX_ENDS)
    assert (row[fields.SPORT], row[fields.DPORT], row[fields.SEQ], row[fields.ACK]) == (49_152, 502, 7, 9)
    assert row.payload == PAYLOAD
    assert row.tags[1] == (link.vlan or 0)
    assert not {"headers cut by the capture", "contradictory headers"} & set(row.counted)
    wrapped_in_ip = {"layer.gre", "layer.vxlan", "layer.tzsp"} & set(row.counted)
    assert bool(row[fields.TUNNEL]) == bool(wrapped_in_ip) == any(row.outer)
    if row.outer[0].startswith("10."):
        assert row.outer == MIRROR


@EACH_LINK
def test_a_frame_cut_anywhere_is_read_as_far_as_it_goes(link: Link) -> None:
    frame = link.wrap(FOUR, 0)
    decode = Decoder()
    for size in range(len(frame)):
        row = decode(frame[:size], link.linktype, len(frame))
        behind = decode(frame[:size], link.linktype, len(frame), filling=0x45)
        assert row.values.tolist() == behind.values.tolist()
        assert row.payload == behind.payload
        assert PAYLOAD.startswith(row.payload) or not row[fields.SPORT] or row[fields.AT] <= size + 3
        assert row[fields.AT] <= row[fields.END] <= size + 3


def test_addresses_of_ethernet_are_kept_beside_those_of_ip() -> None:
    row = decoded(LINKS[0].wrap(FOUR, 0))
    assert row[SRC_MAC] == int.from_bytes(MACS[0], "big")
    assert row[DST_MAC] == int.from_bytes(MACS[1], "big")


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ([10], (0, 10)),
        ([0], (0, 0)),
        ([100, 10], (100, 10)),
        ([4095, 4095], (4095, 4095)),
        ([7, 100, 10], (100, 10)),
    ],
)
def test_a_stack_of_tags_keeps_the_two_innermost(tags: list[int], expected: tuple[int, int]) -> None:
    frame = Ether(src="00:80:f4:00:00:01", dst="00:80:f4:00:00:02")
    for tag in tags:
        frame /= Dot1Q(vlan=tag, prio=5)
    row = decoded(bytes(frame / ARP(psrc="10.1.2.3")))
    assert row.tags == expected
    assert row[PROTO] == 0x0806


@pytest.mark.parametrize(
    ("ethertype", "number"),
    [("PROFINET", 0x8892), ("EtherCAT", 0x88A4), ("GOOSE", 0x88B8), ("SV", 0x88BA), ("POWERLINK", 0x88AB),
     ("CC-Link IE", 0x890F), ("SERCOS III", 0x88CD), ("LLDP", 0x88CC), ("MRP", 0x88E3), ("PTP", 0x88F7)],
)  # fmt: skip
def test_a_protocol_below_ip_is_told_by_its_ethertype(ethertype: str, number: int) -> None:
    frame = bytes(Ether(src="00:80:f4:00:00:01", dst="01:0e:cf:00:00:00", type=number) / (b"\x01" * 50))
    for data in (frame, frame[:12] + b"\x81\x00\x00\x1e" + frame[12:]):
        row = decoded(data)
        assert (row[FAMILY], row[PROTO]) == (2, number), ethertype
        assert row.addresses == ("00:80:f4:00:00:01", "01:0e:cf:00:00:00")


def test_arp_tells_its_senders_address() -> None:
    row = decoded(bytes(Ether() / ARP(op=2, psrc="10.1.2.3", pdst="10.1.2.4")))
    assert row[SENDER_IP] & 0xFFFFFFFF == 0x0A010203
    assert row.counted["layer.arp"] == 1
    probe = decoded(bytes(Ether() / ARP(op=1, psrc="0.0.0.0", pdst="10.1.2.4")))
    assert probe[SENDER_IP] == 0
    strange = decoded(bytes(Ether() / ARP(op=1, hwtype=6, psrc="10.1.2.3")))
    assert strange[SENDER_IP] == 0


def test_a_length_of_802_3_ends_the_packet_before_its_padding() -> None:
    frame = bytes(
        Dot3(dst="01:80:c2:00:00:00", src="00:80:f4:00:00:01") / LLC(dsap=66, ssap=66, ctrl=3) / b"abc"
    )
    row = decoded(frame.ljust(60, b"\xee"))
    assert row.counted["layer.llc"] == 1
    assert b"\xee" not in row.payload


def test_snap_of_another_organisation_is_no_ethertype() -> None:
    frame = bytes(Dot3() / LLC(dsap=0xAA, ssap=0xAA, ctrl=3) / SNAP(OUI=0x00000C, code=0x0800) / FOUR)
    row = decoded(frame)
    assert row[FAMILY] == 2
    assert "layer.ipv4" not in row.counted


@pytest.mark.parametrize("linktype", [RAW, DLT_RAW_BSD, DLT_RAW_OPENBSD, IPV4, IPV6])
def test_raw_ip_is_told_by_its_version(linktype: int) -> None:
    assert decoded(FOUR, linktype).addresses == ("10.0.1.10", "10.0.2.17")
    assert decoded(SIX, linktype).addresses == SIX_ENDS
    assert decoded(b"\x75" + FOUR[1:], linktype).counted["contradictory headers"] == 1


def test_ppp_with_and_without_its_framing() -> None:
    for head in (b"\xff\x03\x00\x21", b"\x00\x21", b"\x21"):
        assert decoded(head + FOUR, LINKTYPE_PPP).payload == PAYLOAD


@pytest.mark.parametrize(("linktype", "size"), [(SLL, 16), (SLL2, 20), (NULL, 4), (LOOP, 4), (ETHERNET, 14)])
def test_a_link_header_that_is_cut_is_counted(linktype: int, size: int) -> None:
    for length in range(size):
        row = decoded(bytes(length), linktype, 60)
        assert row.counted == {"headers cut by the capture": 1}
        assert row[FAMILY] == 0


def test_a_link_type_that_is_not_known_is_counted() -> None:
    assert decoded(FOUR, 105).counted == {"unsupported link type": 1}


def test_too_many_layers_end_the_decoding() -> None:
    frame = mac2str("00:80:f4:00:00:01") * 2 + b"\x81\x00\x00\x01" * 400 + b"\x08\x00" + FOUR
    row = decoded(frame)
    assert row.counted["too many layers"] == 1
    assert "layer.ipv4" not in row.counted


def test_a_stack_of_labels_without_end_is_cut_where_the_frame_ends() -> None:
    frame = MACS[0] + MACS[1] + b"\x88\x47" + struct.pack(">I", 16 << 12) * 300
    assert decoded(frame).counted["headers cut by the capture"] == 1


def test_a_session_of_pppoe_with_a_wrong_version_is_not_opened() -> None:
    frame = bytearray(next(link for link in LINKS if link.name == "PPPoE").wrap(FOUR, 0))
    frame[14] = 0x21
    row = decoded(bytes(frame))
    assert row.counted["contradictory headers"] == 1
    assert "layer.ipv4" not in row.counted


def test_discovery_of_pppoe_is_a_packet_below_ip() -> None:
    frame = ethernet()(FOUR, 0)[:12] + b"\x88\x63" + bytes(40)
    assert decoded(frame).counted["layer.pppoe-discovery"] == 1
