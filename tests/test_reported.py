"""What users of other tools have reported, each as a capture: this program must not have it.

Each test's docstring says where it was reported and what was seen there.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from tests.truth.capture import Capture, Found, block, capture, check, mirrored, packets, read, truth, write
from tests.truth.frames import ETHERNET, LINKS, Link, ethernet, routed
from tests.truth.messages import Message, mbap, read_registers, write_single
from tests.truth.segmentation import polling, some_messages
from tests.truth.talk import (
    CLIENT,
    MASTER_PORT,
    MICROSECOND,
    MILLISECOND,
    SECOND,
    SERVER,
    START_NS,
    Talk,
    cut,
    join,
    whole,
)

LINK = {link.name: link for link in LINKS}


def _found(cap: Capture, folder: Path) -> Found:
    name = "".join(c if c.isalnum() else "-" for c in cap.name)
    return read(write(cap, folder / f"{name}.pcapng"))


def _seen(found: Found) -> list[tuple[int | None, int, int, int | None, int | None]]:
    """Transaction id, function, exception and packets: what a message tells whatever else it holds."""
    return sorted(
        (row.transaction, row.function, row.exception, row.request_packet, row.response_packet)
        for row in found.transactions
    )


def _expected(cap: Capture) -> list[tuple[int | None, int, int, int | None, int | None]]:
    return sorted(
        (row.transaction, row.function, row.exception, row.request_packet, row.response_packet)
        for _, row in truth(cap)
    )


@pytest.mark.parametrize(
    "body", ("", "00", "00000001", "000000000000"), ids=lambda body: f"{len(body) // 2} bytes"
)
@pytest.mark.parametrize("answered", (True, False), ids=("answered", "silent"))
def test_scan_of_function_codes_shows_every_request(body: str, answered: bool, tmp_path: Path) -> None:
    """zeek/zeek#3211: of a scan of the codes 1 to 126 the log had the first five only, and nothing of
    a scan that the server did not answer."""
    one = Talk("one connection")
    many = [Talk(f"connection for {code}", MASTER_PORT + code) for code in range(1, 127)]
    for code, talk in enumerate(many, 1):
        for each in (one, talk):
            number = each.ask(Message(f"code {code}", bytes((code,)) + bytes.fromhex(body), b""))
            each.now += 2 * MILLISECOND
            if answered:
                each.answer(number, 1)
            each.now += 10 * MILLISECOND
    cap = capture("scan of function codes", *(packets(talk, whole(talk)) for talk in (one, *many)))
    found = _found(cap, tmp_path)
    assert _seen(found) == _expected(cap), found.path
    assert {operation.function for operation in found.ledger.operations} == set(range(1, 127))


def test_scan_answered_as_it_pleases(tmp_path: Path) -> None:
    """zeek/zeek#3211, second part: responses of a scan were missing that are no exceptions."""
    talk = Talk("scan")
    for code in range(1, 127):
        talk.poll(Message(f"code {code}", bytes((code, 0, 0, 0, 1)), bytes((code, 2, 0, 1))))
    cap = capture("scan with odd answers", packets(talk, whole(talk)))
    found = _found(cap, tmp_path)
    assert _seen(found) == _expected(cap), found.path


