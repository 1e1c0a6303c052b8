"""What a plant does on any day."""

from __future__ import annotations

from random import Random

from scapy.layers.l2 import Ether

from otmon.lab import background

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
