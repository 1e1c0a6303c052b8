"""Passwords that are tried, and programs that log in often."""

from __future__ import annotations

from typing import Any

from otmon.ledger.facts import DAY_NS, MINUTE_NS, Conversation, CredentialSeen
from tests.detect.plant import HMI, OTHER_PLC, PC, PLC, PRINTER, at, found, keys
from tests.zones.facts import conversation

RULE = "password-guessing"


def log_in(times: int, outcome: str = "refused", **more: Any) -> CredentialSeen:
    given: dict[str, Any] = {
        "client": PC, "server": PLC, "transport": "tcp", "port": 21, "protocol": "ftp", "vlan": "",
        "account": "admin", "method": "plain", "entry": "", "kind": "clear", "outcome": outcome,
        "times": times, "first_ns": MINUTE_NS, "last_ns": 2 * MINUTE_NS, "evidence": at(1),
    }  # fmt: skip
    return CredentialSeen(**(given | more))


def sessions(flows: int, size: int = 2_000, **more: Any) -> Conversation:
    given = {"flows": flows, "bytes_to_server": flows * size, "bytes_to_client": flows * size}
    ends = {"first_ns": MINUTE_NS, "last_ns": 2 * MINUTE_NS, "hours": 1}
    return conversation(PC, PLC, 22, **({"protocol": "ssh"} | given | ends | more))


TALK = conversation(PC, PLC, 21, "ftp")


def test_refused_log_ins_of_one_client_are_one_finding() -> None:
    (one,) = found(RULE, TALK, log_in(40), log_in(20, account="root"))
    assert (one.severity, one.count, one.link.server, one.link.port) == ("high", 60, PLC, 21)
    assert keys([one]) == ["guessing", "guessing-rate", "guessing-accounts"]
    assert dict(one.why[1].params)["items"] == "admin, root"
    assert [one.severity for one in found(RULE, log_in(60), plant=None)] == ["high"]


def test_who_is_let_in_as_well_is_graver_and_only_afterwards() -> None:
    (one,) = found(RULE, TALK, log_in(60), log_in(1, "accepted", account="op"))
    assert (one.severity, one.why[-1].key) == ("critical", "guessing-let-in")
    assert dict(one.why[-1].params)["items"] == f"op@{PLC}"
    (one,) = found(RULE, TALK, log_in(60), log_in(1, "accepted", first_ns=1, last_ns=2))
    assert one.severity == "high"


def test_several_servers_are_one_finding_of_the_client() -> None:
    servers = [f"10.2.0.{n}" for n in range(1, 6)]
    slow = {"last_ns": 9 * DAY_NS}
    talks = [conversation(PC, server, 21, "ftp") for server in servers]
    (one,) = found(RULE, *talks, *[log_in(4, server=server, **slow) for server in servers])
    assert (one.link.server, one.place.to_zone, one.why[-1].key) == ("", "plc", "guessing-servers")
    assert found(RULE, *[log_in(4, server=server, **slow) for server in servers[1:]]) == []


def test_few_slow_and_usual_ones_are_none() -> None:
    assert found(RULE, log_in(19)) == []
    assert found(RULE, log_in(1440, last_ns=DAY_NS)) == []
    assert found(RULE, log_in(60, "accepted")) == found(RULE, log_in(60, "attempted")) == []
    assert found(RULE, log_in(60), baseline=[log_in(3)]) == []
    assert len(found(RULE, log_in(60), baseline=[log_in(3, account="other")])) == 1


def test_short_sessions_of_which_nobody_can_tell() -> None:
    (one,) = found(RULE, sessions(60))
    assert (one.severity, one.what.key) == ("medium", "guessing-sessions")
    assert dict(one.why[0].params)["rate"] == 60
    assert found(RULE, sessions(49)) == found(RULE, sessions(60, size=9_000)) == []
    assert found(RULE, sessions(60, answered=False)) == []
    assert found(RULE, sessions(1440, last_ns=DAY_NS, hours=(1 << 24) - 1)) == []
    assert found(RULE, sessions(60), baseline=[sessions(70)]) == []
    assert len(found(RULE, sessions(60), baseline=[sessions(3)])) == 1
    # Nobody logs in there.
    assert found(RULE, sessions(60, protocol="modbus")) == []


def test_sessions_are_counted_in_the_hours_in_which_there_were_any() -> None:
    # In one hour of the first of two days.
    assert len(found(RULE, sessions(400, last_ns=2 * DAY_NS))) == 1
    assert found(RULE, sessions(400, last_ns=2 * DAY_NS, hours=7)) == []


def test_refusals_that_are_told_are_not_told_again_as_sessions() -> None:
    telnet = sessions(60, protocol="telnet")
    assert [one.what.key for one in found(RULE, telnet, log_in(60, protocol="telnet"))] == ["guessing"]


def test_each_client_and_protocol_is_one() -> None:
    some = log_in(30), log_in(30, client=HMI), log_in(30, server=OTHER_PLC), log_in(30, protocol="http")
    told = found(RULE, *some, log_in(30, client=PRINTER, server=PRINTER))
    assert len(told) == 4
