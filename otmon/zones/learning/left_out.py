"""Which facts of a ledger a draft leaves out, and why: attempts, refusals, and what a person must look at."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from otmon.ledger.facts import OPEN_AT_END, UNANSWERED, Conversation, Operation
from otmon.protocols.registry import IDS, PROTOCOLS, code_of
from otmon.protocols.stations import NEVER_ANSWERED
from otmon.zones.learning.hosts import to_group
from otmon.zones.learning.learntfile import Why

REPEATED: Final = 10
"""Packets from which on a stream that nobody answers is one, and no attempt."""
_ONE_WAY: Final = frozenset({"syslog", "erspan", "tzsp"})
"""Protocols without answers that are not industrial: logs, and tunnels in which switches mirror."""
_TRAPS: Final = "snmp", 162
"""What devices send of themselves."""
_CONNECTED: Final = frozenset({"tcp", "sctp"})


class LeftOut:
    """Why a fact is not proposed."""

    def __init__(
        self, conversations: Iterable[Conversation], scanners: frozenset[str], industrial: frozenset[str]
    ) -> None:
        """`conversations` are all that there are; `industrial` are the ids of industrial protocols."""
        self._scanners = scanners
        self._industrial = industrial
        self._answered = frozenset(map(_service, filter(_answers, conversations)))

    def conversation(self, talk: Conversation) -> Why | None:
        why = self._of_talk(talk)
        if (
            why == "unanswered"
            and _service(talk) in self._answered
            and talk.port in _usual_ports(talk.protocol)
        ):
            # By TFTP and PROFINET from a port of the server's choosing.
            return None
        return why

    def request(self, operation: Operation, talk: Conversation | None) -> Why | None:
        """`talk` is the operation's conversation, None where the ledger has none."""
        if operation.client in self._scanners:
            return "scan"
        if operation.status and not _awaits_none(operation):
            return {UNANSWERED: "no-answer", OPEN_AT_END: "open"}.get(operation.status, "refused")  # type: ignore[return-value]
        return None if talk is None else self._of_talk(talk)

    def _of_talk(self, talk: Conversation) -> Why | None:
        if talk.client in self._scanners:
            return "scan"
        if not talk.answered and not to_group(talk.server):
            if _to_network(talk):
                return None
            stream = talk.packets_to_server >= REPEATED and talk.transport not in _CONNECTED
            one_way = talk.protocol in _ONE_WAY or (talk.protocol, talk.port) == _TRAPS
            if not (stream and (one_way or talk.protocol in self._industrial)):
                return "unanswered"
        if talk.transport in _CONNECTED and talk.protocol == "none":
            return "silent"
        if talk.expected in self._industrial and talk.protocol in IDS and talk.protocol != talk.expected:
            return "foreign"
        return None


def _service(talk: Conversation) -> tuple[str, str, str]:
    return talk.client, talk.server, talk.protocol


def _answers(talk: Conversation) -> bool:
    return talk.answered and talk.transport == "udp" and talk.protocol in IDS


def _usual_ports(protocol: str) -> tuple[int, ...]:
    return PROTOCOLS[code_of(protocol) - 1].udp_ports if protocol in IDS else ()


def _awaits_none(operation: Operation) -> bool:
    """Whether nobody answers such a command, and it was not refused."""
    return operation.status in (UNANSWERED, OPEN_AT_END) and (
        operation.service in NEVER_ANSWERED or to_group(operation.server) or _to_network(operation)
    )


def _to_network(fact: Conversation | Operation) -> bool:
    """Whether it goes to the address of a whole network, which nobody answers from."""
    return fact.transport == "udp" and fact.server.endswith(".255") and fact.protocol in IDS
