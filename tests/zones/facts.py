"""Facts and models in few words."""

from __future__ import annotations

from textwrap import dedent
from typing import Any

from otmon.ledger.facts import NEVER, UNKNOWN, Asset, Conversation, Evidence, Extreme, Operation, WrittenValue
from otmon.protocols.modbus import service
from otmon.zones.files.load import read_model
from otmon.zones.model import Model

PROTOCOLS = frozenset(
    {"modbus", "dns", "http", "ntp", "smb", "ssh", "tls", "s7comm", "slmp", "fins", "iec104"}
)
EVIDENCE = Evidence(1, "a.pcap", 1, 24)


def conversation(
    client: str, server: str, port: int = 502, protocol: str = "modbus", **more: Any
) -> Conversation:
    given: dict[str, Any] = {
        "transport": "tcp", "vlan": "", "expected": "", "role": "handshake", "answered": True, "flows": 1,
        "resets": 0, "packets_to_server": 5, "packets_to_client": 5, "bytes_to_server": 500,
        "bytes_to_client": 500, "tunnel": "", "busiest": NEVER, "hours": 1, "first_ns": 1,
        "last_ns": 2, "evidence": EVIDENCE,
    }  # fmt: skip
    return Conversation(client=client, server=server, port=port, protocol=protocol, **(given | more))


def operation(
    client: str, server: str, function: int, address: int = -1, count: int = -1, **more: Any
) -> Operation:
    """A Modbus transaction; name and access class are the protocol's."""
    subfunction = more.pop("subfunction", -1)
    known = service(function, subfunction)
    given: dict[str, Any] = {
        "transport": "tcp", "port": 502, "protocol": "modbus", "vlan": "", "unit": 1, "service": known.name,
        "access": known.access, "status": 0, "swept": False, "times": 1, "response_ns_sum": 5,
        "response_ns_min": 5, "response_ns_max": 5, "answered": 1, "response_counts": (1,), "gap_ns": 0,
        "busiest": NEVER, "course": (), "hours": 1, "first_ns": 1, "last_ns": 2, "evidence": EVIDENCE,
    }  # fmt: skip
    asked = {"function": function, "subfunction": subfunction, "address": address, "count": count}
    return Operation(client=client, server=server, **asked, **(given | more))


def written(
    client: str, server: str, address: int, words: int = 1, value: int = 1, **more: Any
) -> WrittenValue:
    """What was written to a register, once, and nobody knows what it held before."""
    extremes = (Extreme(value, UNKNOWN, EVIDENCE),) * (4 if words == 1 else 8)
    given: dict[str, Any] = {
        "transport": "tcp", "port": 502, "protocol": "modbus", "vlan": "", "unit": 1,
        "table": "holding_registers", "times": 1, "repeated": 0, "first_ns": 1, "last_ns": 2,
        "extremes": extremes,
        "steps": (), "changes": (), "evidence": EVIDENCE,
    }  # fmt: skip
    return WrittenValue(client=client, server=server, address=address, words=words, **(given | more))


def asset(mac: str, address: str, vlan: str = "", **more: Any) -> Asset:
    given: dict[str, Any] = {
        "packets": 1, "bytes": 60, "arp": 0, "arp_asked": 0, "peaks": (), "first_ns": 1, "last_ns": 2,
        "evidence": EVIDENCE,
    }  # fmt: skip
    return Asset(mac, address, vlan, **(given | more))


def model(text: str, file: str = "m.yaml") -> Model:
    return read_model([(file, dedent(text).lstrip("\n").encode())], PROTOCOLS)
