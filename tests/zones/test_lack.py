from __future__ import annotations

from dataclasses import replace

import pytest

from otmon.ledger.facts import Conversation, Operation
from otmon.zones.lack import LACKS, Fact, Lack, Lacking, allowed, seen, taken_for_granted
from otmon.zones.model import Boundary
from otmon.zones.nearest import aspects_of
from otmon.zones.permission_table import permission_table
from tests.zones.facts import conversation, model, operation, written
from tests.zones.plain_reading import Subject, fit_of

HMI, PLC = "10.1.0.5", "10.2.0.1"


def boundary(text: str) -> Boundary:
    found = model(f"""
        zones:
        - {{id: hmi, importance: low, members: 10.1.0.0/24}}
        - {{id: plc, importance: high, members: 10.2.0.0/24}}
        boundaries:
        - {{id: b, between: [hmi, plc], allow: [{{{text}}}]}}
    """)
    return found.boundaries[0]


ASKED = operation(HMI, PLC, 16, 20, 3)
CASES = [
    ("from: hmi, protocol: any", []),
    ("from: plc, protocol: any", [Lack("direction", "plc → hmi", f"{HMI} → {PLC}")]),
    ("from: 10.2.0.9, protocol: any",
     [Lack("direction", "10.2.0.9 → hmi", f"{HMI} → {PLC}"), Lack("client", "10.2.0.9", HMI)]),
    ("from: [10.1.0.6, 10.1.0.8/29], protocol: any", [Lack("client", "10.1.0.6, 10.1.0.8/29", HMI)]),
    ("to: 10.2.0.2, protocol: any", [Lack("server", "10.2.0.2", PLC)]),
    ("to: plc, protocol: any, transport: [udp, sctp]", [Lack("transport", "udp, sctp", "tcp")]),
    ("to: plc, protocol: any, port: [503, 510-511]", [Lack("port", "503, 510-511", "502")]),
    ("to: plc, protocol: [dns, ntp]", [Lack("protocol", "dns, ntp", "modbus")]),
    ("to: plc, protocol: any, access: [read, identify]", [Lack("access", "read, identify", "write")]),
    ("to: plc, protocol: modbus, functions: [6, 43/14]",
     [Lack("function", "6, 43/14", "16 (Write Multiple Registers)")]),
    ("to: plc, protocol: s7comm, functions: Write Var",
     [Lack("protocol", "s7comm", "modbus"), Lack("function", "write-var", "16 (Write Multiple Registers)")]),
    ("to: plc, protocol: modbus, units: 2-9", [Lack("unit", "2-9", "1")]),
    ("to: plc, protocol: modbus, coils: 0-9, holding_registers: [0-21, 30]",
     [Lack("elements", "coils 0-9; holding_registers 0-21, 30", "holding_registers 20-22")]),
]  # fmt: skip


def granted(given: Boundary, fact: Fact) -> str:
    return taken_for_granted(given.permissions[0], fact)


def lacking(given: Boundary, fact: Conversation | Operation) -> list[Lacking]:
    """Of a fact from an HMI to a PLC."""
    table = permission_table(given, {})
    return aspects_of(0, table.lacking(fit_of(table, Subject(fact, "hmi", "plc"))))


@pytest.mark.parametrize(("text", "lacks"), CASES)
def test_what_a_permission_lacks(text: str, lacks: list[Lack]) -> None:
    given = boundary(text)
    assert [
        Lack(key, allowed(key, given.permissions[0]), seen(key, ASKED)) for key in lacking(given, ASKED)
    ] == lacks


def test_every_lack_can_be_worded() -> None:
    assert {lack.key for _, lacks in CASES for lack in lacks} == {*LACKS} - {"value", "hours", "expiry"}


def test_an_operation_on_no_element_is_worded_as_such() -> None:
    for fact, text in [(operation(HMI, PLC, 7), "-"), (operation(HMI, PLC, 3), "holding_registers")]:
        assert seen("elements", fact) == text


def test_a_port_that_is_named_speaks_for_a_protocol_that_was_not_seen() -> None:
    silent = conversation(HMI, PLC, 1502, "none")
    assert lacking(boundary("to: plc, protocol: modbus, port: 1502"), silent) == []
    assert lacking(boundary("to: plc, protocol: modbus"), silent) == ["protocol"]
    usual = conversation(HMI, PLC, 502, "none", expected="modbus")
    assert lacking(boundary("to: plc, protocol: modbus"), usual) == []
    shared = conversation(HMI, PLC, 102, "none", expected="mms")
    assert lacking(boundary("to: plc, protocol: s7comm"), shared) == []
    assert lacking(boundary("to: plc, protocol: modbus"), shared) == ["protocol"]
    spoken = conversation(HMI, PLC, 502, "unknown", expected="modbus")
    assert lacking(boundary("to: plc, protocol: modbus, port: 502"), spoken) == ["protocol"]


def test_what_nobody_could_see_is_told() -> None:
    silent = conversation(HMI, PLC, protocol="none", expected="modbus")
    assert granted(boundary("to: plc, protocol: modbus"), silent) == "protocol"
    assert granted(boundary("to: plc, protocol: any"), silent) == ""
    listed = boundary("to: plc, protocol: modbus, holding_registers: 0-9")
    assert granted(listed, operation(HMI, PLC, 3)) == "elements"
    assert granted(listed, operation(HMI, PLC, 3, 0, 1)) == ""
    assert granted(listed, operation(HMI, PLC, 43, subfunction=14)) == ""


def test_times_are_told_in_the_time_zone_of_the_model() -> None:
    late = replace(conversation("10.1.0.5", "10.2.0.9"), first_ns=0, last_ns=15 * 3_600_000_000_000)
    assert seen("expiry", late, "Asia/Tokyo") == "1970-01-02 00:00 +09:00"
    assert seen("hours", late, "Asia/Tokyo") == "1970-01-01 09:00 +09:00 … 1970-01-02 00:00 +09:00"
    assert seen("expiry", late) == "1970-01-01 15:00 UTC"


def test_what_was_written_is_worded_by_its_element() -> None:
    fact = written(HMI, PLC, 20, words=2)
    keys: tuple[Lacking, ...] = "client", "server", "port", "access", "function", "unit", "elements"
    assert [seen(key, fact) for key in keys] == [
        HMI, PLC, "502", "write", "write", "1", "holding_registers 20",
    ]  # fmt: skip
