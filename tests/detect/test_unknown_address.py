from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from scapy.layers.dhcp import BOOTP, DHCP
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether

from otmon.detect.rules.load import shipped_rules
from otmon.lab.frames import SECOND_NS, Packet
from tests.detect import captures
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


PHONE, LAPTOP = "da:a1:19:12:34:56", "f0:18:98:12:34:56"


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "169.254.7.7", "fe80::d8a1:19ff:fe12:3456"])
def test_a_phone_without_an_address_is_there_all_the_same(address: str) -> None:
    (one,) = found(RULE, asset(PHONE, address, packets=3))
    assert (one.key, one.severity, one.count) == (("addressless", PHONE), "low", 3)
    assert (one.link.client, one.place.from_zone) == (PHONE, "unknown")
    assert keys([one])[:2] == ["addressless", "no-address"]
    assert ("addresses" in keys([one])) == (address not in ("0.0.0.0", "::"))


def test_a_phone_that_asks_for_an_address_in_vain(tmp_path: Path) -> None:
    chaddr = bytes.fromhex(PHONE.replace(":", ""))
    asks = DHCP(options=[("message-type", "discover"), ("hostname", "iPhone"), "end"])
    frame = (
        Ether(src=PHONE, dst="ff:ff:ff:ff:ff:ff")
        / IP(src="0.0.0.0", dst="255.255.255.255")
        / UDP(sport=68, dport=67)
        / BOOTP(op=1, chaddr=chaddr)
        / asks
    )
    packets = [Packet(captures.START_NS + n * SECOND_NS, bytes(frame), "asks") for n in range(2)]
    (one,) = captures.found("", packets, tmp_path)
    assert (one.rule, one.link.client, one.count) == (RULE, PHONE, 2)
    assert "probably" in keys([one])


@pytest.mark.parametrize(
    "facts",
    [
        (asset(LAPTOP, "0.0.0.0"),),
        (asset(PHONE, ""),),
        (asset(PHONE, "0.0.0.0"), asset(PHONE, PC)),
        (asset("52:54:00:12:34:56", "0.0.0.0"),),
    ],
    ids=["vendor", "below-ip", "got-one", "virtual"],
)
def test_others_without_an_address_are_not_told(facts: tuple[Any, ...]) -> None:
    assert found(RULE, *facts) == []


def test_who_is_told_as_unlisted_or_a_stranger_is_told_once() -> None:
    (one,) = found(RULE, asset(PHONE, "0.0.0.0"), asset(PHONE, STRANGER))
    assert one.key == (STRANGER,)
    assert found(RULE, asset(PHONE, "0.0.0.0"), plant=None) == []


def test_very_many_without_an_address_are_one_finding() -> None:
    some = [asset(f"da:a1:19:00:00:{n:02x}", "0.0.0.0") for n in range(SPREAD + 1)]
    assert len(found(RULE, *some[:-1])) == SPREAD
    (one,) = found(RULE, *some)
    assert (one.what.key, one.severity, one.count) == ("addressless-many", "medium", SPREAD + 1)
