from __future__ import annotations

from typing import Any

import pytest

from otmon.detect.rules.load import shipped_rules
from tests.detect.plant import HMI, PC, PLC, STRANGER, WEB, at, found, keys
from tests.zones.facts import asset, conversation, operation

RULE = "unknown-address"
SHOWN, SPREAD = (shipped_rules()[RULE].number(name) for name in ("shown", "spread"))


def test_a_stranger_is_one_finding_with_all_that_it_did() -> None:
    facts = [
        conversation(STRANGER, PLC, evidence=at(2)),
        conversation(HMI, STRANGER, 80, "http", evidence=at(1)),
        operation(STRANGER, PLC, 3, 0, 1),
        asset("00:11:22:33:44:55", STRANGER),
    ]
    (one,) = found(RULE, *facts)
    assert (one.link.client, one.link.server, one.key) == (STRANGER, "", (STRANGER,))
    assert one.count == 20
    assert keys([one]) == [
        *("stranger", "reason.unknown-address", "seen-with", "probably"),
        *("signal.serves-what-it-asks", "signal.asks-industrial", "signal.vendor", "peers", "asked-for"),
    ]
    assert dict(one.why[1].params)["macs"] == "00:11:22:33:44:55"
    assert dict(one.why[-2].params) == {"count": 2, "peers": f"{HMI}, {PLC}", "zones": "control, plc"}


def test_one_that_only_shows_itself_is_found_too() -> None:
    (one,) = found(RULE, asset("00:11:22:33:44:55", STRANGER))
    assert (one.severity, one.count) == ("low", 1)


@pytest.mark.parametrize("address", [HMI, PLC, PC, "", "169.254.1.1", "224.0.0.251", "255.255.255.255", WEB])
def test_members_and_addresses_of_no_host_are_none(address: str) -> None:
    expected = 1 if address == "169.254.1.1" else 0
    assert len(found(RULE, asset("00:11:22:33:44:55", address))) in (0, expected)


@pytest.mark.parametrize(
    ("facts", "severity"),
    [
        ((conversation(STRANGER, PLC),), "high"),
        ((conversation(STRANGER, PLC, answered=False),), "medium"),
        ((conversation(STRANGER, PC),), "medium"),
        ((conversation(STRANGER, PC, answered=False),), "low"),
        ((conversation(STRANGER, PLC), operation(STRANGER, PLC, 6, 0, 1)), "critical"),
        ((conversation(STRANGER, PLC), operation(STRANGER, PLC, 6, 0, 1, status=1)), "high"),
        ((conversation(STRANGER, PC), operation(STRANGER, PC, 6, 0, 1)), "high"),
        ((conversation(PLC, STRANGER), operation(PLC, STRANGER, 6, 0, 1)), "high"),
    ],
)
def test_severity_goes_by_what_it_reached(facts: tuple[object, ...], severity: str) -> None:
    (one,) = found(RULE, *facts)  # type: ignore[arg-type]
    assert one.severity == severity


def test_many_peers_are_counted_and_some_named() -> None:
    (one,) = found(RULE, *(conversation(STRANGER, f"10.2.0.{n}") for n in range(1, 20)))
    peers = dict(one.why[1].params)
    assert peers["count"] == 19
    assert str(peers["peers"]).count(",") == SHOWN - 1


def test_without_a_model_nobody_is_a_stranger() -> None:
    assert found(RULE, conversation(STRANGER, PLC), plant=None) == []


MAC = "00:1c:42:aa:00:99"


def forged(count: int, *more: object) -> list[Any]:
    """One MAC address that writes under so many addresses, and nobody answers."""
    names = [f"192.168.9.{n}" for n in range(1, count + 1)]
    quiet = {"transport": "udp", "answered": False, "packets_to_client": 0}
    talks = [conversation(one, PLC, **quiet) for one in names]
    writes = [operation(one, PLC, 6, 21, 1, transport="udp", evidence=at(7)) for one in names]
    return [*(asset(MAC, one) for one in names), *talks, *writes, *more]


@pytest.mark.parametrize(("senders", "findings"), [(SPREAD, SPREAD), (SPREAD + 1, 1), (200, 1)])
def test_very_many_silent_addresses_of_one_mac_address_are_one_finding(senders: int, findings: int) -> None:
    some = found(RULE, *forged(senders))
    assert len(some) == findings and {one.severity for one in some} == {"critical"}
    if findings == 1:
        (one,) = some
        assert (one.key, one.link.client, one.count) == (("many", MAC), MAC, senders)
        assert keys(some) == ["strangers", "addresses-more", "peers", "asked-for"]
        assert dict(one.what.params) == {"mac": MAC, "count": senders}
        assert (one.place.to_zone, one.evidence[-1]) == ("plc", at(7))


def test_who_is_answered_is_told_by_itself_and_so_is_who_has_no_mac_address() -> None:
    """Also under the MAC address of the others: it may be a router's, or the same laptop's."""
    true = asset(MAC, STRANGER), conversation(STRANGER, PLC), operation(STRANGER, PLC, 6, 21, 1)
    later = conversation("192.168.9.5", PLC), asset("02:00:00:00:00:07", "192.168.9.6")
    some = found(RULE, *forged(SPREAD + 4, *true, *later))
    assert {one.key for one in some} == {("many", MAC), (STRANGER,), ("192.168.9.5",), ("192.168.9.6",)}
    (pool,) = [one for one in some if one.key[0] == "many"]
    assert dict(pool.what.params)["count"] == SPREAD + 2
    bare = [conversation(f"192.168.9.{n}", PLC, answered=False) for n in range(40)]
    assert len(found(RULE, *bare)) == 40
