"""Permissions as rules: their ports, and what is said of everything that a firewall cannot check."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import date
from typing import Any

import pytest

from otmon.protocols.registry import IDS
from otmon.zones.exchange.rule import Rulebook, Service, boundary_rules, model_rules
from otmon.zones.files.load import read_model
from otmon.zones.model import Endpoint, Model, Permission, Zone
from otmon.zones.place import index
from tests.zones import facts

ZONES = """
zones:
  - {id: a, importance: 大, members: [10.0.0.0/24, '00:80:f4:00:00:01', {prefix: 10.9.0.0/24, vlan: 7}]}
  - {id: b, importance: 大, members: [10.0.1.0/24, {vlan: 5}]}
boundaries:
  - {id: a-b, between: [a, b], allow: [{id: p, %s}]}
"""


def model(permission: str) -> Model:
    return read_model([("m.yaml", (ZONES % permission).lstrip().encode())], frozenset(IDS))


def rules(permission: str, any_port: bool = False) -> Rulebook:
    built = model(permission)
    return boundary_rules(index(built), built.boundaries, any_port)


def of_permission(book: Rulebook) -> list[str]:
    return [str(told) for told in book.told if "permission p" in str(told)]


@pytest.mark.parametrize(
    ("said", "services"),
    [
        ("protocol: any", [Service("", ())]),
        ("protocol: any, transport: [udp, tcp]", [Service("tcp", ()), Service("udp", ())]),
        ("protocol: any, port: 9100", [Service("tcp", ((9100, 9100),)), Service("udp", ((9100, 9100),))]),
        ("protocol: modbus, transport: tcp", [Service("tcp", ((502, 502),))]),
        ("protocol: tls, port: [443, 8443]", [Service("tcp", ((443, 443), (8443, 8443)))]),
        ("protocol: dns, port: 53", [Service("tcp", ((53, 53),)), Service("udp", ((53, 53),))]),
        ("protocol: ntp", [Service("udp", ((123, 123),))]),
        ("protocol: any, transport: [icmp, ip-47]", [Service("icmp", ()), Service("ip-47", ())]),
        ("protocol: any, transport: tcp, port: 0-65535", [Service("tcp", ())]),
        ("protocol: unknown, transport: udp, port: 5000", [Service("udp", ((5000, 5000),))]),
    ],
)
def test_transports_and_ports(said: str, services: list[Service]) -> None:
    book = rules(f"from: a, to: b, {said}")
    assert [list(rule.services) for rule in book.rules] == [services]
    assert not book.refused


def test_a_protocol_without_a_usual_port_is_refused_and_opens_every_port_only_when_told() -> None:
    said = "from: a, to: b, protocol: [modbus, unknown]"
    book = rules(said)
    assert not book.rules
    assert [str(refused) for refused in book.refused] == [
        "m.yaml:5: permission p: no usual port is known for modbus, unknown, so name its port"
    ]
    wide = rules(said, any_port=True)
    assert wide.rules[0].services == (Service("tcp", ()), Service("udp", ()))
    assert any("opens every port" in str(told) for told in wide.told)


def test_what_a_firewall_cannot_check_is_told() -> None:
    said = "protocol: modbus, port: 502, functions: read-coils, units: 1, coils: 0-5"
    book = rules(f"from: a, to: b, {said}")
    assert of_permission(book) == [
        "m.yaml:5: permission p: the firewall cannot check protocol, functions, units and registers; "
        "otmon does"
    ]
    assert book.rules[0].unchecked == ("protocol", "functions", "units", "registers")
    assert not of_permission(rules("from: a, to: b, protocol: any, transport: tcp, port: 5"))


def test_the_usual_port_is_told_where_the_permission_names_none() -> None:
    told = of_permission(rules("from: a, to: b, protocol: modbus, transport: tcp"))
    assert told[0] == (
        "m.yaml:5: permission p names no port: the rule has the usual ones of its protocols, tcp 502"
    )


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("from: a, to: b, protocol: profinet, transport: ethernet", "is below IP"),
        ("from: a, to: b, protocol: goose", "is below IP"),
        ("from: '00:80:f4:00:00:01', to: b, protocol: modbus", "names 00:80:f4:00:00:01"),
        ("from: a, to: b, protocol: any, transport: icmp, port: 8", "of a transport that has none"),
    ],
)
def test_what_no_rule_can_say_is_told_and_not_widened(said: str, why: str) -> None:
    book = rules(said, any_port=True)
    assert not book.rules
    assert any(why in str(told) for told in book.told)


def test_members_without_an_address_are_told() -> None:
    told = [*map(str, rules("from: a, to: b, protocol: any").told)]
    assert any("member 00:80:f4:00:00:01 has no address" in one for one in told)
    assert any("member VLAN 5 has no address" in one for one in told)
    assert any("10.9.0.0/24 is meant in one VLAN only" in one for one in told)


def test_the_whole_model_has_what_goes_on_inside_zones() -> None:
    built = model("from: a, to: b, protocol: any")
    assert [(r.kind, r.id) for r in model_rules(index(built), False).rules] == [
        ("zone", "a"), ("zone", "b"), ("permission", "p"),
    ]  # fmt: skip


def test_ip_numbers_that_are_called_by_name_open_nothing() -> None:
    book = rules("from: a, to: b, protocol: any, transport: ip-6")
    assert not book.rules


@dataclass(frozen=True, slots=True)
class Limited(Permission):
    """A permission of a model that knows more than this export."""

    opening_hours: str = ""


@dataclass(frozen=True, slots=True)
class Role(Endpoint):
    role: str = ""


@dataclass(frozen=True, slots=True)
class Nested(Zone):
    parent: str = ""


def values(thing: object) -> dict[str, Any]:
    return {field.name: getattr(thing, field.name) for field in fields(thing)}  # type: ignore[arg-type]


def test_what_the_export_has_never_heard_of_is_told_and_never_widens() -> None:
    built = model("from: a, to: b, protocol: any, transport: tcp, port: 5")
    border = built.boundaries[0]
    one = border.permissions[0]
    hours = replace(border, permissions=(Limited(**values(one), opening_hours="9-17"),))
    book = boundary_rules(index(built), [hours], any_port=False)
    assert any("the firewall cannot check opening hours; otmon does" in str(told) for told in book.told)
    end = replace(border, permissions=(replace(one, clients=(Role("a", None, role="hmi"),)),))
    book = boundary_rules(index(built), [end], any_port=False)
    assert not book.rules
    assert any("tells its end by role" in str(told) for told in book.told)
    nested = replace(built, zones=(Nested(**values(built.zones[0]), parent="x"), built.zones[1]))
    book = boundary_rules(index(nested), [border], any_port=False)
    assert "m.yaml:2: zone a: the rules do not follow its parent; otmon does" in map(str, book.told)


def test_what_a_baseline_holds_is_in_no_rule_and_told() -> None:
    built = facts.model("zones: [{id: z, importance: low, members: 10.1.0.0/24, inside: baseline}]")
    book = model_rules(index(built), False)
    assert book.rules == ()
    assert tuple(map(str, book.told)) == (
        "m.yaml:1: zone z: what its baseline holds is in no rule; otmon judges it",
    )


def test_what_has_run_out_has_no_rule_and_it_is_said() -> None:
    built = facts.model("""
        timezone: Asia/Tokyo
        zones:
        - {id: a, importance: 大, members: 10.1.0.0/24}
        - {id: b, importance: 小, members: 10.2.0.0/24}
        boundaries:
        - id: x
          between: [a, b]
          allow: [{id: old, from: b, protocol: tls, port: 443, expires: 2020-01-01}]
    """)
    for day, count in (("2020-01-01", 1), ("2020-01-02", 0)):
        for book in (
            boundary_rules(index(built), built.boundaries, False, date.fromisoformat(day)),
            model_rules(index(built), False, date.fromisoformat(day)),
        ):
            assert [rule.id for rule in book.rules].count("old") == count
            said = "permission old ran out on 2020-01-01, so there is no rule for it"
            assert any(said in str(one) for one in book.told) == (count == 0)
    assert len(boundary_rules(index(built), built.boundaries, False).rules) == 1
