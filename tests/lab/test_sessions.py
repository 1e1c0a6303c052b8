from __future__ import annotations

from random import Random

from scapy.layers.inet import TCP
from scapy.layers.l2 import Ether

from otmon.lab import plant
from otmon.lab.cast import HMI, PLC_MIXING
from otmon.lab.sessions import Session, at_once, play

MIDNIGHT = 1_776_092_400_000_000_000


def test_a_write_of_one_session_changes_what_the_next_reads() -> None:
    hour = 3600 * 10**9
    sessions = [
        Session(MIDNIGHT + 2 * hour, HMI, PLC_MIXING, "later", at_once(plant.read(3, 21, 1))),
        Session(
            MIDNIGHT + hour,
            HMI,
            PLC_MIXING,
            "first",
            at_once(plant.write_register(21, 999), plant.read(3, 90, 1)),
        ),
    ]
    packets, transactions = play(sessions, MIDNIGHT, Random(1))
    assert [(one.function, one.exception) for one in transactions] == [(6, 0), (3, 2), (3, 0)]
    payloads = [bytes(Ether(packet.data)[TCP].payload) for packet in packets if packet.event == "later"]
    assert [data[7:11] for data in payloads if data[7:8] == b"\x03" and data[5] == 5] == [b"\x03\x02\x03\xe7"]
    assert {packet.event for packet in packets} == {"first", "later"}


def test_requests_wait_as_they_were_planned() -> None:
    session = Session(MIDNIGHT, HMI, PLC_MIXING, "x", ((5, b"a"), (7, b"b")))
    assert list(session.planned()) == [(MIDNIGHT + 5, b"a"), (MIDNIGHT + 12, b"b")]
    assert [pdu for _, pdu in at_once(b"a", b"b")] == [b"a", b"b"]