IMPOSSIBLE: dict[str, tuple[bytes, str]] = {
    "a coil of value 1": (struct.pack(">BHH", 5, 10, 1), "value"),
    "no register": (struct.pack(">BHH", 3, 10, 0), "quantity"),
    "126 registers": (struct.pack(">BHH", 3, 10, 126), "quantity"),
    "65535 coils": (struct.pack(">BHH", 1, 0, 65_535), "quantity"),
    "registers above 65535": (struct.pack(">BHH", 3, 65_535, 2), "address-range"),
    "byte count too small": (struct.pack(">BHHB", 16, 10, 2, 2) + bytes(4), "byte-count"),
    "byte count too large": (struct.pack(">BHHB", 16, 10, 2, 200) + bytes(4), "byte-count"),
    "cut short": (struct.pack(">BH", 3, 10), "body-length"),
    "too long": (struct.pack(">BHH", 3, 10, 2) + bytes(9), "body-length"),
    "reference type 7": (bytes((20, 7, 7)) + bytes(6), "reference-type"),
    "MEI type 99": (bytes((43, 99, 0, 0)), "mei-type"),
    "function 0": (bytes((0, 0, 0)), "function"),
    "function 128": (bytes((128, 0, 0)), "function"),
}


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_impossible_value_does_not_silence_the_rest(name: str, tmp_path: Path) -> None:
    """cisagov/icsnpp-modbus#7: after several writes of a coil's impossible value the whole connection
    was no longer logged, the correct messages neither."""
    pdu, reason = IMPOSSIBLE[name]
    talk = Talk(name)
    good = some_messages(12, 5)
    for message in good[:4]:
        talk.poll(message)
    for _ in range(9):
        talk.say(CLIENT, mbap(60_000, 1, pdu))
        talk.now += 2 * MILLISECOND
        talk.say(SERVER, mbap(60_000, 1, bytes((pdu[0] | 0x80, 3))))
        talk.now += 2 * MILLISECOND
    for message in good[4:]:
        talk.poll(message)
    cap = capture(name, packets(talk, whole(talk)))
    found = _found(cap, tmp_path)
    rest = [row for row in found.transactions if row.transaction != 60_000]
    assert sorted(rest, key=lambda row: row.time_ns) == [row for _, row in truth(cap)], found.path
    told = {anomaly.reason: anomaly.times for anomaly in found.ledger.anomalies if anomaly.from_client}
    assert told == {reason: 9}, found.path
    if 0 < pdu[0] < 128:
        bad = [row for row in found.transactions if row.transaction == 60_000]
        assert [(row.function, row.exception) for row in bad] == [(pdu[0], 3)] * 9, found.path


@pytest.mark.parametrize(
    "header",
    (
        struct.pack(">HHHB", 60_000, 7, 6, 1),
        struct.pack(">HHHB", 60_000, 0, 0, 1),
        struct.pack(">HHHB", 60_000, 0, 1, 1),
        struct.pack(">HHHB", 60_000, 0, 255, 1),
        struct.pack(">HHHB", 60_000, 0, 65_535, 1),
        struct.pack(">HHHB", 60_000, 65_535, 65_535, 1),
    ),
    ids=lambda header: header.hex(),
)
def test_impossible_header_does_not_silence_the_rest(header: bytes, tmp_path: Path) -> None:
    """cisagov/icsnpp-modbus#7, for the header: what follows is found, and the header is told."""
    talk = Talk(header.hex())
    good = some_messages(12, 6)
    for message in good[:4]:
        talk.poll(message)
    for _ in range(3):
        talk.say(CLIENT, header + struct.pack(">BHH", 3, 1, 2))
        talk.now += 20 * MILLISECOND
    for message in good[4:]:
        talk.poll(message)
    cap = capture(header.hex(), packets(talk, whole(talk)))
    found = _found(cap, tmp_path)
    rest = [row for row in found.transactions if row.transaction != 60_000]
    assert sorted(rest, key=lambda row: row.time_ns) == [row for _, row in truth(cap)], found.path
    assert {anomaly.reason for anomaly in found.ledger.anomalies} <= {"protocol-id", "length"}
    assert {anomaly.times for anomaly in found.ledger.anomalies} == {3}, found.path


def test_exception_is_counted_once(tmp_path: Path) -> None:
    """zeek/zeek#3984: some exceptions were logged twice, others (of function 13) not at all, and
    function 90 had no name."""
    talk = Talk("exceptions")
    for code in range(1, 127):
        talk.poll(Message(f"code {code}", bytes((code, 0, 0, 0, 1)), b""), exception=1 + code % 4)
    cap = capture("exceptions once", packets(talk, whole(talk)))
    found = _found(cap, tmp_path)
    assert _seen(found) == _expected(cap), found.path
    operations = [o for o in found.ledger.operations if o.service != "Read/Write Multiple Registers"]
    assert {o.times for o in operations} == {1}
    assert {o.function: o.status for o in found.ledger.operations} == {c: 1 + c % 4 for c in range(1, 127)}
    names = {o.function: o.service for o in found.ledger.operations}
    assert "UMAS" in names[90]
    assert all(names.values())


