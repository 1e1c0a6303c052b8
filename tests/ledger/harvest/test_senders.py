"""What is counted of each sender, from frames to facts."""

from __future__ import annotations

import struct
from random import Random

import pytest
from scapy.layers.inet import IP
from scapy.layers.l2 import GRE, Ether
from scapy.packet import Raw

from otmon.lab.dialogues import lease
from otmon.lab.frames import (
    MILLISECOND_NS,
    SECOND_NS,
    Host,
    Packet,
    arp,
    connection,
    ethernet,
    icmp_echo,
    ip_packet,
    udp_packet,
    unanswered_syn,
)
from otmon.lab.modbus import READ_HOLDING, read
from otmon.ledger.facts import Asset, Peak
from otmon.ledger.harvest.senders import assets_of, ports_of
from otmon.ledger.ledger import Ledger
from tests.detect.captures import HMI, LAPTOP, START_NS, WIRE, knock, plc
from tests.detect.modbus_polls import poll
from tests.ledger.seen import Seen

ALL = "ff:ff:ff:ff:ff:ff"


def ledger_of(*packets: Packet) -> Ledger:
    in_order = sorted(packets, key=lambda packet: packet.time_ns)
    return Seen().frames([(one.time_ns, one.data) for one in in_order]).finish().ledger()


def sender(ledger: Ledger, host: Host, address: str | None = None) -> Asset:
    wanted = host.address if address is None else address
    (one,) = [one for one in ledger.assets if (one.mac, one.address) == (host.mac, wanted)]
    return one


