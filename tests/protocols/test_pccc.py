"""Commands of PCCC by their bytes, wherever CIP has them; tshark reads the same in them."""

from __future__ import annotations

import pytest

from otmon.protocols.commands import said_in
from otmon.protocols.pccc import DATA_WRITE, PCCC_SERVICES
from otmon.protocols.protocol import Said
from tests.protocols.test_commands import (
    CONTEXT,
    PCCC_READ,
    connected,
    found,
    packed,
    pccc,
    routed,
    told,
    unconnected,
)


def test_each_command_of_pccc_that_has_a_name_is_copied_and_nothing_else() -> None:
    names = set()
    for code in (high << 8 | low for high in range(16) for low in range(256)):
        for more in (b"", b"\1", b"\2", b"\3", b"\6", b"\7"):
            message = unconnected(pccc(code, more))
            asked = said_in("ethernet_ip", message)
            assert bool(found("ethernet_ip", message)[0][0]) == bool(asked), hex(code)
            assert [one.function for one in asked] in ([], [code])
            names |= {one.service for one in asked}
    for code in range(0x0FA0, 0x0FB0):
        for kind in range(256):
            for number in (b"\7", b"\xff\0\1"):
                message = unconnected(pccc(code, b"\2" + number + bytes((kind,)) + b"\0"))
                asked = said_in("ethernet_ip", message)
                assert bool(found("ethernet_ip", message)[0][0]) == bool(asked), hex(code)
                names |= {one.service for one in asked}
    assert names == set(PCCC_SERVICES)


WRITTEN = Said(CONTEXT, 0x0FAA, DATA_WRITE)


def test_data_is_none_of_the_program() -> None:
    for kind in (0x82, 0x83, 0x85, 0x86, 0x87, 0x89, 0x8A, 0x8D, 0x8E, 0x91):
        assert told("ethernet_ip", unconnected(pccc(0x0FAA, b"\2\7" + bytes((kind, 0, 0, 1, 0))))) == [
            WRITTEN
        ]
    assert told("ethernet_ip", unconnected(pccc(0x0F67, bytes(20)))) == [WRITTEN._replace(function=0x0F67)]
    assert told("ethernet_ip", PCCC_READ) == []


@pytest.mark.parametrize(
    "service",
    [
        pccc(0x2F80, b"\1"),  # of high priority
        pccc(0x0F80, b"\1", path=b"\3\x21\0\x67\0\x24\0"),
        pccc(0x0F80, b"\1", path=b"\4\x22\0\x67\0\0\0\x24\1"),
        pccc(0x0F80, b"\1", path=b"\1\x20\x67"),
        pccc(0x0F88, b"\3\1\0\2\x17\0\2\x80\1"),
        routed(packed(pccc(0x0F80, b"\1"))),
        b"\x4b\2\x20\x67\x24\1\1" + b"\x0f\0\1\0\x80\1",
    ],
)
def test_nothing_hides_a_command_of_pccc(service: bytes) -> None:
    for message in (unconnected(service), connected(service, 7)):
        names = {one.service.name for one in told("ethernet_ip", message) if one.service}
        assert "Change Mode to Program" in names


def test_the_service_of_pccc_is_none_of_another_object() -> None:
    assert told("ethernet_ip", unconnected(pccc(0x0F80, b"\1", path=b"\2\x20\x6b\x24\1"))) == []
    # Several without an end, or of no length.
    for more in (b"\xff", b"\xff\0\0", b"\xff\x02", b"\2\xff\1\2", b""):
        assert told("ethernet_ip", unconnected(pccc(0x0F88, more))) == []
