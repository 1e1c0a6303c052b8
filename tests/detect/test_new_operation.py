from __future__ import annotations

import pytest

from otmon.detect.rules.load import shipped_rules
from otmon.zones.model import Model
from tests.detect.plant import HMI, OTHER_PLC, PC, PLC, PRINTER, WEB, Fact, at, found, keys
from tests.zones.facts import asset, conversation, model, operation

RULE = "new-operation"
SPREAD = shipped_rules()[RULE].number("spread")
SEEN = HMI, PLC, OTHER_PLC, PC, PRINTER
HOSTS = tuple(asset(f"02:00:00:00:00:{n:02x}", one) for n, one in enumerate(SEEN))
BEFORE: tuple[Fact, ...] = (
    *HOSTS,
    conversation(HMI, PLC),
    operation(HMI, PLC, 3, 0, 10), operation(HMI, PLC, 3, 10, 10), operation(HMI, PLC, 6, 20, 1),
    conversation(PC, PRINTER, 49_200, "dce_rpc"),
)  # fmt: skip


def new(*facts: Fact, plant: Model | None = None) -> list[str]:
    return [
        f"{one.severity} {' '.join(keys([one])[1:])}"
        for one in found(RULE, *HOSTS, *facts, plant=plant, baseline=BEFORE)
    ]


@pytest.mark.parametrize(
    ("fact", "told"),
    [
        (operation(HMI, PLC, 16, 20, 1), ["high new-functions"]),
        (operation(HMI, PLC, 16, 20, 1, status=2), ["low new-functions"]),
        (operation(HMI, PLC, 4, 0, 1), ["low new-functions"]),
        (operation(HMI, PLC, 43, subfunction=14), ["low new-functions"]),
        (operation(HMI, PLC, 6, 21, 1), ["high new-elements"]),
        (operation(HMI, PLC, 3, 15, 6), ["low new-elements"]),
        (operation(HMI, PLC, 3, 0, 10, unit=2), ["low new-elements"]),
        (operation(HMI, PLC, 3, 5, 10), []),
        (operation(HMI, PLC, 3, 19, 1, status=2), []),
        (operation(HMI, PLC, 6, -1, -1, status=-1), []),
    ],
)
def test_functions_and_elements_that_were_never_asked_for_are_new(fact: Fact, told: list[str]) -> None:
    assert new(conversation(HMI, PLC), fact) == told


@pytest.mark.parametrize(
    ("fact", "told"),
    [
        (conversation(HMI, PLC, 80, "http"), ["low new-conversations"]),
        (conversation(HMI, PLC, 502, "http"), ["low new-conversations"]),
        (conversation(HMI, OTHER_PLC), ["low new-conversations"]),
        (
            conversation(HMI, OTHER_PLC, protocol="none", answered=False, packets_to_client=0),
            ["info new-conversations unanswered"],
        ),
        (conversation(HMI, OTHER_PLC, answered=False), ["info new-conversations refuses-connections"]),
        (conversation(PLC, HMI), ["low new-conversations"]),
        (conversation(PLC, HMI, role="first packet"), []),
        (conversation(HMI, PLC, 502, "none"), []),
        (conversation(HMI, PLC, 502, "unknown"), []),
        (conversation(HMI, PLC, 502, vlan="7"), []),
        (conversation(PC, PRINTER, 51_000, "dce_rpc"), []),
        (conversation(PC, PRINTER, 445, "smb"), ["low new-conversations"]),
        (conversation(HMI, WEB, 443, "tls"), []),
        (conversation(HMI, "239.0.0.1", 5353, "mdns", transport="udp"), []),
        (
            conversation(HMI, "10.2.0.200", protocol="none", answered=False, packets_to_client=0),
            ["info new-conversations unanswered"],
        ),
    ],
)
def test_conversations_that_were_never_held_are_new(fact: Fact, told: list[str]) -> None:
    assert new(fact) == told


def test_a_mac_address_that_is_known_is_a_host_and_a_group_is_none() -> None:
    one, two = "02:00:00:00:00:00", "02:00:00:00:00:01"
    shown = conversation(one, two, 0x8892, "profinet", transport="ethernet")
    assert new(shown) == ["low new-conversations"]
    assert new(conversation(one, "01:0e:cf:00:00:00", 0x8892, "profinet", transport="ethernet")) == []


def test_all_that_is_new_between_two_is_one_finding() -> None:
    facts = (
        conversation(HMI, PLC), conversation(HMI, PLC, 80, "http", packets_to_server=7, packets_to_client=1),
        operation(HMI, PLC, 6, 21, 1, evidence=at(4)), operation(HMI, PLC, 5, 0, 1, evidence=at(3)),
    )  # fmt: skip
    (one,) = found(RULE, *HOSTS, *facts, plant=None, baseline=BEFORE)
    assert keys([one]) == ["new-ways", "new-conversations", "new-functions", "new-elements"]
    assert (one.count, one.unit, one.key) == (8, "packets", ("one", HMI, PLC))
    assert set(one.evidence) >= {at(3), at(4)}


def test_the_unseen_request_and_the_baseline_itself_are_not_new() -> None:
    assert found(RULE, *BEFORE, plant=None, baseline=BEFORE) == []
    assert found(RULE, operation(HMI, PLC, 5, 0, 1), plant=None) == []


def test_new_devices_and_new_masters_are_told_as_such() -> None:
    newcomer = asset("02:00:00:00:00:77", "10.1.0.77")
    assert new(newcomer, conversation("10.1.0.77", PLC), operation("10.1.0.77", PLC, 3, 0, 1)) == []
    assert new(conversation(PC, PLC), operation(PC, PLC, 6, 0, 1), operation(PC, PLC, 3, 0, 1)) == []
    # Nobody commanded the other controller before.
    assert new(operation(PC, OTHER_PLC, 6, 0, 1)) == ["high new-functions"]


def test_what_was_agreed_weighs_less_and_what_is_denied_is_told_elsewhere() -> None:
    plant = model("""
        version: 1
        zones:
        - {id: control, importance: high, members: 10.1.0.0/24}
        - {id: plc, importance: high, members: 10.2.0.0/24}
        boundaries:
        - id: control-plc
          between: [control, plc]
          allow: [{id: all, from: 10.1.0.5, to: plc, protocol: modbus}]
    """)
    assert new(conversation(HMI, PLC), operation(HMI, PLC, 5, 0, 1), plant=plant) == ["low new-functions"]
    assert new(conversation(HMI, PLC), operation(HMI, PLC, 4, 0, 1), plant=plant) == ["info new-functions"]
    assert new(conversation(HMI, PLC, 80, "http"), plant=plant) == []


@pytest.mark.parametrize(("servers", "findings"), [(SPREAD, SPREAD), (SPREAD + 1, 1)])
def test_a_client_that_does_it_with_very_many_is_one_finding(servers: int, findings: int) -> None:
    hosts = [asset(f"02:00:00:00:02:{n:02x}", f"10.2.0.{100 + n}") for n in range(servers)]
    facts = [conversation(PC, one.address) for one in hosts]
    told = found(RULE, *HOSTS, *hosts, *facts, plant=None, baseline=(*BEFORE, *hosts))
    assert len(told) == findings
    assert (told[0].key == ("many", PC)) == (servers > SPREAD)
    assert sum(one.count for one in told) == 10 * servers
