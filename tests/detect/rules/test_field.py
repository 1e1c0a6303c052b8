"""The fields that conditions may ask for: each is answered for each fact, with and without a model."""

from __future__ import annotations

from typing import Any

import pytest

from otmon.detect.rules.field import FIELDS, Ground, Seen, ground
from otmon.detect.rules.rule import CATEGORIES
from otmon.detect.rules.sample import ledger_of
from otmon.ledger.ledger import Ledger
from otmon.zones.decide import decide, index
from tests.zones.facts import model

ENDS = {"client": "10.1.0.5", "server": "10.2.0.1"}
PLANT = model("""
    version: 1
    zones:
    - {id: control, importance: medium, members: 10.1.0.0/24}
    - {id: plc, importance: high, members: [10.2.0.0/24, {mac: '00:11:22:33:44:55'}]}
    assets:
    - {id: ews, address: 10.1.0.5, role: [hmi, engineering-station]}
    - {id: plc, mac: '00:11:22:33:44:55', role: plc}
""")
FACTS: dict[str, Any] = {
    "conversation": lambda ledger: ledger.conversations[0],
    "operation": lambda ledger: ledger.operations[0],
    "written-value": lambda ledger: ledger.written[0],
    "asset": lambda ledger: ledger.assets[0],
    "anomaly": lambda ledger: ledger.anomalies[0],
    "credential": lambda ledger: ledger.credentials[0],
}
KINDS = {"text": str, "address": str, "number": int, "flag": bool, "texts": tuple}


def ledger() -> Ledger:
    return ledger_of([
        {"operation": ENDS | {"function": "8", "subfunction": "4"}},
        {"written-value": ENDS | {"value": "9"}},
        {"anomaly": ENDS},
        {"credential": ENDS},
        {"asset": {"mac": "00:11:22:33:44:55", "vlan": "7"}},
    ])  # fmt: skip


@pytest.mark.parametrize("category", CATEGORIES)
@pytest.mark.parametrize("with_model", [True, False])
def test_every_field_answers_in_its_kind_or_not_at_all(category: str, with_model: bool) -> None:
    fact = FACTS[category](ledger())
    ready = index(PLANT) if with_model else None
    verdict = decide(ready, ledger().conversations[0]) if ready is not None and category != "asset" else None
    seen = Seen(fact, verdict, Ground(ready))
    for name, field in FIELDS[category].items():
        value = field.get(seen)
        assert value is None or type(value) is KINDS[field.kind], name
        assert field.name == name and field.meaning
        if field.of_fact is not None:
            assert field.of_fact(fact) == field.read(seen), name
        if field.of_verdict is not None and verdict is not None:
            assert (field.of_verdict(verdict) or None) == field.read(seen), name
    told = {name: field.get(seen) for name, field in FIELDS[category].items()}
    if category == "asset":
        wanted: dict[str, Any] = {"zone": "plc", "importance": "high", "roles": ("plc",), "address": None}
    else:
        wanted = {
            "from_zone": "control", "to_importance": "high", "outcome": "denied", "boundary": None,
            "client_roles": ("engineering-station", "hmi"), "server_roles": None,
        }  # fmt: skip
    wanted = wanted if with_model else dict.fromkeys(wanted)
    assert {name: told[name] for name in wanted} == wanted


def test_what_a_fact_does_not_have_is_null() -> None:
    operation = ledger_of([{"operation": dict(ENDS)}]).operations[0]
    seen = Seen(operation, None, Ground(None))
    told = {name: FIELDS["operation"][name].get(seen) for name in ("subfunction", "address", "count", "vlan")}
    assert told == dict.fromkeys(told)
    assert FIELDS["operation"]["status"].get(seen) == 0


def test_a_server_has_the_names_by_which_it_is_asked_for_and_those_that_it_says() -> None:
    told = ledger_of([
        {"claim": {"address": "10.2.0.1", "kind": "called", "value": "NAS.example", "protocol": "tls"}},
        {"claim": {"address": "10.2.0.1", "kind": "name", "value": "nas", "protocol": "smb"}},
        {"claim": {"address": "10.2.0.1", "kind": "model", "value": "x1", "protocol": "snmp"}},
        {"claim": {"mac": "00:11:22:33:44:55", "kind": "name", "value": "lost", "protocol": "lldp"}},
        {"conversation": {"client": "10.3.0.1", "server": "10.2.0.1"}},
        {"conversation": {"client": "10.2.0.1", "server": "10.3.0.1"}},
    ])  # fmt: skip
    known = ground(None, told.claims)
    names = {
        talk.server: FIELDS["conversation"]["server_names"].get(Seen(talk, None, known))
        for talk in told.conversations
    }
    assert names == {"10.2.0.1": ("nas", "nas.example"), "10.3.0.1": None}


def test_what_a_client_reached_is_told_of_its_conversations_with_proxies() -> None:
    told = ledger_of([
        {"claim": {"address": "10.3.0.8", "kind": "capability", "value": "proxy", "protocol": "http"}},
        {"claim": {"address": "10.2.0.1", "kind": "reaches", "value": "Anydesk.com", "protocol": "http"}},
        {"claim": {"address": "10.2.0.1", "kind": "reaches", "value": "a.example", "protocol": "http"}},
        {"conversation": {"client": "10.2.0.1", "server": "10.3.0.8", "protocol": "http", "port": "3128"}},
        {"conversation": {"client": "10.2.0.1", "server": "10.3.0.8", "protocol": "ssh", "port": "22"}},
        {"conversation": {"client": "10.2.0.1", "server": "10.3.0.9", "protocol": "http", "port": "80"}},
        {"conversation": {"client": "10.2.0.2", "server": "10.3.0.8", "protocol": "http", "port": "3128"}},
    ])  # fmt: skip
    known = ground(None, told.claims)
    seen = [Seen(talk, None, known) for talk in told.conversations]
    found = {one.fact.port: one.domains_by_proxy() for one in seen if one.domains_by_proxy()}
    assert found == {3128: ("a.example", "anydesk.com")}
    (one,) = (one for one in seen if one.domains_by_proxy())
    assert FIELDS["conversation"]["domains_by_proxy"].get(one.knowing((), ("a.example",))) == ("a.example",)
    assert FIELDS["conversation"]["domains_by_proxy"].get(one.knowing(("x",), ())) is None
    assert FIELDS["conversation"]["server_names"].get(one.knowing(("x",), ())) == ("x",)
