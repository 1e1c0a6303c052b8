"""What a service of CIP does, by the object that it is for."""

from __future__ import annotations

import pytest

from otmon.ledger.copying.cip_messages import COMMANDS
from otmon.protocols.cip import CIP_COMMANDS, OBJECT_RESET, SET_ADDRESS
from tests.protocols.test_commands import CIP_ADDRESS, found, told, unconnected


def test_what_is_no_tag_and_no_object_is_not_written() -> None:
    # Forward Close, and what the file object takes.
    for service in (b"\x4e\2\x20\6\x24\1", b"\x4d\2\x20\x37\x24\1", b"\x10\0", b"\2\x20\2\x24"):
        assert told("ethernet_ip", unconnected(service + bytes(20))) == []


@pytest.mark.parametrize("path", [b"\2\x20\1\x24\1", b"\3\x21\0\1\0\x24\1", b"\4\x22\0\1\0\0\0\x24\1"])
def test_a_reset_restarts_a_device_by_its_identity_alone(path: bytes) -> None:
    (one,) = told("ethernet_ip", unconnected(b"\5" + path))
    assert one.service == CIP_COMMANDS[5]
    (other,) = told(
        "ethernet_ip", unconnected(b"\5" + path.replace(b"\1\x24", b"\x4e\x24").replace(b"\1\0", b"\x4e\0"))
    )
    assert other.service == OBJECT_RESET


def test_an_address_that_is_set_is_copied_before_writes() -> None:
    (one,) = told("ethernet_ip", CIP_ADDRESS)
    assert one.service == SET_ADDRESS
    assert found("ethernet_ip", CIP_ADDRESS)[0][0] == COMMANDS
