"""Messages of the lab are what scapy and the program itself take them for."""

from __future__ import annotations

from random import Random

import pytest
from scapy.contrib.lldp import LLDPDU, LLDPDUPortID
from scapy.layers.dhcp import BOOTP, DHCP
from scapy.layers.dns import DNS
from scapy.layers.netbios import NBNSHeader, NBNSQueryRequest
from scapy.layers.ntp import NTP

from otmon.lab import messages
from otmon.lab.plant import shipped_plant
from tests.protocols.recognition import ask

PLANT = shipped_plant("food-factory")
HMI = PLANT.host("hmi")

T = 1_776_100_000_000_000_000


def test_names_and_addresses_of_dns() -> None:
    asked, answered = (
        DNS(messages.dns_query(7, "mes.local")),
        DNS(messages.dns_answer(7, "mes.local", "10.0.0.9")),
    )
    assert (asked.id, asked.qd[0].qname, asked.qr) == (7, b"mes.local.", 0)
    assert (answered.an[0].rdata, answered.rcode) == ("10.0.0.9", 0)
    assert DNS(messages.dns_answer(7, "mes.local", None)).rcode == 3


def test_times_of_ntp() -> None:
    asked, answered = NTP(messages.ntp(3, T)), NTP(messages.ntp(4, T))
    assert (asked.version, asked.mode, answered.mode, answered.stratum) == (4, 3, 4, 2)
    assert round(float(answered.sent)) == T // 10**9 + 2_208_988_800


@pytest.mark.parametrize("kind", [1, 2, 3, 5])
def test_dhcp_says_its_kind_and_offers_the_address(kind: int) -> None:
    packet = BOOTP(messages.dhcp(kind, 0x1234, HMI, "hmi", "10.0.0.1"))
    assert packet.xid == 0x1234
    assert ("message-type", kind) in packet[DHCP].options
    assert packet.yiaddr == (HMI.address if kind in (2, 5) else "0.0.0.0")


def test_a_name_asked_by_netbios() -> None:
    assert NBNSHeader(messages.netbios_query(5, "LABELS"))[NBNSQueryRequest].QUESTION_NAME == b"LABELS"


@pytest.mark.parametrize(
    ("protocol", "payload", "transport", "port"),
    [
        ("tls", messages.client_hello("x.example", Random(1)), "tcp", 8443),
        ("tls", messages.server_hello(Random(1)), "tcp", 8443),
        ("http", messages.http_request("GET", "/", "10.0.0.1", "x"), "tcp", 8080),
        ("http", messages.http_response("200 OK", "<p>"), "tcp", 8080),
        ("smb", messages.smb1_negotiate(), "tcp", 445),
        ("smb", messages.smb1_negotiated(Random(1)), "tcp", 445),
        ("rdp", messages.rdp_request("admin"), "tcp", 3389),
        ("rdp", messages.rdp_confirm(), "tcp", 3389),
        ("dns", messages.dns_query(7, "mes.local"), "udp", 53),
        ("ntp", messages.ntp(3, T), "udp", 123),
    ],
    ids=lambda value: value if isinstance(value, str) else "payload",
)
def test_the_program_knows_them(protocol: str, payload: bytes, transport: str, port: int) -> None:
    known = ask(payload, transport, (49_200, port))  # type: ignore[arg-type]
    assert known is not None and known.name == protocol


def test_records_of_tls_hold_what_they_say() -> None:
    record = messages.tls_record(23, b"x" * 300)
    assert (record[0], int.from_bytes(record[3:5], "big"), len(record)) == (23, 300, 305)
    assert len(messages.tls_data(Random(1), 100)) == len(messages.tls_record(23, bytes(100)))


def test_messages_below_ip() -> None:
    told = LLDPDU(messages.lldp(HMI, "port-001", "an HMI"))
    assert told[LLDPDUPortID].id == b"port-001"
    assert messages.profinet_cyclic(0x8001, bytes(40), 64)[:2] == b"\x80\x01"
    assert messages.profinet_identify(5)[:4] == bytes.fromhex("fefe0500")
    assert messages.profinet_identified(5, "io", "10.0.0.7")[:4] == bytes.fromhex("feff0501")
