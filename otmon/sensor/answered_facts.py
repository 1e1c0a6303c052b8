"""The part of all facts in which somebody answered: what is judged first while a flood fills the ledger.

Forged senders get no answers, and who asks at random gets few: what is left is the plant, as small as it was
before. Each finding in it is one of facts; that others are missing in it is mended when all are judged.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from otmon.ledger.facts import Anomaly, CredentialSeen, NamesAsked, Operation, WrittenValue
from otmon.ledger.ledger import Ledger

_Said = TypeVar("_Said", Operation, WrittenValue, Anomaly, CredentialSeen, NamesAsked)


def answered(ledger: Ledger) -> Ledger:
    """The conversations in which both spoke, what was said in them, and the senders that took part."""
    conversations = tuple([one for one in ledger.conversations if one.answered])
    links = {(one.client, one.server, one.port) for one in conversations}
    hosts = {end for one in conversations for end in (one.client, one.server)}

    def said(facts: tuple[_Said, ...]) -> tuple[_Said, ...]:
        return tuple([one for one in facts if (one.client, one.server, one.port) in links])

    return replace(
        ledger,
        assets=tuple([one for one in ledger.assets if one.address in hosts or one.mac in hosts]),
        conversations=conversations,
        operations=said(ledger.operations),
        written=said(ledger.written),
        anomalies=said(ledger.anomalies),
        credentials=said(ledger.credentials),
        claims=tuple([one for one in ledger.claims if one.address in hosts or one.mac in hosts]),
        names=said(ledger.names),
    )
