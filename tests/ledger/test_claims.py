"""From frames to the facts of what they say about their senders."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np
import pytest

from otmon.identity.registry import FIRST_PAYLOADS
from otmon.lab.frames import Host, Say, connection, udp_packet
from otmon.ledger.claims import Side, claims_of
from otmon.ledger.facts import HOUR_NS, AssetClaim
from otmon.ledger.ledger import LIMITS
from otmon.ledger.messages import SECOND_CLAIMS, SENDER_CLAIMS, identifies, identifies_bacnet
from otmon.protocols.registry import code_of
from tests.identity.claims.messages import MESSAGES, bacnet, dhcp, i_am, tlv
from tests.identity.talk import pieces
from tests.ledger.seen import Seen
from tests.ledger.test_messages import CLIENT, SERVER, START_NS, WIRE, talk

QUOTA = "claims behind the quota of a flow"
BUDGET = "claims behind the budget of a second"


def told(found: Seen) -> list[tuple[str, str, str, str, str]]:
    claims = found.ledger().claims
    return [(one.protocol, one.mac, one.address, one.kind, one.value) for one in claims]


def frame(kind: int, payload: bytes, source: str = "000e8c010203", vlan: int = 0) -> bytes:
    tag = b"" if not vlan else b"\x81\x00" + vlan.to_bytes(2, "big")
    head = bytes.fromhex("0180c200000e" + source) + tag + kind.to_bytes(2, "big")
    return (head + payload).ljust(60, b"\0")


def test_a_claim_has_the_side_that_it_is_about() -> None:
    turns = MESSAGES["dhcp"][0] + MESSAGES["dhcp"][0]
    client, server = Side("02:00:00:00:00:01", "0.0.0.0"), Side("02:00:00:00:00:02", "10.0.0.1")
    found = list(claims_of("dhcp", pieces(*turns), client, server, "7", "a.pcap"))
    assert {(one.mac, one.address, one.vlan) for one in found} == {("00:1a:4b:f6:01:02", "", "7")}
    assert found[0] == AssetClaim(
        "00:1a:4b:f6:01:02", "", "7", "name", "xp-line1", "dhcp", 1, 1000, 1000, found[0].evidence
    )
    greets = list(claims_of("smtp", pieces(*MESSAGES["smtp"][0]), client, server, "", "a.pcap"))
    assert [(one.mac, one.address) for one in greets] == [
        (server.mac, server.address), (client.mac, client.address)
    ]  # fmt: skip
    assert list(claims_of("tls", pieces(("c", b"x")), client, server, "", "a")) == []


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
    lldp = [(START_NS + n * 1_000_000_000, frame(0x88CC, tlv(5, b"sw-%d" % n))) for n in range(most + 3)]
    again = Seen().frames(lldp)
    assert len(told(again)) == most and again.counted[QUOTA] == 3
    again.frames([(START_NS + HOUR_NS, frame(0x88CC, tlv(5, b"later")))])
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


def test_a_flood_of_claims_is_counted_and_hides_no_log_in() -> None:
    flood = [(START_NS + n, frame(0x88CC, tlv(5, b"sw"), f"02{n:010x}")) for n in range(SECOND_CLAIMS + 7)]
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
    assert {(kind, text) for _, _, _, kind, text in told(found)} == {
        ("vendor", "Schneider Electric"), ("model", "BMX P34 2020"), ("firmware", "v2.6"),
    }  # fmt: skip
    assert {one[:3] for one in told(found)} == {("modbus", SERVER.mac, SERVER.address)}


@pytest.mark.parametrize("protocol", ["s7comm", "ethernet_ip", "bacnet", "fins", "slmp"])
def test_messages_that_identify_are_known_and_no_part_of_them(protocol: str) -> None:
    code = code_of(protocol)
    for _, data in MESSAGES[protocol][0]:
        whole = np.frombuffer(data, np.uint8)
        assert identifies(code, whole, 0, len(whole), 0)
        assert not identifies(code, whole, 0, 7, 0)
        turned = np.frombuffer(bytes(one ^ 0xFF for one in data), np.uint8)
        assert not identifies(code, turned, 0, len(turned), 0)
        assert not identifies(code_of("http"), whole, 0, len(whole), 0)
    reads = np.frombuffer(bacnet(b"\x30\1\x0c\x0c\0\0\0\1\x19\x55\x3e\x3f"), np.uint8)
    assert not identifies_bacnet(reads, 0, len(reads))
    routed = np.frombuffer(bacnet(i_am(1, 1), b"\1\x28\0\7\0\0\5\1\7\xff"), np.uint8)
    assert identifies_bacnet(routed, 0, len(routed))
