"""How far a conversation came, and that nobody answered, as findings tell it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from otmon.detect.detector import Case, Message, say
from otmon.detect.once_per_case import once_per_case
from otmon.detect.rules.field import was_answered
from otmon.ledger.facts import UNANSWERED, Conversation, Operation
from otmon.ledger.ledger import ConversationKey, conversation_key
from otmon.zones.data_connections import announced_in, parent_of


def conversation(fact: Conversation) -> Message:
    """Who talks to whom, and in what, where anything was said; else how far it came."""
    ends: dict[str, str | int] = {
        "client": fact.client, "server": fact.server, "transport": fact.transport, "port": fact.port,
    }  # fmt: skip
    if fact.protocol != "none":
        return say("conversation", protocol=fact.protocol, **ends)
    connects = fact.transport == "tcp"
    if (connects and fact.role != "handshake") or (fact.answered and not connects):
        return say("conversation-empty", **ends)
    if fact.answered:
        return say("conversation-silent", **ends)
    return say("conversation-refused" if fact.packets_to_client else "conversation-tried", **ends)


def silence(facts: Iterable[Conversation]) -> Message:
    """That nobody answered, as far as it is so: a TCP reset is an answer of a host that is there."""
    return say("refuses-connections" if any(one.packets_to_client for one in facts) else "unanswered")


@once_per_case
def continued(case: Case) -> frozenset[tuple[str, str, str, int, str]]:
    """The conversations (client, server, transport, port, protocol) whose data came in another one that they
    had agreed on: so they were answered, as TFTP is from a new port."""
    announced = announced_in(case.ledger.claims)
    parents = (parent_of(announced, one) for one in case.ledger.conversations) if announced else ()
    return frozenset(
        (one.client, one.server, one.transport, one.port, one.protocol) for one in parents if one is not None
    )


def answered(case: Case, fact: Conversation) -> bool:
    """As `was_answered`, or in another conversation."""
    about = fact.client, fact.server, fact.transport, fact.port, fact.protocol
    return was_answered(fact) or about in continued(case)


@once_per_case
def heard(case: Case) -> frozenset[ConversationKey]:
    """The conversations of which the capture holds packets of the server."""
    return frozenset(conversation_key(one) for one in case.ledger.conversations if one.packets_to_client)


def unanswered(case: Case, operations: Iterable[Operation]) -> Iterator[Message]:
    """That no request was answered, where that is so: without a packet of the server nobody can tell."""
    asked = list(operations)
    if all(one.status == UNANSWERED for one in asked):
        seen = any(conversation_key(one) in heard(case) for one in asked)
        yield say("unanswered" if seen else "server-unseen")