STRANGERS: dict[str, tuple[bytes, bytes]] = {
    "HTTP": (b"GET / HTTP/1.1\r\nHost: plc\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
    "SSH": (b"SSH-2.0-OpenSSH_9.2\r\n", b"SSH-2.0-dropbear_2022.83\r\n"),
    "TLS": (
        bytes.fromhex("160301004a010000460303")
        + bytes(range(32))
        + bytes.fromhex("00000600ff130113020100001700"),
        bytes.fromhex("15030100020228"),
    ),
    "telnet": (bytes.fromhex("fffd03fffb18fffb1f"), bytes.fromhex("fffb01fffd18") + b"login: "),
    "S7comm": (
        bytes.fromhex("0300001611e00000000100c1020100c2020102c0010a"),
        bytes.fromhex("0300001611d00001000100"),
    ),
    "a length before text": (struct.pack(">I", 12) + b"hello, world", struct.pack(">I", 2) + b"ok"),
    "a wrong protocol id": (mbap(1, 1, b"\x03\0\0\0\1", 0x1234), mbap(1, 1, b"\x03\2\0\0", 0x1234)),
    "a wrong length": (mbap(1, 1, b"\x03\0\0\0\1", 0, 0x4000), mbap(1, 1, b"\x03\2\0\0", 0, 0x4000)),
    "zeros": (bytes(64), bytes(64)),
    "random": (Random(1).randbytes(400), Random(2).randbytes(400)),
}


@pytest.mark.parametrize("name", STRANGERS)
def test_something_else_on_the_port_is_not_modbus(name: str, tmp_path: Path) -> None:
    """zeek/zeek#3962: whatever came over port 502 in both directions was called Modbus, with odd
    functions, though its protocol identifier and length were none of Modbus's."""
    talk = Talk(name)
    for _ in range(6):
        for sender, payload in enumerate(STRANGERS[name]):
            talk.say(sender, payload)
            talk.now += MILLISECOND
    found = _found(capture(name, packets(talk, whole(talk))), tmp_path)
    assert found.transactions == [], found.path
    assert [c.protocol for c in found.ledger.conversations if c.protocol == "modbus"] == [], found.path
    assert not [a for a in found.ledger.anomalies if a.protocol == "modbus"], found.path


def test_modbus_among_strangers_is_still_found(corpus: Path, tmp_path: Path) -> None:
    """zeek/zeek#3962, in the capture that came of it: connections of both kinds on port 502."""
    path = corpus / "zeek+zeek/testing/btest/Traces/modbus/modbus-and-non-modbus-p502.pcap"
    copy = tmp_path / path.name
    copy.write_bytes(path.read_bytes())
    found = read(copy)
    spoken = {(c.client, c.protocol) for c in found.ledger.conversations if c.port == 502}
    assert len([c for c in found.ledger.conversations if c.port == 502 and c.protocol == "modbus"]) == 1, (
        spoken
    )
    assert len(found.transactions) == 6


def test_several_messages_in_a_segment(tmp_path: Path) -> None:
    """secdev/scapy#4096: the first of two responses of function 4 in a segment took the second's bytes
    for its registers. ntop/ntopng#8410: "bytes leftover" for each segment of several messages, or of
    parts of them, and what they held was lost."""
    talk = Talk("responses in one segment")
    for again in range(5):
        random = Random(again)
        numbers = [talk.ask(read_registers(4, 100 * i, 99, random), unit=i) for i in range(3)]
        talk.now += 5 * MILLISECOND
        for number in numbers:
            talk.answer(number)
        talk.now += SECOND
    segments = [p for s in join(talk.segments) for p in cut(s, (460,) if s.end - s.start > 460 else ())]
    check(capture("several messages in a segment", packets(talk, whole(talk, segments))), tmp_path)


@pytest.mark.parametrize("port", (502, 1502, 20_000, 50_502))
@pytest.mark.parametrize("skipped", range(4))
def test_roles_are_right_from_the_middle(port: int, skipped: int, tmp_path: Path) -> None:
    """OISF/suricata#2317: a connection of which the first packet seen was a response had client and
    server the other way round, and nothing of it was understood."""
    made = []
    for number in range(6):
        talk = Talk(f"from the middle {number}", 30_000 + number)
        talk.server_port = port
        for _ in range(5):
            talk.poll(read_registers(3, 10, 8, Random(number)))
        made.append(packets(talk, talk.segments[skipped:]))
    found = check(capture(f"port {port} without {skipped} segments", *made), tmp_path)
    assert {(c.client, c.server, c.port) for c in found.ledger.conversations} == {
        ("10.0.1.10", "10.0.2.17", port)
    }


@pytest.mark.parametrize(
    ("name", "vlan"),
    (
        ("802.1Q", "30"),
        ("802.1ad", "200.30"),
        ("802.1ad alone", "200"),
        ("QinQ 0x9100", "200.31"),
        ("QinQ 0x8100 twice", "200.32"),
        ("ERSPAN I around 802.1Q", "30"),
        ("ERSPAN II around 802.1Q", "30"),
        ("ERSPAN III around 802.1Q", "30"),
    ),
)
def test_mirrored_trunk_is_read(name: str, vlan: str, tmp_path: Path) -> None:
    """nsacyber/GRASSMARLIN#26: a capture of a trunk, "encapsulation replicate", showed no host.
    zeek/zeek#887: ERSPAN around 802.1Q was an unknown protocol. zeek/zeek#1012: so was a service tag."""
    talk = polling(name, 0, 10)
    found = check(capture(name, packets(talk, whole(talk), LINK[name])), tmp_path)
    (conversation,) = (c for c in found.ledger.conversations if c.protocol == "modbus")
    assert (conversation.client, conversation.server, conversation.vlan) == (talk.client, talk.server, vlan)
    assert {(a.address, a.vlan) for a in found.ledger.assets} >= {(talk.client, vlan), (talk.server, vlan)}


Change = Callable[[Iterable], object]
_OTHER_VLAN = Link("VLAN 31", ETHERNET, ethernet(((0x8100, 31),)), 31)


@pytest.mark.parametrize("what", ("the same", "another VLAN", "behind a router"))
@pytest.mark.parametrize("after", (0, MICROSECOND, 90 * MICROSECOND))
def test_copies_of_a_mirror_count_once(what: str, after: int, tmp_path: Path) -> None:
    """zeek/zeek#2206: mirrors give packets twice, from other VLANs or with another TTL; whoever counts
    them twice sees retransmissions and twice the traffic."""
    talk = polling("mirrored", 0, 20)
    made = packets(talk, whole(talk), LINK["802.1Q"])
    change = {
        "the same": lambda packet: packet,
        "another VLAN": lambda packet: replace(packet, link=_OTHER_VLAN),
        "behind a router": lambda packet: replace(packet, link=_OTHER_VLAN, datagram=routed(packet.datagram)),
    }[what]
    cap = capture(f"copies, {what}, {after} ns", mirrored(made, after, change), duplicates=len(made))
    found = check(cap, tmp_path)
    (conversation,) = found.ledger.conversations
    counted = conversation.packets_to_server + conversation.packets_to_client
    assert counted == len(made)
    assert conversation.bytes_to_server + conversation.bytes_to_client == sum(len(p.frame) for p in made)
    assert found.counter("segments retransmitted") == 0
    assert {operation.vlan for operation in found.ledger.operations} == {"30"}


RESOLUTIONS: tuple[tuple[int | None, int, int], ...] = (
    (None, 10**6, 0),
    (9, 10**9, 0),
    (3, 10**3, 0),
    (6, 10**6, 1_000_000),
    (0x80 | 20, 2**20, 0),
    (0x80 | 30, 2**30, -7_200),
)
"""``if_tsresol``, what it means, and ``if_tsoffset`` in seconds, of an interface each."""


def test_times_of_several_interfaces(tmp_path: Path) -> None:
    """kbandla/dpkt#681: the resolution of the first interface was taken for all."""
    out = bytearray(block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)))
    for resolution, _, offset in RESOLUTIONS:
        options = b"" if resolution is None else struct.pack("<HHBxxx", 9, 1, resolution)
        options += struct.pack("<HHq", 14, 8, offset) if offset else b""
        out += block(1, struct.pack("<HHI", ETHERNET, 0, 0) + (options + bytes(4) if options else b""))
    expected = []
    for number in range(30):
        # Halves and eighths of a second are whole in every resolution here, thousandths in decimal ones.
        talk = Talk(f"poll {number}", MASTER_PORT + number)
        talk.now = START_NS + number * SECOND
        asked = talk.ask(write_single(6, number, number))
        talk.now += SECOND // 8
        talk.answer(asked)
        for way, packet in enumerate(packets(talk, talk.segments)):
            interface = (number + way * (1 + number // 6)) % len(RESOLUTIONS)
            _, units, offset = RESOLUTIONS[interface]
            ticks = (packet.time_ns - offset * SECOND) * units // SECOND
            head = struct.pack("<5I", interface, ticks >> 32, ticks & 0xFFFFFFFF, *(len(packet.frame),) * 2)
            out += block(6, head + packet.frame + bytes(-len(packet.frame) % 4))
        expected.append((START_NS + number * SECOND, SECOND // 8))
    path = tmp_path / "interfaces.pcapng"
    path.write_bytes(out)
    found = read(path)
    assert sorted((row.time_ns, row.response_time_ns) for row in found.transactions) == expected, path
    assert not found.ledger.damage
