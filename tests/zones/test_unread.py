"""Of which protocols what is asked for is judged."""

from __future__ import annotations

import pytest

from otmon.protocols.registry import IDS
from otmon.zones.model import Permission
from otmon.zones.unread import CHANGES_READ, READ, Unread, unread
from tests.zones.facts import model


def permission(protocol: str, limit: str) -> Permission:
    (boundary,) = model(f"""
        zones:
        - {{id: a, importance: low, members: 10.1.0.0/24}}
        - {{id: b, importance: low, members: 10.2.0.0/24}}
        boundaries:
        - {{id: a-b, between: [a, b], allow: [{{from: a, to: b, protocol: {protocol}, {limit}}}]}}
    """).boundaries
    (one,) = boundary.permissions
    return one


@pytest.mark.parametrize(
    ("protocol", "limit", "what"),
    [
        ("modbus", "access: write", ""),
        ("s7comm", "reason: x", ""),
        ("s7comm", "access: read", ""),
        ("s7comm", "access: [read, write]", ""),
        ("s7comm", "access: write", "reads"),
        ("s7comm", "functions: start-upload", "reads"),
        ("http", "access: read", "all"),
        ("http", "reason: x", ""),
    ],
)
def test_what_passes_unread(protocol: str, limit: str, what: Unread) -> None:
    assert unread(permission(protocol, limit), protocol) == what


def test_cyclic_values_are_not_read() -> None:
    limited = permission("s7comm", "access: read")
    assert unread(limited, "ethernet_ip", "tcp") == ""
    assert unread(limited, "ethernet_ip", "udp") == "all"


def test_what_is_read_are_protocols() -> None:
    assert set(IDS) >= READ | CHANGES_READ
