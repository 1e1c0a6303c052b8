"""Messages that identify are picked out, and no part of them; those of CIP are in `test_ethernet_ip`."""

from __future__ import annotations

import numpy as np
import pytest

from otmon.ledger.copying.identification import identifies, identifies_bacnet
from otmon.protocols.registry import code_of
from tests.identity.claims.messages import MESSAGES, bacnet, i_am


@pytest.mark.parametrize("protocol", ["s7comm", "ethernet_ip", "bacnet", "fins", "slmp"])
def test_messages_that_identify_are_known_and_no_part_of_them(protocol: str) -> None:
    code = code_of(protocol)
    for _, data in MESSAGES[protocol][0]:
        whole = np.frombuffer(data, np.uint8)
        assert identifies(code, whole, 0, len(whole), 0, 0)
        assert not identifies(code, whole, 0, 7, 0, 0)
        turned = np.frombuffer(bytes(one ^ 0xFF for one in data), np.uint8)
        assert not identifies(code, turned, 0, len(turned), 0, 0)
        assert not identifies(code_of("http"), whole, 0, len(whole), 0, 0)
    reads = np.frombuffer(bacnet(b"\x30\1\x0c\x0c\0\0\0\1\x19\x55\x3e\x3f"), np.uint8)
    assert not identifies_bacnet(reads, 0, len(reads))
    routed = np.frombuffer(bacnet(i_am(1, 1), b"\1\x28\0\7\0\0\5\1\7\xff"), np.uint8)
    assert identifies_bacnet(routed, 0, len(routed))
