"""From settings of a station to operations."""

from __future__ import annotations

from otmon.ledger.dialogues.setting_operations import operations_of
from otmon.ledger.facts import UNANSWERED
from tests.identity.talk import pieces
from tests.identity.test_dcp import IP, NAME, RESET, done, frame


def test_a_setting_is_an_operation_that_configures() -> None:
    said = pieces(("c", frame(IP, NAME)), ("s", done((1, 2, 0), (2, 2, 5))), ("c", frame(RESET, number=9)))
    address, name, reset = operations_of(said, "a", "b", "10", "x.pcap")
    assert (address.client, address.server, address.transport, address.port) == ("a", "b", "ethernet", 0x8892)
    assert (address.protocol, address.vlan, address.access) == ("profinet", "10", "configure")
    assert (address.status, address.answered, address.refused) == (0, 1, False)
    assert (name.status, name.refused, name.subfunction) == (0x105, True, 0x0202)
    assert (reset.service, reset.status, reset.answered) == ("Reset to Factory", UNANSWERED, 0)
    assert reset.response_counts == () and len(name.response_counts) > 0
    assert address.evidence.source == "x.pcap"