def peaks(ledger: Ledger, host: Host) -> dict[str, tuple[int, int]]:
    """(packets, seconds after the start) by kind."""
    return {
        one.kind: (one.packets, (one.time_ns - START_NS) // SECOND_NS) for one in sender(ledger, host).peaks
    }


def request(later_ns: int, host: Host, target: str) -> Packet:
    return Packet(START_NS + later_ns, arp(1, host, target), "arp")


def test_arp_says_who_was_asked_for_and_how_often_an_address_was_claimed() -> None:
    ledger = ledger_of(
        *(request(n * MILLISECOND_NS, LAPTOP, f"10.3.0.{n}") for n in (0, 1, 55, 56, 111, 112, 255)),
        request(SECOND_NS, LAPTOP, LAPTOP.address),
        Packet(START_NS + 2 * SECOND_NS, arp(2, LAPTOP, "10.3.0.200", ALL), "reply"),
    )
    one = sender(ledger, LAPTOP)
    assert one.arp == 9
    # Neither what it says of itself nor whom it answers is asked for.
    assert one.arp_asked == sum(1 << n for n in (0, 1, 55, 56, 111, 112, 255))
    assert one.peaks == (Peak("ARP packets", 7, START_NS),)


def test_a_probe_has_no_sender_address() -> None:
    """RFC 5227: who wants an address asks for it as 0.0.0.0."""
    nobody = Host("new", "0.0.0.0", LAPTOP.mac)
    one = sender(ledger_of(request(0, nobody, "10.3.0.77")), nobody, "")
    assert (one.arp, one.arp_asked) == (1, 1 << 77)


@pytest.mark.parametrize("length", range(43))
def test_arp_that_was_cut_asks_for_nobody(length: int) -> None:
    frame = arp(1, LAPTOP, "10.3.0.9")[:length]
    ledger = Seen().frames([(START_NS, frame)]).ledger()
    complete = length >= 42
    assert [one.arp_asked for one in ledger.assets if one.arp_asked] == ([1 << 9] if complete else [])


@pytest.mark.parametrize(("at", "value"), [(14, 1), (16, 0x86), (18, 8), (19, 6), (21, 2), (21, 8)], ids=str)
def test_other_kinds_of_arp_ask_for_nobody(at: int, value: int) -> None:
    """Other hardware, protocol, lengths; replies; inverse ARP."""
    frame = bytearray(arp(1, LAPTOP, "10.3.0.9"))
    assert frame[at] != value
    frame[at] = value
    (one,) = Seen().frames([(START_NS, bytes(frame))]).ledger().assets
    assert (one.arp, one.arp_asked) == (1, 0)


def test_a_peak_is_the_busiest_second_of_the_clock() -> None:
    times = [0, 1, 999, 1000, 1001, 1002, 1999, 5000, 5001, 5002, 5003]
    ledger = ledger_of(*(request(ms * MILLISECOND_NS, LAPTOP, f"10.3.0.{n}") for n, ms in enumerate(times)))
    assert peaks(ledger, LAPTOP) == {"ARP packets": (4, 1)}


def test_each_kind_is_counted_by_itself() -> None:
    random = Random(1)
    packets = [
        *unanswered_syn(WIRE, START_NS, (LAPTOP, plc(1)), (40_000, 80), random, "syn"),
        *knock(START_NS + 50 * MILLISECOND_NS, (LAPTOP, plc(2)), (40_001, 80), "open", random),
        *connection(WIRE, START_NS + SECOND_NS, (LAPTOP, plc(3)), (40_002, 80), [], random, "bare"),
        *(
            udp_packet(WIRE, START_NS + n * MILLISECOND_NS, (LAPTOP, plc(1)), (5, 6), bytes((n,)), n, "udp")
            for n in range(5)
        ),
        *(
            ip_packet(WIRE, START_NS + n * MILLISECOND_NS, (LAPTOP, plc(1)), 1, icmp_echo(8, 1, n), n, "ping")
            for n in range(3)
        ),
        *(
            Packet(START_NS + n, ethernet(ALL, LAPTOP.mac, 0x0800, packet), "broadcast")
            for n, packet in enumerate([bytes(40)])
        ),
        request(0, LAPTOP, "10.3.0.1"),
    ]
    ledger = ledger_of(*packets)
    # The server's part of a handshake is no attempt.
    assert peaks(ledger, LAPTOP) == {
        "ARP packets": (1, 0), "connection attempts": (2, 0), "datagrams": (8, 0)
    }  # fmt: skip
    assert peaks(ledger, plc(2)) == {}


def test_broadcasts_are_frames_to_all() -> None:
    ledger = ledger_of(*lease(WIRE, START_NS, LAPTOP, Random(1), "lease", "laptop"))
    assert {one.kind: one.packets for one in sender(ledger, LAPTOP, "0.0.0.0").peaks} == {"broadcasts": 2}


def test_groups_are_neither_datagrams_nor_broadcasts() -> None:
    goose = ethernet("01:0c:cd:01:00:01", LAPTOP.mac, 0x88B8, bytes(64))
    ledger = ledger_of(*(Packet(START_NS + n * SECOND_NS, goose, "goose") for n in range(5)))
    assert [one.peaks for one in ledger.assets] == [()]


def test_modbus_requests_are_their_clients() -> None:
    requests = [read(READ_HOLDING, n, 1) for n in range(40)]
    ledger = ledger_of(*poll(START_NS, (HMI, plc(1)), requests, wait_ns=45 * MILLISECOND_NS))
    # One each 50 ms, after 1 ms for the handshake.
    assert peaks(ledger, HMI)["Modbus requests"][0] in (19, 20)
    assert "Modbus requests" not in peaks(ledger, plc(1))


def test_rows_without_a_peak_have_none() -> None:
    seen = Seen().frames([(START_NS, ethernet("02:00:00:00:00:02", LAPTOP.mac, 0x88CC, bytes(46)))])
    rows = seen.t.assets[seen.t.assets[:, 4] > 0]
    (one,) = assets_of(rows, "x")
    assert (one.evidence.source, one.peaks, one.arp) == ("x", (), 0)


def mirrored(frame: bytes, switch: str, index: int, session: int = 3) -> bytes:
    """The frame in ERSPAN II, as scapy builds it."""
    head = struct.pack(">HHI", 0x1000, session, index)
    outer = Ether() / IP(src=switch, dst="10.0.0.99") / GRE(proto=0x88BE, seqnum_present=1)
    return bytes(outer / Raw(head + frame))


def knocked(host: Host, port: int) -> bytes:
    """A frame of a host, another one for each port."""
    return unanswered_syn(WIRE, START_NS, (host, plc(1)), (port, 502), Random(port), "syn")[0].data


def ports(ledger: Ledger) -> dict[tuple[str, str], list[tuple[str, int]]]:
    found: dict[tuple[str, str], list[tuple[str, int]]] = {}
    for one in ledger.claims:
        if one.kind == "switch-port":
            found.setdefault((one.mac, one.address), []).append((one.value, one.times))
    return found


def test_the_switch_port_of_a_sender_is_a_claim() -> None:
    syn = knocked(LAPTOP, 40_000)
    again = knocked(LAPTOP, 40_001)
    third = knocked(LAPTOP, 40_002)
    frames = [
        mirrored(syn, "10.0.0.2", 12), mirrored(again, "10.0.0.2", 12), mirrored(third, "10.0.0.2", 12),
        mirrored(knocked(LAPTOP, 40_003), "10.0.0.3", 12),
        mirrored(knocked(HMI, 40_004), "10.0.0.2", 5, 4),
        knocked(HMI, 40_005),
    ]  # fmt: skip
    ledger = (
        Seen().frames([(START_NS + n * SECOND_NS, one) for n, one in enumerate(frames)]).finish().ledger()
    )
    assert ports(ledger) == {
        (LAPTOP.mac, LAPTOP.address): [("erspan:10.0.0.2/3/12", 3), ("erspan:10.0.0.3/3/12", 1)],
        (HMI.mac, HMI.address): [("erspan:10.0.0.2/4/5", 1)],
    }
    first = next(one for one in ledger.claims if one.mac == LAPTOP.mac)
    assert (first.protocol, first.first_ns, first.evidence.packet) == ("erspan", START_NS, 1)
    # However many ports it was seen at, it is one asset.
    assert sender(ledger, LAPTOP).packets == 4


def test_a_flow_that_moves_to_another_port_is_seen_at_both() -> None:
    one = knocked(LAPTOP, 40_000)
    other = bytearray(one)
    other[18:20] = b"\x12\x34"
    frames = [
        (START_NS, mirrored(one, "10.0.0.2", 1)),
        (START_NS + SECOND_NS, mirrored(bytes(other), "10.0.0.2", 2)),
    ]
    ledger = Seen().frames(frames).finish().ledger()
    assert [value for value, _ in ports(ledger)[LAPTOP.mac, LAPTOP.address]] == [
        "erspan:10.0.0.2/3/1", "erspan:10.0.0.2/3/2",
    ]  # fmt: skip


def test_no_port_is_told_where_none_is_known() -> None:
    seen = Seen().frames([(START_NS, ethernet("02:00:00:00:00:02", LAPTOP.mac, 0x88CC, bytes(46)))])
    assert list(ports_of(seen.t.assets, "x")) == []
