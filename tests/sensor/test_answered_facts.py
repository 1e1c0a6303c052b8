"""What was answered is there whole, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from otmon.engine import replay
from otmon.ledger.ledger import EMPTY, Ledger
from otmon.ledger.merge import merge_all
from otmon.sensor.answered_facts import answered
from tests.sensor.running import ROOT

DAYS = ("factory-day", "body-line-day", "two-factories-day", "water-works-day")


@pytest.fixture(scope="module", name="days")
def days_fixture() -> Ledger:
    return replay([str(ROOT / "pcaps" / f"{day}.pcapng") for day in DAYS]).ledger


def test_conversations_are_those_in_which_both_spoke_with_all_that_was_said(days: Ledger) -> None:
    part = answered(days)
    assert part.conversations == tuple(one for one in days.conversations if one.answered)
    assert 0 < len(part.conversations) < len(days.conversations)
    talks = {(one.client, one.server, one.port) for one in part.conversations}
    for kind in ("operations", "written", "anomalies", "credentials", "names"):
        said, every = getattr(part, kind), getattr(days, kind)
        assert said == tuple(one for one in every if (one.client, one.server, one.port) in talks)
        assert said or not every
    hosts = {end for one in part.conversations for end in (one.client, one.server)}
    assert {one.address for one in part.assets} - hosts <= {""} | {
        one.address for one in days.assets if one.mac in hosts
    }
    assert len(part.assets) < len(days.assets) and part.claims
    assert (part.sources, part.overflow) == (days.sources, days.overflow)
    assert merge_all([part]) == part, "a ledger as any other"


def test_forged_senders_are_left_out(days: Ledger) -> None:
    talk, sender = days.conversations[0], days.assets[0]
    forged = [f"172.16.0.{n}" for n in range(200)]
    flood = merge_all([
        days,
        replace(
            EMPTY,
            conversations=tuple(replace(talk, client=one, answered=False) for one in forged),
            assets=tuple(replace(sender, address=one, mac=f"02:00:00:00:00:{n:02x}")
                         for n, one in enumerate(forged)),
        ),
    ])  # fmt: skip
    assert len(flood.conversations) == len(days.conversations) + 200
    assert answered(flood) == answered(days)


def test_of_nothing_there_is_nothing() -> None:
    assert answered(EMPTY) == EMPTY
