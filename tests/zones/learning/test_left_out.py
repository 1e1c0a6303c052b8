"""Attempts, refusals and what nobody can agree on unseen are left out of a draft, and nothing else."""

from __future__ import annotations

import pytest

from otmon.ledger.facts import OPEN_AT_END, UNANSWERED, Conversation
from otmon.zones.learning.hosts import industrial_ids
from otmon.zones.learning.left_out import REPEATED, LeftOut
from tests.zones.facts import conversation, operation

SERVER, CLIENT = "10.2.0.9", "10.1.0.1"


def unanswered(port: int, protocol: str, packets: int = 1, server: str = SERVER) -> Conversation:
    return conversation(
        CLIENT, server, port, protocol, transport="udp", answered=False, packets_to_server=packets,
        packets_to_client=0,
    )  # fmt: skip


def left_out(*talks: Conversation, scanners: frozenset[str] = frozenset()) -> LeftOut:
    return LeftOut(talks, scanners, industrial_ids())


@pytest.mark.parametrize(
    ("talk", "why"),
    [
        (conversation(CLIENT, SERVER), None),
        (conversation(CLIENT, SERVER, 99, "none"), "silent"),
        (conversation(CLIENT, SERVER, 502, "http", expected="modbus"), "foreign"),
        (conversation(CLIENT, SERVER, 8080, "tls", expected="http"), None),
        (conversation(CLIENT, SERVER, 502, answered=False), "unanswered"),
        (unanswered(514, "syslog", REPEATED - 1), "unanswered"),
        (unanswered(514, "syslog", REPEATED), None),
        (unanswered(162, "snmp", REPEATED), None),
        (unanswered(161, "snmp", REPEATED), "unanswered"),
        (unanswered(2222, "ethernet_ip", REPEATED), None),
        (unanswered(123, "ntp", REPEATED), "unanswered"),
        (unanswered(137, "nbns", server="10.1.0.255"), None),
        (unanswered(9999, "unknown", server="10.1.0.255"), "unanswered"),
        (unanswered(5353, "mdns", server="224.0.0.251"), None),
    ],
)
def test_a_conversation(talk: Conversation, why: str | None) -> None:
    assert left_out(talk).conversation(talk) == why
    assert left_out(talk, scanners=frozenset({CLIENT})).conversation(talk) == "scan"
    assert left_out(talk, scanners=frozenset({SERVER})).conversation(talk) == why


def test_what_is_answered_from_another_port_is_answered() -> None:
    asked, elsewhere = unanswered(69, "tftp"), conversation(CLIENT, SERVER, 50_123, "tftp", transport="udp")
    assert left_out(asked).conversation(asked) == "unanswered"
    assert left_out(asked, elsewhere).conversation(asked) is None
    # Only at a usual port, by the same server, and where that answered.
    other = unanswered(6969, "tftp")
    assert left_out(other, elsewhere).conversation(other) == "unanswered"
    another = conversation(CLIENT, "10.2.0.8", 50_123, "tftp", transport="udp")
    assert left_out(asked, another).conversation(asked) == "unanswered"
    assert left_out(asked, unanswered(50_123, "tftp")).conversation(asked) == "unanswered"


@pytest.mark.parametrize(
    ("status", "why"), [(0, None), (2, "refused"), (UNANSWERED, "no-answer"), (OPEN_AT_END, "open")]
)
def test_a_request(status: int, why: str | None) -> None:
    talk, asked = conversation(CLIENT, SERVER), operation(CLIENT, SERVER, 3, 0, 1, status=status)
    assert left_out(talk).request(asked, talk) == left_out().request(asked, None) == why
    assert left_out(talk, scanners=frozenset({CLIENT})).request(asked, talk) == "scan"
    silent = conversation(CLIENT, SERVER, 99, "none")
    assert left_out(silent).request(asked, silent) == (why or "silent")
