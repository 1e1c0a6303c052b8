"""Where the service of a message of EtherNet/IP is, and by which number an answer of PCCC is known."""

from __future__ import annotations

import numpy as np
import pytest

from otmon.ledger.copying.cip_messages import cip_message, pccc_number, service_at
from tests.protocols.test_commands import (
    CIP_READ,
    CIP_ROUTED,
    CIP_STOP,
    PCCC_DONE,
    PCCC_DOWNLOAD,
    PCCC_PROGRAM,
    PCCC_REFUSED,
    PCCC_SEVERAL,
    connected,
    pccc,
    pccc_answer,
    unconnected,
)


def number(message: bytes) -> int:
    return pccc_number(np.frombuffer(message, np.uint8), 0, len(message))


def test_the_service_is_found_behind_its_items_and_its_route() -> None:
    for message, service in ((CIP_STOP, 7), (CIP_ROUTED, 6), (CIP_READ, 0x4C), (PCCC_DOWNLOAD, 0x4B)):
        data = np.frombuffer(message, np.uint8)
        assert message[service_at(data, 0, len(data))] == service
    lies = CIP_STOP[:34] + b"\xff\xff" + CIP_STOP[36:]
    assert service_at(np.frombuffer(lies, np.uint8), 0, len(lies)) == 0


@pytest.mark.parametrize("transaction", [0, 1, 0x3F, 0x40, 0xFFFF])
def test_an_answer_of_pccc_has_the_number_of_its_command(transaction: int) -> None:
    for wrapped in (unconnected, lambda service: connected(service, 9)):
        asked, answered = (
            wrapped(pccc(0x0F80, b"\1", number=transaction)),
            wrapped(pccc_answer(transaction)),
        )
        assert number(asked) == number(answered) == 1 + (transaction & 0x3F)
    assert number(CIP_STOP) == number(CIP_READ) == number(unconnected(b"\x87\0\0\0")) == 0


def test_every_length_is_looked_at_within_its_end() -> None:
    for message in (PCCC_PROGRAM, PCCC_DONE, PCCC_REFUSED, PCCC_SEVERAL, PCCC_DOWNLOAD):
        for size in range(len(message)):
            # A copy: reading behind its end raises without a compiler, and finds nothing else with one.
            data = np.frombuffer(message[:size], np.uint8).copy()
            assert cip_message(data, 0, size) & 3 == 0 or size >= 44
            assert pccc_number(data, 0, size) in (0, number(message))
