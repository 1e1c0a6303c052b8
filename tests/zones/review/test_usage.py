from __future__ import annotations

from otmon.ledger.facts import Conversation, Operation
from otmon.zones.place import index
from otmon.zones.review.usage import FEW, unseen_zones, usage
from tests.detect.plant import HMI, PLANT, PLC, ledger_of
from tests.zones.facts import asset, conversation, model, operation


def test_who_used_a_permission_and_which_nobody_used() -> None:
    facts = conversation(HMI, PLC), operation(HMI, PLC, 3, 0, 9), operation(HMI, PLC, 6, 1, 1)
    reads, web = usage(index(PLANT), ledger_of(*facts))
    assert (reads.permission.id, reads.conversations, reads.operations) == ("reads", 1, 1)
    assert (reads.clients, reads.servers, reads.unused) == ((HMI,), (PLC,), False)
    assert web.unused and web.clients == ()


def test_a_permission_for_a_zone_that_few_hosts_used_is_wider_than_needed() -> None:
    few = [conversation(HMI, f"10.2.0.{n}") for n in range(1, FEW + 1)]
    many = [*few, conversation(HMI, "10.2.0.99")]
    assert [usage(index(PLANT), ledger_of(*facts))[0].wider for facts in (few, many)] == [("to",), ()]


def test_a_group_is_no_host_that_a_permission_could_name() -> None:
    for group in ("255.255.255.255", "239.1.1.1"):
        plant = model(f"""
            zones:
            - {{id: control, importance: medium, members: 10.1.0.0/16}}
            - {{id: cell, importance: high, members: [10.2.0.0/16, {group}]}}
            boundaries:
            - id: b
              between: [control, cell]
              allow: [{{id: p, from: 10.1.0.5, to: cell, protocol: any, transport: udp}}]
        """)
        to_group = conversation(HMI, group, 5000, "unknown", transport="udp")
        to_host = conversation(HMI, PLC, 5000, "unknown", transport="udp")
        found = [usage(index(plant), ledger_of(*facts))[0] for facts in ((to_group,), (to_group, to_host))]
        assert [(one.unused, one.wider) for one in found] == [(False, ()), (False, ("to",))]


def test_zones_of_which_nothing_was_seen() -> None:
    assert unseen_zones(index(PLANT), ledger_of(asset("00:00:00:00:00:01", PLC))) == ("control", "office")


def excess_of(text: str, *facts: Conversation | Operation) -> dict[str, tuple[str, str]]:
    plant = model(f"""
        zones:
        - {{id: control, importance: medium, members: 10.1.0.0/16}}
        - {{id: cell, importance: high, members: 10.2.0.0/16}}
        boundaries:
        - {{id: b, between: [control, cell], allow: [{{id: p, from: control, to: cell, {text}}}]}}
    """)
    (used,) = usage(index(plant), ledger_of(*facts))
    return {one.what: (one.allowed, one.used) for one in used.excess}


READS = conversation(HMI, PLC), operation(HMI, PLC, 3, 20, 3), operation(HMI, PLC, 3, 40, 1)


def test_what_a_permission_allows_beyond_what_was_used() -> None:
    wide = (
        "protocol: modbus, port: 500-502, access: [read, write], units: 0-255, holding_registers: [0-99, 200]"
    )
    assert excess_of(wide, *READS) == {
        "port": ("500-502", "502"),
        "access": ("read, write", "read"),
        "units": ("0-255", "1"),
        "holding_registers": ("0-99, 200", "20-22, 40"),
    }
    assert excess_of("protocol: any", *READS) == {
        "port": ("any", "502"), "protocol": ("any", "modbus"), "access": ("any", "read"),
        "units": ("any", "1"), "holding_registers": ("any", "20-22, 40"),
    }  # fmt: skip
    functions = "protocol: modbus, port: 502, units: 1, functions: [read-holding-registers, 6], "
    assert excess_of(functions + "holding_registers: [20-22, 40], coils: 1", *READS) == {
        "functions": ("3, 6", "Read Holding Registers"), "coils": ("1", "-"),
    }  # fmt: skip


def test_transports_without_ports_call_for_no_port_and_no_protocol() -> None:
    """A model refuses a port beside icmp, and knows no protocol of that name."""
    for transport in ("icmp", "icmpv6", "ip-47"):
        ping = conversation(HMI, PLC, 0, transport, transport=transport)
        assert excess_of(f"protocol: any, transport: {transport}", ping) == {}
        both = conversation(HMI, PLC, 502, "modbus")
        assert excess_of("protocol: any", ping, both) == {
            "port": ("any", "502"),
            "protocol": ("any", "modbus"),
        }


def test_what_fits_or_was_not_used_is_not_told() -> None:
    exact = "protocol: modbus, port: 502, access: read, units: 1, holding_registers: [20-22, 40]"
    assert excess_of(exact, *READS) == {}
    assert excess_of("protocol: any") == {}
    # Of what was not asked in the open nothing is said.
    assert excess_of("protocol: tls, port: 443", conversation(HMI, PLC, 443, "tls")) == {}


def test_units_are_told_of_protocols_that_have_some() -> None:
    write = operation(HMI, PLC, 5, unit=-1, service="Write Var", access="write", protocol="s7comm", port=102)
    exact = "protocol: s7comm, port: 102, access: write, functions: write-var"
    assert excess_of(exact, conversation(HMI, PLC, 102, "s7comm"), write) == {}
    assert excess_of("protocol: modbus, port: 502, access: read", *READS)["units"] == ("any", "1")


def test_long_lists_of_what_was_used_are_cut() -> None:
    many = [conversation(HMI, PLC, port, "tls") for port in range(1000, 1040, 2)]
    assert excess_of("protocol: tls", *many)["port"][1].endswith("1014 (+12)")
