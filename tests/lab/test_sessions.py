from __future__ import annotations

from random import Random

from scapy.layers.inet import TCP
from scapy.layers.l2 import Ether

from otmon.lab import food_factory, modbus
from otmon.lab.plant import shipped_plant
from otmon.lab.sessions import Session, at_once, play, written

PLANT = shipped_plant("food-factory")
HMI = PLANT.host("hmi")
PLC_MIXING = PLANT.host("plc-mixing")
WIRE = PLANT.wire

MIDNIGHT = 1_776_092_400_000_000_000


def test_a_write_of_one_session_changes_what_the_next_reads() -> None:
    hour = 3600 * 10**9
    sessions = [
        Session(MIDNIGHT + 2 * hour, HMI, PLC_MIXING, "later", at_once(modbus.read(3, 21, 1))),
        Session(
            MIDNIGHT + hour,
            HMI,
            PLC_MIXING,
            "first",
            at_once(modbus.write_register(21, 999), modbus.read(3, 90, 1)),
        ),
    ]
    process = food_factory.process({PLC_MIXING.name: food_factory.MIXING}, MIDNIGHT)
    packets, transactions = play(sessions, WIRE, process, Random(1))
    assert [(one.function, one.exception) for one in transactions] == [(6, 0), (3, 2), (3, 0)]
    payloads = [bytes(Ether(packet.data)[TCP].payload) for packet in packets if packet.event == "later"]
    assert [data[7:11] for data in payloads if data[7:8] == b"\x03" and data[5] == 5] == [b"\x03\x02\x03\xe7"]
    assert {packet.event for packet in packets} == {"first", "later"}


def test_requests_wait_as_they_were_planned() -> None:
    session = Session(MIDNIGHT, HMI, PLC_MIXING, "x", ((5, b"a"), (7, b"b")))
    assert list(session.planned()) == [(MIDNIGHT + 5, b"a"), (MIDNIGHT + 12, b"b")]
    assert [pdu for _, pdu in at_once(b"a", b"b")] == [b"a", b"b"]


def test_writes_are_told_by_controller_and_in_order_of_time() -> None:
    late = Session(MIDNIGHT + 9, HMI, PLC_MIXING, "x", ((1, modbus.write_register(3, 4)),))
    early = Session(MIDNIGHT, HMI, PLC_MIXING, "x", ((1, modbus.write_coil(1, True)),))
    assert [(w.coil, w.address, w.value) for w in written([late, early])[PLC_MIXING.name]] == [
        (True, 1, 1),
        (False, 3, 4),
    ]
