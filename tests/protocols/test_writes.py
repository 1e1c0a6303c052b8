"""Which commands that write are read for their values."""

from __future__ import annotations

from otmon.protocols.commands import SERVICES
from otmon.protocols.protocol import NOTHING_WRITTEN
from otmon.protocols.writes import FUNCTIONS, written_in


def test_each_protocol_with_written_values_has_commands_that_write() -> None:
    assert set(FUNCTIONS) <= set(SERVICES)
    for protocol in FUNCTIONS:
        assert any(service.access == "write" for service in SERVICES[protocol])
        assert not written_in(protocol, b"", 0).runs


def test_of_other_protocols_nothing_is_read() -> None:
    assert written_in("modbus", b"\0\1\0\0\0\6\1\6\0\1\0\1", 6) == NOTHING_WRITTEN
