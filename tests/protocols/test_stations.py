"""What IEC 104, DNP3 and BACnet are told to do, where a cause, a segment or an object decides."""

from __future__ import annotations

import pytest

from otmon.ledger.copying.cip_messages import ANSWERS, COMMANDS, WRITES
from otmon.protocols.stations import IEC104_COMMANDS
from tests.protocols.test_commands import (
    DNP3_SEEN,
    DNP3_TIME,
    bacnet,
    dnp3,
    found,
    iec104,
    said_in,
    told,
)


def test_who_asks_is_told_by_the_cause_whatever_it_is() -> None:
    answers = {7, 9, 44, 45, 46, 47}
    for kind in IEC104_COMMANDS:
        for cause in range(64):
            does = found("iec104", iec104(kind, cause))[0][0]
            told = cause == 10 or (cause == 3 and kind in (103, 106))
            assert does == (
                ANSWERS if cause in answers else 0 if told else WRITES if kind != 105 else COMMANDS
            )
            assert bool(said_in("iec104", iec104(kind, cause))) == bool(does)


def test_of_a_request_of_bacnet_in_segments_the_first_one_is_told() -> None:
    segments = [bacnet(bytes((8, 4, 1, number, 4, 16, 0x0C))) for number in range(3)]
    assert [bool(told("bacnet", one)) for one in segments] == [True, False, False]


@pytest.mark.parametrize("message", [DNP3_SEEN, DNP3_TIME])
def test_what_stands_behind_a_harmless_object_is_a_write(message: bytes) -> None:
    objects = message[13:19] if message is DNP3_SEEN else b"\x32\1\7\1" + bytes(6)
    (alone,) = told("dnp3", dnp3(2, 1, more=objects))
    (more,) = told("dnp3", dnp3(2, 1, more=objects + b"\x29\1\x28\1\0\0\0\1\0\0\0\0"))
    assert alone.service is not None and alone.service.access != "write"
    assert more.service is not None and more.service.access == "write"
