"""Dialogues of the lab are what scapy reads."""

from __future__ import annotations

from random import Random

from scapy.layers.dhcp import BOOTP, DHCP
from scapy.layers.dns import DNS
from scapy.layers.inet import ICMP, TCP
from scapy.layers.l2 import ARP, Ether

from otmon.lab import dialogues
from otmon.lab.frames import Wire
from otmon.lab.plant import shipped_plant

PLANT = shipped_plant("food-factory")
HMI = PLANT.host("hmi")
PLC_MIXING = PLANT.host("plc-mixing")
WIRE = PLANT.wire

MIDNIGHT = 1_776_092_400_000_000_000
PAIR = (HMI, PLC_MIXING)


def test_questions_are_answered() -> None:
    asked, answered = dialogues.look_up(WIRE, MIDNIGHT, PAIR, "mes.local", "10.0.0.9", Random(1), "x")
    assert DNS(bytes(Ether(asked.data).lastlayer())).id or Ether(asked.data)[DNS].qr == 0
    assert Ether(answered.data)[DNS].an[0].rdata == "10.0.0.9"
    question, reply = dialogues.resolve_gateway(WIRE, MIDNIGHT, HMI, "x")
    assert (Ether(question.data)[ARP].op, Ether(reply.data)[ARP].op) == (1, 2)
    assert len(dialogues.ask_time(WIRE, MIDNIGHT, PAIR, Random(1), "x")) == 2


def test_a_session_of_tls_carries_its_records() -> None:
    packets = dialogues.tls_session(WIRE, MIDNIGHT, PAIR, "x.example", (100, 900), Random(1), "x")
    assert sum(len(packet.data) for packet in packets) > 1000


def test_a_gateway_is_that_of_the_site() -> None:
    wire = Wire("00:00:00:00:00:01", "00:00:00:00:00:02", (("10.30.", "00:00:00:00:00:03"),))
    gateway = dialogues.gateway_of(wire, HMI)
    assert (gateway.address, gateway.mac) == ("10.30.1.1", "00:00:00:00:00:03")
    assert dialogues.gateway_of(WIRE, HMI).mac == WIRE.core


def test_a_ping_is_answered() -> None:
    packets = dialogues.ping(WIRE, MIDNIGHT, PAIR, 2, Random(1), "x")
    assert [(Ether(p.data)[ICMP].type, Ether(p.data)[ICMP].seq) for p in packets] == [
        (8, 1), (0, 1), (8, 2), (0, 2),
    ]  # fmt: skip


def test_a_lease_says_who_asks_and_for_what() -> None:
    packets = dialogues.lease(WIRE, MIDNIGHT, HMI, Random(1), "x", "", b"\x01\x03\x2b", "maker-1")
    options = [dict(o for o in Ether(p.data)[DHCP].options if isinstance(o, tuple)) for p in packets]
    assert [one["message-type"] for one in options] == [1, 2, 3, 5]
    assert options[0]["param_req_list"] == [1, 3, 43]
    assert (options[0]["vendor_class_id"], "hostname" in options[0]) == (b"maker-1", False)
    assert Ether(packets[3].data)[BOOTP].yiaddr == HMI.address


def test_a_remote_desktop_goes_on_for_its_turns() -> None:
    packets = dialogues.remote_desktop(WIRE, MIDNIGHT, PAIR, "admin", 3, Random(1), "x")
    assert b"mstshash=admin" in bytes(Ether(packets[3].data)[TCP].payload)
    assert packets[-1].time_ns - packets[0].time_ns > 3 * 19 * 10**9
