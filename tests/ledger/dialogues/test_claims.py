"""From frames to the facts of what they say about their senders."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from otmon.identity.registry import FIRST_PAYLOADS
from otmon.lab.frames import Host, Packet, Say, connection, udp_packet
from otmon.ledger.copying.messages import (
    SECOND_CLAIMS,
    SECOND_OPENINGS,
    SENDER_CLAIMS,
    SENDER_OPENINGS,
)
from otmon.ledger.dialogues.claims import claims_of, told_by
from otmon.ledger.facts import HOUR_NS, AssetClaim, Evidence
from otmon.ledger.ledger import LIMITS
from tests.identity.claims.messages import CHASSIS, MESSAGES, client_hello, dhcp, tls, tlv
from tests.identity.claims.test_ethernet_ip import ALL, TOLD, answer, in_connection, listing, packed
from tests.identity.talk import Turn, pieces
from tests.ledger.copying.test_messages import CLIENT, SERVER, START_NS, WIRE, talk
from tests.ledger.seen import Seen

QUOTA = "claims behind the quota of a flow"
BUDGET = "claims behind the budget of a second"


def told(found: Seen) -> list[tuple[str, str, str, str, str]]:
    """What payloads say; how connections are opened stands apart (`openings`)."""
    claims = (one for one in found.ledger().claims if one.kind != "tcp-opening")
    return [(one.protocol, one.mac, one.address, one.kind, one.value) for one in claims]


def frame(kind: int, payload: bytes, source: str = "000e8c010203", vlan: int = 0) -> bytes:
    tag = b"" if not vlan else b"\x81\x00" + vlan.to_bytes(2, "big")
    head = bytes.fromhex("0180c200000e" + source) + tag + kind.to_bytes(2, "big")
    return (head + payload).ljust(60, b"\0")


def test_a_claim_has_the_side_that_it_is_about() -> None:
    turns = MESSAGES["dhcp"][0] + MESSAGES["dhcp"][0]
    client, server = ("02:00:00:00:00:01", "0.0.0.0"), ("02:00:00:00:00:02", "10.0.0.1")
    found = list(claims_of(told_by("dhcp", pieces(*turns), client, server, "7"), "a.pcap"))
    assert {(one.mac, one.address, one.vlan) for one in found} == {("00:1a:4b:f6:01:02", "", "7")}
    greets = claims_of(told_by("smtp", pieces(*MESSAGES["smtp"][0]), client, server, ""), "a.pcap")
    assert [(one.mac, one.address) for one in greets] == [server, client]
    assert told_by("tls", pieces(("c", b"x")), client, server, "") == []


def test_what_is_said_again_is_one_fact_of_the_first_packet() -> None:
    said = MESSAGES["dhcp"][0]
    client, server = ("02:00:00:00:00:01", "0.0.0.0"), ("02:00:00:00:00:02", "10.0.0.1")
    flow = told_by("dhcp", pieces(*said, *said), client, server, "7")
    first, *others = claims_of(flow, "a.pcap")
    key = "00:1a:4b:f6:01:02", "", "7", "name", "xp-line1", "dhcp"
    assert first == AssetClaim(*key, 2, 1000, 2000, Evidence(1000, "a.pcap", 1, 100))
    assert [one.times for one in others] == [2] * (len(flow) // 2 - 1)
    # In whatever order flows end, it is the same.
    assert set(claims_of(reversed(flow), "a.pcap")) == {first, *others}


def test_frames_below_ip_are_their_sender_s() -> None:
    lldp, dcp, cdp = (MESSAGES[name][0][0][1] for name in ("lldp", "profinet", "cdp"))
    snap = bytes.fromhex("01000ccccccc000e8c010205") + len(cdp).to_bytes(2, "big") + cdp
    found = Seen().frames(
        [(START_NS, frame(0x88CC, lldp, vlan=7)), (START_NS + 1, frame(0x8892, dcp, "000e8c010204")),
         (START_NS + 2, snap), (START_NS + 3, frame(0x8892, b"\x80\0" + bytes(40)))]
    )  # fmt: skip
    names = [one for one in told(found) if one[3] == "name"]
    assert names == [
        ("lldp", "00:0e:8c:01:02:03", "", "name", "et200sp-line1"),
        ("profinet", "00:0e:8c:01:02:04", "", "name", "et200sp-line1"),
        ("cdp", "00:0e:8c:01:02:05", "", "name", "line1-sw"),
    ]
    assert {one.vlan for one in found.ledger().claims if one.protocol == "lldp"} == {"7"}


def test_hosts_without_an_address_are_told_apart() -> None:
    host, all_hosts = (
        Host("a", "0.0.0.0", "00:00:00:00:00:01"),
        Host("b", "255.255.255.255", "ff:ff:ff:ff:ff:ff"),
    )
    packets = []
    for number in range(3):
        data = dhcp((12, b"plc-%d" % number)).replace(b"\xf6\1\2", b"\xf6\1" + bytes((number,)))
        packets.append(udp_packet(WIRE, START_NS + number, (host, all_hosts), (68, 67), data, number, "x"))
    found = Seen().frames((one.time_ns, one.data) for one in packets)
    assert [(mac[-2:], value) for _, mac, _, _, value in told(found)] == [
        ("00", "plc-0"), ("01", "plc-1"), ("02", "plc-2")
    ]  # fmt: skip


def test_a_connection_is_read_at_its_beginning_and_a_datagram_each_hour() -> None:
    ssh = talk(22, ("s", b"SSH-2.0-x\r\n"), *[("s", b"y" * 40)] * 5)
    found = Seen().frames((one.time_ns, one.data) for one in ssh)
    assert told(found) == [("ssh", SERVER.mac, SERVER.address, "software", "x")]
    assert not {QUOTA, BUDGET} & set(found.counted)
    most = FIRST_PAYLOADS["lldp"]
    lldp = [
        (START_NS + n * 1_000_000_000, frame(0x88CC, CHASSIS + tlv(5, b"sw-%d" % n))) for n in range(most + 3)
    ]
    again = Seen().frames(lldp)
    assert len(told(again)) == most and again.counted[QUOTA] == 3
    again.frames([(START_NS + HOUR_NS, frame(0x88CC, CHASSIS + tlv(5, b"later")))])
    assert ("lldp", "00:0e:8c:01:02:03", "", "name", "later") in told(again)


def test_a_sender_says_the_same_in_many_connections_and_is_read_in_some() -> None:
    found = Seen()
    for number in range(SENDER_CLAIMS + 5):
        spoken = [Say("server", b"SSH-2.0-x%d\r\n" % number, 1_000_000)]
        start = START_NS + number * 1_000_000_000
        packets = connection(WIRE, start, (CLIENT, SERVER), (40_000 + number, 22), spoken, Random(1), "x")
        found.frames((one.time_ns, one.data) for one in packets)
    assert found.counted[QUOTA] == 5
    assert dict(found.ledger().overflow) == {"claims": SENDER_CLAIMS - LIMITS.values}
    later = connection(WIRE, START_NS + HOUR_NS, (CLIENT, SERVER), (50_000, 22), spoken, Random(1), "x")
    found.frames((one.time_ns, one.data) for one in later)
    assert found.counted[QUOTA] == 5


def test_whom_a_client_asks_for_is_read_beyond_what_it_says_of_itself() -> None:
    found = Seen()
    for number in range(SENDER_CLAIMS + 5):
        spoken = [Say("client", tls(client_hello(b"h%d.example" % number)), 1_000_000)]
        spoken += [Say("client", b"\x17\3\3\0\x14" + bytes(20), 1_000_000)] * 6
        start = START_NS + number * 1_000_000_000
        packets = connection(WIRE, start, (CLIENT, SERVER), (40_000 + number, 443), spoken, Random(1), "x")
        found.frames((one.time_ns, one.data) for one in packets)
    ledger = found.ledger()
    asked = [one for one in ledger.claims if one.kind == "called"]
    assert {one.address for one in asked} == {SERVER.address} and {one.times for one in asked} == {1}
    assert len(asked) == LIMITS.values
    assert dict(ledger.overflow) == {"claims": SENDER_CLAIMS + 5 - LIMITS.values}
    # Of what it says behind that only so much is read.
    assert found.counted[QUOTA] > 0


def test_a_flood_of_claims_is_counted_and_hides_no_log_in() -> None:
    flood = [
        (START_NS + n, frame(0x88CC, CHASSIS + tlv(5, b"sw"), f"02{n:010x}"))
        for n in range(SECOND_CLAIMS + 7)
    ]
    found = Seen().frames(flood)
    assert found.counted[BUDGET] == 7
    log_in = talk(21, ("c", b"USER a\r\n"), ("c", b"PASS b\r\n"), ("s", b"230 x\r\n"))
    found.frames((replace(one, time_ns=START_NS + n).time_ns, one.data) for n, one in enumerate(log_in))
    assert [one.account for one in found.ledger().credentials] == ["a"]
    assert len(told(found)) <= SECOND_CLAIMS


def test_what_identifies_is_picked_out_of_a_connection_that_goes_on() -> None:
    read = b"\0\1\0\0\0\6\1\3\0\0\0\1"
    value = b"\0\1\0\0\0\5\1\3\2\0\7"
    identity = MESSAGES["modbus"][0][0][1]
    asked = b"\0\2\0\0\0\5\1\x2b\x0e\1\0"
    answer = b"\0\2\0\0" + (1 + len(identity)).to_bytes(2, "big") + b"\1" + identity
    turns = [("c", read), ("s", value)] * 40
    found = Seen().frames(
        (one.time_ns, one.data) for one in talk(502, *turns, ("c", asked), ("s", answer), *turns)
    )
    said = told(found)
    assert {(kind, text) for _, _, _, kind, text in said} == {
        ("vendor", "Schneider Electric"), ("model", "BMX P34 2020"), ("firmware", "v2.6"),
    }  # fmt: skip
    assert {one[:3] for one in said} == {("modbus", SERVER.mac, SERVER.address)}


def test_the_identity_of_a_controller_whose_status_and_tags_are_polled() -> None:
    """RSLogix asks the identity object for its status, in packets with other objects, several times in a
    second."""
    status = packed(listing(5), b"\x03\x02\x20\x69\x24\0\1\0\x0b\0")
    state = packed(answer(b"\1\0\5\0\0\0\x60\0", 0x83), head=answer(b"", 0x8A))
    value = b"\x4c\x02\x20\x6b\x24\x01\1\0"
    polls: list[Turn] = [("c", in_connection(status)), ("s", in_connection(state))] * 40
    polls += [("c", in_connection(value)), ("s", in_connection(b"\xcc\0\0\0\xc4\0\1\0\0\0"))] * 40
    reads: list[Turn] = [
        ("c", in_connection(packed(ALL))),
        ("s", in_connection(packed(answer(), head=answer(b"", 0x8A)))),
    ]
    found = Seen().frames((one.time_ns, one.data) for one in talk(44818, *polls, *reads, *polls))
    assert sorted(one[3:] for one in told(found)) == sorted(TOLD)
    # Of answers two are kept for each question, as none says what was asked.
    assert found.counted.get(QUOTA, 0) == 0


def opened(
    hops: int, window: int, source: Host = CLIENT, port: int = 40_000, at: int = START_NS
) -> list[Packet]:
    """A connection whose first packet has another time to live and window."""
    packets = connection(WIRE, at, (source, SERVER), (port, 502), [], Random(1), "x")
    first = bytearray(packets[0].data)
    first[22], first[48:50] = hops, window.to_bytes(2, "big")
    return [replace(packets[0], data=bytes(first)), *packets[1:]]


def openings(found: Seen) -> list[AssetClaim]:
    return [one for one in found.ledger().claims if one.kind == "tcp-opening"]


def test_how_a_sender_opens_connections_is_read_where_it_changes() -> None:
    found = Seen()
    for number, hops in enumerate((64, 64, 63, 63, 64)):
        packets = opened(hops, 2048, port=40_000 + number, at=START_NS + number)
        found.frames((one.time_ns, one.data) for one in packets)
    claims = openings(found)
    assert [(one.value[:7], one.times) for one in claims] == [("63:2048", 1), ("64:2048", 2)]
    assert {(one.mac, one.address, one.protocol) for one in claims} == {(CLIENT.mac, CLIENT.address, "tcp")}
    assert claims[1].evidence.packet == 1


def test_openings_of_a_sender_and_of_a_second_are_bounded_and_leave_room_for_claims() -> None:
    found = Seen()
    for number in range(SENDER_OPENINGS + 5):
        packets = opened(64, 1000 + number, port=40_000 + number, at=START_NS + number * 1_000_000_000)
        found.frames((one.time_ns, one.data) for one in packets)
    assert sum(one.times for one in openings(found)) == SENDER_OPENINGS
    flood = Seen()
    for number in range(SECOND_OPENINGS + 9):
        other = Host("x", f"10.1.1.{number}", f"00:01:fc:30:02:{number:02x}")
        flood.frames((START_NS, one.data) for one in opened(64, 2048, other))
    flood.frames([(START_NS, frame(0x88CC, CHASSIS + tlv(5, b"sw")))])
    claims = flood.ledger().claims
    assert sum(one.kind == "tcp-opening" for one in claims) == SECOND_OPENINGS
    assert "sw" in [one.value for one in claims]


def test_hosts_of_the_internet_and_frames_cut_short_tell_nothing_of_it() -> None:
    outside = Host("x", "8.8.8.8", "00:01:fc:30:02:01")
    assert openings(Seen().frames((one.time_ns, one.data) for one in opened(64, 2048, outside))) == []
    whole = opened(64, 2048)[0]
    assert len(openings(Seen().frames([(START_NS, whole.data)]))) == 1
    for size in range(14, 54):
        assert openings(Seen().frames([(START_NS, whole.data[:size])])) == []
