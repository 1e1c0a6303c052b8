"""Kernels for IEC 104, DNP3 and BACnet: every length is looked at within its end, and lies lead nowhere."""

from __future__ import annotations

import numpy as np
import pytest

from otmon.ledger.copying.cip_messages import ANSWERS, COMMANDS, WRITES
from otmon.ledger.copying.command_messages import message_at
from otmon.ledger.copying.station_messages import bacnet_apdu_at
from otmon.protocols.registry import code_of
from tests.protocols.test_commands import ANSWERS_READ, BACNET_WRITE, COMMANDS_READ, WRITES_READ

OF_STATIONS = [
    (case[0], case[1], kind)
    for cases, kind in ((COMMANDS_READ, COMMANDS), (WRITES_READ, WRITES), (ANSWERS_READ, ANSWERS))
    for case in cases
    if case[0] in ("iec104", "dnp3", "bacnet")
]


@pytest.mark.parametrize(("protocol", "message", "kind"), OF_STATIONS)
def test_a_message_that_is_cut_is_read_within_its_end(protocol: str, message: bytes, kind: int) -> None:
    code = code_of(protocol)
    assert message_at(code, np.frombuffer(message, np.uint8), 0, len(message), True, True) & 3 == kind
    for size in range(1, len(message)):
        # A copy: what is read behind its end is not there.
        data = np.frombuffer(message[:size], np.uint8).copy()
        assert message_at(code, data, 0, size, True, True) & 3 in (0, kind)


def test_the_apdu_is_behind_addresses_whose_lengths_may_lie() -> None:
    data = np.frombuffer(BACNET_WRITE, np.uint8).copy()
    assert bacnet_apdu_at(data, 0, len(data)) == 6
    for control in (0x20, 0x08, 0x28, 0x80):
        lie = data.copy()
        lie[5] = control
        lie[8] = 255
        assert bacnet_apdu_at(lie, 0, len(lie)) == 0
