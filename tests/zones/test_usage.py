from __future__ import annotations

from otmon.zones.place import index
from otmon.zones.usage import FEW, unseen_zones, usage
from tests.detect.plant import HMI, PLANT, PLC, ledger_of
from tests.zones.facts import asset, conversation, operation


def test_who_used_a_permission_and_which_nobody_used() -> None:
    facts = conversation(HMI, PLC), operation(HMI, PLC, 3, 0, 9), operation(HMI, PLC, 6, 1, 1)
    reads, web = usage(index(PLANT), ledger_of(*facts))
    assert (reads.permission.id, reads.conversations, reads.operations) == ("reads", 1, 1)
    assert (reads.clients, reads.servers, reads.unused) == ((HMI,), (PLC,), False)
    assert web.unused and web.clients == ()


def test_a_permission_for_a_zone_that_few_hosts_used_is_wider_than_needed() -> None:
    few = [conversation(HMI, f"10.2.0.{n}") for n in range(1, FEW + 1)]
    many = [*few, conversation(HMI, "10.2.0.99")]
    assert [usage(index(PLANT), ledger_of(*facts))[0].wider for facts in (few, many)] == [("to",), ()]


def test_zones_of_which_nothing_was_seen() -> None:
    assert unseen_zones(index(PLANT), ledger_of(asset("00:00:00:00:00:01", PLC))) == ("control", "office")
