"""What a plant does on any day."""

from __future__ import annotations

from random import Random

from scapy.layers.dns import DNS
from scapy.layers.l2 import ARP, Ether

from otmon.lab import background
from otmon.lab.cast import HMI, PLC_MIXING, WIRE

MIDNIGHT = 1_776_092_400_000_000_000
DAY = 24 * 3600 * 10**9


def test_sessions_are_polling_and_few_writes() -> None:
    sessions = background.sessions(MIDNIGHT)
    functions = [pdu[0] for session in sessions for _, pdu in session.requests]
    assert 0 < sum(function in (5, 6, 15, 16) for function in functions) < len(functions) / 50
    assert all(MIDNIGHT <= session.start_ns < MIDNIGHT + DAY for session in sessions)


def test_every_part_of_the_day_lies_within_it_and_comes_from_its_seed() -> None:
    for name, part in background.PARTS:
        packets = part(MIDNIGHT, Random(name))
        assert packets == part(MIDNIGHT, Random(name))
        assert packets
        assert all(MIDNIGHT <= packet.time_ns < MIDNIGHT + DAY for packet in packets)


def test_a_line_speaks_profinet_and_lldp() -> None:
    kinds = {Ether(packet.data).type for packet in background.line(MIDNIGHT, Random(1))}
    assert {0x8892, 0x88CC} <= kinds | {
        int.from_bytes(packet.data[16:18], "big") for packet in background.line(MIDNIGHT, Random(1))
    }
    assert background.services(MIDNIGHT, Random(1))
    assert background.business(MIDNIGHT, Random(1))


def test_questions_are_answered() -> None:
    asked, answered = background.look_up(MIDNIGHT, HMI, "mes.local", "10.0.0.9", Random(1), "x")
    assert DNS(bytes(Ether(asked.data).lastlayer())).id or Ether(asked.data)[DNS].qr == 0
    assert Ether(answered.data)[DNS].an[0].rdata == "10.0.0.9"
    question, reply = background.resolve_gateway(MIDNIGHT, HMI, "x")
    assert (Ether(question.data)[ARP].op, Ether(reply.data)[ARP].op) == (1, 2)
    assert len(background.ask_time(MIDNIGHT, HMI, Random(1))) == 2


def test_a_session_of_tls_carries_its_records() -> None:
    packets = background.tls_session(MIDNIGHT, HMI, PLC_MIXING, "x.example", (100, 900), Random(1), "x")
    assert sum(len(packet.data) for packet in packets) > 1000
    assert WIRE.core
