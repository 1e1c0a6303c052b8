"""A small plant with an inventory, and who is in it."""

from __future__ import annotations

from otmon.assets.classify import Population, population
from otmon.ledger.facts import Asset, Conversation
from otmon.ledger.ledger import Ledger
from otmon.ledger.merge import collect
from otmon.zones.place import Index, index
from tests.zones.facts import asset, conversation, model

PLC, HMI, PHONE, ROUTER = "28:63:36:05:30:11", "00:01:fc:0b:01:10", "f6:1d:92:c4:08:3b", "00:09:0f:00:00:fe"
PLANT = model(f"""
    version: 1
    assets:
    - {{id: plc-1, name: {{ja: 調合PLC, en: Mixing PLC}}, address: 10.1.0.1, mac: '{PLC}', role: plc,
       vendor: Siemens}}
    - {{id: hmi-1, address: 10.1.0.2, role: hmi, zone: cell}}
    zones:
    - {{id: cell, importance: high, members: 10.1.0.0/24}}
    - {{id: office, importance: low, members: 10.3.0.0/24}}
    - {{id: bus, importance: high, members: [{{vlan: "7"}}, '{ROUTER}']}}
""")
TALKS = (
    conversation("10.1.0.2", "10.1.0.1"),
    conversation("10.1.0.9", "198.51.100.1", 443, "tls"),
    conversation("10.1.0.9", "198.51.100.2", 443, "tls"),
)
SENDERS = (asset(PLC, "10.1.0.1"), asset(HMI, "10.1.0.2"), asset(PHONE, "10.1.0.9", first_ns=3, last_ns=8))


def facts(*senders: Asset, talks: tuple[Conversation, ...] = TALKS) -> Ledger:
    return collect(assets=senders or SENDERS, conversations=talks)


def here(*senders: Asset) -> tuple[Population, Index]:
    """Who is there, and where that is."""
    ledger = facts(*senders)
    return population(ledger, PLANT), index(PLANT, ledger.assets)
